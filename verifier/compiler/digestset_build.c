/* digestset_build.c: see digestset_build.h. */
#include "digestset_build.h"

#include "evidence/writer.h"

#include <stdlib.h>
#include <string.h>

#define POOL_MAX (1u << 30)
#define LONG 0xFF

struct file {
	uint32_t text, digest; /* in the pool */
	uint16_t text_len;
	uint8_t size;
	uint32_t alg; /* with DIGESTSET_VERITY */
	uint32_t path;
};

struct digestset_builder {
	struct file *files;
	size_t count, room;
	uint8_t *pool;
	size_t used, cap;
};

/* What a set consists of, on its way. */
struct build {
	const uint8_t *pool;
	struct file *files; /* by path, then digest; no two alike */
	uint32_t *order;    /* number of a record, by path */
	uint32_t *sorted;   /* file of a record, by algorithm, path and digest */
	uint32_t count, paths, ordered;
	uint32_t nruns, run_alg[DIGESTSET_RUNS_MAX], run_first[DIGESTSET_RUNS_MAX];
	uint32_t run_at[DIGESTSET_RUNS_MAX], run_size[DIGESTSET_RUNS_MAX];
	size_t digest_bytes, text_bytes;
	uint32_t *firsts, *blocks, *path_table, *digest_table;
	uint8_t *text;
	uint32_t path_slots, digest_slots, probes;
	uint8_t key[16];
};

struct digestset_builder *
digestset_builder_new(void)
{
	return calloc(1, sizeof(struct digestset_builder));
}

void
digestset_builder_free(struct digestset_builder *b)
{
	if (!b)
		return;
	free(b->files);
	free(b->pool);
	free(b);
}

size_t
digestset_added(const struct digestset_builder *b)
{
	return b->count;
}

static bool
grow(struct digestset_builder *b, size_t bytes)
{
	if (b->count == b->room) {
		size_t room = b->room ? b->room * 2 : 1024;
		struct file *f = realloc(b->files, room * sizeof *f);

		if (!f)
			return false;
		b->files = f;
		b->room = room;
	}
	if (b->cap - b->used < bytes) {
		size_t cap = b->cap ? b->cap * 2 : 1 << 20;
		uint8_t *p = realloc(b->pool, cap);

		if (!p)
			return false;
		b->pool = p;
		b->cap = cap;
	}
	return true;
}

static uint32_t
keep(struct digestset_builder *b, struct span s)
{
	uint32_t at = (uint32_t)b->used;

	if (s.n != 0)
		memcpy(b->pool + b->used, s.p, s.n);
	b->used += s.n;
	return at;
}

enum assay_err
digestset_add(struct digestset_builder *b, struct span path, const struct digestset_digest *d)
{
	struct file f = {.alg = d->alg | (d->verity ? DIGESTSET_VERITY : 0)};

	if (digest_size(d->alg) == 0)
		return ASSAY_UNSUPPORTED;
	if (d->bytes.n != digest_size(d->alg))
		return ASSAY_MISMATCH;
	if (path.n > DIGESTSET_PATH_MAX)
		return ASSAY_TOO_LARGE;
	if (b->used > POOL_MAX || b->count >= 4u * DIGESTSET_RECORDS_MAX)
		return ASSAY_TOO_MANY;
	if (!grow(b, path.n + d->bytes.n))
		return ASSAY_NO_MEMORY;
	f.text_len = (uint16_t)path.n;
	f.size = (uint8_t)d->bytes.n;
	f.text = keep(b, path);
	f.digest = keep(b, d->bytes);
	b->files[b->count++] = f;
	return ASSAY_OK;
}

/* ---- order ------------------------------------------------------------------------ */

static int
compare_bytes(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	size_t n = an < bn ? an : bn;
	int c = n != 0 ? memcmp(a, b, n) : 0; /* public: an order */

	return c != 0 ? c : an < bn ? -1 : an > bn;
}

static int
compare_paths(const struct file *a, const struct file *b, const uint8_t *pool)
{
	return compare_bytes(pool + a->text, a->text_len, pool + b->text, b->text_len);
}

