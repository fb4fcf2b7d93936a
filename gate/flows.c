/* flows.c: connections of devices that may no longer pass; see nft.h. */
#include "nft.h"

#include <arpa/inet.h>
#include <string.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

struct flows {
	struct nfct_handle *ending;
	int family;
	uint8_t ip[16];
};

static bool
is_end(const struct nf_conntrack *ct, const struct flows *f)
{
	static const enum nf_conntrack_attr ends4[] = {ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST,
						       ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV4_DST};
	static const enum nf_conntrack_attr ends6[] = {ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV6_DST,
						       ATTR_REPL_IPV6_SRC, ATTR_REPL_IPV6_DST};
	bool ip6 = f->family == AF_INET6;

	for (unsigned i = 0; i < 4; i++) {
		enum nf_conntrack_attr attr = ip6 ? ends6[i] : ends4[i];
		const void *at = nfct_attr_is_set(ct, attr) > 0 ? nfct_get_attr(ct, attr) : NULL;

		if (at && memcmp(at, f->ip, ip6 ? 16 : 4) == 0) /* public */
			return true;
	}
	return false;
}

static int
on_flow(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	struct flows *f = data;

	(void)type;
	if (is_end(ct, f))
		(void)nfct_query(f->ending, NFCT_Q_DESTROY, ct);
	return NFCT_CB_CONTINUE;
}

void
flows_end(const char *ip)
{
	struct flows f = {.family = strchr(ip, ':') ? AF_INET6 : AF_INET};
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
