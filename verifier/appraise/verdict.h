/*
 * verdict.h: what an appraisal says: findings, facts, outcome, and the continuity to keep.
 *
 * Plain data and its canonical encoding. The encoding is what an appraiser returns
 * to keeper, what a second appraiser must reproduce byte for byte, and what the
 * ledger stores; decoding is a bounded parser, because an appraiser may have been
 * taken over by the evidence it read. Zero values fail closed: status FAULT,
 * outcome QUARANTINE.
 */
#ifndef APPRAISE_VERDICT_H
#define APPRAISE_VERDICT_H

#include "evidence/envelope.h"
#include "evidence/tpmt.h"
#include "evidence/pcr.h"
#include "ima_state.h"
#include "software_versions.h"
#include "key_state.h"

enum outcome { OUTCOME_QUARANTINE = 0, OUTCOME_RESTRICT = 1, OUTCOME_ADMIT = 2 };
#define OUTCOME_COUNT 3
const char *outcome_name(enum outcome o); /* "QUARANTINE" ... */

/* How much a finding matters to people; it decides nothing. */
enum severity { SEV_INFO = 0, SEV_LOW, SEV_MEDIUM, SEV_HIGH, SEV_CRITICAL, SEV_COUNT };
const char *severity_name(enum severity s);

enum verdict_status {
	VERDICT_FAULT = 0, /* could not decide: internal error */
	VERDICT_UNPROVEN,  /* malformed or not validly signed: changes no device's state */
	VERDICT_NEED,	   /* authentic so far; ->need says what is wanted */
	VERDICT_DECIDED,
	VERDICT_STATUS_COUNT
};

/* DESIGN.md, "Trust": compiled in for each fact, never raised by policy. */
enum provenance {
	PROV_NONE = 0,
	PROV_CLAIMED,  /* said by software */
	PROV_DICE,
	PROV_TPM,      /* inside the signed structure */
	PROV_REPLAYED, /* a log entry proved by a signed PCR */
	PROV_RECORD,   /* from the enrolment record */
	PROV_VERIFIER, /* observed by the verifier itself */
	PROV_COUNT
};
const char *provenance_name(enum provenance p);

/*
 * Findings: X(CODE, "word", "text", "what to do").
 * The words are API: stable, used in policies, logs, tests and by relying parties.
 */
