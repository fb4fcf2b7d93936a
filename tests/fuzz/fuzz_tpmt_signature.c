/* fuzz_tpmt_signature.c: any bytes as a TPMT_SIGNATURE. What is accepted must encode
 * to the same bytes, and verifies nothing. */
#include "evidence/tpmt.h"
#include "evidence/writer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The generator of P-256: on the curve, and nobody's key here. */
static const struct key point = {
	.type = KEY_ECC,
	.bits = 256,
	.curve = CURVE_P256,
	.xy_len = 32,
	.x = {0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6,
	      0xE5, 0x63, 0xA4, 0x40, 0xF2, 0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB,
	      0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96},
	.y = {0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB,
	      0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B, 0xCE, 0x33, 0x57, 0x6B, 0x31,
	      0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5},
};

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t bytes[TPMT_SIGNATURE_MAX];
	struct signature s;
	struct writer w;

	if (tpmt_signature_parse(SPAN(p, n), &s) != ASSAY_OK) {
		if (!tpmt_signature_bad_field(SPAN(p, n)))
			abort();
		return 0;
	}
	wr_init(&w, bytes, sizeof bytes);
	wr_be16(&w, s.scheme);
	wr_be16(&w, s.hash);
	if (s.scheme == SIG_ECDSA) {
		wr_be16_bytes(&w, s.r);
		wr_be16_bytes(&w, s.s);
	} else {
		wr_be16_bytes(&w, s.rsa);
	}
	if (!span_equal(wr_span(&w), SPAN(p, n)) ||
	    key_verify_message(&point, &s, SPAN(p, n)) == ASSAY_OK)
		abort();
	return 0;
}
