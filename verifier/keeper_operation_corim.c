/* keeper_operation_corim.c: `reference.corim`: a vendor's signed reference values (CoRIM)
 * become sets, learned until an operator promotes them. The compiler process reads and
 * verifies; keeper stores what it made. docs/corim.md. */
#include "keeper_operation.h"

#include "compiler.h"
#include "evidence/hex.h"
#include "verifier/appraise/text.h"
#include "verifier/compiler/corim_compile.h"

#include <stdlib.h>
#include <string.h>

#define TAIL_MAX (CORIM_TEXT_MAX + 40)

/* "..., tag T, key K": by which a later CoRIM of the same signer finds what it replaces. */
static void
origin_tail(const char *tag, const uint8_t signer[32], char ret[TAIL_MAX])
{
	char hex[17] = "";

	if (hex_encode(SPAN(signer, 8), hex, sizeof hex) != ASSAY_OK)
		hex[0] = '\0';
	text_format(ret, TAIL_MAX, "tag %s, key %s", tag, hex);
}

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n >= m && strcmp(s + n - m, tail) == 0;
}

/* The id as a name: what names cannot hold is a '-'. */
static void
default_name(const char *id, char ret[LEDGER_NAME_MAX + 1])
{
	size_t n = 0;

	for (; *id && n < 40; id++)
		if (n > 0 || ('a' <= (*id | 0x20) && (*id | 0x20) <= 'z'))
			ret[n++] = strchr("._-", *id) || ('0' <= *id && *id <= '9') ||
						('a' <= (*id | 0x20) && (*id | 0x20) <= 'z')
					? *id
					: '-';
	ret[n] = '\0';
	if (n == 0)
		text_format(ret, LEDGER_NAME_MAX + 1, "corim");
}

static void
describe_set(const struct job *j, const struct corim_answer *a, const struct corim_set *set,
	     unsigned number, struct ledger_reference *ret)
{
	char name[LEDGER_NAME_MAX + 1], tail[TAIL_MAX];

	memset(ret, 0, sizeof *ret);
	default_name(a->id, name);
	if (*j->name)
		text_format(name, sizeof name, "%s", j->name);
	if (number > 0)
		text_format(ret->name, sizeof ret->name, "%.56s.%u", name, number + 1);
	else
		text_format(ret->name, sizeof ret->name, "%.60s", name);
	origin_tail(set->tag, a->signer, tail);
	text_format(ret->class_name, sizeof ret->class_name, "%s", j->device.class_name);
	text_format(ret->labels, sizeof ret->labels, "%s", set->labels);
	text_format(ret->origin, sizeof ret->origin, "CoRIM %.60s, %s", a->id, tail);
	text_format(ret->author, sizeof ret->author, "%s", j->call.actor);
	ret->created = keeper_now(j->call.k);
	ret->not_before = a->not_before;
	ret->not_after = a->not_after;
	ret->state = REF_LEARNED;
	ret->compiled = set->compiled;
}

/* Nothing is changed before all is known to fit. */
static enum assay_err
check_free(struct job *j, const struct ledger_reference *r)
{
	struct call *c = &j->call;
	struct ledger_reference there;

	if (ledger_reference_of(c->l, r->digest, r->class_name, &there) != ASSAY_NOT_FOUND)
		return call_fail(c, ASSAY_EXISTS,
				 "a set with the content of `%s' is there already, for class %s",
				 r->name, r->class_name);
	if (ledger_reference_find(c->l, r->name, &there) != ASSAY_NOT_FOUND)
		return call_fail(c, ASSAY_EXISTS, "a set `%s' is there already; choose a --name",
				 r->name);
	return ASSAY_OK;
}

