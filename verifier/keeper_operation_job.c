/* keeper_operation_job.c: operations that wait for the compiler process; see
 * keeper_operation.h. */
#include "keeper_operation.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

static unsigned jobs; /* under way, of all operators */

enum assay_err
job_new(struct call *c, struct job **ret)
{
	struct job *j;

	if (jobs >= CALL_JOBS_MAX)
		return call_fail(c, ASSAY_BUSY, "%d compile jobs are under way; try again later",
				 CALL_JOBS_MAX);
	j = calloc(1, sizeof *j);
	if (!j)
		return ASSAY_NO_MEMORY;
	jobs++;
	j->call = *c;
	/* What pointed into the request does not outlive it. */
	memset(j->call.op.field, 0, sizeof j->call.op.field);
	j->call.bytes = SPAN(NULL, 0);
	j->call.ret = NULL;
	j->call.message[0] = '\0';
	*ret = j;
	return ASSAY_OK;
}

void
job_free(struct job *j)
{
	if (!j)
		return;
	json_decref(j->call.ret);
	free((void *)(uintptr_t)j->source.p);
	bulk_free(&j->bulk);
	free(j);
	jobs--;
}

/* The compiler's words, if it said any: the first line, escaped again because the
 * compiler has read what an operator or a device sent. */
static void
take_words(struct job *j, enum assay_err e, struct span out)
{
	const char *own = j->explain ? j->explain(j, e) : NULL;
	const uint8_t *end = out.n ? memchr(out.p, '\n', out.n) : NULL;
	struct span first = SPAN(out.p, end ? (size_t)(end - out.p) : out.n);
	bool more = first.n + 1 < out.n;
	char line[CALL_MESSAGE_MAX - 32];

	if (own) {
		text_format(j->call.message, sizeof j->call.message, "%s", own);
		return;
	}
	text_escape(first, line, sizeof line);
	if (!*line)
		text_format(line, sizeof line, "the compiler failed: %s", assay_err_text(e));
	text_format(j->call.message, sizeof j->call.message, "%s%s", line,
		    more ? " (and more errors)" : "");
}

/* Something missing in what was given, or of a device: MISSING itself is about who asks
 * (call_permit()), and would be answered with 401. */
static enum assay_err
about_what(const struct job *j, enum assay_err e)
{
	if (e != ASSAY_MISSING)
		return e;
	return *j->device.id ? ASSAY_STATE : ASSAY_MALFORMED;
}

static void
on_compiled(struct keeper *k, void *arg, enum assay_err e, struct span out)
{
	struct job *j = arg;
	char *text = NULL;

	if (e != ASSAY_OK)
		take_words(j, e, out);
	else
		e = j->finish(j, out);
	e = about_what(j, e);
	if (e == ASSAY_OK && j->call.ret)
		text = json_dumps(j->call.ret, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (e == ASSAY_OK && !text)
		e = ASSAY_NO_MEMORY;
	if (e == ASSAY_OK)
		keeper_reply(k, j->call.id, ASSAY_OK, text);
	else
		keeper_reply(k, j->call.id, e, *j->call.message ? j->call.message : NULL);
	free(text);
	job_free(j);
}

enum assay_err
job_start(struct job *j, uint16_t kind, struct span input)
{
	return keeper_compile(j->call.k, kind, input, on_compiled, j);
}

enum assay_err
job_start_bulk(struct job *j, uint16_t kind)
{
	return keeper_compile_fd(j->call.k, kind, j->bulk.fd, on_compiled, j);
}
