/* sqlite_state.c: a device's last authentic evidence and verdict; see ledger.h.
 *
 * The hot path. A row's MAC covers the four large values by their SHA-256, so that
 * what did not change is neither hashed nor written again. Continuity and proof,
 * which change with every round, are in the row; verdict, claims and the facts of the
 * boot apart. */
#include "sqlite_engine.h"

#include <string.h>

#include "evidence/digest.h"

#define SMALL_MAX 128 /* channel, asked */

enum { PART_OF_VERDICT = 1, PART_OF_CLAIMS = 2, PART_OF_BOOT = 3 };
enum { D_CONTINUITY, D_PROOF, D_VERDICT, D_CLAIMS, D_BOOT, D_COUNT };
#define CELL_BOOT_LOG 10 /* in the row */
#define CELL_GOOD_LOG 11
#define CELL_DIGEST 15 /* and on, in order of the above */

static const size_t part_max[D_COUNT] = {
	[D_CONTINUITY] = CONTINUITY_BYTES_MAX,
	[D_PROOF] = MSG_PROOF_MAX,
	[D_VERDICT] = VERDICT_BYTES_MAX,
	[D_CLAIMS] = MSG_CLAIMS_MAX,
	[D_BOOT] = BOOT_FACTS_BYTES_MAX,
};

/* Empty for empty bytes. */
struct part_digest {
	size_t n;
	uint8_t b[32];
};

static enum assay_err
part_hash(struct span bytes, struct part_digest *ret)
{
	enum assay_err e = bytes.n == 0 ? ASSAY_OK : digest_sha256(bytes, ret->b);

	if (e == ASSAY_OK)
		ret->n = bytes.n == 0 ? 0 : sizeof ret->b;
	return e;
}

static void
state_write(const struct ledger_state *s, uint64_t version, const struct part_digest d[D_COUNT],
	    struct row *r)
{
	row_init(r);
	row_text(r, s->device, sizeof s->device);
	row_u64(r, version);
	row_int(r, s->verdict_outcome);
	row_int(r, s->verdict_at);
	row_int(r, s->expires_at);
	row_int(r, s->decision);
	row_u64(r, s->decision_seq);
	row_blob(r, SPAN(s->nonce, sizeof s->nonce), sizeof s->nonce);
	row_blob(r, s->channel, SMALL_MAX);
	row_blob(r, s->asked, SMALL_MAX);
	row_blob(r, SPAN(s->boot_log, sizeof s->boot_log), sizeof s->boot_log);
	row_blob(r, SPAN(s->good_log, sizeof s->good_log), sizeof s->good_log);
	row_int(r, s->boot_at);
	row_blob(r, SPAN(s->policy, sizeof s->policy), sizeof s->policy);
	row_blob(r, SPAN(s->reference, sizeof s->reference), sizeof s->reference);
	for (unsigned i = 0; i < D_COUNT; i++)
		row_blob(r, SPAN(d[i].b, d[i].n), sizeof d[i].b);
	row_blob(r, s->continuity, part_max[D_CONTINUITY]);
	row_blob(r, s->proof, part_max[D_PROOF]);
}

/* The cells that the MAC covers; digests point into the row. */
static void
state_read(struct row *r, struct ledger_state *ret, struct span digest[D_COUNT])
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->device, sizeof ret->device);
	ret->version = row_get_u64(r);
	ret->verdict_outcome = (enum outcome)row_get_enum(r, OUTCOME_COUNT);
	ret->verdict_at = row_get_int(r);
	ret->expires_at = row_get_int(r);
	ret->decision = (enum outcome)row_get_enum(r, OUTCOME_COUNT);
	ret->decision_seq = row_get_u64(r);
	row_get_bytes(r, ret->nonce, sizeof ret->nonce);
	ret->channel = row_get_blob(r, SMALL_MAX);
	ret->asked = row_get_blob(r, SMALL_MAX);
	row_get_bytes(r, ret->boot_log, sizeof ret->boot_log);
	row_get_bytes(r, ret->good_log, sizeof ret->good_log);
	ret->boot_at = row_get_int(r);
	row_get_bytes(r, ret->policy, sizeof ret->policy);
	row_get_bytes(r, ret->reference, sizeof ret->reference);
	for (unsigned i = 0; i < D_COUNT; i++)
		digest[i] = row_get_blob(r, 32);
}

