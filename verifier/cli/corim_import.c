/* corim_import.c: see corim_import.h. The file goes to the verifier as it is, with those
 * who are believed; what it means is found out there. */
#include "corim_import.h"

#include "client.h"
#include "corim_anchors.h"
#include "table.h"

#include "evidence/hex.h"
#include "verifier/compiler/corim_compile.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX (CLIENT_FILE_MAX / 2) /* it travels in hex */

extern const struct cli_command cmd_reference_import;

/* ---- the answer ---- */

static int
show(const struct client *c, const json_t *answer)
{
	static const char *const heads[] = {"NAME", "CLASS", "LABELS", "DIGEST", NULL};
	const json_t *list = json_object_get(answer, "references");
	const json_t *retired = json_object_get(answer, "retired");
	int64_t unused = view_number(answer, "not_used");
	struct table t;

	(void)c;
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);

		table_cell(&t, view_text(r, "name"), "");
		table_cell(&t, view_text(r, "class"), "");
		table_cell(&t, view_text(r, "labels"), "");
		table_cell(&t, view_text(r, "digest"), "");
	}
	table_print(&t, stdout);
	for (size_t i = 0; i < json_array_size(retired); i++)
		printf("retired, as the signer replaces it: %s\n",
		       json_string_value(json_array_get(retired, i)));
	if (unused > 0)
		printf("%lld more cannot be compared and are not used (assay inspect corim)\n",
		       (long long)unused);
	puts("\nThey are learned: look at each (assay reference show NAME), then promote it:\n"
	     "assay reference promote NAME --digest DIGEST");
	return CLI_YES;
}

static const struct client_spec spec = {
	.command = &cmd_reference_import,
	.post = true,
	.path = "/v1/references/corim",
	.args = {"FILE"},
	.options = {{"class", "class", CLIENT_TEXT, true},
		    {"name", "name", CLIENT_TEXT, false},
		    {"reason", "reason", CLIENT_TEXT, false},
		    {"roots", "", CLIENT_LOCAL, false},
		    {"key", "", CLIENT_LOCAL, false},
		    {"class-id", "", CLIENT_LOCAL, false}},
	.show = show,
};

/* ---- the request ---- */

static int
read_request(const struct client *c, struct corim_request *ret, struct anchors *anchors)
{
	const char *roots = client_option(c, "roots"), *key = client_option(c, "key");
	const char *class_id = client_option(c, "class-id");
	int status = CLI_YES;

	if (!roots && !key)
		return cli_usage(&cmd_reference_import, "whose signature is believed? "
				 "--roots PATH or --key FILE");
	if (roots)
		status = anchors_add_roots(anchors, roots);
	if (status == CLI_YES && key)
		status = anchors_add_key(anchors, key);
	if (status != CLI_YES || !cli_read_file(c->args[0], CORIM_BYTES_MAX, &ret->file, &status))
		return status;
	ret->class_id = SPAN(class_id ? class_id : "", class_id ? strlen(class_id) : 0);
	ret->anchors = anchors->a;
	return CLI_YES;
}

static json_t *
make_body(const struct client *c, const struct corim_request *request)
{
	uint8_t *bytes = malloc(REQUEST_MAX);
	char *hex = malloc(2 * REQUEST_MAX + 1);
	json_t *body = json_object();
	struct writer w;
	bool ok = bytes && hex && body;

	wr_init(&w, bytes, bytes ? REQUEST_MAX : 0);
	if (ok) {
		corim_request_write(&w, request);
		ok = w.err == ASSAY_OK &&
		     hex_encode(wr_span(&w), hex, 2 * REQUEST_MAX + 1) == ASSAY_OK &&
		     json_object_set_new(body, "file", json_string(hex)) == 0;
	}
	for (unsigned i = 0; ok && i < 3; i++)
		if (c->values[i])
			ok = json_object_set_new(body, spec.options[i].field,
						 json_string(c->values[i])) == 0;
	free(bytes);
	free(hex);
	if (ok)
		return body;
	json_decref(body);
	return NULL;
}

int
corim_import(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	struct corim_request request = {0};
	struct anchors anchors = {0};
	json_t *body = NULL, *answer = NULL;
	struct client c;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	if ((status = read_request(&c, &request, &anchors)) == CLI_YES) {
		body = make_body(&c, &request);
		if (!body)
			status = cli_fail(CLI_BAD_INPUT, "%s: file and roots together are over "
					  "%u KiB", c.args[0], REQUEST_MAX >> 10);
	}
	if (body)
		answer = client_ask(&c, true, spec.path, body, &status);
	if (answer)
		status = client_present(&c, answer);
	json_decref(answer);
	json_decref(body);
	cli_free(request.file);
	anchors_free(&anchors);
	return status;
}
