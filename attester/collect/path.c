/* path.c: see path.h. */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static unsigned
type_of(mode_t mode)
{
	if (S_ISREG(mode))
		return PATH_REGULAR;
	if (S_ISDIR(mode))
		return PATH_DIRECTORY;
	return S_ISBLK(mode) || S_ISCHR(mode) ? PATH_DEVICE : 0;
}

static enum software_note
note_of_errno(int error)
{
	switch (error) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return NOTE_ABSENT;
	case ENOTDIR:
		return NOTE_TYPE;
	case ELOOP:
		return NOTE_SYMLINK;
	default:
		return NOTE_UNREADABLE;
	}
}

struct fingerprint
fingerprint_of(const struct stat *st)
{
	return (struct fingerprint){(uint64_t)st->st_dev, (uint64_t)st->st_ino,
				    (uint64_t)st->st_size, st->st_mtim.tv_sec,
				    st->st_mtim.tv_nsec, st->st_ctim.tv_sec,
				    st->st_ctim.tv_nsec};
}

bool
fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns &&
	       a->ctime_s == b->ctime_s && a->ctime_ns == b->ctime_ns;
}

/* Looks before it opens: opening a pipe or a device can do things. */
enum software_note
path_open_at(int dir, const char *name, unsigned types, int *ret_fd, struct stat *ret_stat)
{
	struct stat seen, st;
	int fd;

	if (fstatat(dir, name, &seen, AT_SYMLINK_NOFOLLOW) != 0)
		return note_of_errno(errno);
	if (S_ISLNK(seen.st_mode))
		return NOTE_SYMLINK;
	if (!(type_of(seen.st_mode) & types))
		return NOTE_TYPE;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return note_of_errno(errno);
	if (fstat(fd, &st) != 0 || st.st_dev != seen.st_dev || st.st_ino != seen.st_ino ||
	    (st.st_mode & S_IFMT) != (seen.st_mode & S_IFMT)) {
		close(fd);
		return NOTE_CHANGED;
	}
	*ret_fd = fd;
	*ret_stat = st;
	return NOTE_NONE;
}

/* The next component of *path into name; false if there is none. */
static bool
component(const char **path, char name[256])
{
	size_t n;

	*path += strspn(*path, "/");
	n = strcspn(*path, "/");
	if (n == 0 || n >= 256)
		return false;
	memcpy(name, *path, n);
	name[n] = '\0';
	*path += n;
	return true;
}

enum software_note
path_open(int root, const char *path, unsigned types, int *ret_fd, struct stat *ret_stat)
{
	int dir = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	enum software_note note = dir < 0 ? NOTE_UNREADABLE : NOTE_NONE;
	char name[256] = ".";
	struct stat st;

	if (!component(&path, name))
		memcpy(name, ".", 2); /* "/" itself */
	while (note == NOTE_NONE && path[strspn(path, "/")] != '\0') {
		if (strcmp(name, "..") == 0) {
			note = NOTE_UNREADABLE;
			break;
		}
		fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			note = note_of_errno(errno);
		else if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
			note = S_ISLNK(st.st_mode) ? NOTE_SYMLINK : NOTE_ABSENT;
		if (dir >= 0)
			close(dir);
		dir = fd;
		if (note == NOTE_NONE && !component(&path, name))
			note = NOTE_ABSENT;
	}
	if (note == NOTE_NONE && strcmp(name, "..") == 0)
		note = NOTE_UNREADABLE;
	if (note == NOTE_NONE)
		note = path_open_at(dir, name, types, ret_fd, ret_stat);
	if (dir >= 0)
		close(dir);
	return note;
}

bool
path_text(int root, const char *path, char *buf, size_t cap)
{
	int fd;
	size_t n = 0;
	ssize_t got = -1;

	while (*path == '/')
		path++;
	fd = openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (n < cap && (got = read(fd, buf + n, cap - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	if (got != 0 || n >= cap)
		return false;
	buf[n] = '\0';
	return true;
}
