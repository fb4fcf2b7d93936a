/* eventlog.c: see eventlog.h. Clauses are of TCG PFP 1.06 unless said otherwise. */
#include "eventlog.h"

#include <string.h>

#define SHA1_SIZE 20
#define SHA1_HEADER_SIZE 32  /* TCG_PCR_EVENT without data: 10.2.1 */
#define AGILE_HEADER_SIZE 16 /* TCG_PCR_EVENT2 with no digest and no data: 10.2.2 */
#define WBCL_REGISTER 0xFFFFFFFFu
#define SIGNATURE_SIZE 16
#define CC_FIRST_REGISTER 1	 /* UEFI 2.10, 38.4.1: RTMR[0] is register 1 */

static const char spec_id_03[SIGNATURE_SIZE] = "Spec ID Event03";
static const char startup_locality[SIGNATURE_SIZE] = "StartupLocality";

static bool
is_pad(uint64_t v)
{
	return v == 0 || v == UINT64_MAX;
}

/* Whether what is left is nothing but 0x00 and 0xFF bytes. */
static bool
only_padding(struct reader r)
{
	while (rd_left(&r) >= 8) {
		uint64_t v = rd_le64(&r);

		if (is_pad(v))
			continue;
		for (int i = 0; i < 8; i++, v >>= 8)
			if ((v & 0xFF) != 0 && (v & 0xFF) != 0xFF)
				return false;
	}
	while (rd_left(&r) > 0) {
		uint8_t b = rd_u8(&r);

		if (b != 0 && b != 0xFF)
			return false;
	}
	return true;
}

/* A signature and whatever follows it. */
static bool
has_signature(struct span data, const char sig[SIGNATURE_SIZE])
{
	struct reader r;

	rd_init(&r, data);
	return span_equal(rd_bytes(&r, SIGNATURE_SIZE), SPAN(sig, SIGNATURE_SIZE));
}

/* ---- records ------------------------------------------------------------- */

static void
read_sha1_record(struct reader *r, struct event *ev)
{
	uint32_t size;

	ev->pcr = rd_le32(r);
	ev->type = rd_le32(r);
	ev->ndigests = 1;
	ev->digests[0].alg = ALG_SHA1;
	ev->digests[0].bytes = rd_bytes(r, SHA1_SIZE);
	size = rd_le32(r);
	if (size > EVENTLOG_EVENT_MAX)
		rd_fail(r, size > rd_left(r) ? ASSAY_TRUNCATED : ASSAY_TOO_LARGE);
	ev->data = rd_bytes(r, size);
}

static const struct eventlog_alg *
declared(const struct eventlog *l, uint16_t alg)
{
	for (size_t i = 0; i < l->nalgs; i++)
		if (l->algs[i].alg == alg)
			return &l->algs[i];
	return NULL;
}

static void
read_digests(struct eventlog *l, struct event *ev)
{
	struct reader *r = &l->in;
	uint32_t n = rd_le32(r);

	if (n > l->nalgs || (n == 0 && ev->type != EV_NO_ACTION)) {
		rd_fail(r, ASSAY_MALFORMED);
		return;
	}
	for (uint32_t i = 0; i < n && r->err == ASSAY_OK; i++) {
		uint16_t alg = rd_le16(r);
		const struct eventlog_alg *a = declared(l, alg);

		if (!a)
			rd_fail(r, ASSAY_MALFORMED);
		else if (event_digest_in(ev, alg).n != 0)
			rd_fail(r, ASSAY_DUPLICATE);
		else
			ev->digests[i] = (struct event_digest){alg, rd_bytes(r, a->size)};
		ev->ndigests = (uint8_t)(i + 1);
	}
}

static void
read_agile_record(struct eventlog *l, struct event *ev)
{
	struct reader *r = &l->in;
	uint32_t size;

	ev->pcr = rd_le32(r);
	ev->type = rd_le32(r);
	read_digests(l, ev);
	size = rd_le32(r);
	if (size > EVENTLOG_EVENT_MAX)
		rd_fail(r, size > rd_left(r) ? ASSAY_TRUNCATED : ASSAY_TOO_LARGE);
	ev->data = rd_bytes(r, size);
}

/* ---- the header ---------------------------------------------------------- */

