/* audit_hash.c: the hash that chains audit entries; see ledger.h. Knows no engine. */
#include "ledger.h"

#include <string.h>

#include "evidence/writer.h"

#define AUDIT_LABEL "assay-audit-v1"
#define AUDIT_BYTES_MAX 1024

static void
write_text(struct writer *w, const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	if (n == cap)
		wr_fail(w, ASSAY_MALFORMED);
	else
		wr_be16_bytes(w, SPAN(s, n));
}

enum assay_err
ledger_audit_hash(const struct ledger_audit *a, uint8_t ret[32])
{
	uint8_t bytes[AUDIT_BYTES_MAX];
	struct writer w;
	enum assay_err e;
	size_t n;

	wr_init(&w, bytes, sizeof bytes);
	wr_be16_bytes(&w, SPAN(AUDIT_LABEL, sizeof AUDIT_LABEL - 1));
	wr_bytes(&w, SPAN(a->previous, sizeof a->previous));
	wr_be64(&w, a->seq);
	wr_be64(&w, (uint64_t)a->at);
	write_text(&w, a->actor, sizeof a->actor);
	write_text(&w, a->action, sizeof a->action);
	write_text(&w, a->object, sizeof a->object);
	write_text(&w, a->detail, sizeof a->detail);
	if ((e = wr_finish(&w, &n)) != ASSAY_OK)
		return e;
	return digest_sha256(SPAN(bytes, n), ret);
}
