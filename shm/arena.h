#ifndef KVD_SHM_ARENA_H
#define KVD_SHM_ARENA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/status.h"

/*
 * The arena: one POSIX shared memory object per instance.  A struct arena is
 * this process's view of it; everything inside is named by offsets, so each
 * process may map it elsewhere.  A handle made before fork(2) stays valid in
 * the children.  Functions that take a struct arena may be called from any
 * process and any thread that has one, unless they say otherwise.
 */
struct arena;

#define ARENA_NAME_MAX		200	/* bytes of an instance's name */
#define ARENA_SHARDS_MAX	1024

struct arena_params {
	const char	*name;		/* instance; the object is /kvd.NAME */
	uint64_t	 memory_bytes;	/* size of the whole object */
	uint64_t	 value_max_bytes; /* 0: 1 MiB, or what fits */
	uint32_t	 shards;	/* a power of two; 0: choose */
	uint32_t	 segment_bytes;	/* a power of two; 0: choose */
};

/* Why an arena could not be made or attached. */
enum arena_error {
	ARENA_OK,
	ARENA_ERRNO,		/* a system call failed, errno says why */
	ARENA_EXISTS,		/* create: an object of that name is there */
	ARENA_MISSING,		/* attach: there is none */
	ARENA_TOO_SMALL,	/* memory holds no useful number of segments */
	ARENA_NO_SPACE,		/* /dev/shm is too small or full */
	ARENA_BAD_PARAMS,	/* shards, segment or value size impossible */
	ARENA_UNFINISHED,	/* its maker died, or is still at it */
	ARENA_NOT_AN_ARENA,	/* not ours, or damaged */
	ARENA_OTHER_LAYOUT,	/* made by a program with another layout */
	ARENA_OTHER_USER,	/* owned by another user */
	ARENA_OTHER_BOOT,	/* made before the last boot */
	ARENA_OTHER_PIDNS,	/* made in another pid namespace */
	ARENA_NO_ROBUST		/* robust mutexes do not work on this system */
};

/*
 * Make the arena and map it.  The object appears complete or not at all: the
 * magic is stored last, and on failure the object is unlinked again.  It is
 * claimed for this process from the moment it can be seen, see arena_claim().
 * On ARENA_OK *arena is the caller's, to be given to arena_close().
 */
enum arena_error arena_create(struct arena **arena,
    const struct arena_params *);

/*
 * Map the arena of an instance that is already there.  Nothing is mapped
 * before the header, read with pread(2), has been found sound.
 * uid is the owner expected, normally geteuid().
 */
enum arena_error arena_attach(struct arena **arena, const char *name,
    uid_t uid);

/*
 * Map it only to be read, which takes no more than the permission to.  With
 * such a handle the functions work that say they take no lock: reads of pairs
 * and buckets, walks, facts.  Where these would take one for a dead writer's
 * sake they answer SHM_BUSY, and somebody else finishes what was begun.
 * Nothing else may be called.  owner: whose it must be; NULL: whoever's.
 */
enum arena_error arena_attach_reader(struct arena **arena, const char *name,
    const uid_t *owner);

/*
 * The same through a descriptor of the object, which the program that was
 * here before has handed on over exec(3) with its hold on the arena.  fd is
 * taken over on ARENA_OK, else it stays the caller's.
 */
enum arena_error arena_attach_fd(struct arena **arena, const char *name,
    int fd, uid_t uid);

/*
 * The descriptor, still the arena's, for a program that is to go on with the
 * arena: it is open in that one if close-on-exec is taken off in the child
 * that will call exec(3).
 */
int arena_fd(const struct arena *);

/* Unmap; the object stays.  NULL is allowed. */
void arena_close(struct arena *);

/*
 * Remember which buckets were asked for, so that they are found faster the next
 * time; from now on the handle is for one thread, which the children of a
 * fork(2) are too.  Without memory for it nothing is remembered.
 */
void arena_remember_names(struct arena *);

/* Remove the object of an instance.  Returns 0, or -1 with errno. */
int arena_unlink(const char *name);

/*
 * The same for an arena that readers may have mapped and that another one is
 * to follow: they see from now on that it is not current any more.
 */
