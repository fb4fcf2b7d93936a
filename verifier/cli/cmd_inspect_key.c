/*
 * cmd_inspect_key.c: `assay inspect key`: under which name a key without a TPM is a
 * device, and what the allow-list calls it.
 */
#include "cli.h"
#include "pem.h"

#include "evidence/devicekey.h"
#include "evidence/hex.h"
#include "verifier/appraise/x509.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (64u << 10)

extern const struct cli_command cmd_inspect_key;

struct names {
	struct key key;
	char device[33], name[2 * TPM_NAME_MAX + 1], allow[65];
};

/* A certificate's key, or a public key alone; PEM or DER. */
static enum assay_err
find_key(struct span file, uint8_t *buf, struct span *ret)
{
	struct writer w;
	struct x509 c;

	wr_init(&w, buf, FILE_MAX);
	if (pem_is(file)) {
		if (pem_decode(file, "CERTIFICATE", &w) == ASSAY_OK) {
			file = wr_span(&w);
		} else {
			wr_init(&w, buf, FILE_MAX);
			if (pem_decode(file, "PUBLIC KEY", &w) != ASSAY_OK)
				return ASSAY_MALFORMED;
			file = wr_span(&w);
		}
	}
	*ret = x509_parse(file, &c) == ASSAY_OK ? c.spki : file;
	return ASSAY_OK;
}

static enum assay_err
compute(struct span spki, struct names *n)
{
	struct tpm_name name;
	uint8_t digest[32];
	enum assay_err e;

	if ((e = devicekey_read(spki, &n->key)) != ASSAY_OK ||
	    (e = devicekey_name(spki, &name)) != ASSAY_OK ||
	    (e = digest_sha256(SPAN(name.b, name.len), digest)) != ASSAY_OK ||
	    (e = hex_encode(SPAN(name.b + 2, 16), n->device, sizeof n->device)) != ASSAY_OK ||
	    (e = hex_encode(SPAN(name.b, name.len), n->name, sizeof n->name)) != ASSAY_OK)
		return e;
	return hex_encode(SPAN(digest, sizeof digest), n->allow, sizeof n->allow);
}

static int
show(const struct names *n, bool json)
{
	json_t *j;
	int bad;

	if (!json) {
		printf("kind        %s, %u bits\ndevice      %s\nname        %s\nallow-list  %s\n",
		       devicekey_word(&n->key), n->key.bits, n->device, n->name, n->allow);
		return CLI_YES;
	}
	j = json_pack("{s:s, s:i, s:s, s:s, s:s}", "kind", devicekey_word(&n->key), "bits",
		      (int)n->key.bits, "device", n->device, "name", n->name, "allow", n->allow);
	bad = !j || json_dumpf(j, stdout, JSON_INDENT(2)) != 0 || putchar('\n') < 0;
	json_decref(j);
	return bad ? cli_fail(CLI_FAULT, "memory is exhausted") : CLI_YES;
}

static int
inspect(const char *path, bool json)
{
	struct names n = {.device = ""};
	struct span file, spki;
	uint8_t *buf = malloc(FILE_MAX);
	int status = CLI_YES;
	enum assay_err e;

	if (!buf)
		return cli_fail(CLI_FAULT, "memory is exhausted");
	if (cli_read_file(path, FILE_MAX, &file, &status)) {
		e = find_key(file, buf, &spki);
		if (e == ASSAY_OK)
			e = compute(spki, &n);
		if (e == ASSAY_OK)
			status = show(&n, json);
		else if (e == ASSAY_WEAK || e == ASSAY_UNSUPPORTED)
			status = cli_fail(CLI_NEGATIVE, "%s: a key of this kind cannot attest: %s",
					  path, assay_err_text(e));
		else
			status = cli_fail(CLI_BAD_INPUT,
					  "%s: holds no certificate and no public key", path);
		cli_free(file);
	}
	free(buf);
	return status;
}

static int
run(int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (argv[i][0] == '-' && argv[i][1] != '\0')
			return cli_usage(&cmd_inspect_key, "unknown option %s", argv[i]);
		else if (path)
			return cli_usage(&cmd_inspect_key, "one key at a time: %s", argv[i]);
		else
			path = argv[i];
	}
	return path ? inspect(path, json) : cli_usage(&cmd_inspect_key, "which key?");
}

const struct cli_command cmd_inspect_key = {
	.group = "inspect",
	.name = "key",
	.usage = "FILE [--json]",
	.summary = "the device that a key without a TPM is, and its name on the allow-list",
	.help = "FILE is a certificate or a public key, PEM or DER: of a DICE device that of its\n"
		"root (UDS), else that of the key that signs.\n"
		"\n"
		"  --json  one JSON document\n"
		"\n"
		"Exit status: 0 such a key can attest, 1 it cannot, 2 there is no key in FILE.\n"
		"\n"
		"  assay inspect key uds.pem\n"
		"  assay ek allow --ek $(assay inspect key uds.pem --json | jq -r .allow) --class "
		"plc\n",
	.run = run,
};
