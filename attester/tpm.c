/* tpm.c: see tpm.h and assay/attester.h. */
#include "tpm.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

/* How often a step is tried: a TPM that is busy, and one that cannot be reached. */
#define PATIENCE_TRIES 9
#define CONNECT_TRIES 3
#define STALE_TRIES 3
#define WAIT_FIRST_MS 20
#define WAIT_MOST_MS 800

/* TPM2_TRANSIENT_FIRST and LAST, without their shift of a negative number. */
#define TRANSIENT_FIRST 0x80000000u
#define TRANSIENT_LAST 0x80FFFFFEu

size_t
assay_tpm_size(void)
{
	return sizeof(struct assay_tpm);
}

static bool
config_is_valid(const struct assay_tpm_config *c)
{
	bool handle_ok = c->persistent == 0 ||
			 (c->persistent >= 0x81000000 && c->persistent <= 0x817FFFFF);

	return (unsigned)c->ek < ASSAY_EK_COUNT && (unsigned)c->ak < ASSAY_AK_COUNT && handle_ok &&
	       (!c->tcti || strlen(c->tcti) <= TPM_TCTI_MAX);
}

enum assay_err
assay_tpm_init(void *memory, size_t size, const struct assay_tpm_config *config,
	       struct assay_tpm **ret)
{
	struct assay_tpm *t = memory;
	enum assay_err e = ASSAY_OK;

	if (size < sizeof *t)
		return ASSAY_FULL;
	if (!config_is_valid(config))
		return ASSAY_MALFORMED;
	memset(t, 0, sizeof *t);
	if (config->tcti)
		memcpy(t->tcti, config->tcti, strlen(config->tcti) + 1);
	t->ek_wanted = config->ek;
	t->ak = config->ak;
	t->create = config->create;
	t->persistent = config->persistent;
	if (config->key.len > 0)
		e = ak_unwrap(t, SPAN(config->key.data, config->key.len));
	if (e == ASSAY_OK)
		*ret = t;
	return e;
}

/* ---- errors ---- */

TSS2_RC
tpm_rc_base(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

	if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER &&
	    layer != TSS2_RESMGR_RC_LAYER)
		return 0;
	rc &= 0xFFFF;
	return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3F) : rc;
}

enum fault {
	FAULT_OTHER,
	FAULT_PATIENCE,	   /* the TPM asks to try again, or has no slot now */
	FAULT_LOCKOUT,	   /* dictionary attack protection */
	FAULT_STALE,	   /* what we held is gone: the TPM was reset */
	FAULT_UNREACHABLE, /* no TPM at the other end, or it went away */
	FAULT_UNSUPPORTED, /* not in this TPM */
};

static const struct {
	TSS2_RC first, last; /* of tpm_rc_base() */
	enum fault fault;
} faults[] = {
	{TPM2_RC_RETRY, TPM2_RC_RETRY, FAULT_PATIENCE},
	{TPM2_RC_YIELDED, TPM2_RC_YIELDED, FAULT_PATIENCE},
	{TPM2_RC_TESTING, TPM2_RC_TESTING, FAULT_PATIENCE},
	{TPM2_RC_CANCELED, TPM2_RC_CANCELED, FAULT_PATIENCE},
	{TPM2_RC_NV_RATE, TPM2_RC_NV_RATE, FAULT_PATIENCE},
	{TPM2_RC_NV_UNAVAILABLE, TPM2_RC_NV_UNAVAILABLE, FAULT_PATIENCE},
	{TPM2_RC_INITIALIZE, TPM2_RC_INITIALIZE, FAULT_PATIENCE}, /* reset, not yet started */
	{TPM2_RC_CONTEXT_GAP, TPM2_RC_SESSION_HANDLES, FAULT_PATIENCE},
	{TPM2_RC_LOCKOUT, TPM2_RC_LOCKOUT, FAULT_LOCKOUT},
	{TPM2_RC_REFERENCE_H0, TPM2_RC_REFERENCE_S6, FAULT_STALE},
	{TPM2_RC_AUTH_CONTEXT, TPM2_RC_AUTH_CONTEXT, FAULT_STALE},
	{TPM2_RC_HANDLE, TPM2_RC_HANDLE, FAULT_STALE},
	{TPM2_RC_COMMAND_CODE, TPM2_RC_COMMAND_CODE, FAULT_UNSUPPORTED},
	{TPM2_RC_ASYMMETRIC, TPM2_RC_ASYMMETRIC, FAULT_UNSUPPORTED},
	{TPM2_RC_HASH, TPM2_RC_HASH, FAULT_UNSUPPORTED},
	{TPM2_RC_SCHEME, TPM2_RC_SCHEME, FAULT_UNSUPPORTED},
	{TPM2_RC_SYMMETRIC, TPM2_RC_SYMMETRIC, FAULT_UNSUPPORTED},
	{TPM2_RC_CURVE, TPM2_RC_CURVE, FAULT_UNSUPPORTED},
	{TPM2_RC_KEY_SIZE, TPM2_RC_KEY_SIZE, FAULT_UNSUPPORTED},
};

