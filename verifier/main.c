/*
 * main.c: assay-verifier: init, run, and the roles that keeper starts by executing
 * this program again.
 */
#include "appraiser.h"
#include "compiler.h"
#include "console.h"
#include "init.h"
#include "keeper.h"
#include "keys.h"
#include "net.h"
#include "outbound.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"usage: assay-verifier init --state DIR [--listen ADDR:PORT] [--roots DIR]\n"
	"                           [--name HOST] [--accept-virtual-tpm]\n"
	"       assay-verifier run --state DIR\n"
	"       assay-verifier --version | --help\n";

static const char help[] =
	"\n"
	"init makes a state directory: keys, TLS certificate, ledger, shipped policies and\n"
	"the first operator's token. It replaces nothing that exists.\n"
	"  --state DIR           the directory (made if needed, mode 0700)\n"
	"  --listen ADDR:PORT    where devices connect (default 0.0.0.0:7443; port 0: any)\n"
	"  --roots DIR           certificates of TPM manufacturers (default DIR/ek-roots)\n"
	"  --name HOST           name in the TLS certificate (default: this host's)\n"
	"  --accept-virtual-tpm  let virtual TPMs enrol (as a tier of their own)\n"
	"\n"
	"run serves until SIGTERM. SIGHUP reads policies, references and roots again. It\n"
	"writes DIR/run/port and DIR/run/pid, and logs to standard error.\n"
	"\n"
	"Exit status: 0 done, 2 bad configuration, 3 not permitted or not there (a file, an\n"
	"address, a user; another verifier runs), 4 fault, 64 usage.\n"
	"\n"
	"Example:\n"
	"  assay-verifier init --state /var/lib/assay --listen 0.0.0.0:7443\n"
	"  assay-verifier run --state /var/lib/assay\n"
	"  assay --state /var/lib/assay token create --class gateway --expires 24h\n";

static int
usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "assay-verifier: %s%s%s\n%s", what, arg[0] ? ": " : "", arg, usage);
	return 64;
}

static int
show_help(void)
{
	fputs(usage, stdout);
	fputs(help, stdout);
	return 0;
}

static bool
is_address(const char *text)
{
	char host[CONFIG_TEXT_MAX];
	uint16_t port;

	return config_split_address(text, host, sizeof host, &port) == ASSAY_OK;
}

static int
do_init(int argc, char **argv)
{
	static const struct option longs[] = {
		{"state", required_argument, NULL, 's'},
		{"listen", required_argument, NULL, 'l'},
		{"roots", required_argument, NULL, 'r'},
		{"name", required_argument, NULL, 'n'},
		{"accept-virtual-tpm", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	char host[64] = "localhost";
	struct init_options o = {.listen = "0.0.0.0:7443", .name = host};
	int c;

	(void)gethostname(host, sizeof host - 1);
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o.state = optarg;
			break;
		case 'l':
			o.listen = optarg;
			break;
		case 'r':
			o.roots = optarg;
			break;
		case 'n':
			o.name = optarg;
			break;
		case 'v':
			o.accept_virtual = true;
			break;
		case 'h':
			return show_help();
		default:
			return usage_error(c == ':' ? "init: needs a value" : "init: unknown "
				"option",
					   argv[optind - 1]);
		}
	}
	if (optind != argc)
		return usage_error("init takes no argument", argv[optind]);
	if (!o.state)
		return usage_error("init needs --state DIR", "");
	if (!is_address(o.listen))
		return usage_error("--listen: give ADDRESS:PORT, as 0.0.0.0:7443 or [::]:7443, not",
				   o.listen);
	return init_state(&o);
}

/* Nothing of the environment matters to the daemon, but for what sanitizers read. */
static void
clean_environment(void)
{
	const char *asan = getenv("ASAN_OPTIONS"), *ubsan = getenv("UBSAN_OPTIONS");

	if (clearenv() != 0)
		exit(4);
	if ((asan && setenv("ASAN_OPTIONS", asan, 1) != 0) ||
	    (ubsan && setenv("UBSAN_OPTIONS", ubsan, 1) != 0))
		exit(4);
}

static int
do_run(int argc, char **argv)
{
	static const struct option longs[] = {
		{"state", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static struct config config;
	static struct config_error err;
	const char *state = NULL;
	char path[CONFIG_PATH_MAX];
	enum assay_err e;
	int c;

	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == 'h')
			return show_help();
		if (c != 's')
			return usage_error("run needs --state DIR and nothing else", "");
		state = optarg;
	}
	if (optind != argc || !state)
		return usage_error("run needs --state DIR and nothing else", "");
	if ((e = keys_real_path(state, path, sizeof path)) != ASSAY_OK) {
		fprintf(stderr, "assay-verifier: %s: %s\n", state, assay_err_text(e));
		return 3;
	}
	e = config_load(&config, path, &err);
	if (e != ASSAY_OK) {
		fprintf(stderr, "assay-verifier: %s\n", err.text);
		return e == ASSAY_MALFORMED ? 2 : 3;
	}
	umask(0077);
	clean_environment();
	return keeper_main(&config);
}

static const struct {
	const char *arg;
	int (*run)(void);
} roles[] = {
	{"--role=net", net_main},
	{"--role=console", console_main},
	{"--role=appraiser", appraiser_main},
	{"--role=compiler", compiler_main},
	{"--role=outbound", outbound_main},
};

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"init", do_init},
	{"run", do_run},
};

int
main(int argc, char **argv)
{
	if (argc < 2)
		return usage_error("which command?", "");
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		if (argc == 2 && strcmp(argv[1], roles[i].arg) == 0)
			return roles[i].run();
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (strcmp(argv[1], "--version") == 0) {
		puts("assay-verifier " ASSAY_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0)
		return show_help();
	return usage_error("unknown command", argv[1]);
}
