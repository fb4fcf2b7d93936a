/* sqlite_ima_segment.c: runs of IMA entries and the fleet's dictionary; see sqlite_ima.h. */
#include "sqlite_ima.h"

#include <string.h>

#include "evidence/digest.h"
#include "evidence/hex.h"
#include "evidence/writer.h"

#define IDS_BYTES_MAX (10 * LEDGER_IMA_SEGMENT_MAX) /* a number has at most 10 bytes */

/* Ids of a segment's entries. */
struct ids {
	size_t n;
	uint64_t id[LEDGER_IMA_SEGMENT_MAX];
};

/* One at a time; too large for the stack. */
static struct ids work;
static uint8_t packed[IDS_BYTES_MAX];

/* ---- ids, packed ---- */

static void
put_number(struct writer *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		wr_u8(w, (uint8_t)(v | 0x80));
	wr_u8(w, (uint8_t)v);
}

static uint64_t
get_number(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = rd_u8(r);

		v |= (uint64_t)(b & 0x7F) << shift;
		if (!(b & 0x80))
			return v;
	}
	rd_fail(r, ASSAY_MALFORMED);
	return 0;
}

static struct span
pack_ids(const struct ids *ids)
{
	uint64_t before = 0;
	struct writer w;

	wr_init(&w, packed, sizeof packed);
	for (size_t i = 0; i < ids->n; i++) {
		uint64_t d = ids->id[i] - before;

		put_number(&w, d << 1 ^ (d >> 63 ? UINT64_MAX : 0));
		before = ids->id[i];
	}
	return wr_span(&w);
}

/* Behind those that *ids has. */
static enum assay_err
unpack_ids(struct span in, struct ids *ids)
{
	uint64_t before = 0;
	struct reader r;

	rd_init(&r, in);
	while (rd_left(&r) > 0) {
		uint64_t v = get_number(&r);

		if (ids->n == LEDGER_IMA_SEGMENT_MAX)
			return ASSAY_TAMPERED;
		before += v >> 1 ^ (v & 1 ? UINT64_MAX : 0);
		ids->id[ids->n++] = before;
	}
	return rd_finish(&r) == ASSAY_OK ? ASSAY_OK : ASSAY_TAMPERED;
}

/* ---- the dictionary ---- */

static void
key_of_id(uint64_t id, struct row *key)
{
	row_init(key);
	row_u64(key, id);
}

static void
key_of_digest(const uint8_t digest[32], struct row *key)
{
	row_init(key);
	row_blob(key, SPAN(digest, 32), 32);
}

/* An entry's id, held once more; it is added if it is new. */
static enum assay_err
entry_put(struct ledger *l, const uint8_t digest[32], struct span bytes, uint64_t *ret)
{
	struct row r;
	enum assay_err e;

	key_of_digest(digest, &r);
	row_blob(&r, bytes, IMA_ENTRY_MAX);
	if ((e = statement_change(l, S_IMA_ENTRY_PUT, &r, NULL)) != ASSAY_OK)
		return e;
	key_of_digest(digest, &r);
	if ((e = statement_row(l, S_IMA_ENTRY_ID, &r, &r)) != ASSAY_OK)
		return e;
	*ret = row_get_u64(&r);
	return row_end(&r);
}

static enum assay_err
entry_change(struct ledger *l, enum statement_id s, uint64_t id)
{
	struct row key;

	key_of_id(id, &key);
	return statement_change(l, s, &key, NULL);
}

static enum assay_err
entry_digest(struct ledger *l, uint64_t id, uint8_t ret[32])
{
	struct row key, r;
	enum assay_err e;

	key_of_id(id, &key);
	if ((e = statement_row(l, S_IMA_ENTRY_DIGEST, &key, &r)) != ASSAY_OK)
		return e;
	row_get_bytes(&r, ret, 32);
	return row_end(&r);
}

/* The entry's bytes, which hash to the digest that they are stored under. */
static enum assay_err
entry_get(struct ledger *l, uint64_t id, struct span *ret, uint8_t ret_digest[32])
{
	uint8_t found[32];
	struct row key, r;
	enum assay_err e;

	key_of_id(id, &key);
	if ((e = statement_row(l, S_IMA_ENTRY_GET, &key, &r)) != ASSAY_OK)
		return e;
	row_get_bytes(&r, ret_digest, 32);
	*ret = row_get_blob(&r, IMA_ENTRY_MAX);
	if ((e = row_end(&r)) != ASSAY_OK || (e = digest_sha256(*ret, found)) != ASSAY_OK)
		return e;
	return span_equal(SPAN(found, 32), SPAN(ret_digest, 32)) ? ASSAY_OK : ASSAY_TAMPERED;
}

