/*
 * cmd_verify_token.c: `assay verify token`: an EAR token in, yes or no out. Signature,
 * form and time are evidence/'s; here are options, files and what is shown.
 */
#include "cli.h"
#include "pem.h"
#include "table.h"

#include "evidence/ear.h"
#include "evidence/keyset.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#define FETCH_S 15L
#define SKEW_S 60 /* how far ahead of ours the issuer's clock may be */

extern const struct cli_command cmd_verify_token;

struct options {
	const char *file, *jwks, *root, *nonce, *audience, *status, *at, *ca;
	bool json;
};

struct result {
	bool valid, signature; /* signature: it verifies, whatever else is wrong */
	bool malformed;	       /* no input; else it is one that does not hold */
	const char *reason, *field;
	enum assay_err err;
	struct jws jws;
	struct ear ear;
};

static const struct {
	const char *name;
	size_t offset;
} values[] = {
	{"--jwks", offsetof(struct options, jwks)},	{"--root", offsetof(struct options, root)},
	{"--nonce", offsetof(struct options, nonce)},	{"--status",
							 offsetof(struct options, status)},
	{"--audience", offsetof(struct options, audience)}, {"--at", offsetof(struct options, at)},
	{"--ca", offsetof(struct options, ca)},
};

static int
parse_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char **to = NULL;

		for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
			if (strcmp(argv[i], values[v].name) == 0)
				to = (const char **)(void *)((char *)o + values[v].offset);
		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (to) {
			if (i + 1 == argc)
				return cli_usage(&cmd_verify_token, "%s needs a value", argv[i]);
			*to = argv[++i];
			/* a script's variable that was never set demands nothing */
			if (**to == '\0')
				return cli_usage(&cmd_verify_token, "%s is empty", argv[i - 1]);
		} else if (argv[i][0] == '-' && argv[i][1] != '\0') {
			return cli_usage(&cmd_verify_token, "no such option: %s", argv[i]);
		} else if (o->file) {
			return cli_usage(&cmd_verify_token, "what is `%s'?", argv[i]);
		} else {
			o->file = argv[i];
		}
	}
	if (!o->file)
		return cli_usage(&cmd_verify_token, "FILE is needed");
	if (!o->jwks)
		return cli_usage(&cmd_verify_token, "--jwks is needed: FILE or URL");
	return CLI_YES;
}

/* ---- keys ---- */

struct body {
	uint8_t *p;
	size_t n;
};

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
	struct body *b = arg;
	uint8_t *grown;

	n *= size;
	if (n > KEYSET_BYTES_MAX - b->n || !(grown = realloc(b->p, b->n + n + 1)))
		return 0;
	memcpy(grown + b->n, p, n);
	b->p = grown;
	b->n += n;
	return n;
}

static int
fetch(const struct options *o, struct span *ret)
{
	char error[CURL_ERROR_SIZE] = "";
	struct body b = {NULL, 0};
	CURL *h = curl_easy_init();
	long status = 0;
	CURLcode e;

	if (!h)
		return cli_fail(CLI_FAULT, "libcurl does not start");
	curl_easy_setopt(h, CURLOPT_URL, o->jwks);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, FETCH_S);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, &b);
	if (o->ca)
		curl_easy_setopt(h, CURLOPT_CAINFO, o->ca);
	/* a pinned root proves the keys, whoever delivers them */
	if (o->root && !o->ca) {
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	e = curl_easy_perform(h);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(h);
	if (e == CURLE_OK && status == 200) {
		*ret = SPAN(b.p, b.n);
		return CLI_YES;
	}
	free(b.p);
	return cli_fail(CLI_NO_ACCESS, "%s: %s", o->jwks,
			e == CURLE_OK ? "the server has no key set there"
				      : error[0] ? error : curl_easy_strerror(e));
}

