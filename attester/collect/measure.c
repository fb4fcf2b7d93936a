/* measure.c: see measure.h. Rounds, files and images, versions. */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ull
#define BURST_NS (NS / 20)	/* that much may be made up for after a delay */
#define FREE_BYTES (1u << 20)	/* without a limit, others run after so many bytes */
#define FRESH_S 2		/* coarser than any file system's clock but FAT's */

uint64_t
measure_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void
just_wait(void *self, int fd, uint64_t until_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t now = measure_now_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec t = {(time_t)(left / NS), (long)(left % NS)};

	(void)self;
	(void)ppoll(&p, 1, &t, NULL);
}

enum assay_err
measure_init(struct measure *m, int root, const struct item *items, size_t n)
{
	*m = (struct measure){.root = root, .items = items, .n = n, .wait = just_wait};
	m->current = n;
	m->buffer = malloc(MEASURE_BUFFER);
	m->results = calloc(n ? n : 1, sizeof *m->results);
	if (!m->buffer || !m->results)
		return ASSAY_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct result *r = &m->results[i];

		r->note = NOTE_PENDING;
		r->manifest = r->prints = -1;
		while (items[i].report && items[i].report[r->ntold])
			r->ntold++;
		r->told = calloc(r->ntold ? r->ntold : 1, sizeof *r->told);
		if (!r->told)
			return ASSAY_NO_MEMORY;
		for (size_t k = 0; k < r->ntold; k++)
			r->told[k] = (struct told){.key = items[i].report[k], .note = NOTE_PENDING};
	}
	return ASSAY_OK;
}

void
measure_free(struct measure *m)
{
	for (size_t i = 0; m->results && i < m->n; i++) {
		if (m->results[i].manifest >= 0)
			close(m->results[i].manifest);
		if (m->results[i].prints >= 0)
			close(m->results[i].prints);
		free(m->results[i].told);
	}
	free(m->results);
	free(m->buffer);
	*m = (struct measure){.root = -1};
}

void
measure_pace(struct measure *m, size_t bytes)
{
	uint64_t now = measure_now_ns();

	if (m->rate == 0) {
		m->next_ns += bytes; /* a counter, then */
		if (m->next_ns < FREE_BYTES)
			return;
		m->next_ns = 0;
		m->wait(m->self, -1, now);
		return;
	}
	if (m->next_ns + BURST_NS < now)
		m->next_ns = now;
	m->next_ns += bytes * NS / m->rate;
	m->wait(m->self, -1, m->next_ns > now ? m->next_ns : now);
}

/* As much as takes a tenth of a second, so that waiting is even. */
static size_t
piece(const struct measure *m)
{
	uint64_t n = m->rate / 10;

	if (m->rate == 0 || n > MEASURE_BUFFER)
		return MEASURE_BUFFER;
	return n < 4096 ? 4096 : (size_t)n;
}

