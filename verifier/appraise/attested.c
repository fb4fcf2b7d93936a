/*
 * attested.c: the address that a device attests from. See appraisal.h.
 *
 * Two witnesses: net, which saw where the connection comes from, and the device's key,
 * which signed what its agent takes for its own end. Only where they agree is the address
 * attested; net alone cannot move a device to another address, nor can the device.
 */
#include "appraisal.h"

#include "text.h"

#include <arpa/inet.h>
#include <string.h>

#define MAC_TEXT 18

static void
address_text(struct span a, char *ret, size_t cap)
{
	ret[0] = '\0';
	if (a.n != 0 &&
	    !inet_ntop(a.n == MSG_IP4_SIZE ? AF_INET : AF_INET6, a.p, ret, (socklen_t)cap))
		ret[0] = '\0';
}

static void
mac_text(struct span m, char ret[MAC_TEXT])
{
	ret[0] = '\0';
	if (m.n == MSG_MAC_SIZE)
		text_format(ret, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m.p[0], m.p[1],
			    m.p[2], m.p[3], m.p[4], m.p[5]);
}

static void
gather_texts(struct appraisal *a)
{
	char ip[48], mac[MAC_TEXT];

	if (a->in->peer_len != 0) {
		address_text(SPAN(a->in->peer, a->in->peer_len), a->peer, sizeof a->peer);
		factset_text(a->facts, FACT_ADDRESS_PEER, a->peer);
	}
	if (!a->has_claims || a->claims.address.n == 0)
		return;
	address_text(a->claims.address, ip, sizeof ip);
	mac_text(a->claims.mac, mac);
	text_format(a->told_address, sizeof a->told_address, "%s%s%s", ip, mac[0] ? " " : "", mac);
	factset_text(a->facts, FACT_ADDRESS_TOLD, a->told_address);
}

void
attested_gather(struct appraisal *a)
{
	struct verdict *v = a->v;
	struct span peer = SPAN(a->in->peer, a->in->peer_len);

	gather_texts(a);
	if (peer.n == 0 || !a->has_claims || a->claims.address.n == 0)
		return;
	v->attested = span_equal(peer, a->claims.address) ? ATTESTED_SAME : ATTESTED_DIFFERS;
	factset_bool(a->facts, FACT_ADDRESS_SAME, v->attested == ATTESTED_SAME);
	factset_bool(a->facts, FACT_ADDRESS_CONFLICT, a->in->conflict != CONFLICT_NONE);
	v->has_mac = v->attested == ATTESTED_SAME && a->claims.mac.n == MSG_MAC_SIZE;
	if (v->has_mac)
		memcpy(v->mac, a->claims.mac.p, MSG_MAC_SIZE);
}

/* Keeper found that it is another's, registered or attested. */
void
attested_judge(struct appraisal *a)
{
	struct finding *f;
	char mac[MAC_TEXT];

	if (a->in->conflict == CONFLICT_NONE)
		return;
	f = find(a, FIND_ADDRESS_CONFLICT, OUTCOME_QUARANTINE);
	f->provenance = PROV_VERIFIER;
	mac_text(a->has_claims ? a->claims.mac : SPAN(NULL, 0), mac);
	if (a->in->conflict == CONFLICT_IP)
		text_format(f->subject, sizeof f->subject, "ip %s", a->peer);
	else
		text_format(f->subject, sizeof f->subject, "mac %s", mac);
	text_format(f->seen, sizeof f->seen, "%s", a->in->device.id);
	text_format(f->expected, sizeof f->expected, "%s", a->in->owner);
}
