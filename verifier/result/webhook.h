/*
 * webhook.h: what webhooks are told and how it is signed (docs/webhooks.md). Pure: no
 * clock, no sockets, no ledger.
 */
#ifndef RESULT_WEBHOOK_H
#define RESULT_WEBHOOK_H

#include "evidence/record.h"
#include "evidence/writer.h"

#define WEBHOOK_SIGNATURE_MAX 192 /* "t=...,v1=HEX,v1=HEX" and a NUL */
#define WEBHOOK_BODY_MAX 20480
#define WEBHOOK_RETRY_FIRST_MS 1000

struct webhook_event {
	const char *type; /* "decision", "gone" or "test" */
	const char *id, *hook;
	int64_t at;	  /* of a test; else the record's */
	const struct record *record; /* NULL with a test */
	const char *before; /* outcome before: "admit" ...; "" for a device's first */
	struct span jws;    /* the signed record */
};
/* The JSON document that is POSTed. FULL. */
ASSAY_MUST_USE enum assay_err webhook_body(const struct webhook_event *v, struct writer *w);

struct webhook_secret {
	size_t n; /* 0: there is none */
	uint8_t bytes[256];
};
/*
 * "t=SECONDS,v1=HEX[,v1=HEX]": HMAC-SHA256 under each secret over SECONDS "." body, so
 * that a receiver that knows one of them accepts it. MISSING: there is no secret; CRYPTO.
 */
ASSAY_MUST_USE enum assay_err webhook_sign(const struct webhook_secret secret[2], int64_t t,
					   struct span body, char ret[WEBHOOK_SIGNATURE_MAX]);

/*
 * How long to wait after so many failures in a row (1 and on): twice as long each time up
 * to most_s, of which the upper half is chance (random: any number); not less than what the
 * receiver asked for.
 */
uint64_t webhook_delay_ms(unsigned failures, uint32_t most_s, uint32_t retry_after_s,
			  uint32_t random);
/* Whether an answer is about this one message, so that it will not be better later: 4xx
 * but 408 (time-out), 425 (too early) and 429 (too many). */
bool webhook_refused(unsigned status);

#endif
