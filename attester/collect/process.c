/* process.c: a running process's executable and mapped libraries, see measure.h: the
 * files that it has mapped, by the kernel's own links, even if others have their names
 * by now. What it changed in memory is not seen. */
#include "measure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROCESSES_MAX 64
#define MAPPED_MAX 1024
#define MAPS_MAX (1u << 20)

struct mapped {
	char *path;
	struct stat st;
	uint8_t digest[32];
};

/* What was read in an earlier round. */
struct known {
	struct fingerprint f;
	uint8_t digest[32];
};

struct process {
	struct measure *m;
	struct known *known;
	size_t nknown;
	const struct item *it;
	int proc;
	struct mapped v[MAPPED_MAX];
	size_t n;
	unsigned found;
};

static int
by_path(const void *a, const void *b)
{
	const struct mapped *x = a, *y = b;
	int o = manifest_order(SPAN(x->path, strlen(x->path)), SPAN(y->path, strlen(y->path)));

	if (o == 0 && x->st.st_ino != y->st.st_ino)
		return x->st.st_ino < y->st.st_ino ? -1 : 1;
	return o;
}

static bool
find_known(const struct process *p, const struct stat *st, uint8_t digest[32])
{
	struct fingerprint f = fingerprint_of(st);

	for (size_t i = 0; i < p->nknown && !p->m->reread; i++)
		if (fingerprint_equal(&p->known[i].f, &f)) {
			memcpy(digest, p->known[i].digest, 32);
			return true;
		}
	return false;
}

static void
load_known(struct process *p, int prints)
{
	ssize_t n;

	p->known = calloc(MAPPED_MAX, sizeof *p->known);
	if (!p->known || prints < 0)
		return;
	n = pread(prints, p->known, MAPPED_MAX * sizeof *p->known, 0);
	p->nknown = n > 0 ? (size_t)n / sizeof *p->known : 0;
}

/* For the next round; not what changed so lately that its times say nothing. */
static void
keep_known(const struct process *p, struct result *r)
{
	if (r->prints < 0)
		r->prints = memfd_create("prints", MFD_CLOEXEC);
	if (r->prints < 0 || ftruncate(r->prints, 0) != 0 || lseek(r->prints, 0, SEEK_SET) != 0)
		return;
	for (size_t i = 0; i < p->n; i++) {
		struct known k = {.f = fingerprint_of(&p->v[i].st)};

		memcpy(k.digest, p->v[i].digest, sizeof k.digest);
		if (!measure_is_fresh(&p->v[i].st) && write(r->prints, &k, sizeof k) != sizeof k)
			break;
	}
}

static enum software_note
add_file(struct process *p, int fd, const char *path)
{
	struct mapped *f = &p->v[p->n];
	struct stat st;
	enum software_note note;

	if (fstat(fd, &st) != 0)
		return NOTE_UNREADABLE;
	if (!S_ISREG(st.st_mode))
		return NOTE_NONE;
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].st.st_dev == st.st_dev && p->v[i].st.st_ino == st.st_ino &&
		    strcmp(p->v[i].path, path) == 0)
			return NOTE_NONE;
	if (p->n == MAPPED_MAX || strlen(path) > MANIFEST_PATH_MAX)
		return NOTE_TOO_LARGE;
	if (!find_known(p, &st, f->digest) &&
	    (note = measure_steady(p->m, fd, &st, f->digest)) != NOTE_NONE)
		return note;
	f->st = st;
	f->path = strdup(path);
	if (!f->path)
		return NOTE_FAULT;
	p->n++;
	return NOTE_NONE;
}

