/* cmd_policy.c: policies: checked here, compiled and activated by the verifier. */
#include "client.h"
#include "table.h"

#include "evidence/digest.h"
#include "evidence/hex.h"
#include "verifier/appraise/policy.h"
#include "verifier/compiler/policy_compile.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_policy_add, cmd_policy_check,
	cmd_policy_list, cmd_policy_show;

/* ---- check: no verifier is needed ---- */

static int
report(const struct client *c, struct span compiled)
{
	char hex[65] = "";
	uint8_t digest[32];
	struct policy_info info;
	json_t *j;

	if (policy_info(compiled, &info) != ASSAY_OK ||
	    digest_sha256(compiled, digest) != ASSAY_OK ||
	    hex_encode(SPAN(digest, sizeof digest), hex, sizeof hex) != ASSAY_OK)
		return cli_fail(CLI_FAULT, "the compiled policy cannot be read");
	j = json_pack("{s:s, s:I, s:s, s:s, s:s}", "name", info.name, "version",
		      (json_int_t)info.version, "class", info.class_name, "mode",
		      info.monitor ? "monitor" : "enforce", "digest", hex);
	if (!j)
		return cli_fail(CLI_FAULT, "out of memory");
	if (c->json)
		client_present(c, j);
	else
		printf("%s version %u for class %s (%s): no error; its digest is\n%s\n", info.name,
		       info.version, info.class_name, info.monitor ? "monitor" : "enforce", hex);
	json_decref(j);
	return CLI_YES;
}

static int
complain(const char *file, enum assay_err e, const struct yaml_errors *errs)
{
	for (unsigned i = 0; i < errs->count; i++)
		cli_fail(CLI_BAD_INPUT, "%s", errs->e[i].text);
	if (errs->more)
		cli_fail(CLI_BAD_INPUT, "%s: and more", file);
	if (errs->count == 0)
		cli_fail(CLI_BAD_INPUT, "%s: %s", file, assay_err_text(e));
	return e == ASSAY_NO_MEMORY || e == ASSAY_INTERNAL ? CLI_FAULT : CLI_BAD_INPUT;
}

static int
check(const struct client *c)
{
	struct yaml_errors *errs = malloc(sizeof *errs);
	uint8_t *compiled = malloc(POLICY_BYTES_MAX);
	struct span yaml = SPAN(NULL, 0);
	struct writer w;
	enum assay_err e;
	int status = CLI_FAULT;

	if (!errs || !compiled) {
		cli_fail(status, "out of memory");
	} else if (cli_read_file(c->args[0], YAML_BYTES_MAX, &yaml, &status)) {
		wr_init(&w, compiled, POLICY_BYTES_MAX);
		e = policy_compile(yaml, c->args[0], &w, errs);
		status = e == ASSAY_OK ? report(c, wr_span(&w)) : complain(c->args[0], e, errs);
	}
	cli_free(yaml);
	free(compiled);
	free(errs);
	return status;
}

static int
run_check(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_check,
		.args = {"FILE"},
	};
	struct client_words words = {argc, argv};
	struct client c;
	int status;

	return client_parse(&c, &spec, words, &status) ? check(&c) : status;
}

const struct cli_command cmd_policy_check = {
	.group = "policy",
	.name = "check",
	.usage = "FILE [--json]",
	.summary = "whether a policy file is free of errors; asks no verifier",
	.help = "Each error has its file, line and column. Exit status 2 if there is one.\n",
	.run = run_check,
};

/* ---- list and show ---- */

