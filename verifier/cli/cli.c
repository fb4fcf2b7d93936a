/* cli.c: see cli.h. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int
cli_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("assay: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return status;
}

int
cli_usage(const struct cli_command *c, const char *fmt, ...)
{
	va_list ap;

	const char *space = *c->name ? " " : ""; /* commands of one word have no name */

	va_start(ap, fmt);
	fprintf(stderr, "assay %s%s%s: ", c->group, space, c->name);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\nusage: assay %s%s%s %s\n", c->group, space, c->name, c->usage);
	va_end(ap);
	return CLI_USAGE;
}

/* Reads to the end; one byte over max is enough to know that it is too large. */
static bool
read_stream(FILE *f, size_t max, struct span *ret)
{
	uint8_t *buf = malloc(max + 1);
	size_t n;

	if (!buf)
		return false;
	n = fread(buf, 1, max + 1, f);
	if (ferror(f) || n > max) {
		errno = ferror(f) ? errno : EFBIG;
		free(buf);
		return false;
	}
	*ret = SPAN(buf, n);
	return true;
}

bool
cli_read_file(const char *path, size_t max, struct span *ret, int *ret_status)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "rb");
	bool ok;

	if (!f) {
		*ret_status = cli_fail(CLI_NO_ACCESS, "%s: %s", path, strerror(errno));
		return false;
	}
	ok = read_stream(f, max, ret);
	if (!ok && errno == EFBIG)
		*ret_status = cli_fail(CLI_BAD_INPUT, "%s: larger than the limit of %zu bytes",
				       path, max);
	else if (!ok)
		*ret_status = cli_fail(CLI_NO_ACCESS, "%s: %s", path, strerror(errno));
	if (!is_stdin)
		fclose(f);
	return ok;
}

void
cli_free(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

bool
cli_colour(FILE *f)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if ((no && *no) || !term || strcmp(term, "dumb") == 0)
		return false;
	return isatty(fileno(f)) == 1;
}

static const char *
colour(const char *sequence)
{
	return cli_colour(stdout) ? sequence : "";
}

const char *
cli_red(void)
{
	return colour("\033[31m");
}

const char *
cli_green(void)
{
	return colour("\033[32m");
}

const char *
cli_yellow(void)
{
	return colour("\033[33m");
}

const char *
cli_dim(void)
{
	return colour("\033[2m");
}

const char *
cli_bold(void)
{
	return colour("\033[1m");
}

const char *
cli_plain(void)
{
	return colour("\033[0m");
}

bool
cli_parse_time(const char *text, int64_t *ret)
{
	struct tm tm = {0};
	char *end;
	long long v;

	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end && *end == '\0') {
		*ret = timegm(&tm);
		return true;
	}
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return false;
	*ret = v;
	return true;
}

int
cli_write_file(const char *path, struct span bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;

	if (fd < 0)
		return cli_fail(CLI_NO_ACCESS, "%s: %s", path, strerror(errno));
	while (done < bytes.n) {
		ssize_t n = write(fd, bytes.p + done, bytes.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == bytes.n && fsync(fd) == 0 && close(fd) == 0)
		return CLI_YES;
	(void)unlink(path);
	return cli_fail(CLI_NO_ACCESS, "%s: %s", path, strerror(errno));
}
