/* evidencefile.c: see evidencefile.h. */
#include "evidencefile.h"

#include <string.h>

enum kind { PROOF = 1, CLAIMS, BOOT_LOG, IMA, NONCE, KINDS };

static const size_t limits[KINDS] = {
	[PROOF] = MSG_PROOF_MAX,
	[CLAIMS] = MSG_CLAIMS_MAX,
	[BOOT_LOG] = EVENTLOG_MAX,
	[IMA] = EVIDENCEFILE_IMA_MAX,
	[NONCE] = BINDING_NONCE_SIZE,
};

#define MAGIC SPAN(EVIDENCEFILE_MAGIC, sizeof EVIDENCEFILE_MAGIC - 1)

static void
take_record(struct reader *r, unsigned *last, struct span ret[KINDS], bool has[KINDS])
{
	uint8_t kind = rd_u8(r);

	if (r->err != ASSAY_OK)
		return;
	if (kind == 0 || kind >= KINDS) {
		rd_fail(r, ASSAY_UNSUPPORTED);
		return;
	}
	if (kind <= *last) {
		rd_fail(r, ASSAY_DUPLICATE);
		return;
	}
	*last = kind;
	ret[kind] = rd_be32_bytes(r, limits[kind]);
	has[kind] = true;
}

enum assay_err
evidence_file_parse(struct span in, struct evidence_file *ret)
{
	struct span s[KINDS] = {{NULL, 0}};
	bool has[KINDS] = {false};
	unsigned last = 0;
	struct reader r;
	enum assay_err e;

	rd_init(&r, in);
	if (!span_equal(rd_bytes(&r, MAGIC.n), MAGIC))
		return ASSAY_BAD_MAGIC;
	while (rd_left(&r) > 0)
		take_record(&r, &last, s, has);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	if (s[PROOF].n == 0)
		return ASSAY_MISSING;
	if (has[NONCE] && s[NONCE].n != BINDING_NONCE_SIZE)
		return ASSAY_MALFORMED;
	*ret = (struct evidence_file){s[PROOF],	   s[CLAIMS], has[BOOT_LOG], has[IMA],
				      s[BOOT_LOG], s[IMA],    s[NONCE]};
	return ASSAY_OK;
}

static void
put_record(struct writer *w, enum kind kind, struct span s, bool present)
{
	if (!present)
		return;
	if (s.n > limits[kind])
		wr_fail(w, ASSAY_TOO_LARGE);
	wr_u8(w, (uint8_t)kind);
	wr_be32_bytes(w, s);
}

enum assay_err
evidence_file_write(const struct evidence_file *f, struct writer *w)
{
	size_t n;

	wr_bytes(w, MAGIC);
	put_record(w, PROOF, f->proof, true);
	put_record(w, CLAIMS, f->claims, f->claims.n != 0);
	put_record(w, BOOT_LOG, f->boot_log, f->has_boot_log);
	put_record(w, IMA, f->ima, f->has_ima);
	put_record(w, NONCE, f->nonce, f->nonce.n != 0);
	return wr_finish(w, &n);
}
