/* cmd_policy_diff.c: two versions of a policy, compared in words. */
#include "client.h"
#include "table.h"

#include "verifier/compiler/policy_diff.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct cli_command cmd_policy_diff;

#define SOURCE_MAX (1u << 20)

/* A file if there is one of that name, else a stored policy's text. */
static bool
read_source(const struct client *c, unsigned which, struct span *ret, int *ret_status)
{
	const char *word = c->args[which];
	char path[] = "/v1/policies/{0}", *full;
	json_t *p;
	char *copy = NULL;
	const char *text;

	if (access(word, F_OK) == 0)
		return cli_read_file(word, SOURCE_MAX, ret, ret_status);
	path[strlen(path) - 2] = (char)('0' + which);
	full = client_path(c, path);
	p = full ? client_ask(c, false, full, NULL, ret_status) : NULL;
	text = json_string_value(json_object_get(p, "source"));
	if (text && (copy = strdup(text)) != NULL)
		*ret = SPAN(copy, strlen(copy));
	else if (p)
		*ret_status = cli_fail(CLI_FAULT, "the verifier sent no text of `%s'", word);
	json_decref(p);
	free(full);
	return copy != NULL;
}

static void
keep(void *arg, const struct policy_difference *d)
{
	json_t *list = arg;

	json_array_append_new(
		list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "where", d->where, "key",
				d->key ? json_string(d->key) : json_null(), "before",
				*d->before ? json_string(d->before) : json_null(), "after",
				*d->after ? json_string(d->after) : json_null(), "effect",
				d->milder > 0	? json_string("milder")
				: d->milder < 0 ? json_string("stricter")
						: json_null()));
}

static void
show_one(const json_t *d)
{
	const char *where = view_text(d, "where"), *key = view_text(d, "key");
	const char *before = view_text(d, "before"), *after = view_text(d, "after");
	const char *effect = view_text(d, "effect");

	if (!key) {
		printf("%s %s: %s\n", where, after ? "is new" : "is gone", after ? after : before);
		return;
	}
	printf("%s%s%s ", where && *where ? where : "", where && *where ? ": " : "", key);
	if (!before)
		printf("was not given, is %s", after);
	else if (!after)
		printf("was %s, is not given", before);
	else
		printf("was %s, is %s", before, after);
	printf("%s%s%s\n", effect ? " (" : "", effect ? effect : "", effect ? ")" : "");
}

static int
compare(const struct client *c, struct span a, struct span b)
{
	static struct yaml_errors errs;
	json_t *list = json_array();
	int status = CLI_YES;

	yaml_errors_init(&errs, "policy");
	if (!list)
		return cli_fail(CLI_FAULT, "out of memory");
	if (!policy_diff(a, b, keep, list, &errs)) {
		status = cli_fail(CLI_BAD_INPUT, "%s", errs.count ? errs.e[0].text : "no policy");
	} else if (c->json) {
		json_t *out = json_pack("{s:O}", "differences", list);

		json_dumpf(out, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
		json_decref(out);
	} else {
		for (size_t i = 0; i < json_array_size(list); i++)
			show_one(json_array_get(list, i));
		if (json_array_size(list) == 0)
			puts("They say the same.");
	}
	json_decref(list);
	return status;
}

static int
run_diff(int argc, char **argv)
{
	static const struct client_spec spec = {.command = &cmd_policy_diff, .args = {"A", "B"}};
	struct client_words words = {argc, argv};
	struct span a = SPAN(NULL, 0), b = SPAN(NULL, 0);
	struct client c;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	if (read_source(&c, 0, &a, &status) && read_source(&c, 1, &b, &status))
		status = compare(&c, a, b);
	cli_free(a);
	cli_free(b);
	return status;
}

const struct cli_command cmd_policy_diff = {
	.group = "policy",
	.name = "diff",
	.usage = "A B [--json]",
	.summary = "what differs between two policies, by rule and key",
	.help = "A and B are files, or stored policies: names, or at least eight first digits of\n"
		"a digest. Comments, layout and order are no difference.\n",
	.run = run_diff,
};
