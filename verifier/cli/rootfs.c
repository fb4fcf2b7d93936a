/* rootfs.c: see rootfs.h. One thread finds files (or reads an archive), the others hash. */
#include "rootfs_private.h"

#include "verifier/appraise/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_MS 100
#define BAR 30

/* ---- what is seen of it --------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* With the lock held. */
static void
show_progress(struct rootfs *r, bool last)
{
	int64_t now = now_ms();
	char bar[BAR + 1];
	unsigned full;

	if (!r->src->progress || (!last && now - r->shown_ms < PROGRESS_MS))
		return;
	r->shown_ms = now;
	full = r->found_bytes ? (unsigned)(r->result->bytes * BAR / r->found_bytes) : 0;
	memset(bar, '#', BAR);
	memset(bar + (full < BAR ? full : BAR), '.', BAR - (full < BAR ? full : BAR));
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %llu files, %llu MiB%s", r->found_bytes ? bar : "reading",
		(unsigned long long)r->result->files, (unsigned long long)r->result->bytes >> 20,
		last ? "\n" : "");
	fflush(stderr);
}

static void
fail(struct rootfs *r, enum assay_err e, const char *what, const char *why)
{
	pthread_mutex_lock(&r->lock);
	if (r->err == ASSAY_OK) {
		r->err = e;
		snprintf(r->result->error, sizeof r->result->error, "%.120s: %.120s", what, why);
	}
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void
rootfs_left_out(struct rootfs *r, const char *name, const char *why)
{
	char shown[PATH_MAX];

	text_escape(SPAN(name, strlen(name)), shown, sizeof shown);
	pthread_mutex_lock(&r->lock);
	r->result->unreadable++;
	fprintf(stderr, "%sassay: %s: %s; left out\n", r->src->progress ? "\r" : "", shown, why);
	pthread_mutex_unlock(&r->lock);
}

/* ---- hashing --------------------------------------------------------------------- */

enum assay_err
rootfs_hash_begin(struct rootfs *r, struct rootfs_hash *h)
{
	enum assay_err e = ASSAY_OK;

	for (unsigned i = 0; i < r->src->nalgs && e == ASSAY_OK; i++)
		e = hash_init(&h->hasher[i], r->src->algs[i]);
	h->bytes = 0;
	return e;
}

enum assay_err
rootfs_hash_add(struct rootfs *r, struct rootfs_hash *h, struct span bytes)
{
	enum assay_err e = ASSAY_OK;

	for (unsigned i = 0; i < r->src->nalgs && e == ASSAY_OK; i++)
		e = hash_update(&h->hasher[i], bytes);
	h->bytes += bytes.n;
	return e;
}

void
rootfs_ima_name(char *name)
{
	for (; *name; name++)
		if (*name == ' ')
			*name = '_';
}

/* With the lock held. */
static enum assay_err
hand_on(struct rootfs *r, const struct rootfs_hash *h, char *name, struct rootfs_kept *k)
{
	if (r->archive) {
		k->name = name;
		k->order = h->order;
		return rootfs_keep(r, k);
	}
	rootfs_ima_name(name);
	return r->src->on_file(r->src->arg, SPAN(name, strlen(name)), k->digest) ? ASSAY_OK
										  : ASSAY_STATE;
}

enum assay_err
rootfs_hash_end(struct rootfs *r, struct rootfs_hash *h, char *name)
{
	struct rootfs_kept k = {.kind = ROOTFS_FILE};
	enum assay_err e = ASSAY_OK;

	for (unsigned i = 0; i < r->src->nalgs && e == ASSAY_OK; i++)
		e = hash_final(&h->hasher[i], &k.digest[i]);
	if (e != ASSAY_OK)
		return e;
	pthread_mutex_lock(&r->lock);
	e = hand_on(r, h, name, &k);
	r->result->files++;
	r->result->bytes += h->bytes;
	if (e == ASSAY_STATE && r->err == ASSAY_OK)
		r->err = e;
	show_progress(r, false);
	pthread_mutex_unlock(&r->lock);
	return e;
}

static void
hash_path(struct rootfs *r, const char *path, uint8_t *buffer)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	struct rootfs_hash h;
	char name[PATH_MAX];
	ssize_t n = -1;
	enum assay_err e;

	if (fd < 0) {
		rootfs_left_out(r, path, strerror(errno));
		return;
	}
	e = rootfs_hash_begin(r, &h);
	while (e == ASSAY_OK && (n = read(fd, buffer, ROOTFS_BUFFER)) > 0)
		e = rootfs_hash_add(r, &h, SPAN(buffer, (size_t)n));
	close(fd);
	if (e == ASSAY_OK && n < 0) {
		rootfs_left_out(r, path, strerror(errno));
		return;
	}
	snprintf(name, sizeof name, "%s%s", path[r->root_len] == '/' ? "" : "/",
		 path + r->root_len);
	if (e == ASSAY_OK)
		e = rootfs_hash_end(r, &h, name);
	if (e != ASSAY_OK && e != ASSAY_STATE)
		fail(r, e, path, assay_err_text(e));
}

static void
hash_content(struct rootfs *r, struct rootfs_work *w)
{
	struct rootfs_hash h;
	enum assay_err e = rootfs_hash_begin(r, &h);

	h.order = w->order;
	if (e == ASSAY_OK)
		e = rootfs_hash_add(r, &h, SPAN(w->content, w->content_len));
	if (e == ASSAY_OK)
		e = rootfs_hash_end(r, &h, w->path);
	if (e != ASSAY_OK && e != ASSAY_STATE)
		fail(r, e, w->path, assay_err_text(e));
}

