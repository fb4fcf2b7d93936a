/* log.c: see log.h. */
#include "log.h"

#include "verifier/appraise/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* less than PIPE_BUF: lines of several processes do not mix */
#define SLOTS 8
#define SLOT_SIZE 124

static const char *const level_words[] = {"error", "warn", "info", "debug"};
static const char *log_role = "assay";
static bool log_json;
static enum log_level log_most = LOG_LEVEL_INFO;

void
log_init(const char *role, bool json, enum log_level most)
{
	log_role = role;
	log_json = json;
	log_most = most;
	tzset(); /* reads its file now, before the role is jailed */
}

static char *
slot(void)
{
	static char slots[SLOTS][SLOT_SIZE];
	static unsigned next;

	return slots[next++ % SLOTS];
}

const char *
log_u64(uint64_t v)
{
	char *s = slot();

	text_format(s, SLOT_SIZE, "%llu", (unsigned long long)v);
	return s;
}

const char *
log_text(struct span in)
{
	char *s = slot();

	text_escape(in, s, SLOT_SIZE);
	return s;
}

bool
log_due(struct log_limit *l, int64_t now_s)
{
	/* a clock set back does not silence it for long */
	if (now_s < l->next_s && l->next_s - now_s <= 1) {
		l->unsaid++;
		return false;
	}
	l->next_s = now_s + 1;
	l->told = l->unsaid;
	l->unsaid = 0;
	return true;
}

const char *
log_unsaid(const struct log_limit *l)
{
	return log_u64(l->told);
}

struct line {
	char b[LINE_MAX_BYTES];
	size_t n;
};

/* What does not fit is left out; room for the closing brace and newline stays. */
static void
put(struct line *l, const char *s, size_t n)
{
	size_t room = sizeof l->b - 2 - l->n;

	n = n > room ? room : n;
	memcpy(l->b + l->n, s, n);
	l->n += n;
}

static void
put_text(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

/* Inside quotes: \ and " escaped, control bytes as \u00NN (text_escape leaves none,
 * but not every caller's value went through it). */
static void
put_quoted(struct line *l, const char *s)
{
	put(l, "\"", 1);
	for (; *s && l->n < sizeof l->b - 16; s++) {
		unsigned char c = (unsigned char)*s;
		char esc[8];

		if (c == '"' || c == '\\') {
			put(l, "\\", 1);
			put(l, s, 1);
		} else if (c < 0x20 || c > 0x7E) {
			put(l, esc, (size_t)snprintf(esc, sizeof esc, "\\u%04x", c));
		} else {
			put(l, s, 1);
		}
	}
	put(l, "\"", 1);
}

static bool
is_bare(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= 0x20 || *s > 0x7E || *s == '"' || *s == '=' || *s == '\\')
			return false;
	return true;
}

static void
put_pair(struct line *l, const char *key, const char *value)
{
	if (l->n > sizeof l->b - 64)
		return;
	if (log_json) {
		put(l, ",", 1);
		put_quoted(l, key);
		put(l, ":", 1);
		put_quoted(l, value);
		return;
	}
	put(l, " ", 1);
	put_text(l, key);
	put(l, "=", 1);
	if (is_bare(value))
		put_text(l, value);
	else
		put_quoted(l, value);
}

static void
put_head(struct line *l, enum log_level level, const char *event)
{
	char stamp[32] = "";
	struct timespec t = {0};
	struct tm tm = {0};

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (log_json) {
		put_text(l, "{\"time\":");
		put_quoted(l, stamp);
	} else {
		put_text(l, stamp);
	}
	put_pair(l, "level", level_words[level]);
	put_pair(l, "role", log_role);
	put_pair(l, "event", event);
}

void
log_event(enum log_level level, const char *event, ...)
{
	struct line l = {.n = 0};
	const char *key;
	va_list ap;

	if (level > log_most)
		return;
	put_head(&l, level, event);
	va_start(ap, event);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		put_pair(&l, key, value ? value : "");
	}
	va_end(ap);
	if (log_json)
		l.b[l.n++] = '}';
	l.b[l.n++] = '\n';
	if (write(STDERR_FILENO, l.b, l.n) < 0)
		return; /* nowhere to say so */
}
