/* agent.c: see agent.h. */
#include "agent.h"

#include "attester/collect/bootlog.h"
#include "attester/collect/imalist.h"
#include "evidence/hex.h"
#include "identity.h"
#include "local.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PAUSE_FIRST_MS 500
#define PAUSE_LEAST_MS 100
/* How long each thing may take before the connection is given up. */
#define DIAL_MS 60000
#define ENROL_MS 120000
#define CHALLENGE_MS 120000
#define DECISION_MS 120000
#define STOP_MS 2000
/* A refusal that repeating does not mend counts as so many failures. */
#define FAILURES_FOR_GOOD 16

struct agent {
	const struct options *o;
	struct statedir *s;
	struct measuring *m;
	struct identity *identity;
	struct assay_attester *attester;
	struct link *link;
	struct link_config to;

	enum agent_state state;
	struct assay_event event; /* the message at hand */
	enum assay_err error;	  /* of a FAULT */
	char down_why[200];
	unsigned failures; /* since the last decision */
	bool log_missed;   /* said that there is no boot log */
	struct imalist ima;
	bool ima_missed; /* said that there is no IMA list */
	int status;
};

const char *
agent_state_name(enum agent_state s)
{
	static const char *const names[] = {
#define X(name, text) #name,
		AGENT_STATES(X)
#undef X
	};

	return names[s];
}

const char *
agent_event_name(enum agent_event e)
{
	static const char *const names[] = {
#define X(name) #name,
		AGENT_EVENTS(X)
#undef X
	};

	return names[e];
}

uint64_t
agent_pause_ms(unsigned failures, uint64_t cap_ms, uint32_t random)
{
	uint64_t most = PAUSE_FIRST_MS;

	while (failures-- > 0 && most < cap_ms)
		most *= 2;
	if (most > cap_ms)
		most = cap_ms;
	most = most * random / UINT32_MAX;
	return most < PAUSE_LEAST_MS ? PAUSE_LEAST_MS : most;
}

static void handle(struct agent *a, enum agent_event e);
static void take_message(struct agent *a, struct span message);

/* ---- actions ---- */

static void
dial(struct agent *a)
{
	report(REPORT_DEBUG, "connecting", "verifier", a->o->url, NULL);
	link_timer(a->link, DIAL_MS);
	link_dial(a->link);
}

static void
greet(struct agent *a)
{
	bool known = a->state == AGENT_WAITING;

	report(REPORT_INFO, "connected", "verifier", a->o->url, "as",
	       known ? "enrolled" : "new", NULL);
	link_timer(a->link, known ? CHALLENGE_MS : ENROL_MS);
	link_send(a->link);
}

static void
remember(struct agent *a)
{
	struct enrolment e = {.pending = a->event.pending, .has_pin = a->to.has_pin};

	memcpy(e.device, a->event.device_id, sizeof e.device);
	memcpy(e.pin, a->to.pin, sizeof e.pin);
	report(REPORT_INFO, "enrolled", "device", e.device, "pending", e.pending ? "yes" : "no",
	       NULL);
	link_timer(a->link, CHALLENGE_MS);
	(void)snprintf(e.ak_name, sizeof e.ak_name, "%s", identity_name(a->identity));
	if (statedir_write_enrolment(a->s, &e) != ASSAY_OK) {
		/* attests as long as it runs, and enrols again when it starts anew */
		report(REPORT_ERROR, "state", "problem", a->s->complaint, NULL);
		a->status = AGENT_FAULT;
	} else if (a->o->command == COMMAND_ENROL) {
		a->status = e.pending ? AGENT_NEGATIVE : AGENT_YES;
	}
	if (a->o->command == COMMAND_ENROL)
		handle(a, EVENT_STOP);
}

/* The challenge that waited, with the measurements that there are. */
static void
answer(struct agent *a)
{
	take_message(a, measuring_held(a->m));
	collector_release(&a->m->collector);
}

static void
answer_late(struct agent *a)
{
	report(REPORT_WARN, "overdue", "state", agent_state_name(a->state), NULL);
	answer(a);
}

static void
prove(struct agent *a)
{
	report(REPORT_DEBUG, "challenge", "deadline-ms", report_u64(a->event.deadline_ms), NULL);
	link_timer(a->link, (uint64_t)a->event.deadline_ms + DECISION_MS);
	link_send(a->link);
}

static const char *
outcome_name(enum assay_outcome o)
{
	return o == ASSAY_ADMIT ? "admit" : o == ASSAY_RESTRICT ? "restrict" : "quarantine";
}

