/*
 * logmade.h: boot logs under construction, and altered ones, for tests.
 */
#ifndef TESTS_SUPPORT_LOGMADE_H
#define TESTS_SUPPORT_LOGMADE_H

#include "evidence/eventlog.h"
#include "evidence/writer.h"

#define LOGMADE_ROOM 4096

/* A log under construction: agile with the given banks, or SHA-1. */
struct made {
	uint8_t buf[LOGMADE_ROOM];
	struct writer w;
	const uint16_t *algs;
	size_t nalgs;
};

extern const uint16_t made_sha256[1];
extern const uint16_t made_two_banks[2]; /* SHA-1, SHA-256 */

/* The Spec-ID record; algs is kept. */
void made_begin(struct made *m, const uint16_t *algs, size_t n, uint32_t pcr);
/* An event whose digests are all of its data (zeros, where not computable). */
void made_event(struct made *m, uint32_t pcr, uint32_t type, struct span data);
/* An event whose digests are of other bytes than its data. */
void made_event_of(struct made *m, const uint32_t pcr_type[2], struct span data,
		   struct span measured);
void made_sha1_begin(struct made *m);
void made_sha1_event(struct made *m, uint32_t pcr, uint32_t type, struct span data);
/* UEFI_VARIABLE_DATA of an ASCII name; the result is static, good until the next call. */
struct span made_variable(const uint8_t guid[16], const char *name, struct span data);
extern const uint8_t made_guid_global[16], made_guid_security[16], made_guid_shim[16];
/* The log so far; asserts that it fitted. */
struct span made_log(const struct made *m);

/* The records of a log: offset of each, and its end at [n]. At most max. */
size_t made_records(struct span log, size_t *ret, size_t max);

#endif
