/* rootfs_links.c: what the members of an archive come to: a later one replaces an earlier one
 * of its name, and hard links are other names of files that came before, whose content is not
 * at hand any more; see rootfs_private.h. */
#include "rootfs_private.h"

#include <stdlib.h>
#include <string.h>

enum assay_err
rootfs_keep(struct rootfs *r, const struct rootfs_kept *k)
{
	size_t more = r->kept_cap ? 2 * r->kept_cap : 256;
	struct rootfs_kept *to;

	if (r->nkept == r->kept_cap) {
		to = reallocarray(r->kept, more, sizeof *to);
		if (!to)
			return ASSAY_NO_MEMORY;
		r->kept = to;
		r->kept_cap = more;
	}
	to = &r->kept[r->nkept];
	*to = *k;
	to->name = strdup(k->name);
	to->target = k->target ? strdup(k->target) : NULL;
	if (!to->name || (k->target && !to->target)) {
		free(to->name);
		free(to->target);
		return ASSAY_NO_MEMORY;
	}
	r->nkept++;
	return ASSAY_OK;
}

static int
by_name_and_order(const void *a, const void *b)
{
	const struct rootfs_kept *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

/* The last member of that name before another one. */
static const struct rootfs_kept *
last_before(const struct rootfs *r, const char *name, uint64_t order)
{
	size_t from = 0, to = r->nkept;

	while (from < to) { /* where it would stand */
		size_t at = from + (to - from) / 2;
		int c = strcmp(r->kept[at].name, name);

		if (c < 0 || (c == 0 && r->kept[at].order < order))
			from = at + 1;
		else
			to = at;
	}
	return from > 0 && strcmp(r->kept[from - 1].name, name) == 0 ? &r->kept[from - 1] : NULL;
}

/* The file that a member is, or is a hard link to, as it was then; NULL: of none. */
static const struct rootfs_kept *
file_of(const struct rootfs *r, const struct rootfs_kept *k)
{
	while (k && k->kind == ROOTFS_LINK)
		k = last_before(r, k->target, k->order);
	return k && k->kind == ROOTFS_FILE ? k : NULL;
}

enum assay_err
rootfs_kept_end(struct rootfs *r)
{
	r->result->files = 0;
	if (r->nkept > 0)
		qsort(r->kept, r->nkept, sizeof *r->kept, by_name_and_order);
	for (size_t i = 0; i < r->nkept; i++) {
		struct rootfs_kept *k = &r->kept[i];
		const struct rootfs_kept *file;

		if (k->kind == ROOTFS_OTHER ||
		    (i + 1 < r->nkept && strcmp(k->name, r->kept[i + 1].name) == 0))
			continue;
		file = file_of(r, k);
		if (!file) {
			rootfs_left_out(r, k->name, "a hard link to what is not there");
			continue;
		}
		rootfs_ima_name(k->name);
		if (!r->src->on_file(r->src->arg, SPAN(k->name, strlen(k->name)), file->digest))
			return ASSAY_STATE;
		r->result->files++;
	}
	return ASSAY_OK;
}

void
rootfs_kept_free(struct rootfs *r)
{
	for (size_t i = 0; i < r->nkept; i++) {
		free(r->kept[i].name);
		free(r->kept[i].target);
	}
	free(r->kept);
}
