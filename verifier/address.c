/* address.c: see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAC_BYTES 6
#define CERT_HEX 64

static bool
all_equal(const uint8_t *p, size_t n, uint8_t v)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != v)
			return false;
	return true;
}

static enum assay_err
parse_mac(const char *s, char *ret)
{
	unsigned b[MAC_BYTES];
	uint8_t mac[MAC_BYTES];
	int end = 0;
	char sep = s[0] && s[1] ? s[2] : '\0';

	if (strlen(s) != 3 * MAC_BYTES - 1 || (sep != ':' && sep != '-'))
		return ASSAY_MALFORMED;
	for (size_t i = 0; s[i]; i++)
		if (i % 3 == 2 ? s[i] != sep : !isxdigit((unsigned char)s[i]))
			return ASSAY_MALFORMED;
	if (sscanf(s, "%2x%*c%2x%*c%2x%*c%2x%*c%2x%*c%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4],
		   &b[5], &end) != MAC_BYTES)
		return ASSAY_MALFORMED;
	for (unsigned i = 0; i < MAC_BYTES; i++)
		mac[i] = (uint8_t)b[i];
	if ((mac[0] & 1) || all_equal(mac, MAC_BYTES, 0))
		return ASSAY_DENIED;
	snprintf(ret, LEDGER_ADDRESS_MAX + 1, "mac %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return ASSAY_OK;
}

static enum assay_err
parse_ip4(const uint8_t a[4], char *ret)
{
	char text[INET_ADDRSTRLEN];

	if (a[0] == 0 || a[0] == 127 || a[0] >= 224 || !inet_ntop(AF_INET, a, text, sizeof text))
		return ASSAY_DENIED;
	snprintf(ret, LEDGER_ADDRESS_MAX + 1, "ip %s", text);
	return ASSAY_OK;
}

static enum assay_err
parse_ip6(const uint8_t a[16], char *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	char text[INET6_ADDRSTRLEN];

	bool is_mapped = memcmp(a, mapped, 12) == 0; /* public */

	if (a[0] == 0xFF || (all_equal(a, 15, 0) && a[15] <= 1) || is_mapped ||
	    !inet_ntop(AF_INET6, a, text, sizeof text))
		return ASSAY_DENIED;
	snprintf(ret, LEDGER_ADDRESS_MAX + 1, "ip %s", text);
	return ASSAY_OK;
}

static enum assay_err
parse_ip(const char *s, char *ret)
{
	uint8_t a[16];

	if (inet_pton(AF_INET, s, a) == 1)
		return parse_ip4(a, ret);
	return inet_pton(AF_INET6, s, a) == 1 ? parse_ip6(a, ret) : ASSAY_MALFORMED;
}

static enum assay_err
parse_cert(const char *s, char *ret)
{
	size_t n = strlen(s);

	if (n != CERT_HEX)
		return ASSAY_MALFORMED;
	memcpy(ret, "cert ", 5);
	for (size_t i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return ASSAY_MALFORMED;
		ret[5 + i] = (char)tolower((unsigned char)s[i]);
	}
	ret[5 + n] = '\0';
	return ASSAY_OK;
}

enum assay_err
address_parse(const char *text, char ret[LEDGER_ADDRESS_MAX + 1])
{
	if (strncmp(text, "mac ", 4) == 0)
		return parse_mac(text + 4, ret);
	if (strncmp(text, "ip ", 3) == 0)
		return parse_ip(text + 3, ret);
	return strncmp(text, "cert ", 5) == 0 ? parse_cert(text + 5, ret) : ASSAY_MALFORMED;
}
