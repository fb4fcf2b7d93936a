/*
 * rootfs_private.h: between rootfs.c (threads, folders) and rootfs_archive.c.
 */
#ifndef CLI_ROOTFS_PRIVATE_H
#define CLI_ROOTFS_PRIVATE_H

#include "rootfs.h"

#include <limits.h>
#include <pthread.h>

#define ROOTFS_BUFFER (256u << 10)
#define ROOTFS_WAITING_MAX (64u << 20) /* bytes of archives that wait to be hashed */
#define ROOTFS_INLINE_MAX (8u << 20)   /* larger files of archives are hashed as they come */

struct rootfs_work {
	struct rootfs_work *next;
	uint8_t *content; /* NULL: to be read from path */
	size_t content_len;
	char path[]; /* in the root, if there is content */
};

/* A file that was hashed. */
struct rootfs_kept {
	char *name;
	struct digest digest[ROOTFS_ALGS_MAX];
};

struct rootfs {
	const struct rootfs_source *src;
	struct rootfs_result *result;
	size_t root_len; /* of a folder's path, that names do not have */
	pthread_mutex_t lock; /* of all that follows, and of result */
	pthread_cond_t changed;
	struct rootfs_work *first, *last;
	size_t waiting;
	bool archive;
	struct rootfs_kept *kept; /* of an archive: for hard links */
	size_t nkept, kept_cap;
	char **links; /* name, target, name ...; malloc'd */
	size_t nlinks, links_cap;
	uint64_t found_bytes;
	bool found_all;
	int64_t shown_ms;
	enum assay_err err;
};

struct rootfs_hash {
	struct hasher hasher[ROOTFS_ALGS_MAX];
	uint64_t bytes;
};
ASSAY_MUST_USE enum assay_err rootfs_hash_begin(struct rootfs *r, struct rootfs_hash *h);
ASSAY_MUST_USE enum assay_err rootfs_hash_add(struct rootfs *r, struct rootfs_hash *h,
					      struct span bytes);
/* name is changed to IMA's form. */
ASSAY_MUST_USE enum assay_err rootfs_hash_end(struct rootfs *r, struct rootfs_hash *h,
					      char *name);

/* Memory that changes hands. */
struct rootfs_bytes {
	uint8_t *p; /* malloc'd */
	size_t n;
};
/* A file for the threads; waits while too much does. */
ASSAY_MUST_USE enum assay_err rootfs_give(struct rootfs *r, const char *path,
					  struct rootfs_bytes content);

/* Another name of a file of the archive; and all of these, once everything is hashed. */
ASSAY_MUST_USE enum assay_err rootfs_link(struct rootfs *r, const char *name,
					  const char *target);
ASSAY_MUST_USE enum assay_err rootfs_links_end(struct rootfs *r);
/* Remember a file's digests, with the lock held. */
ASSAY_MUST_USE enum assay_err rootfs_keep(struct rootfs *r, const char *name,
					  const struct digest *d);
void rootfs_links_free(struct rootfs *r);

typedef void rootfs_fail(struct rootfs *r, enum assay_err e, const char *what, const char *why);
ASSAY_MUST_USE enum assay_err rootfs_read_archive(struct rootfs *r, rootfs_fail *fail);

#endif
