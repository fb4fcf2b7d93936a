/*
 * dbxback.h: whether a list of revocations lost entries (L14).
 */
#ifndef APPRAISE_DBXBACK_H
#define APPRAISE_DBXBACK_H

#include "efisig.h"

/*
 * How many entries (of a kind and with data, whatever their owner; equal ones once) of
 * one signature list are not in another. A list that is malformed ends where it is.
 */
struct dbx_loss {
	uint32_t lost;
	uint32_t before, now; /* entries, as they are counted */
};

/* Room to work in, by the caller. */
struct dbx_entry {
	enum efisig_kind kind;
	struct span data;
	bool kept;
};
uint32_t dbxback_count(struct span list);
/* room: for dbxback_count(before) entries. */
void dbxback_compare(struct span before, struct span now, struct dbx_entry *room,
		     struct dbx_loss *ret);

#endif
