/* sqlite_device.c: devices; see ledger.h. */
#include "sqlite_engine.h"

#include <string.h>

#define PREFIX_MIN 4
#define CELL_EK_NAME 10

bool
device_id_valid(const char *id)
{
	return strnlen(id, DEVICE_ID_HEX + 1) == DEVICE_ID_HEX &&
	       strspn(id, "0123456789abcdef") == DEVICE_ID_HEX;
}

static void
ek_write(const struct ek_facts *f, struct row *r)
{
	row_int(r, f->certificate);
	row_int(r, f->trusted);
	row_int(r, f->allow_listed);
	row_int(r, f->expired);
	row_int(r, f->issuer_expired);
	row_int(r, f->virtual_tpm);
	row_int(r, f->weak);
	row_text(r, f->reason, sizeof f->reason);
	row_text(r, f->manufacturer, sizeof f->manufacturer);
	row_text(r, f->model, sizeof f->model);
	row_text(r, f->version, sizeof f->version);
	row_text(r, f->serial, sizeof f->serial);
	row_text(r, f->issuer, sizeof f->issuer);
	row_int(r, f->not_after);
}

static void
ek_read(struct row *r, struct ek_facts *f)
{
	f->certificate = row_get_bool(r);
	f->trusted = row_get_bool(r);
	f->allow_listed = row_get_bool(r);
	f->expired = row_get_bool(r);
	f->issuer_expired = row_get_bool(r);
	f->virtual_tpm = row_get_bool(r);
	f->weak = row_get_bool(r);
	row_get_text(r, f->reason, sizeof f->reason);
	row_get_text(r, f->manufacturer, sizeof f->manufacturer);
	row_get_text(r, f->model, sizeof f->model);
	row_get_text(r, f->version, sizeof f->version);
	row_get_text(r, f->serial, sizeof f->serial);
	row_get_text(r, f->issuer, sizeof f->issuer);
	f->not_after = row_get_int(r);
}

static void
device_write(const struct ledger_device *d, struct row *r)
{
	row_init(r);
	row_text(r, d->id, sizeof d->id);
	row_int(r, d->status);
	row_int(r, d->overlay);
	row_text(r, d->overlay_reason, sizeof d->overlay_reason);
	row_int(r, d->overlay_until);
	row_text(r, d->name, sizeof d->name);
	row_text(r, d->class_name, sizeof d->class_name);
	row_text(r, d->labels, sizeof d->labels);
	row_int(r, d->tier);
	row_int(r, d->new_ak);
	row_blob(r, SPAN(d->ek_name.b, d->ek_name.len), sizeof d->ek_name.b);
	row_blob(r, SPAN(d->ak_name.b, d->ak_name.len), sizeof d->ak_name.b);
	row_blob(r, SPAN(d->ek_public, d->ek_public_len), sizeof d->ek_public);
	row_blob(r, SPAN(d->ak_public, d->ak_public_len), sizeof d->ak_public);
	ek_write(&d->ek, r);
	row_text(r, d->enrolled_by, sizeof d->enrolled_by);
	row_text(r, d->conflict_with, sizeof d->conflict_with);
	row_int(r, d->copied);
	row_int(r, d->created);
	row_int(r, d->updated);
}

static void
read_bytes(struct row *r, size_t max, uint8_t *ret, uint16_t *ret_len)
{
	struct span s = row_get_blob(r, max);

	if (s.n != 0)
		memcpy(ret, s.p, s.n);
	*ret_len = (uint16_t)s.n;
}

