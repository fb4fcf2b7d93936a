/*
 * cmd_appraise.c: `assay appraise`: a whole appraisal from files, as the verifier makes
 * it: a case file, or evidence with all that is needed to judge it.
 */
#include "akfile.h"
#include "cli.h"
#include "pem.h"
#include "verdict_show.h"

#include "evidence/challengefile.h"
#include "evidence/devicekey.h"
#include "evidence/evidencefile.h"
#include "evidence/hex.h"
#include "verifier/appraise/casefile.h"
#include "verifier/appraise/policy.h"
#include "verifier/appraise/reference.h"
#include "verifier/appraise/softset.h"
#include "verifier/compiler/policy_compile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REFERENCE_FILES_MAX REFERENCES_PER_DEVICE_MAX
#define POLICY_SOURCE_MAX (1u << 20)
#define HELD_MAX (REFERENCE_FILES_MAX + 8)

extern const struct cli_command cmd_appraise;

struct options {
	const char *file, *key, *ek, *challenge, *policy, *tier, *class_name;
	size_t nreferences;
	const char *references[REFERENCE_FILES_MAX];
	int64_t at;
	bool json, facts;
};

/* Everything that must stay while the input points to it. */
struct work {
	struct case_file c;
	struct verdict verdict;
	struct akfile key, ek;
	size_t nheld;
	void *held[HELD_MAX];
	size_t nfiles;
	struct span files[HELD_MAX];
	struct span nonce; /* that the evidence says it answers; empty: none */
};

/* ---- options ---- */

static const char **
value_place(struct options *o, const char *name)
{
	static const char *at;

	if (strcmp(name, "--key") == 0)
		return &o->key;
	if (strcmp(name, "--ek") == 0)
		return &o->ek;
	if (strcmp(name, "--challenge") == 0)
		return &o->challenge;
	if (strcmp(name, "--policy") == 0)
		return &o->policy;
	if (strcmp(name, "--tier") == 0)
		return &o->tier;
	if (strcmp(name, "--class") == 0)
		return &o->class_name;
	if (strcmp(name, "--reference") == 0 && o->nreferences < REFERENCE_FILES_MAX)
		return &o->references[o->nreferences++];
	return strcmp(name, "--at") == 0 ? &at : NULL;
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	o->at = -1;
	for (int i = 1; i < argc; i++) {
		const char **place;

		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (strcmp(argv[i], "--facts") == 0) {
			o->facts = true;
		} else if (argv[i][0] != '-' || !argv[i][1]) {
			if (o->file)
				return cli_usage(&cmd_appraise, "one FILE at a time");
			o->file = argv[i];
		} else if (!(place = value_place(o, argv[i]))) {
			return cli_usage(&cmd_appraise, "no such option: %s", argv[i]);
		} else if (i + 1 >= argc) {
			return cli_usage(&cmd_appraise, "%s needs a value", argv[i]);
		} else {
			*place = argv[++i];
			if (strcmp(argv[i - 1], "--at") == 0 && !cli_parse_time(*place, &o->at))
				return cli_usage(&cmd_appraise, "--at %s: neither like "
						 "2022-06-01T00:00:00Z nor seconds since 1970",
						 *place);
		}
	}
	return o->file ? CLI_YES : cli_usage(&cmd_appraise, "which FILE?");
}

/* ---- memory ---- */

static void *
hold(struct work *w, size_t n)
{
	void *p = w->nheld < HELD_MAX ? calloc(1, n ? n : 1) : NULL;

	if (p)
		w->held[w->nheld++] = p;
	return p;
}

static int
read_file(struct work *w, const char *path, size_t max, struct span *ret)
{
	int status = CLI_YES;

	if (w->nfiles == HELD_MAX)
		return cli_fail(CLI_BAD_INPUT, "%s: too many files", path);
	if (!cli_read_file(path, max, ret, &status))
		return status;
	w->files[w->nfiles++] = *ret;
	return CLI_YES;
}

static void
release(struct work *w)
{
	for (size_t i = 0; i < w->nheld; i++)
		free(w->held[i]);
	for (size_t i = 0; i < w->nfiles; i++)
		cli_free(w->files[i]);
	free(w);
}

/* ---- evidence and what it takes to judge it ---- */

/* The device's record: what enrolment would have stored of these keys. */
static int
take_key(struct work *w, const char *path, struct akfile *ret, struct tpm_name *ret_name,
	 struct span *ret_public)
{
	char what[AKFILE_WHAT_MAX] = "";
	struct span file, area;
	int status = read_file(w, path, AKFILE_MAX, &file);
	enum assay_err e;

