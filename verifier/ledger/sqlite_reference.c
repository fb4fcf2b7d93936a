/* sqlite_reference.c: sets of reference values; see ledger.h. */
#include "sqlite_engine.h"

#include <string.h>

#include "evidence/digest.h"
#include "verifier/appraise/reference.h"

#define PREFIX_MIN 8
#define DIGEST_HEX 64
#define STATE_COUNT (REF_RETIRED + 1)
#define CELL_STATE 4

/* A larger set is in pieces, and its row has its beginning. */
#define CHUNK_BYTES (1u << 20)
#define HEAD_BYTES 4096

static void
reference_write(const struct ledger_reference *f, struct row *r)
{
	row_init(r);
	row_text(r, f->name, sizeof f->name);
	row_blob(r, SPAN(f->digest, sizeof f->digest), sizeof f->digest);
	row_text(r, f->class_name, sizeof f->class_name);
	row_text(r, f->device, sizeof f->device);
	row_int(r, f->state);
	row_text(r, f->origin, sizeof f->origin);
	row_text(r, f->author, sizeof f->author);
	row_int(r, f->created);
	row_int(r, f->not_after);
	row_blob(r, f->compiled, REFERENCE_BYTES_MAX);
	row_int(r, f->not_before);
	row_text(r, f->labels, sizeof f->labels);
	row_int(r, f->version);
}

static enum assay_err
reference_read(struct row *r, struct ledger_reference *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->name, sizeof ret->name);
	row_get_bytes(r, ret->digest, sizeof ret->digest);
	row_get_text(r, ret->class_name, sizeof ret->class_name);
	row_get_text(r, ret->device, sizeof ret->device);
	ret->state = (enum reference_state)row_get_enum(r, STATE_COUNT);
	row_get_text(r, ret->origin, sizeof ret->origin);
	row_get_text(r, ret->author, sizeof ret->author);
	ret->created = row_get_int(r);
	ret->not_after = row_get_int(r);
	ret->compiled = row_get_blob(r, REFERENCE_BYTES_MAX);
	ret->not_before = row_get_int(r);
	row_get_text(r, ret->labels, sizeof ret->labels);
	ret->version = row_get_enum(r, UINT32_MAX);
	return row_end(r);
}

static enum assay_err
chunk_get(struct ledger *l, const uint8_t digest[32], uint64_t number, struct span *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_blob(&key, SPAN(digest, 32), 32);
	row_u64(&key, number);
	if ((e = statement_row(l, S_CHUNK_GET, &key, &r)) != ASSAY_OK)
		return e;
	*ret = row_get_blob(&r, CHUNK_BYTES);
	return row_end(&r);
}

