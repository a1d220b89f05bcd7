/*
 * The load generator: see load_usage for what it can be asked, and load_run.c
 * for what it then does.  Fails if a reply was wrong or did not come.
 */

#include <err.h>
#include <stdlib.h>

#include "tests/bench/load_report.h"

int
main(int argc, char **argv)
{
	static struct load_result result;
	struct load_options options;
	const char *why = load_options_parse(&options, argc, argv);

	if (why != NULL) {
		fputs(load_usage, stderr);
		errx(64, "%s", why);
	}
	if (options.fill)
		load_fill(&options, &result);
	if (result.wrong + result.missing == 0)
		load_run(&options, &result);
	if (options.json)
		load_report_json(stdout, &options, &result);
	else
		load_report_line(stdout, &options, &result);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return result.wrong + result.missing > 0;
}
