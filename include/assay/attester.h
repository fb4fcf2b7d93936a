/*
 * attester.h: attest a device from inside its own software.
 *
 * The Attester of RFC 9334 as a library: what the verifier says goes in as bytes,
 * what must be sent to it comes out as bytes. It opens no socket, starts no thread,
 * reads no clock and, once initialised, allocates nothing: memory is the caller's,
 * of the size that assay_attester_size() tells. Only the TPM back end (second half
 * of this file) talks to hardware and lets tpm2-tss allocate, within one call.
 *
 * A device's main loop does this:
 *
 *   assay_attester_init(memory, size, &config, &a);
 *   for each connection to the verifier (TLS WebSocket, sub-protocol ASSAY_PROTOCOL):
 *       assay_attester_connected(a, exporter, 32);
 *       while the connection is open:
 *           while (assay_attester_next(a, &frame) == ASSAY_OK && frame.len > 0)
 *               send frame as one binary message;
 *           poll the socket; for each binary message received:
 *               if (assay_attester_received(a, bytes, len, &event) != ASSAY_OK)
 *                   close the connection;
 *               look at event: enrolled (remember it), decision, refused;
 *
 * One context is used by one thread at a time. What is sent to the verifier, and
 * why it believes it, is docs/protocol.md. The agent in attester/agent is an
 * example of everything here.
 *
 * Every function that returns enum assay_err writes its outputs only on ASSAY_OK.
 */
#ifndef ASSAY_ATTESTER_H
#define ASSAY_ATTESTER_H

#include <assay/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* WebSocket sub-protocol of devices. */
#define ASSAY_PROTOCOL "assay.v1"
/* TLS exporter (RFC 5705, RFC 9266) that binds evidence to the connection: this
 * label, no context, 32 bytes; TLS 1.3, or TLS 1.2 with extended master secret. */
#define ASSAY_EXPORTER_LABEL "EXPORTER-assay-attester-evidence"
#define ASSAY_EXPORTER_SIZE 32

/* PC Client TPMs have PCR 0 to 23, and no more banks than this are handled. */
#define ASSAY_PCRS 24
#define ASSAY_BANKS_MAX 6
/* Certificates between the EK's and a manufacturer's root that a TPM may hold. */
#define ASSAY_CHAIN_MAX 8

/* Bytes of somebody else: borrowed, never freed by who receives them. */
struct assay_bytes {
	const uint8_t *data;
	size_t len;
};

/* ---- what the library needs of the device's key -------------------------- */

/* Measured layers of a DICE chain, and an attestation key's certificate. */
#define ASSAY_LAYERS_MAX 8

/*
 * Who the device is, as bytes in TPM form; or without a TPM, by the second half.
 * Everything is borrowed from the back end and stays valid until its next call.
 */
struct assay_identity {
	struct assay_bytes ek_public;	   /* TPMT_PUBLIC */
	struct assay_bytes ek_certificate; /* DER; empty if the TPM holds none */
	uint8_t chain_count;
	struct assay_bytes chain[ASSAY_CHAIN_MAX]; /* DER, intermediates */
	struct assay_bytes ak_public;	   /* TPMT_PUBLIC */
	uint8_t bank_count;
	uint16_t banks[ASSAY_BANKS_MAX]; /* TPM_ALG_ID of each active PCR bank */

	/* Without a TPM none of the above but chain: certificates of the key below, its
	 * own first. */
	struct assay_bytes key_public; /* SubjectPublicKeyInfo of the key that is the device */
	struct assay_bytes signer_public; /* of the key that signs; empty: the same */
	uint8_t layer_count; /* DICE: certificates from the one to the other, in order */
	struct assay_bytes layer[ASSAY_LAYERS_MAX]; /* DER, at most 2,048 bytes each */
};

struct assay_selection {
	uint16_t alg;  /* TPM_ALG_ID of the bank */
	uint32_t mask; /* bit i: PCR i */
};

/* Sizes of what a quote is made of: TPMS_ATTEST, TPMT_SIGNATURE, PCR values. */
#define ASSAY_ATTEST_MAX 512
#define ASSAY_SIGNATURE_MAX 600
#define ASSAY_PCR_VALUES_MAX (ASSAY_PCRS * 64)

