/*
 * cmd_inspect_corim.c: `assay inspect corim`: what a vendor's reference values say, who
 * signed them, and what of them Assay would use.
 */
#include "corim_anchors.h"

#include "evidence/hex.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIME_TEXT_MAX 32

extern const struct cli_command cmd_inspect_corim;

struct options {
	const char *file;
	struct anchors anchors;
	int64_t at;
	bool json;
};

struct report {
	struct corim c;
	enum corim_reason signature, content;
	uint8_t signer[32];
};

/* ---- options ---- */

static int
parse_option(int argc, char **argv, int *i, struct options *o)
{
	const char *name = argv[*i];

	if (strcmp(name, "--json") == 0) {
		o->json = true;
		return CLI_YES;
	}
	if (strcmp(name, "--roots") != 0 && strcmp(name, "--key") != 0 && strcmp(name, "--at") != 0)
		return cli_usage(&cmd_inspect_corim, "no such option: %s", name);
	if (*i + 1 >= argc)
		return cli_usage(&cmd_inspect_corim, "%s needs a value", name);
	++*i;
	if (strcmp(name, "--roots") == 0)
		return anchors_add_roots(&o->anchors, argv[*i]);
	if (strcmp(name, "--key") == 0)
		return anchors_add_key(&o->anchors, argv[*i]);
	if (!cli_parse_time(argv[*i], &o->at))
		return cli_usage(&cmd_inspect_corim, "--at %s: neither like 2022-06-01T00:00:00Z "
				 "nor seconds since 1970", argv[*i]);
	return CLI_YES;
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int status;

	o->at = time(NULL);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			if ((status = parse_option(argc, argv, &i, o)) != CLI_YES)
				return status;
		} else if (o->file) {
			return cli_usage(&cmd_inspect_corim, "one FILE at a time");
		} else {
			o->file = argv[i];
		}
	}
	return o->file ? CLI_YES : cli_usage(&cmd_inspect_corim, "which FILE?");
}

