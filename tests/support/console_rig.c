/* console_rig.c: see console_rig.h. */
#include "console_rig.h"

#include "unit.h"
#include "verifier/child.h"
#include "verifier/keys.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#define PEM_MAX 16384
#define START_MS 10000
#define TLS_S 20

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the console process ---- */

_Noreturn static void
become_console(int fd)
{
	if (fd != IPC_CHILD_FD && dup2(fd, IPC_CHILD_FD) < 0)
		_exit(127);
	_exit(console_main());
}

static void
send_config(struct rig *r)
{
	static uint8_t cert[PEM_MAX], key[PEM_MAX], config[4 * PEM_MAX];
	struct sandbox_ids ids = {0, 0};
	char path[128];
	size_t ncert, nkey;
	struct config c;
	struct writer w;

	snprintf(path, sizeof path, "%s/tls", r->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(keys_make_tls(r->dir, "tls/c.pem", "tls/k.pem", "localhost"), ASSAY_OK);
	assert_int_equal(keys_read_file(r->dir, "tls/c.pem", cert, sizeof cert, &ncert), ASSAY_OK);
	assert_int_equal(keys_read_file(r->dir, "tls/k.pem", key, sizeof key, &nkey), ASSAY_OK);
	config_defaults(&c, r->dir);
	snprintf(c.console_listen, sizeof c.console_listen, "127.0.0.1:0");
	snprintf(r->socket, sizeof r->socket, "%s/run/console.sock", r->dir);
	wr_init(&w, config, sizeof config);
	child_config_head(&w, ids, false);
	assert_int_equal(console_config_encode(&c, SPAN(cert, ncert), SPAN(key, nkey), &w),
			 ASSAY_OK);
	assert_int_equal(ipc_send(&r->ipc, IPC_CONFIG, 0, wr_span(&w)), ASSAY_OK);
}

static void
wait_ready(struct rig *r)
{
	int64_t end = now_ms() + START_MS;
	enum assay_err e = ASSAY_BUSY;
	struct ipc_msg m;
	struct reader rd;

	while (e == ASSAY_BUSY && now_ms() < end) {
		struct pollfd p = {.fd = r->ipc.fd, .events = POLLIN};

		(void)poll(&p, 1, 100);
		e = ipc_recv(&r->ipc, &m);
	}
	assert_int_equal(e, ASSAY_OK);
	assert_int_equal(m.type, IPC_READY);
	rd_init(&rd, m.payload);
	r->port = rd_be16(&rd);
	assert_int_equal(rd_finish(&rd), ASSAY_OK);
	assert_int_not_equal(r->port, 0);
	ipc_release(&m);
}

void
rig_start(struct rig *r)
{
	int sp[2];

	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "/tmp/assay-console-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sp), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0)
		become_console(sp[1]);
	close(sp[1]);
	assert_int_equal(ipc_init(&r->ipc, sp[0], ROLE_KEEPER, ROLE_CONSOLE), ASSAY_OK);
	send_config(r);
	wait_ready(r);
}

bool
rig_alive(struct rig *r)
{
	return waitpid(r->pid, NULL, WNOHANG) == 0;
}

static void
remove_dir(const struct rig *r)
{
	static const char *const names[] = {"run/console.sock", "run", "tls/c.pem", "tls/k.pem",
					    "tls", ""};
	char path[160];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", r->dir, names[i]);
		(void)remove(path);
	}
}

void
rig_stop(struct rig *r)
{
	int status = -1;

	assert_true(rig_alive(r));
	assert_int_equal(ipc_send(&r->ipc, IPC_STOP, 0, SPAN(NULL, 0)), ASSAY_OK);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	ipc_close(&r->ipc);
	remove_dir(r);
}

/* ---- keeper's side ---- */

static void
answer(struct rig *r)
{
	uint8_t head[3], *bytes = malloc(sizeof head + r->answer.n + 2);
	struct span body = r->answer.p ? r->answer : SPAN("{}", 2);
	struct writer w;

	assert_non_null(bytes);
	wr_init(&w, bytes, sizeof head + body.n);
	wr_be16(&w, (uint16_t)r->answer_error);
	wr_u8(&w, r->answer_kind ? r->answer_kind : REPLY_JSON);
	wr_bytes(&w, body);
	assert_int_equal(ipc_send(&r->ipc, IPC_REPLY, r->id, wr_span(&w)), ASSAY_OK);
	free(bytes);
}

