/*
 * ima_grow.c: what a kernel with IMA does: appends entries to its binary list and extends
 * PCR 10 of a TPM by them, in every bank that is named.
 *
 *	ima_grow --list FILE [--tcti TCTI] [--banks sha1,sha256] ENTRY...
 *
 *	boot                    boot_aggregate over PCR 0 to 9 of the TPM, SHA-256
 *	file:PATH:TEXT          a file whose content is TEXT
 *	files:PREFIX:FROM:N     N files PREFIXn, n from FROM on, whose content is their name
 *	violation:PATH          a file that was open for writing
 *	kexec:TEXT              a measured buffer, kexec-cmdline
 *	buffers:NAME:BYTES:N    N measured buffers of so many bytes
 *
 * Without --tcti only the list grows, without --list only the PCR: what attackers do.
 * Exit status as for `assay`: 0, 2, 3, 64.
 */
#include "evidence/imalog.h"
#include "evidence/writer.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

enum { DONE = 0, BAD_INPUT = 2, NO_ACCESS = 3, USAGE = 64 };

#define TEXT_MAX 1024

struct grow {
	FILE *list;
	ESYS_CONTEXT *tpm;
	uint16_t banks[PCR_BANKS_MAX];
	unsigned nbanks;
};

static int
complain(int status, const char *what, const char *why)
{
	fprintf(stderr, "ima_grow: %s: %s\n", what, why);
	return status;
}

static int
extend(struct grow *g, struct span data, bool violation)
{
	TPML_DIGEST_VALUES list = {0};
	TSS2_RC rc;

	for (unsigned i = 0; i < g->nbanks; i++) {
		TPMT_HA *to = &list.digests[list.count++];
		struct digest d;

		if ((violation ? digest_fill(g->banks[i], 0xFF, &d)
			       : digest_compute(g->banks[i], data, &d)) != ASSAY_OK)
			return complain(BAD_INPUT, "--banks", "names one that cannot be computed");
		to->hashAlg = g->banks[i];
		memcpy(&to->digest, d.b, d.len);
	}
	rc = Esys_PCR_Extend(g->tpm, ESYS_TR_PCR0 + IMALOG_PCR, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			     ESYS_TR_NONE, &list);
	return rc == TSS2_RC_SUCCESS ? DONE : complain(NO_ACCESS, "TPM2_PCR_Extend",
						       Tss2_RC_Decode(rc));
}

/* Template data of an entry, to the list and into the PCR. */
static int
measure(struct grow *g, const char *template, struct span data, bool violation)
{
	static uint8_t entry[IMALOG_DATA_MAX + 512];
	struct writer w;
	struct digest d;

	if ((violation ? digest_fill(ALG_SHA1, 0, &d) : digest_compute(ALG_SHA1, data, &d)) !=
	    ASSAY_OK)
		return complain(BAD_INPUT, template, "cannot be hashed");
	wr_init(&w, entry, sizeof entry);
	wr_le32(&w, IMALOG_PCR);
	wr_bytes(&w, digest_span(&d));
	wr_le32(&w, (uint32_t)strlen(template));
	wr_bytes(&w, SPAN(template, strlen(template)));
	wr_le32(&w, (uint32_t)data.n);
	wr_bytes(&w, data);
	if (w.err != ASSAY_OK)
		return complain(BAD_INPUT, template, "is too long");
	/* the list before the PCR, as kernels do */
	if (g->list && (fwrite(entry, 1, w.len, g->list) != w.len || fflush(g->list) != 0))
		return complain(NO_ACCESS, "--list", "cannot be written");
	return g->tpm ? extend(g, data, violation) : DONE;
}

static void
field(struct writer *w, struct span s)
{
	wr_le32(w, (uint32_t)s.n);
	wr_bytes(w, s);
}

/* ima-ng; digest NULL: a violation. */
static int
measure_file(struct grow *g, const char *path, const struct digest *digest)
{
	uint8_t data[TEXT_MAX + 128], value[8 + 32] = "sha256:";
	struct writer w;

	if (digest)
		memcpy(value + 8, digest->b, 32);
	wr_init(&w, data, sizeof data);
	field(&w, SPAN(value, sizeof value));
	field(&w, SPAN(path, strlen(path) + 1));
	return measure(g, "ima-ng", wr_span(&w), digest == NULL);
}

static int
measure_text(struct grow *g, const char *path, const char *text)
{
	struct digest d;

	if (digest_compute(ALG_SHA256, SPAN(text, strlen(text)), &d) != ASSAY_OK)
		return BAD_INPUT;
	return measure_file(g, path, &d);
}

/* H(PCR 0 to 9) in the SHA-256 bank. */
static int
measure_boot(struct grow *g)
{
	TPML_PCR_SELECTION want = {.count = 1}, *got = NULL;
	uint8_t values[10 * 32];
	struct writer w;
	struct digest d;

	wr_init(&w, values, sizeof values);
	for (unsigned i = 0; i < 10 && g->tpm; i++) {
		TPML_DIGEST *list = NULL;
		TSS2_RC rc;

		want.pcrSelections[0] = (TPMS_PCR_SELECTION){
			.hash = ALG_SHA256, .sizeofSelect = 3,
			.pcrSelect = {(BYTE)(i < 8 ? 1u << i : 0),
				      (BYTE)(i < 8 ? 0 : 1u << (i - 8))}};
		rc = Esys_PCR_Read(g->tpm, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &want, NULL,
				   &got, &list);
		if (rc != TSS2_RC_SUCCESS)
			return complain(NO_ACCESS, "TPM2_PCR_Read", Tss2_RC_Decode(rc));
		wr_bytes(&w, SPAN(list->digests[0].buffer, list->digests[0].size));
		Esys_Free(list);
		Esys_Free(got);
	}
	if (digest_compute(ALG_SHA256, wr_span(&w), &d) != ASSAY_OK)
		return BAD_INPUT;
	return measure_file(g, IMALOG_BOOT_AGGREGATE, &d);
}

