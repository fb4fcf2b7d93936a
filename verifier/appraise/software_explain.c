/* software_explain.c: see software_explain.h. */
#include "software_explain.h"

#include "evidence/software.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define TOLD_MAX 8 /* changes that are named */

/* The manifest that was delivered for this very digest; n 0: none was. */
static struct span
delivered(const struct appraisal *a, const struct msg_software *seen)
{
	for (size_t i = 0; i < a->in->nfiles; i++) {
		uint8_t digest[32];

		if (seen->alg == ALG_SHA256 && a->in->files[i].n != 0 &&
		    digest_sha256(a->in->files[i], digest) == ASSAY_OK &&
		    span_equal(SPAN(digest, 32), seen->digest))
			return a->in->files[i];
	}
	return SPAN(NULL, 0);
}

static const char *
what_changed(const struct manifest_change *c)
{
	if (c->kind == MANIFEST_ADDED)
		return " (added)";
	if (c->kind == MANIFEST_REMOVED)
		return " (removed)";
	if (c->what & MANIFEST_TYPE)
		return c->after.type == 'l' ? " (now a symbolic link)" : " (type)";
	if (c->what & MANIFEST_CONTENT)
		return "";
	return c->what & MANIFEST_MODE ? " (mode)" : " (owner)";
}

static const char *
noun(const struct msg_software *seen, unsigned n)
{
	switch (software_kind_by_name(seen->kind)) {
	case SOFTWARE_CONFIG:
	case SOFTWARE_UBOOT:
		return n == 1 ? "key" : "keys";
	case SOFTWARE_PACKAGES:
		return n == 1 ? "package" : "packages";
	case SOFTWARE_MODULES:
		return n == 1 ? "module" : "modules";
	case SOFTWARE_UNITS:
		return n == 1 ? "unit" : "units";
	case SOFTWARE_DEVICETREE:
		return n == 1 ? "property" : "properties";
	default:
		return n == 1 ? "file" : "files";
	}
}

struct list {
	char text[FINDING_TEXT_MAX];
	size_t len;
	unsigned told, all;
};

static void
append(struct list *l, const struct manifest_change *c)
{
	const struct manifest_entry *e = c->kind == MANIFEST_REMOVED ? &c->before : &c->after;
	char path[72], one[128];
	size_t n;

	l->all++;
	text_escape(e->path, path, sizeof path);
	snprintf(one, sizeof one, "%s%s%s", l->told ? ", " : "", path, what_changed(c));
	n = strlen(one);
	/* room for the head of the line and for "and N more" */
	if (l->told != l->all - 1 || l->told == TOLD_MAX || n > sizeof l->text - l->len - 80)
		return;
	memcpy(l->text + l->len, one, n + 1);
	l->len += n;
	l->told++;
}

void
software_explain(const struct appraisal *a, const struct msg_software *seen,
		 struct span reference, struct finding *f)
{
	struct span now = delivered(a, seen);
	struct list l = {.len = 0};
	struct manifest_change c;
	struct manifest_diff d;
	char name[32], more[32] = "";

	if (now.n == 0)
		return;
	manifest_diff_open(&d, reference, now);
	while (manifest_diff_next(&d, &c))
		append(&l, &c);
	if (manifest_diff_close(&d) != ASSAY_OK || l.all == 0)
		return;
	if (l.told < l.all)
		snprintf(more, sizeof more, "%s%u more", l.told ? " and " : "", l.all - l.told);
	text_escape(seen->name, name, sizeof name);
	text_format(f->text, sizeof f->text, "%u %s changed in %s: %s%s", l.all,
		    noun(seen, l.all), name, l.text, more);
}
