/* envelope_scan.c: see envelope_scan.h. */
#include "envelope_scan.h"

/* https://protobuf.dev/programming-guides/encoding/ */
#define WIRE_VARINT 0
#define WIRE_BYTES 2

#define VARINT_BYTES_MAX 10

#define KEY_NAME_MIN 4
#define KEY_NAME_MAX 66
#define TPM_PUBLIC_MAX 1024
#define ATTEST_MAX 2048
#define SIGNATURE_MAX 1024
#define PCR_VALUES_MAX (PCR_COUNT * DIGEST_MAX)
#define PCR_MASK_MAX ((1u << PCR_COUNT) - 1)
#define BOOT_LOG_MAX (1u << 20)
#define DEVICE_ID_CHARS 32
#define ALG_MAX 0xFFFFu

#define UINT(no, req, lo, hi) {no, FIELD_UINT, req, 1, lo, hi, NULL}
#define BOOL(no) {no, FIELD_BOOL, false, 1, 1, 1, NULL}
#define BYTES(no, req, n, lo, hi) {no, FIELD_BYTES, req, n, lo, hi, NULL}
#define TEXT(no, req, n, hi) {no, FIELD_TEXT, req, n, 1, hi, NULL}
#define BANKS(no) {no, FIELD_PACKED, false, PCR_BANKS_MAX, 1, ALG_MAX, NULL}
#define NESTED(no, req, n, rule) {no, FIELD_MESSAGE, req, n, 1, MSG_MAX, rule}
#define MUST true
#define MAY false

static const struct message_rule pcr_bank_rule = {
	PCR_VALUES_MAX + 32, 3,
	{UINT(1, MUST, 1, ALG_MAX), UINT(2, MUST, 1, PCR_MASK_MAX),
	 BYTES(3, MUST, 1, 1, PCR_VALUES_MAX)}};

static const struct message_rule quote_rule = {
	ATTEST_MAX + SIGNATURE_MAX + 16, 2,
	{BYTES(1, MUST, 1, 1, ATTEST_MAX), BYTES(2, MUST, 1, 1, SIGNATURE_MAX)}};

static const struct message_rule software_rule = {
	512, 8,
	{TEXT(1, MUST, 1, MSG_ITEM_NAME_MAX), TEXT(2, MAY, 1, 32),
	 TEXT(3, MAY, 1, MSG_VERSION_TEXT_MAX), UINT(4, MAY, 1, ALG_MAX),
	 BYTES(5, MAY, 1, 1, DIGEST_MAX), TEXT(6, MAY, 1, MSG_NOTE_MAX),
	 UINT(7, MAY, 1, UINT64_MAX), UINT(8, MAY, 1, UINT32_MAX)}};

static const struct message_rule health_rule = {
	512, 3, {TEXT(1, MUST, 1, 64), TEXT(2, MAY, 1, MSG_VALUE_MAX), TEXT(3, MAY, 1, 128)}};

static const struct message_rule setting_rule = {
	640, 4,
	{TEXT(1, MUST, 1, MSG_ITEM_NAME_MAX), TEXT(2, MUST, 1, 128), TEXT(3, MAY, 1, MSG_VALUE_MAX),
	 TEXT(4, MAY, 1, MSG_NOTE_MAX)}};

static const struct message_rule selection_rule = {
	32, 2, {UINT(1, MUST, 1, ALG_MAX), UINT(2, MUST, 1, PCR_MASK_MAX)}};

static const struct message_rule want_rule = {
	32, 4,
	{UINT(1, MUST, PART_CLAIMS, PART_FILES), UINT(2, MAY, 1, UINT64_MAX),
	 UINT(3, MUST, 1, UINT64_MAX), UINT(4, MAY, 1, MSG_SOFTWARE_MAX)}};

