/*
 * path.h: opens files for measuring, so that nobody can put another in their place.
 *
 * A path is walked from a root descriptor, one component at a time, and no component
 * may be a symbolic link: what is measured is what the path names, not what somebody
 * made it lead to. Opening has no side effects on what is of the wrong type.
 */
#ifndef COLLECT_PATH_H
#define COLLECT_PATH_H

#include "evidence/software.h"

#include <sys/stat.h>

#define PATH_LONGEST 1024

/* What may be opened: a mask of these. */
#define PATH_REGULAR 1u
#define PATH_DIRECTORY 2u
#define PATH_DEVICE 4u /* block or character */

/* Opens for reading; *ret_stat is of what was opened. root: "/" or, for tests, what
 * stands for it. ABSENT, SYMLINK, TYPE, CHANGED (swapped meanwhile), UNREADABLE. */
enum software_note path_open(int root, const char *path, unsigned types, int *ret_fd,
			     struct stat *ret_stat);
/* The same for one name in an open directory. */
enum software_note path_open_at(int dir, const char *name, unsigned types, int *ret_fd,
				struct stat *ret_stat);

/* What tells a file from what it was before. */
struct fingerprint {
	uint64_t dev, ino, size;
	int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};
struct fingerprint fingerprint_of(const struct stat *st);
bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b);

/* A whole small file as text with a NUL; false if it is not there, not readable, or has
 * cap bytes or more. For files of /proc, /sys and /etc, which may be symbolic links. */
bool path_text(int root, const char *path, char *buf, size_t cap);

#endif
