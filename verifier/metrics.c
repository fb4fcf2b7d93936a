/* metrics.c: see metrics.h. */
#include "metrics.h"

#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_TEXT 400

static const double limits[METRICS_BUCKETS] = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005,
					       0.01,   0.02,   0.05,   0.1,   0.5,   2};

uint64_t
metrics_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- counting ---- */

static struct metrics_word *
find(struct metrics_words *to, const char *word)
{
	struct metrics_word *w;

	for (unsigned i = 0; i < to->n; i++)
		if (strcmp(to->word[i].word, word) == 0)
			return &to->word[i];
	if (to->n == METRICS_WORDS_MAX) {
		w = &to->word[METRICS_WORDS_MAX];
		snprintf(w->word, sizeof w->word, "other");
		return w;
	}
	w = &to->word[to->n++];
	snprintf(w->word, sizeof w->word, "%s", word);
	return w;
}

/* A word of the house: letters, digits, dots, dashes. */
static bool
plain(const char *word)
{
	size_t n = strlen(word);

	return n > 0 && n <= METRICS_WORD_MAX &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == n;
}

void
metrics_word(struct metrics_words *to, const char *word, enum outcome o)
{
	if ((unsigned)o >= OUTCOME_COUNT)
		o = OUTCOME_QUARANTINE;
	find(to, plain(word) ? word : "other")->count[o]++;
}

void
metrics_time(struct metrics_histogram *to, uint64_t microseconds)
{
	double s = (double)microseconds / 1e6;
	unsigned i = 0;

	while (i < METRICS_BUCKETS && s > limits[i])
		i++;
	to->bucket[i]++;
	to->count++;
	to->seconds += s;
}

/* ---- writing ---- */

static void line(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
line(struct writer *w, const char *fmt, ...)
{
	char text[LINE_MAX_TEXT];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text)
		wr_fail(w, ASSAY_INTERNAL);
	else
		wr_bytes(w, SPAN(text, (size_t)n));
}

static void
head(struct writer *w, const char *name, const char *type, const char *help)
{
	line(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
one(struct writer *w, const char *name, const char *type, const char *help, uint64_t value)
{
	head(w, name, type, help);
	line(w, "%s %llu\n", name, (unsigned long long)value);
}

static const char *
lower(enum outcome o)
{
	return o == OUTCOME_ADMIT ? "admit" : o == OUTCOME_RESTRICT ? "restrict" : "quarantine";
}

static void
write_decisions(struct writer *w, const struct metrics_words *m)
{
	head(w, "assay_decisions_total", "counter",
	     "Decisions that changed, by outcome and reason.");
	for (unsigned i = 0; i <= METRICS_WORDS_MAX; i++)
		for (unsigned o = 0; o < OUTCOME_COUNT; o++)
			if (m->word[i].count[o])
				line(w,
				     "assay_decisions_total{outcome=\"%s\",reason=\"%s\"} "
				     "%llu\n", lower((enum outcome)o), m->word[i].word,
				     (unsigned long long)m->word[i].count[o]);
}

static void
write_refusals(struct writer *w, const struct metrics_words *m)
{
	head(w, "assay_refusals_total", "counter",
	     "Messages of devices that were refused, by the protocol's word.");
	for (unsigned i = 0; i <= METRICS_WORDS_MAX; i++) {
		uint64_t n = 0;

		for (unsigned o = 0; o < OUTCOME_COUNT; o++)
			n += m->word[i].count[o];
		if (n)
			line(w, "assay_refusals_total{reason=\"%s\"} %llu\n", m->word[i].word,
			     (unsigned long long)n);
	}
}

static void
write_limited(struct writer *w, const struct metrics *m)
{
	head(w, "assay_requests_limited_total", "counter",
	     "Requests of operators and relying parties that came too often, by the limit.");
	for (unsigned r = 0; r <= RATE_COUNT; r++)
		line(w, "assay_requests_limited_total{limit=\"%s\"} %llu\n",
		     operation_rate_name((enum operation_rate)r),
		     (unsigned long long)m->limited[r]);
}

static void
write_histogram(struct writer *w, const char *name, const char *help,
		const struct metrics_histogram *h)
{
	uint64_t sum = 0;

	head(w, name, "histogram", help);
	for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
		sum += h->bucket[i];
		line(w, "%s_bucket{le=\"%g\"} %llu\n", name, limits[i], (unsigned long long)sum);
	}
	line(w, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
	     (unsigned long long)h->count, name, h->seconds, name, (unsigned long long)h->count);
}

static void
write_devices(struct writer *w, const struct metrics_now *n)
{
	head(w, "assay_devices", "gauge",
	     "Devices that have a decision and are not retired, by what it is now.");
	for (unsigned o = 0; o < OUTCOME_COUNT; o++)
		if (o == OUTCOME_ADMIT || o == OUTCOME_RESTRICT || o == OUTCOME_QUARANTINE)
			line(w, "assay_devices{decision=\"%s\"} %llu\n", lower((enum outcome)o),
			     (unsigned long long)n->devices[o]);
	one(w, "assay_devices_connected", "gauge", "Devices with a proved connection.",
	    n->connected);
	one(w, "assay_devices_unreachable", "gauge",
	    "Devices without a connection that are not retired.", n->unreachable);
	one(w, "assay_devices_stale", "gauge", "Devices whose last evidence is too old to count.",
	    n->stale);
}

/* One figure of every destination; at: of its member. */
static void
each(struct writer *w, const struct metrics_now *n, const char *name, size_t at)
{
	for (unsigned i = 0; i < n->ndestinations; i++) {
		const struct metrics_destination *d = &n->destination[i];
		uint64_t v;

		memcpy(&v, (const char *)d + at, sizeof v);
		line(w, "%s{to=\"%s\"} %llu\n", name, d->name, (unsigned long long)v);
	}
}

static void
write_destinations(struct writer *w, const struct metrics_now *n)
{
	static const struct {
		const char *name, *type, *help;
		size_t at;
	} figures[] = {
		{"assay_outbound_delivered_total", "counter",
		 "Decisions delivered, by webhook or log.",
		 offsetof(struct metrics_destination, delivered)},
		{"assay_outbound_retries_total", "counter", "Attempts that failed.",
		 offsetof(struct metrics_destination, retries)},
		{"assay_outbound_given_up_total", "counter", "Decisions that became dead letters.",
		 offsetof(struct metrics_destination, given_up)},
		{"assay_outbound_dropped_total", "counter",
		 "Dead letters that were forgotten to make room.",
		 offsetof(struct metrics_destination, dropped)},
		{"assay_outbound_dead_letters", "gauge", "Dead letters that there are.",
		 offsetof(struct metrics_destination, dead)},
		{"assay_outbound_pending", "gauge",
		 "Decisions since the last one that was delivered or not wanted.",
		 offsetof(struct metrics_destination, pending)},
		{"assay_outbound_lag_seconds", "gauge",
		 "Age of the oldest decision that waits to be delivered.",
		 offsetof(struct metrics_destination, lag)},
	};

	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
		head(w, figures[i].name, figures[i].type, figures[i].help);
		each(w, n, figures[i].name, figures[i].at);
	}
}

