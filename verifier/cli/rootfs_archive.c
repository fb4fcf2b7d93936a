/* rootfs_archive.c: a root file system in a tar archive, compressed or not; see rootfs.h. */
#include "rootfs_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

/* "./usr/bin/x" and "usr/bin/x" are /usr/bin/x. */
static bool
name_in_root(const char *path, char name[PATH_MAX])
{
	int n;

	if (!path)
		return false;
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	while (*path == '/')
		path++;
	n = snprintf(name, PATH_MAX, "/%s", path);
	return n > 1 && n < PATH_MAX;
}

static enum assay_err
give_whole(struct rootfs *r, struct archive *a, char *name, size_t size)
{
	struct rootfs_bytes b = {malloc(size ? size : 1), size};
	size_t done = 0;
	la_ssize_t n = 0;
	enum assay_err e;

	if (!b.p)
		return ASSAY_NO_MEMORY;
	while (done < size && (n = archive_read_data(a, b.p + done, size - done)) > 0)
		done += (size_t)n;
	if (n < 0 || done < size) {
		free(b.p);
		return ASSAY_TRUNCATED;
	}
	if ((e = rootfs_give(r, name, b)) == ASSAY_NO_MEMORY)
		free(b.p);
	return e;
}

/* A large file goes through one buffer. */
static enum assay_err
hash_through(struct rootfs *r, struct archive *a, char *name)
{
	static uint8_t buffer[ROOTFS_BUFFER]; /* one thread reads the archive */
	struct rootfs_hash h;
	la_ssize_t n = 0;
	enum assay_err e = rootfs_hash_begin(r, &h);

	while (e == ASSAY_OK && (n = archive_read_data(a, buffer, sizeof buffer)) > 0)
		e = rootfs_hash_add(r, &h, SPAN(buffer, (size_t)n));
	if (e == ASSAY_OK && n < 0)
		return ASSAY_TRUNCATED;
	return e == ASSAY_OK ? rootfs_hash_end(r, &h, name) : e;
}

static enum assay_err
entry(struct rootfs *r, struct archive *a, struct archive_entry *en)
{
	la_int64_t size = archive_entry_size(en);
	char name[PATH_MAX], target[PATH_MAX];

	if (!name_in_root(archive_entry_pathname(en), name))
		return ASSAY_OK;
	if (name_in_root(archive_entry_hardlink(en), target))
		return rootfs_link(r, name, target);
	if (archive_entry_filetype(en) != AE_IFREG)
		return ASSAY_OK;
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
