#!/bin/bash
# Replays a fleet: DEVICES=5000 stored devices, each with keys, quote and signature of its
# own, by a candidate policy, while nobody attests. Prints the time, devices per second and
# the daemon's memory before, at most while it ran, and after. Fails if the replay says
# anything but that all of them would change (the candidate has a rule that all fail).
devices=${DEVICES:-5000}
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
lib_begin
WAIT=120

quietly() { "$@" >"$WORK/out" 2>&1 || { cat "$WORK/out" "$WORK/verifier.log" >&2; exit 1; }; }
processes() { # the daemon's
	local stat
	echo "${started[verifier]}"
	for stat in /proc/[0-9]*/stat; do
		sed -n "s/^\([0-9]*\) (.*) [A-Z] ${started[verifier]} .*/\1/p" "$stat"
	done 2>/dev/null
}
memory() { # KiB, resident, all of them
	for pid in $pids; do sed -n 's/^VmRSS: *//p' "/proc/$pid/status"; done 2>/dev/null |
		awk '{ s += $1 } END { print s }'
}
cpu() { # hundredths of a second, with those that have ended
	for pid in $pids; do sed 's/.*) //' "/proc/$pid/stat"; done 2>/dev/null |
		awk '{ s += $12 + $13 + $14 + $15 } END { print s }'
}
calc() { awk "BEGIN { printf \"%.2f\", $1 }"; }

quietly verifier_init
start=$EPOCHREALTIME
quietly "$ASSAY_BIN/tests/tools/ledger_fill" "$ASSAY_STATE" "$devices" "${LOG:-tests/data/eventlog/uki-good.bin}" fleet \
	tests/data/policy/fleet.yaml
echo "replay: $devices devices made in $(calc "$EPOCHREALTIME - $start") s"
quietly verifier_start
sed -e 's/^version: .*/version: 2/' tests/data/policy/fleet.yaml >"$WORK/candidate.yaml"
cat >>"$WORK/candidate.yaml" <<-E2
	rules:
	  - {id: agent, fact: agent, op: equals, value: another, on_fail: restrict, severity: low}
E2
digest=$(assay policy add "$WORK/candidate.yaml" --json | jq -er .digest) || exit 1
pids=$(processes)
before=$(memory) most=0 used=$(cpu)
start=$EPOCHREALTIME
assay policy replay "$digest" --json >"$WORK/replay.json" &
while kill -0 $! 2>/dev/null; do
	now=$(memory)
	[ "$now" -le "$most" ] || most=$now
	sleep 0.2
done
wait $! || exit 1
used=$(($(cpu) - used))
took=$(calc "$EPOCHREALTIME - $start")
echo "replay: $devices devices in $took s, $(calc "$devices / $took") a second on $(nproc) cores"
echo "replay: $(calc "$used / 100") s of processor time, $(calc "$used * 10000 / $devices") us a device"
echo "replay: memory $((before / 1024)) MB before, $((most / 1024)) MB at most, $(($(memory) / 1024)) MB after"
jq -c '{devices, changed, unchanged, unknown, unconcerned}' "$WORK/replay.json"
[ "$(jq .changed "$WORK/replay.json")" = "$devices" ]
