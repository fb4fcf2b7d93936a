/* test_policy_compile.c: policy files to compiled policies, and every way to be wrong. */
#include "tests/support/unit.h"

#include "verifier/appraise/bootfacts.h"
#include "verifier/appraise/policy.h"
#include "verifier/compiler/policy_compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t out[POLICY_BYTES_MAX];
static struct yaml_errors errs;

static enum assay_err
compile(const char *yaml, struct span *ret)
{
	struct writer w;
	enum assay_err e;

	wr_init(&w, out, sizeof out);
	e = policy_compile(SPAN(yaml, strlen(yaml)), "p.yaml", &w, &errs);
	*ret = wr_span(&w);
	return e;
}

/* A sound policy in parts, so that each test replaces one. */
#define HEAD "policy: gw\nversion: 3\n"                                 /* lines 1, 2 */
#define APPLIES "applies_to: {class: gateway, labels: [ring=canary]}\n" /* 3 */
#define ASK                                                                                        \
	"ask:\n"                              /* 4 */                                              \
	"  banks: [sha256]\n"                 /* 5 */                                              \
	"  pcrs: [0-7, 9]\n"                  /* 6 */                                              \
	"  interval: 60s\n"                   /* 7 */                                              \
	"  patience: 3\n"                     /* 8 */
#define REFS "references: {pcrs: [0, 4-7]}\n" /* 9 */
#define SOUND HEAD APPLIES ASK REFS
#define RULES "rules:\n" /* 10 */
#define RULE "  - id: one\n    fact: quote.clock_safe\n    op: equals\n    value: true\n"

#define TOLERATE(finding, more)                                                                    \
	"tolerate:\n  - {id: w, finding: " finding ", " more ", reason: x}\n"

static void
a_sound_policy_compiles_to_what_it_says(void **state)
{
	struct policy_info info;
	struct policy p;
	struct policy_rule r;
	struct policy_value v;
	struct span c;

	(void)state;
	assert_int_equal(
		compile(SOUND RULES RULE
			"    on_fail: restrict\n"
			"    severity: critical\n    claim: configuration\n"
			"    remediation: call us\n"
			"  - {id: two, fact: 'pcr[7]', op: in, values: ["
			"'sha256:0000000000000000000000000000000000000000000000000000000000000000']"
			"}\n",
			&c),
		ASSAY_OK);
	assert_int_equal(policy_info(c, &info), ASSAY_OK);
	assert_string_equal(info.name, "gw");
	assert_int_equal(info.version, 3);
	assert_string_equal(info.class_name, "gateway");
	assert_string_equal(info.labels, "ring=canary");
	assert_false(info.monitor);
	assert_int_equal(info.ask.count, 1);
	assert_int_equal(info.ask.bank[0].mask, 0x2FF);
	assert_int_equal(info.interval_s, 60);
	assert_int_equal(info.max_age_s, 180);
	assert_int_equal(policy_open(c, &p), ASSAY_OK);
	assert_int_equal(p.compare, 0xF1);
	assert_int_equal(p.learned, OUTCOME_RESTRICT);
	assert_int_equal(p.differs, OUTCOME_QUARANTINE);
	assert_int_equal(p.baseline, OUTCOME_RESTRICT);
	assert_true(policy_next_rule(&p, &r));
	assert_int_equal(r.fact, FACT_QUOTE_CLOCK_SAFE);
	assert_int_equal(r.on_fail, OUTCOME_RESTRICT);
	assert_int_equal(r.on_missing, OUTCOME_QUARANTINE);
	assert_int_equal(r.severity, SEV_CRITICAL);
	assert_int_equal(r.claim, AR4SI_CONFIGURATION);
	assert_true(span_equal(r.remediation, SPAN("call us", 7)));
	assert_true(policy_next_value(&r, &v));
	assert_int_equal(v.number, 1);
	assert_false(policy_next_value(&r, &v));
	assert_true(policy_next_rule(&p, &r));
	assert_int_equal(r.fact, FACT_PCR);
	assert_int_equal(r.index, 7);
	assert_true(policy_next_value(&r, &v));
	assert_int_equal(v.digest.alg, ALG_SHA256);
	assert_false(policy_next_rule(&p, &r));
	assert_int_equal(p.rules.err, ASSAY_OK);
}

