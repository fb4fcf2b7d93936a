/*
 * gate.h: a relying party: it hears decisions, and the kernel applies them.
 *
 * What can open the way is only a record that the verifier's pinned root leads to, not yet
 * expired. Everything else (silence, errors, restarts, this process's end) lets elements
 * run out.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "config.h"

enum gate_status { GATE_YES = 0, GATE_NEGATIVE = 1, GATE_BAD_INPUT = 2, GATE_NO_ACCESS = 3,
		   GATE_FAULT = 4, GATE_USAGE = 64 };

/* Loads the rules with empty sets: nobody passes. For early boot. */
int gate_close_all(const struct gate_config *c);
/* The same where the configuration is wrong: nothing is forwarded, unless a gate's table is
 * there already. Tells what it did; BAD_INPUT or NO_ACCESS. */
int gate_shut(const char *path);
/* Serves until told to stop. dry_run: prints what it would do, and does nothing. */
int gate_run(const struct gate_config *c, bool dry_run);
/* Prints the rules. */
int gate_print_rules(const struct gate_config *c);

#endif
