/* cmd_policy_test.c: a policy's own tests, run like unit tests; no verifier is asked. */
#include "client.h"

#include "evidence/digest.h"
#include "verifier/appraise/casefile.h"
#include "verifier/appraise/policy.h"
#include "verifier/compiler/policy_compile.h"
#include "verifier/compiler/policy_testfile.h"

#include <stdlib.h>
#include <string.h>

#define PATH_MAX_ 4096

extern const struct cli_command cmd_policy_test;

struct run {
	const struct client *c;
	char file[PATH_MAX_]; /* of tests */
	struct span source, yaml, compiled;
	struct yaml_doc *doc;
	struct policy_info info;
	struct policy_tests tests;
	struct arena scratch;
	struct case_file input;
	struct verdict verdict;
	json_t *results;
	unsigned failed;
	uint8_t seen[POLICY_RULES_MAX + POLICY_SOFTWARE_MAX]; /* rules that some test saw fail */
};

static int
complain(const char *file, const struct yaml_errors *errs)
{
	for (unsigned i = 0; i < errs->count; i++)
		cli_fail(CLI_BAD_INPUT, "%s", errs->e[i].text);
	if (errs->count == 0)
		cli_fail(CLI_BAD_INPUT, "%s: cannot be read", file);
	return CLI_BAD_INPUT;
}

/* POLICY.yaml has its tests in POLICY.test.yaml beside it. */
static void
tests_beside(const char *policy, char *ret, size_t cap)
{
	size_t n = strlen(policy);

	if (n > 5 && strcmp(policy + n - 5, ".yaml") == 0)
		n -= 5;
	snprintf(ret, cap, "%.*s.test.yaml", (int)n, policy);
}

static int
load_policy(struct run *r, struct yaml_errors *errs)
{
	const char *file = r->c->args[0];
	uint8_t *out;
	struct writer w;
	int status = CLI_FAULT;

	if (!cli_read_file(file, YAML_BYTES_MAX, &r->source, &status))
		return status;
	out = malloc(POLICY_BYTES_MAX);
	if (!out)
		return cli_fail(CLI_FAULT, "out of memory");
	wr_init(&w, out, POLICY_BYTES_MAX);
	r->compiled = SPAN(out, 0);
	if (policy_compile(r->source, file, &w, errs) != ASSAY_OK ||
	    policy_info(wr_span(&w), &r->info) != ASSAY_OK)
		return complain(file, errs);
	r->compiled = wr_span(&w);
	return CLI_YES;
}

static int
load_tests(struct run *r, struct yaml_errors *errs)
{
	const char *option = client_option(r->c, "tests");
	int status = CLI_FAULT;

	if (option)
		snprintf(r->file, sizeof r->file, "%s", option);
	else
		tests_beside(r->c->args[0], r->file, sizeof r->file);
	if (!cli_read_file(r->file, YAML_BYTES_MAX, &r->yaml, &status))
		return status;
	yaml_errors_init(errs, r->file);
	if (!yaml_locate(r->yaml, r->doc, errs) ||
	    !policy_tests_load(r->doc, &r->info, &r->tests, errs))
		return complain(r->file, errs);
	return CLI_YES;
}

/* ---- one test ---- */

/* The evidence of a case, judged by the policy that is tested. */
static bool
run_case(struct run *r, const struct policy_test *t)
{
	const char *slash = strrchr(r->file, '/');
	struct span bytes = SPAN(NULL, 0);
	char path[PATH_MAX_];
	int status = CLI_FAULT;
	bool ok = false;

	snprintf(path, sizeof path, "%.*s%s", t->case_file[0] == '/' || !slash
						      ? 0 : (int)(slash - r->file + 1),
		 r->file, t->case_file);
	if (!cli_read_file(path, CASE_BYTES_MAX, &bytes, &status))
		return false;
	if (case_file_parse(bytes, &r->input) == ASSAY_OK &&
	    digest_sha256(r->compiled, r->input.in.policy_digest) == ASSAY_OK) {
		r->input.in.policy = r->compiled;
		case_file_appraise(&r->input, &r->scratch, &r->verdict);
		ok = true;
	} else {
		cli_fail(CLI_BAD_INPUT, "%s: is no case file", path);
	}
	cli_free(bytes);
	return ok;
}

