/* keeper_operation_operator.c: who may operate: by a bearer token, made here, told once and
 * stored as a hash; or by a client certificate, of which keeper only ever sees the hash. */
#include "keeper_operation.h"

#include "evidence/digest.h"
#include "evidence/hex.h"
#include "random.h"
#include "verifier/appraise/text.h"

#include <string.h>

#define EXPIRES_LEAST 60
#define EXPIRES_MOST (10ull * 366 * 86400)
#define OPERATOR_EXPIRES_DEFAULT (90ull * 86400)

enum assay_err
call_secret(char *ret, size_t cap, size_t n)
{
	uint8_t bytes[CALL_SECRET_BYTES];
	enum assay_err e = n <= sizeof bytes ? random_bytes(bytes, n) : ASSAY_TOO_LARGE;

	if (e == ASSAY_OK)
		e = hex_encode(SPAN(bytes, n), ret, cap);
	explicit_bzero(bytes, sizeof bytes);
	return e;
}

/* ---- who a request is from ---- */

/* A certificate counts only within its own time, whatever was said when it was added. */
enum assay_err
call_owner(struct keeper *k, const struct operation_caller *who, struct ledger_operator *ret)
{
	int64_t now = keeper_now(k);
	enum assay_err e;

	if (who->kind == CREDENTIAL_NONE)
		return ASSAY_MISSING;
	e = ledger_operator_by_hash(keeper_ledger(k), who->kind, who->hash, ret);
	if (e != ASSAY_OK)
		return e;
	if (ret->revoked)
		return ASSAY_REVOKED;
	if (ret->expires <= now || (who->kind == CREDENTIAL_CERTIFICATE &&
				    (now < who->valid_from || now > who->valid_to)))
		return ASSAY_EXPIRED;
	return ASSAY_OK;
}

/* ---- operators ---- */

static json_t *
json_operator(const struct ledger_operator *o, int64_t now)
{
	const char *state = o->revoked ? "revoked" : now >= o->expires ? "expired" : "valid";

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name", o->name, "role",
			 operator_role_name(o->role), "state", state, "created",
			 json_time(o->created), "expires", json_time(o->expires), "certificate",
			 o->credential == CREDENTIAL_CERTIFICATE ? json_hex(o->hash, sizeof o->hash)
								 : json_null());
}

static enum assay_err
read_operator(struct call *c, struct ledger_operator *o)
{
	char role[OPERATION_TEXT_MAX + 1];
	uint64_t expires;
	enum assay_err e;

	if ((e = call_name(c, F_NAME, o->name)) != ASSAY_OK ||
	    (e = call_need(c, F_ROLE, role)) != ASSAY_OK ||
	    (e = call_number(c, F_EXPIRES,
			     (struct call_range){EXPIRES_LEAST, EXPIRES_MOST,
						 OPERATOR_EXPIRES_DEFAULT},
			     &expires)) != ASSAY_OK)
		return e;
	if (!*o->name)
		return call_fail(c, ASSAY_MALFORMED, "name: is required");
	o->role = operator_role_by_name(role);
	if (o->role == ROLE_NONE)
		return call_fail(c, ASSAY_MALFORMED, "role: must be viewer, operator, admin or "
						     "relying-party");
	o->created = keeper_now(c->k);
	o->expires = o->created + (int64_t)expires;
	return ASSAY_OK;
}

/* A certificate's hash as it was given, or that of a secret made now. */
static enum assay_err
make_credential(struct call *c, struct ledger_operator *o, char secret[2 * CALL_SECRET_BYTES + 1])
{
	enum assay_err e;

	secret[0] = '\0';
	if (call_has(c, F_CERT)) {
		o->credential = CREDENTIAL_CERTIFICATE;
		return call_digest(c, F_CERT, o->hash);
	}
	o->credential = CREDENTIAL_TOKEN;
	e = call_secret(secret, 2 * CALL_SECRET_BYTES + 1, CALL_SECRET_BYTES);
	return e == ASSAY_OK ? digest_sha256(SPAN(secret, strlen(secret)), o->hash) : e;
}

static enum assay_err
insert_operator(struct call *c, const struct ledger_operator *o)
{
	char detail[LEDGER_TEXT_MAX], hex[2 * sizeof o->hash + 1] = "";
	enum assay_err e = ledger_operator_insert(c->l, o);
	bool certificate = o->credential == CREDENTIAL_CERTIFICATE;

	if (e == ASSAY_EXISTS)
		return call_fail(c, e, "there is an operator `%s' already%s; names%s are not "
				       "reused",
				 o->name, certificate ? ", or one with this certificate" : "",
				 certificate ? " and certificates" : "");
	if (e != ASSAY_OK ||
	    (certificate && (e = hex_encode(SPAN(o->hash, 32), hex, sizeof hex)) != ASSAY_OK))
		return e;
	text_format(detail, sizeof detail, "%s%s%s", operator_role_name(o->role),
		    certificate ? ", certificate " : "", hex);
	return call_audit(c, o->name, detail);
}

enum assay_err
operation_on_operator_add(struct call *c)
{
	char secret[2 * CALL_SECRET_BYTES + 1];
	struct ledger_operator o = {.revoked = false};
	enum assay_err e;

	if ((e = read_operator(c, &o)) != ASSAY_OK)
		return e;
	if ((e = make_credential(c, &o, secret)) != ASSAY_OK || (e = call_change(c)) != ASSAY_OK ||
	    (e = insert_operator(c, &o)) != ASSAY_OK)
		goto out;
	c->ret = json_operator(&o, keeper_now(c->k));
	if (!c->ret || (*secret && json_object_set_new(c->ret, "token", json_string(secret)) != 0))
		e = ASSAY_NO_MEMORY;
out:
	explicit_bzero(secret, sizeof secret);
	return e;
}

enum assay_err
operation_on_operator_list(struct call *c)
{
	char after[OPERATION_TEXT_MAX + 1];
	struct ledger_operator o;
	enum assay_err e;
	uint64_t limit;
	json_t *list;

	call_text(c, F_AFTER, after, sizeof after);
	if ((e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK)
		return e;
	if (strlen(after) > LEDGER_NAME_MAX)
		return call_fail(c, ASSAY_MALFORMED, "after: is not the `next' of a list");
	c->ret = json_pack("{s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "operators",
			   "next");
	list = json_object_get(c->ret, "operators");
	while (list && json_array_size(list) < limit) {
		e = ledger_operator_next(c->l, after, &o);
		if (e == ASSAY_NOT_FOUND)
			return ASSAY_OK;
		if (e != ASSAY_OK)
			return e;
		text_format(after, sizeof after, "%s", o.name);
		if (json_array_append_new(list, json_operator(&o, keeper_now(c->k))) != 0)
			return ASSAY_NO_MEMORY;
	}
	return json_object_set_new(c->ret, "next", json_text(after)) ? ASSAY_NO_MEMORY : ASSAY_OK;
}

enum assay_err
operation_on_operator_revoke(struct call *c)
{
	char name[LEDGER_NAME_MAX + 1];
	enum assay_err e;

	if ((e = call_name(c, F_NAME, name)) != ASSAY_OK)
		return e;
	if (!*name)
		return call_fail(c, ASSAY_MALFORMED, "name: is required");
	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	e = ledger_operator_revoke(c->l, name);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, e, "there is no operator `%s'", name);
	if (e != ASSAY_OK || (e = call_audit(c, name, "")) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:s, s:s}", "name", name, "state", "revoked");
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}