/* A public key in PEM as a set of one. */
static enum assay_err
read_pem(struct span text, struct keyset *ret)
{
	uint8_t der[KEY_SPKI_MAX + 64];
	struct writer w;
	struct key k;
	enum assay_err e;

	if (text.n > sizeof der)
		return ASSAY_TOO_LARGE;
	wr_init(&w, der, sizeof der);
	if ((e = pem_decode(text, "PUBLIC KEY", &w)) != ASSAY_OK ||
	    (e = key_from_spki(wr_span(&w), &k)) != ASSAY_OK)
		return e;
	if (k.type != KEY_ECC || k.curve != CURVE_P256)
		return ASSAY_UNSUPPORTED;
	memset(ret, 0, sizeof *ret);
	memcpy(ret->key[0].key.x, k.x, 32);
	memcpy(ret->key[0].key.y, k.y, 32);
	ret->n = 1;
	return ASSAY_OK;
}

static int
read_keys(const struct options *o, struct keyset *ret)
{
	bool url = strncmp(o->jwks, "https://", 8) == 0 || strncmp(o->jwks, "http://", 7) == 0;
	struct span text;
	enum assay_err e;
	int status = CLI_YES;

	if (url)
		status = fetch(o, &text);
	else if (!cli_read_file(o->jwks, KEYSET_BYTES_MAX, &text, &status))
		return status;
	if (status != CLI_YES)
		return status;
	if (o->root)
		e = keyset_read_chain(text, o->root, ret);
	else
		e = pem_is(text) ? read_pem(text, ret) : keyset_read(text, ret);
	cli_free(text);
	if (e == ASSAY_OK)
		return CLI_YES;
	return cli_fail(CLI_BAD_INPUT, "%s: %s: %s", o->jwks,
			o->root ? "its chain does not lead from that root" : "no key set",
			assay_err_text(e));
}

/* ---- judging ---- */

static void
refuse(struct result *r, enum assay_err e, const char *reason)
{
	r->err = e;
	r->reason = reason;
}

static int64_t
limit_of(const char *word)
{
	for (unsigned s = EAR_AFFIRMING; s < EAR_STATUSES; s++)
		if (strcmp(word, ear_status_name((enum ear_status)s)) == 0)
			return s;
	return -1;
}

static bool
is_for(const struct ear *e, const char *audience)
{
	for (unsigned i = 0; i < EAR_LIST_MAX; i++)
		if (strcmp(e->audience[i], audience) == 0)
			return true;
	return false;
}

static bool
answers(const struct ear *e, const char *nonce)
{
	for (unsigned i = 0; i < EAR_LIST_MAX; i++)
		if (strcmp(e->nonce[i], nonce) == 0)
			return true;
	return false;
}

/* Whether everything that it says is at least this good. */
static bool
is_good(const struct ear *e, const char *word)
{
	int64_t limit = limit_of(word);

	if (e->has_status && (e->status == EAR_NONE || (int64_t)e->status > limit))
		return false;
	for (unsigned i = 0; i < e->nsubmods; i++)
		if (e->submods[i].status == EAR_NONE || (int64_t)e->submods[i].status > limit)
			return false;
	return true;
}

/* What was asked for besides: time, nonce, audience, status. */
static void
check_demands(const struct options *o, int64_t now, struct result *r)
{
	const struct ear *e = &r->ear;

	if (now >= e->expires)
		refuse(r, ASSAY_EXPIRED, "it has expired (exp)");
	else if (now < e->not_before)
		refuse(r, ASSAY_NOT_YET, "it is not valid yet (nbf)");
	else if (now < e->issued && e->issued - now > SKEW_S)
		refuse(r, ASSAY_NOT_YET, "it was issued in the future (iat)");
	else if (o->nonce && !answers(e, o->nonce))
		refuse(r, ASSAY_MISMATCH, "its nonce is another (eat_nonce)");
	else if (o->audience && !is_for(e, o->audience))
		refuse(r, ASSAY_MISMATCH, "it is for somebody else (aud)");
	else if (o->status && !is_good(e, o->status))
		refuse(r, ASSAY_DENIED, "its status is not good enough");
}

