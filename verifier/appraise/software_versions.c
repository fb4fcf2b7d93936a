/* software_versions.c: see software_versions.h. */
#include "software_versions.h"

#include "pack.h"

#include <string.h>

static bool
sound(const struct software_version *v)
{
	return v->order < ORDER_COUNT &&
	       version_valid((enum version_order)v->order, SPAN(v->version, strlen(v->version)));
}

void
pack_software_versions(struct writer *w, const struct software_versions *s)
{
	pack_below(w, s->n, SOFTWARE_VERSIONS_MAX + 1);
	for (size_t i = 0; i < s->n && w->err == ASSAY_OK; i++) {
		pack_fixed(w, s->v[i].item, sizeof s->v[i].item);
		pack_below(w, s->v[i].order, ORDER_COUNT);
		pack_text(w, s->v[i].version, sizeof s->v[i].version);
		if (!sound(&s->v[i]))
			wr_fail(w, ASSAY_MALFORMED);
	}
}

void
unpack_software_versions(struct reader *r, struct software_versions *ret)
{
	ret->n = unpack_below(r, SOFTWARE_VERSIONS_MAX + 1);
	for (size_t i = 0; i < ret->n && r->err == ASSAY_OK; i++) {
		struct software_version *v = &ret->v[i];

		memset(v, 0, sizeof *v);
		unpack_fixed(r, v->item, sizeof v->item);
		v->order = unpack_below(r, ORDER_COUNT);
		unpack_text(r, v->version, sizeof v->version);
		if (r->err == ASSAY_OK && !sound(v))
			rd_fail(r, ASSAY_MALFORMED);
		for (size_t k = 0; k < i; k++)
			if (memcmp(ret->v[k].item, v->item, sizeof v->item) == 0) /* public */
				rd_fail(r, ASSAY_DUPLICATE);
	}
}

const struct software_version *
software_versions_find(const struct software_versions *s, const uint8_t key[SOFTWARE_VERSION_KEY],
		       enum version_order order)
{
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(s->v[i].item, key, SOFTWARE_VERSION_KEY) == 0) /* public */
			return s->v[i].order == order ? &s->v[i] : NULL;
	return NULL;
}

bool
software_versions_put(struct software_versions *s, const struct software_version *v)
{
	size_t i = 0;

	while (i < s->n && memcmp(s->v[i].item, v->item, sizeof v->item) != 0) /* public */
		i++;
	if (i == SOFTWARE_VERSIONS_MAX)
		return false;
	s->v[i] = *v;
	if (i == s->n)
		s->n++;
	return true;
}
