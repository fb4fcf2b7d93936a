/*
 * ima_property.c: random IMA lists of every template, quoted by a real TPM, through
 * appraise(): the list is admitted, and no altered list is, each with the right reason.
 * For tests/integration/ima_property.sh.
 *
 *   ima_property TCTI SEED
 *
 * The TPM was just powered on and has booted tests/data/eventlog/uki-allbanks.bin, in
 * all its banks. Everything follows from the seed but the TPM's keys. Prints how many
 * lists were admitted and refused; exit status 0 if all were as they should be.
 */
#include <assay/attester.h>

#include "tests/support/imasign.h"
#include "tests/support/imaworld.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#define FILES 24

static struct imaworld w;
static struct assay_tpm *tpm;
static ESYS_CONTEXT *esys;
static TSS2_TCTI_CONTEXT *tcti;
static const char *tcti_name;
static uint32_t seed;
static unsigned admitted, refused, wrong;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "ima_property: %s failed: %s\n", what, tpm ? assay_tpm_detail(tpm) : "");
	exit(4);
}

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

/* ---- the TPM ---------------------------------------------------------------------- */

static void
extend(struct imaworld *i, const struct digest *d)
{
	TPML_DIGEST_VALUES v = {.count = 1};

	(void)i;
	v.digests[0].hashAlg = d->alg;
	memcpy(&v.digests[0].digest, d->b, d->len);
	must(Esys_PCR_Extend(esys, ESYS_TR_PCR10, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			     &v) == TSS2_RC_SUCCESS,
	     "TPM2_PCR_Extend");
}

static void
open_esys(void)
{
	must(Tss2_TctiLdr_Initialize(tcti_name, &tcti) == TSS2_RC_SUCCESS &&
		     Esys_Initialize(&esys, tcti, NULL) == TSS2_RC_SUCCESS,
	     "opening the TPM");
}

static void
close_esys(void)
{
	Esys_Finalize(&esys);
	Tss2_TctiLdr_Finalize(&tcti);
}

static void
quote(struct world *world, const uint8_t extra[BINDING_SIZE])
{
	static struct assay_quotes q;
	struct assay_backend back = assay_tpm_backend(tpm);
	struct assay_selection banks[PCR_BANKS_MAX];
	size_t n = world->ask.pcrs.count;

	for (size_t i = 0; i < n; i++) {
		banks[i].alg = world->ask.pcrs.bank[i].alg;
		banks[i].mask = world->ask.pcrs.bank[i].mask;
	}
	close_esys();
	must(back.quote(back.self, banks, n, extra, &q) == ASSAY_OK, "TPM2_Quote");
	open_esys();
	world->evidence.nquotes = q.quote_count;
	for (unsigned i = 0; i < q.quote_count; i++) {
		struct softtpm_quote *to = &world->evidence.quotes[i];

		to->attest_len = q.quote[i].attest_len;
		to->signature_len = q.quote[i].signature_len;
		must(to->signature_len <= sizeof to->signature, "room for the signature");
		memcpy(to->attest, q.quote[i].attest, to->attest_len);
		memcpy(to->signature, q.quote[i].signature, to->signature_len);
	}
}

static void
start_tpm(void)
{
	static uint8_t memory[256 << 10];
	const struct assay_tpm_config c = {
		.tcti = tcti_name, .ak = ASSAY_AK_ECC_P256, .create = true};
	struct assay_backend back;
	struct assay_identity id;
	static uint8_t public_area[2048];

	must(assay_tpm_init(memory, sizeof memory, &c, &tpm) == ASSAY_OK, "the TPM back end");
	must(assay_tpm_start(tpm) == ASSAY_OK, "starting the TPM");
	back = assay_tpm_backend(tpm);
	must(back.identity(back.self, &id) == ASSAY_OK, "the TPM's identity");
	memcpy(public_area, id.ak_public.data, id.ak_public.len);
	w.w.in.device.ak_public = SPAN(public_area, id.ak_public.len);
	w.w.in.device.ak_name.len = (uint16_t)assay_tpm_ak_name(tpm).len;
	memcpy(w.w.in.device.ak_name.b, assay_tpm_ak_name(tpm).data, assay_tpm_ak_name(tpm).len);
	w.w.in.device.ek_name.len = (uint16_t)assay_tpm_ek_name(tpm).len;
	memcpy(w.w.in.device.ek_name.b, assay_tpm_ek_name(tpm).data, assay_tpm_ek_name(tpm).len);
}

