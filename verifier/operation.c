/* operation.c: see operation.h. */
#include "operation.h"

#include <string.h>

static const struct {
	const char *name;
	enum operator_role lowest;
} operations[OP_COUNT] = {
	[OP_NONE] = {"none", ROLE_NONE},
#define X(op, name, role) [OP_##op] = {name, ROLE_##role},
	OPERATIONS(X)
#undef X
};

static const char *const roles[ROLE_COUNT] = {
	[ROLE_NONE] = "none",	      [ROLE_VIEWER] = "viewer",
	[ROLE_OPERATOR] = "operator", [ROLE_ADMIN] = "admin",
	[ROLE_RELYING_PARTY] = "relying-party",
};

const char *
operation_name(enum operation_code c)
{
	return operations[(unsigned)c < OP_COUNT ? c : OP_NONE].name;
}

enum operator_role
operation_lowest_role(enum operation_code c)
{
	return (unsigned)c < OP_COUNT ? operations[c].lowest : ROLE_NONE;
}

/* Only these three are ranks; a relying party's number being higher means nothing. */
static bool
is_rank(enum operator_role r)
{
	return r == ROLE_VIEWER || r == ROLE_OPERATOR || r == ROLE_ADMIN;
}

bool
operation_permitted(enum operation_code c, enum operator_role r)
{
	enum operator_role lowest = operation_lowest_role(c);

	if (lowest == ROLE_RELYING_PARTY) /* what it may, every rank may */
		return r == ROLE_RELYING_PARTY || is_rank(r);
	return is_rank(r) && is_rank(lowest) && r >= lowest;
}

/* As the roles have it; the exceptions are questions that need a higher role. */
enum operation_rate
operation_rate(enum operation_code c)
{
	switch (c) {
	case OP_TOKEN_LIST:
	case OP_OPERATOR_LIST:
	case OP_UPLOAD_APPEND:
		return RATE_READS;
	default:
		break;
	}
	switch (operation_lowest_role(c)) {
	case ROLE_VIEWER:
		return RATE_READS;
	case ROLE_RELYING_PARTY:
		return RATE_ADMISSIONS;
	default:
		return RATE_CHANGES;
	}
}

const char *
operation_rate_name(enum operation_rate r)
{
	static const char *const names[RATE_COUNT + 1] = {"reads", "changes", "admissions",
							  "failures"};

	return names[(unsigned)r < RATE_COUNT ? r : RATE_COUNT];
}

const char *
operator_role_name(enum operator_role r)
{
	return roles[(unsigned)r < ROLE_COUNT ? r : ROLE_NONE];
}

enum operator_role
operator_role_by_name(const char *name)
{
	for (unsigned r = ROLE_NONE + 1; r < ROLE_COUNT; r++)
		if (strcmp(roles[r], name) == 0)
			return (enum operator_role)r;
	return ROLE_NONE;
}

static const char *const field_names[F_COUNT] = {
	[F_NONE] = "none",	 [F_DEVICE] = "device",	      [F_NAME] = "name",
	[F_CLASS] = "class",	 [F_LABELS] = "labels",	      [F_REASON] = "reason",
	[F_EXPIRES] = "expires", [F_USES] = "uses",	      [F_AFTER] = "after",
	[F_LIMIT] = "limit",	 [F_REFERENCE] = "reference", [F_DIGEST] = "digest",
	[F_PCRS] = "pcrs",	 [F_EK] = "ek",		      [F_ROLE] = "role",
	[F_POLICY] = "policy",	 [F_FILE] = "file",	      [F_FILENAME] = "filename",
	[F_SCOPE] = "scope",	 [F_TIER] = "tier",	      [F_STATUS] = "status",
	[F_NONCE] = "nonce",	 [F_UPLOAD] = "upload",	      [F_OFFSET] = "offset",
	[F_AUDIENCE] = "audience",
	[F_REPLAY] = "replay",	 [F_FORCE] = "force",	      [F_RING] = "ring",
	[F_HALT] = "halt_above", [F_FLIPS] = "max_flips",     [F_TO] = "to",
	[F_FROM] = "from",	 [F_UNTIL] = "until",	      [F_VERSION] = "version",
	[F_WHAT] = "what",	 [F_ADDRESS] = "address",	      [F_MAC] = "mac",
	[F_CERT] = "cert",	 [F_CHALLENGE] = "challenge",
	[F_SEQUENCE] = "sequence",
};

const char *
operation_field_name(enum operation_field f)
{
	return field_names[(unsigned)f < F_COUNT ? f : F_NONE];
}

