/* cmd_device.c: the commands on devices but `device show` (cmd_device_show.c): each
 * is a spec of client.h and a way to show the answer. */
#include "client.h"
#include "device_ima.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_device_accept_boot, cmd_device_approve, cmd_device_evidence,
	cmd_device_history, cmd_device_hold, cmd_device_list, cmd_device_maintain,
	cmd_device_release, cmd_device_reread, cmd_device_retire, cmd_device_set;

/* ---- list ---- */

static void
decision_cell(struct table *t, const json_t *d)
{
	const char *decision = view_text(d, "decision"), *would = view_text(d, "would");
	char text[TABLE_CELL_MAX];

	if (!would) {
		table_cell(t, decision, view_colour(decision));
		return;
	}
	snprintf(text, sizeof text, "%s (would %s)", decision ? decision : "-", would);
	table_cell(t, text, view_colour(decision));
}

static int
show_list(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"NAME", "CLASS", "TIER", "DECISION", "TRUST",
					    "CONNECTION", "LAST SEEN", "REASON", NULL};
	const json_t *list = json_object_get(answer, "devices");
	int64_t now = view_number(answer, "now");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *d = json_array_get(list, i);
		const char *trust = view_text(d, "trust"), *link = view_text(d, "connection");

		table_cell(&t, view_device(d), "");
		table_cell(&t, view_text(d, "class"), "");
		table_cell(&t, view_text(d, "tier"), "");
		decision_cell(&t, d);
		table_cell(&t, trust, view_colour(trust));
		table_cell(&t, link, view_colour(link));
		table_cell(&t, view_ago(d, "last_seen", now), "");
		table_cell(&t, view_text(d, "reason"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_list(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_device_list,
		.path = "/v1/devices",
		.list = "devices",
		.options = {{"class", "class", CLIENT_TEXT, false},
			    {"labels", "labels", CLIENT_TEXT, false},
			    {"status", "status", CLIENT_TEXT, false},
			    {"limit", "limit", CLIENT_LIMIT, false}},
		.show = show_list,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_device_list = {
	.group = "device",
	.name = "list",
	.usage = "[--class CLASS] [--labels TEXT] [--status STATUS] [--limit N] [--json]",
	.summary = "what is out there, and how each device stands",
	.help = "  --class CLASS    only this class\n"
		"  --labels TEXT    only devices with these labels, as \"site=berlin\"\n"
		"  --status STATUS  only pending, enrolled, conflict or retired devices\n"
		"  --limit N        at most so many\n",
	.run = run_list,
};

/* ---- history ---- */

/* Decisions and operators' actions, each newest first, merged by time. */
static const json_t *
newest(const json_t *decisions, size_t *d, const json_t *audit, size_t *a)
{
	const json_t *x = json_array_get(decisions, *d), *y = json_array_get(audit, *a);

	if (x && (!y || view_number(x, "at") >= view_number(y, "at"))) {
		(*d)++;
		return x;
	}
	if (y)
		(*a)++;
	return y;
}

static void
history_row(struct table *t, const json_t *row)
{
	const char *outcome = view_text(row, "outcome"), *before = view_text(row, "before");
	const char *why = view_text(row, "reason"), *detail = view_text(row, "detail");
	const char *actor = view_text(row, "actor"), *action = view_text(row, "action");
	char text[TABLE_CELL_MAX];

	table_cell(t, view_time(row, "at"), "");
	if (action) {
		snprintf(text, sizeof text, "by %s%s%s", actor ? actor : "?", detail ? ": " : "",
			 detail ? detail : "");
		table_cell(t, action, "");
	} else {
		snprintf(text, sizeof text, "was %s: %s%s%s", before ? before : "?",
			 why ? why : "?", detail ? ", " : "", detail ? detail : "");
		table_cell(t, outcome, view_colour(outcome));
	}
	table_cell(t, text, "");
}

static int
show_history(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"TIME", "WHAT", "WHY", NULL};
	const json_t *decisions = json_object_get(answer, "decisions");
	const json_t *audit = json_object_get(answer, "audit"), *row;
	size_t d = 0, a = 0;
	struct table t;

	(void)c;
	table_init(&t, heads);
	while ((row = newest(decisions, &d, audit, &a)) != NULL)
		history_row(&t, row);
	table_print(&t, stdout);
	device_ima_first(answer, "Files that its class first had in this device");
	return CLI_YES;
}

static int
run_history(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_device_history,
		.path = "/v1/devices/{0}/history",
		.args = {"DEVICE"},
		.options = {{"limit", "limit", CLIENT_TEXT, false},
			    {"before", "after", CLIENT_TEXT, false}},
		.show = show_history,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_device_history = {
	.group = "device",
	.name = "history",
	.usage = "DEVICE [--limit N] [--before SEQUENCE] [--json]",
	.summary = "what changed, since when, and who did it; newest first",
	.help = "DEVICE is a name, an id, or at least four first digits of an id.\n\n"
		"  --limit N          at most so many decisions, and as many actions (100)\n"
		"  --before SEQUENCE  older than this decision\n",
	.run = run_history,
};

/* ---- evidence ---- */

static int
run_evidence(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_device_evidence,
		.path = "/v1/devices/{0}/evidence/{1}",
		.args = {"DEVICE", "PART"},
	};
	struct client_words words = {argc, argv};
	struct span bytes;
	struct client c;
	char *path;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	path = client_path(&c, spec.path);
	if (!path)
		return cli_fail(CLI_BAD_INPUT, "the request is too long");
	if (client_fetch(&c, path, &bytes, &status)) {
		if (fwrite(bytes.p, 1, bytes.n, stdout) != bytes.n || fflush(stdout) != 0)
			status = cli_fail(CLI_NO_ACCESS, "standard output cannot be written");
		cli_free(bytes);
	}
	free(path);
	return status;
}

const struct cli_command cmd_device_evidence = {
	.group = "device",
	.name = "evidence",
	.usage = "DEVICE file|boot-log|proof|claims >FILE",
	.summary = "the last authentic evidence of a device, as it sent it",
	.help = "Writes bytes to standard output, for example for `assay inspect eventlog -'.\n",
	.run = run_evidence,
};

/* ---- orders ---- */

static int
show_device_line(const struct client *c, const json_t *answer)
{
	const char *decision = view_text(answer, "decision"),
		   *class_name = view_text(answer, "class");
	const char *overlay = view_text(answer, "overlay"), *reason = view_text(answer, "reason");
	bool plain = !overlay || strcmp(overlay, "none") == 0;

	(void)c;
	printf("%s: %s, class %s%s%s; %s%s%s (%s)\n", view_device(answer),
	       view_text(answer, "status"), class_name ? class_name : "-", plain ? "" : ", ",
	       plain ? "" : overlay, view_colour(decision), decision ? decision : "?", cli_plain(),
	       reason ? reason : "-");
	return CLI_YES;
}

#define RECORD_OPTIONS                                                                         \
	{"class", "class", CLIENT_TEXT, false}, {"name", "name", CLIENT_TEXT, false},          \
		{"labels", "labels", CLIENT_TEXT, false}, {"reason", "reason", CLIENT_TEXT, false}
#define RECORD_HELP                                                                            \
	"DEVICE is a name, an id, or at least four first digits of an id.\n\n"                 \
	"  --class CLASS   decides which policy and reference values judge it\n"               \
	"  --name NAME     for people; unique\n"                                               \
	"  --labels TEXT   as \"site=berlin ring=canary\"\n"                                   \
	"  --reason TEXT   for the audit log\n"
#define REASON_HELP                                                                            \
	"DEVICE is a name, an id, or at least four first digits of an id.\n\n"                 \
	"  --reason TEXT   for the audit log and `device show'\n"

/* DEFINE(word, options, usage, summary, help): run_word and cmd_device_word. */
#define DEFINE(word, own_options, own_usage, own_summary, own_help)                            \
	static int run_##word(int argc, char **argv)                                           \
	{                                                                                      \
		static const struct client_spec spec = {                                       \
			.command = &cmd_device_##word,                                         \
			.post = true,                                                          \
			.path = "/v1/devices/{0}/" #word,                                      \
			.args = {"DEVICE"},                                                    \
			.options = {own_options},                                              \
			.show = show_device_line,                                              \
		};                                                                             \
                                                                                               \
		return client_run(&spec, argc, argv);                                          \
	}                                                                                      \
	const struct cli_command cmd_device_##word = {                                         \
		.group = "device",                                                             \
		.name = #word,                                                                 \
		.usage = own_usage,                                                            \
		.summary = own_summary,                                                        \
		.help = own_help,                                                              \
		.run = run_##word,                                                             \
	}

#define REASON_OPTION {"reason", "reason", CLIENT_TEXT, false}
#define REASON_USAGE "DEVICE [--reason TEXT] [--json]"
#define RECORD_USAGE "DEVICE [--class CLASS] [--name NAME] [--labels TEXT] [--reason TEXT] [--json]"
#define LIST(...) __VA_ARGS__

DEFINE(approve, LIST(RECORD_OPTIONS), RECORD_USAGE,
       "let a waiting device in, or accept its new attestation key", RECORD_HELP);
DEFINE(set, LIST(RECORD_OPTIONS), RECORD_USAGE, "name, class and labels of a device", RECORD_HELP);
DEFINE(hold, LIST(REASON_OPTION), REASON_USAGE, "quarantine a device until it is released",
       REASON_HELP);
DEFINE(release, LIST(REASON_OPTION), REASON_USAGE, "end a hold or a maintenance", REASON_HELP);
#define FOR_OPTION {"for", "expires", CLIENT_DURATION, false}
#define FOR_USAGE "DEVICE [--for 4h] [--reason TEXT] [--json]"
#define FOR_HELP                                                                               \
	"  --for TIME       ends by itself after 90s, 30m, 4h, 2d (4h, at most 30d)\n" REASON_HELP
DEFINE(maintain, LIST(REASON_OPTION, FOR_OPTION), FOR_USAGE,
       "work is done on the device: at best RESTRICT, and a new verdict after it", FOR_HELP);
DEFINE(reread, LIST(REASON_OPTION), REASON_USAGE,
       "have the device measure everything anew, whatever looks unchanged", REASON_HELP);
DEFINE(retire, LIST(REASON_OPTION), REASON_USAGE, "block a device's identity for good",
       REASON_HELP);

/* ---- the last good boot ---- */

static int
run_accept_boot(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_device_accept_boot,
		.post = true,
		.path = "/v1/devices/{0}/accept-boot",
		.args = {"DEVICE"},
		.options = {{"digest", "digest", CLIENT_TEXT, true}, REASON_OPTION},
		.show = show_device_line,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_device_accept_boot = {
	.group = "device",
	.name = "accept-boot",
	.usage = "DEVICE --digest DIGEST [--reason TEXT] [--json]",
	.summary = "a boot that changed was meant: compare later boots with it",
	.help = "For `boot.changed' and `boot.dbx-back' where they lower the decision. The boot "
		"must\n"
		"still match its reference values.\n\n"
		"  --digest DIGEST  of the boot log, as `device show' tells it (all 64 digits)\n"
		"  --reason TEXT    for the audit log\n",
	.run = run_accept_boot,
};
