/*
 * software_explain.h: what changed in an item that has a manifest, in words.
 *
 * "3 files changed in demo-config: etc/a.conf, bin/x (mode), new.so (added)". It explains
 * a digest that differs and never makes it equal. The manifest comes from the device
 * (PART_FILES) and counts only if it hashes to the digest that was signed.
 */
#ifndef APPRAISE_SOFTWARE_EXPLAIN_H
#define APPRAISE_SOFTWARE_EXPLAIN_H

#include "appraisal.h"

/* Fills f->text if the manifest is at hand, else leaves it. */
void software_explain(const struct appraisal *a, const struct msg_software *seen,
		      struct span reference, struct finding *f);

#endif
