/* route.c: see route.h. */
#include "route.h"

#include <stdio.h>
#include <string.h>

#define B(field) (UINT64_C(1) << F_##field)
#define PAGE (B(AFTER) | B(LIMIT))
#define RECORD (B(NAME) | B(CLASS) | B(LABELS) | B(REASON))
#define SMALL ROUTE_BODY_SMALL
#define FILES ROUTE_BODY_FILE

static const struct route routes[] = {
	{METHOD_GET, "/v1/status", OP_STATUS, 0, 0},
	{METHOD_GET, "/v1/devices", OP_DEVICE_LIST, PAGE | B(CLASS) | B(LABELS) | B(STATUS), 0},
	{METHOD_GET, "/v1/devices/{device}", OP_DEVICE_SHOW, 0, 0},
	{METHOD_GET, "/v1/devices/{device}/history", OP_DEVICE_HISTORY, PAGE, 0},
	{METHOD_POST, "/v1/devices/{device}/address", OP_DEVICE_ADDRESS,
	 B(ADDRESS) | B(SCOPE) | B(REASON), SMALL},
	{METHOD_GET, "/v1/devices/{device}/case", OP_DEVICE_CASE, 0, 0},
	{METHOD_GET, "/v1/devices/{device}/evidence/{scope}", OP_DEVICE_EVIDENCE, 0, 0},
	{METHOD_POST, "/v1/devices/{device}/approve", OP_DEVICE_APPROVE, RECORD, SMALL},
	{METHOD_POST, "/v1/devices/{device}/set", OP_DEVICE_SET, RECORD, SMALL},
	{METHOD_GET, "/v1/devices/{device}/explain", OP_POLICY_EXPLAIN, 0, 0},
	{METHOD_POST, "/v1/devices/{device}/hold", OP_DEVICE_HOLD, B(REASON), SMALL},
	{METHOD_POST, "/v1/devices/{device}/release", OP_DEVICE_RELEASE, B(REASON), SMALL},
	{METHOD_POST, "/v1/devices/{device}/maintain", OP_DEVICE_MAINTAIN, B(REASON) | B(EXPIRES),
	 SMALL},
	{METHOD_POST, "/v1/devices/{device}/reread", OP_DEVICE_REREAD, B(REASON), SMALL},
	{METHOD_POST, "/v1/devices/{device}/retire", OP_DEVICE_RETIRE, B(REASON), SMALL},
	{METHOD_POST, "/v1/devices/{device}/accept-boot", OP_DEVICE_ACCEPT_BOOT,
	 B(DIGEST) | B(REASON), SMALL},
	{METHOD_GET, "/v1/tokens", OP_TOKEN_LIST, PAGE, 0},
	{METHOD_POST, "/v1/tokens", OP_TOKEN_CREATE,
	 B(CLASS) | B(LABELS) | B(USES) | B(EXPIRES) | B(TIER), SMALL},
	{METHOD_POST, "/v1/eks", OP_EK_ALLOW, B(EK) | B(FILE) | B(NAME) | B(CLASS) | B(LABELS),
	 FILES},
	{METHOD_GET, "/v1/references", OP_REFERENCE_LIST, PAGE | B(CLASS), 0},
	{METHOD_GET, "/v1/references/{reference}", OP_REFERENCE_SHOW, 0, 0},
	{METHOD_POST, "/v1/references", OP_REFERENCE_CAPTURE,
	 B(DEVICE) | B(NAME) | B(SCOPE) | B(PCRS) | B(WHAT) | B(LABELS) | B(FROM) | B(UNTIL) |
		 B(VERSION),
	 SMALL},
	{METHOD_GET, "/v1/references/{reference}/content", OP_REFERENCE_EXPORT, B(OFFSET), 0},
	{METHOD_POST, "/v1/imports", OP_REFERENCE_IMPORT,
	 B(UPLOAD) | B(DEVICE) | B(NAME) | B(CLASS) | B(REASON), SMALL},
	{METHOD_POST, "/v1/uploads", OP_UPLOAD_BEGIN, 0, SMALL},
	{METHOD_POST, "/v1/uploads/{upload}/{offset}", OP_UPLOAD_APPEND, 0, OPERATION_FILE_MAX},
	{METHOD_POST, "/v1/references/corim", OP_REFERENCE_CORIM,
	 B(FILE) | B(NAME) | B(CLASS) | B(REASON), FILES},
	{METHOD_POST, "/v1/references/{reference}/promote", OP_REFERENCE_PROMOTE, B(DIGEST), SMALL},
	{METHOD_POST, "/v1/references/{reference}/retire", OP_REFERENCE_RETIRE, 0, SMALL},
	{METHOD_GET, "/v1/policies", OP_POLICY_LIST, PAGE, 0},
	{METHOD_GET, "/v1/policies/{policy}", OP_POLICY_SHOW, 0, 0},
	{METHOD_POST, "/v1/policies", OP_POLICY_ADD, B(FILE) | B(FILENAME) | B(REASON), FILES},
	{METHOD_GET, "/metrics", OP_METRICS, 0, 0},
	{METHOD_GET, "/v1/admission", OP_ADMISSION, B(MAC) | B(CERT) | B(DEVICE), 0},
	{METHOD_GET, "/v1/devices/{device}/decision", OP_DECISION_SHOW, 0, 0},
	{METHOD_GET, "/v1/devices/{device}/token", OP_DECISION_TOKEN, B(NONCE) | B(AUDIENCE), 0},
	{METHOD_GET, "/v1/keys", OP_KEY_LIST, 0, 0},
	{METHOD_POST, "/v1/keys/rotate", OP_KEY_ROTATE, B(SCOPE) | B(EXPIRES), SMALL},
	{METHOD_GET, "/v1/audit/export", OP_AUDIT_EXPORT, B(AFTER), 0},
	{METHOD_POST, "/v1/policies/{policy}/activate", OP_POLICY_ACTIVATE,
	 B(REASON) | B(RING) | B(REPLAY) | B(HALT) | B(FLIPS) | B(FORCE), SMALL},
	{METHOD_POST, "/v1/policies/{policy}/promote", OP_POLICY_PROMOTE,
	 B(REASON) | B(RING) | B(FORCE), SMALL},
	{METHOD_GET, "/v1/replays", OP_REPLAY_LIST, 0, 0},
	{METHOD_POST, "/v1/replays", OP_REPLAY_START,
	 B(POLICY) | B(REFERENCE) | B(CLASS) | B(DEVICE), SMALL},
	{METHOD_GET, "/v1/replays/{replay}", OP_REPLAY_SHOW, 0, 0},
	{METHOD_GET, "/v1/replays/{replay}/devices", OP_REPLAY_DEVICES, PAGE | B(STATUS), 0},
	{METHOD_POST, "/v1/replays/{replay}/cancel", OP_REPLAY_CANCEL, B(REASON), SMALL},
	{METHOD_GET, "/v1/plans", OP_PLAN_LIST, 0, 0},
	{METHOD_POST, "/v1/references/{reference}/plan", OP_REFERENCE_PLAN,
	 B(TO) | B(FROM) | B(UNTIL) | B(REASON), SMALL},
	{METHOD_POST, "/v1/references/{reference}/unplan", OP_REFERENCE_UNPLAN, B(REASON), SMALL},
	{METHOD_GET, "/v1/references/{reference}/devices", OP_REFERENCE_DEVICES, PAGE, 0},
	{METHOD_GET, "/v1/known-bad", OP_KNOWN_BAD_LIST, PAGE, 0},
	{METHOD_POST, "/v1/known-bad", OP_KNOWN_BAD_ADD, B(DIGEST) | B(REASON), SMALL},
	{METHOD_GET, "/v1/challenges", OP_EVIDENCE_LIST, B(DEVICE), 0},
	{METHOD_POST, "/v1/challenges", OP_EVIDENCE_CHALLENGE, B(DEVICE) | B(EXPIRES), SMALL},
	{METHOD_POST, "/v1/challenges/{challenge}/revoke", OP_EVIDENCE_REVOKE, B(REASON), SMALL},
	{METHOD_POST, "/v1/evidence", OP_EVIDENCE_SUBMIT, B(UPLOAD), SMALL},
	{METHOD_POST, "/v1/known-bad/remove", OP_KNOWN_BAD_REMOVE, B(DIGEST) | B(REASON), SMALL},
	{METHOD_GET, "/v1/audit", OP_AUDIT_LIST, PAGE, 0},
	{METHOD_GET, "/v1/webhooks", OP_WEBHOOK_LIST, 0, 0},
	{METHOD_GET, "/v1/dead-letters", OP_WEBHOOK_DEAD, PAGE | B(NAME), 0},
	{METHOD_POST, "/v1/webhooks/{name}/retry", OP_WEBHOOK_RETRY, B(SEQUENCE) | B(SCOPE), SMALL},
	{METHOD_POST, "/v1/webhooks/{name}/drop", OP_WEBHOOK_DROP, B(SEQUENCE) | B(SCOPE), SMALL},
	{METHOD_POST, "/v1/webhooks/{name}/test", OP_WEBHOOK_TEST, 0, SMALL},
	{METHOD_GET, "/v1/operators", OP_OPERATOR_LIST, PAGE, 0},
	{METHOD_POST, "/v1/operators", OP_OPERATOR_ADD, B(NAME) | B(ROLE) | B(EXPIRES) | B(CERT),
	 SMALL},
	{METHOD_POST, "/v1/operators/{name}/revoke", OP_OPERATOR_REVOKE, 0, SMALL},
	{METHOD_POST, "/v1/ledger/accept", OP_LEDGER_ACCEPT, 0, SMALL},
};

