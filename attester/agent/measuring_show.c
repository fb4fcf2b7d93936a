/* measuring_show.c: `assay-attester measure`: what would be sent, for who writes a
 * configuration; see measuring.h. Claims are printable ASCII. */
#include "measuring.h"

#include "attester/collect/health.h"
#include "evidence/hex.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
put_json(const char *key, struct span s, const char *end)
{
	printf("\"%s\":\"", key);
	for (size_t i = 0; i < s.n; i++)
		printf(s.p[i] == '"' || s.p[i] == '\\' ? "\\%c" : "%c", s.p[i]);
	printf("\"%s", end);
}

static const char *
digest_text(const struct msg_software *s, char ret[80])
{
	memcpy(ret, "sha256:", 8);
	if (s->digest.n != 32 || hex_encode(s->digest, ret + 7, 73) != ASSAY_OK)
		ret[0] = '\0';
	return ret;
}

static const char *
unit_of(const struct msg_health *h)
{
	const struct health_info *i = health_info(health_by_name(h->name));

	return i ? i->unit : "";
}

static void
show_json(const struct msg_claims *c)
{
	char digest[80];

	printf("{\"software\":[");
	for (size_t i = 0; i < c->nsoftware; i++) {
		const struct msg_software *s = &c->software[i];

		printf(i ? ",{" : "{");
		put_json("name", s->name, ",");
		put_json("kind", s->kind, ",");
		put_json("version", s->version, ",");
		printf("\"digest\":\"%s\",\"size\":%llu,", digest_text(s, digest),
		       (unsigned long long)s->size);
		put_json("note", s->note, "}");
	}
	printf("],\"settings\":[");
	for (size_t i = 0; i < c->nsettings; i++) {
		printf(i ? ",{" : "{");
		put_json("item", c->settings[i].item, ",");
		put_json("key", c->settings[i].key, ",");
		put_json("value", c->settings[i].value, ",");
		put_json("note", c->settings[i].note, "}");
	}
	printf("],\"health\":[");
	for (size_t i = 0; i < c->nhealth; i++) {
		printf(i ? ",{" : "{");
		put_json("name", c->health[i].name, ",");
		put_json("instance", c->health[i].instance, ",");
		put_json("value", c->health[i].value, ",");
		printf("\"unit\":\"%s\"}", unit_of(&c->health[i]));
	}
	printf("]}\n");
}

static void
show_text(const struct msg_claims *c)
{
	char digest[80];

	for (size_t i = 0; i < c->nsoftware; i++) {
		const struct msg_software *s = &c->software[i];

		printf("%.*s (%.*s%s%.*s)\n    ", (int)s->name.n, (const char *)s->name.p,
		       (int)s->kind.n, (const char *)s->kind.p, s->version.n ? ", version " : "",
		       (int)s->version.n, s->version.n ? (const char *)s->version.p : "");
		if (s->note.n)
			printf("NOT MEASURED: %.*s: %s\n", (int)s->note.n, (const char *)s->note.p,
			       software_note_text(software_note_by_name(s->note)));
		else
			printf("%s, %llu %s\n", digest_text(s, digest), (unsigned long long)s->size,
			       software_kind_has_manifest(software_kind_by_name(s->kind))
				       ? "entries"
				       : "bytes");
	}
	for (size_t i = 0; i < c->nsettings; i++) {
		const struct msg_setting *s = &c->settings[i];

		printf("%.*s: %.*s = %.*s%s%.*s%s\n", (int)s->item.n, (const char *)s->item.p,
		       (int)s->key.n, (const char *)s->key.p, (int)s->value.n,
		       (const char *)s->value.p, s->note.n ? "(" : "", (int)s->note.n,
		       (const char *)s->note.p, s->note.n ? ")" : "");
	}
	for (size_t i = 0; i < c->nhealth; i++) {
		const struct msg_health *h = &c->health[i];

		printf("%.*s%s%.*s%s = %.*s %s\n", (int)h->name.n, (const char *)h->name.p,
		       h->instance.n ? "[" : "", (int)h->instance.n, (const char *)h->instance.p,
		       h->instance.n ? "]" : "", (int)h->value.n, (const char *)h->value.p,
		       unit_of(h));
	}
}

static bool
all_measured(const struct msg_claims *c)
{
	for (size_t i = 0; i < c->nsoftware; i++)
		if (c->software[i].note.n)
			return false;
	return true;
}

static int
measure(const struct options *o, const struct measure_config *config, int root)
{
	static struct health_entry entries[HEALTH_ENTRIES_MAX];
	struct measure m;
	struct health h = {.m = &m, .mounts = config->mounts, .only = config->health_claims,
			   .v = entries};
	struct msg_claims c;
	int status = AGENT_FAULT;

	if (measure_init(&m, root, config->items, config->n) == ASSAY_OK) {
		m.rate = config->rate;
		measure_round(&m, true);
		if (config->health)
			health_collect(&h);
		if (snapshot_make(&m, &h, &c) == ASSAY_OK) {
			(o->json ? show_json : show_text)(&c);
			status = all_measured(&c) ? AGENT_YES : AGENT_NEGATIVE;
			snapshot_free(&c);
		}
	}
	measure_free(&m);
	return status;
}

int
measuring_show(const struct options *o)
{
	struct measure_config c;
	const char *slash;
	int status, root;

	if (!config_measure_read(o->config, &c, &status)) {
		config_measure_free(&c);
		return status;
	}
	slash = c.root ? c.root : "/";
	root = open(slash, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		status = report_fatal(AGENT_NO_ACCESS, "%s: %s", slash, strerror(errno));
	} else {
		status = measure(o, &c, root);
		close(root);
	}
	config_measure_free(&c);
	return status;
}
