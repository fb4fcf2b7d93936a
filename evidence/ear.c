/* ear.c: see ear.h. */
#include "ear.h"

#include "base64.h"
#include "json.h"

#include <string.h>
#include <strings.h>

#define NODES_MAX 1024

static const char *const dialects[EAR_DIALECTS] = {"ietf", "veraison"};
static const char *const statuses[EAR_STATUSES] = {"none", "affirming", "warning",
						   "contraindicated"};
static const char *const claims[EAR_CLAIMS] = {
	"instance-identity", "configuration",  "executables",	 "file-system",
	"hardware",	     "runtime-opaque", "storage-opaque", "sourced-data",
};

/* Names of members in each dialect. */
static const struct names {
	const char *profile, *verifier, *status, *vector, *policies;
} names[EAR_DIALECTS] = {
	[EAR_IETF] = {"tag:ietf.org,2026:rats/ear#03", "ear_verifier_id", "ear_status",
		      "ear_trustworthiness_vector", "ear_appraisal_policy_ids"},
	[EAR_VERAISON] = {"tag:github.com,2023:veraison/ear", "ear.verifier-id", "ear.status",
			  "ear.trustworthiness-vector", "ear.appraisal-policy-id"},
};

/* Every profile that is read, and how. */
static const struct {
	const char *profile;
	enum ear_dialect dialect;
} profiles[] = {
	{"tag:ietf.org,2026:rats/ear#03", EAR_IETF},
	{"tag:github.com,2023:veraison/ear", EAR_VERAISON},
	{"tag:ietf.org,2025-07:ear", EAR_VERAISON},
	{"tag:github.com,2024:confidential-containers/Trustee", EAR_VERAISON},
};

const char *
ear_dialect_name(enum ear_dialect d)
{
	return dialects[(unsigned)d < EAR_DIALECTS ? d : EAR_IETF];
}

const char *
ear_status_name(enum ear_status s)
{
	return statuses[(unsigned)s < EAR_STATUSES ? s : EAR_NONE];
}

const char *
ear_claim_name(unsigned claim)
{
	return claim < EAR_CLAIMS ? claims[claim] : "unknown";
}

/* draft-ietf-rats-ar4si, 2.3.2 */
enum ear_status
ear_tier(int8_t v)
{
	if (v >= -1 && v <= 1)
		return EAR_NONE;
	if (v >= 96 || v <= -97)
		return EAR_CONTRAINDICATED;
	if (v >= 32 || v <= -33)
		return EAR_WARNING;
	return EAR_AFFIRMING;
}

enum ear_status
ear_status_of(const int8_t vector[EAR_CLAIMS], enum ear_status limit)
{
	enum ear_status worst = EAR_NONE;
	bool fault = false;

	for (unsigned i = 0; i < EAR_CLAIMS; i++) {
		if (ear_tier(vector[i]) > worst)
			worst = ear_tier(vector[i]);
		fault |= vector[i] == -1;
	}
	/* a claim that could not be judged, or none at all: nothing is affirmed */
	if (limit == EAR_AFFIRMING && (fault || worst == EAR_NONE))
		return EAR_NONE;
	return worst > limit ? worst : limit;
}

bool
ear_typ_fits(const char *typ)
{
	static const char prefix[] = "application/"; /* RFC 7515, 4.1.9: may be left out */

	if (strncasecmp(typ, prefix, sizeof prefix - 1) == 0)
		typ += sizeof prefix - 1;
	return *typ == '\0' || strcasecmp(typ, EAR_TYP) == 0 || strcasecmp(typ, "eat+jwt") == 0 ||
	       strcasecmp(typ, "eat-jwt") == 0;
}

/* ---- writing ---- */

static void
member(struct writer *w, const char *name)
{
	wr_u8(w, w->len == 0 ? '{' : ',');
	json_put_string(w, name);
	wr_u8(w, ':');
}

static void
put_bytes(struct writer *w, const char *name, struct span bytes)
{
	json_put_text(w, name);
	base64url_put(w, bytes);
	wr_u8(w, '"');
}

