/* stream.c: see stream.h. */
#include "stream.h"

#include "json.h"

#include <string.h>

#define NODES_MAX 2048

/* One message being read. */
struct message {
	struct stream *s;
	const struct json_node *node;
	int64_t now;
	struct stream_event *ev;
};

static bool
copy_text(char *ret, size_t cap, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (n >= cap)
		return false;
	if (n)
		memcpy(ret, s, n);
	ret[n] = '\0';
	return true;
}

enum assay_err
stream_init(struct stream *s, const struct stream_options *o)
{
	memset(s, 0, sizeof *s);
	if (!copy_text(s->root, sizeof s->root, o->root) ||
	    !copy_text(s->nonce, sizeof s->nonce, o->nonce) ||
	    !copy_text(s->class_name, sizeof s->class_name, o->class_name) ||
	    !copy_text(s->labels, sizeof s->labels, o->labels))
		return ASSAY_TOO_LARGE;
	s->last = s->confirmed = o->resume ? o->after : 0;
	return stream_sum_start(s->nonce, s->sum);
}

/* ---- members ---- */

static enum assay_err
get_head(const struct message *m)
{
	uint32_t at = json_member(m->node, 0, "head");
	int64_t v = 0;

	if (at == 0 || json_integer_of(m->node, at, &v) != ASSAY_OK || v < 0)
		return ASSAY_MALFORMED;
	m->ev->head = (uint64_t)v;
	return ASSAY_OK;
}

/* The JWS in a member, verified as of this type; its payload is in the stream's buffer. */
static enum assay_err
get_jws(const struct message *m, const char *member, const char *typ, struct jws *ret)
{
	uint32_t at = json_member(m->node, 0, member);
	enum assay_err e;

	if (at == 0 || m->node[at].type != JSON_STRING_T || m->node[at].escaped)
		return ASSAY_MALFORMED;
	m->ev->jws = m->node[at].text;
	if ((e = jws_parse(m->ev->jws, m->s->buf, sizeof m->s->buf, ret)) != ASSAY_OK)
		return e;
	if (strcmp(ret->typ, typ) != 0)
		return ASSAY_BAD_TYPE;
	return keyset_verify(&m->s->set, ret, KEYSET_DECISION, m->now);
}

static bool
is_issuer(const struct message *m, const char *issuer)
{
	return strcmp(issuer, m->s->set.issuer) == 0;
}

/* ---- each type of message ---- */

static enum assay_err
on_keys(const struct message *m)
{
	uint32_t at = json_member(m->node, 0, "jwks");
	uint32_t assay = at ? json_member(m->node, at, "assay") : 0;
	uint32_t root = assay ? json_member(m->node, assay, "root") : 0;

	m->ev->type = STREAM_KEYS;
	if (root == 0)
		return ASSAY_MALFORMED;
	if (!m->s->root[0] &&
	    json_string_of(m->node, root, m->s->root, sizeof m->s->root) != ASSAY_OK)
		return ASSAY_MALFORMED;
	return keyset_read_chain(m->node[at].text, m->s->root, &m->s->set);
}

static enum assay_err
on_snapshot(const struct message *m)
{
	m->ev->type = STREAM_SNAPSHOT;
	m->s->snapshot = true;
	if (get_head(m) != ASSAY_OK)
		return ASSAY_MALFORMED;
	if (m->ev->head < m->s->last)
		return ASSAY_STATE; /* it knows less than we do: an old ledger */
	m->s->head = m->ev->head;
	return ASSAY_OK;
}

/* Within a snapshot in any order, up to its head; afterwards ascending. */
static enum assay_err
check_number(struct stream *s, const struct record *r)
{
	if (s->snapshot)
		return r->seq <= s->head ? ASSAY_OK : ASSAY_STATE;
	if (r->seq <= s->last)
		return ASSAY_STATE;
	s->last = r->seq;
	return ASSAY_OK;
}

static enum assay_err
on_record(const struct message *m, enum stream_event_type type)
{
	struct record *r = &m->ev->record;
	struct jws j;
	enum assay_err e;

	m->ev->type = type;
	if ((e = get_jws(m, "record", RECORD_TYP_DECISION, &j)) != ASSAY_OK ||
	    (e = record_read(j.payload, r)) != ASSAY_OK)
		return e;
	if (!is_issuer(m, r->issuer) ||
	    record_matches(r->class_name, r->labels, m->s->class_name, m->s->labels) !=
		    (type == STREAM_DECISION))
		return ASSAY_MISMATCH;
	return check_number(m->s, r);
}

static enum assay_err
on_decision(const struct message *m)
{
	return on_record(m, STREAM_DECISION);
}

