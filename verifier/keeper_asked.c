/* keeper_asked.c: what a round's evidence answered, as a device's state keeps it: be16 bank
 * and be32 mask of each bank, after their number; of offline evidence also be64 when the
 * challenge was issued. See keeper_private.h. */
#include "keeper_private.h"

#include <string.h>

void
keeper_asked_write(const struct request *r, struct writer *w)
{
	wr_u8(w, r->asked.count);
	for (unsigned i = 0; i < r->asked.count; i++) {
		wr_be16(w, r->asked.bank[i].alg);
		wr_be32(w, r->asked.bank[i].mask);
	}
	if (r->issued > 0)
		wr_be64(w, (uint64_t)r->issued);
}

enum assay_err
keeper_asked_read(struct span bytes, struct appraisal_input *in)
{
	struct reader r;

	memset(&in->asked, 0, sizeof in->asked);
	in->issued = 0;
	rd_init(&r, bytes);
	in->asked.count = (uint8_t)rd_count(&r, rd_u8(&r), PCR_BANKS_MAX);
	for (unsigned i = 0; i < in->asked.count && r.err == ASSAY_OK; i++) {
		in->asked.bank[i].alg = rd_be16(&r);
		in->asked.bank[i].mask = rd_be32(&r);
	}
	if (rd_left(&r) > 0) {
		uint64_t issued = rd_be64(&r);

		if (issued == 0 || issued > INT64_MAX)
			rd_fail(&r, ASSAY_MALFORMED);
		in->issued = (int64_t)(issued & INT64_MAX);
	}
	return rd_finish(&r);
}
