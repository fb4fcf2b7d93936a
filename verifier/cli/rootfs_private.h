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
	uint64_t order; /* of the member, if there is content */
	char path[]; /* in the root, if there is content */
};

/* A member of an archive that is no folder. */
struct rootfs_kept {
	char *name;
	uint64_t order;
	enum { ROOTFS_FILE, ROOTFS_LINK, ROOTFS_OTHER } kind;
	char *target; /* of a hard link, else NULL */
	struct digest digest[ROOTFS_ALGS_MAX]; /* of a file */
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
	uint64_t order;		  /* of the member that is read; the reading thread's own */
	struct rootfs_kept *kept; /* of an archive: later members replace earlier ones */
	size_t nkept, kept_cap;
	uint64_t found_bytes;
	bool found_all;
	int64_t shown_ms;
	enum assay_err err;
};

struct rootfs_hash {
	struct hasher hasher[ROOTFS_ALGS_MAX];
	uint64_t bytes, order;
};
ASSAY_MUST_USE enum assay_err rootfs_hash_begin(struct rootfs *r, struct rootfs_hash *h);
ASSAY_MUST_USE enum assay_err rootfs_hash_add(struct rootfs *r, struct rootfs_hash *h,
					      struct span bytes);
/* A file of a folder is handed on, one of an archive kept: name is changed. */
ASSAY_MUST_USE enum assay_err rootfs_hash_end(struct rootfs *r, struct rootfs_hash *h,
					      char *name);
/* As IMA writes it: blanks are underscores. */
void rootfs_ima_name(char *name);
/* Counted, and named on stderr. */
void rootfs_left_out(struct rootfs *r, const char *name, const char *why);

/* Memory that changes hands. */
struct rootfs_bytes {
	uint8_t *p; /* malloc'd */
	size_t n;
};
/* A file for the threads, with its content in any case; waits while too much does. */
ASSAY_MUST_USE enum assay_err rootfs_give(struct rootfs *r, const char *path,
					  struct rootfs_bytes content);

/* Remember a member, of which name, target and digests are copied; with the lock held. */
ASSAY_MUST_USE enum assay_err rootfs_keep(struct rootfs *r, const struct rootfs_kept *k);
/* Hand on what the archive holds in the end, once everything is hashed. */
ASSAY_MUST_USE enum assay_err rootfs_kept_end(struct rootfs *r);
void rootfs_kept_free(struct rootfs *r);

typedef void rootfs_fail(struct rootfs *r, enum assay_err e, const char *what, const char *why);
ASSAY_MUST_USE enum assay_err rootfs_read_archive(struct rootfs *r, rootfs_fail *fail);

#endif