/* ---- lists --------------------------------------------------------------------------- */

static struct imaworld_file known[FILES];
static char paths[FILES][24];

static struct span
digest_field(const char *prefix, const char *alg, uint8_t fill, size_t size)
{
	static uint8_t buf[4][160];
	static unsigned turn;
	uint8_t *p = buf[turn++ % 4];
	int n = snprintf((char *)p, 64, "%s%s:", prefix, alg);

	memset(p + n + 1, fill, size);
	return SPAN(p, (size_t)n + 1 + size);
}

/* Templates with a file's digest and name, and what else they have. */
static void
add_file(unsigned template)
{
	static const char *const names[] = {
		"ima-ng",     "ima-sig", "ima-ngv2",          "ima-sigv2",
		"ima-modsig", "evm-sig", "d-ng|n-ng|sig|iuid"};
	const struct imaworld_file *file = &known[draw(FILES)];
	struct span path = SPAN(file->path, strlen(file->path) + 1), none = SPAN("", 0);
	struct span d = digest_field("", "sha256", file->fill, 32);
	struct span v2 = digest_field("ima:", "sha256", file->fill, 32);
	struct imasign how = {"p256", 2, false, false};
	uint8_t sig[IMASIGN_MAX], four[4] = {0};
	struct digest digest;
	struct span s, f[9];
	size_t n = 0;

	must(digest_fill(ALG_SHA256, file->fill, &digest) == ASSAY_OK, "a digest");
	s = draw(3) == 0 ? none : SPAN(sig, imasign(&how, &digest, sig));
	f[n++] = template == 2 || template == 3 ? v2 : d;
	f[n++] = path;
	if (template == 1 || template == 3 || template == 4 || template == 6)
		f[n++] = s;
	if (template == 4) {
		f[n++] = draw(2) ? none : d;
		f[n++] = none;
	}
	if (template == 5) {
		f[n++] = none;
		f[n++] = SPAN("security.ima", 13);
		f[n++] = SPAN(four, 4);
		f[n++] = SPAN("x", 1);
		f[n++] = SPAN(four, 4);
		f[n++] = SPAN(four, 4);
		f[n++] = SPAN(four, 2);
	}
	if (template == 6)
		f[n++] = SPAN(four, 4);
	imaworld_entry(&w, names[template], imaworld_fields(&w, f, n), false);
}

static void
add_entry(void)
{
	char data[32];
	uint32_t what = draw(10);

	if (what < 7) {
		add_file(what);
	} else if (what == 9) {
		imaworld_violation(&w, "/var/log/written");
	} else if (what == 7 && w.alg == ALG_SHA1) {
		/* template ima has SHA-1 digests, which this policy counts */
		imaworld_old(&w, "/old/file", 0x51);
	} else {
		snprintf(data, sizeof data, "value %u", draw(1000));
		imaworld_buffer(&w, "selinux-state", SPAN(data, strlen(data)));
	}
}

/* ---- what must be refused -------------------------------------------------------------- */

static bool
reason_is_right(const struct verdict *v)
{
	static const enum finding_code right[] = {
		FIND_IMA_REPLAY,     FIND_IMA_MALFORMED,     FIND_IMA_TEMPLATE, FIND_IMA_TRIMMED,
		FIND_IMA_OTHER_BOOT, FIND_IMA_CONTRADICTION, FIND_IMA_MISSING,  FIND_IMA_LIMIT,
		FIND_IMA_OFFSET,     FIND_IMA_KEXEC,         FIND_IMA_OTHER_PCR};

	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
		if (world_finding(v, right[i]))
			return true;
	return false;
}

/* A device that is asked for its first entries too, and says that they are the same. */
static const struct verdict *
judge(struct span list)
{
	uint64_t from = w.w.in.ima_from;
	const struct verdict *v;

	w.w.in.ima = list;
	v = world_appraise(&w.w);
	if (v->status != VERDICT_NEED || from == 0 || v->need.wants[0].from != 0)
		return v;
	w.w.in.ima_from = 0;
	v = world_appraise(&w.w);
	w.w.in.ima_from = from;
	return v;
}