static void
a_workaround_compiles_to_what_it_says(void **state)
{
	const struct policy_workaround *k;
	struct policy p;
	struct span c;

	(void)state;
	assert_int_equal(compile(SOUND "tolerate:\n"
				       "  - {id: w, finding: separator.second, pcrs: [1, 4-5], "
				       "event: EV_SEPARATOR, manufacturer: \"id:49*\", model: M, "
				       "firmware: \"1.?\", reason: its vendor says so}\n"
				       "  - {id: v, finding: log.tail, pcrs: [0], reason: x}\n",
				 &c),
			 ASSAY_OK);
	assert_int_equal(policy_open(c, &p), ASSAY_OK);
	assert_int_equal(p.nworkarounds, 2);
	k = &p.workarounds[0];
	assert_true(span_equal(k->id, SPAN("w", 1)));
	assert_true(span_equal(k->finding, SPAN("separator.second", 16)));
	assert_true(span_equal(k->manufacturer, SPAN("id:49*", 6)));
	assert_true(span_equal(k->model, SPAN("M", 1)));
	assert_true(span_equal(k->firmware, SPAN("1.?", 3)));
	assert_true(span_equal(k->reason, SPAN("its vendor says so", 18)));
	assert_int_equal(k->pcrs, 0x32);
	assert_false(k->any_type);
	assert_int_equal(k->type, 4);
	assert_true(p.workarounds[1].any_type);
	assert_int_equal(p.workarounds[1].model.n, 0);
}

static void
the_bytes_depend_on_the_meaning_alone(void **state)
{
	struct policy_info a, b;
	struct span c;

	(void)state;
	assert_int_equal(compile(SOUND, &c), ASSAY_OK);
	assert_int_equal(policy_info(c, &a), ASSAY_OK);
	assert_int_equal(
		compile("# another file\nversion: 3\npolicy: \"gw\"\ndescription: x\n" APPLIES REFS
			"mode: enforce\nask: {interval: 1m, patience: 3, "
			"pcrs: [9, 0, 1-7], banks: [SHA256]}\nrules: []\n",
			&c),
		ASSAY_OK);
	assert_int_equal(policy_info(c, &b), ASSAY_OK);
	assert_memory_equal(a.digest, b.digest, sizeof a.digest);
}

