/* eventlog_json.c: the JSON of `assay inspect eventlog`; see eventlog_view.h. */
#include "eventlog_view.h"

#include "evidence/hex.h"
#include "verifier/appraise/boottext.h"

#include <stdio.h>

#define HEX_MAX (2 * EVENTLOG_DIGEST_MAX + 1)

static json_t *
hex_json(struct span s)
{
	char hex[HEX_MAX];

	return hex_encode(s, hex, sizeof hex) == ASSAY_OK ? json_string(hex) : json_null();
}

static void
set(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

static json_t *
number_or_null(uint32_t event)
{
	return event == BOOT_NO_EVENT ? json_null() : json_integer(event);
}

/* ---- events -------------------------------------------------------------- */

static json_t *
digests_json(const struct event *raw)
{
	json_t *o = json_object();
	char alg[8];

	for (size_t i = 0; i < raw->ndigests; i++)
		set(o, eventlog_alg_name(raw->digests[i].alg, alg),
		    hex_json(raw->digests[i].bytes));
	return o;
}

static json_t *
matches_json(enum bootevent_status s)
{
	if (s == BOOTEVENT_PROVED)
		return json_true();
	return s == BOOTEVENT_CONTRADICTION ? json_false() : json_null();
}

static json_t *
event_json(const struct event *raw, const struct bootevent *ev)
{
	json_t *o = json_object();
	char text[BOOTTEXT_MAX], name[16];

	snprintf(name, sizeof name, "0x%08x", ev->type);
	bootevent_text(ev, text, sizeof text);
	set(o, "index", json_integer(ev->index));
	set(o, "pcr", json_integer(ev->pcr));
	set(o, "type", json_integer(ev->type));
	set(o, "type_name", json_string(ev->type_name ? ev->type_name : name));
	set(o, "digests", digests_json(raw));
	set(o, "size", json_integer((json_int_t)raw->data.n));
	set(o, "digest_matches_data", matches_json(ev->status));
	set(o, "description", json_string(text));
	set(o, "status", json_string(bootevent_status_name(ev->status)));
	set(o, "component", json_string(boot_component_text(ev->component)));
	set(o, "offset", json_integer((json_int_t)raw->offset));
	return o;
}

static json_t *
events_json(const struct eventlog_view *v, uint32_t pcr)
{
	json_t *list = json_array();
	struct bootreader reader;
	struct eventlog l;
	struct event raw;

	if (eventlog_open(v->log, v->cc, &l) != ASSAY_OK)
		return list;
	bootreader_init(&reader, l.format, ALG_NONE);
	while (eventlog_next(&l, &raw)) {
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		if (pcr == EVENTLOG_VIEW_ALL || raw.pcr == pcr)
			json_array_append_new(list, event_json(&raw, &ev));
	}
	return list;
}

/* ---- the log ------------------------------------------------------------- */

static json_t *
algorithms_json(const struct eventlog_view *v)
{
	json_t *list = json_array();
	char alg[8];

	for (size_t i = 0; i < v->run.nalgs; i++)
		json_array_append_new(list,
				      json_string(eventlog_alg_name(v->run.algs[i].alg, alg)));
	return list;
}

static json_t *
not_replayable_json(const struct eventlog_view *v)
{
	json_t *list = json_array();
	char alg[8];

	for (size_t i = 0; i < v->run.nalgs; i++)
		if (!digest_computable(v->run.algs[i].alg))
			json_array_append_new(
				list, json_string(eventlog_alg_name(v->run.algs[i].alg, alg)));
	return list;
}

static json_t *
bank_json(const struct pcr_bank *b, uint32_t pcr)
{
	json_t *o = json_object();
	char key[8];

	for (uint32_t i = 0; i < PCR_COUNT; i++) {
		if ((b->mask >> i & 1) == 0 || (pcr != EVENTLOG_VIEW_ALL && pcr != i))
			continue;
		snprintf(key, sizeof key, "%u", i);
		set(o, key, hex_json(digest_span(&b->value[i])));
	}
	return o;
}

static json_t *
pcrs_json(const struct eventlog_view *v, uint32_t pcr)
{
	json_t *o = json_object();

	for (size_t i = 0; i < v->run.pcrs.count; i++)
		set(o, digest_name(v->run.pcrs.bank[i].alg), bank_json(&v->run.pcrs.bank[i], pcr));
	return o;
}

static json_t *
findings_json(const struct boot_facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->nfindings; i++) {
		const struct boot_finding *n = &f->findings[i];
		json_t *o = json_object();

		set(o, "finding", json_string(boot_finding_word(n->code)));
		set(o, "text", json_string(boot_finding_text(n->code)));
		set(o, "event", number_or_null(n->event));
		set(o, "pcr", n->pcr < 0 ? json_null() : json_integer(n->pcr));
		set(o, "component", json_string(boot_component_text(n->component)));
		set(o, "seen", json_string(n->seen));
		set(o, "expected", json_string(n->expected));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
images_json(const struct boot_facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->nimages && i < BOOT_IMAGES_MAX; i++) {
		json_t *o = json_object();

		set(o, "event", json_integer(f->images[i].event));
		set(o, "digest", hex_json(digest_span(&f->images[i].digest)));
		set(o, "path", json_string(f->images[i].path));
		set(o, "authority", number_or_null(f->images[i].authority));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
cmdline_json(const struct boot_cmdline *c)
{
	json_t *o;

	if (c->count == 0)
		return json_null();
	o = json_object();
	set(o, "text", c->text[0] ? json_string(c->text) : json_null());
	set(o, "provenance", json_string(boot_provenance_name(c->provenance)));
	set(o, "event", number_or_null(c->event));
	set(o, "digest", hex_json(digest_span(&c->digest)));
	return o;
}

static json_t *
certificates_json(const struct boot_facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->ncertificates; i++) {
		json_t *o = json_object();

		set(o, "subject", json_string(f->certificates[i].subject));
		set(o, "sha256", hex_json(SPAN(f->certificates[i].sha256, 32)));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
initrd_json(const struct boot_initrd *i)
{
	json_t *o;

	if (i->count == 0)
		return json_null();
	o = json_object();
	set(o, "event", number_or_null(i->event));
	set(o, "digest", hex_json(digest_span(&i->digest)));
	return o;
}

static json_t *
facts_json(const struct boot_facts *f)
{
	json_t *o = json_object();

	set(o, "bank", json_string(digest_name(f->bank)));
	set(o, "complete", json_boolean(f->complete));
	set(o, "secure_boot", json_string(boot_flag_name(f->secure_boot)));
	set(o, "setup_mode", json_string(boot_flag_name(f->setup_mode)));
	set(o, "audit_mode", json_string(boot_flag_name(f->audit_mode)));
	set(o, "deployed_mode", json_string(boot_flag_name(f->deployed_mode)));
	set(o, "dbx_entries", f->dbx.present ? json_integer(f->dbx.counts.entries) : json_null());
	set(o, "db_certificates", certificates_json(f));
	set(o, "debugger", json_string(boot_flag_name(f->debugger)));
	set(o, "firmware_version", json_string(f->firmware_version));
	set(o, "option_roms", json_integer(f->option_roms));
	set(o, "images", images_json(f));
	set(o, "kernel_cmdline", cmdline_json(&f->cmdline));
	set(o, "initrd", initrd_json(&f->initrd));
	set(o, "exit_boot_services", json_boolean(f->exit_boot_services == BOOT_EXIT_DONE));
	set(o, "machine", json_string(f->machine == BOOT_MACHINE_VIRTUAL    ? "virtual"
				      : f->machine == BOOT_MACHINE_PHYSICAL ? "physical"
									    : "unknown"));
	set(o, "contradictions", json_integer(f->ncontradictions));
	return o;
}

static json_t *
check_json(const struct eventlog_pcr_check *c)
{
	const size_t kept = sizeof c->differs / sizeof c->differs[0];
	json_t *o = json_object(), *list = json_array();

	for (size_t i = 0; i < c->differ && i < kept; i++) {
		json_t *d = json_object();

		set(d, "bank", json_string(digest_name(c->differs[i].alg)));
		set(d, "pcr", json_integer(c->differs[i].pcr));
		set(d, "seen", c->differs[i].seen.alg == ALG_NONE
				       ? json_null()
				       : hex_json(digest_span(&c->differs[i].seen)));
		set(d, "expected", hex_json(digest_span(&c->differs[i].expected)));
		json_array_append_new(list, d);
	}
	set(o, "equal", json_integer(c->equal));
	set(o, "different", json_integer(c->differ));
	set(o, "not_logged", json_integer(c->not_logged));
	set(o, "differences", list);
	set(o, "refused", c->refused ? json_string(c->refused) : json_null());
	return o;
}

static json_t *
entry_json(const struct bootdiff_entry *e)
{
	json_t *o = json_object();

	set(o, "kind", json_string(bootdiff_kind_name(e->kind)));
	set(o, "component", json_string(boot_component_text(e->component)));
	set(o, "pcr", json_integer(e->pcr));
	set(o, "event", number_or_null(e->event));
	set(o, "text", json_string(e->text));
	set(o, "per_device", json_boolean(e->per_device));
	set(o, "seen", json_string(e->seen_text));
	set(o, "expected", json_string(e->expected_text));
	return o;
}

static json_t *
diff_json(const struct bootdiff *d)
{
	json_t *o = json_object(), *list = json_array();

	for (size_t i = 0; i < d->n; i++)
		json_array_append_new(list, entry_json(&d->entries[i]));
	set(o, "equal", json_boolean(d->equal));
	set(o, "bank", json_string(digest_name(d->bank)));
	set(o, "per_device_only", json_boolean(d->per_device_only));
	set(o, "headline", json_string(d->headline));
	set(o, "differences", list);
	set(o, "more", json_boolean(d->more));
	return o;
}

static json_t *
error_json(const struct eventlog_view *v)
{
	json_t *o;

	if (v->err == ASSAY_OK)
		return json_null();
	o = json_object();
	set(o, "error", json_string(assay_err_name(v->err)));
	set(o, "text", json_string(v->reason));
	set(o, "event", json_integer(v->bad_event));
	set(o, "offset", json_integer((json_int_t)v->bad_offset));
	return o;
}

json_t *
eventlog_json(const struct eventlog_view *v, uint32_t pcr,
	      const struct eventlog_pcr_check *check, const struct bootdiff *diff)
{
	json_t *o = json_object();

	set(o, "format", json_string(eventlog_format_name(v->run.format)));
	set(o, "algorithms", algorithms_json(v));
	set(o, "not_replayable", not_replayable_json(v));
	set(o, "startup_locality", v->run.startup_locality < 0
					   ? json_null()
					   : json_integer(v->run.startup_locality));
	set(o, "hcrtm", json_boolean(v->run.hcrtm));
	set(o, "tail_bytes", json_integer((json_int_t)v->run.tail_bytes));
	set(o, "events", events_json(v, pcr));
	set(o, "pcrs", pcrs_json(v, pcr));
	set(o, "error", error_json(v));
	if (v->has_facts) {
		set(o, "facts", facts_json(&v->facts));
		set(o, "findings", findings_json(&v->facts));
	}
	if (check)
		set(o, "pcr_check", check_json(check));
	if (diff)
		set(o, "diff", diff_json(diff));
	return o;
}