static enum fault
fault_of(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK, base = tpm_rc_base(rc);

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		if (base != 0 && base >= faults[i].first && base <= faults[i].last)
			return faults[i].fault;
	if (layer == TSS2_TCTI_RC_LAYER || (rc & 0xFFFF) == TSS2_BASE_RC_IO_ERROR)
		return FAULT_UNREACHABLE;
	return FAULT_OTHER;
}

enum assay_err
tpm_fail(struct assay_tpm *t, enum assay_err e, const char *text)
{
	t->rc = TSS2_RC_SUCCESS;
	(void)snprintf(t->detail, sizeof t->detail, "%s", text);
	return e;
}

enum assay_err
tpm_rc(struct assay_tpm *t, const char *what, TSS2_RC rc)
{
	static const enum assay_err errors[] = {
		[FAULT_OTHER] = ASSAY_IO,
		[FAULT_PATIENCE] = ASSAY_BUSY,
		[FAULT_LOCKOUT] = ASSAY_BUSY,
		[FAULT_STALE] = ASSAY_STATE,
		[FAULT_UNREACHABLE] = ASSAY_UNREACHABLE,
		[FAULT_UNSUPPORTED] = ASSAY_UNSUPPORTED,
	};
	const char *hint = "";

	if (rc == TSS2_RC_SUCCESS)
		return ASSAY_OK;
	t->rc = rc;
	if (fault_of(rc) == FAULT_LOCKOUT)
		hint = " (the TPM is in dictionary attack lockout: wait for it to end, or an "
		       "administrator clears it with tpm2_dictionarylockout)";
	else if (tpm_rc_base(rc) == TPM2_RC_BAD_AUTH)
		hint = " (this hierarchy was given an authorisation value, which must be empty: "
		       "an administrator clears it with tpm2_changeauth)";
	else if (tpm_rc_base(rc) == TPM2_RC_HIERARCHY)
		hint = " (the hierarchy was disabled; the firmware enables it at the next start)";
	(void)snprintf(t->detail, sizeof t->detail, "%s: %s%s", what, Tss2_RC_Decode(rc), hint);
	return errors[fault_of(rc)];
}

const char *
assay_tpm_detail(const struct assay_tpm *t)
{
	return t->detail;
}

/* ---- running a step ---- */

static enum assay_err
open_tpm(struct assay_tpm *t)
{
	enum assay_err e;

	e = tpm_rc(t, "opening the TPM",
		   Tss2_TctiLdr_Initialize(t->tcti[0] ? t->tcti : NULL, &t->tcti_context));
	if (e != ASSAY_OK)
		return ASSAY_UNREACHABLE;
	e = tpm_rc(t, "Esys_Initialize", Esys_Initialize(&t->esys, t->tcti_context, NULL));
	return e == ASSAY_OK ? ASSAY_OK : ASSAY_UNREACHABLE;
}

static void
close_tpm(struct assay_tpm *t)
{
	if (t->esys)
		Esys_Finalize(&t->esys);
	if (t->tcti_context)
		Tss2_TctiLdr_Finalize(&t->tcti_context);
	t->esys = NULL;
	t->tcti_context = NULL;
}

