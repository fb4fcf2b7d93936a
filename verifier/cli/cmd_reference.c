/* cmd_reference.c: reference values: captured, looked at, and promoted by exactly
 * the digest that was shown (D7). */
#include "client.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct cli_command cmd_reference_capture, cmd_reference_list, cmd_reference_promote,
	cmd_reference_retire, cmd_reference_show;

/* ---- list ---- */

static int
show_list(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"NAME", "STATE", "CLASS", "DEVICE", "DIGEST", "AGE",
					    "ORIGIN", NULL};
	const json_t *list = json_object_get(answer, "references");
	int64_t now = view_number(answer, "now");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		const char *state = view_text(r, "state"), *digest = view_text(r, "digest");
		const char *device = view_text(r, "device");
		char cut[17];

		table_cell(&t, view_text(r, "name"), "");
		table_cell(&t, state, view_colour(state));
		table_cell(&t, view_text(r, "class"), "");
		snprintf(cut, sizeof cut, "%.12s", device ? device : "all");
		table_cell(&t, cut, "");
		snprintf(cut, sizeof cut, "%.16s", digest ? digest : "-");
		table_cell(&t, cut, "");
		table_cell(&t, view_ago(r, "created", now), "");
		table_cell(&t, view_text(r, "origin"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_list(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_reference_list,
		.path = "/v1/references",
		.list = "references",
		.options = {{"class", "class", CLIENT_TEXT, false},
			    {"limit", "limit", CLIENT_LIMIT, false}},
		.show = show_list,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_reference_list = {
	.group = "reference",
	.name = "list",
	.usage = "[--class CLASS] [--limit N] [--json]",
	.summary = "reference sets and their state",
	.help = "",
	.run = run_list,
};

/* ---- one set ---- */

static void
head_line(const char *label, const char *text)
{
	if (text)
		printf("  %s%-10s%s%s\n", cli_dim(), label, cli_plain(), text);
}

static void
show_set_head(const json_t *r)
{
	const char *state = view_text(r, "state");

	printf("%s%s%s  %s%s%s\n", cli_bold(), view_text(r, "name"), cli_plain(),
	       view_colour(state), state ? state : "-", cli_plain());
	head_line("digest", view_text(r, "digest"));
	head_line("class", view_text(r, "class"));
	head_line("device", view_text(r, "device"));
	head_line("origin", view_text(r, "origin"));
	head_line("author", view_text(r, "author"));
	head_line("created", view_time(r, "created"));
	head_line("labels", view_text(r, "labels"));
	if (view_number(r, "version") > 0)
		printf("  %s%-10s%s%lld\n", cli_dim(), "version", cli_plain(),
		       (long long)view_number(r, "version"));
	if (json_is_integer(json_object_get(r, "not_before")))
		head_line("from", view_time(r, "not_before"));
	if (json_is_integer(json_object_get(r, "not_after")))
		head_line("until", view_time(r, "not_after"));
}

static void
show_pcrs(const json_t *banks)
{
	const char *bank, *index;
	json_t *values, *value;

	json_object_foreach((json_t *)(uintptr_t)banks, bank, values) {
		printf("\nPCRs (%s):\n", bank);
		json_object_foreach(values, index, value)
			printf("  %2s  %s\n", index, json_string_value(value));
	}
}

static void
show_events(const json_t *events)
{
	static const char *const heads[] = {"#", "PCR", "TYPE", "DIGEST", "WHAT", NULL};
	struct table t;

	if (json_array_size(events) == 0)
		return;
	printf("\nEvents:\n");
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *e = json_array_get(events, i),
			     *digests = json_object_get(e, "digests");
		void *first = json_object_iter((json_t *)(uintptr_t)digests);
		const char *type = view_text(e, "type_name");
		char number[24], pcr[24], code[24], digest[24];

		snprintf(number, sizeof number, "%zu", i);
		snprintf(pcr, sizeof pcr, "%lld", (long long)view_number(e, "pcr"));
		snprintf(code, sizeof code, "0x%08llx", (unsigned long long)view_number(e, "type"));
		snprintf(digest, sizeof digest, "%.16s",
			 first ? json_string_value(json_object_iter_value(first)) : "-");
		table_cell(&t, number, "");
		table_cell(&t, pcr, "");
		table_cell(&t, type ? type : code, "");
		table_cell(&t, digest, "");
		table_cell(&t, view_text(e, "description"),
			   view_flag(e, "per_device") ? cli_dim() : "");
	}
	table_print(&t, stdout);
}

static void
show_software(const json_t *items)
{
	static const char *const heads[] = {"NAME", "KIND", "VERSION", "DIGEST", "FILES", "SOURCE",
					    NULL};
	struct table t;

	if (!items)
		return;
	printf("\nSoftware:\n");
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *it = json_array_get(items, i);
		const char *digest = view_text(it, "digest");
		char cut[17];

		snprintf(cut, sizeof cut, "%.16s", digest ? digest : "-");
		table_cell(&t, view_text(it, "name"), "");
		table_cell(&t, view_text(it, "kind"), "");
		table_cell(&t, view_text(it, "version"), "");
		table_cell(&t, cut, "");
		table_cell(&t, view_flag(it, "files") ? "listed" : "-", "");
		table_cell(&t, view_text(it, "source"), "");
	}
	table_print(&t, stdout);
}

static int
show_set(const struct client *c, const json_t *r)
{
	(void)c;
	show_set_head(r);
	show_pcrs(json_object_get(r, "pcrs"));
	show_events(json_object_get(r, "events"));
	show_software(json_object_get(r, "software"));
	return CLI_YES;
}

#define USED_SHOWN 20

/* Which devices match the set now. */
static void
show_used(const json_t *devices)
{
	size_t n = json_array_size(devices);

	printf("\nMatched by %zu device%s at their last attestation%s", n, n == 1 ? "" : "s",
	       n ? ":" : ".\n");
	for (size_t i = 0; i < n && i < USED_SHOWN; i++)
		printf(" %s%s", view_device(json_array_get(devices, i)),
		       i + 1 < n && i + 1 < USED_SHOWN ? "," : "");
	if (n > USED_SHOWN)
		printf(" and %zu more", n - USED_SHOWN);
	if (n)
		putchar('\n');
}

static int
show_with_use(const struct client *c, const json_t *r)
{
	show_set(c, r);
	show_used(json_object_get(r, "devices"));
	return CLI_YES;
}

static int
run_show(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_reference_show,
		.path = "/v1/references/{0}",
		.args = {"REFERENCE"},
		.show = show_with_use,
	}, used = {
		.command = &cmd_reference_show,
		.path = "/v1/references/{0}/devices",
		.list = "devices",
		.args = {"REFERENCE"},
		.show = show_with_use,
	};
	struct client_words words = {argc, argv};
	struct client c, d;
	json_t *set, *devices = NULL;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	d = c;
	d.spec = &used;
	set = client_ask_spec(&c, &status);
	if (set)
		devices = client_ask_spec(&d, &status);
	if (devices && json_object_set(set, "devices", json_object_get(devices, "devices")) == 0)
		status = client_present(&c, set);
	json_decref(devices);
	json_decref(set);
	return status;
}

