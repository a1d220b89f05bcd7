#include "tests/unit/server/complaints.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/server/scratch.h"

static void
keep(void *arg, const char *message)
{
	struct complaints *c = arg;

	c->count++;
	strlcat(c->text, message, sizeof(c->text));
	strlcat(c->text, "\n", sizeof(c->text));
}

void
complaints_init(struct complaints *c)
{
	memset(c, 0, sizeof(*c));
	c->report.line = keep;
	c->report.arg = c;
}

int
complaints_load(struct complaints *c, struct config *config,
    const char *content)
{
	struct config_args args;

	complaints_init(c);
	config_args_init(&args);
	args.port = args.nodes = NULL;
	strlcpy(args.file, scratch_file("t.conf", content),
	    sizeof(args.file));
	args.file_required = true;
	return config_load(config, &args, &c->report);
}

void
load_good(struct config *config, const char *content)
{
	struct complaints c;
	int status = complaints_load(&c, config, content);

	cr_assert_eq(status, 0, "%s", c.text);
}

char *
printed(const struct config *config)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	config_print(config, f);
	fclose(f);
	return text;
}
