/* predict_grub.c: what GRUB (2.06 and later, with its TPM module) measures of a
 * configuration: every command to PCR 8, every file it opens to PCR 9; see predict.h.
 *
 * A configuration is a program. What is foretold here is the part of it that always does
 * the same: plain commands and menu entries. A variable, a condition, a command that
 * opens files of its own: refused, with its line. */
#include "predict.h"

#include "verifier/appraise/text.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 64
#define COMMAND_MAX 4096

/* A command: its words as GRUB joins them, and the block behind them. */
struct command {
	unsigned line;
	unsigned nwords;
	char word[WORDS_MAX][256];
	char joined[COMMAND_MAX]; /* words with one blank between */
	struct span block;	  /* with its braces; empty: none */
};

struct grub {
	const struct predict_grub *in;
	struct predict *out;
	struct span text; /* what is left */
	unsigned line;
	unsigned entries;	/* menu entries seen */
	unsigned wanted;	/* by number, of `set default=' */
	bool found;
	struct command entry; /* that is booted */
};

/* Commands that open nothing and decide nothing. */
static const char *const plain[] = {
	"set", "unset", "export", "echo", "clear", "terminal_input", "terminal_output", "serial",
	"true", "setparams",
};

static bool
is_plain(const char *word)
{
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (strcmp(plain[i], word) == 0)
			return true;
	return false;
}

static enum assay_err
refuse(struct grub *g, unsigned line, const char *why)
{
	return predict_fail(g->out, ASSAY_UNSUPPORTED, "%s, line %u: %s cannot be foretold",
			    g->in->config_path ? g->in->config_path : "configuration", line, why);
}

/* ---- words ---- */

static bool
at_end(const struct grub *g)
{
	return g->text.n == 0;
}

static uint8_t
take(struct grub *g)
{
	uint8_t c = *g->text.p++;

	g->text.n--;
	g->line += c == '\n';
	return c;
}

/* To the next word of the same command. */
static void
skip_blanks(struct grub *g)
{
	while (!at_end(g) && (*g->text.p == ' ' || *g->text.p == '\t'))
		(void)take(g);
}

static void
skip_to_command(struct grub *g)
{
	while (!at_end(g)) {
		uint8_t c = *g->text.p;

		if (c == '#')
			while (!at_end(g) && *g->text.p != '\n')
				(void)take(g);
		else if (c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '\r')
			(void)take(g);
		else
			return;
	}
}

static bool
ends_word(uint8_t c)
{
	return c != 0 && strchr(" \t\n;\r{}#", c) != NULL;
}

/* Quotes group and are gone; everything with a meaning of its own is refused. */
static enum assay_err
read_word(struct grub *g, char ret[256])
{
	uint8_t quote = 0;
	size_t n = 0;

	while (!at_end(g) && (quote || !ends_word(*g->text.p))) {
		uint8_t c = take(g);

		if (c == '$' && quote != '\'')
			return refuse(g, g->line, "a variable");
		if (c == '\\' && quote != '\'')
			return refuse(g, g->line, "an escaped character");
		if (!quote && (c == '|' || c == '&' || c == '<' || c == '>' || c == '*'))
			return refuse(g, g->line, "an operator");
		if (c == quote || (!quote && (c == '\'' || c == '"'))) {
			quote = quote ? 0 : c;
			continue;
		}
		if (n + 1 == 256)
			return refuse(g, g->line, "a word of more than 255 characters");
		ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return quote ? refuse(g, g->line, "a quote that does not end") : ASSAY_OK;
}

/* From the brace to the one that closes it, with both. */
static enum assay_err
read_block(struct grub *g, struct span *ret)
{
	const uint8_t *from = g->text.p;
	unsigned line = g->line, depth = 0;
	uint8_t quote = 0;

	while (!at_end(g)) {
		uint8_t c = take(g);

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '\'' || c == '"') {
			quote = c;
		} else if (c == '{') {
			depth++;
		} else if (c == '}' && --depth == 0) {
			*ret = SPAN(from, (size_t)(g->text.p - from));
			return ASSAY_OK;
		}
	}
	return refuse(g, line, "a block that does not end");
}

static enum assay_err
join(struct grub *g, struct command *c)
{
	size_t n = 0;

	for (unsigned i = 0; i < c->nwords; i++) {
		int k = snprintf(c->joined + n, sizeof c->joined - n, "%s%s", i ? " " : "",
				 c->word[i]);

		if (k < 0 || (size_t)k >= sizeof c->joined - n)
			return refuse(g, c->line, "so long a command");
		n += (size_t)k;
	}
	if (c->block.n == 0)
		return ASSAY_OK;
	if (c->block.n + 2 > sizeof c->joined - n)
		return refuse(g, c->line, "so long a menu entry");
	c->joined[n] = ' ';
	memcpy(c->joined + n + 1, c->block.p, c->block.n);
	c->joined[n + 1 + c->block.n] = '\0';
	return ASSAY_OK;
}

/* The next command; nwords 0 at the end. */
static enum assay_err
read_command(struct grub *g, struct command *ret)
{
	enum assay_err e = ASSAY_OK;

	ret->nwords = 0;
	ret->block = SPAN(NULL, 0);
	skip_to_command(g);
	ret->line = g->line;
	while (e == ASSAY_OK) {
		skip_blanks(g);
		if (at_end(g) || *g->text.p == '\n' || *g->text.p == ';' || *g->text.p == '\r' ||
		    *g->text.p == '#')
			break;
		if (*g->text.p == '}')
			return refuse(g, g->line, "a brace that closes nothing");
		if (*g->text.p == '{') {
			e = read_block(g, &ret->block);
			break;
		}
		if (ret->nwords == WORDS_MAX)
			return refuse(g, ret->line, "so long a command");
		e = read_word(g, ret->word[ret->nwords++]);
	}
	if (e == ASSAY_OK && ret->nwords == 0 && ret->block.n != 0)
		return refuse(g, ret->line, "a block without a command");
	return e == ASSAY_OK ? join(g, ret) : e;
}

