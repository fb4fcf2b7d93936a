/*
 * cmd_verify_quote.c: `assay verify quote`: tpm2-tools' files in, yes or no out.
 * The checks are quotecheck.c's; here are options, files and what is shown.
 */
#include "cli.h"
#include "quotecheck.h"

#include "evidence/hex.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HEX_MAX (2 * QUOTE_MAX + 1)

extern const struct cli_command cmd_verify_quote;

struct options {
	const char *file[FILE_PCRS + 1]; /* by enum quotecheck_file */
	const char *nonce;
	uint16_t scheme, hash;
	bool json;
};

struct files {
	struct span content[FILE_PCRS + 1];
	uint8_t nonce[QUOTE_EXTRA_MAX];
	size_t nonce_len;
};

enum option_id { OPT_NONCE = 100, OPT_SCHEME, OPT_HASH, OPT_JSON };

static const struct option long_options[] = {
	{"ak", required_argument, NULL, FILE_AK},
	{"message", required_argument, NULL, FILE_MESSAGE},
	{"signature", required_argument, NULL, FILE_SIGNATURE},
	{"pcrs", required_argument, NULL, FILE_PCRS},
	{"nonce", required_argument, NULL, OPT_NONCE},
	{"scheme", required_argument, NULL, OPT_SCHEME},
	{"hash", required_argument, NULL, OPT_HASH},
	{"json", no_argument, NULL, OPT_JSON},
	{NULL, 0, NULL, 0},
};

/* ---- options ---------------------------------------------------------------- */

static int
set_option(int id, const char *value, struct options *o)
{
	switch (id) {
	case OPT_NONCE:
		o->nonce = value;
		return CLI_YES;
	case OPT_JSON:
		o->json = true;
		return CLI_YES;
	case OPT_SCHEME:
		o->scheme = quotecheck_scheme_by_name(value);
		if (o->scheme != SIG_NONE)
			return CLI_YES;
		return cli_usage(&cmd_verify_quote, "--scheme is rsassa, rsapss or ecdsa");
	case OPT_HASH:
		o->hash = digest_by_name(value);
		if (digest_computable(o->hash))
			return CLI_YES;
		return cli_usage(&cmd_verify_quote, "--hash is sha1, sha256, sha384 or sha512");
	default:
		if (o->file[id])
			return cli_usage(&cmd_verify_quote, "a file is given twice");
		o->file[id] = value;
		return CLI_YES;
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int id, status;

	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (id == '?')
			return cli_usage(&cmd_verify_quote, "no such option: %s", argv[optind - 1]);
		if (id == ':')
			return cli_usage(&cmd_verify_quote, "%s needs a value", argv[optind - 1]);
		if ((status = set_option(id, optarg, o)) != CLI_YES)
			return status;
	}
	if (optind < argc)
		return cli_usage(&cmd_verify_quote, "what is `%s'?", argv[optind]);
	for (int f = FILE_AK; f <= FILE_SIGNATURE; f++)
		if (!o->file[f])
			return cli_usage(&cmd_verify_quote, "--%s is needed",
					 long_options[f - 1].name);
	if (!o->nonce)
		return cli_usage(&cmd_verify_quote, "--nonce is needed (\"\" for none)");
	return CLI_YES;
}

/* ---- files ------------------------------------------------------------------ */

static int
read_files(const struct options *o, struct files *f)
{
	static const size_t max[] = {[FILE_AK] = AKFILE_MAX,
				     [FILE_MESSAGE] = QUOTE_MAX,
				     [FILE_SIGNATURE] = TPMT_SIGNATURE_MAX,
				     [FILE_PCRS] = PCRFILE_MAX};
	int status;

	if (hex_decode(o->nonce, f->nonce, sizeof f->nonce, &f->nonce_len) != ASSAY_OK)
		return cli_usage(&cmd_verify_quote,
				 "--nonce is not the hexadecimal text of at most %d bytes",
				 QUOTE_EXTRA_MAX);
	for (int i = FILE_AK; i <= FILE_PCRS; i++)
		if (o->file[i] && !cli_read_file(o->file[i], max[i], &f->content[i], &status))
			return status;
	return CLI_YES;
}

/* ---- what is shown ---------------------------------------------------------- */

/* Good until the next call. */
static const char *
hex(struct span s)
{
	static char text[HEX_MAX];

	return hex_encode(s, text, sizeof text) == ASSAY_OK ? text : "";
}

static const char *
curve_or_rsa(const struct key *k)
{
	return k->type == KEY_RSA ? "RSA" : "ECC P";
}

