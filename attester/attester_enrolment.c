/* attester_enrolment.c: enrolment tokens, see assay/attester.h. */
#include "evidence/hex.h"

#include <assay/attester.h>

#include <string.h>

#define PIN_HEX 64

static bool
is_word(const char *s, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	return n > 0 && strspn(s, letters) >= n;
}

enum assay_err
assay_enrolment_token(const char *text, struct assay_enrolment_token *ret)
{
	const char *dot1 = strchr(text, '.'), *dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;
	struct assay_enrolment_token t;
	size_t id, secret, n;

	if (!dot2)
		return ASSAY_MALFORMED;
	id = (size_t)(dot1 - text);
	secret = (size_t)(dot2 - dot1 - 1);
	if (!is_word(text, id) || !is_word(dot1 + 1, secret) || id >= sizeof t.id ||
	    secret >= sizeof t.secret || strlen(dot2 + 1) != PIN_HEX)
		return ASSAY_MALFORMED;
	memset(&t, 0, sizeof t);
	if (hex_decode(dot2 + 1, t.pin, sizeof t.pin, &n) != ASSAY_OK)
		return ASSAY_MALFORMED;
	memcpy(t.id, text, id);
	memcpy(t.secret, dot1 + 1, secret);
	*ret = t;
	return ASSAY_OK;
}
