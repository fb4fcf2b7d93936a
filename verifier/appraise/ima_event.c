/* ima_event.c: see ima_event.h. */
#include "ima_event.h"

#include <string.h>

static bool
starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && span_equal(span_part(s, 0, n), SPAN(with, n));
}

static enum ima_event
data_event(const struct imalog_entry *e, struct x509 *ret_key)
{
	struct span buf = e->field[IMALOG_BUF];

	if (starts(e->path, "kexec-cmdline") || starts(e->path, "kexec_"))
		return IMA_EVENT_KEXEC;
	if (starts(e->path, "dm_"))
		return IMA_EVENT_DM;
	if (x509_parse(buf, ret_key) == ASSAY_OK)
		return IMA_EVENT_KEY;
	ret_key->der = SPAN(NULL, 0);
	/* keyrings of the kernel: .ima, .builtin_trusted_keys, _evm; user keyrings have
	 * names of their own, and what was added to them is a certificate or nothing */
	return starts(e->path, ".") || starts(e->path, "_") ? IMA_EVENT_KEY : IMA_EVENT_CRITICAL;
}

enum ima_event
ima_event(const struct imalog_entry *e, struct x509 *ret_key)
{
	if (imalog_is_boot_aggregate(e))
		return IMA_EVENT_BOOT_AGGREGATE;
	if (e->violation)
		return IMA_EVENT_VIOLATION;
	if (e->has >> IMALOG_BUF & 1)
		return data_event(e, ret_key);
	return IMA_EVENT_FILE;
}
