/* The codes of kv.h in words. */

#include "proto/client/kv.h"

const char *
kv_strerror(enum kv_status status)
{
	switch (status) {
	case KV_OK:
		return "ok";
	case KV_NO_KEY:
		return "no such key";
	case KV_NO_BUCKET:
		return "no such bucket";
	case KV_REFUSED:
		return "refused by the server";
	case KV_UNKNOWN_COMMAND:
		return "command unknown to the server";
	case KV_BAD_ARGUMENT:
		return "bad argument";
	case KV_BUSY:
		return "handle is busy with something else";
	case KV_FULL:
		return "pipeline is full";
	case KV_NO_REPLY:
		return "no reply is awaited";
	case KV_UNREACHABLE:
		return "cannot connect";
	case KV_TIMEOUT:
		return "deadline passed";
	case KV_CLOSED:
		return "closed by the server";
	case KV_GARBAGE:
		return "not the kvd protocol";
	case KV_TOO_LONG:
		return "line of a reply too long";
	case KV_NO_MEMORY:
		return "out of memory";
	case KV_SYSTEM:
		return "system call failed";
	case KV_STOPPED:
		return "list stopped by the callback";
	case KV_BROKEN:
		return "handle is unusable";
	case KV_UNAVAILABLE:
		return "node unavailable, nothing done";
	case KV_UNKNOWN:
		return "node lost, perhaps done";
	case KV_PARTIAL:
		return "list not complete";
	case KV_AGAIN:
		return "a change is not finished";
	case KV_STALE:
		return "not the server's data any more";
	case KV_ELSEWHERE:
		return "on another node";
	case KV_DAMAGED:
		return "data damaged";
	}
	return "unknown status";
}
