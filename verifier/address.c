/* address.c: see address.h. */
#include "address.h"

#include "evidence/hex.h"

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

/* Digits, one by one or in groups of `group` with `sep` between; NUL: no separators. */
static bool
has_form(const char *s, size_t group, char sep)
{
	size_t digits = 0;

	for (; *s; s++) {
		if (sep && digits > 0 && digits % group == 0 && *s == sep &&
		    isxdigit((unsigned char)s[1]) && s[-1] != sep)
			continue;
		if (!isxdigit((unsigned char)*s) ||
		    (sep && digits > 0 && digits % group == 0 && s[-1] != sep))
			return false;
		digits++;
	}
	return digits == 2 * MAC_BYTES;
}

/* As people and switches write it: 02:00:5e:00:53:01, 02-00-5E-00-53-01 (RFC 3580, 3.21),
 * 0200.5e00.5301, 02005e-005301, 02005e005301. */
static enum assay_err
parse_mac(const char *s, char *ret)
{
	char hex[2 * MAC_BYTES + 1];
	uint8_t mac[MAC_BYTES];
	size_t n = 0;

	if (!has_form(s, 2, ':') && !has_form(s, 2, '-') && !has_form(s, 4, '.') &&
	    !has_form(s, 6, '-') && !has_form(s, 1, '\0'))
		return ASSAY_MALFORMED;
	for (; *s; s++)
		if (isxdigit((unsigned char)*s))
			hex[n++] = (char)tolower((unsigned char)*s);
	hex[n] = '\0';
	if (hex_decode(hex, mac, sizeof mac, &n) != ASSAY_OK || n != MAC_BYTES)
		return ASSAY_MALFORMED;
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
