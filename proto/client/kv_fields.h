#ifndef KVD_CLIENT_KV_FIELDS_H
#define KVD_CLIENT_KV_FIELDS_H

#include <stddef.h>

/*
 * Cut "name=value,name=value,..." up, where it stands: field[i] is the value
 * of names[i], n of them, or "" if it is not there.  The value of the last of
 * the names goes to the end of the text, whatever is in it.  Names that are
 * not among these are passed over.
 */
void fields_read(char *text, const char *const *names, size_t n,
    char **field);

#endif
