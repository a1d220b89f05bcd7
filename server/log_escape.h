#ifndef KVD_SERVER_LOG_ESCAPE_H
#define KVD_SERVER_LOG_ESCAPE_H

#include <stddef.h>

/*
 * Copy text to out of size bytes, a NUL at the end, with \xHH for each byte
 * that is a control byte (also of C1, and the marks that break a line or
 * change the direction of reading) or not part of valid UTF-8.  What does
 * not fit is cut off at a character and ends in "...".  size is at least 8.
 */
void log_escape(char *out, size_t size, const char *text);

#endif
