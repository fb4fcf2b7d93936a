/*
 * cli.h: what the commands of `assay` share: exit statuses, the command table,
 * reading files, messages, colour.
 *
 * One file per command (cmd_<group>_<name>.c) that defines one struct cli_command;
 * commands.c lists them. Commands write results to stdout and messages for people
 * to stderr; --json prints exactly one JSON document on stdout.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "evidence/reader.h"

#include <stdbool.h>
#include <stdio.h>

/* DESIGN.md, "Command contract" */
enum cli_status {
	CLI_YES = 0,	   /* yes, done, ADMIT */
	CLI_NEGATIVE = 1,  /* the verdict is negative (RESTRICT and QUARANTINE too) */
	CLI_BAD_INPUT = 2, /* an input is malformed */
	CLI_NO_ACCESS = 3, /* not reachable or not permitted */
	CLI_FAULT = 4,	   /* internal error */
	CLI_USAGE = 64,
};

struct cli_command {
	const char *group;   /* "inspect" */
	const char *name;    /* "eventlog" */
	const char *usage;   /* "FILE [--json] [--pcrs FILE]" */
	const char *summary; /* one line, lower case, no full stop */
	const char *help;    /* options and examples, for --help */
	/* argv[0] is the command's name; --help has been handled before. */
	int (*run)(int argc, char **argv);
};

/* All commands, ended by one whose group is NULL (commands.c). */
extern const struct cli_command *const cli_commands[];

/* "assay: FMT" to stderr; returns status, so that `return cli_fail(...)` reads well. */
int cli_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A usage error of this command: the message and its usage line; returns CLI_USAGE. */
int cli_usage(const struct cli_command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Read a whole file ("-": stdin) of at most max bytes. On failure a message that
 * names the file has been printed and *ret_status is CLI_NO_ACCESS (cannot be
 * opened) or CLI_BAD_INPUT (too large). The caller frees with cli_free().
 */
ASSAY_MUST_USE bool cli_read_file(const char *path, size_t max, struct span *ret,
				  int *ret_status);
void cli_free(struct span s);
/* A new file, 0600, whole or not at all; never over one that is there. CLI_NO_ACCESS. */
int cli_write_file(const char *path, struct span bytes);
/* Whether f is a terminal that takes colour (NO_COLOR and TERM=dumb honoured). */
bool cli_colour(FILE *f);
/* ANSI sequences, or "" where cli_colour(stdout) is false. */
const char *cli_red(void);
const char *cli_green(void);
const char *cli_yellow(void);
const char *cli_dim(void);
const char *cli_bold(void);
const char *cli_plain(void);
/* "2022-06-01T00:00:00Z" or seconds since the epoch; false if it is neither. */
bool cli_parse_time(const char *text, int64_t *ret);

#endif
