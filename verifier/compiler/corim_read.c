/* corim_read.c: the outside of a CoRIM: its map, its tags, what stands around it. See
 * corim.h; the CoMIDs in it are corim_comid.c's, the signature corim_sign.c's. */
#include "corim.h"

#include "cbor_read.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"
#include "verifier/appraise/x509.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TAG_EPOCH 1
#define TAG_SIGN1 18
#define TAG_URI 32
#define TAG_UUID 37
#define TAG_OID 111
#define TAG_LEGACY_OUTER 500
#define TAG_LEGACY_SIGNED 502
#define TAG_CORIM 501
#define TAG_COSWID 505
#define TAG_COMID 506
#define TAG_COTL 508
#define TAG_BYTES 560

#define UUID_SIZE 16
#define ID_BYTES_MAX 60 /* of an id shown in hex */

const char *
corim_reason_word(enum corim_reason r)
{
	static const char *const words[] = {
#define X(code, word, text) word,
		CORIM_REASONS(X)
#undef X
	};

	return (unsigned)r < CORIM_REASON_COUNT ? words[r] : words[CORIM_UNDECIDED];
}

const char *
corim_reason_text(enum corim_reason r)
{
	static const char *const texts[] = {
#define X(code, word, text) text,
		CORIM_REASONS(X)
#undef X
	};

	return (unsigned)r < CORIM_REASON_COUNT ? texts[r] : texts[CORIM_UNDECIDED];
}

void
corim_note(struct corim *c, const char *fmt, ...)
{
	va_list ap;

	if (c->nnotes == CORIM_NOTES_MAX) {
		c->notes_cut = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(c->note[c->nnotes++], CORIM_NOTE_MAX, fmt, ap);
	va_end(ap);
}

/* ---- small values ---- */

void
corim_text(struct cbor_reader *r, char ret[CORIM_TEXT_MAX])
{
	struct cbor_entry e = cbor_want(r, CBOR_TEXT);

	if (e.bytes.n >= CORIM_TEXT_MAX)
		cbor_fail(r, ASSAY_TOO_LARGE);
	text_escape(e.bytes, ret, CORIM_TEXT_MAX);
}

static void
put_bytes(struct cbor_reader *r, const char *kind, struct span b, char ret[CORIM_TEXT_MAX])
{
	char hex[2 * ID_BYTES_MAX + 1];

	if (b.n > ID_BYTES_MAX || hex_encode(b, hex, sizeof hex) != ASSAY_OK) {
		cbor_fail(r, ASSAY_TOO_LARGE);
		return;
	}
	text_format(ret, CORIM_TEXT_MAX, "%s:%s", kind, hex);
}

static void
put_uuid(struct cbor_reader *r, struct span b, char ret[CORIM_TEXT_MAX])
{
	char h[2 * UUID_SIZE + 1] = "";

	if (b.n != UUID_SIZE || hex_encode(b, h, sizeof h) != ASSAY_OK) {
		cbor_fail(r, ASSAY_MALFORMED);
		return;
	}
	text_format(ret, CORIM_TEXT_MAX, "uuid:%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16,
		    h + 20);
}

static void
put_oid(struct cbor_reader *r, struct span b, char ret[CORIM_TEXT_MAX])
{
	char text[CORIM_TEXT_MAX - 8];

	x509_oid_text(b, text, sizeof text);
	if (!*text)
		cbor_fail(r, ASSAY_MALFORMED);
	text_format(ret, CORIM_TEXT_MAX, "oid:%s", text);
}

void
corim_id_text(struct cbor_reader *r, char ret[CORIM_TEXT_MAX])
{
	uint64_t tag = 0;
	struct cbor_entry e = cbor_next(r);

	ret[0] = '\0';
	if (e.kind == CBOR_TAG) {
		tag = e.value;
		e = cbor_next(r);
	}
	if (e.kind == CBOR_TEXT && (tag == 0 || tag == TAG_URI)) {
		if (e.bytes.n >= CORIM_TEXT_MAX)
			cbor_fail(r, ASSAY_TOO_LARGE);
		text_escape(e.bytes, ret, CORIM_TEXT_MAX);
	} else if (e.kind == CBOR_BYTES && tag == TAG_UUID) {
		put_uuid(r, e.bytes, ret);
	} else if (e.kind == CBOR_BYTES && tag == TAG_OID) {
		put_oid(r, e.bytes, ret);
	} else if (e.kind == CBOR_BYTES && tag == 0 && e.bytes.n == UUID_SIZE) {
		put_uuid(r, e.bytes, ret); /* tag-id and corim-id: a bare UUID */
	} else if (e.kind == CBOR_BYTES && (tag == 0 || tag == TAG_BYTES)) {
		put_bytes(r, "bytes", e.bytes, ret);
	} else if (e.kind == CBOR_UINT && tag == 0) {
		text_format(ret, CORIM_TEXT_MAX, "%llu", (unsigned long long)e.value);
	} else {
		cbor_fail(r, ASSAY_BAD_TYPE);
	}
}

static int64_t
epoch(struct cbor_reader *r)
{
	cbor_want_tag(r, TAG_EPOCH);
	return cbor_int(r);
}

void
corim_validity(struct cbor_reader *r, int64_t *ret_not_before, int64_t *ret_not_after)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);
	bool has_end = false;

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r), t = epoch(r);

		if (key != 0 && key != 1)
			cbor_fail(r, ASSAY_MALFORMED);
		*(key == 0 ? ret_not_before : ret_not_after) = t;
		has_end |= key == 1;
	}
	if (!has_end)
		cbor_fail(r, ASSAY_MISSING);
}