/* ---- what is measured ---- */

static enum assay_err
add_text(struct grub *g, enum predict_kind k, const char *text)
{
	return predict_add(g->out, 8, k, text, SPAN(text, strlen(text)));
}

static const struct predict_file *
find_file(const struct grub *g, const char *path)
{
	for (size_t i = 0; i < g->in->nfiles; i++)
		if (strcmp(g->in->files[i].path, path) == 0)
			return &g->in->files[i];
	return NULL;
}

static enum assay_err
add_file(struct grub *g, const struct command *c, const char *path)
{
	const struct predict_file *f = find_file(g, path);

	if (!f) {
		text_format(g->out->missing, sizeof g->out->missing, "%s", path);
		return predict_fail(g->out, ASSAY_MISSING, "line %u needs the file %s", c->line,
				    path);
	}
	return predict_add(g->out, 9, PREDICT_GRUB_FILE, path, f->content);
}

/* The kernel's words again, as it gets them, without the command. */
static enum assay_err
add_kernel(struct grub *g, const struct command *c)
{
	enum assay_err e;

	if (c->nwords < 2 || c->word[1][0] == '-')
		return refuse(g, c->line, "a kernel with options of the command");
	for (unsigned i = 1; i < c->nwords; i++)
		if (strpbrk(c->word[i], " \t\"'\\"))
			return refuse(g, c->line, "a kernel argument that must be quoted");
	if ((e = add_file(g, c, c->word[1])) != ASSAY_OK)
		return e;
	return add_text(g, PREDICT_GRUB_CMDLINE, c->joined + strlen(c->word[0]) + 1);
}

static enum assay_err
run_command(struct grub *g, const struct command *c)
{
	const char *word = c->word[0];
	enum assay_err e = add_text(g, PREDICT_GRUB_COMMAND, c->joined);

	if (e != ASSAY_OK)
		return e;
	if (strcmp(word, "linux") == 0 || strcmp(word, "linuxefi") == 0)
		return add_kernel(g, c);
	if (strcmp(word, "initrd") == 0 || strcmp(word, "initrdefi") == 0) {
		for (unsigned i = 1; e == ASSAY_OK && i < c->nwords; i++)
			e = add_file(g, c, c->word[i]);
		return e;
	}
	return is_plain(word) ? ASSAY_OK : refuse(g, c->line, word);
}

static void
note_default(struct grub *g, const struct command *c)
{
	unsigned n = 0;

	if (c->nwords == 2 && strncmp(c->word[1], "default=", 8) == 0 &&
	    sscanf(c->word[1] + 8, "%u", &n) == 1)
		g->wanted = n;
}

/* An entry is measured when it is defined, and its commands when it is chosen. */
static enum assay_err
define_entry(struct grub *g, const struct command *c)
{
	bool chosen;

	if (c->nwords < 2 || c->block.n == 0 || c->word[1][0] == '-')
		return refuse(g, c->line, "such a menu entry");
	for (unsigned i = 2; i < c->nwords; i++)
		if (c->word[i][0] != '-' && c->word[i - 1][0] != '-')
			return refuse(g, c->line, "a menu entry with arguments");
	chosen = g->in->entry ? strcmp(g->in->entry, c->word[1]) == 0 : g->entries == g->wanted;
	if (chosen && !g->found) {
		g->entry = *c;
		g->found = true;
	}
	g->entries++;
	return add_text(g, PREDICT_GRUB_COMMAND, c->joined);
}

static enum assay_err
read_config(struct grub *g)
{
	static struct command c;
	enum assay_err e;

	for (;;) {
		if ((e = read_command(g, &c)) != ASSAY_OK || c.nwords == 0)
			return e;
		if (strcmp(c.word[0], "menuentry") == 0) {
			e = define_entry(g, &c);
		} else if (c.block.n != 0) {
			e = refuse(g, c.line, c.word[0]);
		} else {
			e = run_command(g, &c);
			if (strcmp(c.word[0], "set") == 0)
				note_default(g, &c);
		}
		if (e != ASSAY_OK)
			return e;
	}
}

static enum assay_err
boot_entry(struct grub *g)
{
	static struct command c;
	char params[300];
	enum assay_err e;

	if (!g->found)
		return predict_fail(g->out, ASSAY_NOT_FOUND, "the configuration has no menu entry "
				    "%s", g->in->entry ? g->in->entry : "to boot");
	snprintf(params, sizeof params, "setparams %s", g->entry.word[1]);
	if ((e = add_text(g, PREDICT_GRUB_COMMAND, params)) != ASSAY_OK)
		return e;
	g->text = SPAN(g->entry.block.p + 1, g->entry.block.n - 2);
	g->line = g->entry.line;
	for (;;) {
		if ((e = read_command(g, &c)) != ASSAY_OK || c.nwords == 0)
			return e;
		e = c.block.n ? refuse(g, c.line, c.word[0]) : run_command(g, &c);
		if (e != ASSAY_OK)
			return e;
	}
}

enum assay_err
predict_grub(const struct predict_grub *in, struct predict *ret)
{
	static struct grub g;
	enum assay_err e = ASSAY_OK;

	g = (struct grub){.in = in, .out = ret, .text = in->config, .line = 1};
	if (in->config_path)
		e = predict_add(ret, 9, PREDICT_GRUB_FILE, in->config_path, in->config);
	if (e == ASSAY_OK)
		e = read_config(&g);
	return e == ASSAY_OK ? boot_entry(&g) : e;
}