/* Nobody is told of an approval; but who is not quarantined has been approved. */
static void
note_approval(struct agent *a, enum assay_outcome outcome)
{
	struct enrolment e = a->s->enrolment;

	if (!e.pending || outcome == ASSAY_QUARANTINE)
		return;
	e.pending = false;
	report(REPORT_INFO, "approved", "device", e.device, NULL);
	if (statedir_write_enrolment(a->s, &e) != ASSAY_OK)
		report(REPORT_ERROR, "state", "problem", a->s->complaint, NULL);
}

static void
decided(struct agent *a)
{
	const struct assay_decision *d = &a->event.decision;
	bool admitted = d->outcome == ASSAY_ADMIT;

	report(admitted ? REPORT_INFO : REPORT_WARN, "decision", "outcome",
	       outcome_name(d->outcome), "sequence", report_u64(d->sequence), "next-in-ms",
	       report_u64(d->next_in_ms), NULL);
	for (uint8_t i = 0; i < d->reason_count; i++)
		report(REPORT_WARN, "finding", "id",
		       report_bytes(SPAN(d->reason[i].data, d->reason[i].len)), NULL);
	for (uint8_t i = 0; i < d->remediation_count; i++)
		report(REPORT_WARN, "remediation", "text",
		       report_bytes(SPAN(d->remediation[i].data, d->remediation[i].len)), NULL);
	note_approval(a, d->outcome);
	a->failures = 0;
	link_timer(a->link, (uint64_t)d->next_in_ms + CHALLENGE_MS);
	if (!a->o->once)
		return;
	a->status = admitted ? AGENT_YES : AGENT_NEGATIVE;
	handle(a, EVENT_STOP);
}

static void
refused(struct agent *a)
{
	const struct assay_bytes *why = &a->event.reason;

	report(REPORT_WARN, "refused", "reason", report_bytes(SPAN(why->data, why->len)), "retry",
	       a->event.retry ? "yes" : "no", NULL);
	if (!a->event.retry)
		a->failures = FAILURES_FOR_GOOD;
	link_hang_up(a->link);
}

static void
fault(struct agent *a)
{
	const char *detail = identity_detail(a->identity);

	report(REPORT_ERROR, "fault", "error", assay_err_name(a->error), "text",
	       assay_err_text(a->error), "tpm", detail, NULL);
	link_hang_up(a->link);
}

static void
overdue(struct agent *a)
{
	report(REPORT_WARN, "overdue", "state", agent_state_name(a->state), NULL);
	link_hang_up(a->link);
}

static void
rest(struct agent *a)
{
	uint32_t random = 0;
	uint64_t ms;

	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = UINT32_MAX; /* the whole pause, then */
	ms = agent_pause_ms(a->failures, (uint64_t)a->o->retry_max_s * 1000, random);
	if (a->failures < FAILURES_FOR_GOOD)
		a->failures++;
	if (a->o->once || a->o->command == COMMAND_ENROL) {
		report(REPORT_ERROR, "disconnected", "reason", a->down_why, NULL);
		a->status = AGENT_NO_ACCESS;
		handle(a, EVENT_STOP);
		return;
	}
	report(REPORT_WARN, "disconnected", "reason", a->down_why, "again-in-ms", report_u64(ms),
	       NULL);
	link_timer(a->link, ms);
}

static void
stop(struct agent *a)
{
	link_timer(a->link, STOP_MS);
	link_hang_up(a->link);
}

static void
end(struct agent *a)
{
	report(REPORT_DEBUG, "stopped", NULL);
	link_timer(a->link, 0);
	link_end(a->link);
}

/* ---- the table ---- */

