/* address.c: see address.h. */
#include "address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ":7443" or ":7443/path" or nothing. */
static const char *
parse_port(struct address *a, const char *rest)
{
	char *end;
	unsigned long port = ADDRESS_PORT;

	if (*rest == ':') {
		if (rest[1] < '0' || rest[1] > '9')
			return "has no port number after the colon";
		port = strtoul(rest + 1, &end, 10);
		rest = end;
	}
	if (port == 0 || port > 65535)
		return "has a port that is none of 1 to 65535";
	if (*rest != '\0' && *rest != '/')
		return "has something between port and path";
	if (strlen(rest) >= sizeof a->path)
		return "has a path that is too long";
	a->port = (uint16_t)port;
	(void)snprintf(a->path, sizeof a->path, "%s", *rest ? rest : "/");
	return NULL;
}

const char *
address_parse(const char *url, struct address *ret)
{
	const char *host, *end;
	size_t n;

	if (strncasecmp(url, "wss://", 6) != 0)
		return "does not start with wss://";
	host = url + 6;
	end = host + strcspn(host, ":/");
	if (*host == '[') { /* an IPv6 address */
		host++;
		end = strchr(host, ']');
		if (!end)
			return "has no ] after the address";
	}
	n = (size_t)(end - host);
	if (n == 0 || n >= sizeof ret->host || strcspn(host, " @?#") < n)
		return "has no host name";
	memcpy(ret->host, host, n);
	ret->host[n] = '\0';
	return parse_port(ret, *end == ']' ? end + 1 : end);
}