bool
route_is_raw(const struct route *r)
{
	return r->op == OP_UPLOAD_APPEND;
}

const struct route *
route_table(size_t *ret_n)
{
	*ret_n = sizeof routes / sizeof routes[0];
	return routes;
}

/* The pattern's "{field}" at p; its end in *ret_end. */
static enum operation_field
field_of(const char *p, const char **ret_end)
{
	const char *close = strchr(p, '}');
	char name[16] = "";
	size_t n = close ? (size_t)(close - p) - 1 : 0;

	if (n < sizeof name)
		memcpy(name, p + 1, n);
	*ret_end = p + n + 2;
	return operation_field_by_name(name);
}

/* Whether path is of this pattern; the segments of its fields go to op. */
static bool
matches(const char *pattern, struct span path, struct operation *op)
{
	size_t i = 0;

	while (*pattern) {
		size_t start = i;
		enum operation_field f;

		if (*pattern != '{') {
			if (i == path.n || path.p[i] != (uint8_t)*pattern)
				return false;
			i++;
			pattern++;
			continue;
		}
		while (i < path.n && path.p[i] != '/')
			i++;
		f = field_of(pattern, &pattern);
		if (i == start)
			return false;
		op->field[f] = SPAN(path.p + start, i - start);
	}
	return i == path.n;
}

enum assay_err
route_find(enum http_method m, struct span path, const struct route **ret, struct operation *op)
{
	enum assay_err e = ASSAY_NOT_FOUND;

	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		struct operation found = *op;

		if (!matches(routes[i].pattern, path, &found))
			continue;
		e = ASSAY_STATE;
		if (routes[i].method != m)
			continue;
		*op = found;
		op->code = routes[i].op;
		*ret = &routes[i];
		return ASSAY_OK;
	}
	return e;
}

void
route_allow(struct span path, char ret[ROUTE_ALLOW_MAX])
{
	bool get = false, post = false;

	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		struct operation unused;

		if (!matches(routes[i].pattern, path, &unused))
			continue;
		get |= routes[i].method == METHOD_GET;
		post |= routes[i].method == METHOD_POST;
	}
	ret[0] = '\0';
	if (get || post)
		snprintf(ret, ROUTE_ALLOW_MAX, "%s%sOPTIONS", get ? "GET, HEAD, " : "",
			 post ? "POST, " : "");
}
