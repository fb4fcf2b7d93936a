/* cmd_policy_replay.c: what would change if a policy were activated: asked, waited for,
 * shown, and activated if it is wanted. */
#include "client.h"
#include "replay_wait.h"
#include "table.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct cli_command cmd_policy_replay;

static const struct client_spec spec = {
	.command = &cmd_policy_replay,
	.args = {"POLICY"},
	.args_optional = true,
	.options = {{"reference", "reference", CLIENT_TEXT, false},
		    {"class", "class", CLIENT_TEXT, false},
		    {"device", "device", CLIENT_TEXT, false},
		    {"max-flips", "", CLIENT_LOCAL, false},
		    {"comment", "", CLIENT_LOCAL, false},
		    {"force", "", CLIENT_FLAG, false},
		    {"yes", "", CLIENT_FLAG, false},
		    {"devices", "", CLIENT_FLAG, false},
		    {"attach", "", CLIENT_LOCAL, false},
		    {"cancel", "", CLIENT_LOCAL, false},
		    {"keep", "", CLIENT_FLAG, false}},
};

/* ---- asking and waiting ---- */

static json_t *
start(const struct client *c, int *ret_status)
{
	static const char *const fields[] = {"reference", "class", "device"};
	json_t *body = json_pack("{s:s}", "policy", c->args[0]), *answer = NULL;

	for (size_t i = 0; body && i < sizeof fields / sizeof fields[0]; i++)
		if (client_option(c, fields[i]))
			json_object_set_new(body, fields[i],
					    json_string(client_option(c, fields[i])));
	if (body)
		answer = client_ask(c, true, "/v1/replays", body, ret_status);
	else
		*ret_status = cli_fail(CLI_BAD_INPUT, "the policy's name is not text");
	json_decref(body);
	return answer;
}

/* All that change and all that are unknown, in the document. */
static bool
add_devices(const struct client *c, json_t *r, int *ret_status)
{
	json_t *all = json_array(), *page, *next = json_integer(0);
	bool ok = all && next;

	while (ok && json_is_integer(next)) {
		char path[128];

		snprintf(path, sizeof path, "/v1/replays/%lld/devices?limit=1000&after=%lld",
			 (long long)view_number(r, "id"), (long long)json_integer_value(next));
		json_decref(next);
		next = NULL;
		page = client_ask(c, false, path, NULL, ret_status);
		ok = page && json_array_extend(all, json_object_get(page, "devices")) == 0;
		if (ok)
			next = json_incref(json_object_get(page, "next"));
		json_decref(page);
	}
	json_decref(next);
	return ok && json_object_set(r, "devices", all) == 0 ? (json_decref(all), true)
							     : (json_decref(all), false);
}

/* ---- showing ---- */

/* "ADMIT -> RESTRICT"; where a policy in monitor mode would say other things, that too. */
static void
change_cell(struct table *t, const json_t *g)
{
	const char *after = view_text(g, "after"), *would = view_text(g, "would");
	char change[80];

	if (would && after && strcmp(would, after) == 0)
		would = NULL;
	snprintf(change, sizeof change, "%s -> %s%s%s%s", view_text(g, "before"), after,
		 would ? " (would " : "", would ? would : "", would ? ")" : "");
	table_cell(t, change, view_colour(would ? would : after));
}

static void
group_row(struct table *t, const json_t *g)
{
	const char *rule = view_text(g, "rule"), *text = view_text(g, "text");
	const char *subject = view_text(g, "subject"), *word = view_text(g, "finding");
	char count[24], why[TABLE_CELL_MAX];

	snprintf(count, sizeof count, "%lld", (long long)view_number(g, "count"));
	snprintf(why, sizeof why, "%s%s%s%s%s", view_flag(g, "over") ? "no longer: " : "",
		 rule ? "rule " : "", rule ? rule : word ? word : text ? text : "-",
		 subject ? ", " : "", subject ? subject : "");
	table_cell(t, count, "");
	change_cell(t, g);
	table_cell(t, why, "");
	table_cell(t, rule || word ? text : NULL, cli_dim());
}

static void
show_groups(const json_t *groups)
{
	static const char *const heads[] = {"DEVICES", "CHANGE", "WHY", "", NULL};
	struct table t;

	if (json_array_size(groups) == 0)
		return;
	putchar('\n');
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(groups); i++)
		group_row(&t, json_array_get(groups, i));
	table_print(&t, stdout);
}

