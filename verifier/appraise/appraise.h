/*
 * appraise.h: the pure function from evidence to verdict, and from an enrolment
 * request to an enrolment verdict.
 *
 * Same inputs, byte-equal results: in the daemon, the CLI, replay, bench and
 * fuzzers. No clock, no I/O, no globals; memory is the caller's arena. It does not
 * decide what the network does: keeper combines the verdict with expiry, connection
 * state and the operator's overlay.
 */
#ifndef APPRAISE_APPRAISE_H
#define APPRAISE_APPRAISE_H

#include "evidence/binding.h"
#include "verdict.h"

#define DEVICE_ID_HEX 32
#define DEVICE_NAME_MAX 64
#define DEVICE_CLASS_MAX 32
#define DEVICE_LABELS_MAX 256
#define REFERENCES_PER_DEVICE_MAX 16
#define EK_TEXT_MAX 64

/* From the enrolment record only, never from a message (M12). */
enum tier {
	TIER_NONE = 0,
	TIER_SOFTWARE,
	TIER_TOKEN,
	TIER_DICE,
	TIER_VTPM,
	TIER_TPM,
	TIER_COUNT
};
const char *tier_name(enum tier t); /* "tpm", "virtual-tpm", ... */
/* Whether there are quotes, PCRs and logs to judge; the others sign with a key alone. */
bool tier_has_tpm(enum tier t);

/* What enrolment established about the EK; stored in the device's record. */
struct ek_facts {
	bool certificate;    /* there is one */
	bool trusted;	     /* it leads to a trusted root */
	bool allow_listed;
	bool expired, issuer_expired;
	bool virtual_tpm;
	bool weak;
	char reason[EK_TEXT_MAX]; /* word of ekcert.h's reason */
	char manufacturer[EK_TEXT_MAX], model[EK_TEXT_MAX], version[EK_TEXT_MAX];
	char serial[EK_TEXT_MAX], issuer[2 * EK_TEXT_MAX];
	int64_t not_after;
};

/* The part of a device's record that appraisal reads. */
struct device_view {
	char id[DEVICE_ID_HEX + 1];
	char class_name[DEVICE_CLASS_MAX + 1];
	char labels[DEVICE_LABELS_MAX + 1]; /* "site=berlin ring=canary" */
	enum tier tier;
	bool new_ak; /* enrolled again with another AK; not yet confirmed by an operator */
	bool copied; /* the key was live in two places; not yet released by an operator */
	struct tpm_name ek_name, ak_name;
	/* TPMT_PUBLIC as enrolled; without TPM both names and this are of the identity key,
	 * which is a SubjectPublicKeyInfo, and ->ek is about its certificate */
	struct span ak_public;
	struct ek_facts ek;
};

enum reference_state { REF_NONE = 0, REF_LEARNED, REF_PROMOTED, REF_RETIRED };

/* What a reference set is; the compiled form follows from it. */
enum reference_kind {
	REF_KIND_BOOT = 0,  /* PCR values and boot events: reference.h */
	REF_KIND_ALLOW,	    /* files that are allowed: digestset.h */
	REF_KIND_KNOWN_BAD, /* digests that are bad wherever they occur: digestset.h */
	REF_KIND_SOFTWARE,  /* items of software: softset.h */
	REF_KIND_COUNT
};
#define REFERENCE_NAME_MAX 64

struct reference_view {
	struct span compiled; /* reference.h's form */
	uint8_t digest[32];   /* SHA-256 of compiled: checked when it was mapped, not here */
	enum reference_state state;
	int64_t not_after; /* seconds; 0: none */
	bool baseline;	   /* captured for this very device (L17), not for its class */
	enum reference_kind kind;
	char name[REFERENCE_NAME_MAX + 1]; /* by which policies name allow-lists */
	int64_t not_before; /* seconds; 0: none */
	/* A planned change from this set to that one (digest; zeros: none): a device that
	 * has once shown that one and now shows this one was rolled back (D12). */
	uint8_t superseded_by[32];
};

