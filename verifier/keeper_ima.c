/*
 * keeper_ima.c: IMA lists on their way: gathered by net, joined with what the ledger has,
 * handed to an appraiser, and what was proved of them stored; see keeper_private.h.
 *
 * Keeper reads none of it. Where one entry ends and the next begins is said by the
 * appraiser (IMA_SPLIT) and used for storing only: whatever it says, the bytes are those
 * that the device sent, in their order.
 */
#include "keeper_private.h"

#include "evidence/imalog.h"
#include "keeper_ima.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct msg_want *
wanted(const struct msg_need *n)
{
	for (unsigned i = 0; i < n->nwants; i++)
		if (n->wants[i].kind == PART_IMA)
			return &n->wants[i];
	return NULL;
}

void
keeper_ima_free(struct keeper *k, struct request *r)
{
	k->ima_bytes -= r->ima.n;
	bulk_free(&r->ima);
	free(r->split);
	r->split = NULL;
	r->split_len = 0;
}

/* What this process holds of lists is bounded: BUSY. */
static enum assay_err
replace(struct keeper *k, struct request *r, struct bulk *b)
{
	size_t most = (size_t)k->config->ima_memory << 20;

	k->ima_bytes -= r->ima.n;
	bulk_free(&r->ima);
	if (b->n > most - k->ima_bytes) {
		bulk_free(b);
		return ASSAY_BUSY;
	}
	r->ima = *b;
	memset(b, 0, sizeof *b);
	k->ima_bytes += r->ima.n;
	return ASSAY_OK;
}

/* ---- what the ledger has ---- */

static enum assay_err
take_entry(void *arg, struct span bytes)
{
	struct bulk *b = arg;

	return bytes.n > IMALOG_MAX - b->n ? ASSAY_TOO_LARGE : bulk_append(b, bytes);
}

enum assay_err
keeper_ima_load(struct keeper *k, const char *device, struct bulk *ret, uint64_t *ret_entries)
{
	struct bulk b = {0};
	struct ledger_ima ima;
	enum assay_err e = ledger_ima_get(k->ledger, device, &ima);

	if (e == ASSAY_OK)
		e = ledger_ima_read(k->ledger, device, take_entry, &b);
	if (e == ASSAY_OK && b.n != ima.bytes)
		e = ASSAY_TAMPERED;
	if (e == ASSAY_OK && (e = bulk_seal(&b)) == ASSAY_OK)
		e = bulk_map(&b);
	if (e != ASSAY_OK) {
		bulk_free(&b);
		return e;
	}
	*ret = b;
	*ret_entries = ima.entries;
	return ASSAY_OK;
}

/* A list that cannot be read any more is asked for again. */
bool
keeper_ima_stored(struct keeper *k, struct request *r)
{
	struct bulk b = {0};
	enum assay_err e = keeper_ima_load(k, r->device, &b, &r->ima_entries);

	if (e == ASSAY_OK)
		e = replace(k, r, &b);
	if (e != ASSAY_OK) {
		if (e != ASSAY_NOT_FOUND)
			log_event(LOG_LEVEL_WARN, "ima-list-unusable", "device", r->device, "error",
				  assay_err_name(e), NULL);
		return false;
	}
	r->has_ima = true;
	r->ima_from = 0;
	r->ima_stored = r->ima.n;
	return true;
}

bool
keeper_ima_offer(struct keeper *k, struct request *r, const struct msg_need *n)
{
	const struct msg_want *w = wanted(n);
	bool own;

	if (!w)
		return false;
	/* entries behind the stored ones did not lead on: now it is about the device's first, if
	 * it is not other judges who want all of them */
	own = r->has_ima && r->ima_from > 0 && r->ima_judges == k->policy_generation;
	r->ima_asked = w->from;
	r->ima_judges = k->policy_generation;
	if (w->from > 0 || r->ima_offered || own)
		return false;
	r->ima_offered = true;
	return keeper_ima_stored(k, r);
}

/* ---- what the device sent ---- */

void
keeper_ima_forget(struct keeper_session *s)
{
	if (s->ima_fd > 0)
		close(s->ima_fd);
	s->ima_fd = 0;
}

void
keeper_on_ima(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);

	if (m->fd <= 0) {
		keeper_child_lost(k, c, "sent NET_IMA without a descriptor");
		return;
	}
	if (!s || s->state != KS_NEEDING || !s->held)
		return;
	keeper_ima_forget(s);
	s->ima_fd = ipc_keep_fd(m);
}

/* The stored entries, if the device was asked for those behind them, and then its own. */
static enum assay_err
join(struct keeper *k, struct request *r, struct bulk *sent)
{
	struct bulk both = {0};
	enum assay_err e;

	if (sent->n > IMALOG_MAX - r->ima.n) {
		bulk_free(sent);
		return ASSAY_TOO_LARGE;
	}
	if ((e = bulk_append(&both, r->ima.bytes)) == ASSAY_OK &&
	    (e = bulk_append(&both, sent->bytes)) == ASSAY_OK &&
	    (e = bulk_seal(&both)) == ASSAY_OK)
		e = bulk_map(&both);
	bulk_free(sent);
	if (e == ASSAY_OK)
		e = replace(k, r, &both);
	bulk_free(&both);
	return e;
}

