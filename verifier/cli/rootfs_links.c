/* rootfs_links.c: hard links in archives: other names of files that came before, whose
 * content is not at hand any more; see rootfs_private.h. */
#include "rootfs_private.h"

#include <stdlib.h>
#include <string.h>

static enum assay_err
room(void **list, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? 2 * *cap : 256;
	void *p;

	if (n < *cap)
		return ASSAY_OK;
	p = realloc(*list, more * size);
	if (!p)
		return ASSAY_NO_MEMORY;
	*list = p;
	*cap = more;
	return ASSAY_OK;
}

static void
blanks(char *name)
{
	for (; *name; name++)
		if (*name == ' ')
			*name = '_';
}

enum assay_err
rootfs_keep(struct rootfs *r, const char *name, const struct digest *d)
{
	void *list = r->kept;
	struct rootfs_kept *k;

	if (room(&list, &r->kept_cap, r->nkept, sizeof *k) != ASSAY_OK)
		return ASSAY_NO_MEMORY;
	r->kept = list;
	k = &r->kept[r->nkept];
	k->name = strdup(name);
	if (!k->name)
		return ASSAY_NO_MEMORY;
	memcpy(k->digest, d, r->src->nalgs * sizeof *d);
	r->nkept++;
	return ASSAY_OK;
}

enum assay_err
rootfs_link(struct rootfs *r, const char *name, const char *target)
{
	void *list = r->links;
	char *a = strdup(name), *b = strdup(target);

	if (!a || !b || room(&list, &r->links_cap, r->nlinks + 1, sizeof *r->links) != ASSAY_OK) {
		free(a);
		free(b);
		return ASSAY_NO_MEMORY;
	}
	r->links = list;
	blanks(a);
	blanks(b);
	r->links[r->nlinks++] = a;
	r->links[r->nlinks++] = b;
	return ASSAY_OK;
}

static int
by_name(const void *a, const void *b)
{
	const struct rootfs_kept *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* tar links always to the file itself. */
enum assay_err
rootfs_links_end(struct rootfs *r)
{
	if (r->nlinks > 0 && r->nkept > 0)
		qsort(r->kept, r->nkept, sizeof *r->kept, by_name);
	for (size_t i = 0; i + 1 < r->nlinks && r->nkept > 0; i += 2) {
		struct rootfs_kept want = {.name = r->links[i + 1]}, *k;
		struct digest d[ROOTFS_ALGS_MAX];

		k = bsearch(&want, r->kept, r->nkept, sizeof *k, by_name);
		if (!k)
			continue;
		memcpy(d, k->digest, sizeof d);
		if (!r->src->on_file(r->src->arg, SPAN(r->links[i], strlen(r->links[i])), d))
			return ASSAY_STATE;
		r->result->files++;
	}
	return ASSAY_OK;
}

void
rootfs_links_free(struct rootfs *r)
{
	for (size_t i = 0; i < r->nkept; i++)
		free(r->kept[i].name);
	for (size_t i = 0; i < r->nlinks; i++)
		free(r->links[i]);
	free(r->kept);
	free(r->links);
}
