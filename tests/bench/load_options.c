/* The command line, into a struct; nothing is looked up or opened here. */

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load_options.h"

const char load_usage[] =
    "usage: load [-Fj] [-p dialect] [-r part] [-k keys] [-z theta]\n"
    "            [-v bytes[-bytes]] [-c connections] [-P depth]\n"
    "            [-n requests | -t seconds] [-w seconds] [-R rate]\n"
    "            [-W seconds] [-C pid]... host:port\n"
    "  -p  text (GET, PUT), hash (HGET, HSET), string (GET, SET), incr,\n"
    "      mset (10 keys), ping, memcached (get, set), floor, or create\n"
    "  -r  the part of requests that read, 0 to 1\n"
    "  -z  Zipf's exponent; 0: every key is as likely\n"
    "  -P  requests in one write, and answers before the next ones\n"
    "  -w  seconds before anything is counted\n"
    "  -R  requests a second, sent on time; latency counts from then\n"
    "  -W  seconds without a reply, after which none is waited for\n"
    "  -C  a server whose processor time is measured, with its children\n"
    "  -F  write each key once before\n"
    "  -j  print JSON\n";

static bool
parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *n)
{
	unsigned long long v;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	v = strtoull(text, &end, 10);
	*n = v;
	return *end == '\0' && v >= least && v <= most;
}

static bool
parse_size(const char *text, size_t most, size_t *size)
{
	uint64_t n;

	if (!parse_count(text, 1, most, &n))
		return false;
	*size = n;
	return true;
}

static bool
parse_real(const char *text, double most, double *x)
{
	char *end;

	*x = strtod(text, &end);
	return end != text && *end == '\0' && *x >= 0 && *x <= most;
}

/* "32" or "16-1024" */
static bool
parse_range(const char *text, size_t *least, size_t *most)
{
	const char *dash = strchr(text, '-');
	char first[24];

	if (dash == NULL)
		return parse_size(text, 1U << 20, most) &&
		    (*least = *most) > 0;
	if ((size_t)(dash - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	return parse_size(first, 1U << 20, least) &&
	    parse_size(dash + 1, 1U << 20, most) && *least <= *most;
}

static bool
parse_pid(struct load_options *o, const char *text)
{
	uint64_t pid;

	if (o->servers_n == LOAD_SERVERS_MAX ||
	    !parse_count(text, 1, INT_MAX, &pid))
		return false;
	o->servers[o->servers_n++] = (pid_t)pid;
	return true;
}

static bool
parse_one(struct load_options *o, int letter, const char *text)
{
	switch (letter) {
	case 'p':
		return load_dialect_parse(text, &o->dialect);
	case 'r':
		return parse_real(text, 1, &o->read_part);
	case 'k':
		return parse_count(text, 1, UINT64_C(1) << 40, &o->keys);
	case 'z':
		return parse_real(text, 10, &o->theta);
	case 'v':
		return parse_range(text, &o->value_min, &o->value_max);
	case 'c':
		return parse_size(text, 10000, &o->connections);
	case 'P':
		return parse_size(text, 65536, &o->depth);
	case 'n':
		return parse_count(text, 1, UINT64_C(1) << 48, &o->requests);
	case 't':
		return parse_real(text, 86400, &o->seconds) && o->seconds > 0;
	case 'w':
		return parse_real(text, 3600, &o->warm_s);
	case 'R':
		return parse_real(text, 1e8, &o->rate) && o->rate > 0;
	case 'W':
		return parse_real(text, 3600, &o->patience_s) &&
		    o->patience_s > 0;
	case 'C':
		return parse_pid(o, text);
	case 'F':
		return o->fill = true;
	case 'j':
		return o->json = true;
	}
	return false;
}

const char *
load_options_parse(struct load_options *o, int argc, char **argv)
{
	int letter;

	*o = (struct load_options){
		.dialect = LOAD_HASH, .read_part = 1, .keys = 10000,
		.value_min = VALUE_BYTES, .value_max = VALUE_BYTES,
		.connections = 50, .depth = 1, .seconds = 1, .patience_s = 10
	};
	optind = 1;
	opterr = 0;
	while ((letter = getopt(argc, argv, "p:r:k:z:v:c:P:n:t:w:W:R:C:Fj")) !=
	    -1)
		if (!parse_one(o, letter, optarg))
			return "an option or its argument makes no sense";
	if (argc - optind != 1)
		return "one address is needed";
	o->address = argv[optind];
	if (o->requests > 0 && o->warm_s > 0)
		return "a number of requests is counted from the first one";
	return NULL;
}
