/*
 * ledger_verify.c: after a verifier was killed: is its ledger whole, and is every
 * decision that a device has received in it?
 *
 *   ledger_verify STATE RECORD    RECORD: lines "device sequence outcome"
 *
 * Exit status 0 yes, 1 no, 2 bad input.
 */
#include "verifier/keys.h"
#include "verifier/ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool
is_recorded(struct ledger *l, const char *device, uint64_t seq, int outcome)
{
	struct ledger_decision d;

	return ledger_decision_prev(l, device, seq + 1, &d) == ASSAY_OK && d.seq == seq &&
	       (int)d.outcome + 1 == outcome;
}

static int
check_records(struct ledger *l, FILE *f)
{
	unsigned long lines = 0, missing = 0;
	uint64_t seq;
	char id[33];
	int outcome;

	while (fscanf(f, "%32s %" SCNu64 " %d", id, &seq, &outcome) == 3) {
		lines++;
		if (is_recorded(l, id, seq, outcome))
			continue;
		if (missing++ < 5)
			printf("device %s was told decision %" PRIu64 " (%d), which is not there\n",
			       id, seq, outcome);
	}
	printf("%lu decisions received, %lu missing\n", lines, missing);
	return lines > 0 && missing == 0 ? 0 : 1;
}

/* No device may be admitted by a record without an ADMIT decision behind it. */
static int
check_states(struct ledger *l)
{
	static struct ledger_device d;
	char after[DEVICE_ID_HEX + 1] = "";
	unsigned admitted = 0, bad = 0;

	while (ledger_device_next(l, after, &d) == ASSAY_OK) {
		struct ledger_decision last;
		struct ledger_state st;

		memcpy(after, d.id, sizeof after);
		if (ledger_state_get(l, d.id, &st) != ASSAY_OK || st.decision != OUTCOME_ADMIT)
			continue;
		admitted++;
		if (ledger_decision_prev(l, d.id, 0, &last) != ASSAY_OK ||
		    last.outcome != OUTCOME_ADMIT || last.seq != st.decision_seq)
			bad++;
	}
	printf("%u devices admitted, %u of them without a decision\n", admitted, bad);
	return bad == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct ledger_report report = {0};
	char path[600], keys[600];
	struct ledger *l = NULL;
	uint8_t key[32];
	enum assay_err e;
	size_t n;
	FILE *f;
	int bad;

	if (argc != 3 || !(f = fopen(argv[2], "r")))
		return 2;
	snprintf(path, sizeof path, "%s/ledger.db", argv[1]);
	snprintf(keys, sizeof keys, "%s/keys", argv[1]);
	if (keys_read_file(keys, "ledger.key", key, sizeof key, &n) != ASSAY_OK || n != 32)
		return 2;
	e = ledger_open(path, key, &l, &report);
	if (e == ASSAY_OK)
		e = ledger_check(l, &report);
	if (e != ASSAY_OK) {
		printf("ledger: %s: %s\n", assay_err_name(e), report.text);
		ledger_close(l);
		fclose(f);
		return 1;
	}
	bad = check_records(l, f) | check_states(l);
	ledger_close(l);
	fclose(f);
	return bad;
}