struct assay_quote {
	uint16_t attest_len, signature_len;
	uint8_t attest[ASSAY_ATTEST_MAX];	/* TPMS_ATTEST as signed */
	uint8_t signature[ASSAY_SIGNATURE_MAX]; /* TPMT_SIGNATURE */
};

struct assay_bank_values {
	uint16_t alg;
	uint16_t len; /* bytes used of values */
	uint32_t mask;
	uint8_t values[ASSAY_PCR_VALUES_MAX]; /* ascending by PCR, nothing between */
};

/* Quotes that together cover a selection, and the PCR values they cover. */
struct assay_quotes {
	uint8_t quote_count, bank_count;
	struct assay_quote quote[ASSAY_BANKS_MAX];
	struct assay_bank_values bank[ASSAY_BANKS_MAX];
};

/*
 * The device's key as three functions. assay_tpm_backend() gives those of a TPM;
 * a device with another way to its TPM, or a simulation, brings its own. They may
 * block for as long as the hardware does.
 */
struct assay_backend {
	void *self; /* first argument of each */
	/* Who are we? Called at the start of a connection. */
	enum assay_err (*identity)(void *self, struct assay_identity *ret);
	/* TPM2_ActivateCredential: what only this EK can open, and only while this AK
	 * is beside it. blob is a TPM2B_ID_OBJECT, secret a TPM2B_ENCRYPTED_SECRET. */
	enum assay_err (*activate)(void *self, struct assay_bytes blob,
				   struct assay_bytes secret, uint8_t ret[32]);
	/* TPM2_Quote over exactly these banks with this qualifying data, and the
	 * values that the quotes speak of. */
	enum assay_err (*quote)(void *self, const struct assay_selection *banks, size_t count,
				const uint8_t qualifying[32], struct assay_quotes *ret);
	/* Without a TPM instead of the last two: the signature over these 32 bytes, at
	 * most ASSAY_KEY_SIGNATURE_MAX, in the form of docs/protocol.md, "Keys". */
	enum assay_err (*sign)(void *self, const uint8_t message[32], uint8_t *ret, size_t cap,
			       size_t *ret_len);
};
#define ASSAY_KEY_SIGNATURE_MAX 512

/*
 * Source of the boot log: copies at most cap bytes of it to buffer. Called once per
 * challenge. NOT_FOUND: this device has none, which is said to the verifier; any
 * other error ends the round. TOO_LARGE if it does not fit.
 */
typedef enum assay_err assay_boot_log(void *self, uint8_t *buffer, size_t cap, size_t *ret_len);

/*
 * Source of the IMA measurement list in its binary form: copies at most cap bytes of it,
 * from byte offset on, to buffer; *ret_len is less than cap only where the list ends
 * for now. NOT_FOUND: this device has none. STATE: it is not the list that was read
 * before, which is forgotten; it is read again from 0. Any other error ends the round.
 * Read in order at one place (what is new is counted) and, a little behind, at another
 * (what is asked for is sent). The library looks at lengths only.
 */
typedef enum assay_err assay_ima_list(void *self, uint64_t offset, uint8_t *buffer, size_t cap,
				      size_t *ret_len);

/* ---- what software says of itself ------------------------------------------- */

/* Measurements, settings and health go into the signed evidence of each round as claims:
 * the device's own word, compared with reference values by the verifier. They come from
 * regions of memory that are listed once, from a call-back that is asked for each
 * challenge, or from both. All texts are printable ASCII; names occur once. */

/* A piece of memory, hashed (SHA-256) anew for each challenge: a firmware image that
 * is mapped, a parameter block. Reported as an item of kind "memory". */
struct assay_region {
	const char *name;    /* 1 to 128 characters */
	const char *version; /* at most 64; NULL: none */
	struct assay_bytes bytes;
};

