/* fuzz_attester.c: whatever a verifier says, in any order: the first byte tells whether
 * the device is enrolled, then messages, each behind its 2-byte length. */
#include "tests/support/frames.h"

#include <assay/attester.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const uint8_t public_area[] = {0x00, 0x23, 0x00, 0x0B, 1, 2, 3, 4};
static uint8_t log_bytes[5000];

static enum assay_err
identity(void *self, struct assay_identity *ret)
{
	(void)self;
	memset(ret, 0, sizeof *ret);
	ret->ek_public = ret->ak_public =
		(struct assay_bytes){public_area, sizeof public_area};
	return ASSAY_OK;
}

static enum assay_err
activate(void *self, struct assay_bytes blob, struct assay_bytes secret, uint8_t ret[32])
{
	(void)self;
	memset(ret, (int)(blob.len + secret.len), 32);
	return ASSAY_OK;
}

static enum assay_err
quote(void *self, const struct assay_selection *banks, size_t count, const uint8_t qualifying[32],
      struct assay_quotes *ret)
{
	(void)self;
	ret->quote_count = 1;
	ret->quote[0].attest_len = 32;
	memcpy(ret->quote[0].attest, qualifying, 32);
	ret->quote[0].signature_len = 8;
	ret->bank_count = (uint8_t)count;
	for (size_t i = 0; i < count; i++) {
		ret->bank[i].alg = banks[i].alg;
		ret->bank[i].mask = banks[i].mask;
		ret->bank[i].len = (uint16_t)((unsigned)__builtin_popcount(banks[i].mask) *
					      digest_size(banks[i].alg));
	}
	return ASSAY_OK;
}

static enum assay_err
boot_log(void *self, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	(void)self;
	if (cap < sizeof log_bytes)
		abort();
	memcpy(buffer, log_bytes, sizeof log_bytes);
	*ret_len = sizeof log_bytes;
	return ASSAY_OK;
}

/* Answers end, and each is a message that a verifier could read. */
static void
drain(struct assay_attester *a)
{
	struct assay_bytes out;
	struct span again;

	for (unsigned i = 0; i < 64; i++) {
		if (assay_attester_next(a, &out) != ASSAY_OK || out.len == 0)
			return;
		if (frames_round_trip(out.data[0], SPAN(out.data, out.len), frames_arena(),
				      &again) != ASSAY_OK)
			abort();
	}
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t exporter[ASSAY_EXPORTER_SIZE];
	static uint64_t memory[ASSAY_PART_MAX / 4];
	struct assay_attester_config c = {.backend = {.identity = identity,
						      .activate = activate,
						      .quote = quote},
					  .boot_log = boot_log,
					  .agent = "fuzz",
					  .enrolled = n > 0 && (p[0] & 1),
					  .allow_unbound = n > 0 && (p[0] & 2),
					  .part_max = ASSAY_PART_MIN,
					  .boot_log_max = sizeof log_bytes};
	struct assay_attester *a;
	struct assay_event ev;
	struct reader r;

	if (assay_attester_init(memory, sizeof memory, &c, &a) != ASSAY_OK ||
	    assay_attester_connected(a, exporter, sizeof exporter) != ASSAY_OK)
		abort();
	rd_init(&r, SPAN(p, n));
	(void)rd_u8(&r);
	drain(a);
	while (rd_left(&r) > 0) {
		struct span f = rd_be16_bytes(&r, UINT16_MAX);

		if (assay_attester_received(a, f.p, f.n, &ev) != ASSAY_OK)
			break;
		drain(a);
	}
	return 0;
}
