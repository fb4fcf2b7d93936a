/*
 * token.c: a key in a PKCS #11 token as back end; see assay/attester.h.
 *
 * The module is loaded, one session is opened and logged in, and both stay: opening costs
 * tens of signatures. A token that was taken away and put back is opened once more.
 */
#include "evidence/der.h"
#include "evidence/devicekey.h"
#include "armour.h"

#include <assay/attester.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#define SLOTS_MAX 64
#define DETAIL_MAX 160
#define ATTRIBUTE_MAX 600

struct assay_token {
	struct assay_token_config config;
	void *module;
	CK_FUNCTION_LIST *f;
	bool initialised, opened;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	struct key public;
	size_t spki_len;
	uint8_t spki[KEY_SPKI_MAX];
	struct tpm_name name;
	char detail[DETAIL_MAX];
};

size_t
assay_token_size(void)
{
	return sizeof(struct assay_token);
}

const char *
assay_token_detail(const struct assay_token *t)
{
	return t->detail;
}

static enum assay_err
fail(struct assay_token *t, enum assay_err e, const char *what, CK_RV rv)
{
	if (rv != CKR_OK)
		(void)snprintf(t->detail, sizeof t->detail, "%s: PKCS #11 error 0x%lx", what,
			       (unsigned long)rv);
	else
		(void)snprintf(t->detail, sizeof t->detail, "%s", what);
	return e;
}

/* ---- module and slot ---- */

static enum assay_err
load(struct assay_token *t)
{
	CK_C_GetFunctionList get;
	void *symbol;
	CK_RV rv;

	t->module = dlopen(t->config.module, RTLD_NOW | RTLD_LOCAL);
	if (!t->module)
		return fail(t, ASSAY_UNREACHABLE, "the module cannot be loaded", CKR_OK);
	symbol = dlsym(t->module, "C_GetFunctionList");
	if (!symbol)
		return fail(t, ASSAY_UNREACHABLE, "the module is no PKCS #11 library", CKR_OK);
	memcpy(&get, &symbol, sizeof get); /* ISO C knows no such conversion */
	if ((rv = get(&t->f)) != CKR_OK)
		return fail(t, ASSAY_UNREACHABLE, "C_GetFunctionList", rv);
	rv = t->f->C_Initialize(NULL);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return fail(t, ASSAY_UNREACHABLE, "C_Initialize", rv);
	t->initialised = true;
	return ASSAY_OK;
}

/* Labels are padded with blanks. */
static bool
label_is(const unsigned char *padded, size_t size, const char *label)
{
	size_t n = strlen(label);

	if (n > size || memcmp(padded, label, n) != 0) /* public */
		return false;
	while (n < size)
		if (padded[n++] != ' ')
			return false;
	return true;
}

static enum assay_err
find_slot(struct assay_token *t, CK_SLOT_ID *ret)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_RV rv = t->f->C_GetSlotList(CK_TRUE, slots, &n);

	if (rv != CKR_OK)
		return fail(t, ASSAY_UNREACHABLE, "C_GetSlotList", rv);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (t->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !label_is(info.label, sizeof info.label, t->config.token))
			continue;
		*ret = slots[i];
		return ASSAY_OK;
	}
	return fail(t, ASSAY_UNREACHABLE, "there is no token of this label", CKR_OK);
}

static enum assay_err
open_session(struct assay_token *t)
{
	CK_UTF8CHAR pin[256];
	CK_SLOT_ID slot;
	CK_RV rv;
	enum assay_err e = find_slot(t, &slot);
	size_t n = t->config.pin ? strlen(t->config.pin) : 0;

	if (e != ASSAY_OK)
		return e;
	if (n > sizeof pin)
		return fail(t, ASSAY_DENIED, "the PIN is too long", CKR_OK);
	rv = t->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
	if (rv != CKR_OK)
		return fail(t, ASSAY_UNREACHABLE, "C_OpenSession", rv);
	t->opened = true;
	if (!t->config.pin)
		return ASSAY_OK;
	memcpy(pin, t->config.pin, n);
	rv = t->f->C_Login(t->session, CKU_USER, pin, (CK_ULONG)n);
	explicit_bzero(pin, sizeof pin);
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return fail(t, ASSAY_DENIED, "the token refuses the PIN", rv);
	return ASSAY_OK;
}

/* ---- the key ---- */

static enum assay_err
find_object(struct assay_token *t, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret)
{
	char label[256];
	size_t n = strlen(t->config.key);
	CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, n}};
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0;
	CK_RV rv;

	if (n == 0 || n > sizeof label)
		return fail(t, ASSAY_NOT_FOUND, "the key's label is empty or too long", CKR_OK);
	memcpy(label, t->config.key, n);
	if ((rv = t->f->C_FindObjectsInit(t->session, wanted, 2)) != CKR_OK)
		return fail(t, ASSAY_IO, "C_FindObjectsInit", rv);
	rv = t->f->C_FindObjects(t->session, found, 2, &count);
	(void)t->f->C_FindObjectsFinal(t->session);
	if (rv != CKR_OK)
		return fail(t, ASSAY_IO, "C_FindObjects", rv);
	if (count == 0)
		return fail(t, ASSAY_NOT_FOUND, "the token has no key of this label", CKR_OK);
	if (count > 1)
		return fail(t, ASSAY_DUPLICATE, "the token has several keys of this label", CKR_OK);
	*ret = found[0];
	return ASSAY_OK;
}

