/* options.c: see options.h. */
#include "options.h"

#include "attester/collect/bootlog.h"
#include "attester/collect/imalist.h"
#include "evidence/hex.h"
#include "report.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_LINE_MAX 1024

/* What is wrong with a value, or NULL. */
typedef const char *setter(struct options *o, const char *value);

static setter set_verifier, set_tcti, set_token, set_token_file, set_identity, set_key_type,
	set_ek, set_ak, set_ak_handle, set_retry, set_ima_list, set_user;

#define AT(member) offsetof(struct options, member)

static const struct option {
	const char *name;
	const char *argument; /* NULL: a switch */
	setter *set; /* NULL: it is a text that is kept as it is */
	size_t at;   /* of a switch its bool, of such a text its array */
	const char *help;
} options[] = {
	{"verifier", "URL", set_verifier, 0, "wss://HOST:PORT of the verifier"},
	{"state", "DIR", NULL, AT(state),
	 "what is kept: attestation key, enrolment"},
	{"token", "TOKEN", set_token, 0, "enrolment token id.secret.pin, needed once"},
	{"token-file", "FILE", set_token_file, 0, "the same, first line of a file"},
	{"ca", "FILE", NULL, AT(ca),
	 "PEM: CAs that the verifier's certificate must be from"},
	{"identity", "KIND", set_identity, 0, "what holds the key: tpm dice token software [tpm]"},
	{"dice", "DIR", NULL, AT(dice),
	 "identity dice: chain.pem and alias.key of the boot stage"},
	{"key-file", "FILE", NULL, AT(key_file),
	 "identity software: the key, if not one of its own"},
	{"key-type", "TYPE", set_key_type, 0, "identity software: key to make [ecc-p256]"},
	{"pkcs11-module", "FILE", NULL, AT(pkcs11_module),
	 "identity token: its PKCS #11 library"},
	{"pkcs11-token", "LABEL", NULL, AT(pkcs11_token),
	 "identity token: which token"},
	{"pkcs11-key", "LABEL", NULL, AT(pkcs11_key),
	 "identity token: which key in it"},
	{"pin-file", "FILE", NULL, AT(pkcs11_pin_file),
	 "identity token: PIN, first line of a file"},
	{"certificate", "FILE", NULL, AT(certificate),
	 "of a key that is in no TPM, PEM, and its CAs'"},
	{"tcti", "TCTI", set_tcti, 0, "the TPM, as tpm2-tools take it [device:/dev/tpmrm0]"},
	{"ek", "TYPE", set_ek, 0, "endorsement key [auto: the first with a certificate]"},
	{"ak-type", "TYPE", set_ak, 0, "attestation key to make [ecc-p256]"},
	{"ak-handle", "HANDLE", set_ak_handle, 0, "keep it in the TPM, 0x81000000-0x817fffff"},
	{"boot-log", "FILE", NULL, AT(boot_log),
	 "the firmware's event log [" BOOTLOG_KERNEL "]"},
	{"no-boot-log", NULL, NULL, AT(no_boot_log),
	 "this device has none"},
	{"ima-list", "FILE", set_ima_list, 0, "the kernel's IMA list, binary [" IMALIST_KERNEL "]"},
	{"no-ima-list", NULL, NULL, AT(no_ima_list),
	 "this device has none"},
	{"retry-max", "SECONDS", set_retry, 0, "longest pause between connections [60]"},
	{"allow-unbound", NULL, NULL, AT(unbound),
	 "attest also behind a proxy that ends TLS"},
	{"user", "NAME", set_user, 0, "become this user; measuring keeps its privileges"},
	{"challenge", "FILE", NULL, AT(challenge), "collect: what is answered"},
	{"out", "FILE", NULL, AT(out), "collect: the evidence; must not be there yet"},
	{"root", "KID", NULL, AT(root), "collect: only of the verifier whose first key this is"},
	{"once", NULL, NULL, AT(once), "end after the first decision"},
	{"json", NULL, NULL, AT(json), "status, measure: one JSON document"},
	{"verbose", NULL, NULL, AT(verbose), "log more"},
};
#define OPTIONS (sizeof options / sizeof options[0])

