/*
 * rootfs.h: the files of a root file system, a folder or a tar archive, and the digests
 * that IMA measures of them.
 *
 * Hashing is spread over the processors; an archive is read as it is, never unpacked.
 * Names are those that IMA writes: absolute in the root, blanks as underscores. Symbolic
 * links are not followed, other file systems not entered; what is no file is left out.
 */
#ifndef CLI_ROOTFS_H
#define CLI_ROOTFS_H

#include "evidence/digest.h"

#define ROOTFS_ALGS_MAX 4
#define ROOTFS_JOBS_MAX 64

struct rootfs_source {
	const char *path; /* a folder, or a tar archive as libarchive reads them */
	unsigned nalgs;
	uint16_t algs[ROOTFS_ALGS_MAX];
	unsigned jobs; /* threads; 0: one for each processor */
	bool progress; /* a line on stderr that moves */
	/* A file; called by one thread at a time. false: stop. */
	bool (*on_file)(void *arg, struct span name, const struct digest *digests);
	void *arg;
};

struct rootfs_result {
	uint64_t files, bytes;
	uint64_t unreadable; /* files that could not be read: each was named on stderr */
	char error[256];     /* why it ended, for people */
};

/* NOT_FOUND, DENIED, IO, UNSUPPORTED (neither a folder nor an archive), NO_MEMORY; STATE:
 * on_file said stop. *ret is filled in any case. */
ASSAY_MUST_USE enum assay_err rootfs_read(const struct rootfs_source *src,
					  struct rootfs_result *ret);

#endif
