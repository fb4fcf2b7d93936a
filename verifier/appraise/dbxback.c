/* dbxback.c: see dbxback.h.
 *
 * The list of before is sorted, each entry of now looked up in it: the work is bounded
 * by n log n, whatever a list holds. */
#include "dbxback.h"

#include <string.h>

static int
compare(const struct dbx_entry *a, const struct dbx_entry *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->data.n != b->data.n)
		return a->data.n < b->data.n ? -1 : 1;
	return memcmp(a->data.p, b->data.p, a->data.n); /* public */
}

static void
sift_down(struct dbx_entry *e, size_t root, size_t n)
{
	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		struct dbx_entry t;

		if (child + 1 < n && compare(&e[child], &e[child + 1]) < 0)
			child++;
		if (compare(&e[root], &e[child]) >= 0)
			return;
		t = e[root];
		e[root] = e[child];
		e[child] = t;
	}
}

/* Not qsort(): glibc's allocates. */
static void
sort(struct dbx_entry *e, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(e, i, n);
	for (size_t end = n; end-- > 1;) {
		struct dbx_entry t = e[0];

		e[0] = e[end];
		e[end] = t;
		sift_down(e, 0, end);
	}
}

/* The first entry that is not smaller. */
static size_t
lower_bound(const struct dbx_entry *e, size_t n, const struct dbx_entry *wanted)
{
	size_t low = 0;

	while (n > 0) {
		size_t half = n / 2;

		if (compare(&e[low + half], wanted) < 0) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return low;
}

uint32_t
dbxback_count(struct span list)
{
	struct efisigs s;
	struct efisig sig;
	uint32_t n = 0;

	efisigs_init(&s, list);
	while (efisigs_next(&s, &sig))
		n++;
	return n;
}

static void
take(struct span list, struct dbx_entry *ret)
{
	struct efisigs s;
	struct efisig sig;

	efisigs_init(&s, list);
	while (efisigs_next(&s, &sig))
		*ret++ = (struct dbx_entry){.kind = sig.kind, .data = sig.data};
}

static uint32_t
count_lost(const struct dbx_entry *e, size_t n)
{
	uint32_t lost = 0;

	for (size_t i = 0; i < n; i++) {
		bool again = i > 0 && compare(&e[i - 1], &e[i]) == 0;

		lost += !again && !e[i].kept;
	}
	return lost;
}

void
dbxback_compare(struct span before, struct span now, struct dbx_entry *room,
		struct dbx_loss *ret)
{
	struct efisigs s;
	struct efisig sig;
	uint32_t n = dbxback_count(before);

	take(before, room);
	sort(room, n);
	*ret = (struct dbx_loss){.before = n};
	efisigs_init(&s, now);
	while (efisigs_next(&s, &sig)) {
		struct dbx_entry wanted = {.kind = sig.kind, .data = sig.data};
		size_t at = lower_bound(room, n, &wanted);

		ret->now++;
		if (at < n && compare(&room[at], &wanted) == 0)
			room[at].kept = true;
	}
	ret->lost = count_lost(room, n);
}
