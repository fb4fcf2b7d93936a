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
#define CHAIN_NEW "chain.new"
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
	/* what was prepared: the same, that do not count yet; signers: NULL if not new */
	bool prepared;
	struct keyset next;
	size_t next_len;
	uint8_t next_chain[CHAIN_MAX];
	struct signer *next_decision, *next_audit;
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

static enum assay_err
remove_file(const char *dir, const char *name)
{
	char path[DIR_MAX + 40];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return unlink(path) == 0 || errno == ENOENT ? ASSAY_OK : ASSAY_IO;
}

/* A secret that no statement names yet is left over from a crash: it is made anew. */
static enum assay_err
make_signer(const struct signing *s, uint32_t n, struct signer **ret)
{
	uint8_t secret[SIGNER_SECRET_SIZE];
	char name[32];
	enum assay_err e;

	secret_name(n, name);
	if ((e = remove_file(s->dir, name)) != ASSAY_OK)
		return e;
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
store_next(const struct signing *s)
{
	enum assay_err e;

	if ((e = remove_file(s->dir, CHAIN_NEW)) != ASSAY_OK ||
	    (e = keys_write_file(s->dir, CHAIN_NEW, s->next_chain, s->next_len)) != ASSAY_OK)
		return e;
	return sync_dir(s->dir);
}

/* The new chain takes the place of the old. */
static enum assay_err
exchange(const char *dir)
{
	char from[DIR_MAX + 16], to[DIR_MAX + 16];

	snprintf(from, sizeof from, "%s/%s", dir, CHAIN_NEW);
	snprintf(to, sizeof to, "%s/%s", dir, CHAIN_FILE);
	return rename(from, to) == 0 ? sync_dir(dir) : ASSAY_IO;
}

static void
prepare(struct signing *s)
{
	if (s->prepared)
		return;
	s->prepared = true;
	s->next = s->set;
	memcpy(s->next_chain, s->chain, s->chain_len);
	s->next_len = s->chain_len;
}

/* One more statement about the key of `of`, signed by `by`, on disk. */
static enum assay_err
append(struct signing *s, struct signer *by, const struct signer *of, struct keyset_statement *st)
{
	uint8_t payload[KEYSET_STATEMENT_MAX];
	struct writer p, w;
	enum assay_err e;

	st->n = s->next.n;
	st->key = *signer_public(of);
	snprintf(st->issuer, sizeof st->issuer, "%s", s->issuer);
	wr_init(&p, payload, sizeof payload);
	if ((e = keyset_statement_write(st, &p)) != ASSAY_OK)
		return e;
	wr_init(&w, s->next_chain + s->next_len, sizeof s->next_chain - s->next_len - 1);
	if ((e = signer_jws(by, KEYSET_TYP, wr_span(&p), &w)) != ASSAY_OK ||
	    (e = keyset_add(&s->next, wr_span(&w), s->root)) != ASSAY_OK)
		return e;
	s->next_len += w.len;
	s->next_chain[s->next_len++] = '\n';
	return store_next(s);
}

static void
replace(struct signer **place, struct signer **by)
{
	if (!*by)
		return;
	signer_free(*place);
	*place = *by;
	*by = NULL;
}

const struct keyset *
signing_prepared(const struct signing *s)
{
	return s->prepared ? &s->next : &s->set;
}

enum assay_err
signing_settle(struct signing *s, bool *ret_changed)
{
	enum assay_err e;

	*ret_changed = s->prepared;
	if (!s->prepared)
		return ASSAY_OK;
	if ((e = exchange(s->dir)) != ASSAY_OK)
		return e;
	s->set = s->next;
	memcpy(s->chain, s->next_chain, s->next_len);
	s->chain_len = s->next_len;
	replace(&s->decision, &s->next_decision);
	replace(&s->audit, &s->next_audit);
	s->prepared = false;
	return ASSAY_OK;
}

/* The chain first: a secret that it does not name is nothing. What cannot be removed is
 * written anew with the next key. */
void
signing_drop(struct signing *s)
{
	char name[32];

	if (!s->prepared)
		return;
	(void)remove_file(s->dir, CHAIN_NEW);
	for (uint32_t n = s->set.n; n <= s->next.n && n < KEYSET_KEYS_MAX; n++) {
		secret_name(n, name);
		(void)remove_file(s->dir, name);
	}
	signer_free(s->next_decision);
	signer_free(s->next_audit);
	s->next_decision = s->next_audit = NULL;
	s->prepared = false;
}

static enum assay_err
make_first(struct signing *s, int64_t now)
{
	struct keyset_statement decision = {.role = KEYSET_DECISION, .at = now};
	struct keyset_statement audit = {.role = KEYSET_AUDIT, .at = now};
	enum assay_err e;
	bool changed;

	if ((e = make_signer(s, 0, &s->decision)) != ASSAY_OK)
		return e;
	snprintf(s->root, sizeof s->root, "%s", signer_kid(s->decision));
	snprintf(s->issuer, sizeof s->issuer, "urn:assay:%s", s->root);
	prepare(s);
	if ((e = append(s, s->decision, s->decision, &decision)) != ASSAY_OK ||
	    (e = make_signer(s, 1, &s->audit)) != ASSAY_OK ||
	    (e = append(s, s->decision, s->audit, &audit)) != ASSAY_OK)
		return e;
	return signing_settle(s, &changed);
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

/* NULL: no memory, or the folder's name is too long. */
static struct signing *
new_of(const char *dir)
{
	struct signing *s = strlen(dir) < DIR_MAX ? calloc(1, sizeof *s) : NULL;

	if (s)
		snprintf(s->dir, sizeof s->dir, "%s", dir);
	return s;
}

static enum assay_err
read_file(struct signing *s, const char *name)
{
	enum assay_err e = keys_read_file(s->dir, name, s->chain, sizeof s->chain, &s->chain_len);

	if (e != ASSAY_OK || (e = read_chain(s)) != ASSAY_OK)
		return e;
	return load_current(s);
}

enum assay_err
signing_open(const char *dir, int64_t now, struct signing **ret)
{
	struct signing *s = new_of(dir);
	enum assay_err e;

	if (!s)
		return ASSAY_NO_MEMORY;
	e = keys_read_file(s->dir, CHAIN_FILE, s->chain, sizeof s->chain, &s->chain_len);
	e = e == ASSAY_NOT_FOUND ? make_first(s, now) : read_file(s, CHAIN_FILE);
	if (e != ASSAY_OK) {
		signing_close(s);
		return e;
	}
	*ret = s;
	return ASSAY_OK;
}

/* Whether chain.new is whole, goes on from the chain that there is, and was recorded. */
static bool
is_next(struct signing *s, signing_recorded *recorded, void *self)
{
	struct span now;

	if (read_file(s, CHAIN_NEW) != ASSAY_OK ||
	    keys_read_file(s->dir, CHAIN_FILE, s->next_chain, sizeof s->next_chain,
			   &s->next_len) != ASSAY_OK || s->next_len >= s->chain_len)
		return false;
	now = SPAN(s->next_chain, s->next_len);
	return span_equal(SPAN(s->chain, now.n), now) &&
	       recorded(self, s->set.key[s->set.n - 1].kid);
}

enum assay_err
signing_recover(const char *dir, signing_recorded *recorded, void *self)
{
	struct signing *s = new_of(dir);
	enum assay_err e;

	if (!s)
		return ASSAY_NO_MEMORY;
	e = is_next(s, recorded, self) ? exchange(dir) : remove_file(dir, CHAIN_NEW);
	signing_close(s);
	return e;
}

void
signing_close(struct signing *s)
{
	if (!s)
		return;
	signer_free(s->decision);
	signer_free(s->audit);
	signer_free(s->next_decision);
	signer_free(s->next_audit);
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
since(const struct keyset *set, enum keyset_role role)
{
	int64_t at = 0;

	for (uint32_t i = 0; i < set->n; i++)
		if (set->key[i].role == role)
			at = set->key[i].since;
	return at;
}

enum assay_err
signing_rotate(struct signing *s, enum keyset_role role, int64_t now, int64_t overlap)
{
	struct keyset_statement st = {.role = role, .at = now, .until = now + overlap};
	struct signer *made = NULL, *by;
	enum assay_err e;

	if (signing_prepared(s)->n == KEYSET_KEYS_MAX)
		return ASSAY_TOO_MANY;
	if ((role != KEYSET_DECISION && role != KEYSET_AUDIT) || overlap < 0 ||
	    overlap > SIGNING_OVERLAP_MAX_S)
		return ASSAY_MALFORMED;
	prepare(s);
	if (st.at < since(&s->next, role))
		st.at = since(&s->next, role);
	if ((e = make_signer(s, s->next.n, &made)) != ASSAY_OK)
		return e;
	by = s->next_decision ? s->next_decision : s->decision;
	e = append(s, by, made, &st);
	replace(role == KEYSET_AUDIT ? &s->next_audit : &s->next_decision, &made);
	return e;
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
