/*
 * software_versions.h: the highest version that was seen of each item of software: what
 * a version that goes back is found by. Part of struct continuity.
 *
 * Bounded: only items that a policy watches are remembered. One that it watches no more
 * stays while there is room, so that leaving it out for a while forgets nothing.
 */
#ifndef APPRAISE_SOFTWARE_VERSIONS_H
#define APPRAISE_SOFTWARE_VERSIONS_H

#include "evidence/writer.h"
#include "version.h"

#define SOFTWARE_VERSIONS_MAX 64
#define SOFTWARE_VERSION_KEY 16

struct software_version {
	uint8_t item[SOFTWARE_VERSION_KEY]; /* of SHA-256 over its name */
	uint8_t order;			    /* enum version_order */
	char version[VERSION_TEXT_MAX + 1];
};

struct software_versions {
	uint8_t n;
	struct software_version v[SOFTWARE_VERSIONS_MAX];
};

void pack_software_versions(struct writer *w, const struct software_versions *s);
void unpack_software_versions(struct reader *r, struct software_versions *ret);

/* What is remembered of an item in this order, or NULL. */
const struct software_version *software_versions_find(const struct software_versions *s,
						      const uint8_t key[SOFTWARE_VERSION_KEY],
						      enum version_order order);
/* Remember it, in the place of what was known of the item. False: there is no room. */
bool software_versions_put(struct software_versions *s, const struct software_version *v);

#endif