/* Files without a path come last. */
static int
compare_files(const void *x, const void *y, void *arg)
{
	const struct file *a = x, *b = y;
	const uint8_t *pool = arg;
	int c;

	if ((a->text_len == 0) != (b->text_len == 0))
		return a->text_len == 0 ? 1 : -1;
	if ((c = compare_paths(a, b, pool)) != 0)
		return c;
	if (a->alg != b->alg)
		return a->alg < b->alg ? -1 : 1;
	return memcmp(pool + a->digest, pool + b->digest, a->size); /* public: an order */
}

static uint32_t
without_twins(struct file *f, size_t n, uint8_t *pool)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || compare_files(&f[kept - 1], &f[i], pool) != 0)
			f[kept++] = f[i];
	return (uint32_t)kept;
}

/* Numbers of paths, and of the files that have one. */
static enum assay_err
number_paths(struct build *b)
{
	uint32_t same = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		struct file *f = &b->files[i];
		bool again = i != 0 && f->text_len != 0 && compare_paths(f - 1, f, b->pool) == 0;

		if (f->text_len == 0) {
			f->path = DIGESTSET_NONE;
			continue;
		}
		same = again ? same + 1 : 1;
		if (same > DIGESTSET_PATH_DIGESTS_MAX)
			return ASSAY_TOO_MANY;
		f->path = again ? f[-1].path : b->paths++;
		b->ordered++;
	}
	return ASSAY_OK;
}

static int
compare_alg(const void *x, const void *y, void *arg)
{
	const struct file *files = arg;
	uint32_t i = *(const uint32_t *)x, k = *(const uint32_t *)y;

	if (files[i].alg != files[k].alg)
		return files[i].alg < files[k].alg ? -1 : 1;
	return i < k ? -1 : i > k;
}

/* Records stand by algorithm, and in it as files do. */
static enum assay_err
number_records(struct build *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		b->sorted[i] = i;
	qsort_r(b->sorted, b->count, sizeof *b->sorted, compare_alg, b->files);
	for (uint32_t i = 0; i < b->count; i++) {
		const struct file *f = &b->files[b->sorted[i]];

		b->order[b->sorted[i]] = i;
		if (b->nruns == 0 || b->run_alg[b->nruns - 1] != f->alg) {
			if (b->nruns == DIGESTSET_RUNS_MAX)
				return ASSAY_TOO_MANY;
			b->run_alg[b->nruns] = f->alg;
			b->run_size[b->nruns] = f->size;
			b->run_first[b->nruns] = i;
			b->run_at[b->nruns++] = (uint32_t)b->digest_bytes;
		}
		b->digest_bytes += f->size;
	}
	return ASSAY_OK;
}

/* ---- paths, each from the one before ------------------------------------------------- */

static size_t
shared(const struct build *b, const struct file *last, const struct file *f)
{
	size_t n = 0;

	while (n < 255 && n < last->text_len && n < f->text_len &&
	       b->pool[last->text + n] == b->pool[f->text + n])
		n++;
	return n;
}

static void
put_paths(struct build *b)
{
	const struct file *last = NULL;

	for (uint32_t i = 0; i < b->ordered; i++) {
		const struct file *f = &b->files[i];
		size_t from = 0, rest;

		if (last && last->path == f->path)
			continue;
		b->firsts[f->path] = i;
		if (f->path % DIGESTSET_BLOCK == 0)
			b->blocks[f->path / DIGESTSET_BLOCK] = (uint32_t)b->text_bytes;
		else
			from = shared(b, last, f);
		rest = f->text_len - from;
		b->text[b->text_bytes++] = (uint8_t)from;
		b->text[b->text_bytes++] = (uint8_t)(rest < LONG ? rest : LONG);
		if (rest >= LONG) {
			b->text[b->text_bytes++] = (uint8_t)rest;
			b->text[b->text_bytes++] = (uint8_t)(rest >> 8);
		}
		memcpy(b->text + b->text_bytes, b->pool + f->text + from, rest);
		b->text_bytes += rest;
		last = f;
	}
	b->firsts[b->paths] = b->ordered;
}

