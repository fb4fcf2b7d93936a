#!/bin/bash
# Several processes hold devices' connections (net_processes): all of them listen at one port,
# devices attest through whichever they meet, and when one ends its devices come back.
# time-limit: 180
. tests/integration/lib.sh
lib_begin

DEVICES=12
mkdir -p "$WORK/roots"
starts() {
	verifier_init --roots "$WORK/roots" >/dev/null && echo 'net_processes: 3' >>"$ASSAY_STATE/verifier.yaml" && verifier_start &&
		policy_use controller 1 's/lowest_tier: .*/lowest_tier: software/'
}
check 'a verifier with three' starts
nets() { # the net processes, children of this verifier
	local f
	for f in /proc/[0-9]*/cmdline; do
		tr '\0' ' ' <"$f" 2>/dev/null | grep -q -- '--role=net' || continue
		f=${f%/cmdline}
		[ "$(awk '/^PPid:/ { print $2 }' "$f/status" 2>/dev/null)" != "${started[verifier]}" ] || echo "${f#/proc/}"
	done
}
three() { [ "$(nets | wc -l)" = 3 ]; }
check 'they are there' wait_for "$WAIT" three
check 'none had to be started again' equal "$(assay status --json | jq .children_restarted)" 0

sockets() { find "/proc/$1/fd" -lname 'socket:*' 2>/dev/null | wc -l; } # PROCESS
declare -A idle=()
for p in $(nets); do idle[$p]=$(sockets "$p"); done

TOKEN=$(assay token create --class controller --tier software --uses "$DEVICES" 2>/dev/null)
for ((i = 0; i < DEVICES; i++)); do
	start "agent-$i" "$ASSAY_BIN/assay-attester" --verifier "$(verifier_url)" --identity software --token "$TOKEN" \
		--state "$WORK/agent-$i" --no-boot-log --no-ima-list --retry-max 1
done
# Each of them has a connection, and was judged since decision number $1.
judged() { # ATTESTATIONS
	assay status --json | jq -e --argjson n "$DEVICES" --argjson a "$1" '.proved_sessions == $n and .attestations >= $a + 3 * $n' >/dev/null
}
attest() { wait_for 40 judged "$(assay status --json | jq .attestations)" || { assay status && assay device list && return 1; }; }
check 'devices attest' attest
shared() { # the kernel spreads connections by their ports
	local p with=0
	for p in $(nets); do
		[ "$(sockets "$p")" -le "${idle[$p]}" ] || with=$((with + 1))
	done
	[ "$with" -ge 2 ] || { echo "connections in $with processes" && return 1; }
}
if [ "$(id -u)" = 0 ]; then
	check 'not all of them through one process' shared
else
	skip 'not all of them through one process' 'their descriptors are root'"'"'s to see'
fi
victims=$(nets)
for p in $victims; do
	replaced() { ! kill -0 "$p" 2>/dev/null && three; }
	check 'one of the processes ends' kill -KILL "$p"
	check 'it is replaced' wait_for "$WAIT" replaced
	check 'and all devices attest' attest
done
verifier_stop
check 'all of them end with the verifier' equal "$(nets)" ''
lib_end
