/* sqlite_blob.c: bytes by their digest; see ledger.h.
 *
 * A blob is believed because it hashes to the digest that an authentic row names. A
 * boot log is kept while a device's state names it (table boot_log counts); what no
 * state ever named (certificates) is kept for good. */
#include "sqlite_engine.h"

#include <string.h>

#include "evidence/digest.h"

static const uint8_t no_digest[32];

static bool
is_none(struct span digest)
{
	return digest.n != 32 || span_equal(digest, SPAN(no_digest, 32));
}

static void
key_of(struct span digest, struct row *key)
{
	row_init(key);
	row_blob(key, digest, 32);
}

enum assay_err
ledger_blob_put(struct ledger *l, struct span bytes, uint8_t ret_digest[32])
{
	uint8_t digest[32];
	struct row r;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK || (e = digest_sha256(bytes, digest)) != ASSAY_OK)
		return e;
	key_of(SPAN(digest, 32), &r);
	row_blob(&r, bytes, LEDGER_BLOB_MAX);
	if ((e = statement_change(l, S_BLOB_PUT, &r, NULL)) == ASSAY_OK)
		memcpy(ret_digest, digest, sizeof digest);
	return e;
}

enum assay_err
ledger_blob_get(struct ledger *l, const uint8_t digest[32], struct span *ret)
{
	uint8_t found[32];
	struct row key, r;
	struct span bytes;
	enum assay_err e;

	key_of(SPAN(digest, 32), &key);
	if ((e = statement_row(l, S_BLOB_GET, &key, &r)) != ASSAY_OK)
		return e;
	bytes = row_get_blob(&r, LEDGER_BLOB_MAX);
	if ((e = row_end(&r)) != ASSAY_OK || (e = digest_sha256(bytes, found)) != ASSAY_OK)
		return e;
	if (!span_equal(SPAN(found, 32), SPAN(digest, 32)))
		return ASSAY_TAMPERED;
	*ret = bytes;
	return ASSAY_OK;
}

enum assay_err
blob_refer(struct ledger *l, struct span before, struct span after)
{
	struct row key;
	enum assay_err e = ASSAY_OK;

	if (span_equal(before, after))
		return ASSAY_OK;
	if (!is_none(after)) {
		key_of(after, &key);
		e = statement_change(l, S_BOOT_LOG_HOLD, &key, NULL);
		if (e != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_MISSING : e;
	}
	if (!is_none(before)) {
		key_of(before, &key);
		e = statement_change(l, S_BOOT_LOG_DROP, &key, NULL);
	}
	return e;
}

enum assay_err
blob_prune(struct ledger *l, unsigned limit)
{
	uint8_t digest[32];
	struct row key, r, none;
	enum assay_err e = ASSAY_OK;

	row_init(&none);
	while (limit-- > 0 &&
	       (e = statement_row(l, S_BOOT_LOG_LOOSE, &none, &r)) == ASSAY_OK) {
		row_get_bytes(&r, digest, sizeof digest);
		key_of(SPAN(digest, sizeof digest), &key);
		if ((e = row_end(&r)) != ASSAY_OK ||
		    (e = statement_change(l, S_BOOT_LOG_FORGET, &key, NULL)) != ASSAY_OK ||
		    (e = statement_change(l, S_BLOB_FORGET, &key, NULL)) != ASSAY_OK)
			return e;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

enum assay_err
blob_check(struct ledger *l, struct ledger_report *report)
{
	uint8_t digest[32];
	struct span after = SPAN(NULL, 0), bytes;
	struct row key, r;
	enum assay_err e;

	for (;;) {
		key_of(after, &key);
		if ((e = statement_row(l, S_BLOB_NEXT, &key, &r)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
		row_get_bytes(&r, digest, sizeof digest);
		if ((e = row_end(&r)) == ASSAY_OK)
			e = ledger_blob_get(l, digest, &bytes);
		if (e != ASSAY_OK) {
			engine_report(report, "stored bytes do not hash to their digest");
			return e;
		}
		after = SPAN(digest, sizeof digest);
	}
}
