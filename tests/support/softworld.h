/*
 * softworld.h: software, settings and health that the device of a world.h claims, and
 * reference sets of them, for tests.
 */
#ifndef TESTS_SUPPORT_SOFTWORLD_H
#define TESTS_SUPPORT_SOFTWORLD_H

#include "verifier/appraise/softset.h"
#include "world.h"

#define SOFTWORLD_ITEMS 16

struct softworld {
	struct world w;
	struct msg_claims claims;
	struct msg_software items[SOFTWORLD_ITEMS];
	struct msg_health health[SOFTWORLD_ITEMS];
	struct msg_setting settings[SOFTWORLD_ITEMS];
	uint8_t digests[SOFTWORLD_ITEMS][32];
	uint8_t sets[4][16384];
	uint8_t nsets;
};

/* world_init(), with nothing claimed yet. */
void softworld_init(struct softworld *s);
void softworld_free(struct softworld *s);
/* The item of this name, made if need be; lists stay in order. digest: of this text. */
struct msg_software *softworld_item(struct softworld *s, const char *name);
void softworld_set(struct softworld *s, const char *name, const char *version, const char *content);
void softworld_health(struct softworld *s, const char *name, const char *instance,
		      const char *value);
void softworld_setting(struct softworld *s, const char *item, const char *key, const char *value);
/* Capture what is claimed now, with the facts of the last verdict, as a set. */
void softworld_capture(struct softworld *s, enum reference_state state, bool baseline);
/* The same with manifests to explain differences by. */
void softworld_capture_files(struct softworld *s, const struct span *files, size_t n);
/* The world's policy and these lines. */
void softworld_policy(struct softworld *s, const char *more);

#endif
