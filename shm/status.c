/* Words for statuses, for logs and tests; users get the server's own. */

#include "shm/status.h"

const char *
shm_strstatus(enum shm_status status)
{
	switch (status) {
	case SHM_OK:
		return "ok";
	case SHM_NO_KEY:
		return "no such key";
	case SHM_NO_BUCKET:
		return "no such bucket";
	case SHM_FULL:
		return "out of memory";
	case SHM_BUCKET_NAME_SIZE:
		return "bucket name empty or too long";
	case SHM_KEY_SIZE:
		return "key too long";
	case SHM_VALUE_SIZE:
		return "value too long";
	case SHM_BATCH_SIZE:
		return "batch too large";
	case SHM_NOT_A_BUCKET:
		return "name is that of a string";
	case SHM_NO_ROOM:
		return "buffer too small";
	case SHM_DAMAGED:
		return "shard damaged";
	case SHM_BUSY:
		return "a change is not finished";
	}
	return "unknown status";
}