/* Something measured by the program itself. */
struct assay_software {
	const char *name;      /* 1 to 128 characters */
	const char *kind;      /* at most 32: "file", "image"... or a word of your own */
	const char *version;   /* at most 64; NULL: none */
	const uint8_t *digest; /* SHA-256, 32 bytes; NULL: not measured */
	const char *note;      /* why not, at most 64: "unreadable"...; only without digest;
				* NULL without digest: only the version is told */
	uint64_t size;	       /* bytes */
	uint32_t age_s;	       /* how long ago the bytes were read */
};

struct assay_setting { /* of an item's key, for policies; never a secret */
	const char *item, *key; /* 1 to 128 characters each */
	const char *value;	/* at most 256 */
	const char *note;	/* instead of a value, why there is none, at most 64; or NULL */
};

/* Claims being made; its inside is the library's. */
struct assay_claims;

/* Called once per challenge: adds what there is to say with the functions below, in any
 * order. Texts and digests are borrowed until the assay_attester_x() that asked returns.
 * reread: the verifier wants everything measured anew, whatever seems unchanged. An
 * error ends the round: no evidence is sent. */
typedef enum assay_err assay_claims_source(void *self, struct assay_claims *c, bool reread);

/* All return MALFORMED for a text that is too long or not printable, DUPLICATE for a
 * name that is there already, FULL if more are added than assay_attester_config says. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_claims_software(struct assay_claims *c, const struct assay_software *s);
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err /* as a region: hashes the bytes now */
assay_claims_memory(struct assay_claims *c, const struct assay_region *r);
/* A health claim by its name, e.g. "uptime", "temperature", "disk_free"; all of them, with
 * types and units, are in docs/agent.md. instance: of what (a sensor, a mount point), at
 * most 128 characters; NULL: of the device as a whole. NOT_FOUND: there is no such claim.
 * BAD_TYPE: it is of another type. Times are numbers: seconds since 1970. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_claims_number(struct assay_claims *c, const char *name, const char *instance, int64_t value);
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_claims_bool(struct assay_claims *c, const char *name, const char *instance, bool value);
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err /* at most 256 characters */
assay_claims_text(struct assay_claims *c, const char *name, const char *instance,
		  const char *value);
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_claims_setting(struct assay_claims *c, const struct assay_setting *s);

/* Source of an item's manifest, the list of what its digest covers, for an item whose
 * parts the verifier asks about: at most cap bytes from `from` on into buffer, and
 * whether that is the end. NOT_FOUND: there is none with this digest any more. */
typedef enum assay_err assay_files(void *self, const uint8_t digest[32], uint64_t from,
				   uint8_t *buffer, size_t cap, size_t *ret_len, bool *ret_end);

/* ---- the protocol, bytes in and bytes out ---------------------------------- */

/* Limits of all that is claimed. */
#define ASSAY_SOFTWARE_MAX 4096
#define ASSAY_HEALTH_MAX 256
#define ASSAY_SETTINGS_MAX 1024
#define ASSAY_CLAIMS_MAX (512u << 10)
#define ASSAY_CLAIMS_FEW 64
#define ASSAY_CLAIMS_SMALL (16u << 10)

/* Largest boot log and largest piece of it in one message. */
#define ASSAY_BOOT_LOG_MAX (1u << 20)
#define ASSAY_PART_MAX (1u << 20)
/* Smallest message buffer: an enrolment with a full certificate chain. */
#define ASSAY_PART_MIN (64u << 10)

/* An enrolment token, id.secret.pin, as `assay token create` prints it. */
struct assay_enrolment_token {
	char id[65], secret[65];
	uint8_t pin[32]; /* SHA-256 of the public key of the verifier's TLS certificate:
			  * no other key may be spoken to, now and later */
};
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err /* taken apart; MALFORMED */
assay_enrolment_token(const char *text, struct assay_enrolment_token *ret);

