/* rootfs_archive.c: a root file system in a tar archive, compressed or not; see rootfs.h. */
#include "rootfs_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

/* "./usr//bin/x" and "usr/bin/x" are /usr/bin/x; false for what leads out of the root, for
 * what is too long, and for the root itself. */
static bool
name_in_root(const char *path, char name[PATH_MAX])
{
	size_t at = 0;

	for (size_t n; *path; path += n) {
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.')
			return false;
		if (n == 0 || (n == 1 && path[0] == '.')) {
			n += path[n] == '/';
			continue;
		}
		if (at + 1 + n >= PATH_MAX)
			return false;
		name[at++] = '/';
		memcpy(name + at, path, n);
		at += n;
	}
	name[at] = '\0';
	return at != 0;
}

static enum assay_err
give_whole(struct rootfs *r, struct archive *a, char *name, size_t size)
{
	struct rootfs_bytes b = {malloc(size ? size : 1), size};
	size_t done = 0;
	la_ssize_t n = 0;

	if (!b.p)
		return ASSAY_NO_MEMORY;
	while (done < size && (n = archive_read_data(a, b.p + done, size - done)) > 0)
		done += (size_t)n;
	if (n < 0 || done < size) {
		free(b.p);
		return ASSAY_TRUNCATED;
	}
	return rootfs_give(r, name, b);
}

/* A large file goes through one buffer. */
static enum assay_err
hash_through(struct rootfs *r, struct archive *a, char *name)
{
	static uint8_t buffer[ROOTFS_BUFFER]; /* one thread reads the archive */
	struct rootfs_hash h;
	la_ssize_t n = 0;
	enum assay_err e = rootfs_hash_begin(r, &h);

	h.order = r->order;
	while (e == ASSAY_OK && (n = archive_read_data(a, buffer, sizeof buffer)) > 0)
		e = rootfs_hash_add(r, &h, SPAN(buffer, (size_t)n));
	if (e == ASSAY_OK && n < 0)
		return ASSAY_TRUNCATED;
	return e == ASSAY_OK ? rootfs_hash_end(r, &h, name) : e;
}

/* A member without content of its own. */
static enum assay_err
keep(struct rootfs *r, char *name, char *target)
{
	struct rootfs_kept k = {.name = name,
				.order = r->order,
				.kind = target ? ROOTFS_LINK : ROOTFS_OTHER,
				.target = target};
	enum assay_err e;

	pthread_mutex_lock(&r->lock);
	e = rootfs_keep(r, &k);
	pthread_mutex_unlock(&r->lock);
	return e;
}

static enum assay_err
entry(struct rootfs *r, struct archive *a, struct archive_entry *en)
{
	const char *path = archive_entry_pathname(en), *link = archive_entry_hardlink(en);
	la_int64_t size = archive_entry_size(en);
	char name[PATH_MAX], target[PATH_MAX];

	if (archive_entry_filetype(en) == AE_IFDIR)
		return ASSAY_OK;
	r->order++;
	if (!path || !name_in_root(path, name)) {
		rootfs_left_out(r, path ? path : "a member", "no name in the root");
		return ASSAY_OK;
	}
	if (link) {
		if (!name_in_root(link, target))
			target[0] = '\0'; /* which no member has */
		return keep(r, name, target);
	}
	if (archive_entry_filetype(en) != AE_IFREG)
		return keep(r, name, NULL);
	if (size >= 0 && (uint64_t)size <= ROOTFS_INLINE_MAX)
		return give_whole(r, a, name, (size_t)size);
	return hash_through(r, a, name);
}

static enum assay_err
entries(struct rootfs *r, struct archive *a)
{
	struct archive_entry *en;
	int rc;
	enum assay_err e = ASSAY_OK;

	while (e == ASSAY_OK && (rc = archive_read_next_header(a, &en)) != ARCHIVE_EOF)
		e = rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? entry(r, a, en)
							   : ASSAY_MALFORMED;
	return e;
}

enum assay_err
rootfs_read_archive(struct rootfs *r, rootfs_fail *fail)
{
	struct archive *a = archive_read_new();
	enum assay_err e;

	if (!a)
		return ASSAY_NO_MEMORY;
	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_gnutar(a);
	if (archive_read_open_filename(a, r->src->path, ROOTFS_BUFFER) != ARCHIVE_OK)
		e = ASSAY_UNSUPPORTED;
	else
		e = entries(r, a);
	if (e != ASSAY_OK && e != ASSAY_STATE)
		fail(r, e, r->src->path,
		     archive_error_string(a) ? archive_error_string(a) : assay_err_text(e));
	archive_read_free(a);
	return e;
}
