/* rules.c: see rules.h. */
#include "rules.h"

#include "evidence/digest.h"
#include "evidence/hex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_STEP 65536
#define ELEMENTS_STEP 1024
#define COMMENT_BYTES 16

/* ---- text ---- */

static bool
make_room(struct text *t, size_t n)
{
	size_t cap = t->cap;
	char *p;

	while (cap - t->n <= n)
		cap += TEXT_STEP;
	if (cap == t->cap)
		return true;
	p = cap <= RULES_BYTES_MAX ? realloc(t->p, cap) : NULL;
	if (!p)
		return false;
	t->p = p;
	t->cap = cap;
	return true;
}

void
text_put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || t->failed || !make_room(t, (size_t)n)) {
		t->failed = true;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
	va_end(ap);
	t->n += (size_t)n;
}

void
text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){.p = NULL};
}

/* ---- the table ---- */

static const struct {
	const char *name, *with_mac, *without;
} sets[] = {
#define X(set, name, with_mac, without) {name, with_mac, without},
	RULES_SETS(X)
#undef X
};

const char *
rules_set_name(enum record_outcome o, enum rules_set s, char buf[32])
{
	const char *whose = o == RECORD_ADMIT ? "admitted" : o == RECORD_RESTRICT ? "restricted"
										: NULL;

	if (!whose || (unsigned)s >= RULES_SET_COUNT)
		return NULL;
	(void)snprintf(buf, 32, "%s_%s", whose, sets[s].name);
	return buf;
}

static void
put_sets(const struct gate_config *c, enum record_outcome o, struct text *out)
{
	char name[32];

	for (unsigned s = 0; s < RULES_SET_COUNT; s++)
		text_put(out, "\tset %s { type %s; flags timeout; }\n",
			 rules_set_name(o, (enum rules_set)s, name),
			 c->match_mac ? sets[s].with_mac : sets[s].without);
}

/* To these ends, or back from them. */
static void
put_endpoints(const struct gate_endpoint *list, unsigned n, bool back, struct text *out)
{
	for (unsigned i = 0; i < n; i++)
		text_put(out, "\t\t%s%s %s %s %s %s %u return\n",
			 back ? "ct state established,related " : "", list[i].ip6 ? "ip6" : "ip",
			 back ? "saddr" : "daddr", list[i].address, list[i].protocol,
			 back ? "sport" : "dport", list[i].port);
}

/* From a device: it must be in a set with the addresses that the packet has. */
static void
put_from(const struct gate_config *c, struct text *out)
{
	const char *mac = c->match_mac ? " . ether saddr" : "";

	text_put(out, "\tchain from_devices {\n");
	text_put(out, "\t\tiifname%s . ip saddr @admitted_from4 return\n", mac);
	text_put(out, "\t\tiifname%s . ip6 saddr @admitted_from6 return\n", mac);
	put_endpoints(c->always, c->nalways, false, out);
	text_put(out, "\t\tiifname%s . ip saddr @restricted_from4 jump from_restricted\n", mac);
	text_put(out, "\t\tiifname%s . ip6 saddr @restricted_from6 jump from_restricted\n", mac);
	text_put(out, "\t\tcounter drop\n\t}\n");
	text_put(out, "\tchain from_restricted {\n");
	for (unsigned i = 0; i < c->nrestricted; i++) {
		const struct gate_endpoint *e = &c->restricted[i];

		text_put(out, "\t\t%s daddr %s %s dport %u accept\n", e->ip6 ? "ip6" : "ip",
			 e->address, e->protocol, e->port);
	}
	text_put(out, "\t}\n");
}

/* To a device: an admitted one, or an answer that another waits for. */
static void
put_to(const struct gate_config *c, struct text *out)
{
	text_put(out, "\tchain to_devices {\n"
		      "\t\toifname . ip daddr @admitted_to4 return\n"
		      "\t\toifname . ip6 daddr @admitted_to6 return\n");
	put_endpoints(c->always, c->nalways, true, out);
	text_put(out, "\t\toifname . ip daddr @restricted_to4 jump to_restricted\n"
		      "\t\toifname . ip6 daddr @restricted_to6 jump to_restricted\n"
		      "\t\tcounter drop\n\t}\n"
		      "\tchain to_restricted {\n");
	for (unsigned i = 0; i < c->nrestricted; i++) {
		const struct gate_endpoint *e = &c->restricted[i];

		text_put(out, "\t\tct state established,related %s saddr %s %s sport %u accept\n",
			 e->ip6 ? "ip6" : "ip", e->address, e->protocol, e->port);
	}
	text_put(out, "\t}\n");
}

