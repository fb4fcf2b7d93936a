/* bridge.c: see bridge.h. nft(8); ARP: RFC 826, 5227; neighbour discovery: RFC 4861. */
#include "bridge.h"

#include <arpa/inet.h>
#include <stdint.h>

/* An ICMPv6 message's target: neighbour solicitation and advertisement, RFC 4861, 4.3. */
#define TARGET "@th,64,128"
#define ND_TYPES                                                                               \
	"{ nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, "     \
	"nd-redirect }"

/* ---- lists of addresses in rules ---- */

enum form { PLAIN, RAW }; /* as an address, or as the number that a target is */

static void
put_address(const char *address, bool ip6, enum form form, struct text *out)
{
	uint8_t b[16];

	if (form == PLAIN || !ip6 || inet_pton(AF_INET6, address, b) != 1) {
		text_put(out, "%s", address);
		return;
	}
	text_put(out, "0x");
	for (unsigned i = 0; i < sizeof b; i++)
		text_put(out, "%02x", b[i]);
}

/* Whose addresses: the ends that all may reach, with the routers to them, or those that
 * restricted devices may reach besides. */
enum whose { EVERYBODYS, RESTRICTED };

/* "WHAT { a, b } VERDICT"; nothing where there are none of this family. */
struct rule {
	const char *what;
	bool ip6;
	enum form form;
	enum whose whose;
	const char *verdict;
};

static void
put_rule(const struct gate_config *c, struct rule r, struct text *out)
{
	const struct gate_endpoint *list = r.whose == EVERYBODYS ? c->always : c->restricted;
	unsigned n = r.whose == EVERYBODYS ? c->nalways : c->nrestricted, put = 0;
	unsigned routers = r.whose == EVERYBODYS ? c->nrouters : 0;

	for (unsigned i = 0; i < n + routers; i++) {
		bool ip6 = i < n ? list[i].ip6 : c->routers[i - n].ip6;

		if (ip6 != r.ip6)
			continue;
		text_put(out, put++ ? ", " : "\t\t%s { ", r.what);
		put_address(i < n ? list[i].address : c->routers[i - n].address, ip6, r.form, out);
	}
	if (put)
		text_put(out, " } %s\n", r.verdict);
}

static void
put_ports(const struct gate_config *c, struct text *out)
{
	text_put(out, "{ ");
	for (unsigned i = 0; i < c->ninterfaces; i++)
		text_put(out, "%s\"%s\"", i ? ", " : "", c->interfaces[i]);
	text_put(out, " }");
}

static void
put_to_endpoints(const struct gate_endpoint *list, unsigned n, struct text *out)
{
	for (unsigned i = 0; i < n; i++)
		text_put(out, "\t\t%s daddr %s %s dport %u accept\n", list[i].ip6 ? "ip6" : "ip",
			 list[i].address, list[i].protocol, list[i].port);
}

/* Answers alone: of TCP nothing that begins a connection. */
static void
put_from_endpoints(const struct gate_endpoint *list, unsigned n, struct text *out)
{
	for (unsigned i = 0; i < n; i++)
		text_put(out, "\t\t%s saddr %s %s sport %u%s accept\n",
			 list[i].ip6 ? "ip6" : "ip", list[i].address, list[i].protocol,
			 list[i].port,
			 list[i].protocol[0] == 't' ? " tcp flags & (syn | ack) != syn" : "");
}

/* ---- from a device's port ---- */

/* Who is not admitted, as somebody else: out. */
static void
put_not_others(const struct gate_config *c, struct text *out)
{
	text_put(out, "\tchain not_others {\n"
		      "\t\tether saddr @known_macs iifname . ether saddr != @known_mac counter "
		      "drop\n"
		      "\t\tip saddr @known_all4 iifname . ether saddr . ip saddr != @known_own4 "
		      "counter drop\n"
		      "\t\tip6 saddr @known_all6 iifname . ether saddr . ip6 saddr != @known_own6 "
		      "counter drop\n");
	for (unsigned whose = EVERYBODYS; whose <= RESTRICTED; whose++) {
		put_rule(c, (struct rule){"ip saddr", false, PLAIN, whose, "counter drop"}, out);
		put_rule(c, (struct rule){"ip6 saddr", true, PLAIN, whose, "counter drop"}, out);
	}
	text_put(out, "\t}\n");
}

/* With its own address: an admitted device whom it likes, others who all may reach. */
static void
put_arp_own(const struct gate_config *c, struct text *out)
{
	text_put(out, "\tchain arp_own {\n"
		      "\t\tiifname . ether saddr . arp saddr ip @admitted_from4 accept\n");
	put_rule(c, (struct rule){"arp daddr ip", false, PLAIN, EVERYBODYS, "accept"}, out);
	put_rule(c, (struct rule){"iifname . ether saddr . arp saddr ip @restricted_from4 "
				  "arp daddr ip", false, PLAIN, RESTRICTED, "accept"}, out);
	text_put(out, "\t\tcounter drop\n\t}\n");
}