static bool
is_ours(struct assay_tpm *t, ESYS_TR tr)
{
	TPM2B_NAME *name = NULL;
	struct span s;
	bool ours;

	if (Esys_TR_GetName(t->esys, tr, &name) != TSS2_RC_SUCCESS)
		return false;
	s = SPAN(name->name, name->size);
	ours = span_equal(s, SPAN(t->ek_name.b, t->ek_name.len)) ||
	       span_equal(s, SPAN(t->ak_name.b, t->ak_name.len));
	Esys_Free(name);
	return ours;
}

static void
sweep_handle(struct assay_tpm *t, TPM2_HANDLE h, bool session)
{
	struct tpm_object o = {ESYS_TR_NONE, false};

	if (Esys_TR_FromTPMPublic(t->esys, h, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &o.tr) !=
	    TSS2_RC_SUCCESS)
		return;
	o.transient = session || is_ours(t, o.tr);
	tpm_release(t, &o);
}

/* Without a resource manager, what a lost connection left in the TPM stays there
 * and takes one of its few slots: our keys are known by their names. */
static void
sweep(struct assay_tpm *t)
{
	TPM2_HANDLE session = t->lost_session;
	struct tpm_handles l;

	t->lost = false;
	t->lost_session = 0;
	if (session != 0)
		sweep_handle(t, session, true);
	if (tpm_list(t, TRANSIENT_FIRST, TRANSIENT_LAST, &l) != ASSAY_OK)
		t->lost = true;
	for (size_t i = 0; i < l.n; i++)
		sweep_handle(t, l.h[i], false);
	t->rc = TSS2_RC_SUCCESS;
}

static void
wait_ms(unsigned ms)
{
	struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) != 0)
		;
}

/* How many tries an error of this kind is worth. */
static unsigned
tries_for(const struct assay_tpm *t, enum assay_err e)
{
	if (e == ASSAY_UNREACHABLE)
		return CONNECT_TRIES;
	if (t->rc == TSS2_RC_SUCCESS)
		return 0;
	switch (fault_of(t->rc)) {
	case FAULT_PATIENCE:
		return PATIENCE_TRIES;
	case FAULT_STALE:
		return STALE_TRIES;
	case FAULT_UNREACHABLE:
		return CONNECT_TRIES;
	case FAULT_LOCKOUT:
	case FAULT_UNSUPPORTED:
	case FAULT_OTHER:
		break;
	}
	return 0;
}

enum assay_err
tpm_run(struct assay_tpm *t, tpm_step *step, void *arg)
{
	unsigned wait = WAIT_FIRST_MS;
	enum assay_err e;

	for (unsigned tries = 1;; tries++) {
		t->rc = TSS2_RC_SUCCESS;
		t->detail[0] = '\0';
		e = open_tpm(t);
		if (e == ASSAY_OK && t->lost)
			sweep(t);
		if (e == ASSAY_OK)
			e = step(t, arg);
		t->lost = t->lost || fault_of(t->rc) == FAULT_UNREACHABLE;
		close_tpm(t);
		if (e == ASSAY_OK || tries >= tries_for(t, e))
			break;
		wait_ms(wait);
		wait = wait < WAIT_MOST_MS / 2 ? 2 * wait : WAIT_MOST_MS;
	}
	if (e == ASSAY_OK)
		t->detail[0] = '\0';
	/* a TPM that keeps losing what it was given is no state of ours */
	return e == ASSAY_STATE ? ASSAY_IO : e;
}

void
tpm_release(struct assay_tpm *t, struct tpm_object *o)
{
	if (o->tr == ESYS_TR_NONE)
		return;
	if (!o->transient || Esys_FlushContext(t->esys, o->tr) != TSS2_RC_SUCCESS)
		(void)Esys_TR_Close(t->esys, &o->tr);
	*o = TPM_NO_OBJECT;
}

void
tpm_end_session(struct assay_tpm *t, ESYS_TR *session)
{
	struct tpm_object o = {*session, true};
	TPM2_HANDLE h = 0;

	if (o.tr == ESYS_TR_NONE || Esys_TR_GetTpmHandle(t->esys, o.tr, &h) != TSS2_RC_SUCCESS)
		h = 0;
	if (fault_of(t->rc) == FAULT_UNREACHABLE)
		t->lost_session = h;
	tpm_release(t, &o);
	*session = ESYS_TR_NONE;
}