static const struct wrong {
	const char *yaml, *message;
} wrongs[] = {
	{"", "p.yaml:1:1: the file is empty"},
	{"policy: [a\n", "p.yaml:2:1: did not find expected ',' or ']'"},
	{"a: &x 1\nb: *x\n", "p.yaml:1:4: anchors and aliases are not allowed"},
	{SOUND "---\n" SOUND, "p.yaml:10:1: a second document in one file"},
	{"policy: !!str gw\n", "p.yaml:1:9: tags are not allowed"},
	{"a: [[[[[[[[[1]]]]]]]]]\n", "p.yaml:1:11: nested too deeply"},
	{"? [a]\n: b\n", "p.yaml:1:3: a key must be a word"},
	{SOUND "version: 4\n", "p.yaml:10:1: key \"version\" stands twice; first in line 2"},
	{SOUND "rule: []\n", "p.yaml:10:1: unknown key \"rule\"; did you mean \"rules\"?"},
	{SOUND "zebra: 1\n", "p.yaml:10:1: unknown key \"zebra\""},
	{"just words\n", "p.yaml:1:1: this place needs keys and values"},
	{"version: 3\n" APPLIES ASK REFS, "p.yaml:1:1: key \"policy\" is missing"},
	{"policy: gw\nversion: 0\n" APPLIES ASK REFS, "p.yaml:2:10: version starts at 1"},
	{"policy: gw\nversion: two\n" APPLIES ASK REFS,
	 "p.yaml:2:10: version needs a whole number, not \"two\""},
	{"policy: gw\nversion: 1.5\n" APPLIES ASK REFS,
	 "p.yaml:2:10: version needs a whole number, not \"1.5\""},
	{"policy: a b\nversion: 1\n" APPLIES ASK REFS, "p.yaml:1:9: a policy's name has letters"},
	{"policy:\nversion: 1\n" APPLIES ASK REFS, "p.yaml:1:8: policy is empty"},
	{HEAD "applies_to: {class: gateway, labels: [canary]}\n" ASK REFS,
	 "p.yaml:3:39: a label looks like ring=canary, not \"canary\""},
	{HEAD "applies_to: {class: a, klass: gateway}\n" ASK REFS,
	 "p.yaml:3:24: unknown key \"klass\"; did you mean \"class\"?"},
	{HEAD "applies_to: gateway\n" ASK REFS, "p.yaml:3:13: applies_to needs keys and values"},
	{SOUND "mode: off\n",
	 "p.yaml:10:7: \"off\" is no value of mode; did you mean \"enforce\"?"},
	{SOUND "mode: monitr\n", "p.yaml:10:7: \"monitr\" is no value of mode; did you mean "
				 "\"monitor\"?"},
	{HEAD APPLIES "ask: {banks: [sha257], pcrs: [0-7], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:15: \"sha257\" is no bank"},
	{HEAD APPLIES "ask: {banks: [sm3_256], pcrs: [0-7], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:15: \"sm3_256\" is no bank"},
	{HEAD APPLIES
	 "ask: {banks: [sha256, sha256], pcrs: [0-7], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:23: bank \"sha256\" stands twice"},
	{HEAD APPLIES "ask: {banks: [sha1], pcrs: [0-7], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:14: only SHA-1 is asked for"},
	{HEAD APPLIES "ask: {banks: [], pcrs: [0-7], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:14: banks needs 1 to 6 entries, not 0"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7, 24], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:36: \"24\" is no PCR"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [7-4], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:31: \"7-4\" is no PCR"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7, 16], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:36: PCR 16 and 23 can be reset by software"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7, 7], interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:4:36: a PCR in \"7\" is in the list already"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7], interval: 60, patience: 3}\n" REFS,
	 "p.yaml:4:47: interval needs a time such as 30s"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7], interval: 2d, patience: 3}\n" REFS,
	 "p.yaml:4:47: interval is longer than a day"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7], interval: 49711d, patience: 3}\n" REFS,
	 "p.yaml:4:47: interval needs a time such as 30s"}, /* it was 63104s */
	{SOUND "offline: {max_age: 91d}\n",
	 "p.yaml:10:20: max_age of offline evidence is longer than 90d"},
	{SOUND "offline: {max_age: 0s}\n", "p.yaml:10:20: max_age needs a time such as 30s"},
	{SOUND "offline: {}\n", "p.yaml:10:1: key \"max_age\" is missing in offline"},
	{SOUND "offline: {max_age: 1d, maxage: 1d}\n",
	 "p.yaml:10:24: unknown key \"maxage\"; did you mean \"max_age\"?"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7], interval: 60s, patience: 0}\n" REFS,
	 "p.yaml:4:62: patience needs 1 to 100 rounds"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-7], interval: 60s, patience: 3, max_age: "
		      "181s}\n" REFS,
	 "p.yaml:4:74: max_age is longer than interval times patience (180s)"},
	{HEAD APPLIES ASK "references: {pcrs: [8]}\n",
	 "p.yaml:9:20: a PCR in references is not in ask"},
	{HEAD APPLIES ASK "references: {pcrs: [0, 23]}\n",
	 "p.yaml:9:24: PCR 16 and 23 can be reset by software"},
	{HEAD APPLIES ASK "references: {pcrs: [0], unlogged: [10]}\n",
	 "p.yaml:9:35: a PCR in unlogged is not in ask"},
	{HEAD APPLIES ASK "references: {pcrs: [0], on_fail: report}\n",
	 "p.yaml:9:34: \"report\" is no value of on_fail"},
	{HEAD APPLIES ASK "references: {pcrs: [0], baseline: ignore}\n",
	 "p.yaml:9:35: \"ignore\" is no value of baseline"},
	{HEAD APPLIES ASK "references: {pcrs: [0], learned: admit}\n",
	 "p.yaml:9:34: \"admit\" is no value of learned"},
	{HEAD APPLIES ASK,
	 "p.yaml:6:9: what is asked for must be compared: say which PCRs under references"},
	{SOUND "allow: {boot_findings: [log.tail]}\n",
	 "p.yaml:10:9: unknown key \"boot_findings\""},
	{SOUND TOLERATE("separator.secnd", "pcrs: [1]"),
	 "p.yaml:11:22: \"separator.secnd\" is no finding of boot logs; did you mean "
	 "\"separator.second\"?"},
	{SOUND TOLERATE("none", "pcrs: [1]"), "p.yaml:11:22: \"none\" is no finding of boot logs"},
	{SOUND TOLERATE("log.tail", "pcrs: [1], event: EV_SEPERATOR"),
	 "p.yaml:11:50: \"EV_SEPERATOR\" is no type of events; did you mean \"EV_SEPARATOR\"?"},
	{SOUND TOLERATE("log.tail", "pcrs: [8]"), "p.yaml:11:38: a PCR in tolerate is not in ask"},
	{SOUND TOLERATE("log.tail", "pcrs: [one]"), "p.yaml:11:39: \"one\" is no PCR"},
	{SOUND TOLERATE("log.tail", "pcrs: []"), "p.yaml:11:38: pcrs needs 1 to 24 entries, not 0"},
	{SOUND "tolerate:\n  - {id: w, finding: log.tail, reason: x}\n",
	 "p.yaml:11:5: key \"pcrs\" is missing"},
	{SOUND "tolerate:\n  - {id: w, finding: log.tail, pcrs: [1]}\n",
	 "p.yaml:11:5: key \"reason\" is missing"},
	{SOUND "tolerate:\n  - {finding: log.tail, pcrs: [1], reason: x}\n",
	 "p.yaml:11:5: key \"id\" is missing"},
	{SOUND "tolerate:\n  - {id: w, finding: log.tail, pcrs: [1], reason: \"a\\nb\"}\n",
	 "p.yaml:11:51: reason is one line of printable ASCII"},
	{SOUND "tolerate:\n  - {id: one, finding: log.tail, pcrs: [1], reason: x}\n" RULES RULE,
	 "p.yaml:11:10: id \"one\" stands twice"},
	{SOUND "tolerate:\n  - {id: w, finding: log.tail, pcrs: [1], reason: x}\n"
	       "  - {id: w, finding: log.tail, pcrs: [1], reason: x}\n",
	 "p.yaml:12:10: id \"w\" stands twice"},
	{HEAD "applies_to: {class: \"*\"}\n" ASK REFS TOLERATE("log.tail", "pcrs: [1]"),
	 "p.yaml:11:5: a workaround is for one model"},
	{HEAD "applies_to: {class: \"*\"}\n" ASK REFS TOLERATE("log.tail",
							      "pcrs: [1], model: \"*?\""),
	 "p.yaml:11:5: a workaround is for one model"},
	{SOUND "allow: {core_checks: false}\n", "p.yaml:10:9: unknown key \"core_checks\""},
	{SOUND "allow: {ek_expired: yes}\n",
	 "p.yaml:10:21: ek_expired needs true or false, not \"yes\""},
	{SOUND RULES "  - one\n", "p.yaml:11:5: this place needs keys and values"},
	{SOUND RULES RULE RULE, "p.yaml:15:9: rule id \"one\" stands twice"},
	{SOUND RULES "  - {id: a b, fact: quote.clock_safe, op: equals, value: true}\n",
	 "p.yaml:11:10: a rule's id has letters"},
	{SOUND RULES "  - {id: x, fact: quote.clocksafe, op: equals, value: true}\n",
	 "p.yaml:11:19: unknown fact \"quote.clocksafe\"; did you mean \"quote.clock_safe\"?"},
	{SOUND RULES "  - {id: x, fact: boot.nonsense_of_all_kinds, op: present}\n",
	 "p.yaml:11:19: unknown fact \"boot.nonsense_of_all_kinds\""},
	{SOUND RULES "  - {id: x, fact: pcr, op: present}\n",
	 "p.yaml:11:19: fact \"pcr\" needs an index: pcr[0] to pcr[23]"},
	{SOUND RULES "  - {id: x, fact: 'pcr[24]', op: present}\n",
	 "p.yaml:11:19: fact \"pcr\" goes up to pcr[23]"},
	{SOUND RULES "  - {id: x, fact: 'pcr[-1]', op: present}\n",
	 "p.yaml:11:19: \"pcr[-1]\": an index looks like pcr[7]"},
	{SOUND RULES "  - {id: x, fact: 'pcr[99999999999999999999]', op: present}\n",
	 "p.yaml:11:19: fact \"pcr\" goes up to pcr[23]"},
	{SOUND RULES "  - {id: x, fact: 'agent[0]', op: present}\n",
	 "p.yaml:11:19: fact \"agent\" has no index"},
	{SOUND RULES "  - {id: x, fact: 'pcr[16]', op: present}\n",
	 "p.yaml:11:19: PCR 16 and 23 can be reset by software"},
	{SOUND RULES "  - {id: x, fact: 'pcr[8]', op: present}\n",
	 "p.yaml:11:19: PCR 8 is not in ask"},
	{SOUND RULES "  - {id: x, fact: 'pcr[7]', op: equals, value: 'sha1:"
		     "0000000000000000000000000000000000000000'}\n",
	 "p.yaml:11:48: bank sha1 is not in ask"},
	{SOUND RULES "  - {id: x, fact: 'pcr[7]', op: equals, value: 'sha256:00'}\n",
	 "p.yaml:11:48: \"pcr\" is a digest fact: needs sha256: and 64 hex digits"},
	{SOUND RULES "  - {id: x, fact: quote.clock_safe, op: equals, value: 1}\n",
	 "p.yaml:11:56: \"quote.clock_safe\" is a true or false fact"},
	{SOUND RULES "  - {id: x, fact: quote.clock, op: at_least, value: many}\n",
	 "p.yaml:11:53: \"quote.clock\" is a number fact"},
	{SOUND RULES "  - {id: x, fact: ek.not_after, op: at_least, value: 2026-01-31}\n",
	 "p.yaml:11:54: \"ek.not_after\" is a time fact"},
	{SOUND RULES "  - {id: x, fact: quote.clock_safe, op: eqals, value: true}\n",
	 "p.yaml:11:41: \"eqals\" is no value of op; did you mean \"equals\"?"},
	{SOUND RULES "  - {id: x, fact: quote.clock_safe, op: at_least, value: true}\n",
	 "p.yaml:11:41: \"at_least\" is for numbers and times"},
	{SOUND RULES "  - {id: x, fact: quote.clock, op: matches, value: 1}\n",
	 "p.yaml:11:36: \"matches\" is for text"},
	{SOUND RULES "  - {id: x, fact: agent, op: in, value: a}\n",
	 "p.yaml:11:30: \"in\" needs \"values\", a list"},
	{SOUND RULES "  - {id: x, fact: agent, op: equals}\n",
	 "p.yaml:11:30: \"equals\" needs \"value\""},
	{SOUND RULES "  - {id: x, fact: agent, op: present, value: a}\n",
	 "p.yaml:11:30: \"present\" takes no value"},
	{SOUND RULES RULE "    on_fail: quarantine\n    on_missing: restrict\n",
	 "p.yaml:16:17: on_missing is milder than on_fail"},
	{SOUND RULES RULE "    on_fail: admit\n", "p.yaml:15:14: \"admit\" is no value of on_fail"},
	{SOUND RULES RULE "    optional: true\n    claim: configuration\n",
	 "p.yaml:16:12: an optional rule cannot support a claim"},
	{SOUND RULES "  - {id: x, fact: agent, op: present, claim: hardware}\n",
	 "p.yaml:11:46: \"agent\" is only claimed by software and cannot support \"hardware\""},
	{SOUND RULES "  - {id: x, fact: agent, op: present, claim: executables}\n",
	 "p.yaml:11:46: \"agent\" is only claimed by software and cannot support \"executables\""},
	{SOUND RULES RULE "    remediation: \"two\\nlines\"\n",
	 "p.yaml:15:18: remediation is one line of printable ASCII"},
	{SOUND RULES RULE "    severity: huge\n", "p.yaml:15:15: \"huge\" is no value of severity"},
	/* versions, units and lists */
	{SOUND RULES "  - {id: x, fact: software.fw.version, op: at_least, value: 1.0.0}\n",
	 "p.yaml:11:44: \"at_least\" of a text compares versions: add \"order: semver\""},
	{SOUND RULES "  - {id: x, fact: software.fw.version, op: at_least, order: semver, "
		     "value: 1.0}\n",
	 "p.yaml:11:76: \"1.0\" is no semver version"},
	{SOUND RULES "  - {id: x, fact: software.fw.version, op: at_most, order: rpm, "
		     "value: 1.0}\n",
	 "p.yaml:11:60: \"rpm\" is no value of order; did you mean \"semver\"?"},
	{SOUND RULES "  - {id: x, fact: software.fw.version, op: equals, order: semver, "
		     "value: 1.0.0}\n",
	 "p.yaml:11:59: order is for at_least and at_most of a text"},
	{SOUND RULES "  - {id: x, fact: software.fw.verison, op: present}\n",
	 "p.yaml:11:19: unknown fact \"software.fw.verison\""},
	{SOUND RULES "  - {id: x, fact: health.disk_fre, op: at_least, value: 5%}\n",
	 "p.yaml:11:19: unknown fact \"health.disk_fre\"; did you mean \"health.disk_free\"?"},
	{SOUND RULES "  - {id: x, fact: health.disk_free, op: at_least, value: 5 GiB}\n",
	 "p.yaml:11:58: \"health.disk_free\" is a number fact: needs a number such as 5%"},
	{SOUND RULES "  - {id: x, fact: health.temperature, op: at_most, value: 80 F}\n",
	 "p.yaml:11:59: \"health.temperature\" is a number fact: needs a number such as 80 C"},
	{SOUND RULES "  - {id: x, fact: health.uptime, op: at_most, value: 2 weeks}\n",
	 "p.yaml:11:54: \"health.uptime\" is a number fact: needs a time such as 90s"},
	{SOUND RULES "  - {id: x, fact: health.uptime, op: at_most, value: 99999999999999999d}\n",
	 "p.yaml:11:54: \"health.uptime\" is a number fact"},
	{SOUND RULES "  - {id: x, fact: agent, op: subset_of, values: [a]}\n",
	 "p.yaml:11:30: \"subset_of\" is for lists; \"agent\" is text"},
	{SOUND RULES "  - {id: x, fact: quote.banks, op: subset_of, value: sha256}\n",
	 "p.yaml:11:36: \"subset_of\" needs \"values\", a list, or \"value: reference\""},
	{SOUND RULES "  - {id: x, fact: quote.banks, op: in, values: [sha256]}\n",
	 "p.yaml:11:36: \"quote.banks\" is a list: use subset_of, not_in, equals or present"},
	{SOUND RULES "  - {id: x, fact: agent, op: unchanged_since, value: yesterday}\n",
	 "p.yaml:11:30: \"unchanged_since\" needs \"value: baseline\""},
	{SOUND RULES "  - {id: x, fact: agent, op: in, values: []}\n",
	 "p.yaml:11:42: values is empty: the rule would say nothing"},
	{SOUND RULES RULE "    remediation: \"see {devise}\"\n",
	 "p.yaml:15:18: \"{devise\" is no placeholder; did you mean \"{device}\""},
	{SOUND RULES RULE "    remediation: \"see {device\"\n",
	 "p.yaml:15:18: \"{device\" is no placeholder"},
	/* rules that cannot say anything, or that nobody meets */
	{SOUND RULES RULE "  - {id: two, fact: quote.clock_safe, op: equals, value: true, on_fail: "
			 "restrict}\n",
	 "p.yaml:15:5: rule \"two\" is never reached: \"one\" says the same, as strictly"},
	{SOUND RULES RULE "  - {id: two, fact: quote.clock_safe, op: equals, value: false}\n",
	 "p.yaml:15:58: no device meets both this rule and \"one\""},
	{SOUND RULES RULE "  - {id: two, fact: quote.clock_safe, op: not_equals, value: true}\n",
	 "p.yaml:15:62: no device meets both this rule and \"one\""},
	{SOUND RULES "  - {id: a, fact: quote.clock, op: at_least, value: 9s}\n"
		     "  - {id: b, fact: quote.clock, op: at_most, value: 8999 ms}\n",
	 "p.yaml:12:52: no device meets both this rule and \"a\""},
	{SOUND RULES "  - {id: a, fact: software.fw.version, op: at_most, order: semver, value: "
		     "1.9.0}\n"
		     "  - {id: b, fact: software.fw.version, op: at_least, order: semver, value: "
		     "1.10.0}\n",
	 "p.yaml:12:76: no device meets both this rule and \"a\""},
	{SOUND RULES "  - {id: x, fact: quote.clock, op: at_least, value: 0}\n",
	 "p.yaml:11:53: the rule holds for every value"},
	{SOUND RULES "  - {id: x, fact: agent, op: matches, value: '*'}\n",
	 "p.yaml:11:46: the rule holds for every value"},
	{SOUND RULES "  - {id: x, fact: device.class, op: equals, value: gateway}\n",
	 "p.yaml:11:52: the rule holds for every value"},
	{SOUND RULES "  - {id: x, fact: device.class, op: equals, value: router}\n",
	 "p.yaml:11:52: no device meets it: the policy judges class \"gateway\" only"},
	{SOUND RULES "  - {id: x, fact: agent, op: in, values: [a, b, a]}\n",
	 "p.yaml:11:49: \"a\" is in the list already"},
	{HEAD APPLIES "ask: {banks: [sha256], pcrs: [0-6], interval: 60s, patience: 3}\n"
		      "references: {pcrs: [0]}\n" RULES
		      "  - {id: x, fact: boot.secure_boot, op: equals, value: true}\n",
	 "p.yaml:7:19: \"boot.secure_boot\" is never known: PCR 7 is not in ask; add it"},
	{HEAD APPLIES ASK "references: {pcrs: [0], unlogged: [7]}\n" RULES
			  "  - {id: x, fact: boot.dbx_entries, op: at_least, value: 9}\n",
	 "p.yaml:11:19: \"boot.dbx_entries\" is never known: PCR 7 is in unlogged; take it out"},
	/* software, and policies without PCRs */
	{HEAD APPLIES "ask: {interval: 60s, patience: 3}\n",
	 "p.yaml:4:6: nothing is compared with reference values: ask for PCRs"},
	{HEAD APPLIES "ask: {interval: 60s, patience: 3, banks: [sha256]}\n",
	 "p.yaml:4:6: banks and pcrs stand together"},
	{HEAD APPLIES "ask: {interval: 60s, patience: 3}\n" REFS,
	 "p.yaml:5:20: references compare PCRs, but ask has none"},
	{HEAD APPLIES "ask: {interval: 60s, patience: 3}\nsoftware: {items: [{name: a}]}\n" RULES
		      "  - {id: x, fact: boot.log, op: equals, value: true}\n",
	 "p.yaml:7:19: \"boot.log\" is never known: ask has no PCRs"},
	{HEAD APPLIES "ask: {interval: 60s, patience: 3}\n"
		      "software: {items: [{name: a, match: none}]}\n",
	 "p.yaml:4:6: nothing is compared with reference values"},
	{SOUND "software: {items: []}\n", "p.yaml:10:19: items needs 1 to 64 entries, not 0"},
	{SOUND "software: {items: [{name: a}, {name: a}]}\n",
	 "p.yaml:10:38: item \"a\" stands twice"},
	{SOUND "software: {items: [{name: a, at_least: 1.0.0}]}\n",
	 "p.yaml:10:40: versions need \"order: semver\" or \"order: debian\""},
	{SOUND "software: {items: [{name: a, rollback: restrict}]}\n",
	 "p.yaml:10:40: rollback needs \"order: semver\" or \"order: debian\""},
	{SOUND "software: {items: [{name: a, order: semver, at_least: 1.x.0}]}\n",
	 "p.yaml:10:55: \"1.x.0\" is no semver version"},
	{SOUND "software: {items: [{name: a, on_fail: quarantine, on_missing: report}]}\n",
	 "p.yaml:10:63: on_missing is milder than on_fail"},
	{SOUND "software: {items: [{nam: a}]}\n",
	 "p.yaml:10:20: key \"name\" is missing"},
	{SOUND "software: {items: [{name: a, match: any}]}\n",
	 "p.yaml:10:37: \"any\" is no value of match; did you mean \"none\"?"},
	{SOUND "software: {items: [{name: a}], others: ignore}\n",
	 "p.yaml:10:40: \"ignore\" is no value of others"},
};

