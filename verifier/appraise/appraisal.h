/*
 * appraisal.h: one appraisal in progress, and the steps that appraise() goes through.
 *
 * Each step reads what the steps before it have established and adds findings and
 * facts; none of them decides. Findings only ever lower the outcome.
 */
#ifndef APPRAISE_APPRAISAL_H
#define APPRAISE_APPRAISAL_H

#include "appraise.h"
#include "evidence/eventlog.h"
#include "explain.h"
#include "evidence/quote.h"
#include "dice.h"
#include "factset.h"
#include "policy.h"
#include "reference.h"

/* Counters of the TPM as all quotes of a proof agree on them. */
struct counters {
	uint32_t reset_count, restart_count;
	uint64_t first_clock, last_clock; /* of several quotes */
	bool clock_safe;		  /* in all of them */
	uint64_t firmware_version;
};

struct boot_facts;

/* The IMA list in this appraisal; ima_check.c. */
struct ima_work {
	bool judged;   /* policy has a section `ima` */
	bool current;  /* PCR 10 is what the entries of next.ima lead to */
	bool from_zero; /* entries are the whole list: what was found before is found anew */
	bool shrunk;   /* claims tell fewer entries than were proved before */
	uint64_t from; /* where new entries are to start */
	struct span entries; /* proved in this round, to be judged; maybe none */
	uint64_t first;	     /* number of the first of them in the list */
};

struct appraisal {
	const struct appraisal_input *in;
	struct arena *scratch;
	struct verdict *v;
	enum outcome best;    /* what the findings so far allow */
	struct finding spill; /* where findings go that have no room */
	bool spilled;	      /* one that lowers the outcome did */
	bool replay;	      /* stored evidence, once more: a prediction */

	/* core.c: from here on the evidence is authentic */
	struct tpm_public ak;
	uint8_t nquotes;
	struct quote quotes[MSG_QUOTES_MAX];
	struct counters counters;

	/* core_key.c: who signed, of devices without TPM; of DICE devices also the chain */
	struct key signer;
	struct tpm_name signer_name;
	struct dice_chain dice;

	/* claims.c */
	bool has_claims;
	struct msg_claims claims;

	/* policy of the device; zeros if it has none */
	struct policy policy;
	bool has_policy;
	uint8_t generation[32];

	/* continuity.c */
	bool same_boot;	  /* neither reset nor restart since prev */
	bool same_judges; /* the generation that judged the boot is the present one */
	bool clean_reset; /* the TPM was reset once and as it should */
	bool keep_boot;	  /* prev's boot log stays the one on record */

	/* boot.c */
	bool steady;	 /* the boot was judged before, by the same judges: only its PCRs now */
	bool log_judged; /* in this round, from its bytes */
	bool log_sound;	 /* it could be read to its end */
	struct ima_work ima;
	uint32_t proved; /* PCRs whose logged value is the quoted one, in every bank asked */
	uint32_t empty;	 /* PCRs asked for that neither log nor quote has an extend of */

	/* gather_boot.c: what the log of this round says; NULL: none was read */
	const struct boot_facts *boot;

	struct fact_set *facts;
	char banks[64]; /* quote.banks */
	char peer[48], told_address[72]; /* address.peer, address.told */
	bool reference_matched, reference_learned;
	struct told *told; /* where what rules say is written down; may be NULL */
	bool judged; /* a rule or reference over software.* or dice.* facts held */
	uint32_t shown; /* which of ->in->references this boot matches as a whole */
	bool software_matched; /* all that counts is as one approved set has it */

	/* Large, so cleared by their own functions: from here on. */
	struct msg_proof proof; /* core.c; ->pcrs are the signed values */
	struct continuity prev; /* continuity.c; what is remembered */
};

/* ---- offline.c: evidence that came in a file ---- */

/* Whether the challenge of an offline kind is one: issued some time, on no channel. */
bool offline_sound(const struct appraisal_input *in);
/* Older than a round that was judged after the challenge was issued: it tells nothing, and
 * says nothing against the device. Ends the appraisal (false). */