enum software_note
measure_stream(struct measure *m, const struct stream *s, uint8_t ret[32], uint64_t *ret_size)
{
	uint64_t left = s->length ? s->length : UINT64_MAX, at = s->offset;
	struct hasher h;
	struct digest d;

	if (hash_init(&h, ALG_SHA256) != ASSAY_OK)
		return NOTE_FAULT;
	while (left > 0) {
		size_t want = left < piece(m) ? (size_t)left : piece(m);
		ssize_t got = pread(s->fd, m->buffer, want, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NOTE_UNREADABLE;
		if (got == 0)
			break;
		if (hash_update(&h, SPAN(m->buffer, (size_t)got)) != ASSAY_OK)
			return NOTE_FAULT;
		at += (uint64_t)got;
		left -= (uint64_t)got;
		measure_pace(m, (size_t)got);
	}
	if (hash_final(&h, &d) != ASSAY_OK)
		return NOTE_FAULT;
	memcpy(ret, d.b, 32);
	*ret_size = at - s->offset;
	return NOTE_NONE;
}

enum software_note
measure_steady(struct measure *m, int fd, const struct stat *st, uint8_t ret[32])
{
	const struct stream s = {.fd = fd};
	struct fingerprint before = fingerprint_of(st), after;
	struct stat now;
	uint64_t size = 0;
	enum software_note note = measure_stream(m, &s, ret, &size);

	if (note != NOTE_NONE)
		return note;
	if (fstat(fd, &now) != 0)
		return NOTE_UNREADABLE;
	after = fingerprint_of(&now);
	/* files of /proc and /sys have a size that says nothing */
	if (!fingerprint_equal(&before, &after) ||
	    (size != before.size && before.size != 0 && st->st_blocks != 0))
		return NOTE_CHANGED;
	return NOTE_NONE;
}

bool
measure_is_fresh(const struct stat *st)
{
	time_t now = time(NULL);

	return st->st_mtim.tv_sec > now - FRESH_S || st->st_ctim.tv_sec > now - FRESH_S;
}

/* Whether the path still leads to what was read. */
static bool
still_there(struct measure *m, const struct item *it, const struct stat *st)
{
	struct stat now;
	int fd;

	if (path_open(m->root, it->path, PATH_REGULAR | PATH_DEVICE, &fd, &now) != NOTE_NONE)
		return false;
	close(fd);
	return now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

static enum software_note
read_opened(struct measure *m, const struct item *it, int fd, const struct stat *st,
	    struct result *r)
{
	const struct stream s = {fd, it->offset, it->length};
	bool whole = S_ISREG(st->st_mode) && it->offset == 0 && it->length == 0;
	struct fingerprint before = fingerprint_of(st), after;
	enum software_note note;
	struct stat now;

	r->size = (uint64_t)st->st_size;
	note = whole ? measure_steady(m, fd, st, r->digest)
		     : measure_stream(m, &s, r->digest, &r->size);
	if (note != NOTE_NONE)
		return note;
	if (it->length != 0 && r->size != it->length)
		return NOTE_MALFORMED; /* there is less than was configured */
	if (fstat(fd, &now) != 0)
		return NOTE_UNREADABLE;
	after = fingerprint_of(&now);
	if ((S_ISREG(st->st_mode) && !fingerprint_equal(&before, &after)) ||
	    !still_there(m, it, st))
		return NOTE_CHANGED;
	r->read_ns = measure_now_ns();
	r->print = after;
	/* a device's times say nothing of its content */
	r->cached = S_ISREG(st->st_mode) && !measure_is_fresh(&now);
	return NOTE_NONE;
}

static enum software_note
measure_bytes(struct measure *m, const struct item *it, struct result *r)
{
	unsigned types = PATH_REGULAR | (it->kind == SOFTWARE_IMAGE ? PATH_DEVICE : 0);
	struct fingerprint print;
	enum software_note note;
	struct stat st;
	int fd;

	if ((note = path_open(m->root, it->path, types, &fd, &st)) != NOTE_NONE)
		return note;
	print = fingerprint_of(&st);
	if (it->secret && (st.st_mode & S_IROTH))
		note = NOTE_EXPOSED;
	else if (!(r->measured && r->cached && !m->reread && fingerprint_equal(&print, &r->print)))
		note = read_opened(m, it, fd, &st, r);
	close(fd);
	return note;
}

static enum software_note
measure_command(struct measure *m, const struct item *it, struct result *r)
{
	const struct exec x = {.argv = it->command,
			       .timeout_s = it->timeout_s,
			       .output_max = it->output_max};
	struct exec_result out;
	enum software_note note = exec_run(m, &x, &out);

	for (size_t i = 0; i < r->ntold; i++) { /* the one key that there is: "output" */
		r->told[i].note = note;
		if (note == NOTE_NONE && strcmp(r->told[i].key, "output") != 0)
			r->told[i].note = NOTE_ABSENT;
		else if (note == NOTE_NONE)
			memcpy(r->told[i].value, out.line, sizeof out.line);
	}
	if (note != NOTE_NONE)
		return note;
	memcpy(r->digest, out.digest, 32);
	r->size = out.size;
	r->read_ns = measure_now_ns();
	return NOTE_NONE;
}

static enum software_note
measure_item(struct measure *m, const struct item *it, struct result *r)
{
	switch (it->kind) {
	case SOFTWARE_FILE:
	case SOFTWARE_IMAGE:
		return measure_bytes(m, it, r);
	case SOFTWARE_COMMAND:
		return measure_command(m, it, r);
	case SOFTWARE_TREE:
	case SOFTWARE_DEVICETREE:
		return measure_tree(m, it, r);
	case SOFTWARE_CONFIG:
		return measure_config(m, it, r);
	case SOFTWARE_PROCESS:
		return measure_process(m, it, r);
	case SOFTWARE_PACKAGES:
		return measure_packages(m, it, r);
	case SOFTWARE_MODULES:
		return measure_modules(m, it, r);
	case SOFTWARE_UNITS:
		return measure_units(m, it, r);
	case SOFTWARE_UBOOT:
		return measure_uboot(m, it, r);
	case SOFTWARE_NONE:
	case SOFTWARE_MEMORY:
	case SOFTWARE_KIND_COUNT:
		break;
	}
	return NOTE_FAULT;
}

/* ---- versions ---- */

/* The first line, without blanks around it, as far as it is printable and fits. */
static void
take_version(const char *text, char ret[MEASURE_VERSION_MAX + 1])
{
	size_t n = 0;

	text += strspn(text, " \t\r\n");
	while (n < MEASURE_VERSION_MAX && text[n] >= 0x20 && text[n] <= 0x7E)
		n++;
	while (n > 0 && text[n - 1] == ' ')
		n--;
	memcpy(ret, text, n);
	ret[n] = '\0';
}

/* VERSION_KEY is taken where the file is parsed. */
static void
find_version(struct measure *m, const struct item *it, struct result *r)
{
	const struct exec x = {.argv = it->version_command,
			       .timeout_s = it->timeout_s,
			       .output_max = MEASURE_OUTPUT_MAX};
	struct exec_result out;
	char text[4096];
	struct stat st;
	ssize_t n;
	int fd;

	if (it->version == VERSION_FIXED)
		take_version(it->version_text, r->version);
	if (it->version == VERSION_COMMAND) {
		r->version[0] = '\0';
		if (exec_run(m, &x, &out) == NOTE_NONE)
			take_version(out.line, r->version);
	}
	if (it->version != VERSION_FILE)
		return;
	r->version[0] = '\0';
	if (path_open(m->root, it->version_text, PATH_REGULAR, &fd, &st) != NOTE_NONE)
		return;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	take_version(text, r->version);
}

/* ---- rounds ---- */

void
measure_round(struct measure *m, bool reread)
{
	m->reread = reread;
	for (size_t i = 0; i < m->n && reread; i++)
		if (m->results[i].measured) {
			m->results[i].measured = false; /* until it was read again */
			m->results[i].note = NOTE_PENDING;
		}
	for (size_t i = 0; i < m->n; i++) {
		const struct item *it = &m->items[i];
		struct result *r = &m->results[i];

		if (!reread && r->measured && it->every > 1 && m->round % it->every != 0)
			continue;
		m->current = i;
		r->note = measure_item(m, it, r);
		r->measured = r->note == NOTE_NONE;
		if (!r->measured)
			r->cached = false;
		find_version(m, it, r);
		m->current = m->n;
		m->wait(m->self, -1, measure_now_ns());
	}
	m->round++;
}

/* ---- small things for all kinds ---- */

bool
measure_escape(struct span s, char *ret, size_t cap)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool plain = c >= 0x20 && c <= 0x7E && c != '\\';

		if (n + (plain ? 1 : 4) >= cap)
			return false;
		if (plain) {
			ret[n++] = (char)c;
			continue;
		}
		ret[n++] = '\\';
		ret[n++] = 'x';
		ret[n++] = hex[c >> 4];
		ret[n++] = hex[c & 15];
	}
	ret[n] = '\0';
	return true;
}

