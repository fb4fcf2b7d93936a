/* fuzz_token.c: any bytes as what a relying party is given: a compact JWS, its payload as a
 * token, a record, a heartbeat, an extension, a key set, a message of the stream, an
 * exported audit log. What is read must be written the same again, and nothing without a
 * signature is believed. The first byte chooses. */
#include "evidence/auditlog.h"
#include "evidence/ear.h"
#include "evidence/json.h"
#include "evidence/stream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint8_t buf[JWS_MAX], out[JWS_MAX];

static void
as_jws(struct span in)
{
	static struct keyset none;
	struct jws j;

	if (jws_parse(in, buf, sizeof buf, &j) != ASSAY_OK)
		return;
	if (keyset_verify(&none, &j, KEYSET_DECISION, 1) == ASSAY_OK)
		abort();
}

static void
as_record(struct span in)
{
	static struct record r, again;
	struct writer w;

	if (record_read(in, &r) != ASSAY_OK)
		return;
	wr_init(&w, out, sizeof out);
	if (record_write(&r, &w) != ASSAY_OK || record_read(wr_span(&w), &again) != ASSAY_OK ||
	    memcmp(&r, &again, sizeof r) != 0)
		abort();
}

static void
as_heartbeat(struct span in)
{
	struct heartbeat h;

	(void)!heartbeat_read(in, &h);
}

static void
as_extension(struct span in)
{
	static struct extension x, again;
	struct writer w;

	if (extension_read(in, &x) != ASSAY_OK)
		return;
	wr_init(&w, out, sizeof out);
	if (extension_write(&x, &w) != ASSAY_OK ||
	    extension_read(wr_span(&w), &again) != ASSAY_OK ||
	    x.n != again.n)
		abort();
}

static void
as_token(struct span in)
{
	static struct ear e;
	const char *field;

	if (ear_read(in, &e, &field) != ASSAY_OK)
		return;
	if (e.nsubmods == 0 || e.issued < 0)
		abort();
	for (unsigned i = 0; i < e.nsubmods; i++)
		for (unsigned c = 0; c < EAR_CLAIMS; c++)
			if (e.submods[i].status == EAR_AFFIRMING &&
			    ear_tier(e.submods[i].vector[c]) > EAR_AFFIRMING)
				abort();
}

static void
as_keys(struct span in)
{
	static struct keyset s;

	(void)!keyset_read(in, &s);
	if (keyset_read_chain(in, "0000000000000000000000000000000000000000000", &s) == ASSAY_OK)
		abort();
}

static void
as_message(struct span in)
{
	static struct stream s;
	static struct stream_event ev;
	struct stream_options o = {.nonce = "0123456789abcdef"};
	enum assay_err e;

	if (stream_init(&s, &o) != ASSAY_OK)
		abort();
	e = stream_on_message(&s, in, 1, &ev);
	if (e == ASSAY_OK && (ev.type == STREAM_DECISION || ev.type == STREAM_HEARTBEAT ||
			      ev.type == STREAM_EXTENSION || ev.type == STREAM_GONE))
		abort();
}

static void
as_audit(struct span in)
{
	struct auditlog_expect x = {.root = "0000000000000000000000000000000000000000000"};
	static struct auditlog_check c;
	struct auditlog_report r;

	auditlog_begin(&c, &x, &r);
	if (auditlog_feed(&c, in) == ASSAY_OK && auditlog_end(&c) == ASSAY_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const as[])(struct span in) = {as_jws,	   as_record, as_heartbeat,
						     as_extension, as_token,  as_keys,
						     as_message,   as_audit};

	if (n > 0)
		as[p[0] % 8](SPAN(p + 1, n - 1));
	return 0;
}
