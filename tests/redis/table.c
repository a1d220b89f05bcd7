/* Lines of the grammar, and verbs of kvd. */

#include <string.h>
#include <strings.h>

#include "tests/redis/table.h"

const struct line lines[LINES] = {
#define SAY(verb, weight, likeness, words) \
	{ #verb, weight, REPLY_##likeness, words },
#include "tests/redis/grammar.def"
#undef SAY
};

struct verb {
	const char	*name;
	int		 first;
	int		 last;
	int		 step;
	const char	*group;
};

static const struct verb verbs[] = {
#define REDIS(name, handler, arity, kind, first, last, step, group) \
	{ #name, first, last, step, group },
#include "server/redis.def"
#undef REDIS
};

#define VERBS	(sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *
find_verb(struct reply name)
{
	size_t i;

	for (i = 0; i < VERBS; i++)
		if (strlen(verbs[i].name) == name.len &&
		    strncasecmp(verbs[i].name, name.bytes, name.len) == 0)
			return &verbs[i];
	return NULL;
}

bool
table_knows(struct reply verb)
{
	return find_verb(verb) != NULL;
}

enum likeness
table_least_likeness(const char *verb)
{
	enum likeness least = REPLY_SAME;
	size_t i;

	for (i = 0; i < LINES; i++)
		if (strcmp(lines[i].verb, verb) == 0 &&
		    lines[i].likeness > least)
			least = lines[i].likeness;
	return least;
}

size_t
table_next_key(const struct words *w, size_t word)
{
	const struct verb *v = find_verb(words_at(w, 0));
	size_t last;

	if (v == NULL || v->first == 0)
		return 0;
	word = word == 0 ? (size_t)v->first : word + (size_t)v->step;
	last = v->last >= 0 ? (size_t)v->last : w->n - (size_t)-v->last;
	return word <= last && word < w->n ? word : 0;
}

const char *
table_lacks(void)
{
	size_t i, j;

	for (i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].group, "bucket") == 0)
			continue;
		for (j = 0; j < LINES; j++)
			if (strcmp(lines[j].verb, verbs[i].name) == 0)
				break;
		if (j == LINES)
			return verbs[i].name;
	}
	return NULL;
}
