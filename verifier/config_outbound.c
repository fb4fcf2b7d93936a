/* config_outbound.c: the sections of the configuration about what leaves by itself:
 * webhooks, syslog and the journal; see config.h and docs/webhooks.md. */
#include "config_private.h"

#include "verifier/appraise/text.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_MS 10000
#define RETRY_MAX_S 300
#define GIVE_UP_S (3 * 86400)
#define ENTERPRISE 32473 /* RFC 5612: the number of examples */

static const struct config_key webhook_key[] = {
#define X(kind, member, least, most, must)                                          \
	{#member, kind, offsetof(struct config_webhook, member),                    \
	 sizeof(((struct config_webhook *)0)->member), least, most, must},
	CONFIG_WEBHOOK_KEYS(X)
#undef X
};
static const struct config_keys webhook_keys = {
	webhook_key, sizeof webhook_key / sizeof webhook_key[0], "docs/webhooks.md"};

static const struct config_key events_key[] = {
#define X(kind, member, least, most, must)                                         \
	{#member, kind, offsetof(struct config_events, member),                    \
	 sizeof(((struct config_events *)0)->member), least, most, must},
	CONFIG_EVENTS_KEYS(X)
#undef X
};
static const struct config_keys events_keys = {
	events_key, sizeof events_key / sizeof events_key[0], "docs/webhooks.md"};

void
config_outbound_defaults(struct config *c)
{
	text_format(c->events.facility, sizeof c->events.facility, "daemon");
	c->events.enterprise = ENTERPRISE;
}

/* ---- forms ---- */

static bool
has_host_form(const char *host)
{
	uint8_t number[16];

	if (strchr(host, ':'))
		return inet_pton(AF_INET6, host, number) == 1;
	return host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 ".-")] == '\0';
}

static bool
read_port(const char *digits, size_t n, uint16_t *ret)
{
	char text[6] = "";
	unsigned long v;

	if (n == 0 || n > 5 || strspn(digits, "0123456789") < n)
		return false;
	memcpy(text, digits, n);
	v = strtoul(text, NULL, 10);
	*ret = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

/* "host", "host:port", "[v6]:port" of n bytes; *port stays if there is none. */
static bool
split_host(const char *s, size_t n, char ret[CONFIG_TEXT_MAX], uint16_t *port)
{
	bool bracket = n > 0 && s[0] == '[';
	const char *end = memchr(s, bracket ? ']' : ':', n);
	const char *from = s + bracket, *rest;
	size_t len;

	if (bracket && !end)
		return false;
	rest = end ? end + bracket : s + n;
	len = (size_t)((end ? end : s + n) - from);
	if (len == 0 || len >= CONFIG_TEXT_MAX)
		return false;
	memcpy(ret, from, len);
	ret[len] = '\0';
	if (!has_host_form(ret) || (bracket != (strchr(ret, ':') != NULL)))
		return false;
	if (rest == s + n)
		return true;
	return *rest == ':' && read_port(rest + 1, (size_t)(s + n - rest) - 1, port);
}

enum assay_err
config_split_url(const char *text, struct config_url *ret)
{
	struct config_url u = {.tls = strncmp(text, "https://", 8) == 0};
	const char *host = text + (u.tls ? 8 : 7), *path;
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= 0x20 || text[i] > 0x7E || text[i] == '#' || text[i] == '"' ||
		    text[i] == '\\')
			return ASSAY_MALFORMED;
	if (n >= sizeof u.path || (!u.tls && strncmp(text, "http://", 7) != 0))
		return ASSAY_MALFORMED;
	path = host + strcspn(host, "/?");
	u.port = u.tls ? 443 : 80;
	if (!split_host(host, (size_t)(path - host), u.host, &u.port))
		return ASSAY_MALFORMED;
	text_format(u.path, sizeof u.path, "%s%s", *path == '/' ? "" : "/", path);
	*ret = u;
	return ASSAY_OK;
}

enum assay_err
config_split_syslog(const char *text, struct config_syslog *ret)
{
	struct config_syslog s = {.port = 0};
	const char *rest = strchr(text, ':');

	if (!rest || rest - text > 4 || strlen(text) >= sizeof s.host)
		return ASSAY_MALFORMED;
	memcpy(s.kind, text, (size_t)(rest - text));
	rest++;
	if (strcmp(s.kind, "unix") == 0) {
		if (*rest != '/' || strlen(rest) > 107)
			return ASSAY_MALFORMED;
		text_format(s.host, sizeof s.host, "%s", rest);
	} else {
		s.port = strcmp(s.kind, "tcp") == 0 ? 601 : 514;
		if ((strcmp(s.kind, "udp") != 0 && strcmp(s.kind, "tcp") != 0) ||
		    !split_host(rest, strlen(rest), s.host, &s.port))
			return ASSAY_MALFORMED;
	}
	*ret = s;
	return ASSAY_OK;
}

