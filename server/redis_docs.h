#ifndef KVD_SERVER_REDIS_DOCS_H
#define KVD_SERVER_REDIS_DOCS_H

/* redis_docs.def as data: what COMMAND DOCS tells people of a command. */
struct redis_doc {
	const char	*name;		/* in capitals */
	const char	*since;		/* version of Redis */
	const char	*args;		/* "key [field value ...]" */
	const char	*summary;
};

/* By name in capitals; NULL if there is none. */
const struct redis_doc *redis_doc_find(const char *name);

#endif
