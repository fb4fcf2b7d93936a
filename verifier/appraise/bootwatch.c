/* bootwatch.c: see bootwatch.h. Clauses are of PFP 1.06. */
#include "bootwatch.h"

#include "boottext.h"
#include "text.h"

#include <string.h>

#define FIRMWARE_PCRS 8
#define SECURE_BOOT_PCR 7
#define BOOT_PCR 4
#define OS_PCR_LAST 15

void
boot_add_finding(struct boot_facts *f, enum boot_finding_code code, const struct bootevent *ev,
		 const char *expected)
{
	struct boot_finding *n;

	if (f->nfindings == BOOT_FINDINGS_MAX) {
		f->more_findings = true;
		return;
	}
	n = &f->findings[f->nfindings++];
	n->code = code;
	n->event = ev ? ev->index : BOOT_NO_EVENT;
	n->pcr = ev ? (int32_t)ev->pcr : -1;
	n->component = ev ? ev->component : BOOT_LOG;
	n->seen[0] = '\0';
	if (ev)
		bootevent_text(ev, n->seen, sizeof n->seen);
	text_format(n->expected, sizeof n->expected, "%s", expected ? expected : "");
}

static bool
is_cc(const struct boot_facts *f)
{
	return f->format == EVENTLOG_CC;
}

/* ---- separators ---------------------------------------------------------- */

static void
check_separator_value(struct boot_facts *f, const struct bootevent *ev, bool *ret_good)
{
	bool regular = ev->data.n == 4 && (ev->separator == 0 || ev->separator == UINT32_MAX);

	*ret_good = false;
	if (ev->status != BOOTEVENT_PROVED)
		return; /* told as a contradiction */
	if (ev->cover == BOOTCOVER_ERROR || (ev->data.n == 4 && ev->separator == 1))
		boot_add_finding(f, BOOTFIND_FIRMWARE_ERROR, ev, "00000000 or FFFFFFFF");
	else if (!regular && (ev->pcr < FIRMWARE_PCRS || is_cc(f)))
		boot_add_finding(f, BOOTFIND_SEPARATOR_VALUE, ev, "00000000 or FFFFFFFF");
	else
		*ret_good = true;
}

static void
on_separator(struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev)
{
	bool good;

	check_separator_value(f, ev, &good);
	if (w->has_separator[ev->pcr] && !w->second[ev->pcr]) {
		w->second[ev->pcr] = true;
		boot_add_finding(f, BOOTFIND_SECOND_SEPARATOR, ev, "one separator in this PCR");
	}
	w->has_separator[ev->pcr] = true;
	w->separator[ev->pcr] = ev->index;
	if (good && ev->pcr < FIRMWARE_PCRS)
		f->separators |= (uint8_t)(1u << ev->pcr);
}

/* The digest of a separator that goes by another type (L6). */
static void
check_disguise(const struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev)
{
	if (ev->pcr >= FIRMWARE_PCRS || ev->digest.n == 0)
		return;
	for (size_t i = 0; i < 2; i++)
		if (span_equal(digest_span(&w->separators[i]), ev->digest))
			boot_add_finding(f, BOOTFIND_DISGUISED_SEPARATOR, ev, "EV_SEPARATOR");
}

/* ---- what may stand where ------------------------------------------------ */

static void
check_order(struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev)
{
	bool closed = w->has_separator[ev->pcr];

	if (is_cc(f))
		return;
	if (ev->pcr >= FIRMWARE_PCRS && ev->pcr <= OS_PCR_LAST && f->separators != 0xFF &&
	    !w->told_early[ev->pcr]) {
		w->told_early[ev->pcr] = true;
		boot_add_finding(f, BOOTFIND_EARLY_OS_EVENT, ev,
				 "after the separators of PCR 0 to 7");
	}
	if (closed && (ev->pcr == 0 || ev->pcr == 3 || ev->pcr == 6))
		boot_add_finding(f, BOOTFIND_LATE_FIRMWARE_EVENT, ev,
				 "nothing after the separator");
	if (!closed && ev->pcr == BOOT_PCR && ev->type == EV_EFI_BOOT_SERVICES_APPLICATION)
		boot_add_finding(f, BOOTFIND_EARLY_BOOT, ev, "after the separator of PCR 4");
	if (w->exited && ev->pcr < FIRMWARE_PCRS)
		boot_add_finding(f, BOOTFIND_AFTER_EXIT, ev, "nothing after Exit Boot Services");
}

