/*
 * The types of options.def.  Each knows how it is written and what is wrong
 * with something that is not: a refusal names the value and what would have
 * been right, because the reader has the file open and wants to mend it now.
 */
#include "server/config_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_listen.h"

struct unit {
	const char	*suffix;
	uint64_t	 factor;
};

/* From small to large: the text form uses the largest that divides. */
static const struct unit size_units[] = {
	{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "T", 1ULL << 40 }, { NULL, 0 }
};
static const struct unit time_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 }, { NULL, 0 }
};
static const struct unit count_units[] = { { "", 1 }, { NULL, 0 } };

static const char *const facilities[] = {
	"daemon", "user", "local0", "local1", "local2", "local3", "local4",
	"local5", "local6", "local7", NULL
};
static const char *const levels[] = {
	"err", "warning", "info", "debug", NULL
};

static const char *const clusters[] = { "off", "single", "map", NULL };

static bool refuse(char *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static bool
refuse(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, CONFIG_WHY_MAX, fmt, ap);
	va_end(ap);
	return false;
}

static uint64_t *
number_of(struct config *config, enum config_option option)
{
	return (void *)((char *)config + config_rows[option].offset);
}

static char **
string_of(struct config *config, enum config_option option)
{
	return (void *)((char *)config + config_rows[option].offset);
}

static const struct unit *
units_of(enum config_type type)
{
	if (type == CONFIG_IS_SIZE)
		return size_units;
	return type == CONFIG_IS_TIME ? time_units : count_units;
}

/* Digits and a suffix of the units; "0" needs none.  False if it is not. */
static bool
scan_number(const char *text, const struct unit *units, uint64_t *number)
{
	uint64_t n = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return false;
	*number = n;
	if (p == text)
		return false;
	if (n == 0 && *p == '\0')
		return true;
	for (; units->suffix != NULL; units++)
		if (strcasecmp(p, units->suffix) == 0)
			return !__builtin_mul_overflow(n, units->factor,
			    number);
	return false;
}

static bool
refuse_number(char *why, const char *text, enum config_type type)
{
	if (type == CONFIG_IS_SIZE)
		return refuse(why, "\"%.100s\" is not a size; write bytes, or "
		    "a number with K, M, G or T", text);
	if (type == CONFIG_IS_TIME)
		return refuse(why, "\"%.100s\" is not a time; write a number "
		    "with ms, s, m or h", text);
	return refuse(why, "\"%.100s\" is not a number", text);
}

static bool
set_number(struct config *config, enum config_option option, const char *text,
    char *why)
{
	const struct config_row *row = &config_rows[option];
	const struct unit *units = units_of(row->type);
	uint64_t n, bound;

	if (!scan_number(text, units, &n))
		return refuse_number(why, text, row->type);
	if (scan_number(row->min, units, &bound) && n < bound)
		return refuse(why, "%.100s is less than %s", text, row->min);
	if (scan_number(row->max, units, &bound) && n > bound)
		return refuse(why, "%.100s is more than %s", text, row->max);
	if (row->type == CONFIG_IS_POWER && (n & (n - 1)) != 0)
		return refuse(why, "%.100s is not a power of two", text);
	*number_of(config, option) = n;
	return true;
}

static bool
replace_string(struct config *config, enum config_option option,
    const char *text, char *why)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return refuse(why, "out of memory");
	free(*string_of(config, option));
	*string_of(config, option) = copy;
	return true;
}

static bool
only_has(const char *text, const char *more)
{
	for (; *text != '\0'; text++)
		if (!(*text >= 'a' && *text <= 'z') &&
		    !(*text >= 'A' && *text <= 'Z') &&
		    !(*text >= '0' && *text <= '9') &&
		    strchr(more, *text) == NULL)
			return false;
	return true;
}

bool
config_value_is_name(const char *text, char *why)
{
	size_t len = strlen(text);

	if (len == 0 || len > CONFIG_NAME_MAX)
		return refuse(why, "a name has 1 to %d bytes, not "
		    "%zu", CONFIG_NAME_MAX, len);
	if (*text == '.' || !only_has(text, "._-"))
		return refuse(why, "\"%.100s\" is not a name; write letters, "
		    "digits, . _ and -, no dot first", text);
	return true;
}

static bool
set_name(struct config *config, enum config_option option, const char *text,
    char *why)
{
	return config_value_is_name(text, why) &&
	    replace_string(config, option, text, why);
}

static bool
set_user(struct config *config, enum config_option option, const char *text,
    char *why)
{
	if (*text == '\0' || *text == '-' || !only_has(text, "._-$"))
		return refuse(why, "\"%.100s\" is not the name of a user or "
		    "group", text);
	return replace_string(config, option, text, why);
}

