/* cmd_audit.c: the audit log out of the verifier, and checked without it:
 * `assay audit export|verify`. */
#include "client.h"
#include "table.h"

#include "evidence/auditlog.h"
#include "evidence/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern const struct cli_command cmd_audit_export, cmd_audit_verify;

/* ---- export ---- */

/* Lines of a part; the number of its last entry in *after; whether the file's end is in it. */
static bool
has_end(struct span part, uint64_t *after)
{
	static const char end[] = "{\"head\":\"", entry[] = "{\"seq\":";
	struct reader r;

	rd_init(&r, part);
	while (rd_left(&r) > 0) {
		struct reader ahead = r;
		struct span line = rd_bytes(&r, span_until(rd_rest(&ahead), '\n').n);

		(void)rd_u8(&r);
		if (line.n > sizeof end && span_equal(SPAN(line.p, sizeof end - 1),
						      SPAN(end, sizeof end - 1)))
			return true;
		if (line.n > sizeof entry &&
		    span_equal(SPAN(line.p, sizeof entry - 1), SPAN(entry, sizeof entry - 1)))
			*after = strtoull((const char *)line.p + sizeof entry - 1, NULL, 10);
	}
	return false;
}

static int
export_to(const struct client *c, FILE *f)
{
	uint64_t after = 0;

	for (;;) {
		uint64_t before = after;
		struct span part;
		char path[64];
		bool end, written;
		int status;

		snprintf(path, sizeof path, "/v1/audit/export?after=%llu",
			 (unsigned long long)after);
		if (!client_fetch(c, after ? path : "/v1/audit/export", &part, &status))
			return status;
		end = has_end(part, &after);
		written = part.n == 0 || fwrite(part.p, 1, part.n, f) == part.n;
		cli_free(part);
		if (!written || fflush(f) != 0)
			return cli_fail(CLI_FAULT, "the audit log could not be written");
		if (end)
			return CLI_YES;
		if (after == before)
			return cli_fail(CLI_FAULT, "the verifier's answer has no end");
	}
}

static int
run_export(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_audit_export,
		.options = {{"output", "output", CLIENT_LOCAL, false}},
	};
	struct client_words words = {argc, argv};
	const char *path;
	struct client c;
	FILE *f = stdout;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	path = client_option(&c, "output");
	if (path && !(f = fopen(path, "wb")))
		return cli_fail(CLI_NO_ACCESS, "%s: cannot be written", path);
	status = export_to(&c, f);
	if (path && fclose(f) != 0 && status == CLI_YES)
		status = cli_fail(CLI_FAULT, "%s: cannot be written", path);
	return status;
}

const struct cli_command cmd_audit_export = {
	.group = "audit",
	.name = "export",
	.usage = "[--output FILE]",
	.summary = "the whole audit log, one line per entry, with its signed head",
	.help = "For `assay audit verify', which needs no verifier.\n\n"
		"  --output FILE   in place of standard output\n",
	.run = run_export,
};

/* ---- verify ---- */

struct verify_options {
	const char *file, *head, *root;
	bool json;
};

/* "SEQ:HASH", "HASH" or "SEQ". */
static bool
parse_head(const char *text, struct auditlog_expect *x)
{
	const char *colon = strchr(text, ':'), *hash = colon ? colon + 1 : text;
	size_t digits = strspn(text, "0123456789"), n;

	if (digits > 0 && digits < 19 && (text[digits] == ':' || text[digits] == '\0')) {
		x->has_seq = true;
		x->seq = strtoull(text, NULL, 10);
		if (!colon)
			return true;
	} else if (colon) {
		return false;
	}
	x->has_hash = true;
	return hex_decode(hash, x->hash, sizeof x->hash, &n) == ASSAY_OK && n == 32;
}

