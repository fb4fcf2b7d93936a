/* softtpm.c: see softtpm.h. Part numbers are those of the TPM 2.0 Library specification. */
#include "softtpm.h"

#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/random.h>

#define TPM_GENERATED 0xFF544347u
#define TPM_ST_QUOTE 0x8018
#define CLOCK_STEP 1000 /* ms per command */
#define EK_ATTRIBUTES                                                                              \
	(TPMA_FIXEDTPM | TPMA_FIXEDPARENT | TPMA_SENSITIVEDATAORIGIN | TPMA_ADMINWITHPOLICY |      \
	 TPMA_RESTRICTED | TPMA_DECRYPT)

/* EK Credential Profile 2.6, B.3.4: PolicyA for SHA-256 */
static const uint8_t policy_a[32] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8,
				     0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24,
				     0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64,
				     0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "softtpm: %s failed\n", what);
	abort();
}

/* Blinding only: signatures are deterministic. One per thread of the bench. */
static WC_RNG *
rng(void)
{
	static _Thread_local WC_RNG r;
	static _Thread_local bool ready;

	if (!ready)
		must(wc_InitRng(&r) == 0, "wc_InitRng");
	ready = true;
	return &r;
}

static void
derive(uint64_t seed, const char *label, uint8_t ret[32])
{
	uint8_t b[64];
	struct writer w;

	wr_init(&w, b, sizeof b);
	wr_be64(&w, seed);
	wr_bytes(&w, SPAN(label, strlen(label)));
	must(digest_sha256(wr_span(&w), ret) == ASSAY_OK, "derive");
}

static void
make_key(struct softtpm_key *k, uint64_t seed, const char *label)
{
	uint8_t d[32];
	word32 nx = 32, ny = 32;
	ecc_key *e = calloc(1, sizeof *e);

	must(e != NULL, "calloc");
	derive(seed, label, d);
	must(wc_ecc_init(e) == 0 &&
		     wc_ecc_import_private_key_ex(d, 32, NULL, 0, e, ECC_SECP256R1) == 0 &&
		     wc_ecc_make_pub_ex(e, NULL, rng()) == 0 && wc_ecc_set_rng(e, rng()) == 0 &&
		     wc_ecc_set_deterministic(e, 1) == 0 &&
		     wc_ecc_export_public_raw(e, k->x, &nx, k->y, &ny) == 0,
	     "making a key");
	k->ecc = e;
}

static void
free_key(struct softtpm_key *k)
{
	if (k->ecc)
		wc_ecc_free(k->ecc);
	free(k->ecc);
	k->ecc = NULL;
}

/* Part 2, 12.2.4; the name is computed by the product's own code. */
static void
make_public(struct softtpm_key *k, uint32_t attributes)
{
	bool ek = (attributes & TPMA_DECRYPT) != 0;
	struct tpm_public p;
	struct writer w;
	size_t n = 0;

	wr_init(&w, k->public_area, sizeof k->public_area);
	wr_be16(&w, TPM_ALG_ECC);
	wr_be16(&w, ALG_SHA256);
	wr_be32(&w, attributes);
	wr_be16_bytes(&w, SPAN(policy_a, ek ? sizeof policy_a : 0));
	wr_be16(&w, ek ? TPM_ALG_AES : TPM_ALG_NULL);
	if (ek) {
		wr_be16(&w, 128);
		wr_be16(&w, TPM_ALG_CFB);
	}
	wr_be16(&w, ek ? TPM_ALG_NULL : SIG_ECDSA);
	if (!ek)
		wr_be16(&w, ALG_SHA256);
	wr_be16(&w, CURVE_P256);
	wr_be16(&w, TPM_ALG_NULL);
	wr_be16_bytes(&w, SPAN(k->x, 32));
	wr_be16_bytes(&w, SPAN(k->y, 32));
	must(wr_finish(&w, &n) == ASSAY_OK, "writing TPMT_PUBLIC");
	k->public_len = (uint16_t)n;
	must(tpmt_public_parse(SPAN(k->public_area, n), &p) == ASSAY_OK &&
		     tpmt_public_name(&p, &k->name) == ASSAY_OK,
	     "TPMT_PUBLIC");
}

void
softtpm_new_ak(struct softtpm *t, uint64_t seed, uint32_t attributes)
{
	free_key(&t->ak);
	make_key(&t->ak, seed, "AK");
	make_public(&t->ak, attributes);
	must(tpm_qualified_name_child(&t->ek.qualified, &t->ak.name, &t->ak.qualified) == ASSAY_OK,
	     "qualified name");
}

void
softtpm_init(struct softtpm *t, uint64_t seed)
{
	memset(t, 0, sizeof *t);
	t->seed = seed;
	make_key(&t->ek, seed, "EK");
	make_public(&t->ek, EK_ATTRIBUTES);
	must(tpm_qualified_name_endorsement(&t->ek.name, &t->ek.qualified) == ASSAY_OK,
	     "qualified name");
	softtpm_new_ak(t, seed, SOFTTPM_AK_ATTRIBUTES);
	softtpm_add_bank(t, ALG_SHA256);
	t->clock = 10000;
	t->reset_count = 1;
	t->clock_safe = true;
	t->firmware_version = 0x0001000200030004u;
}

