/*
 * compiler.c: the compiler process; see compiler.h. Jailed before it reads its job,
 * but for roots: their directory is read first, as keeper reads no files of others.
 */
#include "compiler.h"

#include "child.h"
#include "log.h"

#include "evidence/eventlog.h"
#include "evidence/evidencefile.h"
#include "evidence/hex.h"
#include "verifier/appraise/digestset.h"
#include "verifier/appraise/policy.h"
#include "verifier/appraise/reference.h"
#include "verifier/appraise/softset.h"
#include "verifier/compiler/corim_compile.h"
#include "verifier/compiler/imafiles.h"
#include "verifier/compiler/policy_compile.h"
#include "verifier/compiler/roots_compile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8192
#define OUT_MAX IPC_BULK_MAX
#define CORIM_OUT_MAX (2u << 20)

/* What a job leaves: bytes, or text for the operator. */
struct result {
	enum assay_err e;
	struct span out;
	char text[TEXT_MAX];
};

static void
put_text(struct result *r, const char *fmt, const char *a, const char *b)
{
	size_t n = strlen(r->text);

	snprintf(r->text + n, sizeof r->text - n, fmt, a, b);
}

static void
compile_policy(struct span in, struct result *ret)
{
	static struct yaml_errors errs;
	char file[256] = "policy";
	struct writer w;
	struct span name;
	struct reader r;

	rd_init(&r, in);
	name = rd_be16_bytes(&r, sizeof file - 1);
	in = rd_rest(&r);
	if (rd_finish(&r) != ASSAY_OK) {
		ret->e = ASSAY_INTERNAL;
		return;
	}
	if (name.n) {
		memcpy(file, name.p, name.n);
		file[name.n] = '\0';
	}
	wr_init(&w, malloc(POLICY_BYTES_MAX), POLICY_BYTES_MAX);
	ret->e = w.p ? policy_compile(in, file, &w, &errs) : ASSAY_NO_MEMORY;
	ret->out = wr_span(&w);
	for (unsigned i = 0; i < errs.count; i++)
		put_text(ret, "%s%s\n", errs.e[i].text, "");
}

static void
compile_capture(struct span in, struct result *ret)
{
	static struct continuity c;
	struct span log, cont;
	struct writer w;
	struct reader r;
	uint32_t mask;

	rd_init(&r, in);
	mask = rd_be32(&r);
	log = rd_be32_bytes(&r, EVENTLOG_MAX);
	cont = rd_be32_bytes(&r, CONTINUITY_BYTES_MAX);
	if (rd_finish(&r) != ASSAY_OK || continuity_decode(cont, &c) != ASSAY_OK) {
		ret->e = ASSAY_INTERNAL;
		return;
	}
	wr_init(&w, malloc(REFERENCE_BYTES_MAX), REFERENCE_BYTES_MAX);
	ret->e = w.p ? reference_capture(log, &c, mask, &w) : ASSAY_NO_MEMORY;
	ret->out = wr_span(&w);
	if (ret->e == ASSAY_MISMATCH)
		put_text(ret, "%s%s",
			 "the boot log does not lead to the PCR values that were quoted", "");
	else if (ret->e != ASSAY_OK)
		put_text(ret, "the boot log %s%s", assay_err_text(ret->e), "");
}

/* Claims came in the proof, or apart. */
static enum assay_err
find_claims(struct span proof, struct arena *scratch, struct span *claims)
{
	static struct msg_proof p;
	enum assay_err e;

	if (claims->n != 0)
		return ASSAY_OK;
	e = envelope_decode_proof(proof, scratch, &p);
	*claims = p.claims;
	return e;
}