enum assay_err
tpm_marshal(struct assay_tpm *t, const TPMT_PUBLIC *p, struct tpm_bytes *ret,
	    struct tpm_name *ret_name)
{
	struct digest d;
	size_t n = 0;
	enum assay_err e;

	e = tpm_rc(t, "TPMT_PUBLIC", Tss2_MU_TPMT_PUBLIC_Marshal(p, ret->b, sizeof ret->b, &n));
	if (e != ASSAY_OK)
		return e;
	ret->n = n;
	if ((e = digest_compute(p->nameAlg, SPAN(ret->b, n), &d)) != ASSAY_OK)
		return tpm_fail(t, e, "a key's name algorithm is not handled");
	ret_name->b[0] = (uint8_t)(p->nameAlg >> 8);
	ret_name->b[1] = (uint8_t)p->nameAlg;
	memcpy(ret_name->b + 2, d.b, d.len);
	ret_name->len = (uint16_t)(2 + d.len);
	return ASSAY_OK;
}

/* ---- what assay/attester.h promises ---- */

static enum assay_err
start_step(struct assay_tpm *t, void *arg)
{
	enum assay_err e;

	(void)arg;
	if ((e = tpm_read_banks(t)) != ASSAY_OK || (e = ek_find(t)) != ASSAY_OK)
		return e;
	tpm_read_lockout(t);
	return ak_find(t);
}

enum assay_err
assay_tpm_start(struct assay_tpm *t)
{
	enum assay_err e;

	if (!t->has_key && !t->create)
		return tpm_fail(t, ASSAY_MISSING, "there is no attestation key");
	e = tpm_run(t, start_step, NULL);
	t->started = e == ASSAY_OK;
	return e;
}

enum assay_err
assay_tpm_key(const struct assay_tpm *t, uint8_t *ret, size_t cap, size_t *ret_len)
{
	return t->started ? ak_wrap(t, ret, cap, ret_len) : ASSAY_STATE;
}

struct assay_bytes
assay_tpm_ak_name(const struct assay_tpm *t)
{
	return (struct assay_bytes){t->ak_name.b, t->ak_name.len};
}

struct assay_bytes
assay_tpm_ek_name(const struct assay_tpm *t)
{
	return (struct assay_bytes){t->ek_name.b, t->ek_name.len};
}

bool
assay_tpm_lockout(const struct assay_tpm *t, uint32_t *ret)
{
	if (t->has_lockout)
		*ret = t->lockout;
	return t->has_lockout;
}

enum assay_ek
assay_tpm_ek(const struct assay_tpm *t)
{
	return t->ek;
}

static enum assay_err
backend_identity(void *self, struct assay_identity *ret)
{
	struct assay_tpm *t = self;
	struct assay_identity id = {.ek_public = {t->ek_public.b, t->ek_public.n},
				    .ek_certificate = {t->cert, t->cert_len},
				    .chain_count = t->chain_count,
				    .ak_public = {t->ak_public.b, t->ak_public.n},
				    .bank_count = t->bank_count};

	if (!t->started)
		return ASSAY_STATE;
	memcpy(id.chain, t->chain, sizeof id.chain);
	memcpy(id.banks, t->banks, sizeof id.banks);
	*ret = id;
	return ASSAY_OK;
}

static enum assay_err
backend_activate(void *self, struct assay_bytes blob, struct assay_bytes secret, uint8_t ret[32])
{
	struct assay_tpm *t = self;
	struct tpm_activation a = {blob, secret, ret};

	return t->started ? tpm_run(t, activate_step, &a) : ASSAY_STATE;
}

static enum assay_err
backend_quote(void *self, const struct assay_selection *banks, size_t count,
	      const uint8_t qualifying[32], struct assay_quotes *ret)
{
	struct assay_tpm *t = self;
	struct tpm_quote_request q = {banks, count, qualifying, ret};

	return t->started ? tpm_run(t, quote_step, &q) : ASSAY_STATE;
}

struct assay_backend
assay_tpm_backend(struct assay_tpm *t)
{
	return (struct assay_backend){.self = t,
				      .identity = backend_identity,
				      .activate = backend_activate,
				      .quote = backend_quote};
}
