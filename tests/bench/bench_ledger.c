/*
 * bench_ledger.c: rows/s of ledger_state_put() at several group sizes, beside bare SQLite.
 *
 * Bare is one prepared UPDATE of as many bytes as a usual round changes (continuity 2 KB,
 * proof 2 KB, the small fields) under the same settings and on the same disk: no MACs, no
 * counters, no head. "usual": verdict and claims are as they were; "all": everything
 * changed. Windows of the three alternate. Each gives rows/s, median and p99 of one whole
 * transaction in ms, and processor time per row in us, which other load on the machine
 * changes least. What a commit costs is the disk's fsync: hence the groups.
 */
#include "tests/support/ledgers.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICES 2000
#define SMALL 450 /* bytes of the fields that are not large */
#define WINDOW_S 0.09
#define WINDOWS 2
#define COMMITS_MAX 20000

static struct ledger *ledger;
static char device[DEVICES][DEVICE_ID_HEX + 1];
static uint64_t version[DEVICES];
static uint8_t content[16384];
static struct {
	sqlite3 *db;
	sqlite3_stmt *begin, *update, *commit;
} bare;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_ledger: %s failed\n", what);
	exit(4);
}

static double
clock_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
now(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

static double
cpu(void)
{
	return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static void
fill_ledger(const char *path)
{
	must(ledger_create(path, ledgers_key, NULL) == ASSAY_OK &&
		     ledger_open(path, ledgers_key, &ledger, NULL) == ASSAY_OK &&
		     ledger_begin(ledger) == ASSAY_OK,
	     "making a ledger");
	for (unsigned i = 0; i < DEVICES; i++) {
		struct ledger_device d = ledgers_device(i);

		must(ledger_device_insert(ledger, &d) == ASSAY_OK, "inserting a device");
		memcpy(device[i], d.id, sizeof d.id);
	}
	must(ledger_commit(ledger) == ASSAY_OK, "committing devices");
}

static void
bare_prepare(const char *sql, sqlite3_stmt **ret)
{
	must(sqlite3_prepare_v2(bare.db, sql, -1, ret, NULL) == SQLITE_OK, sql);
}

static void
bare_run(sqlite3_stmt *st)
{
	must(sqlite3_step(st) == SQLITE_DONE, sqlite3_sql(st));
	sqlite3_reset(st);
}

static void
fill_bare(const char *path)
{
	static const char set_up[] =
		"PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=8192; PRAGMA journal_mode=WAL;"
		"PRAGMA synchronous=FULL; PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4096;"
		"CREATE TABLE t(id TEXT PRIMARY KEY, x BLOB) STRICT";
	sqlite3_stmt *insert;

	must(sqlite3_open(path, &bare.db) == SQLITE_OK &&
		     sqlite3_exec(bare.db, set_up, NULL, NULL, NULL) == SQLITE_OK,
	     "bare set-up");
	bare_prepare("BEGIN IMMEDIATE", &bare.begin);
	bare_prepare("COMMIT", &bare.commit);
	bare_prepare("UPDATE t SET x=?2 WHERE id=?1", &bare.update);
	bare_prepare("INSERT INTO t VALUES(?1,zeroblob(4546))", &insert);
	bare_run(bare.begin);
	for (unsigned i = 0; i < DEVICES; i++) {
		sqlite3_bind_text(insert, 1, device[i], DEVICE_ID_HEX, SQLITE_STATIC);
		bare_run(insert);
	}
	bare_run(bare.commit);
	sqlite3_finalize(insert);
}

static void
bare_group(unsigned n)
{
	static unsigned i;

	bare_run(bare.begin);
	for (; n > 0; n--, i++) {
		sqlite3_bind_text(bare.update, 1, device[i * 7 % DEVICES], DEVICE_ID_HEX,
				  SQLITE_STATIC);
		sqlite3_bind_blob(bare.update, 2, content + i % 4096, 4096 + SMALL, SQLITE_STATIC);
		bare_run(bare.update);
	}
	bare_run(bare.commit);
}

static void
ledger_group(unsigned n, bool all)
{
	static unsigned i;

	must(ledger_begin(ledger) == ASSAY_OK, "begin");
	for (; n > 0; n--, i++) {
		unsigned k = i * 7 % DEVICES, other = all ? i : 0;
		struct ledger_state s = {
			.version = version[k]++,
			.continuity = SPAN(content + i % 4096, 2048),
			.proof = SPAN(content + i % 4095, 2048),
			.verdict = SPAN(content + other % 4094, 4096),
			.claims = SPAN(content + other % 4093, 200),
			.channel = SPAN(content, 32),
			.asked = SPAN(content, 6),
		};

		memcpy(s.device, device[k], sizeof s.device);
		must(ledger_state_put(ledger, &s) == ASSAY_OK, "state_put");
	}
	must(ledger_commit(ledger) == ASSAY_OK, "commit");
}

static void
usual_group(unsigned n)
{
	ledger_group(n, false);
}

static void
all_group(unsigned n)
{
	ledger_group(n, true);
}

/* ---- measuring ---- */

struct series {
	const char *name;
	void (*group)(unsigned);
	double total, cpu;
	unsigned n;
	double commit[COMMITS_MAX];
};

static struct series series[] = {{"bare", .group = bare_group},
				 {"usual", .group = usual_group},
				 {"all", .group = all_group}};
#define SERIES (sizeof series / sizeof series[0])

static void
window(struct series *s, unsigned size)
{
	double start = now(), before = start, used = cpu(), t;

	do {
		s->group(size);
		t = now();
		if (s->n < COMMITS_MAX)
			s->commit[s->n++] = t - before;
		s->total += t - before;
		before = t;
	} while (t - start < WINDOW_S);
	s->cpu += cpu() - used;
}

static int
ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
measure(unsigned size)
{
	double rate[SERIES];

	for (size_t i = 0; i < SERIES; i++) {
		series[i].total = series[i].cpu = 0;
		series[i].n = 0;
	}
	for (unsigned w = 0; w < WINDOWS; w++)
		for (size_t i = 0; i < SERIES; i++)
			window(&series[i], size);
	printf("%5u", size);
	for (size_t i = 0; i < SERIES; i++) {
		struct series *s = &series[i];

		qsort(s->commit, s->n, sizeof s->commit[0], ascending);
		rate[i] = (double)s->n * size / s->total;
		printf(" |%7.0f %7.2f %7.2f %5.0f", rate[i], s->commit[s->n / 2] * 1e3,
		       s->commit[s->n - 1 - s->n / 100] * 1e3, s->cpu / s->n / size * 1e6);
	}
	printf(" | %.2f %.2f\n", rate[1] / rate[0], rate[2] / rate[0]);
}

static void
measure_reads(const char *name,
	      enum assay_err (*get)(struct ledger *, const char *, struct ledger_state *))
{
	struct ledger_state s;
	double start = now(), used = cpu(), t;
	unsigned n = 0;

	do {
		must(get(ledger, device[n * 7 % DEVICES], &s) == ASSAY_OK, name);
		n++;
		t = now() - start;
	} while (t < WINDOW_S);
	printf("%-20s %8.0f/s, cpu %5.1f us\n", name, n / t, (cpu() - used) / n * 1e6);
}

int
main(void)
{
	char dir[] = "build/bench-ledger.XXXXXX", path[64];
	static const char *const left[] = {"l.db", "l.head", "b.db", "b.db-wal", "b.db-journal"};
	static const unsigned sizes[] = {1, 10, 100, 400};
	double start;

	must(mkdtemp(dir) != NULL, "making a folder in build/");
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 31 + (i >> 7));
	snprintf(path, sizeof path, "%s/l.db", dir);
	fill_ledger(path);
	snprintf(path, sizeof path, "%s/b.db", dir);
	fill_bare(path);
	all_group(DEVICES);
	printf("ledger: states written, %d devices, SQLite %s\n", DEVICES, sqlite3_libversion());
	printf("%5s", "group");
	for (size_t i = 0; i < SERIES; i++)
		printf(" |%7s %7s %7s %5s", series[i].name, "p50", "p99", "cpu");
	printf(" | ratios to bare\n");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		measure(sizes[i]);
	measure_reads("ledger_state_get", ledger_state_get);
	measure_reads("ledger_state_brief", ledger_state_brief);
	ledger_close(ledger);
	snprintf(path, sizeof path, "%s/l.db", dir);
	start = now();
	must(ledger_open(path, ledgers_key, &ledger, NULL) == ASSAY_OK, "opening");
	printf("%-20s %8.0f ms\n", "ledger_open", (now() - start) * 1e3);
	ledger_close(ledger);
	sqlite3_finalize(bare.begin);
	sqlite3_finalize(bare.update);
	sqlite3_finalize(bare.commit);
	sqlite3_close(bare.db);
	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, left[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
	return 0;
}
