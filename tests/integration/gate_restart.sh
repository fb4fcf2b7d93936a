#!/bin/bash
# A gate that starts takes over the table of the one before, if it is just what it would put
# itself: not one packet of an admitted device is lost, and nobody gets in by it.
# time-limit: 400
. tests/integration/lib.sh
lib_begin
. tests/support/gate.sh
gate_needs

# ---- all admitted ---------------------------------------------------------------------
check 'a network is made' net_routed
gate_verifier
gate_config closed
check 'all is closed' gate_close
check 'the gate starts' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'a policy, whose decisions outlive a restart on a slow machine' policy_use gateway 10
for d in d1 d2; do
	check "$d enrols through the gate" device_enrol $d gateway grub-good
	check "$d has addresses" assay device address $d --add "mac 02:00:5e:00:53:0${d#d}"
	check '... as the operator knows them' assay device address $d --add "ip 192.0.${d#d}.7"
done
check 'its boot is approved' device_approve_boot d1
for d in d1 d2; do
	check "$d is admitted" decides $d ADMIT
	check "$d reaches the server" wait_for "$WAIT" reaches $d $SRV
done

# ---- not one packet lost ----------------------------------------------------------------
check 'the server answers d1' answers_begin $SRV
restarts_unnoticed() { # SIGNAL
	local lost
	rm -f "$WORK/gate.log"
	in_ns d1 "$ASSAY_BIN/tests/tools/packets" stream $SRV 7 400 15 >"$WORK/lost" &
	lost=$!
	sleep 0.5
	stop gate "$1"
	sleep 0.5
	gate_up && wait_for "$WAIT" gate_hears || return
	wait $lost && gate_told adopted && equal "$(cat "$WORK/lost")" 0
}
check 'the gate is restarted: d1 loses nothing of 400 packets' restarts_unnoticed TERM
check 'the gate is killed and restarted: d1 loses nothing of 400 packets' restarts_unnoticed KILL

# ---- who was downgraded meanwhile ---------------------------------------------------------
check 'the gate is killed' stop gate KILL
check 'd2 is held meanwhile' assay device hold d2 --reason test
check 'the gate starts' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'd2 is out' cannot_reach d2 $SRV
check '... and stays out' never_reaches d2 $SRV 2
check 'd1 is in' reaches d1 $SRV

# ---- what is not just its own is replaced, closed --------------------------------------------
nft_gw() { in_ns gw nft "$@"; }
hole() { nft_gw insert rule inet assay_gate from_devices iifname dev2 accept && nft_gw insert rule inet assay_gate to_devices oifname dev2 accept; }
for_ever() { nft_gw add element inet assay_gate admitted_from4 '{ "dev2" . 02:00:5e:00:53:02 . 192.0.2.7 timeout 0s }' && nft_gw add element inet assay_gate admitted_to4 '{ "dev2" . 192.0.2.7 timeout 0s }'; }
asleep() { nft_gw add table inet assay_gate '{ flags dormant; }'; }
# What somebody does while the gate is dead opens nothing once it is there.
is_replaced() { # COMMAND
	rm -f "$WORK/gate.log"
	stop gate KILL
	"$1" || return
	gate_up && wait_for "$WAIT" gate_hears || return
	! gate_told adopted && cannot_reach d2 $SRV && reaches d1 $SRV
}
check 'a rule that somebody added is not taken over' is_replaced hole
check '... nor an element that never ends' is_replaced for_ever
check '... nor a table that sleeps' is_replaced asleep
other_filter() { gate_config closed 'labels: site=other'; }
starts_for_others() {
	stop gate KILL
	other_filter
	rm -f "$WORK/gate.log"
	gate_up && wait_for "$WAIT" gate_hears && ! gate_told adopted && cannot_reach d1 $SRV
}
check 'a gate for other devices takes over nothing' starts_for_others
check 'the gate stops' stop gate
gate_config closed
check 'the gate of before starts' gate_up
check 'd1 is back' wait_for "$WAIT" reaches d1 $SRV