static void
write_certificates(struct writer *w, const struct metrics_now *n)
{
	static const char name[] = "assay_tls_certificate_expiry_timestamp_seconds";
	const struct {
		const char *listener;
		int64_t end;
	} list[] = {{"devices", n->devices_certificate}, {"console", n->console_certificate}};

	head(w, name, "gauge", "When the TLS certificate of a listener ends.");
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		if (list[i].end)
			line(w, "%s{listener=\"%s\"} %lld\n", name, list[i].listener,
			     (long long)list[i].end);
}

static unsigned
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

static uint64_t
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long size, resident = 0;

	if (f && fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
write_process(struct writer *w, const struct metrics_now *n)
{
	struct rusage u = {0};

	(void)getrusage(RUSAGE_SELF, &u);
	head(w, "process_cpu_seconds_total", "counter", "Time of the keeper process on a core.");
	line(w, "process_cpu_seconds_total %.3f\n",
	     (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		     (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	one(w, "process_resident_memory_bytes", "gauge", "Memory of the keeper process.",
	    resident_bytes());
	one(w, "process_open_fds", "gauge", "Descriptors of the keeper process.",
	    open_descriptors());
	one(w, "process_start_time_seconds", "gauge", "When the verifier started.",
	    (uint64_t)n->started);
}

void
metrics_write(const struct metrics *m, const struct metrics_now *n, struct writer *w)
{
	head(w, "assay_build_info", "gauge", "The version that runs.");
	line(w, "assay_build_info{version=\"%s\"} 1\n", ASSAY_VERSION);
	write_devices(w, n);
	write_decisions(w, &m->decisions);
	write_refusals(w, &m->refusals);
	write_limited(w, m);
	one(w, "assay_attestations_total", "counter", "Verdicts that were committed.",
	    n->attestations);
	write_histogram(w, "assay_appraisal_seconds",
			"From the request to an appraiser to its verdict.", &m->appraisal);
	write_histogram(w, "assay_commit_seconds", "Making a turn's changes durable.", &m->commit);
	one(w, "assay_commits_total", "counter", "Commits of the ledger.", n->commits);
	one(w, "assay_sessions", "gauge", "Connections of devices.", n->sessions);
	one(w, "assay_sessions_proved", "gauge", "Connections that have proved a key.",
	    n->proved_sessions);
	one(w, "assay_queue_depth", "gauge", "Appraisals that wait for an appraiser.", n->queue);
	one(w, "assay_children_restarted_total", "counter",
	    "Processes that ended and were started anew.", n->children_restarted);
	one(w, "assay_decision_sequence", "gauge", "Number of the newest decision record.",
	    n->sequence);
	one(w, "assay_ledger_fault", "gauge",
	    "1 while the ledger is not believed and nobody is admitted.", n->ledger_fault);
	write_certificates(w, n);
	write_destinations(w, n);
	write_process(w, n);
}