static void
put_interfaces(const struct gate_config *c, struct text *out)
{
	text_put(out, "{ ");
	for (unsigned i = 0; i < c->ninterfaces; i++)
		text_put(out, "%s\"%s\"", i ? ", " : "", c->interfaces[i]);
	text_put(out, " }");
}

/* Whose decisions: 32 hex digits of SHA-256 over root, class and labels. */
static void
put_comment(const struct gate_config *c, struct text *out)
{
	char about[JWS_KID_SIZE + RECORD_CLASS_MAX + RECORD_LABELS_MAX + 3];
	char hex[2 * COMMENT_BYTES + 1];
	struct digest d;

	(void)snprintf(about, sizeof about, "%s\n%s\n%s", c->root, c->class_name, c->labels);
	if (digest_compute(ALG_SHA256, SPAN(about, strlen(about)), &d) != ASSAY_OK ||
	    hex_encode(SPAN(d.b, COMMENT_BYTES), hex, sizeof hex) != ASSAY_OK) {
		out->failed = true;
		return;
	}
	text_put(out, "\tcomment \"decisions %s\"\n", hex);
}

static void
put_table(const struct gate_config *c, const char *name, struct text *out)
{
	text_put(out, "table %s { }\ndelete table %s\ntable %s {\n", name, name, name);
	if (strcmp(name, RULES_PROBE) == 0)
		text_put(out, "\tflags dormant\n");
	put_comment(c, out);
	put_sets(c, RECORD_ADMIT, out);
	put_sets(c, RECORD_RESTRICT, out);
	put_from(c, out);
	put_to(c, out);
	text_put(out, "\tchain forward {\n"
		      "\t\ttype filter hook forward priority filter; policy accept;\n"
		      "\t\toifname ");
	put_interfaces(c, out);
	text_put(out, " jump to_devices\n\t\tiifname ");
	put_interfaces(c, out);
	text_put(out, " jump from_devices\n\t}\n}\n");
}

void
rules_table(const struct gate_config *c, struct text *out)
{
	put_table(c, RULES_TABLE, out);
}

void
rules_probe(const struct gate_config *c, struct text *out)
{
	put_table(c, RULES_PROBE, out);
}

/* ---- elements ---- */

void
rules_elements_free(struct rules_elements *e)
{
	free(e->list);
	*e = (struct rules_elements){.list = NULL};
}

void
rules_add(struct rules_elements *to, const struct rules_element *e)
{
	struct rules_element *list;

	if (to->n == to->cap) {
		list = realloc(to->list, (to->cap + ELEMENTS_STEP) * sizeof *list);
		if (!list) {
			to->failed = true;
			return;
		}
		to->list = list;
		to->cap += ELEMENTS_STEP;
	}
	to->list[to->n++] = *e;
}

/* The addresses were written by the verifier in one form; anything else is not used. */
static bool
plain(const char *s, const char *allowed)
{
	return *s && s[strspn(s, allowed)] == '\0';
}

static const char *
mac_of(const char *address)
{
	return strncmp(address, "mac ", 4) == 0 && plain(address + 4, "0123456789abcdef:")
		       ? address + 4
		       : NULL;
}

static const char *
ip_of(const char *address)
{
	return strncmp(address, "ip ", 3) == 0 && plain(address + 3, "0123456789abcdef:.")
		       ? address + 3
		       : NULL;
}

static void
add_ip(const struct gate_config *c, const struct gate_device *d, const char *ip,
       struct rules_element e, struct rules_elements *ret)
{
	bool ip6 = strchr(ip, ':') != NULL;

