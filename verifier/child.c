/* child.c: see child.h. */
#include "child.h"

#include "log.h"

#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>

void
child_config_head(struct writer *w, struct sandbox_ids ids, bool log_json)
{
	wr_be32(w, ids.uid);
	wr_be32(w, ids.gid);
	wr_u8(w, log_json);
}

/* Channels of looping roles do not block; the configuration is waited for. */
static enum assay_err
receive_config(struct child_start *c)
{
	struct pollfd p = {.fd = c->ipc.fd, .events = POLLIN};
	enum assay_err e;

	do {
		if (poll(&p, 1, -1) < 0)
			return ASSAY_IO;
		e = ipc_recv(&c->ipc, &c->config);
	} while (e == ASSAY_BUSY);
	if (e != ASSAY_OK)
		return e;
	return c->config.type == IPC_CONFIG ? ASSAY_OK : ASSAY_BAD_TYPE;
}

enum assay_err
child_start(enum role r, struct child_start *ret)
{
	struct reader rd;
	char name[16]; /* what ps shows */
	enum assay_err e;
	bool json;

	snprintf(name, sizeof name, "assay-%s", role_name(r));
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	if ((e = sandbox_prepare()) != ASSAY_OK ||
	    (e = ipc_init(&ret->ipc, IPC_CHILD_FD, r, ROLE_KEEPER)) != ASSAY_OK ||
	    (e = receive_config(ret)) != ASSAY_OK)
		return e;
	rd_init(&rd, ret->config.payload);
	ret->ids.uid = rd_be32(&rd);
	ret->ids.gid = rd_be32(&rd);
	json = rd_u8(&rd) != 0;
	ret->role_config = rd_rest(&rd);
	if ((e = rd_finish(&rd)) != ASSAY_OK)
		return e;
	log_init(role_name(r), json, LOG_LEVEL_INFO);
	return ASSAY_OK;
}

enum assay_err
child_ready(struct child_start *c, enum role r, struct span payload)
{
	enum assay_err e = sandbox_enter(r, c->ids);

	if (e != ASSAY_OK)
		return e;
	return ipc_send(&c->ipc, IPC_READY, 0, payload);
}