# ---- drift that was hidden -------------------------------------------------------------------------
check 'somebody puts the table to sleep' asleep
check 'it is awake within 5 s' wait_for 5 cannot_reach d2 $SRV
prolonged() {
	nft_gw delete element inet assay_gate admitted_to4 '{ "dev1" . 192.0.1.7 }' &&
		nft_gw add element inet assay_gate admitted_to4 '{ "dev1" . 192.0.1.7 timeout 1h }'
}
is_short() { ! nft_gw list set inet assay_gate admitted_to4 | grep -q 'timeout 1h'; }
check 'somebody gives d1 more time' prolonged
check 'it is taken back within 5 s' wait_for 5 is_short

# ---- nobody confirms: out, however long an element was to live --------------------------------------------
check 'the gate is killed' stop gate KILL
check '... and the verifier' stop verifier KILL
by_hand() { nft_gw add element inet assay_gate admitted_from4 '{ "dev2" . 02:00:5e:00:53:02 . 192.0.2.7 timeout 1h }' && nft_gw add element inet assay_gate admitted_to4 '{ "dev2" . 192.0.2.7 timeout 1h }'; }
check 'somebody lets d2 in by hand' by_hand
check 'd2 is in' reaches d2 $SRV
rm -f "$WORK/gate.log"
check 'the gate starts' gate_up
check 'it takes over what is there' wait_for "$WAIT" gate_told adopted
check 'without a snapshot that ends in 15 s' wait_for 18 gate_told unconfirmed
check 'd2 is out' cannot_reach d2 $SRV
check '... and d1' cannot_reach d1 $SRV

# ---- a gate.yaml that is wrong opens nothing --------------------------------------------------
gate_tables() { equal "$(nft_gw list tables | sort | tr '\n' ' ')" "$1"; }
wrong_is() { # WHAT, as close tells it
	local out status=0
	out=$(gate_close 2>&1) || status=$?
	printf '%s\n' "$out"
	[ $status = 2 ] && [[ $out == *gate.yaml:* && $out == *"$1"* ]]
}
check 'the gate stops' stop gate
wrong() { sed -i 's/^interfaces:.*/interfaces: [dev1, "no such name"]/' "$WORK/gate.yaml"; }
closes_nothing_else() { wrong && wrong_is 'stay as they are' && gate_tables 'table inet assay_gate '; }
check 'a gate.yaml is wrong while rules are loaded: these stay' closes_nothing_else
check 'the machine boots with it: no rules are there' nft_gw delete table inet assay_gate
check 'which is open' reaches d2 $SRV
check 'it is closed before the interfaces come up' wrong_is 'forwards nothing'
check 'd2 is out' cannot_reach d2 $SRV
check '... and everybody, also from the verifier' cannot_reach d1 $SRV
check 'again is the same' wrong_is 'forwards nothing'
check 'by tables of both families' gate_tables 'table bridge assay_gate_shut table inet assay_gate_shut '
gate_config closed
check 'it is corrected' gate_close
check 'the rules are there, and nothing else' gate_tables 'table inet assay_gate '
wrong
check 'wrong once more' nft_gw delete table inet assay_gate
check '... closed' wrong_is 'forwards nothing'
gate_config closed
check 'corrected, and the gate started' gate_up
check 'it has its rules' wait_for "$WAIT" gate_tables 'table inet assay_gate '
check 'a file that is missing closes nothing' bash -c "! nsenter '$(net_of gw)' '$ASSAY_BIN/assay-gate' close --config '$WORK/none.yaml' 2>/dev/null"
check 'the rules stay' gate_tables 'table inet assay_gate '
check 'nothing of a probe is left' bash -c "! nsenter '$(net_of gw)' nft list tables | grep probe"
check 'the gate stops' stop gate
lib_end
