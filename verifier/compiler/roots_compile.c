/* roots_compile.c: see roots_compile.h. */
#include "roots_compile.h"

#include "evidence/writer.h"
#include "verifier/appraise/certfile.h"
#include "verifier/appraise/text.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARNING_MAX 256
#define PATH_TEXT_MAX 512

/* A certificate or list that goes into the image. */
struct entry {
	uint8_t key[ROOTS_KEY_SIZE];
	uint8_t *der; /* a copy of its own */
	size_t len;
	uint32_t flags;
};

struct table {
	struct entry *entries;
	size_t count, cap;
};

struct job {
	const struct roots_source *src;
	struct table certs, crls;
	size_t bytes;
	struct roots_image image; /* counters while running */
	const char *path;	  /* of the file being read */
	unsigned item;		  /* of that file, from 1 */
	bool several;		  /* the file holds more than one */
};

/* ---- warnings ------------------------------------------------------------- */

static void
warn(const struct job *j, const char *text)
{
	char path[PATH_TEXT_MAX], line[WARNING_MAX];

	if (!j->src->warn)
		return;
	text_escape(SPAN(j->path, strlen(j->path)), path, sizeof path);
	if (j->several)
		text_format(line, sizeof line, "item %u: %s", j->item, text);
	else
		text_format(line, sizeof line, "%s", text);
	j->src->warn(j->src->arg, path, line);
}

/* ---- tables --------------------------------------------------------------- */

static enum assay_err
grow(struct table *t)
{
	size_t cap = t->cap ? 2 * t->cap : 64;
	struct entry *p;

	if (t->count < t->cap)
		return ASSAY_OK;
	if (t->count >= ROOTS_ENTRIES_MAX)
		return ASSAY_TOO_MANY;
	p = realloc(t->entries, cap * sizeof *p);
	if (!p)
		return ASSAY_NO_MEMORY;
	t->entries = p;
	t->cap = cap;
	return ASSAY_OK;
}

static enum assay_err
add(struct job *j, struct table *t, const struct entry *template, struct span der)
{
	enum assay_err e = grow(t);
	struct entry *new;

	if (e != ASSAY_OK)
		return e;
	j->bytes += der.n + ROOTS_RECORD_SIZE;
	if (j->bytes > ROOTS_IMAGE_MAX - ROOTS_HEADER_SIZE)
		return ASSAY_TOO_LARGE;
	new = &t->entries[t->count];
	*new = *template;
	new->len = der.n;
	new->der = malloc(der.n);
	if (!new->der)
		return ASSAY_NO_MEMORY;
	memcpy(new->der, der.p, der.n);
	t->count++;
	return ASSAY_OK;
}

static void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->entries[i].der);
	free(t->entries);
	*t = (struct table){0};
}

static int
compare(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int c = memcmp(a->key, b->key, sizeof a->key); /* public */

	if (c == 0 && a->len != b->len)
		c = a->len < b->len ? -1 : 1;
	return c != 0 ? c : memcmp(a->der, b->der, a->len); /* public */
}

/* Sorted, each once. */
static unsigned
sort(struct table *t)
{
	size_t kept = 0;
	unsigned dropped;

	if (t->count > 1)
		qsort(t->entries, t->count, sizeof *t->entries, compare);
	for (size_t i = 0; i < t->count; i++) {
		if (kept > 0 && compare(&t->entries[kept - 1], &t->entries[i]) == 0)
			free(t->entries[i].der);
		else
			t->entries[kept++] = t->entries[i];
	}
	dropped = (unsigned)(t->count - kept);
	t->count = kept;
	return dropped;
}

/* ---- one item ------------------------------------------------------------- */

static bool
is_root(const struct job *j, const struct x509 *c)
{
	struct key key;
	enum assay_err e;

	if (!span_equal(c->issuer, c->subject))
		return false;
	e = key_from_spki(c->spki, &key);
	if (e == ASSAY_OK)
		e = x509_verify(c, &key);
	if (e == ASSAY_UNSUPPORTED)
		warn(j, "not a root: its key cannot be verified with (RSA over 4096 bits?)");
	else if (e != ASSAY_OK && e != ASSAY_BAD_SIGNATURE)
		warn(j, "not a root: its key is not valid");
	else if (e == ASSAY_BAD_SIGNATURE)
		warn(j, "not a root: it is self-issued, but not signed with its own key");
	return e == ASSAY_OK;
}

