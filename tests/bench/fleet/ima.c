/* ima.c: the IMA list that every simulated device has; see fleet.h. */
#include "fleet.h"

#include "evidence/imalog.h"
#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_ROOM 160

static struct {
	unsigned entries;
	uint8_t *list;
	struct writer w;
	struct digest pcr; /* SHA-256 bank, after all of them */
} ima;

static void
must(enum assay_err e)
{
	if (e != ASSAY_OK)
		abort();
}

static void
measure(const char *path, const struct digest *file)
{
	uint8_t data[ENTRY_ROOM], value[8 + 32] = "sha256:";
	struct digest hash;
	struct writer d;

	memcpy(value + 8, file->b, 32);
	wr_init(&d, data, sizeof data);
	wr_le32(&d, sizeof value);
	wr_bytes(&d, SPAN(value, sizeof value));
	wr_le32(&d, (uint32_t)strlen(path) + 1);
	wr_bytes(&d, SPAN(path, strlen(path) + 1));
	must(digest_compute(ALG_SHA1, wr_span(&d), &hash));
	wr_le32(&ima.w, IMALOG_PCR);
	wr_bytes(&ima.w, digest_span(&hash));
	wr_le32(&ima.w, 6);
	wr_bytes(&ima.w, SPAN("ima-ng", 6));
	wr_le32(&ima.w, (uint32_t)d.len);
	wr_bytes(&ima.w, wr_span(&d));
	must(digest_compute(ALG_SHA256, wr_span(&d), &hash));
	must(digest_extend(&ima.pcr, digest_span(&hash)));
	must(ima.w.err);
}

void
fleet_ima_make(const struct softtpm *booted, unsigned entries)
{
	struct digest d;
	char path[64];

	ima.entries = entries;
	ima.list = malloc((size_t)(entries + 1) * ENTRY_ROOM);
	if (!ima.list)
		abort();
	wr_init(&ima.w, ima.list, (size_t)(entries + 1) * ENTRY_ROOM);
	must(digest_fill(ALG_SHA256, 0, &ima.pcr));
	must(imalog_boot_aggregate(&booted->pcrs, ALG_SHA256, 10, &d));
	measure(IMALOG_BOOT_AGGREGATE, &d);
	for (unsigned i = 0; i < entries; i++) {
		snprintf(path, sizeof path, "/usr/lib/fleet/file-%u", i);
		must(digest_compute(ALG_SHA256, SPAN(path, strlen(path)), &d));
		measure(path, &d);
	}
}

bool
fleet_ima_measure(struct softtpm *t)
{
	for (unsigned b = 0; b < t->pcrs.count && ima.entries; b++)
		if (t->pcrs.bank[b].alg == ALG_SHA256)
			t->pcrs.bank[b].value[IMALOG_PCR] = ima.pcr;
	return ima.entries > 0;
}

enum assay_err
fleet_ima_read(void *self, uint64_t offset, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	struct reader r;
	struct span rest;

	(void)self;
	rd_init(&r, wr_span(&ima.w));
	(void)rd_bytes(&r, offset < ima.w.len ? (size_t)offset : ima.w.len);
	rest = rd_bytes(&r, rd_left(&r) < cap ? rd_left(&r) : cap);
	if (rest.n)
		memcpy(buffer, rest.p, rest.n);
	*ret_len = rest.n;
	return ASSAY_OK;
}