static void
policy_row(struct table *t, const json_t *p, int64_t now)
{
	const char *digest = view_text(p, "digest"), *labels = view_text(p, "labels");
	const char *class_name = view_text(p, "class");
	bool active = view_flag(p, "active");
	char text[TABLE_CELL_MAX];

	table_cell(t, view_text(p, "name"), "");
	snprintf(text, sizeof text, "%lld", (long long)view_number(p, "version"));
	table_cell(t, text, "");
	table_cell(t, active ? "active" : "-", active ? view_colour("active") : "");
	table_cell(t, view_flag(p, "readable") ? view_text(p, "mode") : "unreadable", "");
	snprintf(text, sizeof text, "%s%s%s", class_name ? class_name : "-", labels ? " " : "",
		 labels ? labels : "");
	table_cell(t, text, "");
	snprintf(text, sizeof text, "%.16s", digest ? digest : "-");
	table_cell(t, text, "");
	table_cell(t, view_ago(p, "created", now), "");
	table_cell(t, view_text(p, "author"), "");
}

static int
show_list(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"NAME", "VERSION", "STATE", "MODE", "FOR", "DIGEST",
					    "AGE", "BY", NULL};
	const json_t *list = json_object_get(answer, "policies");
	int64_t now = view_number(answer, "now");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++)
		policy_row(&t, json_array_get(list, i), now);
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_list(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_list,
		.path = "/v1/policies",
		.list = "policies",
		.options = {{"limit", "limit", CLIENT_LIMIT, false}},
		.show = show_list,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_policy_list = {
	.group = "policy",
	.name = "list",
	.usage = "[--limit N] [--json]",
	.summary = "stored policies, and which are active",
	.help = "",
	.run = run_list,
};

/* A source is text of several lines: shown as it is, other control bytes escaped. */
static void
show_source(const json_t *p)
{
	const char *s = json_string_value(json_object_get(p, "source"));

	putchar('\n');
	for (; s && *s; s++) {
		if ((*s >= 0x20 && *s <= 0x7E) || *s == '\n' || *s == '\t')
			putchar(*s);
		else
			printf("\\x%02x", (unsigned char)*s);
	}
}

static int
show_policy(const struct client *c, const json_t *p)
{
	const char *comment = view_text(p, "comment");

	(void)c;
	printf("%s%s%s version %lld%s%s%s\n", cli_bold(), view_text(p, "name"), cli_plain(),
	       (long long)view_number(p, "version"), view_flag(p, "active") ? cli_green() : "",
	       view_flag(p, "active") ? "  active" : "", cli_plain());
	printf("  digest   %s\n  author   %s, %s\n", view_text(p, "digest"), view_text(p, "author"),
	       view_time(p, "created"));
	if (comment)
		printf("  comment  %s\n", comment);
	if (view_text(p, "activated_by"))
		printf("  in force %s since %s: %s\n", view_text(p, "activated_by"),
		       view_time(p, "activated"), view_text(p, "activated_why"));
	show_source(p);
	return CLI_YES;
}

static int
run_show(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_show,
		.path = "/v1/policies/{0}",
		.args = {"POLICY"},
		.show = show_policy,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_policy_show = {
	.group = "policy",
	.name = "show",
	.usage = "POLICY [--json]",
	.summary = "a stored policy: its text, who added it, and when",
	.help = "POLICY is a name, or at least eight first digits of a digest.\n",
	.run = run_show,
};

/* ---- add ---- */

static int
show_added(const struct client *c, const json_t *p)
{
	const char *digest = view_text(p, "digest");

	(void)c;
	printf("%s version %lld is stored (%.16s); it judges once it is active "
	       "(assay policy replay %.16s, then activate)\n", view_text(p, "name"),
	       (long long)view_number(p, "version"), digest ? digest : "-", digest ? digest : "-");
	return CLI_YES;
}

static int
run_add(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_add,
		.post = true,
		.path = "/v1/policies",
		.args = {"FILE"},
		.arg_field = "file",
		.arg_is_file = true,
		.options = {{"reason", "reason", CLIENT_TEXT, false}},
		.show = show_added,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_policy_add = {
	.group = "policy",
	.name = "add",
	.usage = "FILE [--reason TEXT] [--json]",
	.summary = "give a policy to the verifier; it is compiled and stored, not yet active",
	.help = "  --reason TEXT  stored with it\n",
	.run = run_add,
};
