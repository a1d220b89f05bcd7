/*
 * Making, finding and leaving an arena.  An arena is complete or it is not
 * there: the magic is the last word stored, and what a creator that died
 * left behind is recognised by its absence.  Nothing is mapped before its
 * header has been read like a file's and found sound.
 */

#include "shm/arena.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/arena_claim.h"
#include "shm/geometry.h"
#include "shm/handle.h"
#include "shm/hash.h"
#include "shm/huge.h"
#include "shm/lock.h"
#include "shm/names.h"
#include "shm/segment.h"
#include "shm/superblock.h"
#include "shm/system.h"
#include "shm/word.h"

#define BACKED_AT_START	6	/* segments */
#define MODE_OWNER	0600
#define MODE_GROUP	0640

static bool
object_name(char *out, size_t size, const char *instance)
{
	size_t len = strlen(instance);

	if (len == 0 || len > ARENA_NAME_MAX || strchr(instance, '/') != NULL)
		return false;
	return snprintf(out, size, "/kvd.%s", instance) < (int)size;
}

int
arena_open_object(const char *instance, int flags)
{
	char name[ARENA_NAME_MAX + 8];

	if (!object_name(name, sizeof(name), instance)) {
		errno = EINVAL;
		return -1;
	}
	return shm_open(name, flags, MODE_OWNER);
}

int
arena_unlink(const char *instance)
{
	char name[ARENA_NAME_MAX + 8];

	if (!object_name(name, sizeof(name), instance)) {
		errno = EINVAL;
		return -1;
	}
	return shm_unlink(name);
}

static void
set_facts(struct arena *a, const struct superblock *sb, const char *name)
{
	a->size_bytes = sb->size_bytes;
	a->segment_bytes = sb->segment_bytes;
	a->segment_bits = (unsigned)__builtin_ctzll(a->segment_bytes);
	a->segments = sb->segments;
	a->value_max_bytes = sb->value_max_bytes;
	a->shards_count = (uint32_t)sb->shards;
	a->shard_bits = (unsigned)__builtin_ctzll(HASH_SLOTS / sb->shards);
	a->segments_off = sb->segments_off;
	a->segments_end = arena_segment_base(a, a->segments);
	memcpy(a->hash_seed, sb->hash_seed, sizeof(a->hash_seed));
	a->pool = arena_at(a, POOL_OFF);
	a->ownership = arena_at(a, OWNERSHIP_OFF);
	a->cleaning = arena_at(a, sb->cleaning_off);
	a->board = arena_at(a, sb->board_off);
	a->shards = arena_at(a, sb->shards_off);
	a->table = arena_at(a, sb->table_off);
	system_format_uuid(sb->uuid, a->uuid);
	strlcpy(a->name, name, sizeof(a->name));
}

/* Takes the descriptor over, but not on failure. */
static enum arena_error
map(struct arena **out, int fd, uint64_t size, bool read_only)
{
	int access = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	struct arena *a;
	int saved;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		goto fail;
	a->base = huge_map(fd, size, access);
	if (a->base == MAP_FAILED)
		goto fail;
	/* Dumping 1 GB keeps a dead worker's locks for seconds. */
	madvise(a->base, size, MADV_DONTDUMP);
	a->fd = fd;
	a->read_only = read_only;
	a->lock_spins = lock_spins();
	*out = a;
	return ARENA_OK;
fail:
	saved = errno;
	free(a);
	errno = saved;
	return ARENA_ERRNO;
}

/* New memory is all zeros, which is what everything else begins with. */
static enum arena_error
initialise(struct arena *a, const struct geometry *g, const char *name)
{
	struct superblock *sb = (struct superblock *)a->base;
	uint32_t i;

	superblock_fill(sb, g);
	if (!system_random(sb->hash_seed, sizeof(sb->hash_seed)) ||
	    !system_random(sb->uuid, sizeof(sb->uuid)))
		return ARENA_ERRNO;
	set_facts(a, sb, name);
	if ((errno = lock_init(&a->cleaning->lock)) != 0)
		return ARENA_ERRNO;
	for (i = 0; i < a->shards_count; i++)
		if ((errno = lock_init(&a->shards[i].lock)) != 0)
			return ARENA_ERRNO;
	if (arena_back_ahead(a, BACKED_AT_START) < BACKED_AT_START)
		return ARENA_NO_SPACE;
	word_store(&sb->magic, LAYOUT_MAGIC);
	return ARENA_OK;
}

static enum arena_error
size_object(int fd, const struct geometry *g)
{
	int error;

	if (ftruncate(fd, (off_t)g->size_bytes) == -1)
		return ARENA_ERRNO;
	do
		error = posix_fallocate(fd, 0, (off_t)(g->table_off +
		    g->segments * sizeof(struct segment)));
	while (error == EINTR);
	if (error == 0)
		return ARENA_OK;
	errno = error;
	return error == ENOSPC || error == ENOMEM ? ARENA_NO_SPACE :
	    ARENA_ERRNO;
}

