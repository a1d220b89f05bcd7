#ifndef KVD_SERVER_CONFIG_MACRO_H
#define KVD_SERVER_CONFIG_MACRO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

/*
 * Macros of the configuration: name = "value" in the file, -D name=value on
 * the command line.  Those of the command line are fixed: a definition in
 * the file does not change them, so that it serves as a default.
 */
struct config_macro;

SLIST_HEAD(config_macros, config_macro);

/* Letters, digits and underscores, no digit first; len bytes. */
bool config_macro_is_name(const char *name, size_t len);

/* Define or redefine; both are copied.  False if memory ran out. */
bool config_macro_define(struct config_macros *, const char *name,
    const char *value, bool fixed);

/* The value of the name of len bytes, or NULL.  Lives as long as the macro
 * is not redefined. */
const char *config_macro_value(const struct config_macros *, const char *name,
    size_t len);

void config_macros_free(struct config_macros *);

#endif