static void
show_selection(const struct pcr_selection *s)
{
	if (s->count == 0)
		printf(" none");
	for (unsigned i = 0; i < s->count; i++) {
		const char *sep = ":";

		printf("%s%s", i ? " + " : " ", digest_name(s->bank[i].alg));
		for (unsigned n = 0; n < PCR_COUNT; n++)
			if ((s->bank[i].mask >> n & 1) != 0) {
				printf("%s%u", sep, n);
				sep = ",";
			}
	}
	putchar('\n');
}

static void
show_valid(const struct quotecheck *c)
{
	const struct quote *q = &c->quote;

	printf("%svalid%s: signed by this key, for this nonce%s\n", cli_green(), cli_plain(),
	       c->has_pcrs ? ", over these PCR values" : "; no PCR values were given");
	printf("  key               %s-%u (%s)\n", curve_or_rsa(&c->ak.key), c->ak.key.bits,
	       c->ak.form);
	printf("  signature         %s with %s\n", quotecheck_scheme_name(c->sig.scheme),
	       digest_name(c->sig.hash));
	printf("  nonce             %s\n", q->extra_data.n ? hex(q->extra_data) : "none");
	printf("  PCRs             ");
	show_selection(&q->selection);
	printf("  PCR digest        %s\n", hex(q->pcr_digest));
	printf("  clock             %" PRIu64 " ms%s\n", q->clock,
	       q->clock_safe ? "" : ", not safe: it may have been set back by a power cut");
	printf("  resets, restarts  %" PRIu32 ", %" PRIu32 "\n", q->reset_count, q->restart_count);
	printf("  firmware version  %016" PRIx64 "\n", q->firmware_version);
	printf("  qualified signer  %s\n",
	       q->qualified_signer.n ? hex(q->qualified_signer) : "none");
}

static json_t *
json_selection(const struct pcr_selection *s)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < s->count; i++) {
		json_t *list = json_array();

		for (unsigned n = 0; n < PCR_COUNT; n++)
			if ((s->bank[i].mask >> n & 1) != 0)
				json_array_append_new(list, json_integer((json_int_t)n));
		json_object_set_new(o, digest_name(s->bank[i].alg), list);
	}
	return o;
}

static json_t *
json_values(const struct pcr_values *v)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < v->count; i++) {
		const struct pcr_bank *b = &v->bank[i];
		json_t *bank = json_object();

		for (unsigned n = 0; n < PCR_COUNT; n++) {
			char index[8];

			if ((b->mask >> n & 1) == 0)
				continue;
			snprintf(index, sizeof index, "%u", n);
			json_object_set_new(bank, index,
					    json_string(hex(digest_span(&b->value[n]))));
		}
		json_object_set_new(o, digest_name(b->alg), bank);
	}
	return o;
}

/* Why the key should not be relied on, or NULL. */
static const char *
ak_fault(const struct akfile *ak)
{
	enum ak_fault fault = ak->has_public ? tpmt_ak_fault(&ak->public) : AK_FINE;

	if (!ak->has_public && key_check(&ak->key) != ASSAY_OK)
		fault = AK_BAD_KEY;
	return fault == AK_FINE ? NULL : tpmt_ak_fault_text(fault);
}

static json_t *
json_key(const struct akfile *ak)
{
	return json_pack("{s:s, s:s, s:i, s:s?}", "form", ak->form, "type",
			 ak->key.type == KEY_RSA ? "rsa" : "ecc", "bits", (int)ak->key.bits,
			 "ak_fault", ak_fault(ak));
}

static json_t *
json_quote(const struct quotecheck *c)
{
	const struct quote *q = &c->quote;
	json_t *o = json_pack("{s:s, s:s}", "scheme", quotecheck_scheme_name(c->sig.scheme), "hash",
			      digest_name(c->sig.hash));
	char version[17];

	snprintf(version, sizeof version, "%016" PRIx64, q->firmware_version);
	json_object_set_new(o, "nonce", json_string(hex(q->extra_data)));
	json_object_set_new(o, "qualified_signer", json_string(hex(q->qualified_signer)));
	json_object_set_new(o, "selection", json_selection(&q->selection));
	json_object_set_new(o, "pcr_digest", json_string(hex(q->pcr_digest)));
	json_object_set_new(o, "clock", json_integer((json_int_t)q->clock));
	json_object_set_new(o, "clock_safe", json_boolean(q->clock_safe));
	json_object_set_new(o, "reset_count", json_integer(q->reset_count));
	json_object_set_new(o, "restart_count", json_integer(q->restart_count));
	json_object_set_new(o, "firmware_version", json_string(version));
	return o;
}

