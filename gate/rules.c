/* rules.c: see rules.h. */
#include "rules.h"

#include "bridge.h"

#include "evidence/digest.h"
#include "evidence/hex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_STEP 65536
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

static const struct set {
	const char *name, *with_mac, *without;
	enum rules_use use;
} sets[] = {
#define X(set, name, with_mac, without, use) {name, with_mac, without, use},
	RULES_SETS(X)
#undef X
};

const char *
rules_set_name(enum record_outcome o, enum rules_set s, char buf[32])
{
	static const char *const whose[] = {
		[RECORD_QUARANTINE] = "known", /* quarantined or not */
		[RECORD_RESTRICT] = "restricted",
		[RECORD_ADMIT] = "admitted",
	};

	if ((unsigned)o > RECORD_ADMIT || (unsigned)s >= RULES_SET_COUNT ||
	    (sets[s].use == RULES_KNOWN) != (o == RECORD_QUARANTINE))
		return NULL;
	(void)snprintf(buf, 32, "%s_%s", whose[o], sets[s].name);
	return buf;
}

bool
rules_set_used(const struct gate_config *c, enum rules_set s)
{
	return c->bridge || sets[s].use == RULES_BOTH;
}

bool
rules_set_lasts(enum rules_set s)
{
	return sets[s].use == RULES_KNOWN;
}

bool
rules_set_has_interface(enum rules_set s)
{
	return strstr(sets[s].with_mac, "ifname") != NULL;
}

static void
put_sets(const struct gate_config *c, struct text *out)
{
	char name[32];

	for (unsigned o = RECORD_QUARANTINE; o <= RECORD_ADMIT; o++)
		for (unsigned s = 0; s < RULES_SET_COUNT; s++) {
			const char *type = c->match_mac ? sets[s].with_mac : sets[s].without;

			if (!rules_set_used(c, s) || !rules_set_name(o, s, name))
				continue;
			text_put(out, "\tset %s { %s; %s}\n", name, type,
				 rules_set_lasts(s) ? "" : "flags timeout; ");
		}
}

const char *
rules_family(const struct gate_config *c)
{
	return c->bridge ? "bridge" : "inet";
}

/* ---- a router's chains ---- */

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
put_router(const struct gate_config *c, struct text *out)
{
	put_from(c, out);
	put_to(c, out);
	text_put(out, "\tchain forward {\n"
		      "\t\ttype filter hook forward priority filter; policy accept;\n"
		      "\t\toifname ");
	put_interfaces(c, out);
	text_put(out, " jump to_devices\n\t\tiifname ");
	put_interfaces(c, out);
	text_put(out, " jump from_devices\n\t}\n");
}

/* ---- all ---- */

static void
put_table(const struct gate_config *c, bool probe, struct text *out)
{
	char name[64];

	(void)snprintf(name, sizeof name, "%s %s", rules_family(c),
		       probe ? RULES_PROBE : RULES_TABLE);
	text_put(out, "table %s { }\ndelete table %s\ntable %s {\n", name, name, name);
	if (probe)
		text_put(out, "\tflags dormant\n");
	put_comment(c, out);
	put_sets(c, out);
	if (c->bridge)
		bridge_chains(c, out);
	else
		put_router(c, out);
	text_put(out, "}\n");
}

void
rules_table(const struct gate_config *c, struct text *out)
{
	put_table(c, false, out);
}

void
rules_shut(const char *family, struct text *out)
{
	text_put(out, "table %s " RULES_SHUT " {\n"
		      "\tchain forward {\n"
		      "\t\ttype filter hook forward priority filter; policy drop;\n"
		      "\t}\n}\n", family);
}

void
rules_probe(const struct gate_config *c, struct text *out)
{
	put_table(c, true, out);
}