/* ---- tables ---------------------------------------------------------------------------- */

static void
put(uint32_t *table, uint32_t slots, uint64_t hash, uint32_t number, uint32_t *probes)
{
	uint32_t slot = DIGESTSET_SLOT(hash, (uint64_t)slots), n = 0;

	for (; table[slot] != 0; n++)
		slot = slot + 1 == slots ? 0 : slot + 1;
	table[slot] = DIGESTSET_ENTRY(hash, number);
	if (n > *probes)
		*probes = n;
}

static bool
same_digest(const struct build *b, const struct file *x, const struct file *y)
{
	return x->alg == y->alg &&
	       memcmp(b->pool + x->digest, b->pool + y->digest, x->size) == 0; /* public */
}

/* Whether an equal digest is in the table already. */
static bool
in_table(const struct build *b, const struct file *f, uint64_t hash)
{
	uint32_t slot = DIGESTSET_SLOT(hash, (uint64_t)b->digest_slots), e;

	while ((e = b->digest_table[slot]) != 0) {
		if (same_digest(b, f, &b->files[b->sorted[(e & 0x1FFFFFu) - 1]]))
			return true;
		slot = slot + 1 == b->digest_slots ? 0 : slot + 1;
	}
	return false;
}

static void
put_tables(struct build *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const struct file *f = &b->files[b->sorted[i]];
		uint64_t h = digestset_hash(b->key, f->alg, SPAN(b->pool + f->digest, f->size));

		if (!in_table(b, f, h))
			put(b->digest_table, b->digest_slots, h, i, &b->probes);
	}
	for (uint32_t i = 0; i < b->ordered; i++) {
		const struct file *f = &b->files[i];
		uint64_t h = digestset_hash(b->key, 0, SPAN(b->pool + f->text, f->text_len));

		if (i == 0 || f->path != f[-1].path)
			put(b->path_table, b->path_slots, h, f->path, &b->probes);
	}
}

/* ---- bytes -------------------------------------------------------------------------------- */

static void
write_numbers(struct writer *w, const uint32_t *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		wr_le32(w, v[i]);
}

/* What is identified by the key: first what stands before the tables, or behind them. */
static void
write_runs(struct writer *w, const struct build *b)
{
	for (uint32_t i = 0; i < b->nruns; i++) {
		wr_le32(w, b->run_alg[i]);
		wr_le32(w, b->run_size[i]);
		wr_le32(w, b->run_first[i]);
		wr_le32(w, b->run_at[i]);
	}
}

static void
write_before_tables(struct writer *w, const struct build *b)
{
	write_runs(w, b);
	write_numbers(w, b->firsts, b->paths + 1);
	write_numbers(w, b->order, b->ordered);
	for (uint32_t i = 0; i < b->count; i++)
		wr_le32(w, b->files[b->sorted[i]].path);
}

static void
write_behind_tables(struct writer *w, const struct build *b)
{
	write_numbers(w, b->blocks, (b->paths + DIGESTSET_BLOCK - 1) / DIGESTSET_BLOCK);
	for (uint32_t i = 0; i < b->count; i++) {
		const struct file *f = &b->files[b->sorted[i]];

		wr_bytes(w, SPAN(b->pool + f->digest, f->size));
	}
	wr_bytes(w, SPAN(b->text, b->text_bytes));
}

static void
write_header(struct writer *w, const struct build *b, size_t size)
{
	wr_bytes(w, SPAN(DIGESTSET_MAGIC, 8));
	wr_le32(w, (uint32_t)size);
	wr_le32(w, b->count);
	wr_le32(w, b->paths);
	wr_le32(w, b->ordered);
	wr_le32(w, b->path_slots);
	wr_le32(w, b->digest_slots);
	wr_le32(w, (uint32_t)b->digest_bytes);
	wr_le32(w, (uint32_t)b->text_bytes);
	wr_bytes(w, SPAN(b->key, sizeof b->key));
	wr_le32(w, b->probes);
	wr_le32(w, b->nruns);
}