static void
put_arp_from(const struct gate_config *c, struct text *out)
{
	put_arp_own(c, out);
	text_put(out, "\tchain arp_from {\n"
		      "\t\tarp htype != 1 counter drop\n"
		      "\t\tarp ptype != 0x0800 counter drop\n"
		      "\t\tarp hlen != 6 counter drop\n"
		      "\t\tarp plen != 4 counter drop\n"
		      "\t\tarp operation != { request, reply } counter drop\n"
		      "\t\tarp saddr ip 0.0.0.0 arp operation request "
		      "iifname . ether saddr . arp daddr ip @known_own4 "
		      "iifname . arp saddr ether . arp daddr ip @known_own4 accept\n"
		      "\t\tiifname . ether saddr . arp saddr ip @known_own4 "
		      "iifname . arp saddr ether . arp saddr ip @known_own4 goto arp_own\n"
		      "\t\tether saddr @known_macs iifname . ether saddr != @known_mac counter "
		      "drop\n"
		      "\t\tarp saddr ether @known_macs iifname . arp saddr ether != @known_mac "
		      "counter drop\n"
		      "\t\tarp saddr ip @known_all4 counter drop\n"
		      "\t\tarp saddr ip 0.0.0.0 counter drop\n");
	put_rule(c, (struct rule){"arp saddr ip", false, PLAIN, EVERYBODYS, "counter drop"}, out);
	put_rule(c, (struct rule){"arp saddr ip", false, PLAIN, RESTRICTED, "counter drop"}, out);
	put_rule(c, (struct rule){"arp daddr ip", false, PLAIN, EVERYBODYS, "accept"}, out);
	text_put(out, "\t\tcounter drop\n\t}\n");
}

/* What also a device does that is not admitted: to find those that all may reach, and to
 * be found by them. */
static void
put_nd_anybody(const struct gate_config *c, struct text *out)
{
	text_put(out, "\tchain nd_anybody {\n"
		      "\t\ticmpv6 type nd-router-solicit accept\n"
		      "\t\ticmpv6 type nd-neighbor-solicit ip6 saddr :: accept\n");
	put_rule(c, (struct rule){"icmpv6 type nd-neighbor-solicit " TARGET, true, RAW, EVERYBODYS,
				  "accept"}, out);
	put_rule(c, (struct rule){"icmpv6 type nd-neighbor-advert ip6 daddr", true, PLAIN,
				  EVERYBODYS, "accept"}, out);
	put_rule(c, (struct rule){"iifname . ether saddr . ip6 saddr @restricted_from6 "
				  "icmpv6 type nd-neighbor-solicit " TARGET, true, RAW, RESTRICTED,
				  "accept"}, out);
	put_rule(c, (struct rule){"iifname . ether saddr . ip6 saddr @restricted_from6 "
				  "icmpv6 type nd-neighbor-advert ip6 daddr", true, PLAIN,
				  RESTRICTED, "accept"}, out);
	text_put(out, "\t\tcounter drop\n\t}\n");
}

/* Routers are on no device's port; an advertisement is of one's own address. */
static void
put_nd_from(const struct gate_config *c, struct text *out)
{
	static const char advert[] = "icmpv6 type nd-neighbor-advert " TARGET;

	put_nd_anybody(c, out);
	text_put(out, "\tchain nd_from {\n"
		      "\t\tip6 hoplimit != 255 counter drop\n"
		      "\t\ticmpv6 type { nd-router-advert, nd-redirect } counter drop\n"
		      "\t\tjump not_others\n"
		      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } " TARGET
		      " @known_allnd iifname . ether saddr . " TARGET " @known_nd goto nd_own\n"
		      "\t\t%s @known_allnd counter drop\n"
		      "\t\ticmpv6 type nd-neighbor-solicit ip6 saddr :: " TARGET
		      " @known_allnd counter drop\n", advert);
	for (unsigned whose = EVERYBODYS; whose <= RESTRICTED; whose++)
		put_rule(c, (struct rule){advert, true, RAW, whose, "counter drop"}, out);
	text_put(out, "\t\ticmpv6 type nd-neighbor-advert goto nd_anybody\n"
		      "\t\tgoto nd_own\n\t}\n");
}

static void
put_nd_own(struct text *out)
{
	text_put(out, "\tchain nd_own {\n"
		      "\t\tiifname . ether saddr . ip6 saddr @admitted_from6 accept\n"
		      "\t\tgoto nd_anybody\n\t}\n");
}