static const struct command {
	const char *name;
	enum agent_command command;
	const char *help;
} commands[] = {
	{"run", COMMAND_RUN, "attest for ever (if no command is given)"},
	{"enrol", COMMAND_ENROL, "enrol and end"},
	{"status", COMMAND_STATUS, "show what is kept; talks to nobody"},
	{"collect", COMMAND_COLLECT, "evidence for a challenge in a file; talks to nobody"},
	{"measure", COMMAND_MEASURE, "measure as the file says, and show it; talks to nobody"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const char *
copy_text(char *to, const char *value)
{
	size_t n = strlen(value);

	if (n == 0)
		return "is empty";
	if (n >= OPTIONS_TEXT_MAX)
		return "is too long";
	memcpy(to, value, n + 1);
	return NULL;
}

static const char *
set_tcti(struct options *o, const char *value)
{
	return strlen(value) > 255 ? "is too long" : copy_text(o->tcti, value);
}

static const char *
set_user(struct options *o, const char *value)
{
	if (strlen(value) == 0 || strlen(value) >= sizeof o->user)
		return "is not the name of a user";
	memcpy(o->user, value, strlen(value) + 1);
	return NULL;
}

static const char *
set_ima_list(struct options *o, const char *value)
{
	return copy_text(o->ima_list, value);
}

static const char *
set_verifier(struct options *o, const char *value)
{
	const char *why = address_parse(value, &o->verifier);

	return why ? why : copy_text(o->url, value);
}

/* id.secret.pin: the pin is the hash of the verifier's TLS key (I15). */
static const char *
set_token(struct options *o, const char *value)
{
	const char *dot1 = strchr(value, '.'), *dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;
	struct assay_enrolment_token t;

	if (assay_enrolment_token(value, &t) != ASSAY_OK) {
		if (!dot2)
			return "is not of the form id.secret.pin";
		if (strlen(dot2 + 1) != 64 || strspn(dot2 + 1, "0123456789abcdefABCDEF") != 64)
			return "does not end in the 64 hex digits of the verifier's key";
		return "has an id or a secret that cannot be one";
	}
	memcpy(o->token_id, t.id, sizeof o->token_id);
	memcpy(o->token_secret, t.secret, sizeof o->token_secret);
	memcpy(o->pin, t.pin, sizeof o->pin);
	explicit_bzero(&t, sizeof t);
	o->has_pin = true;
	return NULL;
}

static const char *
set_token_file(struct options *o, const char *value)
{
	char line[FILE_LINE_MAX];
	FILE *f = fopen(value, "re");
	const char *why;

	if (!f && errno == ENOENT) /* it may have been removed: an enrolled device needs none */
		return copy_text(o->token_gone, value);
	if (!f)
		return "names a file that cannot be read";
	if (!fgets(line, sizeof line, f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	why = set_token(o, line);
	explicit_bzero(line, sizeof line);
	return why ? "names a file whose first line is no token" : NULL;
}

static const char *
set_identity(struct options *o, const char *value)
{
	static const char *const names[] = {"tpm", "dice", "token", "software"};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], value) == 0) {
			o->identity = (enum identity_kind)i;
			return NULL;
		}
	return "is none of tpm dice token software";
}

static const char *
set_key_type(struct options *o, const char *value)
{
	for (unsigned i = 0; i < ASSAY_KEY_COUNT; i++)
		if (strcmp(assay_key_kind_name((enum assay_key_kind)i), value) == 0) {
			o->key_type = (enum assay_key_kind)i;
			return NULL;
		}
	return "is none of ecc-p256 ecc-p384 ed25519";
}

static const char *
set_ek(struct options *o, const char *value)
{
	for (unsigned i = 0; i < ASSAY_EK_COUNT; i++)
		if (strcmp(assay_ek_name((enum assay_ek)i), value) == 0) {
			o->ek = (enum assay_ek)i;
			return NULL;
		}
	return "is none of auto ecc-p256 ecc-p256-high ecc-p384 rsa-2048 rsa-2048-high rsa-3072 "
	       "rsa-4096";
}

static const char *
set_ak(struct options *o, const char *value)
{
	for (unsigned i = 0; i < ASSAY_AK_COUNT; i++)
		if (strcmp(assay_ak_name((enum assay_ak)i), value) == 0) {
			o->ak = (enum assay_ak)i;
			return NULL;
		}
	return "is none of ecc-p256 ecc-p384 rsa-rsassa rsa-rsapss";
}

static const char *
set_ak_handle(struct options *o, const char *value)
{
	char *end;
	unsigned long h = strtoul(value, &end, 0);

	if (*end != '\0' || h < 0x81000000 || h > 0x817FFFFF)
		return "is not a handle from 0x81000000 to 0x817fffff";
	o->ak_handle = (uint32_t)h;
	return NULL;
}

static const char *
set_retry(struct options *o, const char *value)
{
	char *end;
	unsigned long s = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || s < 1 || s > 86400)
		return "is not a number of seconds from 1 to 86400";
	o->retry_max_s = (unsigned)s;
	return NULL;
}

/* ---- the table at work ---- */

static const struct option *
find(const char *name, size_t n)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strlen(options[i].name) == n && strncmp(options[i].name, name, n) == 0)
			return &options[i];
	return NULL;
}

