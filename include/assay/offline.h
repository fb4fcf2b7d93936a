/*
 * offline.h: attest a device that has no connection to the verifier.
 *
 * A challenge in a file (.challenge) is brought to the device, and the file that answers it
 * (.evidence) back to the verifier: docs/offline.md. All else is attester.h, which such a
 * device uses once, on a connection, to enrol.
 */
#ifndef ASSAY_OFFLINE_H
#define ASSAY_OFFLINE_H

#include <assay/attester.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes what is written, in order; an error ends it. */
typedef enum assay_err assay_sink(void *self, const uint8_t *bytes, size_t len);

/*
 * Evidence for a challenge in a file (.challenge), as the file (.evidence) that somebody
 * carries back to the verifier: the proof, all claims, the whole boot log and IMA list.
 * Not while a connection is up: it is forgotten. STATE: not enrolled. MISMATCH: the
 * challenge is for another device or, with a root, of another verifier. BAD_MAGIC,
 * BAD_SIGNATURE, MALFORMED...: it is no sound challenge. Takes 48 KiB of stack.
 */
struct assay_collection {
	struct assay_bytes challenge; /* the whole file */
	/* KID of the verifier's first signing key, which `assay key list' tells. NULL: the
	 * signature shows only that the file is whole. */
	const char *root;
	assay_sink *sink;
	void *self;
};
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_attester_collect(struct assay_attester *a, const struct assay_collection *c);

#ifdef __cplusplus
}
#endif

#endif
