#!/bin/bash
# D10: a gate whose wall clock is set, before or while it runs, lets nobody in for longer than
# decisions last, in either fail mode, and goes on when the clock is right again.
# time-limit: 300
. tests/integration/lib.sh
lib_begin
. tests/support/gate.sh
gate_needs

export WALL_CLOCK=$WORK/wrong_by
wall_clock() { echo "$1" >"$WALL_CLOCK.new" && mv "$WALL_CLOCK.new" "$WALL_CLOCK"; } # SECONDS
gate_up() {
	rm -f "$WORK/gate.status" "$WORK/gate.log"
	start gate nsenter "$(net_of gw)" "$ASSAY_BIN/tests/tools/gate_clock" run --config "$WORK/gate.yaml"
}

check 'a network is made' net_routed
gate_verifier
gate_config closed
check 'all is closed' gate_close
wall_clock 0
check 'the gate starts' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'a policy' policy_use gateway 1
check 'd1 enrols through the gate' device_enrol d1 gateway grub-good
check 'it has an address' assay device address d1 --add 'mac 02:00:5e:00:53:01'
check '... of each kind' assay device address d1 --add 'ip 192.0.1.7'
check 'its boot is approved' device_approve_boot d1
check 'd1 is admitted' decides d1 ADMIT
check 'd1 reaches the server' wait_for 5 reaches d1 $SRV
check 'which answers' answers_begin $SRV

# ---- set back while the verifier is silent: the end of a decision is its end ------------------
check 'the verifier is killed' stop verifier KILL
wall_clock -3600
check 'd1 is closed when its decision ends' wait_for 20 cannot_reach d1 $SRV
touched() { in_ns gw nft add element inet assay_gate admitted_to4 '{ "dev1" . 192.0.1.77 timeout 1h }'; }
check 'somebody touches the sets' touched
check 'what the gate repairs does not let d1 in again' never_reaches d1 $SRV 6
is_repaired() { ! in_ns gw nft list set inet assay_gate admitted_to4 | grep -q 192.0.1.77; }
check 'but it repairs' is_repaired
check 'the verifier starts' verifier_up
check 'the gate says what is wrong' wait_for 30 gate_told clock
check '... and opens nothing' never_reaches d1 $SRV 2
wall_clock 0
check 'the clock is right: d1 is back' wait_for 45 reaches d1 $SRV
wall_clock 3600
check 'set ahead: told again, and d1 is closed when its decision ends' wait_for 30 cannot_reach d1 $SRV
wall_clock 0
check 'the clock is right: d1 is back' wait_for 45 reaches d1 $SRV

# ---- ten seconds behind is within what is allowed -----------------------------------------------
drifts() { jq .drifts "$WORK/gate.status"; }
before=$(drifts)
wall_clock -10
check 'ten seconds behind the verifier interrupts nothing' holds_for 12 d1 $SRV
check '... and nothing drifts' equal "$(drifts)" "$before"

# ---- it starts in 1970 -----------------------------------------------------------------------------
check 'the gate stops' stop gate
check 'all is closed' gate_close
wall_clock "-$(date +%s)"
check 'a gate without a clock starts' gate_up
check 'it says so' wait_for "$WAIT" gate_told clock
check '... and opens nothing' never_reaches d1 $SRV 2
wall_clock 0
check 'it hears what time it is: d1 is back' wait_for 45 reaches d1 $SRV

# ---- open by choice ------------------------------------------------------------------------------------
check 'the gate stops' stop gate
gate_config open
check 'it is to fail open' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'the verifier is killed' stop verifier KILL
wall_clock -3600
check 'open by choice, set back: d1 stays in' holds_for 20 d1 $SRV
check 'nobody else gets in' never_reaches d2 $SRV 1
lib_end
