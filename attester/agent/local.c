/* local.c: see local.h. */
#include "local.h"

#include "evidence/envelope.h"

#include <ifaddrs.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

struct end {
	uint8_t address[MSG_IP6_SIZE];
	size_t len;
	uint8_t mac[MSG_MAC_SIZE];
	bool has_mac;
};

static bool
take_address(const struct sockaddr *a, struct end *ret)
{
	const struct sockaddr_in *in = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;

	ret->len = 0;
	if (a && a->sa_family == AF_INET)
		memcpy(ret->address, &in->sin_addr, ret->len = MSG_IP4_SIZE);
	else if (a && a->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		memcpy(ret->address, &in6->sin6_addr.s6_addr[12], ret->len = MSG_IP4_SIZE);
	else if (a && a->sa_family == AF_INET6)
		memcpy(ret->address, &in6->sin6_addr, ret->len = MSG_IP6_SIZE);
	return ret->len != 0;
}

static const char *
interface_of(const struct ifaddrs *list, const struct end *own)
{
	struct end e;

	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		if (take_address(i->ifa_addr, &e) && e.len == own->len &&
		    memcmp(e.address, own->address, e.len) == 0) /* public */
			return i->ifa_name;
	return NULL;
}

static void
take_mac(const struct ifaddrs *list, const char *name, struct end *ret)
{
	for (const struct ifaddrs *i = list; i && !ret->has_mac; i = i->ifa_next) {
		const struct sockaddr_ll *ll = (const void *)i->ifa_addr;

		if (!ll || ll->sll_family != AF_PACKET || strcmp(i->ifa_name, name) != 0 ||
		    ll->sll_hatype != ARPHRD_ETHER || ll->sll_halen != MSG_MAC_SIZE)
			continue;
		memcpy(ret->mac, ll->sll_addr, MSG_MAC_SIZE);
		ret->has_mac = true;
	}
}

void
local_tell(struct assay_attester *a, int socket)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof at;
	struct end e = {.len = 0};
	struct ifaddrs *list = NULL;
	const char *name;

	if (getsockname(socket, (struct sockaddr *)&at, &n) != 0 ||
	    !take_address((const struct sockaddr *)&at, &e))
		return;
	if (getifaddrs(&list) == 0) {
		name = interface_of(list, &e);
		if (name)
			take_mac(list, name, &e);
		freeifaddrs(list);
	}
	if (assay_attester_address(a, e.address, e.len, e.has_mac ? e.mac : NULL) != ASSAY_OK)
		return; /* not of its length: not told */
}