static void
time_text(int64_t t, char ret[TIME_TEXT_MAX])
{
	time_t seconds = (time_t)t;
	struct tm tm;

	ret[0] = '\0';
	if (t != 0 && gmtime_r(&seconds, &tm) &&
	    strftime(ret, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
}

/* The first thing that speaks against it. Nobody asked who signed it: then only a
 * signature that is there stays unchecked, which is said. */
static enum corim_reason
reason(const struct report *r)
{
	bool bad = r->content != CORIM_OK && r->content != CORIM_NOTHING;

	return bad ? r->content : r->signature;
}

static bool
is_good(const struct options *o, const struct report *r)
{
	bool asked = o->anchors.a.nroots != 0 || o->anchors.a.nkeys != 0;

	if (r->content != CORIM_OK && r->content != CORIM_NOTHING)
		return false; /* a file of values for others is a good file */
	return r->signature == CORIM_OK || (!asked && r->signature == CORIM_UNSIGNED);
}

/* ---- JSON ---- */

static json_t *
text_or_null(const char *s)
{
	return *s ? json_string(s) : json_null();
}

static json_t *
time_json(int64_t t)
{
	char text[TIME_TEXT_MAX];

	time_text(t, text);
	return text_or_null(text);
}

static json_t *
digests_json(const struct digest *d, unsigned n)
{
	json_t *o = json_object();
	char hex[2 * DIGEST_MAX + 1];

	for (unsigned i = 0; i < n; i++)
		if (hex_encode(digest_span(&d[i]), hex, sizeof hex) == ASSAY_OK)
			json_object_set_new(o, digest_name(d[i].alg), json_string(hex));
	return o;
}

static json_t *
pcrs_json(const struct pcr_values *v)
{
	json_t *banks = json_object();

	for (unsigned b = 0; b < v->count; b++) {
		json_t *values = json_object();

		for (unsigned i = 0; i < PCR_COUNT; i++) {
			char hex[2 * DIGEST_MAX + 1], index[4];

			if (!(v->bank[b].mask >> i & 1) ||
			    hex_encode(digest_span(&v->bank[b].value[i]), hex, sizeof hex) !=
				    ASSAY_OK)
				continue;
			snprintf(index, sizeof index, "%u", i);
			json_object_set_new(values, index, json_string(hex));
		}
		json_object_set_new(banks, digest_name(v->bank[b].alg), values);
	}
	return banks;
}

static json_t *
measure_json(const struct corim_measure *m)
{
	json_t *o = json_pack("{s:s, s:o, s:o}", "name", m->name, "version",
			      text_or_null(m->version), "digests",
			      digests_json(m->digests, m->ndigests));

	if (m->has_svn)
		json_object_set_new(o, m->svn_is_minimum ? "min_svn" : "svn",
				    json_integer((json_int_t)m->svn));
	return o;
}

static json_t *
record_json(const struct corim *c, const struct corim_record *rec)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rec->count; i++)
		json_array_append_new(list, measure_json(&c->measure[rec->first + i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "tag", rec->tag, "vendor",
			 text_or_null(rec->vendor), "model", text_or_null(rec->model), "class_id",
			 text_or_null(rec->class_id), "used", rec->usable, "why_not",
			 text_or_null(rec->why_not), "pcrs", pcrs_json(&rec->pcrs), "components",
			 list);
}

static int
print_json(const struct options *o, const struct report *r)
{
	const struct corim *c = &r->c;
	json_t *records = json_array(), *notes = json_array(), *replaces = json_array(), *doc;
	char hex[65] = "";
	bool ok;

	for (uint32_t i = 0; i < c->nrecords; i++)
		json_array_append_new(records, record_json(c, &c->record[i]));
	for (unsigned i = 0; i < c->nnotes; i++)
		json_array_append_new(notes, json_string(c->note[i]));
	for (unsigned i = 0; i < c->nreplaces; i++)
		json_array_append_new(replaces, json_string(c->replaces[i]));
	if (r->signature == CORIM_OK &&
	    hex_encode(SPAN(r->signer, 32), hex, sizeof hex) != ASSAY_OK)
		hex[0] = '\0';
	doc = json_pack("{s:b, s:s, s:s, s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"accepted", is_good(o, r), "reason",
			corim_reason_word(is_good(o, r) ? r->content : reason(r)),
			"form", c->bare ? "comid" : "corim", "id", text_or_null(c->id), "profile",
			text_or_null(c->profile), "signed", c->sign.present, "signature",
			corim_reason_word(r->signature), "signer", text_or_null(c->sign.name),
			"signer_key", text_or_null(hex), "not_before",
			time_json(c->sign.not_before ? c->sign.not_before : c->not_before),
			"not_after", time_json(corim_not_after(c)), "records", records, "replaces",
			replaces, "not_used", notes);
	ok = doc && json_dumpf(doc, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF &&
	     fflush(stdout) == 0;
	json_decref(doc);
	return ok ? CLI_YES : cli_fail(CLI_FAULT, "the result could not be written");
}

/* ---- for people ---- */

static void
print_line(const char *label, const char *value)
{
	if (*value)
		printf("%s%-12s%s %s\n", cli_dim(), label, cli_plain(), value);
}

static void
print_pcrs(const struct pcr_values *v)
{
	for (unsigned b = 0; b < v->count; b++)
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			char hex[2 * DIGEST_MAX + 1];

			if ((v->bank[b].mask >> i & 1) &&
			    hex_encode(digest_span(&v->bank[b].value[i]), hex, sizeof hex) ==
				    ASSAY_OK)
				printf("    PCR %-2u %s %s\n", i, digest_name(v->bank[b].alg), hex);
		}
}

static void
print_measure(const struct corim_measure *m)
{
	printf("    %s", m->name);
	if (*m->version)
		printf(" %s", m->version);
	if (m->has_svn)
		printf(" security version %s%llu", m->svn_is_minimum ? "at least " : "",
		       (unsigned long long)m->svn);
	putchar('\n');
	for (unsigned i = 0; i < m->ndigests; i++) {
		char hex[2 * DIGEST_MAX + 1];

		if (hex_encode(digest_span(&m->digests[i]), hex, sizeof hex) == ASSAY_OK)
			printf("      %s %s\n", digest_name(m->digests[i].alg), hex);
	}
}

static void
print_record(const struct corim *c, unsigned i)
{
	const struct corim_record *rec = &c->record[i];

	printf("%sreference values %u%s", cli_bold(), i + 1, cli_plain());
	if (*rec->vendor || *rec->model)
		printf(" for %s%s%s", rec->vendor, *rec->vendor && *rec->model ? " " : "",
		       rec->model);
	if (*rec->class_id)
		printf(" %s", rec->class_id);
	if (rec->usable)
		printf(": %sused%s\n", cli_green(), cli_plain());
	else
		printf(": %snot used%s: %s\n", cli_yellow(), cli_plain(), rec->why_not);
	print_pcrs(&rec->pcrs);
	for (uint32_t k = 0; k < rec->count; k++)
		print_measure(&c->measure[rec->first + k]);
}

static void
print_head(const struct options *o, const struct report *r)
{
	const struct corim *c = &r->c;
	char text[2 * TIME_TEXT_MAX + 8], a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
	bool good = is_good(o, r);

	printf("%s%s%s: %s%s%s", cli_bold(), o->file, cli_plain(), good ? cli_green() : cli_red(),
	       good ? "accepted" : "not accepted", cli_plain());
	if (!good)
		printf(": %s (%s)", corim_reason_text(reason(r)), corim_reason_word(reason(r)));
	else if (r->content != CORIM_OK)
		printf(", but %s (%s)", corim_reason_text(r->content),
		       corim_reason_word(r->content));
	putchar('\n');
	print_line("id", c->bare ? c->tag[0] : c->id);
	print_line("profile", c->profile);
	print_line("signed by", c->sign.name);
	print_line("signature", r->signature == CORIM_OK ? "verified" :
		   corim_reason_text(r->signature));
	print_line("header", c->sign.header_why);
	time_text(c->sign.not_before ? c->sign.not_before : c->not_before, a);
	time_text(corim_not_after(c), b);
	if (*a || *b) {
		snprintf(text, sizeof text, "%s to %s", *a ? a : "-", *b ? b : "-");
		print_line("valid", text);
	}
}

static int
print_people(const struct options *o, const struct report *r)
{
	const struct corim *c = &r->c;

	print_head(o, r);
	for (unsigned i = 0; i < c->nreplaces; i++)
		print_line("replaces", c->replaces[i]);
	for (unsigned i = 0; i < c->nrecords; i++)
		print_record(c, i);
	for (unsigned i = 0; i < c->nnotes; i++)
		print_line("not used", c->note[i]);
	if (c->notes_cut)
		print_line("not used", "and more");
	return CLI_YES;
}

/* ---- the command ---- */

static int
inspect(const struct options *o, struct span file, struct report *r)
{
	enum assay_err e = corim_read(file, &r->c);
	int status;

	if (e != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: %s%s%s", o->file, r->c.why,
				*r->c.why ? ": " : "", assay_err_text(e));
	r->signature = corim_verify(&r->c, &o->anchors.a, o->at, r->signer);
	r->content = corim_judge(&r->c, o->at);
	status = o->json ? print_json(o, r) : print_people(o, r);
	if (status != CLI_YES)
		return status;
	return is_good(o, r) ? CLI_YES : CLI_NEGATIVE;
}

static int
run(int argc, char **argv)
{
	struct options o = {0};
	struct report *r;
	struct span file;
	int status;

	if ((status = parse_options(argc, argv, &o)) != CLI_YES ||
	    !cli_read_file(o.file, CORIM_BYTES_MAX, &file, &status)) {
		anchors_free(&o.anchors);
		return status;
	}
	r = calloc(1, sizeof *r);
	status = r ? inspect(&o, file, r) : cli_fail(CLI_FAULT, "memory is exhausted");
	free(r);
	cli_free(file);
	anchors_free(&o.anchors);
	return status;
}

const struct cli_command cmd_inspect_corim = {
	.group = "inspect",
	.name = "corim",
	.usage = "FILE [--roots PATH] [--key FILE] [--at TIME] [--json]",
	.summary = "what a vendor's signed reference values (CoRIM) say, and what of it is used",
	.help = "FILE is a CoRIM, signed or not, or a CoMID alone (\"-\": standard input).\n"
		"\n"
		"  --roots PATH  certificates of those whose signers are believed: a file, or a\n"
		"                folder of files; may be given again\n"
		"  --key FILE    a signer's public key (PEM, DER); may be given again\n"
		"  --at TIME     judge at this time, like 2022-06-01T00:00:00Z; default: now\n"
		"  --json        one JSON document\n"
		"\n"
		"Exit status: 0 well-formed, of a known profile and in its time (if --roots or\n"
		"--key are given: and signed by one of them; without them only what is not\n"
		"signed), 1 not so, 2 malformed. What cannot be compared is listed as not used.\n"
		"docs/corim.md says what is used. To import: assay reference import.\n"
		"\n"
		"  assay inspect corim firmware.corim --roots vendors/\n",
	.run = run,
};
