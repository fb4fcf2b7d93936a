/*
 * cmd_inspect_ekcert.c: `assay inspect ekcert`: is this an endorsement key
 * certificate that a trusted manufacturer issued, and of what TPM?
 */
#include "cli.h"

#include "evidence/hex.h"
#include "verifier/appraise/certfile.h"
#include "verifier/appraise/ekcert.h"
#include "verifier/appraise/text.h"
#include "verifier/compiler/roots_compile.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX (1u << 20)
#define KEY_TEXT_MAX 16
#define TIME_TEXT_MAX 32
#define SHA256_TEXT_MAX 65

extern const struct cli_command cmd_inspect_ekcert;

struct options {
	const char *file, *roots, *crls;
	int64_t at;
	bool json;
};

/* Everything that is shown. */
struct report {
	struct ekcert cert;
	enum ekcert_reason verdict;
	enum certfile_form form;
	size_t padding;
	char key[KEY_TEXT_MAX];
	char not_before[TIME_TEXT_MAX], not_after[TIME_TEXT_MAX], at[TIME_TEXT_MAX];
	char sha256[SHA256_TEXT_MAX];
};

/* ---- options -------------------------------------------------------------- */

/* The value of an option, or NULL after a message. */
static const char *
value_of(int argc, char **argv, int *i, int *ret_status)
{
	if (*i + 1 < argc)
		return argv[++*i];
	*ret_status = cli_usage(&cmd_inspect_ekcert, "%s needs a value", argv[*i]);
	return NULL;
}

static int
parse_at(const char *text, struct options *o)
{
	if (!text || cli_parse_time(text, &o->at))
		return CLI_YES;
	return cli_usage(&cmd_inspect_ekcert,
			 "--at %s: neither like 2022-06-01T00:00:00Z nor seconds since 1970",
			 text);
}

static int
parse_option(int argc, char **argv, int *i, struct options *o)
{
	const char *name = argv[*i];
	int status = CLI_YES;

	if (strcmp(name, "--json") == 0) {
		o->json = true;
		return CLI_YES;
	}
	if (strcmp(name, "--roots") == 0)
		o->roots = value_of(argc, argv, i, &status);
	else if (strcmp(name, "--crls") == 0)
		o->crls = value_of(argc, argv, i, &status);
	else if (strcmp(name, "--at") == 0) {
		const char *text = value_of(argc, argv, i, &status);

		return status != CLI_YES ? status : parse_at(text, o);
	} else
		return cli_usage(&cmd_inspect_ekcert, "no such option: %s", name);
	return status;
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int status;

	*o = (struct options){.at = time(NULL)};
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			status = parse_option(argc, argv, &i, o);
			if (status != CLI_YES)
				return status;
			continue;
		}
		if (o->file)
			return cli_usage(&cmd_inspect_ekcert, "one FILE at a time");
		o->file = argv[i];
	}
	if (!o->file)
		return cli_usage(&cmd_inspect_ekcert, "which FILE?");
	if (!o->roots)
		return cli_usage(&cmd_inspect_ekcert, "--roots DIR is needed");
	return CLI_YES;
}

/* ---- texts ---------------------------------------------------------------- */

static void
key_text(const struct key *k, char *ret, size_t cap)
{
	ret[0] = '\0';
	if (k->type == KEY_RSA)
		text_format(ret, cap, "RSA-%u", k->bits);
	if (k->type == KEY_ECC)
		text_format(ret, cap, "ECC-P%u", k->bits);
}

static void
time_text(int64_t t, char *ret, size_t cap)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	ret[0] = '\0';
	if (gmtime_r(&seconds, &tm) && strftime(ret, cap, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
}

static void
fill_texts(struct report *r, int64_t at)
{
	const struct ekcert *c = &r->cert;

	key_text(&c->key, r->key, sizeof r->key);
	if (c->not_after != 0 || c->not_before != 0) {
		time_text(c->not_before, r->not_before, sizeof r->not_before);
		time_text(c->not_after, r->not_after, sizeof r->not_after);
	}
	time_text(at, r->at, sizeof r->at);
	if (hex_encode(SPAN(c->sha256, sizeof c->sha256), r->sha256, sizeof r->sha256) != ASSAY_OK)
		r->sha256[0] = '\0';
}

/* ---- JSON ----------------------------------------------------------------- */

static json_t *
text_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *
chain_json(const struct ekcert *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->chain_len; i++)
		json_array_append_new(list, json_string(c->chain[i].subject));
	return list;
}

static json_t *
facts_json(const struct ekcert *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < EKCERT_FACT_COUNT; i++)
		if (c->facts & 1u << i)
			json_array_append_new(list, json_string(ekcert_fact_word(i)));
	return list;
}

