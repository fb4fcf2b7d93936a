/*
 * envelope.h: wire messages (proto/assay.proto) to plain structs of spans, and back.
 *
 * The only includer of the generated protobuf headers. Decoding unpacks through a
 * capped arena of the caller (protobuf-c amplifies memory up to 60 times) after a
 * scan of our own that refuses unknown and duplicate fields, wrong wire types and
 * over-long or over-many fields and any but the canonical form (Q13: ascending
 * fields, no defaults on the wire), so that protobuf-c only ever sees messages
 * of the declared shape. Decoded structs hold spans into the *arena*, which the
 * caller resets after the message; nothing else is allocated.
 *
 * A frame is one byte of message type and one protobuf message. frame_type() is all
 * that net reads of it before the state table has permitted it.
 */
#ifndef EVIDENCE_ENVELOPE_H
#define EVIDENCE_ENVELOPE_H

#include "pcr.h"

enum msg_type {
	MSG_NONE = 0,
	MSG_HELLO = 1,
	MSG_ENROL = 2,
	MSG_ACTIVATION = 3,
	MSG_PROOF = 4,
	MSG_PART = 5,
	MSG_ENROL_KEY = 6,
	MSG_CHALLENGE = 16,
	MSG_CREDENTIAL = 17,
	MSG_ENROLLED = 18,
	MSG_NEED = 19,
	MSG_DECISION = 20,
	MSG_REFUSED = 21,
};

/* Limits, in bytes of a whole frame or a field, or in elements. */
#define MSG_HELLO_MAX 256
#define MSG_ENROL_MAX (64u << 10)
#define MSG_ACTIVATION_MAX 128
#define MSG_PROOF_MAX (16u << 10)
#define MSG_PART_MAX ((1u << 20) + 64)
#define MSG_CHALLENGE_MAX 512
#define MSG_CREDENTIAL_MAX 2048
#define MSG_ENROLLED_MAX 256
#define MSG_NEED_MAX 256
#define MSG_DECISION_MAX (32u << 10)
#define MSG_REFUSED_MAX 256
#define MSG_ENROL_KEY_MAX MSG_ENROL_MAX
#define MSG_MAX MSG_PART_MAX

#define MSG_VERSION 1
#define MSG_CERT_MAX (8u << 10)
#define MSG_CHAIN_MAX 8
#define MSG_QUOTES_MAX 6
#define MSG_AGENT_MAX 64
#define MSG_TOKEN_FIELD_MAX 64
#define MSG_CLAIMS_INLINE_MAX (12u << 10)
#define MSG_CLAIMS_MAX (512u << 10)
#define MSG_PART_DATA_MAX (1u << 20)
#define MSG_REASONS_MAX 32
#define MSG_REASON_TEXT_MAX 64
#define MSG_REMEDIATION_TEXT_MAX 256
#define MSG_SOFTWARE_MAX 4096
#define MSG_HEALTH_MAX 256
#define MSG_SETTINGS_MAX 1024
#define MSG_ITEM_NAME_MAX 128
#define MSG_VERSION_TEXT_MAX 64
#define MSG_NOTE_MAX 64
#define MSG_VALUE_MAX 256
#define MSG_SECRET_SIZE 32
#define MSG_KEY_MAX 600		/* SubjectPublicKeyInfo */
#define MSG_KEY_SIGNATURE_MAX 512
#define MSG_LAYERS_MAX 8
#define MSG_LAYER_MAX 2048
#define MSG_START_ID_SIZE 16
#define MSG_IP4_SIZE 4
#define MSG_IP6_SIZE 16
#define MSG_MAC_SIZE 6

/* Bump memory for one message; see arena_init. */
struct arena {
	uint8_t *p;
	size_t cap, used;
};
/* Enough for any message of this type, whatever it holds. */
#define MSG_ARENA_SMALL (64u << 10)  /* all but proof, enrol, claims, part */
#define MSG_ARENA_MAX (2u << 20)

void arena_init(struct arena *a, void *p, size_t cap);
void arena_reset(struct arena *a);

struct msg_hello {
	struct span key_name; /* 4..66 bytes */
	uint8_t nbanks;
	uint16_t banks[PCR_BANKS_MAX];
	struct span agent;
};

struct msg_enrol {
	struct span ek_public, ek_certificate;
	uint8_t nchain;
	struct span chain[MSG_CHAIN_MAX];
	struct span ak_public;
	struct span token_id, token_secret;
	uint8_t nbanks;
	uint16_t banks[PCR_BANKS_MAX];
	struct span agent;
};

/* Of a device without TPM. */
struct msg_enrol_key {
	struct span key_public; /* SubjectPublicKeyInfo of the identity key */
	uint8_t ncertificates;
	struct span certificates[MSG_CHAIN_MAX]; /* the identity key's first */
	uint8_t nlayers;			 /* 0: the identity key signs itself */
	struct span layers[MSG_LAYERS_MAX];
	struct span token_id, token_secret;
	struct span agent;
};

struct msg_activation {
	struct span secret; /* exactly 32 bytes */
};

struct msg_quote {
	struct span attest, signature;
};

struct msg_proof {
	uint8_t nquotes;
	struct msg_quote quotes[MSG_QUOTES_MAX];
	struct pcr_values pcrs;
	struct span claims;	   /* empty: ask for it */
	struct span claims_digest; /* 32 bytes */
	/* Of a device without TPM, in the place of quotes and PCRs: a proof is one or the
	 * other as a whole, which decoding checks. */
	struct span key_signature;
	uint8_t nlayers;
	struct span layers[MSG_LAYERS_MAX];
};
/* Nothing in it; as pcr_values_clear(), it leaves what no count covers. */
void msg_proof_clear(struct msg_proof *p);

