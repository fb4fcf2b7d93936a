/* health.c: see health.h. */
#include "health.h"
#include "normal.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define SENSORS_MAX 32
#define UNITS_MAX 32
#define ACCOUNTS_MAX 32
#define FILE_MAX (64u << 10)

bool
health_wanted(const struct health *h, enum health_id id)
{
	return !h->only || measure_matches(h->only, health_info(id)->name);
}

void
health_text(struct health *h, enum health_id id, const char *instance, const char *value)
{
	struct health_entry *e = &h->v[h->n];

	if (h->n >= HEALTH_ENTRIES_MAX || !health_wanted(h, id))
		return;
	e->id = id;
	if (measure_escape(SPAN(instance, strlen(instance)), e->instance, sizeof e->instance) &&
	    measure_escape(SPAN(value, strlen(value)), e->value, sizeof e->value))
		h->n++;
}

void
health_number(struct health *h, enum health_id id, const char *instance, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, value);
	health_text(h, id, instance, text);
}

void
health_bool(struct health *h, enum health_id id, bool value)
{
	health_text(h, id, "", value ? "true" : "false");
}

bool
health_line(const struct health *h, const char *path, char *buf, size_t cap)
{
	if (!path_text(h->m->root, path, buf, cap))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return buf[0] != '\0';
}

/* ---- clock, kernel, system ---- */

static void
system_clock(struct health *h)
{
	struct timex t = {0};
	int64_t unit;

	health_number(h, HEALTH_CLOCK_TIME_ID, "", (int64_t)time(NULL));
	if (adjtimex(&t) < 0)
		return;
	unit = t.status & STA_NANO ? 1000000 : 1000; /* of a millisecond */
	health_bool(h, HEALTH_CLOCK_SYNCHRONIZED_ID, !(t.status & STA_UNSYNC));
	health_number(h, HEALTH_CLOCK_OFFSET_ID, "", t.offset / unit);
	health_number(h, HEALTH_CLOCK_ERROR_ID, "", t.maxerror / 1000);
}

static void
kernel(struct health *h)
{
	char text[256];
	struct utsname u;

	if (uname(&u) == 0) {
		health_text(h, HEALTH_KERNEL_ID, "", u.release);
		health_text(h, HEALTH_KERNEL_BUILD_ID, "", u.version);
	}
	if (health_line(h, "/proc/uptime", text, sizeof text))
		health_number(h, HEALTH_UPTIME_ID, "", strtoll(text, NULL, 10));
	if (health_line(h, "/sys/module/module/parameters/sig_enforce", text, sizeof text))
		health_bool(h, HEALTH_MODULE_SIGNING_ID, text[0] == 'Y');
	if (health_line(h, "/sys/kernel/security/lockdown", text, sizeof text)) {
		char *word = strchr(text, '['), *end = word ? strchr(word, ']') : NULL;

		if (end) {
			*end = '\0';
			health_text(h, HEALTH_LOCKDOWN_ID, "", word + 1);
		}
	}
}

static void
operating_system(struct health *h)
{
	struct listing l = {.n = 0};
	const struct listing_entry *e;
	char text[FILE_MAX];

	if (health_line(h, "/sys/class/dmi/id/bios_version", text, sizeof text))
		health_text(h, HEALTH_FIRMWARE_VERSION_ID, "", text);
	if (!path_text(h->m->root, "/etc/os-release", text, sizeof text) ||
	    normal_key_value(SPAN(text, strlen(text)), &l) != NOTE_NONE) {
		listing_free(&l);
		return;
	}
	if ((e = listing_find(&l, "PRETTY_NAME")) != NULL || (e = listing_find(&l, "NAME")) != NULL)
		health_text(h, HEALTH_OS_ID, "", (char *)e->value);
	if ((e = listing_find(&l, "VERSION_ID")) != NULL)
		health_text(h, HEALTH_OS_VERSION_ID, "", (char *)e->value);
	listing_free(&l);
}

/* Starts are counted in a file: how many, and the identity of the last. */
static void
boots(struct health *h)
{
	char id[64], text[128], was[64] = "";
	long long count = 0;
	FILE *f;

	if (!h->boots || !health_line(h, "/proc/sys/kernel/random/boot_id", id, sizeof id))
		return;
	f = fopen(h->boots, "re");
	if (f && fgets(text, sizeof text, f)) {
		char *end;

		count = strtoll(text, &end, 10);
		snprintf(was, sizeof was, "%s", end + (*end == ' '));
		was[strcspn(was, "\n")] = '\0';
	}
	if (f)
		fclose(f);
	if (count < 0)
		count = 0;
	if (strcmp(was, id) != 0) {
		f = fopen(h->boots, "we");
		if (!f)
			return;
		count++;
		if (fprintf(f, "%lld %s\n", count, id) < 0 || fclose(f) != 0)
			return;
	}
	health_number(h, HEALTH_BOOT_COUNT_ID, "", count);
}

static void
last_update(struct health *h)
{
	static const char *const places[] = {"var/lib/dpkg/status", "usr/lib/opkg/status",
					     "var/lib/opkg/status", "var/lib/rpm/rpmdb.sqlite"};
	time_t last = 0;
	struct stat st;

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (fstatat(h->m->root, places[i], &st, 0) == 0 && st.st_mtime > last)
			last = st.st_mtime;
	if (last > 0)
		health_number(h, HEALTH_LAST_UPDATE_ID, "", (int64_t)last);
}

/* ---- memory ---- */

/* The number behind "Name:" in a text of such lines; -1: none. */
static long long
number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