/* One message, if there is one. */
static bool
serve(struct rig *r)
{
	struct ipc_msg m;

	if (ipc_recv(&r->ipc, &m) != ASSAY_OK)
		return false;
	assert_int_equal(m.type, IPC_OPERATION);
	assert_true(m.payload.n <= sizeof r->bytes);
	memcpy(r->bytes, m.payload.p, m.payload.n);
	assert_int_equal(operation_decode(SPAN(r->bytes, m.payload.n), &r->op), ASSAY_OK);
	r->id = m.id;
	r->operations++;
	ipc_release(&m);
	if (!r->silent)
		answer(r);
	return true;
}

void
rig_turn(struct rig *r, int fd, int ms)
{
	int64_t end = now_ms() + ms;

	for (int64_t left = ms; left > 0; left = end - now_ms()) {
		struct pollfd p[2] = {{.fd = r->ipc.fd, .events = POLLIN},
				      {.fd = fd, .events = POLLIN}};

		(void)poll(p, 2, (int)left);
		if (ipc_wants_write(&r->ipc))
			assert_int_equal(ipc_flush(&r->ipc), ASSAY_OK);
		if ((p[0].revents & POLLIN) && serve(r) && fd < 0)
			return;
		if (fd >= 0 && p[1].revents != 0)
			return;
		if (p[0].revents & POLLHUP)
			fail_msg("the console has gone");
	}
}

/* ---- operators' side ---- */

int
rig_connect(struct rig *r)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", r->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

void
rig_send(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* it closed: the test looks at what it said */
		bytes += sent;
		n -= (size_t)sent;
	}
}

/* Whether the whole of one answer is there. */
static bool
is_whole(const char *text, size_t n)
{
	const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "content-length: ");

	return end && length && length < end &&
	       n - (size_t)(end + 4 - text) >= strtoul(length + 16, NULL, 10);
}

size_t
rig_read(struct rig *r, int fd, char *ret, size_t cap, int ms)
{
	size_t n = 0;

	for (;;) {
		int64_t before = now_ms();
		ssize_t got;

		rig_turn(r, fd, ms);
		if (now_ms() - before >= ms)
			break;
		got = recv(fd, ret + n, cap - 1 - n, MSG_DONTWAIT);
		if (got <= 0)
			break;
		n += (size_t)got;
		ret[n] = '\0';
		if (is_whole(ret, n))
			break;
	}
	ret[n] = '\0';
	return n;
}

unsigned
rig_raw(struct rig *r, const char *request, size_t n, char *ret, size_t cap)
{
	int fd = rig_connect(r);
	unsigned status = 0;

	rig_send(fd, request, n);
	rig_read(r, fd, ret, cap, 2000);
	close(fd);
	if (strncmp(ret, "HTTP/1.1 ", 9) == 0)
		status = (unsigned)strtoul(ret + 9, NULL, 10);
	return status;
}

static size_t
discard(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

/* In a process of its own, so that the test can be keeper meanwhile. */
_Noreturn static void
tls_request(const struct rig *r, const char *path, const char *const *headers, int out)
{
	struct curl_slist *list = curl_slist_append(NULL, "Connection: close");
	CURL *h = curl_easy_init();
	char url[256], ca[128];
	long status = 0;

	snprintf(url, sizeof url, "https://localhost:%u%s", r->port, path);
	snprintf(ca, sizeof ca, "%s/tls/c.pem", r->dir);
	for (; headers && *headers; headers++)
		list = curl_slist_append(list, *headers);
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_CAINFO, ca);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)TLS_S);
	if (curl_easy_perform(h) == CURLE_OK)
		curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	_exit(write(out, &status, sizeof status) == sizeof status ? 0 : 1);
}

unsigned
rig_tls(struct rig *r, const char *path, const char *const *headers)
{
	long status = 0;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		tls_request(r, path, headers, fds[1]);
	close(fds[1]);
	rig_turn(r, fds[0], TLS_S * 1000);
	assert_int_equal(read(fds[0], &status, sizeof status), sizeof status);
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return (unsigned)status;
}
