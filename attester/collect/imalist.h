/*
 * imalist.h: the IMA measurement list as a file, for assay_attester_config.ima_list.
 *
 * It is read in order at two places, each with a descriptor of its own that stays open:
 * a list in securityfs can only be read on from where a descriptor stands, anything else
 * makes the kernel write it out again from the first entry. It does not look inside, but for
 * telling an ascii list, which is for people: its first byte.
 */
#ifndef COLLECT_IMALIST_H
#define COLLECT_IMALIST_H

#include <assay/attester.h>

/* Where Linux shows the list; root only. Kernels that have a list for each bank call it
 * so with "_sha1", "_sha256" ... behind. */
#define IMALIST_KERNEL "/sys/kernel/security/ima/binary_runtime_measurements"

#define IMALIST_PLACES 2

struct imalist {
	const char *path; /* the caller's */
	uint64_t device, inode; /* of the list being read */
	uint64_t most;		/* bytes of it that were seen */
	uint64_t turn;
	struct imalist_place {
		int fd; /* -1: not open */
		uint64_t at, used;
	} place[IMALIST_PLACES];
	uint64_t bytes; /* read in all */
	uint64_t seeks; /* how often it had to read elsewhere than on */
};

void imalist_init(struct imalist *l, const char *path);
void imalist_close(struct imalist *l);
/* self: a struct imalist. As assay_ima_list; NOT_FOUND: no such file; DENIED: not
 * permitted to read it; BAD_MAGIC: an ascii list; STATE: another file, or shorter than what
 * was read of it. */
enum assay_err imalist_read(void *self, uint64_t offset, uint8_t *buffer, size_t cap,
			    size_t *ret_len);

#endif
