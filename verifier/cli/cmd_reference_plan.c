/* cmd_reference_plan.c: planned changes from one set to another, and the list of digests
 * that are known as bad. */
#include "client.h"
#include "table.h"

#include <string.h>

extern const struct cli_command cmd_reference_known_bad, cmd_reference_plan;

/* ---- planned changes ---- */

static int
show_plan(const struct client *c, const json_t *p)
{
	(void)c;
	if (!view_flag(p, "active")) {
		puts("The plan is gone; both sets are what they were before it.");
		return CLI_YES;
	}
	printf("From %s ", view_time(p, "from"));
	printf("until %s a boot must match the one set or the other as a whole.\n",
	       view_time(p, "until"));
	puts("A device that has shown the new set once cannot go back to the old one, which ends "
	     "by itself.");
	return CLI_YES;
}

static int
show_plans(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"FROM SET", "TO SET", "STARTS", "ENDS", "BY", "WHY",
					    NULL};
	const json_t *list = json_object_get(answer, "plans");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *p = json_array_get(list, i);

		table_cell(&t, view_text(json_object_get(p, "a"), "name"), "");
		table_cell(&t, view_text(json_object_get(p, "b"), "name"), "");
		table_cell(&t, view_time(p, "from"), "");
		table_cell(&t, view_time(p, "until"), "");
		table_cell(&t, view_text(p, "author"), "");
		table_cell(&t, view_text(p, "comment"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_plan(int argc, char **argv)
{
	static const struct client_spec plan = {
		.command = &cmd_reference_plan,
		.post = true,
		.path = "/v1/references/{0}/plan",
		.args = {"FROM-SET", "TO-SET"},
		.options = {{"comment", "reason", CLIENT_TEXT, true},
			    {"until", "until", CLIENT_TIME, true},
			    {"from", "from", CLIENT_TIME, false}},
		.show = show_plan,
	}, list = {
		.command = &cmd_reference_plan,
		.path = "/v1/plans",
		.show = show_plans,
	}, cancel = {
		.command = &cmd_reference_plan,
		.post = true,
		.path = "/v1/references/{0}/unplan",
		.args = {"FROM-SET"},
		.options = {{"comment", "reason", CLIENT_TEXT, true}},
		.show = show_plan,
	};
	struct client_words words = {argc, argv};
	struct client c;
	json_t *body, *answer;
	char *path;
	int status;

	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return client_run(&list, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "cancel") == 0)
		return client_run(&cancel, argc - 1, argv + 1);
	if (!client_parse(&c, &plan, words, &status))
		return status;
	body = client_fields(&c, &status);
	path = client_path(&c, plan.path);
	if (!body || !path || json_object_set_new(body, "to", json_string(c.args[1])) != 0)
		answer = NULL;
	else
		answer = client_ask(&c, true, path, body, &status);
	if (answer)
		status = client_present(&c, answer);
	json_decref(answer);
	json_decref(body);
	free(path);
	return status;
}

const struct cli_command cmd_reference_plan = {
	.group = "reference",
	.name = "plan",
	.usage = "FROM-SET TO-SET --until TIME [--from TIME] --comment TEXT [--json]",
	.summary = "announce a change from one promoted set to another",
	.help = "Between the two times a boot must match the one set or the other as a whole.\n"
		"A device that has shown TO-SET and later FROM-SET was rolled back: QUARANTINE.\n"
		"FROM-SET ends at --until, TO-SET does not hold before --from. Times are such as\n"
		"2026-11-22T12:00:00Z.\n\n"
		"  --from TIME     now, if it is left out\n"
		"  --until TIME    the end of FROM-SET\n"
		"  --comment TEXT  why; kept in the audit log\n\n"
		"assay reference plan list                          planned changes\n"
		"assay reference plan cancel FROM-SET --comment TEXT  take one back\n",
	.run = run_plan,
};

/* ---- digests known as bad ---- */

static int
show_known_bad(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"DIGEST", "SINCE", "BY", "WHY", NULL};
	const json_t *list = json_object_get(answer, "known_bad");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *b = json_array_get(list, i);

		table_cell(&t, view_text(b, "digest"), "");
		table_cell(&t, view_time(b, "at"), "");
		table_cell(&t, view_text(b, "author"), "");
		table_cell(&t, view_text(b, "comment"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
show_one(const struct client *c, const json_t *b)
{
	(void)c;
	printf("%s is %s the list; every device is judged anew at its next attestation\n",
	       view_text(b, "digest"), view_flag(b, "active") ? "on" : "off");
	return CLI_YES;
}

static int
run_known_bad(int argc, char **argv)
{
	static const struct client_spec add = {
		.command = &cmd_reference_known_bad,
		.post = true,
		.path = "/v1/known-bad",
		.args = {"DIGEST"},
		.arg_field = "digest",
		.options = {{"comment", "reason", CLIENT_TEXT, true}},
		.show = show_one,
	}, remove_one = {
		.command = &cmd_reference_known_bad,
		.post = true,
		.path = "/v1/known-bad/remove",
		.args = {"DIGEST"},
		.arg_field = "digest",
		.options = {{"comment", "reason", CLIENT_TEXT, true}},
		.show = show_one,
	}, list = {
		.command = &cmd_reference_known_bad,
		.path = "/v1/known-bad",
		.list = "known_bad",
		.options = {{"limit", "limit", CLIENT_LIMIT, false}},
		.show = show_known_bad,
	};
	const struct client_spec *which = NULL;

	if (argc > 1 && strcmp(argv[1], "add") == 0)
		which = &add;
	else if (argc > 1 && strcmp(argv[1], "remove") == 0)
		which = &remove_one;
	else if (argc > 1 && strcmp(argv[1], "list") == 0)
		which = &list;
	if (!which)
		return cli_usage(&cmd_reference_known_bad, "say add, remove or list");
	return client_run(which, argc - 1, argv + 1);
}

const struct cli_command cmd_reference_known_bad = {
	.group = "reference",
	.name = "known-bad",
	.usage = "add DIGEST --comment TEXT | remove DIGEST --comment TEXT | list [--limit N] "
		 "[--json]",
	.summary = "digests that are bad wherever they are seen; they beat every allow",
	.help = "DIGEST is hexadecimal, also with its algorithm: sha256:9f86d0... It may be of an\n"
		"event of a boot log, a PCR's value, a software item or a file that IMA measured.\n"
		"Devices are judged anew, from the start of their boot, when they next attest.\n\n"
		"  --comment TEXT  why; kept in the audit log\n",
	.run = run_known_bad,
};
