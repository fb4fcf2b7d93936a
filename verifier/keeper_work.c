/*
 * keeper_work.c: what appraisers and compilers are given to do, and what becomes of
 * it when one of them dies; see keeper.h.
 */
#include "keeper_private.h"

#include "log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEATHS_MAX 2 /* appraisers that one piece of evidence may kill */
#define COMPILE_MAX_MS 600000 /* lists of millions of files; then its process hangs */

void
keeper_request_free(struct keeper *k, struct request *r)
{
	if (!r)
		return;
	keeper_ima_free(k, r);
	keeper_files_release(r);
	free(r->payload);
	free(r->first);
	free(r->proof);
	free(r->claims);
	free(r->log);
	free(r);
}

static bool
for_spare(const struct request *r)
{
	return r->kind == REQ_REPRODUCE || r->kind == REQ_ENROL_REPRODUCE || r->kind == REQ_CORE;
}

void
keeper_enqueue(struct keeper *k, struct request *r)
{
	struct request **head = for_spare(r) ? &k->spare_queue : &k->queue;
	struct request **tail = for_spare(r) ? &k->spare_tail : &k->queue_tail;

	r->next = NULL;
	r->id = ++k->next_request;
	if (*head)
		(*tail)->next = r;
	else
		*head = r;
	*tail = r;
	k->queued++;
}

static struct request *
dequeue(struct keeper *k, struct request **head, struct request **tail)
{
	struct request *r = *head;

	*head = r->next;
	if (!*head)
		*tail = NULL;
	r->next = NULL;
	k->queued--;
	return r;
}

static bool
has_map(const struct child *c, uint64_t id)
{
	for (unsigned i = 0; i < c->nsent; i++)
		if (c->sent[i] == id)
			return true;
	return false;
}

/* Policies, references and roots travel once per appraiser. */
static enum assay_err
send_maps(struct keeper *k, struct child *c, const struct request *r)
{
	for (unsigned i = 0; i < r->nmaps; i++) {
		const struct keeper_map *m = keeper_map_find(k, r->maps[i]);
		uint64_t id = appraiser_map_id(r->maps[i]);
		enum assay_err e;

		if (!m)
			return ASSAY_NOT_FOUND; /* retired since the request was made */
		if (has_map(c, id))
			continue;
		if (c->nsent == APPRAISER_MAPS_MAX)
			return ASSAY_TOO_MANY;
		if ((e = ipc_send_fd(&c->ipc, IPC_MAP, id, m->fd)) != ASSAY_OK)
			return e;
		c->sent[c->nsent++] = id;
	}
	return ASSAY_OK;
}

struct request *
keeper_expected(const struct child *c)
{
	return c->work;
}

static void
add_work(struct keeper *k, struct child *c, struct request *r)
{
	r->next = NULL;
	if (c->work_tail) {
		c->work_tail->next = r;
	} else {
		c->work = r;
		c->since_ms = k->now_ms;
	}
	c->work_tail = r;
	c->nwork++;
	c->served++;
}

static void
give(struct keeper *k, struct child *c, struct request *r)
{
	bool enrol = r->kind == REQ_ENROL || r->kind == REQ_ENROL_REPRODUCE;
	enum assay_err e = send_maps(k, c, r);

	if (e == ASSAY_NOT_FOUND) {
		keeper_round_failed(k, r);
		return;
	}
	add_work(k, c, r);
	if (e == ASSAY_OK)
		e = keeper_ima_give(c, r);
	r->begun_us = metrics_clock();
	if (e == ASSAY_OK)
		e = ipc_send(&c->ipc, enrol ? IPC_ENROL : IPC_APPRAISE, r->id,
			     SPAN(r->payload, r->len));
	if (e != ASSAY_OK)
		keeper_child_lost(k, c, assay_err_name(e));
	else
		keeper_watch(k, c);
}

static bool
can_take(const struct keeper *k, const struct child *c, bool spare)
{
	if (!c->pid || c->role != ROLE_APPRAISER || !c->ready || c->stopping || c->spare != spare)
		return false;
	if (spare)
		return c->served == 0;
	return c->nwork < KEEPER_PIPELINE_MAX && c->served < k->config->requests_per_appraiser;
}

/* The one with the least to do. */
static struct child *
idle_appraiser(struct keeper *k, bool spare)
{
	struct child *best = NULL;

	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
		struct child *c = &k->children[i];

		if (can_take(k, c, spare) && (!best || c->nwork < best->nwork))
			best = c;
	}
	return best;
}

bool
keeper_offer(struct keeper *k, struct request *r, unsigned depth)
{
	struct child *c = k->queue ? NULL : idle_appraiser(k, false);

	if (!c || c->nwork >= depth)
		return false;
	r->next = NULL;
	r->id = ++k->next_request;
	give(k, c, r);
	return true;
}

static enum assay_err
send_job(struct child *c, const struct compile_job *j)
{
	if (j->fd > 0)
		return ipc_send_fd(&c->ipc, IPC_COMPILE_BULK, j->kind, j->fd);
	return ipc_send(&c->ipc, IPC_COMPILE, 0, SPAN(j->input, j->len));
}

static void
start_jobs(struct keeper *k)
{
	while (k->jobs) {
		struct compile_job *j = k->jobs;
		struct child *c;

		if (keeper_child_start(k, ROLE_COMPILER, &c) != ASSAY_OK)
			return;
		k->jobs = j->next;
		c->job = j;
		c->since_ms = k->now_ms;
		if (send_job(c, j) != ASSAY_OK)
			keeper_child_lost(k, c, "does not take its job");
	}
}