#define FINDINGS(X)                                                                            \
	X(NONE, "none", "no finding", "")                                                      \
	X(INTERNAL, "verifier.internal", "the verifier could not decide",                      \
	  "look at the verifier's log and report the fault")                                   \
	X(NO_POLICY, "policy.none", "no valid policy applies to this device",                  \
	  "activate a policy for the device's class")                                          \
	X(POLICY_INVALID, "policy.invalid", "the policy could not be read",                    \
	  "compile and activate the policy again")                                             \
	X(CLOCK, "verifier.clock", "the verifier's clock jumped",                              \
	  "repair time synchronisation on the verifier")                                       \
	X(MALFORMED, "evidence.malformed", "the evidence has not the form of evidence",        \
	  "check the agent's version")                                                         \
	X(SIGNATURE, "quote.signature", "the signature over the quote does not verify",        \
	  "the message does not come from the enrolled key; check the device")                 \
	X(KEY, "quote.key", "scheme, hash, curve or key are not the enrolled ones",            \
	  "enrol the device again if its attestation key was replaced")                        \
	X(MAGIC, "quote.magic", "the signed structure was not made by a TPM",                  \
	  "the device tried to pass off a forged structure; inspect it")                       \
	X(TYPE, "quote.type", "the signed structure is not a quote",                           \
	  "the device tried to pass off another structure; inspect it")                        \
	X(SIGNER, "quote.signer", "qualifiedSigner is not the enrolled key's",                 \
	  "enrol the device again if its attestation key was replaced")                        \
	X(BINDING, "quote.binding", "nonce, channel, key or claims are not what was signed",   \
	  "a replay, a relay or an altered message; inspect the device and the path to it")    \
	X(SELECTION, "quote.selection", "the quote covers other PCRs than were asked",         \
	  "check the agent's version and the TPM's active banks")                              \
	X(PCR_DIGEST, "quote.pcr-digest", "the PCR values sent are not the ones signed",       \
	  "check the agent; PCRs may change while it reads them")                              \
	X(PCR_COVER, "quote.pcr-not-covered", "a PCR that policy uses is not in the quote",    \
	  "check the TPM's active banks and the policy")                                       \
	X(CLOCK_BACK, "continuity.clock", "the TPM's clock did not advance",                   \
	  "an old state was restored or an old proof replayed; inspect the device")            \
	X(RESET_BACK, "continuity.reset-count", "the TPM's reset count went back or jumped",   \
	  "the TPM was reset without a boot that was seen, or replaced; inspect the device")   \
	X(RESTART_BACK, "continuity.restart-count", "the TPM's restart count went back",       \
	  "inspect the device")                                                                \
	X(FIRMWARE_BACK, "continuity.tpm-firmware", "the TPM's firmware version went back",    \
	  "find out who downgraded the TPM's firmware")                                        \
	X(BOOT_SWAPPED, "continuity.boot-log", "the boot log changed without a boot",          \
	  "the agent sends another log than before; inspect the device")                       \
	X(STICKY, "continuity.sticky", "found earlier in this boot and still in force",        \
	  "repair the device and boot it again")                                               \
	X(LOG_MISSING, "boot.log-missing", "there is no boot log",                             \
	  "make the agent read the firmware's event log (securityfs)")                         \
	X(LOG_MALFORMED, "boot.log-malformed", "the boot log has not the form of one",         \
	  "inspect the log: assay inspect eventlog")                                           \
	X(LOG_DIGEST, "boot.log-digest", "the boot log is not the one in the claims",          \
	  "check the agent")                                                                   \
	X(REPLAY, "boot.replay", "the boot log does not lead to the quoted PCR",               \
	  "something extended this PCR that the log does not tell; inspect the device")        \
	X(PCR_UNLOGGED, "boot.pcr-unlogged", "the log has no event for a PCR policy uses",     \
	  "check firmware and boot loader; their measurements are absent")                     \
	X(PCR_RESET, "boot.pcr-reset", "a PCR still has its reset value",                      \
	  "the firmware did not measure; check its settings")                                  \
	X(PCR_DIFFERS, "boot.pcr-differs", "a PCR has a value that no reference has",          \
	  "boot the approved software, or plan the change first")                              \
	X(EVENT_DIFFERS, "boot.event-differs", "an event differs from the reference",          \
	  "boot the approved software, or plan the change first")                              \
	X(EVENT_EXTRA, "boot.event-extra", "an event that the reference does not have",        \
	  "boot the approved software, or plan the change first")                              \
	X(EVENT_ABSENT, "boot.event-absent", "an event of the reference is missing",           \
	  "boot the approved software, or plan the change first")                              \
	X(EVENT_DATA, "boot.event-data", "an event's data contradict its digest",              \
	  "the log was altered; inspect the device")                                           \
	X(BOOT_ORDER, "boot.structure", "the log's separators or order are not as specified",  \
	  "inspect the log: assay inspect eventlog")                                           \
	X(NO_REFERENCE, "reference.none", "no reference values apply to this device",          \
	  "capture or import reference values for its class, then promote them")               \
	X(REFERENCE_LEARNED, "reference.learned", "the matching reference is only learned",    \
	  "check it and promote it: assay reference promote")                                  \
	X(REFERENCE_EXPIRED, "reference.expired", "the matching reference has expired",        \
	  "capture or import new reference values")                                            \
	X(RULE, "policy.rule", "a rule of the policy is not met", "see the rule")              \
	X(FACT_MISSING, "policy.fact-missing", "a fact that the policy needs is missing",      \
	  "see the rule")                                                                      \
	X(SHA1, "quote.sha1-only", "only SHA-1 PCRs were quoted",                              \
	  "activate the TPM's SHA-256 bank")                                                   \
	X(SECURE_BOOT, "boot.secure-boot", "Secure Boot's variables are not as specified",     \
	  "inspect the log: assay inspect eventlog")                                           \
	X(EMPTY_BANK, "boot.empty-bank", "an active PCR bank is not used by the firmware",     \
	  "deactivate the bank in the firmware's settings or update it")                       \
	X(EK_UNTRUSTED, "ek.untrusted", "the EK certificate does not lead to a trusted root",  \
	  "add the manufacturer's root, or allow-list the EK")                                 \
	X(EK_EXPIRED, "ek.expired", "the EK certificate or an issuer has expired",             \
	  "allow it in the enrolment policy if the manufacturer confirms it")                  \
	X(EK_WEAK, "ek.weak", "the EK is a known-weak key", "replace or update the TPM")       \
	X(EK_MISMATCH, "ek.mismatch", "the EK is not the certificate's key",                   \
	  "inspect the device")                                                                \
	X(EK_TEMPLATE, "ek.template", "the EK is not made by a TCG template",                  \
	  "inspect the device")                                                                \
	X(EK_REVOKED, "ek.revoked", "the EK certificate was revoked", "replace the TPM")       \
	X(AK_ATTRIBUTES, "ak.attributes", "the attestation key lacks a required attribute",    \
	  "check the agent; such a key can sign forged structures")                            \
	X(AK_CHANGED, "ak.changed", "the same TPM came back with another attestation key",     \
	  "find out who cleared the TPM or the agent's state")                                 \
	X(TIER, "device.tier", "policy does not accept what holds the device's key",           \
	  "use a device with a TPM, or allow this kind in the policy")                         \
	X(COPIED, "key.copied", "the key is live in two places",                               \
	  "find the copy; then give the device a new key, or release it: device release")      \
	X(CHAIN_BACK, "dice.chain-back", "an earlier DICE chain came back",                    \
	  "find out who booted old firmware or copied its key; then: device release")          \
	X(DICE_CHAIN, "dice.chain",                                                            \
	  "the DICE chain does not lead from the enrolled key to the signer",                  \
	  "check what the boot stage leaves for the agent")                                    \
	X(DICE_MODE, "dice.mode", "a DICE layer is not in normal mode",                        \
	  "boot the device in normal mode, with debugging off")                                \
	X(KEY_UNTRUSTED, "key.untrusted",                                                      \
	  "nothing that an operator registered vouches for the key",                           \
	  "add its CA to dice_roots or token_roots, or allow-list the key")                    \
	X(KEY_EXPIRED, "key.expired", "the certificate of the device's key has expired",       \
	  "renew it, or allow ek_expired in the policy")                                       \
	X(KEY_CERTIFICATE, "key.certificate", "the certificate is not of the key that enrols", \
	  "give the agent the certificate of its key")                                         \
	X(POSSESSION, "key.possession", "the device did not show that it has the key",         \
	  "check the agent; somebody tried to enrol a key that is not his")                    \
	X(START_MISSING, "continuity.start",                                                   \
	  "evidence of a key does not say which start and round it is of",                     \
	  "update the agent")                                                                  \
	X(UNJUDGED, "policy.unjudged", "the policy judges nothing that such a device runs",    \
	  "add rules or references over software or DICE facts, or admit only higher tiers")   \
	X(UNJUDGEABLE, "evidence.unjudgeable", "validly signed evidence breaks the appraiser", \
	  "the device sends evidence made to crash the verifier; inspect it, report the fault") \
	X(PCR_EXCLUDED, "boot.pcr-excluded", "a PCR that policy excludes from the replay",     \
	  "nothing, if a rule or another log judges what is measured there")                   \
	X(BASELINE, "reference.baseline", "the device's own values are not its baseline's",    \
	  "find out who changed its settings, boot order or partitions")                       \
	X(IMA_MISSING, "ima.missing", "there is no IMA list for what PCR 10 tells",            \
	  "make the agent read the IMA list, and the kernel measure (ima_policy=)")            \
	X(IMA_MALFORMED, "ima.malformed", "the IMA list has not the form of one",              \
	  "inspect the list: assay inspect ima")                                               \
	X(IMA_TEMPLATE, "ima.template", "the IMA list has a template that is not known",       \
	  "use a template of docs/ima.md on the device")                                       \
	X(IMA_REPLAY, "ima.replay", "no part of the IMA list leads to the quoted PCR 10",      \
	  "the list was altered, or something else extended PCR 10; inspect the device")       \
	X(IMA_OFFSET, "ima.offset", "the IMA list starts at another entry than it says",       \
	  "check the agent; inspect the device")                                               \
	X(IMA_TRIMMED, "ima.trimmed", "the IMA list is shorter than what was seen before",     \
	  "entries were taken away, or a kernel was started by kexec; boot the device again")  \
	X(IMA_OTHER_BOOT, "ima.other-boot", "the IMA list is of another boot",                 \
	  "the device shows an old list; inspect it")                                          \
	X(IMA_CONTRADICTION, "ima.contradiction", "entries are not what their hash says",      \
	  "the list was altered; inspect the device")                                          \
	X(IMA_OTHER_PCR, "ima.other-pcr", "entries of another PCR, which nothing proves",      \
	  "let IMA measure into PCR 10 only (pcr= in its policy)")                             \
	X(IMA_BOOT_AGGREGATE, "ima.boot-aggregate",                                            \
	  "the list does not begin with this boot's boot_aggregate",                           \
	  "ask for PCR 0 to 9 in the bank that the kernel uses; inspect the device")           \
	X(IMA_SECOND_BOOT_AGGREGATE, "ima.second-boot-aggregate",                              \
	  "another kernel went on with the list", "boot the device without kexec")             \
	X(IMA_KEXEC, "ima.kexec", "a kernel was loaded for kexec",                             \
	  "boot the device without kexec; what runs now may measure nothing")                  \
	X(IMA_VIOLATION, "ima.violation", "a file was written while it was measured",          \
	  "find out which program keeps the file open, or leave it out of IMA's policy")       \
	X(IMA_KNOWN_BAD, "ima.known-bad", "a file that is known as bad",                       \
	  "take the device out of service and inspect it")                                     \
	X(IMA_UNKNOWN, "ima.unknown", "a file that is in no allow-list",                       \
	  "find out where it comes from; import the list of what is installed")                \
	X(IMA_WRONG_DIGEST, "ima.wrong-digest", "a file that is not the one of its path",      \
	  "find out who changed it; import the list of what is installed")                     \
	X(IMA_UNSIGNED, "ima.unsigned", "a file without the signature that it needs",          \
	  "sign it, or find out where it comes from")                                          \
	X(IMA_BAD_SIGNATURE, "ima.bad-signature", "a file whose signature does not verify",    \
	  "find out who changed it, or add the key to the policy's keyring")                   \
	X(IMA_KEY, "ima.key", "a key was loaded that policy does not allow",                   \
	  "find out who loaded it; if it is yours, add it to a keyring")                       \
	X(IMA_KEY_EXPIRED, "ima.key-expired", "a key that signed files is not valid now",      \
	  "sign with a new key, or say allow_expired for the keyring")                         \
	X(IMA_DM, "ima.dm", "a device-mapper target was loaded or changed",                    \
	  "check the device's storage: dmsetup table")                                         \
	X(IMA_CRITICAL, "ima.critical-data", "critical data of the kernel were measured",      \
	  "judge them by rules over ima.critical")                                             \
	X(IMA_SHA1, "ima.sha1", "the list is proved with the strength of SHA-1 only",          \
	  "use a kernel of 5.8 or later, with the bank's hash built in")                       \
	X(IMA_LIMIT, "ima.limit", "the list is longer than what can be judged",                \
	  "let IMA measure less, or boot the device more often")                               \
	X(IMA_IGNORED, "ima.ignored", "files that policy does not judge",                      \
	  "nothing, if that is what is meant")                                                 \
	X(KNOWN_BAD, "reference.known-bad", "a digest that was declared bad",                  \
	  "take the device out of service and find out how this got onto it")                  \
	X(ROLLED_BACK, "reference.rolled-back", "the device went back behind a planned change", \
	  "find out who put the old software back; boot what the change was to")               \
	X(REFERENCE_EARLY, "reference.not-yet", "the matching reference is not valid yet",     \
	  "wait until its time has come, or change the plan")                                  \
	X(BOOT_CHANGED, "boot.changed", "the boot differs from the device's last good one",    \
	  "find out who changed it; if it was meant: assay device accept-boot")                \
	X(DBX_BACK, "boot.dbx-back", "revocations of the device's last good boot are gone",    \
	  "find out who reset or downgraded the firmware's revocation list (dbx)")      \
	X(SOFTWARE_MISSING, "software.missing", "software that the policy names is not told",  \
	  "let the agent measure it (its configuration, section software)")                    \
	X(SOFTWARE_UNMEASURED, "software.unmeasured", "software that could not be measured",   \
	  "look at the device why it cannot be read")                                          \
	X(SOFTWARE_CHANGING, "software.changed-while-read", "it changed while it was read",    \
	  "find out what writes to it; if nothing may, inspect the device")                    \
	X(SOFTWARE_SYMLINK, "software.symlink", "a symbolic link stands where a file was",     \
	  "find out who put the link there; inspect the device")                               \
	X(SOFTWARE_FILE, "software.file-changed", "a file or image is not an approved one",    \
	  "install the approved version, or capture and promote the new one")                  \
	X(SOFTWARE_CONFIG, "software.config-changed", "configuration is not an approved one",  \
	  "restore it, or capture and promote the new one")                                    \
	X(SOFTWARE_TREE, "software.tree-changed", "files of a tree are not the approved ones", \
	  "restore them, or capture and promote the new ones")                                 \
	X(SOFTWARE_VERSION, "software.version-differs", "a version that is not approved",      \
	  "install an approved version, or capture and promote this one")                      \
	X(SOFTWARE_OLD, "software.below-minimum", "a version lower than policy allows",        \
	  "update it")                                                                         \
	X(SOFTWARE_ROLLBACK, "software.rollback", "a version that went back on this device",   \
	  "find out who downgraded it; update it")                                             \
	X(SOFTWARE_OTHER, "software.unexpected", "software that the policy does not name",     \
	  "name it in the policy, or remove it from the agent's configuration")                \
	X(ADDRESS_CONFLICT, "address.conflict", "its address belongs to another device",       \
	  "find out which of the two should have it: assay device show; then give it up there") \
	X(SOFTWARE_UNKNOWN, "software.unreferenced", "no reference set has this software",     \
	  "capture or import reference values that have it")                                   \
	X(OFFLINE, "evidence.offline", "the policy does not take evidence collected offline",  \
	  "let the device attest on a connection, or add a section offline to the policy")     \
	X(OFFLINE_OLD, "evidence.offline-old",                                                 \
	  "the challenge was issued longer ago than policy accepts",                           \
	  "issue a new challenge, and bring its answer sooner")                                \
	X(SUPERSEDED, "evidence.superseded",                                                   \
	  "later evidence of the device has been judged already",                              \
	  "nothing; issue a new challenge if the device is to be judged offline again")

