/*
 * problem.h: what went wrong, as HTTP says it: a status and an RFC 9457 document.
 */
#ifndef OPERATOR_PROBLEM_H
#define OPERATOR_PROBLEM_H

#include "evidence/reader.h"

#define PROBLEM_MAX 2048
#define PROBLEM_TYPE "application/problem+json"

/* MISSING is 401 (no valid token), DENIED 403; what is not the caller's fault is 5xx. */
unsigned problem_status(enum assay_err e);
const char *problem_title(unsigned status);
/* {"type", "title", "status", "error", "detail"} into ret; returns its length.
 * detail is escaped; NULL: the error's own text. */
size_t problem_document(unsigned status, enum assay_err e, const char *detail,
			char ret[PROBLEM_MAX]);
/* After how many seconds, as keeper's error document says; 1 if it does not. */
unsigned problem_retry(struct span keeper_document);
/* The message of keeper's error document, into ret ("" if there is none). */
void problem_message(struct span keeper_document, char *ret, size_t cap);

#endif