struct assay_attester_config {
	struct assay_backend backend;
	assay_boot_log *boot_log; /* NULL: the device has no boot log */
	void *boot_log_self;
	/* Who speaks, e.g. "controller-firmware 4.2"; at most 64 printable ASCII
	 * characters. Copied. */
	const char *agent;
	/* An enrolment token's "id" and "secret"; both NULL to wait for approval. Not
	 * copied: they must stay until the device is enrolled. */
	const char *token_id, *token_secret;
	/* Enrolled earlier: connections start with Hello instead of Enrol. */
	bool enrolled;
	/*
	 * Needed if the back end signs without a TPM, so that a copy of the key shows: 16
	 * random bytes drawn at this start, and how often the device was started, more
	 * with every start and kept over all of them. Copied. Two devices that have one
	 * key cannot both be in order.
	 */
	const uint8_t *start_id;
	uint64_t start_count;
	/* Give evidence also on a connection that the verifier does not bind (one
	 * behind a TLS-terminating proxy). Without it such a challenge is DENIED. */
	bool allow_unbound;
	assay_ima_list *ima_list; /* NULL: the device has no IMA list */
	void *ima_list_self;
	/* Less memory for devices with small logs and small messages; 0: the most. */
	size_t boot_log_max, part_max;
	/* What software says; see above. regions is not copied and must stay. */
	const struct assay_region *regions;
	size_t region_count;
	assay_claims_source *claims; /* NULL: nothing but the regions */
	void *claims_self;
	assay_files *files; /* NULL: no item has parts */
	void *files_self;
	/* How many, and bytes of all. 0: ASSAY_CLAIMS_FEW each, ASSAY_CLAIMS_SMALL bytes. */
	size_t software_max, health_max, settings_max, claims_max;
};

/* An attester; its inside is the library's. */
struct assay_attester;

/*
 * Memory needed for this configuration, in bytes; at most 4.6 MiB, of which a page
 * is touched only when something is stored there. 0 if a field whose name ends in
 * max is out of range. Only those fields are looked at, and whether ima_list is set.
 */
ASSAY_PUBLIC size_t assay_attester_size(const struct assay_attester_config *config);
/*
 * memory: at least that much, aligned as malloc() does; it must stay until the last
 * use and needs no other release. FULL: too small. MALFORMED: a field of config is
 * out of range, or only half a token is there.
 */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_attester_init(void *memory, size_t size, const struct assay_attester_config *config,
		    struct assay_attester **ret);

/*
 * A new connection is up and the verifier's key has been checked. exporter: the 32
 * bytes of ASSAY_EXPORTER_LABEL, or NULL if the transport has none (then only
 * unbound challenges can be answered). Whatever the last connection left is
 * forgotten. Asks the back end who the device is, and passes its error on.
 */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_attester_connected(struct assay_attester *a, const uint8_t *exporter, size_t len);

/*
 * The next message to send, as one WebSocket binary message; len 0 if there is none
 * now. The bytes stay valid until the next call of any function here. To be called
 * after connected() and after each received() until it says len 0.
 */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err assay_attester_next(struct assay_attester *a,
							       struct assay_bytes *ret);

enum assay_outcome {
	ASSAY_OUTCOME_NONE = 0,
	ASSAY_QUARANTINE = 1,
	ASSAY_RESTRICT = 2,
	ASSAY_ADMIT = 3,
};

/* Findings and remediation texts of one decision, at most. */
#define ASSAY_REASONS_MAX 32

/* What the verifier decided about this device. */
struct assay_decision {
	enum assay_outcome outcome;
	uint8_t reason_count, remediation_count;
	struct assay_bytes reason[ASSAY_REASONS_MAX];	   /* finding ids, printable */
	struct assay_bytes remediation[ASSAY_REASONS_MAX]; /* for people, printable */
	struct assay_bytes token; /* attestation result for relying parties, or empty */
	uint32_t next_in_ms;	  /* when the next challenge is to be expected */
	uint64_t sequence;	  /* of the decision record */
};

enum assay_event_kind {
	ASSAY_EVENT_NONE = 0, /* nothing to do but to send what next() has */
	ASSAY_EVENT_CREDENTIAL, /* the verifier wants the EK proved; being answered */
	ASSAY_EVENT_ENROLLED, /* remember that it is; the next connection says Hello */
	ASSAY_EVENT_CHALLENGE,	/* evidence is wanted; being answered */
	ASSAY_EVENT_NEED,	/* more of the evidence is wanted; being answered */
	ASSAY_EVENT_DECISION,
	ASSAY_EVENT_REFUSED, /* the verifier closes now */
};