enum finding_code {
#define X(code, word, text, fix) FIND_##code,
	FINDINGS(X)
#undef X
	FIND_COUNT,
	FIND_IMA_FIRST = FIND_IMA_MISSING,
	FIND_IMA_LAST = FIND_IMA_IGNORED,
};
const char *finding_word(enum finding_code c);
const char *finding_text(enum finding_code c);
const char *finding_remedy(enum finding_code c);

#define FINDING_RULE_MAX 64
#define FINDING_VALUE_MAX 256
#define FINDING_REMEDY_MAX 256
#define FINDING_SUBJECT_MAX 64
#define FINDING_TEXT_MAX 192

struct finding {
	uint16_t code;	       /* enum finding_code */
	uint8_t cap;	       /* enum outcome: the best outcome that this allows */
	uint8_t provenance;    /* of the fact seen */
	uint8_t severity;      /* enum severity */
	bool sticky;	       /* holds until the next TPM reset */
	int32_t pcr;	       /* -1: none */
	int32_t event;	       /* index in the boot log; -1: none */
	char rule[FINDING_RULE_MAX];	/* id in the policy; "" for core checks */
	char subject[FINDING_SUBJECT_MAX]; /* component or fact: "kernel command line" */
	char text[FINDING_TEXT_MAX];	/* what is wrong, in one line; finding_text() or more */
	char seen[FINDING_VALUE_MAX];	/* escaped text */
	char expected[FINDING_VALUE_MAX];
	char remedy[FINDING_REMEDY_MAX]; /* policy's text, else finding_remedy() */
};

