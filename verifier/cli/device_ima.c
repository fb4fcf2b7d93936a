/* device_ima.c: see device_ima.h. Entries come as the device's kernel wrote them, and are
 * parsed here, by the same parser that judged them. */
#include "device_ima.h"

#include "ima_view.h"
#include "table.h"

#include "evidence/hex.h"
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

/* Path and digest of one entry; false if it is none that can be read. */
static bool
read_entry(const char *hex, char path[TABLE_CELL_MAX], char digest[2 * DIGEST_MAX + 32])
{
	static uint8_t bytes[ENTRY_MAX], scratch[IMALOG_SCRATCH];
	struct imalog_entry e;
	struct imalog l;
	size_t n;

	if (!hex || hex_decode(hex, bytes, sizeof bytes, &n) != ASSAY_OK ||
	    imalog_open(SPAN(bytes, n), scratch, sizeof scratch, &l) != ASSAY_OK ||
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
		char path[TABLE_CELL_MAX], digest[2 * DIGEST_MAX + 32];

		if (!read_entry(json_string_value(json_object_get(f, "entry")), path, digest))
			continue;
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

