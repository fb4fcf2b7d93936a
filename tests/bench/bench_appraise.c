/*
 * bench_appraise.c: what appraising one round of a device costs whose boot goes on, and
 * of one that has just booted, beside the bare verification of the quote's signature.
 *
 * From the request's bytes to the verdict's, as in an appraiser. Windows alternate, so
 * that other load falls on all alike. Medians of windows; the ratio is ours to bare.
 */
#include "tests/support/world.h"
#include "tests/support/unit.h"

#include "evidence/key.h"
#include "evidence/tpmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WINDOWS 15
#define WINDOW_S 0.05

static struct world world;
static struct tpm_public ak;
static struct signature sig;
static struct digest signed_digest;
static uint8_t steady[APPRAISAL_INPUT_MAX / 8], booted[APPRAISAL_INPUT_MAX / 8];
static size_t nsteady, nbooted;
static uint8_t out[VERDICT_BYTES_MAX];
static struct verdict verdict;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_appraise: %s failed\n", what);
	exit(4);
}

static void
bare(void)
{
	must(key_verify(&ak.key, &sig, &signed_digest) == ASSAY_OK, "a verification");
}

static void
judge(const uint8_t *bytes, size_t len)
{
	struct appraisal_input in;
	size_t n;

	must(appraisal_input_decode(SPAN(bytes, len), &in) == ASSAY_OK, "decoding a request");
	arena_reset(&world.scratch);
	appraise(&in, &world.scratch, &verdict);
	must(verdict.status == VERDICT_DECIDED && verdict.outcome == OUTCOME_ADMIT, "a round");
	must(verdict_encode(&verdict, out, sizeof out, &n) == ASSAY_OK, "encoding a verdict");
}

static void
goes_on(void)
{
	judge(steady, nsteady);
}

static void
has_booted(void)
{
	judge(booted, nbooted);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for one call, averaged over a window. */
static double
window(void (*f)(void))
{
	double start = now(), t;
	unsigned n = 0;

	do {
		f();
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

/* A round with its log, then one without: both as requests. */
static void
prepare(void)
{
	static uint8_t memory[MSG_ARENA_MAX];
	struct msg_proof proof;
	struct arena kept;

	arena_init(&kept, memory, sizeof memory);
	world_init(&world, "uki-good");
	world_challenge(&world);
	world_prove(&world);
	(void)world_judge(&world);
	must(appraisal_input_encode(&world.in, booted, sizeof booted, &nbooted) == ASSAY_OK,
	     "encoding a request");
	world_commit(&world);
	world_challenge(&world);
	world_prove(&world);
	(void)world_judge(&world);
	must(!world.in.has_boot_log, "a round without a log");
	must(appraisal_input_encode(&world.in, steady, sizeof steady, &nsteady) == ASSAY_OK,
	     "encoding a request");
	must(envelope_decode_proof(world.in.proof, &kept, &proof) == ASSAY_OK &&
		     tpmt_public_parse(world.in.device.ak_public, &ak) == ASSAY_OK &&
		     tpmt_signature_parse(proof.quotes[0].signature, &sig) == ASSAY_OK &&
		     digest_compute(sig.hash, proof.quotes[0].attest, &signed_digest) == ASSAY_OK,
	     "reading a proof");
}

int
main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{"bare signature", bare},
		{"boot goes on", goes_on},
		{"after a boot", has_booted},
	};
	double t[3][WINDOWS];

	prepare();
	for (unsigned w = 0; w < WINDOWS; w++)
		for (unsigned c = 0; c < 3; c++)
			t[c][w] = window(cases[c].run);
	printf("appraisal, one thread, CPU time; request %zu bytes, verdict of a round\n", nsteady);
	for (unsigned c = 0; c < 3; c++) {
		qsort(t[c], WINDOWS, sizeof t[c][0], ascending);
		printf("%-24s %8.0f/s %8.1f us   %5.2f\n", cases[c].name, 1 / t[c][WINDOWS / 2],
		       t[c][WINDOWS / 2] * 1e6, t[c][WINDOWS / 2] / t[0][WINDOWS / 2]);
	}
	world_free(&world);
	return 0;
}
