/*
 * tree.c: a directory with all that is below it, see measure.h.
 *
 * Walked by descriptors, never by joined paths, so that nothing moved meanwhile leads
 * elsewhere; symbolic links are told and not followed; other file systems mounted
 * below are not entered. Fingerprints and digests of the files of the last walk are
 * in memory that is read along in the same order, so a walk needs as much memory as
 * the largest directories on its way.
 */
#include "measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEPTH_MAX 64

struct level {
	int fd;
	struct stat st;
	char **names;
	size_t n, next;
	size_t path_len; /* of the path up to here */
};

/* What was known of a file. */
struct print {
	struct fingerprint f;
	uint8_t digest[32];
	uint16_t len;
};

struct walk {
	struct measure *m;
	const struct item *it;
	struct sink sink;
	struct level level[DEPTH_MAX];
	unsigned depth; /* levels in use */
	char path[MANIFEST_PATH_MAX + 1];
	size_t len;
	/* the last walk, and this one */
	FILE *old, *new;
	bool has_old;
	struct print print;
	char print_path[MANIFEST_PATH_MAX + 1];
};

/* ---- fingerprints of the last walk ---- */

static void
old_next(struct walk *w)
{
	w->has_old = w->old && fread(&w->print, sizeof w->print, 1, w->old) == 1 &&
		     w->print.len <= MANIFEST_PATH_MAX &&
		     fread(w->print_path, 1, w->print.len, w->old) == w->print.len;
}

static bool
known(struct walk *w, const struct fingerprint *f, uint8_t digest[32])
{
	int order = -1;

	while (w->has_old) {
		order = manifest_order(SPAN(w->print_path, w->print.len), SPAN(w->path, w->len));
		if (order >= 0)
			break;
		old_next(w);
	}
	if (!w->has_old || order != 0 || w->m->reread || !fingerprint_equal(f, &w->print.f))
		return false;
	memcpy(digest, w->print.digest, 32);
	return true;
}

static void
remember(struct walk *w, const struct fingerprint *f, const uint8_t digest[32])
{
	struct print p = {.f = *f, .len = (uint16_t)w->len};

	memcpy(p.digest, digest, 32);
	if (w->new && (fwrite(&p, sizeof p, 1, w->new) != 1 ||
		       fwrite(w->path, 1, w->len, w->new) != w->len)) {
		fclose(w->new);
		w->new = NULL;
	}
}

/* ---- directories ---- */

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
level_free(struct level *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	close(l->fd);
}

static enum software_note
add_name(struct level *l, size_t *cap, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NOTE_NONE;
	if (l->n >= MANIFEST_ENTRIES_MAX)
		return NOTE_TOO_LARGE;
	if (l->n == *cap) {
		size_t more = *cap ? *cap * 2 : 32;
		char **names = realloc(l->names, more * sizeof *names);

		if (!names)
			return NOTE_FAULT;
		l->names = names;
		*cap = more;
	}
	l->names[l->n] = strdup(name);
	return l->names[l->n++] ? NOTE_NONE : NOTE_FAULT;
}

static enum software_note
read_names(struct level *l)
{
	int copy = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	enum software_note note = NOTE_NONE;
	struct dirent *e;
	size_t cap = 0;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return NOTE_UNREADABLE;
	}
	errno = 0;
	while (note == NOTE_NONE && (e = readdir(d)) != NULL)
		note = add_name(l, &cap, e->d_name);
	if (note == NOTE_NONE && errno != 0)
		note = NOTE_UNREADABLE;
	closedir(d);
	if (l->n > 0)
		qsort(l->names, l->n, sizeof *l->names, by_bytes);
	return note;
}

/* Takes over fd. */
static enum software_note
enter(struct walk *w, int fd, const struct stat *st)
{
	struct level *l = &w->level[w->depth];
	enum software_note note;

	if (w->depth >= DEPTH_MAX) {
		close(fd);
		return NOTE_TOO_LARGE;
	}
	*l = (struct level){.fd = fd, .st = *st, .path_len = w->len};
	if ((note = read_names(l)) != NOTE_NONE) {
		level_free(l);
		return note;
	}
	w->depth++;
	return NOTE_NONE;
}

/* Files that came, went or were renamed meanwhile show in the directory's times. */
static enum software_note
leave(struct walk *w)
{
	struct level *l = &w->level[--w->depth];
	struct stat now;
	enum software_note note = fstat(l->fd, &now) != 0 ? NOTE_UNREADABLE : NOTE_NONE;

	if (note == NOTE_NONE && (now.st_mtim.tv_sec != l->st.st_mtim.tv_sec ||
				  now.st_mtim.tv_nsec != l->st.st_mtim.tv_nsec))
		note = NOTE_CHANGED;
	w->len = l->path_len;
	level_free(l);
	return note;
}

/* ---- entries ---- */

static struct manifest_entry
entry(const struct walk *w, uint8_t type, const struct stat *st)
{
	return (struct manifest_entry){.type = type,
				       .mode = type == 'l' ? 0 : st->st_mode & 07777,
				       .uid = st->st_uid,
				       .gid = st->st_gid,
				       .path = SPAN(w->path, w->len)};
}

static enum software_note
put_file(struct walk *w, int dir, const char *name)
{
	struct manifest_entry e;
	struct fingerprint f;
	uint8_t digest[32];
	enum software_note note;
	struct stat st;
	int fd;

	if ((note = path_open_at(dir, name, PATH_REGULAR, &fd, &st)) != NOTE_NONE)
		return note == NOTE_ABSENT || note == NOTE_TYPE || note == NOTE_SYMLINK
			       ? NOTE_CHANGED
			       : note;
	f = fingerprint_of(&st);
	if (!known(w, &f, digest))
		note = measure_steady(w->m, fd, &st, digest);
	close(fd);
	if (note != NOTE_NONE)
		return note;
	if (!measure_is_fresh(&st))
		remember(w, &f, digest);
	e = entry(w, 'f', &st);
	e.size = (uint64_t)st.st_size;
	e.digest = SPAN(digest, sizeof digest);
	return sink_put(&w->sink, &e);
}