static void
set_switch(struct options *o, const struct option *opt, bool on)
{
	memcpy((char *)o + opt->at, &on, sizeof on);
}

static const char *
set_value(struct options *o, const struct option *opt, const char *value)
{
	return opt->set ? opt->set(o, value) : copy_text((char *)o + opt->at, value);
}

/* A switch in a file has a value. */
static const char *
set_switch_text(struct options *o, const struct option *opt, const char *value)
{
	bool on = strcmp(value, "true") == 0;

	if (!on && strcmp(value, "false") != 0)
		return "is neither true nor false";
	set_switch(o, opt, on);
	return NULL;
}

/* Cuts blanks and a comment off; takes quotes away. Returns NULL for an open quote. */
static char *
bare(char *s)
{
	char *end;

	s += strspn(s, " \t");
	if (*s == '"' || *s == '\'') {
		end = strchr(s + 1, *s);
		if (!end)
			return NULL;
		*end = '\0';
		return s + 1;
	}
	for (end = s; *end && !(*end == '#' && (end == s || end[-1] == ' ' || end[-1] == '\t'));)
		end++;
	while (end > s && strchr(" \t\r\n", end[-1]))
		end--;
	*end = '\0';
	return s;
}

/* Position of a complaint, and which options the file has set. */
struct file {
	const char *path;
	unsigned line;
	bool seen[OPTIONS];
	bool section; /* within one that config_measure.c reads */
};

/* `measure:` and `health:` have keys below them, which are read elsewhere. */
static bool
is_section(const char *key)
{
	return strcmp(key, "measure") == 0 || strcmp(key, "health") == 0;
}

static bool
complain(const struct file *f, const char *key, const char *why)
{
	(void)report_fatal(0, "%s:%u: %s: %s", f->path, f->line, key, why);
	return false;
}

static bool
read_line(struct file *f, char *line, struct options *o)
{
	char *key = line + strspn(line, " \t"), *colon, *value;
	const struct option *opt;
	const char *why;

	if (*key == '#' || *key == '\0' || *key == '\n' || *key == '\r')
		return true;
	if (f->section && (key != line || *key == '-'))
		return true;
	if (key != line)
		return complain(f, "indentation", "options are not nested");
	colon = key + strcspn(key, ": \t\n");
	if (*colon != ':')
		return complain(f, "syntax", "a line is `name: value`");
	*colon = '\0';
	if ((f->section = is_section(key)))
		return true;
	opt = find(key, strlen(key));
	if (!opt)
		return complain(f, key, "there is no such option; see assay-attester --help");
	if (f->seen[opt - options])
		return complain(f, key, "is given twice");
	f->seen[opt - options] = true;
	value = bare(colon + 1);
	if (!value)
		return complain(f, key, "has a quote that is not closed");
	why = opt->argument ? set_value(o, opt, value) : set_switch_text(o, opt, value);
	return why ? complain(f, key, why) : true;
}

static bool
read_file(const char *path, struct options *o, int *ret_status)
{
	struct file f = {.path = path};
	char line[FILE_LINE_MAX];
	FILE *in = fopen(path, "re");
	bool ok = true;

	if (!in) {
		*ret_status = report_fatal(AGENT_NO_ACCESS, "%s: %s", path, strerror(errno));
		return false;
	}
	while (ok && fgets(line, sizeof line, in)) {
		f.line++;
		if (strlen(line) == sizeof line - 1)
			ok = complain(&f, "syntax", "the line is too long");
		else
			ok = read_line(&f, line, o);
	}
	if (ok && ferror(in))
		ok = complain(&f, "file", strerror(errno));
	fclose(in);
	explicit_bzero(line, sizeof line);
	if (!ok)
		*ret_status = AGENT_BAD_INPUT;
	return ok;
}

static int
help(void)
{
	printf("assay-attester [COMMAND] [OPTION]...\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-22s%s\n", commands[i].name, commands[i].help);
	printf("\nOptions, on the command line or as `name: value` in the file:\n");
	printf("  --%-20s%s\n", "config FILE", "read options from a file first");
	for (size_t i = 0; i < OPTIONS; i++) {
		char text[64];

		snprintf(text, sizeof text, "%s%s%s", options[i].name,
			 options[i].argument ? " " : "",
			 options[i].argument ? options[i].argument : "");
		printf("  --%-20s%s\n", text, options[i].help);
	}
	printf("\nEK types: auto ecc-p256 ecc-p256-high ecc-p384 rsa-2048 rsa-2048-high rsa-3072\n"
	       "rsa-4096. AK types: ecc-p256 ecc-p384 rsa-rsassa rsa-rsapss.\n"
	       "Exit status: 0 ended by a signal, enrolled, admitted; 1 not admitted or not yet\n"
	       "approved; 2 a file is malformed; 3 verifier or TPM not reachable, or refused;\n"
	       "4 internal error; 64 usage.\n");
	return AGENT_YES;
}

