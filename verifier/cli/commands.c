/*
 * commands.c: the list of all commands. To add one: write cmd_<group>_<name>.c
 * with one struct cli_command, declare it here, list it here, in alphabetical
 * order within its group.
 */
#include "cli.h"

extern const struct cli_command cmd_inspect_ekcert;
extern const struct cli_command cmd_inspect_eventlog;
extern const struct cli_command cmd_inspect_evidence;
extern const struct cli_command cmd_verify_quote;

static const struct cli_command end = {0};

const struct cli_command *const cli_commands[] = {
	&cmd_inspect_ekcert,
	&cmd_inspect_eventlog,
	&cmd_inspect_evidence,
	&cmd_verify_quote,
	&end,
};
