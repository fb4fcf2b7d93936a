/* keeper_operation_enrol.c: who may enrol (tokens, EKs). Secrets are made here, told
 * once, and only their hashes are stored. */
#include "keeper_operation.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_ID_BYTES 8
#define TOKEN_EXPIRES_DEFAULT (24 * 3600)
#define EXPIRES_LEAST 60
#define EXPIRES_MOST (10ull * 366 * 86400)
#define EK_LINES_MAX 10000

/* ---- enrolment tokens ---- */

static enum assay_err
read_tier(struct call *c, enum tier *ret)
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_TIER, text, sizeof text);
	*ret = keeper_config(c->k)->accept_virtual_tpm ? TIER_VTPM : TIER_TPM;
	if (!*text)
		return ASSAY_OK;
	for (unsigned t = TIER_NONE + 1; t < TIER_COUNT; t++) {
		if (strcmp(text, tier_name(t)) != 0)
			continue;
		*ret = (enum tier)t;
		return ASSAY_OK;
	}
	return call_fail(c, ASSAY_MALFORMED, "tier: there is no tier `%.40s'; the highest is `%s'",
			 text, tier_name(TIER_TPM));
}

static enum assay_err
read_token(struct call *c, struct ledger_token *t)
{
	uint64_t expires, uses;
	enum assay_err e;

	if ((e = call_class(c, t->class_name)) != ASSAY_OK ||
	    (e = call_labels(c, t->labels)) != ASSAY_OK ||
	    (e = read_tier(c, &t->lowest_tier)) != ASSAY_OK ||
	    (e = call_number(c, F_USES, (struct call_range){1, 1000000, 1}, &uses)) != ASSAY_OK ||
	    (e = call_number(c, F_EXPIRES,
			     (struct call_range){EXPIRES_LEAST, EXPIRES_MOST,
						 TOKEN_EXPIRES_DEFAULT},
			     &expires)) != ASSAY_OK)
		return e;
	if (!*t->class_name)
		return call_fail(c, ASSAY_MALFORMED, "class: is required");
	t->uses_left = (uint32_t)uses;
	t->created = keeper_now(c->k);
	t->expires = t->created + (int64_t)expires;
	text_format(t->created_by, sizeof t->created_by, "%s", c->actor);
	return ASSAY_OK;
}

static json_t *
json_token(const struct ledger_token *t, int64_t now)
{
	const char *state = t->uses_left == 0 ? "used" : now >= t->expires ? "expired" : "valid";

	return json_pack("{s:s, s:s, s:o, s:s, s:i, s:s, s:o, s:o, s:s}", "id", t->id, "class",
			 t->class_name, "labels", json_text(t->labels), "lowest_tier",
			 tier_name(t->lowest_tier), "uses_left", (int)t->uses_left, "state", state,
			 "created", json_time(t->created), "expires", json_time(t->expires),
			 "created_by", t->created_by);
}

/* id.secret.pin: the pin makes the agent refuse every other verifier (I15). */
static enum assay_err
answer_token(struct call *c, const struct ledger_token *t, const char *secret)
{
	char text[2 * MSG_TOKEN_FIELD_MAX + 72];
	int bad;

	text_format(text, sizeof text, "%s.%s.%s", t->id, secret, keeper_tls_pin(c->k));
	c->ret = json_token(t, keeper_now(c->k));
	bad = json_object_set_new(c->ret, "token", json_string(text));
	explicit_bzero(text, sizeof text);
	return bad ? ASSAY_NO_MEMORY : ASSAY_OK;
}

