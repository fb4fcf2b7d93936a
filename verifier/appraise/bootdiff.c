/* bootdiff.c: see bootdiff.h. */
#include "bootdiff.h"

#include "boottext.h"
#include "bootwords.h"
#include "text.h"

#include <string.h>

#define WINDOW 32 /* how far apart equal events are looked for after a difference */

struct state {
	const struct bootdiff_input *in;
	struct bootdiff_work *work;
	struct bootdiff *ret;
	uint32_t pcr;
	size_t nlog, nref; /* of this PCR: work->log, work->reference */
};

const char *
bootdiff_kind_name(enum bootdiff_kind k)
{
	static const char *const names[BOOTDIFF_NKINDS] = {"changed", "added", "removed",
							   "retyped", "moved"};

	return k < BOOTDIFF_NKINDS ? names[k] : names[0];
}

/* ---- one side of a pair -------------------------------------------------- */

static const struct bootevent *
log_at(const struct state *s, size_t i)
{
	return &s->work->events[s->work->log[i]];
}

static const struct boot_ref_event *
ref_at(const struct state *s, size_t i)
{
	return &s->in->reference[s->work->reference[i]];
}

/* What a stored line says it is; without one, what events of its type mostly are. */
static enum boot_component
ref_component(const struct boot_ref_event *r)
{
	struct event ev = {.pcr = r->pcr, .type = r->type};
	struct bootreader reader;
	struct bootevent meaning;

	if (r->description.n > 0)
		return boottext_component(r->description);
	bootreader_init(&reader, EVENTLOG_AGILE, ALG_NONE);
	bootevent_read(&reader, &ev, &meaning);
	return meaning.component;
}

static void
ref_text(const struct boot_ref_event *r, char *ret, size_t cap)
{
	struct reader in;
	size_t n = 0;

	rd_init(&in, r->description); /* escaped when it was stored; once more to be sure */
	while (rd_left(&in) > 0 && n + 1 < cap) {
		uint8_t c = rd_u8(&in);

		ret[n++] = c >= 0x20 && c <= 0x7E ? (char)c : '?';
	}
	ret[n] = '\0';
}

static bool
same_digest(const struct bootevent *a, const struct boot_ref_event *b)
{
	return a->digest.n != 0 && span_equal(a->digest, digest_span(&b->digest));
}

/* ---- entries ------------------------------------------------------------- */

static unsigned
weight(const struct bootdiff_entry *e)
{
	return boot_component_rank(e->component) + (e->per_device ? 100 : 0);
}

/* A place for a difference: when all are taken, that of the least telling one. */
static struct bootdiff_entry *
place_for(struct bootdiff *d, const struct bootdiff_entry *e)
{
	struct bootdiff_entry *worst = &d->entries[0];

	if (d->n < BOOTDIFF_MAX)
		return &d->entries[d->n++];
	d->more = true;
	for (size_t i = 1; i < d->n; i++)
		if (weight(&d->entries[i]) > weight(worst))
			worst = &d->entries[i];
	return weight(e) < weight(worst) ? worst : NULL;
}

static void
fill_seen(const struct state *s, const struct bootevent *ev, struct bootdiff_entry *e)
{
	e->component = ev->component;
	e->event = ev->index;
	bootevent_text(ev, e->seen_text, sizeof e->seen_text);
	if (digest_from(s->in->bank, ev->digest, &e->seen) != ASSAY_OK)
		e->seen = (struct digest){0};
}

static void
fill_expected(const struct state *s, const struct boot_ref_event *r, struct bootdiff_entry *e)
{
	e->reference = (uint32_t)(r - s->in->reference);
	e->expected = r->digest;
	ref_text(r, e->expected_text, sizeof e->expected_text);
}

static void
explain(const struct bootevent *ev, const struct boot_ref_event *r, struct bootdiff_entry *e)
{
	char seen[BOOTTEXT_MAX] = "", expected[BOOTTEXT_MAX] = "";

	if (ev)
		bootevent_text(ev, seen, sizeof seen);
	if (r)
		ref_text(r, expected, sizeof expected);
	if (e->kind == BOOTDIFF_CHANGED)
		bootwords_changed(e->component, seen, expected, e->text, sizeof e->text);
	else if (e->kind == BOOTDIFF_ADDED)
		bootwords_added(e->component, seen, e->text, sizeof e->text);
	else if (e->kind == BOOTDIFF_REMOVED)
		bootwords_removed(e->component, expected, e->text, sizeof e->text);
	else if (e->kind == BOOTDIFF_MOVED)
		text_format(e->text, sizeof e->text,
			    "the same measurements in another order between PCRs: PCR %u where "
			    "PCR %u was",
			    ev->pcr, r->pcr);
	else
		text_format(e->text, sizeof e->text,
			    "event type of the same measurement changed: was %.60s, is %.60s",
			    bootevent_type_name(r->type) ? bootevent_type_name(r->type) : "unknown",
			    ev->type_name ? ev->type_name : "unknown");
}

