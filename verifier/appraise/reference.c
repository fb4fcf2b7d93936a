/* reference.c: the compiled form of a reference set; see reference.h. */
#include "reference.h"

#include "digestset.h"
#include "pack.h"
#include "softset.h"

#include <string.h>

#define REFERENCE_FORM 0x52
#define REFERENCE_FORM_VERSION 1

enum reference_kind
reference_kind_of(struct span compiled)
{
	struct softset s;

	if (softset_open(compiled, &s) == ASSAY_OK)
		return REF_KIND_SOFTWARE;
	if (compiled.n >= (sizeof DIGESTSET_MAGIC - 1) &&
	    span_equal(SPAN(compiled.p, (sizeof DIGESTSET_MAGIC - 1)),
		       SPAN(DIGESTSET_MAGIC, (sizeof DIGESTSET_MAGIC - 1))))
		return REF_KIND_ALLOW;
	return REF_KIND_BOOT;
}

const char *
reference_kind_name(enum reference_kind k)
{
	static const char *const names[REF_KIND_COUNT] = {"boot", "allow-list", "known-bad",
							  "software"};

	return (unsigned)k < REF_KIND_COUNT ? names[k] : "unknown";
}

void
reference_write_head(struct writer *w, const struct pcr_values *pcrs, uint32_t nevents)
{
	wr_u8(w, REFERENCE_FORM);
	wr_u8(w, REFERENCE_FORM_VERSION);
	pack_values(w, pcrs);
	if (nevents > REFERENCE_EVENTS_MAX)
		wr_fail(w, ASSAY_TOO_MANY);
	wr_be32(w, nevents);
}

void
reference_write_event(struct writer *w, const struct reference_event *ev)
{
	pack_below(w, ev->pcr, PCR_COUNT);
	wr_be32(w, ev->type);
	pack_below(w, ev->ndigests, PCR_BANKS_MAX + 1);
	for (size_t i = 0; i < ev->ndigests && w->err == ASSAY_OK; i++) {
		wr_be16(w, ev->digests[i].alg);
		wr_bytes(w, ev->digests[i].bytes);
	}
	pack_span_text(w, ev->description, REFERENCE_DESCRIPTION_MAX);
	pack_bool(w, ev->per_device);
}

static void
read_digests(struct reader *r, struct reference_event *ret)
{
	ret->ndigests = unpack_below(r, PCR_BANKS_MAX + 1);
	for (size_t i = 0; i < ret->ndigests && r->err == ASSAY_OK; i++) {
		ret->digests[i].alg = rd_be16(r);
		ret->digests[i].bytes = rd_bytes(r, digest_size(ret->digests[i].alg));
		if (ret->digests[i].bytes.n == 0)
			rd_fail(r, ASSAY_MALFORMED);
		for (size_t k = 0; k < i; k++)
			if (ret->digests[k].alg == ret->digests[i].alg)
				rd_fail(r, ASSAY_DUPLICATE);
	}
}

bool
reference_next(struct reference *r, struct reference_event *ret)
{
	struct reader *in = &r->events;

	if (in->err != ASSAY_OK || r->done == r->nevents)
		return false;
	memset(ret, 0, sizeof *ret);
	ret->pcr = unpack_below(in, PCR_COUNT);
	ret->type = rd_be32(in);
	read_digests(in, ret);
	ret->description = unpack_span_text(in, REFERENCE_DESCRIPTION_MAX);
	ret->per_device = unpack_bool(in);
	if (ret->ndigests == 0)
		rd_fail(in, ASSAY_MALFORMED);
	if (in->err != ASSAY_OK)
		return false;
	r->done++;
	if (r->done == r->nevents)
		rd_fail(in, rd_finish(in)); /* leftovers show in events.err */
	return true;
}

static void
reference_clear(struct reference *r)
{
	r->bytes = SPAN(NULL, 0);
	pcr_values_clear(&r->pcrs);
	r->nevents = r->done = 0;
	rd_init(&r->events, r->bytes);
}

enum assay_err
reference_open_known(struct span compiled, struct reference *ret)
{
	struct reader r;

	reference_clear(ret);
	if (compiled.n > REFERENCE_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, compiled);
	if (rd_u8(&r) != REFERENCE_FORM)
		rd_fail(&r, ASSAY_BAD_TYPE);
	if (rd_u8(&r) != REFERENCE_FORM_VERSION)
		rd_fail(&r, ASSAY_UNSUPPORTED);
	unpack_values(&r, &ret->pcrs);
	ret->nevents = rd_be32(&r);
	ret->nevents = rd_count(&r, ret->nevents, REFERENCE_EVENTS_MAX);
	if (r.err == ASSAY_OK && ret->nevents == 0)
		rd_fail(&r, rd_finish(&r));
	ret->bytes = compiled;
	ret->events = r;
	if (r.err != ASSAY_OK)
		reference_clear(ret);
	return r.err;
}

enum assay_err
reference_open(struct span compiled, struct reference *ret)
{
	struct reference r;
	struct reference_event ev;
	enum assay_err e = reference_open_known(compiled, &r);

	if (e != ASSAY_OK)
		return e;
	while (reference_next(&r, &ev))
		;
	if (r.events.err != ASSAY_OK)
		return r.events.err;
	return reference_open_known(compiled, ret);
}