enum address_conflict { CONFLICT_NONE = 0, CONFLICT_IP, CONFLICT_MAC, CONFLICT_COUNT };

#define APPRAISAL_FILES_MAX 4
#define APPRAISAL_FILE_MAX (512u << 10) /* bytes of one manifest */

struct appraisal_input {
	int64_t now; /* seconds since the epoch */
	uint8_t kind; /* enum binding_kind */
	/*
	 * Of the offline kinds alone: when the challenge was issued, from which the age of
	 * the evidence counts, and when the round was judged that left ->continuity (0: no
	 * round did). Evidence that is older than such a round is superseded.
	 */
	int64_t issued, judged;
	uint8_t nonce[BINDING_NONCE_SIZE];
	struct span channel; /* 32 bytes or empty */
	struct pcr_selection asked;
	struct span proof;    /* the Proof frame as received */
	struct span claims;   /* if they came apart; else empty */
	bool has_boot_log;    /* whether boot_log was delivered (it may be empty) */
	bool boot_log_stored; /* it comes from the ledger, not from the device: used if
				 its digest is the claimed one, else as if it were absent */
	struct span boot_log;
	/*
	 * Entries of the IMA list, as the kernel wrote them (binary), beginning with entry
	 * ima_from. The first ima_stored bytes come from the ledger, and only then from
	 * entry 0; what follows them the device delivered. Not in the encoding: they travel
	 * beside it.
	 */
	bool has_ima; /* delivered, maybe empty: then it is withheld */
	uint64_t ima_from, ima_stored;
	struct span ima;
	struct span good_log; /* of the device's last boot that was judged ADMIT; empty: none */
	/* Manifests of software items (PART_FILES), delivered or stored; an empty one is
	 * withheld. */
	uint8_t nfiles;
	struct span files[APPRAISAL_FILES_MAX];
	struct device_view device;
	struct span policy; /* compiled; empty: none applies */
	uint8_t policy_digest[32]; /* its SHA-256: checked when it was mapped, not here */
	/* Where policy is in monitor mode: the one that is enforced meanwhile, and gives the
	 * outcome; empty: none. */
	struct span enforced;
	uint8_t enforced_digest[32];
	size_t nreferences;
	struct reference_view references[REFERENCES_PER_DEVICE_MAX];
	struct span continuity; /* as last stored; empty: none */
	/* Where the connection came from, as net saw it: 4 or 16 bytes; len 0: no address
	 * that a device can have alone. */
	uint8_t peer_len, peer[MSG_IP6_SIZE];
	/* What of it, or of what the claims say, is another device's, and whose */
	enum address_conflict conflict;
	char owner[DEVICE_ID_HEX + 1];
};

/*
 * Appraise. Always fills *ret (never leaves it as it was): on an internal error it
 * is the zero verdict with finding INTERNAL. Core checks stop at the first failure
 * and yield UNPROVEN (malformed, signature, binding, selection...: nothing that
 * was sent is believed) or DECIDED with QUARANTINE (validly signed but bad).
 */
void appraise(const struct appraisal_input *in, struct arena *scratch, struct verdict *ret);
#define APPRAISE_ARENA (8u << 20)
/*
 * Only the core checks. UNPROVEN as appraise() would say, otherwise DECIDED and
 * QUARANTINE with finding UNJUDGEABLE: for evidence that has killed appraisers, so that
 * it counts against a device only if that device really signed it.
 */
void appraise_core_only(const struct appraisal_input *in, struct arena *scratch,
			struct verdict *ret);

/*
 * What appraise() would say of the next round of a device that stays as it is: in holds
 * its last authentic evidence and the continuity stored with it, so counters and clock
 * are not held against it again, nor is a quote's signature verified a second time (the
 * caller vouches that it was, for the key whose name the quote has). A prediction, never
 * a decision: the verdict has ->prediction set and cannot be encoded. FAULT if evidence
 * and continuity are not of one round; NEED if what is stored does not suffice.
 */
