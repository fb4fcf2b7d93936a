/* bootproof.c: see bootproof.h. */
#include "bootproof.h"

/* Up to this size a search is thorough: what a hostile log can make us hash is
 * bounded by its size. */
#define THOROUGH_MAX 4096

void
bootproof_add(struct bootproof *p, struct span s, uint8_t zeros, enum bootevent_cover cover)
{
	if (p->n == BOOTPROOF_CANDIDATES_MAX)
		return;
	p->c[p->n++] = (struct bootproof_candidate){s, zeros, cover};
}

static bool
digest_is_of(const struct event_digest *d, const struct bootproof_candidate *c)
{
	static const uint8_t zeros[UINT8_MAX];
	struct digest got;
	struct hasher h;

	if (c->zeros == 0)
		return digest_compute(d->alg, c->s, &got) == ASSAY_OK &&
		       span_equal(digest_span(&got), d->bytes);
	return hash_init(&h, d->alg) == ASSAY_OK && hash_update(&h, c->s) == ASSAY_OK &&
	       hash_update(&h, SPAN(zeros, c->zeros)) == ASSAY_OK &&
	       hash_final(&h, &got) == ASSAY_OK && span_equal(digest_span(&got), d->bytes);
}

/* How the banks stand to one candidate. */
static enum bootproof_answer
try_candidate(const struct event *ev, const struct bootproof_candidate *c, bool thorough)
{
	unsigned yes = 0, no = 0;

	for (size_t i = 0; i < ev->ndigests; i++) {
		if (!digest_computable(ev->digests[i].alg))
			continue;
		if (digest_is_of(&ev->digests[i], c))
			yes++;
		else
			no++;
		if (no > 0 && (!thorough || c->s.n > THOROUGH_MAX))
			break;
	}
	if (yes > 0)
		return no > 0 ? BOOTPROOF_DISAGREE : BOOTPROOF_YES;
	return no > 0 ? BOOTPROOF_NO : BOOTPROOF_UNKNOWN;
}

enum bootproof_answer
bootproof_check(const struct bootproof *p, const struct event *ev, bool thorough,
		size_t *ret_which)
{
	enum bootproof_answer answer = BOOTPROOF_UNKNOWN;

	for (size_t i = 0; i < p->n; i++) {
		answer = try_candidate(ev, &p->c[i], thorough);
		if (answer == BOOTPROOF_NO)
			continue;
		*ret_which = i;
		return answer;
	}
	return answer;
}
