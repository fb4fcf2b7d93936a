/*
 * main.c: `assay GROUP NAME ...`: finds the command in cli_commands[] and runs it;
 * help and suggestions for everything that is not one. Commands of one word have
 * an empty name.
 */
#include "cli.h"

#include "verifier/appraise/text.h"

#include <ctype.h>
#include <string.h>

#define SUGGEST_DISTANCE 2 /* edits within which a word is taken for a slip */
#define WORD_MAX 32

static bool
is_listed(const struct cli_command *c)
{
	return c->group != NULL;
}

static bool
is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static const char *
space_before(const char *name)
{
	return *name ? " " : "";
}

static const struct cli_command *
find(const char *group, const char *name)
{
	for (const struct cli_command *const *c = cli_commands; is_listed(*c); c++)
		if (strcmp((*c)->group, group) == 0 && strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static bool
group_exists(const char *group)
{
	for (const struct cli_command *const *c = cli_commands; is_listed(*c); c++)
		if (strcmp((*c)->group, group) == 0)
			return true;
	return false;
}

static bool
is_group(const char *word)
{
	for (const struct cli_command *const *c = cli_commands; is_listed(*c); c++)
		if (strcmp((*c)->group, word) == 0)
			return true;
	return false;
}

/* The command whose words are nearest to what was typed, or NULL. */
static const struct cli_command *
nearest(const char *group, const char *name)
{
	const struct cli_command *best = NULL;
	bool known = is_group(group);
	size_t best_distance = 2 * SUGGEST_DISTANCE + 1;

	for (const struct cli_command *const *c = cli_commands; is_listed(*c); c++) {
		size_t dg = text_distance(group, (*c)->group);
		size_t dn = text_distance(name, (*c)->name);

		if (!known && *(*c)->name && strcmp(group, (*c)->name) == 0)
			return *c; /* the group was left out */
		if (dg > SUGGEST_DISTANCE || (dg == 0 && dn == 0))
			continue;
		/* A group alone is enough to point into it; so is a known name. */
		if (dn > SUGGEST_DISTANCE && *name)
			continue;
		if (dg + dn < best_distance || !best) {
			best_distance = dg + dn;
			best = *c;
		}
	}
	return best;
}

static void
list(FILE *f, const char *group)
{
	for (const struct cli_command *const *c = cli_commands; is_listed(*c); c++) {
		char words[2 * WORD_MAX + 2];

		if (group && strcmp((*c)->group, group) != 0)
			continue;
		snprintf(words, sizeof words, "%s%s%s", (*c)->group, space_before((*c)->name),
			 (*c)->name);
		fprintf(f, "  %-22s %s\n", words, (*c)->summary);
	}
}

static int
help_all(FILE *f, int status)
{
	fputs("usage: assay GROUP NAME [ARGUMENT...]\n\n", f);
	list(f, NULL);
	fputs("\n`assay GROUP NAME --help` tells the options of a command; `assay --version`"
	      " the version.\n\n"
	      "Where the verifier is, for all commands that ask it:\n"
	      "  --state DIR          its state directory (default $ASSAY_STATE, /var/lib/assay)\n"
	      "  --socket PATH        its console's socket\n"
	      "  --server URL         its operators' TLS port, https://HOST:PORT, with\n"
	      "  --token-file FILE    a bearer token, or --certificate FILE --key FILE, and\n"
	      "  --ca FILE            who vouches for it\n"
	      "  --profile NAME       a file that says so: ~/.config/assay/NAME.profile\n\n"
	      "Exit status: 0 yes, 1 no (restrict and quarantine too), 2 malformed"
	      " input, 3 not\nreachable or not permitted, 4 internal error, 64 usage.\n",
	      f);
	return status;
}

static int
help_group(FILE *f, const char *group, int status)
{
	fprintf(f, "usage: assay %s NAME [ARGUMENT...]\n\n", group);
	list(f, group);
	return status;
}

static int
help_command(const struct cli_command *c)
{
	printf("usage: assay %s%s%s %s\n\n%c%s.\n", c->group, space_before(c->name), c->name,
	       c->usage, toupper(*c->summary), c->summary + 1);
	if (c->help && *c->help)
		printf("\n%s", c->help);
	return CLI_YES;
}

static int
unknown(const char *group, const char *name)
{
	const struct cli_command *c = nearest(group, name);

	fprintf(stderr, "assay: no command `%.*s%s%.*s'", WORD_MAX, group, space_before(name),
		WORD_MAX, name);
	if (c)
		fprintf(stderr, "; did you mean `%s%s%s'?\n", c->group, space_before(c->name),
			c->name);
	else
		fputs("; `assay --help' lists them\n", stderr);
	return CLI_USAGE;
}

/* argv[0] is the command's own (last) word. */
static int
run(const struct cli_command *c, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_help(argv[i]))
			return help_command(c);
	return c->run(argc, argv);
}

static bool
is_where(const char *arg)
{
	static const char *const names[] = {"--state",	 "--socket",	 "--server",
					    "--profile", "--token-file", "--ca"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(arg, names[i]) == 0)
			return true;
	return false;
}

/* "assay --state DIR device list" is "assay device list --state DIR": words that say
 * where the verifier is change places with the command's, and are left out where there
 * is none. How many words there are now. */
static int
turn(int argc, char **argv)
{
	char *front[2 * WORD_MAX];
	int n = 0, words = 0;

	while (n + 2 < argc && n + 2 <= 2 * WORD_MAX && is_where(argv[1 + n])) {
		front[n] = argv[1 + n];
		front[n + 1] = argv[2 + n];
		n += 2;
	}
	if (argc > n + 2 && find(argv[n + 1], argv[n + 2]))
		words = 2;
	else if (argc > n + 1 && find(argv[n + 1], ""))
		words = 1;
	for (int i = 1; n > 0 && i + n < argc && (words == 0 || i <= words); i++)
		argv[i] = argv[i + n];
	for (int i = 0; words > 0 && i < n; i++)
		argv[1 + words + i] = front[i];
	return words > 0 ? argc : argc - n;
}

int
main(int argc, char **argv)
{
	const struct cli_command *c;

	argc = turn(argc, argv);
	if (argc < 2)
		return help_all(stderr, CLI_USAGE);
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0)
		return help_all(stdout, CLI_YES);
	if (strcmp(argv[1], "--version") == 0) {
		puts("assay " ASSAY_VERSION);
		return CLI_YES;
	}
	if (argc > 2 && (c = find(argv[1], argv[2])) != NULL)
		return run(c, argc - 2, argv + 2);
	if ((c = find(argv[1], "")) != NULL)
		return run(c, argc - 1, argv + 1);
	if (group_exists(argv[1]) && argc == 2)
		return help_group(stderr, argv[1], CLI_USAGE);
	if (group_exists(argv[1]) && is_help(argv[2]))
		return help_group(stdout, argv[1], CLI_YES);
	return unknown(argv[1], argc > 2 ? argv[2] : "");
}
