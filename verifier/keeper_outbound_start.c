/* keeper_outbound_start.c: who is to be told of decisions, and how far they have come, from
 * configuration and ledger and back; see keeper_outbound.h. */
#include "keeper_outbound.h"

#include "log.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
sink_take_back(struct sink *s)
{
	s->n = 0;
	s->next = s->cursor;
}

enum assay_err
sink_store(struct keeper *k, struct sink *s)
{
	struct ledger_outbox o = {.cursor = s->cursor, .updated = k->now};
	enum assay_err e;

	text_format(o.name, sizeof o.name, "%s", s->name);
	if ((e = keeper_change(k)) != ASSAY_OK ||
	    (e = ledger_outbox_put(k->ledger, &o)) != ASSAY_OK)
		return e;
	s->stored = s->cursor;
	s->stored_s = k->now;
	return ASSAY_OK;
}

static enum assay_err
load(struct keeper *k, struct sink *s)
{
	struct ledger_outbox o;
	struct ledger_heads heads;
	enum assay_err e = ledger_outbox_get(k->ledger, s->name, &o);

	ledger_heads(k->ledger, &heads);
	s->cursor = s->stored = o.cursor;
	if (e == ASSAY_NOT_FOUND) { /* a new one hears of what comes */
		s->cursor = heads.decision;
		s->stored = UINT64_MAX;
	} else if (e == ASSAY_TAMPERED) { /* everything again, rather than too little */
		log_event(LOG_LEVEL_ERROR, "outbox-tampered", "name", s->name, "effect",
			  "everything that is kept is delivered again", NULL);
		s->cursor = 0;
		s->stored = UINT64_MAX;
	} else if (e != ASSAY_OK) {
		return e;
	}
	s->stored_s = k->now;
	sink_take_back(s);
	return sink_changed(k, s);
}

void
keeper_outbound_rolled_back(struct keeper *k)
{
	for (unsigned i = 0; i < k->outbox->n; i++) {
		sink_end_process(k, &k->outbox->sink[i]);
		if (load(k, &k->outbox->sink[i]) != ASSAY_OK)
			k->failed = true;
	}
}

static unsigned
read_outcomes(const char *words)
{
	unsigned mask = 0;

	mask |= strstr(words, "admit") ? 1u << OUTCOME_ADMIT : 0;
	mask |= strstr(words, "restrict") ? 1u << OUTCOME_RESTRICT : 0;
	mask |= strstr(words, "quarantine") ? 1u << OUTCOME_QUARANTINE : 0;
	return mask ? mask : (1u << OUTCOME_COUNT) - 1;
}

static void
add_webhook(struct keeper *k, const struct config_webhook *w)
{
	struct sink *s = &k->outbox->sink[k->outbox->n++];

	text_format(s->name, sizeof s->name, "%s", w->name);
	s->kind = SINK_WEBHOOK;
	s->hook = w;
	s->outcomes = read_outcomes(w->outcomes);
	sink_secrets(s, true);
}

static void
add_log(struct keeper *k, const char *name, enum sink_kind kind)
{
	struct sink *s = &k->outbox->sink[k->outbox->n++];

	text_format(s->name, sizeof s->name, "%s", name);
	s->kind = kind;
	s->outcomes = (1u << OUTCOME_COUNT) - 1;
}

/* Cursors of new destinations are there before the first decision, and those of all when
 * keeper ends. */
static enum assay_err
store_all(struct keeper *k)
{
	enum assay_err e = ASSAY_OK;

	if (ledger_fault(k->ledger) != ASSAY_OK)
		return ASSAY_OK;
	for (unsigned i = 0; i < k->outbox->n && e == ASSAY_OK; i++)
		if (k->outbox->sink[i].stored != k->outbox->sink[i].cursor)
			e = sink_store(k, &k->outbox->sink[i]);
	if (!k->changing)
		return e;
	k->changing = false;
	if (e == ASSAY_OK && !k->poisoned)
		return ledger_commit(k->ledger);
	ledger_rollback(k->ledger);
	return e;
}

enum assay_err
keeper_outbound_init(struct keeper *k)
{
	enum assay_err e = ASSAY_OK;

	if (!(k->outbox = calloc(1, sizeof *k->outbox)))
		return ASSAY_NO_MEMORY;
	if (gethostname(k->outbox->host, sizeof k->outbox->host - 1) != 0)
		k->outbox->host[0] = '\0';
	for (unsigned i = 0; i < k->config->nwebhooks; i++)
		add_webhook(k, &k->config->webhooks[i]);
	if (k->config->events.syslog[0])
		add_log(k, "@syslog", SINK_SYSLOG);
	if (k->config->events.journald[0])
		add_log(k, "@journald", SINK_JOURNAL);
	for (unsigned i = 0; i < k->outbox->n && e == ASSAY_OK; i++)
		e = load(k, &k->outbox->sink[i]);
	return e == ASSAY_OK ? store_all(k) : e;
}

void
keeper_outbound_free(struct keeper *k)
{
	if (!k->outbox)
		return;
	if (!k->failed && store_all(k) != ASSAY_OK)
		log_event(LOG_LEVEL_WARN, "outbox-not-stored", NULL);
	explicit_bzero(k->outbox, sizeof *k->outbox);
	free(k->outbox);
	k->outbox = NULL;
}

void
keeper_outbound_secrets(struct keeper *k)
{
	for (unsigned i = 0; i < k->outbox->n; i++)
		sink_secrets(&k->outbox->sink[i], false);
}

/* ---- for operators ---- */

_Static_assert(OUTBOX_MAX <= METRICS_DESTINATIONS_MAX, "there is room for all");

void
keeper_outbound_metrics(struct keeper *k, struct metrics_now *n)
{
	struct ledger_heads heads;

	ledger_heads(k->ledger, &heads);
	for (unsigned i = 0; i < k->outbox->n; i++) {
		const struct sink *s = &k->outbox->sink[i];
		uint64_t pending = heads.decision > s->cursor ? heads.decision - s->cursor : 0;
		int64_t lag = s->oldest && k->now > s->oldest ? k->now - s->oldest : 0;

		n->destination[n->ndestinations++] = (struct metrics_destination){
			s->name, s->delivered, s->retries, s->died, s->dropped, pending, s->dead,
			lag};
	}
}

struct outbox *
keeper_outbox(struct keeper *k)
{
	return k->outbox;
}

int64_t
sink_wait_ms(const struct keeper *k, const struct sink *s)
{
	return s->due_ms - k->now_ms;
}

void
sink_hurry(const struct keeper *k, struct sink *s)
{
	s->due_ms = k->now_ms;
}
