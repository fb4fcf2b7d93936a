/*
 * ledgers.h: a ledger in a folder of its own for each test, records to fill it with,
 * and what an attacker with the file in hands does: SQL behind the service's back,
 * files copied away and put back.
 */
#ifndef TESTS_SUPPORT_LEDGERS_H
#define TESTS_SUPPORT_LEDGERS_H

#include "unit.h"
#include "verifier/ledger/challenge.h"
#include "verifier/ledger/ledger.h"

struct ledgers {
	char dir[256], path[300], head[300];
	struct ledger *l; /* open, unless a test closed it */
};

extern const uint8_t ledgers_key[32];

/* cmocka set-up and tear-down: *state is a struct ledgers with a new ledger, open. */
int ledgers_setup(void **state);
int ledgers_teardown(void **state);
void ledgers_close(struct ledgers *s);
/* Open again; s->l is set for OK, TAMPERED and EXPIRED. */
enum assay_err ledgers_open(struct ledgers *s, struct ledger_report *report);
/* In a transaction of its own. */
enum assay_err ledgers_accept(struct ledgers *s);
/* Every change is refused, and an empty commit changes nothing. */
void ledgers_assert_fault(struct ledgers *s);
/* begin, the call, commit must all succeed. */
#define IN_TRANSACTION(s, call)                                                   \
	do {                                                                      \
		assert_int_equal(ledger_begin((s)->l), ASSAY_OK);                 \
		assert_int_equal((call), ASSAY_OK);                               \
		assert_int_equal(ledger_commit((s)->l), ASSAY_OK);                \
	} while (0)

/* Records number n: all fields set, all unique ones different for different n. */
struct ledger_device ledgers_device(unsigned n);
struct ledger_token ledgers_token(unsigned n);
struct ledger_ek ledgers_ek(unsigned n);
struct ledger_reference ledgers_reference(unsigned n);
struct ledger_policy ledgers_policy(unsigned n);
struct ledger_operator ledgers_operator(unsigned n);
struct ledger_decision ledgers_decision(unsigned device);
struct ledger_audit ledgers_audit(unsigned n);
/* With spans into static memory; version is the caller's to set. */
struct ledger_state ledgers_state(unsigned device);
/* One of each table: device 1 and 2 with state, boot log, decision; token ... */
void ledgers_fill(struct ledgers *s);
/* And an IMA list of device 1. */
void ledgers_fill_ima(struct ledgers *s);

/* SQL on the closed file, as any user of sqlite3 could run it; fails the test on error.
 * The number of rows that the last statement changed. */
int ledgers_sql(const struct ledgers *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The one integer that a query gives. */
long long ledgers_sql_int(const struct ledgers *s, const char *sql);
/* Copy a file of the closed ledger away ("a" -> "a.NAME") and back. */
void ledgers_save(const struct ledgers *s, const char *name);
void ledgers_restore(const struct ledgers *s, const char *name); /* the ledger alone */
void ledgers_restore_head(const struct ledgers *s, const char *name);

#endif
