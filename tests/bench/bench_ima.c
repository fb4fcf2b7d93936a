/*
 * bench_ima.c: entries per second of IMA lists through appraise(): parsed, proved by PCR 10
 * and looked up in an allow-list of a million files, beside the bare hashes that no design
 * can avoid: of every entry's template data by the bank's algorithm, the same by the list's
 * (a SHA-1 list in a SHA-256 bank: that listed hashes are of their data), and one extend.
 * Then rounds of few new entries behind a long list; signatures beside bare verification;
 * and what an allow-list costs to load.
 *
 * Bare is wolfCrypt alone. Windows of both alternate, so that other load on the machine
 * falls on both. Medians, and the worst window, of this thread's processor time.
 */
#include "tests/support/imasign.h"
#include "tests/support/imaworld.h"
#include "tests/support/unit.h"

#include "verifier/appraise/certfile.h"
#include "verifier/appraise/x509.h"
#include "verifier/compiler/digestset_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/hash.h>

#define WINDOWS 7
#define ENTRIES 50000u
#define FILES 1000000u
#define NEW_ENTRIES 20u
#define SIGNED 200u

static struct imaworld w;
static uint16_t bank; /* that is quoted */
static uint8_t *set;
static size_t set_len;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_ima: %s failed\n", what);
	exit(4);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct result {
	double median, worst; /* per second */
};

static struct result
settle(double *t, double count)
{
	qsort(t, WINDOWS, sizeof *t, compare);
	return (struct result){count / t[WINDOWS / 2], count / t[WINDOWS - 1]};
}

/* ---- a million files ------------------------------------------------------------- */

static size_t
file_path(unsigned i, char *ret, size_t cap)
{
	return (size_t)snprintf(ret, cap, "/usr/lib/x86_64-linux-gnu/libexample-%u.so.1", i);
}

static void
file_digest(unsigned i, uint8_t ret[32])
{
	uint64_t x = i + 1;

	for (unsigned k = 0; k < 32; k++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		ret[k] = (uint8_t)(x >> 56);
	}
}

static void
build_set(void)
{
	struct digestset_builder *b = digestset_builder_new();
	double start = seconds(), built, opened, checked;
	struct digestset s;
	uint8_t hash[32];
	char path[64];

	must(b != NULL, "memory");
	for (unsigned i = 0; i < FILES; i++) {
		uint8_t d[32];
		struct digestset_digest digest = {ALG_SHA256, false, SPAN(d, 32)};
		size_t n = file_path(i, path, sizeof path);

		file_digest(i, d);
		must(digestset_add(b, SPAN(path, n), &digest) == ASSAY_OK, "adding a file");
	}
	must(digestset_build(b, &set, &set_len) == ASSAY_OK, "building the list");
	digestset_builder_free(b);
	built = seconds();
	must(digest_sha256(SPAN(set, set_len), hash) == ASSAY_OK, "hashing the list");
	must(digestset_open(SPAN(set, set_len), &s) == ASSAY_OK, "opening the list");
	opened = seconds();
	must(digestset_check(SPAN(set, set_len)) == ASSAY_OK, "checking the list");
	checked = seconds();
	printf("allow-list of %u files: %.1f bytes a file; built in %.2f s, loaded (hashed and "
	       "opened) in %.2f s, checked in whole in %.2f s, most steps of a look-up %u\n",
	       FILES, (double)set_len / FILES, built - start, opened - built, checked - opened,
	       s.probes);
}

static void
use_set(void)
{
	struct reference_view *v = &w.w.in.references[w.w.in.nreferences++];

	memset(v, 0, sizeof *v);
	v->compiled = SPAN(set, set_len);
	must(digest_sha256(v->compiled, v->digest) == ASSAY_OK, "hashing the list");
	v->kind = REF_KIND_ALLOW;
	v->state = REF_PROMOTED;
}

static void
measure_digest(const struct digest *digest, struct span path)
{
	uint8_t data[128];
	struct writer b;
	size_t n = strlen(digest_name(digest->alg));

	wr_init(&b, data, sizeof data);
	wr_le32(&b, (uint32_t)n + 2 + digest->len);
	wr_bytes(&b, SPAN(digest_name(digest->alg), n));
	wr_bytes(&b, SPAN(":", 2));
	wr_bytes(&b, digest_span(digest));
	wr_le32(&b, (uint32_t)path.n + 1);
	wr_bytes(&b, path);
	wr_bytes(&b, SPAN("", 1));
	must(b.err == ASSAY_OK, "an entry");
	imaworld_entry(&w, "ima-ng", wr_span(&b), false);
}