static void
read_algs(struct reader *r, struct eventlog *l)
{
	uint32_t n = rd_count(r, rd_le32(r), EVENTLOG_ALGS_MAX);

	if (n == 0)
		rd_fail(r, ASSAY_MALFORMED);
	for (uint32_t i = 0; i < n && r->err == ASSAY_OK; i++) {
		struct eventlog_alg a;
		size_t known;

		a.alg = rd_le16(r);
		a.size = rd_le16(r);
		known = digest_size(a.alg);
		if (a.size == 0 || a.size > EVENTLOG_DIGEST_MAX ||
		    (known != 0 && a.size != known))
			rd_fail(r, ASSAY_MALFORMED);
		if (declared(l, a.alg))
			rd_fail(r, ASSAY_DUPLICATE);
		l->algs[i] = a;
		l->nalgs = (uint8_t)(i + 1);
	}
}

/*
 * TCG_EfiSpecIDEvent, 10.4.5.1. Some writers leave the vendor's information out of
 * the record's size: then it is what follows the record.
 */
static enum assay_err
read_spec_id(struct span data, struct eventlog *l)
{
	struct reader r;
	uint8_t n;

	rd_init(&r, data);
	(void)rd_bytes(&r, SIGNATURE_SIZE);
	(void)rd_le32(&r); /* platformClass */
	l->spec_minor = rd_u8(&r);
	l->spec_major = rd_u8(&r);
	l->spec_errata = rd_u8(&r);
	l->uintn_size = rd_u8(&r);
	read_algs(&r, l);
	n = rd_u8(&r);
	if (n != 0 && rd_left(&r) == 0 && r.err == ASSAY_OK)
		l->vendor_info = rd_bytes(&l->in, n);
	else
		l->vendor_info = rd_bytes(&r, n);
	if (l->in.err != ASSAY_OK)
		return l->in.err;
	switch (rd_finish(&r)) {
	case ASSAY_OK:
		return ASSAY_OK;
	case ASSAY_DUPLICATE:
		return ASSAY_DUPLICATE;
	case ASSAY_TOO_MANY:
		return ASSAY_TOO_MANY;
	default:
		return ASSAY_MALFORMED; /* its inside does not fit its size */
	}
}

static enum assay_err
open_agile(const struct event *first, bool cc, struct eventlog *l)
{
	if (first->pcr > CC_FIRST_REGISTER)
		return ASSAY_MALFORMED;
	if (first->pcr == CC_FIRST_REGISTER && !cc)
		return ASSAY_BAD_TYPE;
	l->format = cc ? EVENTLOG_CC : EVENTLOG_AGILE;
	return read_spec_id(first->data, l);
}

enum assay_err
eventlog_open(struct span log, bool cc, struct eventlog *ret)
{
	struct eventlog l = {.format = EVENTLOG_SHA1};
	struct event first = {0};
	struct reader all;
	enum assay_err e = ASSAY_OK;

	if (log.n == 0)
		return ASSAY_MISSING;
	if (log.n > EVENTLOG_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&l.in, log);
	all = l.in;
	read_sha1_record(&l.in, &first);
	if (l.in.err == ASSAY_OK && first.type == EV_NO_ACTION &&
	    has_signature(first.data, spec_id_03))
		e = open_agile(&first, cc, &l);
	else if (cc)
		e = ASSAY_BAD_TYPE;
	if (e != ASSAY_OK)
		return e;
	if (l.format == EVENTLOG_SHA1) {
		l.nalgs = 1;
		l.algs[0] = (struct eventlog_alg){ALG_SHA1, SHA1_SIZE};
		l.in = all;
	} else {
		l.first = first;
	}
	*ret = l;
	return ASSAY_OK;
}

/* ---- the iterator -------------------------------------------------------- */

enum place { AT_RECORD, AT_TAIL, AT_FAULT };

/* Less than a record's header is left. */
static enum place
look_at_rest(const struct eventlog *l, enum assay_err *ret_err)
{
	struct reader peek = l->in;

	if (only_padding(l->in))
		return AT_TAIL;
	if (rd_left(&peek) >= 4 && rd_le32(&peek) >= PCR_COUNT)
		return AT_TAIL;
	*ret_err = ASSAY_TRUNCATED;
	return AT_FAULT;
}

