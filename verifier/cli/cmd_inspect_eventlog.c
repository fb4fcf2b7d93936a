/*
 * cmd_inspect_eventlog.c: `assay inspect eventlog`: what a measured-boot event log
 * says, what of it is proved, whether it leads to given PCR values, and how it
 * differs from another.
 */
#include "cli.h"
#include "eventlog_view.h"
#include "pcrlist.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_inspect_eventlog;

struct options {
	const char *file, *pcrs, *diff;
	bool json, by_pcr, cc;
	uint32_t pcr;
};

static bool
parse_pcr(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || v >= PCR_COUNT)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* An option with a value: takes it and steps on; false if there is none. */
static bool
take_value(int argc, char **argv, int *i, const char **ret)
{
	if (*i + 1 >= argc)
		return false;
	*ret = argv[++*i];
	return true;
}

static int
parse_option(int argc, char **argv, int *i, struct options *o)
{
	const char *arg = argv[*i], *value = NULL;

	if (strcmp(arg, "--json") == 0) {
		o->json = true;
	} else if (strcmp(arg, "--by-pcr") == 0) {
		o->by_pcr = true;
	} else if (strcmp(arg, "--cc") == 0) {
		o->cc = true;
	} else if (strcmp(arg, "--pcrs") == 0) {
		if (!take_value(argc, argv, i, &o->pcrs))
			return cli_usage(&cmd_inspect_eventlog, "--pcrs needs a file");
	} else if (strcmp(arg, "--diff") == 0) {
		if (!take_value(argc, argv, i, &o->diff))
			return cli_usage(&cmd_inspect_eventlog, "--diff needs another log");
	} else if (strcmp(arg, "--pcr") == 0) {
		if (!take_value(argc, argv, i, &value) || !parse_pcr(value, &o->pcr))
			return cli_usage(&cmd_inspect_eventlog, "--pcr needs a number, 0 to 23");
	} else if (arg[0] == '-' && arg[1] != '\0') {
		return cli_usage(&cmd_inspect_eventlog, "unknown option %s", arg);
	} else if (o->file) {
		return cli_usage(&cmd_inspect_eventlog, "one log at a time: %s", arg);
	} else {
		o->file = arg;
	}
	return CLI_YES;
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		int status = parse_option(argc, argv, &i, o);

		if (status != CLI_YES)
			return status;
	}
	if (!o->file)
		return cli_usage(&cmd_inspect_eventlog, "which log?");
	return CLI_YES;
}

static bool
read_view(const char *path, bool cc, struct eventlog_view *v, int *ret_status)
{
	v->path = path;
	v->cc = cc;
	if (!cli_read_file(path, EVENTLOG_MAX, &v->log, ret_status))
		return false;
	eventlog_view_read(v);
	return true;
}

/* ---- --pcrs -------------------------------------------------------------- */

static int
check_pcrs(const struct options *o, const struct eventlog_view *v,
	   struct eventlog_pcr_check *ret)
{
	char what[PCRLIST_WHAT_MAX];
	struct pcr_values pcrs;
	struct span file;
	enum assay_err e;
	int status;

	if (!cli_read_file(o->pcrs, PCRLIST_MAX, &file, &status))
		return status;
	e = pcrlist_parse(file, &pcrs, what);
	cli_free(file);
	if (e != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "%s: %s: %s", o->pcrs, what, assay_err_text(e));
	eventlog_check_pcrs(v, &pcrs, ret);
	return ret->differ == 0 && !ret->refused ? CLI_YES : CLI_NEGATIVE;
}

/* ---- --diff -------------------------------------------------------------- */

struct captured {
	struct boot_ref_event events[BOOTDIFF_EVENTS_MAX];
	size_t n;
	bool failed;
};

static void
keep_event(const struct boot_ref_event *ev, void *arg)
{
	struct captured *c = arg;
	uint8_t *text = malloc(ev->description.n + 1);

	if (!text || c->n == BOOTDIFF_EVENTS_MAX) {
		free(text);
		c->failed = true;
		return;
	}
	memcpy(text, ev->description.p, ev->description.n);
	c->events[c->n] = *ev;
	c->events[c->n++].description = SPAN(text, ev->description.n);
}

static void
release(struct captured *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		cli_free(c->events[i].description);
	free(c);
}

/* The banks that both logs have, the strongest first; how many. */
static size_t
common_banks(const struct eventlog_view *a, const struct eventlog_view *b,
	     uint16_t ret[PCR_BANKS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < a->run.pcrs.count; i++) {
		uint16_t alg = a->run.pcrs.bank[i].alg;
		size_t k = n;

		if (!pcr_bank_of(&b->run.pcrs, alg))
			continue;
		for (; k > 0 && digest_size(ret[k - 1]) < digest_size(alg); k--)
			ret[k] = ret[k - 1];
		ret[k] = alg;
		n++;
	}
	return n;
}