static void
add(struct state *s, enum bootdiff_kind kind, const struct bootevent *ev,
    const struct boot_ref_event *r)
{
	struct bootdiff_entry e, *to;

	memset(&e, 0, sizeof e);
	e.kind = kind;
	e.pcr = s->pcr;
	e.event = e.reference = BOOT_NO_EVENT;
	if (r) {
		e.component = ref_component(r);
		fill_expected(s, r, &e);
	}
	if (ev)
		fill_seen(s, ev, &e);
	e.per_device = kind != BOOTDIFF_MOVED && boot_component_per_device(e.component);
	explain(ev, r, &e);
	s->ret->equal = false;
	if (!e.per_device)
		s->ret->per_device_only = false;
	to = place_for(s->ret, &e);
	if (to)
		*to = e;
}

/* ---- alignment ----------------------------------------------------------- */

/* Where both sides agree again: the smallest step over both. */
static void
resync(const struct state *s, size_t i, size_t j, size_t *ret_i, size_t *ret_j)
{
	for (size_t sum = 1; sum <= 2 * WINDOW; sum++) {
		for (size_t k = sum > WINDOW ? sum - WINDOW : 0; k <= sum && k <= WINDOW; k++) {
			size_t l = sum - k;

			if (i + k < s->nref && j + l < s->nlog &&
			    same_digest(log_at(s, j + l), ref_at(s, i + k))) {
				*ret_i = i + k;
				*ret_j = j + l;
				return;
			}
			if (i + k == s->nref && j + l == s->nlog) {
				*ret_i = s->nref;
				*ret_j = s->nlog;
				return;
			}
		}
	}
	*ret_i = i + 1 < s->nref ? i + 1 : s->nref;
	*ret_j = j + 1 < s->nlog ? j + 1 : s->nlog;
}

/* A stretch that differs: the same component on both sides is one that changed. */
static void
report_gap(struct state *s, const size_t ref[2], const size_t log[2])
{
	uint64_t paired = 0; /* bits of the log's side; the stretch is at most WINDOW long */

	for (size_t i = ref[0]; i < ref[1]; i++) {
		const struct boot_ref_event *r = ref_at(s, i);
		size_t j = log[0];

		while (j < log[1] && ((paired >> (j - log[0]) & 1) != 0 ||
				      log_at(s, j)->component != ref_component(r)))
			j++;
		if (j < log[1]) {
			paired |= (uint64_t)1 << (j - log[0]);
			add(s, BOOTDIFF_CHANGED, log_at(s, j), r);
		} else {
			add(s, BOOTDIFF_REMOVED, NULL, r);
		}
	}
	for (size_t j = log[0]; j < log[1]; j++)
		if ((paired >> (j - log[0]) & 1) == 0)
			add(s, BOOTDIFF_ADDED, log_at(s, j), NULL);
}

static void
compare_pcr(struct state *s)
{
	size_t i = 0, j = 0;

	while (i < s->nref || j < s->nlog) {
		size_t ref[2] = {i, s->nref}, log[2] = {j, s->nlog};

		if (i < s->nref && j < s->nlog && same_digest(log_at(s, j), ref_at(s, i))) {
			if (log_at(s, j)->type != ref_at(s, i)->type)
				add(s, BOOTDIFF_RETYPED, log_at(s, j), ref_at(s, i));
			i++;
			j++;
			continue;
		}
		resync(s, i, j, &ref[1], &log[1]);
		report_gap(s, ref, log);
		i = ref[1];
		j = log[1];
	}
}

static void
select_pcr(struct state *s, uint32_t pcr)
{
	s->pcr = pcr;
	s->nlog = s->nref = 0;
	for (uint32_t i = 0; i < s->work->n; i++)
		if (s->work->events[i].pcr == pcr)
			s->work->log[s->nlog++] = (uint16_t)i;
	for (size_t i = 0; i < s->in->nreference; i++)
		if (s->in->reference[i].pcr == pcr)
			s->work->reference[s->nref++] = (uint16_t)i;
}

/* No PCR proves in which order others were extended. */
static void
compare_order(struct state *s)
{
	const struct bootdiff_input *in = s->in;
	size_t i = 0;

	for (size_t j = 0; j < s->work->n; j++) {
		const struct bootevent *ev = &s->work->events[j];

		while (i < in->nreference && (in->pcr_mask >> in->reference[i].pcr & 1) == 0)
			i++;
		if (i == in->nreference)
			return;
		if (in->reference[i].pcr != ev->pcr) {
			s->pcr = ev->pcr;
			add(s, BOOTDIFF_MOVED, ev, &in->reference[i]);
			return;
		}
		i++;
	}
}