#define VERDICT_FINDINGS_MAX 64
#define CONTINUITY_STICKY_MAX 32
#define CONTINUITY_SEEN_MAX 16
#define VERDICT_FACTS_MAX 160
#define FACT_TEXT_MAX 256
#define FACT_INSTANCE_MAX 65 /* longer ones end in dots here */

/* A fact for people and programs; rules saw the full value. */
struct fact {
	uint16_t id;	     /* enum fact_id, fact.h */
	uint8_t provenance;
	int32_t index;	     /* of an indexed fact (pcr[7], boot.image[0]); -1: none */
	int32_t event;	     /* evidence position; -1: none */
	char instance[FACT_INSTANCE_MAX]; /* what the "*" of its name stands for */
	char text[FACT_TEXT_MAX]; /* value as text: "true", "17", hex, escaped string */
};

/* AR4SI trustworthiness claims, in the order of their keys (STANDARDS.md 3.2). */
enum ar4si_claim {
	AR4SI_INSTANCE_IDENTITY,
	AR4SI_CONFIGURATION,
	AR4SI_EXECUTABLES,
	AR4SI_FILE_SYSTEM,
	AR4SI_HARDWARE,
	AR4SI_RUNTIME_OPAQUE,
	AR4SI_STORAGE_OPAQUE,
	AR4SI_SOURCED_DATA,
	AR4SI_COUNT
};
const char *ar4si_name(enum ar4si_claim c); /* "instance-identity" ... */

