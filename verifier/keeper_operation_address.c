/* keeper_operation_address.c: `device.address`: what gates and RADIUS servers know a device
 * by, as operators register it. One address is one device's. */
#include "keeper_operation.h"

#include "address.h"
#include "verifier/appraise/text.h"

#include <string.h>

static json_t *
list(struct call *c, const char *device, bool attested_only)
{
	struct ledger_address a = {.address = ""};
	json_t *list = json_array();
	enum assay_err e;

	while ((e = ledger_address_next(c->l, device, a.address, &a)) == ASSAY_OK)
		if ((a.attested || !attested_only) &&
		    json_array_append_new(list, json_string(a.address)) != 0)
			break;
	if (e == ASSAY_NOT_FOUND)
		return list;
	json_decref(list);
	return NULL;
}

json_t *
json_addresses(struct call *c, const char *device)
{
	return list(c, device, false);
}

json_t *
json_attested(struct call *c, const char *device)
{
	return list(c, device, true);
}

static enum assay_err
read_address(struct call *c, char ret[LEDGER_ADDRESS_MAX + 1])
{
	char text[OPERATION_TEXT_MAX + 1];
	enum assay_err e = call_need(c, F_ADDRESS, text);

	if (e != ASSAY_OK)
		return e;
	e = address_parse(text, ret);
	if (e == ASSAY_DENIED)
		return call_fail(c, ASSAY_MALFORMED, "address: `%.80s' is no single device's",
				 text);
	return e == ASSAY_OK ? e
			     : call_fail(c, ASSAY_MALFORMED,
					 "address: must be like \"mac 02:00:5e:00:53:01\", \"ip "
					 "192.0.2.7\" or \"cert\" and 64 hex digits");
}

static enum assay_err
count(struct call *c, const char *device, unsigned *ret)
{
	struct ledger_address a = {.address = ""};
	enum assay_err e;

	*ret = 0;
	while ((e = ledger_address_next(c->l, device, a.address, &a)) == ASSAY_OK)
		++*ret;
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

static enum assay_err
check_free(struct call *c, const struct ledger_device *d, const char *address)
{
	struct ledger_address there;
	unsigned n;
	enum assay_err e = ledger_address_get(c->l, address, &there);

	if (e == ASSAY_OK && there.device[0] && strcmp(there.device, d->id) != 0)
		return call_fail(c, ASSAY_EXISTS, "%s is device %s's%s; remove it there first",
				 address, there.device,
				 there.attested ? ", which attests from it" : "");
	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	if ((e = count(c, d->id, &n)) != ASSAY_OK)
		return e;
	return n < KEEPER_ADDRESSES_MAX ? ASSAY_OK
				 : call_fail(c, ASSAY_TOO_MANY, "a device has at most %d addresses",
					     KEEPER_ADDRESSES_MAX);
}

static enum assay_err
check_its_own(struct call *c, const struct ledger_device *d, const char *address)
{
	struct ledger_address there;
	enum assay_err e = ledger_address_get(c->l, address, &there);

	if (e == ASSAY_NOT_FOUND || (e == ASSAY_OK && strcmp(there.device, d->id) != 0))
		return call_fail(c, ASSAY_NOT_FOUND, "%s is not this device's", address);
	return e;
}

enum assay_err
operation_on_device_address(struct call *c)
{
	static struct ledger_device d;
	struct ledger_address a = {.updated = keeper_now(c->k)};
	char scope[OPERATION_TEXT_MAX + 1], why[LEDGER_TEXT_MAX], detail[LEDGER_TEXT_MAX];
	bool removes;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = read_address(c, a.address)) != ASSAY_OK ||
	    (e = call_reason(c, why)) != ASSAY_OK)
		return e;
	call_text(c, F_SCOPE, scope, sizeof scope);
	removes = strcmp(scope, "remove") == 0;
	if (*scope && !removes && strcmp(scope, "add") != 0)
		return call_fail(c, ASSAY_MALFORMED, "scope: must be add or remove");
	if (d.status == DEV_RETIRED && !removes)
		return call_fail(c, ASSAY_STATE, "the device is retired");
	e = removes ? check_its_own(c, &d, a.address) : check_free(c, &d, a.address);
	if (e != ASSAY_OK)
		return e;
	if (!removes)
		memcpy(a.device, d.id, sizeof a.device);
	text_format(detail, sizeof detail, "%s %s%s%s", removes ? "removed" : "added", a.address,
		    *why ? ": " : "", why);
	if ((e = call_change(c)) != ASSAY_OK || (e = ledger_address_put(c->l, &a)) != ASSAY_OK ||
	    (e = call_audit(c, d.id, detail)) != ASSAY_OK)
		return e;
	keeper_addresses_changed(c->k, d.id);
	if ((e = keeper_device_changed(c->k, d.id, "what it applies to")) != ASSAY_OK)
		return e;
	if ((e = json_device(c, &d, &c->ret)) != ASSAY_OK)
		return e;
	return json_object_set_new(c->ret, "addresses", json_addresses(c, d.id)) ? ASSAY_NO_MEMORY
										  : ASSAY_OK;
}
