/*
 * context.h: the inside of struct assay_attester, for attester*.c alone.
 *
 * attester.c    memory, connections, and which message is permitted when (a table)
 * attester_round.c  evidence: claims, binding, quotes, and the pieces asked for
 * attester_claims.c  what software says: regions, and what the program adds
 * attester_offline.c  the same for a challenge in a file, into a file
 * attester_ima.c  the IMA list: how long it is, where an entry starts, its pieces
 */
#ifndef ATTESTER_CONTEXT_H
#define ATTESTER_CONTEXT_H

#include "evidence/binding.h"
#include "evidence/envelope.h"
#include "evidence/imawalk.h"
#include "evidence/tpmt.h"

#include <assay/attester.h>

/* Where a connection is. */
enum state {
	CLOSED = 0,
	GREETED,   /* Hello is out */
	ENROLLING, /* Enrol is out */
	POSSESSING, /* EnrolKey is out */
	ACTIVATED, /* Activation is out */
	IDLE,	   /* enrolled, nothing asked */
	PROVING,   /* Proof is out, the decision is not in */
};

/* Type byte, and fields of Part around its data. */
#define PART_OVERHEAD 64

/* Where an entry of the IMA list starts. */
struct ima_mark {
	uint64_t entry, offset;
};
#define IMA_MARKS 64 /* of the newest entries; a power of two */

/* Of the IMA list, whose bytes are never kept but on their way into a message. */
struct ima {
	assay_ima_list *list;
	void *self;
	struct imawalk walk;
	struct ima_mark end;  /* behind the last whole entry seen */
	struct ima_mark from; /* what was asked for last */
	struct ima_mark newest[IMA_MARKS]; /* entry n at n modulo IMA_MARKS */
	/* a piece under way */
	uint64_t at;   /* byte of the list that buffer starts at */
	uint64_t skip; /* bytes of an entry that began in an earlier piece */
	size_t held;   /* bytes that buffer has */
	size_t sent;   /* of these are in the last message */
	uint8_t *buffer; /* part_max bytes; NULL: there is no list */
};

/* Room for what is claimed in one round; texts are the program's. */
struct assay_claims {
	struct msg_claims m;
	size_t software_max, health_max, settings_max;
	char (*numbers)[24];	/* text of each health value that is a number */
	uint8_t (*digests)[32]; /* of software, in the order in which it was added */
};
/* Bytes of a manifest in one message. */
#define FILES_PIECE (64u << 10)

struct assay_attester {
	struct assay_backend backend;
	assay_boot_log *boot_log;
	void *boot_log_self;
	char agent[MSG_AGENT_MAX + 1];
	struct span token_id, token_secret;
	bool enrolled, allow_unbound;
	size_t part_max, log_max;

	enum state state;
	bool offline; /* the round is for a challenge in a file */
	bool has_exporter;
	uint8_t exporter[BINDING_CHANNEL_SIZE];
	uint8_t address[MSG_IP6_SIZE], mac[MSG_MAC_SIZE]; /* this end of the connection */
	size_t address_len, mac_len;
	struct tpm_name key_name; /* by which the verifier knows the device */

	/* without a TPM */
	struct tpm_name signer_name;
	uint8_t enrol_digest[32]; /* of the EnrolKey that is out */
	uint8_t start_id[MSG_START_ID_SIZE];
	uint64_t start_count, round;
	uint8_t signature[MSG_KEY_SIGNATURE_MAX];

	/* to be sent: a frame that is ready, then the pieces of Need */
	size_t frame_len;
	struct msg_need need;
	uint8_t want; /* index of the one being sent */
	uint64_t ima_sent; /* bytes of it, if it is the IMA list */

	/* the round: what the quote speaks of, kept until the decision */
	size_t log_len, claims_len;
	struct assay_quotes quotes;
	struct msg_proof proof;
	const struct assay_region *regions;
	size_t region_count;
	assay_claims_source *claims_source;
	void *claims_self;
	assay_files *files;
	void *files_self;
	struct assay_claims said;
	size_t claims_max;
	uint8_t *claims; /* claims_max bytes */
	uint8_t *piece;	 /* FILES_PIECE bytes, if there are files */

	struct ima ima;

	struct arena arena;
	_Alignas(16) uint8_t arena_memory[MSG_ARENA_SMALL];
	uint8_t *frame; /* part_max + PART_OVERHEAD bytes, behind this struct */
	uint8_t *log;	/* log_max bytes, behind the frame; then the piece of the IMA list */
};

/* Memory that claims take, rounded so that structs may follow; 0: out of range. */
size_t claims_size(const struct assay_attester_config *config);
/* Places them in memory, aligned for any struct. */
void claims_init(struct assay_attester *a, const struct assay_attester_config *config,
		 void *memory);
/* Everything that software says, collected into a->said.m. */
ASSAY_MUST_USE enum assay_err claims_collect(struct assay_attester *a, bool reread);
/* A piece of the manifest of an item of the last claims. */
ASSAY_MUST_USE enum assay_err claims_files(struct assay_attester *a, struct msg_want *w,
					   struct msg_part *m);

/* attester_key.c: of devices without a TPM. */
static inline bool
signs_by_key(const struct assay_attester *a)
{
	return a->backend.sign != NULL;
}
/* Hello or EnrolKey is ready to be sent. */
ASSAY_MUST_USE enum assay_err key_connected(struct assay_attester *a,
					    const struct assay_identity *id);
/* The Proof of possession for the challenge that follows EnrolKey is ready. */
ASSAY_MUST_USE enum assay_err key_possess(struct assay_attester *a,
					  const struct msg_challenge *c);
/* The signature over the binding of kind, and the layers, go into a->proof. */
ASSAY_MUST_USE enum assay_err key_prove(struct assay_attester *a, const struct msg_challenge *c);

/* What the key signs; see attester_round.c. DENIED for a channel that must not be. */
ASSAY_MUST_USE enum assay_err round_channel(const struct assay_attester *a,
					    const struct msg_challenge *c, struct binding *b);
/* Forget the evidence of the last round. */
void round_reset(struct assay_attester *a);
/* Evidence for a challenge: a Proof is ready to be sent. */
ASSAY_MUST_USE enum assay_err round_prove(struct assay_attester *a,
					  const struct msg_challenge *c);
/* The next piece of what Need asked for is ready to be sent, or frame_len is 0. */
ASSAY_MUST_USE enum assay_err round_part(struct assay_attester *a);

/* How many whole entries the IMA list has now; 0: there is none. */
ASSAY_MUST_USE enum assay_err ima_length(struct assay_attester *a, uint64_t *ret);
/* Find the entry that a Need starts at. Behind the last there is nothing to send. */
ASSAY_MUST_USE enum assay_err ima_seek(struct assay_attester *a, uint64_t entry);
/* The next piece, at most limit bytes; m->data, m->last. */
ASSAY_MUST_USE enum assay_err ima_piece(struct assay_attester *a, uint64_t limit,
					struct msg_part *m);

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
