/* cmd_reference_diff.c: how two sets of files differ, in words. */
#include "client.h"

#include "evidence/hex.h"
#include "verifier/appraise/digestset.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_reference_diff;

struct counts {
	uint64_t added, removed, changed, same;
};

/* How long a set is, by its own beginning (digestset.h); 0: it is none. */
static size_t
size_of(struct span head)
{
	static const char magic[] = DIGESTSET_MAGIC;
	struct reader r;
	uint32_t n;

	rd_init(&r, head);
	if (!span_equal(rd_bytes(&r, sizeof magic - 1), SPAN(magic, sizeof magic - 1)))
		return 0;
	n = rd_le32(&r);
	return r.err == ASSAY_OK && n <= DIGESTSET_BYTES_MAX ? n : 0;
}

static bool
fetch_piece(const struct client *c, const char *name, size_t offset, struct span *ret,
	    int *ret_status)
{
	struct client named = *c;
	char pattern[64];
	char *path;
	bool ok;

	named.args[0] = name;
	text_format(pattern, sizeof pattern, "/v1/references/{0}/content?offset=%zu", offset);
	path = client_path(&named, pattern);
	ok = path && client_fetch(c, path, ret, ret_status);
	free(path);
	return ok;
}

/* The whole of a set, malloc'd. */
static bool
fetch_set(const struct client *c, const char *name, struct span *ret, int *ret_status)
{
	struct span piece = {NULL, 0};
	size_t n = 0, size = DIGESTSET_HEADER;
	uint8_t *all = NULL;

	while (n < size && fetch_piece(c, name, n, &piece, ret_status)) {
		if (n == 0 && (size = size_of(piece)) > 0)
			all = malloc(size);
		if (!all || piece.n == 0 || piece.n > size - n) {
			*ret_status = cli_fail(CLI_BAD_INPUT, "%s: is no set of files", name);
			break;
		}
		memcpy(all + n, piece.p, piece.n);
		n += piece.n;
		cli_free(piece);
		piece = SPAN(NULL, 0);
	}
	cli_free(piece);
	if (all && n == size) {
		*ret = SPAN(all, n);
		return true;
	}
	free(all);
	return false;
}

static void
digest_text(const struct digestset *s, uint32_t record, char *ret, size_t cap)
{
	char hex[2 * DIGEST_MAX + 1] = "";
	struct digestset_digest d;
	uint32_t path;

	if (!digestset_record(s, record, &d, &path) ||
	    hex_encode(d.bytes, hex, sizeof hex) != ASSAY_OK)
		hex[0] = '\0';
	text_format(ret, cap, "%s:%.16s", digest_name(d.alg) ? digest_name(d.alg) : "?", hex);
}

/* Every digest of a path of one set is in the other. */
static bool
covered(const struct digestset *a, uint32_t path, struct span name, const struct digestset *b)
{
	uint32_t first, n;

	if (!digestset_path_records(a, path, &first, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct digestset_digest d;
		uint32_t p;

		if (!digestset_record(a, digestset_ordered(a, first + i), &d, &p) ||
		    digestset_find(b, name, &d, NULL) != DIGESTSET_EQUAL)
			return false;
	}
	return true;
}

/* Where the path stands in the set, or NONE: names are sorted. */
static uint32_t
path_number(const struct digestset *s, struct span name)
{
	uint8_t buf[DIGESTSET_PATH_MAX];
	uint32_t low = 0, high = s->paths;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		struct span p = digestset_path(s, mid, buf);
		size_t n = p.n < name.n ? p.n : name.n;
		int c = n ? memcmp(p.p, name.p, n) : 0; /* public */

		if (c == 0 && p.n == name.n)
			return mid;
		if (c < 0 || (c == 0 && p.n < name.n))
			low = mid + 1;
		else
			high = mid;
	}
	return DIGESTSET_NONE;
}

static void
first_digest(const struct digestset *s, uint32_t path, char *ret, size_t cap)
{
	uint32_t first, n;

	ret[0] = '\0';
	if (path != DIGESTSET_NONE && digestset_path_records(s, path, &first, &n) && n > 0)
		digest_text(s, digestset_ordered(s, first), ret, cap);
}

static void
compare_path(const struct digestset *a, uint32_t path, const struct digestset *b,
	     struct counts *n)
{
	uint8_t buf[DIGESTSET_PATH_MAX];
	struct span name = digestset_path(a, path, buf);
	uint32_t other = path_number(b, name);
	char shown[512], was[96], is[96];

	text_escape(name, shown, sizeof shown);
	if (other == DIGESTSET_NONE) {
		n->removed++;
		printf("%s- %s%s is gone\n", cli_red(), shown, cli_plain());
	} else if (covered(a, path, name, b) && covered(b, other, name, a)) {
		n->same++;
	} else {
		n->changed++;
		first_digest(a, path, was, sizeof was);
		first_digest(b, other, is, sizeof is);
		printf("%s~ %s%s was %s and is %s\n", cli_yellow(), shown, cli_plain(), was, is);
	}
}

static void
compare(const struct digestset *a, const struct digestset *b, struct counts *n)
{
	uint8_t buf[DIGESTSET_PATH_MAX];
	char shown[512];

	for (uint32_t i = 0; i < a->paths; i++)
		compare_path(a, i, b, n);
	for (uint32_t i = 0; i < b->paths; i++) {
		struct span name = digestset_path(b, i, buf);

		if (path_number(a, name) != DIGESTSET_NONE)
			continue;
		n->added++;
		text_escape(name, shown, sizeof shown);
		printf("%s+ %s%s is new\n", cli_green(), shown, cli_plain());
	}
}

static int
diff(struct span a, struct span b)
{
	struct digestset sa, sb;
	struct counts n = {0};

	if (digestset_check(a) != ASSAY_OK || digestset_check(b) != ASSAY_OK ||
	    digestset_open(a, &sa) != ASSAY_OK || digestset_open(b, &sb) != ASSAY_OK)
		return cli_fail(CLI_BAD_INPUT, "one of the sets is no set of files");
	compare(&sa, &sb, &n);
	fprintf(stderr, "%llu new, %llu gone, %llu changed, %llu the same\n",
		(unsigned long long)n.added, (unsigned long long)n.removed,
		(unsigned long long)n.changed, (unsigned long long)n.same);
	return n.added + n.removed + n.changed == 0 ? CLI_YES : CLI_NEGATIVE;
}

static const struct client_spec diff_spec = {
	.command = &cmd_reference_diff,
	.path = "/v1/references/{0}/content",
	.args = {"A", "B"},
};

static int
run(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	struct span a = {NULL, 0}, b = {NULL, 0};
	struct client c;
	int status;

	if (!client_parse(&c, &diff_spec, words, &status))
		return status;
	if (fetch_set(&c, c.args[0], &a, &status) && fetch_set(&c, c.args[1], &b, &status))
		status = diff(a, b);
	free((void *)(uintptr_t)a.p);
	free((void *)(uintptr_t)b.p);
	return status;
}

const struct cli_command cmd_reference_diff = {
	.group = "reference",
	.name = "diff",
	.usage = "A B",
	.summary = "which files two allow-lists have differently",
	.help = "A and B are sets of files (assay reference import), by name or digest. Status 0:\n"
		"they are the same; 1: they differ.\n",
	.run = run,
};
