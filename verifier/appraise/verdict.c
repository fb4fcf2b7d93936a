/* verdict.c: names, and the canonical encodings of verdict and continuity. */
#include "verdict.h"

#include "evidence/eventlog.h"
#include "fact.h"
#include "pack.h"
#include "verdict_pack.h"

#include <stddef.h>
#include <string.h>

/* First byte of each encoding: its form, so that stored rows can be told apart. */
#define VERDICT_FORM 0x56
#define CONTINUITY_FORM 0x43

static const struct finding_info {
	const char *word, *text, *remedy;
} findings[FIND_COUNT] = {
#define X(code, word, text, fix) [FIND_##code] = {word, text, fix},
	FINDINGS(X)
#undef X
};

static const struct finding_info *
finding_info(enum finding_code c)
{
	return &findings[(unsigned)c < FIND_COUNT ? c : FIND_INTERNAL];
}

const char *
finding_word(enum finding_code c)
{
	return finding_info(c)->word;
}

const char *
finding_text(enum finding_code c)
{
	return finding_info(c)->text;
}

const char *
finding_remedy(enum finding_code c)
{
	return finding_info(c)->remedy;
}

const char *
outcome_name(enum outcome o)
{
	static const char *const names[OUTCOME_COUNT] = {"QUARANTINE", "RESTRICT", "ADMIT"};

	return names[(unsigned)o < OUTCOME_COUNT ? o : OUTCOME_QUARANTINE];
}

/* What was declared bad is bad by no policy, so no policy's mode matters. */
static bool
is_known_bad(const struct verdict *v)
{
	for (unsigned i = 0; i < v->nfindings; i++)
		if (v->findings[i].code == FIND_KNOWN_BAD ||
		    v->findings[i].code == FIND_IMA_KNOWN_BAD)
			return true;
	return false;
}

enum outcome
verdict_effective(const struct verdict *v)
{
	if (is_known_bad(v))
		return OUTCOME_QUARANTINE;
	return v->monitor && !v->enforced ? OUTCOME_QUARANTINE : v->outcome;
}

const char *
severity_name(enum severity s)
{
	static const char *const names[SEV_COUNT] = {"info", "low", "medium", "high", "critical"};

	return names[(unsigned)s < SEV_COUNT ? s : SEV_CRITICAL];
}

const char *
provenance_name(enum provenance p)
{
	static const char *const names[PROV_COUNT] = {"none",     "claimed", "dice",    "tpm",
						      "replayed", "record",  "verifier"};

	return names[(unsigned)p < PROV_COUNT ? p : PROV_NONE];
}

