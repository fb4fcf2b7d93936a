/*
 * tpm.h: the inside of the TPM back end of assay/attester.h, on tpm2-tss ESYS.
 *
 *   tpm.c        memory, connecting, patience, and errors
 *   tpm_nv.c     what the TPM lists and stores: banks, handles, certificates
 *   tpm_ek.c     endorsement keys: templates, sessions
 *   tpm_ak.c     the attestation key: made, wrapped, loaded
 *   tpm_quote.c  quotes with PCR values, and credential activation
 *
 * Work is done in steps. tpm_run() connects, runs one step, disconnects; a step
 * loads what it needs and releases it on every path, so that between two calls
 * nothing of ours is in the TPM. If the TPM was busy, reset or gone meanwhile the
 * step runs again from its start.
 */
#ifndef ATTESTER_TPM_H
#define ATTESTER_TPM_H

#include "evidence/quote.h"
#include "evidence/writer.h"

#include <assay/attester.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#define TPM_TCTI_MAX 255
#define TPM_DETAIL_MAX 240
#define TPM_PUBLIC_BYTES_MAX 1024
#define TPM_CERT_BYTES_MAX (8u << 10)
#define TPM_CHAIN_BYTES_MAX (40u << 10) /* with all else an Enrol stays under 64 KiB */

/* Something of ours in the TPM while a step runs. */
struct tpm_object {
	ESYS_TR tr;
	bool transient; /* to be flushed; otherwise it stays in the TPM */
};
#define TPM_NO_OBJECT ((struct tpm_object){ESYS_TR_NONE, false})

struct tpm_bytes {
	size_t n;
	uint8_t b[TPM_PUBLIC_BYTES_MAX];
};

struct assay_tpm {
	char tcti[TPM_TCTI_MAX + 1];
	enum assay_ek ek_wanted, ek;
	enum assay_ak ak;
	bool create, started;
	uint32_t persistent;

	/* only while a step runs */
	TSS2_TCTI_CONTEXT *tcti_context;
	ESYS_CONTEXT *esys;

	/* the connection was lost within a step: what was loaded may still be there */
	bool lost;
	TPM2_HANDLE lost_session; /* 0: none */

	/* the last error */
	TSS2_RC rc;
	char detail[TPM_DETAIL_MAX];

	/* who we are */
	struct tpm_bytes ek_public, ak_public; /* TPMT_PUBLIC */
	struct tpm_name ek_name, ak_name;
	size_t cert_len;
	uint8_t cert[TPM_CERT_BYTES_MAX];
	uint8_t chain_count;
	struct assay_bytes chain[ASSAY_CHAIN_MAX];
	uint8_t bank_count;
	uint16_t banks[ASSAY_BANKS_MAX];
	bool has_lockout;
	uint32_t lockout; /* TPM2_PT_LOCKOUT_COUNTER */

	/* the AK: wrapped, and as the TPM last saved its context */
	TPM2B_PUBLIC ak_pub;
	TPM2B_PRIVATE ak_priv;
	bool has_key, has_context;
	TPMS_CONTEXT context;

	size_t chain_len;
	uint8_t chain_bytes[TPM_CHAIN_BYTES_MAX];
};

/* ---- tpm.c ---- */

typedef enum assay_err tpm_step(struct assay_tpm *t, void *arg);
/* Connect, run, disconnect; again while that may help, for a few seconds. */
ASSAY_MUST_USE enum assay_err tpm_run(struct assay_tpm *t, tpm_step *step, void *arg);
/* OK for TSS2_RC_SUCCESS; otherwise keeps rc and a line about it, and names the
 * kind of error. what: the TPM command, e.g. "TPM2_Quote". */
ASSAY_MUST_USE enum assay_err tpm_rc(struct assay_tpm *t, const char *what, TSS2_RC rc);
/* An error of our own with a line of text about it; returns e. */
enum assay_err tpm_fail(struct assay_tpm *t, enum assay_err e, const char *text);
/* rc without layer, parameter and session number: one of TPM2_RC_x, or 0 if it is
 * not the TPM's. */
TSS2_RC tpm_rc_base(TSS2_RC rc);
/* Flush or forget; *o is TPM_NO_OBJECT afterwards. */
void tpm_release(struct assay_tpm *t, struct tpm_object *o);
void tpm_end_session(struct assay_tpm *t, ESYS_TR *session);
/* TPMT_PUBLIC as bytes, and the TPM Name over them. */
ASSAY_MUST_USE enum assay_err tpm_marshal(struct assay_tpm *t, const TPMT_PUBLIC *p,
					  struct tpm_bytes *ret, struct tpm_name *ret_name);

/* ---- tpm_nv.c ---- */

#define TPM_HANDLES_MAX 64
struct tpm_handles {
	size_t n;
	TPM2_HANDLE h[TPM_HANDLES_MAX];
};
/* Handles in use from first to last; more than fit are not listed. */
ASSAY_MUST_USE enum assay_err tpm_list(struct assay_tpm *t, TPM2_HANDLE first, TPM2_HANDLE last,
				       struct tpm_handles *ret);
bool tpm_lists(const struct tpm_handles *l, TPM2_HANDLE h);
/* A whole NV index; TOO_LARGE if it is longer than cap. */
ASSAY_MUST_USE enum assay_err tpm_nv_read(struct assay_tpm *t, TPM2_HANDLE index, uint8_t *ret,
					  size_t cap, size_t *ret_len);
/* Active PCR banks into t. */
/* The lockout counter, if it can be had. */
void tpm_read_lockout(struct assay_tpm *t);
ASSAY_MUST_USE enum assay_err tpm_read_banks(struct assay_tpm *t);
/* Certificate of the EK at this NV index, and the chain indices, into t. */
ASSAY_MUST_USE enum assay_err tpm_read_certificates(struct assay_tpm *t, TPM2_HANDLE index);

/* ---- tpm_ek.c ---- */

/* Which EK and its certificate, into t; then ek_acquire() finds it again. */
ASSAY_MUST_USE enum assay_err ek_find(struct assay_tpm *t);
/* The EK, loaded: MISMATCH if it is not the one that ek_find() saw. */
ASSAY_MUST_USE enum assay_err ek_acquire(struct assay_tpm *t, struct tpm_object *ret);
/* A session that authorises one use of the EK. It is salted with the EK, and its
 * first parameters are encrypted both ways. */
ASSAY_MUST_USE enum assay_err ek_authorise(struct assay_tpm *t, const struct tpm_object *ek,
					   ESYS_TR *ret_session);

/* ---- tpm_ak.c ---- */

/* Make an AK under the EK, or load the one that is there; into t. */
ASSAY_MUST_USE enum assay_err ak_find(struct assay_tpm *t);
ASSAY_MUST_USE enum assay_err ak_acquire(struct assay_tpm *t, struct tpm_object *ret);
/* Hash of the AK's scheme, which is that of the quote's pcrDigest. */
uint16_t ak_hash(const struct assay_tpm *t);
/* The wrapped form of assay_tpm_key() and back. TAMPERED. */
ASSAY_MUST_USE enum assay_err ak_wrap(const struct assay_tpm *t, uint8_t *ret, size_t cap,
				      size_t *ret_len);
ASSAY_MUST_USE enum assay_err ak_unwrap(struct assay_tpm *t, struct span blob);

/* ---- tpm_quote.c ---- */

struct tpm_quote_request {
	const struct assay_selection *banks;
	size_t count;
	const uint8_t *qualifying;
	struct assay_quotes *ret;
};
struct tpm_activation {
	struct assay_bytes blob, secret;
	uint8_t *ret;
};
tpm_step quote_step, activate_step;

#endif
