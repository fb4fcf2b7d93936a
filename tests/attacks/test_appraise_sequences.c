/* test_appraise_sequences.c: long random lives of a hostile device with a genuine TPM,
 * beside a model of what the verifier has seen. Whatever the order of its tricks, it is
 * admitted only in a boot that is the approved one and in which nothing else was seen
 * (Q11, Q14, L1, D11, M9); and after a clean reset into the approved boot it is. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

#define LIVES 60
#define STEPS 60
#define CLOCK_STEP_BACK_MAX (1u << 22)

static struct world w;
static struct span logs[2]; /* good, evil */
static struct pcr_values good;
static uint32_t seed;

/* What the verifier must have remembered, kept apart from how it does. */
static struct model {
	bool any;      /* a round was decided */
	bool seen_bad; /* in this boot */
	bool cheated;  /* counters, since the last clean reset */
	uint32_t reset, restart;
	uint64_t clock;
} m;

static uint32_t
roll(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void
boot(unsigned which)
{
	w.log = logs[which];
	softtpm_boot(&w.tpm, w.log);
}

static void
restart_without_reset(unsigned which)
{
	uint32_t count = w.tpm.reset_count;

	softtpm_reset(&w.tpm);
	w.tpm.reset_count = count;
	w.tpm.restart_count = m.restart + 1;
	boot(which);
}

static const char *const policies[] = {
	"policy: a\nversion: 1\napplies_to: {class: gateway}\n"
	"ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, patience: 3}\n"
	"references: {pcrs: [0-9, 11-14]}\n",
	"policy: a\nversion: 2\napplies_to: {class: gateway}\n"
	"ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, patience: 2}\n"
	"references: {pcrs: [0-9, 11-14]}\n",
};

/* One of the device's, or of an operator's, moves. */
static void
move(void)
{
	static const uint8_t evil[32] = {0xE0};

	switch (roll(12)) {
	case 0:
	case 1:
		softtpm_reset(&w.tpm);
		boot(0);
		break;
	case 2:
		softtpm_reset(&w.tpm);
		boot(1);
		break;
	case 3:
		softtpm_extend(&w.tpm, roll(10), SPAN(evil, sizeof evil), ALG_SHA256);
		break;
	case 4:
		restart_without_reset(roll(2));
		break;
	case 5:
		w.tpm.clock -= w.tpm.clock > 20000 ? roll(20000) : 0;
		break;
	case 6:
		w.tpm.reset_count += roll(3);
		w.tpm.reset_count -= w.tpm.reset_count > 2 ? roll(3) : 0;
		break;
	case 7:
		w.log = SPAN(NULL, 0); /* withheld */
		break;
	case 8:
		w.log = logs[roll(2)]; /* maybe another than that of the boot */
		break;
	case 9:
		world_set_policy(&w, policies[roll(2)]);
		break;
	case 10:
		w.tpm.clock_safe = !w.tpm.clock_safe;
		break;
	default:
		break;
	}
}

static bool
approved_now(void)
{
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if ((w.in.asked.bank[0].mask >> i & 1) &&
		    !digest_equal(pcr_value(&w.tpm.pcrs, ALG_SHA256, i),
				  pcr_value(&good, ALG_SHA256, i)))
			return false;
	return true;
}

static bool
clock_holds(bool same_reset)
{
	if (w.tpm.clock > m.clock)
		return true;
	return !same_reset && !w.tpm.clock_safe && m.clock - w.tpm.clock <= CLOCK_STEP_BACK_MAX;
}

/* What this round shows, to whoever remembers the rounds before. True: a clean reset. */
static bool
observe(void)
{
	const struct softtpm *t = &w.tpm;
	bool same = m.any && t->reset_count == m.reset;
	bool next = m.any && t->reset_count == m.reset + 1;
	bool behind = m.any && (t->reset_count < m.reset ||
				(same && (t->restart_count < m.restart || t->clock <= m.clock)));
	bool sound = !m.any || (clock_holds(same) && (next || (same && !behind)));
	bool clean = next && sound;

	if (clean)
		m.seen_bad = m.cheated = false;
	m.cheated |= !sound;
	m.seen_bad |= !approved_now() || (w.log.n != 0 && w.log.p != logs[0].p);
	if (!behind) {
		m.reset = t->reset_count;
		m.restart = t->restart_count;
		m.clock = t->clock;
	}
	m.any = true;
	return clean;
}

static unsigned admitted;

static void
live(unsigned life)
{
	for (unsigned step = 0; step < STEPS; step++) {
		const struct verdict *v;
		bool allowed, clean;

		move();
		v = world_round(&w);
		assert_int_equal(v->status, VERDICT_DECIDED);
		clean = observe();
		allowed = !m.seen_bad && !m.cheated && w.log.n != 0;
		if (v->outcome == OUTCOME_ADMIT && !allowed)
			fail_msg("life %u, step %u: a wrong admit", life, step);
		if (v->outcome != OUTCOME_ADMIT && allowed && clean)
			fail_msg("life %u, step %u: a clean boot is refused: %s", life, step,
				 finding_word((enum finding_code)v->findings[0].code));
		admitted += v->outcome == OUTCOME_ADMIT;
		if (w.log.n == 0)
			w.log = logs[0];
	}
}

static void
no_sequence_of_tricks_ends_in_a_wrong_admit(void **state)
{
	(void)state;
	logs[0] = unit_data("eventlog/uki-good.bin");
	logs[1] = unit_data("eventlog/uki-cmdline.bin");
	for (unsigned life = 0; life < LIVES; life++) {
		seed = life * 7919u + 1;
		memset(&m, 0, sizeof m);
		world_init(&w, "uki-good");
		good = w.tpm.pcrs;
		unit_free(w.log);
		w.log = logs[0];
		world_set_policy(&w, policies[0]);
		world_set_reference(&w, REF_PROMOTED);
		live(life);
		w.log = SPAN(NULL, 0);
		world_free(&w);
	}
	/* so neither always nor never */
	print_message("%u of %u rounds admitted\n", admitted, LIVES * STEPS);
	assert_in_range(admitted, LIVES * STEPS / 20, LIVES * STEPS / 2);
	unit_free(logs[0]);
	unit_free(logs[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_sequence_of_tricks_ends_in_a_wrong_admit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
