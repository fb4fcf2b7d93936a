/*
 * corim_compile.h: a signed CoRIM to reference sets, as `reference import` stores them.
 *
 * Runs in the compiler process. Every usable record becomes a set of its own, so that
 * records stay alternatives and parts of two are never mixed: integrity registers a set of
 * PCR values (reference.h), named components a set of software (softset.h). Vendor and
 * model become labels that a device must have: "vendor=ACME-Ltd. model=RoadRunner-9",
 * where what labels cannot hold is a '-'.
 */
#ifndef COMPILER_CORIM_COMPILE_H
#define COMPILER_CORIM_COMPILE_H

#include "corim.h"

#include "verifier/appraise/appraise.h"

/* The request: be64 time, be16 class-id ("": records may name none), be32 CoRIM, be16
 * count of roots, then each be16 DER; be16 count of keys, then each be16 DER. */
struct corim_request {
	int64_t now;
	struct span class_id;
	struct span file;
	struct corim_anchors anchors;
};
void corim_request_write(struct writer *w, const struct corim_request *r);
ASSAY_MUST_USE enum assay_err corim_request_read(struct span in, struct corim_request *ret);

/* The answer's head, then its sets. */
struct corim_answer {
	char id[CORIM_TEXT_MAX];
	uint8_t signer[32]; /* SHA-256 of the signing key's SubjectPublicKeyInfo */
	int64_t not_before, not_after; /* 0: none */
	uint16_t nreplaces;
	char replaces[CORIM_REPLACES_MAX][CORIM_TEXT_MAX];
	uint16_t nsets, unused; /* unused: records that were left out */
	struct reader sets;
};
struct corim_set {
	enum reference_kind kind;
	char tag[CORIM_TEXT_MAX];
	char labels[DEVICE_LABELS_MAX + 1];
	struct span compiled;
};

/*
 * The whole way from the request to the answer in out. On an error ret_why says what an
 * operator needs; MALFORMED: it is refused, for whatever reason.
 */
ASSAY_MUST_USE enum assay_err corim_compile(const struct corim_request *in, struct writer *out,
					    char *ret_why, size_t cap);
ASSAY_MUST_USE enum assay_err corim_answer_open(struct span answer, struct corim_answer *ret);
/* False at the end, or with an error in ->sets.err. */
bool corim_answer_next(struct corim_answer *a, struct corim_set *ret);

#endif
