/*
 * keeper_address.c: addresses that devices attest from; see keeper.h.
 *
 * net tells where a connection comes from, the appraiser that the signed claims say the
 * same (appraise/attested.c). Keeper reads no claims: of the verdict it takes that word and
 * six bytes of a MAC address. One address is one device's: what another has, registered or
 * attested, is never taken from it; the round is judged again with that as a finding.
 */
#include "keeper_private.h"

#include "address.h"
#include "log.h"

#include "verifier/appraise/text.h"

#include <arpa/inet.h>
#include <string.h>

#define ENDS_MAX 2 /* an IP address and a MAC address */

/* What a verdict attests, in the ledger's form. */
struct ends {
	unsigned n;
	char address[ENDS_MAX][LEDGER_ADDRESS_MAX + 1];
};

/* Link-local addresses are many devices', one on each segment. */
static bool
is_local(const char *form)
{
	return strncmp(form, "ip 169.254.", 11) == 0 || strncmp(form, "ip fe8", 6) == 0 ||
	       strncmp(form, "ip fe9", 6) == 0 || strncmp(form, "ip fea", 6) == 0 ||
	       strncmp(form, "ip feb", 6) == 0;
}

/* net's text in the one form; false: no single device's. */
static bool
peer_form(const struct keeper_session *s, char ret[LEDGER_ADDRESS_MAX + 1])
{
	char text[sizeof s->peer + 3];

	text_format(text, sizeof text, "ip %s", s->peer);
	return address_parse(text, ret) == ASSAY_OK && !is_local(ret);
}

void
keeper_address_fill(struct appraisal_input *in, const struct keeper_session *s,
		    const struct request *r)
{
	char form[LEDGER_ADDRESS_MAX + 1];
	const char *ip = form + 3;

	if (!peer_form(s, form))
		return;
	if (inet_pton(AF_INET, ip, in->peer) == 1)
		in->peer_len = MSG_IP4_SIZE;
	else if (inet_pton(AF_INET6, ip, in->peer) == 1)
		in->peer_len = MSG_IP6_SIZE;
	in->conflict = r->conflict;
	memcpy(in->owner, r->owner, sizeof in->owner);
}

static void
ends_of(const struct keeper_session *s, const struct verdict *v, struct ends *ret)
{
	const uint8_t *m = v->mac;
	char text[32];

	ret->n = 0;
	if (v->attested != ATTESTED_SAME || !peer_form(s, ret->address[0]))
		return;
	ret->n = 1;
	text_format(text, sizeof text, "mac %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
		    m[3], m[4], m[5]);
	if (v->has_mac && address_parse(text, ret->address[1]) == ASSAY_OK)
		ret->n = 2;
}

enum assay_err
keeper_address_check(struct keeper *k, const struct keeper_session *s, struct request *r)
{
	struct ledger_address there;
	struct ends ends;
	enum assay_err e;

	ends_of(s, &k->verdict, &ends);
	if (r->conflict != CONFLICT_NONE)
		return ASSAY_OK; /* it was judged with that */
	for (unsigned i = 0; i < ends.n; i++) {
		e = ledger_address_get(k->ledger, ends.address[i], &there);
		if (e == ASSAY_NOT_FOUND)
			continue;
		if (e != ASSAY_OK)
			return e;
		if (!there.device[0] || strcmp(there.device, r->device) == 0)
			continue;
		r->conflict = i == 0 ? CONFLICT_IP : CONFLICT_MAC;
		memcpy(r->owner, there.device, sizeof r->owner);
		log_event(LOG_LEVEL_WARN, "address-conflict", "device", r->device, "address",
			  ends.address[i], "owner", there.device, NULL);
		return ASSAY_EXISTS;
	}
	return ASSAY_OK;
}

static bool
is_among(const struct ends *ends, const char *address)
{
	for (unsigned i = 0; i < ends->n; i++)
		if (strcmp(ends->address[i], address) == 0)
			return true;
	return false;
}

