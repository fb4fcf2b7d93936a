/* test_measure.c: what is measured of files, trees, commands and lists of a fixture tree:
 * the same thing twice is the same, everything else is not, and races are told. */
#include "tests/support/unit.h"

#include "attester/collect/measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char root_path[64];
static int root = -1;
static struct measure m;

static void
put(const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* As if it had been written long ago: what is fresh is never taken as unchanged. */
static void
age(const char *path)
{
	const struct timespec old[2] = {{1600000000, 0}, {1600000000, 0}};

	assert_int_equal(utimensat(root, path, old, AT_SYMLINK_NOFOLLOW), 0);
}

static void
dir(const char *path)
{
	assert_int_equal(mkdirat(root, path, 0755), 0);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(root_path, sizeof root_path, "%s", "/tmp/measure.XXXXXX");
	if (!mkdtemp(root_path))
		return -1;
	root = open(root_path, O_RDONLY | O_DIRECTORY);
	return root < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	char command[96];

	(void)state;
	measure_free(&m);
	close(root);
	snprintf(command, sizeof command, "rm -rf %s", root_path);
	return system(command);
}

static void
begin(struct item *items, size_t n)
{
	measure_free(&m);
	assert_int_equal(measure_init(&m, root, items, n), ASSAY_OK);
}

static struct result *
once(struct item *it)
{
	begin(it, 1);
	measure_round(&m, false);
	return &m.results[0];
}

static void
is_digest_of(const struct result *r, const char *text)
{
	uint8_t d[32];

	assert_int_equal(r->note, NOTE_NONE);
	assert_true(r->measured);
	assert_int_equal(digest_sha256(SPAN(text, strlen(text)), d), ASSAY_OK);
	assert_memory_equal(r->digest, d, 32);
}

static char name[] = "it", file_path[] = "/fw/image", dir_path[] = "/fw";

static struct item
file_item(void)
{
	return (struct item){.name = name, .kind = SOFTWARE_FILE, .path = file_path};
}

static void
a_file_is_its_bytes_and_its_version_another_files_first_line(void **state)
{
	char version[] = "/fw/version";
	struct item it = file_item();
	struct result *r;

	(void)state;
	it.version = VERSION_FILE;
	it.version_text = version;
	dir("fw");
	put("fw/image", "content");
	put("fw/version", "  4.2.1-rc1 \nmore\n");
	r = once(&it);
	is_digest_of(r, "content");
	assert_int_equal(r->size, 7);
	assert_string_equal(r->version, "4.2.1-rc1");
	put("fw/image", "");
	measure_round(&m, false);
	is_digest_of(r, "");
}

static void
what_is_missing_of_another_type_or_a_symbolic_link_is_told(void **state)
{
	struct item it = file_item();

	(void)state;
	assert_int_equal(once(&it)->note, NOTE_ABSENT);
	dir("fw");
	dir("fw/image");
	assert_int_equal(once(&it)->note, NOTE_TYPE);
	assert_int_equal(unlinkat(root, "fw/image", AT_REMOVEDIR), 0);
	put("fw/other", "content");
	assert_int_equal(symlinkat("other", root, "fw/image"), 0);
	assert_int_equal(once(&it)->note, NOTE_SYMLINK);
	assert_false(m.results[0].measured);
	/* nor may a directory on the way be one */
	assert_int_equal(unlinkat(root, "fw/image", 0), 0);
	put("fw/image", "content");
	assert_int_equal(once(&it)->note, NOTE_NONE);
	assert_int_equal(renameat(root, "fw", root, "real"), 0);
	assert_int_equal(symlinkat("real", root, "fw"), 0);
	assert_int_equal(once(&it)->note, NOTE_SYMLINK);
	/* a pipe that nobody writes to is not waited for */
	assert_int_equal(unlinkat(root, "fw", 0), 0);
	dir("fw");
	assert_int_equal(mkfifoat(root, "fw/image", 0600), 0);
	assert_int_equal(once(&it)->note, NOTE_TYPE);
}

static void
a_secret_that_everybody_may_read_is_refused(void **state)
{
	struct item it = file_item();

	(void)state;
	it.secret = true;
	dir("fw");
	put("fw/image", "content");
	assert_int_equal(once(&it)->note, NOTE_EXPOSED);
	assert_int_equal(fchmodat(root, "fw/image", 0640, 0), 0);
	assert_int_equal(once(&it)->note, NOTE_NONE);
}

/* ---- changes while it is read ---- */

static const char *change_how;

static void
change(void *self, int fd, uint64_t until)
{
	(void)self;
	(void)fd;
	(void)until;
	if (!change_how)
		return;
	if (strcmp(change_how, "append") == 0) {
		int out = openat(root, "fw/image", O_WRONLY | O_APPEND);

		assert_int_equal(write(out, "x", 1), 1);
		close(out);
	} else if (strcmp(change_how, "overwrite") == 0) {
		int out = openat(root, "fw/image", O_WRONLY);

		assert_int_equal(pwrite(out, "y", 1, 0), 1);
		close(out);
	} else if (strcmp(change_how, "replace") == 0) {
		put("fw/new", "same");
		assert_int_equal(renameat(root, "fw/new", root, "fw/image"), 0);
	} else {
		assert_int_equal(unlinkat(root, "fw/image", 0), 0);
		assert_int_equal(symlinkat("other", root, "fw/image"), 0);
	}
	change_how = NULL;
}

static void
a_file_that_changes_while_it_is_read_is_told(void **state)
{
	static const char *const how[] = {"append", "overwrite", "replace", "symlink"};
	static char large[300000];
	struct item it = file_item();

	(void)state;
	dir("fw");
	put("fw/other", "content");
	memset(large, 'a', sizeof large - 1);
	for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
		(void)unlinkat(root, "fw/image", 0);
		put("fw/image", large);
		age("fw/image");
		begin(&it, 1);
		m.rate = 1u << 30; /* waits, and so lets the change happen, after each piece */
		m.wait = change;
		change_how = how[i];
		measure_round(&m, false);
		assert_null(change_how);
		assert_int_equal(m.results[0].note, NOTE_CHANGED);
		assert_false(m.results[0].measured);
	}
}

