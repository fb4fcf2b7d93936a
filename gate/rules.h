/*
 * rules.h: decisions as nftables text (nft(8)). Pure.
 *
 * One table, "inet assay_gate" or, of a bridge, "bridge assay_gate". What comes from or goes
 * to a device's interface is dropped unless the device is in a set, or the other end is one
 * that all may reach. Elements have the time-out of the decision: the kernel forgets them,
 * whether or not a gate is alive. rules.c: table and router; bridge.c: a bridge's chains;
 * elements.c: what is in the sets.
 */
#ifndef GATE_RULES_H
#define GATE_RULES_H

#include "config.h"
#include "devices.h"

#define RULES_BYTES_MAX (64u << 20)
#define RULES_TABLE "assay_gate"
/* The same rules beside it, asleep: what the kernel would show of them */
#define RULES_PROBE "assay_gate_probe"
/* Instead of it, in both families, where no configuration says whom it is for */
#define RULES_SHUT "assay_gate_shut"

/* Text that grows; failed: memory is exhausted or it would be too long. */
struct text {
	char *p;
	size_t n, cap;
	bool failed;
};
void text_put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

/* Of admitted and of restricted devices, in both modes or on a bridge alone; or of all that
 * are known, so that none passes for another: these have no time-out, and open nothing. */
enum rules_use { RULES_BOTH, RULES_BRIDGE, RULES_KNOWN };

/* X(SET, "name", "its elements", the same with match: ip, use). A target is an address in
 * neighbour discovery. */
#define RULES_SETS(X)                                                                          \
	X(FROM4, "from4", "type ifname . ether_addr . ipv4_addr", "type ifname . ipv4_addr",   \
	  RULES_BOTH)                                                                          \
	X(FROM6, "from6", "type ifname . ether_addr . ipv6_addr", "type ifname . ipv6_addr",   \
	  RULES_BOTH)                                                                          \
	X(TO4, "to4", "type ifname . ipv4_addr", "type ifname . ipv4_addr", RULES_BOTH)        \
	X(TO6, "to6", "type ifname . ipv6_addr", "type ifname . ipv6_addr", RULES_BOTH)        \
	X(ND, "nd", "typeof oifname . @th,64,128", "", RULES_BRIDGE)                           \
	X(OWN4, "own4", "type ifname . ether_addr . ipv4_addr", "", RULES_KNOWN)               \
	X(OWN6, "own6", "type ifname . ether_addr . ipv6_addr", "", RULES_KNOWN)               \
	X(OWN_ND, "nd", "typeof iifname . ether saddr . @th,64,128", "", RULES_KNOWN)          \
	X(MAC, "mac", "type ifname . ether_addr", "", RULES_KNOWN)                             \
	X(MACS, "macs", "type ether_addr", "", RULES_KNOWN)                                    \
	X(ALL4, "all4", "type ipv4_addr", "", RULES_KNOWN)                                     \
	X(ALL6, "all6", "type ipv6_addr", "", RULES_KNOWN)                                     \
	X(ALL_ND, "allnd", "typeof @th,64,128", "", RULES_KNOWN)

enum rules_set {
#define X(set, name, with_mac, without, use) RULES_##set,
	RULES_SETS(X)
#undef X
	RULES_SET_COUNT
};
/* "admitted_from4", "restricted_to6", "known_macs" (of RECORD_QUARANTINE); NULL if there is
 * none such. */
const char *rules_set_name(enum record_outcome o, enum rules_set s, char buf[32]);
/* Whether it is there in this mode; whether its elements have no time-out; whether their
 * first part is an interface. */
bool rules_set_used(const struct gate_config *c, enum rules_set s);
bool rules_set_lasts(enum rules_set s);
bool rules_set_has_interface(enum rules_set s);
/* "inet", "bridge" */
const char *rules_family(const struct gate_config *c);

/* The table with empty sets, replacing whatever is there: nobody passes. Its comment names
 * whose decisions it is for (root and filter): others' are not taken over. */
void rules_table(const struct gate_config *c, struct text *out);
/* RULES_SHUT: nothing is forwarded. */
void rules_shut(const char *family, struct text *out);
/* The same as RULES_PROBE, which filters nothing. */
void rules_probe(const struct gate_config *c, struct text *out);

#define RULES_LASTING (INT64_MAX / 2) /* the end of what has no time-out */

/* An element as it should be in a set: the key as nft prints it in JSON, joined by
 * blanks, and the end of its decision. */
struct rules_element {
	enum record_outcome outcome;
	enum rules_set set;
	int64_t until;
	char key[GATE_INTERFACE_MAX + 80];
};
struct rules_elements {
	struct rules_element *list;
	size_t n, cap;
	bool failed;
};
void rules_elements_free(struct rules_elements *e);
/* All that should be in the sets now, in order. */
void rules_elements(const struct gate_config *c, const struct gate_devices *d,
		    const struct gate_time *t, struct rules_elements *ret);
/* In the order that rules_elements() gives. */
void rules_sort(struct rules_elements *e);
int rules_order(const struct rules_element *a, const struct rules_element *b);
void rules_add(struct rules_elements *to, const struct rules_element *e);
/* One batch that makes the sets hold exactly these: all of it or nothing happens. */
void rules_batch(const struct gate_config *c, const struct rules_elements *e, int64_t now,
		 struct text *out);

#endif
