#!/bin/bash
# attester/examples/poll_loop.c against the real verifier: the connection in the poll loop
# of an embedding program.
# time-limit: 120
. tests/integration/lib.sh
lib_begin

mkdir -p "$WORK/roots"
check 'a verifier that takes software keys starts' eval \
	'verifier_init --roots "$WORK/roots" >/dev/null && verifier_start &&
	 policy_use controller 1 "s/lowest_tier: .*/lowest_tier: software/"'
TOKEN=$(assay token create --class controller --tier software 2>/dev/null || assay token create --class controller 2>/dev/null)
start example "$ASSAY_BIN/attester/examples/poll_loop" "$(verifier_url)" "$TOKEN"
says() { grep -q "$1" "$WORK/example.log"; }
check 'the example enrols from its own poll loop' wait_for "$WAIT" says '^enrolled [0-9a-f]*$'
check 'and is told decisions' wait_for "$WAIT" says '^decision '
ended() { ! kill -0 "${started[example]}" 2>/dev/null; }
check 'after two it ends by itself' wait_for "$WAIT" ended
check 'having closed its connection in order' wait "${started[example]}"
check 'what it measured is in the record' eval \
	'ledger "SELECT hex(proof) FROM state" | grep -q "$(printf plc-program | od -An -tx1 | tr -d " \n" | tr a-f A-F)"'
start wrong "$ASSAY_BIN/attester/examples/poll_loop" "$(verifier_url)" "${TOKEN%.*}.$(printf %064d 7)"
refuses() { grep -q '^down: .*not the one' "$WORK/wrong.log"; }
check 'another verifier than the token names is not spoken to' wait_for "$WAIT" refuses
tail -3 "$WORK/example.log" | sed 's/^/# /'

lib_end
