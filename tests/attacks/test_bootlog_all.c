/*
 * test_bootlog_all.c: every good log that is at hand, of every machine, altered.
 *
 * L4, L5, L1: a byte of data whose digest is of them is a finding. An event that is taken
 * away, doubled, exchanged with its neighbour, or of another type, and a digest of one
 * bank, is refused or told by the verifier of the machine that booted the original; and
 * no verdict is better than the original's.
 *
 * Of each log a sample of the alterations, spread over all of it; ASSAY_MUTANTS says how
 * many (0: all of them, which takes an hour).
 */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "verifier/appraise/bootfacts.h"
#include "verifier/appraise/reference.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGS_MAX 256
#define RECORDS_MAX EVENTLOG_EVENTS_MAX
#define SAMPLE 4 /* alterations of a log, of each kind */

static char *logs[LOGS_MAX];
static size_t nlogs;

/* ---- which logs ---- */

static void
add_log(const char *path)
{
	struct span log = unit_file(path);
	struct boot_facts f;

	if (log.n <= EVENTLOG_MAX && nlogs < LOGS_MAX &&
	    (bootfacts_read(log, false, ALG_NONE, &f) == ASSAY_OK ||
	     bootfacts_read(log, true, ALG_NONE, &f) == ASSAY_OK))
		logs[nlogs++] = strdup(path);
	unit_free(log);
}

static bool
ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* DIR/NAME.bin, or DIR/NAME/eventlog.bin */
static void
add_folder(const char *dir, bool nested)
{
	char path[2048], folder[1024];
	struct dirent **list;
	int n;

	snprintf(folder, sizeof folder, "%s", dir);
	n = scandir(folder, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, nested ? "%s/%s/eventlog.bin" : "%s/%s", folder,
			 list[i]->d_name);
		if (list[i]->d_name[0] != '.' && ends_in(path, ".bin")) {
			FILE *f = fopen(path, "rb");

			if (f) {
				fclose(f);
				add_log(path);
			}
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static int
find_logs(void **state)
{
	const char *dir;

	(void)state;
	add_folder("tests/data/eventlog", false);
	if ((dir = unit_shared("own")))
		add_folder(dir, true);
	if ((dir = unit_shared("eventlogs")))
		add_folder(dir, false);
	print_message("%zu logs\n", nlogs);
	return nlogs >= 15 ? 0 : -1;
}

static int
forget_logs(void **state)
{
	(void)state;
	while (nlogs > 0)
		free(logs[--nlogs]);
	return 0;
}

/* How far apart alterations are, so that about SAMPLE of n are made. */
static size_t
stride(size_t n)
{
	const char *e = getenv("ASSAY_MUTANTS");
	size_t sample = e ? (size_t)strtoul(e, NULL, 10) : SAMPLE;

	return sample == 0 || n <= sample ? 1 : n / sample | 1;
}

static bool
is_cc(struct span log)
{
	struct eventlog l;

	return eventlog_open(log, false, &l) == ASSAY_BAD_TYPE;
}

static struct span
copy_of(struct span log, size_t more)
{
	uint8_t *p = malloc(log.n + more);

	assert_non_null(p);
	memcpy(p, log.p, log.n);
	return SPAN(p, log.n);
}

static uint8_t *
bytes(struct span s)
{
	return (uint8_t *)(uintptr_t)s.p;
}

/* ---- L5: data ---- */

/* PFP 1.06, 10.4.1: what these events measure is what they log. */
static bool
must_be_of_its_data(uint32_t type)
{
	static const uint32_t types[] = {
		EV_SEPARATOR, EV_ACTION, EV_S_CRTM_VERSION, EV_EFI_VARIABLE_DRIVER_CONFIG,
		EV_EFI_VARIABLE_BOOT, EV_EFI_GPT_EVENT, EV_EFI_ACTION, EV_EFI_VARIABLE_AUTHORITY,
		EV_EVENT_TAG, 0x0E, 0x8000000C, 0x8000000D,
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i] == type)
			return true;
	return false;
}

/* By a hash of our own making, not by what the reader says of the event. */
static bool
is_of_its_data(const struct event *ev)
{
	for (size_t i = 0; i < ev->ndigests; i++) {
		struct digest d;

		if (digest_compute(ev->digests[i].alg, ev->data, &d) == ASSAY_OK &&
		    span_equal(digest_span(&d), ev->digests[i].bytes))
			return true;
	}
	return false;
}

static bool
is_flagged(struct span log, bool cc, const struct boot_facts *was)
{
	static struct boot_facts f;

	if (bootfacts_read(log, cc, was->bank, &f) != ASSAY_OK)
		return true;
	return f.nfindings > was->nfindings || f.ncontradictions > was->ncontradictions ||
	       f.more_findings;
}

/* Of the texts of old loaders what stands behind the end is of memory nobody set. */
static size_t
covered(const struct bootevent *ev)
{
	if (ev->cover != BOOTCOVER_TEXT)
		return ev->data.n;
	return (size_t)(ev->text.p - ev->data.p) + ev->text.n;
}

static void
alter_data(const char *path, struct span log, bool cc)
{
	static struct boot_facts was;
	struct span m = copy_of(log, 0);
	struct bootreader reader;
	struct eventlog l;
	struct event raw;

	assert_int_equal(bootfacts_read(log, cc, ALG_NONE, &was), ASSAY_OK);
	assert_int_equal(eventlog_open(log, cc, &l), ASSAY_OK);
	bootreader_init(&reader, l.format, was.bank);
	while (eventlog_next(&l, &raw)) {
		size_t at = (size_t)(raw.data.p - log.p), step = stride(raw.data.n * 8) / 8 + 1;
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		if (raw.type == EV_NO_ACTION || ev.status == BOOTEVENT_CONTRADICTION ||
		    !((must_be_of_its_data(raw.type) && is_of_its_data(&raw)) ||
		      ev.status == BOOTEVENT_PROVED))
			continue;
		if (!must_be_of_its_data(raw.type) && ev.type != EV_IPL)
			continue; /* with other firmware it is of something else */
		for (size_t i = 0; i < covered(&ev); i += step) {
			uint8_t flip = (uint8_t)(1u << (i / step) % 8);

			bytes(m)[at + i] ^= flip;
			if (!is_flagged(m, cc, &was))
				fail_msg("%s: event %u (%s), byte %zu ^ %02x passed unseen", path,
					 raw.index, ev.type_name, i, flip);
			bytes(m)[at + i] ^= flip;
		}
	}
	unit_free(m);
}

static void
l5_every_byte_whose_digest_must_match_is_a_finding_in_every_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < nlogs; i++) {
		struct span log = unit_file(logs[i]);

		alter_data(logs[i], log, is_cc(log));
		unit_free(log);
	}
}