static void
a_file_in_a_tree_that_changes_while_it_is_read_is_told(void **state)
{
	static char large[300000];
	struct item it = {.name = name, .kind = SOFTWARE_TREE, .path = dir_path};
	static const char *const how[] = {"append", "replace", "symlink"};

	(void)state;
	dir("fw");
	memset(large, 'a', sizeof large - 1);
	for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
		(void)unlinkat(root, "fw/image", 0);
		put("fw/image", large);
		begin(&it, 1);
		m.rate = 1u << 30;
		m.wait = change;
		change_how = how[i];
		measure_round(&m, false);
		assert_null(change_how);
		assert_int_equal(m.results[0].note, NOTE_CHANGED);
	}
}

/* ---- unchanged is not read again ---- */

static uint64_t pieces;

static void
count(void *self, int fd, uint64_t until)
{
	(void)self;
	(void)until;
	pieces += fd == -1;
}

/* How often a round waited after a piece; one wait goes with each item. */
static uint64_t
pieces_of_a_round(bool reread)
{
	pieces = 0;
	m.rate = 1u << 30;
	m.wait = count;
	measure_round(&m, reread);
	return pieces - m.n;
}

/* ctime cannot be set back: wait until the file is not fresh any more. */
static void
let_it_settle(void)
{
	const struct timespec t = {3, 0};

	nanosleep(&t, NULL);
}

static void
what_looks_unchanged_is_not_read_again_but_on_demand(void **state)
{
	struct item items[] = {file_item(),
			       {.name = name, .kind = SOFTWARE_TREE, .path = dir_path}};
	uint64_t read_at;

	(void)state;
	dir("fw");
	put("fw/image", "content");
	put("fw/more", "content of another file");
	begin(items, 2);
	assert_int_equal(pieces_of_a_round(false), 3);
	assert_int_equal(pieces_of_a_round(false), 3); /* too fresh to be believed */
	let_it_settle();
	assert_int_equal(pieces_of_a_round(false), 3);
	read_at = m.results[0].read_ns;
	assert_int_equal(pieces_of_a_round(false), 0);
	assert_true(m.results[0].read_ns == read_at);
	assert_true(m.results[0].measured && m.results[1].measured);
	assert_int_equal(pieces_of_a_round(true), 3);
	assert_true(m.results[0].read_ns > read_at);
	put("fw/image", "Content"); /* same size, and its time put back */
	age("fw/image");
	assert_int_equal(pieces_of_a_round(false), 2);
	is_digest_of(&m.results[0], "Content");
}

/* ---- trees ---- */

static void
make_tree(void)
{
	dir("fw");
	dir("fw/b");
	put("fw/b/x", "x");
	put("fw/a-b", "ab");
	dir("fw/a");
	put("fw/a/z", "z");
	assert_int_equal(symlinkat("/etc/passwd", root, "fw/link"), 0);
}

