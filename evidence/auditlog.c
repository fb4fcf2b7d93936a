/* auditlog.c: see auditlog.h. */
#include "auditlog.h"

#include "hex.h"
#include "json.h"
#include "record.h"

#include <string.h>

#define LABEL "assay-audit-v1"
#define HASHED_MAX 1024
#define ENTRY_MAX 4096 /* characters of an entry's line */
#define ENTRY_NODES 16

/* ---- entries ---- */

static void
hash_text(struct writer *w, const char *s)
{
	wr_be16_bytes(w, SPAN(s, strlen(s)));
}

enum assay_err
auditlog_hash(const struct auditlog_entry *a, uint8_t ret[32])
{
	uint8_t bytes[HASHED_MAX];
	struct digest d;
	struct writer w;
	enum assay_err e;
	size_t n;

	wr_init(&w, bytes, sizeof bytes);
	wr_be16_bytes(&w, SPAN(LABEL, sizeof LABEL - 1));
	wr_bytes(&w, SPAN(a->previous, sizeof a->previous));
	wr_be64(&w, a->seq);
	wr_be64(&w, (uint64_t)a->at);
	hash_text(&w, a->actor);
	hash_text(&w, a->action);
	hash_text(&w, a->object);
	hash_text(&w, a->detail);
	if ((e = wr_finish(&w, &n)) != ASSAY_OK ||
	    (e = digest_compute(ALG_SHA256, SPAN(bytes, n), &d)) != ASSAY_OK)
		return e;
	memcpy(ret, d.b, 32);
	return ASSAY_OK;
}

static void
put_text(struct writer *w, const char *name, const char *s)
{
	json_put_text(w, name);
	json_put_string(w, s);
}

static void
put_hex(struct writer *w, const char *name, const uint8_t hash[32])
{
	char hex[65] = "";

	if (hex_encode(SPAN(hash, 32), hex, sizeof hex) != ASSAY_OK)
		wr_fail(w, ASSAY_INTERNAL);
	put_text(w, name, hex);
}

enum assay_err
auditlog_put(const struct auditlog_entry *a, struct writer *w)
{
	size_t n;

	json_put_text(w, "{\"seq\":");
	json_put_integer(w, (int64_t)(a->seq & INT64_MAX));
	json_put_text(w, ",\"at\":");
	json_put_integer(w, a->at);
	put_text(w, ",\"actor\":", a->actor);
	put_text(w, ",\"action\":", a->action);
	put_text(w, ",\"object\":", a->object);
	put_text(w, ",\"detail\":", a->detail);
	put_hex(w, ",\"previous\":", a->previous);
	put_hex(w, ",\"hash\":", a->hash);
	json_put_text(w, "}\n");
	return wr_finish(w, &n);
}

enum assay_err
auditlog_put_end(struct span head, struct span chain, struct writer *w)
{
	struct reader r;
	bool any = false;
	size_t n;

	json_put_text(w, "{\"head\":\"");
	wr_bytes(w, head);
	json_put_text(w, "\",\"chain\":[");
	rd_init(&r, chain);
	while (rd_left(&r) > 0) {
		struct reader ahead = r;

		json_put_text(w, any ? ",\"" : "\"");
		wr_bytes(w, rd_bytes(&r, span_until(rd_rest(&ahead), '\n').n));
		wr_u8(w, '"');
		any = true;
		if (rd_left(&r) > 0)
			(void)rd_u8(&r);
	}
	json_put_text(w, "]}\n");
	return wr_finish(w, &n);
}

/* ---- reading a line back ---- */

static enum assay_err
wrong(struct auditlog_check *c, enum assay_err e, const char *what)
{
	c->report->what = what;
	return e;
}