static int
parse_verify(int argc, char **argv, struct verify_options *o)
{
	for (int i = 1; i < argc; i++) {
		const char **to = strcmp(argv[i], "--expect-head") == 0 ? &o->head
				  : strcmp(argv[i], "--root") == 0	? &o->root
									: NULL;

		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (to) {
			if (++i == argc)
				return cli_usage(&cmd_audit_verify, "%s needs a value",
						 argv[i - 1]);
			*to = argv[i];
		} else if (argv[i][0] == '-' && argv[i][1] != '\0') {
			return cli_usage(&cmd_audit_verify, "no such option: %s", argv[i]);
		} else if (o->file) {
			return cli_usage(&cmd_audit_verify, "what is `%s'?", argv[i]);
		} else {
			o->file = argv[i];
		}
	}
	return o->file ? CLI_YES : cli_usage(&cmd_audit_verify, "FILE is needed");
}

static int
show_verified(const struct verify_options *o, enum assay_err e, const struct auditlog_report *r)
{
	char head[65] = "";
	json_t *j;

	if (hex_encode(SPAN(r->head, 32), head, sizeof head) != ASSAY_OK)
		return cli_fail(CLI_FAULT, "no memory");
	j = json_pack("{s:b, s:I, s:I, s:s, s:s, s:s, s:s}", "whole", e == ASSAY_OK, "entries",
		      (json_int_t)r->entries, "line", (json_int_t)r->line, "error",
		      assay_err_name(e), "reason", r->what, "root", r->root, "head",
		      e == ASSAY_OK ? head : "");
	json_object_set_new(j, "signed_at",
			    e == ASSAY_OK ? json_integer(r->signed_at) : json_null());
	if (o->json) {
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (e == ASSAY_OK) {
		printf("%swhole%s: %llu entries, head %llu:%s\n", cli_green(), cli_plain(),
		       (unsigned long long)r->entries, (unsigned long long)r->entries, head);
		printf("  signed     %s\n", view_time(j, "signed_at"));
		printf("  root key   %s%s\n", r->root,
		       o->root ? "" : " (not pinned: --root KID proves whose log it is)");
	} else {
		printf("%snot whole%s: line %llu: %s\n", cli_red(), cli_plain(),
		       (unsigned long long)r->line, r->what);
	}
	json_decref(j);
	return e == ASSAY_OK ? CLI_YES : CLI_NEGATIVE;
}

/* The file ("-": standard input) in pieces: it may be larger than memory. */
static int
check_file(const char *path, struct auditlog_check *c)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "rb");
	static uint8_t piece[65536];
	int status = CLI_YES;
	size_t n;

	if (!f)
		return cli_fail(CLI_NO_ACCESS, "%s: %s", path, strerror(errno));
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		if (auditlog_feed(c, SPAN(piece, n)) != ASSAY_OK)
			break;
	if (ferror(f))
		status = cli_fail(CLI_NO_ACCESS, "%s: %s", path, strerror(errno));
	if (!is_stdin)
		fclose(f);
	return status;
}

static int
run_verify(int argc, char **argv)
{
	struct verify_options o = {0};
	struct auditlog_expect x = {0};
	struct auditlog_report report;
	static struct auditlog_check check;
	int status;

	if ((status = parse_verify(argc, argv, &o)) != CLI_YES)
		return status;
	if (o.head && !parse_head(o.head, &x))
		return cli_usage(&cmd_audit_verify, "--expect-head is NUMBER:HASH, HASH or NUMBER");
	x.root = o.root;
	auditlog_begin(&check, &x, &report);
	if ((status = check_file(o.file, &check)) != CLI_YES)
		return status;
	return show_verified(&o, auditlog_end(&check), &report);
}

const struct cli_command cmd_audit_verify = {
	.group = "audit",
	.name = "verify",
	.usage = "FILE [--root KID] [--expect-head NUMBER:HASH] [--json]",
	.summary = "prove offline that an exported audit log is whole",
	.help = "Finds every edit, removal and reordering, and an end that was cut off and\n"
		"signed by somebody else. That the verifier itself gave a log that is too short\n"
		"shows with --expect-head.\n\n"
		"  --root KID          the verifier's first key (`assay key list')\n"
		"  --expect-head HEAD  an entry that must be in it: NUMBER:HASH, HASH or NUMBER,\n"
		"                      as every heartbeat of the decision stream tells\n\n"
		"Exit status: 0 whole, 1 not, 3 cannot be read, 64 usage.\n",
	.run = run_verify,
};
