/* cmd_token.c: who may enrol: tokens and EKs. */
#include "client.h"
#include "table.h"

#include <string.h>

extern const struct cli_command cmd_ek_allow, cmd_token_create, cmd_token_list;

/* ---- enrolment tokens ---- */

static int
show_created(const struct client *c, const json_t *answer)
{
	char about[256];

	(void)c;
	snprintf(about, sizeof about, "Token %s for class %s, %lld use(s), until %s",
		 view_text(answer, "id"), view_text(answer, "class"),
		 (long long)view_number(answer, "uses_left"), view_time(answer, "expires"));
	return view_secret(answer, about);
}

static int
run_create(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_token_create,
		.post = true,
		.path = "/v1/tokens",
		.options = {{"class", "class", CLIENT_TEXT, true},
			    {"expires", "expires", CLIENT_DURATION, false},
			    {"uses", "uses", CLIENT_TEXT, false},
			    {"labels", "labels", CLIENT_TEXT, false},
			    {"tier", "tier", CLIENT_TEXT, false}},
		.show = show_created,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_token_create = {
	.group = "token",
	.name = "create",
	.usage = "--class CLASS [--expires 24h] [--uses 1] [--labels TEXT] [--tier TIER] [--json]",
	.summary = "an enrolment token, for a device to come in with",
	.help = "Prints one line: id.secret.pin. The pin is the hash of the verifier's TLS key;\n"
		"the agent trusts no other. Only a hash of the secret is kept.\n\n"
		"  --class CLASS     of the devices that enrol with it\n"
		"  --expires TIME    as 90s, 30m, 24h, 7d (24h)\n"
		"  --uses N          how many devices (1)\n"
		"  --labels TEXT     as \"site=berlin ring=canary\"\n"
		"  --tier TIER       lowest that may use it: tpm, virtual-tpm ...\n",
	.run = run_create,
};

static int
show_tokens(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"ID", "CLASS", "TIER", "USES LEFT", "STATE", "EXPIRES",
					    "BY", NULL};
	const json_t *list = json_object_get(answer, "tokens");
	int64_t now = view_number(answer, "now");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *state = view_text(row, "state");
		char uses[24];

		snprintf(uses, sizeof uses, "%lld", (long long)view_number(row, "uses_left"));
		table_cell(&t, view_text(row, "id"), "");
		table_cell(&t, view_text(row, "class"), "");
		table_cell(&t, view_text(row, "lowest_tier"), "");
		table_cell(&t, uses, "");
		table_cell(&t, state, view_colour(state));
		table_cell(&t, view_ago(row, "expires", now), "");
		table_cell(&t, view_text(row, "created_by"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_tokens(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_token_list,
		.path = "/v1/tokens",
		.list = "tokens",
		.options = {{"limit", "limit", CLIENT_LIMIT, false}},
		.show = show_tokens,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_token_list = {
	.group = "token",
	.name = "list",
	.usage = "[--limit N] [--json]",
	.summary = "enrolment tokens, without their secrets",
	.help = "",
	.run = run_tokens,
};

/* ---- EKs registered beforehand ---- */

static int
show_allowed(const struct client *c, const json_t *answer)
{
	(void)c;
	printf("%lld EK(s) are now on the allow-list\n",
	       (long long)view_number(answer, "allowed"));
	return CLI_YES;
}

static int
run_allow(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_ek_allow,
		.post = true,
		.path = "/v1/eks",
		.options = {{"ek", "ek", CLIENT_TEXT, false},
			    {"file", "file", CLIENT_FILE, false},
			    {"class", "class", CLIENT_TEXT, true},
			    {"name", "name", CLIENT_TEXT, false},
			    {"labels", "labels", CLIENT_TEXT, false}},
		.show = show_allowed,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_ek_allow = {
	.group = "ek",
	.name = "allow",
	.usage = "--ek HEX|--file FILE --class CLASS [--name NAME] [--labels TEXT] [--json]",
	.summary = "let TPMs enrol by their EK, without token",
	.help = "  --ek HEX       SHA-256 over the TPM Name of the EK, 64 digits\n"
		"  --file FILE    many: a line each, HEX or HEX NAME; # begins a comment\n"
		"  --class CLASS  of the devices\n"
		"  --name NAME    of the device (with --ek)\n"
		"  --labels TEXT  as \"site=berlin ring=canary\"\n",
	.run = run_allow,
};
