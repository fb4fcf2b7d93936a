/* cmd_evidence.c: `assay evidence`: challenges in files for devices that have no connection,
 * and the evidence that comes back; docs/offline.md. */
#include "client.h"
#include "table.h"

#include "evidence/evidencefile.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_evidence_challenge, cmd_evidence_list, cmd_evidence_revoke,
	cmd_evidence_submit;

/* ---- challenge ---- */

static int
save(const struct client *c, const json_t *answer)
{
	const char *file = json_string_value(json_object_get(answer, "file"));
	int status;

	if (!file)
		return cli_fail(CLI_FAULT, "the verifier answered without a challenge");
	status = cli_write_file(client_option(c, "out"), SPAN(file, strlen(file)));
	if (status != CLI_YES || c->json)
		return status;
	printf("Challenge %s for device %s, to be answered before %s.\n",
	       view_text(answer, "challenge"), view_text(answer, "device"),
	       view_time(answer, "expires"));
	printf("On the device: assay-attester collect --challenge %s --out FILE.evidence\n",
	       client_option(c, "out"));
	return CLI_YES;
}

static int
run_challenge(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_evidence_challenge,
		.post = true,
		.path = "/v1/challenges",
		.args = {"DEVICE"},
		.arg_field = "device",
		.options = {{"out", "", CLIENT_LOCAL, true},
			    {"valid", "expires", CLIENT_DURATION, false}},
	};
	struct client_words words = {argc, argv};
	struct client c;
	json_t *answer;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	if (!(answer = client_ask_spec(&c, &status)))
		return status;
	status = save(&c, answer);
	if (status == CLI_YES && c.json)
		status = client_present(&c, answer);
	json_decref(answer);
	return status;
}

const struct cli_command cmd_evidence_challenge = {
	.group = "evidence",
	.name = "challenge",
	.usage = "DEVICE --out FILE.challenge [--valid 7d] [--json]",
	.summary = "a signed challenge for a device that has no connection",
	.help = "FILE is carried to the device, where `assay-attester collect' answers it, and\n"
		"what it writes is carried back: assay evidence submit. The device's policy must\n"
		"have a section `offline'. The evidence's age counts from now on.\n\n"
		"  --out FILE     the challenge; must not exist\n"
		"  --valid TIME   how long it can be answered, at most the policy's max_age of\n"
		"                 offline evidence; 7d, or that max_age\n\n"
		"  assay evidence challenge pump-7 --out pump-7.challenge --valid 3d\n",
	.run = run_challenge,
};

/* ---- list, revoke ---- */

static const char *
state_colour(const char *state)
{
	return state && strcmp(state, "outstanding") == 0 ? cli_yellow() : "";
}

static int
show_list(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"CHALLENGE", "DEVICE",  "STATE",
					    "ISSUED",	 "EXPIRES", "BY", NULL};
	const json_t *list = json_object_get(answer, "challenges");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *ch = json_array_get(list, i);

		table_cell(&t, view_text(ch, "challenge"), "");
		table_cell(&t, view_text(ch, "device"), "");
		table_cell(&t, view_text(ch, "state"), state_colour(view_text(ch, "state")));
		table_cell(&t, view_time(ch, "issued"), "");
		table_cell(&t, view_time(ch, "expires"), "");
		table_cell(&t, view_text(ch, "by"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_list(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_evidence_list,
		.path = "/v1/challenges",
		.options = {{"device", "device", CLIENT_TEXT, false}},
		.show = show_list,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_evidence_list = {
	.group = "evidence",
	.name = "list",
	.usage = "[--device DEVICE] [--json]",
	.summary = "challenges in files, and what became of them",
	.help = "A challenge is outstanding, used, revoked or expired. At most four of a device\n"
		"are outstanding.\n\n"
		"  --device DEVICE  those of one device\n",
	.run = run_list,
};

static int
show_revoked(const struct client *c, const json_t *ch)
{
	(void)c;
	printf("Challenge %s is revoked; evidence that answers it is not taken.\n",
	       view_text(ch, "challenge"));
	return CLI_YES;
}

static int
run_revoke(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_evidence_revoke,
		.post = true,
		.path = "/v1/challenges/{0}/revoke",
		.args = {"CHALLENGE"},
		.options = {{"reason", "reason", CLIENT_TEXT, false}},
		.show = show_revoked,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_evidence_revoke = {
	.group = "evidence",
	.name = "revoke",
	.usage = "CHALLENGE [--reason TEXT] [--json]",
	.summary = "take a challenge back that is still outstanding",
	.help = "CHALLENGE is as `assay evidence list' shows it.\n\n"
		"  --reason TEXT  why; kept in the audit log\n",
	.run = run_revoke,
};

/* ---- submit ---- */

static void
show_findings(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "findings");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		const char *subject = view_text(f, "subject"), *remedy = view_text(f, "remedy");

		if (strcmp(view_text(f, "cap") ? view_text(f, "cap") : "", "ADMIT") == 0)
			continue;
		printf("  %s%s%s: %s\n", view_text(f, "word"), subject ? " " : "",
		       subject ? subject : "", view_text(f, "text"));
		if (remedy)
			printf("    %s%s%s\n", cli_dim(), remedy, cli_plain());
	}
}

static int
show_result(const struct client *c, const json_t *answer)
{
	const char *outcome = view_text(answer, "outcome");
	bool accepted = view_flag(answer, "accepted");

	if (c->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (!accepted) {
		printf("Not taken: %s (%s). Nothing was changed.\n", view_text(answer, "text"),
		       view_text(answer, "reason"));
	} else {
		printf("%s%s%s  %s, device %s\n", view_colour(outcome), outcome, cli_plain(),
		       view_text(answer, "reason"), view_text(answer, "device"));
		printf("  challenged %s, holds until %s\n", view_time(answer, "issued"),
		       view_time(answer, "expires"));
		show_findings(answer);
	}
	return accepted && outcome && strcmp(outcome, "ADMIT") == 0 ? CLI_YES : CLI_NEGATIVE;
}

static int
submit(const struct client *c, struct span file)
{
	char id[CLIENT_UPLOAD_ID];
	int status = client_upload(c, file, id);
	json_t *body, *answer;

	if (status != CLI_YES)
		return status;
	body = json_pack("{s:s}", "upload", id);
	answer = body ? client_ask(c, true, "/v1/evidence", body, &status) : NULL;
	if (answer)
		status = show_result(c, answer);
	json_decref(answer);
	json_decref(body);
	return status;
}

static int
run_submit(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_evidence_submit,
		.post = true,
		.path = "/v1/evidence",
		.args = {"FILE"},
	};
	struct client_words words = {argc, argv};
	struct client c;
	struct span file;
	int status;

	if (!client_parse(&c, &spec, words, &status) ||
	    !cli_read_file(c.args[0], EVIDENCEFILE_MAX, &file, &status))
		return status;
	status = submit(&c, file);
	cli_free(file);
	return status;
}

const struct cli_command cmd_evidence_submit = {
	.group = "evidence",
	.name = "submit",
	.usage = "FILE.evidence [--json]",
	.summary = "hand in what a device without a connection answered to a challenge",
	.help = "The evidence is judged as on a connection, but that its age counts from the\n"
		"challenge. A challenge is answered once; evidence that is not authentic or not\n"
		"complete does not use it up.\n\n"
		"Exit status: 0 ADMIT, 1 another decision or not taken, 2 no evidence of this\n"
		"kind, 3 the verifier cannot be reached.\n\n"
		"  assay evidence submit pump-7.evidence\n",
	.run = run_submit,
};
