/* fuzz_dice.c: any bytes as a DICE chain: 2 bytes length before each certificate, the
 * first of which holds the root key. What the chain is said to be must hold together. */
#include "verifier/appraise/dice.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
extensions(struct span s)
{
	struct dice_layer l;

	if (dice_input_parse(s, &l) == ASSAY_OK && l.mode >= DICE_MODE_COUNT)
		abort();
	if (dice_tcb_parse(s, &l) == ASSAY_OK && l.mode >= DICE_MODE_COUNT)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span certs[DICE_LAYERS_MAX];
	struct dice_input in = {.certs = certs, .now = 1790000000};
	struct dice_chain chain;
	struct reader r;
	struct x509 root;
	struct key key;
	const char *why;
	size_t all = 0;

	extensions(SPAN(p, n));
	rd_init(&r, SPAN(p, n));
	if (x509_parse(rd_be16_bytes(&r, X509_MAX), &root) != ASSAY_OK ||
	    key_from_spki(root.spki, &key) != ASSAY_OK)
		return 0;
	while (rd_left(&r) > 0 && in.ncerts < DICE_LAYERS_MAX)
		certs[in.ncerts++] = rd_be16_bytes(&r, X509_MAX);
	in.root = &key;
	if (dice_verify(&in, &chain, &why) != ASSAY_OK)
		return 0;
	for (unsigned i = 0; i < chain.count; i++)
		all += chain.layer[i].mode == DICE_MODE_NORMAL;
	if (chain.count == 0 || chain.normal != (all == chain.count) ||
	    chain.signer.type == KEY_NONE)
		abort();
	return 0;
}
