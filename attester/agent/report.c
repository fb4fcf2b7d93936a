/* report.c: see report.h. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VALUE_MAX 512
#define LINE_MAX_BYTES 4096
#define BUFFERS 8

static enum report_level shown = REPORT_INFO;

void
report_most(enum report_level most)
{
	shown = most;
}

struct line {
	char p[LINE_MAX_BYTES];
	size_t n;
};

static void
put(struct line *l, const char *s, size_t n)
{
	if (n > sizeof l->p - 1 - l->n)
		n = sizeof l->p - 1 - l->n;
	memcpy(l->p + l->n, s, n);
	l->n += n;
}

static bool
is_plain(const char *s)
{
	for (; *s; s++)
		if (*s <= 0x20 || *s > 0x7E || *s == '"' || *s == '\\' || *s == '=')
			return false;
	return true;
}

static void
put_value(struct line *l, const char *s)
{
	if (is_plain(s)) {
		put(l, s, strlen(s));
		return;
	}
	put(l, "\"", 1);
	for (; *s; s++) {
		char esc[8];

		if (*s == '"' || *s == '\\')
			put(l, "\\", 1);
		if (*s >= 0x20 && *s <= 0x7E) {
			put(l, s, 1);
			continue;
		}
		snprintf(esc, sizeof esc, "\\x%02x", (uint8_t)*s);
		put(l, esc, 4);
	}
	put(l, "\"", 1);
}

static void
put_pair(struct line *l, const char *key, const char *value)
{
	put(l, " ", 1);
	put(l, key, strlen(key));
	put(l, "=", 1);
	put_value(l, value);
}

void
report(enum report_level level, const char *event, ...)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	struct line l = {.n = 0};
	time_t now = time(NULL);
	struct tm tm;
	const char *key;
	va_list ap;

	if (level > shown)
		return;
	gmtime_r(&now, &tm);
	l.n = strftime(l.p, sizeof l.p, "time=%Y-%m-%dT%H:%M:%SZ", &tm);
	put_pair(&l, "level", names[level]);
	put_pair(&l, "event", event);
	va_start(ap, event);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		if (value && *value)
			put_pair(&l, key, value);
	}
	va_end(ap);
	l.p[l.n++] = '\n';
	fwrite(l.p, 1, l.n, stderr);
}

static char *
buffer(void)
{
	static char buffers[BUFFERS][VALUE_MAX];
	static unsigned next;

	return buffers[next++ % BUFFERS];
}

const char *
report_u64(uint64_t v)
{
	char *b = buffer();

	snprintf(b, VALUE_MAX, "%llu", (unsigned long long)v);
	return b;
}

const char *
report_bytes(struct span s)
{
	char *b = buffer();
	size_t n = s.n < VALUE_MAX ? s.n : VALUE_MAX - 1;

	for (size_t i = 0; i < n; i++)
		b[i] = s.p[i] == '\0' ? '?' : (char)s.p[i];
	b[n] = '\0';
	return b;
}

int
report_fatal(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("assay-attester: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return status;
}
