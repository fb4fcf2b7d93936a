/*
 * cmd_reference_predict.c: `assay reference predict`: what a boot will measure that has
 * not happened yet, from the files that it will use. Offline.
 */
#include "cli.h"

#include "evidence/hex.h"
#include "evidence/pcr.h"
#include "verifier/compiler/predict.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX (1u << 20)
#define OPTIONS_MAX 8192
#define PATH_TEXT_MAX 4096

extern const struct cli_command cmd_reference_predict;

enum source { SOURCE_NONE = 0, SOURCE_UKI, SOURCE_IMAGE, SOURCE_KERNEL, SOURCE_ENTRY, SOURCE_GRUB };

struct options {
	enum source source;
	const char *file;	/* of the source */
	const char *root;	/* where the files of a configuration are */
	const char *cmdline, *initrd;
	const char *config_path, *entry;
	uint16_t bank;
	bool json;
	struct span held[PREDICT_FILES_MAX + 4]; /* files that were read */
	size_t nheld;
	char *paths[PREDICT_FILES_MAX];
	size_t npaths;
};

/* ---- options ---- */

static const struct {
	const char *name;
	enum source source;
} sources[] = {
	{"--uki", SOURCE_UKI},		 {"--image", SOURCE_IMAGE}, {"--kernel", SOURCE_KERNEL},
	{"--boot-entry", SOURCE_ENTRY}, {"--grub", SOURCE_GRUB},
};
static const char *const taking_values[] = {"--root", "--cmdline", "--initrd", "--config-path",
				     "--entry", "--bank"};

static bool
is_option(const char *name)
{
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
		if (strcmp(name, sources[i].name) == 0)
			return true;
	for (size_t i = 0; i < sizeof taking_values / sizeof taking_values[0]; i++)
		if (strcmp(name, taking_values[i]) == 0)
			return true;
	return false;
}

static int
set_source(struct options *o, enum source s, const char *file)
{
	if (o->source != SOURCE_NONE)
		return cli_usage(&cmd_reference_predict, "one of --uki, --image, --kernel, "
				 "--boot-entry and --grub at a time");
	o->source = s;
	o->file = file;
	return CLI_YES;
}

static int
set_value(struct options *o, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
		if (strcmp(name, sources[i].name) == 0)
			return set_source(o, sources[i].source, value);
	if (strcmp(name, "--root") == 0)
		o->root = value;
	else if (strcmp(name, "--cmdline") == 0)
		o->cmdline = value;
	else if (strcmp(name, "--initrd") == 0)
		o->initrd = value;
	else if (strcmp(name, "--config-path") == 0)
		o->config_path = value;
	else if (strcmp(name, "--entry") == 0)
		o->entry = value;
	else if ((o->bank = digest_by_name(value)) == ALG_NONE || !digest_computable(o->bank))
		return cli_usage(&cmd_reference_predict, "--bank %s: sha1, sha256, sha384 or "
				 "sha512", value);
	return CLI_YES;
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int status;

	o->bank = ALG_SHA256;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
			continue;
		}
		if (argv[i][0] != '-')
			return cli_usage(&cmd_reference_predict, "what is %s?", argv[i]);
		if (!is_option(argv[i]))
			return cli_usage(&cmd_reference_predict, "unknown option `%s'", argv[i]);
		if (i + 1 >= argc)
			return cli_usage(&cmd_reference_predict, "%s needs a value", argv[i]);
		if ((status = set_value(o, argv[i], argv[i + 1])) != CLI_YES)
			return status;
		i++;
	}
	if (o->source == SOURCE_NONE)
		return cli_usage(&cmd_reference_predict, "from what? --uki, --image, --kernel, "
				 "--boot-entry or --grub");
	if ((o->source == SOURCE_ENTRY || o->source == SOURCE_GRUB) && !o->root)
		return cli_usage(&cmd_reference_predict, "--root DIR is needed: where the files "
				 "that it names are");
	return CLI_YES;
}

/* ---- files ---- */

static int
read_file(struct options *o, const char *path, size_t max, struct span *ret)
{
	int status = CLI_YES;

	if (o->nheld == sizeof o->held / sizeof o->held[0])
		return cli_fail(CLI_BAD_INPUT, "%s: too many files", path);
	if (!cli_read_file(path, max, ret, &status))
		return status;
	o->held[o->nheld++] = *ret;
	return CLI_YES;
}