void
keeper_dispatch(struct keeper *k)
{
	struct child *c;

	while (k->queue && (c = idle_appraiser(k, false)) != NULL)
		give(k, c, dequeue(k, &k->queue, &k->queue_tail));
	while (k->spare_queue && (c = idle_appraiser(k, true)) != NULL)
		give(k, c, dequeue(k, &k->spare_queue, &k->spare_tail));
	start_jobs(k);
}

/* It gets nothing new; what it still has is judged elsewhere if it does not finish. */
void
keeper_appraiser_done(struct keeper *k, struct child *c, bool distrust)
{
	struct request *r = c->work;

	c->work = r->next;
	if (!c->work)
		c->work_tail = NULL;
	r->next = NULL;
	c->nwork--;
	c->since_ms = k->now_ms;
	if (distrust && c->nwork) {
		c->stopping = true;
		keeper_child_lost(k, c, "read malformed evidence");
		return;
	}
	if (c->nwork || (!c->spare && !distrust && c->served < k->config->requests_per_appraiser &&
			 c->nsent < APPRAISER_MAPS_MAX - REFERENCES_PER_DEVICE_MAX - 2))
		return;
	keeper_child_retire(k, c);
}

void
keeper_job_free(struct compile_job *j)
{
	if (!j)
		return;
	if (j->fd > 0)
		close(j->fd);
	free(j->input);
	free(j);
}

/* Behind those that wait. */
static enum assay_err
queue_job(struct keeper *k, struct compile_job job)
{
	struct compile_job *j, **at = &k->jobs;
	unsigned n = 0;

	for (; *at; at = &(*at)->next)
		n++;
	if (n >= KEEPER_COMPILE_JOBS_MAX)
		return ASSAY_BUSY;
	j = malloc(sizeof *j);
	if (!j)
		return ASSAY_NO_MEMORY;
	*j = job;
	*at = j;
	return ASSAY_OK;
}

enum assay_err
keeper_compile(struct keeper *k, uint16_t kind, struct span input, compile_done done, void *arg)
{
	struct compile_job j = {.kind = kind, .done = done, .arg = arg};
	struct writer w;
	enum assay_err e;

	j.input = malloc(input.n + 2);
	if (!j.input)
		return ASSAY_NO_MEMORY;
	wr_init(&w, j.input, input.n + 2);
	wr_be16(&w, kind);
	wr_bytes(&w, input);
	j.len = w.len;
	if ((e = queue_job(k, j)) != ASSAY_OK)
		free(j.input);
	return e;
}

enum assay_err
keeper_compile_fd(struct keeper *k, uint16_t kind, int fd, compile_done done, void *arg)
{
	struct compile_job j = {.kind = kind, .done = done, .arg = arg};
	enum assay_err e;

	j.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (j.fd < 0)
		return ASSAY_NO_MEMORY;
	if ((e = queue_job(k, j)) != ASSAY_OK)
		close(j.fd);
	return e;
}

void
keeper_work_free(struct keeper *k, struct child *c)
{
	while (c->work) {
		struct request *r = c->work;

		c->work = r->next;
		keeper_request_free(k, r);
	}
	c->work_tail = NULL;
	c->nwork = 0;
}

/* Evidence that kills appraisers is tried on a second one; after that only its
 * signature is looked at, so that it counts against the device only if the device
 * really sent it. */
static void
rescue_request(struct keeper *k, struct request *r)
{
	if (!r)
		return;
	if (r->kind == REQ_REPLAY) {
		keeper_replay_lost(k, r);
		return;
	}
	if (r->kind == REQ_EXPLAIN) {
		keeper_explain_lost(k, r);
		return;
	}
	r->deaths++;
	if (r->kind == REQ_ROUND && r->deaths >= DEATHS_MAX) {
		r->kind = REQ_CORE;
		r->payload[0] |= APPRAISE_CORE_ONLY;
		keeper_enqueue(k, r);
		return;
	}
	if (r->kind == REQ_CORE || r->deaths >= DEATHS_MAX) {
		keeper_round_failed(k, r);
		return;
	}
	keeper_enqueue(k, r);
}

/* Only the first can have killed it, if it died by itself: the others were not read
 * yet, and are never blamed for what somebody else sent. */
void
keeper_work_rescue(struct keeper *k, struct request *first, bool blame)
{
	struct request *rest = blame && first ? first->next : first;

	if (blame)
		rescue_request(k, first);
	while (rest) {
		struct request *r = rest;

		rest = r->next;
		keeper_enqueue(k, r);
	}
}

/* What waits behind the first is not counted: its time begins when it is the first. */
static bool
takes_too_long(const struct keeper *k, const struct child *c)
{
	int64_t most = (int64_t)k->config->appraisal_max_s * 1000, since = k->now_ms - c->since_ms;

	if (c->role == ROLE_COMPILER && c->job)
		return since > COMPILE_MAX_MS;
	return c->role == ROLE_APPRAISER && (c->work || c->stopping) && since > most;
}

void
keeper_work_watch(struct keeper *k)
{
	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++)
		if (k->children[i].pid && takes_too_long(k, &k->children[i]))
			keeper_child_lost(k, &k->children[i], "took too long");
}

void
keeper_job_fail(struct keeper *k, struct compile_job *j)
{
	static const char text[] = "the compiler process died of this input";

	if (!j)
		return;
	j->done(k, j->arg, ASSAY_INTERNAL, SPAN(text, sizeof text - 1));
	keeper_job_free(j);
}