/* For each set: check it (pass 0), store it (pass 1). */
static enum assay_err
each_set(struct job *j, struct span compiled, bool store, json_t *list)
{
	static struct corim_answer a;
	static struct corim_set set;
	struct call *c = &j->call;
	struct ledger_reference r;
	unsigned number = 0;
	enum assay_err e = corim_answer_open(compiled, &a);

	while (e == ASSAY_OK && corim_answer_next(&a, &set)) {
		describe_set(j, &a, &set, number++, &r);
		if ((e = digest_sha256(r.compiled, r.digest)) != ASSAY_OK)
			break;
		if (!store) {
			e = check_free(j, &r);
			continue;
		}
		if ((e = ledger_reference_insert(c->l, &r)) == ASSAY_OK &&
		    (e = call_audit(c, r.name, r.origin)) == ASSAY_OK &&
		    json_array_append_new(list, json_reference(&r)) != 0)
			e = ASSAY_NO_MEMORY;
	}
	return e != ASSAY_OK ? e : a.sets.err;
}

/* Sets of a tag that the same signer now replaces are retired. */
static enum assay_err
retire_replaced(struct job *j, const struct corim_answer *a, json_t *list)
{
	char after[LEDGER_NAME_MAX + 1] = "", tail[TAIL_MAX];
	struct call *c = &j->call;
	struct ledger_reference r;
	enum assay_err e;

	while ((e = ledger_reference_next(c->l, after, &r)) == ASSAY_OK) {
		bool replaced = false;

		memcpy(after, r.name, sizeof after);
		for (unsigned i = 0; i < a->nreplaces && !replaced; i++) {
			origin_tail(a->replaces[i], a->signer, tail);
			replaced = strncmp(r.origin, "CoRIM ", 6) == 0 && ends_with(r.origin, tail);
		}
		if (!replaced || r.state == REF_RETIRED ||
		    strcmp(r.class_name, j->device.class_name) != 0)
			continue;
		if ((e = ledger_reference_set_state(c->l, r.name, REF_RETIRED)) != ASSAY_OK ||
		    (e = call_audit(c, r.name, "retired: replaced by its signer")) != ASSAY_OK)
			return e;
		if (json_array_append_new(list, json_string(r.name)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

static enum assay_err
finish_import(struct job *j, struct span compiled)
{
	static struct corim_answer a;
	struct call *c = &j->call;
	enum assay_err e;

	if ((e = corim_answer_open(compiled, &a)) != ASSAY_OK ||
	    (e = each_set(j, compiled, false, NULL)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:s, s:o, s:i, s:[], s:[]}", "id", a.id, "signer",
			   json_hex(a.signer, 32), "not_used", (int)a.unused, "references",
			   "retired");
	if (!c->ret)
		return ASSAY_NO_MEMORY;
	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	if ((e = each_set(j, compiled, true, json_object_get(c->ret, "references"))) != ASSAY_OK ||
	    (e = retire_replaced(j, &a, json_object_get(c->ret, "retired"))) != ASSAY_OK ||
	    (e = keeper_reload(c->k)) != ASSAY_OK)
		keeper_poison(c->k, e);
	return e;
}

enum assay_err
operation_on_reference_corim(struct call *c)
{
	char name[LEDGER_NAME_MAX + 1], class_name[DEVICE_CLASS_MAX + 1];
	struct span file = c->op.field[F_FILE];
	struct job *j = NULL;
	struct writer w;
	uint8_t *input;
	enum assay_err e;

	if ((e = call_name(c, F_NAME, name)) != ASSAY_OK ||
	    (e = call_class(c, class_name)) != ASSAY_OK)
		return e;
	if (!*class_name)
		return call_fail(c, ASSAY_MALFORMED, "class: for which class are the values?");
	if (file.n == 0)
		return call_fail(c, ASSAY_MALFORMED, "file: the CoRIM is missing");
	if ((e = job_new(c, &j)) != ASSAY_OK)
		return e;
	memcpy(j->name, name, sizeof j->name);
	memcpy(j->device.class_name, class_name, sizeof j->device.class_name);
	j->finish = finish_import;
	input = malloc(8 + file.n);
	wr_init(&w, input, input ? 8 + file.n : 0);
	wr_be64(&w, (uint64_t)keeper_now(c->k));
	wr_bytes(&w, file);
	e = input ? job_start(j, COMPILE_CORIM, wr_span(&w)) : ASSAY_NO_MEMORY;
	free(input);
	if (e != ASSAY_OK)
		job_free(j);
	else
		c->later = true;
	return e;
}