/* A record's header: 16 or 32 bytes, all of them zero. */
static bool
is_zero(struct reader r, size_t n)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n; i += 8)
		all |= rd_le64(&r);
	return all == 0;
}

static enum place
look_ahead(const struct eventlog *l, enum assay_err *ret_err)
{
	size_t header = l->format == EVENTLOG_SHA1 ? SHA1_HEADER_SIZE : AGILE_HEADER_SIZE;
	struct reader peek = l->in;
	uint32_t pcr;

	if (rd_left(&peek) == 0)
		return AT_TAIL;
	if (rd_left(&peek) < header)
		return look_at_rest(l, ret_err);
	pcr = rd_le32(&peek);
	if (pcr == WBCL_REGISTER)
		return AT_TAIL;
	*ret_err = ASSAY_MALFORMED;
	if (pcr >= PCR_COUNT)
		return AT_FAULT;
	if (pcr != 0 || !is_zero(l->in, header))
		return AT_RECORD;
	return only_padding(l->in) ? AT_TAIL : AT_FAULT;
}

static bool
stop(struct eventlog *l, enum assay_err e)
{
	if (e == ASSAY_OK && l->next_index == 0)
		e = ASSAY_MISSING; /* padding alone is no log */
	l->ended = true;
	l->err = e;
	if (e == ASSAY_OK)
		l->tail_bytes = rd_left(&l->in);
	return false;
}

static bool
take_first(struct eventlog *l, struct event *ret)
{
	*ret = l->first;
	l->next_index = 1;
	return true;
}

bool
eventlog_next(struct eventlog *l, struct event *ret)
{
	enum assay_err e = ASSAY_OK;
	struct event ev = {0};
	enum place place;

	if (l->ended)
		return false;
	if (l->next_index == 0 && l->format != EVENTLOG_SHA1)
		return take_first(l, ret);
	l->offset = l->in.pos;
	place = look_ahead(l, &e);
	if (place != AT_RECORD)
		return stop(l, place == AT_TAIL ? ASSAY_OK : e);
	if (l->next_index == EVENTLOG_EVENTS_MAX)
		return stop(l, ASSAY_TOO_MANY);
	ev.index = l->next_index;
	ev.offset = l->offset;
	if (l->format == EVENTLOG_SHA1)
		read_sha1_record(&l->in, &ev);
	else
		read_agile_record(l, &ev);
	if (l->in.err != ASSAY_OK)
		return stop(l, l->in.err);
	l->next_index++;
	*ret = ev;
	return true;
}

enum assay_err
eventlog_finish(const struct eventlog *l)
{
	return l->ended ? l->err : ASSAY_STATE;
}

struct span
event_digest_in(const struct event *ev, uint16_t alg)
{
	for (size_t i = 0; i < ev->ndigests; i++)
		if (ev->digests[i].alg == alg)
			return ev->digests[i].bytes;
	return (struct span){NULL, 0};
}

/* ---- replay -------------------------------------------------------------- */

/* 10.4.5.3 and TPM 2.0 Part 1, 17.8.2: the locality of startup is PCR 0's last byte. */
static enum assay_err
note_startup_locality(struct eventlog_replay *run, const struct event *ev)
{
	struct reader r;
	uint8_t value;

	if (run->startup_locality >= 0)
		return ASSAY_DUPLICATE;
	rd_init(&r, ev->data);
	(void)rd_bytes(&r, SIGNATURE_SIZE);
	value = rd_u8(&r);
	if (rd_finish(&r) != ASSAY_OK || ev->pcr != 0 || run->extends[0] != 0 ||
	    (value != 0 && value != 3 && value != 4))
		return ASSAY_MALFORMED;
	run->startup_locality = value;
	return ASSAY_OK;
}

static enum assay_err
note_hcrtm(struct eventlog_replay *run, const struct event *ev)
{
	if (ev->pcr != 0 || (run->extends[0] != 0 && !run->hcrtm))
		return ASSAY_MALFORMED;
	run->hcrtm = true;
	return ASSAY_OK;
}

static uint8_t
initial_locality(const struct eventlog_replay *run)
{
	if (run->hcrtm)
		return 4;
	return run->startup_locality > 0 ? (uint8_t)run->startup_locality : 0;
}