static void
each_mistake_is_told_with_its_place(void **state)
{
	unsigned missed = 0;
	struct span c;

	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
		const struct wrong *w = &wrongs[i];

		if (compile(w->yaml, &c) == ASSAY_MALFORMED && errs.count >= 1 &&
		    strncmp(errs.e[0].text, w->message, strlen(w->message)) == 0)
			continue;
		print_error("%zu: \"%s\", expected \"%s\"\n", i,
			    errs.count ? errs.e[0].text : "", w->message);
		missed++;
	}
	assert_int_equal(missed, 0);
}

/* Nothing is taken unless the policy says so. */
static void
offline_evidence_is_taken_for_as_long_as_the_policy_says(void **state)
{
	struct policy_info info;
	struct span c;

	(void)state;
	assert_int_equal(compile(SOUND, &c), ASSAY_OK);
	assert_int_equal(policy_info(c, &info), ASSAY_OK);
	assert_int_equal(info.offline_max_age_s, 0);
	assert_int_equal(compile(SOUND "offline: {max_age: 90d}\n", &c), ASSAY_OK);
	assert_int_equal(policy_info(c, &info), ASSAY_OK);
	assert_int_equal(info.offline_max_age_s, 90 * 86400);
}

static void
all_mistakes_are_told_at_once_in_order_and_bounded(void **state)
{
	static char yaml[4096] = SOUND;
	struct span c;

	(void)state;
	for (int i = 0; i < 40; i++)
		snprintf(yaml + strlen(yaml), 32, "zz%d: 1\n", i);
	assert_int_equal(compile(yaml, &c), ASSAY_MALFORMED);
	assert_int_equal(errs.count, YAML_ERRORS_MAX);
	assert_true(errs.more);
	for (unsigned i = 1; i < errs.count; i++)
		assert_true(errs.e[i].line > errs.e[i - 1].line);
}

