/* Facts of the server that share a line, as kv tree and others show them. */

#include <string.h>

#include "proto/client/kv_fields.h"

/* Which of the names the text begins with; n: none. */
static size_t
find(const char *text, const char *const *names, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i++) {
		len = strlen(names[i]);
		if (strncmp(text, names[i], len) == 0 && text[len] == '=')
			break;
	}
	return i;
}

void
fields_read(char *text, const char *const *names, size_t n, char **field)
{
	char *end = strchr(text, '\0'), *next;
	size_t i;

	for (i = 0; i < n; i++)
		field[i] = end;
	for (; *text != '\0'; text = next) {
		i = find(text, names, n);
		next = i + 1 == n ? NULL : strchr(text, ',');
		if (next == NULL)
			next = end;
		else
			*next++ = '\0';
		if (i < n)
			field[i] = text + strlen(names[i]) + 1;
	}
}
