/* imalist.c: see imalist.h. */
#include "imalist.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
imalist_init(struct imalist *l, const char *path)
{
	memset(l, 0, sizeof *l);
	l->path = path;
	for (unsigned i = 0; i < IMALIST_PLACES; i++)
		l->place[i].fd = -1;
}

void
imalist_close(struct imalist *l)
{
	for (unsigned i = 0; i < IMALIST_PLACES; i++) {
		if (l->place[i].fd >= 0)
			close(l->place[i].fd);
		l->place[i] = (struct imalist_place){.fd = -1};
	}
	l->most = 0;
}

static enum assay_err
of_errno(void)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return ASSAY_NOT_FOUND;
	return errno == EACCES || errno == EPERM ? ASSAY_DENIED : ASSAY_IO;
}

/* Files of securityfs have size 0, whatever is in them. */
static enum assay_err
same_list(struct imalist *l)
{
	struct stat s;
	bool other;

	if (stat(l->path, &s) != 0) {
		imalist_close(l);
		return of_errno();
	}
	other = (uint64_t)s.st_dev != l->device || (uint64_t)s.st_ino != l->inode ||
		(s.st_size > 0 && (uint64_t)s.st_size < l->most);
	l->device = (uint64_t)s.st_dev;
	l->inode = (uint64_t)s.st_ino;
	if (!other || l->most == 0)
		return ASSAY_OK;
	imalist_close(l);
	return ASSAY_STATE;
}

/* The place that stands where reading is to go on, or the one used least lately. */
static struct imalist_place *
place_for(struct imalist *l, uint64_t offset)
{
	struct imalist_place *oldest = &l->place[0];

	for (unsigned i = 0; i < IMALIST_PLACES; i++) {
		if (l->place[i].fd >= 0 && l->place[i].at == offset)
			return &l->place[i];
		if (l->place[i].used < oldest->used)
			oldest = &l->place[i];
	}
	return oldest;
}

static enum assay_err
stand_at(struct imalist *l, struct imalist_place *p, uint64_t offset)
{
	if (p->fd < 0) {
		p->fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		p->at = 0;
	}
	if (p->fd < 0)
		return of_errno();
	p->used = ++l->turn;
	if (p->at == offset)
		return ASSAY_OK;
	if (offset > INT64_MAX || lseek(p->fd, (off_t)offset, SEEK_SET) < 0)
		return ASSAY_IO;
	p->at = offset;
	l->seeks++;
	return ASSAY_OK;
}

/* A binary list starts with a PCR's number in binary, an ascii one with it in digits. */
static bool
is_ascii(uint8_t first)
{
	return first == ' ' || (first >= '0' && first <= '9');
}

enum assay_err
imalist_read(void *self, uint64_t offset, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	struct imalist *l = self;
	struct imalist_place *p;
	size_t n = 0;
	enum assay_err e = same_list(l);

	if (e != ASSAY_OK)
		return e;
	p = place_for(l, offset);
	if ((e = stand_at(l, p, offset)) != ASSAY_OK)
		return e;
	while (n < cap) {
		ssize_t got = read(p->fd, buffer + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ASSAY_IO;
		if (got == 0)
			break;
		n += (size_t)got;
		p->at += (uint64_t)got;
	}
	l->bytes += n;
	if (offset == 0 && n > 0 && is_ascii(buffer[0])) {
		imalist_close(l);
		return ASSAY_BAD_MAGIC;
	}
	if (p->at > l->most)
		l->most = p->at;
	*ret_len = n;
	return ASSAY_OK;
}
