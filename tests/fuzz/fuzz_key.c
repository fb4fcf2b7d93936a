/* fuzz_key.c: any bytes as a SubjectPublicKeyInfo and as an ECDSA signature, both in
 * DER. A key that is accepted must survive being written and read again. */
#include "evidence/key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t spki[KEY_SPKI_MAX];
	struct signature sig = {0};
	struct key k, again;
	size_t len;

	if (signature_from_ecdsa_der(SPAN(p, n), &sig) == ASSAY_OK &&
	    (sig.r.n == 0 || sig.s.n == 0 || sig.r.n + sig.s.n >= n))
		abort();
	if (key_from_spki(SPAN(p, n), &k) != ASSAY_OK)
		return 0;
	(void)key_is_roca(&k);
	if (key_to_spki(&k, spki, sizeof spki, &len) != ASSAY_OK ||
	    key_from_spki(SPAN(spki, len), &again) != ASSAY_OK || !key_equal(&k, &again))
		abort();
	return 0;
}