const char *
ar4si_name(enum ar4si_claim c)
{
	static const char *const names[AR4SI_COUNT] = {
		"instance-identity", "configuration",  "executables",    "file-system",
		"hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};

	return (unsigned)c < AR4SI_COUNT ? names[c] : "unknown";
}

void
continuity_clear(struct continuity *c)
{
	size_t head = offsetof(struct continuity, software);

	memset(c, 0, head);
	c->software.n = 0;
	pcr_values_clear(&c->quoted);
	pcr_values_clear(&c->replayed);
	c->nsticky = 0;
	c->sticky_overflow = false;
	memset(&c->key, 0, sizeof c->key);
	c->nseen = 0;
}

void
verdict_clear(struct verdict *v)
{
	size_t tail = offsetof(struct verdict, vector);

	memset(v, 0, offsetof(struct verdict, findings));
	v->nfacts = 0;
	memset((uint8_t *)v + tail, 0, offsetof(struct verdict, next) - tail);
	continuity_clear(&v->next);
}

void
pack_finding(struct writer *w, const struct finding *f)
{
	if (f->code == FIND_NONE)
		wr_fail(w, ASSAY_MALFORMED);
	pack_below(w, f->code, FIND_COUNT);
	pack_below(w, f->cap, OUTCOME_COUNT);
	pack_below(w, f->provenance, PROV_COUNT);
	pack_below(w, f->severity, SEV_COUNT);
	pack_bool(w, f->sticky);
	pack_int(w, f->pcr, PCR_COUNT - 1);
	pack_int(w, f->event, EVENTLOG_EVENTS_MAX - 1);
	pack_text(w, f->rule, sizeof f->rule);
	pack_text(w, f->subject, sizeof f->subject);
	pack_text(w, f->text, sizeof f->text);
	pack_text(w, f->seen, sizeof f->seen);
	pack_text(w, f->expected, sizeof f->expected);
	pack_text(w, f->remedy, sizeof f->remedy);
}

void
unpack_finding(struct reader *r, struct finding *ret)
{
	ret->code = unpack_below(r, FIND_COUNT);
	if (ret->code == FIND_NONE)
		rd_fail(r, ASSAY_MALFORMED);
	ret->cap = unpack_below(r, OUTCOME_COUNT);
	ret->provenance = unpack_below(r, PROV_COUNT);
	ret->severity = unpack_below(r, SEV_COUNT);
	ret->sticky = unpack_bool(r);
	ret->pcr = unpack_int(r, PCR_COUNT - 1);
	ret->event = unpack_int(r, EVENTLOG_EVENTS_MAX - 1);
	unpack_text(r, ret->rule, sizeof ret->rule);
	unpack_text(r, ret->subject, sizeof ret->subject);
	unpack_text(r, ret->text, sizeof ret->text);
	unpack_text(r, ret->seen, sizeof ret->seen);
	unpack_text(r, ret->expected, sizeof ret->expected);
	unpack_text(r, ret->remedy, sizeof ret->remedy);
}

void
pack_fact(struct writer *w, const struct fact *f)
{
	if (f->id == FACT_NONE || f->id >= FACT_COUNT)
		wr_fail(w, ASSAY_MALFORMED);
	wr_be16(w, f->id);
	pack_below(w, f->provenance, PROV_COUNT);
	pack_int(w, f->index, FACT_INDEX_MAX);
	pack_int(w, f->event, EVENTLOG_EVENTS_MAX - 1);
	pack_text(w, f->instance, sizeof f->instance);
	pack_text(w, f->text, sizeof f->text);
}

void
unpack_fact(struct reader *r, struct fact *ret)
{
	ret->id = rd_be16(r);
	if (ret->id == FACT_NONE || ret->id >= FACT_COUNT)
		rd_fail(r, ASSAY_MALFORMED);
	ret->provenance = unpack_below(r, PROV_COUNT);
	ret->index = unpack_int(r, FACT_INDEX_MAX);
	ret->event = unpack_int(r, EVENTLOG_EVENTS_MAX - 1);
	unpack_text(r, ret->instance, sizeof ret->instance);
	unpack_text(r, ret->text, sizeof ret->text);
}

static void
pack_need(struct writer *w, const struct msg_need *n)
{
	pack_below(w, n->nwants, MSG_WANTS_MAX + 1);
	for (size_t i = 0; i < n->nwants && w->err == ASSAY_OK; i++) {
		pack_below(w, n->wants[i].kind, PART_FILES + 1);
		wr_be64(w, n->wants[i].from);
		wr_be64(w, n->wants[i].limit);
		wr_be32(w, n->wants[i].item);
	}
}

/* Kinds ascend, so that none occurs twice. */
static void
unpack_need(struct reader *r, struct msg_need *ret)
{
	unsigned last = PART_NONE;

	ret->nwants = unpack_below(r, MSG_WANTS_MAX + 1);
	for (size_t i = 0; i < ret->nwants && r->err == ASSAY_OK; i++) {
		ret->wants[i].kind = (enum part_kind)unpack_below(r, PART_FILES + 1);
		ret->wants[i].from = rd_be64(r);
		ret->wants[i].limit = rd_be64(r);
		ret->wants[i].item = rd_be32(r);
		if (ret->wants[i].kind <= last)
			rd_fail(r, ASSAY_MALFORMED);
		last = ret->wants[i].kind;
	}
}

static void
pack_continuity(struct writer *w, const struct continuity *c)
{
	wr_u8(w, CONTINUITY_FORM);
	wr_be32(w, c->reset_count);
	wr_be32(w, c->restart_count);
	wr_be64(w, c->clock);
	pack_bool(w, c->clock_safe);
	wr_be64(w, c->tpm_firmware);
	pack_bool(w, c->has_boot_log);
	pack_fixed(w, c->boot_log_digest, sizeof c->boot_log_digest);
	wr_be32(w, c->boot_log_size);
	pack_fixed(w, c->generation, sizeof c->generation);
	pack_ima_state(w, &c->ima);
	pack_software_versions(w, &c->software);
	pack_values(w, &c->quoted);
	pack_values(w, &c->replayed);
	pack_below(w, c->nsticky, CONTINUITY_STICKY_MAX + 1);
	for (size_t i = 0; i < c->nsticky && w->err == ASSAY_OK; i++)
		pack_finding(w, &c->sticky[i]);
	pack_bool(w, c->sticky_overflow);
	pack_key_state(w, &c->key);
	pack_below(w, c->nseen, CONTINUITY_SEEN_MAX + 1);
	for (size_t i = 0; i < c->nseen && w->err == ASSAY_OK; i++)
		pack_fixed(w, c->seen[i], sizeof c->seen[i]);
}

static void
unpack_continuity(struct reader *r, struct continuity *ret)
{
	if (rd_u8(r) != CONTINUITY_FORM)
		rd_fail(r, ASSAY_BAD_TYPE);
	ret->present = true;
	ret->reset_count = rd_be32(r);
	ret->restart_count = rd_be32(r);
	ret->clock = rd_be64(r);
	ret->clock_safe = unpack_bool(r);
	ret->tpm_firmware = rd_be64(r);
	ret->has_boot_log = unpack_bool(r);
	unpack_fixed(r, ret->boot_log_digest, sizeof ret->boot_log_digest);
	ret->boot_log_size = rd_be32(r);
	unpack_fixed(r, ret->generation, sizeof ret->generation);
	unpack_ima_state(r, &ret->ima);
	unpack_software_versions(r, &ret->software);
	unpack_values(r, &ret->quoted);
	unpack_values(r, &ret->replayed);
	ret->nsticky = unpack_below(r, CONTINUITY_STICKY_MAX + 1);
	for (size_t i = 0; i < ret->nsticky && r->err == ASSAY_OK; i++)
		unpack_finding(r, &ret->sticky[i]);
	ret->sticky_overflow = unpack_bool(r);
	unpack_key_state(r, &ret->key);
	ret->nseen = unpack_below(r, CONTINUITY_SEEN_MAX + 1);
	for (size_t i = 0; i < ret->nseen && r->err == ASSAY_OK; i++)
		unpack_fixed(r, ret->seen[i], sizeof ret->seen[i]);
}

enum assay_err
continuity_encode(const struct continuity *c, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	if (c->present)
		pack_continuity(&w, c);
	return wr_finish(&w, ret_len);
}

enum assay_err
continuity_decode(struct span in, struct continuity *ret)
{
	struct reader r;
	enum assay_err e;

	continuity_clear(ret);
	if (in.n == 0)
		return ASSAY_OK;
	if (in.n > CONTINUITY_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, in);
	unpack_continuity(&r, ret);
	e = rd_finish(&r);
	if (e != ASSAY_OK)
		continuity_clear(ret);
	return e;
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/*
 * What no appraisal yields, whoever made the bytes: an outcome better than a finding
 * allows, or one without policy, decision and time limit; wishes outside NEED;
 * continuity outside DECIDED.
 */
static bool
coherent(const struct verdict *v)
{
	bool decided = v->status == VERDICT_DECIDED;

	for (size_t i = 0; i < v->nfindings; i++)
		if (v->outcome > v->findings[i].cap)
			return false;
	if (v->outcome != OUTCOME_QUARANTINE &&
	    (!decided || v->max_age_s == 0 || is_zero(v->policy, sizeof v->policy)))
		return false;
	if ((v->status == VERDICT_NEED) != (v->need.nwants != 0))
		return false;
	if ((v->attested != ATTESTED_NONE && !decided) ||
	    (v->has_mac && v->attested != ATTESTED_SAME) ||
	    (!v->has_mac && !is_zero(v->mac, sizeof v->mac)))
		return false;
	/* proved entries end where the state does */
	if (v->ima_accepted.count != 0 &&
	    (!v->next.present || !v->next.ima.present ||
	     v->ima_accepted.from + v->ima_accepted.count != v->next.ima.count ||
	     v->ima_accepted.bytes > v->next.ima.bytes))
		return false;
	return decided || !v->next.present;
}

static bool
accepted_sound(const struct ima_accepted *a)
{
	return a->from <= IMALOG_ENTRIES_MAX && a->count <= IMALOG_ENTRIES_MAX &&
	       a->bytes <= IMALOG_MAX && (a->count == 0) == (a->bytes == 0) &&
	       (a->count != 0 || a->from == 0);
}

static void
pack_accepted(struct writer *w, const struct ima_accepted *a)
{
	if (!accepted_sound(a))
		wr_fail(w, ASSAY_MALFORMED);
	wr_be64(w, a->from);
	wr_be64(w, a->count);
	wr_be64(w, a->bytes);
}

static void
unpack_accepted(struct reader *r, struct ima_accepted *ret)
{
	ret->from = rd_be64(r);
	ret->count = rd_be64(r);
	ret->bytes = rd_be64(r);
	if (!accepted_sound(ret))
		rd_fail(r, ASSAY_MALFORMED);
}

static void
pack_verdict(struct writer *w, const struct verdict *v)
{
	wr_u8(w, VERDICT_FORM);
	pack_below(w, v->status, VERDICT_STATUS_COUNT);
	pack_below(w, v->outcome, OUTCOME_COUNT);
	pack_need(w, &v->need);
	pack_fixed(w, v->need_digest, sizeof v->need_digest);
	pack_below(w, v->nfindings, VERDICT_FINDINGS_MAX + 1);
	for (size_t i = 0; i < v->nfindings && w->err == ASSAY_OK; i++)
		pack_finding(w, &v->findings[i]);
	pack_below(w, v->nfacts, VERDICT_FACTS_MAX + 1);
	for (size_t i = 0; i < v->nfacts && w->err == ASSAY_OK; i++)
		pack_fact(w, &v->facts[i]);
	for (size_t i = 0; i < AR4SI_COUNT; i++)
		wr_u8(w, (uint8_t)v->vector[i]);
	pack_fixed(w, v->policy, sizeof v->policy);
	pack_fixed(w, v->reference, sizeof v->reference);
	pack_time(w, v->not_after);
	wr_be32(w, v->max_age_s);
	wr_be32(w, v->interval_s);
	pack_bool(w, v->monitor);
	pack_bool(w, v->enforced);
	pack_below(w, v->would, OUTCOME_COUNT);
	pack_accepted(w, &v->ima_accepted);
	pack_below(w, v->attested, ATTESTED_COUNT);
	pack_bool(w, v->has_mac);
	pack_fixed(w, v->mac, sizeof v->mac);
	pack_bool(w, v->next.present);
	if (v->next.present)
		pack_continuity(w, &v->next);
}

static void
unpack_verdict(struct reader *r, struct verdict *ret)
{
	if (rd_u8(r) != VERDICT_FORM)
		rd_fail(r, ASSAY_BAD_TYPE);
	ret->status = (enum verdict_status)unpack_below(r, VERDICT_STATUS_COUNT);
	ret->outcome = (enum outcome)unpack_below(r, OUTCOME_COUNT);
	unpack_need(r, &ret->need);
	unpack_fixed(r, ret->need_digest, sizeof ret->need_digest);
	ret->nfindings = unpack_below(r, VERDICT_FINDINGS_MAX + 1);
	for (size_t i = 0; i < ret->nfindings && r->err == ASSAY_OK; i++)
		unpack_finding(r, &ret->findings[i]);
	ret->nfacts = unpack_below(r, VERDICT_FACTS_MAX + 1);
	for (size_t i = 0; i < ret->nfacts && r->err == ASSAY_OK; i++)
		unpack_fact(r, &ret->facts[i]);
	for (size_t i = 0; i < AR4SI_COUNT; i++)
		ret->vector[i] = (int8_t)rd_u8(r);
	unpack_fixed(r, ret->policy, sizeof ret->policy);
	unpack_fixed(r, ret->reference, sizeof ret->reference);
	ret->not_after = unpack_time(r);
	ret->max_age_s = rd_be32(r);
	ret->interval_s = rd_be32(r);
	ret->monitor = unpack_bool(r);
	ret->enforced = unpack_bool(r);
	ret->would = (enum outcome)unpack_below(r, OUTCOME_COUNT);
	unpack_accepted(r, &ret->ima_accepted);
	ret->attested = (enum attested)unpack_below(r, ATTESTED_COUNT);
	ret->has_mac = unpack_bool(r);
	unpack_fixed(r, ret->mac, sizeof ret->mac);
	if (unpack_bool(r))
		unpack_continuity(r, &ret->next);
}

enum assay_err
verdict_encode(const struct verdict *v, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	if (v->nfindings > VERDICT_FINDINGS_MAX || !coherent(v) || v->prediction)
		return ASSAY_MALFORMED;
	pack_verdict(&w, v);
	return wr_finish(&w, ret_len);
}

enum assay_err
verdict_decode(struct span in, struct verdict *ret)
{
	struct reader r;
	enum assay_err e;

	verdict_clear(ret);
	if (in.n > VERDICT_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, in);
	unpack_verdict(&r, ret);
	e = rd_finish(&r);
	if (e == ASSAY_OK && !coherent(ret))
		e = ASSAY_MALFORMED;
	if (e != ASSAY_OK)
		verdict_clear(ret);
	return e;
}
