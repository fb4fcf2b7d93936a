/* policy_schema_ima.c: the keys of a policy's section `ima`, for libcyaml and yaml_check(). */
#include "policy_source.h"

#define OPTIONAL (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define REQUIRED CYAML_FLAG_POINTER
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define CERTIFICATES_MAX (256u << 10) /* characters of PEM */

/* In the order of IMA_NEEDS; 0 is "not said". */
static const cyaml_strval_t needs[] = {
	{"path", 1},
	{"digest", 2},
	{"signature", 3},
	{"path-or-signature", 4},
	{"digest-or-signature", 5},
	{"path-and-signature", 6},
	{"digest-and-signature", 7},
	{"nothing", 8},
};
#define NEEDS_OF_THE_REST 7 /* all but nothing */

static const cyaml_strval_t outcomes[] = {
	{"quarantine", SRC_QUARANTINE}, {"restrict", SRC_RESTRICT}, {"report", SRC_REPORT}};
static const cyaml_strval_t severities[] = {{"info", SEV_INFO + 1},
					    {"low", SEV_LOW + 1},
					    {"medium", SEV_MEDIUM + 1},
					    {"high", SEV_HIGH + 1},
					    {"critical", SEV_CRITICAL + 1}};
static const cyaml_strval_t matters[] = {
#define X(id, word, finding, unsaid) {word, IMA_MATTER_##id},
	IMA_MATTERS(X)
#undef X
};

static const cyaml_schema_field_t path_fields[] = {
	CYAML_FIELD_STRING_PTR("match", REQUIRED, struct source_ima_path, match, 1, 255),
	CYAML_FIELD_ENUM("need", CYAML_FLAG_STRICT, struct source_ima_path, need, needs,
			 COUNT_OF(needs)),
	CYAML_FIELD_STRING_PTR("keyring", OPTIONAL, struct source_ima_path, keyring, 1,
			       IMA_KEYRING_NAME_MAX),
	CYAML_FIELD_STRING_PTR("reason", OPTIONAL, struct source_ima_path, reason, 1,
			       IMA_REASON_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t keyring_fields[] = {
	CYAML_FIELD_STRING_PTR("name", REQUIRED, struct source_ima_keyring, name, 1,
			       IMA_KEYRING_NAME_MAX),
	CYAML_FIELD_STRING_PTR("certificates", REQUIRED, struct source_ima_keyring, certificates,
			       1, CERTIFICATES_MAX),
	CYAML_FIELD_BOOL("runtime", CYAML_FLAG_OPTIONAL, struct source_ima_keyring, runtime),
	CYAML_FIELD_BOOL("allow_expired", CYAML_FLAG_OPTIONAL, struct source_ima_keyring,
			 allow_expired),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t outcome_fields[] = {
	CYAML_FIELD_ENUM("finding", CYAML_FLAG_STRICT, struct source_ima_outcome, finding,
			 matters, COUNT_OF(matters)),
	CYAML_FIELD_ENUM("outcome", CYAML_FLAG_STRICT, struct source_ima_outcome, outcome,
			 outcomes, COUNT_OF(outcomes)),
	CYAML_FIELD_ENUM("severity", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
			 struct source_ima_outcome, severity, severities, COUNT_OF(severities)),
	CYAML_FIELD_STRING_PTR("remediation", OPTIONAL, struct source_ima_outcome, remediation, 1,
			       IMA_REMEDY_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t list_item = {CYAML_VALUE_STRING(REQUIRED, char *, 1, 64)};
static const cyaml_schema_value_t path_item = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct source_ima_path, path_fields)};
static const cyaml_schema_value_t keyring_item = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct source_ima_keyring, keyring_fields)};
static const cyaml_schema_value_t outcome_item = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct source_ima_outcome, outcome_fields)};

const cyaml_schema_field_t policy_ima_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("lists", OPTIONAL, struct source_ima, lists, lists_count,
				   &list_item, 1, IMA_LISTS_MAX),
	CYAML_FIELD_BOOL("weak_digests", CYAML_FLAG_OPTIONAL, struct source_ima, weak_digests),
	CYAML_FIELD_ENUM("need", CYAML_FLAG_STRICT, struct source_ima, need, needs,
			 NEEDS_OF_THE_REST),
	CYAML_FIELD_SEQUENCE_COUNT("paths", OPTIONAL, struct source_ima, paths, paths_count,
				   &path_item, 0, IMA_PATHS_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("keyrings", OPTIONAL, struct source_ima, keyrings,
				   keyrings_count, &keyring_item, 0, IMA_KEYRINGS_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("outcomes", OPTIONAL, struct source_ima, outcomes,
				   outcomes_count, &outcome_item, 0, IMA_MATTER_COUNT),
	CYAML_FIELD_END,
};