static bool
set_path(struct config *config, enum config_option option, const char *text,
    char *why)
{
	if (*text != '/')
		return refuse(why, "\"%.100s\" is not an absolute path; a "
		    "daemon works in /, so write it from there", text);
	return replace_string(config, option, text, why);
}

/* The reason never has the text: it goes to logs and terminals. */
static bool
set_secret(struct config *config, enum config_option option, const char *text,
    char *why)
{
	size_t len = strlen(text);

	if (len == 0 || len > CONFIG_COOKIE_MAX)
		return refuse(why, "a %s has 1 to %d bytes, not %zu",
		    config_rows[option].keyword, CONFIG_COOKIE_MAX, len);
	return replace_string(config, option, text, why);
}

static bool
set_log_to(struct config *config, const char *text, char *why)
{
	enum config_log to = CONFIG_LOG_FILE;
	char *file = NULL;

	if (strcmp(text, "syslog") == 0)
		to = CONFIG_LOG_SYSLOG;
	else if (strcmp(text, "stderr") == 0)
		to = CONFIG_LOG_STDERR;
	else if (*text != '/')
		return refuse(why, "\"%.100s\" is not a place for a log; write "
		    "syslog, stderr or the path of a file", text);
	else if ((file = strdup(text)) == NULL)
		return refuse(why, "out of memory");
	free(config->log_file);
	config->log_file = file;
	config->log_to = to;
	return true;
}

static bool
set_one_of(struct config *config, enum config_option option,
    const char *const *legal, const char *text, char *why)
{
	const char *const *word;
	size_t used;

	for (word = legal; *word != NULL; word++)
		if (strcmp(*word, text) == 0)
			return replace_string(config, option, text, why);
	refuse(why, "\"%.60s\" is not one of", text);
	for (word = legal; *word != NULL; word++) {
		used = strlen(why);
		snprintf(why + used, CONFIG_WHY_MAX - used, "%s %s",
		    word == legal ? "" : ",", *word);
	}
	return false;
}

static bool
add_listen(struct config *config, const char *text, char *why)
{
	struct config_listen listen, *more;
	size_t i;

	if (!config_listen_parse(&listen, text, why))
		return false;
	for (i = 0; i < config->listens; i++)
		if (strcmp(config->listen[i].text, listen.text) == 0) {
			config_listen_free(&listen);
			return refuse(why, "\"%.100s\" is listed twice", text);
		}
	more = reallocarray(config->listen, config->listens + 1,
	    sizeof(*more));
	if (more == NULL) {
		config_listen_free(&listen);
		return refuse(why, "out of memory");
	}
	config->listen = more;
	config->listen[config->listens++] = listen;
	return true;
}

/* Nothing that is configured has any; a line of kvd -T could not hold them. */
static bool
has_control_byte(const char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') ||
		    *text == 0x7f)
			return true;
	return false;
}

bool
config_value_set(struct config *config, enum config_option option,
    const char *text, char *why)
{
	if (has_control_byte(text))
		return refuse(why, "control byte in the value");
	if (strlen(text) > CONFIG_VALUE_MAX)
		return refuse(why, "value longer than %d bytes",
		    CONFIG_VALUE_MAX);
	switch (config_rows[option].type) {
	case CONFIG_IS_NAME:
		return set_name(config, option, text, why);
	case CONFIG_IS_LISTEN:
		return add_listen(config, text, why);
	case CONFIG_IS_SIZE:
	case CONFIG_IS_COUNT:
	case CONFIG_IS_POWER:
	case CONFIG_IS_TIME:
		return set_number(config, option, text, why);
	case CONFIG_IS_USER:
		return set_user(config, option, text, why);
	case CONFIG_IS_PATH:
		return set_path(config, option, text, why);
	case CONFIG_IS_SECRET:
		return set_secret(config, option, text, why);
	case CONFIG_IS_LOG_TO:
		return set_log_to(config, text, why);
	case CONFIG_IS_FACILITY:
		return set_one_of(config, option, facilities, text, why);
	case CONFIG_IS_LEVEL:
		return set_one_of(config, option, levels, text, why);
	case CONFIG_IS_CLUSTER:
		return set_one_of(config, option, clusters, text, why);
	}
	abort();
}

static void
clear_listens(struct config *config)
{
	size_t i;

	for (i = 0; i < config->listens; i++)
		config_listen_free(&config->listen[i]);
	free(config->listen);
	config->listen = NULL;
	config->listens = 0;
}

