/* unit.c: see unit.h. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_LIMIT (64u << 20)

struct span
unit_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = malloc(FILE_LIMIT);
	size_t n;

	if (!f || !p) {
		perror(path);
		abort();
	}
	n = fread(p, 1, FILE_LIMIT, f);
	fclose(f);
	p = realloc(p, n ? n : 1);
	return SPAN(p, n);
}

struct span
unit_data(const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "tests/data/%s", name);
	return unit_file(path);
}

const char *
unit_shared(const char *name)
{
	static char path[1024];
	const char *dir = getenv("ASSAY_TESTDATA");

	snprintf(path, sizeof path, "%s/%s", dir ? dir : "../shared/testdata", name);
	if (access(path, R_OK) == 0)
		return path;
	print_message("%s is absent\n", path); /* the reason of the skip that follows */
	return NULL;
}

void
unit_must(enum assay_err e, const char *what)
{
	if (e != ASSAY_OK)
		fail_msg("%s: %s", what, assay_err_text(e));
}

void
unit_free(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

static void
mutate_bytes(uint8_t *m, struct span v, size_t stride,
	     void (*check)(struct span, const char *, void *), void *arg)
{
	char what[64];

	for (size_t bit = 0; bit < v.n * 8; bit += stride) {
		snprintf(what, sizeof what, "bit %zu flipped", bit);
		m[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check(SPAN(m, v.n), what, arg);
		m[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t i = 0; i < v.n; i += (stride + 7) / 8) {
		static const uint8_t fills[] = {0x00, 0xFF};

		for (size_t k = 0; k < 2; k++) {
			if (v.p[i] == fills[k])
				continue;
			snprintf(what, sizeof what, "byte %zu set to %02x", i, fills[k]);
			m[i] = fills[k];
			check(SPAN(m, v.n), what, arg);
			m[i] = v.p[i];
		}
	}
}

void
unit_mutate(struct span v, size_t limit_bits, void (*check)(struct span, const char *, void *),
	    void *arg)
{
	uint8_t *m = malloc(2 * v.n + 1);
	size_t stride = 1;
	char what[64];

	if (!m)
		abort();
	if (limit_bits != 0 && v.n * 8 > limit_bits)
		stride = v.n * 8 / limit_bits | 1; /* odd: walks through all bit positions */
	memcpy(m, v.p, v.n);
	mutate_bytes(m, v, stride, check, arg);
	for (size_t n = 0; n < v.n; n += stride) {
		snprintf(what, sizeof what, "truncated to %zu", n);
		check(SPAN(m, n), what, arg);
	}
	for (unsigned k = 0; k < 2; k++) {
		m[v.n] = k ? 0xFF : 0x00;
		snprintf(what, sizeof what, "extended by %02x", m[v.n]);
		check(SPAN(m, v.n + 1), what, arg);
	}
	memcpy(m + v.n, v.p, v.n);
	check(SPAN(m, v.n + v.n / 2), "extended by its first half", arg);
	check(SPAN(m, 2 * v.n), "doubled", arg);
	free(m);
}