int
config_facility(const char *name)
{
	static const char *const names[] = {
		"kern",	  "user",   "mail",   "daemon", "auth",	  "syslog", "lpr",    "news",
		"uucp",	  "cron",   "authpriv", "ftp",	"ntp",	  "audit",  "alert",  "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};

	for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static bool
is_this_host(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

/* ---- files ---- */

enum assay_err
config_read_secret(const char *path, uint8_t ret[CONFIG_SECRET_MAX], size_t *ret_len)
{
	uint8_t buf[CONFIG_SECRET_MAX + 3];
	enum assay_err e = ASSAY_OK;
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return ASSAY_NOT_FOUND;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		e = ASSAY_MALFORMED;
	else if (st.st_mode & (S_IRWXO | S_IWGRP))
		e = ASSAY_DENIED;
	else if ((n = read(fd, buf, sizeof buf)) < 0)
		e = ASSAY_IO;
	close(fd);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		n--;
	if (e == ASSAY_OK && n > CONFIG_SECRET_MAX)
		e = ASSAY_TOO_LARGE;
	if (e == ASSAY_OK && n < CONFIG_SECRET_MIN)
		e = ASSAY_TRUNCATED;
	if (e == ASSAY_OK) {
		memcpy(ret, buf, (size_t)n);
		*ret_len = (size_t)n;
	}
	explicit_bzero(buf, sizeof buf);
	return e;
}

static const char *
secret_fault(const char *path)
{
	uint8_t secret[CONFIG_SECRET_MAX];
	size_t n;
	enum assay_err e = config_read_secret(path, secret, &n);

	explicit_bzero(secret, sizeof secret);
	switch (e) {
	case ASSAY_OK:
		return NULL;
	case ASSAY_DENIED:
		return "others may read it or its group may write it, say chmod 600";
	case ASSAY_TRUNCATED:
		return "is too short, make one with: openssl rand -hex 32";
	case ASSAY_TOO_LARGE:
		return "is too long, give at most 256 bytes";
	case ASSAY_MALFORMED:
		return "is not a file";
	default:
		return "cannot be read";
	}
}

/* ---- one webhook ---- */

/* A member of the mapping that is being checked. */
struct here {
	struct config_loading *l;
	enum config_section section;
	unsigned item;
};

static const struct config_pair *
find(const struct here *h, const char *key)
{
	for (size_t i = 0; i < h->l->pairs->n; i++) {
		const struct config_pair *p = &h->l->pairs->pair[i];

		if (p->section == h->section && p->item == h->item && strcmp(p->key, key) == 0)
			return p;
	}
	return NULL;
}

static enum assay_err
wrong(const struct here *h, const char *key, const char *what)
{
	const struct config_pair *p = find(h, key);
	struct config_place at = h->item ? h->l->pairs->item[h->item - 1]
					 : h->l->pairs->section[h->section];

	return config_complain(h->l, p ? p->value_at : at, key, what);
}

static enum assay_err
check_url(const struct here *h, const struct config_webhook *w)
{
	struct config_url u;

	if (config_split_url(w->url, &u) != ASSAY_OK)
		return wrong(h, "url", "is no URL, give one as https://HOST:PORT/PATH");
	if (!u.tls && !w->allow_http && !is_this_host(u.host))
		return wrong(h, "url", "is http to another host, use https, or say `allow_http: "
				       "true'");
	if (!u.tls && (w->ca[0] || w->pin[0]))
		return wrong(h, w->ca[0] ? "ca" : "pin", "is of no use with http");
	return ASSAY_OK;
}

static enum assay_err
check_files(const struct here *h, const struct config_webhook *w)
{
	const char *fault = secret_fault(w->secret_file);

	if (fault)
		return wrong(h, "secret_file", fault);
	if (w->next_secret_file[0] && (fault = secret_fault(w->next_secret_file)))
		return wrong(h, "next_secret_file", fault);
	if (w->ca[0] && access(w->ca, R_OK) != 0)
		return wrong(h, "ca", "cannot be read");
	return ASSAY_OK;
}

/* "admit quarantine", with blanks or commas between. */
static bool
has_outcomes_form(const char *s)
{
	static const char *const words[] = {"admit", "restrict", "quarantine"};

	for (s += strspn(s, " ,"); *s; s += strspn(s, " ,")) {
		size_t n = strcspn(s, " ,"), i = 0;

		while (i < 3 && (strlen(words[i]) != n || strncmp(words[i], s, n) != 0))
			i++;
		if (i == 3)
			return false;
		s += n;
	}
	return true;
}

static enum assay_err
check_filter(const struct here *h, const struct config_webhook *w)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ".-_";

	if (w->class[strspn(w->class, word)])
		return wrong(h, "class", "has letters that no class has");
	for (const char *s = w->labels; *s; s++)
		if (!strchr(word, *s) && *s != ' ' && *s != '=')
			return wrong(h, "labels", "has letters that no label has");
	if (!has_outcomes_form(w->outcomes))
		return wrong(h, "outcomes", "give a list of admit, restrict and quarantine");
	if (w->pin[0] && strspn(w->pin, "0123456789abcdefABCDEF") != 64)
		return wrong(h, "pin", "give 64 hexadecimal digits");
	if ((uint64_t)w->give_up_s > (uint64_t)h->l->c->retention_days * 86400)
		return wrong(h, "give_up_s", "is longer than decisions are kept (retention_days)");
	return ASSAY_OK;
}

static enum assay_err
check_name(const struct here *h, const struct config_webhook *w)
{
	const struct config *c = h->l->c;

	if (w->name[strspn(w->name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return wrong(h, "name", "give lower-case letters, digits and dashes");
	for (unsigned i = 0; i < c->nwebhooks; i++)
		if (strcmp(c->webhooks[i].name, w->name) == 0)
			return wrong(h, "name", "is another webhook's, give each its own");
	return ASSAY_OK;
}

static enum assay_err
check_webhook(const struct here *h, const struct config_webhook *w)
{
	enum assay_err e;

	if (!find(h, "name"))
		return wrong(h, "webhooks", "`name' is missing");
	if (!find(h, "url"))
		return wrong(h, "webhooks", "`url' is missing");
	if (!find(h, "secret_file"))
		return wrong(h, "webhooks", "`secret_file' is missing");
	if ((e = check_name(h, w)) != ASSAY_OK || (e = check_url(h, w)) != ASSAY_OK ||
	    (e = check_filter(h, w)) != ASSAY_OK)
		return e;
	return check_files(h, w);
}

/* Every pair of the mapping, checked and set. */
static enum assay_err
take_pairs(const struct here *h, const struct config_keys *keys, void *base)
{
	enum assay_err e = ASSAY_OK;

	for (size_t i = 0; i < h->l->pairs->n && e == ASSAY_OK; i++) {
		const struct config_pair *p = &h->l->pairs->pair[i];

		if (p->section != h->section || p->item != h->item)
			continue;
		if ((e = config_check_pair(h->l, keys, i)) == ASSAY_OK)
			e = config_set(h->l, config_key_of(keys, p->key), p, base);
	}
	return e;
}

static enum assay_err
take_webhook(const struct here *h)
{
	struct config_webhook w = {
		.timeout_ms = TIMEOUT_MS, .retry_max_s = RETRY_MAX_S, .give_up_s = GIVE_UP_S};
	struct config *c = h->l->c;
	enum assay_err e;

	if ((e = take_pairs(h, &webhook_keys, &w)) != ASSAY_OK ||
	    (e = check_webhook(h, &w)) != ASSAY_OK)
		return e;
	if (c->nwebhooks == CONFIG_WEBHOOKS_MAX)
		return wrong(h, "name", "there are more than 16 webhooks");
	c->webhooks[c->nwebhooks++] = w;
	return ASSAY_OK;
}

static enum assay_err
take_events(const struct here *h)
{
	struct config_events *v = &h->l->c->events;
	struct config_syslog s;
	enum assay_err e = take_pairs(h, &events_keys, v);

	if (e != ASSAY_OK)
		return e;
	if (v->syslog[0] && config_split_syslog(v->syslog, &s) != ASSAY_OK)
		return wrong(h, "syslog", "give unix:PATH, udp:HOST:PORT or tcp:HOST:PORT");
	if (config_facility(v->facility) < 0)
		return wrong(h, "facility", "there is no such facility, give daemon, auth, "
					    "authpriv, audit or local0 to local7");
	return ASSAY_OK;
}

enum assay_err
config_outbound(struct config_loading *l)
{
	struct here h = {.l = l, .section = CONFIG_SECTION_webhooks};
	enum assay_err e = ASSAY_OK;

	for (unsigned i = 1; i <= l->pairs->nitems && e == ASSAY_OK; i++) {
		h.item = i;
		e = take_webhook(&h);
	}
	h = (struct here){.l = l, .section = CONFIG_SECTION_events};
	return e == ASSAY_OK ? take_events(&h) : e;
}