static enum assay_err
reference_size(struct ledger *l, struct ledger_reference *f)
{
	struct span bytes;
	enum assay_err e = ASSAY_NOT_FOUND;

	if (f->compiled.n == HEAD_BYTES)
		e = chunk_get(l, f->digest, 0, &bytes);
	f->large = e == ASSAY_OK;
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

/* What cannot be believed gives nothing but its name, so that an iteration can pass it. */
static enum assay_err
reference_take(struct ledger *l, enum assay_err e, struct row *r, struct ledger_reference *ret)
{
	if (e == ASSAY_OK)
		e = reference_read(r, ret);
	if (e == ASSAY_OK)
		e = reference_size(l, ret);
	if (e != ASSAY_TAMPERED)
		return e;
	memset(ret, 0, sizeof *ret);
	r->pos = 0;
	r->err = ASSAY_OK;
	row_get_text(r, ret->name, sizeof ret->name);
	return ASSAY_TAMPERED;
}

/* Pieces are of the content, whose digest is compared when they are read: another class's
 * set may have brought them. */
static enum assay_err
chunks_put(struct ledger *l, const struct ledger_reference *f)
{
	uint64_t number = 0;
	struct span there;
	struct reader in;
	struct row r;
	enum assay_err e = chunk_get(l, f->digest, 0, &there);

	if (e != ASSAY_NOT_FOUND)
		return e;
	e = ASSAY_OK;
	rd_init(&in, f->compiled);
	while (rd_left(&in) > 0 && e == ASSAY_OK) {
		size_t n = rd_left(&in) < CHUNK_BYTES ? rd_left(&in) : CHUNK_BYTES;

		row_init(&r);
		row_blob(&r, SPAN(f->digest, sizeof f->digest), sizeof f->digest);
		row_u64(&r, number++);
		row_blob(&r, rd_bytes(&in, n), CHUNK_BYTES);
		e = statement_change(l, S_CHUNK_PUT, &r, NULL);
	}
	return e == ASSAY_OK ? e : engine_break(l, e);
}

enum assay_err
ledger_reference_insert(struct ledger *l, const struct ledger_reference *f)
{
	struct ledger_reference row = *f;
	struct row r;
	enum assay_err e;

	if (f->name[0] == '\0' || f->state == REF_NONE || (unsigned)f->state >= STATE_COUNT)
		return ASSAY_MALFORMED;
	if (f->compiled.n > LEDGER_REFERENCE_MAX)
		return ASSAY_TOO_LARGE;
	if (f->compiled.n > REFERENCE_BYTES_MAX)
		row.compiled.n = HEAD_BYTES;
	reference_write(&row, &r);
	if ((e = row_insert(l, T_REFERENCE, &r)) != ASSAY_OK || row.compiled.n == f->compiled.n)
		return e;
	return chunks_put(l, f);
}

enum assay_err
ledger_reference_read(struct ledger *l, const uint8_t digest[32], ledger_sink *sink, void *arg)
{
	struct span bytes;
	struct hasher h;
	struct digest d;
	uint64_t n = 0;
	enum assay_err e = hash_init(&h, ALG_SHA256);

	if (e != ASSAY_OK)
		return e;
	while ((e = chunk_get(l, digest, n, &bytes)) == ASSAY_OK) {
		if ((e = hash_update(&h, bytes)) != ASSAY_OK || (e = sink(arg, bytes)) != ASSAY_OK)
			return e;
		n++;
	}
	if (e != ASSAY_NOT_FOUND || n == 0)
		return e;
	if ((e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	return span_equal(digest_span(&d), SPAN(digest, 32)) ? ASSAY_OK : ASSAY_TAMPERED;
}

enum assay_err
ledger_reference_set_state(struct ledger *l, const char *name, enum reference_state s)
{
	struct row key, old, r;
	enum assay_err e;

	if (s == REF_NONE || (unsigned)s >= STATE_COUNT)
		return ASSAY_MALFORMED;
	row_init(&key);
	row_text(&key, name, LEDGER_NAME_MAX + 1);
	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = row_select(l, Q_REFERENCE_BY_NAME, &key, &old)) != ASSAY_OK)
		return e;
	r = old;
	r.cell[CELL_STATE].i = s;
	return row_update(l, &old, T_REFERENCE, &r);
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The lowest and highest digest that start with these digits; false: not a prefix. */
static bool
digest_bounds(const char *text, uint8_t low[32], uint8_t high[32])
{
	size_t n = strnlen(text, DIGEST_HEX + 1);

	if (n < PREFIX_MIN || n > DIGEST_HEX)
		return false;
	memset(low, 0x00, 32);
	memset(high, 0xFF, 32);
	for (size_t i = 0; i < n; i++) {
		int v = nibble(text[i]), shift = i % 2 == 0 ? 4 : 0;

		if (v < 0)
			return false;
		low[i / 2] = (uint8_t)(low[i / 2] | v << shift);
		high[i / 2] = (uint8_t)(high[i / 2] & ~((15 - v) << shift));
	}
	return true;
}

/* The one set whose digest starts so; NOT_FOUND, BUSY if there are several. */
static enum assay_err
reference_by_prefix(struct ledger *l, const char *text, struct ledger_reference *ret)
{
	uint8_t low[32], high[32];
	struct row keys, r, get, second;
	char name[LEDGER_NAME_MAX + 1];
	enum assay_err e;

	if (!digest_bounds(text, low, high))
		return ASSAY_NOT_FOUND;
	row_init(&keys);
	row_blob(&keys, SPAN(low, 32), 32);
	row_blob(&keys, SPAN(high, 32), 32);
	if ((e = row_select(l, Q_REFERENCE_BETWEEN, &keys, &r)) != ASSAY_OK)
		return reference_take(l, e, &r, ret);
	row_get_text(&r, name, sizeof name);
	if (row_more(l, Q_REFERENCE_BETWEEN, &second) != ASSAY_NOT_FOUND)
		return ASSAY_BUSY;
	row_init(&get);
	row_text(&get, name, sizeof name);
	return reference_take(l, row_select(l, Q_REFERENCE_BY_NAME, &get, &r), &r, ret);
}

enum assay_err
ledger_reference_find(struct ledger *l, const char *text, struct ledger_reference *ret)
{
	struct ledger_reference prefixed;
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, text, LEDGER_NAME_MAX + 1);
	e = row_select(l, Q_REFERENCE_BY_NAME, &key, &r);
	if (e == ASSAY_NOT_FOUND || e == ASSAY_MALFORMED)
		return reference_by_prefix(l, text, ret);
	if ((e = reference_take(l, e, &r, ret)) != ASSAY_OK)
		return e;
	if (strcmp(ret->name, text) != 0)
		return ASSAY_TAMPERED;
	/* a name that reads as another set's digest is ambiguous */
	e = reference_by_prefix(l, text, &prefixed);
	if (e == ASSAY_NOT_FOUND ||
	    (e == ASSAY_OK && span_equal(SPAN(prefixed.digest, 32), SPAN(ret->digest, 32))))
		return ASSAY_OK;
	return e == ASSAY_OK ? ASSAY_BUSY : e;
}

enum assay_err
ledger_reference_of(struct ledger *l, const uint8_t digest[32], const char *class_name,
		    struct ledger_reference *ret)
{
	struct row key, r;

	row_init(&key);
	row_blob(&key, SPAN(digest, 32), 32);
	row_text(&key, class_name, DEVICE_CLASS_MAX + 1);
	return reference_take(l, row_select(l, Q_REFERENCE_OF, &key, &r), &r, ret);
}

enum assay_err
ledger_reference_next(struct ledger *l, const char *after, struct ledger_reference *ret)
{
	struct row key, r;

	row_init(&key);
	row_text(&key, after, LEDGER_NAME_MAX + 1);
	return reference_take(l, row_select(l, Q_REFERENCE_NEXT, &key, &r), &r, ret);
}
