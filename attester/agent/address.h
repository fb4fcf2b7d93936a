/*
 * address.h: where the verifier is, taken apart from a URL.
 */
#ifndef AGENT_ADDRESS_H
#define AGENT_ADDRESS_H

#include <stdint.h>

#define ADDRESS_PORT 7443 /* if the URL has none */

struct address {
	char host[256];
	char path[256];
	uint16_t port;
};

/* wss://HOST[:PORT][/PATH], IPv6 addresses in brackets. NULL, or what is wrong. */
const char *address_parse(const char *url, struct address *ret);

#endif
