/*
 * cmd_inspect_evidence.c: `assay inspect evidence`: what a piece of evidence holds.
 *
 * Reads an evidence file or a bare Proof frame. It verifies nothing, as the key and
 * the challenge are not in there, and says so: quotes are shown as they say they are.
 */
#include "cli.h"

#include "evidence/evidencefile.h"
#include "evidence/hex.h"
#include "evidence/quote.h"
#include "verifier/appraise/dice.h"
#include "verifier/appraise/text.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_inspect_evidence;

static json_t *
hex(struct span s)
{
	char *text = malloc(2 * s.n + 1);
	json_t *j = NULL;

	if (text && hex_encode(s, text, 2 * s.n + 1) == ASSAY_OK)
		j = json_string(text);
	free(text);
	return j ? j : json_null();
}

static json_t *
escaped(struct span s)
{
	char text[512];

	text_escape(s, text, sizeof text);
	return json_string(text);
}

static const char *
alg_text(uint16_t alg)
{
	static char other[16];
	const char *name = digest_name(alg);

	if (name)
		return name;
	snprintf(other, sizeof other, "0x%04x", alg);
	return other;
}

static json_t *
selection_json(const struct pcr_selection *s)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < s->count; i++) {
		json_t *list = json_array();

		for (unsigned p = 0; p < PCR_COUNT; p++)
			if (s->bank[i].mask >> p & 1u)
				json_array_append_new(list, json_integer((json_int_t)p));
		json_object_set_new(o, alg_text(s->bank[i].alg), list);
	}
	return o;
}

static json_t *
quote_json(const struct msg_quote *m)
{
	struct signature sig;
	enum assay_err es = tpmt_signature_parse(m->signature, &sig);
	struct quote q;
	enum assay_err e = quote_parse(m->attest, &q);

	if (e != ASSAY_OK)
		return json_pack("{s:s}", "error", assay_err_text(e));
	return json_pack("{s:o, s:o, s:o, s:I, s:i, s:i, s:b, s:o, s:o, s:s}", "qualified_signer",
			 hex(q.qualified_signer), "extra_data", hex(q.extra_data), "pcr_digest",
			 hex(q.pcr_digest), "clock", (json_int_t)q.clock, "reset_count",
			 (int)q.reset_count, "restart_count", (int)q.restart_count, "safe",
			 (int)q.clock_safe, "firmware_version",
			 json_sprintf("%016" PRIx64, q.firmware_version), "selection",
			 selection_json(&q.selection), "signature",
			 es == ASSAY_OK ? alg_text(sig.hash) : assay_err_text(es));
}

static json_t *
pcrs_json(const struct pcr_values *v)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < v->count; i++) {
		json_t *bank = json_object();

		for (unsigned p = 0; p < PCR_COUNT; p++) {
			char index[4];

			if (!(v->bank[i].mask >> p & 1u))
				continue;
			snprintf(index, sizeof index, "%u", p);
			json_object_set_new(bank, index, hex(digest_span(&v->bank[i].value[p])));
		}
		json_object_set_new(o, alg_text(v->bank[i].alg), bank);
	}
	return o;
}

/* Added to the claims of devices without a TPM. */
static void
add_start(json_t *o, const struct msg_claims *c)
{
	if (!c->start_id.n)
		return;
	json_object_set_new(o, "start", hex(c->start_id));
	json_object_set_new(o, "start_count", json_integer((json_int_t)c->start_count));
	json_object_set_new(o, "round", json_integer((json_int_t)c->round));
}

static json_t *
settings_json(const struct msg_claims *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->nsettings; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "item",
						      escaped(c->settings[i].item), "key",
						      escaped(c->settings[i].key), "value",
						      escaped(c->settings[i].value), "note",
						      escaped(c->settings[i].note)));
	return list;
}

static json_t *
claims_json(struct span bytes, struct arena *a)
{
	struct msg_claims c;
	json_t *o, *software, *health;
	enum assay_err e;

	if (bytes.n == 0)
		return json_null();
	if ((e = envelope_decode_claims(bytes, a, &c)) != ASSAY_OK)
		return json_pack("{s:s}", "error", assay_err_text(e));
	software = json_array();
	for (size_t i = 0; i < c.nsoftware; i++)
		json_array_append_new(
			software, json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "name",
					    escaped(c.software[i].name), "kind",
					    escaped(c.software[i].kind), "version",
					    escaped(c.software[i].version), "digest",
					    hex(c.software[i].digest), "note",
					    escaped(c.software[i].note), "size",
					    (json_int_t)c.software[i].size));
	health = json_object();
	for (size_t i = 0; i < c.nhealth; i++) {
		char name[128], instance[256], key[400];

		text_escape(c.health[i].name, name, sizeof name);
		text_escape(c.health[i].instance, instance, sizeof instance);
		snprintf(key, sizeof key, c.health[i].instance.n ? "%s[%s]" : "%s", name, instance);
		json_object_set_new(health, key, escaped(c.health[i].value));
	}
	o = json_pack("{s:o, s:o, s:I, s:o, s:o}", "agent", escaped(c.agent), "boot_log_digest",
		      hex(c.boot_log_digest), "boot_log_size", (json_int_t)c.boot_log_size,
		      "software", software, "health", health);
	json_object_set_new(o, "settings", settings_json(&c));
	add_start(o, &c);
	return o;
}

static json_t *
measured(const struct digest *d)
{
	return d->alg == ALG_NONE ? json_null() : hex(digest_span(d));
}

