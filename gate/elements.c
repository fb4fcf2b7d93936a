/* elements.c: what should be in the sets; see rules.h. */
#include "rules.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENTS_STEP 1024

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

/* One that nft refuses would hold up the whole batch, and with it who is to be put out. */
static const char *
mac_of(const char *address)
{
	static const char form[] = "xx:xx:xx:xx:xx:xx";
	const char *mac = address + 4;

	if (strncmp(address, "mac ", 4) != 0 || strlen(mac) != sizeof form - 1 ||
	    !plain(mac, "0123456789abcdef:"))
		return NULL;
	for (size_t i = 0; i < sizeof form - 1; i++)
		if ((form[i] == ':') != (mac[i] == ':'))
			return NULL;
	return mac;
}

static const char *
ip_of(const char *address)
{
	const char *ip = address + 3;
	uint8_t b[16];

	if (strncmp(address, "ip ", 3) != 0 || !plain(ip, "0123456789abcdef:."))
		return NULL;
	return inet_pton(strchr(ip, ':') ? AF_INET6 : AF_INET, ip, b) == 1 ? ip : NULL;
}

/* Where the device may be: at its places, or anywhere if it has none. */
static bool
is_place(const struct gate_config *c, const struct gate_device *d, const char *interface)
{
	bool placed = false;

	for (unsigned i = 0; i < c->nplaces; i++) {
		const struct gate_place *p = &c->places[i];

		if (strcmp(p->device, d->id) != 0 &&
		    (d->name[0] == '\0' || strcmp(p->device, d->name) != 0))
			continue;
		if (strcmp(p->interface, interface) == 0)
			return true;
		placed = true;
	}
	return !placed;
}

/* An IPv6 address as the number that neighbour discovery's targets are. */
static void
number_of(const char *ip, char ret[35])
{
	uint8_t b[16] = {0};
	size_t n = 0;

	ret[0] = '0', ret[1] = 'x', ret[2] = '\0';
	(void)inet_pton(AF_INET6, ip, b);
	for (unsigned i = 0; i < sizeof b; i++)
		if (n > 0 || b[i] != 0)
			n += (size_t)snprintf(ret + 2 + n, 33 - n, n ? "%02x" : "%x", b[i]);
}

/* What is added, part by part. */
struct adding {
	const struct gate_config *c;
	const struct gate_device *d;
	struct rules_element e;
	struct rules_elements *to;
};

static void __attribute__((format(printf, 3, 4)))
put(struct adding *a, enum rules_set set, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->e.key, sizeof a->e.key, fmt, ap);
	va_end(ap);
	a->e.set = set;
	if (rules_set_used(a->c, set))
		rules_add(a->to, &a->e);
}

static void
add_ip_at(struct adding *a, const char *interface, const char *ip)
{
	bool ip6 = strchr(ip, ':') != NULL;
	char number[35];

	for (unsigned k = 0; a->c->match_mac && k < a->d->naddresses; k++) {
		const char *mac = mac_of(a->d->addresses[k]);

		if (mac)
			put(a, ip6 ? RULES_FROM6 : RULES_FROM4, "%s %s %s", interface, mac, ip);
	}
	if (!a->c->match_mac)
		put(a, ip6 ? RULES_FROM6 : RULES_FROM4, "%s %s", interface, ip);
	put(a, ip6 ? RULES_TO6 : RULES_TO4, "%s %s", interface, ip);
	number_of(ip, number);
	if (ip6)
		put(a, RULES_ND, "%s %s", interface, number);
}

