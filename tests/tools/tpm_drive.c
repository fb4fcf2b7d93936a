/*
 * tpm_drive.c: the TPM back end from a shell, for tests/integration/tpm_backend.sh.
 *
 *   tpm_drive TCTI KEYFILE start EK AK [persistent HANDLE]   makes KEYFILE, or loads it
 *   tpm_drive TCTI KEYFILE quote HEX32 ALG:MASK[,ALG:MASK...] OUT
 *   tpm_drive TCTI KEYFILE activate BLOBFILE OUT
 *   tpm_drive TCTI KEYFILE session -         then one `quote` or `activate` per line
 *                                            of stdin, answered `done N` by a line
 *   tpm_drive - KEYFILE verify HEX32 OUT     what a verifier checks of OUT's quotes:
 *                                            signature, nonce, qualified signer, PCRs
 *
 * start prints ek=, ek-name=, ak-name=, cert= and banks=, and writes KEYFILE.ek.pub
 * and KEYFILE.ak.pub (TPM2B_PUBLIC), KEYFILE.ak.name and KEYFILE.ek.cert. quote
 * writes OUT.N.msg, OUT.N.sig and OUT.pcrs. BLOBFILE is tpm2_makecredential's.
 * Errors: the word and the detail on stderr, and exit status 1.
 */
#include <assay/attester.h>

#include "evidence/digest.h"
#include "evidence/hex.h"
#include "evidence/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct assay_tpm *tpm;

static int
fail(enum assay_err e)
{
	fprintf(stderr, "%s: %s\n", assay_err_name(e), tpm ? assay_tpm_detail(tpm) : "");
	return 1;
}

static size_t
read_file(const char *path, uint8_t *buf, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(buf, 1, cap, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static void
write_file(const char *base, const char *suffix, const void *p, size_t n)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s%s", base, suffix);
	f = fopen(path, "wb");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0) {
		perror(path);
		exit(4);
	}
}

/* TPMT_PUBLIC with its size in front, as tpm2-tools want it. */
static void
write_public(const char *base, const char *suffix, struct assay_bytes p)
{
	uint8_t b[2048];

	b[0] = (uint8_t)(p.len >> 8);
	b[1] = (uint8_t)p.len;
	memcpy(b + 2, p.data, p.len);
	write_file(base, suffix, b, p.len + 2);
}

static void
print_hex(const char *name, struct assay_bytes b)
{
	printf("%s=", name);
	for (size_t i = 0; i < b.len; i++)
		printf("%02x", b.data[i]);
	printf("\n");
}

static struct span
read_part(const char *base, const char *suffix, uint8_t *buf, size_t cap)
{
	char path[4096];

	snprintf(path, sizeof path, "%s%s", base, suffix);
	return SPAN(buf, read_file(path, buf, cap));
}

static int
show(const char *keyfile)
{
	struct assay_backend back = assay_tpm_backend(tpm);
	struct assay_identity id;
	uint8_t key[ASSAY_KEY_BLOB_MAX];
	size_t n;
	enum assay_err e;

	if ((e = assay_tpm_key(tpm, key, sizeof key, &n)) != ASSAY_OK ||
	    (e = back.identity(back.self, &id)) != ASSAY_OK)
		return fail(e);
	write_file(keyfile, "", key, n);
	write_public(keyfile, ".ek.pub", id.ek_public);
	write_public(keyfile, ".ak.pub", id.ak_public);
	write_file(keyfile, ".ak.name", assay_tpm_ak_name(tpm).data, assay_tpm_ak_name(tpm).len);
	write_file(keyfile, ".ek.cert", id.ek_certificate.data, id.ek_certificate.len);
	printf("ek=%s\ncert=%zu\nchain=%u\n", assay_ek_name(assay_tpm_ek(tpm)),
	       id.ek_certificate.len, id.chain_count);
	print_hex("ek-name", assay_tpm_ek_name(tpm));
	print_hex("ak-name", assay_tpm_ak_name(tpm));
	printf("banks=");
	for (unsigned i = 0; i < id.bank_count; i++)
		printf("%s%s", i ? "," : "", digest_name(id.banks[i]));
	printf("\n");
	return 0;
}

