/*
 * dicemade.h: certificates made to measure: DICE layers, keys' certificates and CAs,
 * right ones and wrong ones, for tests and for the tool dice_make.
 */
#ifndef TESTS_SUPPORT_DICEMADE_H
#define TESTS_SUPPORT_DICEMADE_H

#include "softkey.h"

#include "verifier/appraise/dice.h"

#define DICEMADE_CERT_MAX 2048
#define DICEMADE_NOT_BEFORE "180322235959Z"

/* What the certificate of one key says; zeros: nothing. */
struct dicemade_spec {
	struct softkey *issuer;
	const struct softkey *subject;
	const char *issuer_name, *subject_name; /* serialNumber of the distinguished names */
	bool ca;
	int pathlen;	    /* -1: none */
	uint8_t key_usage;  /* X509_KU_x; 0: no extension */
	bool open_dice;	    /* the open-dice extension, with: */
	bool critical, enumerated; /* mode as ENUMERATED, as the implementation writes it */
	int mode;	    /* -1: left out */
	uint8_t code, config, authority; /* each byte of the 64; 0: left out */
	bool config_hash;   /* config is a descriptor, its hash stands beside it */
	bool wrong_hash;    /* which is not its hash */
	bool tcb;	    /* DiceTcbInfo, with code as SHA-256 FWID and: */
	int flags;	    /* first byte of the flags; -1: left out */
	int svn;	    /* -1: left out */
	bool unknown_critical; /* a critical extension that nobody knows */
	const char *not_before, *not_after; /* UTCTime; NULL: the profile's */
};

/* DER into ret (DICEMADE_CERT_MAX); its length. */
size_t dicemade_cert(const struct dicemade_spec *spec, uint8_t *ret);

/* A device with an identity key, some layers above it, and an alias key. */
struct dicemade {
	struct softkey root, layer[DICE_LAYERS_MAX], alias;
	unsigned layers;
	size_t ncerts;
	uint8_t der[DICE_LAYERS_MAX][DICEMADE_CERT_MAX];
	struct span certs[DICE_LAYERS_MAX];
};

/* layers measured ones and, if leaf is set, a last certificate of the alias key without
 * measurements; code[i] = 0x10 + i, config 0x20 + i, authority 0x30 + i. */
void dicemade_init(struct dicemade *d, enum softkey_kind kind, unsigned layers, bool leaf);
void dicemade_free(struct dicemade *d);
/* The specification that certificate i was made by, to be changed and made again. */
struct dicemade_spec dicemade_spec_of(struct dicemade *d, size_t i);
void dicemade_again(struct dicemade *d, size_t i, const struct dicemade_spec *spec);
/* Other firmware: layer i has this code, and it and the layers above have new keys. */
void dicemade_update(struct dicemade *d, size_t i, uint8_t code);
struct softkey *dicemade_signer(struct dicemade *d);
enum assay_err dicemade_verify(struct dicemade *d, struct dice_chain *ret);

#endif