static void
put_from(const struct gate_config *c, struct text *out)
{
	put_not_others(c, out);
	put_arp_from(c, out);
	put_nd_from(c, out);
	text_put(out, "\tchain from_restricted {\n");
	put_to_endpoints(c->restricted, c->nrestricted, out);
	text_put(out, "\t}\n\tchain from_devices {\n"
		      "\t\tether type != { ip, ip6, arp } counter drop\n"
		      "\t\tether type arp goto arp_from\n"
		      "\t\ticmpv6 type " ND_TYPES " goto nd_from\n"
		      "\t\tiifname . ether saddr . ip saddr @admitted_from4 accept\n"
		      "\t\tiifname . ether saddr . ip6 saddr @admitted_from6 accept\n"
		      "\t\tjump not_others\n");
	put_to_endpoints(c->always, c->nalways, out);
	text_put(out, "\t\tiifname . ether saddr . ip saddr @restricted_from4 jump "
		      "from_restricted\n"
		      "\t\tiifname . ether saddr . ip6 saddr @restricted_from6 "
		      "jump from_restricted\n"
		      "\t\ticmpv6 type { mld-listener-report, mld-listener-done, "
		      "mld2-listener-report } accept\n"
		      "\t\tcounter drop\n\t}\n");
}

/* ---- to a device's port ---- */

static void
put_arp_to(const struct gate_config *c, struct text *out)
{
	text_put(out, "\tchain arp_to {\n"
		      "\t\toifname . arp daddr ip @admitted_to4 accept\n");
	put_rule(c, (struct rule){"arp saddr ip", false, PLAIN, EVERYBODYS, "accept"}, out);
	put_rule(c, (struct rule){"oifname . arp daddr ip @restricted_to4 arp saddr ip", false,
				  PLAIN, RESTRICTED, "accept"}, out);
	text_put(out, "\t\tcounter drop\n\t}\n");
}

static void
put_nd_to(const struct gate_config *c, struct text *out)
{
	text_put(out, "\tchain nd_to {\n"
		      "\t\ticmpv6 type nd-router-advert accept\n"
		      "\t\ticmpv6 type nd-neighbor-solicit oifname . " TARGET
		      " @admitted_nd accept\n"
		      "\t\ticmpv6 type nd-neighbor-advert oifname . ether daddr . ip6 daddr "
		      "@admitted_from6 accept\n");
	put_rule(c, (struct rule){"ip6 saddr", true, PLAIN, EVERYBODYS, "accept"}, out);
	put_rule(c, (struct rule){"icmpv6 type nd-neighbor-solicit oifname . " TARGET
				  " @restricted_nd ip6 saddr", true, PLAIN, RESTRICTED, "accept"},
		 out);
	put_rule(c, (struct rule){"icmpv6 type nd-neighbor-advert oifname . ether daddr . "
				  "ip6 daddr @restricted_from6 ip6 saddr", true, PLAIN, RESTRICTED,
				  "accept"}, out);
	text_put(out, "\t\tcounter drop\n\t}\n");
}

static void
put_to(const struct gate_config *c, struct text *out)
{
	put_arp_to(c, out);
	put_nd_to(c, out);
	text_put(out, "\tchain to_restricted {\n");
	put_from_endpoints(c->restricted, c->nrestricted, out);
	text_put(out, "\t}\n\tchain to_devices {\n"
		      "\t\tether type != { ip, ip6, arp } counter drop\n"
		      "\t\tether type arp goto arp_to\n"
		      "\t\ticmpv6 type " ND_TYPES " goto nd_to\n"
		      "\t\toifname . ether daddr . ip daddr @admitted_from4 accept\n"
		      "\t\toifname . ether daddr . ip6 daddr @admitted_from6 accept\n");
	put_from_endpoints(c->always, c->nalways, out);
	text_put(out, "\t\toifname . ether daddr . ip daddr @restricted_from4 jump to_restricted\n"
		      "\t\toifname . ether daddr . ip6 daddr @restricted_from6 "
		      "jump to_restricted\n"
		      "\t\tiifname != ");
	put_ports(c, out);
	text_put(out, " icmp type destination-unreachable icmp code frag-needed accept\n"
		      "\t\tiifname != ");
	put_ports(c, out);
	text_put(out, " icmpv6 type { packet-too-big, mld-listener-query } accept\n"
		      "\t\tcounter drop\n\t}\n");
}

/* ---- all ---- */

static void
put_base(const struct gate_config *c, const char *hook, const char *end, struct text *out)
{
	text_put(out, "\tchain %s {\n\t\ttype filter hook %s priority filter; policy accept;\n"
		      "\t\t%s ", hook, hook, end);
	put_ports(c, out);
}

void
bridge_chains(const struct gate_config *c, struct text *out)
{
	put_nd_own(out);
	put_from(c, out);
	put_to(c, out);
	put_base(c, "prerouting", "iifname", out);
	text_put(out, " jump from_devices\n\t}\n");
	/* frames for the bridge itself, which it would learn from: spanning tree, LLDP... */
	put_base(c, "input", "iifname", out);
	text_put(out, " ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 counter drop\n\t}\n");
	put_base(c, "forward", "oifname", out);
	text_put(out, " jump to_devices\n\t}\n");
	put_base(c, "output", "oifname", out);
	text_put(out, " jump to_devices\n\t}\n");
}
