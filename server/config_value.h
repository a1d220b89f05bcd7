#ifndef KVD_SERVER_CONFIG_VALUE_H
#define KVD_SERVER_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config.h"
#include "server/config_table.h"

/*
 * Values of settings: from what somebody wrote to a field of struct config
 * and back.  The text that comes back is canonical, so that it can be
 * printed, compared and read again.
 */

#define CONFIG_VALUE_MAX	1024	/* bytes of any value as written */
#define CONFIG_WHY_MAX		256	/* of a reason, cut off if longer */

/*
 * Read text into the option's field; LISTEN adds to the list, the others
 * replace.  On failure the field keeps what it had and why, of
 * CONFIG_WHY_MAX bytes, says what is wrong.
 */
bool config_value_set(struct config *, enum config_option, const char *text,
    char *why);

/* Is it the name of an instance?  If not, why says what is wrong. */
bool config_value_is_name(const char *text, char *why);

/* Back to unset: freed, NULL, zero. */
void config_value_clear(struct config *, enum config_option);

/* How many values it has: 0 if unset, 1, or the length of a list. */
size_t config_value_count(const struct config *, enum config_option);

/*
 * The canonical text of value number i, at most CONFIG_VALUE_MAX bytes and a
 * NUL, into buf of CONFIG_VALUE_MAX + 1 bytes.
 */
void config_value_text(const struct config *, enum config_option, size_t i,
    char *buf);

/* True if both have the same texts in the same order. */
bool config_value_same(const struct config *, const struct config *,
    enum config_option);

/* Give to the value of from.  False if memory ran out. */
bool config_value_copy(struct config *to, const struct config *from,
    enum config_option);

#endif
