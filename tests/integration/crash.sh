#!/bin/bash
# kill -9 of any process of the verifier, 100 times under load: it goes on, the ledger is
# whole, every decision that a device received is in it, nobody is admitted who was not.
# time-limit: 420
. tests/attacks/lib.sh
lib_begin

DEVICES=40
KILLS=${KILLS:-100}
WAIT=30

fleet() { "$ASSAY_BIN/assay-fleet" --log "$GOOD" --devices $DEVICES "$@"; }
main_pid() { cat "$ASSAY_STATE/run/pid"; }
role_of() { tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | sed -n 's/^--role=//p'; }
children() { tr ' ' '\n' <"/proc/$(main_pid)/task/$(main_pid)/children"; }
of_role() { # ROLE
	local pid
	for pid in $(children); do
		[ "$(role_of "$pid")" = "$1" ] && echo "$pid"
	done
}
admitted() { assay device list --class fleet --limit 1000 --json | jq -e --argjson n "$1" '[.devices[] | select(.decision == "ADMIT")] | length == $n' >/dev/null; }
sessions() { assay status --json | jq .proved_sessions; }

# ---- a fleet under way ----
begin() {
	fleet_begin 'spare_appraisers: 2' 'enrolments_per_minute: 10000' || return
	verifier_stop # from now on on the port that it had, so that devices find it again
	sed -i "s/^listen: .*/listen: \"127.0.0.1:$(cat "$ASSAY_STATE/run/port")\"/" "$ASSAY_STATE/verifier.yaml"
	verifier_start && fleet --eks "$WORK/eks" && assay ek allow --file "$WORK/eks" --class fleet &&
		start fleet "$ASSAY_BIN/assay-fleet" --log "$GOOD" --devices $DEVICES --port "$(cat "$ASSAY_STATE/run/port")" \
			--pin "$(assay status --json | jq -r .pin)" --seconds 600 --ready "$WORK/ready" --record "$WORK/record" --reconnect &&
		wait_for 60 test -e "$WORK/ready" &&
		assay reference capture "$(assay device list --json | jq -r '.devices[0].id')" --name golden &&
		assay reference promote golden --digest "$(assay reference show golden --json | jq -r .digest)" >/dev/null &&
		wait_for 60 admitted $DEVICES
}
check "a fleet of $DEVICES devices is admitted" begin
[ "$failures" = 0 ] || { tail -n 20 "$WORK"/{fleet,verifier}.log && exit 1; }
# A tampered device among them.
attacker_start
bad() { enrolled 9001 && d extend 4 && round 'decision QUARANTINE *' 9001 && ek_of 9001 && BAD=$ID; }
check 'a tampered device is not' bad

# ---- one at a time: what each costs ----
replaced() { # ROLE COUNT
	[ "$(of_role "$1" | wc -l)" -ge "$2" ]
}
kill_one() { kill -KILL "$(of_role "$1" | head -n 1)"; }
costs_nothing() { # ROLE: sessions stay
	local before net count
	before=$(sessions) net=$(of_role net) count=$(of_role "$1" | wc -l)
	wait_for 5 kill_one "$1" && wait_for 30 replaced "$1" "$count" && wait_for 30 assay status &&
		equal "$(of_role net)" "$net" && [ "$(sessions)" -ge "$before" ]
}
check 'a killed appraiser is replaced and costs no connection' costs_nothing appraiser
check 'a killed console is replaced and costs no device its connection' costs_nothing console
net_dies() {
	local pid
	pid=$(of_role net)
	kill -KILL "$pid" && wait_for 30 replaced net 1 && [ "$(of_role net)" != "$pid" ] && [ "$(main_pid)" = "${started[verifier]}" ]
}
check 'a killed net is replaced by the same keeper' net_dies
cannot_start() {
	mv "$ASSAY_STATE/tls/cert.pem" "$WORK/cert.pem" && kill -KILL "$(of_role net)" &&
		wait_for 30 grep -q 'child-not-started role=net' "$WORK/verifier.log" && [ -z "$(of_role net)" ]
}
check 'a net that cannot be started, as its certificate is just being exchanged' cannot_start
comes_yet() { mv "$WORK/cert.pem" "$ASSAY_STATE/tls/cert.pem" && wait_for 20 replaced net 1 && [ "$(main_pid)" = "${started[verifier]}" ]; }
check '... is tried again until it can' comes_yet
check 'and devices come back' eval 'wait_for 30 eval "[ \$(sessions) -ge $DEVICES ]"'

# ---- any of them, again and again ----
# One whose predecessor's children have not let go of the port yet ends at once: again.
serves() { alive verifier && [ -s "$ASSAY_STATE/run/port" ] && assay status >/dev/null 2>&1; }
keeper_again() {
	local i
	for ((i = 0; i < 100; i++)); do
		if ! alive verifier; then
			wait "${started[verifier]}" 2>/dev/null
			rm -f "$ASSAY_STATE/run/port"
			start verifier "$ASSAY_BIN/assay-verifier" run --state "$ASSAY_STATE"
		fi
		serves && return
		sleep 0.1
	done
	return 1
}
RANDOM=${SEED:-20260601}
declare -A killed=()
kill_one() {
	local victims victim role
	victims=("${started[verifier]}")
	# shellcheck disable=SC2207 # numbers
	victims+=($(children))
	victim=${victims[RANDOM % ${#victims[@]}]}
	[ "$victim" = "${started[verifier]}" ] && role=keeper || role=$(role_of "$victim")
	kill -KILL "$victim" 2>/dev/null || return 0
	killed[${role:-starting}]=$((${killed[${role:-starting}]:-0} + 1))
	kills=$((kills + 1))
	sleep "0.$((RANDOM % 6 + 2))"
	if [ "$role" = keeper ]; then
		keeper_again
	elif ! alive verifier; then
		echo "the keeper ended when its child $role was killed" && return 1
	fi
}
kills=0
storm() {
	while [ "$kills" -lt "$KILLS" ]; do
		kill_one || { tail -n 20 "$WORK/verifier.log"; return 1; }
		[ $((kills % 20)) = 7 ] || continue
		d connect && d hello && d proof
		[[ $ANSWER != *ADMIT* ]] || return
	done
}
check "$KILLS processes are killed, and the verifier goes on" storm
echo "# killed: $(for r in "${!killed[@]}"; do printf '%s %s  ' "$r" "${killed[$r]}"; done)"
check 'it serves' keeper_again
check 'every device of the fleet is admitted again' wait_for 60 admitted $DEVICES
check 'the tampered one was never' eval 'stands "$BAD" QUARANTINE && assay device history "$BAD" --json | jq -e "all(.decisions[]; .outcome == \"QUARANTINE\")"'
fleet_ends() { alive fleet && stop fleet && [ "$(wc -l <"$WORK/record")" -gt $((DEVICES * 10)) ]; }
check 'the fleet took it all without a fault' fleet_ends
check 'the verifier stops as asked' verifier_stop
check 'the ledger is whole, and has every decision that a device received' "$ASSAY_BIN/tests/tools/ledger_verify" "$ASSAY_STATE" "$WORK/record"
sed 's/^/# /' "$WORK/out"
lib_end
