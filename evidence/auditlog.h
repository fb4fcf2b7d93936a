/*
 * auditlog.h: an exported audit log, and whether it is whole.
 *
 * One line per entry, oldest first, from number 1 without gaps, then one line that ends
 * it: the head as the audit key signed it, and the key set's chain that leads to that key.
 *
 *   {"seq":1,"at":T,"actor":"..","action":"..","object":"..","detail":"..",
 *    "previous":"HEX","hash":"HEX"}
 *   {"head":"JWS","chain":["JWS",...]}
 *
 * Each hash covers the entry and the hash before it; the signed head names the last. Only
 * the canonical text of each line is accepted, so that no bit of the file can change
 * unseen. What is not in the file cannot be seen missing at its end, but by a head that is
 * known from elsewhere (every heartbeat has one): `expect`.
 */
#ifndef EVIDENCE_AUDITLOG_H
#define EVIDENCE_AUDITLOG_H

#include "keyset.h"

#define AUDITLOG_LINE_MAX (KEYSET_KEYS_MAX * (KEYSET_STATEMENT_MAX + 4) + 4096)

struct auditlog_entry {
	uint64_t seq;
	int64_t at;
	char actor[65], action[65], object[65], detail[256];
	uint8_t previous[32], hash[32];
};

/* SHA-256 over be16-length-prefixed "assay-audit-v1", previous, be64 seq, be64 at, and
 * actor, action, object and detail, each with a be16 length. */
ASSAY_MUST_USE enum assay_err auditlog_hash(const struct auditlog_entry *a, uint8_t ret[32]);
/* A line, with its end. */
ASSAY_MUST_USE enum assay_err auditlog_put(const struct auditlog_entry *a, struct writer *w);
/* The last line: the signed head and the chain as it is in STATE/keys/chain. */
ASSAY_MUST_USE enum assay_err auditlog_put_end(struct span head, struct span chain,
					       struct writer *w);

struct auditlog_expect {
	const char *root; /* pinned KID; NULL: the chain's own first key, which proves less */
	bool has_seq;
	uint64_t seq;	  /* an entry with this number ... */
	bool has_hash;
	uint8_t hash[32]; /* ... or just this hash must be there */
};

struct auditlog_report {
	uint64_t entries;
	uint64_t line; /* where it went wrong, from 1; 0: it did not */
	const char *what; /* in words; static */
	int64_t signed_at;
	uint8_t head[32];
	char root[JWS_KID_SIZE];
};

/* A log being checked: one line of it is held, however long the log is. */
struct auditlog_check {
	struct auditlog_report *report;
	const struct auditlog_expect *expect;
	enum assay_err err;
	uint8_t last[32];   /* hash of the entry before */
	bool found, ended;  /* what was expected; the last line */
	struct writer line; /* as far as it has come, in ->bytes */
	uint8_t bytes[AUDITLOG_LINE_MAX];
};

/* Begin, feed the file in pieces of any size, end. expect and report must stay. */
void auditlog_begin(struct auditlog_check *c, const struct auditlog_expect *expect,
		    struct auditlog_report *report);
/* The first error is final; auditlog_end() has it too. */
ASSAY_MUST_USE enum assay_err auditlog_feed(struct auditlog_check *c, struct span bytes);
/* OK: whole, and as expected. Otherwise ->line and ->what of the report say what is wrong:
 * MALFORMED (not canonical), MISMATCH (an entry, the order, or the head), BAD_SIGNATURE,
 * TRUNCATED (the last line is missing), NOT_FOUND (what was expected is not there). */
ASSAY_MUST_USE enum assay_err auditlog_end(struct auditlog_check *c);

#endif