enum assay_err
keeper_ima_parts(struct keeper *k, struct keeper_session *s, struct request *r)
{
	bool behind = r->has_ima && r->ima_stored > 0 && r->ima_asked > 0 &&
		      r->ima_asked == r->ima_entries;
	struct bulk sent = {0};
	int fd = s->ima_fd;
	enum assay_err e;

	s->ima_fd = 0;
	if (fd <= 0)
		return ASSAY_MISSING;
	if ((e = bulk_take(&sent, fd, IMALOG_MAX)) != ASSAY_OK)
		return e;
	if (behind && sent.n > 0)
		return join(k, r, &sent);
	if ((e = replace(k, r, &sent)) != ASSAY_OK)
		return e;
	/* nothing behind what is stored: what the device does have is asked for next */
	r->has_ima = !behind;
	r->ima_from = behind ? 0 : r->ima_asked;
	r->ima_stored = 0;
	return ASSAY_OK;
}

enum assay_err
keeper_ima_take(struct keeper *k, struct request *r, struct span list)
{
	struct bulk b = {0};
	enum assay_err e;

	if (list.n > IMALOG_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = bulk_append(&b, list)) == ASSAY_OK && (e = bulk_seal(&b)) == ASSAY_OK)
		e = bulk_map(&b);
	if (e == ASSAY_OK)
		e = replace(k, r, &b);
	bulk_free(&b);
	if (e != ASSAY_OK)
		return e;
	r->has_ima = true;
	r->ima_from = r->ima_stored = 0;
	return ASSAY_OK;
}

struct span
keeper_ima_sent(const struct request *r)
{
	struct reader rd;

	rd_init(&rd, r->ima.bytes);
	(void)rd_bytes(&rd, r->ima_stored);
	return rd_rest(&rd);
}

/* ---- what was proved of it ---- */

void
keeper_on_split(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct request *r = keeper_expected(c);

	if (!r || r->id != m->id || !r->has_ima || m->payload.n % 4 != 0) {
		keeper_child_lost(k, c, "split a list that it was not given");
		return;
	}
	free(r->split);
	r->split = NULL;
	r->split_len = 0;
	if (keeper_copy(m->payload, &r->split, &r->split_len) != ASSAY_OK)
		r->split = NULL; /* then it is not stored, and asked for anew */
}

static enum assay_err
append(struct keeper *k, struct request *r, const struct ima_accepted *a)
{
	struct ledger_ima_batch b = {.device = r->device,
				     .class_name = r->class_name,
				     .now = k->now,
				     .from = a->from,
				     .lengths = SPAN(r->split, r->split_len)};
	struct reader rd;
	uint64_t first = 0;
	enum assay_err e;

	rd_init(&rd, keeper_ima_sent(r));
	b.bytes = rd_bytes(&rd, a->bytes);
	if (rd.err != ASSAY_OK || r->split_len / 4 != a->count)
		return ASSAY_MALFORMED;
	e = ledger_ima_append(k->ledger, &b, &first);
	if (e == ASSAY_OK && first > 0)
		log_event(LOG_LEVEL_INFO, "ima-first-seen", "device", r->device, "class",
			  r->class_name, "entries", log_u64(first), NULL);
	return e;
}

/* What is stored is the boot's list as far as it was proved, or nothing. */
enum assay_err
keeper_ima_store(struct keeper *k, struct request *r, const struct verdict *v)
{
	const struct ima_accepted *a = &v->ima_accepted;
	uint64_t proved = v->next.ima.present ? v->next.ima.count : 0;
	struct ledger_ima ima = {0};
	enum assay_err e;

	if (r->kind == REQ_CORE)
		return ASSAY_OK;
	if (a->count > 0) {
		e = append(k, r, a);
		if (e != ASSAY_OK && e != ASSAY_MISMATCH && e != ASSAY_MALFORMED &&
		    e != ASSAY_TAMPERED)
			return e;
	}
	e = ledger_ima_get(k->ledger, r->device, &ima);
	if (e == ASSAY_NOT_FOUND || (e == ASSAY_OK && ima.entries == proved))
		return ASSAY_OK;
	if (e != ASSAY_OK && e != ASSAY_TAMPERED)
		return e;
	e = ledger_ima_drop(k->ledger, r->device);
	return e == ASSAY_TAMPERED ? ASSAY_OK : e;
}

/* ---- to the appraiser ---- */

enum assay_err
keeper_ima_give(struct child *c, const struct request *r)
{
	if (!r->has_ima)
		return ASSAY_OK;
	if (r->ima.fd > 0)
		return ipc_send_fd(&c->ipc, IPC_IMA, r->id, r->ima.fd);
	return ipc_send(&c->ipc, IPC_IMA, r->id, SPAN(NULL, 0));
}
