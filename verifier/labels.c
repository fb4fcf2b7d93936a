/* labels.c: see labels.h. */
#include "labels.h"

#include "evidence/reader.h"

#include <string.h>

static struct span
next_label(const char **s)
{
	struct span w;

	*s += strspn(*s, " ");
	w = SPAN(*s, strcspn(*s, " "));
	*s += w.n;
	return w;
}

static bool
has(const char *on, struct span wanted)
{
	struct span w;

	while ((w = next_label(&on)).n != 0)
		if (span_equal(w, wanted))
			return true;
	return false;
}

bool
labels_all(const char *list, const char *on)
{
	struct span w;

	while ((w = next_label(&list)).n != 0)
		if (!has(on, w))
			return false;
	return true;
}

bool
labels_any(const char *list, const char *on)
{
	struct span w;

	while ((w = next_label(&list)).n != 0)
		if (has(on, w))
			return true;
	return false;
}