static enum software_note
put_link(struct walk *w, int dir, const char *name, const struct stat *st)
{
	char text[MANIFEST_TEXT_MAX + 1];
	struct manifest_entry e = entry(w, 'l', st);
	ssize_t n = readlinkat(dir, name, text, sizeof text);

	if (n < 0)
		return NOTE_CHANGED;
	if ((size_t)n == sizeof text)
		return NOTE_TOO_LARGE;
	e.text = SPAN(text, (size_t)n);
	return sink_put(&w->sink, &e);
}

static enum software_note
put_directory(struct walk *w, int dir, const char *name, const struct stat *seen)
{
	struct manifest_entry e = entry(w, 'd', seen);
	enum software_note note = sink_put(&w->sink, &e);
	struct stat st;
	int fd;

	if (note != NOTE_NONE || seen->st_dev != w->level[0].st.st_dev)
		return note;
	note = path_open_at(dir, name, PATH_DIRECTORY, &fd, &st);
	if (note != NOTE_NONE)
		return note == NOTE_UNREADABLE ? note : NOTE_CHANGED;
	if (st.st_ino != seen->st_ino || st.st_mode != seen->st_mode) {
		close(fd);
		return NOTE_CHANGED;
	}
	return enter(w, fd, &st);
}

static enum software_note
put_other(struct walk *w, const struct stat *st)
{
	bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
	uint8_t type = S_ISCHR(st->st_mode)	? 'c'
		       : S_ISBLK(st->st_mode)	? 'b'
		       : S_ISFIFO(st->st_mode)	? 'p'
						: 's';
	struct manifest_entry e = entry(w, type, st);

	if (device)
		e.size = (uint64_t)major(st->st_rdev) << 32 | minor(st->st_rdev);
	return sink_put(&w->sink, &e);
}

/* Appends a name to the path of the level; false if it becomes too long. */
static bool
set_path(struct walk *w, const struct level *l, const char *name)
{
	size_t n = strlen(name), at = l->path_len;

	if (w->depth > 1) {
		if (at + 1 > MANIFEST_PATH_MAX)
			return false;
		w->path[at++] = '/';
	} else {
		at = 0; /* the root's own path is "/", what is below has no leading one */
	}
	if (n > MANIFEST_PATH_MAX - at)
		return false;
	memcpy(w->path + at, name, n + 1);
	w->len = at + n;
	return true;
}

static enum software_note
step(struct walk *w)
{
	struct level *l = &w->level[w->depth - 1];
	const char *name;
	struct stat st;

	if (l->next == l->n)
		return leave(w);
	name = l->names[l->next++];
	if (!set_path(w, l, name))
		return NOTE_TOO_LARGE;
	if (measure_matches(w->it->exclude, w->path))
		return NOTE_NONE;
	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
		return NOTE_CHANGED;
	if (S_ISREG(st.st_mode))
		return put_file(w, l->fd, name);
	if (S_ISDIR(st.st_mode))
		return put_directory(w, l->fd, name, &st);
	if (S_ISLNK(st.st_mode))
		return put_link(w, l->fd, name, &st);
	return put_other(w, &st);
}

static FILE *
memory_stream(int fd)
{
	FILE *f = fd >= 0 ? fdopen(fd, "r+") : NULL;

	if (!f && fd >= 0)
		close(fd);
	if (f)
		rewind(f);
	return f;
}

/* The fingerprints of this walk become those that the next one knows. */
static void
keep_prints(struct walk *w, enum software_note note, struct result *r)
{
	if (w->old)
		fclose(w->old);
	if (!w->new)
		return;
	if (note == NOTE_NONE && fflush(w->new) == 0) {
		if (r->prints >= 0)
			close(r->prints);
		r->prints = fcntl(fileno(w->new), F_DUPFD_CLOEXEC, 3);
	}
	fclose(w->new);
}

enum software_note
measure_tree(struct measure *m, const struct item *it, struct result *r)
{
	struct walk *w = calloc(1, sizeof *w);
	struct manifest_entry root;
	enum software_note note;
	struct stat st;
	int fd;

	if (!w)
		return NOTE_FAULT;
	w->m = m;
	w->it = it;
	note = path_open(m->root, it->path, PATH_DIRECTORY, &fd, &st);
	if (note == NOTE_NONE && (note = sink_open(&w->sink)) != NOTE_NONE)
		close(fd);
	if (note != NOTE_NONE) {
		free(w);
		return note;
	}
	w->old = memory_stream(r->prints >= 0 ? fcntl(r->prints, F_DUPFD_CLOEXEC, 3) : -1);
	w->new = memory_stream(memfd_create("prints", MFD_CLOEXEC));
	old_next(w);
	memcpy(w->path, "/", 2);
	w->len = 1;
	root = entry(w, 'd', &st);
	note = sink_put(&w->sink, &root);
	if (note == NOTE_NONE)
		note = enter(w, fd, &st);
	else
		close(fd);
	while (note == NOTE_NONE && w->depth > 0)
		note = step(w);
	while (w->depth > 0)
		level_free(&w->level[--w->depth]);
	keep_prints(w, note, r);
	note = sink_close(&w->sink, note, r);
	free(w);
	return note;
}
