/* policy_compile_rule.c: the rules of a policy file; see policy_compile.h. */
#include "policy_source.h"

#include "evidence/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct yaml_node *
rule_at(const struct compile *c, const struct rule_job *j, const char *key)
{
	const struct yaml_node *n = yaml_find(c->doc, j->at, key);

	return n ? n : j->at;
}

static const char *
fact_name(unsigned i, const void *arg)
{
	const struct fact_info *f = fact_info((enum fact_id)(i + 1));

	(void)arg;
	if ((unsigned)i + 1 >= FACT_COUNT)
		return NULL;
	return f ? f->name : ""; /* a health claim without instances */
}

/* "pcr[7]": the length of the name, and the index or -1; false if malformed. The name
 * of a fact with instances has no index: a bracket is part of it. */
static bool
split_fact(const char *text, size_t *ret_len, int32_t *ret_index)
{
	size_t n = strlen(text);
	struct span instance;
	char *end;
	long v;

	*ret_len = n;
	*ret_index = -1;
	if (fact_by_instance(SPAN(text, n), &instance) != FACT_NONE && instance.n != 0)
		return true;
	n = *ret_len = strcspn(text, "[");
	if (text[n] == '\0')
		return true;
	if (text[n + 1] < '0' || text[n + 1] > '9')
		return false;
	v = strtol(text + n + 1, &end, 10);
	*ret_index = v > FACT_INDEX_MAX ? FACT_INDEX_MAX : (int32_t)v;
	return end[0] == ']' && end[1] == '\0';
}

static void
compile_fact(struct compile *c, struct rule_job *j)
{
	const struct yaml_node *at = rule_at(c, j, "fact");
	const char *text = j->src->fact, *near;
	struct policy_rule *r = &j->rule;
	size_t n;

	if (!split_fact(text, &n, &r->index)) {
		source_error(c, at, "\"%s\": an index looks like pcr[7]", text);
		return;
	}
	r->fact_name = SPAN(text, n);
	r->fact = fact_by_instance(r->fact_name, &r->instance);
	j->fact = fact_info(r->fact);
	if (!j->fact) {
		near = yaml_nearest(text, fact_name, NULL);
		source_error(c, at, "unknown fact \"%s\"%s%s%s", text,
			     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	} else if (j->fact->indexed == 0 && r->index >= 0) {
		source_error(c, at, "fact \"%s\" has no index", j->fact->name);
	} else if (j->fact->indexed != 0 && r->index < 0) {
		source_error(c, at, "fact \"%s\" needs an index: %s[0] to %s[%u]", j->fact->name,
			     j->fact->name, j->fact->name, j->fact->indexed - 1u);
	} else if (r->index >= (int32_t)j->fact->indexed && r->index >= 0) {
		source_error(c, at, "fact \"%s\" goes up to %s[%u]", j->fact->name, j->fact->name,
			     j->fact->indexed - 1u);
	} else if (r->fact == FACT_PCR && (r->index == 16 || r->index == 23)) {
		source_error(c, at, "PCR 16 and 23 can be reset by software and prove nothing");
	} else if (r->fact == FACT_PCR && (c->asked >> r->index & 1) == 0) {
		source_error(c, at, "PCR %d is not in ask", r->index);
	}
}

static const struct unit {
	enum fact_unit of;
	const char *word;
	uint64_t factor;
} units[] = {
	{UNIT_BYTES, "B", 1},
	{UNIT_BYTES, "kB", 1000},
	{UNIT_BYTES, "MB", 1000000},
	{UNIT_BYTES, "GB", 1000000000},
	{UNIT_BYTES, "TB", 1000000000000},
	{UNIT_BYTES, "KiB", 1u << 10},
	{UNIT_BYTES, "MiB", 1u << 20},
	{UNIT_BYTES, "GiB", 1u << 30},
	{UNIT_BYTES, "TiB", (uint64_t)1 << 40},
	{UNIT_PERCENT, "%", 1},
	{UNIT_CELSIUS, "C", 1},
	{UNIT_SECONDS, "s", 1},
	{UNIT_SECONDS, "m", 60},
	{UNIT_SECONDS, "h", 3600},
	{UNIT_SECONDS, "d", 86400},
	{UNIT_MILLISECONDS, "ms", 1},
	{UNIT_MILLISECONDS, "s", 1000},
	{UNIT_MILLISECONDS, "m", 60000},
	{UNIT_MILLISECONDS, "h", 3600000},
	{UNIT_MILLISECONDS, "d", 86400000},
};

/* Behind the digits and at most one blank; nothing: the fact's own unit. */
static bool
parse_unit(const char *word, enum fact_unit of, uint64_t *ret_factor)
{
	*ret_factor = 1;
	if (word[0] == '\0')
		return true;
	if (word[0] == ' ')
		word++;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (units[i].of == of && strcmp(units[i].word, word) == 0) {
			*ret_factor = units[i].factor;
			return true;
		}
	return false;
}

/* "12", "0x0c"; with the fact's unit "10 GiB", "5%", "80 C", "2h". */
static bool
parse_number(const char *text, enum fact_unit of, uint64_t *ret)
{
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	uint64_t factor, v;

	if (n == 0 || n > (hex ? 16 : 19) || (hex && digits[n] != '\0') ||
	    !parse_unit(digits + n, of, &factor))
		return false;
	v = strtoull(digits, NULL, hex ? 16 : 10);
	*ret = v * factor;
	return v <= UINT64_MAX / factor;
}

/* The same, maybe below zero. */
static bool
parse_integer(const char *text, enum fact_unit of, uint64_t *ret)
{
	uint64_t v;

	if (!parse_number(text[0] == '-' ? text + 1 : text, of, &v) || v > INT64_MAX)
		return false;
	*ret = text[0] == '-' ? (uint64_t)-(int64_t)v : v;
	return true;
}

/* "2026-01-31T12:00:00Z" */
static bool
parse_time(const char *text, uint64_t *ret)
{
	struct tm tm = {0};
	int n = 0;
	time_t t;

	if (strlen(text) != 20 ||
	    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6 ||
	    n != 20)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	t = timegm(&tm);
	*ret = (uint64_t)t;
	return t >= 0;
}

/* "sha256:HEX" */
static bool
parse_digest(const char *text, struct digest *ret)
{
	char name[16];
	uint8_t b[DIGEST_MAX];
	size_t n = strcspn(text, ":"), len;

	if (text[n] != ':' || n >= sizeof name)
		return false;
	memcpy(name, text, n);
	name[n] = '\0';
	return hex_decode(text + n + 1, b, sizeof b, &len) == ASSAY_OK &&
	       digest_from(digest_by_name(name), SPAN(b, len), ret) == ASSAY_OK;
}

bool
source_printable(const char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7E)
			return false;
	return true;
}

