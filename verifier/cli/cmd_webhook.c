/* cmd_webhook.c: what is told of decisions by itself: `assay webhook list|dead|retry|drop|
 * test`. */
#include "client.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_webhook_dead, cmd_webhook_drop, cmd_webhook_list,
	cmd_webhook_retry, cmd_webhook_test;

static void
number_cell(struct table *t, const json_t *row, const char *name)
{
	char text[32];

	snprintf(text, sizeof text, "%lld",
		 (long long)json_integer_value(json_object_get(row, name)));
	table_cell(t, text, "");
}

/* ---- list ---- */

static int
show_list(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"NAME", "STATE", "TO", "PENDING", "OLDEST", "DEAD",
					    "NEXT ATTEMPT", "LAST ERROR", NULL};
	const json_t *list = json_object_get(answer, "webhooks");
	struct table t;

	(void)c;
	if (json_array_size(list) == 0) {
		puts("No webhook, syslog or journal is configured.");
		return CLI_YES;
	}
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		table_cell(&t, view_text(row, "name"), "");
		table_cell(&t, view_text(row, "state"), "");
		table_cell(&t, view_text(row, "to"), "");
		number_cell(&t, row, "pending");
		table_cell(&t, view_time(row, "oldest"), "");
		number_cell(&t, row, "dead");
		table_cell(&t, view_time(row, "next_attempt"), "");
		table_cell(&t, view_text(row, "error"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_list(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_webhook_list,
		.path = "/v1/webhooks",
		.show = show_list,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_webhook_list = {
	.group = "webhook",
	.name = "list",
	.usage = "[--json]",
	.summary = "webhooks and logs: how far they have come, and what failed last",
	.help = "PENDING counts the decisions since the last one that was delivered or not "
		"wanted;\n"
		"OLDEST is when the first of them that is wanted was made.\n",
	.run = run_list,
};

/* ---- dead ---- */

static int
show_dead(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"WEBHOOK", "SEQUENCE", "DEVICE", "OUTCOME",
					    "GIVEN UP", "ATTEMPTS", "ERROR", NULL};
	const json_t *list = json_object_get(answer, "dead");
	struct table t;

	(void)c;
	if (json_array_size(list) == 0) {
		puts("No dead letters.");
		return CLI_YES;
	}
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		table_cell(&t, view_text(row, "webhook"), "");
		number_cell(&t, row, "sequence");
		table_cell(&t, view_text(row, "device"), "");
		table_cell(&t, view_text(row, "outcome"), "");
		table_cell(&t, view_time(row, "at"), "");
		number_cell(&t, row, "attempts");
		table_cell(&t, view_text(row, "error"), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_dead(int argc, char **argv)
{
	static const struct client_spec one = {
		.command = &cmd_webhook_dead,
		.path = "/v1/dead-letters?name={0}",
		.list = "dead",
		.args = {"NAME"},
		.show = show_dead,
	};
	static const struct client_spec all = {
		.command = &cmd_webhook_dead,
		.path = "/v1/dead-letters",
		.list = "dead",
		.args = {"NAME"},
		.args_optional = true,
		.show = show_dead,
	};
	struct client_words words = {argc, argv};
	struct client c;
	int status;

	if (!client_parse(&c, &all, words, &status))
		return status;
	return client_run(c.args[0] ? &one : &all, argc, argv);
}

const struct cli_command cmd_webhook_dead = {
	.group = "webhook",
	.name = "dead",
	.usage = "[NAME] [--json]",
	.summary = "decisions that could not be delivered to a webhook",
	.help = "They stay until they are delivered after all (webhook retry) or dropped.\n",
	.run = run_dead,
};

/* ---- retry, drop ---- */

/* One number, or one of the flags; the request's fields. NULL: *ret_status is set. */
static json_t *
which(const struct client *c, int *ret_status)
{
	bool all = client_option(c, "all") != NULL, pending = false;
	const char *number = c->args[1];

	if (c->spec->command == &cmd_webhook_drop)
		pending = client_option(c, "pending") != NULL;
	if (!c->args[0])
		*ret_status = cli_usage(c->spec->command, "NAME is missing");
	else if ((number != NULL) + all + pending != 1)
		*ret_status = cli_usage(c->spec->command, "give one SEQUENCE, or --all%s",
					c->spec->command == &cmd_webhook_drop ? ", or --pending"
									      : "");
	else if (number && (strspn(number, "0123456789") != strlen(number) || strlen(number) > 18))
		*ret_status = cli_fail(CLI_BAD_INPUT, "SEQUENCE must be a number");
	else if (number)
		return json_pack("{s:s}", "sequence", number);
	else
		return json_pack("{s:s}", "scope", all ? "all" : "pending");
	return NULL;
}

static int
run_change(const struct client_spec *spec, int argc, char **argv)
{
	struct client_words words = {argc, argv};
	json_t *body, *answer = NULL;
	struct client c;
	char *path;
	int status;

	if (!client_parse(&c, spec, words, &status))
		return status;
	if (!(body = which(&c, &status)))
		return status;
	path = client_path(&c, spec->path);
	if (path)
		answer = client_ask(&c, true, path, body, &status);
	else
		status = cli_fail(CLI_FAULT, "no memory");
	if (answer)
		status = client_present(&c, answer);
	json_decref(answer);
	json_decref(body);
	free(path);
	return status;
}

static int
show_retry(const struct client *c, const json_t *answer)
{
	(void)c;
	printf("%lld will be tried once more; see: assay webhook dead %s\n",
	       (long long)json_integer_value(json_object_get(answer, "count")),
	       view_text(answer, "webhook"));
	return CLI_YES;
}

static int
run_retry(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_webhook_retry,
		.post = true,
		.path = "/v1/webhooks/{0}/retry",
		.args = {"NAME", "SEQUENCE"},
		.args_optional = true,
		.options = {{"all", "", CLIENT_FLAG, false}},
		.show = show_retry,
	};

	return run_change(&spec, argc, argv);
}

const struct cli_command cmd_webhook_retry = {
	.group = "webhook",
	.name = "retry",
	.usage = "NAME SEQUENCE | --all [--json]",
	.summary = "try dead letters once more",
	.help = "Each is sent once, before what is new; one that fails again stays a dead letter.\n"
		"It comes out of order: receivers tell by its sequence number.\n",
	.run = run_retry,
};

static int
show_drop(const struct client *c, const json_t *answer)
{
	long long n = (long long)json_integer_value(json_object_get(answer, "count"));

	if (client_option(c, "pending"))
		printf("%lld decisions will not be delivered to %s.\n", n,
		       view_text(answer, "webhook"));
	else
		printf("%lld dead letters of %s are gone.\n", n, view_text(answer, "webhook"));
	return CLI_YES;
}

static int
run_drop(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_webhook_drop,
		.post = true,
		.path = "/v1/webhooks/{0}/drop",
		.args = {"NAME", "SEQUENCE"},
		.args_optional = true,
		.options = {{"all", "", CLIENT_FLAG, false}, {"pending", "", CLIENT_FLAG, false}},
		.show = show_drop,
	};

	return run_change(&spec, argc, argv);
}

const struct cli_command cmd_webhook_drop = {
	.group = "webhook",
	.name = "drop",
	.usage = "NAME SEQUENCE | --all | --pending [--json]",
	.summary = "forget dead letters, or what waits to be delivered",
	.help = "  --all      every dead letter of the webhook\n"
		"  --pending  every decision that was not delivered yet: it goes on with the next\n"
		"             one that is made\n",
	.run = run_drop,
};

/* ---- test ---- */

static int
show_test(const struct client *c, const json_t *answer)
{
	const char *error = view_text(answer, "error");
	long long status = (long long)json_integer_value(json_object_get(answer, "status"));

	(void)c;
	if (view_flag(answer, "delivered"))
		printf("delivered: HTTP %lld\n", status);
	else
		printf("not delivered: %s\n", error ? error : "unknown");
	return view_flag(answer, "delivered") ? CLI_YES : CLI_NEGATIVE;
}

static int
run_test(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_webhook_test,
		.post = true,
		.path = "/v1/webhooks/{0}/test",
		.args = {"NAME"},
		.show = show_test,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_webhook_test = {
	.group = "webhook",
	.name = "test",
	.usage = "NAME [--json]",
	.summary = "send a webhook a message that says that it is a test",
	.help = "Exit status 0 if it was delivered, 1 if not.\n",
	.run = run_test,
};
