/*
 * bench_signatures.c: what one verification costs here, bare and through key_verify().
 *
 * Bare is wolfCrypt alone, with keys imported and integers read beforehand: what no
 * design can avoid. Many keys, because a fleet has as many and wolfCrypt keeps tables
 * for points that it sees again. Windows of both alternate, so that other load on the
 * machine falls on both. Medians of windows, and the worst window.
 */
#include "tests/support/unit.h"

#include "evidence/key.h"
#include "evidence/tpmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define KEYS 64
#define WINDOWS 15
#define WINDOW_S 0.04

struct ecc_case {
	ecc_key bare;
	mp_int r, s;
	struct key key;
	struct signature sig;
	uint8_t rs[2][32];
};

static struct ecc_case ecc[KEYS];
static struct digest digest;

static struct {
	RsaKey bare;
	struct key key;
	struct signature sig;
	struct digest digest;
} rsa;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_signatures: %s failed\n", what);
	exit(4);
}

static void
make_ecc(struct ecc_case *c, WC_RNG *rng)
{
	word32 nx = 32, ny = 32;

	must(wc_ecc_init(&c->bare) == 0 &&
		     wc_ecc_make_key_ex(rng, 32, &c->bare, ECC_SECP256R1) == 0,
	     "making a key");
	must(mp_init_multi(&c->r, &c->s, NULL, NULL, NULL, NULL) == MP_OKAY &&
		     wc_ecc_sign_hash_ex(digest.b, digest.len, rng, &c->bare, &c->r, &c->s) == 0 &&
		     mp_to_unsigned_bin_len(&c->r, c->rs[0], 32) == MP_OKAY &&
		     mp_to_unsigned_bin_len(&c->s, c->rs[1], 32) == MP_OKAY,
	     "signing");
	c->key = (struct key){.type = KEY_ECC, .bits = 256, .curve = CURVE_P256, .xy_len = 32};
	must(wc_ecc_export_public_raw(&c->bare, c->key.x, &nx, c->key.y, &ny) == 0 && nx == 32 &&
		     ny == 32,
	     "exporting a key");
	c->sig = (struct signature){.scheme = SIG_ECDSA,
				    .hash = ALG_SHA256,
				    .r = SPAN(c->rs[0], 32),
				    .s = SPAN(c->rs[1], 32)};
}

/* A quote's own signature; the file's memory is kept to the end. */
static void
load_rsa(void)
{
	static const uint8_t exponent[] = {1, 0, 1};
	struct span pub = unit_data("quote/rsassa.pub"), sig = unit_data("quote/rsassa.sig"),
		    msg = unit_data("quote/rsassa.msg");
	struct tpm_public p;

	must(tpm2b_public_parse(pub, &p) == ASSAY_OK &&
		     tpmt_signature_parse(sig, &rsa.sig) == ASSAY_OK &&
		     digest_compute(rsa.sig.hash, msg, &rsa.digest) == ASSAY_OK,
	     "reading tests/data/quote/rsassa");
	rsa.key = p.key;
	must(wc_InitRsaKey(&rsa.bare, NULL) == 0 &&
		     wc_RsaPublicKeyDecodeRaw(rsa.key.n, rsa.key.n_len, exponent, sizeof exponent,
					      &rsa.bare) == 0,
	     "importing an RSA key");
	unit_free(pub);
	unit_free(msg);
}

static bool
ecc_bare(unsigned i)
{
	struct ecc_case *c = &ecc[i % KEYS];
	int ok = 0;

	return wc_ecc_verify_hash_ex(&c->r, &c->s, digest.b, digest.len, &ok, &c->bare) == 0 &&
	       ok == 1;
}

static bool
ecc_ours(unsigned i)
{
	struct ecc_case *c = &ecc[i % KEYS];

	return key_verify(&c->key, &c->sig, &digest) == ASSAY_OK;
}

static bool
rsa_bare(unsigned i)
{
	uint8_t out[256];

	(void)i;
	return wc_RsaSSL_Verify(rsa.sig.rsa.p, (word32)rsa.sig.rsa.n, out, sizeof out, &rsa.bare) >
	       0;
}

static bool
rsa_ours(unsigned i)
{
	(void)i;
	return key_verify(&rsa.key, &rsa.sig, &rsa.digest) == ASSAY_OK;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for one call, averaged over a window. */
static double
window(bool (*f)(unsigned))
{
	static unsigned i;
	unsigned n = 0;
	double start = now(), t;

	do {
		must(f(i++), "a verification");
		n++;
		t = now() - start;
	} while (t < WINDOW_S);
	return t / n;
}

static int
ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
compare(const char *name, bool (*bare)(unsigned), bool (*ours)(unsigned))
{
	double b[WINDOWS], o[WINDOWS];

	for (unsigned w = 0; w < WINDOWS; w++) {
		b[w] = window(bare);
		o[w] = window(ours);
	}
	qsort(b, WINDOWS, sizeof b[0], ascending);
	qsort(o, WINDOWS, sizeof o[0], ascending);
	printf("%-24s %8.0f/s %8.1f us   %8.0f/s %8.1f us   %5.2f\n", name, 1 / b[WINDOWS / 2],
	       b[WINDOWS - 1] * 1e6, 1 / o[WINDOWS / 2], o[WINDOWS - 1] * 1e6,
	       b[WINDOWS / 2] / o[WINDOWS / 2]);
}

int
main(void)
{
	WC_RNG rng;

	must(digest_compute(ALG_SHA256, SPAN("bench", 5), &digest) == ASSAY_OK, "hashing");
	must(wc_InitRng(&rng) == 0, "the random generator");
	for (unsigned i = 0; i < KEYS; i++)
		make_ecc(&ecc[i], &rng);
	load_rsa();
	printf("signature verification, one thread, wolfSSL %s\n", LIBWOLFSSL_VERSION_STRING);
	printf("%-24s %10s %11s   %10s %11s   %5s\n", "", "bare", "worst", "key_verify", "worst",
	       "ratio");
	compare("ECDSA P-256, 64 keys", ecc_bare, ecc_ours);
	compare("RSASSA 2048", rsa_bare, rsa_ours);
	return 0;
}
