#ifndef KVD_CLIENT_KV_OPTIONS_H
#define KVD_CLIENT_KV_OPTIONS_H

#include <stddef.h>

/* The options of kv, once: for getopt(3), help and completion. */
struct option_entry {
	int		 letter;
	const char	*name;		/* long */
	const char	*arg;		/* NULL: takes none */
	const char	*help;
};

extern const struct option_entry options[];
extern const size_t options_count;

#endif
