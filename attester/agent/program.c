/* program.c: agent_main() of agent.h: options, the state directory, the command. */
#include "agent.h"

#include "evidence/hex.h"
#include "evidence/tls/tls_exporter.h"
#include "identity.h"
#include "privilege.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CA_FILE_MAX (1u << 20)

/* What is kept, for people or as JSON; all of it is hex or a word. */
static int
show_status(const struct options *o, const struct statedir *s)
{
	const struct enrolment *e = &s->enrolment;
	char pin[65] = "";

	if (e->has_pin && hex_encode(SPAN(e->pin, sizeof e->pin), pin, sizeof pin) != ASSAY_OK)
		return AGENT_FAULT;
	if (o->json)
		printf("{\"enrolled\":%s,\"pending\":%s,\"device\":\"%s\",\"ak_name\":\"%s\","
		       "\"verifier_key\":\"%s\",\"key\":%s}\n",
		       e->enrolled ? "true" : "false", e->pending ? "true" : "false", e->device,
		       e->ak_name, pin, s->key_len ? "true" : "false");
	else if (e->enrolled)
		printf("device        %s\nenrolled      %s\nattestation   %s\nverifier key  %s\n",
		       e->device,
		       e->pending ? "waits for approval, as far as is known here" : "yes",
		       e->ak_name, e->has_pin ? pin : "any that the CA vouches for");
	else
		printf("enrolled      no\nattestation   %s\n",
		       s->key_len ? "a key is there" : "no key yet");
	return e->enrolled && !e->pending ? AGENT_YES : AGENT_NEGATIVE;
}

static int
complain(const struct statedir *s, enum assay_err e)
{
	int status = e == ASSAY_TAMPERED || e == ASSAY_TOO_LARGE ? AGENT_BAD_INPUT
								 : AGENT_NO_ACCESS;

	return report_fatal(status, "%s", s->complaint);
}

/* A CA file that holds no certificate would only show as a refused connection. */
static int
check_ca(const char *path)
{
	uint8_t digest[32];
	char *text = malloc(CA_FILE_MAX);
	FILE *f = fopen(path, "re");
	int status = AGENT_YES;
	size_t n;

	if (!text || !f) {
		status = report_fatal(AGENT_NO_ACCESS, "%s: %s", path, strerror(errno));
	} else {
		n = fread(text, 1, CA_FILE_MAX, f);
		if (n == CA_FILE_MAX || tls_pem_key_digest(text, (int)n, digest) != ASSAY_OK)
			status = report_fatal(AGENT_BAD_INPUT, "%s: holds no PEM certificate",
					      path);
	}
	if (f)
		fclose(f);
	free(text);
	return status;
}

static int
run_command(const struct options *o, struct statedir *s, struct measuring *m)
{
	int status = o->ca[0] ? check_ca(o->ca) : AGENT_YES;

	if (status != AGENT_YES)
		return status;
	if (o->command == COMMAND_COLLECT)
		return agent_collect(o, s, m);
	if (o->command == COMMAND_ENROL && s->enrolment.enrolled && !s->enrolment.pending) {
		report(REPORT_INFO, "enrolled", "device", s->enrolment.device, "note",
		       "was enrolled before", NULL);
		return AGENT_YES;
	}
	return agent_run(o, s, m);
}

/* The collector keeps the privileges of the start; everything else gives them up. */
static int
start(const struct options *o, struct measuring *m)
{
	bool measures = o->command == COMMAND_RUN || o->command == COMMAND_COLLECT;
	int status = measures ? measuring_start(m, o) : AGENT_YES;

	return status == AGENT_YES ? privilege_drop(o) : status;
}

static int
with_state(const struct options *o, struct measuring *m)
{
	static struct statedir s;
	bool writes = o->command != COMMAND_STATUS;
	const struct statedir_use use = {writes, writes, identity_key_file(o)};
	enum assay_err e = statedir_open_for(&s, o->state, &use);
	int status;

	if (e != ASSAY_OK)
		status = complain(&s, e);
	else if (o->command == COMMAND_STATUS)
		status = show_status(o, &s);
	else
		status = run_command(o, &s, m);
	statedir_close(&s);
	return status;
}

int
agent_main(int argc, char **argv)
{
	static struct options o;
	static struct measuring m;
	int status = AGENT_USAGE;

	(void)setenv("TSS2_LOG", "all+NONE", 0); /* the library tells, in one line */
	if (argc > 1 && strcmp(argv[1], COLLECTOR_COMMAND) == 0)
		return collector_main(argc, argv);
	if (!options_read(argc, argv, &o, &status))
		return status;
	if (o.verbose)
		report_most(REPORT_DEBUG);
	if (o.command == COMMAND_MEASURE)
		return measuring_show(&o);
	status = o.command == COMMAND_STATUS ? AGENT_YES : start(&o, &m);
	if (status == AGENT_YES)
		status = with_state(&o, &m);
	measuring_stop(&m);
	explicit_bzero(o.token_secret, sizeof o.token_secret);
	return status;
}
