/* keeper_operation_call.c: fields of an operation, checked, with words for the
 * operator; see keeper_operation.h. */
#include "keeper_operation.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_HEX_LIKE_MIN 4 /* from so many hex digits on, a name reads like an id */

enum assay_err
call_fail(struct call *c, enum assay_err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->message, sizeof c->message, fmt, ap);
	va_end(ap);
	return e;
}

bool
call_has(const struct call *c, enum operation_field f)
{
	return c->op.field[f].n > 0;
}

void
call_text(const struct call *c, enum operation_field f, char *ret, size_t cap)
{
	struct span s = c->op.field[f];
	size_t n = s.n < cap - 1 ? s.n : cap - 1;

	if (n)
		memcpy(ret, s.p, n);
	ret[n] = '\0';
}

enum assay_err
call_need(struct call *c, enum operation_field f, char ret[OPERATION_TEXT_MAX + 1])
{
	if (!call_has(c, f))
		return call_fail(c, ASSAY_MALFORMED, "%s: is required", operation_field_name(f));
	call_text(c, f, ret, OPERATION_TEXT_MAX + 1);
	return ASSAY_OK;
}

enum assay_err
call_number(struct call *c, enum operation_field f, struct call_range range, uint64_t *ret)
{
	char text[24];
	size_t n = c->op.field[f].n;
	uint64_t v;

	if (n == 0) {
		*ret = range.fallback;
		return ASSAY_OK;
	}
	call_text(c, f, text, sizeof text);
	if (n > 19 || strspn(text, "0123456789") != n)
		return call_fail(c, ASSAY_MALFORMED, "%s: is not a whole number",
				 operation_field_name(f));
	v = strtoull(text, NULL, 10);
	if (v < range.least || v > range.most)
		return call_fail(c, ASSAY_MALFORMED, "%s: must be from %llu to %llu",
				 operation_field_name(f), (unsigned long long)range.least,
				 (unsigned long long)range.most);
	*ret = v;
	return ASSAY_OK;
}

enum assay_err
call_digest(struct call *c, enum operation_field f, uint8_t ret[32])
{
	char text[OPERATION_TEXT_MAX + 1];
	uint8_t bytes[32];
	enum assay_err e;
	size_t n;

	if ((e = call_need(c, f, text)) != ASSAY_OK)
		return e;
	if (hex_decode(text, bytes, sizeof bytes, &n) != ASSAY_OK || n != sizeof bytes)
		return call_fail(c, ASSAY_MALFORMED, "%s: must be 64 hex digits",
				 operation_field_name(f));
	memcpy(ret, bytes, sizeof bytes);
	return ASSAY_OK;
}

/* ---- words of the house's form ---- */

static bool
is_alnum(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
}

/* A letter or digit first, then also . _ - */
static bool
is_word(const char *s, size_t n, size_t max)
{
	if (n == 0 || n > max || !is_alnum(s[0]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!is_alnum(s[i]) && !strchr("._-", s[i]))
			return false;
	return true;
}

static bool
reads_like_an_id(const char *s)
{
	size_t n = strlen(s);

	return n >= NAME_HEX_LIKE_MIN && strspn(s, "0123456789abcdefABCDEF") == n;
}

enum assay_err
call_name(struct call *c, enum operation_field f, char ret[LEDGER_NAME_MAX + 1])
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, f, text, sizeof text);
	if (*text && !is_word(text, strlen(text), LEDGER_NAME_MAX))
		return call_fail(c, ASSAY_MALFORMED,
				 "%s: must be 1 to %d of A-Z a-z 0-9 . _ -, the first a letter or "
				 "digit", operation_field_name(f), LEDGER_NAME_MAX);
	if (reads_like_an_id(text))
		return call_fail(c, ASSAY_MALFORMED,
				 "%s: hex digits alone read like an id; add another character",
				 operation_field_name(f));
	text_format(ret, LEDGER_NAME_MAX + 1, "%s", text);
	return ASSAY_OK;
}

enum assay_err
call_class(struct call *c, char ret[DEVICE_CLASS_MAX + 1])
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_CLASS, text, sizeof text);
	if (*text && !is_word(text, strlen(text), DEVICE_CLASS_MAX))
		return call_fail(c, ASSAY_MALFORMED,
				 "class: must be 1 to %d of A-Z a-z 0-9 . _ -, the first a letter "
				 "or digit", DEVICE_CLASS_MAX);
	text_format(ret, DEVICE_CLASS_MAX + 1, "%s", text);
	return ASSAY_OK;
}

