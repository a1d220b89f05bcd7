#include "tests/unit/proto/frames.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/copy.h"

#define VERSION		"\1\0" "\0\0"
#define TABLE		"\7\6\5\4\3\2\1\0" "\xef\xcd\xab\x89\x67\x45\x23\x01"
#define NOTHING		"\0\0\0\0" "\0\0\0\0"
#define THE_TABLE	{ 0x0001020304050607, 0x0123456789abcdef }

const struct vector vectors[] = {
	{ "request",
	    BYTES("\x1a\0\0\0" "\4\3\2\1" "\1\1\0\0" VERSION TABLE
	    "\x78\x56\x34\x12" "\xe8\3\0\0"
	    "\3\0\0\0" "\3\0\0\0" "GET" "\1\0\0\0" "b"
	    "\6\0\0\0" "k \r\n\0\xff"),
	    { FRAME_REQUEST, FRAME_TEXT, 0, 0x01020304, THE_TABLE, 0x12345678,
	    1000, 0, { NULL, 26 } }, 3,
	    { { BYTES("GET") }, { BYTES("b") }, { BYTES("k \r\n\0\xff") } } },
	{ "request for a piece of a list, passed on once, to the node itself",
	    BYTES("\x17\0\0\0" "\xff\xff\xff\xff" "\1\3\1\0" VERSION TABLE
	    "\xff\xff\xff\xff" "\0\0\0\0"
	    "\x88\x77\x66\x55\x44\x33\x22\x11"
	    "\1\0\0\0" "\7\0\0\0" "BUCKETS"),
	    { FRAME_REQUEST, FRAME_TEXT | FRAME_PLACE, 1, UINT32_MAX,
	    THE_TABLE, FRAME_NO_SHARD, 0, 0x1122334455667788, { NULL, 15 } },
	    1, { { BYTES("BUCKETS") } } },
	{ "request with empty words",
	    BYTES("\x10\0\0\0" "\1\0\0\0" "\1\1\0\0" VERSION TABLE NOTHING
	    "\3\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0"),
	    { FRAME_REQUEST, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 16 } }, 3,
	    { { BYTES("") }, { BYTES("") }, { BYTES("") } } },
	{ "reply",
	    BYTES("\7\0\0\0" "\1\0\0\0" "\2\1\0\0" VERSION TABLE NOTHING
	    "1\r\nOK\r\n"),
	    { FRAME_REPLY, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 7 } },
	    0, { { NULL, 0 } } },
	{ "reply that is empty",
	    BYTES("\0\0\0\0" "\1\0\0\0" "\2\1\0\0" VERSION TABLE NOTHING),
	    { FRAME_REPLY, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 0 } },
	    0, { { NULL, 0 } } },
	{ "reply that counts as an error",
	    BYTES("\x09\0\0\0" "\1\0\0\0" "\2\5\0\0" VERSION TABLE NOTHING
	    "ERROR x\r\n"),
	    { FRAME_REPLY, FRAME_TEXT | FRAME_FAILED, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 9 } }, 0, { { NULL, 0 } } },
	{ "reply with a piece of a list",
	    BYTES("\x0b\0\0\0" "\1\0\0\0" "\2\3\0\0" VERSION TABLE NOTHING
	    "\1\0\0\0\0\0\0\x80" "a\r\n"),
	    { FRAME_REPLY, FRAME_TEXT | FRAME_PLACE, 0, 1, THE_TABLE, 0, 0,
	    0x8000000000000001, { NULL, 3 } }, 0, { { NULL, 0 } } },
	{ "reply with an empty last piece",
	    BYTES("\x08\0\0\0" "\1\0\0\0" "\2\3\0\0" VERSION TABLE NOTHING
	    "\0\0\0\0\0\0\0\0"),
	    { FRAME_REPLY, FRAME_TEXT | FRAME_PLACE, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 0 } }, 0, { { NULL, 0 } } },
	{ "event",
	    BYTES("\x0d\0\0\0" "\1\0\0\0" "\3\1\0\0" VERSION TABLE NOTHING
	    "key DELETED\r\n"),
	    { FRAME_EVENT, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 13 } }, 0, { { NULL, 0 } } },
	{ "not mine",
	    BYTES("\7\0\0\0" "\1\0\0\0" "\4\0\0\0" VERSION TABLE NOTHING
	    "node-b."),
	    { FRAME_NOT_MINE, 0, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 7 } }, 0,
	    { { NULL, 0 } } },
	{ "refused",
	    BYTES("\x09\0\0\0" "\1\0\0\0" "\5\0\0\0" VERSION TABLE NOTHING
	    "too late~"),
	    { FRAME_REFUSED, 0, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 9 } }, 0,
	    { { NULL, 0 } } },
	{ "cancel",
	    BYTES("\0\0\0\0" "\1\0\0\0" "\6\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_CANCEL, 0, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } },
	{ "ping",
	    BYTES("\0\0\0\0" "\2\0\0\0" "\7\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_PING, 0, 0, 2, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } },
	{ "pong",
	    BYTES("\0\0\0\0" "\2\0\0\0" "\x08\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_PONG, 0, 0, 2, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } },
	{ "bye",
	    BYTES("\0\0\0\0" "\0\0\0\0" "\x09\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_BYE, 0, 0, 0, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } }
};

struct request request;

enum frame_status
parse(const uint8_t *bytes, size_t len, size_t payload_max,
    const char **reason)
{
	uint8_t *buf = copy_of(bytes, len);
	enum frame_status status;
	struct frame frame;
	size_t used;

	*reason = "none";
	status = frame_parse(buf, len, payload_max, &frame, reason, &used);
	if (status == FRAME_OK) {
		cr_assert(used >= FRAME_HEADER_LEN && used <= len);
		if (frame.op == FRAME_REQUEST &&
		    !frame_words(&frame, &request, reason))
			status = FRAME_BAD;
	} else {
		cr_assert_eq(used, 0);
	}
	free(buf);
	return status;
}
