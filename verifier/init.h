/*
 * init.h: `assay-verifier init`: a state directory that is a whole verifier.
 */
#ifndef VERIFIER_INIT_H
#define VERIFIER_INIT_H

#include "config.h"

/* The shipped policies, embedded by the Makefile from policies/. */
struct shipped_policy {
	const char *name; /* file name */
	const unsigned char *bytes;
	unsigned len;
};
extern const struct shipped_policy shipped_policies[]; /* ended by a NULL name */

struct init_options {
	const char *state, *listen, *roots, *name;
	bool accept_virtual;
};

/* Makes what is missing and never replaces anything; an exit status. */
int init_state(const struct init_options *o);

#endif
