/* measuring.c: see measuring.h. */
#include "measuring.h"

#include "report.h"

#include <poll.h>
#include <string.h>
#include <time.h>

/* Beyond its time limit, before an answer is given up. */
#define GRACE_MS 2000

static int
start(struct measuring *m)
{
	const char *config = m->o->config[0] ? m->o->config : NULL;
	enum assay_err e = collector_start(&m->collector, config, m->o->state);

	return e == ASSAY_OK ? AGENT_YES
			     : report_fatal(AGENT_FAULT, "collector: %s", assay_err_text(e));
}

int
measuring_start(struct measuring *m, const struct options *o)
{
	struct measure_config c;
	int status = AGENT_YES;

	*m = (struct measuring){.o = o};
	m->collector.fd = m->collector.pid = m->collector.claims = m->collector.manifests = -1;
	if (config_measure_read(o->config[0] ? o->config : NULL, &c, &status)) {
		m->on = config_measure_any(&c);
		m->wait_ms = c.wait_s * 1000;
		m->lockout = c.health &&
			     (!c.health_claims || measure_matches(c.health_claims, "tpm_lockout"));
		status = m->on ? start(m) : AGENT_YES;
	}
	config_measure_free(&c);
	return status;
}

void
measuring_stop(struct measuring *m)
{
	if (m->on)
		collector_stop(&m->collector);
}

/* Half of the time that the verifier gives; when it wants all read anew, most of it. */
static uint32_t
budget(const struct measuring *m, const struct msg_challenge *c)
{
	uint32_t most = c->reread ? c->deadline_ms / 4 * 3 : c->deadline_ms / 2;

	return !c->reread && m->wait_ms < most ? m->wait_ms : most;
}

bool
measuring_holds(struct measuring *m, struct span message, uint64_t *ret_ms)
{
	_Alignas(16) uint8_t memory[4096];
	struct msg_challenge c;
	struct arena a;
	uint32_t ms;

	arena_init(&a, memory, sizeof memory);
	if (!m->on || frame_type(message) != MSG_CHALLENGE || message.n > sizeof m->held ||
	    envelope_decode_challenge(message, &a, &c) != ASSAY_OK)
		return false; /* what is wrong with it is the library's to say */
	ms = budget(m, &c);
	if (collector_ask(&m->collector, ms, c.reread) != ASSAY_OK)
		return false; /* its end has been, or will be, reported */
	memcpy(m->held, message.p, message.n);
	m->held_len = message.n;
	*ret_ms = (uint64_t)ms + GRACE_MS;
	return true;
}

struct span
measuring_held(const struct measuring *m)
{
	return SPAN(m->held, m->held_len);
}

bool
measuring_answered(struct measuring *m)
{
	enum assay_err e = collector_receive(&m->collector);

	m->restarted = false;
	if (e == ASSAY_BUSY)
		return false;
	if (e == ASSAY_OK) {
		if (!m->collector.complete)
			report(REPORT_INFO, "measuring", "state", "not-complete", NULL);
		return m->collector.answered == m->collector.asked;
	}
	report(REPORT_ERROR, "collector", "problem",
	       e == ASSAY_UNREACHABLE ? "it has ended" : assay_err_text(e), NULL);
	collector_stop(&m->collector);
	/* without privileges another one could not read what this one did */
	m->restarted = !m->o->user[0] && start(m) == AGENT_YES;
	m->lost = !m->restarted;
	return true;
}

static int64_t
clock_ms(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
measuring_wait(struct measuring *m, uint32_t ms)
{
	int64_t end = clock_ms() + ms + GRACE_MS, left;

	if (!m->on || collector_ask(&m->collector, ms, true) != ASSAY_OK)
		return;
	while ((left = end - clock_ms()) > 0 && m->collector.fd >= 0) {
		struct pollfd p = {.fd = m->collector.fd, .events = POLLIN};

		if (poll(&p, 1, (int)left) > 0 && measuring_answered(m))
			return;
	}
}

/* assay_claims_source: the collector's, and what only this process can ask the TPM. */
static enum assay_err
claims(void *self, struct assay_claims *c, bool reread)
{
	struct measuring *m = self;
	enum assay_err e = collector_claims(&m->collector, c, reread);
	uint32_t n;

	if (e == ASSAY_OK && m->lockout && identity_lockout(m->identity, &n))
		e = assay_claims_number(c, "tpm_lockout", NULL, n);
	return e;
}

void
measuring_configure(struct measuring *m, struct assay_attester_config *c)
{
	if (!m->on)
		return;
	c->claims = claims;
	c->claims_self = m;
	c->files = collector_files;
	c->files_self = &m->collector;
	c->software_max = ASSAY_SOFTWARE_MAX;
	c->health_max = ASSAY_HEALTH_MAX;
	c->settings_max = ASSAY_SETTINGS_MAX;
	c->claims_max = ASSAY_CLAIMS_MAX;
}
