/* ima_view.c: see ima_view.h. Reading, and the texts that both forms of output use. */
#include "ima_view.h"

#include "cli.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#define REFUSED_TEXT_MAX 256

static enum assay_err
add_values(struct imalog_replay *r)
{
	static const uint16_t larger[] = {ALG_SHA256, ALG_SHA384, ALG_SHA512};
	enum assay_err e = imalog_replay_add(r, ALG_SHA1, IMALOG_HASHED);

	for (size_t i = 0; i < sizeof larger / sizeof larger[0]; i++)
		for (int m = IMALOG_HASHED; m <= IMALOG_PADDED_OLD && e == ASSAY_OK; m++)
			e = imalog_replay_add(r, larger[i], (enum imalog_method)m);
	return e;
}

void
ima_file_digest_text(const struct imalog_digest *d, char *ret, size_t cap)
{
	char hex[2 * DIGEST_MAX + 1];

	ret[0] = '\0';
	if (d->name && hex_encode(d->bytes, hex, sizeof hex) == ASSAY_OK)
		text_format(ret, cap, "%s%s:%s", d->verity ? "verity:" : "", d->name, hex);
}

const char *
ima_signature_text(const struct imalog_entry *e, char *ret, size_t cap)
{
	struct imalog_signature s;
	bool modsig = (e->has & 1u << IMALOG_MODSIG) && e->field[IMALOG_MODSIG].n > 0;

	if (!(e->has & 1u << IMALOG_SIG) || e->field[IMALOG_SIG].n == 0)
		return modsig ? "appended" : NULL;
	if (imalog_signature_of_evm(e->field[IMALOG_SIG]))
		return modsig ? "appended" : NULL;
	if (imalog_signature(e->field[IMALOG_SIG], &s) != ASSAY_OK)
		return "malformed";
	text_format(ret, cap, "v%u %s key %08x", s.version, s.hash, s.key_id);
	return ret;
}

const char *
ima_value_text(const struct ima_view *v, uint16_t alg, enum imalog_method m,
	       char ret[2 * DIGEST_MAX + 1])
{
	for (unsigned i = 0; i < v->run.count; i++) {
		const struct imalog_value *value = &v->run.value[i];

		if (value->alg == alg && value->method == m &&
		    hex_encode(digest_span(&value->pcr), ret, 2 * DIGEST_MAX + 1) == ASSAY_OK)
			return ret;
	}
	return NULL;
}

const char *
ima_method_text(enum imalog_method m)
{
	switch (m) {
	case IMALOG_PADDED:
		return "zero-padded SHA-1";
	case IMALOG_PADDED_OLD:
		return "zero-padded SHA-1, violations too";
	case IMALOG_HASHED:
		break;
	}
	return "hashed";
}

static void
note(struct ima_view *v, const struct imalog_entry *e)
{
	char buf[64];
	const char *signature = ima_signature_text(e, buf, sizeof buf);

	if (e->index == 0)
		text_escape(e->template_name, v->template_name, sizeof v->template_name);
	if (imalog_is_boot_aggregate(e) && v->boot_aggregates++ == 0)
		ima_file_digest_text(&e->file, v->boot_aggregate, sizeof v->boot_aggregate);
	if (!signature)
		return;
	if (strcmp(signature, "malformed") == 0)
		v->bad_signatures++;
	else
		v->signed_files++;
}

void
ima_view_read(struct ima_view *v)
{
	struct imalog_entry e;
	bool contradicts;

	imalog_replay_init(&v->run, IMALOG_PCR);
	if ((v->err = add_values(&v->run)) != ASSAY_OK ||
	    (v->err = imalog_open(v->list, v->scratch, IMALOG_SCRATCH, &v->log)) != ASSAY_OK)
		return;
	while (v->err == ASSAY_OK && imalog_next(&v->log, &e)) {
		v->err = imalog_replay_extend(&v->run, &e, &contradicts);
		note(v, &e);
	}
	if (v->err == ASSAY_OK)
		v->err = imalog_finish(&v->log);
}

void
ima_view_match(struct ima_view *v)
{
	struct imalog l;

	v->match_err = imalog_open(v->list, v->scratch, IMALOG_SCRATCH, &l);
	if (v->match_err == ASSAY_OK)
		v->match_err = imalog_find_prefix(&l, &v->expected, IMALOG_PCR, &v->match);
}

void
ima_view_complain(const struct ima_view *v)
{
	char what[REFUSED_TEXT_MAX] = "", where[64];
	const struct imalog *l = &v->log;

	if (l->format == 0) { /* not even begun */
		cli_fail(CLI_BAD_INPUT, "%s: %s", v->path, assay_err_text(v->err));
		return;
	}
	if (l->refused.n > 0)
		text_escape(l->refused, what, sizeof what);
	if (l->format == IMALOG_ASCII)
		text_format(where, sizeof where, "line %u", l->line + 1);
	else
		text_format(where, sizeof where, "entry %u at byte %zu", l->count, l->offset);
	cli_fail(CLI_BAD_INPUT, "%s: %s: %s%s%s%s: %s", v->path, where, l->in.field,
		 what[0] ? " \"" : "", what, what[0] ? "\"" : "", assay_err_text(v->err));
}