static const struct agent_transition transitions[] = {
	{AGENT_OFF, EVENT_START, dial, AGENT_DIALLING},
	{AGENT_OFF, EVENT_STOP, end, AGENT_STOPPED},

	{AGENT_DIALLING, EVENT_UP_NEW, greet, AGENT_ENROLLING},
	{AGENT_DIALLING, EVENT_UP_KNOWN, greet, AGENT_WAITING},
	{AGENT_DIALLING, EVENT_FAULT, fault, AGENT_DIALLING},
	{AGENT_DIALLING, EVENT_TIMER, overdue, AGENT_DIALLING},
	{AGENT_DIALLING, EVENT_DOWN, rest, AGENT_RESTING},
	{AGENT_DIALLING, EVENT_STOP, stop, AGENT_STOPPING},

	{AGENT_ENROLLING, EVENT_ENROLLED, remember, AGENT_WAITING},
	{AGENT_ENROLLING, EVENT_REFUSED, refused, AGENT_ENROLLING},
	{AGENT_ENROLLING, EVENT_FAULT, fault, AGENT_ENROLLING},
	{AGENT_ENROLLING, EVENT_TIMER, overdue, AGENT_ENROLLING},
	{AGENT_ENROLLING, EVENT_DOWN, rest, AGENT_RESTING},
	{AGENT_ENROLLING, EVENT_STOP, stop, AGENT_STOPPING},

	{AGENT_WAITING, EVENT_ASKED, NULL, AGENT_MEASURING},
	{AGENT_WAITING, EVENT_CHALLENGED, prove, AGENT_ATTESTING},
	{AGENT_WAITING, EVENT_ENROLLED, remember, AGENT_WAITING},
	{AGENT_WAITING, EVENT_DECIDED, decided, AGENT_WAITING},
	{AGENT_WAITING, EVENT_REFUSED, refused, AGENT_WAITING},
	{AGENT_WAITING, EVENT_FAULT, fault, AGENT_WAITING},
	{AGENT_WAITING, EVENT_TIMER, overdue, AGENT_WAITING},
	{AGENT_WAITING, EVENT_DOWN, rest, AGENT_RESTING},
	{AGENT_WAITING, EVENT_STOP, stop, AGENT_STOPPING},

	{AGENT_MEASURING, EVENT_ASKED, NULL, AGENT_MEASURING},
	{AGENT_MEASURING, EVENT_MEASURED, answer, AGENT_MEASURING},
	{AGENT_MEASURING, EVENT_CHALLENGED, prove, AGENT_ATTESTING},
	{AGENT_MEASURING, EVENT_ENROLLED, remember, AGENT_MEASURING},
	{AGENT_MEASURING, EVENT_DECIDED, decided, AGENT_MEASURING},
	{AGENT_MEASURING, EVENT_REFUSED, refused, AGENT_MEASURING},
	{AGENT_MEASURING, EVENT_FAULT, fault, AGENT_WAITING},
	{AGENT_MEASURING, EVENT_TIMER, answer_late, AGENT_MEASURING},
	{AGENT_MEASURING, EVENT_DOWN, rest, AGENT_RESTING},
	{AGENT_MEASURING, EVENT_STOP, stop, AGENT_STOPPING},

	{AGENT_ATTESTING, EVENT_ASKED, NULL, AGENT_MEASURING},
	{AGENT_ATTESTING, EVENT_CHALLENGED, prove, AGENT_ATTESTING},
	{AGENT_ATTESTING, EVENT_DECIDED, decided, AGENT_WAITING},
	{AGENT_ATTESTING, EVENT_REFUSED, refused, AGENT_ATTESTING},
	{AGENT_ATTESTING, EVENT_FAULT, fault, AGENT_ATTESTING},
	{AGENT_ATTESTING, EVENT_TIMER, overdue, AGENT_ATTESTING},
	{AGENT_ATTESTING, EVENT_DOWN, rest, AGENT_RESTING},
	{AGENT_ATTESTING, EVENT_STOP, stop, AGENT_STOPPING},

	{AGENT_RESTING, EVENT_TIMER, dial, AGENT_DIALLING},
	{AGENT_RESTING, EVENT_STOP, end, AGENT_STOPPED},

	{AGENT_STOPPING, EVENT_DOWN, end, AGENT_STOPPED},
	{AGENT_STOPPING, EVENT_TIMER, end, AGENT_STOPPED},
	{AGENT_STOPPING, EVENT_STOP, end, AGENT_STOPPED},
};

const struct agent_transition *
agent_transition_for(enum agent_state s, enum agent_event e)
{
	for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
		if (transitions[i].state == s && transitions[i].event == e)
			return &transitions[i];
	return NULL;
}

static void
handle(struct agent *a, enum agent_event e)
{
	const struct agent_transition *t = agent_transition_for(a->state, e);

	if (!t)
		return;
	a->state = t->next;
	if (t->action)
		t->action(a);
}

/* ---- what the connection tells ---- */

static void
on_up(void *self, const uint8_t *exporter)
{
	struct agent *a = self;

	a->error = assay_attester_connected(a->attester, exporter, ASSAY_EXPORTER_SIZE);
	local_tell(a->attester, link_socket(a->link));
	if (a->error != ASSAY_OK)
		handle(a, EVENT_FAULT);
	else
		handle(a, assay_attester_enrolled(a->attester) ? EVENT_UP_KNOWN : EVENT_UP_NEW);
}