/* ---- the whole ----------------------------------------------------------- */

static void
sort_entries(struct bootdiff *d)
{
	for (size_t i = 0; i + 1 < d->n; i++) {
		size_t best = i;
		struct bootdiff_entry e;

		for (size_t j = i + 1; j < d->n; j++)
			if (weight(&d->entries[j]) < weight(&d->entries[best]))
				best = j;
		if (best == i)
			continue;
		e = d->entries[best];
		memmove(&d->entries[i + 1], &d->entries[i], (best - i) * sizeof e);
		d->entries[i] = e;
	}
}

/* The first cause in full, then what else changed, each component once. */
static void
write_headline(struct bootdiff *d)
{
	bool told[BOOT_COMPONENT_COUNT] = {false};
	char *h = d->headline;
	size_t n;

	if (d->n == 0)
		return;
	text_format(h, sizeof d->headline, "%s", d->entries[0].text);
	told[d->entries[0].component] = true;
	for (size_t i = 1, also = 0; i < d->n; i++) {
		enum boot_component c = d->entries[i].component;

		if (told[c])
			continue;
		told[c] = true;
		n = strlen(h);
		text_format(h + n, sizeof d->headline - n, "%s%s",
			    also++ == 0 ? "; also different: " : ", ", boot_component_text(c));
	}
}

/* Read the log's measured events; on_event is told those of the PCRs to compare. */
static enum assay_err
read_log(const struct bootdiff_input *in, void (*on_event)(const struct bootevent *, void *),
	 void *arg)
{
	struct bootreader reader;
	struct eventlog l;
	struct event raw;
	bool has_bank = false;
	uint32_t n = 0;
	enum assay_err e = eventlog_open(in->log, in->cc, &l);

	if (e != ASSAY_OK)
		return e;
	for (size_t i = 0; i < l.nalgs; i++)
		has_bank = has_bank || l.algs[i].alg == in->bank;
	if (!has_bank)
		return ASSAY_MISSING;
	bootreader_init(&reader, l.format, in->bank);
	while (eventlog_next(&l, &raw)) {
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		if (ev.status == BOOTEVENT_NOT_MEASURED || (in->pcr_mask >> ev.pcr & 1) == 0)
			continue;
		if (n++ == BOOTDIFF_EVENTS_MAX)
			return ASSAY_TOO_MANY;
		on_event(&ev, arg);
	}
	return eventlog_finish(&l);
}

static void
keep(const struct bootevent *ev, void *arg)
{
	struct bootdiff_work *work = arg;

	work->events[work->n++] = *ev;
}

enum assay_err
bootdiff_compare(const struct bootdiff_input *in, struct bootdiff_work *work,
		 struct bootdiff *ret)
{
	struct state s = {.in = in, .work = work, .ret = ret};
	enum assay_err e;

	if (in->nreference > BOOTDIFF_EVENTS_MAX)
		return ASSAY_TOO_MANY;
	work->n = 0;
	if ((e = read_log(in, keep, work)) != ASSAY_OK)
		return e;
	memset(ret, 0, sizeof *ret);
	ret->bank = in->bank;
	ret->equal = ret->per_device_only = true;
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		if ((in->pcr_mask >> pcr & 1) == 0)
			continue;
		select_pcr(&s, pcr);
		compare_pcr(&s);
	}
	if (ret->equal)
		compare_order(&s);
	ret->per_device_only = ret->per_device_only && !ret->equal;
	sort_entries(ret);
	write_headline(ret);
	return ASSAY_OK;
}

struct capture {
	const struct bootdiff_input *in;
	void (*emit)(const struct boot_ref_event *ev, void *arg);
	void *arg;
};

static void
emit_event(const struct bootevent *ev, void *arg)
{
	const struct capture *c = arg;
	struct boot_ref_event r = {.pcr = ev->pcr, .type = ev->type};
	char text[BOOTTEXT_MAX];

	if (digest_from(c->in->bank, ev->digest, &r.digest) != ASSAY_OK)
		return;
	bootevent_text(ev, text, sizeof text);
	r.description = SPAN(text, strlen(text));
	c->emit(&r, c->arg);
}

enum assay_err
bootdiff_capture(const struct bootdiff_input *in,
		 void (*emit)(const struct boot_ref_event *ev, void *arg), void *arg)
{
	struct capture c = {in, emit, arg};

	return read_log(in, emit_event, &c);
}
