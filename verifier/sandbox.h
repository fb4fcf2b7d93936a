/*
 * sandbox.h: what each role may still do once it is set up.
 *
 * A child calls sandbox_prepare() first (descriptors, death with the parent, no
 * new privileges), sets itself up, then sandbox_enter(), after which only the
 * role's system calls are left; another one kills the process. Not a substitute
 * for bounded parsers: the second wall.
 */
#ifndef VERIFIER_SANDBOX_H
#define VERIFIER_SANDBOX_H

#include "ipc.h"

struct sandbox_ids {
	uint32_t uid, gid; /* what to become when started as root; 0: stay */
};

/* Close every descriptor but 0, 1, 2 and IPC_CHILD_FD, die with the parent, refuse
 * io_uring (libuv's; it then falls back). IO if the kernel refuses. */
ASSAY_MUST_USE enum assay_err sandbox_prepare(void);
/*
 * chroot to an empty place and drop ids (if root), no core dumps, then the seccomp
 * allow-list of the role. Fails closed: the caller exits on any error.
 */
ASSAY_MUST_USE enum assay_err sandbox_enter(enum role r, struct sandbox_ids ids);

#endif
