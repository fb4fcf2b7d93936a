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
ALWAYS="\"$SRV tcp 7001\"" # an update server
gate_config closed "restricted: [\"$SRV tcp 7002\"]"
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
check 'which answers' answers_begin $SRV
check 'rounds go by, decisions are extended, and nothing is interrupted' holds_for 10 d1 $SRV

# ---- tampered with, repaired ----------------------------------------------------------------
check 'd1 boots another command line' device_boot d1 grub-cmdline
check 'd1 is quarantined' decides d1 QUARANTINE
# by the gate's doing: the decision before would have let it through for 6 s and more
check 'd1 loses the server' wait_for 3 cannot_reach d1 $SRV
check 'd1 keeps the verifier' reaches_verifier d1
check '... and not what is for restricted devices' cannot_reach d1 $SRV 7002
check 'd2 is not concerned' reaches d2 $SRV
check 'd1 is repaired' device_boot d1 grub-good
check 'd1 is admitted again' decides d1 ADMIT
check 'd1 gets the server back' wait_for "$WAIT" reaches d1 $SRV

# ---- restricted: what is for everybody, and what is for restricted devices -----------------------
check 'd2 is under maintenance' assay device maintain d2 --for 1h --reason test
check 'd2 is restricted' decides d2 RESTRICT
check 'd2 loses the server' wait_for 3 cannot_reach d2 $SRV
check '... but for what is for restricted devices' reaches d2 $SRV 7002
check '... and the verifier' reaches_verifier d2
check 'maintenance ends' assay device release d2 --reason test
check 'd2 is admitted again' decides d2 ADMIT
check 'd2 gets the server back' wait_for "$WAIT" reaches d2 $SRV

# ---- connections to where it may go anyway go on, also if the other end speaks next --------------
told_later() { # the update server, which says a word to who is connected once it is asked to
	start updates nsenter "$(net_of srv)" python3 -c '
import os, socket, sys, time
s = socket.create_server((sys.argv[1], 7001))
c = s.accept()[0]
while not os.path.exists(sys.argv[2]): time.sleep(0.1)
c.sendall(b"word\n")
time.sleep(600)' $SRV "$WORK/speak"
}
listens() { # d2, connected
	start listener nsenter "$(net_of d2)" bash -c "until exec 3<>/dev/tcp/$SRV/7001; do sleep 0.1; done
		: >'$WORK/connected'; read -r word <&3; echo \"\$word\" >'$WORK/word'" 2>/dev/null
	wait_for "$WAIT" test -e "$WORK/connected"
}
check 'an update server' told_later
check 'd2 is connected to it' listens
check 'd2 is held' assay device hold d2 --reason test
check 'd2 loses the server' wait_for 3 cannot_reach d2 $SRV
: >"$WORK/speak"
check 'what the update server says then arrives' wait_for 5 grep -qx word "$WORK/word"

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
check 'd1 stays in beyond its decision' holds_for 15 d1 $SRV
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
