/* vector.c: the AR4SI trustworthiness vector (STANDARDS.md 3.2). See appraisal.h.
 *
 * Every value follows from the findings, from what matched, and from rules that
 * support a claim. What software merely claims never affirms hardware or executables
 * (M12): the compiler refuses such rules and here they would not count. */
#include "appraisal.h"

#include <string.h>

#define AFFIRMING 2
#define BOOT_APPROVED 3 /* executables: approved boot; run time is not appraised */
#define KNOWN_ISSUES 32 /* warning */
#define UNRECOGNISED 33 /* executables */
#define UNAVAILABLE 36  /* configuration: security-relevant elements unavailable */
#define CONTRAINDICATED 96
#define UNRECOGNISED_INSTANCE 97
#define MALFUNCTION (-1)

/* 0 none, 1 affirming, 2 warning, 3 contraindicated */
static int
tier_of(int8_t v)
{
	if (v >= 96)
		return 3;
	if (v >= 32)
		return 2;
	return v >= 2;
}

/* Contraindicated beats warning beats affirming beats nothing. */
static void
lower(struct verdict *v, enum ar4si_claim c, int8_t value)
{
	if (tier_of(value) > tier_of(v->vector[c]) ||
	    (tier_of(value) == tier_of(v->vector[c]) && value > v->vector[c]))
		v->vector[c] = value;
}

static const struct effect {
	enum finding_code code;
	enum ar4si_claim claim;
	int8_t value;
} effects[] = {
	{FIND_MALFORMED, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_UNJUDGEABLE, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_CLOCK_BACK, AR4SI_INSTANCE_IDENTITY, CONTRAINDICATED},
	{FIND_RESET_BACK, AR4SI_INSTANCE_IDENTITY, CONTRAINDICATED},
	{FIND_RESTART_BACK, AR4SI_INSTANCE_IDENTITY, CONTRAINDICATED},
	{FIND_FIRMWARE_BACK, AR4SI_HARDWARE, KNOWN_ISSUES},
	{FIND_BOOT_SWAPPED, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_STICKY, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_LOG_MISSING, AR4SI_CONFIGURATION, UNAVAILABLE},
	{FIND_LOG_MALFORMED, AR4SI_CONFIGURATION, UNAVAILABLE},
	{FIND_REPLAY, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_PCR_UNLOGGED, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_PCR_RESET, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_PCR_DIFFERS, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_PCR_COVER, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_EVENT_DIFFERS, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_EVENT_EXTRA, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_EVENT_ABSENT, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_EVENT_DATA, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_BOOT_ORDER, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_SECURE_BOOT, AR4SI_CONFIGURATION, CONTRAINDICATED},
	{FIND_EMPTY_BANK, AR4SI_CONFIGURATION, CONTRAINDICATED},
	{FIND_SHA1, AR4SI_HARDWARE, KNOWN_ISSUES},
	{FIND_NO_REFERENCE, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_BASELINE, AR4SI_CONFIGURATION, KNOWN_ISSUES},
	{FIND_BOOT_CHANGED, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_DBX_BACK, AR4SI_CONFIGURATION, KNOWN_ISSUES},
	{FIND_REFERENCE_EXPIRED, AR4SI_EXECUTABLES, KNOWN_ISSUES},
	{FIND_REFERENCE_LEARNED, AR4SI_EXECUTABLES, KNOWN_ISSUES},
	{FIND_IMA_MISSING, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_MALFORMED, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_TEMPLATE, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_REPLAY, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_IMA_OFFSET, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_IMA_TRIMMED, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_IMA_OTHER_BOOT, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_IMA_CONTRADICTION, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_IMA_OTHER_PCR, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_BOOT_AGGREGATE, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_IMA_SECOND_BOOT_AGGREGATE, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_KEXEC, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_VIOLATION, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_KNOWN_BAD, AR4SI_EXECUTABLES, CONTRAINDICATED},
	{FIND_IMA_UNKNOWN, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_WRONG_DIGEST, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_UNSIGNED, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_BAD_SIGNATURE, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_KEY, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_IMA_KEY_EXPIRED, AR4SI_EXECUTABLES, KNOWN_ISSUES},
	{FIND_IMA_SHA1, AR4SI_EXECUTABLES, KNOWN_ISSUES},
	{FIND_IMA_LIMIT, AR4SI_EXECUTABLES, UNRECOGNISED},
	{FIND_EK_UNTRUSTED, AR4SI_HARDWARE, UNRECOGNISED_INSTANCE},
	{FIND_EK_UNTRUSTED, AR4SI_INSTANCE_IDENTITY, UNRECOGNISED_INSTANCE},
	{FIND_EK_EXPIRED, AR4SI_HARDWARE, KNOWN_ISSUES},
	{FIND_EK_WEAK, AR4SI_HARDWARE, CONTRAINDICATED},
	{FIND_AK_CHANGED, AR4SI_INSTANCE_IDENTITY, UNRECOGNISED_INSTANCE},
	{FIND_TIER, AR4SI_HARDWARE, CONTRAINDICATED},
	{FIND_SOFTWARE_CHANGING, AR4SI_FILE_SYSTEM, CONTRAINDICATED},
	{FIND_SOFTWARE_SYMLINK, AR4SI_FILE_SYSTEM, CONTRAINDICATED},
	{FIND_SOFTWARE_FILE, AR4SI_FILE_SYSTEM, CONTRAINDICATED},
	{FIND_SOFTWARE_TREE, AR4SI_FILE_SYSTEM, CONTRAINDICATED},
	{FIND_SOFTWARE_CONFIG, AR4SI_CONFIGURATION, CONTRAINDICATED},
	{FIND_SOFTWARE_ROLLBACK, AR4SI_FILE_SYSTEM, CONTRAINDICATED},
	{FIND_SOFTWARE_OLD, AR4SI_FILE_SYSTEM, KNOWN_ISSUES},
	{FIND_SOFTWARE_VERSION, AR4SI_FILE_SYSTEM, KNOWN_ISSUES},
	{FIND_SOFTWARE_UNKNOWN, AR4SI_FILE_SYSTEM, KNOWN_ISSUES},
	{FIND_COPIED, AR4SI_INSTANCE_IDENTITY, CONTRAINDICATED},
	{FIND_CHAIN_BACK, AR4SI_INSTANCE_IDENTITY, CONTRAINDICATED},
	{FIND_START_MISSING, AR4SI_INSTANCE_IDENTITY, UNRECOGNISED_INSTANCE},
	{FIND_KEY_UNTRUSTED, AR4SI_INSTANCE_IDENTITY, UNRECOGNISED_INSTANCE},
	{FIND_KEY_EXPIRED, AR4SI_INSTANCE_IDENTITY, KNOWN_ISSUES},
	{FIND_DICE_MODE, AR4SI_CONFIGURATION, CONTRAINDICATED},
	{FIND_DICE_MODE, AR4SI_HARDWARE, CONTRAINDICATED},
	{FIND_UNJUDGED, AR4SI_EXECUTABLES, UNRECOGNISED},
};

