/*
 * Any bytes as a configuration.  Whatever they are, the parser ends, says
 * what is wrong in whole lines and no more than it promised; and what it
 * accepts, printed as kvd -T does, is accepted again, means the same, and is
 * printed the same.  include is refused, so no file is touched.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. \
 *	    $(pkg-config --cflags libbsd-overlay) -o fuzz_config \
 *	    tests/fuzz/fuzz_config.c server/config*.c \
 *	    $(pkg-config --libs libbsd-overlay)
 *	./fuzz_config -max_total_time=60
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_draft.h"
#include "server/config_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_line(void *arg, const char *message)
{
	unsigned *lines = arg;

	++*lines;
	must(strncmp(message, "fuzz:", 5) == 0);
	must(strchr(message, '\n') == NULL);
}

/* Returns true, with the config, if the bytes are good. */
static bool
read_config(const char *bytes, size_t len, struct config *config)
{
	unsigned lines = 0;
	struct config_report report = { check_line, &lines };
	struct config_draft draft;
	bool good;

	config_draft_init(&draft, &report);
	config_parse_bytes(&draft, "fuzz", bytes, len);
	must(lines == draft.complaints);
	must(lines <= CONFIG_COMPLAINTS_MAX + 1);
	good = lines == 0;
	if (good) {
		*config = draft.config;
		memset(&draft.config, 0, sizeof(draft.config));
	}
	config_draft_free(&draft);
	return good;
}

/* What was never set may be below what could be set: take a default. */
static void
fill(struct config *config)
{
	static const char defaults[] =
	    "memory 1G; limits { clients 1; send 1s; output 4K }";
	struct config other;

	must(read_config(defaults, sizeof(defaults) - 1, &other));
	if (config->memory_bytes == 0)
		config->memory_bytes = other.memory_bytes;
	if (config->clients_max == 0)
		config->clients_max = other.clients_max;
	if (config->send_ms == 0)
		config->send_ms = other.send_ms;
	if (config->output_max_bytes == 0)
		config->output_max_bytes = other.output_max_bytes;
	config_free(&other);
}

static char *
print(const struct config *config, size_t *len)
{
	char *text;
	FILE *f = open_memstream(&text, len);

	must(f != NULL);
	config_print(config, f);
	must(fclose(f) == 0);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct config config, again;
	char *first, *second;
	size_t first_len, second_len;

	if (!read_config((const char *)bytes, len, &config))
		return 0;
	fill(&config);
	first = print(&config, &first_len);
	must(read_config(first, first_len, &again));
	must(config_differences(&config, &again) == 0);
	second = print(&again, &second_len);
	must(strcmp(first, second) == 0);
	free(first);
	free(second);
	config_free(&config);
	config_free(&again);
	return 0;
}
