/* policy_compile.c: whom a policy judges and what it asks for; see policy_compile.h. */
#include "policy_compile.h"

#include "policy_source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PCR 16 (debug) and 23 (application) can be reset by any software. */
#define PCR_RESETTABLE (1u << 16 | 1u << 23)
#define DURATION_MAX (10u * 365 * 86400) /* seconds */

const struct yaml_node *
source_at(const struct compile *c, const char *section, const char *key)
{
	const struct yaml_node *n = &c->doc->nodes[0], *child;

	if (section && (child = yaml_find(c->doc, n, section)) != NULL)
		n = child;
	if (key && (child = yaml_find(c->doc, n, key)) != NULL)
		n = child;
	return n;
}

void
source_error(struct compile *c, const struct yaml_node *at, const char *fmt, ...)
{
	char text[YAML_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	yaml_error(c->errs, at->line, at->column, "%s", text);
}

uint8_t
source_outcome(enum source_outcome o, enum outcome unsaid)
{
	switch (o) {
	case SRC_QUARANTINE:
		return OUTCOME_QUARANTINE;
	case SRC_RESTRICT:
		return OUTCOME_RESTRICT;
	case SRC_REPORT:
		return OUTCOME_ADMIT;
	default:
		return (uint8_t)unsaid;
	}
}

/* A plain decimal number below limit; s moves behind it. */
static bool
take_number(const char **s, unsigned limit, unsigned *ret)
{
	unsigned v = 0;
	size_t n = strspn(*s, "0123456789");

	if (n == 0 || n > 6)
		return false;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)((*s)[i] - '0');
	*s += n;
	*ret = v;
	return v < limit;
}

/* "4" or "0-7" */
static bool
parse_pcr_range(const char *s, uint32_t *ret)
{
	unsigned first, last;

	if (!take_number(&s, PCR_COUNT, &first))
		return false;
	last = first;
	if (*s == '-') {
		s++;
		if (!take_number(&s, PCR_COUNT, &last))
			return false;
	}
	if (*s != '\0' || last < first)
		return false;
	for (unsigned i = first; i <= last; i++)
		*ret |= 1u << i;
	return true;
}

uint32_t
source_pcrs(struct compile *c, const struct yaml_node *list, char **items, unsigned n)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct yaml_node *at = yaml_item(c->doc, list, i);
		uint32_t range = 0;

		if (!parse_pcr_range(items[i], &range))
			source_error(c, at, "\"%s\" is no PCR; write 7 or 0-7, up to 23", items[i]);
		else if (range & PCR_RESETTABLE)
			source_error(c, at,
				     "PCR 16 and 23 can be reset by software and prove nothing");
		else if (mask & range)
			source_error(c, at, "a PCR in \"%s\" is in the list already", items[i]);
		mask |= range & ~PCR_RESETTABLE;
	}
	return mask;
}

static bool
compares_software(const struct policy_source *s)
{
	for (unsigned i = 0; i < s->software.items_count; i++)
		if (!s->software.items[i].unchecked &&
		    s->software.items[i].on_fail != SRC_REPORT)
			return true;
	return false;
}

/* Rules that a device without TPM can be judged by: policy_eval.c counts those that hold. */
static bool
judges_keys(const struct policy_source *s)
{
	for (unsigned i = 0; i < s->rules_count; i++)
		if (strncmp(s->rules[i].fact, "software.", 9) == 0 ||
		    strncmp(s->rules[i].fact, "dice.", 5) == 0)
			return true;
	return false;
}

static void
compile_selection(struct compile *c)
{
	const struct policy_source *s = c->src;
	const struct yaml_node *list = source_at(c, "ask", "banks");
	struct pcr_selection *ask = &c->policy.info.ask;
	bool strong = false;

	c->asked = source_pcrs(c, source_at(c, "ask", "pcrs"), s->ask.pcrs, s->ask.pcrs_count);
	if ((s->ask.pcrs_count == 0) != (s->ask.banks_count == 0))
		source_error(c, source_at(c, "ask", NULL),
			     "banks and pcrs stand together; leave both out for devices "
			     "without TPM");
	else if ((s->ask.pcrs_count == 0) != (s->references.pcrs_count == 0))
		source_error(c, s->ask.pcrs_count ? source_at(c, "ask", "pcrs")
						  : source_at(c, "references", "pcrs"),
			     s->ask.pcrs_count ? "what is asked for must be compared: say which "
						 "PCRs under references"
					       : "references compare PCRs, but ask has none");
	else if (s->ask.pcrs_count == 0 && !compares_software(s) && !judges_keys(s))
		source_error(c, source_at(c, "ask", NULL),
			     "nothing is compared with reference values: ask for PCRs, or say "
			     "what software must be");
	for (unsigned i = 0; i < s->ask.banks_count; i++) {
		const struct yaml_node *at = yaml_item(c->doc, list, i);
		uint16_t alg = digest_by_name(s->ask.banks[i]);
		enum assay_err e = ASSAY_OK;

		if (alg == ALG_NONE || !digest_computable(alg)) {
			source_error(c, at,
				     "\"%s\" is no bank that can be replayed; "
				     "use sha256, sha384, sha512 or sha1",
				     s->ask.banks[i]);
			continue;
		}
		strong |= alg != ALG_SHA1;
		if (c->asked != 0)
			e = pcr_selection_add(ask, alg, c->asked);
		if (e != ASSAY_OK)
			source_error(c, at, "bank \"%s\" stands twice", s->ask.banks[i]);
	}
	if (!strong && ask->count != 0 && !s->allow.sha1_only)
		source_error(c, list,
			     "only SHA-1 is asked for: add a stronger bank, "
			     "or \"sha1_only: true\" under allow");
}

