/* ima_show.c: an IMA list for people, and as JSON. See ima_view.h. */
#include "ima_view.h"

#include "cli.h"

#include "verifier/appraise/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What is shown of an entry. */
struct line {
	const struct imalog_entry *e;
	bool contradicts;
	const char *signature; /* NULL: none */
	char path[IMA_VIEW_PATH_MAX], digest[2 * DIGEST_MAX + 32];
	char name[4 * IMALOG_TEMPLATE_NAME_MAX + 1], buf[64];
};

/* Calls show for every entry; a list that ends in an error, up to there. */
static bool
each_entry(struct ima_view *v, bool (*show)(const struct line *))
{
	struct imalog_replay r;
	struct imalog_entry e;
	struct imalog l;
	struct line *line = malloc(sizeof *line);
	bool ok = line != NULL;

	imalog_replay_init(&r, IMALOG_PCR);
	if (!ok || imalog_open(v->list, v->scratch, IMALOG_SCRATCH, &l) != ASSAY_OK) {
		free(line);
		return ok;
	}
	while (ok && imalog_next(&l, &e)) {
		line->e = &e;
		if (imalog_replay_extend(&r, &e, &line->contradicts) != ASSAY_OK)
			line->contradicts = true;
		text_escape(e.path, line->path, sizeof line->path);
		text_escape(e.template_name, line->name, sizeof line->name);
		ima_file_digest_text(&e.file, line->digest, sizeof line->digest);
		line->signature = ima_signature_text(&e, line->buf, sizeof line->buf);
		ok = show(line);
	}
	free(line);
	return ok;
}

/* ---- people ---------------------------------------------------------------- */

static bool
show_line(const struct line *l)
{
	const struct imalog_entry *e = l->e;
	bool bad = l->signature && strcmp(l->signature, "malformed") == 0;

	printf("%6u  %2u  %-8s  %s  %s", e->index, e->pcr, l->name, l->digest, l->path);
	if (e->violation)
		printf("  %sVIOLATION%s", cli_yellow(), cli_plain());
	if (l->contradicts)
		printf("  %sCONTRADICTS its template hash%s", cli_red(), cli_plain());
	if (l->signature)
		printf("  %s[signature %s]%s", bad ? cli_red() : cli_dim(), l->signature,
		       cli_plain());
	if (e->has & 1u << IMALOG_BUF)
		printf("  %s[buffer of %zu bytes]%s", cli_dim(), e->field[IMALOG_BUF].n,
		       cli_plain());
	putchar('\n');
	return true;
}

static void
show_bank(const struct ima_view *v, uint16_t alg)
{
	char hashed[2 * DIGEST_MAX + 1], padded[2 * DIGEST_MAX + 1], old[2 * DIGEST_MAX + 1];
	const char *name = digest_name(alg);

	if (ima_value_text(v, alg, IMALOG_HASHED, hashed))
		printf("  %-8s %s\n", name, hashed);
	if (!ima_value_text(v, alg, IMALOG_PADDED, padded) ||
	    !ima_value_text(v, alg, IMALOG_PADDED_OLD, old))
		return;
	printf("  %s%-8s %s  if it extends zero-padded SHA-1%s\n", cli_dim(), "", padded,
	       cli_plain());
	if (strcmp(padded, old) != 0)
		printf("  %s%-8s %s  and violations so, too%s\n", cli_dim(), "", old,
		       cli_plain());
}

static void
show_summary(const struct ima_view *v)
{
	printf("%s list (%s), %s template hashes, first template %s\n",
	       v->log.format == IMALOG_ASCII ? "ascii" : "binary",
	       v->log.big ? "big-endian" : "little-endian", digest_name(v->log.template_alg),
	       v->template_name);
	printf("%u entries, %u of them in PCR %u; %u violations, %u contradictions, "
	       "%u signed, %u malformed signatures\n",
	       v->run.entries, v->run.extends, v->run.pcr, v->run.violations,
	       v->run.contradictions, v->signed_files, v->bad_signatures);
	printf("boot_aggregate %s%s\n", v->boot_aggregates ? v->boot_aggregate : "is not logged",
	       v->boot_aggregates > 1 ? "  and others after it" : "");
	printf("PCR %u after the last entry\n", v->run.pcr);
	show_bank(v, ALG_SHA1);
	show_bank(v, ALG_SHA256);
	show_bank(v, ALG_SHA384);
	show_bank(v, ALG_SHA512);
}