/* "(hd0,gpt1)/vmlinuz" and "/vmlinuz" are DIR/vmlinuz. */
static int
read_under_root(struct options *o, const char *path, struct span *ret)
{
	const char *inside = path[0] == '(' && strchr(path, ')') ? strchr(path, ')') + 1 : path;
	char full[PATH_TEXT_MAX];

	if (snprintf(full, sizeof full, "%s/%s", o->root, inside) >= (int)sizeof full)
		return cli_fail(CLI_BAD_INPUT, "%s: the path is too long", path);
	return read_file(o, full, PE_BYTES_MAX, ret);
}

static void
release(struct options *o)
{
	for (size_t i = 0; i < o->nheld; i++)
		cli_free(o->held[i]);
	for (size_t i = 0; i < o->npaths; i++)
		free(o->paths[i]);
}

/* ---- the sources ---- */

static int
explain(const struct options *o, const struct predict *p, enum assay_err e)
{
	if (e == ASSAY_OK)
		return CLI_YES;
	return cli_fail(e == ASSAY_UNSUPPORTED || e == ASSAY_NOT_FOUND ? CLI_NEGATIVE
								       : CLI_BAD_INPUT,
			"%s: %s", o->file, *p->why ? p->why : assay_err_text(e));
}

static int
from_kernel(struct options *o, struct predict *p)
{
	struct predict_linux in = {.options = o->cmdline ? o->cmdline : ""};
	int status = read_file(o, o->file, PE_BYTES_MAX, &in.kernel);

	if (status == CLI_YES && o->initrd)
		status = read_file(o, o->initrd, PE_BYTES_MAX, &in.initrd);
	return status == CLI_YES ? explain(o, p, predict_linux(&in, p)) : status;
}

/* A boot loader entry (UAPI.1): what stands behind a key, joined by blanks. */
struct entry {
	char linux[PATH_TEXT_MAX], initrd[PATH_TEXT_MAX], options[OPTIONS_MAX];
	unsigned ninitrds;
};

static bool
take_line(struct entry *e, const char *key, const char *value)
{
	size_t n = strlen(e->options);

	if (strcmp(key, "linux") == 0)
		return snprintf(e->linux, sizeof e->linux, "%s", value) < (int)sizeof e->linux;
	if (strcmp(key, "initrd") == 0) {
		e->ninitrds++;
		return snprintf(e->initrd, sizeof e->initrd, "%s", value) < (int)sizeof e->initrd;
	}
	if (strcmp(key, "options") == 0)
		return snprintf(e->options + n, sizeof e->options - n, "%s%s", n ? " " : "",
				value) < (int)(sizeof e->options - n);
	return true; /* title, version, machine-id ... are not measured */
}

static bool
read_entry(struct span text, struct entry *ret)
{
	struct span rest = text;

	while (rest.n > 0) {
		struct span line = span_until(rest, '\n');
		char buf[OPTIONS_MAX], *value, *end;

		rest = SPAN(rest.p + line.n, rest.n - line.n);
		if (rest.n > 0)
			rest = SPAN(rest.p + 1, rest.n - 1);
		if (line.n >= sizeof buf)
			return false;
		memcpy(buf, line.p, line.n);
		buf[line.n] = '\0';
		for (end = buf + strlen(buf); end > buf && strchr(" \t\r", end[-1]); end--)
			end[-1] = '\0';
		value = buf + strcspn(buf, " \t");
		if (*value)
			*value++ = '\0';
		value += strspn(value, " \t");
		if (*buf && *buf != '#' && !take_line(ret, buf, value))
			return false;
	}
	return *ret->linux != '\0';
}