bool
measure_matches(texts patterns, const char *text)
{
	for (size_t i = 0; patterns && patterns[i]; i++)
		if (fnmatch(patterns[i], text, 0) == 0)
			return true;
	return false;
}

enum software_note
measure_slurp(struct measure *m, const struct item *it, size_t max, struct span *ret)
{
	enum software_note note;
	struct stat st, now;
	struct fingerprint before, after;
	size_t n = 0;
	ssize_t got = 1;
	uint8_t *buf;
	int fd;

	if ((note = path_open(m->root, it->path, PATH_REGULAR, &fd, &st)) != NOTE_NONE)
		return note;
	if (it->secret && (st.st_mode & S_IROTH)) {
		close(fd);
		return NOTE_EXPOSED;
	}
	buf = malloc(max + 1);
	while (buf && n < max && (got = read(fd, buf + n, max - n)) > 0) {
		n += (size_t)got;
		measure_pace(m, (size_t)got);
	}
	before = fingerprint_of(&st);
	note = !buf	  ? NOTE_FAULT
	       : got < 0  ? NOTE_UNREADABLE
	       : n == max ? NOTE_TOO_LARGE
			  : NOTE_NONE;
	if (note == NOTE_NONE && fstat(fd, &now) != 0)
		note = NOTE_UNREADABLE;
	if (note == NOTE_NONE) {
		after = fingerprint_of(&now);
		note = fingerprint_equal(&before, &after) && still_there(m, it, &st)
			       ? NOTE_NONE
			       : NOTE_CHANGED;
	}
	close(fd);
	if (note != NOTE_NONE) {
		free(buf);
		return note;
	}
	buf[n] = 0;
	*ret = SPAN(buf, n);
	return NOTE_NONE;
}