/* ---- who had it first ---- */

static enum assay_err
note_first(struct ledger *l, const struct ima_run *run, const struct ids *ids, uint64_t *first)
{
	uint8_t device[DEVICE_ID_HEX / 2];
	enum assay_err e;
	size_t n;

	if ((e = hex_decode(run->device, device, sizeof device, &n)) != ASSAY_OK)
		return e;
	for (size_t i = 0; i < ids->n; i++) {
		struct row r;
		int changed = 0;

		key_of_id(ids->id[i], &r);
		row_text(&r, run->class_name, DEVICE_CLASS_MAX + 1);
		row_int(&r, run->now);
		row_blob(&r, SPAN(device, n), sizeof device);
		if ((e = statement_change(l, S_IMA_SEEN_PUT, &r, &changed)) != ASSAY_OK)
			return e;
		*first += changed == 1;
	}
	return ASSAY_OK;
}

enum assay_err
ledger_ima_first_next(struct ledger *l, const char *device, int64_t since, uint64_t after,
		      struct ledger_ima_first *ret)
{
	uint8_t id[DEVICE_ID_HEX / 2];
	struct row key, r;
	enum assay_err e;
	size_t n;

	if ((e = hex_decode(device, id, sizeof id, &n)) != ASSAY_OK)
		return e;
	row_init(&key);
	row_blob(&key, SPAN(id, n), sizeof id);
	row_int(&key, since);
	row_u64(&key, after);
	if ((e = statement_row(l, S_IMA_SEEN_NEXT, &key, &r)) != ASSAY_OK)
		return e;
	ret->entry = row_get_u64(&r);
	row_get_text(&r, ret->class_name, sizeof ret->class_name);
	ret->at = row_get_int(&r);
	ret->bytes = row_get_blob(&r, IMA_ENTRY_MAX);
	return row_end(&r);
}

enum assay_err
ledger_ima_first_count(struct ledger *l, const char *device, int64_t since, uint64_t *ret)
{
	uint8_t id[DEVICE_ID_HEX / 2];
	struct row key, r;
	enum assay_err e;
	size_t n;

	if ((e = hex_decode(device, id, sizeof id, &n)) != ASSAY_OK)
		return e;
	row_init(&key);
	row_blob(&key, SPAN(id, n), sizeof id);
	row_int(&key, since);
	if ((e = statement_row(l, S_IMA_SEEN_COUNT, &key, &r)) != ASSAY_OK)
		return e;
	*ret = row_get_u64(&r);
	return row_end(&r);
}

/* ---- segments ---- */

struct segment {
	uint64_t entries, bytes;
	char class_name[DEVICE_CLASS_MAX + 1];
	struct span ids;
};

static enum assay_err
segment_get(struct ledger *l, const uint8_t digest[32], struct segment *ret)
{
	struct row key, r;
	enum assay_err e;

	key_of_digest(digest, &key);
	if ((e = statement_row(l, S_IMA_SEGMENT_GET, &key, &r)) != ASSAY_OK)
		return e;
	ret->entries = row_get_u64(&r);
	ret->bytes = row_get_u64(&r);
	row_get_text(&r, ret->class_name, sizeof ret->class_name);
	ret->ids = row_get_blob(&r, IDS_BYTES_MAX);
	return row_end(&r);
}

static enum assay_err
segment_add(struct ledger *l, const uint8_t digest[32], const struct segment *s)
{
	struct row r;

	key_of_digest(digest, &r);
	row_u64(&r, s->entries);
	row_u64(&r, s->bytes);
	row_text(&r, s->class_name, sizeof s->class_name);
	row_blob(&r, s->ids, IDS_BYTES_MAX);
	return statement_change(l, S_IMA_SEGMENT_PUT, &r, NULL);
}