/* Of the quoted bank, as a kernel makes it that has no other. */
static void
measure_aggregate(void)
{
	const char *path = IMALOG_BOOT_AGGREGATE;
	struct digest d;

	must(imalog_boot_aggregate(&w.w.tpm.pcrs, bank, bank == ALG_SHA1 ? 8 : 10, &d) == ASSAY_OK,
	     "boot_aggregate");
	measure_digest(&d, SPAN(path, strlen(path)));
}

static void
measure_file(unsigned i)
{
	struct digest d = {ALG_SHA256, 32, {0}};
	char path[64];
	size_t n = file_path(i, path, sizeof path);

	file_digest(i, d.b);
	measure_digest(&d, SPAN(path, n));
}

/* ---- lists ------------------------------------------------------------------------- */

static bool
bare_hash(enum wc_HashType type, struct span a, struct span b, uint8_t *out)
{
	wc_HashAlg h;

	return wc_HashInit(&h, type) == 0 && wc_HashUpdate(&h, type, a.p, (word32)a.n) == 0 &&
	       (b.n == 0 || wc_HashUpdate(&h, type, b.p, (word32)b.n) == 0) &&
	       wc_HashFinal(&h, type, out) == 0;
}

static void
bare(void)
{
	const enum wc_HashType type = bank == ALG_SHA1 ? WC_HASH_TYPE_SHA : WC_HASH_TYPE_SHA256;
	uint8_t pcr[32] = {0}, hash[32], listed[32];
	size_t head = 4 + digest_size(w.alg) + 4 + 6 + 4, n = digest_size(bank);

	for (unsigned i = 0; i < w.count; i++) {
		size_t end = i + 1 < w.count ? w.at[i + 1] : w.len;
		struct span data = SPAN(w.list + w.at[i] + head, end - w.at[i] - head);

		must(w.alg == bank || bare_hash(WC_HASH_TYPE_SHA, data, SPAN(NULL, 0), listed),
		     "a hash");
		must(bare_hash(type, data, SPAN(NULL, 0), hash) &&
			     bare_hash(type, SPAN(pcr, n), SPAN(hash, n), pcr),
		     "a hash");
	}
}

static void
judge(bool commit)
{
	const struct verdict *v = commit ? imaworld_round(&w) : imaworld_judge(&w);

	must(v->status == VERDICT_DECIDED && v->outcome == OUTCOME_ADMIT, "admitting");
}

static void
print(const char *what, struct result r, struct result b)
{
	printf("%-44s %9.0f /s (worst %9.0f)   bare %9.0f /s   ratio %.2f\n", what, r.median,
	       r.worst, b.median, b.median / r.median);
}

/* One appraisal of a whole list, that of the quote and of everything else included. */
static void
whole_list(const char *what)
{
	double ours[WINDOWS], theirs[WINDOWS];

	for (unsigned k = 0; k < WINDOWS; k++) {
		double start;

		start = seconds();
		bare();
		theirs[k] = seconds() - start;
		start = seconds();
		judge(false);
		ours[k] = seconds() - start;
	}
	print(what, settle(ours, w.count), settle(theirs, w.count));
}

/* A list with template hashes of one algorithm, proved in the bank of one. */
static void
begin(uint16_t alg, uint16_t quoted)
{
	bank = quoted;
	imaworld_init(&w, "  need: path\nallow: {sha1_only: true}\n", digest_name(quoted));
	w.alg = alg;
	imaworld_boot(&w, false);
	measure_aggregate();
	use_set();
	for (unsigned i = 0; i < ENTRIES; i++)
		measure_file((unsigned)((i * 7919ull) % FILES));
}

static void
few_entries(void)
{
	double steady[WINDOWS], grown[WINDOWS];

	judge(true);
	for (unsigned k = 0; k < WINDOWS; k++) {
		double start = seconds();

		judge(true);
		steady[k] = seconds() - start;
		for (unsigned i = 0; i < NEW_ENTRIES; i++)
			measure_file(i);
		start = seconds();
		judge(true);
		grown[k] = seconds() - start;
	}
	qsort(steady, WINDOWS, sizeof *steady, compare);
	qsort(grown, WINDOWS, sizeof *grown, compare);
	printf("a round behind %u entries: nothing new %.2f ms, %u new ones %.2f ms, %zu bytes "
	       "sent\n",
	       ENTRIES, 1e3 * steady[WINDOWS / 2], NEW_ENTRIES, 1e3 * grown[WINDOWS / 2], w.sent);
}