static int
from_entry(struct options *o, struct predict *p)
{
	static char options[OPTIONS_MAX + PATH_TEXT_MAX + 16];
	struct predict_linux in = {.systemd_boot = true, .options = options};
	static struct entry entry;
	struct span text;
	int status = read_file(o, o->file, CONFIG_MAX, &text);

	if (status != CLI_YES)
		return status;
	if (!read_entry(text, &entry))
		return cli_fail(CLI_BAD_INPUT, "%s: not a boot loader entry with a kernel",
				o->file);
	if (entry.ninitrds > 1)
		return cli_fail(CLI_NEGATIVE, "%s: has several initrds; merge them, so that what "
				"is measured of them can be foretold", o->file);
	status = read_under_root(o, entry.linux, &in.kernel);
	if (status == CLI_YES && entry.ninitrds)
		status = read_under_root(o, entry.initrd, &in.initrd);
	if (status != CLI_YES)
		return status;
	for (char *c = entry.initrd; *c; c++)
		*c = *c == '/' ? '\\' : *c;
	snprintf(options, sizeof options, "%s%s%s%s", entry.ninitrds ? "initrd=" : "",
		 entry.initrd, entry.ninitrds && *entry.options ? " " : "", entry.options);
	return explain(o, p, predict_linux(&in, p));
}

/* The files that a configuration asks for are read one after the other, as it asks. */
static int
from_grub(struct options *o, struct predict *p)
{
	struct predict_grub in = {.config_path = o->config_path, .entry = o->entry};
	int status = read_file(o, o->file, CONFIG_MAX, &in.config);

	while (status == CLI_YES) {
		enum assay_err e;
		char *path;

		memset(p, 0, sizeof *p);
		e = predict_grub(&in, p);
		if (e != ASSAY_MISSING || in.nfiles == PREDICT_FILES_MAX)
			return explain(o, p, e);
		path = strdup(p->missing);
		if (!path)
			return cli_fail(CLI_FAULT, "memory is exhausted");
		o->paths[o->npaths++] = path;
		status = read_under_root(o, path, &in.files[in.nfiles].content);
		in.files[in.nfiles++].path = path;
	}
	return status;
}

static int
predict(struct options *o, struct predict *p)
{
	struct span file;
	int status;

	if (o->source == SOURCE_KERNEL)
		return from_kernel(o, p);
	if (o->source == SOURCE_ENTRY)
		return from_entry(o, p);
	if (o->source == SOURCE_GRUB)
		return from_grub(o, p);
	if ((status = read_file(o, o->file, PE_BYTES_MAX, &file)) != CLI_YES)
		return status;
	return explain(o, p, o->source == SOURCE_UKI ? predict_uki(file, p)
						      : predict_image(file, p));
}

/* ---- what comes out ---- */

static const struct digest *
in_bank(const struct predict_event *ev, uint16_t bank)
{
	for (unsigned i = 0; i < PREDICT_BANKS; i++)
		if (ev->digest[i].alg == bank)
			return &ev->digest[i];
	return NULL;
}

/* Of PCRs that nobody else extends: systemd's stub and boot loader own 11 and 12. */
static bool
pcr_value_of(const struct predict *p, uint32_t pcr, uint16_t bank, char *ret, size_t cap)
{
	struct digest value;
	bool any = false;

	if (pcr_reset_value(bank, pcr, &value) != ASSAY_OK)
		return false;
	for (unsigned i = 0; i < p->count; i++) {
		const struct digest *d = in_bank(&p->event[i], bank);

		if (p->event[i].pcr != pcr)
			continue;
		if (!d || digest_extend(&value, digest_span(d)) != ASSAY_OK)
			return false;
		any = true;
	}
	return any && hex_encode(digest_span(&value), ret, cap) == ASSAY_OK;
}

static json_t *
event_json(const struct predict_event *ev)
{
	json_t *digests = json_object();
	char hex[2 * DIGEST_MAX + 1];

	for (unsigned i = 0; i < PREDICT_BANKS; i++)
		if (hex_encode(digest_span(&ev->digest[i]), hex, sizeof hex) == ASSAY_OK)
			json_object_set_new(digests, digest_name(ev->digest[i].alg),
					    json_string(hex));
	return json_pack("{s:I, s:s, s:s, s:o}", "pcr", (json_int_t)ev->pcr, "kind",
			 predict_kind_word(ev->kind), "text", ev->text, "digests", digests);
}

