/*
 * Patterns: what Redis 7.0.15 says to the same, and no pattern that takes
 * long.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/glob.h"

#define SLICE(s)	((struct slice){ (const uint8_t *)(s), strlen(s) })

/* The pattern lies in memory that ends where it ends, and is then gone. */
static bool
matches_slice(struct slice pattern, struct slice name, bool fold_case)
{
	uint8_t *copy = malloc(pattern.len + (pattern.len == 0));
	struct glob *glob;
	bool matched;

	if (pattern.len > 0)
		memcpy(copy, pattern.data, pattern.len);
	glob = glob_new((struct slice){ copy, pattern.len }, fold_case);
	free(copy);
	cr_assert_not_null(glob);
	matched = glob_match(glob, name);
	glob_free(glob);
	return matched;
}

static bool
matches(const char *pattern, const char *name)
{
	return matches_slice(SLICE(pattern), SLICE(name), false);
}

/* The names, separated by spaces, that should match, and those not. */
struct vector {
	const char	*pattern;
	const char	*yes;
	const char	*no;
};

static const struct vector vectors[] = {
	{ "milk", "milk", "mil milky Milk kmil" },
	{ "*", "a ab * ?", "" },
	{ "**", "a ab", "" },
	{ "?", "a * ] \\", "ab" },
	{ "a*", "a ab abc", "b ba" },
	{ "*a", "a ba aa", "ab b" },
	{ "a*b*c", "abc aXbYc abcbc aabbcc", "ac abcd cba ab" },
	{ "*a*a*a*b", "aaab xaxaxaxb aaaab", "aab aaa aaabx" },
	{ "a?*", "ab abc", "a ba" },
	{ "*?b", "ab aab", "b ba" },
	{ "a**b", "ab aXb", "a b" },
	{ "h[ae]llo", "hallo hello", "hillo hllo haello" },
	{ "h[^e]llo", "hallo h^llo", "hello hllo" },
	{ "[a-c]", "a b c", "d - ab" },
	{ "[c-a]", "a b c", "d -" },
	{ "[a-cx-z0]*", "a1 z2 0", "d w -" },
	{ "[-a]", "- a", "b" },
	{ "[a-", "a -", "b Z" },
	{ "[a-]", "] ^ a", "- b" },
	{ "[a-b", "a b", "- c" },
	{ "[[-]", "[ \\ ]", "- a" },
	{ "[a-\\]]", "a] \\] ]]", "a b] \\" },
	{ "[\\a-z]", "a - z", "b \\" },
	{ "[]", "", "a ] []" },
	{ "[^]", "a ] ^", "ab" },
	{ "[", "", "[ a" },
	{ "[^", "a [ ^", "ab" },
	{ "a[", "", "a a[" },
	{ "a[^", "ab a-", "a" },
	{ "[]a]", "", "] a ]a]" },
	{ "[\\]]", "]", "\\ []" },
	{ "[\\]", "]", "\\ [" },
	{ "[^\\]]", "a \\", "]" },
	{ "[\\", "\\", "[" },
	{ "[^\\", "[ a", "\\" },
	{ "[^^]", "a", "^" },
	{ "[a^]", "a ^", "b" },
	{ "[?*]", "? *", "a" },
	{ "\\*", "*", "a \\*" },
	{ "\\[a]", "[a]", "a" },
	{ "\\\\", "\\", "\\\\" },
	{ "a\\", "a\\", "a" },
	{ "\\a\\b", "ab", "\\a\\b" },
	{ "*\xc3\xa9*", "caf\xc3\xa9s", "caf\xc3 cafe" }
};

static void
check_names(const char *pattern, const char *names, bool expected)
{
	size_t len;

	for (; *names != '\0'; names += len + (names[len] == ' ')) {
		struct slice name = { (const uint8_t *)names, 0 };

		name.len = len = strcspn(names, " ");
		cr_assert_eq(matches_slice(SLICE(pattern), name, false),
		    expected, "'%s' and '%.*s'", pattern, (int)len, names);
	}
}

Test(glob, patterns_match_what_they_match_in_redis)
{
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		check_names(vectors[i].pattern, vectors[i].yes, true);
		check_names(vectors[i].pattern, vectors[i].no, false);
	}
}

Test(glob, nothing_at_all_is_matched_by_nothing_and_by_stars)
{
	struct slice nothing = { NULL, 0 };

	cr_assert(matches_slice(nothing, nothing, false));
	cr_assert_not(matches_slice(nothing, SLICE("a"), false));
	cr_assert(matches("*", ""));
	cr_assert(matches("**", ""));
	cr_assert_not(matches("?", ""));
	cr_assert_not(matches("[^]", ""));
	cr_assert_not(matches("*a", ""));
}

Test(glob, a_nul_is_a_byte_like_any_other)
{
	struct slice pattern = { (const uint8_t *)"a\0*[\0-\1]", 8 };

	cr_assert(matches_slice(pattern,
	    (struct slice){ (const uint8_t *)"a\0b\1", 4 }, false));
	cr_assert_not(matches_slice(pattern,
	    (struct slice){ (const uint8_t *)"a\0b", 3 }, false));
	cr_assert_not(matches_slice(pattern, SLICE("a"), false));
}

Test(glob, every_byte_matches_itself_and_nothing_else)
{
	uint8_t pattern[2] = { '\\', 0 }, byte;
	unsigned i, j;

	for (i = 0; i < 256; i++) {
		struct glob *glob;

		pattern[1] = (uint8_t)i;
		glob = glob_new((struct slice){ pattern, 2 }, false);
		for (j = 0; j < 256; j++) {
			byte = (uint8_t)j;
			if (glob_match(glob, (struct slice){ &byte, 1 }) !=
			    (i == j))
				cr_assert_fail("%u and %u", i, j);
		}
		glob_free(glob);
	}
}