/* ---- signatures ---------------------------------------------------------------------- */

static uint8_t signed_bytes[SIGNED][IMASIGN_MAX];
static size_t signed_len[SIGNED];

static const char *
signing_policy(const char *key)
{
	static char text[16384];
	struct span crt = imasign_certificate(key);
	size_t n = (size_t)snprintf(text, sizeof text,
				    "  need: signature\n  keyrings:\n    - name: k\n"
				    "      allow_expired: true\n"
				    "      certificates: |\n");

	for (size_t i = 0; i < crt.n && n < sizeof text - 16; i++) {
		if (i == 0 || crt.p[i - 1] == '\n')
			n += (size_t)snprintf(text + n, sizeof text - n, "        ");
		text[n++] = (char)crt.p[i];
	}
	text[n] = '\0';
	unit_free(crt);
	return text;
}

static void
measure_signed(const char *key, unsigned i)
{
	const struct imasign how = {key, 2, false, false};
	uint8_t field[8 + 32];
	struct span f[3];
	struct digest d;
	char path[64];

	file_digest(i, field + 8);
	memcpy(field, "sha256:", 8);
	must(digest_from(ALG_SHA256, SPAN(field + 8, 32), &d) == ASSAY_OK, "a digest");
	signed_len[i] = imasign(&how, &d, signed_bytes[i]);
	f[0] = SPAN(field, sizeof field);
	f[1] = SPAN(path, file_path(i, path, sizeof path) + 1);
	f[2] = SPAN(signed_bytes[i], signed_len[i]);
	imaworld_entry(&w, "ima-sig", imaworld_fields(&w, f, 3), false);
}

static void
signer(const char *key, struct key *ret)
{
	struct span crt = imasign_certificate(key);
	struct certfile_item item;
	struct certfile f;
	uint8_t buf[4096];
	struct x509 x;

	certfile_open(&f, crt, buf, sizeof buf);
	must(certfile_next(&f, &item) == ASSAY_OK && x509_parse(item.der, &x) == ASSAY_OK &&
		     key_from_spki(x.spki, ret) == ASSAY_OK,
	     "the certificate");
	unit_free(crt);
}

/* The same signatures, and nothing else. */
static void
bare_signatures(const struct key *k)
{
	for (unsigned i = 0; i < SIGNED; i++) {
		struct signature s = {.scheme = SIG_RSASSA, .hash = ALG_SHA256};
		struct imalog_signature header;
		struct digest d;
		uint8_t b[32];

		file_digest(i, b);
		must(digest_from(ALG_SHA256, SPAN(b, 32), &d) == ASSAY_OK &&
			     imalog_signature(SPAN(signed_bytes[i], signed_len[i]), &header) ==
				     ASSAY_OK,
		     "a signature");
		s.rsa = header.bytes;
		if (k->type == KEY_ECC) {
			must(signature_from_ecdsa_der(header.bytes, &s) == ASSAY_OK, "DER");
			s.scheme = SIG_ECDSA;
		}
		must(key_verify(k, &s, &d) == ASSAY_OK, "verifying");
	}
}

static void
signatures(const char *what, const char *key)
{
	double ours[WINDOWS], theirs[WINDOWS];
	struct key k;

	imaworld_init(&w, signing_policy(key), NULL);
	for (unsigned i = 0; i < SIGNED; i++)
		measure_signed(key, i);
	signer(key, &k);
	for (unsigned n = 0; n < WINDOWS; n++) {
		double start = seconds();

		bare_signatures(&k);
		theirs[n] = seconds() - start;
		start = seconds();
		judge(false);
		ours[n] = seconds() - start;
	}
	print(what, settle(ours, SIGNED), settle(theirs, SIGNED));
	imaworld_free(&w);
}

int
main(void)
{
	printf("IMA lists: wolfSSL %s, lists of %u ima-ng entries\n",
	       LIBWOLFSSL_VERSION_STRING, ENTRIES);
	build_set();
	begin(ALG_SHA1, ALG_SHA1);
	whole_list("list with SHA-1 hashes, SHA-1 bank");
	imaworld_free(&w);
	begin(ALG_SHA1, ALG_SHA256);
	whole_list("list with SHA-1 hashes, SHA-256 bank");
	few_entries();
	imaworld_free(&w);
	begin(ALG_SHA256, ALG_SHA256);
	whole_list("list with SHA-256 hashes, SHA-256 bank");
	imaworld_free(&w);
	signatures("entries with RSA 2048 signatures", "rsa");
	signatures("entries with ECDSA P-256 signatures", "p256");
	free(set);
	return 0;
}
