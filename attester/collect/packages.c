/* packages.c: what an operating system lists: packages, kernel modules, enabled units,
 * the U-Boot environment; see measure.h. */
#include "measure.h"
#include "secrets.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_MAX (32u << 20) /* of dpkg; Debian desktops have 5 MB */
#define UBOOT_MAX (1u << 20)

/* The next line of s, without its end; false if there is none. */
static bool
next_line(struct reader *r, struct span *ret)
{
	struct reader look = *r;

	if (rd_left(r) == 0)
		return false;
	*ret = span_until(rd_rest(&look), '\n');
	(void)rd_bytes(r, ret->n);
	if (rd_left(r) > 0)
		(void)rd_u8(r);
	return true;
}

/* The value of `Field: value`; empty if the line is of another field. */
static struct span
field(struct span line, const char *name)
{
	struct reader r;
	size_t n = strlen(name);

	rd_init(&r, line);
	if (line.n < n + 2 || !span_equal(rd_bytes(&r, n), SPAN(name, n)))
		return SPAN(NULL, 0);
	(void)rd_bytes(&r, 2);
	return rd_rest(&r);
}

static bool
ends_with(struct span s, const char *end)
{
	size_t n = strlen(end);
	struct reader r;

	if (s.n < n)
		return false;
	rd_init(&r, s);
	(void)rd_bytes(&r, s.n - n);
	return span_equal(rd_rest(&r), SPAN(end, n));
}

struct package {
	struct span name, version, architecture;
	bool installed;
};

static enum software_note
add_package(struct listing *l, const struct package *p)
{
	char name[512];
	int n;

	if (p->name.n == 0 || !p->installed)
		return NOTE_NONE;
	n = snprintf(name, sizeof name, "%.*s%s%.*s", (int)p->name.n, (const char *)p->name.p,
		     p->architecture.n ? ":" : "", (int)p->architecture.n,
		     p->architecture.n ? (const char *)p->architecture.p : "");
	if (n < 0 || (size_t)n >= sizeof name)
		return NOTE_TOO_LARGE;
	return listing_add(l, SPAN(name, (size_t)n), p->version);
}

/* The status file of dpkg, and opkg's of the same form: deb822 stanzas. */
static enum software_note
list_packages(struct span status, struct listing *l)
{
	struct package p = {.installed = false};
	enum software_note note = NOTE_NONE;
	struct reader r;
	struct span line, v;

	rd_init(&r, status);
	while (note == NOTE_NONE && next_line(&r, &line)) {
		if (line.n == 0) {
			note = add_package(l, &p);
			p = (struct package){.installed = false};
		} else if ((v = field(line, "Package")).n > 0) {
			p.name = v;
		} else if ((v = field(line, "Version")).n > 0) {
			p.version = v;
		} else if ((v = field(line, "Architecture")).n > 0) {
			p.architecture = v;
		} else if ((v = field(line, "Status")).n > 0) {
			p.installed = ends_with(v, " installed");
		}
	}
	return note == NOTE_NONE ? add_package(l, &p) : note;
}

/* Sorted, every value in plain text, into the result. */
static enum software_note
told(struct listing *l, enum software_note note, struct result *r)
{
	if (note == NOTE_NONE)
		note = listing_sort(l);
	for (size_t i = 0; i < l->n; i++)
		l->v[i].how = LISTING_TEXT;
	if (note == NOTE_NONE)
		note = listing_manifest(l, r);
	listing_free(l);
	return note;
}

enum software_note
measure_packages(struct measure *m, const struct item *it, struct result *r)
{
	static char places[][24] = {"/var/lib/dpkg/status", "/usr/lib/opkg/status",
				    "/var/lib/opkg/status"};
	enum software_note note = NOTE_ABSENT;
	struct listing l = {.n = 0};
	struct item at = *it;
	struct span status;

	if (it->path)
		note = measure_slurp(m, it, STATUS_MAX, &status);
	for (size_t i = 0; !it->path && note == NOTE_ABSENT && i < 3; i++) {
		at.path = places[i];
		note = measure_slurp(m, &at, STATUS_MAX, &status);
	}
	if (note != NOTE_NONE)
		return note;
	note = list_packages(status, &l);
	free((void *)(uintptr_t)status.p);
	return told(&l, note, r);
}

/* ---- kernel modules ---- */

static enum software_note
add_module(struct measure *m, struct listing *l, const char *name)
{
	char path[256], version[128] = "";
	int n = snprintf(path, sizeof path, "/sys/module/%s/srcversion", name);

	if (n > 0 && (size_t)n < sizeof path && path_text(m->root, path, version, sizeof version))
		version[strcspn(version, "\n")] = '\0';
	return listing_add(l, SPAN(name, strlen(name)), SPAN(version, strlen(version)));
}

