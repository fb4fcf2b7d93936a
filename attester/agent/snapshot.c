/* snapshot.c: results of measuring as claims, see collector.h. */
#include "collector.h"

#include "attester/collect/health.h"
#include "evidence/envelope.h"

#include <stdlib.h>
#include <string.h>

static struct span
text(const char *s)
{
	return SPAN(s, strlen(s));
}

static struct msg_software
software(const struct item *it, const struct result *r, bool pending)
{
	enum software_note note = pending ? NOTE_PENDING : r->note;
	struct msg_software s = {.name = text(it->name),
				 .kind = text(software_kind_name(it->kind)),
				 .version = text(r->version)};

	if (note != NOTE_NONE) {
		s.note = text(software_note_name(note));
		return s;
	}
	s.alg = ALG_SHA256;
	s.digest = SPAN(r->digest, sizeof r->digest);
	s.size = r->size;
	s.age = (uint32_t)((measure_now_ns() - r->read_ns) / 1000000000u);
	return s;
}

static int
by_key(const void *a, const void *b)
{
	const struct told *x = *(const struct told *const *)a, *y = *(const struct told *const *)b;

	return strcmp(x->key, y->key);
}

/* Keys of one item, ascending, each once. */
static enum assay_err
settings(const struct item *it, const struct result *r, bool pending, struct msg_claims *c)
{
	const struct told *order[MEASURE_REPORTS_MAX];

	if (r->ntold > MEASURE_REPORTS_MAX || c->nsettings + r->ntold > MSG_SETTINGS_MAX)
		return ASSAY_TOO_MANY;
	for (size_t i = 0; i < r->ntold; i++)
		order[i] = &r->told[i];
	qsort(order, r->ntold, r->ntold ? sizeof order[0] : 1, by_key);
	for (size_t i = 0; i < r->ntold; i++) {
		enum software_note note = pending ? NOTE_PENDING : order[i]->note;

		if (i > 0 && strcmp(order[i - 1]->key, order[i]->key) == 0)
			continue;
		c->settings[c->nsettings++] = (struct msg_setting){
			text(it->name), text(order[i]->key),
			note == NOTE_NONE ? text(order[i]->value) : SPAN("", 0),
			text(software_note_name(note))};
	}
	return ASSAY_OK;
}

enum assay_err
snapshot_make(const struct measure *m, const struct health *h, struct msg_claims *ret)
{
	struct msg_claims c = {.nsoftware = m->n};
	enum assay_err e = ASSAY_OK;

	c.software = calloc(m->n ? m->n : 1, sizeof *c.software);
	c.settings = calloc(MSG_SETTINGS_MAX, sizeof *c.settings);
	c.health = calloc(MSG_HEALTH_MAX, sizeof *c.health);
	if (!c.software || !c.settings || !c.health)
		e = ASSAY_NO_MEMORY;
	for (size_t i = 0; i < m->n && e == ASSAY_OK; i++) {
		bool pending = i == m->current; /* being read just now */

		c.software[i] = software(&m->items[i], &m->results[i], pending);
		e = settings(&m->items[i], &m->results[i], pending, &c);
	}
	for (size_t i = 0; h && i < h->n && e == ASSAY_OK; i++)
		c.health[c.nhealth++] = (struct msg_health){text(health_info(h->v[i].id)->name),
							    text(h->v[i].value),
							    text(h->v[i].instance)};
	if (e == ASSAY_OK)
		*ret = c;
	else
		snapshot_free(&c);
	return e;
}

void
snapshot_free(struct msg_claims *m)
{
	free(m->software);
	free(m->settings);
	free(m->health);
	*m = (struct msg_claims){.nsoftware = 0};
}
