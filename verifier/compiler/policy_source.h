/*
 * policy_source.h: a policy as libcyaml loads it, and what its two compilers share.
 */
#ifndef COMPILER_POLICY_SOURCE_H
#define COMPILER_POLICY_SOURCE_H

#include "verifier/appraise/policy.h"
#include "yaml_locate.h"

/* Enumerations of the file; 0 is "not said". */
enum source_outcome { SRC_OUT_UNSAID = 0, SRC_QUARANTINE, SRC_RESTRICT, SRC_REPORT, SRC_FOLLOW };

struct source_rule {
	char *id, *fact;
	int op;	   /* enum policy_op */
	int order; /* enum version_order */
	char *value;
	char **values;
	unsigned values_count;
	enum source_outcome on_fail, on_missing;
	bool optional;
	int severity; /* enum severity + 1 */
	int claim;    /* enum ar4si_claim + 1 */
	char *remediation;
};

struct source_workaround {
	char *id, *finding, *manufacturer, *model, *firmware, *event, *reason;
	char **pcrs;
	unsigned pcrs_count;
};

struct source_software {
	char *name, *at_least, *remediation;
	bool unchecked; /* match */
	int order;	/* enum version_order */
	enum source_outcome rollback, on_fail, on_missing;
	int severity; /* enum severity + 1 */
};

struct source_ima_path {
	char *match, *keyring, *reason;
	int need; /* index in IMA_NEEDS + 1 */
};

struct source_ima_keyring {
	char *name, *certificates;
	bool runtime, allow_expired;
};

struct source_ima_outcome {
	int finding; /* enum ima_matter */
	enum source_outcome outcome;
	int severity; /* enum severity + 1 */
	char *remediation;
};

struct source_ima {
	char **lists;
	unsigned lists_count;
	bool weak_digests;
	int need; /* index in IMA_NEEDS + 1 */
	struct source_ima_path *paths;
	unsigned paths_count;
	struct source_ima_keyring *keyrings;
	unsigned keyrings_count;
	struct source_ima_outcome *outcomes;
	unsigned outcomes_count;
};

struct policy_source {
	char *policy, *description;
	unsigned version;
	struct {
		char *class_name;
		char **labels;
		unsigned labels_count;
	} applies_to;
	bool monitor; /* mode */
	struct {
		char **banks, **pcrs;
		unsigned banks_count, pcrs_count;
		char *interval, *max_age;
		unsigned patience;
	} ask;
	struct {
		char **pcrs, **unlogged;
		unsigned pcrs_count, unlogged_count;
		bool ignore_events; /* events */
		enum source_outcome on_fail, learned, baseline, last_boot, dbx_back;
	} references;
	struct {
		bool ek_expired, virtual_tpm, sha1_only;
		int lowest_tier; /* enum tier */
	} allow;
	struct {
		char *max_age;
	} offline;
	struct source_workaround *workarounds; /* tolerate */
	unsigned workarounds_count;
	struct {
		struct source_software *items;
		unsigned items_count;
		enum source_outcome learned, others;
	} software;
	struct source_ima *ima; /* NULL: not in the file */
	struct source_rule *rules;
	unsigned rules_count;
};

extern const cyaml_schema_value_t policy_schema;
extern const cyaml_schema_field_t policy_ima_fields[]; /* policy_schema_ima.c */

struct compile {
	const struct yaml_doc *doc;
	struct yaml_errors *errs;
	const struct policy_source *src;
	struct policy policy;
	uint32_t asked; /* PCRs, whatever the bank */
	uint8_t *ima;	/* compiled section; malloc'd */
};

/* One rule on its way: what is written, and where it stands. */
struct rule_job {
	const struct source_rule *src;
	const struct yaml_node *at;
	const struct fact_info *fact; /* NULL: there is no such fact */
	struct policy_rule rule;
	struct policy_value values[POLICY_VALUES_MAX];
};

/* Where `section.key` stands; section NULL: at the top. Never NULL: the nearest
 * enclosing place if the key is not in the file. */
const struct yaml_node *source_at(const struct compile *c, const char *section, const char *key);
void source_error(struct compile *c, const struct yaml_node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* enum outcome of a word; unsaid: the given one. */
uint8_t source_outcome(enum source_outcome o, enum outcome unsaid);

/* The mask of a list of PCRs, "4" or "0-7"; list is where it stands. */
uint32_t source_pcrs(struct compile *c, const struct yaml_node *list, char **items, unsigned n);
/* The value of a fact as it is written, with units; false: it has not the fact's form. */
bool source_value(enum fact_id id, const char *text, struct policy_value *ret);
bool source_printable(const char *s);
/* Whether it is a name for a rule or a workaround; tells it if not. */
bool source_id(struct compile *c, const struct yaml_node *at, const char *id);

/* policy_compile_tolerate.c: to c->policy, before the head is written. */
void policy_compile_workarounds(struct compile *c);
/* policy_compile_software.c: to c->policy, before the head is written. */
void policy_compile_software(struct compile *c);
/* policy_compile_ima.c: to c->policy.ima, before the head is written. */
void policy_compile_ima(struct compile *c);
/* "remediation" of a rule or an item: one line, its placeholders known. */
struct span source_remediation(struct compile *c, const struct yaml_node *at, const char *text);
/* policy_compile_reach.c: rules that can say nothing, or that nobody can meet. */
void policy_compile_reach(struct compile *c, const struct rule_job *jobs, unsigned n);
/* policy_compile_rule.c: the rules, checked and written; head is written before. */
void policy_compile_rules(struct compile *c, struct writer *out);

#endif