static void
on_exit_action(struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev)
{
	static const char success[] = "Exit Boot Services Returned with Success";
	static const char failure[] = "Exit Boot Services Returned with Failure";

	/* PCR 5 is the firmware's; others are extended by whoever likes */
	if (ev->status != BOOTEVENT_PROVED || (f->format != EVENTLOG_CC && ev->pcr != 5))
		return;
	if (span_equal(ev->text, SPAN(success, sizeof success - 1))) {
		f->exit_boot_services = BOOT_EXIT_DONE;
		w->exited = true;
	} else if (span_equal(ev->text, SPAN(failure, sizeof failure - 1))) {
		f->exit_boot_services = BOOT_EXIT_FAILED;
	}
}

/* ---- Secure Boot --------------------------------------------------------- */

static bool
is_secure_boot_variable(const struct bootevent *ev)
{
	return ev->type == EV_EFI_VARIABLE_DRIVER_CONFIG && ev->form == BOOTFORM_VARIABLE &&
	       ev->var.id >= EFIVAR_SECURE_BOOT && ev->var.id <= EFIVAR_DBT;
}

static uint32_t
secure_boot_register(const struct boot_facts *f)
{
	return is_cc(f) ? 1 : SECURE_BOOT_PCR; /* RTMR[0] */
}

static struct boot_keys *
keys_of(struct boot_facts *f, enum efivar_id id)
{
	switch (id) {
	case EFIVAR_PK:
		return &f->pk;
	case EFIVAR_KEK:
		return &f->kek;
	case EFIVAR_DB:
		return &f->db;
	case EFIVAR_DBX:
		return &f->dbx;
	case EFIVAR_DBR:
		return &f->dbr;
	case EFIVAR_DBT:
		return &f->dbt;
	default:
		return NULL;
	}
}

static enum boot_flag *
flag_of(struct boot_facts *f, enum efivar_id id)
{
	switch (id) {
	case EFIVAR_SECURE_BOOT:
		return &f->secure_boot;
	case EFIVAR_SETUP_MODE:
		return &f->setup_mode;
	case EFIVAR_AUDIT_MODE:
		return &f->audit_mode;
	case EFIVAR_DEPLOYED_MODE:
		return &f->deployed_mode;
	default:
		return NULL;
	}
}

static void
take_flag(struct boot_facts *f, const struct bootevent *ev, enum boot_flag *flag)
{
	int value = efivar_flag(&ev->var);

	if (ev->var.data.n == 0) {
		boot_add_finding(f, BOOTFIND_SB_MISSING, ev, "0 or 1");
	} else if (value < 0) {
		*flag = BOOT_FLAG_CONTRADICTORY;
		boot_add_finding(f, BOOTFIND_SB_VALUE, ev, "0 or 1");
	} else {
		*flag = value ? BOOT_FLAG_ON : BOOT_FLAG_OFF;
	}
	if (ev->var.id == EFIVAR_SECURE_BOOT)
		f->secure_boot_event = ev->index;
}

static void
take_certificates(struct boot_facts *f, struct span db)
{
	struct efisigs s;
	struct efisig sig;

	efisigs_init(&s, db);
	while (f->ncertificates < BOOT_CERTIFICATES_MAX && efisigs_next(&s, &sig)) {
		struct boot_certificate *c = &f->certificates[f->ncertificates];

		if (sig.kind != EFISIG_X509 || digest_sha256(sig.data, c->sha256) != ASSAY_OK)
			continue;
		efisig_subject(sig.data, c->subject, sizeof c->subject);
		f->ncertificates++;
	}
}

static void
take_keys(struct boot_facts *f, const struct bootevent *ev, struct boot_keys *k)
{
	k->present = true;
	k->event = ev->index;
	k->malformed = efisig_count(ev->var.data, &k->counts) != ASSAY_OK;
	if (digest_from(f->bank, ev->digest, &k->digest) != ASSAY_OK)
		k->digest = (struct digest){0};
	if (k->malformed)
		boot_add_finding(f, BOOTFIND_MALFORMED, ev, "EFI signature lists");
	if (ev->var.id == EFIVAR_DB && !k->malformed)
		take_certificates(f, ev->var.data);
}