static void
compile_software(struct span in, struct result *ret)
{
	static struct verdict v;
	static struct span old[16], files[64];
	struct softset_source from = {.verdict = &v, .old = old, .files = files};
	struct arena scratch;
	struct span proof, verdict;
	struct writer w;
	struct reader r, list;

	rd_init(&r, in);
	from.baseline = rd_u8(&r) != 0;
	proof = rd_be32_bytes(&r, MSG_PROOF_MAX);
	from.claims = rd_be32_bytes(&r, MSG_CLAIMS_MAX);
	verdict = rd_be32_bytes(&r, VERDICT_BYTES_MAX);
	rd_init(&list, rd_be32_bytes(&r, IPC_BULK_MAX));
	while (rd_left(&list) > 0 && from.nfiles < sizeof files / sizeof files[0])
		files[from.nfiles++] = rd_be32_bytes(&list, MANIFEST_MAX);
	while (rd_left(&r) > 0 && from.nold < sizeof old / sizeof old[0])
		old[from.nold++] = rd_be32_bytes(&r, SOFTSET_BYTES_MAX);
	arena_init(&scratch, malloc(2 * MSG_ARENA_MAX), 2 * MSG_ARENA_MAX);
	wr_init(&w, malloc(SOFTSET_BYTES_MAX), SOFTSET_BYTES_MAX);
	if (rd_finish(&r) != ASSAY_OK || rd_finish(&list) != ASSAY_OK ||
	    verdict_decode(verdict, &v) != ASSAY_OK) {
		ret->e = ASSAY_INTERNAL;
		return;
	}
	ret->e = w.p && scratch.p ? find_claims(proof, &scratch, &from.claims) : ASSAY_NO_MEMORY;
	if (ret->e == ASSAY_OK)
		ret->e = softset_capture(&from, &scratch, &w);
	ret->out = wr_span(&w);
	if (ret->e != ASSAY_OK)
		put_text(ret, "the claims: %s%s", assay_err_text(ret->e), "");
}

static void
compile_corim(struct span in, struct result *ret)
{
	static struct corim_request request;
	char why[400] = "";
	struct writer w;
	struct reader r;
	int64_t now;
	uint8_t *bytes;
	char *hex;
	size_t n = 0;

	rd_init(&r, in);
	now = (int64_t)rd_be64(&r);
	in = rd_rest(&r);
	hex = strndup((const char *)in.p, in.n);
	bytes = malloc(in.n / 2 + 1);
	wr_init(&w, malloc(CORIM_OUT_MAX), CORIM_OUT_MAX);
	ret->e = hex && bytes && w.p ? hex_decode(hex, bytes, in.n / 2 + 1, &n) : ASSAY_NO_MEMORY;
	if (ret->e == ASSAY_OK)
		ret->e = corim_request_read(SPAN(bytes, n), &request);
	request.now = now;
	if (ret->e == ASSAY_OK)
		ret->e = corim_compile(&request, &w, why, sizeof why);
	ret->out = wr_span(&w);
	put_text(ret, "%s%s", *why ? why : assay_err_text(ret->e), "");
	free(hex); /* the rest ends with the process */
}

static void
warn_root(void *arg, const char *path, const char *text)
{
	(void)arg;
	log_event(LOG_LEVEL_WARN, "root-skipped", "path", path, "why", text, NULL);
}

static void
compile_roots(struct span in, struct result *ret)
{
	char dir[512] = "", crls[512] = "";
	struct roots_image image = {0};
	struct roots_source src = {.dir = dir, .crls = NULL, .warn = warn_root};
	struct span a, b;
	struct reader r;

	rd_init(&r, in);
	a = rd_be16_bytes(&r, sizeof dir - 1);
	b = rd_be16_bytes(&r, sizeof crls - 1);
	if (rd_finish(&r) != ASSAY_OK || a.n == 0) {
		ret->e = ASSAY_INTERNAL;
		return;
	}
	memcpy(dir, a.p, a.n);
	if (b.n) {
		memcpy(crls, b.p, b.n);
		src.crls = crls;
	}
	ret->e = roots_compile(&src, &image);
	ret->out = SPAN(image.bytes, image.len);
	if (ret->e != ASSAY_OK)
		put_text(ret, "%s: %s", dir,
			 ret->e == ASSAY_UNREACHABLE ? strerror(errno) : assay_err_text(ret->e));
	else
		log_event(LOG_LEVEL_INFO, "roots", "directory", dir, "roots",
			  log_u64(image.roots), "intermediates", log_u64(image.intermediates),
			  "crls", log_u64(image.crls), "bad-files", log_u64(image.bad_files),
			  NULL);
}

static void
check_files(struct span in, struct result *ret)
{
	ret->e = digestset_check(in);
	if (ret->e != ASSAY_OK)
		put_text(ret, "what was sent is no set of files: %s%s", assay_err_text(ret->e), "");
}

static void
files_of_list(struct span in, struct result *ret)
{
	uint8_t *p = NULL;
	size_t n = 0;

	ret->e = imafiles_compile(in, &p, &n);
	if (ret->e == ASSAY_OK && n > OUT_MAX - 2)
		ret->e = ASSAY_TOO_LARGE;
	ret->out = SPAN(p, n);
	if (ret->e != ASSAY_OK)
		put_text(ret, "the stored IMA list: %s%s", assay_err_text(ret->e), "");
}

