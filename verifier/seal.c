/* seal.c: see seal.h. HMAC and HKDF of wolfCrypt. */
#include "seal.h"

#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "evidence/writer.h"

static const char salt[] = "assay-seal-v1";

_Static_assert(sizeof(Hmac) <= sizeof(((struct seal *)0)->state), "struct seal holds a Hmac");

static Hmac *
hmac_of(struct seal *s)
{
	return (Hmac *)(void *)s->state;
}

static enum assay_err
info_encode(const char *label, struct span context, struct writer *w)
{
	size_t n = strnlen(label, SEAL_LABEL_MAX + 1);

	if (n == 0)
		return ASSAY_MALFORMED;
	if (n > SEAL_LABEL_MAX || context.n > SEAL_LABEL_MAX)
		return ASSAY_TOO_LARGE;
	wr_bytes(w, SPAN(label, n));
	wr_u8(w, 0);
	wr_bytes(w, context);
	return w->err;
}

enum assay_err
seal_derive(const uint8_t master[SEAL_KEY_SIZE], const char *label, struct span context,
	    uint8_t ret[SEAL_KEY_SIZE])
{
	uint8_t info[2 * SEAL_LABEL_MAX + 1], key[SEAL_KEY_SIZE];
	struct writer w;
	enum assay_err e;

	wr_init(&w, info, sizeof info);
	if ((e = info_encode(label, context, &w)) != ASSAY_OK)
		return e;
	if (wc_HKDF(WC_SHA256, master, SEAL_KEY_SIZE, (const uint8_t *)salt, sizeof salt - 1,
		    info, (word32)w.len, key, sizeof key) != 0)
		e = ASSAY_CRYPTO;
	else
		memcpy(ret, key, sizeof key);
	explicit_bzero(key, sizeof key);
	return e;
}

enum assay_err
seal_init(struct seal *s, const uint8_t master[SEAL_KEY_SIZE], const char *label,
	  struct span context)
{
	uint8_t key[SEAL_KEY_SIZE];
	enum assay_err e;

	memset(s, 0, sizeof *s);
	s->err = ASSAY_STATE;
	if ((e = seal_derive(master, label, context, key)) != ASSAY_OK)
		return e;
	if (wc_HmacInit(hmac_of(s), NULL, INVALID_DEVID) != 0 ||
	    wc_HmacSetKey(hmac_of(s), WC_SHA256, key, sizeof key) != 0)
		e = ASSAY_CRYPTO;
	explicit_bzero(key, sizeof key);
	if (e != ASSAY_OK)
		seal_wipe(s);
	return e;
}

void
seal_wipe(struct seal *s)
{
	if (hmac_of(s)->macType == WC_SHA256)
		wc_HmacFree(hmac_of(s));
	explicit_bzero(s, sizeof *s);
	s->err = ASSAY_STATE;
}

void
seal_begin(struct seal *s)
{
	s->err = hmac_of(s)->macType == WC_SHA256 ? ASSAY_OK : ASSAY_STATE;
}

void
seal_add(struct seal *s, struct span in)
{
	if (s->err != ASSAY_OK || in.n == 0)
		return;
	if (in.n > UINT32_MAX)
		s->err = ASSAY_TOO_LARGE;
	else if (wc_HmacUpdate(hmac_of(s), in.p, (word32)in.n) != 0)
		s->err = ASSAY_CRYPTO;
}

/* wc_HmacFinal leaves the key in place and the state fresh for the next MAC; a MAC
 * that failed half way is ended all the same, so that nothing of it is left over. */
enum assay_err
seal_end(struct seal *s, uint8_t ret[SEAL_MAC_SIZE])
{
	uint8_t mac[SEAL_MAC_SIZE];
	enum assay_err e = s->err;

	s->err = ASSAY_STATE;
	if (e == ASSAY_STATE)
		return e;
	if (wc_HmacFinal(hmac_of(s), mac) != 0)
		return e == ASSAY_OK ? ASSAY_CRYPTO : e;
	if (e == ASSAY_OK)
		memcpy(ret, mac, sizeof mac);
	return e;
}

enum assay_err
seal_mac(struct seal *s, struct span in, uint8_t ret[SEAL_MAC_SIZE])
{
	seal_begin(s);
	seal_add(s, in);
	return seal_end(s, ret);
}

enum assay_err
seal_check(struct seal *s, struct span in, struct span mac)
{
	uint8_t want[SEAL_MAC_SIZE];
	enum assay_err e = seal_mac(s, in, want);

	if (e != ASSAY_OK)
		return e;
	return span_equal(mac, SPAN(want, sizeof want)) ? ASSAY_OK : ASSAY_TAMPERED;
}