/* What the device has: what it attested and attests no more goes. *ret_n: what is left. */
static enum assay_err
drop_others(struct keeper *k, const char *device, const struct ends *keep, unsigned *ret_n,
	    bool *ret_changed)
{
	struct ledger_address a = {.address = ""};
	enum assay_err e;

	*ret_n = 0;
	while ((e = ledger_address_next(k->ledger, device, a.address, &a)) == ASSAY_OK) {
		struct ledger_address gone = a;

		if (!a.attested || is_among(keep, a.address)) {
			++*ret_n;
			continue;
		}
		gone.device[0] = '\0';
		gone.updated = k->now;
		*ret_changed = true;
		if ((e = keeper_change(k)) != ASSAY_OK ||
		    (e = ledger_address_put(k->ledger, &gone)) != ASSAY_OK)
			return e;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

static enum assay_err
add_missing(struct keeper *k, const char *device, const char *address, bool *ret_changed)
{
	struct ledger_address there, a = {.updated = k->now, .attested = true};
	enum assay_err e = ledger_address_get(k->ledger, address, &there);

	/* registered, or attested before; another's was a conflict, and is never taken */
	if (e == ASSAY_OK && there.device[0])
		return strcmp(there.device, device) == 0 ? ASSAY_OK : ASSAY_EXISTS;
	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	memcpy(a.address, address, strlen(address) + 1);
	memcpy(a.device, device, sizeof a.device);
	*ret_changed = true;
	return ledger_address_put(k->ledger, &a);
}

static enum assay_err
tell_change(struct keeper *k, const char *device, const struct ends *ends)
{
	char detail[LEDGER_TEXT_MAX];

	text_format(detail, sizeof detail, "attested: %s%s%s",
		    ends->n ? ends->address[0] : "nothing any more", ends->n > 1 ? ", " : "",
		    ends->n > 1 ? ends->address[1] : "");
	keeper_addresses_changed(k, device);
	return keeper_audit(k, "verifier", "device.address", device, detail);
}

static bool
may_attest(const struct keeper *k, const struct request *r)
{
	return strcmp(k->config->addresses, "attested") == 0 && r->kind != REQ_CORE &&
	       r->conflict == CONFLICT_NONE && r->standing.status == DEV_ENROLLED;
}

enum assay_err
keeper_address_take(struct keeper *k, const struct keeper_session *s, const struct request *r,
		    int64_t until)
{
	struct live_device *live = live_add(&k->live, r->device);
	struct ends ends = {.n = 0};
	bool changed = false;
	unsigned n;
	enum assay_err e;

	if (!live)
		return ASSAY_NO_MEMORY;
	if (may_attest(k, r))
		ends_of(s, &k->verdict, &ends);
	if (ends.n == 0 && live->attested_until == 0)
		return ASSAY_OK;
	if ((e = drop_others(k, r->device, &ends, &n, &changed)) != ASSAY_OK)
		return e;
	for (unsigned i = 0; i < ends.n && n + i < KEEPER_ADDRESSES_MAX; i++)
		if ((e = add_missing(k, r->device, ends.address[i], &changed)) != ASSAY_OK)
			return e;
	live->attested_until = ends.n ? until : 0;
	return changed ? tell_change(k, r->device, &ends) : ASSAY_OK;
}

enum assay_err
keeper_address_release(struct keeper *k, const char *device)
{
	const struct ends none = {.n = 0};
	struct live_device *live = live_find(&k->live, device);
	bool changed = false;
	unsigned n;
	enum assay_err e = drop_others(k, device, &none, &n, &changed);

	if (live)
		live->attested_until = 0;
	return e == ASSAY_OK && changed ? tell_change(k, device, &none) : e;
}

void
keeper_address_expire(struct keeper *k, struct live_device *d)
{
	char device[DEVICE_ID_HEX + 1];
	enum assay_err e;

	if (d->attested_until == 0 || d->attested_until > k->now ||
	    ledger_fault(k->ledger) != ASSAY_OK)
		return;
	memcpy(device, d->id, sizeof device);
	d->attested_until = 0;
	if ((e = keeper_change(k)) == ASSAY_OK &&
	    (e = keeper_address_release(k, device)) == ASSAY_OK)
		e = keeper_device_changed(k, device, "no new evidence in time");
	if (e == ASSAY_IO || e == ASSAY_NO_MEMORY)
		d->attested_until = k->now + 1; /* again */
	if (e != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "address-not-released", "device", device, "error",
			  assay_err_name(e), NULL);
}

enum assay_err
keeper_address_load(struct keeper *k, struct live_device *d, int64_t until)
{
	bool attests = strcmp(k->config->addresses, "attested") == 0;
	struct ledger_address a = {.address = ""};
	enum assay_err e;

	while ((e = ledger_address_next(k->ledger, d->id, a.address, &a)) == ASSAY_OK)
		if (a.attested)
			d->attested_until = attests && until > 0 ? until : 1;
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}
