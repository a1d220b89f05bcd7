#ifndef KVD_STEP_OPS_H
#define KVD_STEP_OPS_H

#include "must.h"
#include "world.h"

/* Operations, of which states and candidates are made. */

#define VALUE		8U	/* bytes of an ordinary value */
#define LARGE		700U
#define AUTO		18U	/* the bucket of model_script() */

static inline struct op
put_op(unsigned bucket, unsigned key, uint32_t size)
{
	return (struct op){
		.kind = OP_PUT, .bucket = bucket, .key = key, .size = size
	};
}

static inline struct op
op_on(enum op_kind kind, unsigned bucket)
{
	return (struct op){ .kind = kind, .bucket = bucket };
}

static inline unsigned
first_key(const struct world *w, unsigned bucket, bool there)
{
	unsigned k;

	/* From 1 on: the empty key has its own scenario. */
	for (k = 1; k < model_keys(bucket); k++)
		if (model_peek(&w->m, bucket, k)->there == there)
			return k;
	must(false, "no such key in bucket %u", bucket);
	return 0;
}

static inline struct op
txn_op(enum script script, const struct world *w)
{
	return (struct op){
		.kind = OP_TXN, .n = script, .size = VALUE,
		.key = first_key(w, 0, false),
		.expires_ms = MODEL_NOW_MS - 1
	};
}

#endif
