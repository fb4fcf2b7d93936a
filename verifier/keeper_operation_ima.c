/* keeper_operation_ima.c: what operators are told of a device's IMA list: how far it is
 * proved, what was counted in it, and which entries its class had never had before. */
#include "keeper_operation.h"

#include "evidence/hex.h"

#define FIRST_SHOWN 50
#define FIRST_BYTES_MAX 5120 /* of an entry, with room for any path; a longer one is cut */

static int
add_counts(json_t *j, const struct ima_state *s)
{
	static const char *const names[IMA_COUNT_COUNT] = {
#define X(id, doc) doc,
		IMA_COUNTS(X)
#undef X
	};
	json_t *counts = json_object();
	int bad = 0;

	for (unsigned i = 0; i < IMA_COUNT_COUNT; i++)
		if (s->counts[i] > 0)
			bad |= json_object_set_new(counts, names[i], json_integer(s->counts[i]));
	return bad | json_object_set_new(j, "counts", counts);
}

/* As the kernel wrote it: who shows it parses it. */
static json_t *
first_entry(const struct ledger_ima_first *f)
{
	static char hex[2 * FIRST_BYTES_MAX + 1];
	size_t n = f->bytes.n < FIRST_BYTES_MAX ? f->bytes.n : FIRST_BYTES_MAX;

	if (hex_encode(SPAN(f->bytes.p, n), hex, sizeof hex) != ASSAY_OK)
		return NULL;
	return json_pack("{s:o, s:o, s:s}", "class", json_text(f->class_name), "at",
			 json_time(f->at), "entry", hex);
}

json_t *
json_ima_first(struct call *c, const char *device, int64_t since)
{
	struct ledger_ima_first f = {0};
	json_t *list = json_array();

	while (list && json_array_size(list) < FIRST_SHOWN &&
	       ledger_ima_first_next(c->l, device, since, f.entry, &f) == ASSAY_OK)
		if (json_array_append_new(list, first_entry(&f)) != 0)
			break;
	return list;
}

static int
add_stored(struct call *c, json_t *j, const char *device)
{
	struct ledger_ima ima = {0};
	uint64_t first = 0;
	int bad;

	if (ledger_ima_get(c->l, device, &ima) == ASSAY_OK &&
	    ledger_ima_first_count(c->l, device, ima.begun, &first) != ASSAY_OK)
		first = 0;
	bad = json_object_set_new(j, "stored", json_integer((json_int_t)ima.entries));
	bad |= json_object_set_new(j, "begun", json_time(ima.begun));
	bad |= json_object_set_new(j, "first_seen", json_integer((json_int_t)first));
	bad |= json_object_set_new(j, "first",
				   first > 0 ? json_ima_first(c, device, ima.begun) : json_array());
	return bad;
}

json_t *
json_ima(struct call *c, const char *device, const struct ima_state *s)
{
	json_t *j;

	if (!s->present)
		return json_null();
	j = json_pack("{s:I, s:I, s:I, s:b}", "entries", (json_int_t)s->count, "bytes",
		      (json_int_t)s->bytes, "violations",
		      (json_int_t)s->counts[IMA_COUNT_VIOLATIONS], "boot_aggregate",
		      s->boot_aggregate);
	if (j && add_counts(j, s) == 0 && add_stored(c, j, device) == 0)
		return j;
	json_decref(j);
	return NULL;
}
