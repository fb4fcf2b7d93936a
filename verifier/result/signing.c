/* signing.c: see signing.h. */
#include "signing.h"

#include "evidence/base64.h"
#include "evidence/json.h"
#include "verifier/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAIN_FILE "chain"
#define DIR_MAX 600
#define CHAIN_MAX (KEYSET_KEYS_MAX * (KEYSET_STATEMENT_MAX + 1))

struct signing {
	char dir[DIR_MAX];
	char root[JWS_KID_SIZE];
	char issuer[KEYSET_ISSUER_MAX + 1];
	struct keyset set;
	size_t chain_len;
	uint8_t chain[CHAIN_MAX]; /* as in the file */
	struct signer *decision, *audit;
};

static void
secret_name(uint32_t n, char ret[32])
{
	snprintf(ret, 32, "sign-%03u.key", n);
}

static enum assay_err
load_signer(const struct signing *s, uint32_t n, struct signer **ret)
{
	uint8_t secret[SIGNER_SECRET_SIZE];
	struct signer *made = NULL;
	char name[32];
	enum assay_err e;
	size_t len;

	secret_name(n, name);
	e = keys_read_file(s->dir, name, secret, sizeof secret, &len);
	if (e == ASSAY_OK)
		e = len == sizeof secret ? signer_new(secret, &made) : ASSAY_MALFORMED;
	explicit_bzero(secret, sizeof secret);
	if (e != ASSAY_OK)
		return e;
	if (n < s->set.n && strcmp(signer_kid(made), s->set.key[n].kid) != 0) {
		signer_free(made);
		return ASSAY_MISMATCH;
	}
	signer_free(*ret);
	*ret = made;
	return ASSAY_OK;
}

/* A secret that no statement names yet is left over from a crash: it is made anew. */
static enum assay_err
make_signer(const struct signing *s, uint32_t n, struct signer **ret)
{
	uint8_t secret[SIGNER_SECRET_SIZE];
	char name[32], path[DIR_MAX + 40];
	enum assay_err e;

	secret_name(n, name);
	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	if (unlink(path) != 0 && errno != ENOENT)
		return ASSAY_IO;
	if ((e = signer_make(secret)) == ASSAY_OK &&
	    (e = keys_write_file(s->dir, name, secret, sizeof secret)) == ASSAY_OK)
		e = signer_new(secret, ret);
	explicit_bzero(secret, sizeof secret);
	return e;
}

/* ---- the chain ---- */

static enum assay_err
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), bad;

	if (fd < 0)
		return ASSAY_IO;
	bad = fsync(fd);
	close(fd);
	return bad ? ASSAY_IO : ASSAY_OK;
}

static enum assay_err
store_chain(const struct signing *s, const uint8_t *chain, size_t len)
{
	char tmp[DIR_MAX + 16], path[DIR_MAX + 16];
	enum assay_err e;

	snprintf(tmp, sizeof tmp, "%s/%s.new", s->dir, CHAIN_FILE);
	snprintf(path, sizeof path, "%s/%s", s->dir, CHAIN_FILE);
	if (unlink(tmp) != 0 && errno != ENOENT)
		return ASSAY_IO;
	if ((e = keys_write_file(s->dir, CHAIN_FILE ".new", chain, len)) != ASSAY_OK)
		return e;
	return rename(tmp, path) == 0 ? sync_dir(s->dir) : ASSAY_IO;
}