/* A class has a segment for the first time: which of its entries are new to it? */
static enum assay_err
segment_new_class(struct ledger *l, const uint8_t digest[32], const struct ima_run *run,
		  uint64_t *first)
{
	struct row r;
	enum assay_err e = note_first(l, run, &work, first);

	if (e != ASSAY_OK)
		return e;
	key_of_digest(digest, &r);
	row_text(&r, run->class_name, DEVICE_CLASS_MAX + 1);
	return statement_change(l, S_IMA_SEGMENT_CLASS, &r, NULL);
}

static enum assay_err
digest_run(const struct ima_run *run, uint8_t (*ret_each)[32], uint8_t ret[32])
{
	struct reader lengths, bytes;
	enum assay_err e;

	rd_init(&lengths, run->lengths);
	rd_init(&bytes, run->bytes);
	for (size_t i = 0; i < run->entries; i++)
		if ((e = digest_sha256(rd_bytes(&bytes, rd_be32(&lengths)), ret_each[i])) !=
		    ASSAY_OK)
			return e;
	if ((e = rd_finish(&bytes)) != ASSAY_OK)
		return e;
	return digest_sha256(SPAN(ret_each, run->entries * 32), ret);
}

static enum assay_err
segment_make(struct ledger *l, const struct ima_run *run, uint8_t (*each)[32],
	     const uint8_t digest[32])
{
	struct segment s = {.entries = run->entries, .bytes = run->bytes.n};
	struct reader lengths, bytes;
	enum assay_err e;

	rd_init(&lengths, run->lengths);
	rd_init(&bytes, run->bytes);
	for (work.n = 0; work.n < run->entries; work.n++) {
		struct span entry = rd_bytes(&bytes, rd_be32(&lengths));

		if ((e = entry_put(l, each[work.n], entry, &work.id[work.n])) != ASSAY_OK)
			return e;
	}
	memcpy(s.class_name, run->class_name, strlen(run->class_name) + 1);
	s.ids = pack_ids(&work);
	return segment_add(l, digest, &s);
}

enum assay_err
ima_segment_put(struct ledger *l, const struct ima_run *run, uint8_t ret_digest[32],
		uint64_t *first)
{
	static uint8_t each[IMA_RUN_MAX][32];
	struct segment s;
	enum assay_err e;

	if (run->entries > IMA_RUN_MAX)
		return ASSAY_TOO_MANY;
	if ((e = digest_run(run, each, ret_digest)) != ASSAY_OK)
		return e;
	e = segment_get(l, ret_digest, &s);
	if (e == ASSAY_NOT_FOUND) {
		e = segment_make(l, run, each, ret_digest);
		return e == ASSAY_OK ? note_first(l, run, &work, first) : e;
	}
	if (e != ASSAY_OK || strcmp(s.class_name, run->class_name) == 0)
		return e;
	work.n = 0;
	if ((e = unpack_ids(s.ids, &work)) != ASSAY_OK)
		return e;
	return segment_new_class(l, ret_digest, run, first);
}

enum assay_err
ima_segment_join(struct ledger *l, uint8_t (*digests)[32], unsigned n,
		 uint8_t ret_digest[32])
{
	static uint8_t each[LEDGER_IMA_SEGMENT_MAX][32];
	struct segment s = {0}, part;
	enum assay_err e;

	work.n = 0;
	for (unsigned i = 0; i < n; i++) {
		if ((e = segment_get(l, digests[i], &part)) != ASSAY_OK ||
		    (e = unpack_ids(part.ids, &work)) != ASSAY_OK)
			return e;
		s.entries += part.entries;
		s.bytes += part.bytes;
		memcpy(s.class_name, part.class_name, sizeof s.class_name);
	}
	for (size_t i = 0; i < work.n; i++)
		if ((e = entry_digest(l, work.id[i], each[i])) != ASSAY_OK)
			return e;
	if ((e = digest_sha256(SPAN(each, work.n * 32), ret_digest)) != ASSAY_OK)
		return e;
	e = segment_get(l, ret_digest, &part);
	if (e != ASSAY_NOT_FOUND)
		return e;
	for (size_t i = 0; i < work.n; i++)
		if ((e = entry_change(l, S_IMA_ENTRY_HOLD, work.id[i])) != ASSAY_OK)
			return e;
	s.ids = pack_ids(&work);
	return segment_add(l, ret_digest, &s);
}

static enum assay_err
segment_change(struct ledger *l, enum statement_id s, const uint8_t digest[32])
{
	struct row key;

	key_of_digest(digest, &key);
	return statement_change(l, s, &key, NULL);
}

