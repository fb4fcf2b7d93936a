/* client_options.c: words and options of the commands that ask the verifier; see
 * client.h. */
#include "client.h"
#include "client_where.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#define PCR_LAST 23

bool
client_parse_duration(const char *text, uint64_t *ret)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	size_t n = strspn(text, "0123456789");
	uint64_t v;

	if (n == 0 || n > 9 || (text[n] && text[n + 1]))
		return false;
	v = strtoull(text, NULL, 10);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (text[n] != units[i].unit)
			continue;
		*ret = v * units[i].seconds;
		return true;
	}
	return false;
}

/* A PCR's number at *p, which moves behind it; -1 if there is none. */
static int
read_pcr(const char **p)
{
	size_t n = strspn(*p, "0123456789");
	unsigned long v;

	if (n == 0 || n > 2)
		return -1;
	v = strtoul(*p, NULL, 10);
	*p += n;
	return v <= PCR_LAST ? (int)v : -1;
}

bool
client_parse_pcrs(const char *text, uint32_t *ret)
{
	uint32_t mask = 0;

	for (;;) {
		int first = read_pcr(&text), last = first;

		if (first >= 0 && *text == '-') {
			text++;
			last = read_pcr(&text);
		}
		if (first < 0 || last < first)
			return false;
		for (int i = first; i <= last; i++)
			mask |= 1u << i;
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return false;
	}
	*ret = mask;
	return true;
}

const char *
client_option(const struct client *c, const char *name)
{
	for (unsigned i = 0; i < CLIENT_OPTIONS_MAX && c->spec->options[i].name; i++)
		if (strcmp(c->spec->options[i].name, name) == 0)
			return c->values[i];
	return NULL;
}

/* ---- reading them ---- */

struct parse {
	struct client *c;
	int argc, at;
	char **argv;
	unsigned nargs;
};

static const char **
common_option(struct client *c, const char *name, size_t n)
{
	const struct {
		const char *name;
		const char **value;
	} all[] = {{"socket", &c->socket}, {"server", &c->server},
		   {"token-file", &c->token_file}, {"ca", &c->ca},
		   {"certificate", &c->certificate}, {"key", &c->key},
		   {"profile", &c->profile_name}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strlen(all[i].name) == n && strncmp(all[i].name, name, n) == 0)
			return all[i].value;
	return NULL;
}

static const struct client_option *
own_option(const struct client *c, const char *name, size_t n, const char ***ret_value)
{
	for (unsigned i = 0; i < CLIENT_OPTIONS_MAX && c->spec->options[i].name; i++) {
		const struct client_option *o = &c->spec->options[i];

		if (strlen(o->name) != n || strncmp(o->name, name, n) != 0)
			continue;
		*ret_value = (const char **)(uintptr_t)&c->values[i];
		return o;
	}
	return NULL;
}

/* Whether "--name" or "--name=value" needs a value, and where it goes. */
static bool
place_option(struct parse *p, const char *name, size_t n, const char ***ret)
{
	const struct client_option *o = own_option(p->c, name, n, ret);

	if (o)
		return o->kind != CLIENT_FLAG && o->kind != CLIENT_YES;
	*ret = common_option(p->c, name, n);
	return true;
}

static int
read_option(struct parse *p)
{
	const struct cli_command *command = p->c->spec->command;
	const char *name = p->argv[p->at] + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const char **place = NULL, *value = equals ? equals + 1 : NULL;
	bool is_state = n == 5 && strncmp(name, "state", n) == 0, takes;

	if (n == 4 && strncmp(name, "json", n) == 0 && !equals) {
		p->c->json = true;
		return CLI_YES;
	}
	takes = place_option(p, name, n, &place) || is_state;
	if (!place && !is_state)
		return cli_usage(command, "unknown option `--%.*s'", (int)(n < 40 ? n : 40), name);
	if (!takes && equals)
		return cli_usage(command, "--%.*s takes no value", (int)n, name);
	if (takes && !value && p->at + 1 < p->argc)
		value = p->argv[++p->at];
	if (takes && (!value || !*value))
		return cli_usage(command, "--%.*s needs a value", (int)n, name);
	if (place && *place && place != &p->c->socket)
		return cli_usage(command, "--%.*s is given twice", (int)n, name);
	if (is_state)
		client_use_state(p->c, value);
	else
		*place = takes ? value : "";
	return CLI_YES;
}

static int
read_word(struct parse *p)
{
	const struct client_spec *s = p->c->spec;
	const char *word = p->argv[p->at];

	if (p->nargs == CLIENT_ARGS_MAX || !s->args[p->nargs])
		return cli_usage(s->command, "`%.40s' is one word too many", word);
	if (!*word)
		return cli_usage(s->command, "%s is empty", s->args[p->nargs]);
	p->c->args[p->nargs++] = word;
	return CLI_YES;
}

/* What goes into the request's path: names, ids and digests, so that no word can
 * lead to another path. */
static int
check_path_words(const struct parse *p)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	const struct client_spec *s = p->c->spec;

	for (unsigned i = 0; i < p->nargs; i++) {
		const char *word = p->c->args[i], place[] = {'{', (char)('0' + i), '}', '\0'};
		char safe[80];

		if (!s->path || !strstr(s->path, place) ||
		    (word[strspn(word, allowed)] == '\0' && word[strspn(word, ".")] != '\0'))
			continue;
		text_escape(SPAN(word, strlen(word)), safe, sizeof safe);
		return cli_fail(CLI_BAD_INPUT, "%s: `%s' is no name, id or digest", s->args[i],
				safe);
	}
	return CLI_YES;
}

static int
check_all(const struct parse *p)
{
	const struct client_spec *s = p->c->spec;
	const struct client *c = p->c;

	if (p->nargs < CLIENT_ARGS_MAX && s->args[p->nargs] && !s->args_optional)
		return cli_usage(s->command, "%s is missing", s->args[p->nargs]);
	for (unsigned i = 0; i < CLIENT_OPTIONS_MAX && s->options[i].name; i++)
		if (s->options[i].required && !c->values[i])
			return cli_usage(s->command, "--%s is required", s->options[i].name);
	if (c->server && strncmp(c->server, "https://", 8) != 0)
		return cli_usage(s->command, "--server must begin with https://");
	if (c->server && !c->token_file && !c->certificate)
		return cli_usage(s->command, "--server needs --token-file FILE, or --certificate "
					     "FILE and --key FILE");
	return check_path_words(p);
}

bool
client_parse(struct client *c, const struct client_spec *s, struct client_words words,
	     int *ret_status)
{
	struct parse p = {.c = c, .argc = words.argc, .at = 1, .argv = words.argv};
	bool options = true;
	int status = CLI_YES;

	memset(c, 0, sizeof *c);
	c->spec = s;
	for (; p.at < p.argc && status == CLI_YES; p.at++) {
		const char *arg = p.argv[p.at];

		if (options && strcmp(arg, "--") == 0)
			options = false;
		else if (options && strncmp(arg, "--", 2) == 0)
			status = read_option(&p);
		else if (options && arg[0] == '-' && arg[1])
			status = cli_usage(s->command, "unknown option `%.40s'", arg);
		else
			status = read_word(&p);
	}
	if (status == CLI_YES)
		status = client_find_verifier(c);
	if (status == CLI_YES)
		status = check_all(&p);
	*ret_status = status;
	return status == CLI_YES;
}