	if (status != CLI_YES)
		return status;
	if ((e = akfile_parse(file, ret, what)) != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: %s: %s", path, what, assay_err_text(e));
	if (!ret->has_public)
		return cli_fail(CLI_BAD_INPUT,
				"%s: a %s is not enough: the key's TPM public area is needed "
				"(TPM2B_PUBLIC or TPMT_PUBLIC), as its name is signed", path,
					ret->form);
	area = ret->public.bytes;
	if ((e = tpmt_public_name(&ret->public, ret_name)) != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: %s", path, assay_err_text(e));
	*ret_public = area;
	return CLI_YES;
}

static enum tier
find_tier(const char *name)
{
	for (unsigned t = TIER_NONE + 1; t < TIER_COUNT; t++)
		if (strcmp(tier_name(t), name) == 0)
			return t;
	return TIER_NONE;
}

/* The identity key of a device without TPM: its SubjectPublicKeyInfo. */
static int
take_public(struct work *w, const char *path, struct device_view *d)
{
	struct span file;
	struct writer der;
	int status = read_file(w, path, AKFILE_MAX, &file);
	enum assay_err e = ASSAY_OK;

	if (status != CLI_YES)
		return status;
	d->ak_public = file;
	if (pem_is(file)) {
		wr_init(&der, hold(w, AKFILE_MAX), AKFILE_MAX);
		e = der.p ? pem_decode(file, "PUBLIC KEY", &der) : ASSAY_NO_MEMORY;
		d->ak_public = wr_span(&der);
	}
	if (e == ASSAY_OK)
		e = devicekey_name(d->ak_public, &d->ak_name);
	d->ek_name = d->ak_name;
	return e == ASSAY_OK ? CLI_YES
			     : cli_fail(CLI_BAD_INPUT, "%s: no public key of a device: %s", path,
					assay_err_text(e));
}

static int
fill_device(const struct options *o, struct work *w)
{
	struct device_view *d = &w->c.in.device;
	struct span unused;
	int status;

	d->tier = o->tier ? find_tier(o->tier) : TIER_TPM;
	if (d->tier == TIER_NONE)
		return cli_usage(&cmd_appraise, "--tier %s: none of tpm, virtual-tpm, dice, token, "
						"software", o->tier);
	if (tier_has_tpm(d->tier) != (o->ek != NULL))
		return cli_usage(&cmd_appraise, o->ek ? "--ek: only with a TPM" : "--ek is needed");
	if (!o->ek) {
		status = take_public(w, o->key, d);
	} else {
		status = take_key(w, o->key, &w->key, &d->ak_name, &d->ak_public);
		if (status == CLI_YES)
			status = take_key(w, o->ek, &w->ek, &d->ek_name, &unused);
		d->ek.allow_listed = true; /* who gives it vouches for it */
	}
	if (status != CLI_YES)
		return status;
	if (o->class_name && strlen(o->class_name) > DEVICE_CLASS_MAX)
		return cli_usage(&cmd_appraise, "--class %s: too long", o->class_name);
	snprintf(d->class_name, sizeof d->class_name, "%s", o->class_name ? o->class_name : "");
	memset(d->id, '0', DEVICE_ID_HEX);
	return CLI_YES;
}

/* The challenge of another round would show as a quote that is not bound to it. */
static int
take_offline(const struct options *o, struct work *w, struct span file)
{
	struct appraisal_input *in = &w->c.in;
	struct challenge_file ch;
	enum assay_err e = challenge_file_parse(file, NULL, &ch);

	if (e != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: no sound challenge: %s", o->challenge,
				assay_err_text(e));
	if (w->nonce.n && !span_equal(w->nonce, SPAN(ch.nonce, sizeof ch.nonce)))
		return cli_fail(CLI_NEGATIVE, "%s: the evidence answers another challenge",
				o->challenge);
	if (in->now >= ch.expires)
		return cli_fail(CLI_NEGATIVE, "%s: the challenge has expired", o->challenge);
	memcpy(in->nonce, ch.nonce, sizeof in->nonce);
	memcpy(in->device.id, ch.device, sizeof in->device.id);
	in->asked = ch.asked;
	in->issued = ch.issued;
	in->kind = tier_has_tpm(in->device.tier) ? BINDING_TPM_OFFLINE : BINDING_KEY_OFFLINE;
	/* nobody can be asked for more: what is not in the file is withheld */
	in->has_ima = true;
	in->nfiles = 1;
	return CLI_YES;
}

static int
fill_challenge(const struct options *o, struct work *w)
{
	struct arena *a = hold(w, sizeof *a);
	void *memory = hold(w, MSG_ARENA_SMALL);
	struct msg_challenge m;
	struct span file;
	int status = read_file(w, o->challenge, CHALLENGEFILE_MAX, &file);
	enum assay_err e;

	if (status != CLI_YES)
		return status;
	if (challenge_file_is(file))
		return take_offline(o, w, file);
	if (!a || !memory)
		return cli_fail(CLI_FAULT, "memory is exhausted");
	arena_init(a, memory, MSG_ARENA_SMALL);
	if ((e = envelope_decode_challenge(file, a, &m)) != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: not a challenge: %s", o->challenge,
				assay_err_text(e));
	if (m.channel_bound)
		return cli_fail(CLI_BAD_INPUT, "%s: it is bound to a connection, which a file "
				"cannot show; use a case file", o->challenge);
	memcpy(w->c.in.nonce, m.nonce.p, BINDING_NONCE_SIZE);
	w->c.in.asked = m.pcrs;
	w->c.in.kind = tier_has_tpm(w->c.in.device.tier) ? BINDING_TPM_ONLINE : BINDING_KEY_ONLINE;
	return CLI_YES;
}

static int
fill_policy(const struct options *o, struct work *w)
{
	uint8_t *out = hold(w, POLICY_BYTES_MAX);
	struct yaml_errors *errs = hold(w, sizeof *errs);
	struct writer wr;
	struct span yaml;
	int status = read_file(w, o->policy, POLICY_SOURCE_MAX, &yaml);
	enum assay_err e;

	if (status != CLI_YES)
		return status;
	if (!out || !errs)
		return cli_fail(CLI_FAULT, "memory is exhausted");
	wr_init(&wr, out, POLICY_BYTES_MAX);
	e = policy_compile(yaml, o->policy, &wr, errs);
	for (unsigned i = 0; i < errs->count; i++)
		fprintf(stderr, "%s\n", errs->e[i].text);
	if (e != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: not a policy", o->policy);
	w->c.in.policy = wr_span(&wr);
	if (digest_sha256(w->c.in.policy, w->c.in.policy_digest) != ASSAY_OK)
		return cli_fail(CLI_FAULT, "the policy could not be hashed");
	return CLI_YES;
}

static int
fill_references(const struct options *o, struct work *w)
{
	for (size_t i = 0; i < o->nreferences; i++) {
		struct reference_view *v = &w->c.in.references[i];
		struct reference check;
		int status = read_file(w, o->references[i], REFERENCE_BYTES_MAX, &v->compiled);

		if (status != CLI_YES)
			return status;
		if (reference_open(v->compiled, &check) == ASSAY_OK)
			v->kind = REF_KIND_BOOT;
		else if (softset_check(v->compiled) == ASSAY_OK)
			v->kind = REF_KIND_SOFTWARE;
		else
			return cli_fail(CLI_BAD_INPUT, "%s: not a compiled reference set (see "
					"`assay reference export')", o->references[i]);
		if (digest_sha256(v->compiled, v->digest) != ASSAY_OK)
			return cli_fail(CLI_FAULT, "a reference set could not be hashed");
		v->state = REF_PROMOTED;
		w->c.in.nreferences++;
	}
	return CLI_YES;
}

static int
fill_evidence(const struct options *o, struct work *w, struct span file)
{
	struct evidence_file ev;
	enum assay_err e = evidence_file_parse(file, &ev);

	if (e != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: neither a case nor evidence: %s", o->file,
				assay_err_text(e));
	w->nonce = ev.nonce;
	w->c.in.proof = ev.proof;
	w->c.in.claims = ev.claims;
	w->c.in.has_boot_log = ev.has_boot_log;
	w->c.in.boot_log = ev.boot_log;
	w->c.in.has_ima = ev.has_ima;
	w->c.in.ima = ev.ima;
	return CLI_YES;
}

static int
from_evidence(const struct options *o, struct work *w, struct span file)
{
	int status = fill_evidence(o, w, file);

	if (status != CLI_YES)
		return status;
	if (!o->key || !o->challenge || !o->policy)
		return cli_usage(&cmd_appraise,
				 "evidence needs --key, --challenge, --policy and, of "
				 "a TPM, --ek to be judged");
	w->c.mode = CASE_ROUND;
	w->c.in.now = o->at >= 0 ? o->at : (int64_t)time(NULL);
	if ((status = fill_device(o, w)) != CLI_YES ||
	    (status = fill_challenge(o, w)) != CLI_YES ||
	    (status = fill_policy(o, w)) != CLI_YES)
		return status;
	return fill_references(o, w);
}

/* ---- the command ---- */

static int
load(const struct options *o, struct work *w)
{
	struct span file;
	int status = read_file(w, o->file, CASE_BYTES_MAX, &file);
	enum assay_err e;

	if (status != CLI_YES)
		return status;
	e = case_file_parse(file, &w->c);
	if (e == ASSAY_BAD_MAGIC)
		return from_evidence(o, w, file);
	if (e != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: not a sound case: %s", o->file,
				assay_err_text(e));
	if (o->key || o->ek || o->challenge || o->policy || o->nreferences || o->at >= 0)
		return cli_usage(&cmd_appraise, "a case brings all that it takes to judge it");
	return CLI_YES;
}

static int
present(const struct options *o, const struct verdict *v)
{
	json_t *doc;
	bool ok;

	if (!o->json) {
		verdict_show(v, o->facts);
		return CLI_YES;
	}
	doc = verdict_json(v);
	ok = doc && json_dumpf(doc, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF &&
	     fflush(stdout) == 0;
	json_decref(doc);
	return ok ? CLI_YES : cli_fail(CLI_FAULT, "the result could not be written");
}

static int
run(int argc, char **argv)
{
	struct work *w = calloc(1, sizeof *w);
	struct options o = {0};
	struct arena arena;
	void *memory;
	int status;

	if (!w)
		return cli_fail(CLI_FAULT, "memory is exhausted");
	if ((status = parse_options(argc, argv, &o)) == CLI_YES)
		status = load(&o, w);
	memory = status == CLI_YES ? hold(w, APPRAISE_ARENA) : NULL;
	if (status == CLI_YES && !memory)
		status = cli_fail(CLI_FAULT, "memory is exhausted");
	if (status == CLI_YES) {
		arena_init(&arena, memory, APPRAISE_ARENA);
		case_file_appraise(&w->c, &arena, &w->verdict);
		status = present(&o, &w->verdict);
	}
	if (status == CLI_YES && w->verdict.status == VERDICT_FAULT)
		status = CLI_FAULT;
	else if (status == CLI_YES && (w->verdict.status != VERDICT_DECIDED ||
				       w->verdict.outcome != OUTCOME_ADMIT))
		status = CLI_NEGATIVE;
	release(w);
	return status;
}

const struct cli_command cmd_appraise = {
	.group = "appraise",
	.name = "",
	.usage = "FILE.case | FILE.evidence --key FILE [--ek FILE] --challenge FILE --policy FILE\n"
		 "       [--reference FILE]... [--class C] [--tier TIER] [--at TIME]   "
		 "[--facts] [--json]",
	.summary = "judge a case, or evidence with all that it takes, as the verifier does",
	.help = "A case file (device export-case) holds evidence, device record, references,\n"
		"policy, continuity and time: the same file gives the same result everywhere.\n"
		"\n"
		"  --key FILE        attestation key: TPM2B_PUBLIC or TPMT_PUBLIC; without a TPM\n"
		"                    the device's public key, PEM or DER\n"
		"  --ek FILE         endorsement key, likewise: the AK's name is signed under it;\n"
		"                    taken as allow-listed\n"
		"  --challenge FILE  the challenge that it answers, of a connection or a file\n"
		"                    (assay evidence challenge)\n"
		"  --policy FILE     a policy as it is written (YAML)\n"
		"  --reference FILE  a compiled set (reference export), taken as promoted\n"
		"  --class, --tier   of the device's record; tier tpm (default), virtual-tpm,\n"
		"                    dice, token or software\n"
		"  --at TIME         judge at this time; default: now\n"
		"  --facts           all facts too\n"
		"  --json            one JSON document\n"
		"\n"
		"Exit status: 0 ADMIT, 1 anything else that was decided or is not proved, 2 a\n"
		"file is malformed, 4 the appraisal failed.\n"
		"\n"
		"  assay device export-case gw-1 --output gw-1.case\n"
		"  assay appraise gw-1.case\n",
	.run = run,
};