/* One more statement about the key of `of`, signed by `by`; stored before it counts. */
static enum assay_err
append(struct signing *s, struct signer *by, const struct signer *of, struct keyset_statement *st)
{
	static uint8_t chain[CHAIN_MAX];
	uint8_t payload[KEYSET_STATEMENT_MAX];
	struct keyset after = s->set;
	struct writer p, w;
	enum assay_err e;
	size_t n;

	st->n = s->set.n;
	st->key = *signer_public(of);
	snprintf(st->issuer, sizeof st->issuer, "%s", s->issuer);
	wr_init(&p, payload, sizeof payload);
	if ((e = keyset_statement_write(st, &p)) != ASSAY_OK)
		return e;
	memcpy(chain, s->chain, s->chain_len);
	wr_init(&w, chain + s->chain_len, sizeof chain - s->chain_len - 1);
	if ((e = signer_jws(by, KEYSET_TYP, wr_span(&p), &w)) != ASSAY_OK ||
	    (e = keyset_add(&after, wr_span(&w), s->root)) != ASSAY_OK)
		return e;
	n = s->chain_len + w.len;
	chain[n++] = '\n';
	if ((e = store_chain(s, chain, n)) != ASSAY_OK)
		return e;
	memcpy(s->chain, chain, n);
	s->chain_len = n;
	s->set = after;
	return ASSAY_OK;
}

static enum assay_err
make_first(struct signing *s, int64_t now)
{
	struct keyset_statement decision = {.role = KEYSET_DECISION, .at = now};
	struct keyset_statement audit = {.role = KEYSET_AUDIT, .at = now};
	enum assay_err e;

	if ((e = make_signer(s, 0, &s->decision)) != ASSAY_OK)
		return e;
	snprintf(s->root, sizeof s->root, "%s", signer_kid(s->decision));
	snprintf(s->issuer, sizeof s->issuer, "urn:assay:%s", s->root);
	if ((e = append(s, s->decision, s->decision, &decision)) != ASSAY_OK ||
	    (e = make_signer(s, 1, &s->audit)) != ASSAY_OK)
		return e;
	return append(s, s->decision, s->audit, &audit);
}

/* The root is who signed the first line: that the chain is ours, the secrets show. */
static enum assay_err
read_chain(struct signing *s)
{
	uint8_t buf[KEYSET_STATEMENT_MAX];
	struct reader r;
	struct jws first;
	enum assay_err e = ASSAY_OK;

	rd_init(&r, SPAN(s->chain, s->chain_len));
	while (rd_left(&r) > 0 && e == ASSAY_OK) {
		struct reader ahead = r;
		struct span line = rd_bytes(&r, span_until(rd_rest(&ahead), '\n').n);

		if (rd_u8(&r) != '\n')
			return ASSAY_TRUNCATED;
		if (s->set.n == 0) {
			if ((e = jws_parse(line, buf, sizeof buf, &first)) != ASSAY_OK)
				return e;
			if (strlen(first.kid) >= sizeof s->root)
				return ASSAY_MALFORMED;
			snprintf(s->root, sizeof s->root, "%.43s", first.kid);
		}
		e = keyset_add(&s->set, line, s->root);
	}
	if (e == ASSAY_OK)
		snprintf(s->issuer, sizeof s->issuer, "%s", s->set.issuer);
	return e;
}

static enum assay_err
load_current(struct signing *s)
{
	enum assay_err e = ASSAY_OK;

	for (uint32_t i = 0; i < s->set.n && e == ASSAY_OK; i++) {
		if (s->set.key[i].until != 0)
			continue;
		e = load_signer(s, i, s->set.key[i].role == KEYSET_AUDIT ? &s->audit
									 : &s->decision);
	}
	if (e == ASSAY_OK && (!s->decision || !s->audit))
		e = ASSAY_MISSING;
	return e;
}

enum assay_err
signing_open(const char *dir, int64_t now, struct signing **ret)
{
	struct signing *s = calloc(1, sizeof *s);
	enum assay_err e;

	if (!s)
		return ASSAY_NO_MEMORY;
	if (strlen(dir) >= sizeof s->dir) {
		free(s);
		return ASSAY_TOO_LARGE;
	}
	snprintf(s->dir, sizeof s->dir, "%s", dir);
	e = keys_read_file(s->dir, CHAIN_FILE, s->chain, sizeof s->chain, &s->chain_len);
	if (e == ASSAY_NOT_FOUND)
		e = make_first(s, now);
	else if (e == ASSAY_OK && (e = read_chain(s)) == ASSAY_OK)
		e = load_current(s);
	if (e != ASSAY_OK) {
		signing_close(s);
		return e;
	}
	*ret = s;
	return ASSAY_OK;
}