/* "policy.rule secure-boot", or the word alone where no rule is named. */
static void
finding_name(const struct finding *f, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s%s%s", finding_word((enum finding_code)f->code),
		 f->rule[0] ? " " : "", f->rule);
}

/* A word alone stands for one with any rule. */
static bool
named(const struct finding *f, const char *text)
{
	char name[160];

	finding_name(f, name, sizeof name);
	return strcmp(name, text) == 0 ||
	       strcmp(finding_word((enum finding_code)f->code), text) == 0;
}

/* Each finding is expected, and each expected one was found. */
static bool
findings_equal(const struct verdict *v, const struct policy_test *t)
{
	uint64_t used = 0;

	if (!t->has_findings)
		return true;
	if (v->nfindings != t->nfindings)
		return false;
	for (unsigned i = 0; i < v->nfindings; i++) {
		unsigned k = 0;

		while (k < t->nfindings &&
		       ((used >> k & 1) || !named(&v->findings[i], t->findings[k])))
			k++;
		if (k == t->nfindings)
			return false;
		used |= UINT64_C(1) << k;
	}
	return true;
}

static void
mark_rules(struct run *r)
{
	struct policy p;
	struct policy_rule rule;

	if (policy_open(r->compiled, &p) != ASSAY_OK)
		return;
	for (unsigned n = 0; policy_next_rule(&p, &rule); n++)
		for (unsigned i = 0; i < r->verdict.nfindings; i++) {
			const char *id = r->verdict.findings[i].rule;

			if (span_equal(rule.id, SPAN(id, strlen(id))))
				r->seen[n] = 1;
		}
	for (unsigned n = 0; n < p.nsoftware; n++)
		for (unsigned i = 0; i < r->verdict.nfindings; i++) {
			const char *id = r->verdict.findings[i].rule;

			if (span_equal(p.software[n].name, SPAN(id, strlen(id))))
				r->seen[POLICY_RULES_MAX + n] = 1;
		}
}

static json_t *
json_names(const struct verdict *v)
{
	json_t *list = json_array();
	char name[160];

	for (unsigned i = 0; i < v->nfindings; i++) {
		finding_name(&v->findings[i], name, sizeof name);
		json_array_append_new(list, json_string(name));
	}
	return list;
}

static void
explain(const struct run *r, const struct policy_test *t)
{
	const struct verdict *v = &r->verdict;
	char name[160];

	printf("    %s:%u: expected %s%s%s, is %s\n", r->file, t->line, cli_bold(),
	       outcome_name(t->expect), cli_plain(), outcome_name(v->outcome));
	for (unsigned i = 0; i < v->nfindings; i++) {
		finding_name(&v->findings[i], name, sizeof name);
		printf("    found: %s (%s: seen \"%s\", expected \"%s\")\n", name,
		       v->findings[i].subject, v->findings[i].seen, v->findings[i].expected);
	}
	for (unsigned i = 0; t->has_findings && i < t->nfindings; i++)
		printf("    wanted: %s\n", t->findings[i]);
}

static void
run_test(struct run *r, struct policy_test *t)
{
	bool ok = true;

	verdict_clear(&r->verdict);
	if (t->case_file) {
		ok = run_case(r, t);
	} else {
		t->given.policy = r->compiled;
		appraise_given(&t->given, &r->scratch, &r->verdict);
	}
	ok = ok && r->verdict.status == VERDICT_DECIDED && r->verdict.outcome == t->expect &&
	     findings_equal(&r->verdict, t);
	mark_rules(r);
	r->failed += !ok;
	if (r->c->json)
		json_array_append_new(
			r->results,
			json_pack("{s:s, s:b, s:s, s:s, s:o}", "name", t->name, "ok", ok,
				  "expected", outcome_name(t->expect), "outcome",
				  outcome_name(r->verdict.outcome), "findings",
				  json_names(&r->verdict)));
	else
		printf("%s%s%s - %s\n", ok ? cli_green() : cli_red(), ok ? "ok" : "not ok",
		       cli_plain(), t->name);
	if (!ok && !r->c->json)
		explain(r, t);
}

