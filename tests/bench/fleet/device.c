/* device.c: see fleet.h. */
#include "fleet.h"

#include "evidence/hex.h"

#include <stdlib.h>
#include <string.h>

#define RESET_MS 86400000

static struct span boot_log;

static enum assay_err
identity(void *self, struct assay_identity *ret)
{
	struct fleet_device *d = self;

	memset(ret, 0, sizeof *ret);
	ret->ek_public.data = d->tpm.ek.public_area;
	ret->ek_public.len = d->tpm.ek.public_len;
	ret->ak_public.data = d->tpm.ak.public_area;
	ret->ak_public.len = d->tpm.ak.public_len;
	for (unsigned i = 0; i < d->tpm.pcrs.count; i++)
		ret->banks[ret->bank_count++] = d->tpm.pcrs.bank[i].alg;
	return ASSAY_OK;
}

static enum assay_err
activate(void *self, struct assay_bytes blob, struct assay_bytes secret, uint8_t ret[32])
{
	struct fleet_device *d = self;

	return softtpm_activate(&d->tpm, SPAN(blob.data, blob.len), SPAN(secret.data, secret.len),
				ret)
		       ? ASSAY_OK
		       : ASSAY_DENIED;
}

static void
copy_values(const struct softtpm *t, const struct assay_selection *s,
	    struct assay_bank_values *out)
{
	out->alg = s->alg;
	out->mask = s->mask;
	out->len = 0;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct digest *v = pcr_value(&t->pcrs, s->alg, i);

		if (!(s->mask >> i & 1u) || !v)
			continue;
		memcpy(out->values + out->len, v->b, v->len);
		out->len = (uint16_t)(out->len + v->len);
	}
}

static enum assay_err
quote(void *self, const struct assay_selection *banks, size_t count, const uint8_t qualifying[32],
      struct assay_quotes *ret)
{
	struct fleet_device *d = self;
	struct pcr_selection s = {0};
	struct softtpm_quote q;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < count; i++) {
		if ((e = pcr_selection_add(&s, banks[i].alg, banks[i].mask)) != ASSAY_OK)
			return e;
		copy_values(&d->tpm, &banks[i], &ret->bank[ret->bank_count++]);
	}
	softtpm_quote(&d->tpm, &s, SPAN(qualifying, 32), &q);
	ret->quote_count = 1;
	ret->quote[0].attest_len = q.attest_len;
	ret->quote[0].signature_len = q.signature_len;
	memcpy(ret->quote[0].attest, q.attest, q.attest_len);
	memcpy(ret->quote[0].signature, q.signature, q.signature_len);
	return ASSAY_OK;
}

static enum assay_err
read_log(void *self, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	(void)self;
	if (boot_log.n > cap)
		return ASSAY_TOO_LARGE;
	memcpy(buffer, boot_log.p, boot_log.n);
	*ret_len = boot_log.n;
	return ASSAY_OK;
}

void
fleet_device_init(struct fleet_device *d, const struct fleet_options *o, unsigned n,
		  struct span log)
{
	struct assay_attester_config c = {
		.backend = {.self = d,
			    .identity = identity,
			    .activate = activate,
			    .quote = quote},
		.boot_log = read_log,
		.agent = "assay-fleet " ASSAY_VERSION,
		.part_max = ASSAY_PART_MIN,
		.boot_log_max = log.n,
		.ima_list = o->ima ? fleet_ima_read : NULL,
	};
	size_t size = assay_attester_size(&c);
	void *memory = size ? malloc(size) : NULL;

	char hex[65];

	boot_log = log;
	softtpm_init(&d->tpm, (uint64_t)o->first + n + 1);
	for (unsigned i = 0; i < o->resets; i++) {
		softtpm_reset(&d->tpm);
		d->tpm.clock += RESET_MS; /* longer than the process before ran */
	}
	fleet_device_digest(d, hex);
	memcpy(d->id, hex, sizeof d->id - 1);
	softtpm_boot(&d->tpm, log);
	if (o->ima && !fleet_ima_measure(&d->tpm)) {
		fleet_ima_make(&d->tpm, o->ima); /* the first: all others have booted alike */
		(void)fleet_ima_measure(&d->tpm);
	}
	if (!memory || assay_attester_init(memory, size, &c, &d->attester) != ASSAY_OK)
		abort();
}

void
fleet_device_digest(const struct fleet_device *d, char hex[65])
{
	uint8_t h[32];

	if (digest_sha256(SPAN(d->tpm.ek.name.b, d->tpm.ek.name.len), h) != ASSAY_OK ||
	    hex_encode(SPAN(h, sizeof h), hex, 65) != ASSAY_OK)
		abort();
}
