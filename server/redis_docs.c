/*
 * Words about commands.
 */

#include "server/redis_docs.h"

#include <stddef.h>
#include <string.h>

static const struct redis_doc docs[] = {
#define DOC(name, since, args, summary) { #name, since, args, summary },
#include "server/redis_docs.def"
#undef DOC
};

const struct redis_doc *
redis_doc_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(docs) / sizeof(docs[0]); i++)
		if (strcmp(docs[i].name, name) == 0)
			return &docs[i];
	return NULL;
}