void
softtpm_free(struct softtpm *t)
{
	free_key(&t->ek);
	free_key(&t->ak);
}

static void
set_pcr(struct softtpm *t, unsigned pcr, const struct digest *d)
{
	for (size_t i = 0; i < t->pcrs.count; i++)
		if (t->pcrs.bank[i].alg == d->alg)
			t->pcrs.bank[i].value[pcr] = *d;
}

void
softtpm_add_bank(struct softtpm *t, uint16_t alg)
{
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		struct digest d;

		must(pcr_reset_value(alg, i, &d) == ASSAY_OK &&
			     pcr_set(&t->pcrs, i, &d) == ASSAY_OK,
		     "adding a bank");
	}
}

void
softtpm_reset(struct softtpm *t)
{
	for (size_t i = 0; i < t->pcrs.count; i++)
		for (unsigned k = 0; k < PCR_COUNT; k++)
			must(pcr_reset_value(t->pcrs.bank[i].alg, k, &t->pcrs.bank[i].value[k]) ==
				     ASSAY_OK,
			     "reset");
	t->reset_count++;
	t->restart_count = 0;
	t->clock += CLOCK_STEP;
}

void
softtpm_extend(struct softtpm *t, unsigned pcr, struct span digest, uint16_t alg)
{
	for (size_t i = 0; i < t->pcrs.count; i++)
		if (t->pcrs.bank[i].alg == alg)
			must(digest_extend(&t->pcrs.bank[i].value[pcr], digest) == ASSAY_OK,
			     "extend");
}

void
softtpm_boot(struct softtpm *t, struct span log)
{
	static _Thread_local struct eventlog_replay r;

	must(eventlog_replay(log, false, &r) == ASSAY_OK, "replaying the log");
	for (size_t i = 0; i < r.pcrs.count; i++)
		for (unsigned k = 0; k < PCR_COUNT; k++)
			if (r.pcrs.bank[i].mask >> k & 1)
				set_pcr(t, k, &r.pcrs.bank[i].value[k]);
}

/* Part 2, 11.2.4.2 in TPMT_SIGNATURE, 11.3.4 */
void
softtpm_sign(struct softtpm *t, struct softtpm_quote *q)
{
	uint8_t h[32], der[ECC_MAX_SIG_SIZE], r[32], s[32];
	word32 n = sizeof der, nr = 32, ns = 32;
	struct writer w;
	size_t len = 0;

	must(digest_sha256(SPAN(q->attest, q->attest_len), h) == ASSAY_OK &&
		     wc_ecc_sign_hash(h, 32, der, &n, rng(), t->ak.ecc) == 0 &&
		     wc_ecc_sig_to_rs(der, n, r, &nr, s, &ns) == 0,
	     "signing");
	wr_init(&w, q->signature, sizeof q->signature);
	wr_be16(&w, SIG_ECDSA);
	wr_be16(&w, ALG_SHA256);
	wr_be16_bytes(&w, SPAN(r, nr));
	wr_be16_bytes(&w, SPAN(s, ns));
	must(wr_finish(&w, &len) == ASSAY_OK, "writing TPMT_SIGNATURE");
	q->signature_len = (uint16_t)len;
}

/* TPML_PCR_SELECTION, Part 2, 10.9.7 */
static void
write_selection(struct writer *w, const struct pcr_selection *s)
{
	wr_be32(w, s->count);
	for (size_t i = 0; i < s->count; i++) {
		wr_be16(w, s->bank[i].alg);
		wr_u8(w, 3);
		for (unsigned k = 0; k < 3; k++)
			wr_u8(w, (uint8_t)(s->bank[i].mask >> (8 * k)));
	}
}

/* Part 2, 10.12.8 */
void
softtpm_quote(struct softtpm *t, const struct pcr_selection *s, struct span extra,
	      struct softtpm_quote *ret)
{
	struct digest d;
	struct writer w;
	size_t n = 0;

	t->clock += CLOCK_STEP;
	must(pcr_digest(&t->pcrs, s, ALG_SHA256, &d) == ASSAY_OK, "pcrDigest");
	wr_init(&w, ret->attest, sizeof ret->attest);
	wr_be32(&w, TPM_GENERATED);
	wr_be16(&w, TPM_ST_QUOTE);
	wr_be16_bytes(&w, SPAN(t->ak.qualified.b, t->ak.qualified.len));
	wr_be16_bytes(&w, extra);
	wr_be64(&w, t->clock);
	wr_be32(&w, t->reset_count);
	wr_be32(&w, t->restart_count);
	wr_u8(&w, t->clock_safe ? 1 : 0);
	wr_be64(&w, t->firmware_version);
	write_selection(&w, s);
	wr_be16_bytes(&w, digest_span(&d));
	must(wr_finish(&w, &n) == ASSAY_OK, "writing TPMS_ATTEST");
	ret->attest_len = (uint16_t)n;
	softtpm_sign(t, ret);
}

