/*
 * Any bytes in front of an arena that is there.  Attaching refuses it or
 * adopts it; what it adopts is an arena whose places are inside of it, and
 * whatever the rest says, the audit, readers and writers come back.
 *
 *	0	2	3	4
 *	+-------+-------+-------+------------------------------------
 *	| pages | shape | as of | xor of superblock, pool, cleaning ...
 *	+-------+-------+-------+------------------------------------
 *
 * pages: how much shorter or longer the object is than it was.  "as of": the
 * superblock of another geometry, on data that was written with this one.
 */

#include <sys/mman.h>

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "exercise.h"
#include "must.h"
#include "shm/superblock.h"
#include "shm/word.h"
#include "specimen.h"

#define PARAMS	4
#define PIECE	256
#define PLACE_BYTES	(2U << 20)	/* more than any of them has */

static int object = -1;

/* The bytes from the start on that the input may change, but no lock. */
static uint8_t *
front_byte(const struct specimen *s, uint8_t *front, size_t i)
{
	size_t cleaning = sizeof(struct superblock) + sizeof(struct pool);

	if (i < sizeof(struct superblock))
		return front + i;
	if (i < cleaning)
		return front + POOL_OFF + i - sizeof(struct superblock);
	if (i - cleaning < offsetof(struct cleaning, lock))
		return front + arena_off_of(s->a, s->a->cleaning) + i -
		    cleaning;
	return NULL;
}

static void
pretend(struct superblock *sb, uint8_t how, uint64_t bytes)
{
	struct arena_params p = {
		.memory_bytes = bytes, .shards = 1U << how % 8,
		.segment_bytes = 4096U << (how / 8) % 8
	};
	struct geometry g;

	if (how != 0 && geometry_choose(&g, &p) == ARENA_OK)
		superblock_fill(sb, &g);
}

/* The object, as the input wants it. */
static void
write_object(const struct specimen *s, const uint8_t *bytes, size_t len,
    const uint8_t params[PARAMS])
{
	uint64_t size = s->a->size_bytes, wanted;
	static uint8_t front[PAGE_BYTES + sizeof(struct cleaning)];
	int16_t pages;
	uint8_t *at;
	size_t i;

	memcpy(&pages, params, sizeof(pages));
	wanted = (uint64_t)((int64_t)size + pages % 256 * 1024);
	memcpy(front, s->image, sizeof(front));
	pretend((struct superblock *)front, params[3], wanted);
	for (i = 0; i < len; i++)
		if ((at = front_byte(s, front, i)) != NULL)
			*at ^= bytes[i];
	must(ftruncate(object, (off_t)wanted) == 0);
	must(pwrite(object, s->image, wanted < size ? wanted : size, 0) > 0);
	must(pwrite(object, front, sizeof(front), 0) == sizeof(front));
}

static void
check_facts(const struct arena *a)
{
	must(a->segments_end <= a->size_bytes);
	must(a->shards_count <= ARENA_SHARDS_MAX);
	must((uint8_t *)(a->table + a->segments) <= a->base +
	    a->segments_off);
}

static void
use(struct arena *a)
{
	static void *place;

	if (place == NULL)
		place = specimen_reserve();
	specimen_move(a, place);
	check_facts(a);
	(void)exercise_audit(a, AUDIT_WHOLE);
	(void)exercise_audit(a, PIECE);
	if (exercise_locks(a)) {
		exercise_reads(a);
		exercise_changes(a);
	}
	arena_close(a);
	must(mmap(place, PLACE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE | MAP_FIXED, -1, 0) == place);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t params[PARAMS] = { 0 };
	const struct specimen *s;
	enum arena_error error;
	struct arena *a;
	size_t skip;
	int fd;

	skip = len < PARAMS ? len : PARAMS;
	memcpy(params, bytes, skip);
	s = specimen_get(params[2] % SPECIMEN_SHAPES);
	if (object == -1)
		object = memfd_create("fuzz_attach", MFD_CLOEXEC);
	must(object != -1);
	write_object(s, bytes + skip, len - skip, params);
	must((fd = dup(object)) != -1);
	error = arena_attach_fd(&a, "fuzz", fd, geteuid());
	if (error != ARENA_OK) {
		must(*arena_strerror(error) != '\0');
		close(fd);
		return 0;
	}
	use(a);
	return 0;
}
