/* verdict_show.c: see verdict_show.h. */
#include "verdict_show.h"

#include "cli.h"
#include "table.h"

#include "evidence/hex.h"
#include "verifier/appraise/fact.h"

#include <stdio.h>

const char *
verdict_status_name(enum verdict_status s)
{
	static const char *const names[] = {"fault", "unproven", "incomplete", "decided"};

	return (unsigned)s < VERDICT_STATUS_COUNT ? names[s] : "fault";
}

static json_t *
text_or_null(const char *s)
{
	return *s ? json_string(s) : json_null();
}

static json_t *
index_or_null(int32_t i)
{
	return i < 0 ? json_null() : json_integer(i);
}

static json_t *
hex_or_null(const uint8_t digest[32])
{
	static const uint8_t none[32];
	char hex[65];

	if (span_equal(SPAN(digest, 32), SPAN(none, 32)) ||
	    hex_encode(SPAN(digest, 32), hex, sizeof hex) != ASSAY_OK)
		return json_null();
	return json_string(hex);
}

static json_t *
finding_json(const struct finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "word", finding_word(f->code), "text",
			 *f->text ? f->text : finding_text(f->code), "cap", outcome_name(f->cap),
			 "severity", severity_name(f->severity), "provenance",
			 provenance_name(f->provenance), "sticky", f->sticky, "pcr",
			 index_or_null(f->pcr), "event", index_or_null(f->event), "rule",
			 text_or_null(f->rule), "subject", text_or_null(f->subject), "seen",
			 text_or_null(f->seen), "expected", text_or_null(f->expected), "remedy",
			 text_or_null(f->remedy));
}

static json_t *
fact_json(const struct fact *f)
{
	char name[FACT_NAME_TEXT_MAX];

	fact_name_text((enum fact_id)f->id, f->instance, name, sizeof name);
	return json_pack("{s:s, s:o, s:s, s:s}", "name", name, "index", index_or_null(f->index),
			 "value", f->text, "provenance", provenance_name(f->provenance));
}

static json_t *
vector_json(const struct verdict *v)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < AR4SI_COUNT; i++)
		json_object_set_new(o, ar4si_name(i), json_integer(v->vector[i]));
	return o;
}

json_t *
verdict_json(const struct verdict *v)
{
	json_t *findings = json_array(), *facts = json_array();

	for (unsigned i = 0; i < v->nfindings; i++)
		json_array_append_new(findings, finding_json(&v->findings[i]));
	for (unsigned i = 0; i < v->nfacts; i++)
		json_array_append_new(facts, fact_json(&v->facts[i]));
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "status",
			 verdict_status_name(v->status), "outcome", outcome_name(v->outcome),
			 "monitor", v->monitor, "findings", findings, "facts", facts, "vector",
			 vector_json(v), "policy", hex_or_null(v->policy), "reference",
			 hex_or_null(v->reference), "not_after", (json_int_t)v->not_after,
			 "max_age", (json_int_t)v->max_age_s);
}

/* ---- for people ---- */

static void
show_line(const char *label, const char *text)
{
	if (*text)
		printf("   %s%-9s%s %s\n", cli_dim(), label, cli_plain(), text);
}

static void
show_finding(const struct finding *f, unsigned number)
{
	const char *cap = outcome_name(f->cap);

	printf("\n%s%u. %s%s (%s; at best %s%s%s)\n", cli_bold(), number,
	       *f->text ? f->text : finding_text(f->code), cli_plain(), finding_word(f->code),
	       view_colour(cap), cap, cli_plain());
	show_line("what", f->subject);
	show_line("seen", f->seen);
	show_line("expected", f->expected);
	show_line("do", *f->remedy ? f->remedy : finding_remedy(f->code));
	show_line("rule", f->rule);
}

static void
show_facts(const struct verdict *v)
{
	static const char *const heads[] = {"FACT", "VALUE", "FROM", NULL};
	struct table t;

	putchar('\n');
	table_init(&t, heads);
	for (unsigned i = 0; i < v->nfacts; i++) {
		const struct fact *f = &v->facts[i];
		char name[FACT_NAME_TEXT_MAX], cell[FACT_NAME_TEXT_MAX + 16];

		fact_name_text((enum fact_id)f->id, f->instance, name, sizeof name);
		if (f->index >= 0)
			snprintf(cell, sizeof cell, "%s[%d]", name, (int)f->index);
		else
			snprintf(cell, sizeof cell, "%s", name);
		table_cell(&t, cell, "");
		table_cell(&t, f->text, "");
		table_cell(&t, provenance_name(f->provenance), "");
	}
	table_print(&t, stdout);
}

void
verdict_show(const struct verdict *v, bool facts)
{
	const char *outcome = outcome_name(v->outcome);

	printf("%s%s%s%s\n", view_colour(outcome), outcome, cli_plain(),
	       v->status == VERDICT_DECIDED ? "" :
	       v->status == VERDICT_NEED    ? ": evidence is missing that a verdict needs" :
	       v->status == VERDICT_UNPROVEN ? ": not proved by the device's key" :
					       ": could not be judged");
	for (unsigned i = 0; i < v->nfindings; i++)
		show_finding(&v->findings[i], i + 1);
	if (facts)
		show_facts(v);
}
