/* client.c: requests to the verifier; see client.h. */
#include "client.h"

#include "verifier/appraise/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#define CONNECT_S 10L
#define ANSWER_S 180L
#define LIMITED_WAIT_S 60u /* of one command, in all */
#define TOKEN_FILE_MAX 4096
#define URL_MAX 4096

/* ---- one exchange ---- */

struct exchange {
	CURL *h;
	struct curl_slist *headers;
	char *bytes;
	size_t n;
	long status;
	bool too_large;
	char error[CURL_ERROR_SIZE];
};

/* Of a POST. */
struct body {
	struct span bytes;
	bool raw; /* no JSON */
};

static size_t
on_bytes(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	char *bytes;

	n *= size;
	if (n > CLIENT_ANSWER_MAX - x->n) {
		x->too_large = true;
		return 0;
	}
	bytes = realloc(x->bytes, x->n + n + 1);
	if (!bytes)
		return 0;
	memcpy(bytes + x->n, p, n);
	x->bytes = bytes;
	x->n += n;
	bytes[x->n] = '\0';
	return n;
}

static void
add_header(struct exchange *x, const char *line)
{
	struct curl_slist *l = curl_slist_append(x->headers, line);

	if (l)
		x->headers = l;
}

/* The first line of the token file. */
static int
add_token(struct exchange *x, const char *path)
{
	char line[TOKEN_FILE_MAX + 32];
	struct span file;
	size_t n = 0;
	int status;

	if (!cli_read_file(path, TOKEN_FILE_MAX, &file, &status))
		return status;
	while (n < file.n && isgraph(file.p[n]))
		n++;
	text_format(line, sizeof line, "Authorization: Bearer %.*s", (int)n, (const char *)file.p);
	explicit_bzero((void *)(uintptr_t)file.p, file.n);
	cli_free(file);
	if (n == 0)
		return cli_fail(CLI_BAD_INPUT, "%s: holds no token", path);
	add_header(x, line);
	explicit_bzero(line, sizeof line);
	return CLI_YES;
}

