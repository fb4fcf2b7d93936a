/* policy_schema.c: the keys of a policy file, for libcyaml and yaml_check(). */
#include "policy_source.h"

#define OPTIONAL (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define REQUIRED CYAML_FLAG_POINTER
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const cyaml_strval_t modes[] = {{"enforce", 0}, {"monitor", 1}};
static const cyaml_strval_t event_words[] = {{"compare", 0}, {"ignore", 1}};
static const cyaml_strval_t outcomes[] = {
	{"quarantine", SRC_QUARANTINE}, {"restrict", SRC_RESTRICT}, {"report", SRC_REPORT}};
static const cyaml_strval_t learned_words[] = {{"restrict", SRC_RESTRICT},
					       {"quarantine", SRC_QUARANTINE}};
static const cyaml_strval_t tiers[] = {{"tpm", TIER_TPM},
				       {"virtual-tpm", TIER_VTPM},
				       {"dice", TIER_DICE},
				       {"token", TIER_TOKEN},
				       {"software", TIER_SOFTWARE}};
static const cyaml_strval_t severities[] = {{"info", SEV_INFO + 1},
					    {"low", SEV_LOW + 1},
					    {"medium", SEV_MEDIUM + 1},
					    {"high", SEV_HIGH + 1},
					    {"critical", SEV_CRITICAL + 1}};
static const cyaml_strval_t claims[] = {{"instance-identity", AR4SI_INSTANCE_IDENTITY + 1},
					{"configuration", AR4SI_CONFIGURATION + 1},
					{"executables", AR4SI_EXECUTABLES + 1},
					{"file-system", AR4SI_FILE_SYSTEM + 1},
					{"hardware", AR4SI_HARDWARE + 1},
					{"runtime-opaque", AR4SI_RUNTIME_OPAQUE + 1},
					{"storage-opaque", AR4SI_STORAGE_OPAQUE + 1},
					{"sourced-data", AR4SI_SOURCED_DATA + 1}};
static const cyaml_strval_t orders[] = {{"semver", ORDER_SEMVER}, {"debian", ORDER_DEBIAN}};
static const cyaml_strval_t match_words[] = {{"reference", 0}, {"none", 1}};
static const cyaml_strval_t rollback_words[] = {{"quarantine", SRC_QUARANTINE},
						{"restrict", SRC_RESTRICT},
						{"report", SRC_REPORT},
						{"follow", SRC_FOLLOW}};
static const cyaml_strval_t ops[] = {
#define X(op, word, doc) {word, OP_##op},
	POLICY_OPS(X)
#undef X
};

static const cyaml_schema_value_t pcr_item = {CYAML_VALUE_STRING(REQUIRED, char *, 1, 5)};
static const cyaml_schema_value_t bank_item = {CYAML_VALUE_STRING(REQUIRED, char *, 1, 16)};
static const cyaml_schema_value_t label_item = {CYAML_VALUE_STRING(REQUIRED, char *, 1, 64)};
static const cyaml_schema_value_t value_item = {
	CYAML_VALUE_STRING(REQUIRED, char *, 1, POLICY_VALUE_MAX)};

