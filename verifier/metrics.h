/*
 * metrics.h: what the verifier counts, as Prometheus reads it (text format 0.0.4).
 * docs/metrics.md lists every name. Counts begin with the process. Pure but for the
 * process's own figures.
 */
#ifndef VERIFIER_METRICS_H
#define VERIFIER_METRICS_H

#include "evidence/writer.h"
#include "operation.h"
#include "verifier/appraise/verdict.h"

#define METRICS_WORDS_MAX 128 /* of reasons; what comes later is "other" */
#define METRICS_WORD_MAX 63
#define METRICS_BUCKETS 12
#define METRICS_BYTES_MAX (256u << 10)

struct metrics_histogram {
	uint64_t bucket[METRICS_BUCKETS + 1]; /* the last: more than every limit */
	uint64_t count;
	double seconds;
};

struct metrics_word {
	char word[METRICS_WORD_MAX + 1];
	uint64_t count[OUTCOME_COUNT];
};

struct metrics_words {
	unsigned n;
	struct metrics_word word[METRICS_WORDS_MAX + 1];
};

struct metrics {
	struct metrics_words decisions; /* by reason and outcome */
	struct metrics_words refusals;	/* by reason; outcome 0 */
	struct metrics_histogram appraisal, commit;
	uint64_t limited[RATE_COUNT + 1]; /* requests refused; the last: for failures */
};

/* Never fails; an unknown outcome counts as QUARANTINE. */
void metrics_word(struct metrics_words *to, const char *word, enum outcome o);
void metrics_time(struct metrics_histogram *to, uint64_t microseconds);

#define METRICS_DESTINATIONS_MAX 32

/* A webhook or a log that is told of decisions. */
struct metrics_destination {
	const char *name;
	uint64_t delivered, retries, given_up, dropped; /* since the start */
	uint64_t pending, dead;
	int64_t lag; /* s */
};

/* What is true now, for the gauges. */
struct metrics_now {
	uint64_t devices[OUTCOME_COUNT];
	uint64_t connected, unreachable, stale; /* of devices with a state */
	uint64_t sessions, proved_sessions, attestations, children_restarted;
	uint64_t queue, commits, sequence;
	bool ledger_fault;
	int64_t started, now;
	int64_t devices_certificate, console_certificate; /* when they end; 0: none */
	unsigned ndestinations;
	struct metrics_destination destination[METRICS_DESTINATIONS_MAX];
};
void metrics_write(const struct metrics *m, const struct metrics_now *now, struct writer *w);
/* Microseconds of the monotonic clock. */
uint64_t metrics_clock(void);

#endif