static void
more_keys_than_any_file_has_are_refused(void **state)
{
	static char yaml[4096];
	struct span c;

	(void)state;
	for (int i = 0; i <= YAML_KEYS_MAX; i++)
		snprintf(yaml + strlen(yaml), 32, "zz%d: 1\n", i);
	assert_int_equal(compile(yaml, &c), ASSAY_MALFORMED);
	assert_non_null(strstr(errs.e[0].text, "p.yaml:65:1: too many keys"));
}

static void
control_characters_of_a_file_do_not_reach_the_terminal(void **state)
{
	struct span c;

	(void)state;
	assert_int_equal(compile(SOUND "\"\\e[2Jz\": 1\n", &c), ASSAY_MALFORMED);
	assert_non_null(strstr(errs.e[0].text, "\\x1b[2Jz"));
}

static void
what_is_too_large_is_refused(void **state)
{
	char *big = calloc(1, YAML_BYTES_MAX + 2);
	struct span c;

	(void)state;
	assert_non_null(big);
	memset(big, '#', YAML_BYTES_MAX + 1);
	assert_int_equal(compile(big, &c), ASSAY_MALFORMED);
	assert_non_null(strstr(errs.e[0].text, "larger than"));
	big[YAML_BYTES_MAX] = '\0';
	big[0] = '[';
	for (size_t i = 1; i < YAML_BYTES_MAX; i++)
		big[i] = i % 2 ? '1' : ',';
	assert_int_equal(compile(big, &c), ASSAY_MALFORMED);
	if (!strstr(errs.e[0].text, "too many entries"))
		fail_msg("%s", errs.e[0].text);
	free(big);
}