enum assay_err
operation_on_token_create(struct call *c)
{
	char secret[2 * CALL_SECRET_BYTES + 1], detail[LEDGER_TEXT_MAX];
	struct ledger_token t = {.uses_left = 0};
	enum assay_err e;

	if ((e = read_token(c, &t)) != ASSAY_OK ||
	    (e = call_secret(t.id, sizeof t.id, TOKEN_ID_BYTES)) != ASSAY_OK ||
	    (e = call_secret(secret, sizeof secret, CALL_SECRET_BYTES)) != ASSAY_OK)
		return e;
	text_format(detail, sizeof detail, "class=%s uses=%u lowest-tier=%s", t.class_name,
		    t.uses_left, tier_name(t.lowest_tier));
	if ((e = digest_sha256(SPAN(secret, strlen(secret)), t.secret_hash)) == ASSAY_OK &&
	    (e = call_change(c)) == ASSAY_OK &&
	    (e = ledger_token_insert(c->l, &t)) == ASSAY_OK &&
	    (e = call_audit(c, t.id, detail)) == ASSAY_OK)
		e = answer_token(c, &t, secret);
	explicit_bzero(secret, sizeof secret);
	return e;
}

enum assay_err
operation_on_token_list(struct call *c)
{
	char after[OPERATION_TEXT_MAX + 1];
	struct ledger_token t;
	enum assay_err e;
	uint64_t limit;
	json_t *list;

	call_text(c, F_AFTER, after, sizeof after);
	if ((e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "tokens",
			   "next");
	list = json_object_get(c->ret, "tokens");
	while (list && json_array_size(list) < limit) {
		e = ledger_token_next(c->l, after, &t);
		if (e == ASSAY_NOT_FOUND)
			return ASSAY_OK;
		if (e != ASSAY_OK)
			return e;
		text_format(after, sizeof after, "%s", t.id);
		if (json_array_append_new(list, json_token(&t, keeper_now(c->k))) != 0)
			return ASSAY_NO_MEMORY;
	}
	return json_object_set_new(c->ret, "next", json_text(after)) ? ASSAY_NO_MEMORY : ASSAY_OK;
}

/* ---- EKs registered beforehand ---- */

/* "HEX" or "HEX NAME", blanks or a comma between. */
static enum assay_err
read_ek_line(struct call *c, struct span line, struct ledger_ek *ret)
{
	char text[2 * 32 + LEDGER_NAME_MAX + 8];
	size_t hex, n;

	if (line.n >= sizeof text)
		return ASSAY_TOO_LARGE;
	if (line.n)
		memcpy(text, line.p, line.n);
	text[line.n] = '\0';
	hex = strcspn(text, " \t,");
	n = hex + strspn(text + hex, " \t,");
	c->op.field[F_NAME] = SPAN(line.p + n, line.n - n);
	text[hex] = '\0';
	if (hex_decode(text, ret->ek_digest, sizeof ret->ek_digest, &n) != ASSAY_OK || n != 32)
		return call_fail(c, ASSAY_MALFORMED,
				 "must be 64 hex digits, the SHA-256 of the EK's Name");
	return call_name(c, F_NAME, ret->name);
}

typedef enum assay_err ek_handler(struct call *c, const struct ledger_ek *e, void *arg);

/* The next line, without its end; lines that are empty or comments are passed over.
 * False at the end. */
static bool
next_line(struct span *left, struct span *ret, unsigned *number)
{
	while (left->n > 0) {
		const uint8_t *end = memchr(left->p, '\n', left->n);
		struct span line = SPAN(left->p, end ? (size_t)(end - left->p) : left->n);

		*left = end ? SPAN(end + 1, left->n - line.n - 1) : SPAN(NULL, 0);
		(*number)++;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		*ret = line;
		if (line.n > 0 && line.p[0] != '#')
			return true;
	}
	return false;
}

/* Calls handler for every EK of the file; complaints get the line's number. *e holds
 * class and labels, the same for all. */
static enum assay_err
each_ek(struct call *c, struct ledger_ek *e, ek_handler *handler, void *arg)
{
	struct span left = c->op.field[F_FILE], line;
	enum assay_err err = ASSAY_OK;
	unsigned number = 0;
	char why[CALL_MESSAGE_MAX];

	while (err == ASSAY_OK && next_line(&left, &line, &number)) {
		if (number > EK_LINES_MAX)
			err = call_fail(c, ASSAY_TOO_MANY, "more than %d lines", EK_LINES_MAX);
		else if ((err = read_ek_line(c, line, e)) == ASSAY_OK)
			err = handler(c, e, arg);
	}
	if (err == ASSAY_OK)
		return ASSAY_OK;
	text_format(why, sizeof why, "%.300s", *c->message ? c->message : assay_err_text(err));
	return call_fail(c, err, "line %u: %s", number, why);
}

static enum assay_err
insert_ek(struct call *c, const struct ledger_ek *e, void *arg)
{
	(void)arg;
	return ledger_ek_insert(c->l, e);
}

/* One EK is a file of one line. */
static enum assay_err
one_ek_as_file(struct call *c, char line[2 * OPERATION_TEXT_MAX])
{
	char ek[OPERATION_TEXT_MAX + 1], name[OPERATION_TEXT_MAX + 1];

	if (call_has(c, F_FILE) == call_has(c, F_EK))
		return call_fail(c, ASSAY_MALFORMED, "give either ek or file");
	if (call_has(c, F_FILE))
		return ASSAY_OK;
	call_text(c, F_EK, ek, sizeof ek);
	call_text(c, F_NAME, name, sizeof name);
	text_format(line, 2 * OPERATION_TEXT_MAX, "%s%s%s", ek, *name ? " " : "", name);
	c->op.field[F_FILE] = SPAN(line, strlen(line));
	return ASSAY_OK;
}

/* Two lines with the same EK: found before anything is stored. */
struct ek_seen {
	uint8_t digest[32];
};

struct eks_seen {
	struct ek_seen *list;
	size_t n;
};

static int
by_digest(const void *a, const void *b)
{
	return memcmp(((const struct ek_seen *)a)->digest, /* public */
		      ((const struct ek_seen *)b)->digest, 32);
}

static enum assay_err
collect_ek(struct call *c, const struct ledger_ek *e, void *arg)
{
	struct eks_seen *seen = arg;
	struct ledger_ek there;
	enum assay_err err = ledger_ek_get(c->l, e->ek_digest, &there);

	if (err == ASSAY_OK)
		return call_fail(c, ASSAY_EXISTS, "this EK is on the list already");
	if (err != ASSAY_NOT_FOUND)
		return err;
	memcpy(seen->list[seen->n++].digest, e->ek_digest, 32);
	return ASSAY_OK;
}

static enum assay_err
check_eks(struct call *c, struct ledger_ek *e, size_t *ret_n)
{
	struct eks_seen seen = {calloc(EK_LINES_MAX, sizeof(struct ek_seen)), 0};
	enum assay_err err;

	if (!seen.list)
		return ASSAY_NO_MEMORY;
	err = each_ek(c, e, collect_ek, &seen);
	if (err == ASSAY_OK && seen.n == 0)
		err = call_fail(c, ASSAY_MALFORMED, "there is no EK in it");
	if (err == ASSAY_OK)
		qsort(seen.list, seen.n, sizeof *seen.list, by_digest);
	for (size_t i = 1; err == ASSAY_OK && i < seen.n; i++)
		if (by_digest(&seen.list[i - 1], &seen.list[i]) == 0)
			err = call_fail(c, ASSAY_DUPLICATE, "an EK is given twice");
	free(seen.list);
	*ret_n = seen.n;
	return err;
}

enum assay_err
operation_on_ek_allow(struct call *c)
{
	char line[2 * OPERATION_TEXT_MAX], detail[LEDGER_TEXT_MAX];
	struct ledger_ek e = {.created = keeper_now(c->k)};
	enum assay_err err;
	size_t n;

	if ((err = one_ek_as_file(c, line)) != ASSAY_OK ||
	    (err = call_class(c, e.class_name)) != ASSAY_OK ||
	    (err = call_labels(c, e.labels)) != ASSAY_OK)
		return err;
	if (!*e.class_name)
		return call_fail(c, ASSAY_MALFORMED, "class: is required");
	if ((err = check_eks(c, &e, &n)) != ASSAY_OK || (err = call_change(c)) != ASSAY_OK ||
	    (err = each_ek(c, &e, insert_ek, NULL)) != ASSAY_OK)
		return err;
	c->ret = json_pack("{s:i}", "allowed", (int)n);
	text_format(detail, sizeof detail, "%zu EKs, class=%s", n, e.class_name);
	return call_audit(c, e.class_name, detail);
}