static const struct rule_of {
	unsigned type;
	struct message_rule rule;
} rules[] = {
	{MSG_HELLO,
	 {MSG_HELLO_MAX - 1, 4,
	  {UINT(1, MUST, 1, UINT32_MAX), BYTES(2, MUST, 1, KEY_NAME_MIN, KEY_NAME_MAX), BANKS(3),
	   TEXT(4, MAY, 1, MSG_AGENT_MAX)}}},
	{MSG_ENROL,
	 {MSG_ENROL_MAX - 1, 9,
	  {UINT(1, MUST, 1, UINT32_MAX), BYTES(2, MUST, 1, 1, TPM_PUBLIC_MAX),
	   BYTES(3, MAY, 1, 1, MSG_CERT_MAX), BYTES(4, MAY, MSG_CHAIN_MAX, 1, MSG_CERT_MAX),
	   BYTES(5, MUST, 1, 1, TPM_PUBLIC_MAX), TEXT(6, MAY, 1, MSG_TOKEN_FIELD_MAX),
	   TEXT(7, MAY, 1, MSG_TOKEN_FIELD_MAX), BANKS(8), TEXT(9, MAY, 1, MSG_AGENT_MAX)}}},
	{MSG_ENROL_KEY,
	 {MSG_ENROL_KEY_MAX - 1, 7,
	  {UINT(1, MUST, 1, UINT32_MAX), BYTES(2, MUST, 1, 1, MSG_KEY_MAX),
	   BYTES(3, MAY, MSG_CHAIN_MAX, 1, MSG_CERT_MAX),
	   BYTES(4, MAY, MSG_LAYERS_MAX, 1, MSG_LAYER_MAX), TEXT(5, MAY, 1, MSG_TOKEN_FIELD_MAX),
	   TEXT(6, MAY, 1, MSG_TOKEN_FIELD_MAX), TEXT(7, MAY, 1, MSG_AGENT_MAX)}}},
	{MSG_ACTIVATION,
	 {MSG_ACTIVATION_MAX - 1, 1, {BYTES(1, MUST, 1, MSG_SECRET_SIZE, MSG_SECRET_SIZE)}}},
	{MSG_PROOF,
	 {MSG_PROOF_MAX - 1, 6,
	  {NESTED(1, MAY, MSG_QUOTES_MAX, &quote_rule),
	   NESTED(2, MAY, PCR_BANKS_MAX, &pcr_bank_rule),
	   BYTES(3, MAY, 1, 1, MSG_CLAIMS_INLINE_MAX), BYTES(4, MUST, 1, 32, 32),
	   BYTES(5, MAY, 1, 1, MSG_KEY_SIGNATURE_MAX),
	   BYTES(6, MAY, MSG_LAYERS_MAX, 1, MSG_LAYER_MAX)}}},
	{MSG_PART,
	 {MSG_PART_MAX - 1, 4,
	  {UINT(1, MUST, PART_CLAIMS, PART_FILES), UINT(2, MAY, 1, UINT64_MAX),
	   BYTES(3, MAY, 1, 1, MSG_PART_DATA_MAX), BOOL(4)}}},
	{MSG_CHALLENGE,
	 {MSG_CHALLENGE_MAX - 1, 5,
	  {BYTES(1, MUST, 1, 32, 32), NESTED(2, MUST, PCR_BANKS_MAX, &selection_rule),
	   UINT(3, MUST, 1, UINT32_MAX), BOOL(4), BOOL(5)}}},
	{MSG_CREDENTIAL,
	 {MSG_CREDENTIAL_MAX - 1, 2, {BYTES(1, MUST, 1, 1, 1024), BYTES(2, MUST, 1, 1, 1024)}}},
	{MSG_ENROLLED,
	 {MSG_ENROLLED_MAX - 1, 2,
	  {{1, FIELD_TEXT, MUST, 1, DEVICE_ID_CHARS, DEVICE_ID_CHARS, NULL}, BOOL(2)}}},
	{MSG_NEED, {MSG_NEED_MAX - 1, 1, {NESTED(1, MUST, MSG_WANTS_MAX, &want_rule)}}},
	{MSG_DECISION,
	 {MSG_DECISION_MAX - 1, 6,
	  {UINT(1, MUST, 1, 3), TEXT(2, MAY, MSG_REASONS_MAX, MSG_REASON_TEXT_MAX),
	   TEXT(3, MAY, MSG_REASONS_MAX, MSG_REMEDIATION_TEXT_MAX),
	   BYTES(4, MAY, 1, 1, MSG_DECISION_MAX), UINT(5, MAY, 1, UINT32_MAX),
	   UINT(6, MAY, 1, UINT64_MAX)}}},
	{MSG_REFUSED, {MSG_REFUSED_MAX - 1, 2, {TEXT(1, MUST, 1, MSG_REASON_TEXT_MAX), BOOL(2)}}},
	{MSG_CLAIMS,
	 {MSG_CLAIMS_MAX, 13,
	  {BYTES(1, MAY, 1, 32, 32), UINT(2, MAY, 1, BOOT_LOG_MAX), BYTES(3, MAY, 1, 32, 32),
	   UINT(4, MAY, 1, UINT64_MAX), TEXT(5, MAY, 1, MSG_AGENT_MAX),
	   NESTED(6, MAY, MSG_SOFTWARE_MAX, &software_rule),
	   NESTED(7, MAY, MSG_HEALTH_MAX, &health_rule),
	   NESTED(8, MAY, MSG_SETTINGS_MAX, &setting_rule),
	   BYTES(9, MAY, 1, MSG_START_ID_SIZE, MSG_START_ID_SIZE), UINT(10, MAY, 1, UINT64_MAX),
	   UINT(11, MAY, 1, UINT64_MAX), BYTES(12, MAY, 1, MSG_IP4_SIZE, MSG_IP6_SIZE),
	   BYTES(13, MAY, 1, MSG_MAC_SIZE, MSG_MAC_SIZE)}}},
};