/* What was not proved is not shown: "quote" is null unless the signature held. */
static int
show_json(const struct quotecheck *c)
{
	bool signed_by_key = c->valid || c->failed > CHECK_SIGNATURE;
	json_t *o = json_pack("{s:b, s:s?, s:s?}", "valid", c->valid, "failed",
			      c->valid ? NULL : quotecheck_name(c->failed), "reason",
			      c->valid ? NULL : c->reason);
	int written;

	json_object_set_new(o, "key", json_key(&c->ak));
	json_object_set_new(o, "quote", signed_by_key ? json_quote(c) : json_null());
	json_object_set_new(o, "pcrs",
			    c->valid && c->has_pcrs ? json_values(&c->pcrs.values) : json_null());
	written = json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
	if (written != 0 || fflush(stdout) != 0)
		return cli_fail(CLI_FAULT, "standard output: cannot be written");
	return c->valid ? CLI_YES : CLI_NEGATIVE;
}

static int
show(const struct options *o, const struct quotecheck *c)
{
	const char *fault;

	if (c->malformed != FILE_NONE)
		return cli_fail(CLI_BAD_INPUT, "%s: %s", o->file[c->malformed], c->reason);
	if (o->json)
		return show_json(c);
	if (!c->valid) {
		printf("%srefused%s: %s: %s\n", cli_red(), cli_plain(), quotecheck_name(c->failed),
		       c->reason);
		return CLI_NEGATIVE;
	}
	show_valid(c);
	fault = ak_fault(&c->ak);
	if (fault)
		fprintf(stderr, "note: %s: not fit as attestation key: %s\n", o->file[FILE_AK],
			fault);
	return CLI_YES;
}

static int
run(int argc, char **argv)
{
	struct options o = {0};
	struct files f = {0};
	struct quotecheck c;
	int status;

	if ((status = parse_options(argc, argv, &o)) != CLI_YES ||
	    (status = read_files(&o, &f)) != CLI_YES)
		goto out;
	quotecheck(&(struct quotecheck_input){.ak = f.content[FILE_AK],
					      .message = f.content[FILE_MESSAGE],
					      .signature = f.content[FILE_SIGNATURE],
					      .pcrs = f.content[FILE_PCRS],
					      .nonce = SPAN(f.nonce, f.nonce_len),
					      .scheme = o.scheme,
					      .hash = o.hash},
		   &c);
	status = show(&o, &c);
out:
	for (int i = FILE_AK; i <= FILE_PCRS; i++)
		cli_free(f.content[i]);
	return status;
}

const struct cli_command cmd_verify_quote = {
	.group = "verify",
	.name = "quote",
	.usage = "--ak FILE --message FILE --signature FILE --nonce HEX [--pcrs FILE]\n"
		 "       [--scheme NAME] [--hash NAME] [--json]",
	.summary = "check a TPM quote: signature, nonce and PCR values",
	.help = "  --ak FILE         the attestation key: TPM2B_PUBLIC (tpm2_createak -u), "
		"TPMT_PUBLIC,\n"
		"                    a public key or certificate in PEM or DER (of a certificate "
		"only\n"
		"                    the key is used)\n"
		"  --message FILE    TPMS_ATTEST (tpm2_quote -m)\n"
		"  --signature FILE  TPMT_SIGNATURE (tpm2_quote -s), or a raw RSA or ECDSA\n"
		"                    signature (-f plain; DER, or r || s)\n"
		"  --nonce HEX       what extraData must be, compared whole; \"\" for none\n"
		"  --pcrs FILE       PCR values (tpm2_quote -o), serialized, marshaled or values\n"
		"  --scheme NAME     rsassa, rsapss or ecdsa, and\n"
		"  --hash NAME       sha1, sha256, sha384 or sha512: what the signature must be. A "
		"raw\n"
		"                    signature does not say; without these the key's own scheme "
		"is\n"
		"                    taken, or what fits key and quote\n"
		"  --json            one JSON document on standard output\n"
		"\n"
		"Exit status: 0 valid, 1 refused, 2 a file is malformed, 3 cannot be read, 64 "
		"usage.\n"
		"\n"
		"Example: tpm2_quote -c ak.ctx -l sha256:0,7 -q $NONCE -m q.msg -s q.sig -o "
		"q.pcrs\n"
		"         assay verify quote --ak ak.pub --message q.msg --signature q.sig \\\n"
		"                 --nonce $NONCE --pcrs q.pcrs\n",
	.run = run,
};