static void
show_devices(const json_t *devices)
{
	static const char *const heads[] = {"DEVICE", "CHANGE", "WHY", "SUBJECT", NULL};
	struct table t;

	if (!devices)
		return;
	putchar('\n');
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);
		const char *name = view_text(d, "name"), *rule = view_text(d, "rule");

		table_cell(&t, name ? name : view_text(d, "id"), "");
		change_cell(&t, d);
		table_cell(&t, rule ? rule : view_text(d, "finding") ? view_text(d, "finding")
								     : view_text(d, "text"), "");
		table_cell(&t, view_text(d, "subject"), "");
	}
	table_print(&t, stdout);
}

static void
show(const json_t *r)
{
	printf("Replay %lld of %s version %lld: evidence as stored, references as of %s\n",
	       (long long)view_number(r, "id"), view_text(r, "policy"),
	       (long long)view_number(r, "version"), view_time(r, "at"));
	printf("  %lld devices: %lld would change, %lld stay, %lld unknown, %lld not concerned",
	       (long long)view_number(r, "devices"), (long long)view_number(r, "changed"),
	       (long long)view_number(r, "unchanged"), (long long)view_number(r, "unknown"),
	       (long long)view_number(r, "unconcerned"));
	if (view_number(r, "stale") > 0)
		printf("; %lld have not attested lately", (long long)view_number(r, "stale"));
	putchar('\n');
	if (view_flag(r, "monitor"))
		printf("  The policy is in monitor mode: it would decide %lld devices otherwise if "
		       "it "
		       "were enforced.\n", (long long)view_number(r, "would"));
	show_groups(json_object_get(r, "groups"));
	show_devices(json_object_get(r, "devices"));
}

/* ---- activating ---- */

static bool
ask(const char *question, char *ret, size_t cap)
{
	size_t n;

	fputs(question, stderr);
	fflush(stderr);
	if (!fgets(ret, (int)cap, stdin))
		return false;
	n = strcspn(ret, "\n");
	ret[n] = '\0';
	return n > 0;
}

