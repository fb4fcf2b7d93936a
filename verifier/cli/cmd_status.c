/* cmd_status.c: the verifier itself: status, audit log, ledger. */
#include "client.h"
#include "table.h"

#include <string.h>

extern const struct cli_command cmd_audit_list, cmd_ledger_accept, cmd_status;

static void
line(const char *label, long long value)
{
	printf("  %s%-20s%s%lld\n", cli_dim(), label, cli_plain(), value);
}

/* Policies on their way through rings. */
static void
show_rollouts(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		const char *state = view_text(r, "state");
		bool halted = state && strcmp(state, "halted") == 0;

		printf("  %srollout%s %s version %lld to %s: %s%s%s, %lld judged, %lld not as "
		       "replay %lld predicted\n", cli_dim(), cli_plain(), view_text(r, "policy"),
		       (long long)view_number(r, "version"), view_text(r, "ring"),
		       halted ? cli_red() : "", state ? state : "-", cli_plain(),
		       (long long)view_number(r, "judged"), (long long)view_number(r, "different"),
		       (long long)view_number(r, "replay"));
		if (halted)
			printf("    %s\n", view_text(r, "why"));
	}
}

#define CERTIFICATE_WARNING_S (30 * 86400)

/* What ends is told in time: it locks out whoever does not pin the key. */
static void
show_certificates(const json_t *list, int64_t now)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		int64_t end = view_number(c, "expires");
		char label[40];

		snprintf(label, sizeof label, "%s certificate", view_text(c, "listener"));
		printf("  %s%-20s%suntil %s (%s)\n", cli_dim(), label, cli_plain(),
		       view_time(c, "expires"), view_ago(c, "expires", now));
		if (end - now < CERTIFICATE_WARNING_S)
			printf("%sThe TLS certificate of the %s listener %s: make a new one of the "
			       "same key and restart.%s\n", cli_red(), view_text(c, "listener"),
			       end <= now ? "has expired" : "expires soon", cli_plain());
	}
}

static int
show_status(const struct client *c, const json_t *s)
{
	const json_t *devices = json_object_get(s, "devices");
	int64_t now = view_number(s, "now");
	static const struct {
		const char *label, *name;
	} counts[] = {
		{"sessions", "sessions"}, {"of them proved", "proved_sessions"},
		{"attestations", "attestations"}, {"refusals", "refusals"},
		{"waiting rounds", "queue_depth"}, {"ledger commits", "commits"},
		{"ledger head", "head"}, {"children replaced", "children_restarted"},
	};
	static const char *const states[] = {"enrolled", "pending", "conflict", "retired"};

	(void)c;
	printf("assay-verifier %s, started %s, devices on port %lld\n", view_text(s, "version"),
	       view_ago(s, "started", now), (long long)view_number(s, "port"));
	if (view_flag(s, "ledger_fault"))
		printf("%sThe ledger is in fault: no device is admitted (see the log; assay ledger "
		       "accept).%s\n", cli_red(), cli_plain());
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		char label[32];

		snprintf(label, sizeof label, "devices %s", states[i]);
		line(label, (long long)view_number(devices, states[i]));
	}
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		line(counts[i].label, (long long)view_number(s, counts[i].name));
	show_rollouts(json_object_get(s, "rollouts"));
	printf("  %s%-20s%s%s\n", cli_dim(), "TLS key pin", cli_plain(), view_text(s, "pin"));
	show_certificates(json_object_get(s, "certificates"), now);
	return CLI_YES;
}

static int
run_status(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_status,
		.path = "/v1/status",
		.show = show_status,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_status = {
	.group = "status",
	.name = "",
	.usage = "[--json]",
	.summary = "how the verifier itself is",
	.help = "Warns of a TLS certificate of its listeners that ends within 30 days or has "
		"ended.\n",
	.run = run_status,
};

static int
show_audit(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"SEQ", "TIME", "WHO", "WHAT", "ON", "DETAIL", NULL};
	const json_t *list = json_object_get(answer, "audit");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *a = json_array_get(list, i);
		char seq[24];

		snprintf(seq, sizeof seq, "%lld", (long long)view_number(a, "seq"));
		table_cell(&t, seq, "");
		table_cell(&t, view_time(a, "at"), "");
		table_cell(&t, view_text(a, "actor"), "");
		table_cell(&t, view_text(a, "action"), "");
		table_cell(&t, view_text(a, "object"), "");
		table_cell(&t, view_text(a, "detail"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_audit(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_audit_list,
		.path = "/v1/audit",
		.list = "audit",
		.options = {{"limit", "limit", CLIENT_LIMIT, false},
			    {"before", "after", CLIENT_TEXT, false}},
		.show = show_audit,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_audit_list = {
	.group = "audit",
	.name = "list",
	.usage = "[--limit N] [--before SEQUENCE] [--json]",
	.summary = "who did what, newest first",
	.help = "  --limit N          at most so many (all)\n"
		"  --before SEQUENCE  older than this entry\n",
	.run = run_audit,
};

static int
show_accepted(const struct client *c, const json_t *answer)
{
	(void)c;
	(void)answer;
	puts("The ledger is taken as it is; every device must attest anew.");
	return CLI_YES;
}

static int
run_accept(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_ledger_accept,
		.post = true,
		.path = "/v1/ledger/accept",
		.show = show_accepted,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_ledger_accept = {
	.group = "ledger",
	.name = "accept",
	.usage = "[--json]",
	.summary = "end a ledger fault: forget all verdicts and go on with what is there",
	.help = "For administrators, after a ledger was restored from a copy or damaged. Devices\n"
		"stay enrolled, but none is admitted before it has attested anew.\n",
	.run = run_accept,
};