static enum assay_err
add_certificate(struct job *j, const struct x509 *c)
{
	struct entry new = {0};
	enum assay_err e = roots_key(c->subject, c->skid, new.key);

	if (e != ASSAY_OK)
		return ASSAY_MALFORMED;
	if (is_root(j, c))
		new.flags |= ROOTS_FLAG_ROOT;
	return add(j, &j->certs, &new, c->der);
}

static enum assay_err
add_crl(struct job *j, const struct x509_crl *c)
{
	struct entry new = {0};
	enum assay_err e = roots_key(c->issuer, c->akid, new.key);

	return e != ASSAY_OK ? ASSAY_MALFORMED : add(j, &j->crls, &new, c->der);
}

static void
warn_unusable(const struct job *j, const char *kind, enum assay_err e)
{
	char text[WARNING_MAX];

	text_format(text, sizeof text, "not a usable %s: %s", kind, assay_err_text(e));
	warn(j, text);
}

/*
 * OK if the item was added, MALFORMED after a warning, otherwise a limit that was
 * reached: what is wrong with one item ends the item, a full image ends everything.
 */
static enum assay_err
take_item(struct job *j, const struct certfile_item *item)
{
	struct x509_crl crl;
	struct x509 cert;
	enum assay_err e_cert = x509_parse(item->der, &cert), e_crl;
	enum assay_err e;

	if (e_cert == ASSAY_OK && !item->is_crl) {
		e = add_certificate(j, &cert);
		if (e == ASSAY_MALFORMED)
			warn_unusable(j, "certificate", e);
		return e;
	}
	e_crl = x509_crl_parse(item->der, &crl);
	if (e_crl == ASSAY_OK) {
		e = add_crl(j, &crl);
		if (e == ASSAY_MALFORMED)
			warn_unusable(j, "revocation list", e);
		return e;
	}
	if (item->is_crl)
		warn_unusable(j, "revocation list", e_crl);
	else
		warn_unusable(j, "certificate", e_cert);
	return ASSAY_MALFORMED;
}

/* ---- files ---------------------------------------------------------------- */

static const char *
file_trouble(enum assay_err e)
{
	switch (e) {
	case ASSAY_BAD_MAGIC:
		return "holds no certificate or revocation list (PEM or DER)";
	case ASSAY_MALFORMED:
	case ASSAY_TRUNCATED:
		return "its PEM is damaged";
	default:
		return assay_err_text(e);
	}
}

static enum assay_err
take_file(struct job *j, struct span file, uint8_t *buf)
{
	struct certfile f;
	struct certfile_item item;
	enum assay_err e;
	bool bad = false;

	j->item = 0;
	j->several = false;
	certfile_open(&f, file, buf, file.n);
	while ((e = certfile_next(&f, &item)) == ASSAY_OK) {
		j->several = j->item++ > 0 || rd_left(&f.in) > item.der.n / 2;
		e = take_item(j, &item);
		if (e != ASSAY_OK && e != ASSAY_MALFORMED)
			return e;
		bad = bad || e != ASSAY_OK;
	}
	if (e != ASSAY_NOT_FOUND || j->item == 0) {
		j->item++;
		warn(j, file_trouble(e == ASSAY_NOT_FOUND ? ASSAY_BAD_MAGIC : e));
		bad = true;
	}
	j->image.bad_files += bad;
	return ASSAY_OK;
}

static bool
read_whole(const char *path, uint8_t *buf, size_t cap, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	bool ok;

	if (!f)
		return false;
	*ret_len = fread(buf, 1, cap, f);
	ok = !ferror(f);
	fclose(f);
	return ok;
}

/* buf: room for a file and one byte, then for what is decoded from it. */
static enum assay_err
take_path(struct job *j, const char *path, uint8_t *buf)
{
	size_t n = 0;

	j->path = path;
	j->several = false;
	j->image.files++;
	if (!read_whole(path, buf, ROOTS_FILE_MAX + 1, &n)) {
		warn(j, strerror(errno));
		j->image.bad_files++;
		return ASSAY_OK;
	}
	if (n > ROOTS_FILE_MAX) {
		warn(j, "larger than the limit of a file of certificates");
		j->image.bad_files++;
		return ASSAY_OK;
	}
	return take_file(j, SPAN(buf, n), buf + ROOTS_FILE_MAX + 1);
}

