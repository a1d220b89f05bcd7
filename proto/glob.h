#ifndef KVD_PROTO_GLOB_H
#define KVD_PROTO_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * Patterns for names, as KEYS, SCAN and subscriptions take them:
 *
 *	*	any bytes, or none
 *	?	any byte
 *	[a-z_]	one of these bytes; ranges may be written backwards
 *	[^a-z]	any other
 *	\x	x itself, inside brackets too
 *
 * There is no bad pattern.  A bracket that is not closed is closed by the end
 * of the pattern; [] is no byte at all, [^] any; a backslash at the very end
 * is a backslash.
 */
struct glob;

/*
 * Prepare a pattern to be matched many times; NULL if it is longer than
 * GLOB_PATTERN_MAX or memory ran out.  With fold_case letters of ASCII match
 * in either case.  The bytes of the pattern are not needed any more.
 */
#define GLOB_PATTERN_MAX	4096
struct glob *glob_new(struct slice pattern, bool fold_case);
void glob_free(struct glob *);	/* or NULL */

/*
 * Does it match all of the name?  Pure.  The time is bounded by the length of
 * the name times that of the pattern over 64, whatever is in them.
 */
bool glob_match(const struct glob *, struct slice name);

#endif