bool
source_value(enum fact_id id, const char *text, struct policy_value *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->type = fact_info(id)->type;
	switch (ret->type) {
	case FACT_BOOL:
		ret->number = strcmp(text, "true") == 0;
		return ret->number == 1 || strcmp(text, "false") == 0;
	case FACT_NUMBER:
		return parse_number(text, fact_unit(id), &ret->number);
	case FACT_INTEGER:
		return parse_integer(text, fact_unit(id), &ret->number);
	case FACT_TIME:
		return parse_time(text, &ret->number);
	case FACT_DIGEST:
		return parse_digest(text, &ret->digest);
	default:
		ret->text = SPAN(text, strlen(text));
		return source_printable(text);
	}
}

static void
compile_value(struct compile *c, struct rule_job *j, const struct yaml_node *at, const char *text)
{
	static const char *const examples[FACT_TYPE_COUNT] = {
		"true or false", "a number such as 12 or 0x0c", "printable ASCII",
		"sha256: and 64 hex digits", "a time such as 2026-01-31T12:00:00Z",
		"printable ASCII", "a number such as 12 or -12"};
	static const char *const numbers[UNIT_COUNT] = {
		[UNIT_BYTES] = "a number with a unit such as 10 GiB",
		[UNIT_PERCENT] = "a number such as 5%",
		[UNIT_CELSIUS] = "a number such as 80 C",
		[UNIT_SECONDS] = "a time such as 90s, 5m, 2h or 7d",
		[UNIT_MILLISECONDS] = "a time such as 500 ms, 30s or 5m"};
	struct policy_value *v = &j->values[j->rule.nvalues++];
	enum fact_unit unit = fact_unit(j->rule.fact);

	if (!j->fact)
		return;
	if (!source_value(j->rule.fact, text, v)) {
		source_error(c, at, "\"%s\" is a %s fact: needs %s, not \"%.60s\"", j->fact->name,
			     fact_type_name(j->fact->type),
			     unit && numbers[unit] ? numbers[unit] : examples[j->fact->type], text);
		return;
	}
	if (j->rule.order && !version_valid(j->rule.order, v->text))
		source_error(c, at, "\"%.60s\" is no %s version", text,
			     version_order_name(j->rule.order));
	if (j->rule.fact == FACT_PCR && pcr_selected(&c->policy.info.ask, v->digest.alg) == 0)
		source_error(c, at, "bank %s is not in ask", digest_name(v->digest.alg));
}

