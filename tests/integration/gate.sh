#!/bin/bash
# A gate with real packets: a router, two devices, a server and the verifier, each in a
# network namespace of its own. Who is tampered with loses the server and keeps the verifier;
# nobody gets in because something died. Needs root and network namespaces.
# time-limit: 600
. tests/integration/lib.sh
lib_begin
. tests/support/gate.sh
gate_needs

# ---- the network, the verifier in it, the gate before anything else ------------------
check 'a network is made' net_routed
check 'without rules all pass' reaches d1 $SRV
gate_verifier
gate_config closed
check 'before the interfaces come up all is closed' gate_close
check '... for everybody' cannot_reach d1 $SRV
check '... but to the verifier' reaches_verifier d1
check 'the gate starts' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'an unknown device reaches no server' cannot_reach d1 $SRV

# ---- devices ---------------------------------------------------------------------------
check 'a policy' policy_use gateway 1
for d in d1 d2; do
	check "$d enrols through the gate" device_enrol $d gateway grub-good
	check "$d has addresses" assay device address $d --add "mac 02-00-5E-00-53-0${d#d}"
	check '... as the operator knows them' assay device address $d --add "ip 192.0.${d#d}.7"
done
check_status 2 'an address is one device'"'"'s' assay device address d2 --add 'ip 192.0.1.7'
check 'not admitted, no server' cannot_reach d1 $SRV
check 'its boot is approved' device_approve_boot d1
check 'd1 is admitted' decides d1 ADMIT
check 'd2 is admitted' decides d2 ADMIT
check 'd1 reaches the server' wait_for "$WAIT" reaches d1 $SRV
check 'd2 reaches the server' wait_for "$WAIT" reaches d2 $SRV
holds_for() { # while decisions are only extended, nothing is interrupted
	local end=$((SECONDS + 8))
	while [ $SECONDS -lt $end ]; do
		reaches d1 $SRV || return 1
		sleep 0.3
	done
}
check 'rounds go by and nothing is interrupted' holds_for

# ---- tampered with, repaired ----------------------------------------------------------------
check 'd1 boots another command line' device_boot d1 grub-cmdline
check 'd1 is quarantined' decides d1 QUARANTINE
# by the gate's doing: the decision before would have let it through for 6 s and more
check 'd1 loses the server' wait_for 3 cannot_reach d1 $SRV
check 'd1 keeps the verifier' reaches_verifier d1
check 'd2 is not concerned' reaches d2 $SRV
check 'd1 is repaired' device_boot d1 grub-good
check 'd1 is admitted again' decides d1 ADMIT
check 'd1 gets the server back' wait_for "$WAIT" reaches d1 $SRV
check 'd2 is held' assay device hold d2 --reason test
check 'd2 loses the server' wait_for 3 cannot_reach d2 $SRV

# ---- drift ------------------------------------------------------------------------------------
opened_by_hand() { in_ns gw nft add element inet assay_gate admitted_from4 '{ "dev2" . 02:00:5e:00:53:02 . 192.0.2.7 timeout 1h }' && in_ns gw nft add element inet assay_gate admitted_to4 '{ "dev2" . 192.0.2.7 timeout 1h }'; }
check 'somebody opens the way for d2 by hand' opened_by_hand
check 'the gate closes it within 5 s' wait_for 5 cannot_reach d2 $SRV
check 'somebody flushes the sets' in_ns gw nft flush set inet assay_gate admitted_from4
check 'the gate repairs it within 5 s' wait_for 5 reaches d1 $SRV
check 'somebody deletes the table' in_ns gw nft delete table inet assay_gate
check 'it is back within 5 s' wait_for 5 cannot_reach d2 $SRV
check '... also for who is admitted' wait_for "$WAIT" reaches d1 $SRV

# ---- death -----------------------------------------------------------------------------------------
check 'the gate is killed' stop gate KILL
check 'nothing opens for d2' never_reaches d2 $SRV 3
check 'd1 is closed when its decision ends' wait_for 40 cannot_reach d1 $SRV
check 'the gate starts again' gate_up
check 'd1 is back' wait_for "$WAIT" reaches d1 $SRV
check 'd2 is not' cannot_reach d2 $SRV
check 'the verifier is killed' stop verifier KILL
check 'd1 is closed when its decision ends' wait_for 40 cannot_reach d1 $SRV
check 'nothing opens for d2' never_reaches d2 $SRV 2
check 'the gate is killed too' stop gate KILL
check 'nothing opens for anybody' never_reaches d2 $SRV 2
check 'the verifier starts again' verifier_up
check 'and the gate' gate_up
check 'd1 is back' wait_for 30 reaches d1 $SRV
check 'd2 is not' cannot_reach d2 $SRV

# ---- open by choice: never for those who were not admitted -------------------------------------------
check 'the gate stops' stop gate
gate_config open
check 'it is to fail open' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'd1 is admitted' wait_for "$WAIT" reaches d1 $SRV
check 'the verifier is killed' stop verifier KILL
stays_open() {
	local end=$((SECONDS + 15))
	while [ $SECONDS -lt $end ]; do
		reaches d1 $SRV || return 1
		sleep 0.5
	done
}
check 'd1 stays in beyond its decision' stays_open
check 'd2, held, does not' never_reaches d2 $SRV 2
check 'the gate is killed' stop gate KILL
check 'a dead gate holds nobody' wait_for 40 cannot_reach d1 $SRV
check 'a restarted one knows nobody' gate_up
check '... and opens nothing' never_reaches d1 $SRV 3
check 'the gate stops' stop gate

# ---- an older ledger put back -----------------------------------------------------------------------
printf '99999999\n' >"$WORK/gate.number"
check 'the verifier starts' verifier_up
check 'the gate knows of more decisions than the verifier' gate_up
check 'it says so' wait_for "$WAIT" gate_told rollback
check '... and opens nothing' never_reaches d1 $SRV 2
check 'the gate stops' stop gate
check 'the verifier stops' verifier_stop
lib_end
