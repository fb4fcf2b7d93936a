/*
 * collector.h: measuring, in a process of its own.
 *
 * The agent starts the same program once more (exec) as its collector, with one socket
 * between them. The collector has the privileges that reading takes, and no network;
 * the agent has the network, and can give up its privileges (option `user`). Measuring
 * never blocks the protocol: a question has a time limit, and is answered in time with
 * what there is by then (items that are not done say "not-yet-measured").
 *
 * An answer is a snapshot: descriptors of sealed memory with the claims in the wire's
 * encoding, which the agent decodes as it would a stranger's, and with the manifests.
 */
#ifndef AGENT_COLLECTOR_H
#define AGENT_COLLECTOR_H

#include "config_measure.h"

#include <assay/attester.h>

#include <sys/types.h>

/* The hidden command under which the program runs as collector. */
#define COLLECTOR_COMMAND "collector"

struct collector {
	pid_t pid;
	int fd;	      /* to be polled for reading; -1: it has ended */
	uint32_t asked, answered; /* numbers of questions */
	bool complete;		  /* the last snapshot has all items */
	bool stale; /* the last question is not answered: what was measured before counts no more */
	int claims, manifests; /* descriptors of the last snapshot, or -1 */
	/* while claims are being given to the attester */
	void *memory;
};

/* Starts it. IO. */
ASSAY_MUST_USE enum assay_err collector_start(struct collector *c, const char *config,
					      const char *state);
void collector_stop(struct collector *c);
/* A new snapshot, please, within budget_ms; reread: of everything, anew. */
ASSAY_MUST_USE enum assay_err collector_ask(struct collector *c, uint32_t budget_ms, bool reread);
/*
 * fd can be read: takes the answer. BUSY: there was none. UNREACHABLE: the collector has
 * ended. answered == asked tells that it is the answer to the last question.
 */
ASSAY_MUST_USE enum assay_err collector_receive(struct collector *c);
/* assay_claims_source and assay_files of the snapshot; self is the collector. Of a stale
 * one only the names are told: a collector that somebody made hang must not speak for
 * what it measured before. */
enum assay_err collector_claims(void *self, struct assay_claims *to, bool reread);
enum assay_err collector_files(void *self, const uint8_t digest[32], uint64_t from,
			       uint8_t *buffer, size_t cap, size_t *ret_len, bool *ret_end);
/* What collector_claims() lent is not needed any more. */
void collector_release(struct collector *c);

/* The collector's own main(): argv has the command, the file and the state directory. */
int collector_main(int argc, char **argv);

/* ---- what both and `measure` need ---- */

/* Claims of all results, and of health unless h is NULL; texts are theirs. The lists
 * are malloc()ed; free with snapshot_free(). NO_MEMORY. */
struct health;
struct msg_claims;
ASSAY_MUST_USE enum assay_err snapshot_make(const struct measure *m, const struct health *h,
					    struct msg_claims *ret);
void snapshot_free(struct msg_claims *m);

#endif
