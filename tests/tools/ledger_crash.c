/*
 * ledger_crash.c: writes to a ledger until it is killed, and checks what is left.
 *
 *   ledger_crash init DIR         make DIR/ledger.db with its devices
 *   ledger_crash write DIR        commit for ever; after each commit print its number
 *   ledger_crash check DIR N      the ledger must be sound and hold commits 1 to N
 *
 * Commit n writes, in one transaction, ROWS states (each device's version counts how
 * often), one decision and one audit entry. So the number of each says how many commits
 * there are, and any that differs from the others is a commit that was torn.
 */
#include "tests/support/ledgers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES 40
#define ROWS 10

static char path[400];

static void
must(enum assay_err e, const char *what)
{
	if (e == ASSAY_OK)
		return;
	fprintf(stderr, "ledger_crash: %s: %s\n", what, assay_err_text(e));
	exit(1);
}

static struct ledger *
open_ledger(void)
{
	struct ledger_report report;
	struct ledger *l = NULL;
	enum assay_err e = ledger_open(path, ledgers_key, &l, &report);

	must(e, e == ASSAY_OK ? "open" : report.text);
	return l;
}

static void
init(void)
{
	struct ledger *l;

	must(ledger_create(path, ledgers_key, NULL), "create");
	l = open_ledger();
	must(ledger_begin(l), "begin");
	for (unsigned i = 0; i < DEVICES; i++) {
		struct ledger_device d = ledgers_device(i);

		must(ledger_device_insert(l, &d), "device");
	}
	must(ledger_commit(l), "commit");
	ledger_close(l);
}

/* The number of commits so far is the number of decisions. */
static uint64_t
commits(struct ledger *l)
{
	struct ledger_decision d = {.seq = 0};
	enum assay_err e = ledger_decision_prev(l, "", 0, &d);

	if (e != ASSAY_NOT_FOUND)
		must(e, "newest decision");
	return d.seq;
}

static void
write_one(struct ledger *l, uint64_t n)
{
	struct ledger_decision d = ledgers_decision((unsigned)(n % DEVICES));
	struct ledger_audit a = ledgers_audit((unsigned)n);
	uint64_t seq;

	must(ledger_begin(l), "begin");
	for (unsigned i = 0; i < ROWS; i++) {
		struct ledger_state s = ledgers_state((unsigned)((n * ROWS + i) % DEVICES)), old;

		must(ledger_state_brief(l, s.device, &old), "state");
		s.version = old.version;
		s.verdict.n -= n % 3; /* so that it changes now and then */
		must(ledger_state_put(l, &s), "state_put");
	}
	must(ledger_decision_append(l, &d, &seq), "decision");
	must(ledger_audit_append(l, &a), "audit");
	must(ledger_commit(l), "commit");
}

static void
write_for_ever(void)
{
	struct ledger *l = open_ledger();
	char line[32];

	for (uint64_t n = commits(l) + 1;; n++) {
		int len;

		write_one(l, n);
		len = snprintf(line, sizeof line, "%" PRIu64 "\n", n);
		if (write(STDOUT_FILENO, line, (size_t)len) != len)
			exit(1);
	}
}

static void
equal(uint64_t got, uint64_t want, const char *what)
{
	if (got == want)
		return;
	fprintf(stderr, "ledger_crash: %s: %" PRIu64 ", not %" PRIu64 "\n", what, got, want);
	exit(1);
}

static void
check(uint64_t acknowledged)
{
	struct ledger *l = open_ledger();
	struct ledger_report report;
	struct ledger_audit a = {.seq = 0};
	struct ledger_decision d;
	struct ledger_state s;
	uint64_t n = commits(l), versions = 0, decisions = 0;
	enum assay_err e = ledger_check(l, &report);

	must(e, report.text);
	if (n < acknowledged)
		equal(n, acknowledged, "acknowledged commits");
	/* one may have been durable before it could be acknowledged */
	if (n > acknowledged + 1)
		equal(n, acknowledged, "commits that nobody made");
	for (unsigned i = 0; i < DEVICES; i++) {
		must(ledger_state_get(l, ledgers_device(i).id, &s), "state");
		versions += s.version;
	}
	for (uint64_t before = 0; ledger_decision_prev(l, "", before, &d) == ASSAY_OK;
	     before = d.seq)
		decisions++;
	while (ledger_audit_next(l, a.seq, &a) == ASSAY_OK)
		continue;
	equal(versions, n * ROWS, "states written");
	equal(decisions, n, "decisions");
	equal(a.seq, n, "audit entries");
	equal(ledger_head(l), n + 2, "change counter");
	ledger_close(l);
	printf("%" PRIu64 "\n", n);
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: ledger_crash init|write|check DIR [N]\n");
		return 64;
	}
	snprintf(path, sizeof path, "%s/ledger.db", argv[2]);
	if (strcmp(argv[1], "init") == 0)
		init();
	else if (strcmp(argv[1], "write") == 0)
		write_for_ever();
	else
		check(argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
	return 0;
}