static void
take_message(struct agent *a, struct span message)
{
	a->error = assay_attester_received(a->attester, message.p, message.n, &a->event);
	if (a->error != ASSAY_OK) {
		handle(a, EVENT_FAULT);
		return;
	}
	switch (a->event.kind) {
	case ASSAY_EVENT_NONE:
	case ASSAY_EVENT_CREDENTIAL:
	case ASSAY_EVENT_NEED:
		link_send(a->link);
		break;
	case ASSAY_EVENT_ENROLLED:
		handle(a, EVENT_ENROLLED);
		break;
	case ASSAY_EVENT_CHALLENGE:
		handle(a, EVENT_CHALLENGED);
		break;
	case ASSAY_EVENT_DECISION:
		handle(a, EVENT_DECIDED);
		break;
	case ASSAY_EVENT_REFUSED:
		handle(a, EVENT_REFUSED);
		break;
	}
}

static void
on_message(void *self, struct span message)
{
	struct agent *a = self;
	uint64_t ms;

	/* while it enrols, a challenge asks for the key and for nothing measured */
	if (a->state == AGENT_ENROLLING || !measuring_holds(a->m, message, &ms)) {
		take_message(a, message);
		return;
	}
	link_timer(a->link, ms);
	handle(a, EVENT_ASKED);
}

static void
on_collected(void *self)
{
	struct agent *a = self;
	bool answered = measuring_answered(a->m);

	if (a->m->lost) {
		a->status = AGENT_FAULT;
		handle(a, EVENT_STOP);
		return;
	}
	if (a->m->restarted && link_watch(a->link, a->m->collector.fd) != ASSAY_OK)
		report(REPORT_ERROR, "collector", "problem", "it cannot be watched", NULL);
	if (answered)
		handle(a, EVENT_MEASURED);
}

static void
on_down(void *self, const char *why)
{
	struct agent *a = self;
	size_t n = strnlen(why, sizeof a->down_why - 1);

	memcpy(a->down_why, why, n);
	a->down_why[n] = '\0';
	handle(a, EVENT_DOWN);
}

static struct span
on_next(void *self)
{
	struct agent *a = self;
	struct assay_bytes frame = {NULL, 0};

	a->error = assay_attester_next(a->attester, &frame);
	if (a->error != ASSAY_OK) {
		handle(a, EVENT_FAULT);
		return SPAN(NULL, 0);
	}
	return SPAN(frame.data, frame.len);
}

static void
on_timer(void *self)
{
	handle(self, EVENT_TIMER);
}

static void
on_stop(void *self)
{
	handle(self, EVENT_STOP);
}

/* ---- setting up ---- */

/* assay_boot_log: as bootlog_read(), and says why evidence lacks a log. */
static enum assay_err
boot_log(void *self, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	struct agent *a = self;
	char path[OPTIONS_TEXT_MAX];
	enum assay_err e;

	memcpy(path, a->o->boot_log, sizeof path);
	e = bootlog_read(path, buffer, cap, ret_len);
	if (e != ASSAY_OK && !(e == ASSAY_NOT_FOUND && a->log_missed))
		report(REPORT_WARN, "boot-log", "file", path, "problem", assay_err_name(e), NULL);
	a->log_missed = e == ASSAY_NOT_FOUND;
	return e;
}

static const char *
list_problem(enum assay_err e)
{
	if (e == ASSAY_STATE)
		return "new-list";
	return e == ASSAY_BAD_MAGIC ? "ascii-list" : assay_err_name(e);
}

/* assay_ima_list: as imalist_read(), and says why evidence lacks the list. A list that
 * this agent may not read, or an ascii one, is none that anything is claimed of. */
static enum assay_err
ima_list(void *self, uint64_t offset, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	struct agent *a = self;
	enum assay_err e = imalist_read(&a->ima, offset, buffer, cap, ret_len);
	bool none = e == ASSAY_NOT_FOUND || e == ASSAY_DENIED || e == ASSAY_BAD_MAGIC;

	if (e != ASSAY_OK && !(none && a->ima_missed))
		report(REPORT_WARN, "ima-list", "file", a->o->ima_list, "problem", list_problem(e),
		       NULL);
	a->ima_missed = none;
	return none ? ASSAY_NOT_FOUND : e;
}

