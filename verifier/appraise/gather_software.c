/* gather_software.c: what the claims say of software, settings and health. See
 * appraisal.h. All of it is the device's word. */
#include "appraisal.h"

#include "evidence/health.h"
#include "evidence/software.h"
#include "text.h"

#include <string.h>

#define SHOWN_MAX 48	/* items that no rule names: for people */
#define LIST_MAX 2048	/* characters of a list */

/* As the lists of claims are ordered. */
static int
compare_names(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0; /* public */

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

const struct msg_software *
software_find(const struct appraisal *a, struct span name)
{
	size_t low = 0, high = a->claims.nsoftware;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct msg_software *s = &a->claims.software[mid];
		int d = compare_names(s->name, name);

		if (d == 0)
			return s;
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Once, whatever asks for it. */
static struct fact_value *
add(struct appraisal *a, enum fact_id id, struct span instance)
{
	struct fact_value *f;

	if (factset_find_instance(a->facts, id, instance, ALG_NONE))
		return NULL;
	f = factset_add(a->facts, id);
	f->instance = instance;
	return f;
}

static void
gather_item(struct appraisal *a, const struct msg_software *s)
{
	struct fact_value *f;
	struct digest d;

	if (s->version.n != 0 && (f = add(a, FACT_SOFTWARE_VERSION, s->name)) != NULL)
		f->text = s->version;
	if (digest_from(s->alg, s->digest, &d) == ASSAY_OK &&
	    (f = add(a, FACT_SOFTWARE_DIGEST, s->name)) != NULL)
		f->digest = d;
	if (s->kind.n != 0 && (f = add(a, FACT_SOFTWARE_KIND, s->name)) != NULL)
		f->text = s->kind;
	if ((f = add(a, FACT_SOFTWARE_CHANGING, s->name)) != NULL)
		f->number = software_note_by_name(s->note) == NOTE_CHANGED;
}

/* A value that is not canonical is no fact: to a rule it is missing. */
static void
gather_health(struct appraisal *a, const struct msg_health *h)
{
	enum health_id id = health_by_name(h->name);
	enum fact_id fact = fact_of_health(id, h->instance.n != 0);
	struct fact_value *f;
	int64_t number;

	if (fact == FACT_NONE ||
	    health_parse(health_info(id)->type, h->value, &number) != ASSAY_OK ||
	    (f = add(a, fact, h->instance)) == NULL)
		return;
	f->number = (uint64_t)number;
	f->text = h->value;
}

/* The names of instances in one list, with the value behind "=" where it is told. */
static void
gather_list(struct appraisal *a, enum health_id id, enum fact_id list)
{
	char *text = appraisal_alloc(a, LIST_MAX);
	bool any = false, with_value = id == HEALTH_LISTENER_ID;
	size_t n = 0;

	for (size_t i = 0; text && i < a->claims.nhealth; i++) {
		const struct msg_health *h = &a->claims.health[i];

		if (health_by_name(h->name) != id)
			continue;
		any = true;
		if (h->instance.n == 0)
			continue;
		if (h->instance.n + h->value.n + 3 > LIST_MAX - n)
			return; /* too long to be judged: missing */
		text_format(text + n, LIST_MAX - n, "%s%.*s%s%.*s", n ? " " : "",
			    (int)h->instance.n, (const char *)h->instance.p, with_value ? "=" : "",
			    with_value ? (int)h->value.n : 0, (const char *)h->value.p);
		for (n += n ? 1 : 0; text[n] != '\0'; n++)
			if (text[n] == ' ')
				text[n] = '_'; /* one word each */
	}
	if (any)
		add(a, list, SPAN(NULL, 0))->text = SPAN(text, n);
}

static void
gather_setting(struct appraisal *a, const struct msg_setting *s)
{
	size_t len = s->item.n + 1 + s->key.n;
	struct fact_value *f;
	char *name;

	if (s->note.n != 0 || (name = appraisal_alloc(a, len)) == NULL)
		return;
	memcpy(name, s->item.p, s->item.n);
	name[s->item.n] = '.';
	if (s->key.n)
		memcpy(name + s->item.n + 1, s->key.p, s->key.n);
	f = add(a, FACT_CONFIG, SPAN(name, len));
	if (f)
		f->text = s->value;
}

static bool
is_of_item(enum fact_id id)
{
	return id == FACT_SOFTWARE_VERSION || id == FACT_SOFTWARE_DIGEST ||
	       id == FACT_SOFTWARE_KIND || id == FACT_SOFTWARE_CHANGING;
}

/* What rules and section `software` name comes first: the set has an end, and what a
 * device says besides must not push it out. */
static void
gather_named(struct appraisal *a)
{
	struct policy p = a->policy;
	const struct msg_software *s;
	struct policy_rule r;

	while (a->has_policy && policy_next_rule(&p, &r))
		if (is_of_item(r.fact) && (s = software_find(a, r.instance)) != NULL)
			gather_item(a, s);
	for (size_t i = 0; i < a->policy.nsoftware; i++)
		if ((s = software_find(a, a->policy.software[i].name)) != NULL)
			gather_item(a, s);
}

static void
gather_age(struct appraisal *a)
{
	const struct fact_value *f =
		factset_find(a->facts, FACT_HEALTH_LAST_UPDATE, -1, ALG_NONE);

	if (f && a->in->now >= (int64_t)f->number)
		factset_number(a->facts, FACT_HEALTH_UPDATE_AGE,
			       (uint64_t)a->in->now - f->number);
}

void
gather_software(struct appraisal *a)
{
	const struct msg_claims *c = &a->claims;

	if (!a->has_claims)
		return;
	gather_named(a);
	for (size_t i = 0; i < c->nhealth; i++)
		if (c->health[i].instance.n == 0)
			gather_health(a, &c->health[i]);
	gather_age(a);
	gather_list(a, HEALTH_LISTENER_ID, FACT_HEALTH_LISTENING);
	gather_list(a, HEALTH_FAILED_UNITS_ID, FACT_HEALTH_FAILED);
	gather_list(a, HEALTH_EMPTY_PASSWORDS_ID, FACT_HEALTH_PASSWORDLESS);
	for (size_t i = 0; i < c->nhealth; i++)
		if (c->health[i].instance.n != 0)
			gather_health(a, &c->health[i]);
	for (size_t i = 0; i < c->nsettings; i++)
		gather_setting(a, &c->settings[i]);
	for (size_t i = 0; i < c->nsoftware && i < SHOWN_MAX; i++)
		gather_item(a, &c->software[i]);
}