static size_t
parse_banks(char *text, struct assay_selection *ret)
{
	size_t n = 0;

	for (char *s = strtok(text, ","); s && n < ASSAY_BANKS_MAX; s = strtok(NULL, ",")) {
		char *colon = strchr(s, ':');

		if (!colon)
			exit(64);
		*colon = '\0';
		ret[n].alg = digest_by_name(s);
		ret[n++].mask = (uint32_t)strtoul(colon + 1, NULL, 16);
	}
	return n;
}

static int
quote(char **argv)
{
	static struct assay_quotes q;
	struct assay_backend back = assay_tpm_backend(tpm);
	struct assay_selection banks[ASSAY_BANKS_MAX];
	uint8_t qualifying[32], pcrs[ASSAY_BANKS_MAX * ASSAY_PCR_VALUES_MAX];
	char suffix[32];
	size_t n, count = parse_banks(argv[1], banks);
	enum assay_err e;

	if (hex_decode(argv[0], qualifying, sizeof qualifying, &n) != ASSAY_OK || n != 32)
		return 64;
	if ((e = back.quote(back.self, banks, count, qualifying, &q)) != ASSAY_OK)
		return fail(e);
	for (unsigned i = 0; i < q.quote_count; i++) {
		snprintf(suffix, sizeof suffix, ".%u.msg", i);
		write_file(argv[2], suffix, q.quote[i].attest, q.quote[i].attest_len);
		snprintf(suffix, sizeof suffix, ".%u.sig", i);
		write_file(argv[2], suffix, q.quote[i].signature, q.quote[i].signature_len);
	}
	n = 0;
	for (unsigned i = 0; i < q.bank_count; i++) {
		memcpy(pcrs + n, q.bank[i].values, q.bank[i].len);
		n += q.bank[i].len;
	}
	write_file(argv[2], ".pcrs", pcrs, n);
	printf("quotes=%u\n", q.quote_count);
	return 0;
}

/* tpm2_makecredential: magic, version, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET. */
static int
activate(char **argv)
{
	struct assay_backend back = assay_tpm_backend(tpm);
	uint8_t file[4096], secret[32];
	size_t n = read_file(argv[0], file, sizeof file), blob;
	enum assay_err e;

	if (n < 12)
		return 64;
	blob = 2 + ((size_t)file[8] << 8 | file[9]);
	if (8 + blob > n)
		return 64;
	e = back.activate(back.self, (struct assay_bytes){file + 8, blob},
			  (struct assay_bytes){file + 8 + blob, n - 8 - blob}, secret);
	if (e != ASSAY_OK)
		return fail(e);
	write_file(argv[1], "", secret, sizeof secret);
	return 0;
}

/* Name of the key in FILE, and the key. */
static enum assay_err
key_of(const char *base, const char *suffix, struct tpm_public *ret, struct tpm_name *ret_name)
{
	static uint8_t buf[2][2048];
	static unsigned next;
	uint8_t *b = buf[next++ % 2];
	enum assay_err e = tpm2b_public_parse(read_part(base, suffix, b, sizeof buf[0]), ret);

	return e == ASSAY_OK ? tpmt_public_name(ret, ret_name) : e;
}

static int
verify_one(const char *keyfile, struct span nonce, const char *out, unsigned i)
{
	uint8_t msg[2048], sig[1024];
	char suffix[32];
	struct tpm_public ek, ak;
	struct tpm_name ek_name, ak_name, parent, qualified;
	struct signature s;
	struct quote q;
	struct span m;

	snprintf(suffix, sizeof suffix, ".%u.msg", i);
	m = read_part(out, suffix, msg, sizeof msg);
	snprintf(suffix, sizeof suffix, ".%u.sig", i);
	if (key_of(keyfile, ".ek.pub", &ek, &ek_name) != ASSAY_OK ||
	    key_of(keyfile, ".ak.pub", &ak, &ak_name) != ASSAY_OK ||
	    tpmt_ek_template(&ek) == EK_NO_TEMPLATE || tpmt_ak_fault(&ak) != AK_FINE)
		return fprintf(stderr, "keys\n"), 1;
	if (tpm_qualified_name_endorsement(&ek_name, &parent) != ASSAY_OK ||
	    tpm_qualified_name_child(&parent, &ak_name, &qualified) != ASSAY_OK)
		return fprintf(stderr, "names\n"), 1;
	if (tpmt_signature_parse(read_part(out, suffix, sig, sizeof sig), &s) != ASSAY_OK ||
	    s.scheme != ak.scheme || s.hash != ak.scheme_hash ||
	    key_verify_message(&ak.key, &s, m) != ASSAY_OK)
		return fprintf(stderr, "signature\n"), 1;
	if (quote_parse(m, &q) != ASSAY_OK || !span_equal(q.extra_data, nonce) ||
	    !span_equal(q.qualified_signer, SPAN(qualified.b, qualified.len)))
		return fprintf(stderr, "quote\n"), 1;
	return 0;
}

