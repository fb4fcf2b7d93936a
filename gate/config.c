/* config.c: see config.h. libcyaml reads the file by a schema; what the schema cannot say
 * is checked here. */
#include "config.h"

#include "evidence/hex.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#define WHY_MAX 400

/* As it stands in the file; NULL: not given. */
struct file {
	char *server, *token_file, *ca, *tls_pin, *root, *class_name, *labels, *state, *status;
	char *fail, *match, *mode;
	char **interfaces, **always, **restricted, **routers, **places;
	unsigned interfaces_count, always_count, restricted_count, routers_count, places_count;
};

static const cyaml_schema_value_t text_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, GATE_TEXT_MAX - 1),
};

#define TEXT(key, member, flags)                                                               \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), struct file, member, 1,      \
			       GATE_TEXT_MAX - 1)
#define LIST(key, member, flags, max)                                                          \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | (flags), struct file, member,           \
			     &text_schema, 0, max)

static const cyaml_schema_field_t fields[] = {
	TEXT("server", server, 0),
	TEXT("token_file", token_file, 0),
	TEXT("ca", ca, CYAML_FLAG_OPTIONAL),
	TEXT("tls_pin", tls_pin, CYAML_FLAG_OPTIONAL),
	TEXT("root", root, 0),
	TEXT("class", class_name, CYAML_FLAG_OPTIONAL),
	TEXT("labels", labels, CYAML_FLAG_OPTIONAL),
	TEXT("state", state, 0),
	TEXT("status", status, CYAML_FLAG_OPTIONAL),
	TEXT("fail", fail, CYAML_FLAG_OPTIONAL),
	TEXT("match", match, CYAML_FLAG_OPTIONAL),
	TEXT("mode", mode, CYAML_FLAG_OPTIONAL),
	LIST("interfaces", interfaces, 0, GATE_INTERFACES_MAX),
	LIST("always", always, CYAML_FLAG_OPTIONAL, GATE_ENDPOINTS_MAX),
	LIST("restricted", restricted, CYAML_FLAG_OPTIONAL, GATE_ENDPOINTS_MAX),
	LIST("routers", routers, CYAML_FLAG_OPTIONAL, GATE_ROUTERS_MAX),
	LIST("places", places, CYAML_FLAG_OPTIONAL, GATE_PLACES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file, fields),
};

struct check {
	const char *path;
	char *why;
	size_t cap;
	bool failed;
	char what[WHY_MAX], field[32]; /* of libcyaml's, and where; line 0: not known */
	unsigned line, column;
};

static void
complain(struct check *c, const char *key, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	if (c->failed)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(c->why, c->cap, "%s: %s: %s", c->path, key, text);
	c->failed = true;
}

/* libcyaml says what is wrong, and after that where, innermost first, as
 * "  in mapping field 'always' (line: 6, column: 9)". */