static enum assay_err
compare_bank(const struct options *o, const struct eventlog_view *v,
	     const struct eventlog_view *other, struct bootdiff *ret)
{
	uint32_t mask = o->pcr == EVENTLOG_VIEW_ALL ? (1u << PCR_COUNT) - 1 : 1u << o->pcr;
	struct bootdiff_input in = {.log = other->log, .cc = other->cc, .pcr_mask = mask,
				    .bank = ret->bank};
	struct captured *c = calloc(1, sizeof *c);
	struct bootdiff_work *work = malloc(sizeof *work);
	enum assay_err e = ASSAY_NO_MEMORY;

	if (c && work)
		e = bootdiff_capture(&in, keep_event, c);
	if (e == ASSAY_OK && c->failed)
		e = ASSAY_NO_MEMORY;
	if (e == ASSAY_OK) {
		in.log = v->log;
		in.cc = v->cc;
		in.nreference = c->n;
		in.reference = c->events;
		e = bootdiff_compare(&in, work, ret);
	}
	release(c);
	free(work);
	return e;
}

/* By the strongest bank; one that is equal in it may be another in a weaker one. */
static enum assay_err
compare(const struct options *o, const struct eventlog_view *v,
	const struct eventlog_view *other, struct bootdiff *ret)
{
	uint16_t banks[PCR_BANKS_MAX];
	size_t n = common_banks(v, other, banks);
	enum assay_err e = ASSAY_MISSING;

	for (size_t i = 0; i < n; i++) {
		ret->bank = banks[i];
		if ((e = compare_bank(o, v, other, ret)) != ASSAY_OK || !ret->equal)
			return e;
	}
	return e;
}

static int
diff(const struct options *o, const struct eventlog_view *v, struct eventlog_view *other,
     struct bootdiff *ret)
{
	enum assay_err e;
	int status;

	if (!read_view(o->diff, o->cc, other, &status))
		return status;
	if (other->err != ASSAY_OK) {
		eventlog_view_complain(other);
		return CLI_BAD_INPUT;
	}
	e = compare(o, v, other, ret);
	if (e == ASSAY_MISSING)
		return cli_fail(CLI_BAD_INPUT, "%s and %s have no bank in common that can be "
				"computed", o->file, o->diff);
	if (e != ASSAY_OK)
		return cli_fail(e == ASSAY_NO_MEMORY ? CLI_FAULT : CLI_BAD_INPUT, "%s: %s",
				o->file, assay_err_text(e));
	return ret->equal ? CLI_YES : CLI_NEGATIVE;
}

/* ---- output -------------------------------------------------------------- */

struct results {
	struct eventlog_view view, other;
	struct eventlog_pcr_check check;
	struct bootdiff diff;
};

static int
print_json(const struct options *o, const struct results *r)
{
	json_t *doc = eventlog_json(&r->view, o->pcr, o->pcrs ? &r->check : NULL,
				    o->diff ? &r->diff : NULL);
	int status = doc && json_dumpf(doc, stdout, JSON_INDENT(1)) == 0 ? CLI_YES : CLI_FAULT;

	putchar('\n');
	json_decref(doc);
	return status;
}

static void
print_text(const struct options *o, const struct results *r)
{
	if (o->diff)
		eventlog_show_diff(&r->diff, &r->view, &r->other);
	else if (r->view.run.events > 0)
		eventlog_show(&r->view, o->pcr, o->by_pcr);
	if (o->pcrs)
		eventlog_show_pcr_check(&r->check);
}

static int
inspect(struct options *o, struct results *r)
{
	int status = CLI_YES, second = CLI_YES;

	if (!read_view(o->file, o->cc, &r->view, &status))
		return status;
	if (r->view.err != ASSAY_OK) {
		eventlog_view_complain(&r->view);
		o->pcrs = o->diff = NULL; /* a malformed log leads nowhere */
		status = CLI_BAD_INPUT;
	}
	if (o->pcrs && (status = check_pcrs(o, &r->view, &r->check)) > CLI_NEGATIVE)
		return status;
	if (o->diff && (second = diff(o, &r->view, &r->other, &r->diff)) > CLI_NEGATIVE)
		return second;
	if (o->json && print_json(o, r) != CLI_YES)
		return CLI_FAULT;
	if (!o->json)
		print_text(o, r);
	return status > second ? status : second;
}

static int
run(int argc, char **argv)
{
	struct options o = {.pcr = EVENTLOG_VIEW_ALL};
	struct results *r;
	int status = parse_options(argc, argv, &o);

	if (status != CLI_YES)
		return status;
	r = calloc(1, sizeof *r);
	if (!r)
		return cli_fail(CLI_FAULT, "memory is exhausted");
	status = inspect(&o, r);
	cli_free(r->view.log);
	cli_free(r->other.log);
	free(r);
	return status;
}

const struct cli_command cmd_inspect_eventlog = {
	.group = "inspect",
	.name = "eventlog",
	.usage = "FILE [--json] [--pcrs FILE] [--diff OTHER] [--pcr N] [--by-pcr] [--cc]",
	.summary = "what a measured-boot log says, and what of it is proved",
	.help = "Reads TCG 1.2, crypto-agile and confidential-computing logs.\n"
		"\n"
		"  --pcrs FILE   compare with PCR values: what tpm2_pcrread prints, or JSON\n"
		"  --diff OTHER  explain what differs from the boot that OTHER logged\n"
		"  --pcr N       only this PCR\n"
		"  --by-pcr      grouped by PCR instead of in order\n"
		"  --cc          the registers are measurement registers (CCEL)\n"
		"  --json        one JSON document\n"
		"\n"
		"Exit status: 0 read (and equal), 1 not equal, 2 malformed.\n"
		"\n"
		"  assay inspect eventlog /sys/kernel/security/tpm0/binary_bios_measurements\n"
		"  assay inspect eventlog now.bin --diff last-good.bin\n",
	.run = run,
};
