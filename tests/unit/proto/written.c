#include "tests/unit/proto/written.h"

#include <criterion/criterion.h>

struct outbuf out;

void
written_begin(void)
{
	outbuf_init(&out);
}

void
written_end(void)
{
	outbuf_free(&out);
}

void
written_is(const char *bytes, size_t len)
{
	const char *got = (const char *)out.data + out.head;

	cr_assert_eq(outbuf_len(&out), len, "%zu bytes, not %zu: '%.*s'",
	    outbuf_len(&out), len, (int)outbuf_len(&out), got);
	cr_assert_arr_eq(got, bytes, len, "'%.*s'", (int)len, got);
	outbuf_drain(&out, len, 4096);
}
