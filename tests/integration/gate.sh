#!/bin/bash
# A gate with real packets: a router, two devices, a server and the verifier, each in a
# network namespace of its own. Who is tampered with loses the server and keeps the verifier;
# nobody gets in because something died. Needs root and network namespaces.
# time-limit: 600
. tests/integration/lib.sh
lib_begin

NS=ag$$
if [ "$(id -u)" != 0 ] || ! ip netns add "${NS}t" 2>/dev/null || ! nsenter --net="/run/netns/${NS}t" true; then
	skip 'a gate with real packets' 'needs root and network namespaces'
	exit 0
fi
ip netns del "${NS}t"

SRV=198.51.100.2 VERIFIER=198.51.100.10
clean_net() {
	local n
	for n in srv gw d1 d2; do ip netns del "$NS$n" 2>/dev/null; done
}
trap 'clean_net; lib_clean' EXIT
in_ns() { nsenter --net="/run/netns/$NS$1" "${@:2}"; } # NS COMMAND...
net_make() {
	local n i
	for n in srv gw d1 d2; do ip netns add "$NS$n" && ip -n "$NS$n" link set lo up || return; done
	ip -n "${NS}gw" link add up0 type veth peer name e0 netns "${NS}srv" || return
	ip -n "${NS}gw" addr add 198.51.100.1/24 dev up0 && ip -n "${NS}gw" link set up0 up
	ip -n "${NS}srv" addr add $SRV/24 dev e0 && ip -n "${NS}srv" addr add $VERIFIER/24 dev e0
	ip -n "${NS}srv" link set e0 up && ip -n "${NS}srv" route add default via 198.51.100.1
	for i in 1 2; do
		ip -n "${NS}gw" link add "dev$i" type veth peer name e0 netns "${NS}d$i" &&
			ip -n "${NS}gw" addr add "192.0.$i.1/24" dev "dev$i" && ip -n "${NS}gw" link set "dev$i" up &&
			ip -n "${NS}d$i" link set e0 address "02:00:5e:00:53:0$i" &&
			ip -n "${NS}d$i" addr add "192.0.$i.7/24" dev e0 && ip -n "${NS}d$i" link set e0 up &&
			ip -n "${NS}d$i" route add default via "192.0.$i.1" || return
	done
	in_ns gw sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward"
}
# A closed port answers at once; a dropped packet never: 124.
reaches() { # NS ADDRESS
	local got=0
	timeout 0.7 nsenter --net="/run/netns/$NS$1" bash -c "exec 3<>/dev/tcp/$2/9" 2>/dev/null || got=$?
	[ $got != 124 ]
}
cannot_reach() { ! reaches "$@"; }
never_reaches() { # NS ADDRESS SECONDS
	local end=$((SECONDS + $3))
	while [ $SECONDS -lt $end ]; do
		! reaches "$1" "$2" || return 1
	done
}

# ---- the network, the verifier in it, the gate before anything else ------------------
check 'a network is made' net_make
check 'without rules all pass' reaches d1 $SRV
ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
export ASSAY_STATE=$WORK/verifier
check 'init makes a verifier' "$ASSAY_BIN/assay-verifier" init --state "$ASSAY_STATE" --listen $VERIFIER:0 --roots "$WORK/roots" --accept-virtual-tpm
verifier_up() {
	rm -f "$ASSAY_STATE/run/port"
	start verifier nsenter --net="/run/netns/${NS}srv" "$ASSAY_BIN/assay-verifier" run --state "$ASSAY_STATE"
	wait_for "$WAIT" test -s "$ASSAY_STATE/run/port" -a -S "$ASSAY_STATE/run/console.sock"
}
check 'the verifier starts' verifier_up
PORT=$(cat "$ASSAY_STATE/run/port")
sed -i "s/^listen:.*/listen: \"$VERIFIER:$PORT\"/" "$ASSAY_STATE/verifier.yaml"
check 'a token for the gate' bash -c "'$ASSAY_BIN/assay' operator add gate-1 --role relying-party >'$WORK/gate.token'"
pin=$(assay token create --class gateway 2>/dev/null | sed 's/.*\.//')
root=$(assay key list --json | jq -r .root)
gate_config() { # FAIL
	cat >"$WORK/gate.yaml" <<-E
		server: wss://$VERIFIER:$PORT
		token_file: $WORK/gate.token
		tls_pin: $pin
		root: $root
		state: $WORK/gate.number
		status: $WORK/gate.status
		fail: $1
		interfaces: [dev1, dev2]
		always: ["$VERIFIER tcp $PORT"]
	E
}
gate_config closed
gate_up() { start gate nsenter --net="/run/netns/${NS}gw" "$ASSAY_BIN/assay-gate" run --config "$WORK/gate.yaml"; }
gate_hears() { jq -e '.verifier == "heard" and .kernel == "confirmed"' "$WORK/gate.status" >/dev/null 2>&1; }
check 'before the interfaces come up all is closed' in_ns gw "$ASSAY_BIN/assay-gate" close --config "$WORK/gate.yaml"
check '... for everybody' cannot_reach d1 $SRV
check '... but to the verifier' in_ns d1 timeout 2 bash -c "exec 3<>/dev/tcp/$VERIFIER/$PORT"
check 'the gate starts' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'an unknown device reaches no server' cannot_reach d1 $SRV

