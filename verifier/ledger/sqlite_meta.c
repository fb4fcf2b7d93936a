/* sqlite_meta.c: the meta row, and the sum over all rows; see sqlite_engine.h.
 *
 * The sum is what makes the set of rows as a whole authentic: a row put back as it
 * was yesterday, with yesterday's valid MAC, or a row that is gone, changes it. It is
 * a keyed multiset hash (Clarke et al., MSet-Add-Hash): sum of PRF(MAC of each row)
 * modulo 2^256, stored under a mask that depends on the change counter and a fresh
 * nonce, so that who reads the file learns neither the sum nor its terms. */
#include "sqlite_engine.h"

#include <string.h>

#include "evidence/writer.h"
#include "verifier/random.h"

#define NONCE_SIZE 16

static void
sum_combine(uint8_t sum[32], const uint8_t term[32], uint8_t invert)
{
	unsigned carry = invert & 1u;

	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)sum[i] + (uint8_t)(term[i] ^ invert);
		sum[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

void
sum_add(uint8_t sum[32], const uint8_t term[32])
{
	sum_combine(sum, term, 0);
}

void
sum_sub(uint8_t sum[32], const uint8_t term[32])
{
	sum_combine(sum, term, 0xFF); /* two's complement */
}

/* PRF inputs: 'r' and a row's MAC; 'm', counter and nonce. */
enum assay_err
meta_sum_term(struct ledger *l, struct span mac, uint8_t ret[32])
{
	seal_begin(&l->sum_seal);
	seal_add(&l->sum_seal, SPAN("r", 1));
	seal_add(&l->sum_seal, mac);
	return seal_end(&l->sum_seal, ret);
}

static enum assay_err
sum_mask(struct ledger *l, uint64_t counter, struct span nonce, uint8_t ret[32])
{
	uint8_t in[1 + 8 + NONCE_SIZE];
	struct writer w;

	wr_init(&w, in, sizeof in);
	wr_u8(&w, 'm');
	wr_be64(&w, counter);
	wr_bytes(&w, nonce);
	return w.err == ASSAY_OK ? seal_mac(&l->sum_seal, wr_span(&w), ret) : w.err;
}

enum assay_err
meta_keys(struct ledger *l)
{
	struct span id = SPAN(l->meta.id, sizeof l->meta.id);
	enum assay_err e = seal_init(&l->row_seal, l->key, "ledger-row", id);

	return e == ASSAY_OK ? seal_init(&l->sum_seal, l->key, "ledger-sum", id) : e;
}

/* The row without its MAC, as it is stored; sum is masked. */
static void
meta_write(const struct meta *m, struct span nonce, const uint8_t sum[32], struct row *r)
{
	row_init(r);
	row_blob(r, SPAN(m->id, sizeof m->id), sizeof m->id);
	row_int(r, m->version);
	row_u64(r, m->counter);
	row_u64(r, m->decision_seq);
	row_u64(r, m->audit_seq);
	row_blob(r, SPAN(m->audit_hash, 32), 32);
	row_blob(r, nonce, NONCE_SIZE);
	row_blob(r, SPAN(sum, 32), 32);
}

/* Widths are fixed, so that values alone are unambiguous. */
static enum assay_err
meta_mac(struct ledger *l, const struct row *r, uint8_t ret[SEAL_MAC_SIZE])
{
	uint8_t number[8];
	struct writer w;

	if (r->err != ASSAY_OK)
		return r->err;
	seal_begin(&l->meta_seal);
	for (unsigned i = 0; i < r->n; i++) {
		wr_init(&w, number, sizeof number);
		wr_be64(&w, r->cell[i].type == CELL_INT ? (uint64_t)r->cell[i].i : r->cell[i].s.n);
		seal_add(&l->meta_seal, wr_span(&w));
		seal_add(&l->meta_seal, r->cell[i].s);
	}
	return seal_end(&l->meta_seal, ret);
}

enum assay_err
meta_store(struct ledger *l)
{
	uint8_t mac[SEAL_MAC_SIZE], mask[32], sum[32], nonce_bytes[NONCE_SIZE];
	struct span nonce = SPAN(nonce_bytes, sizeof nonce_bytes);
	struct row r, with_mac;
	enum assay_err e;

	if ((e = random_bytes(nonce_bytes, sizeof nonce_bytes)) != ASSAY_OK ||
	    (e = sum_mask(l, l->meta.counter, nonce, mask)) != ASSAY_OK)
		return e;
	memcpy(sum, l->meta.sum, sizeof sum);
	sum_add(sum, mask);
	meta_write(&l->meta, nonce, sum, &r);
	if ((e = meta_mac(l, &r, mac)) != ASSAY_OK)
		return e;
	row_init(&with_mac);
	row_blob(&with_mac, SPAN(mac, sizeof mac), sizeof mac);
	for (unsigned i = 0; i < r.n; i++)
		with_mac.cell[with_mac.n++] = r.cell[i];
	return statement_change(l, S_META_PUT, &with_mac, NULL);
}

/* Cells in the order of meta_write(); keys are made of the id, and the sum comes off
 * its mask. */
static enum assay_err
meta_read(struct ledger *l, struct row *r)
{
	uint8_t nonce[NONCE_SIZE] = {0}, mask[32];
	struct meta m = {0};
	enum assay_err e;

	row_get_bytes(r, m.id, sizeof m.id);
	m.version = row_get_enum(r, UINT16_MAX);
	m.counter = row_get_u64(r);
	m.decision_seq = row_get_u64(r);
	m.audit_seq = row_get_u64(r);
	row_get_bytes(r, m.audit_hash, sizeof m.audit_hash);
	row_get_bytes(r, nonce, sizeof nonce);
	row_get_bytes(r, m.sum, sizeof m.sum);
	if ((e = row_end(r)) != ASSAY_OK)
		return e;
	l->meta = m;
	if ((e = meta_keys(l)) != ASSAY_OK ||
	    (e = sum_mask(l, m.counter, SPAN(nonce, sizeof nonce), mask)) != ASSAY_OK)
		return e;
	sum_sub(l->meta.sum, mask);
	return ASSAY_OK;
}

static enum assay_err
meta_verify(struct ledger *l, struct row *r)
{
	uint8_t mac[SEAL_MAC_SIZE], want[SEAL_MAC_SIZE];
	struct row values;
	enum assay_err e;

	row_init(&values);
	for (unsigned i = 1; i < r->n; i++)
		values.cell[values.n++] = r->cell[i];
	row_get_bytes(r, mac, sizeof mac);
	if (r->err != ASSAY_OK || (e = meta_mac(l, &values, want)) != ASSAY_OK)
		return r->err != ASSAY_OK ? r->err : e;
	if (!span_equal(SPAN(mac, sizeof mac), SPAN(want, sizeof want)))
		return ASSAY_TAMPERED;
	return meta_read(l, &values);
}

enum assay_err
meta_load(struct ledger *l)
{
	static const char sql[] = "SELECT mac,ledger,version,counter,decision_seq,audit_seq,"
				  "audit_hash,nonce,sum FROM meta WHERE id=1";
	sqlite3_stmt *st = NULL;
	struct row r;
	enum assay_err e;
	int rc;

	if ((e = engine_err(sqlite3_prepare_v2(l->db, sql, -1, &st, NULL))) != ASSAY_OK)
		return e;
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		row_fetch(st, &r);
		e = meta_verify(l, &r);
	} else {
		e = rc == SQLITE_DONE ? ASSAY_TAMPERED : engine_err(rc);
	}
	sqlite3_finalize(st);
	return e;
}