static void
on_cyaml(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct check *c = ctx;
	char text[WHY_MAX], *at;

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(text, sizeof text, fmt, args);
	text[strcspn(text, "\n")] = '\0';
	if (!c->failed)
		snprintf(c->what, sizeof c->what, "%.300s",
			 strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
	else if (c->line == 0 && (at = strstr(text, "field '")) != NULL &&
		 sscanf(at, "field '%31[a-z_]' (line: %u, column: %u", c->field, &c->line,
			&c->column) != 3)
		c->line = 0;
	c->failed = true;
}

static void
complain_of_yaml(struct check *c, cyaml_err_t e)
{
	const char *what = c->failed ? c->what : cyaml_strerror(e);

	/* A key that is not there is at no line, and one that should not be is named. */
	if (c->line && strncmp(what, "Missing", 7) != 0 && strncmp(what, "Unexpected", 10) != 0)
		snprintf(c->why, c->cap, "%s:%u:%u: %s: %s", c->path, c->line, c->column, c->field,
			 what);
	else
		snprintf(c->why, c->cap, "%s: %s", c->path, what);
}

static void
take_text(struct check *c, const char *key, const char *from, char *to, size_t cap)
{
	if (!from)
		return;
	if (strlen(from) >= cap)
		complain(c, key, "is longer than %zu characters", cap - 1);
	else
		memcpy(to, from, strlen(from) + 1);
}

/* "wss://HOST:PORT" */
static void
take_server(struct check *c, const char *text, struct gate_config *ret)
{
	const char *host = text + 6, *colon = NULL;
	unsigned long port = 0;
	char *end = NULL;
	size_t n;

	if (strncmp(text, "wss://", 6) == 0 && (colon = strrchr(host, ':')) != NULL &&
	    colon[1] >= '1' && colon[1] <= '9')
		port = strtoul(colon + 1, &end, 10);
	if (!end || *end || colon == host || port > UINT16_MAX) {
		complain(c, "server", "must be wss://HOST:PORT");
		return;
	}
	ret->port = (uint16_t)port;
	n = (size_t)(colon - host);
	if (host[0] == '[' && host[n - 1] == ']')
		host++, n -= 2;
	snprintf(ret->server, sizeof ret->server, "%.*s", (int)n, host);
}

bool
gate_endpoint_parse(const char *text, struct gate_endpoint *ret)
{
	uint8_t bytes[16];
	unsigned port;
	int end = 0;

	memset(ret, 0, sizeof *ret);
	if (sscanf(text, "%47s %3s %5u%n", ret->address, ret->protocol, &port, &end) != 3 ||
	    text[end] != '\0' || port < 1 || port > UINT16_MAX ||
	    (strcmp(ret->protocol, "tcp") != 0 && strcmp(ret->protocol, "udp") != 0))
		return false;
	ret->port = (uint16_t)port;
	ret->ip6 = inet_pton(AF_INET6, ret->address, bytes) == 1;
	return ret->ip6 || inet_pton(AF_INET, ret->address, bytes) == 1;
}

static void
take_endpoints(struct check *c, const char *key, char **list, unsigned n,
	       struct gate_endpoint *to, unsigned *ret_n)
{
	for (unsigned i = 0; i < n; i++)
		if (!gate_endpoint_parse(list[i], &to[i]))
			complain(c, key, "`%.60s' is not like \"198.51.100.10 tcp 8443\"", list[i]);
	*ret_n = n;
}

/* A name that the kernel has, and that means nothing else in a rule. */
static bool
is_interface(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= GATE_INTERFACE_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@") == n;
}

static void
take_interfaces(struct check *c, const struct file *f, struct gate_config *ret)
{
	if (f->interfaces_count == 0)
		complain(c, "interfaces", "behind which interfaces are the devices?");
	for (unsigned i = 0; i < f->interfaces_count; i++) {
		if (!is_interface(f->interfaces[i]))
			complain(c, "interfaces", "`%.60s' is no name of an interface",
				 f->interfaces[i]);
		else
			memcpy(ret->interfaces[i], f->interfaces[i], strlen(f->interfaces[i]) + 1);
	}
	ret->ninterfaces = f->interfaces_count;
}

static void
take_routers(struct check *c, const struct file *f, struct gate_config *ret)
{
	uint8_t bytes[16];

	for (unsigned i = 0; i < f->routers_count; i++) {
		struct gate_address *to = &ret->routers[i];

		to->ip6 = inet_pton(AF_INET6, f->routers[i], bytes) == 1;
		if (!to->ip6 && inet_pton(AF_INET, f->routers[i], bytes) != 1)
			complain(c, "routers", "`%.60s' is no address", f->routers[i]);
		else
			snprintf(to->address, sizeof to->address, "%s", f->routers[i]);
	}
	ret->nrouters = f->routers_count;
	if (ret->nrouters && !ret->bridge)
		complain(c, "routers", "is for mode: bridge; a router is one itself");
}

/* "eth1 plc-7" */
static void
take_places(struct check *c, const struct file *f, struct gate_config *ret)
{
	for (unsigned i = 0; i < f->places_count && !c->failed; i++) {
		struct gate_place *to = &ret->places[i];
		const char *text = f->places[i], *blank = strchr(text, ' ');
		bool there = false;

		if (!blank || blank == text || blank - text > GATE_INTERFACE_MAX || !blank[1] ||
		    strlen(blank + 1) > RECORD_NAME_MAX || strchr(blank + 1, ' ')) {
			complain(c, "places", "`%.60s' is not like \"eth1 plc-7\"", text);
			return;
		}
		memcpy(to->interface, text, (size_t)(blank - text));
		memcpy(to->device, blank + 1, strlen(blank + 1) + 1);
		for (unsigned k = 0; k < ret->ninterfaces; k++)
			there |= strcmp(ret->interfaces[k], to->interface) == 0;
		if (!there)
			complain(c, "places", "`%s' is not among interfaces", to->interface);
	}
	ret->nplaces = f->places_count;
}

static void
take_trust(struct check *c, const struct file *f, struct gate_config *ret)
{
	size_t n = 0;

	take_text(c, "ca", f->ca, ret->ca, sizeof ret->ca);
	take_text(c, "root", f->root, ret->root, sizeof ret->root);
	if (f->tls_pin && (hex_decode(f->tls_pin, ret->pin, sizeof ret->pin, &n) != ASSAY_OK ||
			   n != sizeof ret->pin))
		complain(c, "tls_pin", "must be 64 hex digits");
	ret->has_pin = f->tls_pin != NULL;
	if (!f->ca && !f->tls_pin)
		complain(c, "ca", "this or tls_pin is needed: else the token would be given to "
				  "anybody");
	if (strlen(ret->root) != JWS_KID_SIZE - 1)
		complain(c, "root", "must be the %d characters that `assay key list' shows as the "
				    "root", JWS_KID_SIZE - 1);
}

static void
take_words(struct check *c, const struct file *f, struct gate_config *ret)
{
	if (f->fail && strcmp(f->fail, "open") == 0)
		ret->fail = GATE_FAIL_OPEN;
	else if (f->fail && strcmp(f->fail, "closed") != 0)
		complain(c, "fail", "must be closed or open");
	ret->bridge = f->mode && strcmp(f->mode, "bridge") == 0;
	if (f->mode && !ret->bridge && strcmp(f->mode, "router") != 0)
		complain(c, "mode", "must be router or bridge");
	ret->match_mac = !f->match || strcmp(f->match, "mac") == 0;
	if (!ret->match_mac && strcmp(f->match, "ip") != 0)
		complain(c, "match", "must be mac or ip");
	if (!ret->match_mac && ret->bridge)
		complain(c, "match", "must be mac with mode: bridge");
}

static void
take_all(struct check *c, const struct file *f, struct gate_config *ret)
{
	take_server(c, f->server, ret);
	take_text(c, "token_file", f->token_file, ret->token_file, sizeof ret->token_file);
	take_trust(c, f, ret);
	take_text(c, "class", f->class_name, ret->class_name, sizeof ret->class_name);
	take_text(c, "labels", f->labels, ret->labels, sizeof ret->labels);
	take_text(c, "state", f->state, ret->state, sizeof ret->state);
	take_text(c, "status", f->status, ret->status, sizeof ret->status);
	take_words(c, f, ret);
	take_interfaces(c, f, ret);
	take_routers(c, f, ret);
	take_places(c, f, ret);
	take_endpoints(c, "always", f->always, f->always_count, ret->always, &ret->nalways);
	take_endpoints(c, "restricted", f->restricted, f->restricted_count, ret->restricted,
		       &ret->nrestricted);
}

bool
gate_config_load(const char *path, struct gate_config *ret, char *ret_why, size_t cap)
{
	struct check c = {.path = path, .why = ret_why, .cap = cap};
	const cyaml_config_t config = {.log_fn = on_cyaml, .log_ctx = &c,
				       .log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem};
	struct file *f = NULL;
	cyaml_err_t e = cyaml_load_file(path, &config, &schema, (cyaml_data_t **)&f, NULL);

	memset(ret, 0, sizeof *ret);
	ret_why[0] = '\0';
	if (e != CYAML_OK) {
		complain_of_yaml(&c, e);
		return false;
	}
	take_all(&c, f, ret);
	cyaml_free(&config, &schema, f, 0);
	return !c.failed;
}
