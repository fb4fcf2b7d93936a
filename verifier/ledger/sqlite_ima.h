/*
 * sqlite_ima.h: runs of IMA entries, between sqlite_ima.c (lists) and
 * sqlite_ima_segment.c (runs and the dictionary); private to ledger/.
 *
 * A segment is a run of entries that any number of lists share. Its digest is the SHA-256
 * over the SHA-256 of each entry; whoever names it by that digest in an authentic row can
 * believe what is read through it. In the row, `ids` has for each entry the difference of
 * its id and the one before (of the first: 0), as zigzag numbers of 7 bits a byte.
 */
#ifndef LEDGER_SQLITE_IMA_H
#define LEDGER_SQLITE_IMA_H

#include "sqlite_engine.h"

#define IMA_RUN_MAX 4096  /* entries in a segment of a batch */
#define IMA_SMALL 256	  /* fewer: of one round; joined */
#define IMA_MIDDLE 4096   /* fewer: of several; joined once more */
#define IMA_ENTRY_MAX (2u << 20)

struct ima_run {
	const char *device, *class_name;
	int64_t now;
	size_t entries;
	struct span bytes, lengths; /* be32 each */
};

/* Make the segment, or find it; ret_digest names it. It is held by nobody yet. *first
 * grows by the entries that the class had never had. */
ASSAY_MUST_USE enum assay_err ima_segment_put(struct ledger *l, const struct ima_run *run,
					      uint8_t ret_digest[32], uint64_t *first);
/* Several, one behind the other, as one. */
ASSAY_MUST_USE enum assay_err ima_segment_join(struct ledger *l, uint8_t (*digests)[32],
					       unsigned n, uint8_t ret_digest[32]);
ASSAY_MUST_USE enum assay_err ima_segment_hold(struct ledger *l, const uint8_t digest[32]);
ASSAY_MUST_USE enum assay_err ima_segment_drop(struct ledger *l, const uint8_t digest[32]);
ASSAY_MUST_USE enum assay_err ima_segment_read(struct ledger *l, const uint8_t digest[32],
					       ledger_sink *sink, void *arg);

#endif