/* Where a time stands. */
struct place {
	const char *section, *key;
};

static uint32_t
compile_duration(struct compile *c, struct place where, const char *text)
{
	static const struct {
		const char *unit;
		unsigned seconds;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	const struct yaml_node *at = source_at(c, where.section, where.key);
	const char *s = text;
	unsigned n = 0;

	if (take_number(&s, 1000000, &n))
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
			if (strcmp(s, units[i].unit) == 0 && n != 0 &&
			    n <= DURATION_MAX / units[i].seconds)
				return n * units[i].seconds;
	source_error(c, at, "%s needs a time such as 30s, 5m or 1h, not \"%s\"", where.key, text);
	return 0;
}

static void
compile_times(struct compile *c)
{
	struct policy_info *i = &c->policy.info;
	const struct policy_source *s = c->src;

	i->patience = s->ask.patience;
	i->interval_s = compile_duration(c, (struct place){"ask", "interval"}, s->ask.interval);
	if (i->interval_s > POLICY_INTERVAL_MAX)
		source_error(c, source_at(c, "ask", "interval"), "interval is longer than a day");
	if (i->patience == 0 || i->patience > POLICY_PATIENCE_MAX)
		source_error(c, source_at(c, "ask", "patience"), "patience needs 1 to %u rounds",
			     POLICY_PATIENCE_MAX);
	if (i->interval_s > POLICY_INTERVAL_MAX || i->patience > POLICY_PATIENCE_MAX)
		return;
	i->max_age_s = i->interval_s * i->patience;
	if (!s->ask.max_age)
		return;
	i->max_age_s = compile_duration(c, (struct place){"ask", "max_age"}, s->ask.max_age);
	if (i->max_age_s > i->interval_s * i->patience)
		source_error(c, source_at(c, "ask", "max_age"),
			     "max_age is longer than interval times patience (%us)",
			     i->interval_s * i->patience);
}

static void
compile_offline(struct compile *c)
{
	const char *max_age = c->src->offline.max_age;
	uint32_t *ret = &c->policy.info.offline_max_age_s;

	if (!max_age)
		return;
	*ret = compile_duration(c, (struct place){"offline", "max_age"}, max_age);
	if (*ret > POLICY_OFFLINE_MAX)
		source_error(c, source_at(c, "offline", "max_age"),
			     "max_age of offline evidence is longer than %ud",
			     POLICY_OFFLINE_MAX / 86400u);
}

static bool
word_sound(const char *s, const char *more)
{
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr(more, *s)))
			return false;
	return true;
}

static void
compile_labels(struct compile *c)
{
	const struct yaml_node *list = source_at(c, "applies_to", "labels");
	char *out = c->policy.info.labels;
	size_t used = 0;

	for (unsigned i = 0; i < c->src->applies_to.labels_count; i++) {
		const char *l = c->src->applies_to.labels[i];
		const struct yaml_node *at = yaml_item(c->doc, list, i);
		size_t n = strlen(l);

		if (!word_sound(l, "-_.=") || !strchr(l, '=')) {
			source_error(c, at, "a label looks like ring=canary, not \"%s\"", l);
			continue;
		}
		if (used + n + 1 > DEVICE_LABELS_MAX) {
			source_error(c, at, "labels are longer than %u characters together",
				     DEVICE_LABELS_MAX);
			return;
		}
		if (used != 0)
			out[used++] = ' ';
		memcpy(out + used, l, n + 1);
		used += n;
	}
}

