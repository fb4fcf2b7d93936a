/*
 * health.h: how the device is, as the claims of evidence/health.h.
 *
 * Each claim is collected on its own; what cannot be had is left out, and that is a
 * fact for the verifier. Files are read below a root descriptor, so that all of it can
 * be tested on a fixture tree; only clock and kernel are asked of the running system.
 *
 *   health.c       the list; system, memory, kernel, updates, accounts, temperatures
 *   health_disk.c  file systems
 *   health_net.c   listening sockets and their programs
 */
#ifndef COLLECT_HEALTH_H
#define COLLECT_HEALTH_H

#include "evidence/health.h"
#include "measure.h"

#define HEALTH_INSTANCE_MAX 128
#define HEALTH_ENTRIES_MAX 256 /* as the wire has it */

struct health_entry {
	enum health_id id;
	char instance[HEALTH_INSTANCE_MAX + 1]; /* "" of the device as a whole */
	char value[MEASURE_VALUE_MAX + 1];
};

struct health {
	struct measure *m; /* its root, and its wait() while a command runs */
	texts mounts;	   /* mount points to look at; NULL: all on devices */
	texts only;	   /* names of the claims wanted; NULL: all */
	const char *boots; /* file that counts starts; NULL: not counted */
	struct health_entry *v; /* HEALTH_ENTRIES_MAX */
	size_t n;
};

/* All of it, in the order of the wire, into h->v. */
void health_collect(struct health *h);

/* ---- for the files ---- */

void health_number(struct health *h, enum health_id id, const char *instance, int64_t value);
void health_bool(struct health *h, enum health_id id, bool value);
void health_text(struct health *h, enum health_id id, const char *instance, const char *value);
bool health_wanted(const struct health *h, enum health_id id);
/* First line of a small file; false if there is none. */
bool health_line(const struct health *h, const char *path, char *buf, size_t cap);

void health_disks(struct health *h);
void health_listeners(struct health *h);

#endif