/* What policy only reports (L20) is an issue that is known. */
static int8_t
effect_of(const struct finding *f, int8_t value)
{
	return f->cap == OUTCOME_ADMIT && tier_of(value) > tier_of(KNOWN_ISSUES) ? KNOWN_ISSUES
										  : value;
}

/* An update that matches its reference is another boot, and no issue. */
static bool
only_told(const struct finding *f)
{
	return f->code == FIND_BOOT_CHANGED && f->cap == OUTCOME_ADMIT;
}

static void
apply_findings(struct verdict *v)
{
	for (size_t i = 0; i < v->nfindings; i++)
		for (size_t k = 0; k < sizeof effects / sizeof effects[0]; k++)
			if (v->findings[i].code == effects[k].code && !only_told(&v->findings[i]))
				lower(v, effects[k].claim,
				      effect_of(&v->findings[i], effects[k].value));
}

/* A key that software holds, or a token that says nothing of the device it is in: no
 * evidence of it speaks for hardware, or for what is executed (M7, M12). */
static bool
only_software(const struct appraisal *a)
{
	return !tier_has_tpm(a->in->device.tier) && a->in->device.tier != TIER_DICE;
}

/* All that was loaded since the boot was judged, and nothing was left out. */
static bool
run_time_judged(const struct appraisal *a)
{
	return a->ima.judged && a->ima.current &&
	       a->v->next.ima.counts[IMA_COUNT_IGNORED] == 0;
}

/* The hardware is known by its certificate; an allow-listed EK is only recognised. */
static void
apply_identity(struct appraisal *a)
{
	const struct device_view *d = &a->in->device;
	bool genuine = d->ek.trusted && (d->tier == TIER_TPM || d->tier == TIER_DICE);

	lower(a->v, AR4SI_INSTANCE_IDENTITY, AFFIRMING);
	if (only_software(a))
		return;
	lower(a->v, AR4SI_HARDWARE, genuine ? AFFIRMING : KNOWN_ISSUES);
	if (a->reference_matched && (a->log_sound || a->steady))
		lower(a->v, AR4SI_EXECUTABLES, run_time_judged(a) ? AFFIRMING : BOOT_APPROVED);
}

static const struct finding *
finding_of_rule(const struct verdict *v, struct span id)
{
	for (size_t i = 0; i < v->nfindings; i++)
		if (span_equal(SPAN(v->findings[i].rule, strlen(v->findings[i].rule)), id))
			return &v->findings[i];
	return NULL;
}

static void
apply_rules(struct appraisal *a)
{
	struct policy p = a->policy;
	struct policy_rule r;

	while (a->has_policy && policy_next_rule(&p, &r)) {
		const struct finding *f = finding_of_rule(a->v, r.id);
		enum provenance prov = r.fact ? fact_info(r.fact)->provenance : PROV_NONE;
		bool hard = r.claim == AR4SI_HARDWARE || r.claim == AR4SI_EXECUTABLES;

		if (r.claim < 0)
			continue;
		if (f)
			lower(a->v, (enum ar4si_claim)r.claim,
			      f->cap == OUTCOME_QUARANTINE ? CONTRAINDICATED : KNOWN_ISSUES);
		else if (!r.optional && prov > (hard ? PROV_CLAIMED : PROV_NONE))
			lower(a->v, (enum ar4si_claim)r.claim, AFFIRMING);
	}
}

void
vector_compute(struct appraisal *a)
{
	apply_identity(a);
	apply_rules(a);
	apply_findings(a->v);
	for (size_t i = 0; only_software(a) && i < 2; i++) {
		int8_t *claim = &a->v->vector[i ? AR4SI_HARDWARE : AR4SI_EXECUTABLES];

		*claim = tier_of(*claim) == 1 ? 0 : *claim;
	}
	for (size_t i = 0; i < a->v->nfindings; i++)
		if (a->v->findings[i].code == FIND_INTERNAL)
			for (size_t k = 0; k < AR4SI_COUNT; k++)
				a->v->vector[k] = MALFUNCTION;
}
