/*
 * cmd_inspect_ima.c: `assay inspect ima`: what a Linux IMA measurement list says,
 * whether it contradicts itself, and whether it leads to a given PCR 10.
 */
#include "cli.h"
#include "ima_view.h"

#include "evidence/hex.h"

#include <stdlib.h>
#include <string.h>

#define ALG_NAME_MAX 16

extern const struct cli_command cmd_inspect_ima;

struct options {
	const char *file;
	bool json, has_pcr;
	struct digest pcr;
};

/* "sha256:HEX" */
static bool
parse_pcr(const char *text, struct digest *ret)
{
	const char *colon = strchr(text, ':');
	char name[ALG_NAME_MAX];
	uint8_t bytes[DIGEST_MAX];
	size_t len, n = colon ? (size_t)(colon - text) : 0;

	if (n == 0 || n >= sizeof name)
		return false;
	memcpy(name, text, n);
	name[n] = '\0';
	return digest_computable(digest_by_name(name)) &&
	       hex_decode(colon + 1, bytes, sizeof bytes, &len) == ASSAY_OK &&
	       digest_from(digest_by_name(name), SPAN(bytes, len), ret) == ASSAY_OK;
}

static int
parse_option(int argc, char **argv, int *i, struct options *o)
{
	const char *arg = argv[*i];

	if (strcmp(arg, "--json") == 0) {
		o->json = true;
	} else if (strcmp(arg, "--pcr10") == 0) {
		if (*i + 1 >= argc || !parse_pcr(argv[++*i], &o->pcr))
			return cli_usage(&cmd_inspect_ima, "--pcr10 needs ALG:HEX, with sha1, "
					 "sha256, sha384 or sha512 and all of its digits");
		o->has_pcr = true;
	} else if (arg[0] == '-' && arg[1] != '\0') {
		return cli_usage(&cmd_inspect_ima, "unknown option %s", arg);
	} else if (o->file) {
		return cli_usage(&cmd_inspect_ima, "one list at a time: %s", arg);
	} else {
		o->file = arg;
	}
	return CLI_YES;
}

/* What the list's state means, once it has been read. */
static int
judge(const struct ima_view *v)
{
	if (v->err != ASSAY_OK)
		return CLI_BAD_INPUT;
	if (v->asked)
		return v->match_err == ASSAY_OK ? CLI_YES : CLI_NEGATIVE;
	return v->run.contradictions > 0 || v->bad_signatures > 0 ? CLI_NEGATIVE : CLI_YES;
}

static int
inspect(const struct options *o, struct ima_view *v)
{
	int status;

	v->path = o->file;
	v->scratch = malloc(IMALOG_SCRATCH);
	if (!v->scratch)
		return cli_fail(CLI_FAULT, "memory is exhausted");
	if (!cli_read_file(o->file, IMALOG_MAX, &v->list, &status))
		return status;
	ima_view_read(v);
	if (v->err != ASSAY_OK)
		ima_view_complain(v);
	if (v->err == ASSAY_OK && o->has_pcr) {
		v->asked = true;
		v->expected = o->pcr;
		ima_view_match(v);
	}
	if (o->json && !ima_show_json(v))
		return cli_fail(CLI_FAULT, "memory is exhausted");
	if (!o->json && v->run.entries > 0)
		ima_show(v);
	return judge(v);
}

static int
run(int argc, char **argv)
{
	struct options o = {0};
	struct ima_view *v;
	int status;

	for (int i = 1; i < argc; i++)
		if ((status = parse_option(argc, argv, &i, &o)) != CLI_YES)
			return status;
	if (!o.file)
		return cli_usage(&cmd_inspect_ima, "which list?");
	v = calloc(1, sizeof *v);
	if (!v)
		return cli_fail(CLI_FAULT, "memory is exhausted");
	status = inspect(&o, v);
	cli_free(v->list);
	free(v->scratch);
	free(v);
	return status;
}

const struct cli_command cmd_inspect_ima = {
	.group = "inspect",
	.name = "ima",
	.usage = "FILE [--json] [--pcr10 ALG:HEX]",
	.summary = "what an IMA measurement list says, and whether PCR 10 proves it",
	.help = "Reads binary and ascii lists of every template.\n"
		"\n"
		"  --pcr10 ALG:HEX  find the entries that lead to this value of PCR 10\n"
		"  --json           one JSON document\n"
		"\n"
		"Exit status: 0 read (with --pcr10: and the list, or its beginning, reproduces\n"
		"the value), 1 it does not, or entries contradict their template hashes or\n"
		"have malformed signatures, 2 malformed.\n"
		"\n"
		"  assay inspect ima /sys/kernel/security/ima/binary_runtime_measurements\n"
		"  assay inspect ima list.bin --pcr10 sha256:$(cat pcr10.hex)\n",
	.run = run,
};