/* Which operator is for which type of fact. */
static void
check_type(struct compile *c, const struct rule_job *j)
{
	const struct yaml_node *at = rule_at(c, j, "op");
	const char *name = policy_op_name(j->rule.op);
	bool ordered = j->rule.op == OP_AT_LEAST || j->rule.op == OP_AT_MOST;
	enum fact_type t = j->fact->type;

	if (j->rule.op == OP_MATCHES && t != FACT_TEXT)
		source_error(c, at, "\"matches\" is for text; \"%s\" is %s", j->fact->name,
			     fact_type_name(t));
	if (j->rule.op == OP_SUBSET_OF && t != FACT_LIST)
		source_error(c, at, "\"subset_of\" is for lists; \"%s\" is %s", j->fact->name,
			     fact_type_name(t));
	if (t == FACT_LIST && (j->rule.op == OP_IN || j->rule.op == OP_NOT_EQUALS || ordered))
		source_error(c, at, "\"%s\" is a list: use subset_of, not_in, equals or present",
			     j->fact->name);
	else if (ordered && t == FACT_TEXT && !j->rule.order)
		source_error(c, at, "\"%s\" of a text compares versions: add \"order: semver\" or "
			     "\"order: debian\"", name);
	else if (ordered && t != FACT_NUMBER && t != FACT_INTEGER && t != FACT_TIME &&
		 t != FACT_TEXT)
		source_error(c, at, "\"%s\" is for numbers and times; \"%s\" is %s", name,
			     j->fact->name, fact_type_name(t));
	if (j->rule.order && (!ordered || t != FACT_TEXT))
		source_error(c, rule_at(c, j, "order"),
			     "order is for at_least and at_most of a text");
}

static void
check_operator(struct compile *c, const struct rule_job *j)
{
	const struct yaml_node *at = rule_at(c, j, "op");
	const char *name = policy_op_name(j->rule.op), *value = j->src->value;
	bool values = yaml_find(c->doc, j->at, "values") != NULL;

	switch (j->rule.op) {
	case OP_PRESENT:
		if (value || values)
			source_error(c, at, "\"present\" takes no value");
		break;
	case OP_UNCHANGED_SINCE:
		if (values || !value || strcmp(value, "baseline") != 0)
			source_error(c, at, "\"unchanged_since\" needs \"value: baseline\"");
		break;
	case OP_SUBSET_OF:
		if (value ? values || strcmp(value, "reference") != 0 : !values)
			source_error(c, at, "\"subset_of\" needs \"values\", a list, or "
					    "\"value: reference\"");
		break;
	case OP_IN:
	case OP_NOT_IN:
		if (!values || value)
			source_error(c, at, "\"%s\" needs \"values\", a list", name);
		else if (j->src->values_count == 0)
			source_error(c, rule_at(c, j, "values"), "values is empty: the rule would "
				     "say nothing");
		break;
	default:
		if (!value || values)
			source_error(c, at, "\"%s\" needs \"value\"", name);
	}
	if (j->fact)
		check_type(c, j);
}

static void
compile_values(struct compile *c, struct rule_job *j)
{
	const struct yaml_node *list = rule_at(c, j, "values");
	const struct source_rule *s = j->src;

	j->rule.order = (enum version_order)s->order;
	check_operator(c, j);
	if (j->rule.op == OP_UNCHANGED_SINCE)
		j->rule.against = AGAINST_BASELINE;
	else if (j->rule.op == OP_SUBSET_OF && s->value)
		j->rule.against = AGAINST_REFERENCE;
	if (j->rule.op == OP_PRESENT || j->rule.against != AGAINST_VALUES)
		return;
	if (s->value)
		compile_value(c, j, rule_at(c, j, "value"), s->value);
	for (unsigned i = 0; i < s->values_count && !s->value; i++)
		compile_value(c, j, yaml_item(c->doc, list, i), s->values[i]);
}

