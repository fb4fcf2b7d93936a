/* health_disk.c: file systems, see health.h. */
#include "health.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MOUNTS_MAX 16
#define TEXT_MAX (64u << 10)

struct disks {
	struct health *h;
	unsigned n, inodes;
	long long least_free, least_inodes, read_only;
};

static void
space(struct disks *d, const char *mount)
{
	const char *below = mount[1] ? mount + 1 : ".";
	int fd = openat(d->h->m->root, below, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statvfs s;
	bool ok = fd >= 0 && fstatvfs(fd, &s) == 0;
	long long usable, percent;

	if (fd >= 0)
		close(fd);
	if (!ok || s.f_blocks == 0)
		return;
	usable = (long long)(s.f_blocks - s.f_bfree + s.f_bavail);
	percent = usable > 0 ? (long long)s.f_bavail * 100 / usable : 0;
	if (d->n++ == 0 || percent < d->least_free)
		d->least_free = percent;
	health_number(d->h, HEALTH_DISK_FREE_ID, mount, percent);
	if (s.f_files == 0)
		return; /* inodes are made as needed */
	percent = (long long)s.f_favail * 100 / (long long)s.f_files;
	if (d->inodes++ == 0 || percent < d->least_inodes)
		d->least_inodes = percent;
	health_number(d->h, HEALTH_INODES_FREE_ID, mount, percent);
}

static bool
has_option(const char *options, const char *option)
{
	size_t n = strlen(option);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, option, n) == 0 && (at[n] == ',' || at[n] == '\0'))
			return true;
	}
	return false;
}

/* A line of mountinfo(5): ID PARENT DEV ROOT MOUNT OPTIONS [TAG]... - TYPE SOURCE SUPER. A
 * mount that may be written on a file system that may not: errors have done that. */
static void
mounted(struct disks *d, char *line)
{
	char *fields[6] = {0}, *tail = strstr(line, " - "), *type, *source;

	if (!tail)
		return;
	*tail = '\0';
	tail += 3;
	for (size_t i = 0; i < 6; i++)
		fields[i] = strsep(&line, " ");
	type = strsep(&tail, " ");
	source = strsep(&tail, " ");
	if (!fields[5] || !source || !tail || fields[4][0] != '/')
		return;
	if (has_option(fields[5], "rw") && has_option(tail, "ro")) {
		d->read_only++;
		health_number(d->h, HEALTH_FS_READ_ONLY_ID, fields[4], 1);
	}
	/* squashfs and its like are full by design */
	if (!d->h->mounts && d->n < MOUNTS_MAX && strncmp(source, "/dev/", 5) == 0 &&
	    strcmp(type, "squashfs") != 0 && strcmp(type, "iso9660") != 0 &&
	    strcmp(type, "erofs") != 0)
		space(d, fields[4]);
}

static void
errors(struct health *h)
{
	int fd = openat(h->m->root, "sys/fs/ext4", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	long long all = 0;
	bool some = false;
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		char path[320], text[32];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/sys/fs/ext4/%s/errors_count", e->d_name);
		if (!health_line(h, path, text, sizeof text))
			continue;
		some = true;
		all += strtoll(text, NULL, 10);
		health_number(h, HEALTH_FS_ERRORS_ID, e->d_name, strtoll(text, NULL, 10));
	}
	closedir(dir);
	if (some)
		health_number(h, HEALTH_FS_ERRORS_ID, "", all);
}

void
health_disks(struct health *h)
{
	struct disks d = {.h = h};
	char *text = malloc(TEXT_MAX), *rest = text, *line;

	for (size_t i = 0; h->mounts && h->mounts[i]; i++)
		space(&d, h->mounts[i]);
	if (text && path_text(h->m->root, "/proc/self/mountinfo", text, TEXT_MAX)) {
		while ((line = strsep(&rest, "\n")) != NULL)
			mounted(&d, line);
		health_number(h, HEALTH_FS_READ_ONLY_ID, "", d.read_only);
	}
	free(text);
	if (d.n > 0)
		health_number(h, HEALTH_DISK_FREE_ID, "", d.least_free);
	if (d.inodes > 0)
		health_number(h, HEALTH_INODES_FREE_ID, "", d.least_inodes);
	errors(h);
}