enum software_note
measure_modules(struct measure *m, const struct item *it, struct result *r)
{
	const size_t cap = 256u << 10;
	char *text = malloc(cap), *line, *rest;
	enum software_note note = NOTE_NONE;
	struct listing l = {.n = 0};

	if (!text)
		return NOTE_FAULT;
	if (!path_text(m->root, it->path ? it->path : "/proc/modules", text, cap)) {
		free(text);
		return NOTE_ABSENT;
	}
	rest = text;
	while (note == NOTE_NONE && (line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, " ")] = '\0';
		if (*line)
			note = add_module(m, &l, line);
	}
	free(text);
	return told(&l, note, r);
}

/* ---- units that are enabled ---- */

static bool
is_wants(const char *name)
{
	size_t n = strlen(name);

	return (n > 6 && strcmp(name + n - 6, ".wants") == 0) ||
	       (n > 9 && strcmp(name + n - 9, ".requires") == 0);
}

/* The symbolic links of one directory: NAME in PREFIX, and where they lead. */
static enum software_note
add_links(struct listing *l, int dir, const char *prefix)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	enum software_note note = NOTE_NONE;
	struct dirent *e;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return NOTE_UNREADABLE;
	}
	while (note == NOTE_NONE && (e = readdir(d)) != NULL) {
		char target[1024], name[600];
		ssize_t n = readlinkat(dir, e->d_name, target, sizeof target);

		if (n < 0)
			continue; /* no link */
		snprintf(name, sizeof name, "%s%s", prefix, e->d_name);
		note = (size_t)n == sizeof target
			       ? NOTE_TOO_LARGE
			       : listing_add(l, SPAN(name, strlen(name)), SPAN(target, (size_t)n));
	}
	closedir(d);
	return note;
}

enum software_note
measure_units(struct measure *m, const struct item *it, struct result *r)
{
	const char *path = it->path ? it->path : "/etc/systemd/system";
	struct listing l = {.n = 0};
	enum software_note note;
	struct dirent *e;
	struct stat st;
	DIR *d;
	int fd;

	if ((note = path_open(m->root, path, PATH_DIRECTORY, &fd, &st)) != NOTE_NONE)
		return note;
	note = add_links(&l, fd, "");
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		note = NOTE_UNREADABLE;
	}
	while (note == NOTE_NONE && (e = readdir(d)) != NULL) {
		char prefix[300];
		int sub;

		if (!is_wants(e->d_name))
			continue;
		note = path_open_at(dirfd(d), e->d_name, PATH_DIRECTORY, &sub, &st);
		if (note != NOTE_NONE)
			break;
		snprintf(prefix, sizeof prefix, "%s/", e->d_name);
		note = add_links(&l, sub, prefix);
		close(sub);
	}
	if (d)
		closedir(d);
	return told(&l, note, r);
}

/* ---- U-Boot ---- */

/* CRC-32 of IEEE 802.3, bit by bit: an environment is small. */
static uint32_t
crc32_of(struct span s)
{
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		for (unsigned k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	return ~crc;
}

static enum software_note
list_variables(struct span env, bool redundant, struct listing *l)
{
	enum software_note note = NOTE_NONE;
	struct reader r;
	uint32_t crc;

	rd_init(&r, env);
	crc = rd_le32(&r);
	if (redundant)
		(void)rd_u8(&r);
	if (rd_left(&r) == 0)
		return NOTE_MALFORMED;
	{
		struct reader look = r;

		if (crc32_of(rd_rest(&look)) != crc)
			return NOTE_MALFORMED;
	}
	while (note == NOTE_NONE && rd_left(&r) > 0) {
		struct reader look = r;
		struct span one = span_until(rd_rest(&look), 0), name = span_until(one, '=');

		if (one.n == 0)
			return NOTE_NONE;
		if (name.n == one.n || name.n == 0)
			return NOTE_MALFORMED;
		(void)rd_bytes(&r, one.n);
		if (rd_left(&r) > 0)
			(void)rd_u8(&r);
		note = listing_add(l, name, SPAN(one.p + name.n + 1, one.n - name.n - 1));
	}
	return note;
}

enum software_note
measure_uboot(struct measure *m, const struct item *it, struct result *r)
{
	struct listing l = {.n = 0};
	enum software_note note;
	uint8_t *buf;
	struct stat st;
	size_t size;
	ssize_t n = 0;
	int fd;

	note = path_open(m->root, it->path, PATH_REGULAR | PATH_DEVICE, &fd, &st);
	if (note != NOTE_NONE)
		return note;
	size = it->length ? (size_t)it->length : (size_t)st.st_size;
	buf = size > 0 && size <= UBOOT_MAX ? malloc(size) : NULL;
	if (buf)
		n = pread(fd, buf, size, (off_t)it->offset);
	close(fd);
	if (!buf)
		return NOTE_TOO_LARGE;
	note = n != (ssize_t)size ? NOTE_UNREADABLE
				  : list_variables(SPAN(buf, size), it->redundant, &l);
	free(buf);
	return secrets_manifest(&l, it, note, r);
}
