#ifndef KVD_CLIENT_KV_PROMPT_H
#define KVD_CLIENT_KV_PROMPT_H

#include "proto/client/kv_session.h"

/*
 * Read commands until the end of standard input: with line editing on a
 * terminal, line by line otherwise.  The exit status of the last one.
 */
int prompt_run(struct session *);

#endif
