/* cmd_policy_explain.c: what every rule of a device's policy says of it. */
#include "client.h"
#include "table.h"

#include <string.h>

extern const struct cli_command cmd_policy_explain;

static const char *
state_colour(const char *state)
{
	if (!state || strcmp(state, "holds") == 0)
		return cli_green();
	if (strcmp(state, "fails") == 0 || strcmp(state, "missing") == 0)
		return cli_red();
	return cli_dim();
}

static void
show_rules(const json_t *rules)
{
	static const char *const heads[] = {"RULE", "STATE", "ALLOWS", "FACT", "SEEN", "MUST BE",
					    "WORD OF", NULL};
	struct table t;

	if (json_array_size(rules) == 0)
		return;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *r = json_array_get(rules, i);
		const char *state = view_text(r, "state"), *allows = view_text(r, "allows");

		table_cell(&t, view_text(r, "id"), "");
		table_cell(&t, state, state_colour(state));
		table_cell(&t, allows, view_colour(allows));
		table_cell(&t, view_text(r, "fact"), "");
		table_cell(&t, view_text(r, "seen"), "");
		table_cell(&t, view_text(r, "expected"), "");
		table_cell(&t, view_text(r, "provenance"), cli_dim());
	}
	table_print(&t, stdout);
}

static void
show_findings(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "findings");

	if (json_array_size(list))
		printf("\nBesides rules:\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		const char *cap = view_text(f, "cap"), *seen = view_text(f, "seen");
		const char *subject = view_text(f, "subject");

		printf("  %s%-10s%s  %s: %s%s%s%s%s%s\n", view_colour(cap), cap ? cap : "-",
		       cli_plain(), view_text(f, "word"), view_text(f, "text"),
		       subject ? " (" : "", subject ? subject : "", subject ? ")" : "",
		       seen ? ": " : "", seen ? seen : "");
	}
	if (view_number(answer, "more_findings"))
		printf("  and %lld more\n", (long long)view_number(answer, "more_findings"));
}

static int
show(const struct client *c, const json_t *answer)
{
	const char *outcome = view_text(answer, "outcome"), *missing = view_text(answer, "missing");
	const json_t *p = json_object_get(answer, "policy");

	(void)c;
	if (missing)
		printf("Not to be told: the stored evidence lacks the %s.\n", missing);
	else
		printf("%s%s%s by %s%s%s version %lld%s\n\n", view_colour(outcome),
		       outcome ? outcome : "-", cli_plain(), cli_bold(),
		       view_text(p, "name") ? view_text(p, "name") : "no policy", cli_plain(),
		       (long long)view_number(p, "version"),
		       view_flag(answer, "monitor") ? " (monitor mode: told, not applied)" : "");
	show_rules(json_object_get(answer, "rules"));
	show_findings(answer);
	return missing ? CLI_NEGATIVE : CLI_YES;
}

static int
run(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_explain,
		.path = "/v1/devices/{0}/explain",
		.args = {"DEVICE"},
		.show = show,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_policy_explain = {
	.group = "policy",
	.name = "explain",
	.usage = "DEVICE [--json]",
	.summary = "each rule of a device's policy with the fact it sees and what follows",
	.help = "DEVICE is a name, an id, or at least four first digits of an id. Its stored "
		"evidence\n"
		"is judged once more, by the policy that is active now; nothing is changed.\n",
	.run = run,
};
