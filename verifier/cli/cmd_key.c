/* cmd_key.c: the verifier's signing keys: `assay key list|rotate`. */
#include "client.h"
#include "table.h"

#include <string.h>

extern const struct cli_command cmd_key_list, cmd_key_rotate;

static int
show_keys(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"KEY", "SIGNS", "STATE", "SINCE", "ACCEPTED UNTIL",
					    NULL};
	const json_t *list = json_object_get(answer, "keys");
	struct table t;

	(void)c;
	printf("root %s (what relying parties pin)\n\n", view_text(answer, "root"));
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *role = view_text(row, "role");

		table_cell(&t, view_text(row, "kid"), "");
		table_cell(&t, role && strcmp(role, "audit") == 0 ? "audit heads"
								  : "decisions, tokens", "");
		table_cell(&t, view_text(row, "state"), "");
		table_cell(&t, view_time(row, "since"), "");
		table_cell(&t, view_time(row, "until"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_list(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_key_list,
		.path = "/v1/keys",
		.show = show_keys,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_key_list = {
	.group = "key",
	.name = "list",
	.usage = "[--json]",
	.summary = "the keys that decisions, tokens and the audit log are signed with",
	.help = "Each key was signed by the one before, the first is the root. Relying parties\n"
		"pin the root and take the others from /.well-known/jwks.json.\n",
	.run = run_list,
};

static int
run_rotate(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_key_rotate,
		.post = true,
		.path = "/v1/keys/rotate",
		.args = {"KIND"},
		.arg_field = "scope",
		.options = {{"overlap", "expires", CLIENT_DURATION, false}},
		.show = show_keys,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_key_rotate = {
	.group = "key",
	.name = "rotate",
	.usage = "decision|audit [--overlap 24h] [--json]",
	.summary = "make a new signing key and sign with it from now on",
	.help = "The new key is signed by the old one, so that relying parties that pinned the\n"
		"root follow by themselves.\n\n"
		"  --overlap TIME  how long the old key's signatures are still accepted (24h);\n"
		"                  0s if it may be known to others. Tokens that were given end\n"
		"                  with it\n",
	.run = run_rotate,
};