static void
a_tree_is_its_manifest_sorted_with_links_not_followed(void **state)
{
	static const char *const paths[] = {"/", "a", "a/z", "a-b", "b", "b/x", "link"};
	struct item it = {.name = name, .kind = SOFTWARE_TREE, .path = dir_path};
	static uint8_t bytes[8192];
	struct manifest_entry e;
	struct manifest man;
	struct result *r;
	uint8_t digest[32];
	ssize_t n;

	(void)state;
	make_tree();
	r = once(&it);
	assert_int_equal(r->note, NOTE_NONE);
	assert_int_equal(r->size, 7);
	n = pread(r->manifest, bytes, sizeof bytes, 0);
	assert_true(n > 0);
	assert_int_equal(digest_sha256(SPAN(bytes, (size_t)n), digest), ASSAY_OK);
	assert_memory_equal(digest, r->digest, 32);
	manifest_open(&man, SPAN(bytes, (size_t)n));
	for (size_t i = 0; i < 7; i++) {
		assert_true(manifest_next(&man, &e));
		assert_true(span_equal(e.path, SPAN(paths[i], strlen(paths[i]))));
		if (i == 6)
			assert_true(e.type == 'l' && span_equal(e.text, SPAN("/etc/passwd", 11)));
	}
	assert_false(manifest_next(&man, &e));
	assert_int_equal(manifest_close(&man), ASSAY_OK);
}

static void
every_change_of_a_tree_changes_its_digest(void **state)
{
	struct item it = {.name = name, .kind = SOFTWARE_TREE, .path = dir_path};
	uint8_t last[32], first[32];

	(void)state;
	make_tree();
	memcpy(first, once(&it)->digest, 32);
	assert_memory_equal(once(&it)->digest, first, 32);
	memcpy(last, first, 32);
	for (unsigned i = 0; i < 8; i++) {
		switch (i) {
		case 0:
			put("fw/a/z", "Z");
			break;
		case 1:
			assert_int_equal(fchmodat(root, "fw/a/z", 04755, 0), 0);
			break;
		case 2:
			put("fw/a/y", "");
			break;
		case 3:
			assert_int_equal(renameat(root, "fw/a/y", root, "fw/a/x"), 0);
			break;
		case 4:
			assert_int_equal(unlinkat(root, "fw/link", 0), 0);
			assert_int_equal(symlinkat("/etc/shadow", root, "fw/link"), 0);
			break;
		case 5: /* a file becomes a link to the same content */
			assert_int_equal(renameat(root, "fw/a-b", root, "fw/a/w"), 0);
			assert_int_equal(symlinkat("a/w", root, "fw/a-b"), 0);
			break;
		case 6:
			dir("fw/b/empty");
			break;
		default:
			assert_int_equal(fchmodat(root, "fw", 0700, 0), 0);
			break;
		}
		measure_round(&m, false);
		assert_int_equal(m.results[0].note, NOTE_NONE);
		assert_memory_not_equal(m.results[0].digest, last, 32);
		memcpy(last, m.results[0].digest, 32);
	}
	/* and what was remembered of files gives what reading them gives */
	measure_round(&m, true);
	assert_memory_equal(m.results[0].digest, last, 32);
}

static void
what_is_excluded_does_not_count(void **state)
{
	char one[] = "b", two[] = "*.tmp", *exclude[] = {one, two, NULL};
	struct item it = {
		.name = name, .kind = SOFTWARE_TREE, .path = dir_path, .exclude = exclude};
	uint8_t first[32];

	(void)state;
	make_tree();
	memcpy(first, once(&it)->digest, 32);
	assert_int_equal(m.results[0].size, 5);
	put("fw/b/x", "other");
	put("fw/a/n.tmp", "other");
	/* the directory's own times do not count, its mode does */
	measure_round(&m, false);
	assert_memory_equal(m.results[0].digest, first, 32);
	put("fw/a/n.tm", "other");
	measure_round(&m, false);
	assert_memory_not_equal(m.results[0].digest, first, 32);
}

/* ---- images, rate ---- */

static void
an_image_has_its_place_and_must_be_all_there(void **state)
{
	struct item it = file_item();

	(void)state;
	it.kind = SOFTWARE_IMAGE;
	it.offset = 3;
	it.length = 4;
	dir("fw");
	put("fw/image", "abcdefghij");
	is_digest_of(once(&it), "defg");
	it.length = 0;
	is_digest_of(once(&it), "defghij");
	it.length = 8;
	assert_int_equal(once(&it)->note, NOTE_MALFORMED);
}

