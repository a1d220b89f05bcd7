/*
 * A list of what differs, that cannot rot: a line that does not apply any
 * more is found as well as one that is missing.
 */

#include <criterion/criterion.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "tests/redis/excuses.h"

#define EXCUSES_MAX	128

static struct excuse {
	char	 line[512];
	char	*column[4];
	bool	 is_used;
} excuses[EXCUSES_MAX];
static size_t n_excuses;

static bool
split(struct excuse *e)
{
	char *rest = e->line;
	size_t i;

	e->line[strcspn(e->line, "\n")] = '\0';
	for (i = 0; i < 4; i++) {
		e->column[i] = strsep(&rest, "\t");
		if (e->column[i] == NULL || *e->column[i] == '\0')
			return false;
		while (rest != NULL && *rest == '\t')
			rest++;
	}
	return rest == NULL;
}

void
excuses_load(const char *path)
{
	FILE *f = fopen(path, "r");
	struct excuse *e = excuses;

	cr_assert_not_null(f, "%s is missing", path);
	while (fgets(e->line, sizeof(e->line), f) != NULL) {
		if (e->line[0] == '#' || e->line[0] == '\n')
			continue;
		cr_assert(split(e), "%s: not four columns: %s", path, e->line);
		cr_assert_lt((size_t)(e - excuses), EXCUSES_MAX - 1);
		e++;
	}
	n_excuses = (size_t)(e - excuses);
	fclose(f);
}

bool
excuses_have(const char *command, const char *redis, const char *kvd)
{
	const char *texts[] = { command, redis, kvd };
	size_t i, j;

	for (i = 0; i < n_excuses; i++) {
		for (j = 0; j < 3; j++)
			if (fnmatch(excuses[i].column[j], texts[j],
			    FNM_NOESCAPE) != 0)
				break;
		if (j == 3)
			return excuses[i].is_used = true;
	}
	return false;
}

const char *
excuses_unused(void)
{
	size_t i;

	for (i = 0; i < n_excuses; i++)
		if (!excuses[i].is_used)
			return excuses[i].column[0];
	return NULL;
}