static json_t *
pcrs_json(const struct predict *p)
{
	json_t *banks = json_object();

	for (unsigned b = 0; b < PREDICT_BANKS; b++) {
		json_t *values = json_object();

		for (uint32_t pcr = 11; pcr <= 12; pcr++) {
			char hex[2 * DIGEST_MAX + 1];

			if (pcr_value_of(p, pcr, predict_banks[b], hex, sizeof hex))
				json_object_set_new(values, pcr == 11 ? "11" : "12",
						    json_string(hex));
		}
		json_object_set_new(banks, digest_name(predict_banks[b]), values);
	}
	return banks;
}

static int
print_json(const struct predict *p)
{
	json_t *events = json_array(), *doc;
	bool ok;

	for (unsigned i = 0; i < p->count; i++)
		json_array_append_new(events, event_json(&p->event[i]));
	doc = json_pack("{s:o, s:o}", "events", events, "pcrs", pcrs_json(p));
	ok = doc && json_dumpf(doc, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF &&
	     fflush(stdout) == 0;
	json_decref(doc);
	return ok ? CLI_YES : cli_fail(CLI_FAULT, "the result could not be written");
}

static int
print_people(const struct options *o, const struct predict *p)
{
	char hex[2 * DIGEST_MAX + 1];

	for (unsigned i = 0; i < p->count; i++) {
		const struct predict_event *ev = &p->event[i];
		const struct digest *d = in_bank(ev, o->bank);

		if (!d || hex_encode(digest_span(d), hex, sizeof hex) != ASSAY_OK)
			return cli_fail(CLI_FAULT, "a digest could not be written");
		printf("PCR %-2u %s  %s%s%s: %s\n", ev->pcr, hex, cli_dim(),
		       predict_kind_word(ev->kind), cli_plain(), ev->text);
	}
	for (uint32_t pcr = 11; pcr <= 12; pcr++)
		if (pcr_value_of(p, pcr, o->bank, hex, sizeof hex))
			printf("PCR %-2u %s  %safter these%s\n", pcr, hex, cli_bold(), cli_plain());
	return CLI_YES;
}

static int
run(int argc, char **argv)
{
	struct predict *p = calloc(1, sizeof *p);
	struct options o = {0};
	int status = p ? parse_options(argc, argv, &o) : cli_fail(CLI_FAULT, "memory is exhausted");

	if (status == CLI_YES)
		status = predict(&o, p);
	if (status == CLI_YES)
		status = o.json ? print_json(p) : print_people(&o, p);
	release(&o);
	free(p);
	return status;
}

const struct cli_command cmd_reference_predict = {
	.group = "reference",
	.name = "predict",
	.usage = "--uki FILE | --image FILE | --kernel FILE | --boot-entry FILE | --grub FILE\n"
		 "       [--cmdline TEXT] [--initrd FILE] [--root DIR] [--config-path PATH]\n"
		 "       [--entry TITLE] [--bank ALG] [--json]",
	.summary = "what a boot will measure that has not happened yet",
	.help = "Digests of PCR 4, 8, 9, 11 and 12 from the files that the boot will use; nothing\n"
		"is asked of a verifier. What cannot be foretold is refused.\n"
		"\n"
		"  --uki FILE         a unified kernel image with systemd's stub (252 and later)\n"
		"  --image FILE       an image that the firmware starts: shim, GRUB, systemd-boot\n"
		"  --kernel FILE      a kernel that its own EFI stub starts; --cmdline and\n"
		"                     --initrd as it gets them (an initrd= of the command line is "
		"not\n"
		"                     measured by kernels up to 6.1)\n"
		"  --boot-entry FILE  an entry of systemd-boot (linux, initrd, options)\n"
		"  --grub FILE        a GRUB configuration of plain commands and menu entries\n"
		"  --root DIR         the files that an entry or configuration names are here\n"
		"  --config-path P    GRUB's name of its configuration, e.g. (hd0,gpt1)/grub.cfg:\n"
		"                     its being read is told too\n"
		"  --entry TITLE      which menu entry; default: `set default=', else the first\n"
		"  --bank ALG         sha1, sha256 (default), sha384, sha512; --json has them all\n"
		"\n"
		"Exit status: 0 foretold, 1 it cannot be, 2 a file is malformed, 3 not readable.\n"
		"\n"
		"  assay reference predict --uki linux-6.1.efi\n"
		"  assay reference predict --grub grub.cfg --root /boot --entry 'Gateway 7'\n",
	.run = run,
};