static void
show_match(const struct ima_view *v)
{
	const char *bank = digest_name(v->expected.alg);
	uint32_t rest = v->run.entries - v->match.entries;

	if (v->match_err != ASSAY_OK && v->match_err != ASSAY_TAMPERED) {
		printf("%sno prefix reproduces the %s value given%s\n", cli_red(), bank,
		       cli_plain());
		return;
	}
	printf("%s%u of %u entries reproduce the %s value given (%s)%s\n",
	       v->match_err == ASSAY_OK ? cli_green() : cli_red(), v->match.entries,
	       v->run.entries, bank, ima_method_text(v->match.method), cli_plain());
	if (rest > 0)
		printf("%sthe %u entries after them are not proved%s\n", cli_yellow(), rest,
		       cli_plain());
	if (v->match_err == ASSAY_TAMPERED)
		printf("%sbut %u of them contradict the template hash that did so: nothing "
		       "that they say is proved%s\n",
		       cli_red(), v->match.contradictions, cli_plain());
}

void
ima_show(struct ima_view *v)
{
	show_summary(v);
	if (v->asked)
		show_match(v);
	printf("\n%6s  %2s  %-8s  %s  %s\n", "index", "PCR", "template", "digest", "path");
	(void)each_entry(v, show_line);
}

/* ---- JSON ------------------------------------------------------------------ */

/* Prints one value, compact; takes the reference. */
static bool
put(json_t *value)
{
	bool ok = value && json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT) == 0;

	json_decref(value);
	return ok;
}

static bool
json_line(const struct line *l)
{
	const struct imalog_entry *e = l->e;
	bool well = l->signature && strcmp(l->signature, "malformed") != 0;
	json_t *o = json_pack("{s:i, s:s, s:s?, s:b, s:s, s:i, s:b, s:b, s:s?}",
			      "index", (int)e->index, "path", l->path,
			      "digest", l->digest[0] ? l->digest : NULL, "signed", well,
			      "template", l->name, "pcr", (int)e->pcr,
			      "violation", e->violation, "contradiction", l->contradicts,
			      "signature", l->signature);

	fputs(e->index == 0 ? "\n  " : ",\n  ", stdout);
	return put(o);
}

static json_t *
json_values(const struct ima_view *v, enum imalog_method m)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};
	json_t *o = json_object();
	char text[2 * DIGEST_MAX + 1];

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		if (ima_value_text(v, algs[i], m, text) &&
		    json_object_set_new(o, digest_name(algs[i]), json_string(text)) != 0) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static json_t *
json_match(const struct ima_view *v)
{
	bool found = v->match_err == ASSAY_OK || v->match_err == ASSAY_TAMPERED;

	if (!v->asked)
		return json_null();
	if (!found)
		return json_pack("{s:b, s:b, s:s}", "reproduced", 0, "proved", 0, "reason",
				 assay_err_name(v->match_err));
	return json_pack("{s:b, s:b, s:i, s:s, s:i, s:i}", "reproduced", 1, "proved",
			 v->match_err == ASSAY_OK, "entries", (int)v->match.entries,
			 "method", ima_method_text(v->match.method),
			 "violations", (int)v->match.violations,
			 "contradictions", (int)v->match.contradictions);
}

static json_t *
json_error(const struct ima_view *v)
{
	json_int_t offset = (json_int_t)v->log.offset, line = (json_int_t)v->log.line + 1;

	if (v->err == ASSAY_OK)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:o}", "error", assay_err_name(v->err), "text",
			 assay_err_text(v->err), "offset", offset, "line",
			 v->log.format == IMALOG_ASCII ? json_integer(line) : json_null());
}

static bool
member(const char *name, json_t *value)
{
	printf("\n \"%s\": ", name);
	if (!put(value))
		return false;
	putchar(',');
	return true;
}

static const char *
format_name(const struct ima_view *v)
{
	if (v->log.format == 0)
		return NULL;
	return v->log.format == IMALOG_ASCII ? "ascii" : "binary";
}

static json_t *
optional(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

static bool
json_summary(const struct ima_view *v)
{
	return member("format", optional(format_name(v))) &&
	       member("byte_order", json_string(v->log.big ? "big" : "little")) &&
	       member("template", optional(v->template_name)) &&
	       member("template_hash", optional(digest_name(v->log.template_alg))) &&
	       member("entries", json_integer(v->run.entries)) &&
	       member("violations", json_integer(v->run.violations)) &&
	       member("contradictions", json_integer(v->run.contradictions)) &&
	       member("signed", json_integer(v->signed_files)) &&
	       member("malformed_signatures", json_integer(v->bad_signatures)) &&
	       member("boot_aggregate", optional(v->boot_aggregate)) &&
	       member("boot_aggregates", json_integer(v->boot_aggregates)) &&
	       member("pcr10", json_values(v, IMALOG_HASHED)) &&
	       member("pcr10_padded", json_values(v, IMALOG_PADDED)) &&
	       member("pcr10_padded_old", json_values(v, IMALOG_PADDED_OLD)) &&
	       member("match", json_match(v)) && member("error", json_error(v));
}

bool
ima_show_json(struct ima_view *v)
{
	putchar('{');
	if (!json_summary(v))
		return false;
	printf("\n \"files\": [");
	if (!each_entry(v, json_line))
		return false;
	printf("]\n}\n");
	return true;
}
