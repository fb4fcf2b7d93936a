/*
 * unit.h: what every unit and attack test includes: cmocka, fixtures, mutation.
 *
 * Tests are sentences ("rejects_every_truncation_and_extension"). Fixtures of our
 * own are in tests/data; data of others are read from ../shared/testdata where it
 * is present, and the test skips by name where it is not.
 */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "evidence/reader.h"

/* Whole file into malloc'd memory (test only; limit 64 MiB); aborts the test with
 * the path if it cannot be read. Caller frees p. */
struct span unit_file(const char *path);
/* tests/data/NAME; the runner starts tests in the project's top folder. */
struct span unit_data(const char *name);
/* Path under ../shared/testdata (or $ASSAY_TESTDATA), or NULL where absent. The
 * result is static, good until the next call. */
const char *unit_shared(const char *name);
void unit_free(struct span s);
/* What a test stands on, not what it tests: anything but OK ends it. */
void unit_must(enum assay_err e, const char *what);

/*
 * Calls check(mutant, what, arg) for every single-bit flip, every byte set to 00
 * and FF, every truncation, one-byte extensions and duplicated halves of a valid
 * object. check asserts that the mutant is refused. limit_bits caps flips for
 * large objects by a fixed stride (0: all bits).
 */
void unit_mutate(struct span valid, size_t limit_bits,
		 void (*check)(struct span mutant, const char *what, void *arg), void *arg);

#endif
