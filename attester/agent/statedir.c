/* statedir.c: see statedir.h. */
#include "statedir.h"

#include "evidence/digest.h"
#include "evidence/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE "ak.blob"
#define ENROLMENT_FILE "enrolment"
#define LOCK_FILE "lock"
#define STARTS_FILE "starts"
#define STARTS_MAX 32
#define ENROLMENT_MAX 1024
#define CHECKSUM "checksum: "

static enum assay_err
complain(struct statedir *s, enum assay_err e, const char *file, const char *why)
{
	(void)snprintf(s->complaint, sizeof s->complaint, "%s%s%s: %s", s->path, *file ? "/" : "",
		       file, why);
	return e;
}

static enum assay_err
complain_errno(struct statedir *s, const char *file)
{
	enum assay_err e = errno == EACCES || errno == EPERM ? ASSAY_DENIED : ASSAY_IO;

	return complain(s, errno == ENOENT ? ASSAY_NOT_FOUND : e, file, strerror(errno));
}

/* ---- reading ---- */

/* NOT_FOUND if there is no such file; TOO_LARGE over cap. */
static enum assay_err
read_file(struct statedir *s, const char *name, uint8_t *buf, size_t cap, size_t *ret_len)
{
	int fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t got;
	size_t n = 0;

	if (fd < 0)
		return complain_errno(s, name);
	while (n < cap && (got = read(fd, buf + n, cap - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			(void)complain_errno(s, name);
			close(fd);
			return ASSAY_IO;
		}
		n += (size_t)got;
	}
	close(fd);
	if (n == cap)
		return complain(s, ASSAY_TAMPERED, name, "is too large");
	*ret_len = n;
	return ASSAY_OK;
}

static bool
checksum_hex(const char *text, size_t n, char ret[65])
{
	uint8_t sum[32];

	return digest_sha256(SPAN(text, n), sum) == ASSAY_OK &&
	       hex_encode(SPAN(sum, sizeof sum), ret, 65) == ASSAY_OK;
}

/* "name: value\n" at *p; the value's end is cut. NULL if it is another line. */
static const char *
take_line(char **p, const char *name)
{
	size_t n = strlen(name);
	char *value = *p + n, *end;

	if (strncmp(*p, name, n) != 0 || !(end = strchr(value, '\n')))
		return NULL;
	*end = '\0';
	*p = end + 1;
	return value;
}

static bool
copy_hex(char *to, size_t cap, const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || n >= cap || strspn(value, "0123456789abcdef") != n)
		return false;
	memcpy(to, value, n + 1);
	return true;
}

static bool
parse_enrolment(char *text, struct enrolment *e)
{
	char sum[65], *at = text, *tail = strstr(text, CHECKSUM);
	const char *device, *pending, *pin, *name, *given;
	size_t n;

	if (!tail || !checksum_hex(text, (size_t)(tail - text), sum))
		return false;
	if (!(device = take_line(&at, "device: ")) || !(pending = take_line(&at, "pending: ")) ||
	    !(pin = take_line(&at, "verifier-key: ")) || !(name = take_line(&at, "ak-name: ")) ||
	    !(given = take_line(&at, CHECKSUM)) || *at != '\0' || strcmp(given, sum) != 0)
		return false;
	e->pending = strcmp(pending, "yes") == 0;
	e->has_pin = strcmp(pin, "none") != 0;
	if (e->has_pin &&
	    (hex_decode(pin, e->pin, sizeof e->pin, &n) != ASSAY_OK || n != sizeof e->pin))
		return false;
	e->enrolled = true;
	return copy_hex(e->device, sizeof e->device, device) &&
	       strlen(e->device) == sizeof e->device - 1 &&
	       copy_hex(e->ak_name, sizeof e->ak_name, name);
}

static enum assay_err
read_enrolment(struct statedir *s)
{
	char text[ENROLMENT_MAX + 1];
	size_t n = 0;
	enum assay_err e = read_file(s, ENROLMENT_FILE, (uint8_t *)text, ENROLMENT_MAX, &n);

	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	if (e != ASSAY_OK)
		return e;
	text[n] = '\0';
	if (strlen(text) != n || !parse_enrolment(text, &s->enrolment)) {
		memset(&s->enrolment, 0, sizeof s->enrolment);
		return complain(s, ASSAY_TAMPERED, ENROLMENT_FILE,
				"is damaged; restore it, or remove it to enrol again");
	}
	return ASSAY_OK;
}

static enum assay_err
read_all(struct statedir *s)
{
	enum assay_err e = ASSAY_NOT_FOUND;

	if (s->key_file)
		e = read_file(s, s->key_file, s->key, sizeof s->key, &s->key_len);
	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	if (e == ASSAY_OK && s->key_len == 0)
		return complain(s, ASSAY_TAMPERED, s->key_file, "is empty");
	if ((e = read_enrolment(s)) != ASSAY_OK)
		return e;
	if (s->enrolment.enrolled && s->key_len == 0 && s->key_file)
		return complain(s, ASSAY_TAMPERED, s->key_file,
				"is missing though the device is enrolled; restore it, or remove "
				"the file enrolment to enrol again with a new key");
	s->complaint[0] = '\0';
	return ASSAY_OK;
}

