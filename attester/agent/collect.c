/* collect.c: agent_collect() of agent.h: `assay-attester collect`, evidence for a challenge
 * in a file, into a file. Nothing is connected; docs/offline.md. */
#include "agent.h"

#include "attester/collect/bootlog.h"
#include "attester/collect/imalist.h"
#include "evidence/challengefile.h"
#include "evidence/hex.h"
#include "identity.h"
#include "report.h"

#include <assay/offline.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MEASURING_MS 600000 /* nobody waits at the other end */

struct collect {
	const struct options *o;
	struct identity *identity;
	struct assay_attester *attester;
	struct imalist ima;
	void *memory;
	uint8_t file[CHALLENGEFILE_MAX + 1]; /* the challenge */
	size_t len;
	struct challenge_file challenge;
	int fd; /* the evidence */
	int error; /* of writing it */
};

/* ---- sources, and where it goes ---- */

static enum assay_err
boot_log(void *self, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	struct collect *c = self;
	char path[OPTIONS_TEXT_MAX];
	enum assay_err e;

	memcpy(path, c->o->boot_log, sizeof path);
	e = bootlog_read(path, buffer, cap, ret_len);
	if (e != ASSAY_OK)
		report(REPORT_WARN, "boot-log", "file", path, "problem", assay_err_name(e), NULL);
	return e;
}

static enum assay_err
ima_list(void *self, uint64_t offset, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	struct collect *c = self;
	enum assay_err e = imalist_read(&c->ima, offset, buffer, cap, ret_len);

	return e == ASSAY_DENIED ? ASSAY_NOT_FOUND : e;
}