Test(glob, case_is_folded_if_asked_for_in_ranges_too)
{
	static const struct vector folded[] = {
		{ "MaxMemory*", "maxmemory MAXMEMORY-policy", "maxmemor" },
		{ "[a-c]", "a A C", "d D" },
		{ "[A-C]", "a A C", "d D" },
		{ "[^x]", "a", "x X" },
		{ "[A-z]", "a M z", "[ _ @ {" },
		{ "[Z-a]", "", "Z a z A _" },
		{ "k\xc3\xa9", "K\xc3\xa9", "k\xc3\x89" }
	};
	size_t i, len;
	const char *name;

	for (i = 0; i < 2 * sizeof(folded) / sizeof(folded[0]); i++) {
		const struct vector *v = &folded[i / 2];

		name = i % 2 == 0 ? v->yes : v->no;
		for (; *name != '\0'; name += len + (name[len] == ' ')) {
			len = strcspn(name, " ");
			cr_assert_eq(matches_slice(SLICE(v->pattern),
			    (struct slice){ (const uint8_t *)name, len },
			    true), i % 2 == 0, "'%s' and '%.*s'", v->pattern,
			    (int)len, name);
		}
	}
	cr_assert_not(matches("a", "A"));
}

/* The same done with recursion: slow, but plain to see. */
static bool
match_plainly(const char *pattern, const char *name)
{
	if (*pattern == '\0')
		return *name == '\0';
	if (*pattern == '*')
		return match_plainly(pattern + 1, name) ||
		    (*name != '\0' && match_plainly(pattern, name + 1));
	return *name != '\0' && (*pattern == '?' || *pattern == *name) &&
	    match_plainly(pattern + 1, name + 1);
}

/* One of these letters for each place of up to ten. */
static void
put_random(char *text, const char *letters, size_t count)
{
	int n;

	for (n = rand() % 11; n > 0; n--)
		*text++ = letters[(size_t)rand() % count];
	*text = '\0';
}

Test(glob, random_patterns_match_what_a_plain_matcher_matches)
{
	char pattern[12], name[12];
	int round, matched = 0;

	srand(5);
	for (round = 0; round < 30000; round++) {
		put_random(pattern, "ab?*", 4);
		put_random(name, "ab", 2);
		if (matches(pattern, name) != match_plainly(pattern, name))
			cr_assert_fail("'%s' and '%s'", pattern, name);
		matched += match_plainly(pattern, name);
	}
	cr_assert_gt(matched, 1000);
}

/* Behind a star and many letters, of which the name may have some more. */
Test(glob, random_patterns_match_the_same_where_one_word_ends)
{
	char pattern[100], name[100];
	int round, matched = 0, n;

	srand(6);
	for (round = 0; round < 2000; round++) {
		n = 54 + rand() % 14;
		memset(pattern, 'a', sizeof(pattern));
		memset(name, 'a', sizeof(name));
		pattern[0] = '*';
		put_random(pattern + n, "aab?*", 5);
		put_random(name + n + rand() % 10, "aab", 3);
		if (matches(pattern, name) != match_plainly(pattern, name))
			cr_assert_fail("'%s' and '%s'", pattern, name);
		matched += match_plainly(pattern, name);
	}
	cr_assert_gt(matched, 200);
}

/* Where the bits of the pattern go from one word to the next. */
Test(glob, patterns_of_every_length_match_names_of_that_length)
{
	uint8_t bytes[300];
	struct slice name = { bytes, 0 };
	struct glob *glob;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)('a' + i % 23);
	for (name.len = 0; name.len < sizeof(bytes); name.len++) {
		glob = glob_new(name, false);
		cr_assert(glob_match(glob, name), "%zu", name.len);
		if (name.len > 0) {
			name.len--;
			cr_assert_not(glob_match(glob, name));
			name.len++;
			bytes[name.len - 1] ^= 1;
			cr_assert_not(glob_match(glob, name));
			bytes[name.len - 1] ^= 1;
		}
		name.len++;
		cr_assert_not(glob_match(glob, name));
		name.len--;
		glob_free(glob);
	}
}

Test(glob, the_longest_pattern_is_taken_and_a_longer_one_is_not)
{
	struct slice pattern;
	uint8_t *bytes = malloc(GLOB_PATTERN_MAX + 1);

	memset(bytes, 'a', GLOB_PATTERN_MAX + 1);
	pattern = (struct slice){ bytes, GLOB_PATTERN_MAX };
	cr_assert(matches_slice(pattern, pattern, false));
	bytes[GLOB_PATTERN_MAX - 1] = '*';
	cr_assert(matches_slice(pattern, pattern, false));
	pattern.len++;
	cr_assert_null(glob_new(pattern, false));
	free(bytes);
}

/* Stars that could each end in 131072 places, and a name that never fits. */
Test(glob, no_pattern_takes_long)
{
	size_t len = 128 * (size_t)1024, i;
	uint8_t *name = malloc(len), pattern[GLOB_PATTERN_MAX];
	struct timespec cpu;

	memset(name, 'a', len);
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 == 0 ? 'a' : '*';
	pattern[sizeof(pattern) - 1] = 'b';
	cr_assert_not(matches_slice((struct slice){ pattern, sizeof(pattern) },
	    (struct slice){ name, len }, false));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	cr_assert_lt(cpu.tv_sec, 5);
	free(name);
}