	for (unsigned i = 0; i < c->ninterfaces; i++) {
		const char *interface = c->interfaces[i];

		e.set = ip6 ? RULES_FROM6 : RULES_FROM4;
		for (unsigned k = 0; c->match_mac && k < d->naddresses; k++) {
			const char *mac = mac_of(d->addresses[k]);

			if (!mac)
				continue;
			(void)snprintf(e.key, sizeof e.key, "%s %s %s", interface, mac, ip);
			rules_add(ret, &e);
		}
		(void)snprintf(e.key, sizeof e.key, "%s %s", interface, ip);
		if (!c->match_mac)
			rules_add(ret, &e);
		e.set = ip6 ? RULES_TO6 : RULES_TO4;
		rules_add(ret, &e);
	}
}

static bool
has_mac(const struct gate_device *d)
{
	for (unsigned k = 0; k < d->naddresses; k++)
		if (mac_of(d->addresses[k]))
			return true;
	return false;
}

int
rules_order(const struct rules_element *a, const struct rules_element *b)
{
	if (a->outcome != b->outcome)
		return a->outcome < b->outcome ? -1 : 1;
	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int
by_place(const void *a, const void *b)
{
	return rules_order(a, b);
}

void
rules_sort(struct rules_elements *e)
{
	if (e->n > 1)
		qsort(e->list, e->n, sizeof e->list[0], by_place);
}

/* One address is one device's; should two have it all the same, the shorter time counts. */
static void
drop_doubles(struct rules_elements *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		if (n > 0 && rules_order(&e->list[n - 1], &e->list[i]) == 0) {
			if (e->list[i].until < e->list[n - 1].until)
				e->list[n - 1].until = e->list[i].until;
			continue;
		}
		e->list[n++] = e->list[i];
	}
	e->n = n;
}

void
rules_elements(const struct gate_config *c, const struct gate_devices *d, const struct gate_time *t,
	       struct rules_elements *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < d->n; i++) {
		const struct gate_device *device = &d->list[i];
		struct rules_element e = {.set = RULES_FROM4};

		e.outcome = devices_outcome(device, t, &e.until);
		if (e.outcome == RECORD_QUARANTINE || (c->match_mac && !has_mac(device)))
			continue;
		for (unsigned k = 0; k < device->naddresses; k++) {
			const char *ip = ip_of(device->addresses[k]);

			if (ip)
				add_ip(c, device, ip, e, ret);
		}
	}
	rules_sort(ret);
	drop_doubles(ret);
}

/* "eth1 02:.. 192.0.2.7" as nft reads it: the interface in quotes. */
static void
put_key(const char *key, struct text *out)
{
	size_t n = strcspn(key, " ");

	text_put(out, "\"%.*s\"", (int)n, key);
	for (key += n; *key; key += n) {
		key++;
		n = strcspn(key, " ");
		text_put(out, " . %.*s", (int)n, key);
	}
}

void
rules_batch(const struct rules_elements *e, int64_t now, struct text *out)
{
	char name[32];

	for (unsigned s = 0; s < RULES_SET_COUNT; s++) {
		text_put(out, "flush set %s %s\n", RULES_TABLE,
			 rules_set_name(RECORD_ADMIT, (enum rules_set)s, name));
		text_put(out, "flush set %s %s\n", RULES_TABLE,
			 rules_set_name(RECORD_RESTRICT, (enum rules_set)s, name));
	}
	for (size_t i = 0; i < e->n; i++) {
		const struct rules_element *x = &e->list[i];
		bool first = i == 0 || e->list[i - 1].outcome != x->outcome ||
			     e->list[i - 1].set != x->set;
		bool last = i + 1 == e->n || e->list[i + 1].outcome != x->outcome ||
			    e->list[i + 1].set != x->set;

		if (x->until <= now)
			continue;
		if (first)
			text_put(out, "add element %s %s {", RULES_TABLE,
				 rules_set_name(x->outcome, x->set, name));
		text_put(out, "%s ", first ? "" : ",");
		put_key(x->key, out);
		text_put(out, " timeout %llds", (long long)(x->until - now));
		if (last)
			text_put(out, " }\n");
	}
	out->failed |= e->failed;
}
