/*
 * context.h: the inside of struct assay_attester, for attester*.c alone.
 *
 * attester.c    memory, connections, and which message is permitted when (a table)
 * attester_round.c  evidence: claims, binding, quotes, and the pieces asked for
 */
#ifndef ATTESTER_CONTEXT_H
#define ATTESTER_CONTEXT_H

#include "evidence/binding.h"
#include "evidence/envelope.h"
#include "evidence/tpmt.h"

#include <assay/attester.h>

/* Where a connection is. */
enum state {
	CLOSED = 0,
	GREETED,   /* Hello is out */
	ENROLLING, /* Enrol is out */
	ACTIVATED, /* Activation is out */
	IDLE,	   /* enrolled, nothing asked */
	PROVING,   /* Proof is out, the decision is not in */
};

/* Type byte, and fields of Part around its data. */
#define PART_OVERHEAD 64

struct assay_attester {
	struct assay_backend backend;
	assay_boot_log *boot_log;
	void *boot_log_self;
	char agent[MSG_AGENT_MAX + 1];
	struct span token_id, token_secret;
	bool enrolled, allow_unbound;
	size_t part_max, log_max;

	enum state state;
	bool has_exporter;
	uint8_t exporter[BINDING_CHANNEL_SIZE];
	struct tpm_name key_name;

	/* to be sent: a frame that is ready, then the pieces of Need */
	size_t frame_len;
	struct msg_need need;
	uint8_t want; /* index of the one being sent */

	/* the round: what the quote speaks of, kept until the decision */
	size_t log_len, claims_len;
	struct assay_quotes quotes;
	struct msg_proof proof;
	uint8_t claims[MSG_CLAIMS_INLINE_MAX];

	struct arena arena;
	_Alignas(16) uint8_t arena_memory[MSG_ARENA_SMALL];
	uint8_t *frame; /* part_max + PART_OVERHEAD bytes, behind this struct */
	uint8_t *log;	/* log_max bytes, behind the frame */
};

/* Forget the evidence of the last round. */
void round_reset(struct assay_attester *a);
/* Evidence for a challenge: a Proof is ready to be sent. */
ASSAY_MUST_USE enum assay_err round_prove(struct assay_attester *a,
					  const struct msg_challenge *c);
/* The next piece of what Need asked for is ready to be sent, or frame_len is 0. */
ASSAY_MUST_USE enum assay_err round_part(struct assay_attester *a);

static inline struct span
span_of(struct assay_bytes b)
{
	return SPAN(b.data, b.len);
}

static inline struct assay_bytes
bytes_of(struct span s)
{
	return (struct assay_bytes){s.p, s.n};
}

#endif
