/* evidence_builder.c: see evidence_builder.h. */
#include "evidence_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(enum assay_err e, const char *what)
{
	if (e == ASSAY_OK)
		return;
	fprintf(stderr, "evidence: %s: %s\n", what, assay_err_text(e));
	abort();
}

void
evidence_claims(const struct evidence_ask *ask, struct evidence *ret)
{
	struct msg_claims c;
	uint8_t digest[32];

	memset(&c, 0, sizeof c);
	if (ask->more)
		c = *ask->more;
	if (ask->has_boot_log) {
		must(digest_sha256(ask->boot_log, digest), "digest of the boot log");
		c.boot_log_digest = SPAN(digest, 32);
		c.boot_log_size = (uint32_t)ask->boot_log.n;
	}
	if (ask->agent)
		c.agent = SPAN(ask->agent, strlen(ask->agent));
	c.ima_entries = ask->ima_entries;
	must(envelope_encode_claims(&c, ret->claims, sizeof ret->claims, &ret->claims_len),
	     "claims");
}

void
evidence_quotes(struct softtpm *t, const struct evidence_ask *ask, struct evidence *ret)
{
	struct binding b = {
		.kind = ask->kind,
		.key_name = SPAN(t->ak.name.b, t->ak.name.len),
		.nonce = ask->nonce,
		.channel = ask->channel,
		.claims = SPAN(ret->claims, ret->claims_len),
	};
	uint8_t extra[BINDING_SIZE];

	must(binding_compute(&b, extra), "binding");
	ret->nquotes = ask->quote_per_bank ? ask->pcrs.count : 1;
	for (size_t i = 0; i < ret->nquotes; i++) {
		struct pcr_selection one = ask->pcrs;

		if (ask->quote_per_bank) {
			one.count = 1;
			one.bank[0] = ask->pcrs.bank[i];
		}
		softtpm_quote(t, &one, SPAN(extra, sizeof extra), &ret->quotes[i]);
	}
}

void
evidence_values(const struct softtpm *t, const struct pcr_selection *s, struct pcr_values *ret)
{
	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < s->count; i++)
		for (unsigned k = 0; k < PCR_COUNT; k++)
			if (s->bank[i].mask >> k & 1)
				must(pcr_set(ret, k, pcr_value(&t->pcrs, s->bank[i].alg, k)),
				     "PCR values");
}

void
evidence_encode(const struct pcr_values *pcrs, const struct evidence_ask *ask, struct evidence *ret)
{
	struct msg_proof p;
	uint8_t digest[32];

	memset(&p, 0, sizeof p);
	p.nquotes = ret->nquotes;
	for (size_t i = 0; i < ret->nquotes; i++) {
		const struct softtpm_quote *q = &ret->quotes[i];

		p.quotes[i].attest = SPAN(q->attest, q->attest_len);
		p.quotes[i].signature = SPAN(q->signature, q->signature_len);
	}
	p.pcrs = *pcrs;
	must(digest_sha256(SPAN(ret->claims, ret->claims_len), digest), "digest of the claims");
	p.claims_digest = SPAN(digest, 32);
	if (!ask->claims_apart)
		p.claims = SPAN(ret->claims, ret->claims_len);
	must(envelope_encode_proof(&p, ret->proof, sizeof ret->proof, &ret->proof_len), "proof");
}

void
evidence_build(struct softtpm *t, const struct evidence_ask *ask, struct evidence *ret)
{
	struct pcr_values v;

	evidence_claims(ask, ret);
	evidence_quotes(t, ask, ret);
	evidence_values(t, &ask->pcrs, &v);
	evidence_encode(&v, ask, ret);
}