static size_t
set_size(const struct build *b)
{
	return DIGESTSET_HEADER + 16u * b->nruns +
	       4 * ((size_t)b->paths + 1 + b->ordered + b->count + b->path_slots + b->digest_slots +
		    (b->paths + DIGESTSET_BLOCK - 1) / DIGESTSET_BLOCK) +
	       b->digest_bytes + b->text_bytes;
}

/* The tables depend on the key, and the key on everything else. */
static enum assay_err
make_key(struct build *b, uint8_t *bytes, size_t size)
{
	struct writer w;
	uint8_t d[32];
	enum assay_err e;

	wr_init(&w, bytes, size);
	write_before_tables(&w, b);
	write_behind_tables(&w, b);
	if (w.err != ASSAY_OK)
		return w.err;
	if ((e = digest_sha256(wr_span(&w), d)) == ASSAY_OK)
		memcpy(b->key, d, sizeof b->key);
	return e;
}

static enum assay_err
write_set(struct build *b, uint8_t **ret, size_t *ret_len)
{
	size_t size = set_size(b);
	uint8_t *bytes;
	struct writer w;
	enum assay_err e;

	if (size > DIGESTSET_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	if ((bytes = malloc(size)) == NULL)
		return ASSAY_NO_MEMORY;
	if ((e = make_key(b, bytes, size)) != ASSAY_OK) {
		free(bytes);
		return e;
	}
	put_tables(b);
	wr_init(&w, bytes, size);
	write_header(&w, b, size);
	write_before_tables(&w, b);
	write_numbers(&w, b->path_table, b->path_slots);
	write_numbers(&w, b->digest_table, b->digest_slots);
	write_behind_tables(&w, b);
	if (w.err != ASSAY_OK || w.len != size || b->probes > DIGESTSET_PROBES_MAX) {
		free(bytes);
		return ASSAY_INTERNAL;
	}
	*ret = bytes;
	*ret_len = size;
	return ASSAY_OK;
}

static bool
allocate(struct build *b, size_t pool)
{
	size_t n = b->count;

	b->order = calloc(n, sizeof *b->order);
	b->sorted = calloc(n, sizeof *b->sorted);
	b->firsts = calloc(n + 1, sizeof *b->firsts);
	b->blocks = calloc(n, sizeof *b->blocks);
	b->path_table = calloc(2 * n, sizeof *b->path_table);
	b->digest_table = calloc(2 * n, sizeof *b->digest_table);
	b->text = malloc(pool + 4 * n);
	return b->order && b->sorted && b->firsts && b->blocks && b->path_table &&
	       b->digest_table && b->text;
}

static void
release(struct build *b)
{
	free(b->order);
	free(b->sorted);
	free(b->firsts);
	free(b->blocks);
	free(b->path_table);
	free(b->digest_table);
	free(b->text);
}

enum assay_err
digestset_build(struct digestset_builder *builder, uint8_t **ret, size_t *ret_len)
{
	struct build b = {.pool = builder->pool, .files = builder->files};
	enum assay_err e = ASSAY_NO_MEMORY;

	*ret = NULL;
	*ret_len = 0;
	if (builder->count == 0)
		return ASSAY_OK;
	qsort_r(builder->files, builder->count, sizeof *builder->files, compare_files,
		builder->pool);
	builder->count = b.count = without_twins(builder->files, builder->count, builder->pool);
	if (b.count > DIGESTSET_RECORDS_MAX)
		return ASSAY_TOO_MANY;
	if ((e = number_paths(&b)) != ASSAY_OK)
		return e;
	e = ASSAY_NO_MEMORY;
	if (allocate(&b, builder->used) && (e = number_records(&b)) == ASSAY_OK) {
		put_paths(&b);
		b.path_slots = 2 * b.paths;
		b.digest_slots = 2 * b.count;
		e = write_set(&b, ret, ret_len);
	}
	release(&b);
	return e;
}
