/*
 * An item is a line, or a line that says how many bytes follow.  Where one is
 * not as we would write it, its sender is not what we take it for: nothing is
 * guessed.
 */

#include "proto/resp_item.h"

#include <string.h>

#include "proto/number.h"

/* Take a line, its type first, without its end. */
static bool
take_line(struct slice *rest, struct slice *line)
{
	const uint8_t *end;

	if (rest->len == 0 ||
	    (end = memchr(rest->data, '\r', rest->len)) == NULL)
		return false;
	line->data = rest->data;
	line->len = (size_t)(end - rest->data);
	if (line->len == 0 || rest->len - line->len < 2 || end[1] != '\n')
		return false;
	rest->data += line->len + 2;
	rest->len -= line->len + 2;
	return true;
}

/* Take a line of that type, and of a number. */
static bool
take_number(struct slice *rest, char type, int64_t *number)
{
	struct slice line, after = *rest;

	if (!take_line(&after, &line) || line.data[0] != (uint8_t)type)
		return false;
	line.data++;
	line.len--;
	if (!number_parse_int(line, number))
		return false;
	*rest = after;
	return true;
}

/* The bytes that a bulk has said, and its end. */
static bool
take_bytes(struct slice *rest, int64_t len)
{
	size_t n = (size_t)len;

	if (len < 0 || rest->len < 2 || rest->len - 2 < n ||
	    rest->data[n] != '\r' || rest->data[n + 1] != '\n')
		return false;
	rest->data += n + 2;
	rest->len -= n + 2;
	return true;
}

bool
resp_take_item(struct slice *rest, struct slice *item)
{
	static const char lines[] = { '+', '-', ':', '_' };
	struct slice after = *rest, line;
	int64_t len;

	if (rest->len == 0)
		return false;
	if (rest->data[0] == '$') {
		if (!take_number(&after, '$', &len) ||
		    (len != -1 && !take_bytes(&after, len)))
			return false;
	} else if (memchr(lines, rest->data[0], sizeof(lines)) == NULL ||
	    !take_line(&after, &line)) {
		return false;
	}
	item->data = rest->data;
	item->len = (size_t)(after.data - rest->data);
	*rest = after;
	return true;
}

bool
resp_take_array(struct slice *rest, size_t *n)
{
	struct slice after = *rest;
	int64_t number;

	if (!take_number(&after, '*', &number) || number < 0)
		return false;
	*rest = after;
	*n = (size_t)number;
	return true;
}

bool
resp_take_integer(struct slice *rest, int64_t *number)
{
	return take_number(rest, ':', number);
}