/* Whom to trust: the key that the enrolment or the token names, the CA, or both. */
static int
choose_trust(struct agent *a)
{
	const struct enrolment *e = &a->s->enrolment;
	struct span kept = SPAN(e->pin, sizeof e->pin), given = SPAN(a->o->pin, sizeof a->o->pin);

	if (!e->enrolled && a->o->token_gone[0] && !a->o->has_pin)
		return report_fatal(AGENT_USAGE, "--token-file: %s: there is no such file, and "
						 "this device is not enrolled", a->o->token_gone);
	if (e->enrolled && e->has_pin && a->o->has_pin && !span_equal(kept, given))
		return report_fatal(AGENT_BAD_INPUT,
				    "--token: is of another verifier than the one this device is "
				    "enrolled with; remove %s/enrolment to change over",
				    a->s->path);
	a->to.verifier = a->o->verifier;
	a->to.ca = a->o->ca[0] ? a->o->ca : NULL;
	a->to.has_pin = a->o->has_pin || (e->enrolled && e->has_pin);
	memcpy(a->to.pin, a->o->has_pin ? a->o->pin : e->pin, sizeof a->to.pin);
	if (!a->to.has_pin && !a->to.ca)
		return report_fatal(AGENT_USAGE, "--token or --ca: one is needed to know the "
						 "verifier by");
	return AGENT_YES;
}

static int
open_attester(struct agent *a, void *memory, size_t size)
{
	bool token = a->o->token_id[0] != '\0';
	struct assay_attester_config c = {.backend = identity_backend(a->identity),
					  .boot_log = a->o->no_boot_log ? NULL : boot_log,
					  .boot_log_self = a,
					  .ima_list = a->o->no_ima_list ? NULL : ima_list,
					  .ima_list_self = a,
					  .agent = "assay-attester " ASSAY_VERSION,
					  .token_id = token ? a->o->token_id : NULL,
					  .token_secret = token ? a->o->token_secret : NULL,
					  .enrolled = a->s->enrolment.enrolled,
					  .allow_unbound = a->o->unbound,
					  .part_max = ASSAY_PART_MIN};
	enum assay_err e;

	c.start_id = identity_start(a->identity, &c.start_count);
	if (c.enrolled && strcmp(identity_name(a->identity), a->s->enrolment.ak_name) != 0)
		return report_fatal(AGENT_BAD_INPUT,
				    "%s/enrolment: is of another attestation key than this one; "
				    "restore the key, or remove the file to enrol anew",
				    a->s->path);
	a->m->identity = a->identity;
	measuring_configure(a->m, &c);
	e = assay_attester_init(memory, size, &c, &a->attester);
	return e == ASSAY_OK ? AGENT_YES : report_fatal(AGENT_FAULT, "%s", assay_err_text(e));
}

static int
serve(struct agent *a)
{
	struct link_handlers h = {a,	   on_up,    on_message, on_down,
				  on_next, on_timer, on_stop,	 on_collected};
	enum assay_err e = link_open(&a->to, &h, &a->link);

	if (e == ASSAY_OK && a->m->on)
		e = link_watch(a->link, a->m->collector.fd);
	if (e != ASSAY_OK)
		return report_fatal(AGENT_FAULT, "libwebsockets: %s", assay_err_text(e));
	handle(a, EVENT_START);
	link_run(a->link);
	link_close(a->link);
	return a->status;
}

int
agent_run(const struct options *o, struct statedir *s, struct measuring *m)
{
	struct assay_attester_config sizes = {.part_max = ASSAY_PART_MIN, .ima_list = ima_list};
	struct agent *a = calloc(1, sizeof *a);
	void *memory;
	int status = AGENT_FAULT;
	size_t size;

	measuring_configure(m, &sizes);
	size = assay_attester_size(&sizes);
	memory = calloc(1, size);
	if (!a || !memory) {
		(void)report_fatal(0, "%s", assay_err_text(ASSAY_NO_MEMORY));
		goto out;
	}
	a->o = o;
	a->s = s;
	a->m = m;
	imalist_init(&a->ima, o->ima_list);
	if ((status = choose_trust(a)) == AGENT_YES &&
	    (status = identity_open(o, s, &a->identity)) == AGENT_YES &&
	    (status = open_attester(a, memory, size)) == AGENT_YES)
		status = serve(a);
out:
	if (a) {
		imalist_close(&a->ima);
		identity_close(a->identity);
	}
	free(memory);
	free(a);
	return status;
}