/* --yes with --comment, or answers on a terminal. */
static bool
wanted(const struct client *c, char comment[256])
{
	char yes[16];

	const char *given = client_option(c, "comment");

	text_format(comment, 256, "%s", given ? given : "");
	if (client_option(c, "yes"))
		return *comment != '\0';
	if (c->json || isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
		return false;
	if (!ask("\nActivate it for all devices? [y/N] ", yes, sizeof yes) ||
	    (yes[0] != 'y' && yes[0] != 'Y'))
		return false;
	return *comment || ask("Why? ", comment, 256);
}

static int
activate(const struct client *c, const json_t *r, const char *comment)
{
	char path[160];
	json_t *body = json_pack("{s:s, s:I}", "reason", comment, "replay",
				 (json_int_t)view_number(r, "id")), *answer;
	int status = CLI_FAULT;

	if (body && client_option(c, "max-flips"))
		json_object_set_new(body, "max_flips", json_string(client_option(c, "max-flips")));
	if (body && client_option(c, "force"))
		json_object_set_new(body, "force", json_string("yes"));
	snprintf(path, sizeof path, "/v1/policies/%s/activate", view_text(r, "digest"));
	answer = body ? client_ask(c, true, path, body, &status) : NULL;
	if (answer && !c->json)
		printf("\n%s version %lld is active.\n", view_text(answer, "name"),
		       (long long)view_number(answer, "version"));
	json_decref(answer);
	json_decref(body);
	return status;
}

/* More changes than are allowed are refused before anybody is asked. */
static int
check_flips(const struct client *c, const json_t *r)
{
	const char *text = client_option(c, "max-flips");
	int64_t flips = view_number(r, "changed") +
			(view_flag(r, "monitor") ? 0 : view_number(r, "unknown"));

	if (!text || client_option(c, "force") ||
	    flips <= strtoll(text, NULL, 10))
		return CLI_YES;
	return cli_fail(CLI_NEGATIVE, "%lld devices would change or are unknown, more than "
				      "--max-flips %s: not activated", (long long)flips, text);
}

/* A replay that came to nothing. */
static int
not_done(const json_t *r, const char *state)
{
	const char *why = view_text(r, "why");

	if (strcmp(state, "cancelled") == 0)
		return cli_fail(CLI_NEGATIVE, "replay %lld was cancelled",
				(long long)view_number(r, "id"));
	return cli_fail(CLI_FAULT, "the replay failed: %s", why ? why : state);
}

static int
finish(const struct client *c, json_t *r)
{
	const char *state = view_text(r, "state");
	char comment[256];
	int status = CLI_YES;

	if (!state || strcmp(state, "done") != 0)
		return not_done(r, state ? state : "-");
	if (client_option(c, "devices") && !add_devices(c, r, &status))
		return status == CLI_YES ? CLI_FAULT : status;
	if (c->json) {
		json_dumpf(r, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		show(r);
	}
	if ((status = check_flips(c, r)) != CLI_YES || !wanted(c, comment))
		return status;
	return activate(c, r, comment);
}

static int
cancel(const struct client *c, int64_t id)
{
	int status = CLI_FAULT;
	json_t *r = replay_cancel(c, id, &status);

	if (!r)
		return status;
	if (c->json) {
		json_dumpf(r, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		printf("Replay %lld of %s version %lld is cancelled, after %lld of %lld devices\n",
		       (long long)id, view_text(r, "policy"), (long long)view_number(r, "version"),
		       (long long)view_number(r, "done"), (long long)view_number(r, "expected"));
	}
	json_decref(r);
	return CLI_YES;
}

/* ---- words and options ---- */

#define NUMBER_DIGITS 18

/* Of one that is there already: *ret is 0 if the option is not given. */
static bool
read_number(const struct client *c, const char *option, int64_t *ret)
{
	const char *text = client_option(c, option);

	*ret = 0;
	if (!text)
		return true;
	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > NUMBER_DIGITS)
		return false;
	*ret = strtoll(text, NULL, 10);
	return *ret > 0;
}

static bool
any_of(const struct client *c, const char *const names[])
{
	for (size_t i = 0; names[i]; i++)
		if (client_option(c, names[i]))
			return true;
	return false;
}

static int
check_options(const struct client *c, int64_t *ret_attach, int64_t *ret_cancel)
{
	static const char *const begins[] = {"reference", "class", "device", NULL};
	static const char *const goes_on[] = {"attach", "keep",	 "devices", "max-flips",
					      "yes",	"force", NULL};
	const char *flips = client_option(c, "max-flips");

	if (!read_number(c, "attach", ret_attach) || !read_number(c, "cancel", ret_cancel))
		return cli_usage(&cmd_policy_replay,
				 "--attach and --cancel need a replay's number");
	if (!c->args[0] != (*ret_attach || *ret_cancel))
		return cli_usage(&cmd_policy_replay,
				 c->args[0] ? "a replay of its own needs neither "
								  "--attach nor --cancel"
								: "POLICY is missing");
	if ((!c->args[0] && any_of(c, begins)) || (*ret_cancel && any_of(c, goes_on)))
		return cli_usage(&cmd_policy_replay, "%s goes with none of the options for %s",
				 *ret_cancel ? "--cancel" : "--attach",
				 *ret_cancel ? "a result" : "a new replay");
	if (flips && strspn(flips, "0123456789") != strlen(flips))
		return cli_usage(&cmd_policy_replay, "--max-flips must be a whole number");
	if (client_option(c, "yes") && !client_option(c, "comment"))
		return cli_usage(&cmd_policy_replay, "--yes needs --comment TEXT");
	return CLI_YES;
}

static int
run_replay(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	int64_t attached, cancelled;
	struct client c;
	json_t *r;
	int status;

	if (!client_parse(&c, &spec, words, &status) ||
	    (status = check_options(&c, &attached, &cancelled)) != CLI_YES)
		return status;
	if (cancelled)
		return cancel(&c, cancelled);
	r = attached ? replay_find(&c, attached, &status) : start(&c, &status);
	if (r)
		r = replay_wait(&c, r, attached || client_option(&c, "keep"), &status);
	if (r)
		status = finish(&c, r);
	json_decref(r);
	return status;
}

const struct cli_command cmd_policy_replay = {
	.group = "policy",
	.name = "replay",
	.usage = "POLICY|--attach N|--cancel N [--reference SET] [--class CLASS | --device DEVICE] "
		 "[--keep] [--devices] [--max-flips N] [--yes] [--comment TEXT] [--force] [--json]",
	.summary = "what would change if this policy were activated, from stored evidence",
	.help = "POLICY is a stored policy: a name, or at least eight first digits of a digest.\n"
		"Every device's last evidence is judged by it as it was stored; a device whose\n"
		"stored evidence does not suffice is UNKNOWN. Nothing changes by it. On a\n"
		"terminal you are asked whether to activate the policy. Ctrl-C cancels the "
		"replay.\n\n"
		"  --reference SET  as if this learned set were promoted; of several policies of\n"
		"                   that name, the active one judges\n"
		"  --class CLASS    only these devices\n"
		"  --device DEVICE  only this one\n"
		"  --keep           interrupted, leave it to go on in the verifier\n"
		"  --attach N       wait for replay N instead of beginning one, and show it;\n"
		"                   interrupted, it goes on\n"
		"  --cancel N       end replay N; nothing of it is kept\n"
		"  --devices        also list every device that would change or is unknown\n"
		"  --max-flips N    refuse to activate if more would change or are unknown\n"
		"  --yes            activate it without asking; needs --comment\n"
		"  --comment TEXT   why it is activated, or cancelled; kept in the audit log\n"
		"  --force          activate it although more than N would change\n",
	.run = run_replay,
};