/* ---- the corim-map ---- */

static void
read_tag(struct cbor_reader *r, struct corim *c)
{
	struct cbor_entry tag = cbor_want(r, CBOR_TAG);
	struct cbor_entry body = cbor_want(r, CBOR_BYTES);

	if (r->err != ASSAY_OK)
		return;
	if (tag.value == TAG_COMID)
		cbor_fail(r, corim_read_comid(body.bytes, c));
	else if (tag.value == TAG_COSWID)
		corim_note(c, "a software identity (CoSWID) is not used");
	else if (tag.value == TAG_COTL)
		corim_note(c, "a list of tags (CoTL) is not used");
	else
		corim_note(c, "a tag of an unknown kind (%llu) is not used",
			   (unsigned long long)tag.value);
}

static void
read_tags(struct cbor_reader *r, struct corim *c)
{
	struct cbor_entry list = cbor_want(r, CBOR_ARRAY);

	if (r->err == ASSAY_OK && list.value == 0)
		cbor_fail(r, ASSAY_MISSING);
	if (list.value > CORIM_TAGS_MAX)
		cbor_fail(r, ASSAY_TOO_MANY);
	for (uint64_t i = 0; i < list.value && r->err == ASSAY_OK; i++)
		read_tag(r, c);
}

static void
read_member(struct cbor_reader *r, struct corim *c, int64_t key)
{
	switch (key) {
	case 0:
		corim_id_text(r, c->id);
		break;
	case 1:
		read_tags(r, c);
		break;
	case 2:
		cbor_item(r);
		corim_note(c, "other documents that it depends on are not fetched");
		break;
	case 3:
		corim_id_text(r, c->profile);
		if (!*c->profile)
			cbor_fail(r, ASSAY_MALFORMED);
		break;
	case 4:
		corim_validity(r, &c->not_before, &c->not_after);
		break;
	case 5:
		cbor_item(r); /* entities: who took part; the signature says who answers */
		break;
	default:
		cbor_item(r);
		c->unknown_member = true;
		corim_note(c, "member %lld is not known", (long long)key);
	}
}

static enum assay_err
read_map(struct span in, struct corim *c)
{
	bool has_id = false, has_tags = false;
	struct cbor_reader r;
	struct cbor_entry map;

	cbor_open(&r, in);
	cbor_want_tag(&r, TAG_CORIM);
	map = cbor_want(&r, CBOR_MAP);
	for (uint64_t i = 0; i < map.value && r.err == ASSAY_OK; i++) {
		int64_t key = cbor_int(&r);

		has_id |= key == 0;
		has_tags |= key == 1;
		if (r.err == ASSAY_OK)
			read_member(&r, c, key);
		if (r.err != ASSAY_OK && !*c->why)
			text_format(c->why, sizeof c->why, "member %lld of the CoRIM",
				    (long long)key);
	}
	if (r.err == ASSAY_OK && (!has_id || !has_tags)) {
		text_format(c->why, sizeof c->why, "the CoRIM has no %s", has_id ? "tags" : "id");
		return ASSAY_MISSING;
	}
	return cbor_finish(&r);
}

static enum assay_err
read_signed(struct cbor_reader *r, struct corim *c)
{
	enum assay_err e = corim_read_sign1(r, c);

	if (e != ASSAY_OK)
		return e;
	if ((e = cbor_check(c->sign.payload)) != ASSAY_OK) {
		text_format(c->why, sizeof c->why, "the signed content is no well-formed CBOR");
		return e;
	}
	return read_map(c->sign.payload, c);
}

enum assay_err
corim_read(struct span file, struct corim *ret)
{
	struct cbor_reader r;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (file.n > CORIM_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = cbor_check(file)) != ASSAY_OK) {
		text_format(ret->why, sizeof ret->why, "the file is no well-formed CBOR");
		return e;
	}
	cbor_open(&r, file);
	if (cbor_take_tag(&r, TAG_LEGACY_OUTER))
		(void)cbor_take_tag(&r, TAG_LEGACY_SIGNED);
	if (cbor_take_tag(&r, TAG_SIGN1))
		return read_signed(&r, ret);
	if (cbor_peek(&r) == CBOR_MAP) {
		ret->bare = true;
		return corim_read_comid(file, ret);
	}
	if (cbor_peek(&r) != CBOR_TAG || !cbor_take_tag(&r, TAG_CORIM)) {
		text_format(ret->why, sizeof ret->why, "neither a CoRIM nor a CoMID");
		return ASSAY_BAD_MAGIC;
	}
	return read_map(file, ret);
}

/* ---- whether it may be used ---- */

int64_t
corim_not_after(const struct corim *c)
{
	int64_t a = c->not_after, b = c->sign.not_after;

	if (a == 0 || b == 0)
		return a == 0 ? b : a;
	return a < b ? a : b;
}

static bool
before(int64_t at, int64_t not_before)
{
	return not_before != 0 && at < not_before;
}

enum corim_reason
corim_judge(const struct corim *c, int64_t at)
{
	int64_t end = corim_not_after(c);

	if (*c->profile)
		return CORIM_PROFILE;
	if (c->unknown_member)
		return CORIM_EXTENSION;
	if (before(at, c->not_before) || before(at, c->sign.not_before))
		return CORIM_NOT_YET;
	if (end != 0 && at > end)
		return CORIM_EXPIRED;
	for (uint32_t i = 0; i < c->nrecords; i++)
		if (c->record[i].usable)
			return CORIM_OK;
	return CORIM_NOTHING;
}