static int
print_json(const struct report *r)
{
	const struct ekcert *c = &r->cert;
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "trusted", json_boolean(r->verdict == EKCERT_CHAIN_OK));
	failed |= json_object_set_new(o, "reason", json_string(ekcert_reason_word(r->verdict)));
	failed |= json_object_set_new(o, "key", text_or_null(r->key));
	failed |= json_object_set_new(o, "manufacturer", text_or_null(c->tpm.manufacturer));
	failed |= json_object_set_new(o, "model", text_or_null(c->tpm.model));
	failed |= json_object_set_new(o, "version", text_or_null(c->tpm.version));
	failed |= json_object_set_new(o, "issuer", text_or_null(c->issuer));
	failed |= json_object_set_new(o, "serial", text_or_null(c->serial));
	failed |= json_object_set_new(o, "not_after", text_or_null(r->not_after));
	failed |= json_object_set_new(o, "chain", chain_json(c));
	failed |= json_object_set_new(o, "vendor", text_or_null(c->vendor));
	failed |= json_object_set_new(o, "virtual",
				      json_boolean((c->facts & EKCERT_FACT_VIRTUAL) != 0));
	failed |= json_object_set_new(o, "facts", facts_json(c));
	failed |= json_object_set_new(o, "subject", text_or_null(c->subject));
	failed |= json_object_set_new(o, "not_before", text_or_null(r->not_before));
	failed |= json_object_set_new(o, "sha256", text_or_null(r->sha256));
	failed |= json_object_set_new(o, "at", text_or_null(r->at));
	failed |= json_dumpf(o, stdout, JSON_INDENT(2));
	json_decref(o);
	if (failed || putchar('\n') == EOF || fflush(stdout) == EOF)
		return cli_fail(CLI_FAULT, "the result could not be written");
	return CLI_YES;
}

/* ---- for people ----------------------------------------------------------- */

static void
print_line(const char *label, const char *value)
{
	if (value && *value)
		printf("%s%-12s%s %s\n", cli_dim(), label, cli_plain(), value);
}

static void
print_verdict(const struct options *o, const struct report *r)
{
	bool trusted = r->verdict == EKCERT_CHAIN_OK;

	printf("%s%s%s: %s%s%s", cli_bold(), o->file, cli_plain(),
	       trusted ? cli_green() : cli_red(), trusted ? "trusted" : "not trusted", cli_plain());
	if (!trusted)
		printf(": %s (%s)", ekcert_reason_text(r->verdict), ekcert_reason_word(r->verdict));
	putchar('\n');
}

static void
print_tpm(const struct report *r)
{
	const struct ekcert *c = &r->cert;
	char text[4 * TPMATTR_TEXT_MAX];

	if (!*c->tpm.manufacturer)
		return;
	text_format(text, sizeof text, "%s%s%s, %s, firmware %s", c->vendor ? c->vendor : "",
		    c->vendor ? " " : "", c->tpm.manufacturer, c->tpm.model, c->tpm.version);
	print_line("TPM", text);
}

static void
print_chain(const struct ekcert *c)
{
	for (unsigned i = 0; i < c->chain_len; i++) {
		const struct ekcert_link *l = &c->chain[i];
		const char *what = l->is_root ? " (root)" : l->from_device ? " (from FILE)" : "";

		printf("%s%-12s%s %s%s%s%s\n", cli_dim(), i == 0 ? "chain" : "", cli_plain(),
		       l->subject, cli_dim(), what, cli_plain());
	}
}

static void
print_facts(const struct ekcert *c)
{
	for (unsigned i = 0; i < EKCERT_FACT_COUNT; i++)
		if (c->facts & 1u << i)
			printf("%s%-12s%s %s%s%s\n", cli_dim(), "note", cli_plain(), cli_yellow(),
			       ekcert_fact_text(i), cli_plain());
	for (unsigned i = 0; i < X509_LAX_COUNT; i++)
		if (c->lax & 1u << i)
			print_line("", x509_lax_text(i));
}

static int
print_people(const struct options *o, const struct report *r)
{
	char text[2 * TIME_TEXT_MAX + 8];

	print_verdict(o, r);
	print_tpm(r);
	print_line("key", r->key);
	print_line("issuer", r->cert.issuer);
	print_line("subject", r->cert.subject);
	print_line("serial", r->cert.serial);
	if (*r->not_after) {
		text_format(text, sizeof text, "%s to %s", r->not_before, r->not_after);
		print_line("valid", text);
	}
	print_line("judged at", r->at);
	print_chain(&r->cert);
	print_facts(&r->cert);
	if (r->padding > 0) {
		text_format(text, sizeof text, "%zu bytes after it are not used", r->padding);
		print_line("padding", text);
	}
	return CLI_YES;
}

/* ---- the command ---------------------------------------------------------- */

static void
warn_root(void *arg, const char *path, const char *text)
{
	(void)arg;
	fprintf(stderr, "assay: warning: %s: %s\n", path, text);
}

