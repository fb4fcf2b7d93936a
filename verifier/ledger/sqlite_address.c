/* sqlite_address.c: which device an address or a certificate is; see ledger.h. A row once
 * made stays; one that was taken away is nobody's. */
#include "sqlite_engine.h"

#include <string.h>

static void
address_write(const struct ledger_address *a, struct row *r)
{
	row_init(r);
	row_text(r, a->address, sizeof a->address);
	row_text(r, a->device, sizeof a->device);
	row_int(r, a->updated);
	row_int(r, a->attested);
}

static enum assay_err
address_read(struct row *r, struct ledger_address *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->address, sizeof ret->address);
	row_get_text(r, ret->device, sizeof ret->device);
	ret->updated = row_get_int(r);
	ret->attested = row_get_bool(r);
	return row_end(r);
}

enum assay_err
ledger_address_get(struct ledger *l, const char *address, struct ledger_address *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, address, LEDGER_ADDRESS_MAX + 1);
	if ((e = row_select(l, Q_ADDRESS_GET, &key, &r)) != ASSAY_OK ||
	    (e = address_read(&r, ret)) != ASSAY_OK)
		return e;
	return strcmp(ret->address, address) == 0 ? ASSAY_OK : ASSAY_TAMPERED;
}

enum assay_err
ledger_address_put(struct ledger *l, const struct ledger_address *a)
{
	struct ledger_address there;
	struct row key, old, r;
	enum assay_err e;

	if (a->address[0] == '\0')
		return ASSAY_MALFORMED;
	address_write(a, &r);
	e = ledger_address_get(l, a->address, &there);
	if (e == ASSAY_NOT_FOUND)
		return row_insert(l, T_ADDRESS, &r);
	if (e != ASSAY_OK)
		return e;
	if (there.device[0] && a->device[0] && strcmp(there.device, a->device) != 0)
		return ASSAY_EXISTS;
	row_init(&key);
	row_text(&key, a->address, sizeof a->address);
	if ((e = row_select(l, Q_ADDRESS_GET, &key, &old)) != ASSAY_OK)
		return e;
	return row_update(l, &old, T_ADDRESS, &r);
}

enum assay_err
ledger_address_next(struct ledger *l, const char *device, const char *after,
		    struct ledger_address *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, device, DEVICE_ID_HEX + 1);
	row_text(&key, after, LEDGER_ADDRESS_MAX + 1);
	if ((e = row_select(l, Q_ADDRESS_OF, &key, &r)) != ASSAY_OK ||
	    (e = address_read(&r, ret)) != ASSAY_OK)
		return e;
	return strcmp(ret->device, device) == 0 ? ASSAY_OK : ASSAY_TAMPERED;
}