/*
 * What is remembered of a device and its boot (DESIGN.md, "Continuity"). Committed
 * by compare-and-swap: keeper accepts a verdict only if the continuity it was
 * computed from is still the stored one.
 */
struct continuity {
	bool present;
	uint32_t reset_count, restart_count;
	uint64_t clock;
	bool clock_safe;
	uint64_t tpm_firmware;
	bool has_boot_log;
	uint8_t boot_log_digest[32];
	uint32_t boot_log_size;
	uint8_t generation[32]; /* digest over policy and references that judged the boot */
	struct ima_state ima;	    /* of this boot's list */
	struct software_versions software; /* the highest that were seen */
	struct pcr_values quoted;   /* the last quoted values */
	struct pcr_values replayed; /* what the boot log leads to; mask = logged PCRs */
	uint8_t nsticky;
	struct finding sticky[CONTINUITY_STICKY_MAX];
	bool sticky_overflow; /* more than fit: treated as a sticky QUARANTINE */
	struct key_state key; /* of devices without TPM */
	/* Sets that planned changes lead to and that the device has shown, whatever it
	 * boots later: digests (D12). */
	uint8_t nseen;
	uint8_t seen[CONTINUITY_SEEN_MAX][32];
};

/* Absent, with every field zero and every list empty. The lists' elements are large:
 * those beyond a count mean nothing, here as in a verdict; they are left as they were,
 * and each is cleared or written in whole when it is added. */
