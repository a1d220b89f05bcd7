/*
 * CONFIG: the settings of kvd.conf(5), by their names there ("limits.idle"),
 * and those of Redis that tools ask for.
 *
 * Some of the latter are of the former by another name: those are the same
 * setting, in the unit that Redis has.  Others say how things are, and what is
 * not so cannot be set.  The rest is about things that kvd has not, and is
 * kept as it is given, for who sets something wants to read it again.
 *
 * SET gives a live setting (live.h) its value in all workers, until a reload,
 * or longer with REWRITE, which writes it into kvd.conf; all else is for people
 * who write that.  All are checked before any is set.
 */

#include "server/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/glob.h"
#include "proto/number.h"
#include "server/agreed.h"
#include "server/config_rewrite.h"
#include "server/config_table.h"
#include "server/config_value.h"
#include "server/live.h"
#include "server/redis_slowlog.h"
#include "server/redis_sub.h"

#define NAME_SHOWN	128

/* --- what there is --- */

enum harmless_type {
	HARMLESS_NUMBER, HARMLESS_EVENTS, HARMLESS_LENGTH, HARMLESS_TIME
};

/* Numbers under which they are agreed on: behind the options. */
enum harmless_setting {
	HARMLESS_BEFORE = CONFIG_OPTIONS - 1,
#define FIXED(id, name, value)
#define HARMLESS(id, name, type, value) SETTING_##id,
#include "server/redis_config.def"
#undef FIXED
#undef HARMLESS
	SETTINGS
};

_Static_assert(SETTINGS <= AGREED_SETTINGS, "room for what is agreed on");

static const struct fixed {
	const char	*name;
	const char	*value;
} fixed[] = {
#define FIXED(id, name, value) { name, value },
#define HARMLESS(id, name, type, value)
#include "server/redis_config.def"
#undef FIXED
#undef HARMLESS
};