static void
memory(struct health *h)
{
	char text[8192];

	if (path_text(h->m->root, "/proc/meminfo", text, sizeof text)) {
		long long total = number_of(text, "MemTotal:");
		long long available = number_of(text, "MemAvailable:");

		if (total > 0 && available >= 0)
			health_number(h, HEALTH_MEMORY_AVAILABLE_ID, "", available * 100 / total);
	}
	if (path_text(h->m->root, "/proc/pressure/memory", text, sizeof text)) {
		const char *at = strstr(text, "avg60=");
		char *end;

		if (at) { /* "1.25": rounded up */
			long long whole = strtoll(at + 6, &end, 10);

			if (*end == '.' && strtoll(end + 1, NULL, 10) > 0)
				whole++;
			health_number(h, HEALTH_MEMORY_PRESSURE_ID, "", whole);
		}
	}
}

/* ---- temperatures ---- */

struct sensors {
	struct health *h;
	unsigned n;
	long long highest;
};

static void
sensor(struct sensors *s, const char *path, const char *name)
{
	char text[64], *end;
	long long milli;

	if (s->n >= SENSORS_MAX || !health_line(s->h, path, text, sizeof text))
		return;
	milli = strtoll(text, &end, 10);
	if (*end != '\0' || milli < -273150 || milli > 1000000)
		return;
	milli = (milli >= 0 ? milli + 500 : milli - 500) / 1000;
	if (s->n++ == 0 || milli > s->highest)
		s->highest = milli;
	health_number(s->h, HEALTH_TEMPERATURE_ID, name, milli);
}

static void
temperatures(struct health *h)
{
	struct sensors s = {.h = h};

	for (unsigned i = 0; i < SENSORS_MAX; i++) {
		char path[96], name[96], type[64] = "zone";

		snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%u/type", i);
		(void)health_line(h, path, type, sizeof type);
		snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%u/temp", i);
		snprintf(name, sizeof name, "%s%u", type, i);
		sensor(&s, path, name);
	}
	for (unsigned i = 0; i < 16; i++)
		for (unsigned k = 1; k < 9; k++) {
			char path[96], name[96], type[64] = "hwmon";

			snprintf(path, sizeof path, "/sys/class/hwmon/hwmon%u/name", i);
			(void)health_line(h, path, type, sizeof type);
			snprintf(path, sizeof path, "/sys/class/hwmon/hwmon%u/temp%u_input", i, k);
			snprintf(name, sizeof name, "%s%u.%u", type, i, k);
			sensor(&s, path, name);
		}
	if (s.n > 0)
		health_number(h, HEALTH_TEMPERATURE_ID, "", s.highest);
}

/* ---- accounts, units ---- */

/* "name:" followed by nothing before the next colon. */
static void
accounts_of(struct health *h, char *text, long long *ret_n)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *name = strsep(&line, ":");

		if (!line || *line != ':' || *name == '\0')
			continue;
		if (++*ret_n <= ACCOUNTS_MAX)
			health_number(h, HEALTH_EMPTY_PASSWORDS_ID, name, 1);
	}
}

static void
accounts(struct health *h)
{
	char text[FILE_MAX];
	long long n = 0;

	if (!path_text(h->m->root, "/etc/shadow", text, sizeof text))
		return; /* who cannot read it cannot tell */
	accounts_of(h, text, &n);
	explicit_bzero(text, sizeof text);
	if (path_text(h->m->root, "/etc/passwd", text, sizeof text))
		accounts_of(h, text, &n);
	health_number(h, HEALTH_EMPTY_PASSWORDS_ID, "", n);
}

static void
failed_units(struct health *h)
{
	static char systemctl[] = "/usr/bin/systemctl", list[] = "list-units",
		    failed[] = "--failed", plain[] = "--plain", bare[] = "--no-legend",
		    all[] = "--full";
	static char *argv[] = {systemctl, list, failed, plain, bare, all, NULL};
	char out[FILE_MAX + 1], *line, *rest = out;
	const struct exec x = {argv, 10, FILE_MAX, out};
	struct exec_result r;
	long long n = 0;

	/* asked of the running system or not at all */
	if (!health_wanted(h, HEALTH_FAILED_UNITS_ID) ||
	    faccessat(h->m->root, "run/systemd/system", F_OK, 0) != 0 ||
	    exec_run(h->m, &x, &r) != NOTE_NONE)
		return;
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, " ")] = '\0';
		if (*line && ++n <= UNITS_MAX)
			health_number(h, HEALTH_FAILED_UNITS_ID, line, 1);
	}
	health_number(h, HEALTH_FAILED_UNITS_ID, "", n);
}

/* ---- all of it ---- */

static int
by_order(const void *a, const void *b)
{
	const struct health_entry *x = a, *y = b;

	return x->id != y->id ? (x->id < y->id ? -1 : 1) : strcmp(x->instance, y->instance);
}

void
health_collect(struct health *h)
{
	size_t to = 0;

	h->n = 0;
	system_clock(h);
	kernel(h);
	operating_system(h);
	boots(h);
	last_update(h);
	memory(h);
	temperatures(h);
	accounts(h);
	failed_units(h);
	health_disks(h);
	health_listeners(h);
	qsort(h->v, h->n, sizeof *h->v, by_order);
	for (size_t i = 0; i < h->n; i++) /* each once */
		if (to == 0 || by_order(&h->v[to - 1], &h->v[i]) != 0)
			h->v[to++] = h->v[i];
	h->n = to;
}