/* What a message meant. Bytes are borrowed until the next call. */
struct assay_event {
	enum assay_event_kind kind;
	/* ENROLLED */
	char device_id[33]; /* 32 hex digits */
	bool pending;	    /* waits for an operator's approval */
	/* CHALLENGE */
	uint32_t deadline_ms; /* the answer must be there within */
	/* DECISION */
	struct assay_decision decision;
	/* REFUSED */
	struct assay_bytes reason; /* a word of docs/protocol.md, printable */
	bool retry;		   /* whether the same may succeed later */
};

/*
 * A message came. On an error the connection must be closed: STATE if it is not
 * permitted now, MALFORMED and the decoder's other codes, DENIED for an unbound
 * challenge, or what the back end or the boot log's source said. Evidence that the
 * message asks for is made within this call.
 */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_attester_received(struct assay_attester *a, const uint8_t *message, size_t len,
			struct assay_event *ret);

/* Whether the device is enrolled as far as this context knows. A verifier that finds
 * evidence unproven for good ends that: the next connection enrols again, which
 * changes nothing for a device that the verifier does know. */
ASSAY_PUBLIC bool assay_attester_enrolled(const struct assay_attester *a);

/* The refusal of evidence whose key or signature the verifier cannot place; it does
 * not tell which, so that nobody learns which keys are enrolled. */
#define ASSAY_REFUSED_UNPROVEN "evidence.unproven"

/* ---- a TPM as back end ------------------------------------------------------ */

/* Which endorsement key; TCG EK Credential Profile 2.6, templates in its words. */
enum assay_ek {
	ASSAY_EK_AUTO = 0, /* the first below whose certificate the TPM holds */
	ASSAY_EK_L2_P256,
	ASSAY_EK_H2_P256,
	ASSAY_EK_H3_P384,
	ASSAY_EK_L1_RSA2048,
	ASSAY_EK_H1_RSA2048,
	ASSAY_EK_H6_RSA3072,
	ASSAY_EK_H7_RSA4096,
	ASSAY_EK_COUNT
};

/* Which attestation key to make. */
enum assay_ak {
	ASSAY_AK_ECC_P256 = 0, /* ECDSA, SHA-256 */
	ASSAY_AK_ECC_P384,     /* ECDSA, SHA-384 */
	ASSAY_AK_RSA_RSASSA,   /* RSA-2048, PKCS #1 v1.5, SHA-256 */
	ASSAY_AK_RSA_RSAPSS,   /* RSA-2048, PSS, SHA-256 */
	ASSAY_AK_COUNT
};

/* "auto", "ecc-p256"...; NULL if out of range. Names are those of the options. */
ASSAY_PUBLIC const char *assay_ek_name(enum assay_ek ek);
ASSAY_PUBLIC const char *assay_ak_name(enum assay_ak ak);

/* Largest wrapped AK, see assay_tpm_key(). */
#define ASSAY_KEY_BLOB_MAX 2048

struct assay_tpm_config {
	/* As tpm2-tools take it: "device:/dev/tpmrm0", "swtpm:path=/run/swtpm.sock",
	 * "tabrmd"...; NULL: what the loader finds. Copied, at most 255 characters. */
	const char *tcti;
	enum assay_ek ek;
	enum assay_ak ak;
	/* The wrapped AK of an earlier run (assay_tpm_key()); copied. Empty: there is
	 * none, and one is made if create is set. An AK that is given and cannot be
	 * loaded is an error, never a reason to make another. */
	struct assay_bytes key;
	bool create;
	/* Keep the AK in the TPM at this persistent handle (0x81000000 to 0x817FFFFF);
	 * 0: load the wrapped AK when it is needed. A handle in use is never replaced. */
	uint32_t persistent;
};

/* A TPM; its inside is the library's. */
struct assay_tpm;

