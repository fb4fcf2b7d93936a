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
memory() { # KiB, all processes of the daemon
	ps -o rss= -p "${started[verifier]}" --ppid "${started[verifier]}" | awk '{ s += $1 } END { print s }'
}

cpu() { # hundredths of a second, of the daemon's processes and those that have ended
	local pid
	for pid in "${started[verifier]}" $(ps -o pid= --ppid "${started[verifier]}"); do
		sed 's/.*) //' "/proc/$pid/stat"
	done 2>/dev/null | awk '{ s += $12 + $13 + $14 + $15 } END { print s }'
}

quietly verifier_init
start=$EPOCHREALTIME
quietly "$ASSAY_BIN/tests/tools/ledger_fill" "$ASSAY_STATE" "$devices" "${LOG:-tests/data/eventlog/uki-good.bin}" fleet \
	tests/data/policy/fleet.yaml
echo "replay: $devices devices made in $(bc <<<"$EPOCHREALTIME - $start") s"
quietly verifier_start
sed -e 's/^version: .*/version: 2/' tests/data/policy/fleet.yaml >"$WORK/candidate.yaml"
cat >>"$WORK/candidate.yaml" <<-E2
	rules:
	  - {id: agent, fact: agent, op: equals, value: another, on_fail: restrict, severity: low}
E2
digest=$(assay policy add "$WORK/candidate.yaml" --json | jq -er .digest) || exit 1
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
took=$(bc <<<"$EPOCHREALTIME - $start")
echo "replay: $devices devices in $took s, $(bc <<<"$devices / $took") a second on $(nproc) cores"
echo "replay: $(bc <<<"scale=2; $used / 100") s of processor time, $(bc <<<"$used * 10000 / $devices") us a device"
echo "replay: memory $((before / 1024)) MB before, $((most / 1024)) MB at most, $(($(memory) / 1024)) MB after"
jq -c '{devices, changed, unchanged, unknown, unconcerned}' "$WORK/replay.json"
[ "$(jq .changed "$WORK/replay.json")" = "$devices" ]
