/* table.c: see table.h. */
#include "table.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 24
#define SLOT_SIZE 1100
#define GAP 2

static char *
slot(void)
{
	static char slots[SLOTS][SLOT_SIZE];
	static unsigned next;

	return slots[next++ % SLOTS];
}

/* ---- tables ---- */

void
table_init(struct table *t, const char *const *heads)
{
	memset(t, 0, sizeof *t);
	for (; heads[t->columns] && t->columns < TABLE_COLUMNS_MAX; t->columns++)
		t->heads[t->columns] = heads[t->columns];
}

static bool
grow(struct table *t)
{
	size_t cap = t->cap ? 2 * t->cap : 64;
	struct table_cell *cells;

	if (t->rows < t->cap)
		return true;
	if (t->rows >= TABLE_ROWS_MAX)
		return false;
	cells = realloc(t->cells, cap * t->columns * sizeof *cells);
	if (!cells)
		return false;
	t->cells = cells;
	t->cap = cap;
	return true;
}

void
table_cell(struct table *t, const char *text, const char *colour)
{
	struct table_cell *c;

	if (t->at == 0 && !grow(t))
		return;
	c = &t->cells[t->rows * t->columns + t->at];
	text_format(c->text, sizeof c->text, "%s", text && *text ? text : "-");
	c->colour = colour;
	if (++t->at < t->columns)
		return;
	t->at = 0;
	t->rows++;
}

static void
widths(const struct table *t, size_t ret[TABLE_COLUMNS_MAX])
{
	for (unsigned c = 0; c < t->columns; c++) {
		ret[c] = strlen(t->heads[c]);
		for (size_t r = 0; r < t->rows; r++) {
			size_t n = strlen(t->cells[r * t->columns + c].text);

			ret[c] = n > ret[c] ? n : ret[c];
		}
	}
}

/* The last column is not padded. */
static void
print_cell(FILE *f, const char *text, const char *colour, size_t width)
{
	fprintf(f, "%s%s%s", colour, text, *colour ? cli_plain() : "");
	if (width > 0)
		fprintf(f, "%*s", (int)(width - strlen(text)) + GAP, "");
}

void
table_print(struct table *t, FILE *f)
{
	size_t width[TABLE_COLUMNS_MAX] = {0};

	widths(t, width);
	for (unsigned c = 0; c < t->columns; c++)
		print_cell(f, t->heads[c], cli_dim(), c + 1 < t->columns ? width[c] : 0);
	fputc('\n', f);
	for (size_t r = 0; r < t->rows; r++) {
		for (unsigned c = 0; c < t->columns; c++) {
			const struct table_cell *cell = &t->cells[r * t->columns + c];

			print_cell(f, cell->text, cell->colour, c + 1 < t->columns ? width[c] : 0);
		}
		fputc('\n', f);
	}
	free(t->cells);
	t->cells = NULL;
}

/* ---- values ---- */

/* Printable ASCII stays, backslashes too: the verifier has escaped with them. */
static void
put_safe(char *ret, size_t cap, const char *s)
{
	size_t n = 0;

	for (; *s && n + 5 < cap; s++) {
		if (*s >= 0x20 && *s <= 0x7E)
			ret[n++] = *s;
		else
			n += (size_t)snprintf(ret + n, cap - n, "\\x%02x", (unsigned char)*s);
	}
	ret[n] = '\0';
}

const char *
view_text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	char *safe;

	if (!s)
		return NULL;
	safe = slot();
	put_safe(safe, SLOT_SIZE, s);
	return safe;
}

int64_t
view_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool
view_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static const struct {
	int64_t seconds;
	const char *word;
} units[] = {{2 * 86400, "d"}, {2 * 3600, "h"}, {2 * 60, "min"}, {0, "s"}};
static const int64_t unit_seconds[] = {86400, 3600, 60, 1};

const char *
view_ago(const json_t *object, const char *name, int64_t now)
{
	int64_t at = view_number(object, name), d = at > now ? at - now : now - at;
	char *s = slot();
	unsigned u = 0;

	if (at == 0)
		return "-";
	while (d < units[u].seconds)
		u++;
	d /= unit_seconds[u];
	text_format(s, SLOT_SIZE, at > now ? "in %lld %s" : "%lld %s ago", (long long)d,
		    units[u].word);
	return s;
}

const char *
view_time(const json_t *object, const char *name)
{
	time_t at = (time_t)view_number(object, name);
	struct tm tm;
	char *s;

	if (at == 0 || !gmtime_r(&at, &tm))
		return "-";
	s = slot();
	if (strftime(s, SLOT_SIZE, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		return "-";
	return s;
}

const char *
view_colour(const char *word)
{
	static const char *const good[] = {"ADMIT", "passed", "promoted", "active", "valid"};
	static const char *const fair[] = {"RESTRICT", "limited", "learned", "pending",
					   "maintenance", "expired", "disconnected"};
	static const char *const bad[] = {"QUARANTINE", "failed", "held", "conflict", "revoked"};

	for (size_t i = 0; word && i < sizeof good / sizeof good[0]; i++)
		if (strcmp(word, good[i]) == 0)
			return cli_green();
	for (size_t i = 0; word && i < sizeof fair / sizeof fair[0]; i++)
		if (strcmp(word, fair[i]) == 0)
			return cli_yellow();
	for (size_t i = 0; word && i < sizeof bad / sizeof bad[0]; i++)
		if (strcmp(word, bad[i]) == 0)
			return cli_red();
	return "";
}

const char *
view_device(const json_t *device)
{
	const char *name = view_text(device, "name"), *id = view_text(device, "id");
	char *s;

	if (name || !id)
		return name;
	s = slot();
	text_format(s, SLOT_SIZE, "%.12s", id);
	return s;
}

int
view_secret(const json_t *answer, const char *about)
{
	const char *token = json_string_value(json_object_get(answer, "token"));

	if (!token)
		return cli_fail(CLI_FAULT, "the verifier made no token");
	fprintf(stderr, "%s; it is shown this once.\n", about);
	puts(token);
	return CLI_YES;
}