/* L14: what counts was measured once, before the separator, and is proved. */
static void
on_secure_boot_variable(struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev)
{
	enum boot_flag *flag = flag_of(f, ev->var.id);
	struct boot_keys *keys = keys_of(f, ev->var.id);
	uint32_t bit = 1u << ev->var.id;
	bool again = (w->seen_variables & bit) != 0;

	if (ev->pcr != secure_boot_register(f))
		return; /* LENOVO and others measure copies into PCR 1 */
	w->seen_variables |= bit;
	if (again)
		boot_add_finding(f, BOOTFIND_SB_DUPLICATE, ev, "once");
	if (w->has_separator[ev->pcr] && !is_cc(f)) {
		boot_add_finding(f, BOOTFIND_SB_LATE, ev, "before the separator");
		again = true;
	}
	if (again || ev->status == BOOTEVENT_CONTRADICTION) {
		if (flag)
			*flag = BOOT_FLAG_CONTRADICTORY;
		if (keys)
			keys->present = false;
		return;
	}
	if (ev->status != BOOTEVENT_PROVED || ev->cover != BOOTCOVER_ALL)
		boot_add_finding(f, BOOTFIND_SB_UNPROVED, ev, "a digest over the whole variable");
	else if (flag)
		take_flag(f, ev, flag);
	else if (keys)
		take_keys(f, ev, keys);
}

static void
on_authority(struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev)
{
	if (!is_cc(f) && ev->pcr == SECURE_BOOT_PCR && !w->has_separator[SECURE_BOOT_PCR])
		boot_add_finding(f, BOOTFIND_EARLY_AUTHORITY, ev, "after the separator");
	if (ev->form == BOOTFORM_VARIABLE && efivar_is_shims(&ev->var) &&
	    ev->var.id == EFIVAR_OTHER)
		boot_add_finding(f, BOOTFIND_SHIM_ODD, ev,
				 "Shim, MokList, MokListX, MokListTrusted, SbatLevel...");
}

static void
require_variables(const struct bootwatch *w, struct boot_facts *f)
{
	static const struct {
		enum efivar_id id;
		const char *text;
	} required[] = {{EFIVAR_SECURE_BOOT, "Secure Boot state"},
			{EFIVAR_PK, "PK"},
			{EFIVAR_KEK, "KEK"},
			{EFIVAR_DB, "db"},
			{EFIVAR_DBX, "dbx"}};

	for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
		if ((w->seen_variables & 1u << required[i].id) == 0)
			boot_add_finding(f, BOOTFIND_SB_MISSING, NULL, required[i].text);
}

static void
conclude_secure_boot(const struct bootwatch *w, struct boot_facts *f)
{
	require_variables(w, f);
	if (f->secure_boot != BOOT_FLAG_ON)
		return;
	if (!f->pk.present || f->pk.counts.entries == 0) {
		f->secure_boot = BOOT_FLAG_CONTRADICTORY;
		boot_add_finding(f, BOOTFIND_SB_NO_KEYS, NULL, "a platform key");
	} else if (is_cc(f) ? !w->has_separator[secure_boot_register(f)]
			    : (f->separators >> SECURE_BOOT_PCR & 1) == 0) {
		f->secure_boot = BOOT_FLAG_MISSING; /* who knows what came after */
	}
}

/* ---- the whole ----------------------------------------------------------- */

void
bootwatch_begin(struct bootwatch *w, uint16_t bank)
{
	static const uint8_t values[2][4] = {{0, 0, 0, 0}, {0xFF, 0xFF, 0xFF, 0xFF}};

	memset(w, 0, sizeof *w);
	for (size_t i = 0; i < 2; i++)
		if (digest_compute(bank, SPAN(values[i], 4), &w->separators[i]) != ASSAY_OK)
			w->separators[i].len = 0; /* then nothing is equal to it */
}

void
bootwatch_event(struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev)
{
	if (ev->status == BOOTEVENT_NOT_MEASURED)
		return;
	f->logged |= 1u << ev->pcr;
	check_order(w, f, ev);
	if (ev->type == EV_SEPARATOR)
		on_separator(w, f, ev);
	else
		check_disguise(w, f, ev);
	if (is_secure_boot_variable(ev))
		on_secure_boot_variable(w, f, ev);
	if (ev->type == EV_EFI_VARIABLE_AUTHORITY)
		on_authority(w, f, ev);
	if (ev->component == BOOT_EXIT_BOOT_SERVICES)
		on_exit_action(w, f, ev);
}

void
bootwatch_end(struct bootwatch *w, struct boot_facts *f)
{
	if (is_cc(f)) {
		f->complete = w->has_separator[1] || w->has_separator[2];
	} else {
		f->complete = f->separators == 0xFF;
		for (int pcr = 0; pcr < FIRMWARE_PCRS; pcr++) {
			if (w->has_separator[pcr])
				continue;
			boot_add_finding(f, BOOTFIND_NO_SEPARATOR, NULL, "a separator");
			if (f->nfindings > 0 && !f->more_findings)
				f->findings[f->nfindings - 1].pcr = pcr;
		}
	}
	conclude_secure_boot(w, f);
}