int arena_retire(const char *name);

/*
 * False once it was retired.  A load; who wants to know as well whether
 * somebody has just removed its name asks arena_has_name(), a system call.
 */
bool arena_is_current(const struct arena *);
bool arena_has_name(const struct arena *);

/*
 * Let a group read the object, or with NULL nobody but its owner.  It is the
 * owner's to do, who must be a member.  Returns 0, or -1 with errno.
 */
int arena_admit(struct arena *, const gid_t *group);

/*
 * Claim the instance for this process until it exits: two masters on one
 * arena would both fork workers.  The claim is a record lock, so fork(2)
 * does not hand it on and a crash releases it.
 * Returns 0, or the pid of the process that holds it, or -1 with errno.
 */
pid_t arena_claim(struct arena *);

/* Let the claim go, for the process that is to have it next. */
void arena_unclaim(struct arena *);

/*
 * Show, or no longer, that the claimer is about to hand the arena on, to
 * whoever asks with arena_is_changing().  Gone with the claimer.
 */
void arena_show_change(struct arena *, bool changing);
bool arena_is_changing(const char *name);

/*
 * Hold the arena for this process and for all that it will fork: others can
 * do so only when the last of these is gone.  So whoever adopts the arena of
 * a master that died knows when its children are dead too.  Returns false
 * while others hold it.
 */
bool arena_hold(struct arena *);

/*
 * Does anybody hold it, or can that not be told?  By name, without
 * attaching, and not for who holds it.
 */
bool arena_is_held(const char *name);

/* The same of one that is attached, and may be mapped only to be read. */
bool arena_is_served(const struct arena *);

/*
 * The claimer's pid by name, without attaching (for "already running" before
 * anything is touched); while the claim is handed on, the pid of the one who
 * shows the change.  Not for these two themselves, who would lose their locks.
 * Returns 0 if nobody holds it or there is no arena, -1 with errno.
 */
pid_t arena_holder(const char *name);

/* "another user's arena", ...: static storage, lower case, no full stop. */
const char *arena_strerror(enum arena_error);

/* Facts, constant for the arena's life. */
uint32_t arena_shards(const struct arena *);
uint64_t arena_memory_bytes(const struct arena *);
uint64_t arena_segment_bytes(const struct arena *);
uint64_t arena_value_max(const struct arena *);
/* 36 characters and a NUL, kept in the handle. */
const char *arena_uuid(const struct arena *);

/*
 * How often this process, with this handle, found the lock of a shard taken, or
 * had to work for the memory that it wrote to: what may take longer than usual.
 */
uint64_t arena_delays(const struct arena *);

/* The shard, 0 .. arena_shards() - 1, in which a bucket of that name lives. */
uint32_t arena_shard_of(const struct arena *, struct bytes bucket);
/* The same of a string, and sooner: its name is not remembered. */
uint32_t arena_shard_of_string(const struct arena *, struct bytes name);

/* Segments, as they are at some moment of the call. */
struct arena_usage {
	uint64_t	segments;	/* all of them */
	uint64_t	segments_raw;	/* never used, not backed by memory */
	uint64_t	segments_free;	/* backed and free */
	uint64_t	segments_log;
	uint64_t	segments_index;	/* pages and lines */
	uint64_t	log_bytes;	/* written to log segments */
	uint64_t	dead_bytes;	/* of these, waiting for the cleaner */
};
void arena_usage(const struct arena *, struct arena_usage *);

/*
 * Buckets, and the pairs in them; those that have expired are counted until
 * the cleaner comes by.  Without a lock, so shards are counted at different
 * moments.
 */
void arena_counts(const struct arena *, uint64_t *buckets, uint64_t *keys);
/* The same of one shard, 0 .. arena_shards() - 1. */
void arena_shard_counts(const struct arena *, uint32_t shard,
    uint64_t *buckets, uint64_t *keys);

/*
 * Back free segments with memory until `ahead` of them are ready, so that no
 * worker has to do so while a client waits.  Called by the cleaner without
 * any lock.  Returns how many were backed; ends early when /dev/shm is full.
 */
unsigned arena_back_ahead(struct arena *, unsigned ahead);

#endif
