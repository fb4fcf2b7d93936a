/* keeper_offline.c: evidence that operators submit in files; see keeper_offline.h. */
#include "keeper_offline.h"

#include "compiler.h"
#include "evidence/eventlog.h"
#include "keeper_private.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_NET (UINT64_C(0xFF) << 56) /* no net process has this number */

/* Where a part stands in the file, as the compiler process says. */
struct part {
	bool present;
	uint32_t at, n;
};

struct parts {
	struct span nonce;
	struct part proof, claims, log, ima;
};

struct submission {
	struct offline_caller caller;
	struct bulk file;
	struct ledger_challenge challenge; /* once it was found */
	struct keeper_session session;
};

static struct submission *submissions[OFFLINE_SUBMISSIONS_MAX];

/* ---- sessions that are no connections ---- */

struct keeper_session *
keeper_offline_session(struct keeper *k, uint64_t id)
{
	(void)k;
	for (unsigned i = 0; i < OFFLINE_SUBMISSIONS_MAX; i++)
		if (submissions[i] && id != 0 && submissions[i]->session.id == id)
			return &submissions[i]->session;
	return NULL;
}

static void
end(struct submission *s)
{
	for (unsigned i = 0; i < OFFLINE_SUBMISSIONS_MAX; i++)
		if (submissions[i] == s)
			submissions[i] = NULL;
	bulk_free(&s->file);
	free(s);
}

void
keeper_offline_end(void)
{
	for (unsigned i = 0; i < OFFLINE_SUBMISSIONS_MAX; i++)
		if (submissions[i])
			end(submissions[i]);
}

static void
refuse(struct keeper *k, struct submission *s, const char *word)
{
	log_event(LOG_LEVEL_WARN, "evidence-refused", "actor", s->caller.actor, "device",
		  s->challenge.device, "reason", word, NULL);
	offline_answer_refused(k, s->caller.op, word);
	end(s);
}

void
keeper_offline_refuse(struct keeper *k, struct keeper_session *s, const char *word, bool retry)
{
	(void)retry;
	refuse(k, s->offline, word);
}

bool
keeper_offline_withhold(struct keeper *k, struct request *r, const struct verdict *v)
{
	const struct msg_need *n = &v->need;

	if (n->nwants != 1 || ++r->needs > MSG_WANTS_MAX + APPRAISAL_FILES_MAX)
		return false;
	if (n->wants[0].kind == PART_FILES && r->nfiles < APPRAISAL_FILES_MAX) {
		keeper_files_parts(k, r, SPAN(NULL, 0));
		return true;
	}
	if (n->wants[0].kind != PART_IMA)
		return false;
	keeper_ima_free(k, r);
	r->has_ima = r->ima_offered = true;
	r->ima_from = r->ima_stored = 0;
	return true;
}

/* ---- the end: decided ---- */

enum assay_err
keeper_offline_open(struct keeper *k, struct keeper_session *s)
{
	struct ledger_challenge c;
	enum assay_err e = ledger_challenge_get(k->ledger, s->offline->challenge.nonce, &c);

	if (e != ASSAY_OK)
		return e == ASSAY_NOT_FOUND ? ASSAY_STATE : e;
	return c.state == CHALLENGE_OUTSTANDING ? ASSAY_OK : ASSAY_STATE;
}

enum assay_err
keeper_offline_settle(struct keeper *k, struct keeper_session *s)
{
	const struct submission *o = s->offline;
	char detail[LEDGER_TEXT_MAX], id[2 * OFFLINE_ID_BYTES + 1];
	enum assay_err e = hex_encode(SPAN(o->challenge.nonce, OFFLINE_ID_BYTES), id, sizeof id);

	if (e != ASSAY_OK || (e = ledger_challenge_settle(k->ledger, o->challenge.nonce,
							   CHALLENGE_USED, k->now)) != ASSAY_OK)
		return e;
	snprintf(detail, sizeof detail, "answers challenge %s, issued %lld s ago", id,
		 (long long)(k->now - o->challenge.issued));
	return keeper_audit(k, o->caller.actor, operation_name(OP_EVIDENCE_SUBMIT),
			    o->challenge.device, detail);
}

void
keeper_offline_decided(struct keeper *k, struct keeper_session *s, const struct verdict *v,
		       const struct decision_view *d)
{
	struct submission *o = s->offline;
	const struct offline_decision answer = {&o->challenge, d, v, d->expires};

	offline_answer_decided(k, o->caller.op, &answer);
	end(o);
}

/* ---- the beginning: a file ---- */

static struct part
read_part(struct reader *r, size_t size)
{
	struct part p = {.present = rd_u8(r) == 1};

	p.at = rd_be32(r);
	p.n = rd_be32(r);
	if (p.at > size || p.n > size - p.at || (!p.present && p.n != 0))
		rd_fail(r, ASSAY_MALFORMED);
	return p;
}

static enum assay_err
read_parts(struct span out, size_t size, struct parts *ret)
{
	struct reader r;

	rd_init(&r, out);
	ret->nonce = rd_bytes(&r, BINDING_NONCE_SIZE);
	ret->proof = read_part(&r, size);
	ret->claims = read_part(&r, size);
	ret->log = read_part(&r, size);
	ret->ima = read_part(&r, size);
	return rd_finish(&r);
}

