/*
 * certs.h: the certificates of tests/data/ekcert, and roots compiled from some of them.
 */
#ifndef TESTS_SUPPORT_CERTS_H
#define TESTS_SUPPORT_CERTS_H

#include "unit.h"

#include "verifier/appraise/ekcert.h"
#include "verifier/compiler/roots_compile.h"

#define CERTS_NOW 1654041600 /* 2022-06-01T00:00:00Z */

struct certs {
	struct roots_image image;
	struct roots roots;
	char warnings[4096]; /* of the compilation, a line each */
};

/* A list of fixtures' names, as the argument of the functions below. */
#define CERTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_CERTS ((const char *const[]){NULL})

/* tests/data/ekcert/NAME; the caller frees with unit_free(). */
struct span certs_file(const char *name);
/* Roots from a folder that holds just these. */
void certs_open(struct certs *c, const char *const *names);
void certs_close(struct certs *c);
/* Verifies NAME at CERTS_NOW, the device having sent these. */
void certs_verify(const struct certs *c, const char *name, const char *const *from_device,
		  struct ekcert *ret);
/* The verdict with nothing allowed. */
enum ekcert_reason certs_judge(const struct certs *c, const char *name);
/* The same of bytes. */
enum ekcert_reason certs_judge_bytes(const struct certs *c, struct span der);

#endif