static enum assay_err
device_read(struct row *r, struct ledger_device *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->id, sizeof ret->id);
	ret->status = (enum device_status)row_get_enum(r, DEV_STATUS_COUNT);
	ret->overlay = (enum device_overlay)row_get_enum(r, OVERLAY_COUNT);
	row_get_text(r, ret->overlay_reason, sizeof ret->overlay_reason);
	ret->overlay_until = row_get_int(r);
	row_get_text(r, ret->name, sizeof ret->name);
	row_get_text(r, ret->class_name, sizeof ret->class_name);
	row_get_text(r, ret->labels, sizeof ret->labels);
	ret->tier = (enum tier)row_get_enum(r, TIER_COUNT);
	ret->new_ak = row_get_bool(r);
	read_bytes(r, sizeof ret->ek_name.b, ret->ek_name.b, &ret->ek_name.len);
	read_bytes(r, sizeof ret->ak_name.b, ret->ak_name.b, &ret->ak_name.len);
	read_bytes(r, sizeof ret->ek_public, ret->ek_public, &ret->ek_public_len);
	read_bytes(r, sizeof ret->ak_public, ret->ak_public, &ret->ak_public_len);
	ek_read(r, &ret->ek);
	row_get_text(r, ret->enrolled_by, sizeof ret->enrolled_by);
	row_get_text(r, ret->conflict_with, sizeof ret->conflict_with);
	ret->copied = row_get_bool(r);
	ret->created = row_get_int(r);
	ret->updated = row_get_int(r);
	return row_end(r);
}

/* A row of a query to *ret. What cannot be believed gives nothing but its id, so
 * that an iteration can pass it. */
static enum assay_err
device_take(enum assay_err e, struct row *r, struct ledger_device *ret)
{
	if (e == ASSAY_OK)
		e = device_read(r, ret);
	if (e != ASSAY_TAMPERED)
		return e;
	memset(ret, 0, sizeof *ret);
	r->pos = 0;
	r->err = ASSAY_OK;
	row_get_text(r, ret->id, sizeof ret->id);
	return ASSAY_TAMPERED;
}

/* No identity key, no id of the form, no status: not a device. */
static enum assay_err
device_form(const struct ledger_device *d)
{
	if (!device_id_valid(d->id) || d->ek_name.len == 0 || d->ak_name.len == 0 ||
	    (unsigned)d->status - 1 >= DEV_STATUS_COUNT - 1 ||
	    (unsigned)d->overlay >= OVERLAY_COUNT || (unsigned)d->tier >= TIER_COUNT)
		return ASSAY_MALFORMED;
	return ASSAY_OK;
}

enum assay_err
ledger_device_insert(struct ledger *l, const struct ledger_device *d)
{
	struct row r;
	enum assay_err e;

	l->device_changes++;
	device_write(d, &r);
	if ((e = device_form(d)) != ASSAY_OK || (e = row_insert(l, T_DEVICE, &r)) != ASSAY_OK)
		return e;
	if ((e = state_create(l, d->id)) != ASSAY_OK)
		return engine_break(l, e);
	return ASSAY_OK;
}

static void
key_of_text(const char *s, size_t cap, struct row *r)
{
	row_init(r);
	row_text(r, s, cap);
}

/* The identity key makes the device: a row never gets another (I1). */
enum assay_err
ledger_device_update(struct ledger *l, const struct ledger_device *d)
{
	struct row key, old, r;
	enum assay_err e;

	l->device_changes++;
	key_of_text(d->id, sizeof d->id, &key);
	device_write(d, &r);
	if ((e = engine_writable(l)) != ASSAY_OK || (e = device_form(d)) != ASSAY_OK ||
	    (e = row_select(l, Q_DEVICE_GET, &key, &old)) != ASSAY_OK)
		return e;
	if (!span_equal(old.cell[CELL_EK_NAME].s, SPAN(d->ek_name.b, d->ek_name.len)))
		return ASSAY_MISMATCH;
	return row_update(l, &old, T_DEVICE, &r);
}

uint64_t
ledger_device_changes(const struct ledger *l)
{
	return l->device_changes;
}

/* An index may have been made to lead to another, genuine row. */
static enum assay_err
device_by_text(struct ledger *l, enum query_id q, const char *text, size_t cap,
	       struct ledger_device *ret)
{
	struct row key, r;
	enum assay_err e;

	key_of_text(text, cap, &key);
	e = device_take(row_select(l, q, &key, &r), &r, ret);
	if (e == ASSAY_OK && strcmp(q == Q_DEVICE_GET ? ret->id : ret->name, text) != 0)
		return ASSAY_TAMPERED;
	return e;
}

