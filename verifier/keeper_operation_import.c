/* keeper_operation_import.c: allow-lists of files: gathered from an operator in pieces,
 * or made of a device's stored IMA list; checked by a compiler process, kept as learned
 * sets like all others. */
#include "keeper_operation.h"

#include "bulk.h"
#include "compiler.h"
#include "keeper_ima.h"
#include "random.h"
#include "verifier/appraise/digestset.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#include "evidence/hex.h"

#define UPLOADS_MAX 4
#define UPLOAD_IDLE_S 600
#define UPLOAD_ID_BYTES 16
#define CONTENT_PIECE (4u << 20)
_Static_assert(DIGESTSET_BYTES_MAX <= LEDGER_REFERENCE_MAX, "every set can be stored");

/* One that is under way: whose, and when it last grew. */
static struct upload {
	char id[2 * UPLOAD_ID_BYTES + 1]; /* "": free */
	char actor[LEDGER_ACTOR_MAX + 1];
	int64_t touched;
	struct bulk bytes;
} uploads[UPLOADS_MAX];

static void
upload_free(struct upload *u)
{
	bulk_free(&u->bytes);
	memset(u, 0, sizeof *u);
}

static struct upload *
free_upload(int64_t now)
{
	for (unsigned i = 0; i < UPLOADS_MAX; i++) {
		if (uploads[i].id[0] && now - uploads[i].touched > UPLOAD_IDLE_S)
			upload_free(&uploads[i]);
		if (!uploads[i].id[0])
			return &uploads[i];
	}
	return NULL;
}

/* The caller's own. */
static enum assay_err
find_upload(struct call *c, struct upload **ret)
{
	char id[OPERATION_TEXT_MAX + 1];
	enum assay_err e;

	if ((e = call_need(c, F_UPLOAD, id)) != ASSAY_OK)
		return e;
	for (unsigned i = 0; i < UPLOADS_MAX; i++) {
		if (!uploads[i].id[0] || strcmp(uploads[i].id, id) != 0 ||
		    strcmp(uploads[i].actor, c->actor) != 0)
			continue;
		*ret = &uploads[i];
		return ASSAY_OK;
	}
	return call_fail(c, ASSAY_NOT_FOUND, "there is no such upload; begin again");
}