void continuity_clear(struct continuity *c);
/* key_state.c: an operator has released a device without TPM: how it counts, which chains
 * it had and what sticks begins anew. */
void continuity_release(struct continuity *c);

/*
 * What of the delivered IMA entries was proved and is to be stored: ->count entries of
 * ->bytes bytes, the first of which is the list's entry ->from (0: it begins anew, and
 * what is stored of an earlier list is no longer this boot's). They stand at the start
 * of what the device delivered, behind what came from the ledger.
 */
struct ima_accepted {
	uint64_t from, count, bytes;
};

/* What the signed claims say of the address that net saw. */
enum attested {
	ATTESTED_NONE = 0, /* nothing, or it saw none that a device can have */
	ATTESTED_SAME,
	ATTESTED_DIFFERS, /* NAT, a proxy, or one of the two lies */
	ATTESTED_COUNT
};

struct verdict {
	enum verdict_status status;
	enum outcome outcome;
	struct msg_need need; /* status NEED */
	uint8_t need_digest[32]; /* of what is wanted, where it has one (PART_FILES) */
	uint8_t nfindings;
	struct finding findings[VERDICT_FINDINGS_MAX];
	uint16_t nfacts;
	struct fact facts[VERDICT_FACTS_MAX];
	int8_t vector[AR4SI_COUNT];
	uint8_t policy[32];	/* digest of the compiled policy that judged */
	uint8_t reference[32];	/* digest of the reference set that matched; zeros: none */
	int64_t not_after;	/* earliest expiry of the inputs, seconds; 0: none */
	uint32_t max_age_s;	/* from policy: how long the verdict holds; 0 is none */
	uint32_t interval_s;	/* from policy: next challenge */
	bool monitor;		/* policy is in monitor mode: outcome is a "would"... */
	bool enforced;		/* ...but here: outcome is what the enforced policy gives */
	enum outcome would;	/* and this what the one in monitor mode would */
	struct ima_accepted ima_accepted; /* zeros: nothing; only if status is DECIDED */
	enum attested attested; /* the address that the connection came from; DECIDED only */
	bool has_mac;		/* with ATTESTED_SAME only: the agent says that it has this... */
	uint8_t mac[MSG_MAC_SIZE]; /* ...MAC address */
	bool prediction;	/* of appraise_replay(): never encoded */
	struct continuity next; /* to be stored; only if status is DECIDED */
};