static enum assay_err
start_register(const struct eventlog_replay *run, uint16_t alg, uint32_t pcr,
	       struct digest *ret)
{
	bool ones = run->format != EVENTLOG_CC && pcr >= 17 && pcr <= 22;
	enum assay_err e = digest_fill(alg, ones ? 0xFF : 0x00, ret);

	if (e == ASSAY_OK && pcr == 0 && run->format != EVENTLOG_CC)
		ret->b[ret->len - 1] = initial_locality(run);
	return e;
}

static enum assay_err
extend_bank(struct eventlog_replay *run, struct pcr_bank *bank, const struct event *ev)
{
	struct span d = event_digest_in(ev, bank->alg);
	uint32_t bit = 1u << ev->pcr;
	enum assay_err e;

	if (d.n == 0)
		return ASSAY_OK;
	if ((bank->mask & bit) == 0 &&
	    (e = start_register(run, bank->alg, ev->pcr, &bank->value[ev->pcr])) != ASSAY_OK)
		return e;
	bank->mask |= bit;
	return digest_extend(&bank->value[ev->pcr], d);
}

static enum assay_err
extend(struct eventlog_replay *run, const struct event *ev)
{
	enum assay_err e = ASSAY_OK;

	for (size_t i = 0; i < run->pcrs.count && e == ASSAY_OK; i++)
		e = extend_bank(run, &run->pcrs.bank[i], ev);
	for (size_t i = 0; ev->ndigests != run->nalgs && i < run->nalgs; i++)
		run->unmeasured[i] += event_digest_in(ev, run->algs[i].alg).n == 0;
	run->extends[ev->pcr]++;
	return e;
}

static enum assay_err
replay_event(struct eventlog_replay *run, const struct event *ev)
{
	enum assay_err e = ASSAY_OK;

	run->events++;
	if (ev->type == EV_NO_ACTION) {
		if (run->format != EVENTLOG_CC && has_signature(ev->data, startup_locality))
			e = note_startup_locality(run, ev);
		return e;
	}
	if (run->format != EVENTLOG_CC && ev->type == EV_EFI_HCRTM_EVENT)
		e = note_hcrtm(run, ev);
	return e == ASSAY_OK ? extend(run, ev) : e;
}

enum assay_err
eventlog_walk_open(struct span log, bool cc, struct eventlog_walk *ret)
{
	struct eventlog l;
	enum assay_err e = eventlog_open(log, cc, &l);
	struct eventlog_replay *run = &ret->run;

	if (e != ASSAY_OK)
		return e;
	memset(ret, 0, sizeof *ret);
	ret->log = l;
	run->startup_locality = -1;
	run->format = l.format;
	run->nalgs = l.nalgs;
	memcpy(run->algs, l.algs, sizeof run->algs);
	for (size_t i = 0; i < l.nalgs; i++)
		if (digest_computable(l.algs[i].alg) && run->pcrs.count < PCR_BANKS_MAX)
			run->pcrs.bank[run->pcrs.count++].alg = l.algs[i].alg;
	return ASSAY_OK;
}

bool
eventlog_walk_next(struct eventlog_walk *w, struct event *ret)
{
	struct event ev;
	enum assay_err e;

	if (!eventlog_next(&w->log, &ev))
		return false;
	if ((e = replay_event(&w->run, &ev)) != ASSAY_OK)
		return stop(&w->log, e);
	*ret = ev;
	return true;
}

enum assay_err
eventlog_walk_finish(struct eventlog_walk *w)
{
	enum assay_err e = eventlog_finish(&w->log);

	if (e == ASSAY_OK)
		w->run.tail_bytes = w->log.tail_bytes;
	return e;
}

enum assay_err
eventlog_replay(struct span log, bool cc, struct eventlog_replay *ret)
{
	struct eventlog_walk w;
	struct event ev;
	enum assay_err e = eventlog_walk_open(log, cc, &w);

	if (e != ASSAY_OK)
		return e;
	while (eventlog_walk_next(&w, &ev))
		continue;
	if ((e = eventlog_walk_finish(&w)) != ASSAY_OK)
		return e;
	*ret = w.run;
	return ASSAY_OK;
}