enum operation_field
operation_field_by_name(const char *name)
{
	for (unsigned f = F_NONE + 1; f < F_COUNT; f++)
		if (strcmp(field_names[f], name) == 0)
			return (enum operation_field)f;
	return F_NONE;
}

static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7E)
			return false;
	return true;
}

static enum assay_err
check_field(enum operation_field f, struct span s)
{
	size_t max = f == F_FILE ? OPERATION_FILE_MAX : OPERATION_TEXT_MAX;

	if (s.n == 0)
		return ASSAY_MALFORMED;
	if (s.n > max)
		return ASSAY_TOO_LARGE;
	return f == F_FILE || is_printable(s) ? ASSAY_OK : ASSAY_MALFORMED;
}

static void
write_caller(struct writer *w, const struct operation_caller *c)
{
	wr_u8(w, (uint8_t)c->kind);
	wr_bytes(w, SPAN(c->hash, sizeof c->hash));
	wr_be64(w, (uint64_t)c->valid_from);
	wr_be64(w, (uint64_t)c->valid_to);
}

static void
read_caller(struct reader *r, struct operation_caller *ret)
{
	uint8_t kind = rd_u8(r);
	struct span hash = rd_bytes(r, sizeof ret->hash);

	ret->valid_from = (int64_t)rd_be64(r);
	ret->valid_to = (int64_t)rd_be64(r);
	if (kind >= CREDENTIAL_COUNT)
		rd_fail(r, ASSAY_MALFORMED);
	if (r->err != ASSAY_OK)
		return;
	ret->kind = (enum operator_credential)kind;
	memcpy(ret->hash, hash.p, sizeof ret->hash);
}

enum assay_err
operation_encode(const struct operation *op, uint8_t *ret, size_t cap, size_t *ret_len)
{
	size_t peer = strnlen(op->peer, sizeof op->peer);
	struct writer w;
	uint8_t n = 0;

	wr_init(&w, ret, cap);
	wr_be16(&w, (uint16_t)op->code);
	wr_u8(&w, op->local);
	write_caller(&w, &op->caller);
	wr_be16_bytes(&w, SPAN(op->peer, peer));
	for (unsigned f = F_NONE + 1; f < F_COUNT; f++)
		n = (uint8_t)(n + (op->field[f].n > 0));
	wr_u8(&w, n);
	for (unsigned f = F_NONE + 1; f < F_COUNT; f++) {
		enum assay_err e;

		if (op->field[f].n == 0)
			continue;
		if ((e = check_field(f, op->field[f])) != ASSAY_OK)
			wr_fail(&w, e);
		wr_u8(&w, (uint8_t)f);
		wr_be32_bytes(&w, op->field[f]);
	}
	if (peer >= sizeof op->peer || op->code <= OP_NONE || op->code >= OP_COUNT)
		wr_fail(&w, ASSAY_MALFORMED);
	return wr_finish(&w, ret_len);
}

static void
read_fields(struct reader *r, struct operation *op)
{
	uint32_t n = rd_count(r, rd_u8(r), F_COUNT - 1);
	uint8_t last = F_NONE;

	for (uint32_t i = 0; i < n && r->err == ASSAY_OK; i++) {
		uint8_t f = rd_u8(r);
		struct span s = rd_be32_bytes(r, OPERATION_FILE_MAX);
		enum assay_err e;

		if (r->err != ASSAY_OK)
			return;
		if (f <= last || f >= F_COUNT) {
			rd_fail(r, f == last ? ASSAY_DUPLICATE : ASSAY_MALFORMED);
			return;
		}
		if ((e = check_field(f, s)) != ASSAY_OK)
			rd_fail(r, e);
		op->field[f] = s;
		last = f;
	}
}

enum assay_err
operation_decode(struct span in, struct operation *ret)
{
	struct operation op = {0};
	struct span peer;
	uint16_t code;
	uint8_t local;
	enum assay_err e;
	struct reader r;

	rd_init(&r, in);
	code = rd_be16(&r);
	local = rd_u8(&r);
	read_caller(&r, &op.caller);
	peer = rd_be16_bytes(&r, sizeof op.peer - 1);
	if (code <= OP_NONE || code >= OP_COUNT || local > 1 ||
	    (local == 1 && op.caller.kind != CREDENTIAL_NONE) || !is_printable(peer))
		rd_fail(&r, ASSAY_MALFORMED);
	read_fields(&r, &op);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	op.code = (enum operation_code)code;
	op.local = local == 1;
	if (peer.n > 0)
		memcpy(op.peer, peer.p, peer.n);
	*ret = op;
	return ASSAY_OK;
}