/* ---- the verifier of the machine that booted the log ---- */

static struct world w;
static uint8_t set[REFERENCE_BYTES_MAX];
static struct verdict was;
static const char *path_now;
static unsigned tried;

/* PCRs of which the log says something, but those that software can reset. */
static uint32_t
pcrs_of(const struct eventlog_replay *r)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < r->pcrs.count; i++)
		mask |= r->pcrs.bank[i].mask;
	return mask & ~(1u << 16 | 1u << 23);
}

static void
set_policy(const struct eventlog_replay *r)
{
	char yaml[1024], banks[128] = "", pcrs[128] = "";

	for (size_t i = 0; i < r->pcrs.count; i++) /* a header may name more than are used */
		if (r->pcrs.bank[i].mask != 0)
			snprintf(banks + strlen(banks), sizeof banks - strlen(banks), "%s%s",
				 banks[0] ? ", " : "", digest_name(r->pcrs.bank[i].alg));
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (pcrs_of(r) >> i & 1)
			snprintf(pcrs + strlen(pcrs), sizeof pcrs - strlen(pcrs), "%s%u",
				 pcrs[0] ? ", " : "", i);
	snprintf(yaml, sizeof yaml,
		 "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
		 "ask: {banks: [%s], pcrs: [%s], interval: 60s, patience: 3}\n"
		 "references: {pcrs: [%s]}\nallow: {sha1_only: true}\n",
		 banks, pcrs, pcrs);
	world_set_policy(&w, yaml);
}

static void
set_reference(void)
{
	static struct continuity c;
	struct reference_view *v = &w.in.references[0];
	struct writer out;

	continuity_clear(&c);
	c.present = c.has_boot_log = true;
	evidence_values(&w.tpm, &w.in.asked, &c.quoted);
	assert_int_equal(digest_sha256(w.log, c.boot_log_digest), ASSAY_OK);
	wr_init(&out, set, sizeof set);
	assert_int_equal(reference_capture(w.log, &c, w.in.asked.bank[0].mask, &out), ASSAY_OK);
	memset(v, 0, sizeof *v);
	v->compiled = wr_span(&out);
	v->state = REF_PROMOTED;
	assert_int_equal(digest_sha256(v->compiled, v->digest), ASSAY_OK);
	w.in.nreferences = 1;
}

