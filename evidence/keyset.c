/* keyset.c: see keyset.h. */
#include "keyset.h"

#include "base64.h"
#include "json.h"

#include <string.h>

#define NODES_MAX 2048
#define STATEMENT_NODES 32

/* ---- one JWK ---- */

static enum assay_err
coordinate(const struct json_node *node, uint32_t object, const char *name, uint8_t ret[32])
{
	uint32_t at = json_member(node, object, name);
	char text[64];
	size_t n;
	enum assay_err e;

	if (at == 0)
		return ASSAY_MISSING;
	if ((e = json_string_of(node, at, text, sizeof text)) != ASSAY_OK)
		return ASSAY_MALFORMED;
	e = base64url_decode(SPAN(text, strlen(text)), ret, 32, &n);
	return e == ASSAY_OK && n == 32 ? ASSAY_OK : ASSAY_MALFORMED;
}

/* Absent, or this text. */
static bool
allows(const struct json_node *node, uint32_t object, const char *name, const char *text)
{
	uint32_t at = json_member(node, object, name);

	return at == 0 || json_string_is(node, at, text);
}

/* Another kind of key, or one for another use, is none of ours and no error. */
static bool
is_es256(const struct json_node *node, uint32_t object)
{
	uint32_t kty = json_member(node, object, "kty"), crv = json_member(node, object, "crv");

	return kty != 0 && crv != 0 && json_string_is(node, kty, "EC") &&
	       json_string_is(node, crv, "P-256") && allows(node, object, "use", "sig") &&
	       allows(node, object, "alg", "ES256");
}

static enum assay_err
add_jwk(struct keyset *s, const struct json_node *node, uint32_t object)
{
	struct keyset_key *k = &s->key[s->n];
	uint32_t kid = json_member(node, object, "kid");
	enum assay_err e;

	if (node[object].type != JSON_OBJECT_T)
		return ASSAY_MALFORMED;
	if (!is_es256(node, object))
		return ASSAY_OK;
	if (s->n == KEYSET_KEYS_MAX)
		return ASSAY_TOO_MANY;
	memset(k, 0, sizeof *k);
	if ((e = coordinate(node, object, "x", k->key.x)) != ASSAY_OK ||
	    (e = coordinate(node, object, "y", k->key.y)) != ASSAY_OK)
		return e;
	if (kid != 0 && (e = json_string_of(node, kid, k->kid, sizeof k->kid)) != ASSAY_OK)
		return e == ASSAY_FULL ? ASSAY_TOO_LARGE : e;
	for (uint32_t i = 0; i < s->n; i++)
		if (k->kid[0] && strcmp(s->key[i].kid, k->kid) == 0)
			return ASSAY_DUPLICATE;
	s->n++;
	return ASSAY_OK;
}

enum assay_err
keyset_read(struct span json, struct keyset *ret)
{
	struct json_node node[NODES_MAX];
	uint32_t n, keys;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (json.n > KEYSET_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = json_read(json, node, NODES_MAX, &n)) != ASSAY_OK)
		return e;
	if (node[0].type != JSON_OBJECT_T)
		return ASSAY_MALFORMED;
	keys = json_member(node, 0, "keys");
	if (keys == 0)
		e = add_jwk(ret, node, 0);
	else if (node[keys].type != JSON_ARRAY_T)
		e = ASSAY_MALFORMED;
	for (uint32_t i = keys ? json_first(node, keys) : 0; i != 0 && e == ASSAY_OK;
	     i = json_after(node, i))
		e = add_jwk(ret, node, i);
	if (e == ASSAY_OK && ret->n == 0)
		e = ASSAY_NOT_FOUND;
	if (e != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}

/* ---- statements ---- */

static const char *
role_name(enum keyset_role r)
{
	return r == KEYSET_AUDIT ? "audit" : "decision";
}

