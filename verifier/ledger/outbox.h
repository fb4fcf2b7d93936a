/*
 * outbox.h: of the ledger, what leaves by itself: how far webhooks, syslog and the journal
 * have come, and what could not be delivered. Rules and errors as in ledger.h.
 */
#ifndef LEDGER_OUTBOX_H
#define LEDGER_OUTBOX_H

#include "ledger.h"

#define LEDGER_OUTBOX_NAME_MAX 32 /* of letters, digits, dashes and "@" */
#define LEDGER_ERROR_MAX 160

/* Everything up to the cursor is delivered, dead, or not wanted. NOT_FOUND. */
struct ledger_outbox {
	char name[LEDGER_OUTBOX_NAME_MAX + 1];
	uint64_t cursor; /* a decision's number */
	int64_t updated;
};
ASSAY_MUST_USE enum assay_err ledger_outbox_get(struct ledger *l, const char *name,
						struct ledger_outbox *ret);
ASSAY_MUST_USE enum assay_err ledger_outbox_put(struct ledger *l, const struct ledger_outbox *o);

struct ledger_dead {
	char name[LEDGER_OUTBOX_NAME_MAX + 1];
	uint64_t seq;
	uint32_t attempts;
	char error[LEDGER_ERROR_MAX];
	int64_t at; /* when it was given up */
	bool again; /* an operator wants it tried once more */
};
/* In the place of the one that there may be. */
ASSAY_MUST_USE enum assay_err ledger_dead_put(struct ledger *l, const struct ledger_dead *d);
ASSAY_MUST_USE enum assay_err ledger_dead_get(struct ledger *l, const char *name, uint64_t seq,
					      struct ledger_dead *ret);
/* NOT_FOUND: there is none. */
ASSAY_MUST_USE enum assay_err ledger_dead_remove(struct ledger *l, const char *name, uint64_t seq);
/* The first with seq > after, again: of those to be tried again; NOT_FOUND at the end. */
ASSAY_MUST_USE enum assay_err ledger_dead_next(struct ledger *l, const struct ledger_dead *after,
					       bool again, struct ledger_dead *ret);
ASSAY_MUST_USE enum assay_err ledger_dead_count(struct ledger *l, const char *name,
						uint32_t *ret_all, uint32_t *ret_again);

#endif
