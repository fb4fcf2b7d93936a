/* report.c: see report.h. */
#include "report.h"

#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
gate_say(const char *event, const char *fmt, ...)
{
	char text[700], at[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *c = text; *c; c++)
		if (*c < 0x20 || *c > 0x7E) /* some of it is others' (M8) */
			*c = '?';
	if (gmtime_r(&now, &tm))
		(void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(stderr, "%s assay-gate event=%s %s\n", at, event, text);
}

bool
gate_write(const char *path, const char *text)
{
	char tmp[GATE_TEXT_MAX + 8];
	size_t n = strlen(text);
	bool ok;
	int fd;

	snprintf(tmp, sizeof tmp, "%s.new", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return false;
	ok = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	return ok && rename(tmp, path) == 0;
}

