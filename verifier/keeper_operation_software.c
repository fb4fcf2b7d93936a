/* keeper_operation_software.c: reference sets of software: captured from a device's last
 * claims, and shown. Keeper reads claims no more than other evidence: the compiler does. */
#include "keeper_operation.h"
#include "keeper_operation_reference.h"

#include "compiler.h"
#include "verifier/appraise/reference.h"
#include "verifier/appraise/softset.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX (4u << 20)
#define OLD_MAX 8 /* sets of the class whose manifests are taken over */

/* ---- capturing ---- */

/* Sets of software of the same class, copied: the ledger's memory is good for one row. */
static enum assay_err
add_old(struct call *c, const struct ledger_device *d, struct writer *w)
{
	char after[LEDGER_NAME_MAX + 1] = "";
	struct ledger_reference r;
	unsigned n = 0, looked = 0;
	enum assay_err e = ASSAY_OK;

	while (n < OLD_MAX && looked++ < CALL_SCAN_MAX &&
	       (e = ledger_reference_next(c->l, after, &r)) == ASSAY_OK) {
		memcpy(after, r.name, sizeof after);
		if (strcmp(r.class_name, d->class_name) != 0 ||
		    reference_kind_of(r.compiled) != REF_KIND_SOFTWARE ||
		    r.compiled.n + 4 > w->cap - w->len)
			continue;
		wr_be32_bytes(w, r.compiled);
		n++;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

enum assay_err
software_capture_start(struct job *j, const struct ledger_state *s)
{
	size_t cap = 64 + s->proof.n + s->claims.n + s->verdict.n + 2 * SOFTSET_BYTES_MAX +
		     FILES_MAX;
	uint8_t *input = malloc(cap), *buf = malloc(FILES_MAX);
	struct writer w, files;
	enum assay_err e;

	if (!input || !buf) {
		free(input);
		free(buf);
		return ASSAY_NO_MEMORY;
	}
	wr_init(&w, input, cap);
	wr_u8(&w, j->for_device);
	wr_be32_bytes(&w, s->proof);
	wr_be32_bytes(&w, s->claims);
	wr_be32_bytes(&w, s->verdict);
	wr_init(&files, buf, FILES_MAX);
	keeper_files_of(j->device.id, &files, FILES_MAX);
	wr_be32_bytes(&w, wr_span(&files));
	if ((e = add_old(&j->call, &j->device, &w)) == ASSAY_OK && (e = w.err) == ASSAY_OK)
		e = job_start(j, COMPILE_SOFTWARE, wr_span(&w));
	free(input);
	free(buf);
	return e;
}

/* ---- showing ---- */

static json_t *
json_item(const struct softset_item *i)
{
	const char *alg = digest_name(i->alg);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "name", json_outside(i->name),
			 "kind", json_outside(i->kind), "version", json_outside(i->version),
			 "alg", json_text(alg ? alg : ""), "digest",
			 i->digest.n ? json_hex(i->digest.p, i->digest.n) : json_null(), "source",
			 json_outside(i->source), "files", i->manifest.n != 0);
}

enum assay_err
software_contents(json_t *out, struct span compiled)
{
	json_t *items = json_array(), *facts = json_array();
	struct softset_item item;
	struct softset_fact fact;
	struct softset s;
	enum assay_err e;
	int bad = json_object_set_new(out, "software", items);

	bad |= json_object_set_new(out, "facts", facts);
	if (bad)
		return ASSAY_NO_MEMORY;
	if ((e = softset_check(compiled)) != ASSAY_OK ||
	    (e = softset_open(compiled, &s)) != ASSAY_OK)
		return e;
	while (!bad && softset_next_item(&s, &item))
		bad |= json_array_append_new(items, json_item(&item));
	while (!bad && softset_next_fact(&s, &fact))
		bad |= json_array_append_new(
			facts, json_pack("{s:o, s:o}", "name", json_outside(fact.name), "value",
					 json_outside(fact.value)));
	return bad ? ASSAY_NO_MEMORY : ASSAY_OK;
}