/* ---- TPM2_ActivateCredential, Part 1, 24 ---- */

static void
hmac256(struct span key, const struct span *parts, size_t n, uint8_t ret[32])
{
	Hmac h;

	must(wc_HmacInit(&h, NULL, INVALID_DEVID) == 0 &&
		     wc_HmacSetKey(&h, WC_SHA256, key.p, (word32)key.n) == 0,
	     "HMAC");
	for (size_t i = 0; i < n; i++)
		if (parts[i].n != 0)
			must(wc_HmacUpdate(&h, parts[i].p, (word32)parts[i].n) == 0, "HMAC");
	must(wc_HmacFinal(&h, ret) == 0, "HMAC");
	wc_HmacFree(&h);
}

/* Part 1, 11.4.10.2; one block of output */
static void
kdfa(struct span key, const char *label, struct span context, uint32_t bits, uint8_t ret[32])
{
	uint8_t count[4] = {0, 0, 0, 1}, size[4] = {0, 0, (uint8_t)(bits >> 8), (uint8_t)bits};
	const struct span parts[] = {SPAN(count, 4), SPAN(label, strlen(label) + 1), context,
				     SPAN(size, 4)};

	hmac256(key, parts, 4, ret);
}

/* Part 1, 11.4.10.3 and C.6.4: the seed that both sides compute */
static bool
shared_seed(const struct softtpm *t, struct span point, uint8_t ret[32])
{
	uint8_t z[32] = {0}, raw[32];
	word32 nz = 32;
	struct reader r;
	struct span x, y;
	struct writer w;
	uint8_t b[160];
	ecc_key e;
	bool ok;

	rd_init(&r, point);
	x = rd_be16_bytes(&r, 32);
	y = rd_be16_bytes(&r, 32);
	if (rd_finish(&r) != ASSAY_OK || x.n != 32 || y.n != 32)
		return false;
	must(wc_ecc_init(&e) == 0, "wc_ecc_init");
	ok = wc_ecc_import_unsigned(&e, x.p, y.p, NULL, ECC_SECP256R1) == 0 &&
	     wc_ecc_shared_secret(t->ek.ecc, &e, raw, &nz) == 0;
	wc_ecc_free(&e);
	if (!ok)
		return false;
	memcpy(z + 32 - nz, raw, nz);
	wr_init(&w, b, sizeof b);
	wr_be32(&w, 1);
	wr_bytes(&w, SPAN(z, 32));
	wr_bytes(&w, SPAN("IDENTITY", 9));
	wr_bytes(&w, x);
	wr_bytes(&w, SPAN(t->ek.x, 32));
	return digest_sha256(wr_span(&w), ret) == ASSAY_OK;
}

static struct span
whole_tpm2b(struct span in)
{
	struct reader r;
	struct span s;

	rd_init(&r, in);
	s = rd_be16_bytes(&r, 2048);
	return rd_finish(&r) == ASSAY_OK ? s : SPAN(NULL, 0);
}

static bool
decrypt(struct span key, struct span in, uint8_t ret[32])
{
	static const uint8_t iv[16];
	uint8_t plain[34];
	struct reader r;
	struct span s;
	Aes a;

	if (in.n != sizeof plain)
		return false;
	must(wc_AesInit(&a, NULL, INVALID_DEVID) == 0 &&
		     wc_AesSetKey(&a, key.p, 16, iv, AES_ENCRYPTION) == 0 &&
		     wc_AesCfbDecrypt(&a, plain, in.p, (word32)in.n) == 0,
	     "AES");
	wc_AesFree(&a);
	rd_init(&r, SPAN(plain, sizeof plain));
	s = rd_be16_bytes(&r, 32);
	if (rd_finish(&r) != ASSAY_OK)
		return false;
	memcpy(ret, s.p, 32);
	return true;
}

bool
softtpm_activate(const struct softtpm *t, struct span blob, struct span encrypted_secret,
		 uint8_t ret[32])
{
	struct span name = SPAN(t->ak.name.b, t->ak.name.len), identity, integrity;
	uint8_t seed[32], key[32], mac[32];
	struct reader r;

	rd_init(&r, whole_tpm2b(blob));
	integrity = rd_be16_bytes(&r, 32);
	identity = rd_rest(&r);
	if (rd_finish(&r) != ASSAY_OK || !shared_seed(t, whole_tpm2b(encrypted_secret), seed))
		return false;
	kdfa(SPAN(seed, 32), "INTEGRITY", SPAN(NULL, 0), 256, key);
	hmac256(SPAN(key, 32), (const struct span[]){identity, name}, 2, mac);
	if (!span_equal(SPAN(mac, 32), integrity))
		return false;
	kdfa(SPAN(seed, 32), "STORAGE", name, 128, key);
	return decrypt(SPAN(key, 16), identity, ret);
}
