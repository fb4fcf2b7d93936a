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

/* One policy's part of the answer: what it says, and why. how: "" or what it is. False: it
 * cannot be told. */
static bool
show_policy(const json_t *told, const char *outcome, const char *how)
{
	const json_t *p = json_object_get(told, "policy");
	const char *name = view_text(p, "name"), *missing = view_text(told, "missing");

	if (missing) {
		printf("Not to be told of %s%s: the stored evidence lacks the %s.\n",
		       name ? name : "no policy", how, missing);
		return false;
	}
	printf("%s%s%s by %s%s%s version %lld%s\n\n", view_colour(outcome), outcome ? outcome : "-",
	       cli_plain(), cli_bold(), name ? name : "no policy", cli_plain(),
	       (long long)view_number(p, "version"), how);
	show_rules(json_object_get(told, "rules"));
	show_findings(told);
	return true;
}

static int
show(const struct client *c, const json_t *answer)
{
	const json_t *enforced = json_object_get(answer, "enforced");
	const char *outcome = view_text(answer, "outcome"), *would = view_text(answer, "would");
	bool told = true;

	(void)c;
	if (!would)
		return show_policy(answer, outcome, "") ? CLI_YES : CLI_NEGATIVE;
	if (json_is_object(enforced))
		told = show_policy(enforced, outcome, ", which is enforced");
	else
		printf("%s%s%s: no policy is enforced\n", view_colour(outcome),
		       outcome ? outcome : "-", cli_plain());
	putchar('\n');
	told &= show_policy(answer, would, ", which only watches: this is what it would say");
	return told ? CLI_YES : CLI_NEGATIVE;
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
		"is judged once more, by the policy that is active now; nothing is changed. Of a\n"
		"policy in monitor mode it is told what it would say, and of the policy that is\n"
		"enforced meanwhile what the device gets.\n",
	.run = run,
};