/* "key=value", both words. */
static bool
is_label(const char *s, size_t n, size_t *ret_key)
{
	const char *equals = memchr(s, '=', n);
	size_t key;

	if (!equals)
		return false;
	key = (size_t)(equals - s);
	*ret_key = key;
	return is_word(s, key, n) && is_word(equals + 1, n - key - 1, n);
}

/* Whether the first `upto` bytes of labels hold this key already. */
static bool
has_key(const char *labels, size_t upto, const char *key, size_t len)
{
	for (size_t i = 0; i + len < upto; i++)
		if ((i == 0 || labels[i - 1] == ' ') && strncmp(labels + i, key, len) == 0 &&
		    labels[i + len] == '=')
			return true;
	return false;
}

static enum assay_err
read_labels(struct call *c, enum operation_field f, char ret[DEVICE_LABELS_MAX + 1])
{
	const char *name = operation_field_name(f);
	char text[OPERATION_TEXT_MAX + 1];
	size_t n, key;

	call_text(c, f, text, sizeof text);
	if (strlen(text) > DEVICE_LABELS_MAX)
		return call_fail(c, ASSAY_MALFORMED, "%s: more than %d characters", name,
				 DEVICE_LABELS_MAX);
	for (size_t i = 0; text[i]; i += n + (text[i + n] == ' ')) {
		n = strcspn(text + i, " ");
		if (!is_label(text + i, n, &key) || (text[i + n] == ' ' && !text[i + n + 1]))
			return call_fail(c, ASSAY_MALFORMED,
					 "%s: must be key=value pairs with one blank between",
					 name);
		if (f == F_LABELS && has_key(text, i, text + i, key))
			return call_fail(c, ASSAY_MALFORMED, "labels: `%.*s' is given twice",
					 (int)key, text + i);
	}
	text_format(ret, DEVICE_LABELS_MAX + 1, "%s", text);
	return ASSAY_OK;
}

enum assay_err
call_labels(struct call *c, char ret[DEVICE_LABELS_MAX + 1])
{
	return read_labels(c, F_LABELS, ret);
}

enum assay_err
call_ring(struct call *c, char ret[DEVICE_LABELS_MAX + 1])
{
	return read_labels(c, F_RING, ret);
}

enum assay_err
call_why(struct call *c, struct ledger_why *ret)
{
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (!call_has(c, F_REASON))
		return call_fail(c, ASSAY_MALFORMED, "reason: is required: say why (--comment)");
	if ((e = call_reason(c, ret->comment)) != ASSAY_OK)
		return e;
	text_format(ret->actor, sizeof ret->actor, "%s", c->actor);
	ret->at = keeper_now(c->k);
	return ASSAY_OK;
}

enum assay_err
call_forced(struct call *c, bool *ret)
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_FORCE, text, sizeof text);
	*ret = strcmp(text, "yes") == 0;
	if (*text && !*ret && strcmp(text, "no") != 0)
		return call_fail(c, ASSAY_MALFORMED, "force: must be yes or no");
	return ASSAY_OK;
}

enum assay_err
call_reason(struct call *c, char ret[LEDGER_TEXT_MAX])
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_REASON, text, sizeof text);
	if (strlen(text) >= LEDGER_TEXT_MAX)
		return call_fail(c, ASSAY_MALFORMED, "reason: more than %d characters",
				 LEDGER_TEXT_MAX - 1);
	text_format(ret, LEDGER_TEXT_MAX, "%s", text);
	return ASSAY_OK;
}

enum assay_err
call_device(struct call *c, struct ledger_device *ret)
{
	char text[OPERATION_TEXT_MAX + 1];
	enum assay_err e;

	if ((e = call_need(c, F_DEVICE, text)) != ASSAY_OK)
		return e;
	if (!is_word(text, strlen(text), LEDGER_NAME_MAX))
		return call_fail(c, ASSAY_MALFORMED, "device: must be a name, an id or its start");
	e = ledger_device_find(c->l, text, ret);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, e, "there is no device `%s'", text);
	if (e == ASSAY_BUSY)
		return call_fail(c, ASSAY_DUPLICATE,
				 "`%s' begins the ids of several devices; give more digits", text);
	return e;
}

enum assay_err
call_change(struct call *c)
{
	enum assay_err e;

	if (ledger_fault(c->l) != ASSAY_OK)
		return call_fail(c, ASSAY_STATE, "the ledger is in fault, nothing can be changed; "
						 "look at it, then: assay ledger accept");
	if ((e = keeper_change(c->k)) != ASSAY_OK)
		return call_fail(c, e, "the ledger cannot be changed now: %s", assay_err_text(e));
	return ASSAY_OK;
}

enum assay_err
call_audit(struct call *c, const char *object, const char *detail)
{
	return keeper_audit(c->k, c->actor, operation_name(c->op.code), object, detail);
}