/* Rules that no test has seen fail: nobody knows whether they can. */
static unsigned
untested(const struct run *r, json_t *list)
{
	struct policy_rule rule;
	struct policy p;
	unsigned n = 0;

	if (policy_open(r->compiled, &p) != ASSAY_OK)
		return 1;
	for (unsigned i = 0; policy_next_rule(&p, &rule); i++)
		if (!r->seen[i]) {
			n++;
			json_array_append_new(list, json_stringn((const char *)rule.id.p,
								 rule.id.n));
		}
	for (unsigned i = 0; i < p.nsoftware; i++)
		if (!r->seen[POLICY_RULES_MAX + i]) {
			n++;
			json_array_append_new(list, json_stringn((const char *)p.software[i].name.p,
								 p.software[i].name.n));
		}
	return n;
}

static int
conclude(struct run *r)
{
	json_t *list = json_array(), *answer;
	unsigned n = untested(r, list);
	bool bad = r->failed != 0 || (n != 0 && client_option(r->c, "every-rule"));

	if (r->c->json) {
		answer = json_pack("{s:s, s:I, s:I, s:O, s:O}", "policy", r->info.name, "tests",
				   (json_int_t)r->tests.n, "failed", (json_int_t)r->failed,
				   "results", r->results, "untested", list);
		client_present(r->c, answer);
		json_decref(answer);
	} else {
		for (size_t i = 0; i < json_array_size(list); i++)
			printf("%sno test sees it fail: %s%s\n", cli_yellow(),
			       json_string_value(json_array_get(list, i)), cli_plain());
		printf("%u tests of %s, %u failed\n", r->tests.n, r->info.name, r->failed);
	}
	json_decref(list);
	return bad ? CLI_NEGATIVE : CLI_YES;
}

static int
run_all(struct run *r)
{
	struct yaml_errors *errs = calloc(1, sizeof *errs);
	uint8_t *memory = malloc(APPRAISE_ARENA);
	int status;

	r->doc = malloc(sizeof *r->doc);
	r->results = json_array();
	if (!errs || !memory || !r->doc) {
		status = cli_fail(CLI_FAULT, "out of memory");
	} else if ((status = load_policy(r, errs)) == CLI_YES &&
		   (status = load_tests(r, errs)) == CLI_YES) {
		arena_init(&r->scratch, memory, APPRAISE_ARENA);
		for (unsigned i = 0; i < r->tests.n; i++)
			run_test(r, &r->tests.v[i]);
		status = conclude(r);
	}
	policy_tests_free(&r->tests);
	json_decref(r->results);
	cli_free(r->source);
	cli_free(r->yaml);
	free((void *)(uintptr_t)r->compiled.p);
	free(r->doc);
	free(memory);
	free(errs);
	return status;
}

static int
run_test_command(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_policy_test,
		.args = {"FILE"},
		.options = {{"tests", "", CLIENT_LOCAL, false},
			    {"every-rule", "", CLIENT_FLAG, false}},
	};
	struct client_words words = {argc, argv};
	struct client c;
	struct run *r;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	r = calloc(1, sizeof *r);
	if (!r)
		return cli_fail(CLI_FAULT, "out of memory");
	r->c = &c;
	status = run_all(r);
	free(r);
	return status;
}

const struct cli_command cmd_policy_test = {
	.group = "policy",
	.name = "test",
	.usage = "FILE [--tests FILE] [--every-rule] [--json]",
	.summary = "run a policy's own tests; asks no verifier",
	.help = "The tests of NAME.yaml are in NAME.test.yaml beside it (docs/policy.md, \"Tests\n"
		"of a policy\"). Exit status 1 if one fails.\n\n"
		"  --tests FILE   other tests than those beside it\n"
		"  --every-rule   fail also if there is a rule that no test sees fail\n",
	.run = run_test_command,
};