enum assay_err
keyset_statement_write(const struct keyset_statement *s, struct writer *w)
{
	char kid[JWS_KID_SIZE];
	enum assay_err e;
	size_t n;

	if (s->role != KEYSET_DECISION && s->role != KEYSET_AUDIT)
		return ASSAY_MALFORMED;
	if ((e = jws_kid(&s->key, kid)) != ASSAY_OK)
		return e;
	json_put_text(w, "{\"iss\":");
	json_put_string(w, s->issuer);
	json_put_text(w, ",\"iat\":");
	json_put_integer(w, s->at);
	json_put_text(w, ",\"n\":");
	json_put_integer(w, s->n);
	json_put_text(w, ",\"kid\":");
	json_put_string(w, kid);
	json_put_text(w, ",\"x\":\"");
	base64url_put(w, SPAN(s->key.x, 32));
	json_put_text(w, "\",\"y\":\"");
	base64url_put(w, SPAN(s->key.y, 32));
	json_put_text(w, "\",\"role\":");
	json_put_string(w, role_name(s->role));
	json_put_text(w, ",\"until\":");
	json_put_integer(w, s->until);
	json_put_text(w, "}");
	return wr_finish(w, &n);
}

static enum assay_err
number(const struct json_node *node, const char *name, int64_t *ret)
{
	uint32_t at = json_member(node, 0, name);

	if (at == 0)
		return ASSAY_MISSING;
	return json_integer_of(node, at, ret) == ASSAY_OK && *ret >= 0 ? ASSAY_OK
								      : ASSAY_MALFORMED;
}

static enum assay_err
text(const struct json_node *node, const char *name, char *ret, size_t cap)
{
	uint32_t at = json_member(node, 0, name);

	if (at == 0)
		return ASSAY_MISSING;
	return json_string_of(node, at, ret, cap) == ASSAY_OK ? ASSAY_OK : ASSAY_MALFORMED;
}

static enum assay_err
statement_read(struct span payload, struct keyset_statement *ret)
{
	struct json_node node[STATEMENT_NODES];
	char role[16], kid[JWS_KID_SIZE], own[JWS_KID_SIZE];
	int64_t index = 0;
	uint32_t n;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if ((e = json_read(payload, node, STATEMENT_NODES, &n)) != ASSAY_OK ||
	    (e = text(node, "iss", ret->issuer, sizeof ret->issuer)) != ASSAY_OK ||
	    (e = number(node, "iat", &ret->at)) != ASSAY_OK ||
	    (e = number(node, "n", &index)) != ASSAY_OK ||
	    (e = text(node, "kid", kid, sizeof kid)) != ASSAY_OK ||
	    (e = coordinate(node, 0, "x", ret->key.x)) != ASSAY_OK ||
	    (e = coordinate(node, 0, "y", ret->key.y)) != ASSAY_OK ||
	    (e = text(node, "role", role, sizeof role)) != ASSAY_OK ||
	    (e = number(node, "until", &ret->until)) != ASSAY_OK ||
	    (e = jws_kid(&ret->key, own)) != ASSAY_OK)
		return e;
	if (index >= KEYSET_KEYS_MAX || strcmp(kid, own) != 0)
		return ASSAY_MALFORMED;
	ret->n = (uint32_t)index;
	ret->role = strcmp(role, "decision") == 0 ? KEYSET_DECISION
		    : strcmp(role, "audit") == 0  ? KEYSET_AUDIT
						  : KEYSET_ANY;
	return ret->role == KEYSET_ANY ? ASSAY_MALFORMED : ASSAY_OK;
}

/* The key of this role that none has replaced; NULL: none yet. */
static struct keyset_key *
current(struct keyset *s, enum keyset_role role)
{
	for (uint32_t i = s->n; i-- > 0;)
		if (s->key[i].role == role)
			return &s->key[i];
	return NULL;
}

