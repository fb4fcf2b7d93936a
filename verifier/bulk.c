/* bulk.c: see bulk.h. */
#include "bulk.h"

#include "ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static enum assay_err
make(struct bulk *b)
{
	if (b->fd > 0)
		return ASSAY_OK;
	b->fd = ipc_memory();
	if (b->fd > 0)
		return ASSAY_OK;
	b->fd = 0;
	return ASSAY_NO_MEMORY;
}

enum assay_err
bulk_append(struct bulk *b, struct span bytes)
{
	size_t done = 0;
	enum assay_err e = make(b);

	if (e != ASSAY_OK)
		return e;
	while (done < bytes.n) {
		ssize_t n = write(b->fd, bytes.p + done, bytes.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ASSAY_NO_MEMORY;
		done += (size_t)n;
	}
	b->n += bytes.n;
	return ASSAY_OK;
}

enum assay_err
bulk_seal(struct bulk *b)
{
	enum assay_err e = make(b);

	return e == ASSAY_OK ? ipc_seal_memory(b->fd) : e;
}

enum assay_err
bulk_map(struct bulk *b)
{
	return b->bytes.p || b->n == 0 ? ASSAY_OK : ipc_map(b->fd, b->n, &b->bytes);
}

enum assay_err
bulk_take(struct bulk *b, int fd, size_t max)
{
	struct span bytes;
	enum assay_err e = ipc_map(fd, max, &bytes);

	if (e != ASSAY_OK) {
		close(fd);
		return e;
	}
	bulk_free(b);
	*b = (struct bulk){fd, bytes.n, bytes};
	return ASSAY_OK;
}

void
bulk_free(struct bulk *b)
{
	if (b->bytes.p)
		munmap((void *)(uintptr_t)b->bytes.p, b->bytes.n);
	if (b->fd > 0)
		close(b->fd);
	memset(b, 0, sizeof *b);
}
