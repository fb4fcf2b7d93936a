/* device_ima.c: see device_ima.h. Entries come as the device's kernel wrote them, and are
 * parsed here, by the same parser that judged them. */
#include "device_ima.h"

#include "ima_view.h"
#include "table.h"

#include "evidence/hex.h"
#include "evidence/imawalk.h"
#include "evidence/writer.h"
#include "verifier/appraise/text.h"

#include <stdio.h>
#include <string.h>

#define ENTRY_MAX 8192
#define LABEL 13

static void
line(const char *label, const char *text)
{
	printf("  %s%-*s%s%s\n", cli_dim(), LABEL, label, cli_plain(), text);
}

static void
put32(struct writer *w, bool big, size_t v)
{
	if (big)
		wr_be32(w, (uint32_t)v);
	else
		wr_le32(w, (uint32_t)v);
}

static struct span
counted(struct reader *r, bool big)
{
	uint32_t n = big ? rd_be32(r) : rd_le32(r);

	return rd_bytes(r, n);
}

/* Digest and name stand first in all templates that are judged: the entry as if it had no
 * other fields. */
static void
shorten(const struct imawalk *like, struct span head, const struct span f[2], struct writer *w)
{
	static const struct span name = {(const uint8_t *)"d-ng|n-ng", 9},
				 typed = {(const uint8_t *)"d-ngv2|n-ng", 11};
	struct span type = span_until(f[0], ':');
	bool v2 = span_equal(type, SPAN("ima", 3)) || span_equal(type, SPAN("verity", 6));

	wr_bytes(w, head);
	put32(w, like->big, v2 ? typed.n : name.n);
	wr_bytes(w, v2 ? typed : name);
	put32(w, like->big, 8 + f[0].n + f[1].n);
	for (unsigned i = 0; i < 2; i++) {
		put32(w, like->big, f[i].n);
		wr_bytes(w, f[i]);
	}
}

/* The verifier sends no more than the beginning of a long entry. */
static struct span
without_the_rest(struct span cut, uint8_t buf[ENTRY_MAX])
{
	struct imawalk like = {0};
	struct writer w;
	struct reader r;
	struct span head, f[2];
	uint64_t whole;

	if (imawalk_length(&like, cut, &whole) != ASSAY_OK || whole <= cut.n)
		return cut;
	rd_init(&r, cut);
	head = rd_bytes(&r, 4u + like.digest_size);
	(void)counted(&r, like.big); /* template */
	(void)rd_bytes(&r, 4);
	f[0] = counted(&r, like.big);
	f[1] = counted(&r, like.big);
	if (r.err != ASSAY_OK)
		return cut;
	wr_init(&w, buf, ENTRY_MAX);
	shorten(&like, head, f, &w);
	return w.err == ASSAY_OK ? wr_span(&w) : cut;
}

/* Path and digest of one entry; false if it is none that can be read. */
static bool
read_entry(const char *hex, char path[TABLE_CELL_MAX], char digest[2 * DIGEST_MAX + 32])
{
	static uint8_t bytes[ENTRY_MAX], shorter[ENTRY_MAX], scratch[IMALOG_SCRATCH];
	struct imalog_entry e;
	struct imalog l;
	size_t n;

	if (!hex || hex_decode(hex, bytes, sizeof bytes, &n) != ASSAY_OK ||
	    imalog_open(without_the_rest(SPAN(bytes, n), shorter), scratch, sizeof scratch, &l) !=
		    ASSAY_OK ||
	    !imalog_next(&l, &e))
		return false;
	text_escape(e.path, path, TABLE_CELL_MAX);
	ima_file_digest_text(&e.file, digest, 2 * DIGEST_MAX + 32);
	return true;
}

void
device_ima_first(const json_t *ima, const char *title)
{
	static const char *const heads[] = {"FIRST SEEN", "IN CLASS", "DIGEST", "PATH", NULL};
	const json_t *list = json_object_get(ima, "first");
	struct table t;

	if (json_array_size(list) == 0)
		return;
	printf("\n%s:\n", title);
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		char path[TABLE_CELL_MAX] = "(an entry that cannot be read)",
		     digest[2 * DIGEST_MAX + 32] = "";

		if (!read_entry(json_string_value(json_object_get(f, "entry")), path, digest))
			text_format(digest, sizeof digest, "-");
		table_cell(&t, view_time(f, "at"), "");
		table_cell(&t, view_text(f, "class"), "");
		digest[20] = '\0';
		table_cell(&t, digest, "");
		table_cell(&t, path, "");
	}
	table_print(&t, stdout);
}

static void
show_counts(const json_t *ima)
{
	json_t *counts = json_object_get(ima, "counts"), *value;
	const char *name;
	char text[256];

	json_object_foreach(counts, name, value) {
		snprintf(text, sizeof text, "%lld %s", (long long)json_integer_value(value), name);
		line("", text);
	}
}

void
device_ima_show(const json_t *d)
{
	const json_t *ima = json_object_get(d, "ima");
	long long entries, stored;
	char text[256];

	if (!json_is_object(ima))
		return;
	entries = (long long)view_number(ima, "entries");
	stored = (long long)view_number(ima, "stored");
	snprintf(text, sizeof text, "%lld entries proved, %lld violations%s", entries,
		 (long long)view_number(ima, "violations"),
		 stored == entries ? "" : "; not all of them are stored");
	line("IMA", text);
	if (view_number(ima, "first_seen") > 0) {
		snprintf(text, sizeof text, "%lld entries were new to its class",
			 (long long)view_number(ima, "first_seen"));
		line("", text);
	}
	show_counts(ima);
}