ASSAY_PUBLIC size_t assay_tpm_size(void);
/* As assay_attester_init(). Does not touch the TPM yet. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err assay_tpm_init(void *memory, size_t size,
							  const struct assay_tpm_config *config,
							  struct assay_tpm **ret);
/*
 * Find the EK and its certificate, load the AK or make one. Each call opens the
 * TPM, does its work, flushes what it loaded and closes the TPM again, so that
 * others can use it in between and a reset loses nothing.
 *
 * UNREACHABLE: no TPM there. BUSY: it is locked out, or its slots are taken, or it
 * asked for patience too often; later may be better. TAMPERED: the key given is
 * damaged. MISMATCH: it is not of this TPM. MISSING: no key, and create is not set.
 * EXISTS: the persistent handle holds something else. UNSUPPORTED: this TPM has no
 * such algorithm. assay_tpm_detail() has the TPM's own words.
 */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err assay_tpm_start(struct assay_tpm *t);
/* The AK as start() left it, to be stored before it is used: wrapped by the TPM, of
 * no use elsewhere, with a checksum against accidents. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err assay_tpm_key(const struct assay_tpm *t, uint8_t *ret,
							 size_t cap, size_t *ret_len);
/* TPM Names of AK and EK: at most 66 bytes each, empty before start(). */
ASSAY_PUBLIC struct assay_bytes assay_tpm_ak_name(const struct assay_tpm *t);
ASSAY_PUBLIC struct assay_bytes assay_tpm_ek_name(const struct assay_tpm *t);
/* Which EK is in use, after start(). */
ASSAY_PUBLIC enum assay_ek assay_tpm_ek(const struct assay_tpm *t);
/* Failed authorisations that the TPM counted, as of its last use here; false: unknown. */
ASSAY_PUBLIC bool assay_tpm_lockout(const struct assay_tpm *t, uint32_t *ret);
/* The functions for assay_attester_config. t must outlive the attester. */
ASSAY_PUBLIC struct assay_backend assay_tpm_backend(struct assay_tpm *t);
/* One line of text about the last error, "" if there was none; t's own memory. */
ASSAY_PUBLIC const char *assay_tpm_detail(const struct assay_tpm *t);

/* ---- a key without a TPM as back end ---------------------------------------- */

/* Kinds of keys that can be made; others are read as well (RSA from 2048 bits). */
enum assay_key_kind {
	ASSAY_KEY_ECC_P256 = 0,
	ASSAY_KEY_ECC_P384,
	ASSAY_KEY_ED25519,
	ASSAY_KEY_COUNT
};
/* "ecc-p256"...; NULL if out of range. */
ASSAY_PUBLIC const char *assay_key_kind_name(enum assay_key_kind kind);

/* Largest private key in a file. */
#define ASSAY_PRIVATE_KEY_MAX 4096

/* A new private key, DER (SEC 1 or PKCS #8); to be kept where nobody else reads it. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err assay_key_make(enum assay_key_kind kind, uint8_t *ret,
							  size_t cap, size_t *ret_len);

/*
 * A private key in memory: a software key, or the alias key that a DICE boot stage has
 * left. What certificates there are is borrowed and must stay as long as the key.
 */
struct assay_key_config {
	struct assay_bytes private_key; /* PEM or DER, not encrypted; copied */
	/* DER: of the identity key, its own certificate first. Without DICE that is the
	 * private key's. May be empty. */
	uint8_t chain_count;
	struct assay_bytes chain[ASSAY_CHAIN_MAX];
	/* DICE: the layers, from the one that the identity key certified to that of the
	 * private key. */
	uint8_t layer_count;
	struct assay_bytes layer[ASSAY_LAYERS_MAX];
	/* DICE, if chain is empty: SubjectPublicKeyInfo of the identity key. */
	struct assay_bytes identity;
};

/* A key; its inside is the library's. */
struct assay_key;

