/* sqlite_row.c: rows as lists of cells, and their MACs; see sqlite_engine.h. */
#include "sqlite_engine.h"

#include <string.h>

#include "evidence/writer.h"

#define MAC_BUFFER 1024 /* small cells are gathered before they are hashed */

const struct table tables[TABLE_COUNT] = {
	[T_DEVICE] = {"device",
		      "id,status,overlay,overlay_reason,overlay_until,name,class,labels,tier,"
		      "new_ak,ek_name,ak_name,ek_public,ak_public,ek_certificate,ek_trusted,"
		      "ek_allow_listed,ek_expired,ek_issuer_expired,ek_virtual,ek_weak,ek_reason,"
		      "ek_manufacturer,ek_model,ek_version,ek_serial,ek_issuer,ek_not_after,"
		      "enrolled_by,conflict_with,copied,created,updated",
		      33, "", 0},
	[T_STATE] = {"state",
		     "device,version,verdict_outcome,verdict_at,expires_at,decision,"
		     "decision_seq,nonce,channel,asked,boot_log,good_log,boot_at,"
		     "policy,reference,d_continuity,d_proof,d_verdict,d_claims,d_boot",
		     20, ",continuity,proof", 2},
	[T_DECISION] = {"decision",
			"seq,previous,device,outcome,before,reason,detail,at,expires,record",
			10, "", 0},
	[T_TOKEN] = {"token",
		     "id,secret_hash,class,labels,lowest_tier,uses_left,created,expires,"
		     "created_by",
		     9, "", 0},
	[T_EK] = {"ek", "digest,class,labels,name,created", 5, "", 0},
	[T_REFERENCE] = {"reference",
			 "name,digest,class,device,state,origin,author,created,not_after,"
			 "compiled,not_before,labels,version",
			 13, "", 0},
	[T_POLICY] = {"policy",
		      "digest,name,version,active,author,comment,created,source,compiled,"
		      "activated,activated_by,activated_why",
		      12, "", 0},
	[T_OPERATOR] = {"operator", "name,credential,hash,role,created,expires,revoked", 7, "", 0},
	[T_IMA_LIST] = {"ima_list", "id,begun,first,entries,start,bytes,segment", 7, "", 0},
	[T_REPLAY] = {"replay",
		      "id,policy,name,version,reference,class,device,actor,at,finished,judges,"
		      "total,unconcerned,unchanged,changed,unknown,would,stale,monitor,groups,"
		      "parts",
		      21, "", 0},
	[T_ROLLOUT] = {"rollout",
		       "name,policy,ring,state,replay,halt_above,actor,comment,started,updated,why",
		       11, "", 0},
	[T_PLAN] = {"plan", "name,class,a,b,starts,ends,active,actor,comment,created", 10, "", 0},
	[T_KNOWN_BAD] = {"known_bad", "digest,active,actor,comment,created", 5, "", 0},
	[T_ADDRESS] = {"address", "address,device,updated,attested", 4, "", 0},
	[T_OUTBOX] = {"outbox", "name,cursor,updated", 3, "", 0},
	[T_DEAD_LETTER] = {"dead_letter", "id,seq,attempts,error,at,again", 6, "", 0},
	[T_CHALLENGE] = {"challenge",
			 "nonce,device,key_name,asked,state,issued,expires,actor,settled", 9, "",
			 0},
};

/* ---- cells ---- */

void
row_init(struct row *r)
{
	r->n = r->pos = 0;
	r->err = ASSAY_OK;
}

static struct cell *
row_add(struct row *r, enum cell_type type)
{
	struct cell *c;

	if (r->err == ASSAY_OK && r->n == ROW_CELLS_MAX)
		r->err = ASSAY_INTERNAL;
	if (r->err != ASSAY_OK)
		return NULL;
	c = &r->cell[r->n++];
	*c = (struct cell){.type = type};
	return c;
}

void
row_int(struct row *r, int64_t v)
{
	struct cell *c = row_add(r, CELL_INT);

	if (c)
		c->i = v;
}

void
row_u64(struct row *r, uint64_t v)
{
	if (v > INT64_MAX && r->err == ASSAY_OK)
		r->err = ASSAY_TOO_LARGE;
	row_int(r, (int64_t)(v & INT64_MAX));
}