static int
compile_roots(const struct options *o, struct roots_image *ret)
{
	const struct roots_source src = {.dir = o->roots, .crls = o->crls, .warn = warn_root};
	enum assay_err e = roots_compile(&src, ret);

	if (e == ASSAY_UNREACHABLE)
		return cli_fail(CLI_NO_ACCESS, "%s%s%s: %s", o->roots, o->crls ? " or " : "",
				o->crls ? o->crls : "", strerror(errno));
	if (e != ASSAY_OK)
		return cli_fail(CLI_FAULT, "%s: %s", o->roots, assay_err_text(e));
	if (ret->roots == 0)
		fprintf(stderr, "assay: warning: %s: holds no root, so that nothing is trusted\n",
			o->roots);
	return CLI_YES;
}

/* The first certificate of the file is judged; the others help to build its path. */
static int
take_certificates(struct span file, uint8_t *buf, struct ekcert_input *in, struct report *r)
{
	struct certfile_item item;
	struct certfile f;
	enum assay_err e;

	certfile_open(&f, file, buf, file.n);
	r->form = f.form;
	e = certfile_next(&f, &item);
	if (e != ASSAY_OK || item.is_crl) {
		r->cert.reason = EKCERT_MALFORMED;
		r->cert.detail = e == ASSAY_NOT_FOUND ? ASSAY_MISSING :
				 e == ASSAY_OK	       ? ASSAY_BAD_TYPE :
							 e;
		return CLI_BAD_INPUT;
	}
	in->cert = item.der;
	while (certfile_next(&f, &item) == ASSAY_OK)
		if (!item.is_crl && in->nintermediates < EKCERT_INTERMEDIATES_MAX)
			in->intermediates[in->nintermediates++] = item.der;
	r->padding = f.padding;
	return CLI_YES;
}

static int
verify(const struct options *o, struct span file, struct report *r)
{
	struct roots_image image = {0};
	struct ekcert_input in = {.time = o->at};
	struct roots roots;
	uint8_t *buf = malloc(file.n + 1);
	int status = buf ? CLI_YES : cli_fail(CLI_FAULT, "out of memory");

	if (status == CLI_YES)
		status = compile_roots(o, &image);
	if (status == CLI_YES && roots_open(SPAN(image.bytes, image.len), &roots) != ASSAY_OK)
		status = cli_fail(CLI_FAULT, "%s: the compiled image is not sound", o->roots);
	if (status == CLI_YES && take_certificates(file, buf, &in, r) == CLI_YES) {
		in.roots = &roots;
		ekcert_verify(&in, &r->cert);
	}
	roots_image_free(&image);
	free(buf);
	return status;
}

static int
report(const struct options *o, struct report *r)
{
	int status;

	r->verdict = ekcert_judge(&r->cert, EKCERT_ALLOW_ISSUER_TIME);
	fill_texts(r, o->at);
	status = o->json ? print_json(r) : CLI_YES;
	if (r->verdict == EKCERT_MALFORMED)
		return cli_fail(CLI_BAD_INPUT, "%s: not a certificate: %s", o->file,
				assay_err_text(r->cert.detail));
	if (!o->json)
		status = print_people(o, r);
	if (status != CLI_YES)
		return status;
	return r->verdict == EKCERT_CHAIN_OK ? CLI_YES : CLI_NEGATIVE;
}

static int
run(int argc, char **argv)
{
	struct report r = {0};
	struct options o;
	struct span file;
	int status;

	if ((status = parse_options(argc, argv, &o)) != CLI_YES)
		return status;
	if (!cli_read_file(o.file, FILE_MAX, &file, &status))
		return status;
	status = verify(&o, file, &r);
	if (status == CLI_YES)
		status = report(&o, &r);
	cli_free(file);
	return status;
}

const struct cli_command cmd_inspect_ekcert = {
	.group = "inspect",
	.name = "ekcert",
	.usage = "FILE --roots DIR [--at TIME] [--crls DIR] [--json]",
	.summary = "whether a certificate is a trusted manufacturer's for a TPM's EK",
	.help =
		"FILE is PEM, DER or the bytes of a TPM's NV index (\"-\": standard input);\n"
		"further certificates in it help to build the path and are trusted for nothing.\n"
		"\n"
		"  --roots DIR  trusted roots and known intermediates (PEM, DER), folders too;\n"
		"               a root is a certificate signed with its own key\n"
		"  --crls DIR   revocation lists; those under --roots are used too\n"
		"  --at TIME    judge at this time, like 2022-06-01T00:00:00Z; default: now\n"
		"  --json       one JSON document\n"
		"\n"
		"An expired EK certificate is not trusted. An expired issuer is only a note: an\n"
		"EK outlives the certificate of the CA that vouched for it while that was valid.\n"
		"docs/ek-certificates.md says what is checked, and what is tolerated and why.\n",
	.run = run,
};
