/* softworld.c: see softworld.h. */
#include "softworld.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct span
text(const char *t)
{
	return SPAN(t, strlen(t));
}

void
softworld_init(struct softworld *s)
{
	memset(s, 0, sizeof *s);
	world_init(&s->w, "sb-good");
	s->claims.software = s->items;
	s->claims.health = s->health;
	s->claims.settings = s->settings;
	s->w.ask.more = &s->claims;
}

void
softworld_free(struct softworld *s)
{
	world_free(&s->w);
}

static int
compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0;

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

struct msg_software *
softworld_item(struct softworld *s, const char *name)
{
	size_t i = 0;

	while (i < s->claims.nsoftware && compare(s->items[i].name, text(name)) < 0)
		i++;
	if (i < s->claims.nsoftware && compare(s->items[i].name, text(name)) == 0)
		return &s->items[i];
	assert_true(s->claims.nsoftware < SOFTWORLD_ITEMS);
	memmove(&s->items[i + 1], &s->items[i],
		(s->claims.nsoftware - i) * sizeof s->items[0]);
	s->claims.nsoftware++;
	memset(&s->items[i], 0, sizeof s->items[i]);
	s->items[i].name = text(name);
	s->items[i].kind = text("file");
	return &s->items[i];
}

void
softworld_set(struct softworld *s, const char *name, const char *version, const char *content)
{
	struct msg_software *m = softworld_item(s, name);
	static uint8_t digests[256][32];
	static unsigned next;
	uint8_t *d = digests[next++ % 256];

	assert_int_equal(digest_sha256(text(content), d), ASSAY_OK);
	m->version = text(version);
	m->alg = ALG_SHA256;
	m->digest = SPAN(d, 32);
	m->note = SPAN(NULL, 0);
}

void
softworld_health(struct softworld *s, const char *name, const char *instance, const char *value)
{
	struct msg_health *h = &s->health[s->claims.nhealth];

	for (size_t i = 0; i < s->claims.nhealth; i++)
		if (compare(s->health[i].name, text(name)) == 0 &&
		    compare(s->health[i].instance, text(instance)) == 0) {
			s->health[i].value = text(value);
			return;
		}
	assert_true(s->claims.nhealth < SOFTWORLD_ITEMS);
	*h = (struct msg_health){text(name), text(value), text(instance)};
	s->claims.nhealth++;
}

void
softworld_setting(struct softworld *s, const char *item, const char *key, const char *value)
{
	assert_true(s->claims.nsettings < SOFTWORLD_ITEMS);
	s->settings[s->claims.nsettings++] =
		(struct msg_setting){text(item), text(key), text(value), SPAN(NULL, 0)};
}

static void
capture(struct softworld *s, const struct softset_source *how, enum reference_state state)
{
	static uint8_t memory[MSG_ARENA_MAX];
	struct reference_view *v = &s->w.in.references[s->w.in.nreferences];
	struct softset_source from = *how;
	struct evidence *e = &s->w.evidence;
	struct arena scratch;
	struct writer out;
	enum assay_err err;

	evidence_claims(&s->w.ask, e);
	from.claims = SPAN(e->claims, e->claims_len);
	from.verdict = s->w.v;
	arena_init(&scratch, memory, sizeof memory);
	wr_init(&out, s->sets[s->nsets], sizeof s->sets[0]);
	assert_true(s->nsets < 4);
	err = softset_capture(&from, &scratch, &out);
	if (err != ASSAY_OK)
		fail_msg("capture: %s", assay_err_text(err));
	s->nsets++;
	memset(v, 0, sizeof *v);
	v->compiled = wr_span(&out);
	v->kind = REF_KIND_SOFTWARE;
	v->state = state;
	v->baseline = from.baseline;
	assert_int_equal(digest_sha256(v->compiled, v->digest), ASSAY_OK);
	s->w.in.nreferences++;
}

void
softworld_capture(struct softworld *s, enum reference_state state, bool baseline)
{
	capture(s, &(struct softset_source){.baseline = baseline}, state);
}

void
softworld_capture_files(struct softworld *s, const struct span *files, size_t n)
{
	capture(s, &(struct softset_source){.files = files, .nfiles = n}, REF_PROMOTED);
}

void
softworld_policy(struct softworld *s, const char *more)
{
	char yaml[8192];

	snprintf(yaml, sizeof yaml, "%s%s", world_policy, more);
	world_set_policy(&s->w, yaml);
}
