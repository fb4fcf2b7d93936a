/* cmd_operator.c: who may operate: `assay operator add|list|revoke`. */
#include "client.h"
#include "table.h"

#include "evidence/digest.h"
#include "evidence/hex.h"
#include "verifier/appraise/certfile.h"
#include "verifier/appraise/x509.h"

#include <string.h>
#include <time.h>

#define CERTIFICATE_FILE_MAX 65536
#define EXPIRES_LEAST 60
#define EXPIRES_MOST (10ll * 366 * 86400)

extern const struct cli_command cmd_operator_add, cmd_operator_list, cmd_operator_revoke;

/* ---- add ---- */

static int
show_added(const struct client *c, const json_t *answer)
{
	const char *certificate = json_string_value(json_object_get(answer, "certificate"));
	char about[256];

	(void)c;
	if (certificate) {
		printf("%s is %s with certificate %s, until %s\n", view_text(answer, "name"),
		       view_text(answer, "role"), certificate, view_time(answer, "expires"));
		return CLI_YES;
	}
	snprintf(about, sizeof about, "Bearer token of %s %s, until %s", view_text(answer, "role"),
		 view_text(answer, "name"), view_time(answer, "expires"));
	return view_secret(answer, about);
}

/* Its hash, and unless --expires was given its end, into the request. */
static int
add_certificate(const struct x509 *x, const char *path, json_t *fields)
{
	int64_t left = x->not_after - time(NULL);
	char hex[2 * 32 + 1];
	uint8_t hash[32];

	if (left < EXPIRES_LEAST)
		return cli_fail(CLI_BAD_INPUT, "%s: the certificate has expired", path);
	if (left > EXPIRES_MOST)
		left = EXPIRES_MOST;
	if (digest_sha256(x->der, hash) != ASSAY_OK ||
	    hex_encode(SPAN(hash, sizeof hash), hex, sizeof hex) != ASSAY_OK ||
	    json_object_set_new(fields, "cert", json_string(hex)) != 0)
		return cli_fail(CLI_FAULT, "%s: cannot be hashed", path);
	if (!json_object_get(fields, "expires"))
		json_object_set_new(fields, "expires", json_integer(left));
	return CLI_YES;
}

/* The first certificate of the file: PEM or DER. */
static int
read_certificate(const char *path, json_t *fields)
{
	static uint8_t room[CERTIFICATE_FILE_MAX];
	struct certfile_item item;
	struct certfile f;
	struct span file;
	struct x509 x;
	enum assay_err e;
	int status;

	if (!cli_read_file(path, sizeof room, &file, &status))
		return status;
	certfile_open(&f, file, room, sizeof room);
	do
		e = certfile_next(&f, &item);
	while (e == ASSAY_OK && item.is_crl);
	if (e == ASSAY_OK)
		e = x509_parse(item.der, &x);
	status = e == ASSAY_OK ? add_certificate(&x, path, fields)
			       : cli_fail(CLI_BAD_INPUT, "%s: holds no certificate: %s", path,
					  assay_err_text(e));
	cli_free(file);
	return status;
}

static int
run_add(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_operator_add,
		.post = true,
		.path = "/v1/operators",
		.args = {"NAME"},
		.arg_field = "name",
		.options = {{"role", "role", CLIENT_TEXT, true},
			    {"expires", "expires", CLIENT_DURATION, false},
			    {"certificate", "cert", CLIENT_LOCAL, false}},
		.show = show_added,
	};
	struct client_words words = {argc, argv};
	json_t *fields, *answer = NULL;
	const char *certificate;
	struct client c;
	int status;

	if (!client_parse(&c, &spec, words, &status) || !(fields = client_fields(&c, &status)))
		return status;
	certificate = client_option(&c, "certificate");
	if (certificate)
		status = read_certificate(certificate, fields);
	if (status == CLI_YES)
		answer = client_ask(&c, true, spec.path, fields, &status);
	if (answer)
		status = client_present(&c, answer);
	json_decref(answer);
	json_decref(fields);
	return status;
}

const struct cli_command cmd_operator_add = {
	.group = "operator",
	.name = "add",
	.usage = "NAME --role ROLE [--certificate FILE] [--expires 90d] [--json]",
	.summary = "a bearer token, or a client certificate, for the operators' TLS port",
	.help = "Prints a token, which is kept only as a hash; or with --certificate registers\n"
		"exactly this certificate, of which no token is made.\n\n"
		"  --role ROLE         viewer asks; operator also orders; admin also operators;\n"
		"                      relying-party hears decisions and nothing else\n"
		"  --certificate FILE  the new operator's, PEM or DER (your own for this command\n"
		"                      comes from a profile or $ASSAY_CERTIFICATE)\n"
		"  --expires TIME      as 12h, 90d (90d; of a certificate: as long as it is "
		"valid)\n",
	.run = run_add,
};

/* ---- list ---- */

/* "token", or the first digits of a certificate's hash. */
static const char *
shown_by(const json_t *row)
{
	static char text[32];
	const char *certificate = json_string_value(json_object_get(row, "certificate"));

	if (!certificate)
		return "token";
	snprintf(text, sizeof text, "certificate %.16s", certificate);
	return text;
}

static int
show_operators(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"NAME", "ROLE", "STATE", "EXPIRES", "BY", NULL};
	const json_t *list = json_object_get(answer, "operators");
	int64_t now = view_number(answer, "now");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *state = view_text(row, "state");

		table_cell(&t, view_text(row, "name"), "");
		table_cell(&t, view_text(row, "role"), "");
		table_cell(&t, state, view_colour(state));
		table_cell(&t, view_ago(row, "expires", now), "");
		table_cell(&t, shown_by(row), "");
	}
	table_print(&t, stdout);
	return CLI_YES;
}

static int
run_operators(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_operator_list,
		.path = "/v1/operators",
		.list = "operators",
		.options = {{"limit", "limit", CLIENT_LIMIT, false}},
		.show = show_operators,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_operator_list = {
	.group = "operator",
	.name = "list",
	.usage = "[--limit N] [--json]",
	.summary = "who may use the operators' TLS port",
	.help = "",
	.run = run_operators,
};

/* ---- revoke ---- */

static int
show_revoked(const struct client *c, const json_t *answer)
{
	(void)c;
	printf("%s: revoked for good\n", view_text(answer, "name"));
	return CLI_YES;
}

static int
run_revoke(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_operator_revoke,
		.post = true,
		.path = "/v1/operators/{0}/revoke",
		.args = {"NAME"},
		.show = show_revoked,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_operator_revoke = {
	.group = "operator",
	.name = "revoke",
	.usage = "NAME [--json]",
	.summary = "end an operator's token or certificate",
	.help = "",
	.run = run_revoke,
};