static void
compile_outcomes(struct compile *c, struct rule_job *j)
{
	const struct source_rule *s = j->src;
	struct policy_rule *r = &j->rule;

	r->optional = s->optional;
	r->on_fail = source_outcome(s->on_fail, OUTCOME_QUARANTINE);
	r->on_missing = source_outcome(s->on_missing,
				       s->optional ? OUTCOME_ADMIT : OUTCOME_QUARANTINE);
	if (!s->optional && r->on_missing > r->on_fail)
		source_error(c, rule_at(c, j, "on_missing"),
			     "on_missing is milder than on_fail; if the fact may be missing, "
			     "say \"optional: true\"");
	r->severity = (uint8_t)(s->severity                        ? s->severity - 1
				: r->on_fail == OUTCOME_QUARANTINE ? SEV_HIGH
								   : SEV_MEDIUM);
}

static void
compile_claim(struct compile *c, struct rule_job *j)
{
	const struct source_rule *s = j->src;
	const struct yaml_node *at = rule_at(c, j, "claim");

	j->rule.claim = (int8_t)(s->claim - 1);
	if (s->claim == 0)
		return;
	if (s->optional)
		source_error(c, at, "an optional rule cannot support a claim");
	if (j->fact && j->fact->provenance <= PROV_CLAIMED &&
	    (s->claim == AR4SI_HARDWARE + 1 || s->claim == AR4SI_EXECUTABLES + 1))
		source_error(c, at, "\"%s\" is only claimed by software and cannot support \"%s\"",
			     j->fact->name, ar4si_name((enum ar4si_claim)j->rule.claim));
}

static const char *
placeholder(unsigned i, const void *arg)
{
	static const char *const words[] = {"device", "class", "fact", "seen", "expected", NULL};

	(void)arg;
	return words[i];
}

struct span
source_remediation(struct compile *c, const struct yaml_node *at, const char *text)
{
	const char *open, *w;
	char word[16];
	unsigned i;

	if (!text)
		return SPAN(NULL, 0);
	if (!source_printable(text))
		source_error(c, at, "remediation is one line of printable ASCII");
	for (open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
		size_t n = strcspn(open + 1, "}");

		snprintf(word, sizeof word, "%.*s", (int)(n > 15 ? 15 : n), open + 1);
		for (i = 0; (w = placeholder(i, NULL)) != NULL && strcmp(w, word) != 0;)
			i++;
		w = w ? w : yaml_nearest(word, placeholder, NULL);
		if (!open[1 + n] || !placeholder(i, NULL))
			source_error(c, at,
				     "\"{%s\" is no placeholder%s%s%s; there are {device}, "
				     "{class}, {fact}, {seen} and {expected}", word,
				     w ? "; did you mean \"{" : "", w ? w : "", w ? "}\"" : "");
	}
	return SPAN(text, strlen(text));
}

bool
source_id(struct compile *c, const struct yaml_node *at, const char *id)
{
	if (id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] ==
	    '\0')
		return true;
	source_error(c, at, "a rule's id has letters, digits, \"-\", \"_\" and \".\" only");
	return false;
}

static void
compile_id(struct compile *c, struct rule_job *j, unsigned i)
{
	const struct yaml_node *at = rule_at(c, j, "id");

	j->rule.id = SPAN(j->src->id, strlen(j->src->id));
	(void)source_id(c, at, j->src->id);
	for (unsigned k = 0; k < i; k++)
		if (strcmp(c->src->rules[k].id, j->src->id) == 0)
			source_error(c, at, "rule id \"%s\" stands twice", j->src->id);
	j->rule.remediation =
		source_remediation(c, rule_at(c, j, "remediation"), j->src->remediation);
}

static void
compile_rule(struct compile *c, struct rule_job *j, unsigned i)
{
	j->src = &c->src->rules[i];
	j->at = yaml_item(c->doc, source_at(c, NULL, "rules"), i);
	j->rule.op = (enum policy_op)j->src->op;
	compile_id(c, j, i);
	compile_fact(c, j);
	compile_values(c, j);
	compile_outcomes(c, j);
	compile_claim(c, j);
}

void
policy_compile_rules(struct compile *c, struct writer *out)
{
	unsigned n = c->src->rules_count;
	struct rule_job *jobs = calloc(n ? n : 1, sizeof *jobs);

	if (!jobs) {
		wr_fail(out, ASSAY_NO_MEMORY);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		compile_rule(c, &jobs[i], i);
	if (c->errs->count == 0)
		policy_compile_reach(c, jobs, n);
	for (unsigned i = 0; i < n && c->errs->count == 0; i++) {
		policy_write_rule(out, &jobs[i].rule);
		for (unsigned k = 0; k < jobs[i].rule.nvalues; k++)
			policy_write_value(out, &jobs[i].values[k]);
	}
	free(jobs);
}