struct msg_software {
	struct span name, kind, version, digest, note;
	uint16_t alg;
	uint64_t size;
	uint32_t age;
};

struct msg_health {
	struct span name, value, instance;
};

struct msg_setting {
	struct span item, key, value, note;
};

struct msg_claims {
	struct span boot_log_digest; /* 32 bytes, or empty: no boot log */
	uint32_t boot_log_size;
	struct span ima_log_digest;
	uint64_t ima_entries;
	struct span agent;
	size_t nsoftware;
	struct msg_software *software; /* arena when decoded, caller's when encoded */
	size_t nhealth;
	struct msg_health *health;
	size_t nsettings;
	struct msg_setting *settings;
	struct span start_id; /* 16 bytes; empty on devices with a TPM */
	uint64_t start_count, round;
	struct span address; /* this end of the connection: 4 or 16 bytes, or empty */
	struct span mac;     /* of its interface: 6 bytes, or empty */
};

enum part_kind {
	PART_NONE = 0,
	PART_CLAIMS = 1,
	PART_BOOT_LOG = 2,
	PART_IMA = 3,
	PART_FILES = 4, /* the manifest of a software item */
};

struct msg_part {
	enum part_kind kind;
	uint64_t offset;
	struct span data;
	bool last;
};

struct msg_challenge {
	struct span nonce; /* 32 bytes */
	struct pcr_selection pcrs;
	uint32_t deadline_ms;
	bool channel_bound;
	bool reread;
};

struct msg_credential {
	struct span blob, encrypted_secret;
};

struct msg_enrolled {
	struct span device_id;
	bool pending;
};

#define MSG_WANTS_MAX 4
struct msg_want {
	enum part_kind kind;
	uint64_t from, limit;
	uint32_t item; /* PART_FILES: 1 + index of the software item in the claims; else 0 */
};
struct msg_need {
	uint8_t nwants;
	struct msg_want wants[MSG_WANTS_MAX];
};

struct msg_decision {
	uint8_t outcome; /* 1 quarantine, 2 restrict, 3 admit */
	uint8_t nreasons;
	struct span reasons[MSG_REASONS_MAX];
	uint8_t nremediation;
	struct span remediation[MSG_REASONS_MAX];
	struct span token;
	uint32_t next_in_ms;
	uint64_t sequence;
};

struct msg_refused {
	struct span reason;
	bool retry;
};

/* The first byte, MSG_NONE for an empty frame or an unknown type. */
enum msg_type frame_type(struct span frame);
/* Largest frame of a type; 0 for MSG_NONE. */
size_t frame_limit(enum msg_type t);

/*
 * Decode a whole frame (type byte included). BAD_TYPE if it is another message,
 * TOO_LARGE over its limit, MALFORMED / DUPLICATE / TOO_MANY / TRUNCATED as Q13,
 * FULL if the arena is too small. Text fields are checked to be printable ASCII.
 */
ASSAY_MUST_USE enum assay_err envelope_decode_hello(struct span f, struct arena *a,
						    struct msg_hello *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_enrol(struct span f, struct arena *a,
						    struct msg_enrol *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_enrol_key(struct span f, struct arena *a,
							struct msg_enrol_key *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_activation(struct span f, struct arena *a,
							 struct msg_activation *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_proof(struct span f, struct arena *a,
						    struct msg_proof *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_part(struct span f, struct arena *a,
						   struct msg_part *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_challenge(struct span f, struct arena *a,
							struct msg_challenge *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_credential(struct span f, struct arena *a,
							 struct msg_credential *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_enrolled(struct span f, struct arena *a,
						       struct msg_enrolled *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_need(struct span f, struct arena *a,
						   struct msg_need *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_decision(struct span f, struct arena *a,
						       struct msg_decision *ret);
ASSAY_MUST_USE enum assay_err envelope_decode_refused(struct span f, struct arena *a,
						      struct msg_refused *ret);
/* Claims are no frame: their bytes are what is hashed. Software items ascend by name,
 * health by name and instance, settings by item and key (DUPLICATE, or MALFORMED if
 * they descend). A digest has an algorithm and its size, and no note. */
ASSAY_MUST_USE enum assay_err envelope_decode_claims(struct span bytes, struct arena *a,
						     struct msg_claims *ret);

/* Encode a whole frame (or claims) into w. Errors: as for decoding, FULL. */
ASSAY_MUST_USE enum assay_err envelope_encode_hello(const struct msg_hello *m,
						    uint8_t *ret, size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_enrol(const struct msg_enrol *m,
						    uint8_t *ret, size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_enrol_key(const struct msg_enrol_key *m,
							uint8_t *ret, size_t cap,
							size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_activation(const struct msg_activation *m,
							 uint8_t *ret, size_t cap,
							 size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_proof(const struct msg_proof *m,
						    uint8_t *ret, size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_part(const struct msg_part *m,
						   uint8_t *ret, size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_challenge(const struct msg_challenge *m,
							uint8_t *ret, size_t cap,
							size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_credential(const struct msg_credential *m,
							 uint8_t *ret, size_t cap,
							 size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_enrolled(const struct msg_enrolled *m,
						       uint8_t *ret, size_t cap,
						       size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_need(const struct msg_need *m,
						   uint8_t *ret, size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_decision(const struct msg_decision *m,
						       uint8_t *ret, size_t cap,
						       size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_refused(const struct msg_refused *m,
						      uint8_t *ret, size_t cap,
						      size_t *ret_len);
ASSAY_MUST_USE enum assay_err envelope_encode_claims(const struct msg_claims *m,
						     uint8_t *ret, size_t cap,
						     size_t *ret_len);

#endif
