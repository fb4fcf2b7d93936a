/* digestset.c: see digestset.h. */
#include "digestset.h"

#include <string.h>

#define NUMBER_MASK 0x1FFFFFu
#define RUN_SIZE 16u
#define LONG 0xFF /* a length of two bytes follows */

/* ---- opening ------------------------------------------------------------------ */

static struct span
take_table(struct reader *r, uint32_t count, uint32_t size)
{
	return rd_bytes(r, (size_t)count * size);
}

static void
read_runs(struct reader *r, struct digestset *s)
{
	uint32_t next = 0, at = 0;

	for (unsigned i = 0; i < s->nruns; i++) {
		struct digestset_run *n = &s->run[i];

		n->alg = rd_le32(r);
		n->size = rd_le32(r);
		n->first = rd_le32(r);
		n->digests = rd_le32(r);
		if (n->size == 0 ||
		    n->size != digest_size((uint16_t)(n->alg & ~DIGESTSET_VERITY)) ||
		    n->first < next ||
		    n->digests != at + (n->first - next) * (i ? s->run[i - 1].size : 0) ||
		    (i == 0 && n->first != 0) || (i && n->alg <= s->run[i - 1].alg))
			rd_fail(r, ASSAY_MALFORMED);
		next = n->first;
		at = n->digests;
	}
}

static enum assay_err
open_tables(struct reader *r, struct digestset *s, uint32_t digest_bytes, uint32_t path_bytes)
{
	s->firsts = take_table(r, s->paths + 1, 4);
	s->order = take_table(r, s->ordered, 4);
	s->owners = take_table(r, s->records, 4);
	s->path_table = take_table(r, s->path_slots, 4);
	s->digest_table = take_table(r, s->digest_slots, 4);
	s->blocks = take_table(r, (s->paths + DIGESTSET_BLOCK - 1) / DIGESTSET_BLOCK, 4);
	s->digests = rd_bytes(r, digest_bytes);
	s->text = rd_bytes(r, path_bytes);
	return rd_finish(r);
}

enum assay_err
digestset_open(struct span image, struct digestset *ret)
{
	struct digestset s = {.image = image};
	struct reader r;
	uint32_t size, digest_bytes, path_bytes;
	struct span key;
	enum assay_err e;

	*ret = (struct digestset){0};
	if (image.n == 0)
		return ASSAY_OK;
	if (image.n > DIGESTSET_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, image);
	if (!span_equal(rd_bytes(&r, 8), SPAN(DIGESTSET_MAGIC, 8)))
		return ASSAY_BAD_MAGIC;
	size = rd_le32(&r);
	s.records = rd_count(&r, rd_le32(&r), DIGESTSET_RECORDS_MAX);
	s.paths = rd_count(&r, rd_le32(&r), DIGESTSET_RECORDS_MAX);
	s.ordered = rd_count(&r, rd_le32(&r), DIGESTSET_RECORDS_MAX);
	s.path_slots = rd_count(&r, rd_le32(&r), 2 * DIGESTSET_RECORDS_MAX + 2);
	s.digest_slots = rd_count(&r, rd_le32(&r), 2 * DIGESTSET_RECORDS_MAX + 2);
	digest_bytes = rd_le32(&r);
	path_bytes = rd_le32(&r);
	key = rd_bytes(&r, sizeof s.key);
	if (key.n == sizeof s.key)
		memcpy(s.key, key.p, sizeof s.key);
	s.probes = rd_count(&r, rd_le32(&r), DIGESTSET_PROBES_MAX);
	s.nruns = (uint8_t)rd_count(&r, rd_le32(&r), DIGESTSET_RUNS_MAX);
	read_runs(&r, &s);
	if ((e = open_tables(&r, &s, digest_bytes, path_bytes)) != ASSAY_OK)
		return e;
	if (size != image.n || s.ordered > s.records)
		return ASSAY_MISMATCH;
	*ret = s;
	return ASSAY_OK;
}

/* ---- what is where --------------------------------------------------------------- */

static uint32_t
entry(struct span table, uint32_t i)
{
	return span_le32(table, (size_t)i * 4);
}

static bool
digest_at(const struct digestset *s, uint32_t record, struct digestset_digest *ret)
{
	const struct digestset_run *run = NULL;

	for (unsigned i = 0; i < s->nruns && s->run[i].first <= record; i++)
		run = &s->run[i];
	if (!run || record >= s->records)
		return false;
	ret->alg = (uint16_t)(run->alg & ~DIGESTSET_VERITY);
	ret->verity = run->alg & DIGESTSET_VERITY;
	ret->bytes = span_part(s->digests, run->digests + (size_t)(record - run->first) * run->size,
			       run->size);
	return ret->bytes.n != 0;
}

