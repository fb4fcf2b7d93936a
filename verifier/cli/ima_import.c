/* ima_import.c: see ima_import.h. Large sets go to the verifier in pieces. */
#include "ima_import.h"

#include "client.h"
#include "rootfs.h"
#include "table.h"

#include "verifier/appraise/text.h"
#include "verifier/compiler/digestset_build.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MAX 64

extern const struct cli_command cmd_reference_import;

static const struct client_spec import_spec = {
	.command = &cmd_reference_import,
	.post = true,
	.path = "/v1/imports",
	.options = {{"ima-from-rootfs", "", CLIENT_LOCAL, false},
		    {"ima-from-device", "device", CLIENT_TEXT, false},
		    {"name", "name", CLIENT_TEXT, false},
		    {"class", "class", CLIENT_TEXT, false},
		    {"reason", "reason", CLIENT_TEXT, false},
		    {"hash", "", CLIENT_LOCAL, false},
		    {"jobs", "", CLIENT_LOCAL, false}},
};

/* What becomes a set. */
struct gathering {
	struct digestset_builder *builder;
	unsigned nalgs;
	enum assay_err err;
};

static bool
add_file(void *arg, struct span name, const struct digest *digests)
{
	struct gathering *g = arg;

	for (unsigned i = 0; i < g->nalgs && g->err == ASSAY_OK; i++) {
		struct digestset_digest d = {digests[i].alg, false, digest_span(&digests[i])};

		g->err = digestset_add(g->builder, name, &d);
	}
	return g->err == ASSAY_OK;
}

/* "sha256" or "sha1,sha256". */
static bool
read_hashes(const char *text, struct rootfs_source *src)
{
	char word[16];

	for (;;) {
		size_t n = strcspn(text, ",");
		uint16_t alg;

		if (n == 0 || n >= sizeof word || src->nalgs == ROOTFS_ALGS_MAX)
			return false;
		memcpy(word, text, n);
		word[n] = '\0';
		alg = digest_by_name(word);
		if (alg == ALG_NONE || !digest_computable(alg))
			return false;
		src->algs[src->nalgs++] = alg;
		if (text[n] == '\0')
			return true;
		text += n + 1;
	}
}

static int
read_source(const struct client *c, struct rootfs_source *src)
{
	const char *hash = client_option(c, "hash"), *jobs = client_option(c, "jobs");
	uint64_t n = 0;

	src->path = client_option(c, "ima-from-rootfs");
	src->progress = isatty(STDERR_FILENO) == 1 && !c->json;
	if (!read_hashes(hash ? hash : "sha256", src))
		return cli_usage(&cmd_reference_import, "--hash: `%.40s' is no list such as sha256 "
							"or sha1,sha256", hash);
	if (jobs && (!client_parse_duration(jobs, &n) || n < 1 || n > JOBS_MAX ||
		     strspn(jobs, "0123456789") != strlen(jobs)))
		return cli_usage(&cmd_reference_import, "--jobs must be a number from 1 to %d",
				 JOBS_MAX);
	src->jobs = (unsigned)n;
	return CLI_YES;
}

static int
status_of(enum assay_err e)
{
	switch (e) {
	case ASSAY_NOT_FOUND:
	case ASSAY_DENIED:
		return CLI_NO_ACCESS;
	case ASSAY_NO_MEMORY:
	case ASSAY_INTERNAL:
		return CLI_FAULT;
	default:
		return CLI_BAD_INPUT;
	}
}

/* The compiled set, malloc'd. */
static int
compile(const struct client *c, uint8_t **ret, size_t *ret_len)
{
	struct gathering g = {.builder = digestset_builder_new()};
	struct rootfs_source src = {.on_file = add_file, .arg = &g};
	struct rootfs_result result;
	int status = read_source(c, &src);
	enum assay_err e;

	if (status == CLI_YES && !g.builder)
		status = cli_fail(CLI_FAULT, "%s", assay_err_text(ASSAY_NO_MEMORY));
	if (status == CLI_YES) {
		g.nalgs = src.nalgs;
		e = rootfs_read(&src, &result);
		if (e == ASSAY_OK && (e = digestset_build(g.builder, ret, ret_len)) != ASSAY_OK)
			g.err = e;
		if (g.err != ASSAY_OK)
			status = cli_fail(status_of(g.err), "%s: the set: %s", src.path,
					  assay_err_text(g.err));
		else if (e != ASSAY_OK)
			status = cli_fail(status_of(e), "%s", result.error);
		else if (result.files == 0)
			status = cli_fail(CLI_BAD_INPUT, "%s: holds no file", src.path);
		else
			fprintf(stderr, "%llu files, %llu MiB; the set has %zu KiB\n",
				(unsigned long long)result.files,
				(unsigned long long)result.bytes >> 20, *ret_len >> 10);
	}
	digestset_builder_free(g.builder);
	return status;
}

static int
show_imported(const struct client *c, const json_t *r)
{
	(void)c;
	printf("%s%s%s  %s%s%s\n", cli_bold(), view_text(r, "name"), cli_plain(),
	       view_colour("learned"), view_text(r, "state"), cli_plain());
	printf("  digest    %s\n  class     %s\n", view_text(r, "digest"), view_text(r, "class"));
	printf("It is learned: files that only it has get at best RESTRICT until it is promoted "
	       "(assay reference promote %s).\n", view_text(r, "name"));
	return CLI_YES;
}

static int
ask_import(const struct client *c, json_t *body)
{
	static const char *const fields[] = {"name", "class", "reason"};
	json_t *answer;
	int status;

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const char *value = client_option(c, fields[i]);

		if (value && json_object_set_new(body, fields[i], json_string(value)) != 0)
			return cli_fail(CLI_BAD_INPUT, "--%s: is not UTF-8 text", fields[i]);
	}
	answer = client_ask(c, true, import_spec.path, body, &status);
	if (answer && c->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (answer) {
		status = show_imported(c, answer);
	}
	json_decref(answer);
	return status;
}

static int
import_rootfs(const struct client *c)
{
	uint8_t *set = NULL;
	size_t n = 0;
	json_t *body = NULL;
	char id[64];
	int status = compile(c, &set, &n);

	if (status == CLI_YES)
		status = client_upload(c, SPAN(set, n), id);
	if (status == CLI_YES) {
		body = json_pack("{s:s}", "upload", id);
		status = ask_import(c, body);
	}
	json_decref(body);
	free(set);
	return status;
}

static int
import_device(const struct client *c)
{
	json_t *body = json_pack("{s:s}", "device", client_option(c, "ima-from-device"));
	int status = ask_import(c, body);

	json_decref(body);
	return status;
}

int
ima_import(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	struct client c;
	int status;

	if (!client_parse(&c, &import_spec, words, &status))
		return status;
	if (!client_option(&c, "ima-from-rootfs") == !client_option(&c, "ima-from-device"))
		return cli_usage(&cmd_reference_import, "from what: --ima-from-rootfs or "
							"--ima-from-device?");
	if (client_option(&c, "ima-from-device"))
		return import_device(&c);
	if (!client_option(&c, "class"))
		return cli_usage(&cmd_reference_import, "--class: which devices is the list for?");
	return import_rootfs(&c);
}
