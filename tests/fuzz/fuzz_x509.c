/* fuzz_x509.c: certificates, revocation lists, names, attributes and the files that hold
 * them. Spans of what is accepted must lie in the input. */
#include "verifier/appraise/certfile.h"
#include "verifier/appraise/tpmattr.h"
#include "verifier/appraise/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
certificate(struct span der)
{
	uint8_t hash[X509_NAME_HASH_SIZE];
	struct tpmattr attributes;
	char text[64];
	struct x509 c;

	if (x509_parse(der, &c) != ASSAY_OK)
		return;
	if (c.der.n != der.n || c.tbs.n > der.n || c.not_before > INT64_C(253402300800))
		abort();
	(void)!x509_name_hash(c.issuer, hash);
	(void)!x509_name_hash(c.subject, hash);
	x509_name_text(c.issuer, text, sizeof text);
	x509_name_text(c.subject, text, sizeof text);
	x509_oid_text(c.first_unknown_critical, text, sizeof text);
	(void)!tpmattr_parse(c.san, &attributes);
}

static void
list(struct span der)
{
	struct x509_crl c;
	bool listed;

	if (x509_crl_parse(der, &c) == ASSAY_OK)
		(void)!x509_crl_lists(&c, SPAN("\x01", 1), &listed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t *buf = malloc(n + 1);
	struct certfile_item item;
	struct certfile f;

	certfile_open(&f, SPAN(p, n), buf, n);
	while (certfile_next(&f, &item) == ASSAY_OK) {
		certificate(item.der);
		list(item.der);
	}
	free(buf);
	certificate(SPAN(p, n));
	list(SPAN(p, n));
	return 0;
}
