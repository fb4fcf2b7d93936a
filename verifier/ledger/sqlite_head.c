/* sqlite_head.c: the head file beside the ledger; see sqlite_engine.h.
 *
 * Two records, each in a disk sector of its own; the older is overwritten after each
 * commit, so that a crash while writing leaves the newer. It is not synced: a lost
 * write makes the head older than the ledger, which is allowed; never newer, because
 * it is written when the commit is durable. */
#include "sqlite_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/writer.h"

#define HEAD_MAGIC "ASSAYHD1"
#define HEAD_SIGNED (8 + LEDGER_ID_SIZE + 8 + 8)
#define HEAD_SIZE (HEAD_SIGNED + SEAL_MAC_SIZE)
#define HEAD_SLOT 512
#define HEAD_SLOTS 2

char *
head_path(const char *ledger_path)
{
	size_t n = strlen(ledger_path), stem = n;
	char *p = malloc(n + sizeof ".head");

	if (!p)
		return NULL;
	for (size_t i = n; i > 0 && ledger_path[i - 1] != '/'; i--)
		if (ledger_path[i - 1] == '.') {
			stem = i - 1;
			break;
		}
	memcpy(p, ledger_path, stem);
	memcpy(p + stem, ".head", sizeof ".head");
	return p;
}

static enum assay_err
head_encode(struct ledger *l, const struct head *h, uint8_t ret[HEAD_SIZE])
{
	uint8_t mac[SEAL_MAC_SIZE];
	struct writer w;
	enum assay_err e;
	size_t n;

	wr_init(&w, ret, HEAD_SIZE);
	wr_bytes(&w, SPAN(HEAD_MAGIC, 8));
	wr_bytes(&w, SPAN(h->id, sizeof h->id));
	wr_be64(&w, h->counter);
	wr_be64(&w, h->decision_seq);
	if ((e = seal_mac(&l->head_seal, wr_span(&w), mac)) != ASSAY_OK)
		return e;
	wr_bytes(&w, SPAN(mac, sizeof mac));
	return wr_finish(&w, &n);
}

static enum assay_err
head_decode(struct ledger *l, struct span in, struct head *ret)
{
	struct span signed_part = SPAN(in.p, HEAD_SIGNED), id, mac;
	struct head h = {0};
	struct reader r;
	enum assay_err e;

	rd_init(&r, in);
	if (!span_equal(rd_bytes(&r, 8), SPAN(HEAD_MAGIC, 8)))
		rd_fail(&r, ASSAY_BAD_MAGIC);
	id = rd_bytes(&r, LEDGER_ID_SIZE);
	h.counter = rd_be64(&r);
	h.decision_seq = rd_be64(&r);
	mac = rd_bytes(&r, SEAL_MAC_SIZE);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	memcpy(h.id, id.p, sizeof h.id);
	if ((e = seal_check(&l->head_seal, signed_part, mac)) != ASSAY_OK)
		return e;
	*ret = h;
	return ASSAY_OK;
}

static enum assay_err
head_put(struct ledger *l, const struct head *h, unsigned slot)
{
	uint8_t record[HEAD_SIZE];
	enum assay_err e = head_encode(l, h, record);

	if (e != ASSAY_OK)
		return e;
	if (pwrite(l->head_fd, record, sizeof record, (off_t)slot * HEAD_SLOT) !=
	    (ssize_t)sizeof record)
		return ASSAY_IO;
	l->head_slot = (slot + 1) % HEAD_SLOTS;
	return ASSAY_OK;
}

enum assay_err
head_write(struct ledger *l, const struct head *h)
{
	return head_put(l, h, l->head_slot);
}

/* The entry of a new file is durable when its directory is. */
static enum assay_err
sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	enum assay_err e = fd >= 0 && fsync(fd) == 0 ? ASSAY_OK : ASSAY_IO;

	if (fd >= 0)
		close(fd);
	free(copy);
	return e;
}

enum assay_err
head_replace(struct ledger *l, const struct head *h)
{
	enum assay_err e;

	if (l->head_fd < 0)
		return head_create(l, h);
	for (unsigned i = 0; i < HEAD_SLOTS; i++)
		if ((e = head_put(l, h, i)) != ASSAY_OK)
			return e;
	return fsync(l->head_fd) == 0 ? ASSAY_OK : ASSAY_IO;
}

enum assay_err
head_create(struct ledger *l, const struct head *h)
{
	enum assay_err e;

	l->head_fd = open(l->head_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->head_fd < 0)
		return errno == EEXIST ? ASSAY_EXISTS : ASSAY_IO;
	if (ftruncate(l->head_fd, (off_t)HEAD_SLOTS * HEAD_SLOT) != 0)
		return ASSAY_IO;
	if ((e = head_replace(l, h)) != ASSAY_OK)
		return e;
	return sync_directory(l->head_path);
}

enum assay_err
head_open(struct ledger *l, struct head *ret)
{
	uint8_t record[HEAD_SIZE];
	struct head h;
	bool any = false;

	l->head_fd = open(l->head_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (l->head_fd < 0)
		return errno == ENOENT ? ASSAY_MISSING : ASSAY_IO;
	for (unsigned i = 0; i < HEAD_SLOTS; i++) {
		ssize_t n = pread(l->head_fd, record, sizeof record, (off_t)i * HEAD_SLOT);

		if (n < 0)
			return ASSAY_IO;
		if (head_decode(l, SPAN(record, (size_t)n), &h) != ASSAY_OK ||
		    (any && h.counter <= ret->counter))
			continue;
		*ret = h;
		l->head_slot = (i + 1) % HEAD_SLOTS;
		any = true;
	}
	return any ? ASSAY_OK : ASSAY_TAMPERED;
}