static void
compile_head(struct compile *c)
{
	const struct policy_source *s = c->src;
	struct policy_info *i = &c->policy.info;

	if (!word_sound(s->policy, "-_."))
		source_error(c, source_at(c, NULL, "policy"),
			     "a policy's name has letters, digits, \"-\", \"_\" and \".\" only");
	if (strcmp(s->applies_to.class_name, "*") != 0 &&
	    !word_sound(s->applies_to.class_name, "-_."))
		source_error(
			c, source_at(c, "applies_to", "class"),
			"a class has letters, digits, \"-\", \"_\" and \".\" only, or is \"*\"");
	if (s->version == 0)
		source_error(c, source_at(c, NULL, "version"), "version starts at 1");
	memcpy(i->name, s->policy, strlen(s->policy) + 1);
	memcpy(i->class_name, s->applies_to.class_name, strlen(s->applies_to.class_name) + 1);
	i->version = s->version;
	i->monitor = s->monitor;
	compile_labels(c);
}

static void
compile_references(struct compile *c)
{
	const struct policy_source *s = c->src;
	const struct yaml_node *pcrs = source_at(c, "references", "pcrs");
	const struct yaml_node *unlogged = source_at(c, "references", "unlogged");
	struct policy *p = &c->policy;

	p->compare = source_pcrs(c, pcrs, s->references.pcrs, s->references.pcrs_count);
	p->unlogged = source_pcrs(c, unlogged, s->references.unlogged,
				  s->references.unlogged_count);
	if (p->compare & ~c->asked)
		source_error(c, pcrs, "a PCR in references is not in ask");
	if (p->unlogged & ~c->asked)
		source_error(c, unlogged, "a PCR in unlogged is not in ask");
	p->events = !s->references.ignore_events;
	p->differs = source_outcome(s->references.on_fail, OUTCOME_QUARANTINE);
	p->baseline = source_outcome(s->references.baseline, OUTCOME_RESTRICT);
	p->last_boot = source_outcome(s->references.last_boot, OUTCOME_ADMIT);
	p->dbx_back = source_outcome(s->references.dbx_back, OUTCOME_RESTRICT);
	p->learned = source_outcome(s->references.learned, OUTCOME_RESTRICT);
	p->allow_ek_expired = s->allow.ek_expired;
	p->allow_virtual_tpm = s->allow.virtual_tpm;
	p->allow_sha1_only = s->allow.sha1_only;
	p->lowest_tier = (uint8_t)s->allow.lowest_tier;
	p->nrules = (uint16_t)s->rules_count;
	policy_compile_workarounds(c);
	policy_compile_software(c);
}

static enum assay_err
load(struct span yaml, struct policy_source **ret)
{
	static const cyaml_config_t config = {
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_mem,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	cyaml_data_t *data = NULL;

	if (cyaml_load_data(yaml.p, yaml.n, &config, &policy_schema, &data, NULL) != CYAML_OK)
		return ASSAY_MALFORMED;
	*ret = data;
	return ASSAY_OK;
}

static void
unload(struct policy_source *s)
{
	static const cyaml_config_t config = {.mem_fn = cyaml_mem};

	if (s)
		(void)cyaml_free(&config, &policy_schema, s, 0);
}

static enum assay_err
compile(struct compile *c, struct writer *out)
{
	size_t n;

	compile_head(c);
	compile_selection(c);
	compile_times(c);
	compile_offline(c);
	compile_references(c);
	policy_compile_ima(c);
	policy_write_head(out, &c->policy);
	policy_compile_rules(c, out);
	if (c->errs->count != 0)
		return ASSAY_MALFORMED;
	return wr_finish(out, &n);
}

enum assay_err
policy_compile(struct span yaml, const char *file, struct writer *out, struct yaml_errors *errs)
{
	struct compile c = {.errs = errs};
	struct yaml_doc *doc = malloc(sizeof *doc);
	struct policy_source *src = NULL;
	struct policy_info info;
	enum assay_err e = ASSAY_MALFORMED;

	yaml_errors_init(errs, file);
	if (!doc)
		return ASSAY_NO_MEMORY;
	if (!yaml_locate(yaml, doc, errs) || !yaml_check(doc, &policy_schema, errs))
		goto out;
	if (load(yaml, &src) != ASSAY_OK) {
		yaml_error(errs, 1, 1, "the file cannot be loaded");
		goto out;
	}
	c.doc = doc;
	c.src = src;
	e = compile(&c, out);
	/* What the appraiser would refuse must not leave here as compiled. */
	if (e == ASSAY_OK && policy_info(wr_span(out), &info) != ASSAY_OK)
		e = ASSAY_INTERNAL;
out:
	yaml_errors_sort(errs);
	free(c.ima);
	unload(src);
	free(doc);
	return e;
}