/* All quotes there are; false PCR values are told by the caller's tpm2_checkquote. */
static int
verify(const char *keyfile, char **argv)
{
	uint8_t nonce[32], b[8];
	char suffix[32];
	size_t n;
	int status = 1;

	if (hex_decode(argv[0], nonce, sizeof nonce, &n) != ASSAY_OK)
		return 64;
	for (unsigned i = 0; i < ASSAY_BANKS_MAX; i++) {
		snprintf(suffix, sizeof suffix, ".%u.msg", i);
		if (read_part(argv[1], suffix, b, sizeof b).n == 0)
			break;
		if ((status = verify_one(keyfile, SPAN(nonce, n), argv[1], i)) != 0)
			break;
	}
	return status;
}

static int
session(void)
{
	char line[1024], *word[4];

	while (fgets(line, sizeof line, stdin)) {
		int status = 64;
		char *save, *w = strtok_r(line, " \n", &save);

		for (unsigned i = 0; i < 4; i++, w = w ? strtok_r(NULL, " \n", &save) : NULL)
			word[i] = w;
		if (word[0] && strcmp(word[0], "quote") == 0 && word[3])
			status = quote(word + 1);
		else if (word[0] && strcmp(word[0], "activate") == 0 && word[2])
			status = activate(word + 1);
		printf("done %d\n", status);
		fflush(stdout);
	}
	return 0;
}

static enum assay_ek
ek_by_name(const char *name)
{
	unsigned i = 0;

	while (i < ASSAY_EK_COUNT && strcmp(assay_ek_name((enum assay_ek)i), name) != 0)
		i++;
	return (enum assay_ek)i;
}

static enum assay_ak
ak_by_name(const char *name)
{
	unsigned i = 0;

	while (i < ASSAY_AK_COUNT && strcmp(assay_ak_name((enum assay_ak)i), name) != 0)
		i++;
	return (enum assay_ak)i;
}

int
main(int argc, char **argv)
{
	static uint8_t key[ASSAY_KEY_BLOB_MAX];
	struct assay_tpm_config c = {0};
	void *memory;
	bool starting = argc >= 6 && strcmp(argv[3], "start") == 0;
	enum assay_err e;
	int status = 64;

	if (argc < 5)
		return 64;
	if (strcmp(argv[3], "verify") == 0)
		return argc == 6 ? verify(argv[2], argv + 4) : 64;
	memory = malloc(assay_tpm_size());
	if (!memory)
		return 4;
	c.tcti = argv[1];
	c.key = (struct assay_bytes){key, read_file(argv[2], key, sizeof key)};
	if (starting) {
		c.create = true;
		c.ek = ek_by_name(argv[4]);
		c.ak = ak_by_name(argv[5]);
		c.persistent = argc > 7 ? (uint32_t)strtoul(argv[7], NULL, 16) : 0;
	}
	if ((e = assay_tpm_init(memory, assay_tpm_size(), &c, &tpm)) != ASSAY_OK ||
	    (e = assay_tpm_start(tpm)) != ASSAY_OK)
		status = fail(e);
	else if (starting)
		status = show(argv[2]);
	else if (strcmp(argv[3], "quote") == 0 && argc == 7)
		status = quote(argv + 4);
	else if (strcmp(argv[3], "activate") == 0 && argc == 6)
		status = activate(argv + 4);
	else if (strcmp(argv[3], "session") == 0)
		status = session();
	free(memory);
	return status;
}