static void
shipped_policies_compile(void **state)
{
	static const char *const files[] = {"policies/gateway.yaml", "policies/controller.yaml",
					    "policies/gateway-strict.yaml",
					    "policies/gateway-learning.yaml",
					    "policies/virtual-machine.yaml",
					    "policies/default.yaml"};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct span y = unit_file(files[i]);
		struct policy_info info;
		struct writer w;

		wr_init(&w, out, sizeof out);
		if (policy_compile(y, files[i], &w, &errs) != ASSAY_OK)
			fail_msg("%s", errs.count ? errs.e[0].text : files[i]);
		assert_int_equal(policy_info(wr_span(&w), &info), ASSAY_OK);
		unit_free(y);
	}
}

/* ---- the documentation ---- */

static char *doc;

static void
assert_documented(const char *line)
{
	if (!strstr(doc, line))
		fail_msg("docs/policy.md lacks: %s", line);
}

static void
document_fact(const struct fact_info *f)
{
	char name[80], line[256];

	if (f->indexed)
		snprintf(name, sizeof name, "%s[0..%u]", f->name, f->indexed - 1u);
	else
		snprintf(name, sizeof name, "%s", f->name);
	snprintf(line, sizeof line, "\n| `%s` | %s | %s | %s |\n", name, fact_type_name(f->type),
		 provenance_name(f->provenance), f->doc);
	assert_documented(line);
}