/* What the device gets. In monitor mode the outcome is what the enforced policy gives; where
 * none is, nothing that is milder than what no policy gives. */
enum outcome verdict_effective(const struct verdict *v);
/* The zero verdict: FAULT, QUARANTINE, nothing found, nothing to remember. */
void verdict_clear(struct verdict *v);
/* key_state.c: it shows that the device's key is live in two places: to be kept in the
 * record until an operator releases the device (I12). */
bool verdict_shows_copy(const struct verdict *v);

#define VERDICT_BYTES_MAX (192u << 10)
#define CONTINUITY_BYTES_MAX (62u << 10)

/* Canonical: equal structs give equal bytes, and decode(encode(v)) == v. */
ASSAY_MUST_USE enum assay_err verdict_encode(const struct verdict *v, uint8_t *ret,
					     size_t cap, size_t *ret_len);
/* Whole input; refuses every value out of range (enumerations, counts, text that
 * is not printable or not terminated). */
ASSAY_MUST_USE enum assay_err verdict_decode(struct span in, struct verdict *ret);
ASSAY_MUST_USE enum assay_err continuity_encode(const struct continuity *c, uint8_t *ret,
						size_t cap, size_t *ret_len);
/* An empty span is "none yet": present = false. */
ASSAY_MUST_USE enum assay_err continuity_decode(struct span in, struct continuity *ret);

#endif