static const cyaml_schema_field_t applies_fields[] = {
	CYAML_FIELD_STRING_PTR("class", REQUIRED, struct policy_source, applies_to.class_name, 1,
			       DEVICE_CLASS_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("labels", OPTIONAL, struct policy_source, applies_to.labels,
				   applies_to.labels_count, &label_item, 0, 16),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t ask_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("banks", OPTIONAL, struct policy_source, ask.banks,
				   ask.banks_count, &bank_item, 1, PCR_BANKS_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("pcrs", OPTIONAL, struct policy_source, ask.pcrs, ask.pcrs_count,
				   &pcr_item, 1, PCR_COUNT),
	CYAML_FIELD_STRING_PTR("interval", REQUIRED, struct policy_source, ask.interval, 1, 16),
	CYAML_FIELD_UINT("patience", CYAML_FLAG_DEFAULT, struct policy_source, ask.patience),
	CYAML_FIELD_STRING_PTR("max_age", OPTIONAL, struct policy_source, ask.max_age, 1, 16),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t references_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("pcrs", REQUIRED, struct policy_source, references.pcrs,
				   references.pcrs_count, &pcr_item, 1, PCR_COUNT),
	CYAML_FIELD_SEQUENCE_COUNT("unlogged", OPTIONAL, struct policy_source, references.unlogged,
				   references.unlogged_count, &pcr_item, 0, PCR_COUNT),
	CYAML_FIELD_ENUM("events", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 references.ignore_events, event_words, COUNT_OF(event_words)),
	CYAML_FIELD_ENUM("on_fail", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 references.on_fail, outcomes, 2),
	CYAML_FIELD_ENUM("learned", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 references.learned, learned_words, COUNT_OF(learned_words)),
	CYAML_FIELD_ENUM("baseline", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 references.baseline, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_ENUM("last_boot", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 references.last_boot, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_ENUM("dbx_back", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 references.dbx_back, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t allow_fields[] = {
	CYAML_FIELD_BOOL("ek_expired", CYAML_FLAG_OPTIONAL, struct policy_source, allow.ek_expired),
	CYAML_FIELD_BOOL("virtual_tpm", CYAML_FLAG_OPTIONAL, struct policy_source,
			 allow.virtual_tpm),
	CYAML_FIELD_BOOL("sha1_only", CYAML_FLAG_OPTIONAL, struct policy_source, allow.sha1_only),
	CYAML_FIELD_ENUM("lowest_tier", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
			 struct policy_source, allow.lowest_tier, tiers, COUNT_OF(tiers)),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t offline_fields[] = {
	CYAML_FIELD_STRING_PTR("max_age", REQUIRED, struct policy_source, offline.max_age, 1, 16),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t tolerate_fields[] = {
	CYAML_FIELD_STRING_PTR("id", REQUIRED, struct source_workaround, id, 1,
			       FINDING_RULE_MAX - 1),
	CYAML_FIELD_STRING_PTR("finding", REQUIRED, struct source_workaround, finding, 1,
			       FINDING_SUBJECT_MAX - 1),
	CYAML_FIELD_SEQUENCE_COUNT("pcrs", REQUIRED, struct source_workaround, pcrs, pcrs_count,
				   &pcr_item, 1, PCR_COUNT),
	CYAML_FIELD_STRING_PTR("event", OPTIONAL, struct source_workaround, event, 1, 64),
	CYAML_FIELD_STRING_PTR("manufacturer", OPTIONAL, struct source_workaround, manufacturer, 1,
			       POLICY_PATTERN_MAX),
	CYAML_FIELD_STRING_PTR("model", OPTIONAL, struct source_workaround, model, 1,
			       POLICY_PATTERN_MAX),
	CYAML_FIELD_STRING_PTR("firmware", OPTIONAL, struct source_workaround, firmware, 1,
			       POLICY_PATTERN_MAX),
	CYAML_FIELD_STRING_PTR("reason", REQUIRED, struct source_workaround, reason, 1,
			       POLICY_REASON_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t rule_fields[] = {
	CYAML_FIELD_STRING_PTR("id", REQUIRED, struct source_rule, id, 1, FINDING_RULE_MAX - 1),
	CYAML_FIELD_STRING_PTR("fact", REQUIRED, struct source_rule, fact, 1,
			       FINDING_SUBJECT_MAX - 1),
	CYAML_FIELD_ENUM("op", CYAML_FLAG_STRICT, struct source_rule, op, ops, COUNT_OF(ops)),
	CYAML_FIELD_ENUM("order", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_rule,
			 order, orders, COUNT_OF(orders)),
	CYAML_FIELD_STRING_PTR("value", OPTIONAL, struct source_rule, value, 1, POLICY_VALUE_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("values", OPTIONAL, struct source_rule, values, values_count,
				   &value_item, 0, POLICY_VALUES_MAX),
	CYAML_FIELD_ENUM("on_fail", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_rule,
			 on_fail, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_ENUM("on_missing", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_rule,
			 on_missing, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_BOOL("optional", CYAML_FLAG_OPTIONAL, struct source_rule, optional),
	CYAML_FIELD_ENUM("severity", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_rule,
			 severity, severities, COUNT_OF(severities)),
	CYAML_FIELD_ENUM("claim", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_rule,
			 claim, claims, COUNT_OF(claims)),
	CYAML_FIELD_STRING_PTR("remediation", OPTIONAL, struct source_rule, remediation, 1,
			       FINDING_REMEDY_MAX - 1),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t tolerate_item = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct source_workaround, tolerate_fields)};
static const cyaml_schema_value_t rule_item = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct source_rule, rule_fields)};

static const cyaml_schema_field_t item_fields[] = {
	CYAML_FIELD_STRING_PTR("name", REQUIRED, struct source_software, name, 1, POLICY_ITEM_MAX),
	CYAML_FIELD_ENUM("match", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_software,
			 unchecked, match_words, COUNT_OF(match_words)),
	CYAML_FIELD_ENUM("order", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_software,
			 order, orders, COUNT_OF(orders)),
	CYAML_FIELD_STRING_PTR("at_least", OPTIONAL, struct source_software, at_least, 1,
			       VERSION_TEXT_MAX),
	CYAML_FIELD_ENUM("rollback", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
			 struct source_software, rollback, rollback_words,
			 COUNT_OF(rollback_words)),
	CYAML_FIELD_ENUM("on_fail", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct source_software,
			 on_fail, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_ENUM("on_missing", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
			 struct source_software, on_missing, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_ENUM("severity", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
			 struct source_software, severity, severities, COUNT_OF(severities)),
	CYAML_FIELD_STRING_PTR("remediation", OPTIONAL, struct source_software, remediation, 1,
			       FINDING_REMEDY_MAX - 1),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t software_item = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct source_software, item_fields)};

static const cyaml_schema_field_t software_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("items", REQUIRED, struct policy_source, software.items,
				   software.items_count, &software_item, 1, POLICY_SOFTWARE_MAX),
	CYAML_FIELD_ENUM("learned", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 software.learned, learned_words, COUNT_OF(learned_words)),
	CYAML_FIELD_ENUM("others", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 software.others, outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_END,
};

/* The inner mappings' fields name members of the whole struct, so they sit at 0. */
#define SECTION(key_, flags_, fields_)                                                             \
	{                                                                                          \
		.key = (key_), .value = {                                                          \
			.type = CYAML_MAPPING,                                                     \
			.flags = (flags_),                                                         \
			.data_size = sizeof(struct policy_source),                                 \
			.mapping = {.fields = (fields_)}                                           \
		}                                                                                  \
	}

static const cyaml_schema_field_t policy_fields[] = {
	CYAML_FIELD_STRING_PTR("policy", REQUIRED, struct policy_source, policy, 1,
			       POLICY_NAME_MAX),
	CYAML_FIELD_UINT("version", CYAML_FLAG_DEFAULT, struct policy_source, version),
	CYAML_FIELD_STRING_PTR("description", OPTIONAL, struct policy_source, description, 1, 512),
	SECTION("applies_to", CYAML_FLAG_DEFAULT, applies_fields),
	CYAML_FIELD_ENUM("mode", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct policy_source,
			 monitor, modes, COUNT_OF(modes)),
	SECTION("ask", CYAML_FLAG_DEFAULT, ask_fields),
	SECTION("references", CYAML_FLAG_OPTIONAL, references_fields),
	SECTION("allow", CYAML_FLAG_OPTIONAL, allow_fields),
	SECTION("offline", CYAML_FLAG_OPTIONAL, offline_fields),
	CYAML_FIELD_SEQUENCE_COUNT("tolerate", OPTIONAL, struct policy_source, workarounds,
				   workarounds_count, &tolerate_item, 0, POLICY_WORKAROUNDS_MAX),
	SECTION("software", CYAML_FLAG_OPTIONAL, software_fields),
	CYAML_FIELD_MAPPING_PTR("ima", OPTIONAL, struct policy_source, ima, policy_ima_fields),
	CYAML_FIELD_SEQUENCE_COUNT("rules", OPTIONAL, struct policy_source, rules, rules_count,
				   &rule_item, 0, POLICY_RULES_MAX),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t policy_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct policy_source, policy_fields)};