const struct message_rule *
message_rule(unsigned type)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (rules[i].type == type)
			return &rules[i].rule;
	return NULL;
}

/* A message being walked: where, its rule, and what was seen of each field. */
struct scan {
	struct reader r;
	const struct message_rule *rule;
	uint8_t last; /* field number */
	uint16_t seen[FIELD_RULES_MAX];
};

static void
scan_open(struct scan *s, const struct message_rule *rule, struct span body)
{
	*s = (struct scan){.rule = rule};
	rd_init(&s->r, body);
	if (body.n > rule->max)
		rd_fail(&s->r, ASSAY_TOO_LARGE);
}

/* Shortest form only: the last byte is not zero, and nothing exceeds 64 bits. */
static uint64_t
rd_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
		uint8_t b = rd_u8(r);

		v |= (uint64_t)(b & 0x7F) << (7 * i);
		if (b & 0x80)
			continue;
		if ((b == 0 && i > 0) || (b > 1 && i == VARINT_BYTES_MAX - 1))
			break;
		return v;
	}
	rd_fail(r, ASSAY_MALFORMED);
	return 0;
}

static struct span
rd_delimited(struct reader *r, const struct field_rule *f)
{
	uint64_t n = rd_varint(r);

	if (n < f->min)
		rd_fail(r, ASSAY_MALFORMED);
	if (n > f->max) {
		rd_fail(r, ASSAY_TOO_LARGE);
		n = 0;
	}
	return rd_bytes(r, (size_t)n);
}

static void
scan_value(struct reader *r, const struct field_rule *f)
{
	uint64_t v = rd_varint(r);

	if (v < f->min || v > f->max)
		rd_fail(r, ASSAY_MALFORMED);
}

static void
scan_text(struct reader *r, const struct field_rule *f)
{
	struct span s = rd_delimited(r, f);

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7E)
			rd_fail(r, ASSAY_MALFORMED);
}