static void
judge(const struct options *o, struct span token, const struct keyset *set, struct result *r)
{
	static uint8_t payload[JWS_MAX];
	int64_t now = time(NULL);
	enum assay_err e;

	if (o->at)
		(void)cli_parse_time(o->at, &now);
	if ((e = jws_parse(token, payload, sizeof payload, &r->jws)) != ASSAY_OK) {
		r->malformed = e != ASSAY_UNSUPPORTED && e != ASSAY_BAD_SIGNATURE;
		refuse(r, e, e == ASSAY_UNSUPPORTED ? "its algorithm is not ES256, or it has crit"
						    : "it is no compact JWS");
		return;
	}
	if ((e = keyset_verify(set, &r->jws, KEYSET_DECISION, now)) != ASSAY_OK) {
		refuse(r, e, e == ASSAY_NOT_FOUND ? "no key of the set is the one it names"
			     : e == ASSAY_EXPIRED ? "its key has been replaced"
						  : "the signature does not verify");
		return;
	}
	r->signature = true;
	if (!ear_typ_fits(r->jws.typ)) {
		refuse(r, ASSAY_BAD_TYPE, "its typ says that it is something else");
		return;
	}
	if ((e = ear_read(r->jws.payload, &r->ear, &r->field)) != ASSAY_OK) {
		r->malformed = true;
		refuse(r, e, "it is no attestation result");
		return;
	}
	check_demands(o, now, r);
	r->valid = r->err == ASSAY_OK;
}

/* ---- showing ---- */

static json_t *
json_submod(const struct ear_submod *s)
{
	json_t *vector = json_object();
	json_t *j = json_pack("{s:s, s:s, s:s}", "name", s->name, "status",
			      ear_status_name(s->status), "policy", s->policy);

	for (unsigned i = 0; s->has_vector && i < EAR_CLAIMS; i++)
		if (s->vector[i] != 0)
			json_object_set_new(vector, ear_claim_name(i), json_integer(s->vector[i]));
	json_object_set_new(j, "vector", vector);
	return j;
}

/* The one text, or the list of them. */
static json_t *
json_texts(const char *row, size_t size)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < EAR_LIST_MAX && row[i * size]; i++)
		json_array_append_new(list, json_string(row + i * size));
	if (json_array_size(list) > 1)
		return list;
	json_decref(list);
	return json_string(row);
}

static json_t *
json_token(const struct ear *e)
{
	json_t *list = json_array();
	json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:I}", "profile", e->profile,
			      "issuer", e->issuer, "audience",
			      json_texts(e->audience[0], sizeof e->audience[0]), "nonce",
			      json_texts(e->nonce[0], sizeof e->nonce[0]), "developer",
			      e->developer, "build", e->build, "issued", (json_int_t)e->issued);

	json_object_set_new(j, "expires",
			    e->expires == EAR_NEVER ? json_null() : json_integer(e->expires));
	json_object_set_new(j, "status",
			    e->has_status ? json_string(ear_status_name(e->status)) : json_null());
	for (unsigned i = 0; i < e->nsubmods; i++)
		json_array_append_new(list, json_submod(&e->submods[i]));
	json_object_set_new(j, "submods", list);
	return j;
}

static int
show_json(const struct result *r, int status)
{
	json_t *j = json_pack("{s:b, s:b, s:s, s:s, s:s, s:s}", "valid", r->valid, "signature",
			      r->signature, "error", assay_err_name(r->err), "reason",
			      r->reason ? r->reason : "", "field", r->field ? r->field : "", "kid",
			      r->signature ? r->jws.kid : "");

	json_object_set_new(j, "token",
			    r->signature && r->ear.nsubmods ? json_token(&r->ear) : json_null());
	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(j);
	return status;
}

