/*
 * evidencefile.h: evidence in a file (.evidence): what one round sent, in one piece.
 *
 *   "ASSAY-EVIDENCE-1", then records in ascending order of kind, each at most once:
 *   1 byte kind || 4 bytes big-endian length || bytes
 *   kinds: 1 proof (a Proof frame), 2 claims, 3 boot log, 4 IMA list, 5 nonce (32 bytes)
 *
 * The file itself is not signed and says nothing about whose it is: the proof's
 * quotes are what is signed. The nonce is there in evidence that was collected offline:
 * by it the challenge is found that was answered, and it proves nothing. It is read and
 * written whole, never in place.
 */
#ifndef EVIDENCE_EVIDENCEFILE_H
#define EVIDENCE_EVIDENCEFILE_H

#include "binding.h"
#include "envelope.h"
#include "eventlog.h"
#include "writer.h"

#define EVIDENCEFILE_MAGIC "ASSAY-EVIDENCE-1"
#define EVIDENCEFILE_IMA_MAX (64u << 20)
#define EVIDENCEFILE_MAX                                                                       \
	(16u + 5u * 5u + BINDING_NONCE_SIZE + MSG_PROOF_MAX + MSG_CLAIMS_MAX + EVENTLOG_MAX +  \
	 EVIDENCEFILE_IMA_MAX)

struct evidence_file {
	struct span proof;  /* always there */
	struct span claims; /* empty: inside the proof, or none */
	bool has_boot_log, has_ima;
	struct span boot_log, ima; /* may be empty even if present */
	struct span nonce; /* empty: it was sent on a connection */
};

/* BAD_MAGIC, TRUNCATED, TOO_LARGE, DUPLICATE (or out of order), UNSUPPORTED: another
 * kind, MISSING: no proof; MALFORMED: the nonce. Spans point into the input. */
ASSAY_MUST_USE enum assay_err evidence_file_parse(struct span in, struct evidence_file *ret);
ASSAY_MUST_USE enum assay_err evidence_file_write(const struct evidence_file *f, struct writer *w);

#endif