static struct span
bytes_of(const struct submission *s, struct part p)
{
	return span_part(s->file.bytes, p.at, p.n);
}

/* The word for which the challenge cannot be answered, or NULL. */
static const char *
find_challenge(struct keeper *k, struct submission *s, struct span nonce)
{
	struct ledger_challenge *c = &s->challenge;
	enum assay_err e = ledger_challenge_get(k->ledger, nonce.p, c);

	if (e == ASSAY_NOT_FOUND)
		return "challenge.unknown";
	if (e != ASSAY_OK)
		return "verifier.internal";
	if (c->state != CHALLENGE_OUTSTANDING)
		return c->state == CHALLENGE_USED ? "challenge.used" : "challenge.revoked";
	if (c->expires <= k->now)
		return "challenge.expired";
	for (unsigned i = 0; i < OFFLINE_SUBMISSIONS_MAX; i++)
		if (submissions[i] && submissions[i] != s &&
		    span_equal(SPAN(submissions[i]->challenge.nonce, 32), nonce))
			return "verifier.busy";
	if (ledger_device_get(k->ledger, c->device, &k->device) != ASSAY_OK)
		return "verifier.internal";
	return span_equal(SPAN(k->device.ak_name.b, k->device.ak_name.len),
			  SPAN(c->key_name.b, c->key_name.len))
		       ? NULL
		       : "challenge.other-key";
}

static enum assay_err
take_parts(struct keeper *k, const struct submission *s, const struct parts *p, struct request *r)
{
	enum assay_err e;

	if (p->proof.n > MSG_PROOF_MAX || p->claims.n > MSG_CLAIMS_MAX || p->log.n > EVENTLOG_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = keeper_copy(bytes_of(s, p->proof), &r->proof, &r->proof_len)) != ASSAY_OK ||
	    (e = keeper_copy(bytes_of(s, p->claims), &r->claims, &r->claims_len)) != ASSAY_OK ||
	    (e = keeper_copy(bytes_of(s, p->log), &r->log, &r->log_len)) != ASSAY_OK)
		return e;
	r->has_log = p->log.present;
	return p->ima.present ? keeper_ima_take(k, r, bytes_of(s, p->ima)) : ASSAY_OK;
}

/* From here on it is a round: keeper_round.c, keeper_verdict.c. */
static void
begin_round(struct keeper *k, struct submission *s, const struct parts *p)
{
	static uint64_t serial;
	struct request *r = calloc(1, sizeof *r);
	enum assay_err e = r ? take_parts(k, s, p, r) : ASSAY_NO_MEMORY;

	if (e != ASSAY_OK) {
		keeper_request_free(k, r);
		refuse(k, s, e == ASSAY_BUSY ? "verifier.busy" : "verifier.internal");
		return;
	}
	s->session.id = SESSION_NET | (++serial & UINT32_MAX);
	s->session.offline = s;
	s->session.state = KS_JUDGING;
	s->session.key_name = s->challenge.key_name;
	s->session.asked = s->challenge.asked;
	r->kind = REQ_ROUND;
	r->session = s->session.id;
	r->at_ms = k->now_ms;
	r->asked = s->challenge.asked;
	r->issued = s->challenge.issued;
	memcpy(r->nonce, s->challenge.nonce, sizeof r->nonce);
	keeper_submit(k, &s->session, r);
}

static void
on_parts(struct keeper *k, void *arg, enum assay_err e, struct span out)
{
	struct submission *s = arg;
	struct parts p = {.nonce = {NULL, 0}};
	char words[200];
	const char *word;

	if (e == ASSAY_OK)
		e = read_parts(out, s->file.n, &p);
	if (e != ASSAY_OK) {
		snprintf(words, sizeof words, "not evidence that was collected offline: %s",
			 e == ASSAY_NOT_FOUND ? "it answers no challenge in a file"
					      : assay_err_text(e));
		keeper_reply(k, s->caller.op,
			     e == ASSAY_NO_MEMORY || e == ASSAY_INTERNAL ? e : ASSAY_MALFORMED,
			     words);
		end(s);
		return;
	}
	if ((word = find_challenge(k, s, p.nonce)) != NULL)
		refuse(k, s, word);
	else
		begin_round(k, s, &p);
}

enum assay_err
keeper_offline_submit(struct keeper *k, const struct offline_caller *caller, struct bulk *file)
{
	struct submission *s = NULL, **at = NULL;
	enum assay_err e = ASSAY_BUSY;

	for (unsigned i = 0; i < OFFLINE_SUBMISSIONS_MAX && !at; i++)
		if (!submissions[i])
			at = &submissions[i];
	if (at)
		e = (s = calloc(1, sizeof *s)) ? bulk_seal(file) : ASSAY_NO_MEMORY;
	if (e == ASSAY_OK && (e = bulk_map(file)) == ASSAY_OK)
		e = keeper_compile_fd(k, COMPILE_EVIDENCE, file->fd, on_parts, s);
	if (e != ASSAY_OK) {
		free(s);
		bulk_free(file);
		return e;
	}
	s->caller = *caller;
	s->file = *file;
	memset(file, 0, sizeof *file);
	*at = s;
	return ASSAY_OK;
}