enum assay_err
ima_segment_hold(struct ledger *l, const uint8_t digest[32])
{
	return segment_change(l, S_IMA_SEGMENT_HOLD, digest);
}

enum assay_err
ima_segment_drop(struct ledger *l, const uint8_t digest[32])
{
	return segment_change(l, S_IMA_SEGMENT_DROP, digest);
}

enum assay_err
ima_segment_read(struct ledger *l, const uint8_t digest[32], ledger_sink *sink, void *arg)
{
	uint8_t each[32], found[32];
	struct segment s;
	struct hasher h;
	struct digest d;
	enum assay_err e;

	work.n = 0;
	if ((e = segment_get(l, digest, &s)) != ASSAY_OK ||
	    (e = unpack_ids(s.ids, &work)) != ASSAY_OK ||
	    (e = hash_init(&h, ALG_SHA256)) != ASSAY_OK)
		return e;
	for (size_t i = 0; i < work.n; i++) {
		struct span bytes;

		if ((e = entry_get(l, work.id[i], &bytes, each)) != ASSAY_OK ||
		    (e = hash_update(&h, SPAN(each, sizeof each))) != ASSAY_OK ||
		    (e = sink(arg, bytes)) != ASSAY_OK)
			return e;
	}
	if ((e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	memcpy(found, d.b, sizeof found);
	return span_equal(SPAN(found, 32), SPAN(digest, 32)) ? ASSAY_OK : ASSAY_TAMPERED;
}

/* ---- forgetting and checking ---- */

/* Its entries are let go of with it. */
static enum assay_err
forget_segment(struct ledger *l, unsigned *limit)
{
	uint8_t digest[32];
	struct row none, r;
	enum assay_err e;

	row_init(&none);
	if ((e = statement_row(l, S_IMA_SEGMENT_LOOSE, &none, &r)) != ASSAY_OK)
		return e;
	row_get_bytes(&r, digest, sizeof digest);
	work.n = 0;
	if ((e = unpack_ids(row_get_blob(&r, IDS_BYTES_MAX), &work)) != ASSAY_OK ||
	    (e = row_end(&r)) != ASSAY_OK)
		return e;
	for (size_t i = 0; i < work.n; i++)
		if ((e = entry_change(l, S_IMA_ENTRY_DROP, work.id[i])) != ASSAY_OK)
			return e;
	*limit -= work.n < *limit ? (unsigned)work.n : *limit;
	return segment_change(l, S_IMA_SEGMENT_FORGET, digest);
}

static enum assay_err
forget_entry(struct ledger *l, int64_t before)
{
	struct row key, r;
	uint64_t id;
	enum assay_err e;

	row_init(&key);
	row_int(&key, before);
	if ((e = statement_row(l, S_IMA_ENTRY_LOOSE, &key, &r)) != ASSAY_OK)
		return e;
	id = row_get_u64(&r);
	if ((e = row_end(&r)) != ASSAY_OK)
		return e;
	return entry_change(l, S_IMA_ENTRY_FORGET, id);
}

enum assay_err
ima_prune(struct ledger *l, int64_t before, unsigned limit)
{
	unsigned left = limit;
	enum assay_err e = ASSAY_OK;

	while (left > 0 && (e = forget_segment(l, &left)) == ASSAY_OK)
		left -= left > 0;
	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	for (left = limit, e = ASSAY_OK; left > 0 && e == ASSAY_OK; left--)
		e = forget_entry(l, before);
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

static enum assay_err
sink_nowhere(void *arg, struct span bytes)
{
	(void)arg, (void)bytes;
	return ASSAY_OK;
}

enum assay_err
ima_check_segments(struct ledger *l, struct ledger_report *report)
{
	uint8_t digest[32];
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_blob(&key, SPAN(NULL, 0), 32);
	while ((e = statement_row(l, S_IMA_SEGMENT_NEXT, &key, &r)) == ASSAY_OK) {
		row_get_bytes(&r, digest, sizeof digest);
		if ((e = row_end(&r)) == ASSAY_OK)
			e = ima_segment_read(l, digest, sink_nowhere, NULL);
		if (e != ASSAY_OK) {
			engine_report(report, "entries of IMA lists were changed");
			return e == ASSAY_NOT_FOUND ? ASSAY_TAMPERED : e;
		}
		key_of_digest(digest, &key);
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}