bool offline_order(struct appraisal *a);
/* Whether the policy takes such evidence, and evidence of this age. */
void offline_judge(struct appraisal *a);
void offline_gather(struct appraisal *a);

/* ---- finding.c ---- */

/* A new finding with the code's own text, to be filled further. Never NULL. */
struct finding *find(struct appraisal *a, enum finding_code code, enum outcome cap);
/* The same, in force until the TPM's next reset. */
struct finding *find_sticky(struct appraisal *a, enum finding_code code, enum outcome cap);
/* What the policy says to do, with {device}, {class}, {fact}, {seen} and {expected} of the
 * finding in it; nothing if it says nothing. */
void find_remedy(const struct appraisal *a, struct finding *f, struct span text);
void find_values(struct finding *f, const struct digest *seen, const struct digest *expected);
/* Worst first, equal ones once: the order does not tell who found what when. */
void findings_settle(struct verdict *v);

/* ---- ends without a decision (appraise.c); both return false ---- */

/* Nothing that was sent is believed: the verdict is this finding and no more. */
bool appraisal_unproven(struct appraisal *a, enum finding_code code, const char *subject,
			const char *seen);
/* Authentic so far: the verdict is the wish for more; with the boot log, for the IMA list
 * too if it is wanted. */
bool appraisal_needs(struct appraisal *a, enum part_kind kind, uint64_t limit);

/* Clear all for this input. */
void appraisal_begin(struct appraisal *a, const struct appraisal_input *in, struct arena *scratch,
		     struct verdict *ret);
/* The outcome of all findings, in order, and what is to be remembered. */
void appraisal_decide(struct appraisal *a);

/* appraise_replay(), with what every rule says. */
void appraise_recorded(const struct appraisal_input *in, struct arena *scratch,
		       struct verdict *ret, struct told *told);
/* A new place for what a rule says; NULL: nobody wants to know. */
struct told_rule *appraisal_tell(struct appraisal *a, struct span id);

/* Memory of this appraisal, not cleared; NULL if the arena is too small. */
void *appraisal_alloc(struct appraisal *a, size_t n);

/* ---- the steps, in their order ---- */

/* ---- attested.c: the address that it attests from ---- */

void attested_gather(struct appraisal *a);
void attested_judge(struct appraisal *a);

/* core.c: signature, quote, binding, selection, values. False: UNPROVEN, and nothing
 * that was sent is believed. */
ASSAY_MUST_USE bool core_check(struct appraisal *a);
/* core_key.c: the same of devices without TPM; ->proof is decoded. */
ASSAY_MUST_USE bool core_key_check(struct appraisal *a);
/* claims.c: False: they are needed, or are not those that were signed. */
ASSAY_MUST_USE bool claims_check(struct appraisal *a);
/* judges.c: whether a list of files counts now. Sets of boots say it themselves. */
bool list_in_time(const struct reference_view *v, int64_t now);
/* judges.c: the policy, and the generation of policy and references. */
void judges_open(struct appraisal *a);
/* continuity.c: counters and clock against what is remembered. False: what is
 * remembered cannot be read. */
ASSAY_MUST_USE bool continuity_check(struct appraisal *a);
/* boot.c: the boot log against the quoted PCRs. False: it is needed, or is not the
 * one that was signed. */
ASSAY_MUST_USE bool boot_check(struct appraisal *a);
/* ima_check.c: what of the IMA list is there and wanted; before boot_check(), so that
 * both are asked for at once. */
void ima_plan(struct appraisal *a);
/* ima_check.c: the delivered entries against the quoted PCR 10. False: more is needed. */
ASSAY_MUST_USE bool ima_check(struct appraisal *a);
/* ima_judge.c: what the proved entries say, against the policy; facts and findings. */
void ima_judge(struct appraisal *a);
/* A finding of the list, in force until the TPM's next reset. */
struct finding *ima_find(struct appraisal *a, enum finding_code code, enum outcome cap);
/* ima_judge.c: OK if e is the boot_aggregate of this boot; MISMATCH; MISSING: of a bank
 * that was not quoted in whole. */