static void
put_cnf(struct writer *w, const struct key *k)
{
	const char *curve = k->curve == CURVE_P256   ? "P-256"
			    : k->curve == CURVE_P384 ? "P-384"
						     : "P-521";
	uint8_t e[4] = {(uint8_t)(k->exponent >> 24), (uint8_t)(k->exponent >> 16),
			(uint8_t)(k->exponent >> 8), (uint8_t)k->exponent};
	size_t skip = 0;

	member(w, "cnf");
	if (k->type == KEY_ECC) {
		json_put_text(w, "{\"jwk\":{\"kty\":\"EC\",\"crv\":");
		json_put_string(w, curve);
		put_bytes(w, ",\"x\":\"", SPAN(k->x, k->xy_len));
		put_bytes(w, ",\"y\":\"", SPAN(k->y, k->xy_len));
	} else if (k->type == KEY_ED25519) { /* RFC 8037 */
		put_bytes(w, "{\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"",
			  SPAN(k->x, k->xy_len));
	} else {
		while (skip < 3 && e[skip] == 0)
			skip++;
		put_bytes(w, "{\"jwk\":{\"kty\":\"RSA\",\"n\":\"", SPAN(k->n, k->n_len));
		put_bytes(w, ",\"e\":\"", SPAN(&e[skip], sizeof e - skip));
	}
	json_put_text(w, "}}");
}

static void
put_vector(struct writer *w, const int8_t vector[EAR_CLAIMS])
{
	bool any = false;

	for (unsigned i = 0; i < EAR_CLAIMS; i++) {
		if (vector[i] == 0)
			continue;
		wr_u8(w, any ? ',' : '{');
		json_put_string(w, claims[i]);
		wr_u8(w, ':');
		json_put_integer(w, vector[i]);
		any = true;
	}
	/* never an empty map */
	json_put_text(w, any ? "}" : "{\"instance-identity\":0}");
}

static void
put_submod(struct writer *w, const struct names *n, const struct ear_submod *s, bool list)
{
	json_put_text(w, "{");
	json_put_string(w, n->status);
	wr_u8(w, ':');
	json_put_string(w, ear_status_name(ear_status_of(s->vector, s->status)));
	wr_u8(w, ',');
	json_put_string(w, n->vector);
	wr_u8(w, ':');
	put_vector(w, s->vector);
	if (s->policy[0]) {
		wr_u8(w, ',');
		json_put_string(w, n->policies);
		json_put_text(w, list ? ":[" : ":");
		json_put_string(w, s->policy);
		json_put_text(w, list ? "]" : "");
	}
	wr_u8(w, '}');
}

static void
put_text(struct writer *w, const char *name, const char *text)
{
	if (!*text)
		return;
	member(w, name);
	json_put_string(w, text);
}

static void
put_time(struct writer *w, const char *name, int64_t t)
{
	if (t == 0)
		return;
	if (t < 0)
		wr_fail(w, ASSAY_MALFORMED);
	member(w, name);
	json_put_integer(w, t);
}

enum assay_err
ear_write(const struct ear *e, struct writer *w)
{
	const struct ear_submod *s = &e->submods[0];
	const struct names *n;
	size_t len;

	if ((unsigned)e->dialect >= EAR_DIALECTS || e->nsubmods != 1 || e->issued <= 0 ||
	    e->expires <= e->issued || w->len != 0)
		return ASSAY_MALFORMED;
	n = &names[e->dialect];
	put_text(w, "eat_profile", n->profile);
	put_text(w, "iss", e->issuer);
	put_text(w, "sub", s->name);
	put_text(w, "aud", e->audience[0]);
	put_time(w, "iat", e->issued);
	put_time(w, "exp", e->expires);
	put_text(w, "eat_nonce", e->nonce[0]);
	if (e->has_key)
		put_cnf(w, &e->key);
	member(w, n->verifier);
	json_put_text(w, "{\"developer\":");
	json_put_string(w, e->developer);
	json_put_text(w, ",\"build\":");
	json_put_string(w, e->build);
	wr_u8(w, '}');
	if (e->dialect == EAR_IETF)
		put_text(w, "ear_status", ear_status_name(ear_status_of(s->vector, s->status)));
	member(w, "submods");
	wr_u8(w, '{');
	json_put_string(w, s->name);
	wr_u8(w, ':');
	put_submod(w, n, s, e->dialect == EAR_IETF);
	json_put_text(w, "}}");
	return wr_finish(w, &len);
}

/* ---- reading ---- */

struct ear_reader {
	const struct json_node *node;
	const struct names *names;
	const char *field;
	enum assay_err err;
};

