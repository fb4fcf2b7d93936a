#!/bin/bash
# `make bench`: simulated devices against one verifier on this machine. DEVICES=2000 each
# attest every 2 s (tests/data/policy/fleet.yaml) for FLEET_SECONDS=60, over TLS
# WebSockets, with software TPMs that sign real quotes. Fails if any device meets an error
# or is once not admitted; how fast it is depends on the machine.
devices=${DEVICES:-2000} seconds=${FLEET_SECONDS:-60} ramp=${RAMP:-100}
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
lib_begin

LOG=tests/data/eventlog/uki-good.bin
WAIT=60
fleet() { "$ASSAY_BIN/assay-fleet" --log $LOG --devices "$devices" "$@"; }
quietly() { "$@" >"$WORK/out" 2>&1 || { cat "$WORK/out" "$WORK/verifier.log" >&2; exit 1; }; }

quietly verifier_init
# All of them come from one address here.
cat >>"$ASSAY_STATE/verifier.yaml" <<-E
	connections_max: $((devices + 64))
	connections_per_source: $((devices + 64))
	half_open_per_source: $((devices + 64))
	enrolments_per_minute: $((devices * 2))
	uploads_max: 1024
E
quietly verifier_start
quietly fleet --eks "$WORK/eks"
quietly assay ek allow --file "$WORK/eks" --class fleet
quietly assay policy add tests/data/policy/fleet.yaml
quietly assay policy activate fleet --comment bench

start fleet "$ASSAY_BIN/assay-fleet" --log $LOG --devices "$devices" --ramp "$ramp" \
	--port "$(cat "$ASSAY_STATE/run/port")" --pin "$(assay status --json | jq -r .pin)" \
	--seconds "$seconds" --ready "$WORK/ready" --daemon "${started[verifier]}"
until [ -e "$WORK/ready" ] || ! alive fleet; do sleep 0.2; done

# What the first device booted is what all of them shall boot.
first=$(assay device list --class fleet --json | jq -r '.devices[0].id')
quietly assay reference capture "$first" --name fleet
quietly assay reference promote fleet --digest "$(assay reference show fleet --json | jq -r .digest)"

# A command of yours while it measures, e.g. a profiler; $verifier is the daemon's pid.
[ -z "${DURING:-}" ] ||
	{ wait_for 120 grep -q admitted "$WORK/fleet.log"; verifier=${started[verifier]} $DURING; }
wait "${started[fleet]}"
status=$?
unset "started[fleet]"
cat "$WORK/fleet.log"
[ $status = 0 ] || grep -v event=decision "$WORK/verifier.log" | tail -n 20 >&2
exit $status