static void
put_part(struct writer *w, size_t *at, struct span s, bool present)
{
	if (present)
		*at += 5;
	wr_u8(w, present);
	wr_be32(w, present ? (uint32_t)*at : 0);
	wr_be32(w, (uint32_t)s.n);
	*at += s.n;
}

/* Records stand one behind the other, each behind its kind and length. */
static void
parts_of_evidence(struct span in, struct result *ret)
{
	static uint8_t out[BINDING_NONCE_SIZE + 4 * 9];
	size_t at = sizeof EVIDENCEFILE_MAGIC - 1;
	struct evidence_file f;
	struct writer w;

	ret->e = evidence_file_parse(in, &f);
	if (ret->e == ASSAY_OK && f.nonce.n == 0)
		ret->e = ASSAY_NOT_FOUND;
	if (ret->e != ASSAY_OK)
		return;
	wr_init(&w, out, sizeof out);
	wr_bytes(&w, f.nonce);
	put_part(&w, &at, f.proof, true);
	put_part(&w, &at, f.claims, f.claims.n != 0);
	put_part(&w, &at, f.boot_log, f.has_boot_log);
	put_part(&w, &at, f.ima, f.has_ima);
	ret->e = w.err;
	ret->out = wr_span(&w);
}

static const struct job {
	enum compile_kind kind;
	bool before_jail; /* it reads the operator's files */
	void (*run)(struct span in, struct result *ret);
} jobs[] = {
	{COMPILE_POLICY, false, compile_policy},
	{COMPILE_CAPTURE, false, compile_capture},
	{COMPILE_CORIM, false, compile_corim},
	{COMPILE_ROOTS, true, compile_roots},
	{COMPILE_SOFTWARE, false, compile_software},
	{COMPILE_FILES_CHECK, false, check_files},
	{COMPILE_FILES_OF_LIST, false, files_of_list},
	{COMPILE_EVIDENCE, false, parts_of_evidence},
};

static const struct job *
find_job(unsigned kind)
{
	for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
		if (jobs[i].kind == kind)
			return &jobs[i];
	return NULL;
}

static enum assay_err
answer(struct ipc *c, const struct result *res)
{
	struct span body = res->e == ASSAY_OK ? res->out : SPAN(res->text, strlen(res->text));
	struct writer w;
	enum assay_err e;

	wr_init(&w, malloc(body.n + 2), body.n + 2);
	if (!w.p)
		return ASSAY_NO_MEMORY;
	wr_be16(&w, (uint16_t)res->e);
	wr_bytes(&w, body);
	if ((e = ipc_send(c, IPC_COMPILED, 0, wr_span(&w))) != ASSAY_OK)
		return e;
	while (ipc_wants_write(c)) {
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};

		if (poll(&p, 1, -1) < 0 || (e = ipc_flush(c)) != ASSAY_OK)
			return ASSAY_IO;
	}
	return ASSAY_OK;
}

static enum assay_err
run(void)
{
	static struct result res;
	struct child_start start = {0};
	const struct job *job;
	struct ipc_msg m;
	struct reader r;
	enum assay_err e;

	if ((e = child_start(ROLE_COMPILER, &start)) != ASSAY_OK ||
	    (e = ipc_recv(&start.ipc, &m)) != ASSAY_OK)
		return e;
	rd_init(&r, m.payload);
	job = find_job(m.type == IPC_COMPILE_BULK ? (unsigned)m.id : rd_be16(&r));
	if ((m.type != IPC_COMPILE && m.type != IPC_COMPILE_BULK) || !job)
		return ASSAY_BAD_TYPE;
	if (job->before_jail)
		job->run(rd_rest(&r), &res);
	if ((e = child_ready(&start, ROLE_COMPILER, SPAN(NULL, 0))) != ASSAY_OK)
		return e;
	if (!job->before_jail)
		job->run(rd_rest(&r), &res);
	return answer(&start.ipc, &res);
}

int
compiler_main(void)
{
	enum assay_err e = run();

	if (e == ASSAY_OK || e == ASSAY_UNREACHABLE)
		return 0;
	log_event(LOG_LEVEL_ERROR, "exit", "error", assay_err_name(e), NULL);
	return 4;
}