# ---- devices ---------------------------------------------------------------------------
check 'a policy' policy_use gateway 1
agent_start() { # NAME ARGUMENT...: in the namespace of the same number
	local name=$1
	shift
	mkdir -p "$WORK/$name/agent"
	start "agent-$name" nsenter --net="/run/netns/$NS$name" "$ASSAY_BIN/assay-attester" --verifier "wss://$VERIFIER:$PORT" \
		--state "$WORK/$name/agent" --tcti "$(tpm_tcti "$name")" "$@"
}
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
check 'd1 reaches the server' wait_for 5 reaches d1 $SRV
check 'd2 reaches the server' wait_for 5 reaches d2 $SRV
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
check 'd1 loses the server' wait_for 2 cannot_reach d1 $SRV
check 'd1 keeps the verifier' in_ns d1 timeout 2 bash -c "exec 3<>/dev/tcp/$VERIFIER/$PORT"
check 'd2 is not concerned' reaches d2 $SRV
check 'd1 is repaired' device_boot d1 grub-good
check 'd1 is admitted again' decides d1 ADMIT
check 'd1 gets the server back' wait_for 5 reaches d1 $SRV
check 'd2 is held' assay device hold d2 --reason test
check 'd2 loses the server' wait_for 5 cannot_reach d2 $SRV

# ---- drift ------------------------------------------------------------------------------------
opened_by_hand() { in_ns gw nft add element inet assay_gate admitted_from4 '{ "dev2" . 02:00:5e:00:53:02 . 192.0.2.7 timeout 1h }' && in_ns gw nft add element inet assay_gate admitted_to4 '{ "dev2" . 192.0.2.7 timeout 1h }'; }
check 'somebody opens the way for d2 by hand' opened_by_hand
check 'the gate closes it within 5 s' wait_for 5 cannot_reach d2 $SRV
check 'somebody flushes the sets' in_ns gw nft flush set inet assay_gate admitted_from4
check 'the gate repairs it within 5 s' wait_for 5 reaches d1 $SRV
check 'somebody deletes the table' in_ns gw nft delete table inet assay_gate
check 'it is back within 5 s' wait_for 5 cannot_reach d2 $SRV
check '... also for who is admitted' wait_for 5 reaches d1 $SRV

# ---- death -----------------------------------------------------------------------------------------
check 'the gate is killed' stop gate KILL
check 'nothing opens for d2' never_reaches d2 $SRV 3
check 'd1 is closed when its decision ends' wait_for 15 cannot_reach d1 $SRV
check 'the gate starts again' gate_up
check 'd1 is back' wait_for "$WAIT" reaches d1 $SRV
check 'd2 is not' cannot_reach d2 $SRV
check 'the verifier is killed' stop verifier KILL
check 'd1 is closed when its decision ends' wait_for 20 cannot_reach d1 $SRV
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
rm -f "$WORK/gate.status" # the one before told it
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
rolled_back() { grep -q 'event=rollback' "$WORK/gate.log"; }
check 'it says so' wait_for "$WAIT" rolled_back
check '... and opens nothing' never_reaches d1 $SRV 2
check 'the gate stops' stop gate
check 'the verifier stops' verifier_stop
lib_end
