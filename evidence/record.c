/* record.c: see record.h. */
#include "record.h"

#include "base64.h"
#include "hex.h"
#include "json.h"

#include <string.h>

#define NODES_MAX 2100 /* an extension: 4 nodes per entry */

static const char *const outcomes[RECORD_OUTCOMES] = {"quarantine", "restrict", "admit"};

const char *
record_outcome_name(enum record_outcome o)
{
	return outcomes[(unsigned)o < RECORD_OUTCOMES ? o : RECORD_QUARANTINE];
}

static const char *const tiers[RECORD_TIERS] = {"none", "software",	   "token",
						"dice", "virtual-tpm", "tpm"};

const char *
record_tier_name(enum record_tier t)
{
	return tiers[(unsigned)t < RECORD_TIERS ? t : RECORD_TIER_NONE];
}

/* ---- writing ---- */

static void
put_name(struct writer *w, const char *name)
{
	wr_u8(w, w->len == 0 ? '{' : ',');
	json_put_string(w, name);
	wr_u8(w, ':');
}

static void
put_string(struct writer *w, const char *name, const char *value)
{
	put_name(w, name);
	json_put_string(w, value);
}

/* A member that is left out when it says nothing. */
static void
put_optional(struct writer *w, const char *name, const char *value)
{
	if (*value)
		put_string(w, name, value);
}

static void
put_number(struct writer *w, const char *name, uint64_t v)
{
	put_name(w, name);
	if (v > INT64_MAX)
		wr_fail(w, ASSAY_TOO_LARGE);
	json_put_integer(w, (int64_t)(v & INT64_MAX));
}

static void
put_time(struct writer *w, const char *name, int64_t t)
{
	if (t < 0)
		wr_fail(w, ASSAY_MALFORMED);
	put_number(w, name, (uint64_t)(t < 0 ? 0 : t));
}

static void
put_hex(struct writer *w, const uint8_t digest[32])
{
	char hex[65] = "";

	if (hex_encode(SPAN(digest, 32), hex, sizeof hex) != ASSAY_OK)
		wr_fail(w, ASSAY_INTERNAL);
	json_put_string(w, hex);
}

static void
put_bindings(struct writer *w, const struct record *r)
{
	put_name(w, "reasons");
	for (unsigned i = 0; i < r->nreasons; i++) {
		wr_u8(w, i ? ',' : '[');
		json_put_string(w, r->reasons[i]);
	}
	json_put_text(w, r->nreasons ? "]" : "[]");
	put_name(w, "addresses");
	for (unsigned i = 0; i < r->naddresses; i++) {
		wr_u8(w, i ? ',' : '[');
		json_put_string(w, r->addresses[i]);
	}
	json_put_text(w, r->naddresses ? "]" : "[]");
	put_name(w, "certificates");
	for (unsigned i = 0; i < r->ncertificates; i++) {
		wr_u8(w, i ? ',' : '[');
		put_hex(w, r->certificates[i]);
	}
	json_put_text(w, r->ncertificates ? "]" : "[]");
}

enum assay_err
record_write(const struct record *r, struct writer *w)
{
	size_t n;

	if ((unsigned)r->outcome >= RECORD_OUTCOMES || (unsigned)r->tier >= RECORD_TIERS ||
	    r->seq == 0 || r->previous >= r->seq ||
	    (r->outcome == RECORD_QUARANTINE) != (r->expires == 0) ||
	    r->nreasons > RECORD_REASONS_MAX || r->naddresses > RECORD_ADDRESSES_MAX ||
	    r->ncertificates > RECORD_CERTIFICATES_MAX)
		return ASSAY_MALFORMED;
	put_string(w, "iss", r->issuer);
	put_time(w, "iat", r->issued);
	if (r->expires)
		put_time(w, "exp", r->expires);
	put_number(w, "seq", r->seq);
	put_number(w, "prev", r->previous);
	put_string(w, "device", r->device);
	put_optional(w, "name", r->name);
	put_string(w, "class", r->class_name);
	put_optional(w, "labels", r->labels);
	put_string(w, "tier", record_tier_name(r->tier));
	put_string(w, "outcome", record_outcome_name(r->outcome));
	put_bindings(w, r);
	wr_u8(w, '}');
	return wr_finish(w, &n);
}