static void
add_ip(struct adding *a, const char *ip)
{
	for (unsigned i = 0; i < a->c->ninterfaces; i++)
		if (is_place(a->c, a->d, a->c->interfaces[i]))
			add_ip_at(a, a->c->interfaces[i], ip);
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

/* Whose a MAC address is, and where: whatever has been decided of it. */
static void
add_known_mac(struct adding *a, const char *mac)
{
	char number[35];

	put(a, RULES_MACS, "%s", mac);
	for (unsigned i = 0; i < a->c->ninterfaces; i++) {
		const char *interface = a->c->interfaces[i];

		if (!is_place(a->c, a->d, interface))
			continue;
		put(a, RULES_MAC, "%s %s", interface, mac);
		for (unsigned k = 0; k < a->d->naddresses; k++) {
			const char *ip = ip_of(a->d->addresses[k]);
			bool ip6 = ip && strchr(ip, ':');

			if (!ip)
				continue;
			put(a, ip6 ? RULES_OWN6 : RULES_OWN4, "%s %s %s", interface, mac, ip);
			number_of(ip, number);
			if (ip6)
				put(a, RULES_OWN_ND, "%s %s %s", interface, mac, number);
		}
	}
}

/* Without a MAC address nothing tells the device from one that takes its address. */
static void
add_known(struct adding *a)
{
	char number[35];

	a->e.outcome = RECORD_QUARANTINE;
	a->e.until = RULES_LASTING;
	for (unsigned k = 0; k < a->d->naddresses; k++) {
		const char *mac = mac_of(a->d->addresses[k]), *ip = ip_of(a->d->addresses[k]);

		if (mac)
			add_known_mac(a, mac);
		if (!ip)
			continue;
		put(a, strchr(ip, ':') ? RULES_ALL6 : RULES_ALL4, "%s", ip);
		number_of(ip, number);
		if (strchr(ip, ':'))
			put(a, RULES_ALL_ND, "%s", number);
	}
}

static void
add_device(struct adding *a, const struct gate_time *t)
{
	bool mac = has_mac(a->d);

	if (a->c->bridge && mac)
		add_known(a);
	a->e.outcome = devices_outcome(a->d, t, &a->e.until);
	if (a->e.outcome == RECORD_QUARANTINE || (a->c->match_mac && !mac))
		return;
	for (unsigned k = 0; k < a->d->naddresses; k++) {
		const char *ip = ip_of(a->d->addresses[k]);

		if (ip)
			add_ip(a, ip);
	}
}

void
rules_elements(const struct gate_config *c, const struct gate_devices *d, const struct gate_time *t,
	       struct rules_elements *ret)
{
	struct adding a = {.c = c, .to = ret};

	ret->n = 0;
	for (size_t i = 0; i < d->n; i++) {
		a.d = &d->list[i];
		add_device(&a, t);
	}
	rules_sort(ret);
	drop_doubles(ret);
}

/* "eth1 02:.. 192.0.2.7" as nft reads it: the interface in quotes. */
static void
put_key(const struct rules_element *e, struct text *out)
{
	bool quoted = rules_set_has_interface(e->set);
	const char *key = e->key;
	size_t n = strcspn(key, " ");

	text_put(out, quoted ? "\"%.*s\"" : "%.*s", (int)n, key);
	for (key += n; *key; key += n) {
		key++;
		n = strcspn(key, " ");
		text_put(out, " . %.*s", (int)n, key);
	}
}

static bool
same_set(const struct rules_elements *e, size_t i, size_t k)
{
	return k < e->n && e->list[i].outcome == e->list[k].outcome &&
	       e->list[i].set == e->list[k].set;
}

static void
put_elements(const struct gate_config *c, const struct rules_elements *e, int64_t now,
	     struct text *out)
{
	bool open = false;
	char name[32];

	for (size_t i = 0; i < e->n; i++) {
		const struct rules_element *x = &e->list[i];

		if (x->until > now && !open)
			text_put(out, "add element %s %s %s {", rules_family(c), RULES_TABLE,
				 rules_set_name(x->outcome, x->set, name));
		if (x->until > now) {
			text_put(out, "%s ", open ? "," : "");
			put_key(x, out);
			if (x->until != RULES_LASTING)
				text_put(out, " timeout %llds", (long long)(x->until - now));
			open = true;
		}
		if (open && !same_set(e, i, i + 1)) {
			text_put(out, " }\n");
			open = false;
		}
	}
}

void
rules_batch(const struct gate_config *c, const struct rules_elements *e, int64_t now,
	    struct text *out)
{
	char name[32];

	for (unsigned o = RECORD_QUARANTINE; o <= RECORD_ADMIT; o++)
		for (unsigned s = 0; s < RULES_SET_COUNT; s++)
			if (rules_set_used(c, s) && rules_set_name(o, s, name))
				text_put(out, "flush set %s %s %s\n", rules_family(c), RULES_TABLE,
					 name);
	put_elements(c, e, now, out);
	out->failed |= e->failed;
}
