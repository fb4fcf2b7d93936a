/* webhook.c: see webhook.h. */
#include "webhook.h"

#include "evidence/hex.h"
#include "evidence/json.h"

#include <stdio.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hmac.h>

#define FAILURES_COUNTED 20

/* ---- the document ---- */

static void
put_member(struct writer *w, const char *name, const char *value)
{
	json_put_text(w, ",\"");
	json_put_text(w, name);
	json_put_text(w, "\":");
	if (*value)
		json_put_string(w, value);
	else
		json_put_text(w, "null");
}

static void
put_number(struct writer *w, const char *name, int64_t value)
{
	json_put_text(w, ",\"");
	json_put_text(w, name);
	json_put_text(w, "\":");
	json_put_integer(w, value);
}

static void
put_record(struct writer *w, const struct webhook_event *v)
{
	const struct record *r = v->record;

	put_number(w, "sequence", (int64_t)r->seq);
	put_number(w, "previous", (int64_t)r->previous);
	put_member(w, "device", r->device);
	put_member(w, "name", r->name);
	put_member(w, "class", r->class_name);
	put_member(w, "labels", r->labels);
	put_member(w, "outcome", record_outcome_name(r->outcome));
	put_member(w, "before", v->before);
	json_put_text(w, ",\"reasons\":[");
	for (unsigned i = 0; i < r->nreasons; i++) {
		json_put_text(w, i ? "," : "");
		json_put_string(w, r->reasons[i]);
	}
	json_put_text(w, "]");
	put_number(w, "issued", r->issued);
	put_number(w, "expires", r->expires);
	json_put_text(w, ",\"record\":\"");
	wr_bytes(w, v->jws);
	json_put_text(w, "\"");
}

enum assay_err
webhook_body(const struct webhook_event *v, struct writer *w)
{
	json_put_text(w, "{\"type\":");
	json_put_string(w, v->type);
	put_member(w, "id", v->id);
	put_member(w, "webhook", v->hook);
	if (v->record)
		put_record(w, v);
	else
		put_number(w, "issued", v->at);
	json_put_text(w, "}");
	return w->err;
}

/* ---- its signature ---- */

static enum assay_err
hmac(const struct webhook_secret *s, struct span stamp, struct span body, uint8_t ret[32])
{
	enum assay_err e = ASSAY_OK;
	Hmac h;

	if (wc_HmacInit(&h, NULL, INVALID_DEVID) != 0)
		return ASSAY_CRYPTO;
	if (wc_HmacSetKey(&h, WC_SHA256, s->bytes, (word32)s->n) != 0 ||
	    wc_HmacUpdate(&h, stamp.p, (word32)stamp.n) != 0 ||
	    wc_HmacUpdate(&h, body.p, (word32)body.n) != 0 || wc_HmacFinal(&h, ret) != 0)
		e = ASSAY_CRYPTO;
	wc_HmacFree(&h);
	return e;
}

enum assay_err
webhook_sign(const struct webhook_secret secret[2], int64_t t, struct span body,
	     char ret[WEBHOOK_SIGNATURE_MAX])
{
	char stamp[32], hex[65];
	uint8_t mac[32];
	enum assay_err e;
	size_t n;

	if (secret[0].n == 0)
		return ASSAY_MISSING;
	snprintf(stamp, sizeof stamp, "%lld.", (long long)t);
	n = (size_t)snprintf(ret, WEBHOOK_SIGNATURE_MAX, "t=%lld", (long long)t);
	for (unsigned i = 0; i < 2; i++) {
		if (secret[i].n == 0)
			continue;
		if ((e = hmac(&secret[i], SPAN(stamp, strlen(stamp)), body, mac)) != ASSAY_OK ||
		    (e = hex_encode(SPAN(mac, sizeof mac), hex, sizeof hex)) != ASSAY_OK)
			return e;
		n += (size_t)snprintf(ret + n, WEBHOOK_SIGNATURE_MAX - n, ",v1=%s", hex);
	}
	return ASSAY_OK;
}

/* ---- when ---- */

uint64_t
webhook_delay_ms(unsigned failures, uint32_t most_s, uint32_t retry_after_s, uint32_t random)
{
	unsigned doublings = failures > 0 ? failures - 1 : 0;
	uint64_t most = (uint64_t)most_s * 1000, asked = (uint64_t)retry_after_s * 1000;
	uint64_t ms = (uint64_t)WEBHOOK_RETRY_FIRST_MS
		      << (doublings < FAILURES_COUNTED ? doublings : FAILURES_COUNTED);

	if (ms > most)
		ms = most;
	ms = ms / 2 + random % (ms / 2 + 1);
	return ms > asked ? ms : asked;
}

bool
webhook_refused(unsigned status)
{
	return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}