/* ---- work for the threads ---------------------------------------------------------- */

static struct rootfs_work *
take(struct rootfs *r)
{
	struct rootfs_work *w;

	pthread_mutex_lock(&r->lock);
	while (!r->first && !r->found_all && r->err == ASSAY_OK)
		pthread_cond_wait(&r->changed, &r->lock);
	w = r->err == ASSAY_OK ? r->first : NULL;
	if (w) {
		r->first = w->next;
		if (!r->first)
			r->last = NULL;
		r->waiting -= w->content_len;
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return w;
}

static void
work_free(struct rootfs_work *w)
{
	free(w->content);
	free(w);
}

enum assay_err
rootfs_give(struct rootfs *r, const char *path, struct rootfs_bytes content)
{
	size_t n = strlen(path) + 1;
	struct rootfs_work *w = malloc(sizeof *w + n);
	enum assay_err e;

	if (!w) {
		free(content.p);
		return ASSAY_NO_MEMORY;
	}
	*w = (struct rootfs_work){
		.content = content.p, .content_len = content.n, .order = r->order};
	memcpy(w->path, path, n);
	pthread_mutex_lock(&r->lock);
	while (r->waiting > ROOTFS_WAITING_MAX && r->err == ASSAY_OK)
		pthread_cond_wait(&r->changed, &r->lock);
	if (r->last)
		r->last->next = w;
	else
		r->first = w;
	r->last = w;
	r->waiting += content.n;
	e = r->err;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return e;
}

static void *
worker(void *arg)
{
	struct rootfs *r = arg;
	uint8_t *buffer = malloc(ROOTFS_BUFFER);
	struct rootfs_work *w;

	if (!buffer)
		fail(r, ASSAY_NO_MEMORY, r->src->path, assay_err_text(ASSAY_NO_MEMORY));
	while (buffer && (w = take(r)) != NULL) {
		if (w->content)
			hash_content(r, w);
		else
			hash_path(r, w->path, buffer);
		work_free(w);
	}
	free(buffer);
	return NULL;
}

/* ---- a folder ------------------------------------------------------------------------ */

static struct rootfs *walking; /* nftw() has no argument for its function */

static int
on_found(const char *path, const struct stat *s, int type, struct FTW *f)
{
	static const struct rootfs_bytes by_path = {NULL, 0};

	(void)f;
	if (type == FTW_DNR || type == FTW_NS)
		rootfs_left_out(walking, path, "cannot be read");
	if (type != FTW_F || !S_ISREG(s->st_mode))
		return 0;
	pthread_mutex_lock(&walking->lock);
	walking->found_bytes += (uint64_t)s->st_size;
	pthread_mutex_unlock(&walking->lock);
	return rootfs_give(walking, path, by_path) == ASSAY_OK ? 0 : 1;
}

static enum assay_err
walk_folder(struct rootfs *r)
{
	char *root = realpath(r->src->path, NULL); /* it may be a link itself */
	enum assay_err e = ASSAY_OK;

	if (root)
		r->root_len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	walking = r;
	if (!root || nftw(root, on_found, 32, FTW_PHYS | FTW_MOUNT) < 0) {
		e = ASSAY_IO;
		fail(r, e, r->src->path, strerror(errno));
	}
	free(root);
	return e;
}

/* ---- both ------------------------------------------------------------------------------ */

static unsigned
thread_count(const struct rootfs_source *src)
{
	long n = src->jobs ? (long)src->jobs : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > ROOTFS_JOBS_MAX ? ROOTFS_JOBS_MAX : (unsigned)n;
}

static enum assay_err
find_all(struct rootfs *r)
{
	struct stat s;

	if (stat(r->src->path, &s) != 0) {
		int why = errno;

		fail(r, why == ENOENT ? ASSAY_NOT_FOUND : why == EACCES ? ASSAY_DENIED : ASSAY_IO,
		     r->src->path, strerror(why));
		return r->err;
	}
	r->archive = !S_ISDIR(s.st_mode);
	return r->archive ? rootfs_read_archive(r, fail) : walk_folder(r);
}

enum assay_err
rootfs_read(const struct rootfs_source *src, struct rootfs_result *ret)
{
	struct rootfs r = {.src = src, .result = ret};
	pthread_t threads[ROOTFS_JOBS_MAX];
	unsigned n = 0, wanted = thread_count(src);
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.changed, NULL);
	while (n < wanted && pthread_create(&threads[n], NULL, worker, &r) == 0)
		n++;
	e = n > 0 ? find_all(&r) : ASSAY_NO_MEMORY;
	if (e != ASSAY_OK)
		fail(&r, e, src->path, assay_err_text(e));
	pthread_mutex_lock(&r.lock);
	r.found_all = true;
	pthread_cond_broadcast(&r.changed);
	pthread_mutex_unlock(&r.lock);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	if (r.err == ASSAY_OK && r.archive && (e = rootfs_kept_end(&r)) != ASSAY_OK)
		fail(&r, e, src->path, assay_err_text(e));
	rootfs_kept_free(&r);
	show_progress(&r, true);
	while (r.first) {
		struct rootfs_work *w = r.first;

		r.first = w->next;
		work_free(w);
	}
	pthread_cond_destroy(&r.changed);
	pthread_mutex_destroy(&r.lock);
	return r.err;
}
