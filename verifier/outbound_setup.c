/* outbound_setup.c: what keeper and outbound say to each other, as bytes; see outbound.h. */
#include "outbound.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
put_text(struct writer *w, const char *s)
{
	wr_be16_bytes(w, SPAN(s, strlen(s)));
}

static void
get_text(struct reader *r, char *ret, size_t cap)
{
	struct span s = rd_be16_bytes(r, cap - 1);

	if (s.n)
		memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
}

static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7E)
			return false;
	return true;
}

enum assay_err
outbound_setup_encode(const struct outbound_setup *s, struct writer *w)
{
	size_t n;

	wr_u8(w, (uint8_t)s->kind);
	wr_u8(w, s->tls);
	put_text(w, s->host);
	wr_be16(w, s->port);
	put_text(w, s->path);
	put_text(w, s->ca);
	wr_u8(w, s->has_pin);
	wr_bytes(w, SPAN(s->pin, sizeof s->pin));
	wr_be32(w, s->timeout_ms);
	return wr_finish(w, &n);
}

enum assay_err
outbound_setup_decode(struct span in, struct outbound_setup *ret)
{
	struct outbound_setup s = {0};
	struct span pin;
	struct reader r;
	unsigned kind;
	enum assay_err e;

	rd_init(&r, in);
	kind = rd_u8(&r);
	s.tls = rd_u8(&r) != 0;
	get_text(&r, s.host, sizeof s.host);
	s.port = rd_be16(&r);
	get_text(&r, s.path, sizeof s.path);
	get_text(&r, s.ca, sizeof s.ca);
	s.has_pin = rd_u8(&r) != 0;
	pin = rd_bytes(&r, sizeof s.pin);
	s.timeout_ms = rd_be32(&r);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	if (kind == OUTBOUND_NONE || kind >= OUTBOUND_KINDS || pin.n != sizeof s.pin)
		return ASSAY_MALFORMED;
	s.kind = (enum outbound_kind)kind;
	memcpy(s.pin, pin.p, sizeof s.pin);
	*ret = s;
	return ASSAY_OK;
}

enum assay_err
outbound_message_encode(const struct outbound_message *m, struct writer *w)
{
	size_t n;

	wr_be16_bytes(w, m->signature);
	wr_be16_bytes(w, m->event);
	wr_be16_bytes(w, m->hook);
	wr_be32(w, m->attempt);
	wr_be32_bytes(w, m->body);
	return wr_finish(w, &n);
}

enum assay_err
outbound_message_decode(struct span in, struct outbound_message *ret)
{
	struct outbound_message m;
	struct reader r;
	enum assay_err e;

	rd_init(&r, in);
	m.signature = rd_be16_bytes(&r, OUTBOUND_HEAD_MAX);
	m.event = rd_be16_bytes(&r, OUTBOUND_HEAD_MAX);
	m.hook = rd_be16_bytes(&r, OUTBOUND_HEAD_MAX);
	m.attempt = rd_be32(&r);
	m.body = rd_be32_bytes(&r, OUTBOUND_BODY_MAX);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	if (!is_printable(m.signature) || !is_printable(m.event) || !is_printable(m.hook))
		return ASSAY_MALFORMED;
	*ret = m;
	return ASSAY_OK;
}

enum assay_err
outbound_result_encode(const struct outbound_result *r, struct writer *w)
{
	size_t n;

	wr_u8(w, r->delivered);
	wr_be16(w, r->status);
	wr_be32(w, r->retry_after);
	put_text(w, r->error);
	return wr_finish(w, &n);
}

enum assay_err
outbound_result_decode(struct span in, struct outbound_result *ret)
{
	struct outbound_result s = {0};
	struct reader r;
	unsigned delivered;
	enum assay_err e;

	rd_init(&r, in);
	delivered = rd_u8(&r);
	s.status = rd_be16(&r);
	s.retry_after = rd_be32(&r);
	get_text(&r, s.error, sizeof s.error);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	s.delivered = delivered == 1;
	if (delivered > 1 || s.delivered != (s.error[0] == '\0') || s.status > 999 ||
	    (s.status != 0 && s.delivered != (s.status >= 200 && s.status < 300)) ||
	    !is_printable(SPAN(s.error, strlen(s.error))))
		return ASSAY_MALFORMED;
	if (s.retry_after > OUTBOUND_RETRY_AFTER_MAX)
		s.retry_after = OUTBOUND_RETRY_AFTER_MAX;
	*ret = s;
	return ASSAY_OK;
}

/* RFC 9110, 10.2.3: seconds, or a date of the preferred form. */
uint32_t
outbound_retry_after(const char *value, int64_t now)
{
	size_t digits = strspn(value, "0123456789");
	struct tm t = {0};
	const char *end;
	int64_t s;

	if (digits > 0 && value[digits] == '\0') {
		s = digits > 6 ? OUTBOUND_RETRY_AFTER_MAX : strtol(value, NULL, 10);
	} else {
		end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &t);
		if (!end || *end)
			return 0;
		s = (int64_t)timegm(&t) - now;
	}
	if (s < 0)
		return 0;
	return s > OUTBOUND_RETRY_AFTER_MAX ? OUTBOUND_RETRY_AFTER_MAX : (uint32_t)s;
}
