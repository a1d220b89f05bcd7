/*
 * Patterns, whoever sends them: matching must not be made to take long.
 * Trying where each star may end takes exponential time in the number of
 * stars, or, done with care, the product of both lengths: seconds for a key
 * and a pattern of a hundred thousand bytes, and a scan has many keys.
 *
 * So all places in the pattern where we might be are kept at once, one bit
 * for each, and a byte of the name moves them all together.  A pattern of n
 * tokens (a byte, ?, or brackets; stars are none) has n + 1 places:
 *
 *	pattern   a     [bc]     *  d
 *	place  0     1        2        3	<- here the name may end
 *	stays                 x
 *
 * Place i goes to i + 1 if token i takes the byte; where there is a star, one
 * may stay as well.  Which tokens take a byte is a row of bits for that byte:
 *
 *	next = (places & row[byte]) << 1 | (places & stay)
 *
 * This takes 32 bytes of rows for a byte of pattern, rounded up to words, and
 * is why there is a longest pattern.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/glob.h"

#define WORD_BITS	64
#define WORDS_MAX	(GLOB_PATTERN_MAX / WORD_BITS + 1)

struct glob {
	size_t		 tokens;
	size_t		 words;			/* of each set of places */
	uint64_t	 stay[WORDS_MAX];
	uint64_t	 row[];			/* words for each byte */
};

/* A pattern while it is read. */
struct reader {
	const uint8_t	*at;
	const uint8_t	*end;
	bool		 fold_case;
};

static uint64_t
bit(size_t place)
{
	return UINT64_C(1) << place % WORD_BITS;
}

static uint8_t
fold(const struct reader *reader, uint8_t byte)
{
	bool upper = byte >= 'A' && byte <= 'Z';

	return reader->fold_case && upper ? byte + ('a' - 'A') : byte;
}

static void
add_range(const struct reader *reader, bool takes[256], uint8_t from,
    uint8_t to)
{
	uint8_t low = fold(reader, from < to ? from : to);
	uint8_t high = fold(reader, from < to ? to : from);
	unsigned byte;

	for (byte = 0; byte < 256; byte++)
		takes[byte] |= fold(reader, (uint8_t)byte) >= low &&
		    fold(reader, (uint8_t)byte) <= high;
}

/* A byte of the pattern, or the one behind a backslash. */
static uint8_t
read_byte(struct reader *reader)
{
	if (*reader->at == '\\' && reader->end - reader->at > 1)
		reader->at++;
	return *reader->at++;
}

/* What stands behind an opening bracket, up to the closing one. */
static void
read_brackets(struct reader *reader, bool takes[256])
{
	bool negated = reader->at < reader->end && *reader->at == '^';
	unsigned byte;
	uint8_t from;

	if (negated)
		reader->at++;
	while (reader->at < reader->end && *reader->at != ']') {
		/* Neither end of a range can be written with a backslash. */
		if (*reader->at != '\\' && reader->end - reader->at > 2 &&
		    reader->at[1] == '-') {
			add_range(reader, takes, reader->at[0], reader->at[2]);
			reader->at += 3;
			continue;
		}
		from = read_byte(reader);
		add_range(reader, takes, from, from);
	}
	if (reader->at < reader->end)
		reader->at++;
	for (byte = 0; negated && byte < 256; byte++)
		takes[byte] = !takes[byte];
}

static void
read_token(struct reader *reader, bool takes[256])
{
	uint8_t byte;

	memset(takes, false, 256 * sizeof(*takes));
	switch (*reader->at) {
	case '?':
		reader->at++;
		add_range(reader, takes, 0, UINT8_MAX);
		break;
	case '[':
		reader->at++;
		read_brackets(reader, takes);
		break;
	default:
		byte = read_byte(reader);
		add_range(reader, takes, byte, byte);
	}
}

static void
read_pattern(struct glob *glob, struct slice pattern, bool fold_case)
{
	struct reader reader = {
		.at = pattern.data, .end = pattern.data + pattern.len,
		.fold_case = fold_case
	};
	bool takes[256];
	unsigned byte;
	size_t word;

	while (reader.at < reader.end) {
		word = glob->tokens / WORD_BITS;
		if (*reader.at == '*') {
			glob->stay[word] |= bit(glob->tokens);
			reader.at++;
			continue;
		}
		read_token(&reader, takes);
		for (byte = 0; byte < 256; byte++)
			if (takes[byte])
				glob->row[byte * glob->words + word] |=
				    bit(glob->tokens);
		glob->tokens++;
	}
}

struct glob *
glob_new(struct slice pattern, bool fold_case)
{
	size_t words = pattern.len / WORD_BITS + 1;
	struct glob *glob;

	if (pattern.len > GLOB_PATTERN_MAX)
		return NULL;
	glob = calloc(1, sizeof(*glob) + 256 * words * sizeof(*glob->row));
	if (glob == NULL)
		return NULL;
	glob->words = words;
	if (pattern.len > 0)
		read_pattern(glob, pattern, fold_case);
	return glob;
}

void
glob_free(struct glob *glob)
{
	free(glob);
}

/* All places take a byte; false if none is left. */
static bool
step(const struct glob *glob, uint64_t *places, uint8_t byte)
{
	const uint64_t *row = glob->row + byte * glob->words;
	uint64_t moved, carry = 0, any = 0;
	size_t i;

	for (i = 0; i < glob->words; i++) {
		moved = places[i] & row[i];
		places[i] = moved << 1 | carry | (places[i] & glob->stay[i]);
		carry = moved >> (WORD_BITS - 1);
		any |= places[i];
	}
	return any != 0;
}

bool
glob_match(const struct glob *glob, struct slice name)
{
	size_t last = glob->tokens / WORD_BITS, i;
	uint64_t places[WORDS_MAX], end = bit(glob->tokens);

	memset(places, 0, glob->words * sizeof(*places));
	places[0] = 1;
	for (i = 0; i < name.len; i++) {
		/* A star at the end takes all the rest. */
		if ((places[last] & glob->stay[last] & end) != 0)
			return true;
		if (!step(glob, places, name.data[i]))
			return false;
	}
	return (places[last] & end) != 0;
}