static bool
attribute(struct assay_token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
	  uint8_t ret[ATTRIBUTE_MAX], struct span *ret_span)
{
	CK_ATTRIBUTE a = {type, ret, ATTRIBUTE_MAX};

	if (t->f->C_GetAttributeValue(t->session, object, &a, 1) != CKR_OK ||
	    a.ulValueLen == CK_UNAVAILABLE_INFORMATION || a.ulValueLen == 0)
		return false;
	*ret_span = SPAN(ret, a.ulValueLen);
	return true;
}

/* CKA_EC_POINT is an OCTET STRING around the point; some modules leave it out. */
static struct span
point_of(struct span value)
{
	struct reader r;
	struct span inner;

	rd_init(&r, value);
	inner = der_get(&r, DER_OCTET_STRING);
	return rd_finish(&r) == ASSAY_OK ? inner : value;
}

static enum assay_err
read_ec(struct assay_token *t, CK_OBJECT_HANDLE object, bool edwards)
{
	static const uint8_t p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
	static const uint8_t p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
	uint8_t params[ATTRIBUTE_MAX], point[ATTRIBUTE_MAX];
	struct span p, q, x, y = {NULL, 0};
	struct key *k = &t->public;
	struct reader r;

	if (!attribute(t, object, CKA_EC_PARAMS, params, &p) ||
	    !attribute(t, object, CKA_EC_POINT, point, &q))
		return ASSAY_NOT_FOUND;
	rd_init(&r, point_of(q));
	k->curve = span_equal(p, SPAN(p256, sizeof p256))   ? CURVE_P256
		   : span_equal(p, SPAN(p384, sizeof p384)) ? CURVE_P384
							    : CURVE_NONE;
	k->type = edwards ? KEY_ED25519 : KEY_ECC;
	k->bits = edwards ? 256 : key_curve_bits(k->curve);
	k->xy_len = k->bits / 8;
	if (k->bits == 0 || (!edwards && rd_u8(&r) != 0x04))
		return ASSAY_UNSUPPORTED;
	x = rd_bytes(&r, k->xy_len);
	if (!edwards)
		y = rd_bytes(&r, k->xy_len);
	if (rd_finish(&r) != ASSAY_OK)
		return ASSAY_UNSUPPORTED;
	memcpy(k->x, x.p, x.n);
	if (y.n)
		memcpy(k->y, y.p, y.n);
	return ASSAY_OK;
}

static enum assay_err
read_rsa(struct assay_token *t, CK_OBJECT_HANDLE object)
{
	uint8_t modulus[ATTRIBUTE_MAX], exponent[ATTRIBUTE_MAX];
	struct key *k = &t->public;
	struct span n, e;

	if (!attribute(t, object, CKA_MODULUS, modulus, &n) ||
	    !attribute(t, object, CKA_PUBLIC_EXPONENT, exponent, &e))
		return ASSAY_NOT_FOUND;
	if (n.n > sizeof k->n || e.n > sizeof k->exponent)
		return ASSAY_UNSUPPORTED;
	k->type = KEY_RSA;
	k->bits = (uint16_t)(n.n * 8);
	k->n_len = (uint16_t)n.n;
	memcpy(k->n, n.p, n.n);
	for (size_t i = 0; i < e.n; i++)
		k->exponent = k->exponent << 8 | e.p[i];
	return ASSAY_OK;
}

/* From the public key object, or from the certificate where there is none. */
static enum assay_err
read_public(struct assay_token *t)
{
	const struct assay_bytes *own = &t->config.chain[0];
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE a = {CKA_KEY_TYPE, &type, sizeof type};
	CK_OBJECT_HANDLE object;
	enum assay_err e = ASSAY_NOT_FOUND;
	struct span spki;

	memset(&t->public, 0, sizeof t->public);
	if (find_object(t, CKO_PUBLIC_KEY, &object) == ASSAY_OK &&
	    t->f->C_GetAttributeValue(t->session, object, &a, 1) == CKR_OK)
		e = type == CKK_RSA ? read_rsa(t, object)
				    : read_ec(t, object, type == CKK_EC_EDWARDS);
	if (e == ASSAY_NOT_FOUND && t->config.chain_count &&
	    armour_certificate_key(SPAN(own->data, own->len), &spki) == ASSAY_OK)
		e = key_from_spki(spki, &t->public);
	if (e == ASSAY_OK)
		e = key_check(&t->public);
	if (e == ASSAY_OK)
		e = key_to_spki(&t->public, t->spki, sizeof t->spki, &t->spki_len);
	if (e == ASSAY_OK)
		e = devicekey_read(SPAN(t->spki, t->spki_len), &t->public);
	if (e != ASSAY_OK)
		return fail(t, e, "its public key is missing, or of a kind that cannot attest",
			    CKR_OK);
	return devicekey_name(SPAN(t->spki, t->spki_len), &t->name);
}