static void
docs_have_every_fact_operator_and_finding_as_the_code_has_it(void **state)
{
	static const char *const ops[] = {
#define X(op, word, text) "\n| `" word "` | " text " |\n",
		POLICY_OPS(X)
#undef X
	};
	struct span d = unit_file("docs/policy.md");
	char line[256];

	(void)state;
	doc = strndup((const char *)d.p, d.n);
	assert_non_null(doc);
	for (unsigned i = 1; i < FACT_COUNT; i++)
		if (fact_info((enum fact_id)i))
			document_fact(fact_info((enum fact_id)i));
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
		assert_documented(ops[i]);
	for (unsigned i = 1; i < BOOTFIND_COUNT; i++) {
		snprintf(line, sizeof line, "\n| `%s` | %s |\n",
			 boot_finding_word((enum boot_finding_code)i),
			 boot_finding_text((enum boot_finding_code)i));
		assert_documented(line);
	}
	free(doc);
	unit_free(d);
}

static void
the_policy_in_the_docs_compiles(void **state)
{
	struct span d = unit_file("docs/policy.md"), c;
	char *text = strndup((const char *)d.p, d.n), *begin, *end;

	(void)state;
	assert_non_null(text);
	begin = strstr(text, "```yaml\n");
	assert_non_null(begin);
	begin += 8;
	end = strstr(begin, "```");
	assert_non_null(end);
	*end = '\0';
	if (compile(begin, &c) != ASSAY_OK)
		fail_msg("%s", errs.e[0].text);
	free(text);
	unit_free(d);
}