static void
scan_packed(struct reader *r, const struct field_rule *f)
{
	uint64_t n = rd_varint(r);
	struct reader in;
	unsigned count = 0;

	if (n == 0 || n > (uint64_t)f->count * VARINT_BYTES_MAX) {
		rd_fail(r, n == 0 ? ASSAY_MALFORMED : ASSAY_TOO_LARGE);
		n = 0;
	}
	rd_init(&in, rd_bytes(r, (size_t)n));
	for (; rd_left(&in) > 0; count++)
		scan_value(&in, f);
	if (rd_finish(&in) != ASSAY_OK)
		rd_fail(r, in.err);
	if (count > f->count)
		rd_fail(r, ASSAY_TOO_MANY);
}

/* The rule that the key at hand names, with order, type and number checked. */
static const struct field_rule *
scan_key(struct scan *s)
{
	uint8_t key = rd_u8(&s->r), number = key >> 3, wire = key & 7;

	for (uint8_t i = 0; i < s->rule->nfields; i++) {
		const struct field_rule *f = &s->rule->fields[i];
		bool varint = f->kind == FIELD_UINT || f->kind == FIELD_BOOL;
		uint16_t most = f->kind == FIELD_PACKED ? 1 : f->count;

		if (f->number != number)
			continue;
		if (wire != (varint ? WIRE_VARINT : WIRE_BYTES))
			break;
		if (s->seen[i]++ >= most)
			rd_fail(&s->r, most == 1 ? ASSAY_DUPLICATE : ASSAY_TOO_MANY);
		if (number < s->last)
			rd_fail(&s->r, ASSAY_MALFORMED);
		s->last = number;
		return s->r.err == ASSAY_OK ? f : NULL;
	}
	rd_fail(&s->r, ASSAY_MALFORMED);
	return NULL;
}

/* One field. A nested message is not entered: it is *ret_nested, of the rule
 * returned; otherwise NULL. */
static const struct message_rule *
scan_field(struct scan *s, struct span *ret_nested)
{
	const struct field_rule *f = scan_key(s);

	if (!f)
		return NULL;
	switch ((enum field_kind)f->kind) {
	case FIELD_UINT:
	case FIELD_BOOL:
		scan_value(&s->r, f);
		return NULL;
	case FIELD_BYTES:
		(void)rd_delimited(&s->r, f);
		return NULL;
	case FIELD_TEXT:
		scan_text(&s->r, f);
		return NULL;
	case FIELD_PACKED:
		scan_packed(&s->r, f);
		return NULL;
	case FIELD_MESSAGE:
		break;
	}
	*ret_nested = rd_delimited(&s->r, f);
	return s->r.err == ASSAY_OK ? f->nested : NULL;
}

static enum assay_err
scan_close(struct scan *s)
{
	for (uint8_t i = 0; i < s->rule->nfields; i++)
		if (s->rule->fields[i].required && s->seen[i] == 0)
			rd_fail(&s->r, ASSAY_MISSING);
	return rd_finish(&s->r);
}

/* A message whose fields are not messages: tables nest no deeper. */
static enum assay_err
scan_flat(const struct message_rule *rule, struct span body)
{
	struct scan s;
	struct span deeper;

	scan_open(&s, rule, body);
	while (rd_left(&s.r) > 0)
		if (scan_field(&s, &deeper) != NULL)
			rd_fail(&s.r, ASSAY_INTERNAL);
	return scan_close(&s);
}

enum assay_err
envelope_scan(const struct message_rule *rule, struct span body)
{
	struct scan s;

	scan_open(&s, rule, body);
	while (rd_left(&s.r) > 0) {
		struct span inner;
		const struct message_rule *nested = scan_field(&s, &inner);
		enum assay_err e = nested ? scan_flat(nested, inner) : ASSAY_OK;

		if (e != ASSAY_OK)
			rd_fail(&s.r, e);
	}
	return scan_close(&s);
}
