/* keeper_outbound_message.c: what is sent, and which decisions a webhook wants; see
 * keeper_outbound.h. */
#include "keeper_outbound.h"

#include "keeper_feed.h"
#include "log.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"
#include "verifier/result/syslog.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
matches(const struct sink *s, const struct record *r)
{
	return record_matches(r->class_name, r->labels, s->hook->class, s->hook->labels);
}

/* A device that the webhook was told of has left its filter. */
static bool
has_left(struct keeper *k, const struct sink *s, const struct ledger_decision *row)
{
	static struct record before;
	struct ledger_decision prev;
	struct span jws;

	return row->previous != 0 &&
	       ledger_decision_prev(k->ledger, row->device, row->seq, &prev) == ASSAY_OK &&
	       feed_record(k, &prev, &before, &jws) && matches(s, &before);
}

const char *
sink_wants(struct keeper *k, const struct sink *s, const struct ledger_decision *row)
{
	static struct record record;
	struct ledger_decision r = *row; /* has_left() reads another */
	bool all = s->outcomes == (1u << OUTCOME_COUNT) - 1;
	struct span jws;

	if (!feed_record(k, &r, &record, &jws))
		return NULL;
	if (s->kind != SINK_WEBHOOK)
		return "decision";
	if (matches(s, &record))
		return s->outcomes & 1u << r.outcome ? "decision" : NULL;
	return all && has_left(k, s, &r) ? "gone" : NULL;
}

static const char *
lower(enum outcome o)
{
	return o == OUTCOME_ADMIT ? "admit" : o == OUTCOME_RESTRICT ? "restrict" : "quarantine";
}

/* The record of a row, read again: what was read of it is lost with the next row. */
static enum assay_err
read_record(struct keeper *k, const struct ledger_decision *row, struct ledger_decision *ret,
	    struct record *ret_record, struct span *ret_jws)
{
	enum assay_err e = ledger_decision_next(k->ledger, row->seq - 1, ret);

	if (e != ASSAY_OK)
		return e;
	return ret->seq == row->seq && feed_record(k, ret, ret_record, ret_jws) ? ASSAY_OK
										: ASSAY_NOT_FOUND;
}

static const char *
before_of(const struct ledger_decision *row)
{
	return row->previous ? lower(row->before) : "";
}

/* ---- webhooks ---- */

/* Unique for good, and the same however often it is sent. */
static void
write_id(struct keeper *k, const struct flight *f, char *ret, size_t cap)
{
	if (f->seq)
		snprintf(ret, cap, "%s:%llu", signing_issuer(k->signing),
			 (unsigned long long)f->seq);
	else
		snprintf(ret, cap, "%s:test:%lld.%llu", signing_issuer(k->signing),
			 (long long)k->now, (unsigned long long)f->id);
}

static enum assay_err
write_hook(struct keeper *k, struct sink *s, const struct ledger_decision *row,
	   struct webhook_event *v, struct writer *w)
{
	static struct record record;
	struct ledger_decision again;
	enum assay_err e;

	v->hook = s->name;
	v->at = k->now;
	if (row) {
		v->type = sink_wants(k, s, row);
		v->type = v->type ? v->type : "decision"; /* the filter was changed since */
		if ((e = read_record(k, row, &again, &record, &v->jws)) != ASSAY_OK)
			return e;
		v->before = before_of(&again);
		v->record = &record;
	}
	return webhook_body(v, w);
}

/* The message in w, from the body in k->outbox->body. */
static enum assay_err
write_post(struct keeper *k, struct sink *s, const struct flight *f,
	   const struct ledger_decision *row, struct writer *w)
{
	char signature[WEBHOOK_SIGNATURE_MAX], id[KEYSET_ISSUER_MAX + 48];
	struct webhook_event v = {.type = "test", .id = id, .record = NULL};
	struct outbound_message m = {.attempt = s->attempts + 1};
	struct writer body;
	enum assay_err e;

	write_id(k, f, id, sizeof id);
	wr_init(&body, k->outbox->body, sizeof k->outbox->body);
	if ((e = write_hook(k, s, row, &v, &body)) != ASSAY_OK ||
	    (e = webhook_sign(s->secret, k->now, wr_span(&body), signature)) != ASSAY_OK)
		return e;
	m.signature = SPAN(signature, strlen(signature));
	m.event = SPAN(id, strlen(id));
	m.hook = SPAN(s->name, strlen(s->name));
	m.body = wr_span(&body);
	return outbound_message_encode(&m, w);
}

/* ---- syslog and the journal ---- */

