/*
 * version.h: versions of software and their order.
 *
 * Two orders: Semantic Versioning 2.0.0 (clause 11) and Debian's (deb-version(7)).
 * Which one holds is said by the policy, never guessed from the text: "1.10-1" means
 * something else in each. A text that has not the order's form has no place in it.
 */
#ifndef APPRAISE_VERSION_H
#define APPRAISE_VERSION_H

#include "evidence/reader.h"

enum version_order { ORDER_NONE = 0, ORDER_SEMVER, ORDER_DEBIAN, ORDER_COUNT };

#define VERSION_TEXT_MAX 64

const char *version_order_name(enum version_order o); /* "semver", "debian"; "none" */
/* Whether the text has the form of a version in this order. */
bool version_valid(enum version_order o, struct span text);
/* *ret below, equal to or above 0 as a comes before, with or after b. MALFORMED: one of
 * them is not valid. */
ASSAY_MUST_USE enum assay_err version_compare(enum version_order o, struct span a,
					      struct span b, int *ret);

#endif