static void
blame(struct ear_reader *r, const char *field, enum assay_err e)
{
	if (r->err != ASSAY_OK)
		return;
	r->err = e;
	r->field = field;
}

static void
get_text(struct ear_reader *r, uint32_t at, const char *field, char *ret, size_t cap)
{
	enum assay_err e = json_string_of(r->node, at, ret, cap);

	if (e != ASSAY_OK)
		blame(r, field, e == ASSAY_FULL ? ASSAY_TOO_LARGE : e);
}

static void
optional_text(struct ear_reader *r, const char *field, char *ret, size_t cap)
{
	uint32_t at = json_member(r->node, 0, field);

	if (at != 0)
		get_text(r, at, field, ret, cap);
}

/* RFC 9711, 4.3.1: whole seconds; a float is an error, whatever its value. */
static void
get_time(struct ear_reader *r, const char *field, bool required, int64_t *ret)
{
	uint32_t at = json_member(r->node, 0, field);

	if (at == 0) {
		if (required)
			blame(r, field, ASSAY_MISSING);
		return;
	}
	if (json_integer_of(r->node, at, ret) != ASSAY_OK || *ret < 0)
		blame(r, field, ASSAY_MALFORMED);
}

/* Texts of a member that is one text or a list of them, each into a row of `cap`. */
struct texts {
	char *row;
	size_t cap;
	unsigned rows;
	bool all; /* every one is wanted; else what has no row is passed over */
};

/* One text, or a list of at least one. */
static void
text_or_list(struct ear_reader *r, uint32_t at, const char *field, const struct texts *ret)
{
	bool list = at != 0 && r->node[at].type == JSON_ARRAY_T;
	uint32_t i = list ? json_first(r->node, at) : at;

	if (list && i == 0)
		blame(r, field, ASSAY_MALFORMED);
	for (unsigned n = 0; i != 0; i = list ? json_after(r->node, i) : 0, n++) {
		if (n < ret->rows)
			get_text(r, i, field, ret->row + n * ret->cap, ret->cap);
		else if (ret->all)
			blame(r, field, ASSAY_TOO_MANY);
		else if (r->node[i].type != JSON_STRING_T)
			blame(r, field, ASSAY_MALFORMED);
	}
}

/* For whom, and on which question: any of several. */
static void
get_audiences(struct ear_reader *r, struct ear *e)
{
	const struct texts t = {e->audience[0], sizeof e->audience[0], EAR_LIST_MAX, true};

	text_or_list(r, json_member(r->node, 0, "aud"), "aud", &t);
}

static void
get_nonces(struct ear_reader *r, struct ear *e)
{
	const struct texts t = {e->nonce[0], sizeof e->nonce[0], EAR_LIST_MAX, true};
	uint32_t at = json_member(r->node, 0, "eat_nonce");

	text_or_list(r, at, "eat_nonce", &t);
	for (unsigned i = 0; i < EAR_LIST_MAX; i++)
		if ((e->nonce[i][0] || (i == 0 && at != 0)) && strlen(e->nonce[i]) < EAR_NONCE_MIN)
			blame(r, "eat_nonce", ASSAY_MALFORMED);
}

static void
get_profile(struct ear_reader *r, struct ear *e)
{
	uint32_t at = json_member(r->node, 0, "eat_profile");

	if (at == 0) {
		blame(r, "eat_profile", ASSAY_MISSING);
		return;
	}
	get_text(r, at, "eat_profile", e->profile, sizeof e->profile);
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
		if (strcmp(profiles[i].profile, e->profile) == 0) {
			e->dialect = profiles[i].dialect;
			r->names = &names[e->dialect];
			return;
		}
	blame(r, "eat_profile", ASSAY_UNSUPPORTED);
}

static void
get_verifier(struct ear_reader *r, struct ear *e)
{
	uint32_t id = json_member(r->node, 0, r->names->verifier);
	uint32_t developer = id ? json_member(r->node, id, "developer") : 0;
	uint32_t build = id ? json_member(r->node, id, "build") : 0;

	if (developer == 0 || build == 0) {
		blame(r, r->names->verifier, ASSAY_MISSING);
		return;
	}
	get_text(r, developer, r->names->verifier, e->developer, sizeof e->developer);
	get_text(r, build, r->names->verifier, e->build, sizeof e->build);
}