/* Text of the token's on a terminal (M8); one of a few static buffers. */
static const char *
safe(const char *text)
{
	static char shown[4][4 * EAR_TEXT_MAX];
	static unsigned turn;
	char *s = shown[turn++ % 4];

	text_escape(SPAN(text, strlen(text)), s, sizeof shown[0]);
	return s;
}

static int
show(const struct options *o, const struct result *r)
{
	int status = r->valid ? CLI_YES : r->malformed ? CLI_BAD_INPUT : CLI_NEGATIVE;

	if (o->json)
		return show_json(r, status);
	if (!r->valid) {
		printf("%srefused%s: %s%s%s%s%s\n", cli_red(), cli_plain(), r->reason,
		       r->field && r->field[0] ? ": " : "", r->field ? r->field : "",
		       r->malformed ? ": " : "", r->malformed ? assay_err_text(r->err) : "");
		if (r->signature)
			printf("  (its signature verifies)\n");
		return status;
	}
	printf("%svalid%s: signed by %s\n", cli_green(), cli_plain(),
	       r->jws.kid[0] ? safe(r->jws.kid) : "the key given");
	printf("  profile    %s\n  verifier   %s, %s\n", safe(r->ear.profile),
	       safe(r->ear.developer), safe(r->ear.build));
	for (unsigned i = 0; i < r->ear.nsubmods; i++)
		printf("  %-9s  %s  %s\n", i ? "" : "device", safe(r->ear.submods[i].name),
		       ear_status_name(r->ear.submods[i].status));
	if (r->ear.has_status && r->ear.nsubmods > 1)
		printf("  %-9s  %s\n", "status", ear_status_name(r->ear.status));
	return status;
}

/* A line end after a token in a file is the file's. */
static struct span
trim(struct span s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static int
run(int argc, char **argv)
{
	static struct keyset set;
	static struct result r;
	struct options o = {0};
	struct span file;
	int64_t ignored;
	int status;

	if ((status = parse_options(argc, argv, &o)) != CLI_YES)
		return status;
	if (o.at && !cli_parse_time(o.at, &ignored))
		return cli_usage(&cmd_verify_token, "--at is no time");
	if (o.status && limit_of(o.status) < 0)
		return cli_usage(&cmd_verify_token,
				 "--status is affirming, warning or contraindicated");
	if ((status = read_keys(&o, &set)) != CLI_YES ||
	    !cli_read_file(o.file, JWS_MAX, &file, &status))
		return status;
	judge(&o, trim(file), &set, &r);
	status = show(&o, &r);
	cli_free(file);
	return status;
}

const struct cli_command cmd_verify_token = {
	.group = "verify",
	.name = "token",
	.usage = "FILE --jwks FILE|URL [--root KID] [--nonce TEXT] [--audience TEXT] "
		 "[--status STATUS] [--at TIME] [--ca FILE] [--json]",
	.summary = "check an attestation result (EAR) in a JWT: signature, form and time",
	.help = "FILE holds the token; - is standard input. ES256 alone is accepted.\n\n"
		"  --jwks FILE|URL  the keys: a JWK set, one JWK, or a public key in PEM\n"
		"  --root KID       take only keys that the set's chain proves from this first "
		"key\n"
		"                   of the verifier (`assay key list')\n"
		"  --nonce TEXT     what eat_nonce must be, or hold\n"
		"  --audience TEXT  what aud must be, or hold\n"
		"  --status STATUS  affirming, warning or contraindicated: no worse than this\n"
		"  --at TIME        judge times as of then (now)\n"
		"  --ca FILE        certificates that the URL's server must have been issued by\n"
		"  --json           one JSON document on standard output\n\n"
		"Exit status: 0 valid, 1 it does not hold (signature, time, nonce, status), 2 it "
		"or\n"
		"the key set is malformed, 3 cannot be read or fetched, 64 usage.\n\n"
		"Example: assay verify token t.jwt --jwks "
		"https://verifier:7443/.well-known/jwks.json\n"
		"         --root $ROOT --status affirming\n",
	.run = run,
};
