/* main.c: the program assay-gate. */
#include "gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_DEFAULT "/etc/assay/gate.yaml"

static const char usage_text[] =
	"usage: assay-gate run [--config FILE] [--dry-run]\n"
	"       assay-gate close [--config FILE]\n"
	"       assay-gate rules [--config FILE]\n";

static const char help_text[] =
	"\n"
	"A relying party: applies the verifier's decisions to the devices behind this router\n"
	"or bridge, with nftables.\n"
	"\n"
	"  run             hear decisions and keep the kernel's sets as they say\n"
	"  close           load the rules with empty sets: nobody passes; before interfaces\n"
	"                  come up; if FILE is wrong and no rules are loaded, nothing is\n"
	"                  forwarded at all until it is right\n"
	"  rules           print the rules, and do nothing\n"
	"  --config FILE   default: " CONFIG_DEFAULT "\n"
	"  --dry-run       print every batch of changes instead of applying it\n"
	"\n"
	"Exit status: 0 done, 2 a file is malformed, 3 not permitted or not reachable,\n"
	"4 internal error, 64 usage. docs/gate.md explains the configuration, what a gate\n"
	"can and cannot keep out, and what happens when the verifier is silent.\n";

static int
usage(const char *what)
{
	fprintf(stderr, "assay-gate: %s\n%s", what, usage_text);
	return GATE_USAGE;
}

int
main(int argc, char **argv)
{
	static struct gate_config config;
	const char *path = CONFIG_DEFAULT, *command = argc > 1 ? argv[1] : "";
	bool dry_run = false;
	char why[600];

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			printf("%s%s", usage_text, help_text);
			return GATE_YES;
		}
	if (strcmp(command, "--version") == 0) {
		puts("assay-gate " ASSAY_VERSION);
		return GATE_YES;
	}
	if (strcmp(command, "run") != 0 && strcmp(command, "close") != 0 &&
	    strcmp(command, "rules") != 0)
		return usage("run, close or rules?");
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0 && strcmp(command, "run") == 0)
			dry_run = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			path = argv[++i];
		else
			return usage("an unknown option, or one without its value");
	}
	if (access(path, R_OK) != 0) {
		fprintf(stderr, "assay-gate: %s: %s\n", path, strerror(errno));
		return GATE_NO_ACCESS;
	}
	if (!gate_config_load(path, &config, why, sizeof why)) {
		fprintf(stderr, "assay-gate: %s\n", why);
		return strcmp(command, "close") == 0 ? gate_shut(path) : GATE_BAD_INPUT;
	}
	if (strcmp(command, "close") == 0)
		return gate_close_all(&config);
	if (strcmp(command, "rules") == 0)
		return gate_print_rules(&config);
	return gate_run(&config, dry_run);
}