bool
digestset_record(const struct digestset *s, uint32_t record, struct digestset_digest *ret,
		 uint32_t *ret_path)
{
	if (!digest_at(s, record, ret))
		return false;
	*ret_path = entry(s->owners, record);
	return true;
}

bool
digestset_path_records(const struct digestset *s, uint32_t path, uint32_t *ret_first,
		       uint32_t *ret_n)
{
	uint32_t first, end;

	if (path >= s->paths)
		return false;
	first = entry(s->firsts, path);
	end = entry(s->firsts, path + 1);
	if (end < first || end > s->ordered || end - first > DIGESTSET_PATH_DIGESTS_MAX)
		return false;
	*ret_first = first;
	*ret_n = end - first;
	return true;
}

uint32_t
digestset_ordered(const struct digestset *s, uint32_t at)
{
	return at < s->ordered ? entry(s->order, at) : DIGESTSET_NONE;
}

static size_t
read_length(struct reader *r)
{
	uint8_t n = rd_u8(r);

	return n == LONG ? rd_le16(r) : n;
}

/* A path as its block holds it: what each path up to it adds to the one before. */
struct parts {
	unsigned n;
	struct part {
		size_t shared;
		struct span tail;
	} part[DIGESTSET_BLOCK];
};

static bool
find_parts(const struct digestset *s, uint32_t path, struct parts *ret)
{
	uint32_t at = entry(s->blocks, path / DIGESTSET_BLOCK);
	size_t n = 0;
	struct reader r;

	if (path >= s->paths || at > s->text.n)
		return false;
	rd_init(&r, span_part(s->text, at, s->text.n - at));
	ret->n = path % DIGESTSET_BLOCK + 1;
	for (unsigned i = 0; i < ret->n; i++) {
		struct part *p = &ret->part[i];
		size_t rest;

		p->shared = rd_u8(&r);
		rest = read_length(&r);
		p->tail = rd_bytes(&r, rest);
		if (r.err != ASSAY_OK || p->shared > n || rest > DIGESTSET_PATH_MAX - p->shared)
			return false;
		n = p->shared + rest;
	}
	return true;
}

struct span
digestset_path(const struct digestset *s, uint32_t path, uint8_t *buf)
{
	struct parts parts;
	size_t n = 0;

	if (!find_parts(s, path, &parts))
		return SPAN(NULL, 0);
	for (unsigned i = 0; i < parts.n; i++) {
		const struct part *p = &parts.part[i];

		if (p->tail.n != 0)
			memcpy(buf + p->shared, p->tail.p, p->tail.n);
		n = p->shared + p->tail.n;
	}
	return SPAN(buf, n);
}

/* From the end: each part has what the parts behind it do not share. */
static bool
path_equals(const struct digestset *s, uint32_t path, struct span with)
{
	const struct part *p;
	struct parts parts;
	size_t end = with.n;

	if (!find_parts(s, path, &parts))
		return false;
	p = &parts.part[parts.n - 1];
	if (p->shared + p->tail.n != with.n)
		return false;
	for (unsigned i = parts.n; i > 0 && end != 0; i--) {
		p = &parts.part[i - 1];
		if (p->shared >= end)
			continue;
		if (!span_equal(span_part(with, p->shared, end - p->shared),
				span_part(p->tail, 0, end - p->shared)))
			return false;
		end = p->shared;
	}
	return true;
}

/* ---- look-ups ---------------------------------------------------------------------- */

/* What is looked for, and how a numbered thing is compared with it. */
struct probe {
	const struct digestset *s;
	struct span table;
	uint32_t slots;
	uint64_t hash;
	struct span bytes;
	uint32_t alg;
};

static bool
is_path(const struct probe *p, uint32_t number)
{
	return path_equals(p->s, number, p->bytes);
}

static bool
is_digest(const struct probe *p, uint32_t number)
{
	struct digestset_digest d;

	return digest_at(p->s, number, &d) &&
	       (d.alg | (d.verity ? DIGESTSET_VERITY : 0)) == p->alg &&
	       span_equal(d.bytes, p->bytes);
}

static uint32_t
look_up(const struct probe *p, bool (*same)(const struct probe *p, uint32_t number))
{
	uint32_t slot, e;

	if (p->slots == 0 || p->bytes.n == 0)
		return DIGESTSET_NONE;
	slot = DIGESTSET_SLOT(p->hash, (uint64_t)p->slots);
	for (uint32_t i = 0; i <= p->s->probes; i++) {
		e = entry(p->table, slot);
		if (e == 0)
			return DIGESTSET_NONE;
		if (e >> 21 == DIGESTSET_TAG(p->hash) && same(p, (e & NUMBER_MASK) - 1))
			return (e & NUMBER_MASK) - 1;
		slot = slot + 1 == p->slots ? 0 : slot + 1;
	}
	return DIGESTSET_NONE;
}