static const struct harmless {
	const char		*name;
	unsigned		 setting;
	enum harmless_type	 type;
	uint64_t		 value;
} harmless[] = {
#define FIXED(id, name, value)
#define HARMLESS(id, name, type, value) \
	{ name, SETTING_##id, HARMLESS_##type, value },
#include "server/redis_config.def"
#undef FIXED
#undef HARMLESS
};

/* Options by the names that Redis has for them, in its units. */
static const struct alias {
	const char		*name;
	enum config_option	 option;
	uint64_t		 unit;
	const char		*refusal;
} aliases[] = {
	{ "maxclients", CONFIG_LIMITS_clients, 1,
	    "argument couldn't be parsed into an integer" },
	{ "timeout", CONFIG_LIMITS_idle, 1000,
	    "argument couldn't be parsed into an integer" },
	{ "tracking-table-max-keys", CONFIG_LIMITS_tracked, 1,
	    "argument couldn't be parsed into an integer" },
	{ "maxmemory", CONFIG_TOP_memory, 1,
	    "argument must be a memory value" },
};

#define N(table)	(sizeof(table) / sizeof((table)[0]))

/* --- texts of values --- */

static struct agreed *
agreed_of(const struct call *call)
{
	return call->env->inherit->agreed;
}

/* Letters, a bit for each. */
static void
write_letters(uint64_t letters, char *text)
{
	int c;

	for (c = 'A'; c <= 'z'; c++)
		if ((letters >> (c - 'A') & 1) != 0)
			*text++ = (char)c;
	*text = '\0';
}

static void
write_harmless(const struct call *call, const struct harmless *h, char *text,
    size_t size)
{
	uint64_t value = h->value;

	agreed_get(agreed_of(call), h->setting, &value);
	if (h->type == HARMLESS_EVENTS)
		write_letters(value, text);
	else
		snprintf(text, size, "%jd", (intmax_t)value);
}

static int64_t
heeded(const struct agreed *agreed, enum harmless_setting setting)
{
	uint64_t value = harmless[setting - CONFIG_OPTIONS].value;

	agreed_get(agreed, setting, &value);
	return (int64_t)value;
}

int64_t
redis_slower_than(const struct agreed *agreed)
{
	return heeded(agreed, SETTING_slowlog_log_slower_than);
}

int64_t
redis_slow_len(const struct agreed *agreed)
{
	return heeded(agreed, SETTING_slowlog_max_len);
}

/* A configuration with what was agreed on, which may be news to this worker. */
static void
copy_config(const struct call *call, struct config *copy)
{
	*copy = *call->env->inherit->config;
	live_apply(copy, agreed_of(call));
}

static uint64_t
number_of(const struct config *config, enum config_option option)
{
	uint64_t n;

	memcpy(&n, (const char *)config + config_rows[option].offset,
	    sizeof(n));
	return n;
}

/* --- GET --- */

struct get {
	struct call	*call;
	struct glob	*globs[16];
	size_t		 n_globs;
	size_t		 found;
};

static bool
is_wanted(const struct get *get, const char *name)
{
	size_t i;

	for (i = 0; i < get->n_globs; i++)
		if (get->globs[i] != NULL &&
		    glob_match(get->globs[i], redis_word(name)))
			return true;
	return false;
}

static void
get_one(struct get *get, const char *name, const char *value)
{
	if (!is_wanted(get, name))
		return;
	redis_say(get->call, name);
	redis_say(get->call, value);
	get->found++;
}

/* Several of one setting stand behind each other, as in Redis's `bind'. */
static void
get_option(struct get *get, const struct config *config,
    enum config_option option)
{
	char text[CONFIG_VALUE_MAX + 1], all[CONFIG_VALUE_MAX + 1] = "";
	size_t i;

	if (config_rows[option].type == CONFIG_IS_SECRET)
		return;
	for (i = 0; i < config_value_count(config, option); i++) {
		config_value_text(config, option, i, text);
		if (i > 0)
			strlcat(all, " ", sizeof(all));
		strlcat(all, text, sizeof(all));
	}
	get_one(get, config_option_name(option), all);
}

/* A password is told to nobody, not even that it is none. */
static bool
is_hidden(const struct call *call, const char *name)
{
	return command_wants_password(call) &&
	    strcmp(name, "requirepass") == 0;
}

static void
get_all(struct get *get)
{
	struct config config;
	char text[CONFIG_VALUE_MAX + 1];
	enum config_option option;
	size_t i;

	copy_config(get->call, &config);
	for (option = 0; option < CONFIG_OPTIONS; option++)
		get_option(get, &config, option);
	for (i = 0; i < N(aliases); i++) {
		snprintf(text, sizeof(text), "%ju", (uintmax_t)(number_of(
		    &config, aliases[i].option) / aliases[i].unit));
		get_one(get, aliases[i].name, text);
	}
	snprintf(text, sizeof(text), "%ju",
	    (uintmax_t)store_value_max(get->call->env->store));
	get_one(get, "proto-max-bulk-len", text);
	get_one(get, "cluster-enabled", strcmp(config.cluster_protocol,
	    "off") == 0 ? "no" : "yes");
	for (i = 0; i < N(fixed); i++)
		if (!is_hidden(get->call, fixed[i].name))
			get_one(get, fixed[i].name, fixed[i].value);
	for (i = 0; i < N(harmless); i++) {
		write_harmless(get->call, &harmless[i], text, sizeof(text));
		get_one(get, harmless[i].name, text);
	}
}

void
redis_run_config_get(struct call *call)
{
	const struct request *req = call->req;
	struct get get = { .call = call, .n_globs = req->argc - 2 };
	size_t i, mark = outbuf_len(call->out);

	if (get.n_globs > N(get.globs)) {
		redis_error(call, "ERR", "too many patterns");
		return;
	}
	for (i = 0; i < get.n_globs; i++)
		get.globs[i] = glob_new(req->argv[i + 2], true);
	get_all(&get);
	for (i = 0; i < get.n_globs; i++)
		glob_free(get.globs[i]);
	resp_put_list_at(call->out, redis_version(call), RESP_MAP, get.found,
	    mark);
}

/* --- SET --- */

struct change {
	uint64_t	 value;
	unsigned	 setting;
	bool		 nothing;	/* it is so already */
};

static bool
refuse(struct call *call, struct slice name, const char *why)
{
	redis_error(call, "ERR", "CONFIG SET failed (possibly related to "
	    "argument '%.*s') - %s",
	    name.len < NAME_SHOWN ? (int)name.len : NAME_SHOWN, name.data,
	    why);
	return false;
}

static bool
is_text(struct slice value, const char *text)
{
	return value.len == strlen(text) &&
	    memcmp(value.data, text, value.len) == 0;
}

static bool
parse_fixed(struct call *call, const struct slice *words,
    const char *value, struct change *change)
{
	change->nothing = true;
	if (is_text(words[1], value) && !(command_wants_password(call) &&
	    redis_is(words[0], "requirepass")))
		return true;
	return refuse(call, words[0], "can't set immutable config");
}

static bool
parse_letters(struct call *call, const struct slice *words,
    struct change *change)
{
	size_t i;

	change->value = 0;
	for (i = 0; i < words[1].len; i++) {
		if (strchr("KEg$lshzxetdmnA", words[1].data[i]) == NULL ||
		    words[1].data[i] == '\0')
			return refuse(call, words[0], "Invalid event class "
			    "character. Use 'Ag$lshzxeKEtmdn'.");
		if (words[1].data[i] != '$')
			change->value |= UINT64_C(1) <<
			    (words[1].data[i] - 'A');
	}
	return true;
}

static bool
parse_harmless(struct call *call, const struct slice *words,
    const struct harmless *h, struct change *change)
{
	int64_t n;

	change->setting = h->setting;
	if (h->type == HARMLESS_EVENTS)
		return parse_letters(call, words, change);
	if (!number_parse_int(words[1], &n))
		return refuse(call, words[0],
		    "argument couldn't be parsed into an integer");
	if (h->type == HARMLESS_LENGTH && n < 0)
		return refuse(call, words[0], "argument must be between 0 "
		    "and 9223372036854775807 inclusive");
	if (h->type == HARMLESS_TIME && n < -1)
		return refuse(call, words[0], "argument must be between -1 "
		    "and 9223372036854775807 inclusive");
	change->value = (uint64_t)n;
	return true;
}

/* By a configuration of nothing else, which knows types and bounds. */
static bool
parse_option(struct call *call, const struct slice *words,
    enum config_option option, const char *text, struct change *change)
{
	struct config scratch = { .name = NULL }, now;
	char why[CONFIG_WHY_MAX];
	bool sound, same;

	sound = config_value_set(&scratch, option, text, why);
	copy_config(call, &now);
	same = sound && config_value_same(&scratch, &now, option);
	if (sound && live_is(option)) {
		change->setting = option;
		change->value = number_of(&scratch, option);
	}
	config_value_clear(&scratch, option);
	if (!sound)
		return refuse(call, words[0], why);
	change->nothing = same && !live_is(option);
	if (same || live_is(option))
		return true;
	return refuse(call, words[0], "can't set immutable config, see "
	    "kvd.conf(5)");
}

static bool
parse_alias(struct call *call, const struct slice *words,
    const struct alias *alias, struct change *change)
{
	char text[24];
	int64_t n;

	if (!number_parse_int(words[1], &n) || n < 0 ||
	    n > INT64_MAX / (int64_t)alias->unit)
		return refuse(call, words[0], alias->refusal);
	snprintf(text, sizeof(text), "%jd%s", (intmax_t)n,
	    alias->unit == 1000 && n > 0 ? "s" : "");
	return parse_option(call, words, alias->option, text, change);
}

static bool
parse_named(struct call *call, const struct slice *words,
    enum config_option option, struct change *change)
{
	char text[CONFIG_VALUE_MAX + 1];

	if (words[1].len > CONFIG_VALUE_MAX ||
	    memchr(words[1].data, '\0', words[1].len) != NULL)
		return refuse(call, words[0], "no such value");
	memcpy(text, words[1].data, words[1].len);
	text[words[1].len] = '\0';
	return parse_option(call, words, option, text, change);
}

static bool
parse_change(struct call *call, const struct slice *words,
    struct change *change)
{
	enum config_option option;
	size_t i;

	for (option = 0; option < CONFIG_OPTIONS; option++)
		if (config_rows[option].type != CONFIG_IS_SECRET &&
		    redis_is(words[0], config_option_name(option)))
			return parse_named(call, words, option, change);
	for (i = 0; i < N(aliases); i++)
		if (redis_is(words[0], aliases[i].name))
			return parse_alias(call, words, &aliases[i], change);
	for (i = 0; i < N(fixed); i++)
		if (redis_is(words[0], fixed[i].name))
			return parse_fixed(call, words, fixed[i].value,
			    change);
	for (i = 0; i < N(harmless); i++)
		if (redis_is(words[0], harmless[i].name))
			return parse_harmless(call, words, &harmless[i],
			    change);
	redis_error(call, "ERR", "Unknown option or number of arguments for "
	    "CONFIG SET - '%.*s'", words[0].len < NAME_SHOWN ?
	    (int)words[0].len : NAME_SHOWN, words[0].data);
	return false;
}

static bool
is_repeated(const struct request *req, size_t at)
{
	size_t i;

	for (i = 2; i < at; i += 2)
		if (req->argv[i].len == req->argv[at].len &&
		    strncasecmp((const char *)req->argv[i].data,
		    (const char *)req->argv[at].data, req->argv[at].len) == 0)
			return true;
	return false;
}

#define CHANGES_MAX	64

void
redis_run_config_set(struct call *call)
{
	const struct request *req = call->req;
	struct change changes[CHANGES_MAX] = { { .setting = 0 } };
	size_t i, n = (req->argc - 2) / 2;

	if (req->argc % 2 != 0 || n > CHANGES_MAX) {
		redis_syntax_error(call);
		return;
	}
	for (i = 0; i < n; i++) {
		if (!parse_change(call, req->argv + 2 + 2 * i, &changes[i]))
			return;
		if (is_repeated(req, 2 + 2 * i)) {
			refuse(call, req->argv[2 + 2 * i],
			    "duplicate parameter");
			return;
		}
	}
	for (i = 0; i < n; i++)
		if (!changes[i].nothing)
			agreed_set(agreed_of(call), changes[i].setting,
			    changes[i].value);
	redis_ok(call);
}

/* --- the rest --- */

void
redis_run_config_resetstat(struct call *call)
{
	agreed_reset_counters(agreed_of(call), call->env->inherit->arena);
	redis_ok(call);
}

/*
 * What was set, and is a setting of kvd.conf.  We are the user that may read
 * that file; whether it may be written, too, is for who owns it.
 */
void
redis_run_config_rewrite(struct call *call)
{
	enum config_option option, options[CONFIG_OPTIONS];
	char why[CONFIG_WHY_MAX];
	struct config config;
	uint64_t value;
	size_t n = 0;

	for (option = 0; option < CONFIG_OPTIONS; option++)
		if (live_is(option) &&
		    agreed_get(agreed_of(call), option, &value))
			options[n++] = option;
	copy_config(call, &config);
	switch (config_rewrite(call->env->inherit->args, &config, options, n,
	    why)) {
	case CONFIG_REWRITTEN:
		redis_ok(call);
		break;
	case CONFIG_NO_FILE:
		redis_error(call, "ERR", "The server is running without a "
		    "config file");
		break;
	case CONFIG_NOT_REWRITTEN:
		redis_error(call, "ERR", "Rewriting config file: %s", why);
		break;
	}
}