enum assay_err
heartbeat_write(const struct heartbeat *h, struct writer *w)
{
	size_t n;

	put_string(w, "iss", h->issuer);
	put_time(w, "iat", h->at);
	put_number(w, "head", h->head);
	put_string(w, "nonce", h->nonce);
	put_optional(w, "class", h->class_name);
	put_optional(w, "labels", h->labels);
	put_number(w, "count", h->count);
	put_name(w, "sum");
	wr_u8(w, '"');
	base64url_put(w, SPAN(h->sum, sizeof h->sum));
	json_put_text(w, "\",\"audit\":\"");
	wr_bytes(w, h->audit); /* a compact JWS: nothing to escape */
	json_put_text(w, "\"}");
	return wr_finish(w, &n);
}

enum assay_err
extension_write(const struct extension *x, struct writer *w)
{
	size_t n;

	if (x->n > RECORD_EXTEND_MAX)
		return ASSAY_TOO_MANY;
	put_string(w, "iss", x->issuer);
	put_time(w, "iat", x->at);
	put_string(w, "nonce", x->nonce);
	put_name(w, "extend");
	wr_u8(w, '[');
	for (uint32_t i = 0; i < x->n; i++) {
		json_put_text(w, i ? ",[" : "[");
		json_put_string(w, x->entry[i].device);
		wr_u8(w, ',');
		json_put_integer(w, (int64_t)x->entry[i].seq);
		wr_u8(w, ',');
		json_put_integer(w, x->entry[i].expires);
		wr_u8(w, ']');
	}
	json_put_text(w, "]}");
	return wr_finish(w, &n);
}

enum assay_err
audit_head_write(const struct audit_head *a, struct writer *w)
{
	size_t n;

	put_string(w, "iss", a->issuer);
	put_time(w, "iat", a->at);
	put_number(w, "seq", a->seq);
	put_name(w, "hash");
	put_hex(w, a->hash);
	wr_u8(w, '}');
	return wr_finish(w, &n);
}

/* ---- reading: members that are known, each counted, so that none is left over ---- */

struct object {
	const struct json_node *node;
	uint32_t taken;
	enum assay_err err;
};

static void
fail(struct object *o, enum assay_err e)
{
	if (o->err == ASSAY_OK)
		o->err = e;
}

static uint32_t
member(struct object *o, const char *name, bool required)
{
	uint32_t at = o->err == ASSAY_OK ? json_member(o->node, 0, name) : 0;

	if (at != 0)
		o->taken++;
	else if (required)
		fail(o, ASSAY_MISSING);
	return at;
}

static void
get_text(struct object *o, uint32_t at, char *ret, size_t cap)
{
	enum assay_err e;

	ret[0] = '\0';
	if (at == 0 || o->err != ASSAY_OK)
		return;
	e = json_string_of(o->node, at, ret, cap);
	if (e != ASSAY_OK)
		fail(o, e == ASSAY_FULL ? ASSAY_TOO_LARGE : e);
	for (const char *s = ret; *s; s++)
		if (*s < 0x20 || *s > 0x7E)
			fail(o, ASSAY_MALFORMED);
}

static int64_t
get_number(struct object *o, uint32_t at)
{
	int64_t v = 0;

	if (at != 0 && (json_integer_of(o->node, at, &v) != ASSAY_OK || v < 0))
		fail(o, ASSAY_MALFORMED);
	return o->err == ASSAY_OK ? v : 0;
}

static void
get_digest(struct object *o, uint32_t at, uint8_t ret[32])
{
	char text[65];
	size_t n = 0;

	get_text(o, at, text, sizeof text);
	if (hex_decode(text, ret, 32, &n) != ASSAY_OK || n != 32)
		fail(o, ASSAY_MALFORMED);
}

static void
get_device(struct object *o, uint32_t at, char ret[RECORD_DEVICE_HEX + 1])
{
	get_text(o, at, ret, RECORD_DEVICE_HEX + 1);
	if (strlen(ret) != RECORD_DEVICE_HEX ||
	    strspn(ret, "0123456789abcdef") != RECORD_DEVICE_HEX)
		fail(o, ASSAY_MALFORMED);
}

/* The first element of a list, how many there are in *ret_n; at most max. */
static uint32_t
get_list(struct object *o, uint32_t at, uint32_t max, uint32_t *ret_n)
{
	uint32_t n = 0;

	*ret_n = 0;
	if (at == 0 || o->err != ASSAY_OK)
		return 0;
	if (o->node[at].type != JSON_ARRAY_T) {
		fail(o, ASSAY_MALFORMED);
		return 0;
	}
	for (uint32_t i = json_first(o->node, at); i != 0; i = json_after(o->node, i))
		n++;
	if (n > max) {
		fail(o, ASSAY_TOO_MANY);
		return 0;
	}
	*ret_n = n;
	return json_first(o->node, at);
}

