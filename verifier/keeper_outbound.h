/*
 * keeper_outbound.h: the inside of what leaves by itself, shared by keeper_outbound.c
 * (when, and what becomes of it), keeper_outbound_start.c (what there is to be told),
 * keeper_outbound_message.c (what is sent) and keeper_operation_webhook.c (what operators
 * see and do). Nobody else's.
 *
 * The outbox is the ledger's decisions: each destination has a cursor there, and what is
 * behind it was delivered, was not wanted, or is a dead letter. Everything is sent in the
 * order of the decisions, and nothing passes one that waits, so that the order holds for
 * each device; a destination that is down costs a row and a number, whatever piles up.
 */
#ifndef VERIFIER_KEEPER_OUTBOUND_H
#define VERIFIER_KEEPER_OUTBOUND_H

#include "keeper_private.h"
#include "outbound.h"

#include "verifier/ledger/outbox.h"
#include "verifier/result/webhook.h"

#define OUTBOX_MAX (CONFIG_WEBHOOKS_MAX + 2) /* webhooks, syslog, the journal */
#define OUTBOX_SCAN 128		/* rows looked at for one destination in a turn */
#define OUTBOX_DEAD_MAX 10000	/* dead letters of a webhook; the oldest are dropped */
#define OUTBOX_REFUSALS_MAX 8	/* refusals of one message (4xx) until it is dead */
#define OUTBOX_START_MS 30000	/* a process that resolves names for longer has failed */
#define OUTBOX_GRACE_MS 5000	/* beyond the time-out, until it has answered keeper */
#define OUTBOX_TEST_MS 20000	/* an operator is told by then how a test went */
#define OUTBOX_IDLE_MS 60000	/* then its process ends, and names are resolved anew */
#define OUTBOX_STORE_S 60	/* cursors over what nobody wants are written so often */

enum sink_kind { SINK_WEBHOOK = 1, SINK_SYSLOG, SINK_JOURNAL };

enum flight_kind { FLIGHT_DECISION = 1, FLIGHT_AGAIN, FLIGHT_TEST };

/* Given to the process, not yet answered. */
struct flight {
	enum flight_kind kind;
	uint64_t id;  /* in the messages */
	uint64_t seq; /* 0: a test */
	int64_t at;   /* of the decision */
};

struct sink {
	char name[LEDGER_OUTBOX_NAME_MAX + 1];
	enum sink_kind kind;
	const struct config_webhook *hook; /* NULL: it is none */
	struct webhook_secret secret[2];
	unsigned outcomes; /* bits of enum outcome that are wanted */
	uint64_t cursor;   /* everything up to here is done with ... */
	uint64_t stored;   /* ... as the ledger has it */
	int64_t stored_s;
	uint64_t next; /* everything up to here was sent or is not wanted */
	struct flight flight[OUTBOUND_WINDOW];
	unsigned first, n;
	unsigned failures; /* in a row */
	uint32_t attempts; /* of the message behind the cursor */
	int64_t due_ms;	   /* not before */
	int64_t used_ms;   /* when its process was last given something, or answered */
	int64_t oldest;	   /* when the decision was made that waits longest; 0: none does */
	uint32_t dead, again; /* letters, and those of them that are to be tried again */
	uint64_t delivered, retries, died, dropped; /* since the start */
	int64_t delivered_at, error_at;
	char error[LEDGER_ERROR_MAX];
	uint64_t test; /* operation that waits for a test's result; 0: none */
	int64_t test_until_ms;
};

struct outbox {
	unsigned n;
	struct sink sink[OUTBOX_MAX];
	uint64_t number; /* of the last message */
	char host[256];	 /* of this machine, for syslog */
	uint8_t body[OUTBOUND_BODY_MAX], message[OUTBOUND_BODY_MAX + 2048];
};

/* keeper_outbound_message.c */
/* Whether a destination is to hear of this decision, and as what ("decision", "gone");
 * NULL: it is not. */
const char *sink_wants(struct keeper *k, const struct sink *s, const struct ledger_decision *row);
/* Send it to the destination's process. row: NULL for a test. */
ASSAY_MUST_USE enum assay_err sink_send(struct keeper *k, struct sink *s, struct child *c,
					const struct flight *f, const struct ledger_decision *row);
void sink_secrets(struct sink *s, bool start);

/* keeper_outbound_start.c */
void sink_take_back(struct sink *s); /* what is in flight is as if it had not been sent */
ASSAY_MUST_USE enum assay_err sink_store(struct keeper *k, struct sink *s);

/* keeper_outbound.c */
void sink_end_process(struct keeper *k, struct sink *s);
/* For operators: all there are; how long until the next attempt; that it is now. */
struct outbox *keeper_outbox(struct keeper *k);
int64_t sink_wait_ms(const struct keeper *k, const struct sink *s);
void sink_hurry(const struct keeper *k, struct sink *s);
/* NULL: there is none of this name. */
struct sink *sink_find(struct keeper *k, const char *name);
bool sink_running(struct keeper *k, const struct sink *s);
/* Dead letters or the cursor were changed within this turn's change. */
ASSAY_MUST_USE enum assay_err sink_changed(struct keeper *k, struct sink *s);
/* Everything up to here is done with. */
ASSAY_MUST_USE enum assay_err sink_skip_to(struct keeper *k, struct sink *s, uint64_t seq);
/* BUSY: another test is under way. The operation is answered when the result is there. */
ASSAY_MUST_USE enum assay_err sink_test(struct keeper *k, struct sink *s, uint64_t operation);

#endif