static enum assay_err
on_gone(const struct message *m)
{
	return on_record(m, STREAM_GONE);
}

static enum assay_err
on_current(const struct message *m)
{
	m->ev->type = STREAM_CURRENT;
	if (get_head(m) != ASSAY_OK)
		return ASSAY_MALFORMED;
	if (m->ev->head < m->s->last)
		return ASSAY_STATE;
	m->s->last = m->ev->head;
	m->s->snapshot = false;
	return ASSAY_OK;
}

static enum assay_err
on_extension(const struct message *m)
{
	struct extension *x = &m->ev->extension;
	struct jws j;
	enum assay_err e;

	m->ev->type = STREAM_EXTENSION;
	if ((e = get_jws(m, "extension", RECORD_TYP_EXTENSION, &j)) != ASSAY_OK ||
	    (e = extension_read(j.payload, x)) != ASSAY_OK)
		return e;
	return is_issuer(m, x->issuer) && strcmp(x->nonce, m->s->nonce) == 0 ? ASSAY_OK
									     : ASSAY_MISMATCH;
}

/* The audit head inside, by its own key. */
static enum assay_err
get_audit(const struct message *m, struct span text)
{
	uint8_t buf[1024];
	struct jws j;
	enum assay_err e;

	if ((e = jws_parse(text, buf, sizeof buf, &j)) != ASSAY_OK)
		return e;
	if (strcmp(j.typ, RECORD_TYP_AUDIT) != 0)
		return ASSAY_BAD_TYPE;
	if ((e = keyset_verify(&m->s->set, &j, KEYSET_AUDIT, m->now)) != ASSAY_OK ||
	    (e = audit_head_read(j.payload, &m->ev->audit)) != ASSAY_OK)
		return e;
	return is_issuer(m, m->ev->audit.issuer) ? ASSAY_OK : ASSAY_MISMATCH;
}

static enum assay_err
on_heartbeat(const struct message *m)
{
	struct heartbeat *h = &m->ev->heartbeat;
	struct stream *s = m->s;
	struct jws j;
	enum assay_err e;

	m->ev->type = STREAM_HEARTBEAT;
	if ((e = get_jws(m, "heartbeat", RECORD_TYP_HEARTBEAT, &j)) != ASSAY_OK ||
	    (e = heartbeat_read(j.payload, h)) != ASSAY_OK ||
		    (e = get_audit(m, h->audit)) != ASSAY_OK)
		return e;
	if (!is_issuer(m, h->issuer) || strcmp(h->nonce, s->nonce) != 0 ||
	    strcmp(h->class_name, s->class_name) != 0 || strcmp(h->labels, s->labels) != 0 ||
	    h->count != s->count || !span_equal(SPAN(h->sum, 32), SPAN(s->sum, 32)))
		return ASSAY_MISMATCH;
	if (h->at > m->now + STREAM_SKEW_S)
		return ASSAY_NOT_YET;
	if (h->at < m->now - STREAM_SKEW_S)
		return ASSAY_EXPIRED;
	s->beat_at = m->now;
	if (!s->snapshot)
		s->confirmed = s->last;
	return ASSAY_OK;
}

static enum assay_err
on_end(const struct message *m)
{
	uint32_t at = json_member(m->node, 0, "reason");

	m->ev->type = STREAM_END;
	return at != 0 && json_string_of(m->node, at, m->ev->reason, sizeof m->ev->reason) ==
				  ASSAY_OK
		       ? ASSAY_OK
		       : ASSAY_MALFORMED;
}

static const struct {
	const char *type;
	enum assay_err (*run)(const struct message *m);
} handlers[] = {
	{"keys", on_keys},	   {"snapshot", on_snapshot},	{"decision", on_decision},
	{"gone", on_gone},	   {"current", on_current},	{"extension", on_extension},
	{"heartbeat", on_heartbeat}, {"end", on_end},
};

enum assay_err
stream_on_message(struct stream *s, struct span text, int64_t now, struct stream_event *ret)
{
	struct json_node node[NODES_MAX];
	struct message m = {s, node, now, ret};
	uint32_t n, type;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (text.n > STREAM_MESSAGE_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = json_read(text, node, NODES_MAX, &n)) != ASSAY_OK)
		return e;
	type = json_member(node, 0, "type");
	for (size_t i = 0; type != 0 && i < sizeof handlers / sizeof handlers[0]; i++) {
		if (!json_string_is(node, type, handlers[i].type))
			continue;
		if ((e = handlers[i].run(&m)) != ASSAY_OK)
			return e;
		s->count++;
		return stream_sum_add(s->sum, text);
	}
	return ASSAY_MALFORMED;
}
