/* ipc.c: see ipc.h. */
#include "ipc.h"

#include "evidence/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 16 /* be16 type, be16 flags, be32 length, be64 id */
#define FLAG_BULK 1u
#define ROLE_ANY ROLE_KINDS
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static const struct rule {
	const char *name;
	enum role from, to;
	size_t cap;
} rules[IPC_TYPE_COUNT] = {
#define X(type, f, t, c) [IPC_##type] = {#type, ROLE_##f, ROLE_##t, c},
	IPC_MESSAGES(X)
#undef X
};

struct ipc_out {
	struct ipc_out *next;
	int fd; /* -1: none */
	size_t len;
	uint8_t bytes[];
};

const char *
role_name(enum role r)
{
	static const char *const names[] = {"keeper", "net", "console", "appraiser", "compiler",
					   "outbound"};

	return (unsigned)r < ROLE_KINDS ? names[r] : "unknown";
}

const char *
ipc_type_name(enum ipc_type t)
{
	return (unsigned)t < IPC_TYPE_COUNT && rules[t].name ? rules[t].name : "unknown";
}

static bool
permitted(enum ipc_type t, enum role from, enum role to)
{
	if (t <= IPC_NONE || t >= IPC_TYPE_COUNT)
		return false;
	return (rules[t].from == from || rules[t].from == ROLE_ANY) &&
	       (rules[t].to == to || rules[t].to == ROLE_ANY);
}

enum assay_err
ipc_init(struct ipc *c, int fd, enum role self, enum role peer)
{
	int size = 1 << 20;

	memset(c, 0, sizeof *c);
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	/* Larger buffers only save wake-ups; the kernel may grant less. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	c->buf = malloc(HEADER + IPC_INLINE_MAX + 1);
	return c->buf ? ASSAY_OK : ASSAY_NO_MEMORY;
}

void
ipc_close(struct ipc *c)
{
	while (c->head) {
		struct ipc_out *o = c->head;

		c->head = o->next;
		if (o->fd >= 0)
			close(o->fd);
		free(o);
	}
	free(c->buf);
	if (c->fd >= 0)
		close(c->fd);
	memset(c, 0, sizeof *c);
	c->fd = -1;
}

int
ipc_memory(void)
{
	return memfd_create("assay", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

enum assay_err
ipc_seal_memory(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) == 0 ? ASSAY_OK : ASSAY_IO;
}

int
ipc_seal(struct span bytes)
{
	int fd = ipc_memory();
	size_t done = 0;

	if (fd < 0)
		return -1;
	while (done < bytes.n) {
		ssize_t n = write(fd, bytes.p + done, bytes.n - done);

		if (n <= 0)
			goto fail;
		done += (size_t)n;
	}
	if (ipc_seal_memory(fd) == ASSAY_OK)
		return fd;
fail:
	close(fd);
	return -1;
}

enum assay_err
ipc_map(int fd, size_t max, struct span *ret)
{
	off_t n = lseek(fd, 0, SEEK_END);
	void *p;

	if (fcntl(fd, F_GET_SEALS) != SEALS || n < 0)
		return ASSAY_DENIED;
	if ((size_t)n > max)
		return ASSAY_TOO_LARGE;
	if (n == 0) {
		*ret = SPAN(NULL, 0);
		return ASSAY_OK;
	}
	p = mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ASSAY_NO_MEMORY;
	*ret = SPAN(p, (size_t)n);
	return ASSAY_OK;
}

/* One datagram, with a descriptor if fd >= 0. */
static enum assay_err
transmit(struct ipc *c, const uint8_t *bytes, size_t len, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec v = {(void *)(uintptr_t)bytes, len};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *h;

		memset(&u, 0, sizeof u);
		m.msg_control = u.space;
		m.msg_controllen = sizeof u.space;
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(h), &fd, sizeof fd);
	}
	for (;;) {
		if (sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return ASSAY_OK;
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
			return ASSAY_BUSY;
		return ASSAY_IO;
	}
}

static enum assay_err
enqueue(struct ipc *c, const uint8_t *bytes, size_t len, int fd)
{
	struct ipc_out *o;

	if (c->waiting >= IPC_QUEUE_MAX)
		return ASSAY_FULL;
	o = malloc(sizeof *o + len);
	if (!o)
		return ASSAY_NO_MEMORY;
	o->next = NULL;
	o->len = len;
	o->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	memcpy(o->bytes, bytes, len);
	if (fd >= 0 && o->fd < 0) {
		free(o);
		return ASSAY_NO_MEMORY;
	}
	if (c->tail)
		c->tail->next = o;
	else
		c->head = o;
	c->tail = o;
	c->waiting++;
	return ASSAY_OK;
}

static enum assay_err
send_or_queue(struct ipc *c, const uint8_t *bytes, size_t len, int fd)
{
	enum assay_err e;

	if (c->fd < 0)
		return ASSAY_IO;
	if (c->head)
		return enqueue(c, bytes, len, fd);
	e = transmit(c, bytes, len, fd);
	return e == ASSAY_BUSY ? enqueue(c, bytes, len, fd) : e;
}

static size_t
put_header(uint8_t *out, enum ipc_type t, unsigned flags, size_t len, uint64_t id)
{
	struct writer w;

	wr_init(&w, out, HEADER);
	wr_be16(&w, (uint16_t)t);
	wr_be16(&w, (uint16_t)flags);
	wr_be32(&w, (uint32_t)len);
	wr_be64(&w, id);
	return HEADER;
}

