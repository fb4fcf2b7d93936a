/* replay_wait.c: see replay_wait.h. */
#include "replay_wait.h"

#include "table.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS 200
#define BAR 40

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDS (sizeof ends / sizeof ends[0])

static volatile sig_atomic_t interrupted; /* the signal */

static void
on_signal(int signal)
{
	interrupted = signal;
}

/* Not those that who started us has us ignore, as nohup does. */
static void
watch_signals(void (*handler)(int))
{
	for (size_t i = 0; i < ENDS; i++) {
		struct sigaction now, a = {.sa_handler = handler};

		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			(void)sigaction(ends[i], &a, NULL);
	}
}

static void
show_bar(const json_t *r, bool end)
{
	int64_t done = view_number(r, "done"), all = view_number(r, "expected");
	int filled = all > 0 ? (int)(done * BAR / all) : 0;
	char bar[BAR + 1];

	if (isatty(STDERR_FILENO) != 1)
		return;
	if (filled > BAR || end)
		filled = BAR;
	memset(bar, ' ', BAR);
	memset(bar, '=', (size_t)filled);
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %lld of %lld devices%s", bar, (long long)done, (long long)all,
		end ? "\n" : "");
	fflush(stderr);
}

json_t *
replay_find(const struct client *c, int64_t id, int *ret_status)
{
	char path[64];

	snprintf(path, sizeof path, "/v1/replays/%lld", (long long)id);
	return client_ask(c, false, path, NULL, ret_status);
}

json_t *
replay_cancel(const struct client *c, int64_t id, int *ret_status)
{
	const char *comment = client_option(c, "comment");
	json_t *body = comment ? json_pack("{s:s}", "reason", comment) : json_object(), *answer;
	char path[64];

	snprintf(path, sizeof path, "/v1/replays/%lld/cancel", (long long)id);
	if (!body) {
		*ret_status = cli_fail(CLI_BAD_INPUT, "--comment is not text");
		return NULL;
	}
	answer = client_ask(c, true, path, body, ret_status);
	json_decref(body);
	return answer;
}

static bool
is_running(const json_t *r)
{
	const char *state = view_text(r, "state");

	return state && strcmp(state, "running") == 0;
}

/* Says what becomes of it, and ends as who is interrupted does. */
static void
leave(const struct client *c, const json_t *r, bool keep)
{
	long long id = (long long)view_number(r, "id");
	int signal = interrupted, status;
	json_t *answer;

	if (isatty(STDERR_FILENO) == 1)
		fputc('\n', stderr);
	if (keep) {
		fprintf(stderr, "Replay %lld goes on; assay policy replay --attach %lld waits for "
				"it, --cancel %lld ends it.\n", id, id, id);
	} else if (is_running(r) && (answer = replay_cancel(c, id, &status)) != NULL) {
		fprintf(stderr, "Replay %lld is cancelled.\n", id);
		json_decref(answer);
	}
	watch_signals(SIG_DFL);
	(void)raise(signal);
}

json_t *
replay_wait(const struct client *c, json_t *r, bool keep, int *ret_status)
{
	int64_t id = view_number(r, "id");

	watch_signals(on_signal);
	while (r && is_running(r)) {
		show_bar(r, false);
		(void)poll(NULL, 0, POLL_MS);
		if (interrupted)
			leave(c, r, keep);
		json_decref(r);
		r = replay_find(c, id, ret_status);
	}
	watch_signals(SIG_DFL);
	if (r)
		show_bar(r, true);
	return r;
}
