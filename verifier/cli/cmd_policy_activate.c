/* cmd_policy_activate.c: a stored policy into force: for all, or ring by ring. */
#include "client.h"
#include "table.h"

#include <stdio.h>

extern const struct cli_command cmd_policy_activate, cmd_policy_promote;

static int
show_activated(const struct client *c, const json_t *p)
{
	const char *ring = client_option(c, "ring");
	long long version = (long long)view_number(p, "version");

	if (ring)
		printf("%s version %lld judges devices with %s from their next attestation; the "
		       "others as before (assay status shows how it goes, assay policy promote "
		       "goes on)\n", view_text(p, "name"), version, ring);
	else
		printf("%s version %lld is active; devices are judged by it from their next "
		       "attestation\n", view_text(p, "name"), version);
	return CLI_YES;
}

static int
run_activate(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_activate,
		.post = true,
		.path = "/v1/policies/{0}/activate",
		.args = {"POLICY"},
		.options = {{"comment", "reason", CLIENT_TEXT, true},
			    {"ring", "ring", CLIENT_TEXT, false},
			    {"replay", "replay", CLIENT_TEXT, false},
			    {"max-flips", "max_flips", CLIENT_TEXT, false},
			    {"halt-above", "halt_above", CLIENT_TEXT, false},
			    {"force", "force", CLIENT_YES, false}},
		.show = show_activated,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_policy_activate = {
	.group = "policy",
	.name = "activate",
	.usage = "POLICY --comment TEXT [--ring LABELS] [--replay N] [--max-flips N] "
		 "[--halt-above N] [--force] [--json]",
	.summary = "judge by a stored policy from now on",
	.help = "POLICY is a name, or at least eight first digits of a digest. It takes the place\n"
		"of the active policy of its name; older versions can be activated again. Refused\n"
		"if some device would then have two policies of the same rank.\n\n"
		"  --comment TEXT  why; kept in the audit log\n"
		"  --ring LABELS   only for devices with one of these labels (ring=canary); the\n"
		"                  newest replay of the policy must say what will happen\n"
		"  --replay N      the replay that was looked at; refused if it no longer holds\n"
		"  --max-flips N   refused if more devices would change or are unknown\n"
		"  --halt-above N  with --ring: halt if more devices are judged otherwise than\n"
		"                  predicted (0)\n"
		"  --force         although the replay no longer holds, or too many would change\n",
	.run = run_activate,
};

static int
run_promote(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_promote,
		.post = true,
		.path = "/v1/policies/{0}/promote",
		.args = {"POLICY"},
		.options = {{"comment", "reason", CLIENT_TEXT, true},
			    {"ring", "ring", CLIENT_TEXT, false},
			    {"force", "force", CLIENT_YES, false}},
		.show = show_activated,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_policy_promote = {
	.group = "policy",
	.name = "promote",
	.usage = "POLICY --comment TEXT [--ring LABELS] [--force] [--json]",
	.summary = "let a policy on its way through rings judge the next ring, or all",
	.help = "POLICY is the name of a policy that was activated with --ring.\n\n"
		"  --comment TEXT  why; kept in the audit log\n"
		"  --ring LABELS   the next ring; without it: all devices\n"
		"  --force         although it was halted\n",
	.run = run_promote,
};