/* What the device sends as its log, signed; the TPM has the values of the original. */
static const struct verdict *
verdict_of(struct span log)
{
	const struct verdict *v;
	struct span honest = w.log;

	w.log = log;
	w.in.continuity = SPAN(NULL, 0);
	world_challenge(&w);
	world_prove(&w);
	v = world_judge(&w);
	w.log = honest;
	tried++;
	return v;
}

static bool
same_finding(const struct finding *a, const struct finding *b)
{
	return a->code == b->code && a->pcr == b->pcr && a->cap == b->cap &&
	       strcmp(a->subject, b->subject) == 0 && strcmp(a->text, b->text) == 0 &&
	       strcmp(a->seen, b->seen) == 0;
}

static bool
tells_something_new(const struct verdict *v)
{
	for (size_t i = 0; i < v->nfindings; i++) {
		size_t k = 0;

		while (k < was.nfindings && !same_finding(&v->findings[i], &was.findings[k]))
			k++;
		if (k == was.nfindings)
			return true;
	}
	return false;
}

static void
must_be_told(struct span log, const char *what, size_t event)
{
	const struct verdict *v = verdict_of(log);

	if (v->status != VERDICT_DECIDED)
		return; /* refused */
	if (v->outcome > was.outcome)
		fail_msg("%s: %s, event %zu: %s, better than %s", path_now, what, event,
			 outcome_name(v->outcome), outcome_name(was.outcome));
	if (!tells_something_new(v))
		fail_msg("%s: %s, event %zu passed unseen as %s", path_now, what, event,
			 outcome_name(v->outcome));
}

/* False: no verifier takes it, because it is no TPM's or has no bank. */
static bool
boot(const char *path)
{
	static struct eventlog_replay r;
	struct span log = unit_file(path);

	if (eventlog_replay(log, false, &r) != ASSAY_OK || pcrs_of(&r) == 0) {
		unit_free(log);
		return false;
	}
	path_now = path;
	world_init(&w, "uki-good");
	unit_free(w.log);
	w.log = log;
	for (size_t i = 0; i < r.pcrs.count; i++)
		if (r.pcrs.bank[i].alg != ALG_SHA256)
			softtpm_add_bank(&w.tpm, r.pcrs.bank[i].alg);
	set_policy(&r);
	world_reboot(&w, NULL);
	w.in.good_log = w.log; /* the last good boot was like this one */
	set_reference();
	was = *verdict_of(w.log);
	assert_int_equal(was.status, VERDICT_DECIDED);
	return true;
}

static size_t
records(struct span log, size_t ret[RECORDS_MAX + 1])
{
	struct eventlog l;
	struct event ev;
	size_t n = 0;

	assert_int_equal(eventlog_open(log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev))
		ret[n++] = ev.offset;
	assert_int_equal(eventlog_finish(&l), ASSAY_OK);
	ret[n] = log.n - l.tail_bytes;
	return n;
}

static size_t at[RECORDS_MAX + 1];

static void
for_each_log(void (*f)(size_t nrecords))
{
	for (size_t i = 0; i < nlogs; i++) {
		if (!boot(logs[i]))
			continue;
		f(records(w.log, at));
		world_free(&w);
	}
	assert_true(tried > nlogs);
	tried = 0;
}

static uint32_t
le32_at(struct span log, size_t offset)
{
	struct reader r;

	rd_init(&r, log);
	(void)rd_bytes(&r, offset);
	return rd_le32(&r);
}

static void
put_le32(struct span log, size_t offset, uint32_t v)
{
	struct writer out;

	wr_init(&out, bytes(log) + offset, 4);
	wr_le32(&out, v);
}

static void
retype(size_t n)
{
	static const uint32_t types[] = {EV_SEPARATOR,	   EV_ACTION,	EV_EVENT_TAG,
					 EV_IPL,	   EV_POST_CODE, EV_S_CRTM_VERSION,
					 EV_EFI_ACTION,	   EV_NO_ACTION, 0x12345678,
					 EV_EFI_VARIABLE_DRIVER_CONFIG,
					 EV_EFI_VARIABLE_BOOT,
					 EV_EFI_BOOT_SERVICES_APPLICATION,
					 EV_EFI_VARIABLE_AUTHORITY};
	const size_t k = sizeof types / sizeof types[0], step = stride((n - 1) * k);

	for (size_t i = 0; i < (n - 1) * k; i += step) {
		size_t event = 1 + i / k;
		uint32_t old = le32_at(w.log, at[event] + 4);
		struct span m;

		if (old == types[i % k] || old == EV_NO_ACTION)
			continue;
		m = copy_of(w.log, 0);
		put_le32(m, at[event] + 4, types[i % k]);
		must_be_told(m, "another type", event);
		unit_free(m);
	}
}

