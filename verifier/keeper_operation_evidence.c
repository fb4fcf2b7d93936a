/* keeper_operation_evidence.c: challenges in files for devices without a connection, and
 * what operators bring back; see keeper_offline.h. */
#include "keeper_operation.h"

#include "evidence/challengefile.h"
#include "evidence/hex.h"
#include "keeper_offline.h"
#include "random.h"
#include "verifier/appraise/text.h"
#include "verifier/result/signing.h"

#include <stdlib.h>
#include <string.h>

#define SIGNED_MAX 4096
#define LISTED_MAX 1000

static const char *
state_name(const struct ledger_challenge *c, int64_t now)
{
	static const char *const names[CHALLENGE_STATE_COUNT] = {"none", "outstanding", "used",
								 "revoked"};

	return c->state == CHALLENGE_OUTSTANDING && c->expires <= now ? "expired"
								      : names[c->state];
}

static json_t *
json_challenge(struct call *c, const struct ledger_challenge *ch)
{
	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:s}", "challenge",
			 json_hex(ch->nonce, OFFLINE_ID_BYTES), "device", ch->device, "state",
			 state_name(ch, keeper_now(c->k)), "issued", json_time(ch->issued),
			 "expires", json_time(ch->expires), "settled", json_time(ch->settled),
			 "by", ch->actor);
}

/* ---- evidence.challenge ---- */

/* In the banks in which the device has answered before. */
static void
select_pcrs(struct call *c, const struct ledger_device *d, const struct pcr_selection *ask,
	    struct pcr_selection *ret)
{
	struct appraisal_input *last = calloc(1, sizeof *last);
	struct ledger_state st;
	bool known = last && ledger_state_outline(c->l, d->id, &st) == ASSAY_OK &&
		     st.version != 0 && keeper_asked_read(st.asked, last) == ASSAY_OK;

	memset(ret, 0, sizeof *ret);
	for (unsigned i = 0; i < ask->count && tier_has_tpm(d->tier); i++)
		if (!known || pcr_selected(&last->asked, ask->bank[i].alg))
			ret->bank[ret->count++] = ask->bank[i];
	if (ret->count == 0 && tier_has_tpm(d->tier))
		*ret = *ask;
	free(last);
}

static enum assay_err
check_outstanding(struct call *c, const struct ledger_device *d)
{
	struct ledger_challenge ch;
	uint8_t after[32];
	const uint8_t *from = NULL;
	unsigned n = 0;
	enum assay_err e;

	while ((e = ledger_challenge_of(c->l, d->id, from, &ch)) == ASSAY_OK) {
		memcpy(after, ch.nonce, sizeof after);
		from = after;
		n += ch.state == CHALLENGE_OUTSTANDING && ch.expires > keeper_now(c->k);
	}
	if (e != ASSAY_NOT_FOUND)
		return e;
	return n < OFFLINE_OUTSTANDING_MAX
		       ? ASSAY_OK
		       : call_fail(c, ASSAY_STATE, "%u challenges of the device are outstanding; "
						   "revoke one first: assay evidence list",
				   n);
}

/* Whom it can be issued for, and for how long its answer can be of use. */
static enum assay_err
check_device(struct call *c, const struct ledger_device *d, uint32_t *ret_max_age,
	     struct pcr_selection *ret_ask)
{
	const struct keeper_policy *p = keeper_policy_for(c->k, d->class_name, d->labels);

	if (d->status != DEV_ENROLLED)
		return call_fail(c, ASSAY_STATE, "the device is %s, not enrolled",
				 device_status_name(d->status));
	if (!p)
		return call_fail(c, ASSAY_STATE, "no policy applies to the device");
	if (p->info.offline_max_age_s == 0)
		return call_fail(c, ASSAY_STATE, "policy %s takes no evidence collected offline; "
						 "add a section `offline' to it",
				 p->info.name);
	*ret_max_age = p->info.offline_max_age_s;
	*ret_ask = p->info.ask;
	return check_outstanding(c, d);
}

static enum assay_err
sign(struct call *c, const struct ledger_device *d, const struct ledger_challenge *ch,
     struct writer *w)
{
	struct signing *signing = keeper_signing(c->k);
	uint8_t payload[CHALLENGEFILE_PAYLOAD_MAX], jws[SIGNED_MAX];
	struct challenge_file f = {.issued = ch->issued,
				   .expires = ch->expires,
				   .key_name = ch->key_name,
				   .asked = ch->asked};
	struct writer p, j;
	enum assay_err e;

	text_format(f.issuer, sizeof f.issuer, "%s", signing_issuer(signing));
	text_format(f.name, sizeof f.name, "%s", d->name);
	memcpy(f.device, d->id, sizeof f.device);
	memcpy(f.nonce, ch->nonce, sizeof f.nonce);
	wr_init(&p, payload, sizeof payload);
	wr_init(&j, jws, sizeof jws);
	if ((e = challenge_payload_write(&f, &p)) != ASSAY_OK ||
	    (e = signer_jws(signing_decision(signing), CHALLENGEFILE_TYP, wr_span(&p), &j)) !=
		    ASSAY_OK)
		return e;
	return challenge_file_write(signing_chain(signing), wr_span(&j), w);
}

