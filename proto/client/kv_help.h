#ifndef KVD_CLIENT_KV_HELP_H
#define KVD_CLIENT_KV_HELP_H

#include "proto/client/kv_output.h"

/* What kv --help prints: usage, options, commands. */
void help_usage(const struct output *);

#endif
