/* fuzz_tpmt_public.c: any bytes as a TPMT_PUBLIC. A key that is accepted must come
 * back from its SubjectPublicKeyInfo, if it is a valid one. */
#include "evidence/tpmt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_key(const struct key *k)
{
	uint8_t spki[KEY_SPKI_MAX];
	struct key again;
	enum assay_err e = key_check(k);
	size_t len;

	if (e != ASSAY_OK && e != ASSAY_WEAK)
		return;
	if (key_to_spki(k, spki, sizeof spki, &len) != ASSAY_OK ||
	    key_from_spki(SPAN(spki, len), &again) != ASSAY_OK || !key_equal(k, &again))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tpm_public pub;
	struct tpm_name name;
	enum ek_template ek;

	if (tpmt_public_parse(SPAN(p, n), &pub) != ASSAY_OK) {
		if (!tpmt_public_bad_field(SPAN(p, n), false))
			abort();
		return 0;
	}
	ek = tpmt_ek_template(&pub);
	if (ek != EK_NO_TEMPLATE && (pub.attributes & TPMA_SIGN) != 0)
		abort();
	if (tpmt_ak_fault(&pub) == AK_FINE && ek != EK_NO_TEMPLATE)
		abort();
	if (tpmt_public_name(&pub, &name) != ASSAY_OK && digest_computable(pub.name_alg))
		abort();
	check_key(&pub.key);
	return 0;
}
