/* test_rootfs.c: the files of tar archives and folders, as IMA would name them. */
#include "tests/support/unit.h"

#include "verifier/cli/rootfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 512
#define FILES_MAX 16

/* What was found: names, and what was hashed, as text. */
struct found {
	size_t n;
	char name[FILES_MAX][128];
	struct digest digest[FILES_MAX];
};

struct tarball {
	char path[64];
	FILE *f;
};

static void
tar_begin(struct tarball *t)
{
	int fd;

	snprintf(t->path, sizeof t->path, "/tmp/assay-rootfs-XXXXXX");
	fd = mkstemp(t->path);
	assert_true(fd >= 0);
	t->f = fdopen(fd, "wb");
	assert_non_null(t->f);
}

/* A ustar member: '0' a file, '1' a hard link, '2' a symbolic one. */
static void
tar_add(struct tarball *t, char type, const char *name, const char *text)
{
	uint8_t head[BLOCK] = {0}, data[BLOCK] = {0};
	size_t n = type == '0' ? strlen(text) : 0;
	unsigned sum = 0;

	snprintf((char *)head, 100, "%s", name);
	memcpy(head + 100, "0000644\0" "0000000\0" "0000000\0", 24);
	snprintf((char *)head + 124, 12, "%011o", (unsigned)n & 0777u);
	memcpy(head + 136, "00000000000\0        ", 20);
	head[156] = (uint8_t)type;
	if (type != '0')
		snprintf((char *)head + 157, 100, "%s", text);
	memcpy(head + 257, "ustar\0" "00", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += head[i];
	snprintf((char *)head + 148, 8, "%06o", sum);
	memcpy(data, text, n);
	assert_int_equal(fwrite(head, BLOCK, 1, t->f), 1);
	if (n != 0)
		assert_int_equal(fwrite(data, BLOCK, 1, t->f), 1);
}

static bool
on_file(void *arg, struct span name, const struct digest *digests)
{
	struct found *f = arg;

	assert_true(f->n < FILES_MAX);
	snprintf(f->name[f->n], sizeof f->name[0], "%.*s", (int)name.n, (const char *)name.p);
	f->digest[f->n++] = digests[0];
	return true;
}

/* stderr is kept in ret_said. */
static void
read_quietly(const char *path, struct found *f, struct rootfs_result *ret, char ret_said[1024])
{
	struct rootfs_source src = {
		.path = path, .nalgs = 1, .algs = {ALG_SHA256}, .on_file = on_file, .arg = f};
	FILE *said = tmpfile();
	int saved = dup(STDERR_FILENO);
	enum assay_err e;

	assert_true(said && saved >= 0);
	memset(f, 0, sizeof *f);
	fflush(stderr);
	dup2(fileno(said), STDERR_FILENO);
	e = rootfs_read(&src, ret);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(said);
	ret_said[fread(ret_said, 1, 1023, said)] = '\0';
	fclose(said);
	assert_int_equal(e, ASSAY_OK);
	assert_int_equal(ret->files, f->n);
}

static void
tar_read(struct tarball *t, struct found *f, struct rootfs_result *ret, char ret_said[1024])
{
	static const uint8_t end[2 * BLOCK];

	assert_int_equal(fwrite(end, sizeof end, 1, t->f), 1);
	assert_int_equal(fclose(t->f), 0);
	read_quietly(t->path, f, ret, ret_said);
	unlink(t->path);
}

/* How often the file is there, with that content. */
static unsigned
has(const struct found *f, const char *name, const char *text)
{
	struct digest d;
	unsigned n = 0;

	assert_int_equal(digest_compute(ALG_SHA256, SPAN(text, strlen(text)), &d), ASSAY_OK);
	for (size_t i = 0; i < f->n; i++)
		n += strcmp(f->name[i], name) == 0 && digest_equal(&f->digest[i], &d);
	return n;
}

static void
a_member_that_a_later_one_replaces_is_not_in_the_root(void **state)
{
	struct rootfs_result r;
	struct tarball t;
	struct found f;
	char said[1024];

	(void)state;
	tar_begin(&t);
	tar_add(&t, '0', "usr/bin/a", "old"); /* as tar --update leaves it */
	tar_add(&t, '1', "usr/bin/hard", "usr/bin/a");
	tar_add(&t, '0', "usr/bin/gone", "gone");
	tar_add(&t, '0', "./usr/bin/a", "new");
	tar_add(&t, '2', "usr/bin/gone", "a");
	tar_add(&t, '0', "usr/bin/b b", "blank");
	tar_add(&t, '0', "usr/bin/b_b", "none");
	tar_read(&t, &f, &r, said);
	assert_int_equal(has(&f, "/usr/bin/a", "new"), 1);
	assert_int_equal(has(&f, "/usr/bin/hard", "old"), 1); /* it was linked before */
	assert_int_equal(has(&f, "/usr/bin/b_b", "blank"), 1);
	assert_int_equal(has(&f, "/usr/bin/b_b", "none"), 1);
	assert_int_equal(f.n, 4);
	assert_int_equal(r.unreadable, 0);
	assert_string_equal(said, "");
}

static void
hard_links_of_hard_links_are_followed_and_lost_ones_are_told(void **state)
{
	struct rootfs_result r;
	struct tarball t;
	struct found f;
	char said[1024];

	(void)state;
	tar_begin(&t);
	tar_add(&t, '0', "a", "content");
	tar_add(&t, '1', "b", "./a");
	tar_add(&t, '1', "c", "b");
	tar_add(&t, '1', "lost\033[2J", "nothing");
	tar_add(&t, '1', "self", "self");
	tar_read(&t, &f, &r, said);
	assert_int_equal(f.n, 3);
	assert_int_equal(has(&f, "/b", "content"), 1);
	assert_int_equal(has(&f, "/c", "content"), 1);
	assert_int_equal(r.unreadable, 2);
	assert_non_null(strstr(said, "/lost\\x1b[2J: a hard link to what is not there; left out"));
	assert_null(strchr(said, '\033'));
}

static void
names_are_those_that_ima_writes(void **state)
{
	struct rootfs_result r;
	struct tarball t;
	struct found f;
	char said[1024];

	(void)state;
	tar_begin(&t);
	tar_add(&t, '0', "./usr//bin/./x", "x");
	tar_add(&t, '0', "/abs", "abs");
	tar_add(&t, '0', "..data/..y/...", "dots");
	tar_add(&t, '0', "../../etc/shadow", "evil");
	tar_add(&t, '0', "usr/..", "evil");
	tar_add(&t, '0', "./.", "evil"); /* a digest without a name would be of any file */
	tar_add(&t, '0', "kept", "kept");
	tar_add(&t, '1', "kept", "../kept");
	tar_read(&t, &f, &r, said);
	assert_int_equal(has(&f, "/usr/bin/x", "x"), 1);
	assert_int_equal(has(&f, "/abs", "abs"), 1);
	assert_int_equal(has(&f, "/..data/..y/...", "dots"), 1);
	assert_int_equal(f.n, 3);
	assert_int_equal(r.unreadable, 4);
	assert_non_null(strstr(said, "../../etc/shadow: "));
}

static void
a_folder_may_be_named_by_a_symbolic_link(void **state)
{
	char dir[] = "/tmp/assay-rootfs-XXXXXX", link[64], file[64], said[1024];
	struct rootfs_result r;
	struct found f;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/x", dir);
	snprintf(link, sizeof link, "%s-link", dir);
	out = fopen(file, "wb");
	assert_non_null(out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(symlink(dir, link), 0);
	read_quietly(link, &f, &r, said);
	unlink(link);
	unlink(file);
	rmdir(dir);
	assert_int_equal(f.n, 1);
	assert_int_equal(has(&f, "/x", ""), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_member_that_a_later_one_replaces_is_not_in_the_root),
		cmocka_unit_test(hard_links_of_hard_links_are_followed_and_lost_ones_are_told),
		cmocka_unit_test(names_are_those_that_ima_writes),
		cmocka_unit_test(a_folder_may_be_named_by_a_symbolic_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
