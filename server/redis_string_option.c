/*
 * The options of SET and GETEX.
 */

#include "server/redis_string.h"

struct option {
	const char	*name;
	unsigned	 flag;
	unsigned	 not_with;
};

/* An option may be said twice; the last word about the time counts. */
#define TIME(flag) \
	{ #flag, STRING_##flag, STRING_KEEPTTL | STRING_PERSIST | \
	    (STRING_TIMES & ~(unsigned)STRING_##flag) }

static const struct option options[] = {
	{ "NX", STRING_NX, STRING_XX },
	{ "XX", STRING_XX, STRING_NX },
	{ "GET", STRING_GET, 0 },
	{ "KEEPTTL", STRING_KEEPTTL, STRING_TIMES },
	{ "PERSIST", STRING_PERSIST, STRING_TIMES },
	TIME(EX), TIME(PX), TIME(EXAT), TIME(PXAT)
};

static const struct option *
find(struct slice word, unsigned allowed)
{
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if ((options[i].flag & allowed) != 0 &&
		    redis_is(word, options[i].name))
			return &options[i];
	return NULL;
}

bool
string_options(struct call *call, size_t word, unsigned allowed,
    struct string_options *chosen)
{
	const struct request *req = call->req;
	const struct option *option;
	bool timed;

	chosen->flags = 0;
	for (; word < req->argc; word++) {
		option = find(req->argv[word], allowed);
		timed = option != NULL && (option->flag & STRING_TIMES) != 0;
		if (option == NULL || (option->not_with & chosen->flags) !=
		    0 || (timed && word + 1 == req->argc)) {
			redis_syntax_error(call);
			return false;
		}
		chosen->flags |= option->flag;
		if (timed)
			chosen->time = req->argv[++word];
	}
	return true;
}

/* Before 1970 is no time, as little as in zero seconds. */
bool
string_expiry(struct call *call, const struct string_options *chosen,
    uint64_t *expires_ms)
{
	const struct redis_clock clock = {
		.seconds = (chosen->flags & (STRING_EX | STRING_EXAT)) != 0,
		.absolute = (chosen->flags & (STRING_EXAT | STRING_PXAT)) != 0
	};
	int64_t number, ms;

	*expires_ms = 0;
	if ((chosen->flags & STRING_TIMES) == 0)
		return true;
	if (!redis_integer(call, chosen->time, &number))
		return false;
	if (number <= 0) {
		redis_invalid_time(call);
		return false;
	}
	if (!redis_time(call, chosen->time, clock, &ms))
		return false;
	*expires_ms = (uint64_t)ms;
	return true;
}
