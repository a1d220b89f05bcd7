#ifndef KVD_SHM_TABLE_H
#define KVD_SHM_TABLE_H

#include "shm/lock.h"
#include "shm/segment.h"

/*
 * Where the lines of a linear-hashing table are: line number to line, and
 * the tree of pages in between.
 *
 * Linear hashing after W. Litwin, "Linear hashing: a new tool for file and
 * table addressing", 1980: with n lines, 2^L <= n < 2^(L+1), a hash belongs
 * to the line of its low L+1 bits, or of its low L bits if there is no such
 * line yet.
 */

static inline uint64_t
table_lines(uint64_t shape)
{
	return shape & SHAPE_LINES_MASK;
}

/* The shape with another number of lines, distinct from all recent ones. */
static inline uint64_t
table_reshape(uint64_t shape, uint64_t lines)
{
	return ((shape & ~SHAPE_LINES_MASK) + SHAPE_LINES_MASK + 1) | lines;
}

/* The highest power of two that is not above n; n > 0. */
static inline uint64_t
table_level(uint64_t n)
{
	return UINT64_C(1) << (63 - (unsigned)__builtin_clzll(n));
}

/* The number of the line that a hash belongs to; lines > 0. */
static inline uint64_t
table_line_number(uint64_t lines, uint64_t hash)
{
	uint64_t level = table_level(lines);
	uint64_t n = hash & (2 * level - 1);

	return n < lines ? n : n - level;
}

/* How many low bits of the hash that line answers for. */
static inline unsigned
table_line_bits(uint64_t lines, uint64_t number)
{
	uint64_t level = table_level(lines);
	bool split = number >= level || number + level < lines;

	return (unsigned)__builtin_ctzll(level) + (split ? 1 : 0);
}

/*
 * Lines can be visited in the order of their bit-reversed numbers: a line of
 * b bits stands for one interval of length 2^(64-b) of bit-reversed hashes, a
 * split halves the interval and a merge joins two.  So a cursor, a position
 * in that space, stays good while the table changes.  This is where the
 * interval that it is in ends; 0 is the end of the space.
 */
static inline uint64_t
table_interval_end(uint64_t cursor, unsigned bits)
{
	uint64_t length;

	if (bits == 0)
		return 0;
	length = UINT64_C(1) << (64 - bits);
	return (cursor & ~(length - 1)) + length;
}

/*
 * The line of that number, with or without the lock; NULL if the path leads
 * nowhere, which without the lock means: try again.
 */
struct line *table_line(const struct arena *, uint64_t root, uint64_t number);

/* Pages that table_extend() may take to add a line to so many. */
unsigned table_pages_to_extend(uint64_t lines);

/*
 * Into the intent: a path to the line of number `lines`, the next one, which
 * is empty.  As many pages as may be needed and TABLE_DEPTH_MAX lines must
 * have been reserved.  The caller adds the shape afterwards.  NULL if the
 * change breaks.
 */
struct line *table_extend(struct held *, struct table *, uint64_t lines);

/*
 * Into the intent: the last line, number `last`, is no more; it has no
 * further lines behind it.
 */
void table_truncate(struct held *, struct table *, uint64_t last);

/*
 * The shape of the tree, for the audit.  A depth is what the low bits of a
 * root say; TABLE_LINES_PAGE stands for a page of lines.
 */
#define TABLE_LINES_PAGE	8U

/* Lines that a tree of that depth can hold. */
uint64_t table_capacity(unsigned depth);
/* What the top of a tree of that depth is carved from; depth 0 is a line. */
enum slab_class table_class(unsigned depth);
/* What is below the top of a tree, on the way to a line of the table. */
unsigned table_child_depth(unsigned depth, uint64_t line);

#endif
