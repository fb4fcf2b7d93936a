/* keeper_operation_admission.c: `admission`: what a RADIUS server asks when a device wants
 * in, answered as FreeRADIUS' rest module reads it (docs/radius.md). */
#include "keeper_operation.h"

#include "address.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN_SESSION_S 60 /* then it is asked again */

/* Who it is, by one of three: a certificate or an identity that the asker has verified, or
 * a MAC address, which anybody can claim. */
static enum assay_err
find_by_address(struct call *c, const char *kind, const char *value, struct ledger_device *ret)
{
	char text[OPERATION_TEXT_MAX + 8], form[LEDGER_ADDRESS_MAX + 1];
	struct ledger_address a;
	enum assay_err e;

	snprintf(text, sizeof text, "%s %s", kind, value);
	if (address_parse(text, form) != ASSAY_OK)
		return call_fail(c, ASSAY_MALFORMED, "%s: has not the form of one", kind);
	if ((e = ledger_address_get(c->l, form, &a)) != ASSAY_OK)
		return e;
	return a.device[0] ? ledger_device_get(c->l, a.device, ret) : ASSAY_NOT_FOUND;
}

static enum assay_err
find(struct call *c, struct ledger_device *ret, bool *ret_by_mac)
{
	char mac[OPERATION_TEXT_MAX + 1], cert[OPERATION_TEXT_MAX + 1];
	int given = call_has(c, F_MAC) + call_has(c, F_CERT) + call_has(c, F_DEVICE);

	if (given != 1)
		return call_fail(c, ASSAY_MALFORMED, "one of mac, cert and device is needed");
	call_text(c, F_MAC, mac, sizeof mac);
	call_text(c, F_CERT, cert, sizeof cert);
	*ret_by_mac = *mac != '\0';
	if (*mac)
		return find_by_address(c, "mac", mac, ret);
	if (*cert)
		return find_by_address(c, "cert", cert, ret);
	return call_device(c, ret);
}

static enum assay_err
answer(struct call *c, const char *decision, const char *device, int64_t seconds)
{
	c->ret = json_pack("{s:s, s:s, s:I}", "control:Tmp-String-0", decision,
			   "control:Tmp-String-1", device, "reply:Session-Timeout",
			   (json_int_t)(seconds > 0 ? seconds : 1));
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

enum assay_err
operation_on_admission(struct call *c)
{
	static struct ledger_device d;
	struct decision_view v;
	enum outcome o;
	bool by_mac = false;
	enum assay_err e = find(c, &d, &by_mac);
	int64_t now = keeper_now(c->k);

	if (e == ASSAY_NOT_FOUND)
		return answer(c, "unknown", "", UNKNOWN_SESSION_S);
	if (e != ASSAY_OK || (e = keeper_decision(c->k, &d, &v)) != ASSAY_OK)
		return e;
	o = v.outcome;
	if (by_mac && o == OUTCOME_ADMIT && !keeper_config(c->k)->mac_admits)
		o = OUTCOME_RESTRICT;
	if (o == OUTCOME_QUARANTINE)
		return answer(c, "quarantine", d.id, UNKNOWN_SESSION_S);
	return answer(c, o == OUTCOME_ADMIT ? "admit" : "restrict", d.id, v.expires - now);
}
