/* reference_capture.c: a reference set from a device's last evidence; see reference.h. */
#include "reference.h"

#include "bootdiff.h"
#include "boottext.h"
#include "text.h"

#include <string.h>

/* PCR 16 (debug) and 23 (application) can be reset by any software. */
#define PCR_RESETTABLE (1u << 16 | 1u << 23)

struct capture {
	struct writer *out;
	uint32_t count; /* events seen */
	bool write;     /* the second pass */
};

static enum assay_err
keep_values(const struct continuity *c, uint32_t mask, struct pcr_values *ret)
{
	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < c->quoted.count; i++)
		for (unsigned k = 0; k < PCR_COUNT; k++) {
			enum assay_err e;

			if ((mask >> k & 1) == 0)
				continue;
			if ((c->quoted.bank[i].mask >> k & 1) == 0)
				return ASSAY_MISSING;
			if ((e = pcr_set(ret, k, &c->quoted.bank[i].value[k])) != ASSAY_OK)
				return e;
		}
	return ret->count != 0 ? ASSAY_OK : ASSAY_MISSING;
}

/* The log is that of the quotes, and leads to what was quoted, in every bank. */
static enum assay_err
check_log(struct span log, const struct continuity *c, const struct pcr_values *kept)
{
	struct eventlog_replay r;
	uint8_t digest[32];
	enum assay_err e;

	if ((e = digest_sha256(log, digest)) != ASSAY_OK)
		return e;
	if (!span_equal(SPAN(digest, 32), SPAN(c->boot_log_digest, 32)))
		return ASSAY_MISMATCH;
	if ((e = eventlog_replay(log, false, &r)) != ASSAY_OK)
		return e;
	for (size_t i = 0; i < kept->count; i++) {
		const struct pcr_bank *b = &kept->bank[i];

		for (unsigned k = 0; k < PCR_COUNT; k++) {
			const struct digest *l = pcr_value(&r.pcrs, b->alg, k);

			if ((b->mask >> k & 1) && l && !digest_equal(l, &b->value[k]))
				return ASSAY_MISMATCH;
		}
	}
	return ASSAY_OK;
}

static void
emit(const struct boot_ref_event *ev, void *arg)
{
	struct capture *c = arg;
	struct reference_event out = {.pcr = ev->pcr, .type = ev->type, .ndigests = 1};
	char words[REFERENCE_DESCRIPTION_MAX + 1]; /* cut visibly: bootwords.h */

	c->count++;
	if (!c->write)
		return;
	out.digests[0].alg = ev->digest.alg;
	out.digests[0].bytes = digest_span(&ev->digest);
	text_format(words, sizeof words, "%.*s", (int)ev->description.n,
		    (const char *)ev->description.p);
	out.description = SPAN(words, strlen(words));
	out.per_device = boot_component_per_device(boottext_component(ev->description));
	reference_write_event(c->out, &out);
}

static uint16_t
strongest(const struct pcr_values *v)
{
	uint16_t best = ALG_NONE;

	for (size_t i = 0; i < v->count; i++)
		if (digest_size(v->bank[i].alg) > digest_size(best))
			best = v->bank[i].alg;
	return best;
}

/* Twice through the log: the number of events stands before them. */
static enum assay_err
write_events(struct span log, const struct pcr_values *kept, uint32_t mask, struct writer *out)
{
	struct bootdiff_input in = {.log = log, .bank = strongest(kept), .pcr_mask = mask};
	struct capture c = {.out = out};
	enum assay_err e;

	if ((e = bootdiff_capture(&in, emit, &c)) != ASSAY_OK)
		return e;
	reference_write_head(out, kept, c.count);
	c.write = true;
	return bootdiff_capture(&in, emit, &c);
}

enum assay_err
reference_capture(struct span boot_log, const struct continuity *c, uint32_t pcr_mask,
		  struct writer *out)
{
	struct pcr_values kept;
	struct reference check;
	enum assay_err e;

	if (pcr_mask & PCR_RESETTABLE)
		return ASSAY_DENIED;
	if (!c->present || c->has_boot_log != (boot_log.n != 0))
		return ASSAY_MISMATCH;
	if ((e = keep_values(c, pcr_mask, &kept)) != ASSAY_OK)
		return e;
	if (boot_log.n == 0) {
		reference_write_head(out, &kept, 0);
	} else if ((e = check_log(boot_log, c, &kept)) != ASSAY_OK ||
		   (e = write_events(boot_log, &kept, pcr_mask, out)) != ASSAY_OK) {
		return e;
	}
	if (out->err != ASSAY_OK)
		return out->err;
	return reference_open(wr_span(out), &check);
}
