/* attester_offline.c: one round for a challenge in a file, into a file; see context.h and
 * docs/offline.md. */
#include "context.h"

#include "evidence/challengefile.h"
#include "evidence/evidencefile.h"

#include <assay/offline.h>

#include <string.h>

/* Record kinds of evidencefile.h. */
enum record { PROOF = 1, CLAIMS, BOOT_LOG, IMA, NONCE };

static enum assay_err
put_head(const struct assay_collection *c, enum record kind, size_t len)
{
	uint8_t head[5];
	struct writer w;

	wr_init(&w, head, sizeof head);
	wr_u8(&w, (uint8_t)kind);
	wr_be32(&w, (uint32_t)len);
	return w.err == ASSAY_OK ? c->sink(c->self, head, sizeof head) : w.err;
}

static enum assay_err
put(const struct assay_collection *c, enum record kind, struct span s)
{
	enum assay_err e = put_head(c, kind, s.n);

	return e == ASSAY_OK && s.n > 0 ? c->sink(c->self, s.p, s.n) : e;
}

/* As many bytes as the entries had that were counted; the list may have grown since. */
static enum assay_err
put_ima(struct assay_attester *a, const struct assay_collection *c)
{
	uint64_t left = a->ima.end.offset;
	enum assay_err e;

	if (a->ima.end.entry == 0)
		return ASSAY_OK;
	if (left > EVIDENCEFILE_IMA_MAX)
		return ASSAY_TOO_LARGE;
	a->need.nwants = 1;
	a->need.wants[0] = (struct msg_want){.kind = PART_IMA, .limit = left};
	a->want = 0;
	if ((e = put_head(c, IMA, (size_t)left)) != ASSAY_OK || (e = ima_seek(a, 0)) != ASSAY_OK)
		return e;
	while (left > 0) {
		struct msg_part m = {0};

		if ((e = ima_piece(a, left, &m)) != ASSAY_OK)
			return e;
		if (m.data.n == 0 || m.data.n > left)
			return ASSAY_STATE; /* it is another list by now */
		if ((e = c->sink(c->self, m.data.p, m.data.n)) != ASSAY_OK)
			return e;
		left -= m.data.n;
	}
	return ASSAY_OK;
}

static enum assay_err
put_all(struct assay_attester *a, const struct assay_collection *c,
	const struct challenge_file *ch)
{
	bool inside = a->proof.claims.n != 0;
	enum assay_err e;

	if ((e = c->sink(c->self, (const uint8_t *)EVIDENCEFILE_MAGIC,
			 sizeof EVIDENCEFILE_MAGIC - 1)) != ASSAY_OK ||
	    (e = put(c, PROOF, SPAN(a->frame, a->frame_len))) != ASSAY_OK)
		return e;
	if (!inside && (e = put(c, CLAIMS, SPAN(a->claims, a->claims_len))) != ASSAY_OK)
		return e;
	if (a->log_len > 0 && (e = put(c, BOOT_LOG, SPAN(a->log, a->log_len))) != ASSAY_OK)
		return e;
	if ((e = put_ima(a, c)) != ASSAY_OK)
		return e;
	return put(c, NONCE, SPAN(ch->nonce, sizeof ch->nonce));
}

/* For this device's key, whatever it calls the device. */
static enum assay_err
check_key(const struct assay_attester *a, const struct challenge_file *ch)
{
	return span_equal(SPAN(a->key_name.b, a->key_name.len),
			  SPAN(ch->key_name.b, ch->key_name.len))
		       ? ASSAY_OK
		       : ASSAY_MISMATCH;
}

static enum assay_err
prove(struct assay_attester *a, const struct challenge_file *ch)
{
	struct msg_challenge m = {.nonce = SPAN(ch->nonce, sizeof ch->nonce),
				  .pcrs = ch->asked,
				  .reread = true};

	if (!signs_by_key(a) && m.pcrs.count == 0)
		return ASSAY_MISSING;
	a->offline = true;
	return round_prove(a, &m);
}

enum assay_err
assay_attester_collect(struct assay_attester *a, const struct assay_collection *c)
{
	struct challenge_file ch;
	enum assay_err e;

	if (!a->enrolled)
		return ASSAY_STATE;
	if ((e = challenge_file_parse(span_of(c->challenge), c->root, &ch)) != ASSAY_OK ||
	    (e = assay_attester_connected(a, NULL, 0)) != ASSAY_OK ||
	    (e = check_key(a, &ch)) != ASSAY_OK)
		return e;
	if ((e = prove(a, &ch)) == ASSAY_OK)
		e = put_all(a, c, &ch);
	a->offline = false;
	round_reset(a);
	a->state = CLOSED;
	return e;
}
