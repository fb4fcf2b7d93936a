/*
 * rules.h: decisions as nftables text (nft(8)). Pure.
 *
 * One table, "inet assay_gate". What comes from or goes to a device's interface is dropped
 * unless the device is in a set, or the other end is one that all may reach. Elements have
 * the time-out of the decision: the kernel forgets them, whether or not a gate is alive.
 */
#ifndef GATE_RULES_H
#define GATE_RULES_H

#include "config.h"
#include "devices.h"

#define RULES_BYTES_MAX (64u << 20)
#define RULES_TABLE "inet assay_gate"
/* The same rules beside it, asleep: what the kernel would show of them */
#define RULES_PROBE "inet assay_gate_probe"

/* Text that grows; failed: memory is exhausted or it would be too long. */
struct text {
	char *p;
	size_t n, cap;
	bool failed;
};
void text_put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

/* X(SET, "name", "type of its elements"): of admitted and of restricted devices */
#define RULES_SETS(X)                                                                          \
	X(FROM4, "from4", "ifname . ether_addr . ipv4_addr", "ifname . ipv4_addr")             \
	X(FROM6, "from6", "ifname . ether_addr . ipv6_addr", "ifname . ipv6_addr")             \
	X(TO4, "to4", "ifname . ipv4_addr", "ifname . ipv4_addr")                              \
	X(TO6, "to6", "ifname . ipv6_addr", "ifname . ipv6_addr")

enum rules_set {
#define X(set, name, with_mac, without) RULES_##set,
	RULES_SETS(X)
#undef X
	RULES_SET_COUNT
};
/* "admitted_from4", "restricted_to6"; NULL if there is none such. */
const char *rules_set_name(enum record_outcome o, enum rules_set s, char buf[32]);

/* The table with empty sets, replacing whatever is there: nobody passes. Its comment names
 * whose decisions it is for (root and filter): others' are not taken over. */
void rules_table(const struct gate_config *c, struct text *out);
/* The same as RULES_PROBE, which filters nothing. */
void rules_probe(const struct gate_config *c, struct text *out);

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
void rules_batch(const struct rules_elements *e, int64_t now, struct text *out);

#endif
