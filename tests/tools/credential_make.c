/*
 * credential_make.c: makes a credential as the appraiser does, in the file format of
 * tpm2_activatecredential.
 *
 *   usage: credential_make EK.pub AK.name SECRET ENTROPY OUT
 *
 * EK.pub is a TPM2B_PUBLIC, AK.name a TPM Name, SECRET 32 and ENTROPY 64 bytes.
 */
#include "evidence/writer.h"
#include "verifier/appraise/credential.h"

#include <stdio.h>
#include <string.h>

static size_t
slurp(const char *path, void *buf, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		return 0;
	}
	n = fread(buf, 1, cap, f);
	fclose(f);
	return n;
}

static int
store(const char *path, const struct credential *c)
{
	uint8_t out[8 + sizeof c->blob + sizeof c->encrypted_secret];
	struct writer w;
	size_t n;
	FILE *f;

	wr_init(&w, out, sizeof out);
	wr_be32(&w, 0xBADCC0DE);
	wr_be32(&w, 1);
	wr_bytes(&w, SPAN(c->blob, c->blob_len));
	wr_bytes(&w, SPAN(c->encrypted_secret, c->encrypted_secret_len));
	f = fopen(path, "wb");
	if (wr_finish(&w, &n) != ASSAY_OK || !f || fwrite(out, 1, n, f) != n || fclose(f) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	uint8_t ek[2 + TPMT_PUBLIC_MAX];
	struct credential_input in = {0};
	struct tpm_public public;
	struct tpm_name name = {0};
	struct credential c;
	enum assay_err e;

	if (argc != 6)
		return 64;
	e = tpm2b_public_parse(SPAN(ek, slurp(argv[1], ek, sizeof ek)), &public);
	name.len = (uint16_t)slurp(argv[2], name.b, sizeof name.b);
	if (e != ASSAY_OK || name.len == 0 ||
	    slurp(argv[3], in.secret, sizeof in.secret) != sizeof in.secret ||
	    slurp(argv[4], in.entropy, sizeof in.entropy) != sizeof in.entropy) {
		fprintf(stderr, "bad input: %s\n", assay_err_text(e));
		return 2;
	}
	in.ek = &public;
	in.ak_name = &name;
	e = credential_make(&in, &c);
	if (e != ASSAY_OK) {
		fprintf(stderr, "credential_make: %s\n", assay_err_text(e));
		return 1;
	}
	return store(argv[5], &c);
}