void
signing_close(struct signing *s)
{
	if (!s)
		return;
	signer_free(s->decision);
	signer_free(s->audit);
	free(s);
}

struct signer *
signing_decision(struct signing *s)
{
	return s->decision;
}

struct signer *
signing_audit(struct signing *s)
{
	return s->audit;
}

const char *
signing_issuer(const struct signing *s)
{
	return s->issuer;
}

const char *
signing_root(const struct signing *s)
{
	return s->root;
}

const struct keyset *
signing_keyset(const struct signing *s)
{
	return &s->set;
}

struct span
signing_chain(const struct signing *s)
{
	return SPAN(s->chain, s->chain_len);
}

uint32_t
signing_generation(const struct signing *s)
{
	return s->set.n;
}

/* When the key of this role began: no statement is older than the one that it follows, also
 * when that one was made by a clock that was ahead. */
static int64_t
since(const struct signing *s, enum keyset_role role)
{
	int64_t at = 0;

	for (uint32_t i = 0; i < s->set.n; i++)
		if (s->set.key[i].role == role)
			at = s->set.key[i].since;
	return at;
}

enum assay_err
signing_rotate(struct signing *s, enum keyset_role role, int64_t now, int64_t overlap)
{
	struct keyset_statement st = {.role = role, .at = now, .until = now + overlap};
	struct signer *next = NULL, **place = role == KEYSET_AUDIT ? &s->audit : &s->decision;
	enum assay_err e;

	if (s->set.n == KEYSET_KEYS_MAX)
		return ASSAY_TOO_MANY;
	if ((role != KEYSET_DECISION && role != KEYSET_AUDIT) || overlap < 0 ||
	    overlap > SIGNING_OVERLAP_MAX_S)
		return ASSAY_MALFORMED;
	if (st.at < since(s, role))
		st.at = since(s, role);
	if ((e = make_signer(s, s->set.n, &next)) != ASSAY_OK)
		return e;
	if ((e = append(s, s->decision, next, &st)) != ASSAY_OK) {
		signer_free(next);
		return e;
	}
	signer_free(*place);
	*place = next;
	return ASSAY_OK;
}

/* ---- the document ---- */

static void
put_jwk(struct writer *w, const struct keyset_key *k)
{
	json_put_text(w, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
	base64url_put(w, SPAN(k->key.x, 32));
	json_put_text(w, "\",\"y\":\"");
	base64url_put(w, SPAN(k->key.y, 32));
	json_put_text(w, "\",\"kid\":");
	json_put_string(w, k->kid);
	json_put_text(w, ",\"alg\":\"ES256\",\"use\":\"sig\"}");
}

static void
put_keys(const struct signing *s, int64_t now, struct writer *w)
{
	bool any = false;

	for (uint32_t i = s->set.n; i-- > 0;) {
		const struct keyset_key *k = &s->set.key[i];

		if (k->role != KEYSET_DECISION || (k->until != 0 && k->until <= now))
			continue;
		json_put_text(w, any ? "," : "");
		put_jwk(w, k);
		any = true;
	}
}

enum assay_err
signing_jwks(const struct signing *s, int64_t now, struct writer *w)
{
	struct reader r;
	size_t n;

	json_put_text(w, "{\"keys\":[");
	put_keys(s, now, w);
	json_put_text(w, "],\"assay\":{\"root\":");
	json_put_string(w, s->root);
	json_put_text(w, ",\"chain\":[");
	rd_init(&r, SPAN(s->chain, s->chain_len));
	for (uint32_t i = 0; i < s->set.n; i++) {
		struct reader ahead = r;

		json_put_text(w, i ? ",\"" : "\"");
		wr_bytes(w, rd_bytes(&r, span_until(rd_rest(&ahead), '\n').n));
		wr_u8(w, '"');
		(void)rd_u8(&r);
	}
	json_put_text(w, "]}}");
	return wr_finish(w, &n);
}