static bool
is_measured(size_t event)
{
	return le32_at(w.log, at[event] + 4) != EV_NO_ACTION;
}

static void
take_away(size_t n)
{
	for (size_t i = 1; i < n; i += stride(n)) {
		struct span m = copy_of(w.log, 0);
		size_t len = at[i + 1] - at[i];

		memmove(bytes(m) + at[i], m.p + at[i + 1], m.n - at[i + 1]);
		if (is_measured(i))
			must_be_told(SPAN(m.p, m.n - len), "taken away", i);
		unit_free(m);
	}
}

static void
double_it(size_t n)
{
	for (size_t i = 1; i < n && n < EVENTLOG_EVENTS_MAX; i += stride(n)) {
		size_t len = at[i + 1] - at[i];
		struct span m = copy_of(w.log, len);

		memmove(bytes(m) + at[i + 1] + len, m.p + at[i + 1], m.n - at[i + 1]);
		memcpy(bytes(m) + at[i + 1], w.log.p + at[i], len);
		if (is_measured(i) && m.n + len <= EVENTLOG_MAX)
			must_be_told(SPAN(m.p, m.n + len), "doubled", i);
		unit_free(m);
	}
}

/* The same register, type and digests: what is exchanged is the same measurement. */
static bool
same_measurement(size_t a, size_t b)
{
	struct eventlog l;
	struct event ev, x = {0}, y = {0};

	assert_int_equal(eventlog_open(w.log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev)) {
		x = ev.index == a ? ev : x;
		y = ev.index == b ? ev : y;
	}
	if (x.pcr != y.pcr || x.type != y.type || x.ndigests != y.ndigests)
		return false;
	for (size_t i = 0; i < x.ndigests; i++)
		if (!span_equal(x.digests[i].bytes, y.digests[i].bytes))
			return false;
	return true;
}

static void
exchange(size_t n)
{
	for (size_t i = 1; i + 1 < n; i += stride(n)) {
		size_t first = at[i + 1] - at[i], second = at[i + 2] - at[i + 1];
		struct span m = copy_of(w.log, 0);

		memcpy(bytes(m) + at[i], w.log.p + at[i + 1], second);
		memcpy(bytes(m) + at[i] + second, w.log.p + at[i], first);
		if (is_measured(i) && is_measured(i + 1) && !same_measurement(i, i + 1))
			must_be_told(m, "exchanged with the next", i);
		unit_free(m);
	}
}

static void
alter_one_bank(size_t n)
{
	size_t step = stride(n);
	struct eventlog l;
	struct event ev;

	assert_int_equal(eventlog_open(w.log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev)) {
		if (ev.index % step != 0 || ev.type == EV_NO_ACTION)
			continue;
		for (size_t i = 0; i < ev.ndigests; i++) {
			struct span m = copy_of(w.log, 0);

			bytes(m)[(size_t)(ev.digests[i].bytes.p - w.log.p) + 7] ^= 4;
			if (digest_computable(ev.digests[i].alg))
				must_be_told(m, "one bank's digest", ev.index);
			unit_free(m);
		}
	}
}

static void
l4_no_other_type_passes_or_gains_in_any_log(void **state)
{
	(void)state;
	for_each_log(retype);
}

static void
l1_no_event_is_taken_away_unseen_in_any_log(void **state)
{
	(void)state;
	for_each_log(take_away);
}

static void
l1_no_event_is_doubled_unseen_in_any_log(void **state)
{
	(void)state;
	for_each_log(double_it);
}

static void
l1_no_order_of_events_is_changed_unseen_in_any_log(void **state)
{
	(void)state;
	for_each_log(exchange);
}

static void
l1_no_bank_is_changed_alone_unseen_in_any_log(void **state)
{
	(void)state;
	for_each_log(alter_one_bank);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l5_every_byte_whose_digest_must_match_is_a_finding_in_every_log),
		cmocka_unit_test(l4_no_other_type_passes_or_gains_in_any_log),
		cmocka_unit_test(l1_no_event_is_taken_away_unseen_in_any_log),
		cmocka_unit_test(l1_no_event_is_doubled_unseen_in_any_log),
		cmocka_unit_test(l1_no_order_of_events_is_changed_unseen_in_any_log),
		cmocka_unit_test(l1_no_bank_is_changed_alone_unseen_in_any_log),
	};

	return cmocka_run_group_tests(tests, find_logs, forget_logs);
}
