/*
 * child.h: how every role starts: the same few lines, in one order.
 *
 *   child_start()      prepare the sandbox, receive CONFIG
 *   (the role sets itself up: sockets, TLS, maps)
 *   child_ready()      enter the sandbox, tell keeper
 *   (the role's loop)
 *
 * CONFIG payload: be32 uid, be32 gid, u8 json log, then the role's own layout.
 */
#ifndef VERIFIER_CHILD_H
#define VERIFIER_CHILD_H

#include "ipc.h"
#include "sandbox.h"

#include "evidence/writer.h"

#define CHILD_CONFIG_HEAD 9

struct child_start {
	struct ipc ipc;
	struct sandbox_ids ids;
	struct ipc_msg config; /* release after use */
	struct span role_config;
};

/* Writes the head; the caller appends the role's own part. */
void child_config_head(struct writer *w, struct sandbox_ids ids, bool log_json);
ASSAY_MUST_USE enum assay_err child_start(enum role r, struct child_start *ret);
/* Jail, then READY with this payload (at most 64 bytes). */
ASSAY_MUST_USE enum assay_err child_ready(struct child_start *c, enum role r,
					  struct span payload);

#endif
