/* The fingerprint of a request, from its words. */

#include "server/command.h"
#include "server/command_fingerprint.h"

uint64_t
command_fingerprint_of(const struct slice *argv, size_t argc)
{
	uint64_t hash;
	size_t i;

	if (argc == 0)
		return fingerprint_end(0);
	hash = fingerprint_begin(argv[0]);
	for (i = 1; i < argc && i < FINGERPRINT_WORDS; i++)
		hash = fingerprint_add(hash, argv[i]);
	return fingerprint_end(hash);
}

uint64_t
command_fingerprint(const struct request *req)
{
	return command_fingerprint_of(req->argv, req->argc);
}