static enum assay_err
start(struct object *o, struct span payload, struct json_node *node, uint32_t cap)
{
	uint32_t n;

	*o = (struct object){.node = node};
	o->err = json_read(payload, node, cap, &n);
	if (o->err == ASSAY_OK && node[0].type != JSON_OBJECT_T)
		o->err = ASSAY_MALFORMED;
	return o->err;
}

/* Nothing failed, and there is no member that was not asked for. */
static enum assay_err
finish(struct object *o)
{
	uint32_t n = 0;

	if (o->err != ASSAY_OK)
		return o->err;
	for (uint32_t i = json_first(o->node, 0); i != 0; i = json_after(o->node, i))
		n++;
	return n == o->taken ? ASSAY_OK : ASSAY_UNSUPPORTED;
}

/* Which of n words it is; the first of them stands for none, which is an error. */
static unsigned
get_word(struct object *o, uint32_t at, const char *const words[], unsigned n)
{
	char text[16];

	get_text(o, at, text, sizeof text);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	fail(o, ASSAY_MALFORMED);
	return 0;
}

static void
get_bindings(struct object *o, struct record *r)
{
	uint32_t n, at;

	at = get_list(o, member(o, "reasons", true), RECORD_REASONS_MAX, &n);
	for (r->nreasons = 0; r->nreasons < n; at = json_after(o->node, at))
		get_text(o, at, r->reasons[r->nreasons++], sizeof r->reasons[0]);
	at = get_list(o, member(o, "addresses", true), RECORD_ADDRESSES_MAX, &n);
	for (r->naddresses = 0; r->naddresses < n; at = json_after(o->node, at))
		get_text(o, at, r->addresses[r->naddresses++], sizeof r->addresses[0]);
	at = get_list(o, member(o, "certificates", true), RECORD_CERTIFICATES_MAX, &n);
	for (r->ncertificates = 0; r->ncertificates < n; at = json_after(o->node, at))
		get_digest(o, at, r->certificates[r->ncertificates++]);
}

enum assay_err
record_read(struct span payload, struct record *ret)
{
	struct json_node node[128];
	struct record r;
	struct object o;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	memset(&r, 0, sizeof r);
	if ((e = start(&o, payload, node, 128)) != ASSAY_OK)
		return e;
	get_text(&o, member(&o, "iss", true), r.issuer, sizeof r.issuer);
	r.issued = get_number(&o, member(&o, "iat", true));
	r.expires = get_number(&o, member(&o, "exp", false));
	r.seq = (uint64_t)get_number(&o, member(&o, "seq", true));
	r.previous = (uint64_t)get_number(&o, member(&o, "prev", true));
	get_device(&o, member(&o, "device", true), r.device);
	get_text(&o, member(&o, "name", false), r.name, sizeof r.name);
	get_text(&o, member(&o, "class", true), r.class_name, sizeof r.class_name);
	get_text(&o, member(&o, "labels", false), r.labels, sizeof r.labels);
	r.tier = (enum record_tier)get_word(&o, member(&o, "tier", true), tiers, RECORD_TIERS);
	r.outcome = (enum record_outcome)get_word(&o, member(&o, "outcome", true), outcomes,
						  RECORD_OUTCOMES);
	get_bindings(&o, &r);
	if ((e = finish(&o)) != ASSAY_OK)
		return e;
	if (r.seq == 0 || r.previous >= r.seq ||
	    (r.outcome == RECORD_QUARANTINE) != (r.expires == 0))
		return ASSAY_MALFORMED;
	*ret = r;
	return ASSAY_OK;
}

