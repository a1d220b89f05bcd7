#ifndef KVD_CLIENT_ERROR_H
#define KVD_CLIENT_ERROR_H

#include "proto/client/kv.h"

/*
 * For who gets no handle that could be asked: copy the status and the message
 * there, as much of it as fits.  error may be NULL, and nothing is done then.
 */
void error_set(struct kv_error *error, enum kv_status, const char *message);

#endif