static void
refuse(struct span list, const char *what, void *arg)
{
	const struct verdict *v = judge(list);

	(void)arg;
	if (v->status == VERDICT_DECIDED && v->outcome == OUTCOME_QUARANTINE &&
	    reason_is_right(v) && v->ima_accepted.count <= w.count) {
		refused++;
		return;
	}
	wrong++;
	fprintf(stderr, "%s: status %d outcome %s finding %s\n", what, (int)v->status,
		outcome_name(v->outcome),
		v->nfindings ? finding_word((enum finding_code)v->findings[0].code) : "none");
}

static size_t
end_of(uint32_t entry)
{
	return entry + 1 < w.count ? w.at[entry + 1] : w.len;
}

/* Entries in this order, each as often as it stands there. */
static void
refuse_order(const uint32_t *order, uint32_t n, const char *what)
{
	uint8_t *list = malloc(2 * w.len + 1);
	size_t len = 0;

	must(list != NULL, "memory");
	for (uint32_t i = 0; i < n; i++) {
		memcpy(list + len, w.list + w.at[order[i]], end_of(order[i]) - w.at[order[i]]);
		len += end_of(order[i]) - w.at[order[i]];
	}
	refuse(SPAN(list, len), what, NULL);
	free(list);
}

static bool
is_violation(uint32_t k)
{
	const uint8_t *hash = w.list + w.at[k] + 4;

	for (size_t i = 0; i < digest_size(w.alg); i++)
		if (hash[i] != 0)
			return false;
	return true;
}

/* What is extended is the same. */
static bool
alike(uint32_t a, uint32_t b)
{
	size_t n = end_of(a) - w.at[a];

	if (is_violation(a) && is_violation(b))
		return true;
	return n == end_of(b) - w.at[b] && memcmp(w.list + w.at[a], w.list + w.at[b], n) == 0;
}

static void
refuse_orders(void)
{
	uint32_t order[256];
	uint32_t n = w.count;

	for (uint32_t k = 0; k < n; k++) { /* without one, all before it, all from it */
		for (uint32_t i = 0; i < n - 1; i++)
			order[i] = i < k ? i : i + 1;
		refuse_order(order, n - 1, "an entry left out");
		for (uint32_t i = k + 1; i < n; i++)
			order[i - k - 1] = i;
		refuse_order(order, n - k - 1, "the head left out");
		for (uint32_t i = 0; i < k; i++)
			order[i] = i;
		refuse_order(order, k, "the tail left out");
		for (uint32_t i = 0; i <= n; i++)
			order[i] = i <= k ? i : i - 1;
		if (k + 1 < n || !alike(k, k)) /* the last one twice is a list that grew */
			refuse_order(order, n + 1, "an entry twice");
	}
	for (uint32_t k = 0; k + 1 < n; k++) {
		for (uint32_t i = 0; i < n; i++)
			order[i] = i == k ? k + 1 : i == k + 1 ? k : i;
		if (!alike(k, k + 1))
			refuse_order(order, n, "two entries in the other order");
	}
}

static bool
in_a_violation(size_t at)
{
	for (uint32_t k = 0; k < w.count; k++)
		if (is_violation(k) && at >= w.at[k] + 4 + digest_size(w.alg) && at < end_of(k))
			return true;
	return false;
}

static void
refuse_bits(void)
{
	uint8_t *list = malloc(w.len);

	must(list != NULL, "memory");
	memcpy(list, w.list, w.len);
	for (size_t at = draw(7); at < w.len; at += 1 + draw(11)) {
		uint8_t bit = (uint8_t)(1u << draw(8));

		/* a violation extends the same whatever it names (M1) */
		if (in_a_violation(at))
			continue;
		list[at] ^= bit;
		refuse(SPAN(list, w.len), "a bit flipped", NULL);
		list[at] ^= bit;
	}
	for (uint32_t k = 0; k < w.count; k++)
		refuse(SPAN(list, end_of(k) - 1), "cut within an entry", NULL);
	free(list);
}

