/*
 * A small arena, in which any words say anything.  The audit reports, whole
 * and in slices; readers answer; nothing crashes, hangs, or leaves the arena.
 *
 *	0	1	2
 *	+-------+-------+---------------------
 *	| shape | piece | edits, see damage.h
 *	+-------+-------+---------------------
 */

#include "damage.h"
#include "exercise.h"
#include "must.h"
#include "specimen.h"

#define PARAMS	2

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct specimen *s;
	uint64_t errors;

	if (len < PARAMS)
		return 0;
	s = specimen_get(bytes[0] % SPECIMEN_SHAPES);
	specimen_restore(s);
	damage(s->a, s->map, bytes + PARAMS, len - PARAMS);
	errors = exercise_audit(s->a, AUDIT_WHOLE);
	(void)exercise_audit(s->a, UINT64_C(8) << bytes[1] % 8);
	exercise_reads(s->a);
	exercise_changes(s->a);
	must(exercise_audit(s->a, AUDIT_WHOLE) == 0 || errors > 0);
	return 0;
}