/* ---- the compiled form ---- */

static void
mutant_is_refused_or_stays_within_its_bounds(struct span m, const char *what, void *arg)
{
	struct policy_info info;
	unsigned *sound = arg;

	(void)what;
	if (policy_info(m, &info) != ASSAY_OK)
		return;
	(*sound)++;
	assert_true(info.max_age_s <= info.interval_s * info.patience);
	assert_true(info.ask.count > 0 && info.ask.count <= PCR_BANKS_MAX);
	assert_true(strlen(info.name) > 0 && strlen(info.name) <= POLICY_NAME_MAX);
}

static void
every_altered_compiled_policy_is_refused_or_bounded(void **state)
{
	unsigned sound = 0;
	struct span c;
	uint8_t *copy;

	(void)state;
	assert_int_equal(compile(SOUND RULES RULE, &c), ASSAY_OK);
	copy = malloc(c.n);
	assert_non_null(copy);
	memcpy(copy, c.p, c.n);
	unit_mutate(SPAN(copy, c.n), 0, mutant_is_refused_or_stays_within_its_bounds, &sound);
	assert_true(sound > 0); /* a flip in a name is a policy of that name */
	free(copy);
}

static void
the_most_specific_policy_judges(void **state)
{
	struct policy_info any = {.class_name = "*"}, gw = {.class_name = "gateway"},
			   canary = {.class_name = "gateway", .labels = "ring=canary"}, none = {0};

	(void)state;
	assert_int_equal(policy_rank(&none, "gateway", ""), 0);
	assert_int_equal(policy_rank(&any, "gateway", "site=x"), 1);
	assert_int_equal(policy_rank(&gw, "gateway", "site=x"), 2);
	assert_int_equal(policy_rank(&gw, "gatewa", "site=x"), 0);
	assert_int_equal(policy_rank(&canary, "gateway", "site=x ring=canary"), 3);
	assert_int_equal(policy_rank(&canary, "gateway", "ring=canary2"), 0);
	assert_int_equal(policy_rank(&canary, "gateway", ""), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_policy_compiles_to_what_it_says),
		cmocka_unit_test(a_workaround_compiles_to_what_it_says),
		cmocka_unit_test(the_bytes_depend_on_the_meaning_alone),
		cmocka_unit_test(each_mistake_is_told_with_its_place),
		cmocka_unit_test(offline_evidence_is_taken_for_as_long_as_the_policy_says),
		cmocka_unit_test(all_mistakes_are_told_at_once_in_order_and_bounded),
		cmocka_unit_test(more_keys_than_any_file_has_are_refused),
		cmocka_unit_test(control_characters_of_a_file_do_not_reach_the_terminal),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(shipped_policies_compile),
		cmocka_unit_test(docs_have_every_fact_operator_and_finding_as_the_code_has_it),
		cmocka_unit_test(the_policy_in_the_docs_compiles),
		cmocka_unit_test(every_altered_compiled_policy_is_refused_or_bounded),
		cmocka_unit_test(the_most_specific_policy_judges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
