/* ima_memo.c: see ima_memo.h. */
#include "ima_memo.h"

#include "digestset.h"

#define FIELDS (1u << IMALOG_SIG | 1u << IMALOG_MODSIG)

static struct span
field(const struct imalog_entry *e, enum imalog_field f)
{
	return (e->has >> f & 1) ? e->field[f] : SPAN(NULL, 0);
}

static struct ima_memo_slot
question(const struct ima_signed_ask *ask, const struct imalog_entry *e)
{
	return (struct ima_memo_slot){
		.used = true,
		.appended = e->appended,
		.keyring = ask->keyring,
		.measured = ask->measured,
		.has = e->has & FIELDS,
		.sig = field(e, IMALOG_SIG),
		.modsig = field(e, IMALOG_MODSIG),
		.file = e->file,
		.modsig_file = e->modsig_file,
	};
}

/* Names are static: one of each. */
static bool
same_digest(const struct imalog_digest *a, const struct imalog_digest *b)
{
	return a->name == b->name && a->alg == b->alg && a->verity == b->verity &&
	       span_equal(a->bytes, b->bytes);
}

static bool
same(const struct ima_memo_slot *a, const struct ima_memo_slot *b)
{
	return a->used && a->keyring == b->keyring && a->measured == b->measured &&
	       a->has == b->has && a->appended == b->appended && span_equal(a->sig, b->sig) &&
	       span_equal(a->modsig, b->modsig) && same_digest(&a->file, &b->file) &&
	       same_digest(&a->modsig_file, &b->modsig_file);
}

/* Where an answer is kept: whoever makes two meet there gains nothing but the work. */
static struct ima_memo_slot *
slot_for(struct ima_memo *m, const struct ima_memo_slot *q)
{
	static const uint8_t key[16];
	uint64_t h = digestset_hash(key, 0, q->sig.n != 0 ? q->sig : q->modsig);

	return &m->slot[h % IMA_MEMO_SLOTS];
}

void
ima_memo_signed(struct ima_memo *m, const struct ima_signed_ask *ask, const struct imalog_entry *e,
		struct ima_signed *ret)
{
	struct ima_memo_slot q = question(ask, e), *s;

	if (q.sig.n == 0 && q.modsig.n == 0) {
		ima_signed(ask, e, ret);
		return;
	}
	s = slot_for(m, &q);
	if (same(s, &q)) {
		*ret = s->answer;
		ret->tries = 0;
		return;
	}
	ima_signed(ask, e, ret);
	q.answer = *ret;
	*s = q;
}