static enum ear_status
get_status(struct ear_reader *r, uint32_t at)
{
	for (unsigned i = 0; i < EAR_STATUSES; i++)
		if (at != 0 && json_string_is(r->node, at, statuses[i]))
			return (enum ear_status)i;
	blame(r, r->names->status, at == 0 ? ASSAY_MISSING : ASSAY_MALFORMED);
	return EAR_NONE;
}

static void
get_claim(struct ear_reader *r, uint32_t at, struct ear_submod *s)
{
	int64_t v = 0;

	if (json_integer_of(r->node, at, &v) != ASSAY_OK || v < -128 || v > 127) {
		blame(r, r->names->vector, ASSAY_MALFORMED);
		return;
	}
	for (unsigned i = 0; i < EAR_CLAIMS; i++)
		if (span_equal(r->node[at].name, SPAN(claims[i], strlen(claims[i])))) {
			s->vector[i] = (int8_t)v;
			return;
		}
	blame(r, r->names->vector, ASSAY_MALFORMED);
}

static void
get_submod(struct ear_reader *r, uint32_t at, struct ear *e)
{
	struct ear_submod *s = &e->submods[e->nsubmods++];
	uint32_t vector = json_member(r->node, at, r->names->vector);
	const struct texts policy = {s->policy, sizeof s->policy, 1, false};

	memset(s, 0, sizeof *s);
	if (r->node[at].type != JSON_OBJECT_T ||
	    json_name_of(r->node, at, s->name, sizeof s->name) != ASSAY_OK) {
		blame(r, "submods", ASSAY_MALFORMED);
		return;
	}
	s->status = get_status(r, json_member(r->node, at, r->names->status));
	if (vector != 0 && json_first(r->node, vector) == 0)
		blame(r, r->names->vector, ASSAY_MALFORMED); /* never an empty map */
	for (uint32_t i = vector ? json_first(r->node, vector) : 0; i != 0;
	     i = json_after(r->node, i))
		get_claim(r, i, s);
	s->has_vector = vector != 0;
	/* `none' says nothing, and so nothing too good */
	if (s->has_vector && s->status != EAR_NONE &&
	    ear_status_of(s->vector, s->status) != s->status)
		blame(r, r->names->status, ASSAY_MISMATCH);
	text_or_list(r, json_member(r->node, at, r->names->policies), r->names->policies, &policy);
}

static void
get_submods(struct ear_reader *r, struct ear *e)
{
	uint32_t submods = json_member(r->node, 0, "submods");
	uint32_t overall = json_member(r->node, 0, "ear_status");

	if (submods == 0 || json_first(r->node, submods) == 0) {
		blame(r, "submods", submods == 0 ? ASSAY_MISSING : ASSAY_MALFORMED);
		return;
	}
	for (uint32_t i = json_first(r->node, submods); i != 0; i = json_after(r->node, i)) {
		if (e->nsubmods == EAR_SUBMODS_MAX) {
			blame(r, "submods", ASSAY_TOO_MANY);
			return;
		}
		get_submod(r, i, e);
	}
	if (e->dialect != EAR_IETF || overall == 0)
		return;
	e->has_status = true;
	e->status = get_status(r, overall);
	for (unsigned i = 0; e->status != EAR_NONE && i < e->nsubmods; i++)
		if (e->status < e->submods[i].status)
			blame(r, "ear_status", ASSAY_MISMATCH);
}

enum assay_err
ear_read(struct span payload, struct ear *ret, const char **ret_field)
{
	struct json_node node[NODES_MAX];
	struct ear_reader r = {.node = node, .names = &names[EAR_IETF], .field = ""};
	uint32_t n;

	memset(ret, 0, sizeof *ret);
	if (ret_field)
		*ret_field = "";
	r.err = json_read(payload, node, NODES_MAX, &n);
	if (r.err != ASSAY_OK)
		return r.err;
	if (node[0].type != JSON_OBJECT_T)
		return ASSAY_MALFORMED;
	get_profile(&r, ret);
	get_time(&r, "iat", true, &ret->issued);
	ret->expires = EAR_NEVER;
	get_time(&r, "exp", false, &ret->expires);
	get_time(&r, "nbf", false, &ret->not_before);
	optional_text(&r, "iss", ret->issuer, sizeof ret->issuer);
	get_audiences(&r, ret);
	get_nonces(&r, ret);
	get_verifier(&r, ret);
	get_submods(&r, ret);
	if (ret_field)
		*ret_field = r.field;
	if (r.err != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return r.err;
}