static uint32_t
alg_of(const struct digestset_digest *d)
{
	return d->alg | (d->verity ? DIGESTSET_VERITY : 0);
}

static uint32_t
find_digest(const struct digestset *s, const struct digestset_digest *d)
{
	const struct probe p = {s,
				s->digest_table,
				s->digest_slots,
				digestset_hash(s->key, alg_of(d), d->bytes),
				d->bytes,
				alg_of(d)};

	return look_up(&p, is_digest);
}

bool
digestset_has(const struct digestset *s, const struct digestset_digest *d, uint32_t *ret_path)
{
	struct digestset_digest found;
	uint32_t record = find_digest(s, d), path = DIGESTSET_NONE;

	if (record == DIGESTSET_NONE || !digestset_record(s, record, &found, &path))
		return false;
	if (ret_path)
		*ret_path = path;
	return true;
}

enum digestset_answer
digestset_find(const struct digestset *s, struct span path, const struct digestset_digest *d,
	       uint32_t *ret_record)
{
	const struct digestset_query q = {path, digestset_hash(s->key, 0, path), d};

	return digestset_find_expected(s, &q, ret_record);
}

enum digestset_answer
digestset_find_expected(const struct digestset *s, const struct digestset_query *q,
			uint32_t *ret_record)
{
	const struct probe p = {s, s->path_table, s->path_slots, q->hash, q->path, 0};
	const struct digestset_digest *d = q->digest;
	uint32_t number = look_up(&p, is_path), first, n, last = DIGESTSET_NONE;

	if (ret_record)
		*ret_record = DIGESTSET_NONE;
	if (number == DIGESTSET_NONE || !digestset_path_records(s, number, &first, &n))
		return DIGESTSET_NO_PATH;
	for (uint32_t i = 0; i < n; i++) {
		/* records of one algorithm stand in the order of paths */
		uint32_t record = s->nruns == 1 ? first + i : digestset_ordered(s, first + i);
		struct digestset_digest known;

		if (!digest_at(s, record, &known))
			continue;
		if (alg_of(&known) == alg_of(d) && span_equal(known.bytes, d->bytes))
			return DIGESTSET_EQUAL;
		last = record;
	}
	if (ret_record)
		*ret_record = last;
	return DIGESTSET_OTHER;
}

static inline __attribute__((always_inline)) void
prefetch(struct span table, size_t at)
{
	__builtin_prefetch(span_part(table, at, 1).p);
}

/* The number of the path that probably is looked for: its tag fits. */
static uint32_t
probable(const struct digestset *s, uint64_t hash)
{
	uint32_t slot = DIGESTSET_SLOT(hash, (uint64_t)s->path_slots);

	for (unsigned i = 0; i < 4; i++) {
		uint32_t e = entry(s->path_table, slot + i);

		if (e == 0)
			return DIGESTSET_NONE;
		if (e >> 21 == DIGESTSET_TAG(hash))
			return (e & NUMBER_MASK) - 1;
	}
	return DIGESTSET_NONE;
}

/* The text of a block of paths is a few lines of cache, a digest is in one or two. Inline,
 * because a function that only prefetches has no effect that compilers would keep. */
static inline __attribute__((always_inline)) void
prefetch_record(const struct digestset *s, uint32_t number)
{
	size_t text = entry(s->blocks, number / DIGESTSET_BLOCK);
	size_t digest = (size_t)entry(s->firsts, number) * s->run[0].size;

	prefetch(s->text, text);
	prefetch(s->text, text + 64);
	prefetch(s->text, text + 128);
	prefetch(s->digests, digest);
	prefetch(s->digests, digest + s->run[0].size - 1);
}

void
digestset_expect(const struct digestset *s, enum digestset_step step, struct span path,
		 struct digestset_expected *x)
{
	if (step == DIGESTSET_STEP_TABLE) {
		x->hash = digestset_hash(s->key, 0, path);
		x->number = DIGESTSET_NONE;
		if (s->path_slots != 0)
			prefetch(s->path_table,
				 4 * (size_t)DIGESTSET_SLOT(x->hash, (uint64_t)s->path_slots));
	} else if (step == DIGESTSET_STEP_NUMBER) {
		x->number = probable(s, x->hash);
		prefetch(s->blocks, 4 * (size_t)(x->number / DIGESTSET_BLOCK));
		prefetch(s->firsts, 4 * (size_t)x->number);
	} else if (x->number != DIGESTSET_NONE) {
		prefetch_record(s, x->number);
	}
}

/* ---- the whole ----------------------------------------------------------------------- */