enum arena_error
arena_create(struct arena **out, const struct arena_params *p)
{
	struct arena *a = NULL;
	enum arena_error error;
	struct geometry g;
	int fd, saved;

	if ((error = geometry_choose(&g, p)) != ARENA_OK)
		return error;
	if (lock_probe() != 1)
		return ARENA_NO_ROBUST;
	if ((fd = arena_open_object(p->name, O_RDWR | O_CREAT | O_EXCL)) == -1)
		return errno == EEXIST ? ARENA_EXISTS : ARENA_ERRNO;
	/* From now on others can tell that somebody is at it. */
	if (arena_claim_object(fd) == -1)
		error = ARENA_ERRNO;
	if (error != ARENA_OK || (error = size_object(fd, &g)) != ARENA_OK ||
	    (error = map(&a, fd, g.size_bytes, false)) != ARENA_OK) {
		saved = errno;
		close(fd);
		goto fail;
	}
	if ((error = initialise(a, &g, p->name)) != ARENA_OK) {
		saved = errno;
		arena_close(a);
		goto fail;
	}
	*out = a;
	return ARENA_OK;
fail:
	arena_unlink(p->name);
	errno = saved;
	return error;
}

static enum arena_error
read_header(int fd, const uid_t *owner, struct superblock *sb)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return ARENA_ERRNO;
	if (!S_ISREG(st.st_mode))
		return ARENA_NOT_AN_ARENA;
	if (owner != NULL && st.st_uid != *owner)
		return ARENA_OTHER_USER;
	n = pread(fd, sb, sizeof(*sb), 0);
	if (n == -1)
		return ARENA_ERRNO;
	if (n != (ssize_t)sizeof(*sb))
		return n == 0 ? ARENA_UNFINISHED : ARENA_NOT_AN_ARENA;
	return superblock_check(sb, (uint64_t)st.st_size);
}

/* Takes the descriptor over, but not on failure. */
static enum arena_error
attach(struct arena **out, const char *name, int fd, const uid_t *owner,
    bool read_only)
{
	enum arena_error error;
	struct superblock sb;

	if ((error = read_header(fd, owner, &sb)) != ARENA_OK ||
	    (error = map(out, fd, sb.size_bytes, read_only)) != ARENA_OK)
		return error;
	set_facts(*out, &sb, name);
	return ARENA_OK;
}

enum arena_error
arena_attach_fd(struct arena **out, const char *name, int fd, uid_t uid)
{
	return attach(out, name, fd, &uid, false);
}

static enum arena_error
attach_by_name(struct arena **out, const char *name, const uid_t *owner,
    bool read_only)
{
	enum arena_error error;
	int fd, saved;

	/* Who put a pipe there is not to keep us waiting. */
	fd = arena_open_object(name, read_only ? O_RDONLY | O_NONBLOCK :
	    O_RDWR);
	if (fd == -1)
		return errno == ENOENT ? ARENA_MISSING : ARENA_ERRNO;
	error = attach(out, name, fd, owner, read_only);
	if (error != ARENA_OK) {
		saved = errno;
		close(fd);
		errno = saved;
	}
	return error;
}

enum arena_error
arena_attach(struct arena **out, const char *name, uid_t uid)
{
	enum arena_error error = attach_by_name(out, name, &uid, false);

	return error == ARENA_ERRNO && errno == EACCES ? ARENA_OTHER_USER :
	    error;
}

enum arena_error
arena_attach_reader(struct arena **out, const char *name, const uid_t *owner)
{
	return attach_by_name(out, name, owner, true);
}

/*
 * The magic is taken away, which all layouts have in the same place.  Killed
 * before the unlink, we leave an arena that was never completed.
 */
int
arena_retire(const char *instance)
{
	static const uint64_t no_magic;
	int fd = arena_open_object(instance, O_RDWR);
	ssize_t n = sizeof(no_magic);

	if (fd != -1) {
		n = pwrite(fd, &no_magic, sizeof(no_magic), 0);
		close(fd);
	}
	/* What cannot be written to has no readers that could be told. */
	(void)n;
	return arena_unlink(instance);
}

bool
arena_is_current(const struct arena *a)
{
	const struct superblock *sb = arena_at(a, 0);

	return word_load(&sb->magic) == LAYOUT_MAGIC;
}

bool
arena_has_name(const struct arena *a)
{
	struct stat st;

	return fstat(a->fd, &st) == 0 && st.st_nlink > 0;
}

/* The group comes first, so that no other one may read in between. */
int
arena_admit(struct arena *a, const gid_t *group)
{
	struct stat st;

	if (group == NULL)
		return fchmod(a->fd, MODE_OWNER);
	/* Where nothing is to be changed it need not be allowed. */
	if (fstat(a->fd, &st) == -1 || (st.st_gid != *group &&
	    fchown(a->fd, (uid_t)-1, *group) == -1))
		return -1;
	return fchmod(a->fd, MODE_GROUP);
}

int
arena_fd(const struct arena *a)
{
	return a->fd;
}

void
arena_remember_names(struct arena *a)
{
	if (a->names == NULL)
		a->names = names_open();
}

void
arena_close(struct arena *a)
{
	if (a == NULL)
		return;
	names_close(a->names);
	munmap(a->base, a->size_bytes);
	close(a->fd);
	free(a);
}

unsigned
arena_back_ahead(struct arena *a, unsigned ahead)
{
	uint64_t ready = segment_count_free(a);
	unsigned n;

	for (n = 0; ready + n < ahead; n++)
		if (!segment_back_one(a))
			break;
	return n;
}
