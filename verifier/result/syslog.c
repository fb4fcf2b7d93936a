/* syslog.c: see syslog.h. */
#include "syslog.h"

#include "evidence/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define APP "assay-verifier"
#define HOST_MAX 255

/* RFC 5424, 6.2.1: a quarantine is an error, a restriction a warning, the rest a notice. */
static int
severity(enum record_outcome o)
{
	return o == RECORD_QUARANTINE ? 3 : o == RECORD_RESTRICT ? 4 : 5;
}

/* All reasons, with commas between. */
static void
join_reasons(const struct record *r, char *ret, size_t cap)
{
	size_t n = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < r->nreasons && n < cap; i++)
		n += (size_t)snprintf(ret + n, cap - n, "%s%s", i ? "," : "", r->reasons[i]);
}

/* "device plc-7 (ID): quarantine after admit: boot.changed", printable ASCII. */
static void
put_sentence(struct writer *w, const struct log_decision *d)
{
	char text[512], reasons[256];
	const struct record *r = d->record;

	join_reasons(r, reasons, sizeof reasons);
	snprintf(text, sizeof text, "device %s%s%s%s: %s after %s: %s", r->name,
		 *r->name ? " (" : "", r->device, *r->name ? ")" : "",
		 record_outcome_name(r->outcome), *d->before ? d->before : "nothing", reasons);
	for (const char *p = text; *p; p++)
		wr_u8(w, *p < 0x20 || *p > 0x7E ? '?' : (uint8_t)*p);
}

/* ---- RFC 5424 ---- */

/* 6.3.3: three characters are escaped; control characters are nobody's business. */
static void
put_param(struct writer *w, const char *name, const char *value)
{
	json_put_text(w, " ");
	json_put_text(w, name);
	json_put_text(w, "=\"");
	for (; *value; value++) {
		if (*value == '"' || *value == '\\' || *value == ']')
			wr_u8(w, '\\');
		wr_u8(w, *value < 0x20 || *value > 0x7E ? '?' : (uint8_t)*value);
	}
	json_put_text(w, "\"");
}

static void
put_param_number(struct writer *w, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	put_param(w, name, text);
}

static void
put_header(struct writer *w, const struct log_origin *o, const struct record *r)
{
	char text[128], stamp[32] = "-";
	time_t at = (time_t)r->issued;
	struct tm t;
	size_t n = strlen(o->host);

	if (gmtime_r(&at, &t))
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &t);
	snprintf(text, sizeof text, "<%d>1 %s ", o->facility * 8 + severity(r->outcome), stamp);
	json_put_text(w, text);
	for (size_t i = 0; i < n && i < HOST_MAX; i++)
		wr_u8(w, o->host[i] <= 0x20 || o->host[i] > 0x7E ? '?' : (uint8_t)o->host[i]);
	snprintf(text, sizeof text, "%s " APP " %ld DECISION [assay@%u", n ? "" : "-", o->pid,
		 o->enterprise);
	json_put_text(w, text);
}

static void
put_event(struct writer *w, const struct log_origin *o, const struct log_decision *d, bool labels)
{
	const struct record *r = d->record;
	char reasons[256];

	put_header(w, o, r);
	put_param(w, "device", r->device);
	put_param(w, "name", r->name);
	put_param(w, "class", r->class_name);
	put_param(w, "labels", labels ? r->labels : "");
	put_param(w, "outcome", record_outcome_name(r->outcome));
	put_param(w, "before", d->before);
	join_reasons(r, reasons, sizeof reasons);
	put_param(w, "reason", reasons);
	put_param_number(w, "sequence", r->seq);
	put_param_number(w, "previous", r->previous);
	put_param_number(w, "expires", (uint64_t)r->expires);
	json_put_text(w, "] ");
	put_sentence(w, d);
}

enum assay_err
syslog_write(const struct log_origin *o, const struct log_decision *d, struct writer *w)
{
	struct writer whole;

	wr_init(&whole, w->p, w->cap < SYSLOG_MAX ? w->cap : SYSLOG_MAX);
	put_event(&whole, o, d, true);
	if (whole.err != ASSAY_OK) {
		wr_init(&whole, w->p, w->cap < SYSLOG_MAX ? w->cap : SYSLOG_MAX);
		put_event(&whole, o, d, false);
	}
	w->len = whole.err == ASSAY_OK ? whole.len : 0;
	return whole.err;
}

/* ---- the journal ---- */

/* A value with a line end travels with its length: le64. */
static void
put_field(struct writer *w, const char *name, const char *value)
{
	size_t n = strlen(value);

	if (n == 0)
		return;
	json_put_text(w, name);
	if (!strchr(value, '\n')) {
		json_put_text(w, "=");
	} else {
		json_put_text(w, "\n");
		for (unsigned i = 0; i < 8; i++)
			wr_u8(w, (uint8_t)((uint64_t)n >> (8 * i)));
	}
	wr_bytes(w, SPAN(value, n));
	json_put_text(w, "\n");
}

static void
put_field_number(struct writer *w, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	put_field(w, name, text);
}

enum assay_err
journal_write(const struct log_origin *o, const struct log_decision *d, struct writer *w)
{
	const struct record *r = d->record;
	char reasons[256];

	json_put_text(w, "MESSAGE=");
	put_sentence(w, d);
	json_put_text(w, "\nMESSAGE_ID=" JOURNAL_MESSAGE_ID "\nSYSLOG_IDENTIFIER=" APP "\n");
	put_field_number(w, "PRIORITY", (uint64_t)severity(r->outcome));
	put_field_number(w, "SYSLOG_FACILITY", (uint64_t)o->facility);
	put_field_number(w, "SYSLOG_PID", (uint64_t)o->pid);
	put_field(w, "ASSAY_DEVICE", r->device);
	put_field(w, "ASSAY_NAME", r->name);
	put_field(w, "ASSAY_CLASS", r->class_name);
	put_field(w, "ASSAY_LABELS", r->labels);
	put_field(w, "ASSAY_OUTCOME", record_outcome_name(r->outcome));
	put_field(w, "ASSAY_BEFORE", d->before);
	join_reasons(r, reasons, sizeof reasons);
	put_field(w, "ASSAY_REASON", reasons);
	put_field_number(w, "ASSAY_SEQUENCE", r->seq);
	put_field_number(w, "ASSAY_PREVIOUS", r->previous);
	put_field_number(w, "ASSAY_ISSUED", (uint64_t)r->issued);
	if (r->expires)
		put_field_number(w, "ASSAY_EXPIRES", (uint64_t)r->expires);
	return w->err;
}