static enum assay_err
write_event(struct keeper *k, const struct sink *s, const struct ledger_decision *row,
	    struct writer *w)
{
	static struct record record;
	const struct config_events *v = &k->config->events;
	struct log_origin o = {config_facility(v->facility), v->enterprise, k->outbox->host,
			       (long)getpid()};
	struct log_decision d = {.record = &record};
	struct outbound_message m = {.attempt = 1};
	struct ledger_decision again;
	struct writer body;
	struct span jws;
	enum assay_err e;

	if ((e = read_record(k, row, &again, &record, &jws)) != ASSAY_OK)
		return e;
	d.before = before_of(&again);
	wr_init(&body, k->outbox->body, sizeof k->outbox->body);
	e = s->kind == SINK_SYSLOG ? syslog_write(&o, &d, &body) : journal_write(&o, &d, &body);
	if (e != ASSAY_OK)
		return e;
	m.body = wr_span(&body);
	return outbound_message_encode(&m, w);
}

enum assay_err
sink_send(struct keeper *k, struct sink *s, struct child *c, const struct flight *f,
	  const struct ledger_decision *row)
{
	struct writer w;
	enum assay_err e;

	wr_init(&w, k->outbox->message, sizeof k->outbox->message);
	e = s->kind == SINK_WEBHOOK ? write_post(k, s, f, row, &w) : write_event(k, s, row, &w);
	if (e == ASSAY_OK)
		e = ipc_send(&c->ipc, IPC_OUTBOUND_SEND, f->id, wr_span(&w));
	if (e != ASSAY_OK)
		return e;
	keeper_watch(k, c);
	return ASSAY_OK;
}

/* ---- its process ---- */

static enum assay_err
setup_webhook(const struct sink *s, struct outbound_setup *o)
{
	struct config_url u;
	enum assay_err e;
	size_t n;

	if ((e = config_split_url(s->hook->url, &u)) != ASSAY_OK)
		return e;
	o->kind = OUTBOUND_HTTP;
	o->tls = u.tls;
	o->port = u.port;
	o->timeout_ms = s->hook->timeout_ms;
	text_format(o->host, sizeof o->host, "%s", u.host);
	text_format(o->path, sizeof o->path, "%s", u.path);
	text_format(o->ca, sizeof o->ca, "%s", s->hook->ca);
	o->has_pin = s->hook->pin[0] != '\0';
	return o->has_pin ? hex_decode(s->hook->pin, o->pin, sizeof o->pin, &n) : ASSAY_OK;
}

static enum assay_err
setup_syslog(const struct keeper *k, struct outbound_setup *o)
{
	struct config_syslog to;
	enum assay_err e = config_split_syslog(k->config->events.syslog, &to);

	if (e != ASSAY_OK)
		return e;
	o->kind = strcmp(to.kind, "unix") == 0	? OUTBOUND_UNIX
		  : strcmp(to.kind, "udp") == 0 ? OUTBOUND_UDP
						: OUTBOUND_TCP;
	o->port = to.port;
	text_format(o->host, sizeof o->host, "%s", to.host);
	return ASSAY_OK;
}

/* What the process is told at its start. */
enum assay_err
keeper_outbound_configure(struct keeper *k, unsigned index, struct writer *w)
{
	const struct sink *s = &k->outbox->sink[index];
	struct outbound_setup o = {.kind = OUTBOUND_UNIX};
	enum assay_err e = ASSAY_OK;

	if (s->kind == SINK_WEBHOOK)
		e = setup_webhook(s, &o);
	else if (s->kind == SINK_SYSLOG)
		e = setup_syslog(k, &o);
	else
		text_format(o.host, sizeof o.host, "%s", k->config->events.journald);
	return e == ASSAY_OK ? outbound_setup_encode(&o, w) : e;
}

/* ---- secrets ---- */

static bool
take_secret(const struct sink *s, const char *path, struct webhook_secret *ret)
{
	struct webhook_secret n = {.n = 0};
	enum assay_err e = config_read_secret(path, n.bytes, &n.n);

	if (e != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "webhook-secret", "webhook", s->name, "path", path,
			  "error", assay_err_name(e), "effect", "the one before stays", NULL);
	else
		*ret = n;
	explicit_bzero(&n, sizeof n);
	return e == ASSAY_OK;
}

void
sink_secrets(struct sink *s, bool start)
{
	bool read;

	if (s->kind != SINK_WEBHOOK)
		return;
	read = take_secret(s, s->hook->secret_file, &s->secret[0]);
	if (s->hook->next_secret_file[0])
		read = take_secret(s, s->hook->next_secret_file, &s->secret[1]) && read;
	if (read && !start)
		log_event(LOG_LEVEL_INFO, "webhook-secret", "webhook", s->name, "result", "read",
			  NULL);
}
