/*
 * evidence_builder.h: valid Proof frames and claims from a software TPM, and the
 * appraisal input to go with them. For tests, attacks, fuzz seeds and the fleet.
 */
#ifndef TESTS_SUPPORT_EVIDENCE_BUILDER_H
#define TESTS_SUPPORT_EVIDENCE_BUILDER_H

#include "evidence/binding.h"
#include "evidence/envelope.h"
#include "softtpm.h"

/* What the verifier asked and the device knows. */
struct evidence_ask {
	uint8_t kind; /* enum binding_kind */
	struct span nonce, channel;
	struct pcr_selection pcrs;
	bool quote_per_bank;   /* else one quote over all banks */
	bool claims_apart;     /* leave the claims out of the proof */
	bool has_boot_log;
	struct span boot_log;  /* its digest goes into the claims */
	const char *agent;
	uint64_t ima_entries; /* that the claims tell; 0: nothing */
	const struct msg_claims *more; /* its software, health and settings; may be NULL */
};

struct evidence {
	size_t proof_len, claims_len;
	uint8_t proof[MSG_PROOF_MAX + 1]; /* the frame */
	uint8_t claims[MSG_CLAIMS_INLINE_MAX];
	uint8_t nquotes;
	struct softtpm_quote quotes[MSG_QUOTES_MAX];
};

/* Quote, and encode the proof. Aborts where a device could not. */
void evidence_build(struct softtpm *t, const struct evidence_ask *ask, struct evidence *ret);
/* The parts of it, for those who tamper in between. */
void evidence_claims(const struct evidence_ask *ask, struct evidence *ret);
void evidence_quotes(struct softtpm *t, const struct evidence_ask *ask, struct evidence *ret);
/* quotes and claims into the frame, with the PCR values given. */
void evidence_encode(const struct pcr_values *pcrs, const struct evidence_ask *ask,
		     struct evidence *ret);
/* The values of a selection, as a proof carries them. */
void evidence_values(const struct softtpm *t, const struct pcr_selection *s,
		     struct pcr_values *ret);

#endif