/* Offsets: the list goes on from another entry than it says. */
static void
refuse_offsets(uint32_t proved)
{
	for (uint32_t k = 0; k < w.count; k++) {
		if (k == proved)
			continue;
		w.w.in.ima_from = proved;
		refuse(SPAN(w.list + w.at[k], w.len - w.at[k]), "another offset", NULL);
	}
	for (uint32_t k = 1; k < w.count; k++) {
		if (k == proved)
			continue;
		w.w.in.ima_from = k;
		refuse(SPAN(w.list + w.at[proved], w.len - w.at[proved]), "an offset not asked",
		       NULL);
	}
	w.w.in.ima_from = 0;
}

static void
admit(const char *what)
{
	const struct verdict *v = imaworld_round(&w);

	if (v->status == VERDICT_DECIDED && v->outcome == OUTCOME_ADMIT &&
	    v->next.ima.count == w.count && v->next.ima.boot_aggregate) {
		admitted++;
		return;
	}
	wrong++;
	fprintf(stderr, "%s: status %d outcome %s, %u findings:\n", what, (int)v->status,
		outcome_name(v->outcome), v->nfindings);
	for (unsigned i = 0; i < v->nfindings; i++)
		fprintf(stderr, "  %s: %s: %s\n",
			finding_word((enum finding_code)v->findings[i].code),
			v->findings[i].subject, v->findings[i].seen);
}

/* ---- all ---------------------------------------------------------------------------------- */

static const char *
policy(void)
{
	static char text[8192];
	struct span crt = imasign_certificate("p256");
	size_t n = (size_t)snprintf(text, sizeof text,
				    "  need: path\n  weak_digests: true\n  paths: [{match: "
				    "\"/old/**\", need: nothing, reason: \"template ima\"}]\n"
				    "  outcomes: [{finding: violation, outcome: report}]\n"
				    "  keyrings:\n    - name: k\n      certificates: |\n");

	for (size_t i = 0; i < crt.n; i++) {
		if (i == 0 || crt.p[i - 1] == '\n')
			n += (size_t)snprintf(text + n, sizeof text - n, "        ");
		text[n++] = (char)crt.p[i];
	}
	text[n] = '\0';
	unit_free(crt);
	return text;
}

/* The software TPM of the world mirrors the real one, but for its keys. */
static void
begin(void)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};
	static const char *const banks[] = {"sha256", "sha256, sha1", "sha384, sha256",
					    "sha512, sha256", "sha256, sha384, sha512, sha1"};

	for (unsigned i = 0; i < FILES; i++) {
		snprintf(paths[i], sizeof paths[i], "/usr/bin/file-%u", i);
		known[i] = (struct imaworld_file){paths[i], (uint8_t)(i + 1)};
	}
	imaworld_init(&w, policy(), banks[draw(5)]);
	imaworld_set(&w, REF_KIND_ALLOW, "base", known, FILES);
	start_tpm();
	open_esys();
	w.w.quotes = quote;
	w.also = extend;
	w.alg = algs[draw(4)];
	w.big = draw(2);
	imaworld_boot(&w, true);
}

int
main(int argc, char **argv)
{
	uint32_t proved;

	if (argc != 3)
		return 64;
	tcti_name = argv[1];
	seed = (uint32_t)strtoul(argv[2], NULL, 10) * 2654435761u;
	for (unsigned i = 0; i < 8; i++)
		(void)draw(2);
	begin();
	for (uint32_t i = 2 + draw(12); i != 0; i--)
		add_entry();
	admit("a list");
	proved = w.count;
	for (uint32_t i = 1 + draw(6); i != 0; i--)
		add_entry();
	/* in the midst of the boot, judged against the proof of this moment */
	(void)imaworld_judge(&w);
	w.w.in.has_ima = true;
	refuse_offsets(proved);
	w.w.in.continuity = SPAN("", 0);
	w.w.in.has_boot_log = true;
	w.w.in.boot_log = w.w.log;
	w.w.in.ima_from = w.w.in.ima_stored = 0;
	refuse_orders();
	refuse_bits();
	close_esys();
	printf("hash %s, banks %u, %s-endian, %u entries: %u admitted, %u refused, %u wrong\n",
	       digest_name(w.alg), w.w.in.asked.count, w.big ? "big" : "little", w.count, admitted,
	       refused, wrong);
	return wrong != 0 || admitted != 1;
}
