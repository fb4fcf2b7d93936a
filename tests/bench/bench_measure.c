/*
 * bench_measure.c: a 2 GiB image (sparse, so that no disk is measured) through the
 * collector, beside the bare SHA-256 of wolfCrypt over as many bytes in memory; the
 * memory that it takes; and what a rate limit gives. Windows of collector and bare hash
 * alternate, so that other load on the machine falls on both.
 */
#include "tests/support/unit.h"

#include "attester/collect/measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <wolfssl/options.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/sha256.h>

#define IMAGE (2ull << 30)
#define WINDOW (64ull << 20)
#define BARE_EVERY 4 /* windows; they are all alike */
#define RATE (32ull << 20)
#define RATE_BYTES (48ull << 20)

static uint8_t block[256u << 10];
static char path[] = "/image";

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_measure: %s failed\n", what);
	exit(4);
}

static double
bare(uint64_t bytes)
{
	uint64_t before = measure_now_ns();
	byte digest[32];
	wc_Sha256 h;

	must(wc_InitSha256(&h) == 0, "bare hash");
	for (uint64_t n = 0; n < bytes; n += sizeof block)
		must(wc_Sha256Update(&h, block, sizeof block) == 0, "bare hash");
	must(wc_Sha256Final(&h, digest) == 0, "bare hash");
	return (double)(measure_now_ns() - before) / 1e9;
}

static double
collected(struct measure *m, struct item *it, uint64_t from, uint64_t bytes)
{
	uint64_t before = measure_now_ns();

	it->offset = from;
	it->length = bytes;
	measure_round(m, true);
	must(m->results[0].measured && m->results[0].size == bytes, "measuring");
	return (double)(measure_now_ns() - before) / 1e9;
}

static long
resident_kb(void)
{
	char text[4096], *at;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	must(n > 0, "reading /proc/self/status");
	close(fd);
	text[n] = '\0';
	at = strstr(text, "VmRSS:");
	return at ? strtol(at + 6, NULL, 10) : -1;
}

static void
whole_image(struct measure *m, struct item *it)
{
	double hash = 0, all = 0;
	long before, after;

	(void)collected(m, it, 0, WINDOW);
	before = resident_kb();
	for (uint64_t at = 0; at < IMAGE; at += WINDOW) {
		if (at / WINDOW % BARE_EVERY == 0)
			hash += BARE_EVERY * bare(WINDOW);
		all += collected(m, it, at, WINDOW);
	}
	after = resident_kb();
	printf("image of %llu MiB     %7.1f MiB/s, bare SHA-256 %7.1f MiB/s: %3.0f %% "
	       "(at least 80 asked)\n",
	       IMAGE >> 20, (double)(IMAGE >> 20) / all, (double)(IMAGE >> 20) / hash,
	       100 * hash / all);
	printf("memory while reading  %+ld KiB from the first 64 MiB to the last\n",
	       after - before);
}

static void
limited(struct measure *m, struct item *it)
{
	double took;

	m->rate = RATE;
	took = collected(m, it, 0, RATE_BYTES);
	printf("rate limit            %7.2f MiB/s, %llu set: %+.1f %% (within 10 asked)\n",
	       (double)(RATE_BYTES >> 20) / took, RATE >> 20,
	       100 * ((double)RATE_BYTES / (double)RATE / took - 1));
}

int
main(void)
{
	char dir[] = "/tmp/bench-measure.XXXXXX", file[64];
	static char name[] = "image";
	struct item it = {.name = name, .kind = SOFTWARE_IMAGE, .path = path};
	struct measure m;
	int root, fd;

	must(mkdtemp(dir) != NULL, "a folder");
	snprintf(file, sizeof file, "%s/image", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && ftruncate(fd, (off_t)IMAGE) == 0, "an image");
	close(fd);
	root = open(dir, O_RDONLY | O_DIRECTORY);
	must(root >= 0 && measure_init(&m, root, &it, 1) == ASSAY_OK, "setting up");
	printf("measuring, wolfSSL %s\n", LIBWOLFSSL_VERSION_STRING);
	whole_image(&m, &it);
	limited(&m, &it);
	measure_free(&m);
	unlink(file);
	rmdir(dir);
	return 0;
}