static int
measure_buffer(struct grow *g, const char *name, struct span buf)
{
	static uint8_t data[IMALOG_DATA_MAX];
	uint8_t value[8 + 32] = "sha256:";
	struct writer w;
	struct digest d;

	if (digest_compute(ALG_SHA256, buf, &d) != ASSAY_OK)
		return BAD_INPUT;
	memcpy(value + 8, d.b, 32);
	wr_init(&w, data, sizeof data);
	field(&w, SPAN(value, sizeof value));
	field(&w, SPAN(name, strlen(name) + 1));
	field(&w, buf);
	if (w.err != ASSAY_OK)
		return complain(BAD_INPUT, name, "is too long");
	return measure(g, "ima-buf", wr_span(&w), false);
}

static int
measure_buffers(struct grow *g, const char *rest)
{
	static uint8_t buf[IMALOG_DATA_MAX];
	char name[TEXT_MAX];
	unsigned bytes, n;
	int status = DONE;

	if (sscanf(rest, "%512[^:]:%u:%u", name, &bytes, &n) != 3 || bytes < 4 ||
	    bytes > sizeof buf)
		return complain(USAGE, rest, "is not NAME:BYTES:N");
	for (unsigned i = 0; i < n && status == DONE; i++) {
		memset(buf, 0x55, bytes);
		memcpy(buf, &i, sizeof i);
		status = measure_buffer(g, name, SPAN(buf, bytes));
	}
	return status;
}

static int
measure_files(struct grow *g, const char *rest)
{
	char prefix[TEXT_MAX / 2 + 1], path[TEXT_MAX];
	unsigned from, n;
	int status = DONE;

	if (sscanf(rest, "%512[^:]:%u:%u", prefix, &from, &n) != 3)
		return complain(USAGE, rest, "is not PREFIX:FROM:N");
	for (unsigned i = from; i < from + n && status == DONE; i++) {
		snprintf(path, sizeof path, "%s%u", prefix, i);
		status = measure_text(g, path, path);
	}
	return status;
}

static int
entry(struct grow *g, const char *arg)
{
	char path[TEXT_MAX / 2 + 1] = "", text[TEXT_MAX / 2 + 1] = "";

	if (strcmp(arg, "boot") == 0)
		return measure_boot(g);
	if (strncmp(arg, "files:", 6) == 0)
		return measure_files(g, arg + 6);
	if (strncmp(arg, "kexec:", 6) == 0)
		return measure_buffer(g, "kexec-cmdline", SPAN(arg + 6, strlen(arg + 6)));
	if (strncmp(arg, "buffers:", 8) == 0)
		return measure_buffers(g, arg + 8);
	if (sscanf(arg, "violation:%512[^\n]", path) == 1)
		return measure_file(g, path, NULL);
	if (sscanf(arg, "file:%512[^:]:%512[^\n]", path, text) == 2)
		return measure_text(g, path, text);
	return complain(USAGE, arg, "is no entry");
}

static int
run(struct grow *g, const char *tcti_name, char **entries)
{
	TSS2_TCTI_CONTEXT *tcti = NULL;
	int status = DONE;

	if (tcti_name && (Tss2_TctiLdr_Initialize(tcti_name, &tcti) != TSS2_RC_SUCCESS ||
			  Esys_Initialize(&g->tpm, tcti, NULL) != TSS2_RC_SUCCESS))
		status = complain(NO_ACCESS, tcti_name, "does not answer");
	for (; status == DONE && *entries; entries++)
		status = entry(g, *entries);
	Esys_Finalize(&g->tpm);
	Tss2_TctiLdr_Finalize(&tcti);
	return status;
}

static bool
set_banks(struct grow *g, char *text)
{
	for (char *name = strtok(text, ","); name; name = strtok(NULL, ",")) {
		uint16_t alg = digest_by_name(name);

		if (alg == ALG_NONE || g->nbanks == PCR_BANKS_MAX)
			return false;
		g->banks[g->nbanks++] = alg;
	}
	return g->nbanks > 0;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"tcti", required_argument, NULL, 't'},
		{"list", required_argument, NULL, 'l'},
		{"banks", required_argument, NULL, 'b'},
		{NULL, 0, NULL, 0},
	};
	const char *tcti = NULL, *list = NULL;
	char banks[64] = "sha1,sha256";
	struct grow g = {0};
	int c, status;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		tcti = c == 't' ? optarg : tcti;
		list = c == 'l' ? optarg : list;
		if (c == 'b')
			snprintf(banks, sizeof banks, "%s", optarg);
		if (c == '?')
			return USAGE;
	}
	if (!set_banks(&g, banks) || (!tcti && !list))
		return complain(USAGE, "ima_grow", "--list FILE [--tcti TCTI] ENTRY...");
	setenv("TSS2_LOG", "all+none", 0);
	if (list && !(g.list = fopen(list, "ab")))
		return complain(NO_ACCESS, list, "cannot be written");
	status = run(&g, tcti, argv + optind);
	if (g.list && fclose(g.list) != 0)
		status = complain(NO_ACCESS, list, "cannot be written");
	return status;
}