static void
reading_keeps_to_its_rate(void **state)
{
	struct item it = file_item();
	uint64_t before, took;

	(void)state;
	dir("fw");
	put("fw/image", "");
	assert_int_equal(ftruncate(openat(root, "fw/image", O_WRONLY), 4 << 20), 0);
	begin(&it, 1);
	m.rate = 8u << 20;
	before = measure_now_ns();
	measure_round(&m, false);
	took = measure_now_ns() - before;
	assert_int_equal(m.results[0].note, NOTE_NONE);
	assert_true(took > 450000000); /* half a second, within a tenth */
}

/* ---- commands ---- */

static struct result *
run(const char *script, unsigned timeout, size_t most)
{
	static char shell[] = "/bin/sh", c[] = "-c", text[256], output[] = "output";
	static char *argv[] = {shell, c, text, NULL}, *report[] = {output, NULL};
	static struct item it;

	snprintf(text, sizeof text, "%s", script);
	it = (struct item){.name = name, .kind = SOFTWARE_COMMAND, .command = argv,
			   .timeout_s = timeout, .output_max = most, .report = report};
	return once(&it);
}

static void
a_command_is_its_output_if_it_ends_well_and_in_time(void **state)
{
	struct result *r = run("printf 'one\\ntwo\\n'; echo noise >&2", 5, 0);

	(void)state;
	is_digest_of(r, "one\ntwo\n");
	assert_int_equal(r->size, 8);
	assert_string_equal(r->told[0].value, "one");
	assert_int_equal(run("echo x; exit 3", 5, 0)->note, NOTE_EXIT);
	assert_int_equal(m.results[0].told[0].note, NOTE_EXIT);
	assert_int_equal(run("kill -9 $$", 5, 0)->note, NOTE_EXIT);
	assert_int_equal(run("echo 12345", 5, 5)->note, NOTE_TOO_LARGE);
	is_digest_of(run("cat; echo ${HOME-none}", 5, 0), "none\n");
}

static void
a_command_that_takes_too_long_is_killed_with_its_children(void **state)
{
	uint64_t before = measure_now_ns();

	(void)state;
	assert_int_equal(run("sleep 60 & sleep 60", 1, 0)->note, NOTE_TIMEOUT);
	/* one that goes on in the background, with its output still open */
	assert_int_equal(run("sleep 60 &", 1, 0)->note, NOTE_TIMEOUT);
	/* one that has closed its output */
	assert_int_equal(run("exec >/dev/null; sleep 60", 1, 0)->note, NOTE_TIMEOUT);
	assert_true(measure_now_ns() - before < 6000000000ull);
}

static void
a_command_that_is_not_there_is_told(void **state)
{
	char none[] = "/no/such/program", *argv[] = {none, NULL};
	struct item it = {.name = name, .kind = SOFTWARE_COMMAND, .command = argv};

	(void)state;
	assert_int_equal(once(&it)->note, NOTE_ABSENT);
}

/* ---- lists ---- */

/* Paths and texts of the result's manifest, one per line. */
static const char *
told(const struct result *r)
{
	static uint8_t bytes[65536];
	static char out[8192];
	struct manifest_entry e;
	struct manifest man;
	size_t at = 0;
	ssize_t n;

	assert_int_equal(r->note, NOTE_NONE);
	n = pread(r->manifest, bytes, sizeof bytes, 0);
	assert_true(n > 0);
	manifest_open(&man, SPAN(bytes, (size_t)n));
	out[0] = '\0';
	while (manifest_next(&man, &e))
		at += (size_t)snprintf(out + at, sizeof out - at, "%.*s %.*s%s\n", (int)e.path.n,
				       (const char *)e.path.p, (int)e.text.n,
				       (const char *)e.text.p, e.digest.n ? "(digest)" : "");
	assert_int_equal(manifest_close(&man), ASSAY_OK);
	return out;
}

static void
packages_are_those_that_are_installed(void **state)
{
	struct item it = {.name = name, .kind = SOFTWARE_PACKAGES};

	(void)state;
	assert_int_equal(once(&it)->note, NOTE_ABSENT);
	dir("var");
	dir("var/lib");
	dir("var/lib/dpkg");
	put("var/lib/dpkg/status",
	    "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2\n"
	    "Description: a\n Version: 9\n\nPackage: gone\nStatus: deinstall ok config-files\n"
	    "Version: 1\n\nPackage: bash\nStatus: hold ok installed\nVersion: 5.2-1+b1\n");
	assert_string_equal(told(once(&it)), "bash 5.2-1+b1\nzlib1g:amd64 1:1.2\n");
}

