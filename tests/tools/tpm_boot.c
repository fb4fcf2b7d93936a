/*
 * tpm_boot.c: does to a TPM what a machine's firmware did when it wrote an event log:
 * TPM2_Startup from the locality that the log tells, then every event's digests
 * extended into its PCR, all banks of the log in one TPM2_PCR_Extend.
 *
 *	tpm_boot --tcti TCTI [--startup] --log FILE
 *	tpm_boot --tcti TCTI --extend PCR:ALG:HEX
 *
 * --startup is for a TPM that was just powered on (swtpm_ioctl -i). Digests of
 * algorithms that cannot be computed here (SM3) are left out, as is their bank. An
 * H-CRTM cannot be played back: such logs are refused. Exit status as for `assay`:
 * 0 done, 2 bad input, 3 the TPM does not answer or refuses, 64 usage.
 */
#include "evidence/eventlog.h"
#include "evidence/hex.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

enum { DONE = 0, BAD_INPUT = 2, NO_ACCESS = 3, USAGE = 64 };

struct options {
	const char *tcti, *log, *extend;
	bool startup;
};

static int
complain(int status, const char *what, const char *why)
{
	fprintf(stderr, "tpm_boot: %s: %s\n", what, why);
	return status;
}

static int
refused(const char *command, TSS2_RC rc)
{
	return complain(NO_ACCESS, command, Tss2_RC_Decode(rc));
}

static void
add_digest(TPML_DIGEST_VALUES *list, uint16_t alg, struct span bytes)
{
	TPMT_HA *to = &list->digests[list->count];

	if (list->count == TPM2_NUM_PCR_BANKS || bytes.n > sizeof to->digest)
		return;
	to->hashAlg = alg;
	memcpy(&to->digest, bytes.p, bytes.n);
	list->count++;
}

static int
extend(ESYS_CONTEXT *tpm, unsigned pcr, const TPML_DIGEST_VALUES *digests)
{
	TSS2_RC rc = Esys_PCR_Extend(tpm, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				     ESYS_TR_NONE, digests);

	return rc == TSS2_RC_SUCCESS ? DONE : refused("TPM2_PCR_Extend", rc);
}

static int
extend_event(ESYS_CONTEXT *tpm, const struct event *ev)
{
	TPML_DIGEST_VALUES list = {0};

	if (ev->type == EV_NO_ACTION)
		return DONE;
	for (unsigned i = 0; i < ev->ndigests; i++)
		if (digest_computable(ev->digests[i].alg))
			add_digest(&list, ev->digests[i].alg, ev->digests[i].bytes);
	return extend(tpm, ev->pcr, &list);
}

static int
extend_log(ESYS_CONTEXT *tpm, struct span log, unsigned *ret_extended)
{
	struct eventlog l;
	struct event ev;
	int status = DONE;

	if (eventlog_open(log, false, &l) != ASSAY_OK)
		return BAD_INPUT;
	while (status == DONE && eventlog_next(&l, &ev)) {
		status = extend_event(tpm, &ev);
		*ret_extended += ev.type != EV_NO_ACTION;
	}
	return status;
}

/* The locality is a property of the connection; commands after this are at 0 again. */
static int
start_tpm(ESYS_CONTEXT *tpm, int locality)
{
	TSS2_TCTI_CONTEXT *tcti = NULL;
	TSS2_RC rc = Esys_GetTcti(tpm, &tcti);

	if (rc == TSS2_RC_SUCCESS && locality > 0)
		rc = Tss2_Tcti_SetLocality(tcti, (uint8_t)locality);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Startup(tpm, TPM2_SU_CLEAR);
	if (rc == TSS2_RC_SUCCESS && locality > 0)
		rc = Tss2_Tcti_SetLocality(tcti, 0);
	return rc == TSS2_RC_SUCCESS ? DONE : refused("TPM2_Startup", rc);
}

/* Into memory that lasts as long as the program. */
static bool
read_log(const char *path, struct span *ret)
{
	static uint8_t bytes[EVENTLOG_MAX + 1];
	FILE *f = fopen(path, "rb");

	if (!f)
		return false;
	*ret = SPAN(bytes, fread(bytes, 1, sizeof bytes, f));
	return fclose(f) == 0;
}

static int
boot(ESYS_CONTEXT *tpm, const struct options *o)
{
	struct eventlog_replay expected;
	unsigned extended = 0;
	int status = DONE;
	struct span log;
	enum assay_err e;

	if (!read_log(o->log, &log))
		return complain(NO_ACCESS, o->log, "cannot be read");
	if ((e = eventlog_replay(log, false, &expected)) != ASSAY_OK)
		status = complain(BAD_INPUT, o->log, assay_err_text(e));
	else if (expected.hcrtm || expected.startup_locality == 4)
		status = complain(BAD_INPUT, o->log, "starts with an H-CRTM");
	if (status == DONE && o->startup)
		status = start_tpm(tpm, expected.startup_locality);
	if (status == DONE)
		status = extend_log(tpm, log, &extended);
	if (status == DONE)
		fprintf(stderr, "tpm_boot: extended %u events of %s\n", extended, o->log);
	return status;
}

/* PCR:ALG:HEX */
static int
extend_one(ESYS_CONTEXT *tpm, const char *text)
{
	char alg[16] = "", hex[2 * DIGEST_MAX + 1] = "";
	TPML_DIGEST_VALUES list = {0};
	struct digest d = {0};
	unsigned pcr;
	size_t n = 0;

	if (sscanf(text, "%2u:%15[a-z0-9_]:%128[0-9A-Fa-f]", &pcr, alg, hex) != 3 ||
	    pcr >= PCR_COUNT || hex_decode(hex, d.b, sizeof d.b, &n) != ASSAY_OK)
		return complain(USAGE, text, "is not PCR:ALG:HEX");
	if (n != digest_size(digest_by_name(alg)))
		return complain(USAGE, text, "has not the length of its algorithm's digests");
	add_digest(&list, digest_by_name(alg), SPAN(d.b, n));
	return extend(tpm, pcr, &list);
}

static int
run(const struct options *o)
{
	TSS2_TCTI_CONTEXT *tcti = NULL;
	ESYS_CONTEXT *tpm = NULL;
	int status = NO_ACCESS;
	TSS2_RC rc;

	if ((rc = Tss2_TctiLdr_Initialize(o->tcti, &tcti)) != TSS2_RC_SUCCESS ||
	    (rc = Esys_Initialize(&tpm, tcti, NULL)) != TSS2_RC_SUCCESS)
		refused(o->tcti, rc);
	else
		status = o->log ? boot(tpm, o) : extend_one(tpm, o->extend);
	Esys_Finalize(&tpm);
	Tss2_TctiLdr_Finalize(&tcti);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"tcti", required_argument, NULL, 't'},
		{"log", required_argument, NULL, 'l'},
		{"extend", required_argument, NULL, 'e'},
		{"startup", no_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {0};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		o.tcti = c == 't' ? optarg : o.tcti;
		o.log = c == 'l' ? optarg : o.log;
		o.extend = c == 'e' ? optarg : o.extend;
		o.startup |= c == 's';
		good &= c != '?';
	}
	if (!good || optind != argc || !o.tcti || !o.log == !o.extend || (o.startup && !o.log)) {
		fputs("usage: tpm_boot --tcti TCTI ([--startup] --log FILE | --extend "
		      "PCR:ALG:HEX)\n",
		      stderr);
		return USAGE;
	}
	setenv("TSS2_LOG", "all+none", 0);
	return run(&o);
}
