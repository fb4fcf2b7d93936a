/* flows.c: connections of devices that may no longer pass; see nft.h. */
#include "nft.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

struct flows {
	struct nfct_handle *ending;
	const struct gate_config *config;
	int family;
	uint8_t ip[16];
};

static bool
has_address(const struct nf_conntrack *ct, enum nf_conntrack_attr attr, const uint8_t *ip,
	    size_t n)
{
	const void *at = nfct_attr_is_set(ct, attr) > 0 ? nfct_get_attr(ct, attr) : NULL;

	return at && memcmp(at, ip, n) == 0; /* public */
}

static bool
is_end(const struct nf_conntrack *ct, const struct flows *f)
{
	static const enum nf_conntrack_attr ends4[] = {ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST,
						       ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST};
	static const enum nf_conntrack_attr ends6[] = {ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV6_DST,
						       ATTR_REPL_IPV6_SRC, ATTR_REPL_IPV6_DST};
	bool ip6 = f->family == AF_INET6;

	for (unsigned i = 0; i < 4; i++)
		if (has_address(ct, ip6 ? ends6[i] : ends4[i], f->ip, ip6 ? 16 : 4))
			return true;
	return false;
}

/* What the device began with one of these ends, as the rules see it: behind a translation of
 * addresses the end is where the answers come from. */
static bool
is_with(const struct nf_conntrack *ct, const struct flows *f, const struct gate_endpoint *e)
{
	uint8_t protocol = strcmp(e->protocol, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
	bool ip6 = f->family == AF_INET6;
	size_t n = ip6 ? 16 : 4;
	uint8_t ip[16];

	return e->ip6 == ip6 && inet_pton(f->family, e->address, ip) == 1 &&
	       has_address(ct, ip6 ? ATTR_ORIG_IPV6_SRC : ATTR_ORIG_IPV4_SRC, f->ip, n) &&
	       has_address(ct, ip6 ? ATTR_REPL_IPV6_SRC : ATTR_REPL_IPV4_SRC, ip, n) &&
	       nfct_get_attr_u8(ct, ATTR_L4PROTO) == protocol &&
	       nfct_get_attr_u16(ct, ATTR_REPL_PORT_SRC) == htons(e->port);
}

/* Where everybody may go. Without its entry the end's next packet would begin a connection
 * to the device, and be dropped. */
static bool
is_always(const struct nf_conntrack *ct, const struct flows *f)
{
	for (unsigned i = 0; i < f->config->nalways; i++)
		if (is_with(ct, f, &f->config->always[i]))
			return true;
	return false;
}

static int
on_flow(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	struct flows *f = data;

	(void)type;
	if (is_end(ct, f) && !is_always(ct, f))
		(void)nfct_query(f->ending, NFCT_Q_DESTROY, ct);
	return NFCT_CB_CONTINUE;
}

void
flows_end(const struct gate_config *c, const char *ip)
{
	struct flows f = {.config = c, .family = strchr(ip, ':') ? AF_INET6 : AF_INET};
	struct nfct_handle *listing = nfct_open(CONNTRACK, 0);
	uint32_t family = (uint32_t)f.family;

	f.ending = nfct_open(CONNTRACK, 0);
	if (listing && f.ending && inet_pton(f.family, ip, f.ip) == 1 &&
	    nfct_callback_register(listing, NFCT_T_ALL, on_flow, &f) == 0)
		(void)nfct_query(listing, NFCT_Q_DUMP, &family);
	if (f.ending)
		nfct_close(f.ending);
	if (listing)
		nfct_close(listing);
}