/* TAMPERED unless bytes have the digest that the row's MAC covers. */
static enum assay_err
part_check(struct span bytes, struct span digest)
{
	struct part_digest d = {0};
	enum assay_err e = part_hash(bytes, &d);

	if (e != ASSAY_OK)
		return e;
	return span_equal(SPAN(d.b, d.n), digest) ? ASSAY_OK : ASSAY_TAMPERED;
}

static void
key_of(const char *device, struct row *key)
{
	row_init(key);
	row_text(key, device, DEVICE_ID_HEX + 1);
}

/* Bytes of a value that is stored apart; empty if there is no row. */
static enum assay_err
part_get(struct ledger *l, enum statement_id s, const struct row *key, struct span *ret)
{
	struct row r;
	enum assay_err e;

	*ret = SPAN(NULL, 0);
	if ((e = statement_row(l, s, key, &r)) == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	if (e == ASSAY_OK) {
		*ret = row_get_blob(&r, MSG_CLAIMS_MAX);
		e = row_end(&r);
	}
	return e;
}

static enum assay_err
part_get_checked(struct ledger *l, enum statement_id s, const char *device, struct span digest,
		 struct span *ret)
{
	struct span bytes = SPAN(NULL, 0);
	struct row key;
	enum assay_err e;

	key_of(device, &key);
	e = digest.n == 0 ? ASSAY_OK : part_get(l, s, &key, &bytes);
	if (e == ASSAY_OK && (e = part_check(bytes, digest)) == ASSAY_OK)
		*ret = bytes;
	return e;
}

/* A device without a state row: someone took it away. */
static enum assay_err
state_select(struct ledger *l, enum query_id q, const char *device, struct row *r)
{
	struct row key, ignored;
	enum assay_err e;

	key_of(device, &key);
	if ((e = row_select(l, q, &key, r)) != ASSAY_NOT_FOUND)
		return e;
	return row_select(l, Q_DEVICE_GET, &key, &ignored) == ASSAY_NOT_FOUND ? ASSAY_NOT_FOUND
									      : ASSAY_TAMPERED;
}

struct loaded {
	struct ledger_state state;
	struct span digest[D_COUNT];
};

/* What is in the row itself: all of it but, for rounds, the proof. */
static enum assay_err
row_load(struct ledger *l, enum query_id q, const char *device, struct loaded *ret)
{
	struct ledger_state *s = &ret->state;
	struct row r;
	enum assay_err e;

	if ((e = state_select(l, q, device, &r)) != ASSAY_OK)
		return e;
	state_read(&r, s, ret->digest);
	s->continuity = row_get_blob(&r, part_max[D_CONTINUITY]);
	if (q != Q_STATE_BRIEF)
		s->proof = row_get_blob(&r, part_max[D_PROOF]);
	if ((e = row_end(&r)) != ASSAY_OK ||
	    (e = part_check(s->continuity, ret->digest[D_CONTINUITY])) != ASSAY_OK)
		return e;
	return q == Q_STATE_BRIEF ? ASSAY_OK : part_check(s->proof, ret->digest[D_PROOF]);
}

static enum assay_err
claims_load(struct ledger *l, const char *device, struct loaded *ret)
{
	return part_get_checked(l, S_PART_CLAIMS, device, ret->digest[D_CLAIMS],
				&ret->state.claims);
}

enum assay_err
ledger_state_get(struct ledger *l, const char *device, struct ledger_state *ret)
{
	struct loaded x;
	enum assay_err e;

	if ((e = row_load(l, Q_STATE_GET, device, &x)) != ASSAY_OK ||
	    (e = part_get_checked(l, S_PART_VERDICT, device, x.digest[D_VERDICT],
				  &x.state.verdict)) != ASSAY_OK ||
	    (e = claims_load(l, device, &x)) != ASSAY_OK ||
	    (e = part_get_checked(l, S_PART_BOOT, device, x.digest[D_BOOT],
				  &x.state.boot_facts)) != ASSAY_OK)
		return e;
	*ret = x.state;
	return ASSAY_OK;
}

enum assay_err
ledger_state_evidence(struct ledger *l, const char *device, struct ledger_state *ret)
{
	struct loaded x;
	enum assay_err e;

	if ((e = row_load(l, Q_STATE_EVIDENCE, device, &x)) != ASSAY_OK ||
	    (e = claims_load(l, device, &x)) != ASSAY_OK)
		return e;
	*ret = x.state;
	return ASSAY_OK;
}

enum assay_err
ledger_state_brief(struct ledger *l, const char *device, struct ledger_state *ret)
{
	struct loaded x;
	enum assay_err e = row_load(l, Q_STATE_BRIEF, device, &x);

	if (e == ASSAY_OK)
		*ret = x.state;
	return e;
}

/* The row's small cells, in l->outline, unless they are there already. */
static enum assay_err
outline_read(struct ledger *l, const char *device)
{
	enum assay_err e;

	if (l->outlined && span_equal(l->outline.cell[0].s, SPAN(device, strlen(device))))
		return ASSAY_OK;
	e = state_select(l, Q_STATE_OLD, device, &l->outline);
	l->outlined = e == ASSAY_OK;
	return e;
}

enum assay_err
ledger_state_outline(struct ledger *l, const char *device, struct ledger_state *ret)
{
	struct span digest[D_COUNT];
	struct ledger_state s;
	enum assay_err e;

	l->outlined = false;
	if ((e = outline_read(l, device)) != ASSAY_OK)
		return e;
	state_read(&l->outline, &s, digest);
	if ((e = row_end(&l->outline)) != ASSAY_OK)
		return e;
	*ret = s;
	return ASSAY_OK;
}

enum assay_err
state_create(struct ledger *l, const char *device)
{
	static const struct part_digest none[D_COUNT];
	struct ledger_state s = {0};
	struct row r;

	memcpy(s.device, device, sizeof s.device);
	state_write(&s, 0, none, &r);
	return row_insert(l, T_STATE, &r);
}

/* ---- writing ---- */

static enum assay_err
state_form(const struct ledger_state *s)
{
	if ((unsigned)s->verdict_outcome >= OUTCOME_COUNT || (unsigned)s->decision >= OUTCOME_COUNT)
		return ASSAY_MALFORMED;
	if (s->channel.n > SMALL_MAX || s->asked.n > SMALL_MAX || s->decision_seq > INT64_MAX ||
	    s->verdict.n > part_max[D_VERDICT] || s->claims.n > part_max[D_CLAIMS] ||
	    s->continuity.n > part_max[D_CONTINUITY] || s->proof.n > part_max[D_PROOF] ||
	    s->boot_facts.n > part_max[D_BOOT])
		return ASSAY_TOO_LARGE;
	return ASSAY_OK;
}

/* A value that is stored apart. */
struct part {
	const char *device;
	int id;
	struct span bytes;
	struct part_digest digest;
};

static enum assay_err
part_store(struct ledger *l, const struct part *p)
{
	struct row r;

	key_of(p->device, &r);
	row_int(&r, p->id);
	row_blob(&r, p->bytes, MSG_CLAIMS_MAX);
	return statement_change(l, S_PART_PUT, &r, NULL);
}

/* What is there is what is to be there: by its digest (which the old row's MAC covers),
 * and if that is right, by its bytes, so that a value that was altered is made good. */
static enum assay_err
part_same(struct ledger *l, const struct part *p, struct span old_digest, bool *ret)
{
	struct span stored = SPAN(NULL, 0);
	struct row key;
	enum assay_err e;

	*ret = span_equal(SPAN(p->digest.b, p->digest.n), old_digest);
	if (!*ret || p->bytes.n == 0)
		return ASSAY_OK;
	/* by a statement of its own: p->bytes may be what a ledger_state_get() showed */
	key_of(p->device, &key);
	row_int(&key, p->id);
	if ((e = part_get(l, S_PART_OLD, &key, &stored)) == ASSAY_OK)
		*ret = span_equal(stored, p->bytes);
	return e;
}

/* Write a value that is stored apart, unless it is there; *digest is the stored one on
 * entry and the new one on return. */
static enum assay_err
part_replace(struct ledger *l, struct part p, struct part_digest *digest)
{
	enum assay_err e;
	bool same;

	if ((e = part_hash(p.bytes, &p.digest)) != ASSAY_OK ||
	    (e = part_same(l, &p, SPAN(digest->b, digest->n), &same)) != ASSAY_OK || same)
		return e;
	*digest = p.digest;
	return part_store(l, &p);
}

/* The old row: its version must be the caller's. Its digests and boot log are copied. */
static enum assay_err
state_old(struct ledger *l, const struct ledger_state *s, struct row **ret,
	  struct part_digest d[D_COUNT])
{
	struct row *old = &l->outline;
	enum assay_err e = outline_read(l, s->device);

	if (e != ASSAY_OK)
		return e;
	if (old->cell[1].i < 0 || (uint64_t)old->cell[1].i != s->version)
		return ASSAY_MISMATCH;
	for (unsigned i = 0; i < D_COUNT; i++) {
		struct span digest = old->cell[CELL_DIGEST + i].s;

		d[i].n = digest.n;
		if (digest.n > sizeof d[i].b)
			return ASSAY_TAMPERED;
		if (digest.n != 0)
			memcpy(d[i].b, digest.p, digest.n);
	}
	*ret = old;
	return ASSAY_OK;
}

/* Both logs, or neither. */
static enum assay_err
logs_refer(struct ledger *l, const struct row *old, const struct ledger_state *s)
{
	struct span before = old->cell[CELL_GOOD_LOG].s, after = SPAN(s->good_log, 32);
	enum assay_err e, undone;

	if ((e = blob_refer(l, before, after)) != ASSAY_OK)
		return e;
	e = blob_refer(l, old->cell[CELL_BOOT_LOG].s, SPAN(s->boot_log, 32));
	if (e == ASSAY_OK)
		return e;
	undone = blob_refer(l, after, before);
	return undone == ASSAY_OK ? e : engine_break(l, undone);
}

enum assay_err
ledger_state_put(struct ledger *l, const struct ledger_state *s)
{
	struct part_digest d[D_COUNT];
	struct part verdict = {s->device, PART_OF_VERDICT, s->verdict, {0}};
	struct part claims = {s->device, PART_OF_CLAIMS, s->claims, {0}};
	struct part boot = {s->device, PART_OF_BOOT, s->boot_facts, {0}};
	struct row *old, r;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK || (e = state_form(s)) != ASSAY_OK ||
	    (e = state_old(l, s, &old, d)) != ASSAY_OK)
		return e;
	if ((e = logs_refer(l, old, s)) != ASSAY_OK)
		return e;
	if ((e = part_hash(s->continuity, &d[D_CONTINUITY])) != ASSAY_OK ||
	    (e = part_hash(s->proof, &d[D_PROOF])) != ASSAY_OK ||
	    (e = part_replace(l, verdict, &d[D_VERDICT])) != ASSAY_OK ||
	    (e = part_replace(l, claims, &d[D_CLAIMS])) != ASSAY_OK ||
	    (!s->boot_facts_kept && (e = part_replace(l, boot, &d[D_BOOT])) != ASSAY_OK))
		return engine_break(l, e);
	state_write(s, s->version + 1, d, &r);
	l->outlined = false;
	if ((e = row_update(l, old, T_STATE, &r)) != ASSAY_OK)
		return engine_break(l, e);
	return ASSAY_OK;
}

/* ---- checking ---- */

enum assay_err
state_check(struct ledger *l, struct ledger_report *report)
{
	char device[DEVICE_ID_HEX + 1] = "";
	struct ledger_state s;
	struct row key, r;
	enum assay_err e;

	for (;;) {
		key_of(device, &key);
		if ((e = statement_row(l, S_DEVICE_IDS, &key, &r)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
		row_get_text(&r, device, sizeof device);
		if ((e = row_end(&r)) == ASSAY_OK)
			e = ledger_state_get(l, device, &s);
		if (e != ASSAY_OK) {
			engine_report(report, "evidence of device %s was changed", device);
			return e;
		}
	}
}