static enum assay_err
check_certificate(struct assay_token *t)
{
	const struct assay_bytes *own = &t->config.chain[0];
	struct span spki;

	if (t->config.chain_count == 0)
		return ASSAY_OK;
	if (armour_certificate_key(SPAN(own->data, own->len), &spki) != ASSAY_OK)
		return fail(t, ASSAY_MALFORMED, "the certificate cannot be read", CKR_OK);
	if (!span_equal(spki, SPAN(t->spki, t->spki_len)))
		return fail(t, ASSAY_MISMATCH, "the certificate is not of this key", CKR_OK);
	return ASSAY_OK;
}

/* ---- opening and closing ---- */

static void
close_session(struct assay_token *t)
{
	if (t->opened)
		(void)t->f->C_CloseSession(t->session);
	t->opened = false;
}

static enum assay_err
open_key(struct assay_token *t)
{
	enum assay_err e = open_session(t);

	return e == ASSAY_OK ? find_object(t, CKO_PRIVATE_KEY, &t->key) : e;
}

enum assay_err
assay_token_open(void *memory, size_t size, const struct assay_token_config *config,
		 struct assay_token **ret)
{
	struct assay_token *t = memory;
	enum assay_err e;

	if (size < sizeof *t)
		return ASSAY_FULL;
	memset(t, 0, sizeof *t);
	t->config = *config;
	if (!config->module || !config->token || !config->key ||
	    config->chain_count > ASSAY_CHAIN_MAX)
		return ASSAY_MALFORMED;
	if ((e = load(t)) == ASSAY_OK && (e = open_key(t)) == ASSAY_OK &&
	    (e = read_public(t)) == ASSAY_OK)
		e = check_certificate(t);
	if (e != ASSAY_OK) {
		assay_token_close(t);
		return e;
	}
	t->detail[0] = '\0';
	*ret = t;
	return ASSAY_OK;
}

void
assay_token_close(struct assay_token *t)
{
	close_session(t);
	if (t->initialised)
		(void)t->f->C_Finalize(NULL);
	if (t->module)
		(void)dlclose(t->module);
	t->initialised = false;
	t->module = NULL;
}

struct assay_bytes
assay_token_name(const struct assay_token *t)
{
	return (struct assay_bytes){t->name.b, t->name.len};
}

/* ---- the back end ---- */

static enum assay_err
identity(void *self, struct assay_identity *ret)
{
	const struct assay_token *t = self;

	memset(ret, 0, sizeof *ret);
	ret->key_public = (struct assay_bytes){t->spki, t->spki_len};
	ret->chain_count = t->config.chain_count;
	memcpy(ret->chain, t->config.chain, sizeof ret->chain);
	return ASSAY_OK;
}

/* What the mechanism wants: ECDSA a digest, the others the message. */
static enum assay_err
sign_once(struct assay_token *t, struct digest *in, uint8_t *ret, CK_ULONG *len)
{
	CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
	CK_RV rv;

	if (t->public.type == KEY_RSA)
		m.mechanism = CKM_SHA256_RSA_PKCS;
	if (t->public.type == KEY_ED25519)
		m.mechanism = CKM_EDDSA;
	if ((rv = t->f->C_SignInit(t->session, &m, t->key)) != CKR_OK)
		return fail(t, ASSAY_CRYPTO, "C_SignInit", rv);
	if ((rv = t->f->C_Sign(t->session, in->b, in->len, ret, len)) != CKR_OK)
		return fail(t, ASSAY_CRYPTO, "C_Sign", rv);
	return ASSAY_OK;
}

static enum assay_err
sign(void *self, const uint8_t message[32], uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct assay_token *t = self;
	struct digest in = {.alg = ALG_SHA256, .len = 32};
	CK_ULONG len = (CK_ULONG)cap;
	enum assay_err e = ASSAY_OK;

	memcpy(in.b, message, 32);
	if (t->public.type == KEY_ECC)
		e = digest_compute(t->public.curve == CURVE_P384 ? ALG_SHA384 : ALG_SHA256,
				   SPAN(message, 32), &in);
	if (e != ASSAY_OK)
		return e;
	if (!t->opened || sign_once(t, &in, ret, &len) != ASSAY_OK) {
		close_session(t);
		len = (CK_ULONG)cap;
		if ((e = open_key(t)) != ASSAY_OK || (e = sign_once(t, &in, ret, &len)) != ASSAY_OK)
			return e;
	}
	*ret_len = len;
	return ASSAY_OK;
}

struct assay_backend
assay_token_backend(struct assay_token *t)
{
	return (struct assay_backend){.self = t, .identity = identity, .sign = sign};
}