static int
compare_spans(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n != 0 ? memcmp(a.p, b.p, n) : 0; /* public: an order */

	return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

static bool
check_path(const struct digestset *s, uint32_t path, uint32_t *expected, struct span p)
{
	uint32_t first, n;

	if (!digestset_path_records(s, path, &first, &n) || first != *expected || n == 0)
		return false;
	*expected += n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t record = digestset_ordered(s, first + i), owner;
		struct digestset_digest d;

		if (!digestset_record(s, record, &d, &owner) || owner != path ||
		    (s->nruns == 1 && record != first + i) ||
		    digestset_find(s, p, &d, NULL) != DIGESTSET_EQUAL)
			return false;
	}
	return true;
}

static bool
check_paths(const struct digestset *s)
{
	uint8_t buf[2][DIGESTSET_PATH_MAX];
	struct span last = SPAN(NULL, 0);
	uint32_t expected = 0;

	for (uint32_t i = 0; i < s->paths; i++) {
		struct span p = digestset_path(s, i, buf[i & 1]);

		if (p.n == 0 || compare_spans(last, p) >= 0 || !check_path(s, i, &expected, p))
			return false;
		last = p;
	}
	return expected == s->ordered;
}

static bool
check_records(const struct digestset *s)
{
	uint32_t owned = 0;

	for (uint32_t i = 0; i < s->records; i++) {
		struct digestset_digest d;
		uint32_t path;

		if (!digestset_record(s, i, &d, &path) || !digestset_has(s, &d, NULL) ||
		    (path != DIGESTSET_NONE && path >= s->paths))
			return false;
		owned += path != DIGESTSET_NONE;
	}
	return owned == s->ordered;
}

static enum assay_err
check_key(const struct digestset *s)
{
	const struct span parts[] = {
		span_part(s->image, DIGESTSET_HEADER, (size_t)s->nruns * RUN_SIZE),
		s->firsts,
		s->order,
		s->owners,
		s->blocks,
		s->digests,
		s->text};
	struct hasher h;
	struct digest d;
	enum assay_err e = hash_init(&h, ALG_SHA256);

	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && e == ASSAY_OK; i++)
		e = hash_update(&h, parts[i]);
	if (e != ASSAY_OK || (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	return span_equal(SPAN(d.b, 16), SPAN(s->key, 16)) ? ASSAY_OK : ASSAY_MISMATCH;
}

/* What a table is of: how one numbered thing is looked for. */
struct kind {
	struct span table;
	uint32_t slots, count; /* count: of things, each of which it may hold */
	bool paths;
};

static bool
probe_for(const struct digestset *s, bool paths, uint32_t number, uint8_t *buf, struct probe *ret)
{
	struct digestset_digest d;
	uint32_t owner;

	if (paths) {
		struct span p = digestset_path(s, number, buf);

		*ret = (struct probe){
			s, s->path_table, s->path_slots, digestset_hash(s->key, 0, p), p, 0};
		return p.n != 0;
	}
	if (!digestset_record(s, number, &d, &owner))
		return false;
	*ret = (struct probe){s,
			      s->digest_table,
			      s->digest_slots,
			      digestset_hash(s->key, alg_of(&d), d.bytes),
			      d.bytes,
			      alg_of(&d)};
	return true;
}

/* Every entry is where a look-up finds it, there is no other, and none is farther from
 * its place than the header says. */
static bool
check_table(const struct digestset *s, const struct kind *k, uint32_t *probes)
{
	uint8_t buf[DIGESTSET_PATH_MAX];
	uint32_t used = 0, found = 0;
	struct probe p;

	for (uint32_t slot = 0; slot < k->slots; slot++) {
		uint32_t e = entry(k->table, slot), number = (e & NUMBER_MASK) - 1, home, far;

		if (e == 0)
			continue;
		used++;
		if (number >= k->count || !probe_for(s, k->paths, number, buf, &p) ||
		    e != DIGESTSET_ENTRY(p.hash, number))
			return false;
		home = DIGESTSET_SLOT(p.hash, (uint64_t)k->slots);
		far = slot >= home ? slot - home : slot + k->slots - home;
		if (far > *probes)
			*probes = far;
	}
	for (uint32_t i = 0; i < k->count; i++)
		found += probe_for(s, k->paths, i, buf, &p) &&
			 look_up(&p, k->paths ? is_path : is_digest) == i;
	return used == found;
}

static bool
check_tables(const struct digestset *s)
{
	const struct kind paths = {s->path_table, s->path_slots, s->paths, true};
	const struct kind digests = {s->digest_table, s->digest_slots, s->records, false};
	uint32_t probes = 0;

	return check_table(s, &paths, &probes) && check_table(s, &digests, &probes) &&
	       probes == s->probes;
}

enum assay_err
digestset_check(struct span image)
{
	struct digestset s;
	enum assay_err e = digestset_open(image, &s);

	if (e != ASSAY_OK || image.n == 0)
		return e;
	if ((e = check_key(&s)) != ASSAY_OK)
		return e;
	return check_paths(&s) && check_records(&s) && check_tables(&s) ? ASSAY_OK
									: ASSAY_MALFORMED;
}