/* One executable mapping: "START-END r-xp OFFSET DEV INODE   /path". */
static enum software_note
add_mapping(struct process *p, int dir, char *line)
{
	char link[80];
	char *range = strsep(&line, " "), *mode = strsep(&line, " "), *path;
	enum software_note note;
	int fd;

	path = line ? strchr(line, '/') : NULL;
	if (!mode || !strchr(mode, 'x') || !path)
		return NOTE_NONE;
	snprintf(link, sizeof link, "map_files/%s", range);
	fd = openat(dir, link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? NOTE_CHANGED : NOTE_UNREADABLE;
	note = add_file(p, fd, path);
	close(fd);
	return note;
}

static enum software_note
add_maps(struct process *p, int dir)
{
	char *text = malloc(MAPS_MAX), *rest = text, *line;
	enum software_note note = NOTE_NONE;

	if (!text)
		return NOTE_FAULT;
	if (!path_text(dir, "maps", text, MAPS_MAX))
		note = NOTE_UNREADABLE;
	while (note == NOTE_NONE && (line = strsep(&rest, "\n")) != NULL)
		note = add_mapping(p, dir, line);
	free(text);
	return note;
}

/* Whether /proc/PID/exe is the path, below the root prefix if there is one. */
static bool
is_ours(const struct process *p, int dir)
{
	static const char gone[] = " (deleted)";
	char exe[PATH_LONGEST + 16];
	size_t want = strlen(p->it->path);
	ssize_t n = readlinkat(dir, "exe", exe, sizeof exe - 1);

	if (n <= 0)
		return false;
	exe[n] = '\0';
	return strncmp(exe, p->it->path, want) == 0 &&
	       (exe[want] == '\0' || strcmp(exe + want, gone) == 0);
}

static enum software_note
add_process(struct process *p, const char *pid)
{
	int dir = openat(p->proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum software_note note = NOTE_NONE;
	char exe[PATH_LONGEST + 16];
	ssize_t n;
	int fd;

	if (dir < 0)
		return NOTE_NONE; /* it has ended */
	if (!is_ours(p, dir)) {
		close(dir);
		return NOTE_NONE;
	}
	p->found++;
	n = readlinkat(dir, "exe", exe, sizeof exe - 1);
	exe[n > 0 ? n : 0] = '\0';
	fd = openat(dir, "exe", O_RDONLY | O_CLOEXEC);
	note = fd < 0 ? NOTE_CHANGED : add_file(p, fd, exe);
	if (fd >= 0)
		close(fd);
	if (note == NOTE_NONE)
		note = add_maps(p, dir);
	close(dir);
	return note;
}

static enum software_note
add_all(struct process *p)
{
	int copy = openat(p->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	enum software_note note = NOTE_NONE;
	struct dirent *e;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return NOTE_UNREADABLE;
	}
	while (note == NOTE_NONE && p->found < PROCESSES_MAX && (e = readdir(d)) != NULL)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			note = add_process(p, e->d_name);
	closedir(d);
	if (note == NOTE_NONE && p->found == 0)
		note = NOTE_ABSENT;
	return note;
}

/* Two files that had the same path are NAME and NAME#2. */
static enum software_note
put_all(struct process *p, struct sink *s)
{
	enum software_note note = NOTE_NONE;
	unsigned same = 1;

	qsort(p->v, p->n, sizeof p->v[0], by_path);
	for (size_t i = 0; i < p->n && note == NOTE_NONE; i++) {
		const struct mapped *f = &p->v[i];
		char name[MANIFEST_PATH_MAX + 16];

		same = i > 0 && strcmp(f->path, p->v[i - 1].path) == 0 ? same + 1 : 1;
		if (same > 1)
			snprintf(name, sizeof name, "%s#%u", f->path, same);
		else
			snprintf(name, sizeof name, "%s", f->path);
		note = sink_put(s, &(struct manifest_entry){
					   .type = 'f',
					   .mode = f->st.st_mode & 07777,
					   .uid = f->st.st_uid,
					   .gid = f->st.st_gid,
					   .size = (uint64_t)f->st.st_size,
					   .digest = SPAN(f->digest, sizeof f->digest),
					   .path = SPAN(name, strlen(name))});
	}
	return note;
}

enum software_note
measure_process(struct measure *m, const struct item *it, struct result *r)
{
	struct process *p = calloc(1, sizeof *p);
	enum software_note note = NOTE_FAULT;
	struct sink s;

	if (!p)
		return NOTE_FAULT;
	p->m = m;
	p->it = it;
	p->proc = openat(m->root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	load_known(p, r->prints);
	note = p->proc < 0 ? NOTE_UNREADABLE : add_all(p);
	if (note == NOTE_NONE && (note = sink_open(&s)) == NOTE_NONE)
		note = sink_close(&s, put_all(p, &s), r);
	if (note == NOTE_NONE)
		keep_known(p, r);
	if (p->proc >= 0)
		close(p->proc);
	free(p->known);
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].path);
	free(p);
	return note;
}
