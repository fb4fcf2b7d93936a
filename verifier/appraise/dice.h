/*
 * dice.h: a DICE chain, from the key that a device is known by to the key that signs.
 *
 * Certificates by layer as the open-dice profile has them (X.509, extension
 * 1.3.6.1.4.1.11129.2.1.24), or with TCG's DiceTcbInfo (2.23.133.5.4.1). The last one
 * may be of an attestation key and without measurements. Nothing here decides whether
 * the measurements are the right ones, nor whose the first key is. What is accepted and
 * why is in docs/identities.md.
 *
 * Every byte is a stranger's: no allocation, no recursion; the certificates must outlive
 * nothing, what is kept is copied.
 */
#ifndef APPRAISE_DICE_H
#define APPRAISE_DICE_H

#include "evidence/devicekey.h"
#include "evidence/envelope.h"
#include "x509.h"

#define DICE_LAYERS_MAX MSG_LAYERS_MAX

/* open-dice, "Mode Value Details"; UNKNOWN: the certificate does not say. */
enum dice_mode {
	DICE_MODE_UNKNOWN = 0,
	DICE_MODE_NOT_CONFIGURED,
	DICE_MODE_NORMAL,
	DICE_MODE_DEBUG,
	DICE_MODE_RECOVERY,
	DICE_MODE_COUNT
};
const char *dice_mode_name(enum dice_mode m); /* "normal" ... */

/* What one certificate says of the layer that got its key; alg ALG_NONE: nothing. */
struct dice_layer {
	enum dice_mode mode;
	struct digest code, authority;
	struct digest config; /* the hash, or where there is none the 64 bytes themselves */
	bool has_svn;
	uint64_t svn; /* DiceTcbInfo */
};

struct dice_chain {
	uint8_t count; /* layers that were measured; never 0 */
	struct dice_layer layer[DICE_LAYERS_MAX];
	bool normal;	    /* all of them */
	struct key signer;  /* the last certificate's key */
	struct tpm_name signer_name;
};

struct dice_input {
	const struct key *root; /* signed certs[0] */
	size_t ncerts;
	const struct span *certs; /* DER */
	int64_t now;
};

/*
 * OK only if each certificate is signed by the key before it, in its time, named as its
 * issuer is, by a CA that may issue it, without a critical extension that is not
 * understood, and has the measurements of a layer (the last one may be without, if it is
 * not the first). MISSING: no certificate, or one without measurements. *ret_why: words
 * for people about an error.
 */
ASSAY_MUST_USE enum assay_err dice_verify(const struct dice_input *in, struct dice_chain *ret,
					  const char **ret_why);

/* The two extensions alone, for tests and fuzzing. */
ASSAY_MUST_USE enum assay_err dice_input_parse(struct span extension, struct dice_layer *ret);
ASSAY_MUST_USE enum assay_err dice_tcb_parse(struct span extension, struct dice_layer *ret);

#endif