void
config_value_clear(struct config *config, enum config_option option)
{
	switch (config_rows[option].type) {
	case CONFIG_IS_LISTEN:
		clear_listens(config);
		return;
	case CONFIG_IS_SIZE:
	case CONFIG_IS_COUNT:
	case CONFIG_IS_POWER:
	case CONFIG_IS_TIME:
		*number_of(config, option) = 0;
		return;
	case CONFIG_IS_LOG_TO:
		free(config->log_file);
		config->log_file = NULL;
		config->log_to = CONFIG_LOG_SYSLOG;
		return;
	case CONFIG_IS_NAME:
	case CONFIG_IS_USER:
	case CONFIG_IS_PATH:
	case CONFIG_IS_FACILITY:
	case CONFIG_IS_LEVEL:
	case CONFIG_IS_CLUSTER:
	case CONFIG_IS_SECRET:
		free(*string_of(config, option));
		*string_of(config, option) = NULL;
		return;
	}
	abort();
}

size_t
config_value_count(const struct config *config, enum config_option option)
{
	switch (config_rows[option].type) {
	case CONFIG_IS_LISTEN:
		return config->listens;
	case CONFIG_IS_SIZE:
	case CONFIG_IS_COUNT:
	case CONFIG_IS_POWER:
	case CONFIG_IS_TIME:
	case CONFIG_IS_LOG_TO:
		return 1;
	case CONFIG_IS_NAME:
	case CONFIG_IS_USER:
	case CONFIG_IS_PATH:
	case CONFIG_IS_FACILITY:
	case CONFIG_IS_LEVEL:
	case CONFIG_IS_CLUSTER:
	case CONFIG_IS_SECRET:
		return *string_of((struct config *)(uintptr_t)config,
		    option) != NULL;
	}
	abort();
}

static void
number_text(uint64_t number, const struct unit *units, char *buf)
{
	const struct unit *best = units;

	for (; units->suffix != NULL; units++)
		if (number % units->factor == 0)
			best = units;
	if (number == 0)
		strlcpy(buf, "0", CONFIG_VALUE_MAX + 1);
	else
		snprintf(buf, CONFIG_VALUE_MAX + 1, "%" PRIu64 "%s",
		    number / best->factor, best->suffix);
}

static const char *
log_to_text(const struct config *config)
{
	switch (config->log_to) {
	case CONFIG_LOG_SYSLOG:
		return "syslog";
	case CONFIG_LOG_STDERR:
		return "stderr";
	case CONFIG_LOG_FILE:
		return config->log_file;
	}
	abort();
}

void
config_value_text(const struct config *config, enum config_option option,
    size_t i, char *buf)
{
	struct config *c = (struct config *)(uintptr_t)config;
	const char *text = NULL;

	switch (config_rows[option].type) {
	case CONFIG_IS_LISTEN:
		text = config->listen[i].text;
		break;
	case CONFIG_IS_SIZE:
	case CONFIG_IS_COUNT:
	case CONFIG_IS_POWER:
	case CONFIG_IS_TIME:
		number_text(*number_of(c, option),
		    units_of(config_rows[option].type), buf);
		return;
	case CONFIG_IS_LOG_TO:
		text = log_to_text(config);
		break;
	case CONFIG_IS_NAME:
	case CONFIG_IS_USER:
	case CONFIG_IS_PATH:
	case CONFIG_IS_FACILITY:
	case CONFIG_IS_LEVEL:
	case CONFIG_IS_CLUSTER:
	case CONFIG_IS_SECRET:
		text = *string_of(c, option);
		break;
	}
	strlcpy(buf, text, CONFIG_VALUE_MAX + 1);
}

bool
config_value_same(const struct config *a, const struct config *b,
    enum config_option option)
{
	char text_a[CONFIG_VALUE_MAX + 1], text_b[CONFIG_VALUE_MAX + 1];
	size_t i, n = config_value_count(a, option);

	if (n != config_value_count(b, option))
		return false;
	for (i = 0; i < n; i++) {
		config_value_text(a, option, i, text_a);
		config_value_text(b, option, i, text_b);
		if (strcmp(text_a, text_b) != 0)
			return false;
	}
	return true;
}

bool
config_value_copy(struct config *to, const struct config *from,
    enum config_option option)
{
	char text[CONFIG_VALUE_MAX + 1], why[CONFIG_WHY_MAX];
	size_t i;

	config_value_clear(to, option);
	for (i = 0; i < config_value_count(from, option); i++) {
		config_value_text(from, option, i, text);
		if (!config_value_set(to, option, text, why))
			return false;
	}
	return true;
}
