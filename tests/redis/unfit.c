/* What would end a comparison of two servers, or tell them apart by time. */

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/redis/draw.h"
#include "tests/redis/unfit.h"

static bool
is_near(long long n, long long to, long long by)
{
	return n > to - by && n < to + by;
}

static long long
number_at(const struct words *w, size_t i)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*s", i < w->n ? (int)w->len[i] : 0,
	    w->bytes + w->at[i]);
	return atoll(text);
}

bool
unfit_is_fatal(const struct words *w)
{
	long long n = number_at(w, 2);
	size_t i;

	if (words_is(w, 0, "WAIT"))
		return !words_is(w, 1, "0");
	if (words_is(w, 0, "SETRANGE"))
		return n > 100000 && n < 536870912;
	if (words_is(w, 0, "HRANDFIELD"))
		return n < -10000 && n > LLONG_MIN;
	for (i = 2; i < w->n; i++)
		if ((w->len[i] == 0 ||
			isdigit((unsigned char)w->bytes[w->at[i]])) &&
		    (words_is(w, 1, "KILL") || words_is(w, 1, "PAUSE") ||
			words_is(w, 2, "maxmemory") || words_is(w, 2, "save")))
			return true;
	return false;
}

bool
unfit_is_hasty(const struct words *w)
{
	static const struct {
		const char	*verb;
		size_t		 word;	/* the first that may be a time */
		bool		 is_absolute;
	} timed[] = {
		{ "EXPIRE", 2, false }, { "PEXPIRE", 2, false },
		{ "SETEX", 2, false }, { "PSETEX", 2, false },
		{ "GETEX", 2, false }, { "SET", 3, false },
		{ "EXPIREAT", 2, true }, { "PEXPIREAT", 2, true }
	};
	size_t i, j;
	long long n, now = time(NULL);

	for (i = 0; i < sizeof(timed) / sizeof(timed[0]); i++)
		for (j = timed[i].word; words_is(w, 0, timed[i].verb) &&
		    j < w->n; j++) {
			n = number_at(w, j);
			if ((n > 0 && n < FAR && !timed[i].is_absolute) ||
			    is_near(n, now, 10000) ||
			    is_near(n, now * 1000, FAR))
				return true;
		}
	return false;
}
