/* sink.c: a manifest being made, see measure.h: hashed while it goes to memory that
 * can be sent or kept, and is no part of any process. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static enum software_note
flush(struct sink *s)
{
	size_t done = 0;

	while (done < s->held) {
		ssize_t n = write(s->fd, s->buf + done, s->held - done);

		if (n <= 0)
			return NOTE_FAULT;
		done += (size_t)n;
	}
	s->held = 0;
	return NOTE_NONE;
}

static enum software_note
put(struct sink *s, const void *p, size_t n)
{
	if (s->bytes + n > MANIFEST_MAX)
		return NOTE_TOO_LARGE;
	if (hash_update(&s->h, SPAN(p, n)) != ASSAY_OK)
		return NOTE_FAULT;
	if (n > sizeof s->buf - s->held && flush(s) != NOTE_NONE)
		return NOTE_FAULT;
	memcpy(s->buf + s->held, p, n);
	s->held += n;
	s->bytes += n;
	return NOTE_NONE;
}

enum software_note
sink_open(struct sink *s)
{
	s->bytes = s->entries = 0;
	s->held = 0;
	s->fd = memfd_create("manifest", MFD_CLOEXEC);
	if (s->fd < 0)
		return NOTE_FAULT;
	if (hash_init(&s->h, ALG_SHA256) == ASSAY_OK &&
	    put(s, MANIFEST_MAGIC, MANIFEST_MAGIC_SIZE) == NOTE_NONE)
		return NOTE_NONE;
	close(s->fd);
	return NOTE_FAULT;
}

enum software_note
sink_put(struct sink *s, const struct manifest_entry *e)
{
	uint8_t one[MANIFEST_ENTRY_MAX];
	size_t n;
	enum assay_err err = manifest_encode(e, one, sizeof one, &n);

	if (err != ASSAY_OK)
		return err == ASSAY_TOO_LARGE ? NOTE_TOO_LARGE : NOTE_FAULT;
	if (++s->entries > MANIFEST_ENTRIES_MAX)
		return NOTE_TOO_LARGE;
	return put(s, one, n);
}

enum software_note
sink_close(struct sink *s, enum software_note note, struct result *r)
{
	struct digest d;

	if (note == NOTE_NONE)
		note = flush(s);
	if (note == NOTE_NONE && hash_final(&s->h, &d) != ASSAY_OK)
		note = NOTE_FAULT;
	if (note != NOTE_NONE) {
		close(s->fd);
		return note;
	}
	if (r->manifest >= 0)
		close(r->manifest);
	r->manifest = s->fd;
	r->size = s->entries;
	r->read_ns = measure_now_ns();
	memcpy(r->digest, d.b, 32);
	return NOTE_NONE;
}
