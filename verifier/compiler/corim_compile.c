/* corim_compile.c: see corim_compile.h. */
#include "corim_compile.h"

#include "verifier/appraise/pack.h"
#include "verifier/appraise/reference.h"
#include "verifier/appraise/softset.h"
#include "verifier/appraise/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- request ---- */

static void
write_list(struct writer *w, const struct span *list, size_t n)
{
	wr_be16(w, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		wr_be16_bytes(w, list[i]);
}

void
corim_request_write(struct writer *w, const struct corim_request *r)
{
	wr_be64(w, (uint64_t)r->now);
	wr_be16_bytes(w, r->class_id);
	wr_be32_bytes(w, r->file);
	write_list(w, r->anchors.roots, r->anchors.nroots);
	write_list(w, r->anchors.keys, r->anchors.nkeys);
}

static size_t
read_list(struct reader *r, struct span list[CORIM_ANCHORS_MAX])
{
	size_t n = rd_count(r, rd_be16(r), CORIM_ANCHORS_MAX);

	for (size_t i = 0; i < n; i++)
		list[i] = rd_be16_bytes(r, UINT16_MAX);
	return n;
}

enum assay_err
corim_request_read(struct span in, struct corim_request *ret)
{
	struct reader r;

	rd_init(&r, in);
	ret->now = (int64_t)rd_be64(&r);
	ret->class_id = rd_be16_bytes(&r, CORIM_TEXT_MAX - 1);
	ret->file = rd_be32_bytes(&r, CORIM_BYTES_MAX);
	ret->anchors.nroots = read_list(&r, ret->anchors.roots);
	ret->anchors.nkeys = read_list(&r, ret->anchors.keys);
	return rd_finish(&r);
}

/* ---- records to sets ---- */

static bool
label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static void
add_label(char *to, size_t cap, const char *key, const char *value)
{
	size_t n = strlen(to);

	if (!*value)
		return;
	snprintf(to + n, cap - n, "%s%s=", n ? " " : "", key);
	n = strlen(to);
	for (; *value && n + 1 < cap; value++)
		to[n++] = label_char(*value) ? *value : '-';
	to[n] = '\0';
}

/* False if they do not fit: then the record is for nobody. */
static bool
make_labels(const struct corim_record *rec, char ret[DEVICE_LABELS_MAX + 1])
{
	size_t room = strlen("model= vendor=") + strlen(rec->vendor) + strlen(rec->model);

	ret[0] = '\0';
	if (room > DEVICE_LABELS_MAX)
		return false;
	add_label(ret, DEVICE_LABELS_MAX + 1, "model", rec->model);
	add_label(ret, DEVICE_LABELS_MAX + 1, "vendor", rec->vendor);
	return true;
}

static int
by_name(const void *a, const void *b)
{
	const struct corim_measure *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* One row for each algorithm: the agent measures with one of them. */
static void
write_measure(struct writer *w, const struct corim_measure *m)
{
	struct softset_item item = {.name = SPAN(m->name, strlen(m->name)),
				    .version = SPAN(m->version, strlen(m->version)),
				    .source = SPAN("CoRIM", 5)};
	char svn[24];

	if (m->has_svn) {
		snprintf(svn, sizeof svn, "%llu", (unsigned long long)m->svn);
		item.version = SPAN(svn, strlen(svn));
		item.at_least = m->svn_is_minimum;
	}
	if (m->ndigests == 0)
		softset_write_item(w, &item);
	for (unsigned i = 0; i < m->ndigests; i++) {
		item.alg = m->digests[i].alg;
		item.digest = digest_span(&m->digests[i]);
		softset_write_item(w, &item);
	}
}

static enum assay_err
write_software(const struct corim *c, const struct corim_record *rec, struct writer *w)
{
	const struct corim_measure **sorted = calloc(rec->count, sizeof *sorted);
	struct softset_counts n = {0};

	if (!sorted)
		return ASSAY_NO_MEMORY;
	for (uint32_t i = 0; i < rec->count; i++) {
		sorted[i] = &c->measure[rec->first + i];
		n.nitems += sorted[i]->ndigests ? sorted[i]->ndigests : 1;
	}
	qsort(sorted, rec->count, sizeof *sorted, by_name);
	softset_write_head(w, n);
	for (uint32_t i = 0; i < rec->count; i++)
		write_measure(w, sorted[i]);
	free(sorted);
	return w->err == ASSAY_OK ? softset_check(wr_span(w)) : w->err;
}

static enum assay_err
write_registers(const struct corim_record *rec, struct writer *w)
{
	struct reference check;

	reference_write_head(w, &rec->pcrs, 0);
	return w->err == ASSAY_OK ? reference_open(wr_span(w), &check) : w->err;
}

static enum assay_err
write_set(const struct corim *c, const struct corim_record *rec, struct writer *out)
{
	static uint8_t buf[REFERENCE_BYTES_MAX];
	char labels[DEVICE_LABELS_MAX + 1];
	struct writer w;
	enum assay_err e;

	wr_init(&w, buf, sizeof buf);
	e = rec->count ? write_software(c, rec, &w) : write_registers(rec, &w);
	if (e != ASSAY_OK)
		return e;
	if (!make_labels(rec, labels))
		return ASSAY_TOO_LARGE;
	wr_u8(out, rec->count ? REF_KIND_SOFTWARE : REF_KIND_BOOT);
	wr_be16_bytes(out, SPAN(rec->tag, strlen(rec->tag)));
	wr_be16_bytes(out, SPAN(labels, strlen(labels)));
	wr_be32_bytes(out, wr_span(&w));
	return out->err;
}

/* ---- the whole ---- */

/* Why a record that could be compared is still not for this class. */
static bool
is_for(const struct corim_request *in, const struct corim_record *rec, const char **ret_why)
{
	struct span named = SPAN(rec->class_id, strlen(rec->class_id));

	*ret_why = rec->why_not;
	if (!rec->usable)
		return false;
	*ret_why = "the class's id is not the one given";
	return named.n == 0 || span_equal(named, in->class_id);
}

static enum assay_err
say(enum corim_reason r, const char *more, char *ret_why, size_t cap)
{
	if (r == CORIM_OK)
		return ASSAY_OK;
	text_format(ret_why, cap, "the CoRIM is refused: %s (%s)%s%s", corim_reason_text(r),
		    corim_reason_word(r), *more ? ": " : "", more);
	return ASSAY_MALFORMED;
}

static void
write_head(const struct corim *c, const uint8_t signer[32], uint16_t sets, struct writer *out)
{
	int64_t begin = c->not_before > c->sign.not_before ? c->not_before : c->sign.not_before;

	wr_be16_bytes(out, SPAN(c->id, strlen(c->id)));
	wr_bytes(out, SPAN(signer, 32));
	wr_be64(out, (uint64_t)begin);
	wr_be64(out, (uint64_t)corim_not_after(c));
	wr_be16(out, c->nreplaces);
	for (unsigned i = 0; i < c->nreplaces; i++)
		wr_be16_bytes(out, SPAN(c->replaces[i], strlen(c->replaces[i])));
	wr_be16(out, sets);
	wr_be16(out, (uint16_t)(c->nrecords - sets));
}

static enum assay_err
write_answer(const struct corim_request *in, const struct corim *c, const uint8_t signer[32],
	     struct writer *out, char *ret_why, size_t cap)
{
	const char *why, *first = "";
	uint16_t sets = 0;
	enum assay_err e;

	for (uint32_t i = 0; i < c->nrecords; i++) {
		bool use = is_for(in, &c->record[i], &why);

		sets = (uint16_t)(sets + use);
		if (!use && !*first)
			first = why;
	}
	if (sets == 0)
		return say(CORIM_NOTHING, first, ret_why, cap);
	write_head(c, signer, sets, out);
	for (uint32_t i = 0; i < c->nrecords; i++)
		if (is_for(in, &c->record[i], &why) &&
		    (e = write_set(c, &c->record[i], out)) != ASSAY_OK) {
			text_format(ret_why, cap, "reference values %u %s", (unsigned)i + 1,
				    assay_err_text(e));
			return e;
		}
	return out->err;
}

enum assay_err
corim_compile(const struct corim_request *in, struct writer *out, char *ret_why, size_t cap)
{
	struct corim *c = malloc(sizeof *c);
	uint8_t signer[32];
	enum corim_reason r;
	enum assay_err e;

	ret_why[0] = '\0';
	if (!c)
		return ASSAY_NO_MEMORY;
	e = corim_read(in->file, c);
	if (e != ASSAY_OK) {
		text_format(ret_why, cap, "%s%sthe CoRIM %s", c->why, *c->why ? ": " : "",
			    assay_err_text(e));
		free(c);
		return ASSAY_MALFORMED;
	}
	r = corim_verify(c, &in->anchors, in->now, signer);
	e = say(r, c->sign.header_why, ret_why, cap);
	if (e == ASSAY_OK) {
		r = corim_judge(c, in->now);
		e = say(r == CORIM_NOTHING ? CORIM_OK : r, "", ret_why, cap);
	}
	if (e == ASSAY_OK)
		e = write_answer(in, c, signer, out, ret_why, cap);
	free(c);
	return e;
}

/* ---- the answer read ---- */

static void
take_text(struct reader *r, char *ret, size_t cap)
{
	struct span s = rd_be16_bytes(r, cap - 1);

	if (s.n)
		memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			rd_fail(r, ASSAY_MALFORMED);
}

enum assay_err
corim_answer_open(struct span answer, struct corim_answer *ret)
{
	struct reader r;
	struct span signer;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, answer);
	take_text(&r, ret->id, sizeof ret->id);
	signer = rd_bytes(&r, 32);
	if (signer.n == 32)
		memcpy(ret->signer, signer.p, 32);
	ret->not_before = (int64_t)rd_be64(&r);
	ret->not_after = (int64_t)rd_be64(&r);
	ret->nreplaces = (uint16_t)rd_count(&r, rd_be16(&r), CORIM_REPLACES_MAX);
	for (unsigned i = 0; i < ret->nreplaces; i++)
		take_text(&r, ret->replaces[i], CORIM_TEXT_MAX);
	ret->nsets = (uint16_t)rd_count(&r, rd_be16(&r), CORIM_RECORDS_MAX);
	ret->unused = rd_be16(&r);
	ret->sets = r;
	return r.err;
}

bool
corim_answer_next(struct corim_answer *a, struct corim_set *ret)
{
	struct reader *r = &a->sets;
	uint8_t kind;

	if (a->nsets == 0 || r->err != ASSAY_OK)
		return false;
	kind = rd_u8(r);
	if (kind != REF_KIND_BOOT && kind != REF_KIND_SOFTWARE)
		rd_fail(r, ASSAY_MALFORMED);
	ret->kind = (enum reference_kind)kind;
	take_text(r, ret->tag, sizeof ret->tag);
	take_text(r, ret->labels, sizeof ret->labels);
	ret->compiled = rd_be32_bytes(r, REFERENCE_BYTES_MAX);
	if (r->err != ASSAY_OK)
		return false;
	if (--a->nsets == 0)
		rd_fail(r, rd_finish(r));
	return true;
}
