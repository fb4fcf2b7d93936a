/* cmd_reference_export.c: `assay reference export`: a set's compiled bytes, as `assay
 * appraise' takes them. */
#include "client.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#define SET_MAX (128u << 20)

extern const struct cli_command cmd_reference_export;

static const struct client_spec spec = {
	.command = &cmd_reference_export,
	.path = "/v1/references/{0}/content",
	.args = {"REFERENCE"},
	.options = {{"output", "", CLIENT_LOCAL, true}},
};

/* Pieces come as large as the verifier makes them; the last is empty. */
static int
fetch(const struct client *c, const char *path, uint8_t **set, size_t *n)
{
	for (;;) {
		struct span piece;
		uint8_t *grown;
		char at[600];
		int status;

		text_format(at, sizeof at, "%s?offset=%zu", path, *n);
		if (!client_fetch(c, at, &piece, &status))
			return status;
		grown = piece.n <= SET_MAX - *n ? realloc(*set, *n + piece.n + 1) : NULL;
		if (grown) {
			*set = grown;
			if (piece.n)
				memcpy(grown + *n, piece.p, piece.n);
			*n += piece.n;
		}
		cli_free(piece);
		if (!grown)
			return cli_fail(CLI_FAULT, "the set is too large");
		if (piece.n == 0)
			return CLI_YES;
	}
}

static int
run(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	uint8_t *set = NULL;
	struct client c;
	size_t n = 0;
	char *path;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	path = client_path(&c, spec.path);
	if (!path)
		return cli_fail(CLI_BAD_INPUT, "the request is too long");
	if ((status = fetch(&c, path, &set, &n)) == CLI_YES)
		status = cli_write_file(client_option(&c, "output"), SPAN(set, n));
	free(set);
	free(path);
	return status;
}

const struct cli_command cmd_reference_export = {
	.group = "reference",
	.name = "export",
	.usage = "REFERENCE --output FILE",
	.summary = "a reference set's compiled bytes, for appraisal elsewhere",
	.help = "FILE is what `assay appraise --reference' takes; its digest is its SHA-256.\n"
		"It must not exist.\n\n"
		"  assay reference export gw-4.2 --output gw-4.2.set\n",
	.run = run,
};
