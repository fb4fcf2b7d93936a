/* pem.c: see pem.h. */
#include "pem.h"

#include <string.h>

#define LINE_MAX_KEPT 1024

/* The next line without its end and trailing blanks; of longer ones only "!". */
static bool
read_line(struct reader *r, char line[LINE_MAX_KEPT + 1])
{
	size_t n = 0;
	bool any = rd_left(r) > 0;

	while (rd_left(r) > 0) {
		char c = (char)rd_u8(r);

		if (c == '\n')
			break;
		if (n < LINE_MAX_KEPT)
			line[n++] = c;
		else
			line[0] = '!';
	}
	while (n > 0 && strchr(" \t\r", line[n - 1]))
		n--;
	line[n] = '\0';
	return any;
}

static bool
is_boundary(const char *line, const char *which, const char *label)
{
	size_t nw = strlen(which), nl = strlen(label);

	return strncmp(line, which, nw) == 0 && strncmp(line + nw, label, nl) == 0 &&
	       strcmp(line + nw + nl, "-----") == 0;
}

bool
pem_is(struct span text)
{
	char line[LINE_MAX_KEPT + 1];
	struct reader r;

	rd_init(&r, text);
	while (read_line(&r, line))
		if (strncmp(line, "-----BEGIN ", 11) == 0)
			return true;
	return false;
}

static int
base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

struct base64 {
	uint32_t bits;
	unsigned count, padding; /* characters */
};

static enum assay_err
decode_char(struct base64 *b, char c, struct writer *w)
{
	int v = base64_value(c);

	if (c != '=' && (v < 0 || b->padding > 0))
		return ASSAY_MALFORMED;
	b->padding += c == '=';
	b->bits = b->bits << 6 | (uint32_t)(v < 0 ? 0 : v);
	if (++b->count % 4 != 0)
		return ASSAY_OK;
	if (b->padding > 2)
		return ASSAY_MALFORMED;
	wr_u8(w, (uint8_t)(b->bits >> 16));
	if (b->padding < 2)
		wr_u8(w, (uint8_t)(b->bits >> 8));
	if (b->padding < 1)
		wr_u8(w, (uint8_t)b->bits);
	return w->err;
}

static enum assay_err
decode_body(struct reader *r, const char *label, struct writer *w)
{
	struct base64 b = {0};
	char line[LINE_MAX_KEPT + 1];
	enum assay_err e;

	while (read_line(r, line)) {
		if (is_boundary(line, "-----END ", label))
			return b.count % 4 == 0 ? ASSAY_OK : ASSAY_MALFORMED;
		for (const char *c = line; *c; c++)
			if ((e = decode_char(&b, *c, w)) != ASSAY_OK)
				return e;
	}
	return ASSAY_TRUNCATED;
}

enum assay_err
pem_decode(struct span text, const char *label, struct writer *w)
{
	char line[LINE_MAX_KEPT + 1];
	struct reader r;

	rd_init(&r, text);
	while (read_line(&r, line))
		if (is_boundary(line, "-----BEGIN ", label))
			return decode_body(&r, label, w);
	return ASSAY_NOT_FOUND;
}