static enum assay_err
write_all(void *self, const uint8_t *bytes, size_t len)
{
	struct collect *c = self;

	while (len > 0) {
		ssize_t n = write(c->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			c->error = n < 0 ? errno : ENOSPC;
			return ASSAY_IO;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return ASSAY_OK;
}

/* ---- the challenge ---- */

static int
read_challenge(struct collect *c)
{
	FILE *f = fopen(c->o->challenge, "re");
	bool failed;

	if (!f)
		return report_fatal(AGENT_NO_ACCESS, "%s: %s", c->o->challenge, strerror(errno));
	c->len = fread(c->file, 1, sizeof c->file, f);
	failed = ferror(f) != 0;
	fclose(f);
	if (failed)
		return report_fatal(AGENT_NO_ACCESS, "%s: cannot be read", c->o->challenge);
	return c->len <= CHALLENGEFILE_MAX
		       ? AGENT_YES
		       : report_fatal(AGENT_BAD_INPUT, "%s: is too large", c->o->challenge);
}

static const char *
fault_of(enum assay_err e)
{
	switch (e) {
	case ASSAY_BAD_MAGIC:
		return "is no challenge";
	case ASSAY_MISMATCH:
		return "is of another verifier than --root names";
	case ASSAY_BAD_SIGNATURE:
	case ASSAY_NOT_FOUND:
	case ASSAY_EXPIRED:
		return "was altered: its signature does not verify";
	case ASSAY_TRUNCATED:
		return "was cut off";
	default:
		return "is no sound challenge";
	}
}

/* Devices without a connection may not know the time, so that a challenge which seems to
 * have expired is answered: whether it has is the verifier's to say. */
static void
warn_of_time(const struct challenge_file *c)
{
	int64_t now = (int64_t)time(NULL);

	if (now >= c->expires)
		report(REPORT_WARN, "challenge", "problem", "expired by this device's clock",
		       "seconds-ago", report_u64((uint64_t)(now - c->expires)), NULL);
}

static int
take_challenge(struct collect *c, const struct statedir *s)
{
	const struct options *o = c->o;
	int status = read_challenge(c);
	enum assay_err e;

	if (status != AGENT_YES)
		return status;
	e = challenge_file_parse(SPAN(c->file, c->len), o->root[0] ? o->root : NULL,
				 &c->challenge);
	if (e != ASSAY_OK)
		return report_fatal(AGENT_BAD_INPUT, "%s: %s", o->challenge, fault_of(e));
	if (!s->enrolment.enrolled)
		return report_fatal(AGENT_NEGATIVE, "this device is not enrolled; enrol it once "
						    "on a connection");
	if (strcmp(c->challenge.device, s->enrolment.device) != 0)
		return report_fatal(AGENT_BAD_INPUT, "%s: is for device %s %s; this is %s",
				    o->challenge, c->challenge.device, c->challenge.name,
				    s->enrolment.device);
	warn_of_time(&c->challenge);
	return AGENT_YES;
}

/* ---- the evidence ---- */

static int
open_attester(struct collect *c, struct measuring *m)
{
	const struct options *o = c->o;
	struct assay_attester_config config = {
		.backend = identity_backend(c->identity),
		.boot_log = o->no_boot_log ? NULL : boot_log,
		.boot_log_self = c,
		.ima_list = o->no_ima_list ? NULL : ima_list,
		.ima_list_self = c,
		.agent = "assay-attester " ASSAY_VERSION,
		.enrolled = true,
		.part_max = ASSAY_PART_MIN,
	};
	size_t size;
	enum assay_err e;

	config.start_id = identity_start(c->identity, &config.start_count);
	m->identity = c->identity;
	measuring_configure(m, &config);
	size = assay_attester_size(&config);
	c->memory = calloc(1, size);
	e = c->memory ? assay_attester_init(c->memory, size, &config, &c->attester)
		      : ASSAY_NO_MEMORY;
	return e == ASSAY_OK ? AGENT_YES : report_fatal(AGENT_FAULT, "%s", assay_err_text(e));
}

static int
failed(const struct collect *c, enum assay_err e)
{
	const char *detail = identity_detail(c->identity);

	if (c->error)
		return report_fatal(AGENT_NO_ACCESS, "%s: %s", c->o->out, strerror(c->error));
	if (e == ASSAY_MISMATCH)
		return report_fatal(AGENT_BAD_INPUT, "%s: is for another key of this device; "
						     "ask for a new challenge", c->o->challenge);
	if (e == ASSAY_MISSING)
		return report_fatal(AGENT_BAD_INPUT, "%s: asks for no PCR, and this device has a "
						     "TPM", c->o->challenge);
	return report_fatal(e == ASSAY_UNREACHABLE ? AGENT_NO_ACCESS : AGENT_FAULT, "%s%s%s",
			    assay_err_text(e), detail[0] ? ": " : "", detail);
}

/* Never over a file that is there; nothing is left where it cannot be whole. */
static int
write_evidence(struct collect *c)
{
	const char *out = c->o->out;
	struct assay_collection x = {.challenge = {c->file, c->len},
				     .root = c->o->root[0] ? c->o->root : NULL,
				     .sink = write_all,
				     .self = c};
	enum assay_err e;
	int status = AGENT_YES;

	c->fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->fd < 0)
		return report_fatal(AGENT_NO_ACCESS, "%s: %s", out, strerror(errno));
	e = assay_attester_collect(c->attester, &x);
	if (e == ASSAY_OK && fsync(c->fd) != 0) {
		c->error = errno;
		e = ASSAY_IO;
	}
	if (e != ASSAY_OK)
		status = failed(c, e);
	if (close(c->fd) != 0 && status == AGENT_YES)
		status = report_fatal(AGENT_NO_ACCESS, "%s: %s", out, strerror(errno));
	if (status != AGENT_YES)
		(void)unlink(out);
	else
		report(REPORT_INFO, "collected", "file", out, "device", c->challenge.device, NULL);
	return status;
}

int
agent_collect(const struct options *o, struct statedir *s, struct measuring *m)
{
	struct collect *c = calloc(1, sizeof *c);
	int status;

	if (!c)
		return report_fatal(AGENT_FAULT, "%s", assay_err_text(ASSAY_NO_MEMORY));
	c->o = o;
	imalist_init(&c->ima, o->ima_list);
	if ((status = take_challenge(c, s)) == AGENT_YES &&
	    (status = identity_open(o, s, &c->identity)) == AGENT_YES &&
	    (status = open_attester(c, m)) == AGENT_YES) {
		measuring_wait(m, MEASURING_MS);
		status = write_evidence(c);
		collector_release(&m->collector);
	}
	imalist_close(&c->ima);
	identity_close(c->identity);
	free(c->memory);
	free(c);
	return status;
}
