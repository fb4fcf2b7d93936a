/* sqlite_challenge.c: challenges that left in files; see challenge.h. */
#include "challenge.h"
#include "sqlite_engine.h"

#include <string.h>

#define CELL_STATE 4
#define CELL_SETTLED 8
#define ASKED_MAX (1 + 6 * PCR_BANKS_MAX)

static void
key_of(const uint8_t nonce[32], struct row *key)
{
	row_init(key);
	row_blob(key, SPAN(nonce, 32), 32);
}

static struct span
asked_write(const struct pcr_selection *s, uint8_t buf[ASKED_MAX])
{
	struct writer w;

	wr_init(&w, buf, ASKED_MAX);
	wr_u8(&w, s->count);
	for (unsigned i = 0; i < s->count; i++) {
		wr_be16(&w, s->bank[i].alg);
		wr_be32(&w, s->bank[i].mask);
	}
	return wr_span(&w);
}

static enum assay_err
asked_read(struct span bytes, struct pcr_selection *ret)
{
	struct reader r;

	rd_init(&r, bytes);
	ret->count = (uint8_t)rd_count(&r, rd_u8(&r), PCR_BANKS_MAX);
	for (unsigned i = 0; i < ret->count; i++) {
		ret->bank[i].alg = rd_be16(&r);
		ret->bank[i].mask = rd_be32(&r);
	}
	return rd_finish(&r) == ASSAY_OK ? ASSAY_OK : ASSAY_TAMPERED;
}

static enum assay_err
challenge_read(struct row *r, struct ledger_challenge *ret)
{
	struct span name, asked;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	row_get_bytes(r, ret->nonce, sizeof ret->nonce);
	row_get_text(r, ret->device, sizeof ret->device);
	name = row_get_blob(r, TPM_NAME_MAX);
	asked = row_get_blob(r, ASKED_MAX);
	ret->state = (enum challenge_state)row_get_enum(r, CHALLENGE_STATE_COUNT);
	ret->issued = row_get_int(r);
	ret->expires = row_get_int(r);
	row_get_text(r, ret->actor, sizeof ret->actor);
	ret->settled = row_get_int(r);
	if ((e = row_end(r)) != ASSAY_OK)
		return e;
	if (name.n)
		memcpy(ret->key_name.b, name.p, name.n);
	ret->key_name.len = (uint16_t)name.n;
	return asked_read(asked, &ret->asked);
}

/* Of one that must not be believed, the key alone, so that an iteration can go on. */
static enum assay_err
challenge_take(enum assay_err e, struct row *r, struct ledger_challenge *ret)
{
	if (e == ASSAY_OK)
		e = challenge_read(r, ret);
	if (e != ASSAY_TAMPERED)
		return e;
	memset(ret, 0, sizeof *ret);
	r->pos = 0;
	r->err = ASSAY_OK;
	row_get_bytes(r, ret->nonce, sizeof ret->nonce);
	return ASSAY_TAMPERED;
}

enum assay_err
ledger_challenge_insert(struct ledger *l, const struct ledger_challenge *c)
{
	uint8_t asked[ASKED_MAX];
	struct row r;

	if (c->state != CHALLENGE_OUTSTANDING || c->settled != 0 || c->key_name.len == 0 ||
	    c->key_name.len > TPM_NAME_MAX || c->asked.count > PCR_BANKS_MAX ||
	    c->expires <= c->issued || c->issued <= 0)
		return ASSAY_MALFORMED;
	row_init(&r);
	row_blob(&r, SPAN(c->nonce, sizeof c->nonce), sizeof c->nonce);
	row_text(&r, c->device, sizeof c->device);
	row_blob(&r, SPAN(c->key_name.b, c->key_name.len), TPM_NAME_MAX);
	row_blob(&r, asked_write(&c->asked, asked), ASKED_MAX);
	row_int(&r, c->state);
	row_int(&r, c->issued);
	row_int(&r, c->expires);
	row_text(&r, c->actor, sizeof c->actor);
	row_int(&r, c->settled);
	return row_insert(l, T_CHALLENGE, &r);
}

enum assay_err
ledger_challenge_get(struct ledger *l, const uint8_t nonce[32], struct ledger_challenge *ret)
{
	struct row key, r;
	enum assay_err e;

	key_of(nonce, &key);
	e = challenge_take(row_select(l, Q_CHALLENGE_GET, &key, &r), &r, ret);
	if (e == ASSAY_OK && !span_equal(SPAN(ret->nonce, 32), SPAN(nonce, 32)))
		return ASSAY_TAMPERED;
	return e;
}

enum assay_err
ledger_challenge_settle(struct ledger *l, const uint8_t nonce[32], enum challenge_state state,
			int64_t at)
{
	struct row key, old, r;
	enum assay_err e;

	if (state != CHALLENGE_USED && state != CHALLENGE_REVOKED)
		return ASSAY_MALFORMED;
	key_of(nonce, &key);
	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = row_select(l, Q_CHALLENGE_GET, &key, &old)) != ASSAY_OK)
		return e;
	if (old.cell[CELL_STATE].i != CHALLENGE_OUTSTANDING)
		return ASSAY_STATE;
	r = old;
	r.cell[CELL_STATE].i = state;
	r.cell[CELL_SETTLED].i = at;
	return row_update(l, &old, T_CHALLENGE, &r);
}

enum assay_err
ledger_challenge_next(struct ledger *l, const uint8_t *after, struct ledger_challenge *ret)
{
	struct row key, r;

	row_init(&key);
	row_blob(&key, SPAN(after, after ? 32 : 0), 32);
	return challenge_take(row_select(l, Q_CHALLENGE_NEXT, &key, &r), &r, ret);
}

enum assay_err
ledger_challenge_of(struct ledger *l, const char *device, const uint8_t *after,
		    struct ledger_challenge *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, device, DEVICE_ID_HEX + 1);
	row_blob(&key, SPAN(after, after ? 32 : 0), 32);
	e = challenge_take(row_select(l, Q_CHALLENGE_OF, &key, &r), &r, ret);
	if (e == ASSAY_OK && strcmp(ret->device, device) != 0)
		return ASSAY_TAMPERED;
	return e;
}

enum assay_err
challenge_prune(struct ledger *l, int64_t before, unsigned limit)
{
	uint8_t nonce[32], mac[SEAL_MAC_SIZE];
	struct row key, r;
	enum assay_err e = ASSAY_OK;

	while (limit-- > 0) {
		row_init(&key);
		row_int(&key, before);
		if ((e = statement_row(l, S_CHALLENGE_OLD, &key, &r)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
		row_get_bytes(&r, nonce, sizeof nonce);
		row_get_bytes(&r, mac, sizeof mac);
		if ((e = row_end(&r)) != ASSAY_OK)
			return e;
		key_of(nonce, &key);
		if ((e = statement_change(l, S_CHALLENGE_FORGET, &key, NULL)) != ASSAY_OK ||
		    (e = row_forgotten(l, SPAN(mac, sizeof mac))) != ASSAY_OK)
			return e;
	}
	return ASSAY_OK;
}