/* One certificate of a DICE chain; the last may be of a key alone. */
static json_t *
layer_json(struct span der)
{
	struct dice_layer l;
	struct x509 cert;
	enum assay_err e = x509_parse(der, &cert);

	if (e != ASSAY_OK)
		return json_pack("{s:s}", "error", assay_err_text(e));
	if (cert.dice_input.n)
		e = dice_input_parse(cert.dice_input, &l);
	else if (cert.dice_tcb.n)
		e = dice_tcb_parse(cert.dice_tcb, &l);
	else
		return json_pack("{s:n}", "mode");
	if (e != ASSAY_OK)
		return json_pack("{s:s}", "error", assay_err_text(e));
	return json_pack("{s:s, s:o, s:o, s:o}", "mode", dice_mode_name(l.mode), "code",
			 measured(&l.code), "config", measured(&l.config), "authority",
			 measured(&l.authority));
}

/* What a device without a TPM sends in the place of quotes and PCRs. */
static void
add_key_proof(json_t *o, const struct msg_proof *p)
{
	json_t *layers = json_array();

	for (unsigned i = 0; i < p->nlayers; i++)
		json_array_append_new(layers, layer_json(p->layers[i]));
	json_object_set_new(o, "key_signature", hex(p->key_signature));
	json_object_set_new(o, "layers", layers);
}

static json_t *
log_json(const struct evidence_file *f)
{
	static struct eventlog_replay r;
	enum assay_err e;

	if (!f->has_boot_log)
		return json_null();
	if ((e = eventlog_replay(f->boot_log, false, &r)) != ASSAY_OK)
		return json_pack("{s:I, s:s}", "bytes", (json_int_t)f->boot_log.n, "error",
				 assay_err_text(e));
	return json_pack("{s:I, s:i, s:o}", "bytes", (json_int_t)f->boot_log.n, "events",
			 (int)r.events, "pcrs", pcrs_json(&r.pcrs));
}

static json_t *
document(const struct evidence_file *f, const struct msg_proof *p, struct arena *a)
{
	struct span claims = f->claims.n ? f->claims : p->claims;
	json_t *quotes = json_array(), *o;

	for (unsigned i = 0; i < p->nquotes; i++)
		json_array_append_new(quotes, quote_json(&p->quotes[i]));
	o = json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "verified", 0, "quotes", quotes, "pcrs",
		      pcrs_json(&p->pcrs), "claims_digest", hex(p->claims_digest), "claims",
		      claims_json(claims, a), "boot_log", log_json(f));
	if (p->key_signature.n)
		add_key_proof(o, p);
	if (f->nonce.n) /* collected offline */
		json_object_set_new(o, "answers", hex(f->nonce));
	return o;
}

static void
print_value(const char *key, const json_t *v, int depth)
{
	const char *k;
	json_t *x;
	size_t i;

	if (json_is_object(v) || json_is_array(v)) {
		printf("%*s%s%s%s\n", 2 * depth, "", cli_bold(), key, cli_plain());
		if (json_is_object(v))
			json_object_foreach((json_t *)(uintptr_t)v, k, x)
				print_value(k, x, depth + 1);
		else
			json_array_foreach(v, i, x)
				print_value("-", x, depth + 1);
	} else if (json_is_string(v)) {
		printf("%*s%-18s %s\n", 2 * depth, "", key, json_string_value(v));
	} else {
		char *text = json_dumps(v, JSON_ENCODE_ANY);

		printf("%*s%-18s %s\n", 2 * depth, "", key, text ? text : "?");
		free(text);
	}
}

static int
show(json_t *doc, bool as_json)
{
	const char *k;
	json_t *v;

	if (!doc)
		return cli_fail(CLI_FAULT, "out of memory");
	if (as_json) {
		json_dumpf(doc, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("%sNothing here is verified: that needs the device's key and the "
		       "challenge (assay appraise).%s\n",
		       cli_dim(), cli_plain());
		json_object_foreach(doc, k, v)
			print_value(k, v, 0);
	}
	json_decref(doc);
	return CLI_YES;
}

static int
inspect(const char *path, struct span in, bool as_json)
{
	struct evidence_file f = {.proof = in};
	struct msg_proof p;
	struct arena a;
	uint8_t *mem;
	enum assay_err e = ASSAY_OK;
	int status;

	if (frame_type(in) != MSG_PROOF && (e = evidence_file_parse(in, &f)) != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: not an evidence file: %s", path,
				assay_err_text(e));
	mem = malloc(MSG_ARENA_MAX);
	if (!mem)
		return cli_fail(CLI_FAULT, "out of memory");
	arena_init(&a, mem, MSG_ARENA_MAX);
	if ((e = envelope_decode_proof(f.proof, &a, &p)) != ASSAY_OK)
		status = cli_fail(CLI_BAD_INPUT, "%s: proof: %s", path, assay_err_text(e));
	else
		status = show(document(&f, &p, &a), as_json);
	free(mem);
	return status;
}

static int
run(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	bool as_json = false;
	struct span in;
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'j')
			return cli_usage(&cmd_inspect_evidence, "unknown option `%s'",
					 argv[optind - 1]);
		as_json = true;
	}
	if (optind + 1 != argc)
		return cli_usage(&cmd_inspect_evidence, "which file?");
	if (!cli_read_file(argv[optind], EVIDENCEFILE_MAX, &in, &status))
		return status;
	status = inspect(argv[optind], in, as_json);
	cli_free(in);
	return status;
}

const struct cli_command cmd_inspect_evidence = {
	.group = "inspect",
	.name = "evidence",
	.usage = "FILE [--json]",
	.summary = "show what a piece of evidence says, verifying nothing",
	.help = "FILE is what `assay device evidence DEVICE file` or `assay-attester collect'\n"
		"writes, or a single Proof message.\n"
		"  --json   one JSON document\n"
		"\n"
		"Example:\n"
		"  assay device evidence gw-1 file >gw-1.evidence\n"
		"  assay inspect evidence gw-1.evidence\n",
	.run = run,
};