const struct cli_command cmd_reference_show = {
	.group = "reference",
	.name = "show",
	.usage = "REFERENCE [--json]",
	.summary = "what a reference set holds, and which devices match it now",
	.help = "REFERENCE is a name, or at least eight first digits of a digest.\n",
	.run = run_show,
};

/* ---- capture and retire ---- */

static int
show_captured(const struct client *c, const json_t *r)
{
	(void)c;
	show_set_head(r);
	printf("It is learned: what matches it gets at best RESTRICT until it is promoted "
	       "(assay reference promote %s).\n", view_text(r, "name"));
	return CLI_YES;
}

static int
run_capture(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_reference_capture,
		.post = true,
		.path = "/v1/references",
		.args = {"DEVICE"},
		.arg_field = "device",
		.options = {{"name", "name", CLIENT_TEXT, false},
			    {"scope", "scope", CLIENT_TEXT, false},
			    {"pcrs", "pcrs", CLIENT_PCRS, false},
			    {"labels", "labels", CLIENT_TEXT, false},
			    {"from", "from", CLIENT_TIME, false},
			    {"until", "until", CLIENT_TIME, false},
			    {"version", "version", CLIENT_TEXT, false},
			    {"what", "what", CLIENT_TEXT, false}},
		.show = show_captured,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_reference_capture = {
	.group = "reference",
	.name = "capture",
	.usage = "DEVICE [--what boot|software] [--name NAME] [--scope class|device] [--pcrs "
		 "0,2,4-7] [--labels LABELS] [--from TIME] [--until TIME] [--version N] [--json]",
	.summary = "learn reference values from a device's last evidence",
	.help = "DEVICE is a name, an id, or at least four first digits of an id.\n\n"
		"  --what WHAT    its boot (PCRs and events), or the software it tells of (boot)\n"
		"  --name NAME    of the set (the device's name and the digest's begin)\n"
		"  --scope SCOPE  class (default): for all devices of its class;\n"
		"                 device: a baseline for this device alone, of what differs\n"
		"                 between good devices (PCR 1, 5 and 6: settings, boot order,\n"
		"                 partitions). It judges the PCRs that the policy does not\n"
		"                 compare with its class; `baseline' in the policy decides\n"
		"  --pcrs LIST    which PCRs (all quoted but 10, 16 and 23)\n"
		"  --labels LIST  only for devices with all of these labels\n"
		"  --from TIME    it does not hold before, such as 2026-11-22T12:00:00Z\n"
		"  --until TIME   nor after\n"
		"  --version N    a number of yours\n",
	.run = run_capture,
};

static int
show_retired(const struct client *c, const json_t *r)
{
	(void)c;
	printf("%s is retired: no device is compared with it any more\n", view_text(r, "name"));
	return CLI_YES;
}

static int
run_retire(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_reference_retire,
		.post = true,
		.path = "/v1/references/{0}/retire",
		.args = {"REFERENCE"},
		.show = show_retired,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_reference_retire = {
	.group = "reference",
	.name = "retire",
	.usage = "REFERENCE [--json]",
	.summary = "stop using a reference set",
	.help = "REFERENCE is a name, or at least eight first digits of a digest.\n",
	.run = run_retire,
};

/* ---- promote ---- */

static const struct client_spec promote_spec = {
	.command = &cmd_reference_promote,
	.path = "/v1/references/{0}",
	.args = {"REFERENCE"},
	.options = {{"digest", "", CLIENT_LOCAL, false}, {"yes", "", CLIENT_FLAG, false}},
	.show = show_set,
};

/* The set is shown on the terminal, where it is answered. */
static bool
confirmed(void)
{
	char answer[16] = "";

	fputs("\nPromote exactly this set? [y/N] ", stderr);
	fflush(stderr);
	return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int
promote_digest(const struct client *c, const char *digest)
{
	char *path = client_path(c, "/v1/references/{0}/promote");
	json_t *body = json_pack("{s:s}", "digest", digest), *answer = NULL;
	int status = CLI_BAD_INPUT;

	if (path && body)
		answer = client_ask(c, true, path, body, &status);
	else
		cli_fail(status, "the digest is not text");
	if (answer && c->json)
		status = client_present(c, answer);
	else if (answer)
		printf("%s is promoted: a device that matches it can be admitted\n",
		       view_text(answer, "name"));
	json_decref(answer);
	json_decref(body);
	free(path);
	return status;
}

/* Shows the set and promotes what was shown, if it is wanted. */
static int
show_and_promote(const struct client *c)
{
	bool asked = !client_option(c, "yes");
	json_t *set;
	int status;

	if (asked && (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1))
		return cli_usage(&cmd_reference_promote, "not on a terminal, give --digest HEX, or "
							 "--yes to promote what is shown");
	set = client_ask_spec(c, &status);
	if (!set)
		return status;
	if (!c->json)
		show_set(c, set);
	if (asked && !confirmed())
		status = cli_fail(CLI_NEGATIVE, "not promoted");
	else
		status = promote_digest(c, json_string_value(json_object_get(set, "digest")));
	json_decref(set);
	return status;
}

static int
run_promote(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	struct client c;
	int status;

	if (!client_parse(&c, &promote_spec, words, &status))
		return status;
	if (client_option(&c, "digest"))
		return promote_digest(&c, client_option(&c, "digest"));
	return show_and_promote(&c);
}

const struct cli_command cmd_reference_promote = {
	.group = "reference",
	.name = "promote",
	.usage = "REFERENCE [--digest HEX | --yes] [--json]",
	.summary = "accept a learned set: what matches it can be admitted",
	.help = "Shows the set and asks; what is promoted is exactly what was shown.\n\n"
		"  --digest HEX  the set that was shown before, by its whole digest; not shown "
		"again\n"
		"  --yes         show it and promote it without asking\n",
	.run = run_promote,
};
