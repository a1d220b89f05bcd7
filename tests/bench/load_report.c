/* What a run has found, in words and in JSON. */

#include <string.h>

#include "tests/bench/load_report.h"

static double
us(const struct load_result *r, double part)
{
	return (double)load_histogram_ns(&r->latency, part) / 1e3;
}

/* Processor time for a request, us. */
static double
each_us(const struct load_result *r, double seconds)
{
	return r->answered > 0 ? seconds * 1e6 / (double)r->answered : 0;
}

static double
rate(const struct load_result *r)
{
	return r->seconds > 0 ? (double)r->answered / r->seconds : 0;
}

void
load_report_line(FILE *f, const struct load_options *o,
    const struct load_result *r)
{
	fprintf(f, "%s, %zu x %zu: %.0f requests/s",
	    load_dialect_name(o->dialect), o->connections, o->depth, rate(r));
	if (o->servers_n > 0)
		fprintf(f, ", server %.3f us", each_us(r, r->server_s));
	fprintf(f, ", latency p50 %.1f p99 %.1f p99.9 %.1f max %.1f us",
	    us(r, 0.5), us(r, 0.99), us(r, 0.999), us(r, 1));
	if (r->wrong > 0)
		fprintf(f, ", %ju wrong, the first: %s", (uintmax_t)r->wrong,
		    r->first_wrong);
	if (r->missing > 0)
		fprintf(f, ", %ju missing", (uintmax_t)r->missing);
	fputc('\n', f);
}

void
load_report_json(FILE *f, const struct load_options *o,
    const struct load_result *r)
{
	fprintf(f, "{\"dialect\":\"%s\",\"read_part\":%g,\"keys\":%ju,"
	    "\"theta\":%g,\"value_min\":%zu,\"value_max\":%zu,"
	    "\"connections\":%zu,\"depth\":%zu,\"rate\":%.10g",
	    load_dialect_name(o->dialect), o->read_part, (uintmax_t)o->keys,
	    o->theta, o->value_min, o->value_max, o->connections, o->depth,
	    o->rate);
	fprintf(f, ",\"seconds\":%.6f,\"answered\":%ju,\"wrong\":%ju,"
	    "\"missing\":%ju,\"requests_per_s\":%.1f", r->seconds,
	    (uintmax_t)r->answered, (uintmax_t)r->wrong,
	    (uintmax_t)r->missing, rate(r));
	fprintf(f, ",\"server_us\":%.4f,\"client_us\":%.4f,"
	    "\"server_busy\":%.4f", each_us(r, r->server_s),
	    each_us(r, r->client_s),
	    r->seconds > 0 ? r->server_s / r->seconds : 0);
	fprintf(f, ",\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,"
	    "\"max_us\":%.3f}\n", us(r, 0.5), us(r, 0.99), us(r, 0.999),
	    us(r, 1));
}