enum assay_err
ipc_send_fd(struct ipc *c, enum ipc_type t, uint64_t id, int fd)
{
	uint8_t head[HEADER];
	off_t n = lseek(fd, 0, SEEK_END);

	if (!permitted(t, c->self, c->peer))
		return ASSAY_INTERNAL;
	if (n < 0 || (size_t)n > rules[t].cap)
		return ASSAY_TOO_LARGE;
	put_header(head, t, FLAG_BULK, (size_t)n, id);
	return send_or_queue(c, head, sizeof head, fd);
}

enum assay_err
ipc_send(struct ipc *c, enum ipc_type t, uint64_t id, struct span payload)
{
	uint8_t buf[HEADER + IPC_INLINE_MAX];
	enum assay_err e;
	int fd;

	if (!permitted(t, c->self, c->peer))
		return ASSAY_INTERNAL;
	if (payload.n > rules[t].cap)
		return ASSAY_TOO_LARGE;
	if (payload.n <= IPC_INLINE_MAX) {
		put_header(buf, t, 0, payload.n, id);
		if (payload.n)
			memcpy(buf + HEADER, payload.p, payload.n);
		return send_or_queue(c, buf, HEADER + payload.n, -1);
	}
	fd = ipc_seal(payload);
	if (fd < 0)
		return ASSAY_NO_MEMORY;
	e = ipc_send_fd(c, t, id, fd);
	close(fd);
	return e;
}

bool
ipc_wants_write(const struct ipc *c)
{
	return c->head != NULL;
}

enum assay_err
ipc_flush(struct ipc *c)
{
	while (c->head) {
		struct ipc_out *o = c->head;
		enum assay_err e = transmit(c, o->bytes, o->len, o->fd);

		if (e == ASSAY_BUSY)
			return ASSAY_OK;
		if (e != ASSAY_OK)
			return e;
		c->head = o->next;
		if (!c->head)
			c->tail = NULL;
		c->waiting--;
		if (o->fd >= 0)
			close(o->fd);
		free(o);
	}
	return ASSAY_OK;
}

/* The one descriptor of a message; more than one is against the rules. */
static enum assay_err
take_descriptor(struct msghdr *m, int *ret)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);

	*ret = -1;
	if (m->msg_flags & MSG_CTRUNC)
		return ASSAY_DENIED;
	if (!h)
		return ASSAY_OK;
	if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS ||
	    h->cmsg_len != CMSG_LEN(sizeof(int)))
		return ASSAY_DENIED;
	memcpy(ret, CMSG_DATA(h), sizeof *ret);
	return ASSAY_OK;
}

static enum assay_err
receive(struct ipc *c, size_t *ret_len, int *ret_fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec v = {c->buf, HEADER + IPC_INLINE_MAX + 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = u.space,
			   .msg_controllen = sizeof u.space};
	ssize_t n;

	do
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC |
				       (c->self == ROLE_KEEPER || c->self == ROLE_NET ||
					c->self == ROLE_CONSOLE || c->self == ROLE_OUTBOUND
						? MSG_DONTWAIT
						: 0));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? ASSAY_BUSY : ASSAY_IO;
	if (n == 0)
		return ASSAY_UNREACHABLE;
	*ret_len = (size_t)n;
	return take_descriptor(&m, ret_fd);
}

/* Checks the header against the table; *ret holds type, id and inline payload. */
static enum assay_err
open_header(struct ipc *c, size_t len, bool has_fd, struct ipc_msg *ret)
{
	struct reader r;
	uint16_t type, flags;
	uint32_t n;

	rd_init(&r, SPAN(c->buf, len));
	type = rd_be16(&r);
	flags = rd_be16(&r);
	n = rd_be32(&r);
	ret->id = rd_be64(&r);
	ret->payload = rd_rest(&r);
	if (rd_finish(&r) != ASSAY_OK)
		return ASSAY_TRUNCATED;
	if (!permitted((enum ipc_type)type, c->peer, c->self))
		return ASSAY_BAD_TYPE;
	ret->type = (enum ipc_type)type;
	if (n > rules[type].cap)
		return ASSAY_TOO_LARGE;
	if ((flags & ~FLAG_BULK) != 0 || has_fd != ((flags & FLAG_BULK) != 0))
		return ASSAY_MALFORMED;
	if (has_fd ? ret->payload.n != 0 : ret->payload.n != n)
		return ASSAY_MISMATCH;
	return ASSAY_OK;
}

enum assay_err
ipc_recv(struct ipc *c, struct ipc_msg *ret)
{
	struct ipc_msg m = {0};
	enum assay_err e;
	size_t len;
	int fd = -1;

	if (c->fd < 0)
		return ASSAY_UNREACHABLE;
	if ((e = receive(c, &len, &fd)) != ASSAY_OK)
		goto out;
	if ((e = open_header(c, len, fd >= 0, &m)) != ASSAY_OK)
		goto out;
	if (fd >= 0) {
		if ((e = ipc_map(fd, rules[m.type].cap, &m.payload)) != ASSAY_OK)
			goto out;
		m.map = (void *)(uintptr_t)m.payload.p;
		m.map_len = m.payload.n;
	}
	if (fd > 0 && m.type == IPC_NET_IMA) {
		m.fd = fd;
		fd = -1;
	}
	*ret = m;
out:
	if (fd >= 0)
		close(fd);
	return e;
}

int
ipc_keep_fd(const struct ipc_msg *m)
{
	return m->fd > 0 ? fcntl(m->fd, F_DUPFD_CLOEXEC, 3) : -1;
}

void
ipc_release(struct ipc_msg *m)
{
	if (m->map)
		munmap(m->map, m->map_len);
	if (m->fd > 0)
		close(m->fd);
	memset(m, 0, sizeof *m);
}
