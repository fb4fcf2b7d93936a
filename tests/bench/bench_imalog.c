/*
 * bench_imalog.c: entries per second of an ima-ng list through parsing, template hash,
 * check and replay, beside the bare hash work that no design can avoid: one hash of
 * every entry's template data and one extend, in the same bank.
 *
 * Bare is wolfCrypt alone. Windows of both alternate, so that other load on the
 * machine falls on both. Medians, and the worst window, of this thread's processor time.
 */
#include "tests/support/unit.h"

#include "evidence/imalog.h"
#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/hash.h>

#define WINDOWS 11
#define ENTRIES 20000
#define ROOM (ENTRIES * 192u)

static uint8_t list_buf[ROOM];
static struct span list, data[ENTRIES];
static uint16_t bank;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_imalog: %s failed\n", what);
	exit(4);
}

static void
add_entry(struct writer *w, unsigned i)
{
	char path[64];
	uint8_t buf[128];
	struct writer d;
	struct digest file, hash;
	size_t n;

	snprintf(path, sizeof path, "/usr/lib/x86_64-linux-gnu/libexample-%u.so.1", i);
	n = strlen(path);
	must(digest_compute(ALG_SHA256, SPAN(path, n), &file) == ASSAY_OK, "a digest");
	wr_init(&d, buf, sizeof buf);
	wr_le32(&d, 8 + 32);
	wr_bytes(&d, SPAN("sha256:", 8));
	wr_bytes(&d, digest_span(&file));
	wr_le32(&d, (uint32_t)n + 1);
	wr_bytes(&d, SPAN(path, n + 1));
	must(digest_compute(ALG_SHA1, wr_span(&d), &hash) == ASSAY_OK, "a hash");
	wr_le32(w, IMALOG_PCR);
	wr_bytes(w, digest_span(&hash));
	wr_le32(w, 6);
	wr_bytes(w, SPAN("ima-ng", 6));
	wr_le32(w, (uint32_t)d.len);
	wr_bytes(w, wr_span(&d));
}

static void
make_list(void)
{
	struct writer w;
	struct imalog_entry e;
	struct imalog l;

	wr_init(&w, list_buf, sizeof list_buf);
	for (unsigned i = 0; i < ENTRIES; i++)
		add_entry(&w, i);
	must(w.err == ASSAY_OK, "making a list");
	list = wr_span(&w);
	must(imalog_open(list, NULL, 0, &l) == ASSAY_OK, "opening it");
	for (unsigned i = 0; imalog_next(&l, &e); i++)
		data[i] = e.data;
	must(imalog_finish(&l) == ASSAY_OK, "reading it");
}

static enum wc_HashType
wolf(void)
{
	return bank == ALG_SHA1 ? WC_HASH_TYPE_SHA : WC_HASH_TYPE_SHA256;
}

static bool
bare_hash(struct span a, struct span b, uint8_t *out)
{
	wc_HashAlg h;

	return wc_HashInit(&h, wolf()) == 0 &&
	       wc_HashUpdate(&h, wolf(), a.p, (word32)a.n) == 0 &&
	       (b.n == 0 || wc_HashUpdate(&h, wolf(), b.p, (word32)b.n) == 0) &&
	       wc_HashFinal(&h, wolf(), out) == 0;
}

static bool
bare(void)
{
	uint8_t pcr[DIGEST_MAX] = {0}, hash[DIGEST_MAX];
	size_t n = digest_size(bank);

	for (unsigned i = 0; i < ENTRIES; i++)
		if (!bare_hash(data[i], SPAN(NULL, 0), hash) ||
		    !bare_hash(SPAN(pcr, n), SPAN(hash, n), pcr))
			return false;
	return true;
}

/* Everything but hashing. */
static bool
parse(void)
{
	struct imalog_entry e;
	struct imalog l;

	if (imalog_open(list, NULL, 0, &l) != ASSAY_OK)
		return false;
	while (imalog_next(&l, &e))
		;
	return imalog_finish(&l) == ASSAY_OK && l.count == ENTRIES;
}

static bool
ours(void)
{
	struct imalog_replay r;
	struct imalog_entry e;
	struct imalog l;
	bool contradicts;

	imalog_replay_init(&r, IMALOG_PCR);
	if (imalog_replay_add(&r, bank, IMALOG_HASHED) != ASSAY_OK ||
	    imalog_open(list, NULL, 0, &l) != ASSAY_OK)
		return false;
	while (imalog_next(&l, &e))
		if (imalog_replay_extend(&r, &e, &contradicts) != ASSAY_OK)
			return false;
	return imalog_finish(&l) == ASSAY_OK && r.contradictions == 0;
}

static double
seconds(bool (*f)(void))
{
	struct timespec a, b;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	must(f(), "a run");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static int
ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
compare(uint16_t alg)
{
	double b[WINDOWS], o[WINDOWS], p[WINDOWS];

	bank = alg;
	for (unsigned w = 0; w < WINDOWS; w++) {
		b[w] = seconds(bare);
		o[w] = seconds(ours);
		p[w] = seconds(parse);
	}
	qsort(b, WINDOWS, sizeof b[0], ascending);
	qsort(o, WINDOWS, sizeof o[0], ascending);
	qsort(p, WINDOWS, sizeof p[0], ascending);
	printf("%-8s %12.0f/s %12.0f/s %12.0f/s %12.0f/s   %5.2f\n", digest_name(alg),
	       ENTRIES / p[WINDOWS / 2], ENTRIES / b[WINDOWS / 2], ENTRIES / o[WINDOWS / 2],
	       ENTRIES / o[WINDOWS - 1], b[WINDOWS / 2] / o[WINDOWS / 2]);
}

int
main(void)
{
	make_list();
	printf("IMA list of %u ima-ng entries, %zu bytes each, one thread, wolfSSL %s\n", ENTRIES,
	       list.n / ENTRIES, LIBWOLFSSL_VERSION_STRING);
	printf("%-8s %14s %14s %14s %14s   %5s\n", "bank", "parse only", "bare hashes", "ours",
	       "worst", "ratio");
	compare(ALG_SHA1);
	compare(ALG_SHA256); /* and the SHA-1 check of the listed hash */
	return 0;
}