ASSAY_MUST_USE enum assay_err ima_aggregate_check(const struct appraisal *a,
						  const struct imalog_entry *e);
/* gather.c: what device record, quote and claims say. */
void gather_facts(struct appraisal *a);
/* gather.c: those of the device's record alone. */
void gather_record_facts(struct appraisal *a);
/* gather_boot.c: what the boot log says, as far as it is proved, and what is wrong
 * with it; where it was read in this round. */
void gather_boot(struct appraisal *a);
/* gather_software.c: what the claims say of software, settings and health. */
void gather_software(struct appraisal *a);
/* The claimed item of this name, or NULL. */
const struct msg_software *software_find(const struct appraisal *a, struct span name);
/* software_judge.c: False: the list of files behind a digest that no set has is needed, to
 * say what changed. */
ASSAY_MUST_USE bool software_check(struct appraisal *a);
/* Claimed software against whole reference sets and earlier versions. */
void software_judge(struct appraisal *a);
/* Whether some software must be a reference's. */
bool policy_needs_software(const struct policy *p);
/* key_state.c: of devices without TPM, the parts of continuity_check() and _next(). */
void key_continuity_check(struct appraisal *a);
void key_continuity_next(struct appraisal *a);
/* gather_key.c: of devices without TPM, in place of gather_facts(), and what record and
 * DICE chain say against them. */
void gather_key(struct appraisal *a);
void key_judge(struct appraisal *a);
/* gather_key.c: that something was judged beside the key. */
void judged_check(struct appraisal *a);
/* identity.c: what the device's record says against it. */
void identity_judge(struct appraisal *a);
/* reference_match.c: PCR values against whole reference sets. */
void reference_judge(struct appraisal *a);
/* The bank that a set must have and that facts rest on: the strongest asked for (D6). */
uint16_t strongest_bank(const struct pcr_selection *asked);
/* reference_baseline.c: what differs between good devices, against the device's own
 * sets (L17). */
void baseline_judge(struct appraisal *a);
/* reference_explain.c: the same event by event, where the log is at hand. */
struct explanation {
	uint32_t pcrs;
	bool baseline; /* told as FIND_BASELINE */
	enum outcome cap;
};
void reference_explain(struct appraisal *a, const struct reference *set,
		       const struct explanation *how);
/* Seen and expected of a difference: in words, with the digests where those are equal. */
struct bootdiff_entry;
void finding_of_difference(struct finding *f, const struct bootdiff_entry *e);
/* For a set that matches: what no PCR's value tells. Types that are not the set's (L4): the
 * log was written by somebody else than the firmware. PCRs without an event (L2). */
void reference_check_log(struct appraisal *a, const struct reference *set);
/* reference_plan.c: planned changes: before their time, and back behind them (D12). */
void plan_judge(struct appraisal *a);
/* What of it is to be remembered. */
void plan_remember(const struct appraisal *a, struct continuity *n);
/* last_boot.c: against the last boot of the same device that was judged ADMIT. After the
 * references, whose differences it puts into words where they have none. */
void last_boot_judge(struct appraisal *a);
/* knownbad.c: what operators declared bad, wherever it is seen; beats every allow. */
void knownbad_judge(struct appraisal *a);
/* policy_eval.c: the rules. */
void policy_judge(struct appraisal *a);
/* vector.c: AR4SI, from the findings and from rules that support a claim. */
void vector_compute(struct appraisal *a);

/* continuity.c: what was found earlier in this boot and is still in force. */
void continuity_carry(struct appraisal *a);
/* continuity.c: what is to be remembered; after all findings have been made. */
void continuity_next(struct appraisal *a);

#endif