/* Who must have signed the next statement: the root itself, then the current key. */
static enum assay_err
signed_by_right_key(struct keyset *s, const struct jws *j, const struct keyset_statement *st,
		    const char *root)
{
	const struct keyset_key *signer = current(s, KEYSET_DECISION);
	char own[JWS_KID_SIZE];
	enum assay_err e;

	if (signer)
		return strcmp(j->kid, signer->kid) == 0 ? jws_verify(j, &signer->key)
							: ASSAY_BAD_SIGNATURE;
	if ((e = jws_kid(&st->key, own)) != ASSAY_OK)
		return e;
	if (strcmp(own, root) != 0)
		return ASSAY_MISMATCH;
	if (st->role != KEYSET_DECISION || strcmp(j->kid, own) != 0)
		return ASSAY_MALFORMED;
	return jws_verify(j, &st->key);
}

enum assay_err
keyset_add(struct keyset *s, struct span statement, const char *root)
{
	uint8_t buf[KEYSET_STATEMENT_MAX];
	struct keyset_statement st;
	struct keyset_key *k, *before;
	struct jws j;
	enum assay_err e;

	if (s->n == KEYSET_KEYS_MAX)
		return ASSAY_TOO_MANY;
	if ((e = jws_parse(statement, buf, sizeof buf, &j)) != ASSAY_OK)
		return e;
	if (strcmp(j.typ, KEYSET_TYP) != 0)
		return ASSAY_BAD_TYPE;
	if ((e = statement_read(j.payload, &st)) != ASSAY_OK ||
	    (e = signed_by_right_key(s, &j, &st, root)) != ASSAY_OK)
		return e;
	before = current(s, st.role);
	if (st.n != s->n || (s->n > 0 && strcmp(s->issuer, st.issuer) != 0) ||
	    (before && st.at < before->since) || (before != NULL) != (st.until != 0))
		return ASSAY_MALFORMED;
	if (before)
		before->until = st.until;
	k = &s->key[s->n++];
	memset(k, 0, sizeof *k);
	k->key = st.key;
	k->role = st.role;
	k->since = st.at;
	s->chained = true;
	memcpy(s->issuer, st.issuer, sizeof s->issuer);
	return jws_kid(&k->key, k->kid);
}

enum assay_err
keyset_read_chain(struct span json, const char *root, struct keyset *ret)
{
	struct json_node node[NODES_MAX];
	uint32_t n, assay, chain;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (json.n > KEYSET_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = json_read(json, node, NODES_MAX, &n)) != ASSAY_OK)
		return e;
	assay = json_member(node, 0, "assay");
	chain = assay ? json_member(node, assay, "chain") : 0;
	if (chain == 0 || json_first(node, chain) == 0)
		return ASSAY_MISSING;
	for (uint32_t i = json_first(node, chain); i != 0 && e == ASSAY_OK;
	     i = json_after(node, i)) {
		if (node[i].type != JSON_STRING_T || node[i].escaped)
			e = ASSAY_MALFORMED;
		else
			e = keyset_add(ret, node[i].text, root);
	}
	if (e != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}

/* ---- verifying with a set ---- */

static enum assay_err
verify_with(const struct keyset_key *k, const struct jws *j, enum keyset_role role, int64_t at)
{
	enum assay_err e;

	if (k->role != KEYSET_ANY && k->role != role)
		return ASSAY_NOT_FOUND;
	if ((e = jws_verify(j, &k->key)) != ASSAY_OK)
		return e;
	return k->until != 0 && at >= k->until ? ASSAY_EXPIRED : ASSAY_OK;
}

enum assay_err
keyset_verify(const struct keyset *s, const struct jws *j, enum keyset_role role, int64_t at)
{
	enum assay_err e = ASSAY_NOT_FOUND;

	for (uint32_t i = 0; i < s->n && j->kid[0]; i++)
		if (strcmp(s->key[i].kid, j->kid) == 0)
			return verify_with(&s->key[i], j, role, at);
	for (uint32_t i = 0; i < s->n && !s->chained; i++) {
		if (j->kid[0] && s->key[i].kid[0])
			continue; /* it has a name, and is not meant */
		if ((e = verify_with(&s->key[i], j, role, at)) == ASSAY_OK)
			return e;
	}
	return e;
}