void appraise_replay(const struct appraisal_input *in, struct arena *scratch,
		     struct verdict *ret);

/*
 * The wire form of struct appraisal_input between keeper and appraiser, and of a
 * .case file. Spans of the result point into the input bytes. Between keeper and
 * appraiser, policy and reference_view.compiled may be left empty: the appraiser then
 * fills them from its maps by digest (a policy that is really empty has an all-zero
 * digest). A case file holds them, and its reader calls appraisal_input_check().
 */
#define APPRAISAL_INPUT_MAX (8u << 20)
ASSAY_MUST_USE enum assay_err appraisal_input_encode(const struct appraisal_input *in,
						     uint8_t *ret, size_t cap,
						     size_t *ret_len);
ASSAY_MUST_USE enum assay_err appraisal_input_decode(struct span bytes,
						     struct appraisal_input *ret);
/* MISMATCH unless policy and references have the digests that they are said to have. */
ASSAY_MUST_USE enum assay_err appraisal_input_check(const struct appraisal_input *in);

/* ---- enrolment ---- */

struct enrol_input {
	int64_t now;
	struct span frame;    /* the Enrol or EnrolKey frame as received */
	struct span roots;    /* compiled roots image (roots.h); empty: no roots */
	uint8_t secret[MSG_SECRET_SIZE]; /* drawn by keeper, to be returned by the TPM */
	uint8_t entropy[64];  /* drawn by keeper, for the credential */
	/* EnrolKey: possession */
	struct span proof;    /* the Proof frame as received */
	uint8_t nonce[BINDING_NONCE_SIZE];
	struct span channel;  /* 32 bytes or empty */
	struct span dice_roots, token_roots; /* as roots */
};

enum enrol_status {
	ENROL_FAULT = 0,
	ENROL_REFUSED, /* ->finding says why; nothing is stored */
	ENROL_PROVABLE, /* send the credential, or without TPM: it is proved. Who may enrol is
			   keeper's to decide */
	ENROL_STATUS_COUNT
};

struct enrol_verdict {
	enum enrol_status status;
	struct finding finding; /* REFUSED, FAULT */
	char device_id[DEVICE_ID_HEX + 1];
	struct tpm_name ek_name, ak_name;
	uint16_t ek_public_len, ak_public_len;
	uint8_t ek_public[TPMT_PUBLIC_MAX], ak_public[TPMT_PUBLIC_MAX];
	enum tier tier; /* of a key without TPM: names and publics of EK and AK are equal */
	struct ek_facts ek;
	char token_id[MSG_TOKEN_FIELD_MAX + 1]; /* "" if none */
	uint8_t token_hash[32]; /* SHA-256 of the secret presented */
	uint16_t blob_len, encrypted_secret_len;
	uint8_t blob[512], encrypted_secret[1024];
};

/* Always fills *ret; the zero value is a fault. Pure; same inputs, same bytes. */
void appraise_enrolment(const struct enrol_input *in, struct arena *scratch,
			struct enrol_verdict *ret);
#define ENROL_INPUT_MAX (96u << 10) /* roots apart: they travel as a sealed map */
#define ENROL_VERDICT_MAX (8u << 10)
ASSAY_MUST_USE enum assay_err enrol_input_encode(const struct enrol_input *in, uint8_t *ret,
						 size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err enrol_input_decode(struct span bytes, struct enrol_input *ret);
ASSAY_MUST_USE enum assay_err enrol_verdict_encode(const struct enrol_verdict *v,
						   uint8_t *ret, size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err enrol_verdict_decode(struct span in, struct enrol_verdict *ret);
/* ek_facts alone, as stored in a device's record. At most 1 KiB. */
ASSAY_MUST_USE enum assay_err ek_facts_encode(const struct ek_facts *f, uint8_t *ret,
					      size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err ek_facts_decode(struct span in, struct ek_facts *ret);

#endif