static void
modules_are_told_with_their_version(void **state)
{
	struct item it = {.name = name, .kind = SOFTWARE_MODULES};

	(void)state;
	dir("proc");
	dir("sys");
	dir("sys/module");
	dir("sys/module/ext4");
	put("sys/module/ext4/srcversion", "ABCDEF\n");
	put("proc/modules", "tun 1234 2 - Live 0x0\next4 999 1 - Live 0x0\n");
	assert_string_equal(told(once(&it)), "ext4 ABCDEF\ntun \n");
}

static void
units_are_those_that_something_wants(void **state)
{
	struct item it = {.name = name, .kind = SOFTWARE_UNITS};

	(void)state;
	dir("etc");
	dir("etc/systemd");
	dir("etc/systemd/system");
	dir("etc/systemd/system/multi-user.target.wants");
	dir("etc/systemd/system/ssh.service.d");
	put("etc/systemd/system/own.service", "[Unit]\n");
	assert_int_equal(symlinkat("/lib/systemd/system/ssh.service", root,
				   "etc/systemd/system/multi-user.target.wants/ssh.service"), 0);
	assert_int_equal(symlinkat("/dev/null", root, "etc/systemd/system/telnet.service"), 0);
	assert_string_equal(told(once(&it)),
			    "multi-user.target.wants/ssh.service /lib/systemd/system/ssh.service\n"
			    "telnet.service /dev/null\n");
}

static void
a_u_boot_environment_is_checked_and_secrets_are_silent(void **state)
{
	/* CRC-32, then variables; made with zlib.crc32() */
	static const uint8_t env[] = "\x74\xa8\x07\xa2"
				     "bootcmd=run x\0ethaddr=02:00\0wifi_psk=hunter2\0\0\0";
	char drop_1[] = "ethaddr", *drop[] = {drop_1, NULL};
	struct item it = {.name = name, .kind = SOFTWARE_UBOOT, .path = file_path, .drop = drop};
	int fd;

	(void)state;
	dir("fw");
	fd = openat(root, "fw/image", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, env, sizeof env), sizeof env);
	assert_string_equal(told(once(&it)), "bootcmd (digest)\nwifi_psk \n");
	assert_int_equal(pwrite(fd, "B", 1, 4), 1);
	close(fd);
	assert_int_equal(once(&it)->note, NOTE_MALFORMED);
}

static void
a_process_is_the_files_that_it_has_mapped(void **state)
{
	char exe[256];
	struct item it = {.name = name, .kind = SOFTWARE_PROCESS, .path = exe};
	struct measure own;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	int slash = open("/", O_RDONLY | O_DIRECTORY);
	const char *all;

	(void)state;
	assert_true(n > 0);
	exe[n] = '\0';
	assert_int_equal(measure_init(&own, slash, &it, 1), ASSAY_OK);
	measure_round(&own, false);
	if (own.results[0].note == NOTE_UNREADABLE) {
		measure_free(&own);
		close(slash);
		print_message("map_files needs a privilege that is not here\n");
		skip();
	}
	all = told(&own.results[0]);
	assert_non_null(strstr(all, exe));
	assert_non_null(strstr(all, "/libc.so.6 (digest)"));
	exe[n - 1] = 'X';
	measure_round(&own, false);
	assert_int_equal(own.results[0].note, NOTE_ABSENT);
	measure_free(&own);
	close(slash);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_its_bytes_and_its_version_another_files_first_line),
		TEST(what_is_missing_of_another_type_or_a_symbolic_link_is_told),
		TEST(a_secret_that_everybody_may_read_is_refused),
		TEST(a_file_that_changes_while_it_is_read_is_told),
		TEST(a_file_in_a_tree_that_changes_while_it_is_read_is_told),
		TEST(what_looks_unchanged_is_not_read_again_but_on_demand),
		TEST(a_tree_is_its_manifest_sorted_with_links_not_followed),
		TEST(every_change_of_a_tree_changes_its_digest),
		TEST(what_is_excluded_does_not_count),
		TEST(an_image_has_its_place_and_must_be_all_there),
		TEST(reading_keeps_to_its_rate),
		TEST(a_command_is_its_output_if_it_ends_well_and_in_time),
		TEST(a_command_that_takes_too_long_is_killed_with_its_children),
		TEST(a_command_that_is_not_there_is_told),
		TEST(packages_are_those_that_are_installed),
		TEST(modules_are_told_with_their_version),
		TEST(units_are_those_that_something_wants),
		TEST(a_u_boot_environment_is_checked_and_secrets_are_silent),
		TEST(a_process_is_the_files_that_it_has_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
