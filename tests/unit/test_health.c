/* test_health.c: health claims of a fixture tree: what is there is told in its unit and form,
 * what is not there is left out. */
#include "tests/support/unit.h"

#include "attester/collect/health.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root_path[64];
static struct measure m;
static struct health_entry entries[HEALTH_ENTRIES_MAX];
static struct health h;

/* Writes a file, making the directories on its way. */
static void
put(const char *path, const char *text)
{
	char part[256];
	int fd;

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
		(void)mkdirat(m.root, part, 0755);
	}
	fd = openat(m.root, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int
set_up(void **state)
{
	int root;

	(void)state;
	snprintf(root_path, sizeof root_path, "%s", "/tmp/health.XXXXXX");
	root = mkdtemp(root_path) ? open(root_path, O_RDONLY | O_DIRECTORY) : -1;
	if (root < 0 || measure_init(&m, root, NULL, 0) != ASSAY_OK)
		return -1;
	h = (struct health){.m = &m, .v = entries};
	return 0;
}

static int
tear_down(void **state)
{
	char command[96];

	(void)state;
	close(m.root);
	measure_free(&m);
	snprintf(command, sizeof command, "rm -rf %s", root_path);
	return system(command);
}

/* The value of a claim, NULL if it is not told. */
static const char *
told(const char *name, const char *instance)
{
	for (size_t i = 0; i < h.n; i++)
		if (strcmp(health_info(h.v[i].id)->name, name) == 0 &&
		    strcmp(h.v[i].instance, instance) == 0)
			return h.v[i].value;
	return NULL;
}

static void
an_empty_system_tells_only_what_the_kernel_itself_says(void **state)
{
	(void)state;
	health_collect(&h);
	for (size_t i = 0; i < h.n; i++) {
		const char *name = health_info(h.v[i].id)->name;

		assert_true(strncmp(name, "clock_", 6) == 0 || strncmp(name, "kernel", 6) == 0);
	}
	assert_non_null(told("clock_time", ""));
	assert_null(told("empty_passwords", ""));
	assert_null(told("listeners", ""));
	assert_null(told("failed_units", ""));
}

static void
system_memory_and_temperatures_are_told_in_their_units(void **state)
{
	(void)state;
	put("proc/uptime", "12345.67 99.0\n");
	put("etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian 12\"\nVERSION_ID=\"12\"\n");
	put("sys/class/dmi/id/bios_version", "1.2\\3\n");
	put("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	put("sys/module/module/parameters/sig_enforce", "N\n");
	put("proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   255 kB\n");
	put("proc/pressure/memory", "some avg10=0.00 avg60=3.01 avg300=0.00 total=1\n");
	put("sys/class/thermal/thermal_zone0/type", "cpu\n");
	put("sys/class/thermal/thermal_zone0/temp", "41499\n");
	put("sys/class/thermal/thermal_zone1/temp", "-5500\n");
	put("sys/class/hwmon/hwmon0/name", "board\n");
	put("sys/class/hwmon/hwmon0/temp2_input", "garbage\n");
	health_collect(&h);
	assert_string_equal(told("uptime", ""), "12345");
	assert_string_equal(told("os", ""), "Debian 12");
	assert_string_equal(told("os_version", ""), "12");
	assert_string_equal(told("firmware_version", ""), "1.2\\x5c3");
	assert_string_equal(told("lockdown", ""), "integrity");
	assert_string_equal(told("module_signing", ""), "false");
	assert_string_equal(told("memory_available", ""), "25");
	assert_string_equal(told("memory_pressure", ""), "4");
	assert_string_equal(told("temperature", ""), "41");
	assert_string_equal(told("temperature", "cpu0"), "41");
	assert_string_equal(told("temperature", "zone1"), "-6");
	assert_null(told("temperature", "board0.2"));
}

static void
accounts_without_password_are_named(void **state)
{
	(void)state;
	put("etc/shadow", "root:*:1\nguest::1\nuser:$y$x:1\nop::2\n");
	put("etc/passwd", "root:x:0\nold::5\n");
	health_collect(&h);
	assert_string_equal(told("empty_passwords", ""), "3");
	assert_string_equal(told("empty_passwords", "guest"), "1");
	assert_string_equal(told("empty_passwords", "old"), "1");
	assert_null(told("empty_passwords", "root"));
}

static void
file_systems_that_errors_made_read_only_and_their_errors_are_told(void **state)
{
	(void)state;
	put("proc/self/mountinfo",
	    "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/none rw\n"
	    "2 1 8:2 / /data rw,noatime - ext4 /dev/none2 ro,errors=remount-ro\n"
	    "3 1 8:3 / /mnt ro - ext4 /dev/none3 ro\nbroken line\n");
	put("sys/fs/ext4/sda2/errors_count", "7\n");
	put("sys/fs/ext4/sda3/errors_count", "0\n");
	health_collect(&h);
	assert_string_equal(told("fs_read_only", ""), "1");
	assert_string_equal(told("fs_read_only", "/data"), "1");
	assert_string_equal(told("fs_errors", ""), "7");
	assert_string_equal(told("fs_errors", "sda2"), "7");
	assert_non_null(told("disk_free", "/")); /* of the file system that the fixture is on */
	assert_null(told("disk_free", "/data"));
	assert_true(strtol(told("disk_free", ""), NULL, 10) >= 0);
	assert_true(strtol(told("disk_free", ""), NULL, 10) <= 100);
}

static void
sockets_that_others_reach_are_listed_with_their_program(void **state)
{
	static const char head[] = "  sl  local_address rem_address   st\n";
	char text[1024];

	(void)state;
	snprintf(text, sizeof text,
		 "%s   0: 00000000:0016 00000000:0000 0A 0:0 00:0 0 0 0 111 1\n"
		 "   1: 0100007F:0CEA 00000000:0000 0A 0:0 00:0 0 0 0 112 1\n"
		 "   2: 00000000:0050 0200A8C0:1234 01 0:0 00:0 0 0 0 113 1\n",
		 head);
	put("proc/net/tcp", text);
	snprintf(text, sizeof text,
		 "%s   0: 00000000000000000000000001000000:0277 0:0 0A 0:0 00:0 0 0 0 114 1\n"
		 "   1: 00000000000000000000000000000000:01BB 0:0 0A 0:0 00:0 0 0 0 115 1\n",
		 head);
	put("proc/net/tcp6", text);
	put("proc/77/fd/none", "");
	assert_int_equal(symlinkat("socket:[111]", m.root, "proc/77/fd/3"), 0);
	assert_int_equal(symlinkat("/usr/sbin/sshd", m.root, "proc/77/exe"), 0);
	health_collect(&h);
	assert_string_equal(told("listeners", ""), "2");
	assert_string_equal(told("listener", "tcp 0.0.0.0:22"), "/usr/sbin/sshd");
	assert_string_equal(told("listener", "tcp [::]:443"), "?");
	assert_null(told("listener", "tcp 127.0.0.1:3306"));
}

static void
starts_are_counted_once_each(void **state)
{
	char file[96];

	(void)state;
	snprintf(file, sizeof file, "%s/boots", root_path);
	h.boots = file;
	put("proc/sys/kernel/random/boot_id", "aaaa-1\n");
	health_collect(&h);
	assert_string_equal(told("boot_count", ""), "1");
	health_collect(&h);
	assert_string_equal(told("boot_count", ""), "1");
	put("proc/sys/kernel/random/boot_id", "bbbb-2\n");
	health_collect(&h);
	assert_string_equal(told("boot_count", ""), "2");
}

static void
only_what_is_wanted_is_told_in_the_order_of_the_wire_and_in_its_form(void **state)
{
	char a[] = "uptime", b[] = "memory_*", *only[] = {a, b, NULL};
	int64_t number;

	(void)state;
	put("proc/uptime", "5.0 1.0\n");
	put("proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 5 kB\n");
	h.only = only;
	health_collect(&h);
	assert_int_equal(h.n, 2);
	h.only = NULL;
	health_collect(&h);
	for (size_t i = 0; i < h.n; i++) {
		assert_int_equal(health_parse(health_info(h.v[i].id)->type,
					      SPAN(h.v[i].value, strlen(h.v[i].value)), &number),
				 ASSAY_OK);
		if (i > 0)
			assert_true(h.v[i - 1].id < h.v[i].id ||
				    (h.v[i - 1].id == h.v[i].id &&
				     strcmp(h.v[i - 1].instance, h.v[i].instance) < 0));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_system_tells_only_what_the_kernel_itself_says),
		TEST(system_memory_and_temperatures_are_told_in_their_units),
		TEST(accounts_without_password_are_named),
		TEST(file_systems_that_errors_made_read_only_and_their_errors_are_told),
		TEST(sockets_that_others_reach_are_listed_with_their_program),
		TEST(starts_are_counted_once_each),
		TEST(only_what_is_wanted_is_told_in_the_order_of_the_wire_and_in_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
