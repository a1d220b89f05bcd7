#ifndef KVD_STEP_MODEL_H
#define KVD_STEP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * What the arena must hold: a table of buckets and pairs in plain arrays,
 * changed by the same operations, and so simple that it needs no proof.
 * Everything has a number: buckets below MODEL_BUCKETS, the first of which
 * has room for many keys; from MODEL_OTHER_SHARD on they live in shard 1.
 */
#define MODEL_BUCKETS		24
#define MODEL_OTHER_SHARD	20
#define MODEL_SHARDS		2
#define MODEL_KEYS_FIRST	1400	/* of bucket 0 */
#define MODEL_KEYS		40	/* of each other bucket */
#define MODEL_CELLS		(MODEL_KEYS_FIRST + \
				    (MODEL_BUCKETS - 1) * MODEL_KEYS)
#define MODEL_EVENTS		256
#define MODEL_VALUE_MAX		3072
#define MODEL_BATCH		64
#define MODEL_NOW_MS		UINT64_C(1000000000000)

enum op_kind {
	OP_CREATE, OP_DROP, OP_PUT, OP_SET, OP_DELETE, OP_PUT_MANY,
	OP_SET_RUN,
	OP_EDIT, OP_EDIT_AWAY,	/* a put and a deletion, by pair_edit() */
	OP_TXN,			/* several of these, see model_script() */
	OP_SAY,			/* on a channel with the bucket's name */
	OP_CLEAN,		/* one step of the cleaner */
	OP_SWEEP,		/* one piece of its sweeping */
	OP_BACK,		/* memory for segments ahead of use */
	OP_WATCH, OP_UNWATCH
};

struct op {
	enum op_kind	kind;
	unsigned	bucket;
	unsigned	key;		/* of a batch or run: the first */
	unsigned	n;		/* batch, run: pairs; back: segments;
					 * transaction: a script */
	uint32_t	size;		/* of each value */
	unsigned	distinct;	/* of these: then keys repeat; or 0 */
	uint64_t	expires_ms;
};

/* The parts of a transaction. */
enum part_kind {
	PART_END, PART_CREATE, PART_CREATE_AUTO, PART_DROP, PART_PUT,
	PART_DELETE,
	PART_EXPIRE,		/* the bucket, at the operation's time */
};

struct part {
	enum part_kind	kind;
	unsigned	bucket;
	unsigned	key;		/* 0: the operation's */
};

enum script {
	SCRIPT_SEVERAL,		/* a new bucket, and changes of another */
	SCRIPT_RENEW,		/* one of the same name instead of another */
	SCRIPT_LAST_KEYS,	/* the bucket goes with them */
	SCRIPT_EXPIRE,
	SCRIPT_MAKE,		/* a bucket, where there may be a ghost */
	SCRIPT_FOR_NOTHING,	/* made and dropped */
	SCRIPT_STAY,		/* a bucket goes no more with its last key */
};

struct cell {			/* a pair */
	bool		there;
	uint32_t	size;
	uint64_t	version;	/* what its bytes are made of */
	uint64_t	revision;
	uint64_t	expires_ms;
};

struct model_bucket {
	bool		there;
	bool		is_auto;	/* goes with its last key */
	bool		is_ghost;	/* something is left of it */
	unsigned	touched;	/* keys from here on were never used */
	uint64_t	created, revision;
};

enum model_event_op {
	EVENT_SET, EVENT_DELETED, EVENT_CREATED, EVENT_DROPPED, EVENT_TOUCHED,
	EVENT_SAID
};

struct model_event {
	enum model_event_op	op;
	unsigned		bucket, key;
	uint32_t		size;
	uint64_t		version, revision;
};

struct model {
	struct model_bucket	buckets[MODEL_BUCKETS];
	struct cell		cells[MODEL_CELLS];
	uint64_t		lsn[MODEL_SHARDS];
	bool			watched[MODEL_SHARDS];
	uint64_t		versions;	/* given out so far */
	bool			cleaned;	/* the cleaner has run */
	bool			expiring;	/* and may have removed pairs */
	unsigned		nevents;
	struct model_event	events[MODEL_EVENTS];
};

/* What was found in an arena under a name or a key. */
struct answer {
	enum shm_status	status;
	size_t		len;
	uint64_t	revision;
	uint64_t	expires_ms;
	uint8_t		bytes[MODEL_VALUE_MAX];
};

/* Choose names that live in their shards; once, before all else. */
void model_init(void);

struct bytes model_bucket_name(unsigned bucket);
struct bytes model_key(unsigned key);
unsigned model_keys(unsigned bucket);
static inline uint32_t
model_shard(unsigned bucket)
{
	return bucket >= MODEL_OTHER_SHARD;
}
struct cell *model_cell(struct model *, unsigned bucket, unsigned key);
const struct cell *model_peek(const struct model *, unsigned bucket,
    unsigned key);
/* Fill in a value: its bytes tell version, size and place. */
void model_value(uint8_t *out, uint64_t version, uint32_t size);

/* The number of the i-th key of a batch or run. */
unsigned model_batch_key(const struct op *, unsigned i);

/* The parts of a transaction, ended by PART_END. */
const struct part *model_script(const struct op *);

/*
 * Change the model as the operation does if it answers that status; NULL, or
 * what is impossible about the answer.
 */
const char *model_apply(struct model *, const struct op *, enum shm_status);

/* NULL if the answer is what the model says about that key, or what not. */
const char *model_check_answer(const struct model *, unsigned bucket,
    unsigned key, const struct answer *);

/*
 * Compare everything: buckets and their facts, every pair with its bytes and
 * revision.  NULL if the arena holds what the model says and nothing else.
 */
const char *model_compare(const struct model *, struct arena *);

/* Do the two say the same about everything that can be asked? */
bool model_equal(const struct model *, const struct model *);

#endif