enum assay_err
operation_on_upload_begin(struct call *c)
{
	struct upload *u = free_upload(keeper_now(c->k));
	uint8_t id[UPLOAD_ID_BYTES];
	enum assay_err e;

	if (!u)
		return call_fail(c, ASSAY_BUSY, "%d uploads are under way; try again later",
				 UPLOADS_MAX);
	if ((e = random_bytes(id, sizeof id)) != ASSAY_OK ||
	    (e = hex_encode(SPAN(id, sizeof id), u->id, sizeof u->id)) != ASSAY_OK)
		return e;
	text_format(u->actor, sizeof u->actor, "%s", c->actor);
	u->touched = keeper_now(c->k);
	c->ret = json_pack("{s:s, s:i}", "upload", u->id, "bytes", 0);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

enum assay_err
operation_on_upload_append(struct call *c)
{
	struct span piece = c->op.field[F_FILE];
	struct upload *u;
	uint64_t offset;
	enum assay_err e;

	if ((e = find_upload(c, &u)) != ASSAY_OK ||
	    (e = call_number(c, F_OFFSET, (struct call_range){0, DIGESTSET_BYTES_MAX, 0},
			     &offset)) != ASSAY_OK)
		return e;
	if (offset != u->bytes.n)
		return call_fail(c, ASSAY_STATE, "the upload has %zu bytes; go on from there",
				 u->bytes.n);
	if (piece.n > DIGESTSET_BYTES_MAX - u->bytes.n)
		return call_fail(c, ASSAY_TOO_LARGE, "a set has at most %u MiB",
				 DIGESTSET_BYTES_MAX >> 20);
	if ((e = bulk_append(&u->bytes, piece)) != ASSAY_OK) {
		upload_free(u);
		return e;
	}
	u->touched = keeper_now(c->k);
	c->ret = json_pack("{s:s, s:I}", "upload", u->id, "bytes", (json_int_t)u->bytes.n);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* ---- from bytes to a set ---- */

static enum assay_err
store(struct job *j, struct span compiled, const char *origin)
{
	struct ledger_reference r = {.compiled = compiled, .state = REF_LEARNED};
	struct call *c = &j->call;
	char hex[65] = "";
	enum assay_err e;

	if (compiled.n == 0)
		return call_fail(c, ASSAY_MISSING, "there is no file in it");
	if ((e = digest_sha256(compiled, r.digest)) != ASSAY_OK ||
	    (e = hex_encode(SPAN(r.digest, 4), hex, sizeof hex)) != ASSAY_OK ||
	    (e = call_change(c)) != ASSAY_OK)
		return e;
	text_format(r.name, sizeof r.name, *j->name ? "%s" : "files-%s", *j->name ? j->name : hex);
	text_format(r.class_name, sizeof r.class_name, "%s", j->device.class_name);
	text_format(r.origin, sizeof r.origin, "%s", origin);
	text_format(r.author, sizeof r.author, "%s", c->actor);
	r.created = keeper_now(c->k);
	e = ledger_reference_insert(c->l, &r);
	if (e == ASSAY_EXISTS)
		return call_fail(c, e, "a set of that name (`%s') or, for its class, with the "
				       "same content is there already", r.name);
	if (e != ASSAY_OK || (e = call_audit(c, r.name, r.origin)) != ASSAY_OK ||
	    (e = keeper_reload(c->k)) != ASSAY_OK)
		return e;
	c->ret = json_reference(&r);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* The compiler found the uploaded set to be one: what is stored is what was uploaded. */
static enum assay_err
finish_upload(struct job *j, struct span nothing)
{
	(void)nothing;
	return store(j, j->bulk.bytes, *j->comment ? j->comment : "imported");
}

static enum assay_err
finish_list(struct job *j, struct span compiled)
{
	char origin[LEDGER_TEXT_MAX];
	const struct ledger_device *d = &j->device;

	text_format(origin, sizeof origin, "IMA list of %s (%s)", *d->name ? d->name : d->id,
		    d->id);
	return store(j, compiled, origin);
}

/* Everything of the set but its bytes. The class "" is every class. */
static enum assay_err
describe(struct call *c, struct job **ret)
{
	char name[LEDGER_NAME_MAX + 1], class_name[DEVICE_CLASS_MAX + 1], why[LEDGER_TEXT_MAX];
	struct job *j;
	enum assay_err e;

	if ((e = call_name(c, F_NAME, name)) != ASSAY_OK ||
	    (e = call_class(c, class_name)) != ASSAY_OK || (e = call_reason(c, why)) != ASSAY_OK ||
	    (e = job_new(c, &j)) != ASSAY_OK)
		return e;
	memcpy(j->name, name, sizeof j->name);
	memcpy(j->device.class_name, class_name, sizeof j->device.class_name);
	memcpy(j->comment, why, sizeof j->comment);
	*ret = j;
	return ASSAY_OK;
}

enum assay_err
call_upload(struct call *c, struct bulk *ret)
{
	struct upload *u;
	enum assay_err e;

	if ((e = find_upload(c, &u)) != ASSAY_OK)
		return e;
	*ret = u->bytes;
	memset(&u->bytes, 0, sizeof u->bytes);
	upload_free(u);
	return ASSAY_OK;
}

static enum assay_err
start_upload(struct call *c, struct job *j)
{
	struct upload *u;
	enum assay_err e;

	if ((e = find_upload(c, &u)) != ASSAY_OK)
		return e;
	if (!*j->device.class_name)
		return call_fail(c, ASSAY_MALFORMED, "class: which devices is the list for?");
	if ((e = call_upload(c, &j->bulk)) != ASSAY_OK)
		return e;
	if ((e = bulk_seal(&j->bulk)) != ASSAY_OK || (e = bulk_map(&j->bulk)) != ASSAY_OK)
		return e;
	j->finish = finish_upload;
	return job_start_bulk(j, COMPILE_FILES_CHECK);
}

static enum assay_err
start_list(struct call *c, struct job *j)
{
	char class_name[DEVICE_CLASS_MAX + 1];
	uint64_t entries;
	enum assay_err e;

	memcpy(class_name, j->device.class_name, sizeof class_name);
	if ((e = call_device(c, &j->device)) != ASSAY_OK)
		return e;
	if (*class_name)
		memcpy(j->device.class_name, class_name, sizeof class_name);
	if (!*j->device.class_name)
		return call_fail(c, ASSAY_STATE, "the device has no class; set one first");
	e = keeper_ima_load(c->k, j->device.id, &j->bulk, &entries);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, ASSAY_STATE, "no IMA list of the device is stored; its policy "
						 "must have a section ima");
	if (e != ASSAY_OK)
		return e;
	j->finish = finish_list;
	return job_start_bulk(j, COMPILE_FILES_OF_LIST);
}

enum assay_err
operation_on_reference_import(struct call *c)
{
	struct job *j = NULL;
	enum assay_err e;

	if (call_has(c, F_UPLOAD) == call_has(c, F_DEVICE))
		return call_fail(c, ASSAY_MALFORMED, "either an upload or a device is needed");
	if ((e = describe(c, &j)) != ASSAY_OK)
		return e;
	e = call_has(c, F_UPLOAD) ? start_upload(c, j) : start_list(c, j);
	if (e != ASSAY_OK) {
		job_free(j);
		return e;
	}
	c->later = true;
	return ASSAY_OK;
}

/* ---- back ---- */

/* A piece of a set's bytes, from an offset on; empty at the end. */
enum assay_err
operation_on_reference_export(struct call *c)
{
	char text[OPERATION_TEXT_MAX + 1];
	struct ledger_reference f;
	struct span all;
	struct reader r;
	uint64_t from;
	enum assay_err e;

	if ((e = call_need(c, F_REFERENCE, text)) != ASSAY_OK ||
	    (e = call_number(c, F_OFFSET, (struct call_range){0, LEDGER_REFERENCE_MAX, 0},
			     &from)) != ASSAY_OK)
		return e;
	e = ledger_reference_find(c->l, text, &f);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, e, "there is no reference set `%s'", text);
	if (e != ASSAY_OK)
		return e;
	all = f.large ? keeper_reference_bytes(c->k, f.digest) : f.compiled;
	if (f.large && all.n == 0)
		return call_fail(c, ASSAY_STATE, "a retired set of this size is not at hand");
	if (from > all.n)
		return call_fail(c, ASSAY_MALFORMED, "offset: the set has %zu bytes", all.n);
	rd_init(&r, all);
	(void)rd_bytes(&r, from < all.n ? (size_t)from : all.n);
	c->bytes = rd_bytes(&r, rd_left(&r) < CONTENT_PIECE ? rd_left(&r) : CONTENT_PIECE);
	if (c->bytes.n == 0)
		c->bytes = SPAN("", 0); /* bytes all the same, and the last */
	return ASSAY_OK;
}
