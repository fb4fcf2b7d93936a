/* key_state.c: continuity of devices without TPM; see key_state.h and appraisal.h. */
#include "key_state.h"

#include "appraisal.h"
#include "pack.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

void
pack_key_state(struct writer *w, const struct key_state *s)
{
	pack_bool(w, s->present);
	if (!s->present)
		return;
	pack_fixed(w, s->start_id, sizeof s->start_id);
	wr_be64(w, s->start_count);
	wr_be64(w, s->round);
	pack_fixed(w, s->signer, sizeof s->signer);
	pack_below(w, s->npast, KEY_PAST_MAX + 1);
	for (unsigned i = 0; i < s->npast && w->err == ASSAY_OK; i++)
		pack_fixed(w, s->past[i], sizeof s->past[i]);
}

void
unpack_key_state(struct reader *r, struct key_state *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->present = unpack_bool(r);
	if (!ret->present)
		return;
	unpack_fixed(r, ret->start_id, sizeof ret->start_id);
	ret->start_count = rd_be64(r);
	ret->round = rd_be64(r);
	unpack_fixed(r, ret->signer, sizeof ret->signer);
	ret->npast = unpack_below(r, KEY_PAST_MAX + 1);
	for (unsigned i = 0; i < ret->npast && r->err == ASSAY_OK; i++)
		unpack_fixed(r, ret->past[i], sizeof ret->past[i]);
}

static struct span
signer_of(const struct appraisal *a)
{
	return SPAN(a->signer_name.b + 2, 32); /* core_key.c: SHA-256 */
}

/* Two that count for themselves are never both ahead of what was seen last. */
static void
copied(struct appraisal *a, const char *text)
{
	const struct key_state *p = &a->prev.key;
	const struct msg_claims *c = &a->claims;
	struct finding *f = find(a, FIND_COPIED, OUTCOME_QUARANTINE);

	f->provenance = PROV_CLAIMED;
	text_format(f->subject, sizeof f->subject, "starts and rounds");
	text_format(f->text, sizeof f->text, "%s", text);
	text_format(f->seen, sizeof f->seen, "start %" PRIu64 ", round %" PRIu64, c->start_count,
		    c->round);
	text_format(f->expected, sizeof f->expected,
		    "start %" PRIu64 " after round %" PRIu64 ", or a later start", p->start_count,
		    p->round);
}

static void
check_start(struct appraisal *a)
{
	const struct key_state *p = &a->prev.key;
	const struct msg_claims *c = &a->claims;
	bool same = span_equal(c->start_id, SPAN(p->start_id, sizeof p->start_id));

	if (same && (c->start_count != p->start_count || c->round <= p->round))
		copied(a, "a round that is not later than the last one: the key is live twice");
	else if (!same && c->start_count <= p->start_count)
		copied(a, "an earlier start, or two at once: the key is live in two places");
	a->same_boot = a->same_boot && same;
}

/* A chain that another has followed must not come back (I12): its firmware was replaced,
 * or its alias key is used where that firmware no longer runs. */
static void
check_chain(struct appraisal *a)
{
	const struct key_state *p = &a->prev.key;
	struct finding *f;

	a->same_boot = span_equal(signer_of(a), SPAN(p->signer, sizeof p->signer));
	if (a->same_boot)
		return;
	for (unsigned i = 0; i < p->npast; i++) {
		if (!span_equal(signer_of(a), SPAN(p->past[i], sizeof p->past[i])))
			continue;
		f = find(a, FIND_CHAIN_BACK, OUTCOME_QUARANTINE);
		f->provenance = PROV_DICE;
		text_format(f->subject, sizeof f->subject, "DICE chain");
		return;
	}
	a->clean_reset = true; /* other firmware, proved by another key */
}

/* A replay sees the round once more that left what is remembered: it says nothing new. */
void
key_continuity_check(struct appraisal *a)
{
	a->same_boot = a->replay && a->prev.key.present;
	if (a->replay)
		return;
	if (a->prev.key.present)
		check_chain(a);
	if (!a->has_claims)
		return;
	if (a->claims.start_id.n != MSG_START_ID_SIZE) {
		(void)find(a, FIND_START_MISSING, OUTCOME_QUARANTINE);
		a->clean_reset = false;
		return;
	}
	if (a->prev.key.present)
		check_start(a);
}

static bool
is_behind(const struct appraisal *a)
{
	for (size_t i = 0; i < a->v->nfindings; i++) {
		uint16_t code = a->v->findings[i].code;

		if ((code == FIND_COPIED && a->v->findings[i].provenance == PROV_CLAIMED) ||
		    code == FIND_CHAIN_BACK || code == FIND_START_MISSING)
			return true;
	}
	return !a->has_claims || a->replay;
}

void
key_continuity_next(struct appraisal *a)
{
	const struct key_state *p = &a->prev.key;
	struct key_state *n = &a->v->next.key;

	*n = *p;
	if (is_behind(a))
		return;
	if (p->present && !span_equal(signer_of(a), SPAN(p->signer, sizeof p->signer))) {
		memmove(n->past[1], n->past[0], sizeof n->past - sizeof n->past[0]);
		memcpy(n->past[0], p->signer, sizeof n->past[0]);
		if (n->npast < KEY_PAST_MAX)
			n->npast++;
	}
	n->present = true;
	memcpy(n->start_id, a->claims.start_id.p, sizeof n->start_id);
	n->start_count = a->claims.start_count;
	n->round = a->claims.round;
	memcpy(n->signer, signer_of(a).p, sizeof n->signer);
}

bool
verdict_shows_copy(const struct verdict *v)
{
	for (size_t i = 0; i < v->nfindings && v->status == VERDICT_DECIDED; i++)
		if (v->findings[i].code == FIND_COPIED || v->findings[i].code == FIND_CHAIN_BACK)
			return true;
	return false;
}

void
continuity_release(struct continuity *c)
{
	memset(&c->key, 0, sizeof c->key);
	c->nsticky = 0;
	c->sticky_overflow = false;
}