static enum assay_err
answer_challenge(struct call *c, const struct ledger_device *d, const struct ledger_challenge *ch)
{
	uint8_t *file = malloc(CHALLENGEFILE_MAX);
	struct writer w;
	enum assay_err e = ASSAY_NO_MEMORY;

	wr_init(&w, file, file ? CHALLENGEFILE_MAX : 0);
	if (file && (e = sign(c, d, ch, &w)) == ASSAY_OK) {
		c->ret = json_challenge(c, ch);
		if (!c->ret || json_object_set_new(c->ret, "file",
						   json_stringn((const char *)file, w.len)) != 0)
			e = ASSAY_NO_MEMORY;
	}
	free(file);
	return e;
}

static enum assay_err
issue(struct call *c, const struct ledger_device *d, struct ledger_challenge *ch)
{
	char detail[LEDGER_TEXT_MAX], id[2 * OFFLINE_ID_BYTES + 1];
	enum assay_err e;

	if ((e = random_bytes(ch->nonce, sizeof ch->nonce)) != ASSAY_OK ||
	    (e = hex_encode(SPAN(ch->nonce, OFFLINE_ID_BYTES), id, sizeof id)) != ASSAY_OK)
		return e;
	memcpy(ch->device, d->id, sizeof ch->device);
	ch->key_name = d->ak_name;
	ch->state = CHALLENGE_OUTSTANDING;
	text_format(ch->actor, sizeof ch->actor, "%s", c->actor);
	text_format(detail, sizeof detail, "challenge %s, valid for %lld s", id,
		    (long long)(ch->expires - ch->issued));
	if ((e = call_change(c)) != ASSAY_OK ||
	    (e = ledger_challenge_insert(c->l, ch)) != ASSAY_OK ||
	    (e = answer_challenge(c, d, ch)) != ASSAY_OK)
		return e;
	return call_audit(c, d->id, detail);
}

enum assay_err
operation_on_evidence_challenge(struct call *c)
{
	static struct ledger_device d;
	struct ledger_challenge ch = {.issued = keeper_now(c->k)};
	struct pcr_selection ask;
	uint32_t max_age = 0;
	uint64_t valid;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK ||
	    (e = check_device(c, &d, &max_age, &ask)) != ASSAY_OK ||
	    (e = call_number(c, F_EXPIRES,
			     (struct call_range){OFFLINE_VALID_MIN_S, OFFLINE_VALID_MAX_S,
						 max_age < OFFLINE_VALID_S ? max_age
									   : OFFLINE_VALID_S},
			     &valid)) != ASSAY_OK)
		return e;
	if (valid > max_age)
		return call_fail(c, ASSAY_MALFORMED,
				 "expires: by the policy evidence is too old %u s after the "
				 "challenge",
				 max_age);
	ch.expires = ch.issued + (int64_t)valid;
	select_pcrs(c, &d, &ask, &ch.asked);
	return issue(c, &d, &ch);
}

/* ---- evidence.list, evidence.revoke ---- */