void
row_text(struct row *r, const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);
	struct cell *c;

	if (n == cap && r->err == ASSAY_OK)
		r->err = ASSAY_MALFORMED;
	if ((c = row_add(r, CELL_TEXT)) != NULL)
		c->s = SPAN(s, n);
}

void
row_blob(struct row *r, struct span s, size_t max)
{
	struct cell *c;

	if (s.n > max && r->err == ASSAY_OK)
		r->err = ASSAY_TOO_LARGE;
	if ((c = row_add(r, CELL_BLOB)) != NULL)
		c->s = s;
}

static const struct cell *
row_take(struct row *r, enum cell_type type)
{
	static const struct cell none;

	if (r->err == ASSAY_OK && (r->pos == r->n || r->cell[r->pos].type != type))
		r->err = ASSAY_TAMPERED;
	return r->err == ASSAY_OK ? &r->cell[r->pos++] : &none;
}

int64_t
row_get_int(struct row *r)
{
	return row_take(r, CELL_INT)->i;
}

uint64_t
row_get_u64(struct row *r)
{
	int64_t v = row_get_int(r);

	if (v < 0)
		r->err = ASSAY_TAMPERED;
	return v < 0 ? 0 : (uint64_t)v;
}

unsigned
row_get_enum(struct row *r, unsigned count)
{
	uint64_t v = row_get_u64(r);

	if (v >= count)
		r->err = ASSAY_TAMPERED;
	return v >= count ? 0 : (unsigned)v;
}

bool
row_get_bool(struct row *r)
{
	return row_get_enum(r, 2) == 1;
}

void
row_get_text(struct row *r, char *ret, size_t cap)
{
	struct span s = row_take(r, CELL_TEXT)->s;

	if (s.n >= cap)
		r->err = ASSAY_TAMPERED;
	if (r->err != ASSAY_OK)
		s.n = 0;
	if (s.n != 0)
		memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
}

struct span
row_get_blob(struct row *r, size_t max)
{
	struct span s = row_take(r, CELL_BLOB)->s;

	if (s.n > max)
		r->err = ASSAY_TAMPERED;
	return r->err == ASSAY_OK ? s : SPAN(NULL, 0);
}

void
row_get_bytes(struct row *r, uint8_t *ret, size_t n)
{
	struct span s = row_get_blob(r, n);

	if (s.n != n && r->err == ASSAY_OK)
		r->err = ASSAY_TAMPERED;
	if (r->err == ASSAY_OK)
		memcpy(ret, s.p, n);
}

enum assay_err
row_end(const struct row *r)
{
	if (r->err != ASSAY_OK)
		return r->err;
	return r->pos == r->n ? ASSAY_OK : ASSAY_TAMPERED;
}

/* ---- MACs ---- */

static void
mac_flush(struct seal *s, struct writer *w)
{
	seal_add(s, wr_span(w));
	w->len = 0;
}

/* Type, then the value or the length (8 bytes) and the bytes: nothing else reads the
 * same, whatever the cells hold. */
static void
mac_cell(struct seal *s, struct writer *w, const struct cell *c)
{
	if (w->cap - w->len < 1 + 8 + c->s.n)
		mac_flush(s, w);
	wr_u8(w, (uint8_t)c->type);
	wr_be64(w, c->type == CELL_INT ? (uint64_t)c->i : c->s.n);
	if (w->cap - w->len >= c->s.n) {
		wr_bytes(w, c->s);
		return;
	}
	mac_flush(s, w);
	seal_add(s, c->s);
}

enum assay_err
row_mac(struct ledger *l, enum table_id t, const struct row *r, uint8_t ret[SEAL_MAC_SIZE])
{
	const struct table *table = &tables[t];
	const struct cell name = {CELL_TEXT, 0, SPAN(table->name, strlen(table->name))};
	uint8_t buffer[MAC_BUFFER];
	struct writer w;

	if (r->n < table->ncolumns)
		return ASSAY_INTERNAL;
	wr_init(&w, buffer, sizeof buffer);
	seal_begin(&l->row_seal);
	mac_cell(&l->row_seal, &w, &name);
	for (unsigned i = 0; i < table->ncolumns; i++)
		mac_cell(&l->row_seal, &w, &r->cell[i]);
	mac_flush(&l->row_seal, &w);
	return seal_end(&l->row_seal, ret);
}