enum assay_err
heartbeat_read(struct span payload, struct heartbeat *ret)
{
	struct json_node node[32];
	struct heartbeat h = {.at = 0};
	struct object o;
	uint32_t at;
	char sum[64];
	size_t n = 0;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if ((e = start(&o, payload, node, 32)) != ASSAY_OK)
		return e;
	get_text(&o, member(&o, "iss", true), h.issuer, sizeof h.issuer);
	h.at = get_number(&o, member(&o, "iat", true));
	h.head = (uint64_t)get_number(&o, member(&o, "head", true));
	get_text(&o, member(&o, "nonce", true), h.nonce, sizeof h.nonce);
	get_text(&o, member(&o, "class", false), h.class_name, sizeof h.class_name);
	get_text(&o, member(&o, "labels", false), h.labels, sizeof h.labels);
	h.count = (uint64_t)get_number(&o, member(&o, "count", true));
	get_text(&o, member(&o, "sum", true), sum, sizeof sum);
	if (base64url_decode(SPAN(sum, strlen(sum)), h.sum, sizeof h.sum, &n) != ASSAY_OK ||
	    n != 32)
		fail(&o, ASSAY_MALFORMED);
	at = member(&o, "audit", true);
	if (at != 0 && (node[at].type != JSON_STRING_T || node[at].escaped))
		fail(&o, ASSAY_MALFORMED);
	h.audit = node[at].text;
	if ((e = finish(&o)) == ASSAY_OK)
		*ret = h;
	return e;
}

static void
get_extension(struct object *o, uint32_t at, struct extension *x)
{
	uint32_t n, part = get_list(o, at, 3, &n);

	if (n != 3) {
		fail(o, ASSAY_MALFORMED);
		return;
	}
	get_device(o, part, x->entry[x->n].device);
	part = json_after(o->node, part);
	x->entry[x->n].seq = (uint64_t)get_number(o, part);
	part = json_after(o->node, part);
	x->entry[x->n].expires = get_number(o, part);
	x->n++;
}

enum assay_err
extension_read(struct span payload, struct extension *ret)
{
	struct json_node node[NODES_MAX];
	struct object o;
	uint32_t n, at;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if ((e = start(&o, payload, node, NODES_MAX)) != ASSAY_OK)
		return e;
	get_text(&o, member(&o, "iss", true), ret->issuer, sizeof ret->issuer);
	ret->at = get_number(&o, member(&o, "iat", true));
	get_text(&o, member(&o, "nonce", true), ret->nonce, sizeof ret->nonce);
	at = get_list(&o, member(&o, "extend", true), RECORD_EXTEND_MAX, &n);
	for (; at != 0 && o.err == ASSAY_OK; at = json_after(node, at))
		get_extension(&o, at, ret);
	if ((e = finish(&o)) != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}

enum assay_err
audit_head_read(struct span payload, struct audit_head *ret)
{
	struct json_node node[16];
	struct audit_head a = {.at = 0};
	struct object o;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if ((e = start(&o, payload, node, 16)) != ASSAY_OK)
		return e;
	get_text(&o, member(&o, "iss", true), a.issuer, sizeof a.issuer);
	a.at = get_number(&o, member(&o, "iat", true));
	a.seq = (uint64_t)get_number(&o, member(&o, "seq", true));
	get_digest(&o, member(&o, "hash", true), a.hash);
	if ((e = finish(&o)) == ASSAY_OK)
		*ret = a;
	return e;
}

/* ---- filters ---- */

static bool
has_word(const char *words, const char *word, size_t n)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (len == n && strncmp(words, word, n) == 0)
			return true;
		words += len;
		words += strspn(words, " ");
	}
	return false;
}

bool
record_matches(const char *class_name, const char *labels, const char *filter_class,
	       const char *filter_labels)
{
	if (*filter_class && strcmp(class_name, filter_class) != 0)
		return false;
	while (*filter_labels) {
		size_t n = strcspn(filter_labels, " ");

		if (n && !has_word(labels, filter_labels, n))
			return false;
		filter_labels += n;
		filter_labels += strspn(filter_labels, " ");
	}
	return true;
}

/* ---- the sum of a connection ---- */

static enum assay_err
sum_of(struct span a, struct span b, uint8_t ret[32])
{
	struct hasher h;
	struct digest d;
	enum assay_err e;

	if ((e = hash_init(&h, ALG_SHA256)) != ASSAY_OK || (e = hash_update(&h, a)) != ASSAY_OK ||
	    (e = hash_update(&h, b)) != ASSAY_OK || (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	memcpy(ret, d.b, 32);
	return ASSAY_OK;
}

enum assay_err
stream_sum_start(const char *nonce, uint8_t ret[32])
{
	static const char label[] = "assay-stream-v1";

	return sum_of(SPAN(label, sizeof label - 1), SPAN(nonce, strlen(nonce)), ret);
}

enum assay_err
stream_sum_add(uint8_t sum[32], struct span message)
{
	struct digest d;
	enum assay_err e = digest_compute(ALG_SHA256, message, &d);

	return e != ASSAY_OK ? e : sum_of(SPAN(sum, 32), SPAN(d.b, 32), sum);
}
