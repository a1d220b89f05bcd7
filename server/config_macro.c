/* Names and their values; few, so a list will do. */
#include "server/config_macro.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct config_macro {
	SLIST_ENTRY(config_macro) next;
	char	*name;
	char	*value;
	bool	 fixed;
};

bool
config_macro_is_name(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return len > 0 && !isdigit((unsigned char)name[0]);
}

static struct config_macro *
find(const struct config_macros *macros, const char *name, size_t len)
{
	struct config_macro *m;

	SLIST_FOREACH(m, macros, next)
		if (strncmp(m->name, name, len) == 0 && m->name[len] == '\0')
			return m;
	return NULL;
}

static struct config_macro *
add(struct config_macros *macros, const char *name)
{
	struct config_macro *m = calloc(1, sizeof(*m));

	if (m == NULL || (m->name = strdup(name)) == NULL) {
		free(m);
		return NULL;
	}
	SLIST_INSERT_HEAD(macros, m, next);
	return m;
}

bool
config_macro_define(struct config_macros *macros, const char *name,
    const char *value, bool fixed)
{
	struct config_macro *m = find(macros, name, strlen(name));
	char *copy;

	if (m != NULL && m->fixed && !fixed)
		return true;
	if ((copy = strdup(value)) == NULL)
		return false;
	if (m == NULL && (m = add(macros, name)) == NULL) {
		free(copy);
		return false;
	}
	free(m->value);
	m->value = copy;
	m->fixed = fixed;
	return true;
}

const char *
config_macro_value(const struct config_macros *macros, const char *name,
    size_t len)
{
	const struct config_macro *m = find(macros, name, len);

	return m == NULL ? NULL : m->value;
}

void
config_macros_free(struct config_macros *macros)
{
	struct config_macro *m;

	while ((m = SLIST_FIRST(macros)) != NULL) {
		SLIST_REMOVE_HEAD(macros, next);
		free(m->name);
		free(m->value);
		free(m);
	}
}
