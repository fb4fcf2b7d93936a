/* outbound.c: the start of a process that sends; see outbound.h. */
#include "outbound.h"

#include "child.h"
#include "log.h"

int
outbound_main(void)
{
	struct child_start start = {0};
	struct outbound_setup s;
	enum assay_err e;

	if ((e = child_start(ROLE_OUTBOUND, &start)) != ASSAY_OK ||
	    (e = outbound_setup_decode(start.role_config, &s)) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "start-failed", "error", assay_err_name(e), NULL);
		return 4;
	}
	ipc_release(&start.config);
	return s.kind == OUTBOUND_HTTP ? outbound_http(&start, &s) : outbound_log(&start, &s);
}
