/* fuzz_predict.c: any bytes as an EFI image and as a GRUB configuration. */
#include "verifier/compiler/predict.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct predict out;
	struct predict_grub grub = {.config = SPAN(p, n), .config_path = "/grub.cfg", .nfiles = 1,
				    .files = {{"/k", SPAN("k", 1)}}};
	enum assay_err e;

	memset(&out, 0, sizeof out);
	e = predict_uki(SPAN(p, n), &out);
	if (e != ASSAY_OK)
		e = predict_image(SPAN(p, n), &out);
	memset(&out, 0, sizeof out);
	if (e != ASSAY_OK)
		e = predict_grub(&grub, &out);
	(void)e;
	return 0;
}
