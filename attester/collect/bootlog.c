/* bootlog.c: see bootlog.h. */
#include "bootlog.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* read() until the end; files of securityfs have no size and give short reads. */
static enum assay_err
read_all(int fd, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	size_t n = 0;
	uint8_t more;

	for (;;) {
		ssize_t got = n < cap ? read(fd, buffer + n, cap - n) : read(fd, &more, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ASSAY_IO;
		if (got == 0)
			break;
		if (n == cap)
			return ASSAY_TOO_LARGE;
		n += (size_t)got;
	}
	*ret_len = n;
	return ASSAY_OK;
}

enum assay_err
bootlog_read(void *self, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	const char *path = self;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum assay_err e;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return ASSAY_NOT_FOUND;
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? ASSAY_DENIED : ASSAY_IO;
	e = read_all(fd, buffer, cap, ret_len);
	close(fd);
	return e;
}