enum assay_err
operation_on_evidence_list(struct call *c)
{
	static struct ledger_device d;
	bool one = call_has(c, F_DEVICE);
	struct ledger_challenge ch;
	uint8_t after[32];
	const uint8_t *from = NULL;
	json_t *list;
	enum assay_err e = one ? call_device(c, &d) : ASSAY_OK;

	if (e != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[]}", "now", (json_int_t)keeper_now(c->k), "challenges");
	if (!c->ret)
		return ASSAY_NO_MEMORY;
	list = json_object_get(c->ret, "challenges");
	while (json_array_size(list) < LISTED_MAX) {
		e = one ? ledger_challenge_of(c->l, d.id, from, &ch)
			: ledger_challenge_next(c->l, from, &ch);
		if (e == ASSAY_NOT_FOUND)
			break;
		memcpy(after, ch.nonce, sizeof after);
		from = after;
		if (e == ASSAY_TAMPERED) /* can be answered by nobody */
			continue;
		if (e != ASSAY_OK)
			return e;
		if (json_array_append_new(list, json_challenge(c, &ch)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return ASSAY_OK;
}

/* The one whose nonce begins so. */
static enum assay_err
find_challenge(struct call *c, struct ledger_challenge *ret)
{
	char text[OPERATION_TEXT_MAX + 1];
	uint8_t before[32] = {0}, id[OFFLINE_ID_BYTES];
	size_t n;
	enum assay_err e;

	if ((e = call_need(c, F_CHALLENGE, text)) != ASSAY_OK)
		return e;
	if (hex_decode(text, id, sizeof id, &n) != ASSAY_OK || n != sizeof id)
		return call_fail(c, ASSAY_MALFORMED, "challenge: must be %d hex digits, as "
						     "`assay evidence list' shows them",
				 2 * OFFLINE_ID_BYTES);
	memcpy(before, id, sizeof id);
	if ((e = ledger_challenge_get(c->l, before, ret)) == ASSAY_NOT_FOUND)
		e = ledger_challenge_next(c->l, before, ret);
	if (e == ASSAY_OK && !span_equal(SPAN(ret->nonce, sizeof id), SPAN(id, sizeof id)))
		e = ASSAY_NOT_FOUND;
	return e == ASSAY_NOT_FOUND ? call_fail(c, e, "there is no challenge `%.20s'", text) : e;
}

enum assay_err
operation_on_evidence_revoke(struct call *c)
{
	char why[LEDGER_TEXT_MAX], detail[LEDGER_TEXT_MAX], id[2 * OFFLINE_ID_BYTES + 1];
	struct ledger_challenge ch;
	enum assay_err e;

	if ((e = find_challenge(c, &ch)) != ASSAY_OK || (e = call_reason(c, why)) != ASSAY_OK ||
	    (e = hex_encode(SPAN(ch.nonce, OFFLINE_ID_BYTES), id, sizeof id)) != ASSAY_OK)
		return e;
	if (ch.state != CHALLENGE_OUTSTANDING)
		return call_fail(c, ASSAY_STATE, "the challenge is %s already",
				 state_name(&ch, keeper_now(c->k)));
	if ((e = call_change(c)) != ASSAY_OK ||
	    (e = ledger_challenge_settle(c->l, ch.nonce, CHALLENGE_REVOKED, keeper_now(c->k))) !=
		    ASSAY_OK)
		return e;
	ch.state = CHALLENGE_REVOKED;
	ch.settled = keeper_now(c->k);
	text_format(detail, sizeof detail, "challenge %s%s%.200s", id, *why ? ": " : "", why);
	if ((e = call_audit(c, ch.device, detail)) != ASSAY_OK)
		return e;
	c->ret = json_challenge(c, &ch);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* ---- evidence.submit ---- */

enum assay_err
operation_on_evidence_submit(struct call *c)
{
	struct offline_caller caller = {.op = c->id};
	struct bulk file = {0};
	enum assay_err e;

	if (ledger_fault(c->l) != ASSAY_OK)
		return call_fail(c, ASSAY_STATE, "the ledger is in fault, nothing can be changed");
	if ((e = call_upload(c, &file)) != ASSAY_OK)
		return e;
	memcpy(caller.actor, c->actor, sizeof caller.actor);
	e = keeper_offline_submit(c->k, &caller, &file);
	if (e == ASSAY_BUSY)
		return call_fail(c, e, "too many submissions are under way; try again later");
	c->later = e == ASSAY_OK;
	return e;
}

static void
answer(struct keeper *k, uint64_t op, json_t *doc)
{
	char *text = doc ? json_dumps(doc, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	keeper_reply(k, op, text ? ASSAY_OK : ASSAY_NO_MEMORY, text);
	free(text);
	json_decref(doc);
}

void
offline_answer_decided(struct keeper *k, uint64_t op, const struct offline_decision *d)
{
	const struct ledger_challenge *ch = d->challenge;
	json_t *list = json_array(), *doc;

	for (unsigned i = 0; list && i < d->verdict->nfindings; i++)
		if (json_array_append_new(list, json_finding(&d->verdict->findings[i])) != 0)
			break;
	doc = json_pack("{s:b, s:s, s:s, s:s, s:o, s:I, s:o, s:o, s:o}", "accepted", 1, "device",
			ch->device, "outcome", outcome_name(d->view->outcome), "reason",
			d->view->reason, "challenge", json_hex(ch->nonce, OFFLINE_ID_BYTES),
			"sequence", (json_int_t)d->view->sequence, "issued", json_time(ch->issued),
			"expires", json_time(d->expires), "findings", list);
	answer(k, op, doc);
}

/* X(word, text for people) */
#define REFUSALS(X)                                                                            \
	X("challenge.unknown", "it answers no challenge of this verifier")                     \
	X("challenge.used", "its challenge was answered before")                               \
	X("challenge.revoked", "its challenge was revoked")                                    \
	X("challenge.expired", "its challenge has expired")                                    \
	X("challenge.other-key", "the device has another key since the challenge was issued")  \
	X("evidence.incomplete", "it lacks claims or a boot log; collect it again")            \
	X("session.raced", "another round of the device was judged meanwhile; submit it again") \
	X("verifier.busy", "the verifier is busy; submit it again later")                      \
	X("verifier.internal", "the verifier could not judge it; see its log")

static const char *
refusal_text(const char *word)
{
	static const char *const texts[][2] = {
#define X(word, text) {word, text},
		REFUSALS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(texts[i][0], word) == 0)
			return texts[i][1];
	for (unsigned code = FIND_NONE + 1; code < FIND_COUNT; code++)
		if (strcmp(finding_word((enum finding_code)code), word) == 0)
			return finding_text((enum finding_code)code);
	return "it is not evidence of the device";
}

void
offline_answer_refused(struct keeper *k, uint64_t op, const char *word)
{
	answer(k, op, json_pack("{s:b, s:s, s:s}", "accepted", 0, "reason", word, "text",
				refusal_text(word)));
}