/* One flag and its value, from argv[*i] on. */
static bool
read_flag(int argc, char **argv, int *i, struct options *o)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '='), *value = eq ? eq + 1 : NULL;
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	const struct option *opt = find(name, n);
	const char *why = NULL;

	if (!opt)
		why = "there is no such option; see --help";
	else if (!opt->argument && value)
		why = "takes no value";
	else if (!opt->argument)
		set_switch(o, opt, true);
	else if (!value && *i + 1 >= argc)
		why = "needs a value";
	else
		why = set_value(o, opt, value ? value : argv[++*i]);
	if (why)
		(void)report_fatal(0, "--%.*s: %s", (int)n, name, why);
	return why == NULL;
}

static bool
read_command(const char *word, struct options *o)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, word) == 0) {
			o->command = commands[i].command;
			return true;
		}
	(void)report_fatal(0, "%s: there is no such command; see --help", word);
	return false;
}

/* The file first, so that flags win wherever they stand. */
static bool
read_config(int argc, char **argv, struct options *o, int *ret_status)
{
	for (int i = 1; i < argc; i++) {
		const char *path = NULL;

		if (strncmp(argv[i], "--config=", 9) == 0)
			path = argv[i] + 9;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			path = argv[++i];
		else if (strcmp(argv[i], "--config") == 0)
			*ret_status = report_fatal(AGENT_USAGE, "--config: needs a value");
		else
			continue;
		if (!path || !read_file(path, o, ret_status))
			return false;
		if (o->config[0] || copy_text(o->config, path)) {
			*ret_status = report_fatal(AGENT_USAGE, "--config: one file, please");
			return false;
		}
	}
	return true;
}

static bool
read_arguments(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (strcmp(a, "--config") == 0) {
			i++;
		} else if (a[0] != '-' && i == 1) {
			if (!read_command(a, o))
				return false;
		} else if (strncmp(a, "--", 2) != 0) {
			(void)report_fatal(0, "%s: unexpected argument (a command comes before "
					      "all options); see --help", a);
			return false;
		} else if (strncmp(a, "--config=", 9) != 0 && !read_flag(argc, argv, &i, o)) {
			return false;
		}
	}
	return true;
}

/* What must be there, and does not go together. */
static const char *
missing(const struct options *o)
{
	if (o->command == COMMAND_MEASURE)
		return o->config[0] ? NULL : "--config: needed, it says what to measure";
	if (!o->state[0])
		return "--state: needed, a directory of the agent's own";
	if (o->identity == IDENTITY_DICE && !o->dice[0])
		return "--dice: needed with --identity dice";
	if (o->identity == IDENTITY_TOKEN &&
	    (!o->pkcs11_module[0] || !o->pkcs11_token[0] || !o->pkcs11_key[0]))
		return "--pkcs11-module, --pkcs11-token, --pkcs11-key: needed with --identity "
		       "token";
	if (o->command == COMMAND_STATUS)
		return NULL;
	if (o->command == COMMAND_COLLECT)
		return o->challenge[0] && o->out[0] ? NULL
						    : "--challenge, --out: needed by collect";
	if (!o->url[0])
		return "--verifier: needed, e.g. wss://verifier.example:7443";
	if (o->once && o->command == COMMAND_ENROL)
		return "--once: enrol ends anyway";
	return NULL;
}

bool
options_read(int argc, char **argv, struct options *ret, int *ret_status)
{
	const char *why;

	memset(ret, 0, sizeof *ret);
	memcpy(ret->tcti, "device:/dev/tpmrm0", sizeof "device:/dev/tpmrm0");
	memcpy(ret->boot_log, BOOTLOG_KERNEL, sizeof BOOTLOG_KERNEL);
	memcpy(ret->ima_list, IMALIST_KERNEL, sizeof IMALIST_KERNEL);
	ret->retry_max_s = 60;
	*ret_status = AGENT_USAGE;
	for (int i = 1; i < argc; i++) {
		bool version = strcmp(argv[i], "--version") == 0;

		if (!version && strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0)
			continue;
		*ret_status = version ? (printf("assay-attester " ASSAY_VERSION "\n"), AGENT_YES)
				      : help();
		return false;
	}
	if (!read_config(argc, argv, ret, ret_status) || !read_arguments(argc, argv, ret))
		return false;
	why = missing(ret);
	if (why)
		*ret_status = report_fatal(AGENT_USAGE, "%s", why);
	return why == NULL;
}