/* ---- the directory ---- */

/* A file system that errors have made read-only must not silence a device whose keys can
 * still be read: the lock that was made before is as good. */
static enum assay_err
take_lock(struct statedir *s)
{
	s->lock = openat(s->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0 && errno == EROFS)
		s->lock = openat(s->fd, LOCK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (s->lock < 0)
		return complain_errno(s, LOCK_FILE);
	if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
		return complain(s, ASSAY_BUSY, "", "another agent runs with this directory");
	return ASSAY_OK;
}

enum assay_err
statedir_open(struct statedir *s, const char *path, bool make, bool lock)
{
	const struct statedir_use use = {make, lock, KEY_FILE};

	return statedir_open_for(s, path, &use);
}

enum assay_err
statedir_open_for(struct statedir *s, const char *path, const struct statedir_use *use)
{
	enum assay_err e;

	memset(s, 0, sizeof *s);
	s->fd = s->lock = -1;
	s->path = path;
	s->key_file = use->key_file;
	if (use->make && mkdir(path, 0700) != 0 && errno != EEXIST)
		return complain_errno(s, "");
	s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return complain_errno(s, "");
	if (use->lock && (e = take_lock(s)) != ASSAY_OK)
		return e;
	return read_all(s);
}

void
statedir_close(struct statedir *s)
{
	if (s->lock >= 0)
		close(s->lock);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = s->lock = -1;
}

/* ---- writing ---- */

static bool
write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

static enum assay_err
replace_file(struct statedir *s, const char *name, const uint8_t *p, size_t n)
{
	char beside[64];
	int fd;
	bool ok;

	(void)snprintf(beside, sizeof beside, "%s.new", name);
	fd = openat(s->fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return complain_errno(s, beside);
	ok = write_all(fd, p, n) && fsync(fd) == 0;
	if (close(fd) != 0 || !ok || renameat(s->fd, beside, s->fd, name) != 0 ||
	    fsync(s->fd) != 0) {
		(void)complain_errno(s, name);
		(void)unlinkat(s->fd, beside, 0);
		return ASSAY_IO;
	}
	return ASSAY_OK;
}

enum assay_err
statedir_write_key(struct statedir *s, const uint8_t *key, size_t len)
{
	enum assay_err e;

	if (!s->key_file)
		return complain(s, ASSAY_STATE, "", "keeps no key");
	if (s->key_len != 0 || faccessat(s->fd, s->key_file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return complain(s, ASSAY_EXISTS, s->key_file, "is there already");
	if (len > sizeof s->key)
		return ASSAY_TOO_LARGE;
	if ((e = replace_file(s, s->key_file, key, len)) != ASSAY_OK)
		return e;
	memcpy(s->key, key, len);
	s->key_len = len;
	return ASSAY_OK;
}

enum assay_err
statedir_write_enrolment(struct statedir *s, const struct enrolment *e)
{
	char text[ENROLMENT_MAX], pin[65] = "none", sum[65];
	int n, m;
	enum assay_err err;

	if (e->has_pin && hex_encode(SPAN(e->pin, sizeof e->pin), pin, sizeof pin) != ASSAY_OK)
		return ASSAY_INTERNAL;
	n = snprintf(text, sizeof text, "device: %s\npending: %s\nverifier-key: %s\nak-name: %s\n",
		     e->device, e->pending ? "yes" : "no", pin, e->ak_name);
	if (n < 0 || (size_t)n >= sizeof text || !checksum_hex(text, (size_t)n, sum))
		return ASSAY_INTERNAL;
	m = snprintf(text + n, sizeof text - (size_t)n, CHECKSUM "%s\n", sum);
	if (m < 0 || (size_t)m >= sizeof text - (size_t)n)
		return ASSAY_INTERNAL;
	err = replace_file(s, ENROLMENT_FILE, (const uint8_t *)text, (size_t)(n + m));
	if (err == ASSAY_OK) {
		s->enrolment = *e;
		s->enrolment.enrolled = true;
	}
	return err;
}

/* A number that was lost or put back is not mended: the verifier would take what follows
 * for a copy, and an operator must know. */
enum assay_err
statedir_count_start(struct statedir *s, uint64_t *ret)
{
	char text[STARTS_MAX], *end;
	unsigned long long last = 0;
	size_t n = 0;
	enum assay_err e = read_file(s, STARTS_FILE, (uint8_t *)text, sizeof text - 1, &n);

	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	if (e == ASSAY_OK) {
		text[n] = '\0';
		errno = 0;
		last = strtoull(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end != '\n' || errno != 0 ||
		    last >= UINT64_MAX)
			return complain(s, ASSAY_TAMPERED, STARTS_FILE,
					"is damaged; restore it, or write into it a number that "
					"it never reached");
	}
	n = (size_t)snprintf(text, sizeof text, "%llu\n", last + 1);
	if ((e = replace_file(s, STARTS_FILE, (const uint8_t *)text, n)) != ASSAY_OK)
		return e;
	*ret = last + 1;
	return ASSAY_OK;
}