enum assay_err
ledger_device_get(struct ledger *l, const char *id, struct ledger_device *ret)
{
	return device_by_text(l, Q_DEVICE_GET, id, DEVICE_ID_HEX + 1, ret);
}

enum assay_err
ledger_device_by_ak(struct ledger *l, const struct tpm_name *ak, struct ledger_device *ret)
{
	struct span name = SPAN(ak->b, ak->len);
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_blob(&key, name, sizeof ak->b);
	e = device_take(row_select(l, Q_DEVICE_BY_AK, &key, &r), &r, ret);
	if (e == ASSAY_OK && !span_equal(SPAN(ret->ak_name.b, ret->ak_name.len), name))
		return ASSAY_TAMPERED;
	return e;
}

/* The one device whose id starts so; NOT_FOUND, BUSY if there are several. */
static enum assay_err
device_by_prefix(struct ledger *l, const char *text, struct ledger_device *ret)
{
	size_t n = strnlen(text, DEVICE_ID_HEX + 1);
	char low[DEVICE_ID_HEX + 1], high[DEVICE_ID_HEX + 1];
	struct row keys, r;
	enum assay_err e;

	if (n < PREFIX_MIN || n >= DEVICE_ID_HEX || strspn(text, "0123456789abcdef") != n)
		return ASSAY_NOT_FOUND;
	memset(low, '0', sizeof low);
	memset(high, 'f', sizeof high);
	memcpy(low, text, n);
	memcpy(high, text, n);
	low[DEVICE_ID_HEX] = high[DEVICE_ID_HEX] = '\0';
	key_of_text(low, sizeof low, &keys);
	row_text(&keys, high, sizeof high);
	if ((e = device_take(row_select(l, Q_DEVICE_BETWEEN, &keys, &r), &r, ret)) != ASSAY_OK)
		return e;
	if (strncmp(ret->id, text, n) != 0)
		return ASSAY_TAMPERED;
	return row_more(l, Q_DEVICE_BETWEEN, &r) == ASSAY_NOT_FOUND ? ASSAY_OK : ASSAY_BUSY;
}

/* A name that is also the prefix of another device's id is ambiguous: an operator who
 * holds or retires a device must not hit another one. */
enum assay_err
ledger_device_find(struct ledger *l, const char *text, struct ledger_device *ret)
{
	char by_name[DEVICE_ID_HEX + 1];
	enum assay_err e;

	if (device_id_valid(text))
		return ledger_device_get(l, text, ret);
	if (text[0] == '\0')
		return ASSAY_NOT_FOUND;
	e = device_by_text(l, Q_DEVICE_BY_NAME, text, LEDGER_NAME_MAX + 1, ret);
	if (e == ASSAY_NOT_FOUND || e == ASSAY_MALFORMED)
		return device_by_prefix(l, text, ret);
	if (e != ASSAY_OK)
		return e;
	memcpy(by_name, ret->id, sizeof by_name);
	e = device_by_prefix(l, text, ret);
	if (e == ASSAY_NOT_FOUND || (e == ASSAY_OK && strcmp(ret->id, by_name) == 0))
		return ledger_device_get(l, by_name, ret);
	return e == ASSAY_OK ? ASSAY_BUSY : e;
}

enum assay_err
ledger_device_count(struct ledger *l, enum device_status s, uint32_t *ret)
{
	struct row key, r;
	enum assay_err e;
	uint64_t n;

	row_init(&key);
	row_int(&key, s);
	if ((e = statement_row(l, S_DEVICE_COUNT, &key, &r)) != ASSAY_OK)
		return e;
	n = row_get_u64(&r);
	if ((e = row_end(&r)) == ASSAY_OK)
		*ret = (uint32_t)n;
	return e;
}

enum assay_err
ledger_device_next(struct ledger *l, const char *after, struct ledger_device *ret)
{
	struct row key, r;

	key_of_text(after, DEVICE_ID_HEX + 1, &key);
	return device_take(row_select(l, Q_DEVICE_NEXT, &key, &r), &r, ret);
}
