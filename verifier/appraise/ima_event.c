/* ima_event.c: see ima_event.h. */
#include "ima_event.h"

#include <string.h>

static bool
starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && span_equal(span_part(s, 0, n), SPAN(with, n));
}

/* What stands beside digest and name, whatever the template calls it: one field, as all
 * others are of files (ima_template_lib.c leaves them empty where there is none). */
static bool
only_field(const struct imalog_entry *e, struct span *ret)
{
	const uint32_t not_data = 1u << IMALOG_D | 1u << IMALOG_D_NG | 1u << IMALOG_D_NGV2 |
				  1u << IMALOG_N | 1u << IMALOG_N_NG;
	unsigned n = 0;

	for (unsigned f = 0; f < IMALOG_FIELD_COUNT; f++)
		if (((e->has & ~not_data) >> f & 1) && e->field[f].n != 0) {
			*ret = e->field[f];
			n++;
		}
	return n == 1;
}

static bool
measured_data(const struct imalog_entry *e, struct span *ret)
{
	struct digest d;

	return e->path.n != 0 && !starts(e->path, "/") && !e->file.verity && only_field(e, ret) &&
	       digest_compute(e->file.alg, *ret, &d) == ASSAY_OK &&
	       span_equal(digest_span(&d), e->file.bytes);
}

static enum ima_event
data_event(const struct imalog_entry *e, struct ima_measured *ret)
{
	if (starts(e->path, "kexec-cmdline") || starts(e->path, "kexec_"))
		return IMA_EVENT_KEXEC;
	if (starts(e->path, "dm_"))
		return IMA_EVENT_DM;
	if (x509_parse(ret->data, &ret->key) == ASSAY_OK)
		return IMA_EVENT_KEY;
	ret->key.der = SPAN(NULL, 0);
	/* keyrings of the kernel: .ima, .builtin_trusted_keys, _evm; user keyrings have
	 * names of their own, and what was added to them is a certificate or nothing */
	return starts(e->path, ".") || starts(e->path, "_") ? IMA_EVENT_KEY : IMA_EVENT_CRITICAL;
}

enum ima_event
ima_event(const struct imalog_entry *e, struct ima_measured *ret)
{
	if (imalog_is_boot_aggregate(e))
		return IMA_EVENT_BOOT_AGGREGATE;
	if (e->violation)
		return IMA_EVENT_VIOLATION;
	return measured_data(e, &ret->data) ? data_event(e, ret) : IMA_EVENT_FILE;
}
