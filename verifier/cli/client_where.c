/* client_where.c: see client_where.h. */
#include "client_where.h"

#include "verifier/appraise/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_DEFAULT "/var/lib/assay"

static const char *const keys[CLIENT_PROFILE_KEYS] = {
	"server", "socket", "state", "token_file", "ca", "certificate", "key",
};
enum { SERVER, SOCKET, STATE, TOKEN_FILE, CA, CERTIFICATE, KEY };

void
client_use_state(struct client *c, const char *dir)
{
	text_format(c->socket_path, sizeof c->socket_path, "%s/run/console.sock", dir);
	c->socket = c->socket_path;
}

/* ---- the file ---- */

struct line {
	struct client *c;
	const char *file;
	size_t folder; /* bytes of file up to its last / */
	unsigned number;
	const char *p;
	size_t n;
};

static int
complain(const struct line *l, size_t column, const char *what)
{
	return cli_fail(CLI_BAD_INPUT, "%s:%u:%zu: %s", l->file, l->number, column + 1, what);
}

static int
set_value(struct line *l, unsigned key, size_t at)
{
	char *to = l->c->profile[key];
	bool relative = key != SERVER && l->p[at] != '/';
	int folder = relative ? (int)l->folder : 0;

	if (*to)
		return complain(l, 0, "this key is given twice, remove one");
	if (l->n - at + (size_t)folder >= sizeof l->c->profile[key])
		return complain(l, at, "the value is too long");
	text_format(to, sizeof l->c->profile[key], "%.*s%.*s", folder, l->file, (int)(l->n - at),
		    l->p + at);
	return CLI_YES;
}

static int
read_line(struct line *l)
{
	char what[160] = "no such key; there are";
	size_t n = 0, at;

	while (l->n > 0 && isspace((unsigned char)l->p[l->n - 1]))
		l->n--;
	if (l->n == 0 || l->p[0] == '#')
		return CLI_YES;
	for (size_t i = 0; i < l->n; i++)
		if ((unsigned char)l->p[i] < 0x20 || l->p[i] == 0x7F)
			return complain(l, i, "control characters are not allowed");
	while (n < l->n && l->p[n] != ':')
		n++;
	for (at = n + 1; at < l->n && l->p[at] == ' '; at++)
		;
	if (at >= l->n)
		return complain(l, 0, "expected `key: value'");
	for (unsigned k = 0; k < CLIENT_PROFILE_KEYS; k++) {
		size_t used = strlen(what);

		if (strlen(keys[k]) == n && strncmp(keys[k], l->p, n) == 0)
			return set_value(l, k, at);
		text_format(what + used, sizeof what - used, "%s %s", k ? "," : "", keys[k]);
	}
	return complain(l, 0, what);
}

static int
read_profile(struct client *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct line l = {.c = c, .file = path, .folder = slash ? (size_t)(slash - path) + 1 : 0};
	struct span file;
	struct reader r;
	int status;

	if (!cli_read_file(path, PROFILE_FILE_MAX, &file, &status))
		return status;
	status = CLI_YES;
	rd_init(&r, file);
	while (status == CLI_YES && rd_left(&r) > 0) {
		struct reader ahead = r;
		struct span rest = rd_rest(&ahead);
		const char *end = memchr(rest.p, '\n', rest.n);

		l.number++;
		l.p = (const char *)rest.p;
		l.n = end ? (size_t)(end - l.p) : rest.n;
		(void)rd_bytes(&r, end ? l.n + 1 : l.n);
		status = read_line(&l);
	}
	cli_free(file);
	if (status == CLI_YES && !!*c->profile[SERVER] + !!*c->profile[SOCKET] +
				 !!*c->profile[STATE] > 1)
		status = cli_fail(CLI_BAD_INPUT, "%s: give one of server, socket and state", path);
	return status;
}

/* The name's path; false if there is no home to look in. */
static bool
profile_path(const char *name, char *ret, size_t cap)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (strchr(name, '/'))
		text_format(ret, cap, "%s", name);
	else if (config && *config)
		text_format(ret, cap, "%s/assay/%s.profile", config, name);
	else if (home && *home)
		text_format(ret, cap, "%s/.config/assay/%s.profile", home, name);
	else
		return false;
	return true;
}

static int
find_profile(struct client *c)
{
	const char *name = c->profile_name ? c->profile_name : getenv("ASSAY_PROFILE");
	char path[1024];

	if (name && *name) {
		if (!profile_path(name, path, sizeof path))
			return cli_fail(CLI_NO_ACCESS, "profile %s: there is no $HOME to look in",
					name);
		return read_profile(c, path);
	}
	if (!profile_path("default", path, sizeof path) || access(path, F_OK) != 0)
		return CLI_YES;
	return read_profile(c, path);
}

/* ---- one layer below the other ---- */

static const char *
from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static const char *
from_profile(const struct client *c, unsigned key)
{
	return *c->profile[key] ? c->profile[key] : NULL;
}

static void
address(struct client *c, const char *server, const char *socket, const char *state)
{
	if (c->server || c->socket)
		return;
	c->server = server;
	c->socket = socket;
	if (!server && !socket && state)
		client_use_state(c, state);
}

static void
credential(struct client *c, const char *token_file, const char *certificate, const char *key)
{
	if (c->token_file || c->certificate)
		return;
	c->token_file = token_file;
	c->certificate = certificate;
	if (!c->key)
		c->key = key;
}

static void
use_profile(struct client *c)
{
	address(c, from_profile(c, SERVER), from_profile(c, SOCKET), from_profile(c, STATE));
	credential(c, from_profile(c, TOKEN_FILE), from_profile(c, CERTIFICATE),
		   from_profile(c, KEY));
	if (!c->ca)
		c->ca = from_profile(c, CA);
}

static void
use_environment(struct client *c)
{
	address(c, from_environment("ASSAY_SERVER"), NULL, from_environment("ASSAY_STATE"));
	credential(c, from_environment("ASSAY_TOKEN_FILE"), from_environment("ASSAY_CERTIFICATE"),
		   from_environment("ASSAY_KEY"));
	if (!c->ca)
		c->ca = from_environment("ASSAY_CA");
}

int
client_find_verifier(struct client *c)
{
	int status = find_profile(c);

	if (status != CLI_YES)
		return status;
	if (c->profile_name)
		use_profile(c); /* an option, and so nearer than the environment */
	use_environment(c);
	use_profile(c);
	address(c, NULL, NULL, STATE_DEFAULT);
	return CLI_YES;
}