ASSAY_PUBLIC size_t assay_key_size(void);
/* As assay_attester_init(). MALFORMED: the private key or a certificate cannot be read,
 * or is encrypted. MISMATCH: the last layer, or the certificate, is of another key.
 * UNSUPPORTED, WEAK: such a key cannot attest. MISSING: layers without an identity. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err assay_key_init(void *memory, size_t size,
							  const struct assay_key_config *config,
							  struct assay_key **ret);
/* The name by which the verifier knows the device: 34 bytes. */
ASSAY_PUBLIC struct assay_bytes assay_key_name(const struct assay_key *k);
/* The functions for assay_attester_config. k must outlive the attester. */
ASSAY_PUBLIC struct assay_backend assay_key_backend(struct assay_key *k);
/* Wipes the private key. */
ASSAY_PUBLIC void assay_key_wipe(struct assay_key *k);

/* ---- a key in a PKCS #11 token as back end ---------------------------------- */

struct assay_token_config {
	const char *module;  /* path of the token's PKCS #11 library */
	const char *token;   /* label of the token */
	const char *key;     /* label of the private key in it */
	const char *pin;     /* user PIN; NULL: the token needs none */
	/* As of assay_key_config: certificates of the key, if the CA of the token's maker
	 * or of the operator gave it one. Borrowed. */
	uint8_t chain_count;
	struct assay_bytes chain[ASSAY_CHAIN_MAX];
};

/* A token; its inside is the library's. */
struct assay_token;

ASSAY_PUBLIC size_t assay_token_size(void);
/* All of config but chain is needed until assay_token_close(). Loads the module, opens
 * the token and logs in, and stays so. UNREACHABLE: no such module or token. NOT_FOUND: no
 * such key in it. DENIED: the PIN. UNSUPPORTED: a kind of key that cannot attest.
 * MISMATCH: the certificate is of another key. assay_token_detail() says more. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_token_open(void *memory, size_t size, const struct assay_token_config *config,
		 struct assay_token **ret);
ASSAY_PUBLIC void assay_token_close(struct assay_token *t);
/* As assay_key_name(), assay_key_backend(). */
ASSAY_PUBLIC struct assay_bytes assay_token_name(const struct assay_token *t);
ASSAY_PUBLIC struct assay_backend assay_token_backend(struct assay_token *t);
/* One line of text about the last error, "" if there was none; also after a failed
 * assay_token_open() with the memory that was given to it. */
ASSAY_PUBLIC const char *assay_token_detail(const struct assay_token *t);

/* ---- a connection as part of the program's own loop -------------------------- */

/*
 * The library can also run the connection: TLS, WebSocket, and connecting again after
 * growing pauses. This part is a library of its own (libassay-connection, with
 * libwebsockets and libuv), which does allocate. After assay_connection_open() the
 * program polls assay_connection_fd() for reading beside its own descriptors, and calls
 * assay_connection_service() whenever it can be read. Nothing blocks but evidence being
 * made, as long as back end and claims' source do. The program should ignore SIGPIPE.
 */
struct assay_connection;

struct assay_connection_config {
	struct assay_attester *attester; /* must outlive the connection */
	const char *url;		 /* wss://HOST[:PORT][/PATH]; copied */
	/* Whom to trust, at least one: the enrolment token's pin, 32 bytes, copied; a PEM
	 * file of CAs. */
	const uint8_t *pin;
	const char *ca;
	unsigned retry_max_s; /* longest pause between connections; 0: 60 */
	/* Each event of assay_attester_received() that is not NONE; its bytes are lent
	 * until the function returns. ENROLLED is to be remembered. */
	void (*event)(void *self, const struct assay_event *e);
	/* There is none, for now; it is tried again by itself. May be NULL. */
	void (*down)(void *self, const char *why);
	void *self;
};

/* MALFORMED: the URL. DENIED: neither pin nor ca. NOT_FOUND: the CA file. IO, NO_MEMORY. */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_connection_open(const struct assay_connection_config *config, struct assay_connection **ret);
/* To be polled for reading; the same for as long as the connection is open. */
ASSAY_PUBLIC int assay_connection_fd(const struct assay_connection *c);
/* Does what there is to do. May call event() and down(), which must not close it. */
ASSAY_PUBLIC void assay_connection_service(struct assay_connection *c);
ASSAY_PUBLIC void assay_connection_close(struct assay_connection *c);

#ifdef __cplusplus
}
#endif
#endif