static enum assay_err
visit(struct job *j, FTS *tree, FTSENT *e, uint8_t *buf)
{
	bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';

	switch (e->fts_info) {
	case FTS_D:
		if (hidden || e->fts_level > ROOTS_FOLDER_DEPTH)
			fts_set(tree, e, FTS_SKIP);
		return ASSAY_OK;
	case FTS_F:
		return hidden ? ASSAY_OK : take_path(j, e->fts_path, buf);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
	case FTS_SLNONE:
		if (e->fts_level == 0) {
			errno = e->fts_errno;
			return ASSAY_UNREACHABLE;
		}
		j->path = e->fts_path;
		j->several = false;
		j->image.files++;
		j->image.bad_files++;
		warn(j, strerror(e->fts_errno ? e->fts_errno : ENOENT));
		return ASSAY_OK;
	default:
		return ASSAY_OK;
	}
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum assay_err
walk(struct job *j, const char *dir, uint8_t *buf)
{
	enum assay_err e = ASSAY_OK;
	char *copy = strdup(dir);
	char *paths[] = {copy, NULL};
	FTSENT *entry;
	FTS *tree;

	if (!copy)
		return ASSAY_NO_MEMORY;
	tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	if (!tree) {
		free(copy);
		return ASSAY_UNREACHABLE;
	}
	while (e == ASSAY_OK && (entry = fts_read(tree)) != NULL)
		e = visit(j, tree, entry, buf);
	if (e == ASSAY_UNREACHABLE) {
		int keep = errno;

		fts_close(tree);
		errno = keep;
	} else {
		fts_close(tree);
	}
	free(copy);
	return e;
}

/* ---- the image ------------------------------------------------------------ */

static void
write_records(struct writer *w, const struct table *t, size_t *offset)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct entry *e = &t->entries[i];

		wr_bytes(w, SPAN(e->key, sizeof e->key));
		wr_be32(w, (uint32_t)*offset);
		wr_be32(w, (uint32_t)e->len);
		wr_be32(w, e->flags);
		wr_be32(w, 0);
		*offset += e->len;
	}
}

static size_t
der_size(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->entries[i].len;
	return n;
}

static void
write_der(struct writer *w, const struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		wr_bytes(w, SPAN(t->entries[i].der, t->entries[i].len));
}

static enum assay_err
write_image(struct job *j)
{
	size_t offset = ROOTS_HEADER_SIZE + ROOTS_RECORD_SIZE * (j->certs.count + j->crls.count);
	size_t size = offset + der_size(&j->certs) + der_size(&j->crls);
	static const uint8_t zeros[12];
	struct writer w;
	uint8_t *p = malloc(size);
	enum assay_err e;

	if (!p)
		return ASSAY_NO_MEMORY;
	wr_init(&w, p, size);
	wr_bytes(&w, SPAN(ROOTS_MAGIC, 8));
	wr_be32(&w, (uint32_t)size);
	wr_be32(&w, (uint32_t)j->certs.count);
	wr_be32(&w, (uint32_t)j->crls.count);
	wr_bytes(&w, SPAN(zeros, sizeof zeros));
	write_records(&w, &j->certs, &offset);
	write_records(&w, &j->crls, &offset);
	write_der(&w, &j->certs);
	write_der(&w, &j->crls);
	e = wr_finish(&w, &j->image.len);
	if (e != ASSAY_OK) {
		free(p);
		return ASSAY_INTERNAL;
	}
	j->image.bytes = p;
	return ASSAY_OK;
}

static void
count(struct job *j)
{
	j->image.duplicates = sort(&j->certs) + sort(&j->crls);
	j->image.crls = (unsigned)j->crls.count;
	for (size_t i = 0; i < j->certs.count; i++) {
		if (j->certs.entries[i].flags & ROOTS_FLAG_ROOT)
			j->image.roots++;
		else
			j->image.intermediates++;
	}
}

enum assay_err
roots_compile(const struct roots_source *src, struct roots_image *ret)
{
	struct job j = {.src = src};
	uint8_t *buf = malloc(2 * (size_t)ROOTS_FILE_MAX + 1);
	enum assay_err e = buf ? ASSAY_OK : ASSAY_NO_MEMORY;
	int keep;

	if (e == ASSAY_OK)
		e = walk(&j, src->dir, buf);
	if (e == ASSAY_OK && src->crls && *src->crls)
		e = walk(&j, src->crls, buf);
	if (e == ASSAY_OK) {
		count(&j);
		e = write_image(&j);
	}
	if (e == ASSAY_OK)
		*ret = j.image;
	keep = errno;
	table_free(&j.certs);
	table_free(&j.crls);
	free(buf);
	errno = keep;
	return e;
}

void
roots_image_free(struct roots_image *image)
{
	if (!image)
		return;
	free(image->bytes);
	*image = (struct roots_image){0};
}