/* Bytes were written as \u00XX; back from UTF-8 to bytes. */
static void
to_bytes(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];

		if ((c == 0xC2 || c == 0xC3) && (next & 0xC0) == 0x80) {
			*to++ = (char)(uint8_t)((c & 3u) << 6 | (next & 0x3Fu));
			s++;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool
get_text(const struct json_node *node, const char *name, char *ret, size_t cap)
{
	char wide[2 * 256 + 2];
	uint32_t at = json_member(node, 0, name);

	if (at == 0 || json_string_of(node, at, wide, sizeof wide) != ASSAY_OK)
		return false;
	to_bytes(wide);
	if (strlen(wide) >= cap)
		return false;
	memcpy(ret, wide, strlen(wide) + 1);
	return true;
}

static bool
get_hex(const struct json_node *node, const char *name, uint8_t ret[32])
{
	char text[65];
	size_t n;

	return get_text(node, name, text, sizeof text) &&
	       hex_decode(text, ret, 32, &n) == ASSAY_OK && n == 32;
}

static bool
get_number(const struct json_node *node, const char *name, int64_t *ret)
{
	uint32_t at = json_member(node, 0, name);

	return at != 0 && json_integer_of(node, at, ret) == ASSAY_OK;
}

/* An entry whose line is exactly what would be written of it. */
static bool
read_entry(struct span line, struct auditlog_entry *a)
{
	struct json_node node[ENTRY_NODES];
	uint8_t again[ENTRY_MAX];
	struct writer w;
	int64_t seq = 0;
	uint32_t n;

	memset(a, 0, sizeof *a);
	if (json_read(line, node, ENTRY_NODES, &n) != ASSAY_OK ||
	    !get_number(node, "seq", &seq) || !get_number(node, "at", &a->at) ||
	    !get_text(node, "actor", a->actor, sizeof a->actor) ||
	    !get_text(node, "action", a->action, sizeof a->action) ||
	    !get_text(node, "object", a->object, sizeof a->object) ||
	    !get_text(node, "detail", a->detail, sizeof a->detail) ||
	    !get_hex(node, "previous", a->previous) || !get_hex(node, "hash", a->hash) || seq <= 0)
		return false;
	a->seq = (uint64_t)seq;
	wr_init(&w, again, sizeof again);
	return auditlog_put(a, &w) == ASSAY_OK && w.len == line.n + 1 &&
	       span_equal(SPAN(again, line.n), line);
}

static enum assay_err
check_entry(struct auditlog_check *c, struct span line)
{
	struct auditlog_entry a;
	uint8_t hash[32];

	if (!read_entry(line, &a))
		return wrong(c, ASSAY_MALFORMED, "the line is not an entry as they are written");
	if (a.seq != c->report->entries + 1)
		return wrong(c, ASSAY_MISMATCH, "entries were removed, added or reordered");
	if (!span_equal(SPAN(a.previous, 32), SPAN(c->last, 32)))
		return wrong(c, ASSAY_MISMATCH, "the entry does not follow from the one before");
	if (auditlog_hash(&a, hash) != ASSAY_OK || !span_equal(SPAN(hash, 32), SPAN(a.hash, 32)))
		return wrong(c, ASSAY_MISMATCH, "the entry was changed");
	memcpy(c->last, hash, sizeof hash);
	c->report->entries++;
	if ((!c->expect->has_seq || c->expect->seq == a.seq) &&
	    (!c->expect->has_hash || span_equal(SPAN(hash, 32), SPAN(c->expect->hash, 32))))
		c->found = true;
	return ASSAY_OK;
}

/* ---- the last line ---- */

/* The statements of the line, one by one; the text must be just them. */
static enum assay_err
read_chain(struct auditlog_check *c, struct reader *r, struct keyset *set)
{
	uint8_t buf[KEYSET_STATEMENT_MAX];
	struct jws first;

	for (bool more = true; more;) {
		struct reader ahead;
		struct span jws;

		if (rd_u8(r) != '"')
			return ASSAY_MALFORMED;
		ahead = *r;
		jws = rd_bytes(r, span_until(rd_rest(&ahead), '"').n);
		(void)rd_u8(r);
		if (set->n == 0) {
			if (jws_parse(jws, buf, sizeof buf, &first) != ASSAY_OK ||
			    strlen(first.kid) >= sizeof c->report->root)
				return ASSAY_MALFORMED;
			memcpy(c->report->root, first.kid, strlen(first.kid) + 1);
		}
		if (keyset_add(set, jws, c->expect->root ? c->expect->root : c->report->root) !=
		    ASSAY_OK)
			return ASSAY_BAD_SIGNATURE;
		more = rd_left(r) > 0 && r->p[r->pos] == ',';
		if (more)
			(void)rd_u8(r);
	}
	return ASSAY_OK;
}

static enum assay_err
check_head(struct auditlog_check *c, struct span jws, const struct keyset *set)
{
	uint8_t buf[2048];
	struct audit_head h;
	struct jws j;

	if (jws_parse(jws, buf, sizeof buf, &j) != ASSAY_OK ||
	    strcmp(j.typ, RECORD_TYP_AUDIT) != 0)
		return wrong(c, ASSAY_MALFORMED, "the head is no signed audit head");
	if (audit_head_read(j.payload, &h) != ASSAY_OK)
		return wrong(c, ASSAY_MALFORMED, "the head cannot be read");
	if (keyset_verify(set, &j, KEYSET_AUDIT, h.at) != ASSAY_OK ||
	    strcmp(h.issuer, set->issuer) != 0)
		return wrong(c, ASSAY_BAD_SIGNATURE, "the head is not signed with the audit key");
	if (h.seq != c->report->entries || !span_equal(SPAN(h.hash, 32), SPAN(c->last, 32)))
		return wrong(c, ASSAY_MISMATCH,
			     "the end of the log is not the one that was signed");
	c->report->signed_at = h.at;
	memcpy(c->report->head, h.hash, 32);
	return ASSAY_OK;
}

static enum assay_err
check_end(struct auditlog_check *c, struct span line)
{
	static const char open[] = "{\"head\":\"", middle[] = ",\"chain\":[", close[] = "]}";
	struct keyset set;
	struct reader r, ahead;
	struct span head;
	enum assay_err e;

	memset(&set, 0, sizeof set);
	rd_init(&r, line);
	(void)rd_bytes(&r, sizeof open - 1);
	ahead = r;
	head = rd_bytes(&r, span_until(rd_rest(&ahead), '"').n);
	(void)rd_u8(&r);
	if (!span_equal(rd_bytes(&r, sizeof middle - 1), SPAN(middle, sizeof middle - 1)))
		return wrong(c, ASSAY_MALFORMED, "the last line is not as it is written");
	if ((e = read_chain(c, &r, &set)) != ASSAY_OK)
		return wrong(c, e, "the key chain does not lead from the root to the keys");
	if (!span_equal(rd_bytes(&r, sizeof close - 1), SPAN(close, sizeof close - 1)) ||
	    rd_finish(&r) != ASSAY_OK)
		return wrong(c, ASSAY_MALFORMED, "the last line is not as it is written");
	return check_head(c, head, &set);
}

static bool
is_end(struct span line)
{
	static const char open[] = "{\"head\":\"";
	struct reader r;

	rd_init(&r, line);
	return span_equal(rd_bytes(&r, sizeof open - 1), SPAN(open, sizeof open - 1));
}

/* ---- the file, in pieces ---- */

void
auditlog_begin(struct auditlog_check *c, const struct auditlog_expect *expect,
	       struct auditlog_report *report)
{
	memset(report, 0, sizeof *report);
	report->what = "";
	c->report = report;
	c->expect = expect;
	c->err = ASSAY_OK;
	c->found = c->ended = false;
	memset(c->last, 0, sizeof c->last);
	wr_init(&c->line, c->bytes, sizeof c->bytes);
}

/* A line, without its end, is complete. */
static enum assay_err
take_line(struct auditlog_check *c)
{
	struct span line = wr_span(&c->line);

	c->report->line++;
	if (c->ended)
		return wrong(c, ASSAY_MALFORMED, "there is something after the last line");
	c->ended = is_end(line);
	wr_init(&c->line, c->bytes, sizeof c->bytes);
	return c->ended ? check_end(c, line) : check_entry(c, line);
}

enum assay_err
auditlog_feed(struct auditlog_check *c, struct span bytes)
{
	struct reader r;

	rd_init(&r, bytes);
	while (rd_left(&r) > 0 && c->err == ASSAY_OK) {
		struct reader ahead = r;

		wr_bytes(&c->line, rd_bytes(&r, span_until(rd_rest(&ahead), '\n').n));
		if (c->line.err != ASSAY_OK) {
			c->report->line++;
			c->err = wrong(c, ASSAY_MALFORMED,
				       "the line is longer than any that is written");
		} else if (rd_left(&r) > 0) {
			(void)rd_u8(&r);
			c->err = take_line(c);
		}
	}
	return c->err;
}

enum assay_err
auditlog_end(struct auditlog_check *c)
{
	if (c->err != ASSAY_OK)
		return c->err;
	if (c->line.len > 0) {
		c->report->line++;
		return c->ended ? wrong(c, ASSAY_MALFORMED,
					"there is something after the last line")
				: wrong(c, ASSAY_TRUNCATED, "the line has no end");
	}
	if (!c->ended)
		return wrong(c, ASSAY_TRUNCATED,
			     "the last line, with the signed head, is missing");
	if ((c->expect->has_seq || c->expect->has_hash) && !c->found)
		return wrong(c, ASSAY_NOT_FOUND,
			     "the expected head is not in it: the log was cut off or exchanged");
	c->report->line = 0;
	return ASSAY_OK;
}