static int
set_address(struct exchange *x, const struct client *c, const char *path)
{
	char url[URL_MAX];
	size_t n = c->server ? strlen(c->server) : 0;

	while (n > 0 && c->server[n - 1] == '/')
		n--;
	if (n + strlen(path) + 32 > sizeof url)
		return cli_fail(CLI_BAD_INPUT, "the request is too long");
	if (!c->server) {
		text_format(url, sizeof url, "http://localhost%s", path);
		curl_easy_setopt(x->h, CURLOPT_UNIX_SOCKET_PATH, c->socket);
		curl_easy_setopt(x->h, CURLOPT_PROTOCOLS_STR, "http");
		curl_easy_setopt(x->h, CURLOPT_URL, url);
		return CLI_YES;
	}
	text_format(url, sizeof url, "%.*s%s", (int)n, c->server, path);
	curl_easy_setopt(x->h, CURLOPT_PROTOCOLS_STR, "https");
	/* also where a listener knows another: WebSockets are of this one */
	curl_easy_setopt(x->h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(x->h, CURLOPT_URL, url);
	if (c->ca)
		curl_easy_setopt(x->h, CURLOPT_CAINFO, c->ca);
	if (c->certificate) { /* a file may hold both */
		curl_easy_setopt(x->h, CURLOPT_SSLCERT, c->certificate);
		curl_easy_setopt(x->h, CURLOPT_SSLKEY, c->key ? c->key : c->certificate);
	}
	return c->token_file ? add_token(x, c->token_file) : CLI_YES;
}

/* What is usually meant by it. */
static const char *
server_hint(const struct client *c, CURLcode e)
{
	if (e == CURLE_GOT_NOTHING)
		return " (is it the operators' port, `console_listen', and not that of devices?)";
	if (e == CURLE_PEER_FAILED_VERIFICATION && !c->ca)
		return " (--ca FILE says who vouches for the verifier: a copy of "
		       "STATE/tls/console-cert.pem)";
	return "";
}

static int
unreachable(const struct exchange *x, const struct client *c, CURLcode e)
{
	const char *where = c->server ? c->server : c->socket;
	const char *why = x->error[0] ? x->error : curl_easy_strerror(e);

	if (x->too_large)
		return cli_fail(CLI_FAULT, "%s: the answer is larger than %u MiB", where,
				CLIENT_ANSWER_MAX >> 20);
	if (e == CURLE_OPERATION_TIMEDOUT)
		return cli_fail(CLI_NO_ACCESS, "%s: the verifier does not answer in time", where);
	if (c->server)
		return cli_fail(CLI_NO_ACCESS, "%s: %s%s", where, why, server_hint(c, e));
	return cli_fail(CLI_NO_ACCESS, "%s: no verifier answers here; is `assay-verifier run' "
				       "running, and are you permitted to open its socket?", where);
}

static int
perform(struct exchange *x, const struct client *c, const struct body *body)
{
	CURLcode e;

	curl_easy_setopt(x->h, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(x->h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(x->h, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(x->h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(x->h, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(x->h, CURLOPT_TIMEOUT, ANSWER_S);
	curl_easy_setopt(x->h, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(x->h, CURLOPT_WRITEDATA, x);
	if (body) {
		add_header(x, body->raw ? "Content-Type: application/octet-stream"
					: "Content-Type: application/json");
		add_header(x, "Expect:"); /* do not wait for leave to send it */
		curl_easy_setopt(x->h, CURLOPT_POSTFIELDS, (const char *)body->bytes.p);
		curl_easy_setopt(x->h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->bytes.n);
	}
	curl_easy_setopt(x->h, CURLOPT_HTTPHEADER, x->headers);
	e = curl_easy_perform(x->h);
	if (e != CURLE_OK)
		return unreachable(x, c, e);
	curl_easy_getinfo(x->h, CURLINFO_RESPONSE_CODE, &x->status);
	return CLI_YES;
}

static int
status_of(long http)
{
	switch (http) {
	case 200:
		return CLI_YES;
	case 401:
	case 403:
	case 429:
	case 503:
	case 504:
		return CLI_NO_ACCESS;
	case 400:
	case 404:
	case 405:
	case 409:
	case 413:
	case 414:
	case 415:
		return CLI_BAD_INPUT;
	default:
		return CLI_FAULT;
	}
}

/* The detail of a problem document, made safe to show. */
static int
complain(const struct exchange *x)
{
	json_t *j = x->bytes ? json_loadb(x->bytes, x->n, 0, NULL) : NULL;
	const char *detail = json_string_value(json_object_get(j, "detail"));
	int status = status_of(x->status);
	char safe[2048];
	size_t n = 0;

	for (; detail && *detail && n < sizeof safe - 1; detail++)
		safe[n++] = *detail >= 0x20 && *detail <= 0x7E ? *detail : '?';
	safe[n] = '\0';
	if (n > 0)
		cli_fail(status, "%s", safe);
	else
		cli_fail(status, "the verifier answered with status %ld", x->status);
	json_decref(j);
	return status;
}

static void
exchange_free(struct exchange *x)
{
	curl_slist_free_all(x->headers);
	curl_easy_cleanup(x->h);
	if (x->bytes)
		explicit_bzero(x->bytes, x->n);
	free(x->bytes);
}

static int
exchange_once(struct exchange *x, const struct client *c, const char *path, const struct body *body)
{
	int status;

	memset(x, 0, sizeof *x);
	x->h = curl_easy_init();
	if (!x->h)
		return cli_fail(CLI_FAULT, "libcurl does not start");
	if ((status = set_address(x, c, path)) != CLI_YES ||
	    (status = perform(x, c, body)) != CLI_YES)
		return status;
	return CLI_YES;
}

/* Waits as long as the verifier says before it may be asked again; false: not any more. */
static bool
wait_to_ask(const struct exchange *x, unsigned *waited)
{
	curl_off_t s = 0;

	curl_easy_getinfo(x->h, CURLINFO_RETRY_AFTER, &s);
	if (s < 1 || s > LIMITED_WAIT_S - *waited)
		return false;
	if (*waited == 0)
		fputs("assay: asked more often than the verifier permits; waiting\n", stderr);
	*waited += (unsigned)s;
	sleep((unsigned)s);
	return true;
}

/* One request; on CLI_YES the answer is in x. What was asked too often was not done, and is
 * asked again. */
static int
exchange(struct exchange *x, const struct client *c, const char *path, const struct body *body)
{
	unsigned waited = 0;
	int status = exchange_once(x, c, path, body);

	while (status == CLI_YES && x->status == 429 && wait_to_ask(x, &waited)) {
		exchange_free(x);
		status = exchange_once(x, c, path, body);
	}
	return status != CLI_YES || x->status == 200 ? status : complain(x);
}

/* The answer as JSON; ends the exchange. */
static json_t *
answer_of(struct exchange *x, int *ret_status)
{
	json_t *answer = NULL;

	if (*ret_status == CLI_YES) {
		answer = json_loadb(x->bytes ? x->bytes : "", x->n, JSON_REJECT_DUPLICATES, NULL);
		if (!answer)
			*ret_status = cli_fail(CLI_FAULT, "the verifier's answer is no JSON");
	}
	exchange_free(x);
	return answer;
}

json_t *
client_ask(const struct client *c, bool post, const char *path, const json_t *body, int *ret_status)
{
	char *text = post && body ? json_dumps(body, JSON_COMPACT) : NULL;
	const char *sent = text ? text : "{}";
	struct body b = {SPAN(sent, strlen(sent)), false};
	struct exchange x;
	json_t *answer;

	*ret_status = exchange(&x, c, path, post ? &b : NULL);
	answer = answer_of(&x, ret_status);
	free(text);
	return answer;
}

void *
client_connect(const struct client *c, const char *path, char auth[4200], int *ret_status)
{
	struct exchange x = {.h = curl_easy_init()};
	CURLcode e;
	CURL *h;

	auth[0] = '\0';
	if (!x.h) {
		*ret_status = cli_fail(CLI_FAULT, "libcurl does not start");
		return NULL;
	}
	if ((*ret_status = set_address(&x, c, path)) == CLI_YES) {
		if (x.headers)
			text_format(auth, 4200, "%s", x.headers->data);
		curl_easy_setopt(x.h, CURLOPT_CONNECT_ONLY, 1L);
		curl_easy_setopt(x.h, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(x.h, CURLOPT_NOPROXY, "*");
		curl_easy_setopt(x.h, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
		if ((e = curl_easy_perform(x.h)) != CURLE_OK)
			*ret_status = unreachable(&x, c, e);
	}
	h = *ret_status == CLI_YES ? x.h : NULL;
	if (h)
		x.h = NULL;
	exchange_free(&x);
	return h;
}

json_t *
client_send(const struct client *c, const char *path, struct span bytes, int *ret_status)
{
	struct body b = {bytes, true};
	struct exchange x;

	*ret_status = exchange(&x, c, path, &b);
	return answer_of(&x, ret_status);
}

bool
client_fetch(const struct client *c, const char *path, struct span *ret, int *ret_status)
{
	struct exchange x;

	*ret_status = exchange(&x, c, path, NULL);
	if (*ret_status == CLI_YES) {
		*ret = SPAN(x.bytes, x.n);
		x.bytes = NULL;
	}
	exchange_free(&x);
	return *ret_status == CLI_YES;
}
