/*
 * A list of servers: names with commas in between, as in a configuration.
 *
 * All of it is checked before anything is connected to.  Who mistyped the
 * third name is told so today, and not in the night when the first two are
 * gone.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/client/servers.h"

static size_t
count_names(const char *text)
{
	size_t n = 1;

	for (; *text != '\0'; text++)
		n += *text == ',';
	return n;
}

enum address_status
servers_read(struct servers *servers, const char *text, const char *port,
    size_t *entry, const char **why)
{
	enum address_status status;
	char *rest, *name;

	*servers = (struct servers){ .text = strdup(text) };
	servers->names = calloc(count_names(text), sizeof(*servers->names));
	*why = "";
	*entry = 0;
	if (servers->text == NULL || servers->names == NULL)
		return ADDRESS_NO_MEMORY;
	rest = servers->text;
	while ((name = strsep(&rest, ",")) != NULL) {
		(*entry)++;
		status = address_check(name, port, why);
		if (status != ADDRESS_OK)
			return status;
		servers->names[servers->n++] = name;
	}
	return ADDRESS_OK;
}

void
servers_free(struct servers *servers)
{
	free(servers->text);
	free(servers->names);
	*servers = (struct servers){ 0 };
}
