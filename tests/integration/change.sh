#!/bin/bash
# Nobody is afraid to change: 50 simulated devices of 4 kinds; 6 candidate policies are
# replayed and activated, and exactly the devices that were predicted to change do; rings
# that halt; planned changes; digests declared bad. Attacks D7, D9a, D12, D13, L19.
# time-limit: 600
#
#   usage: [ASSAY_BIN=DIR] tests/integration/change.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
WAIT=60

# kind: class, label, log, how many
KINDS='alpha site=a uki-good 20
alpha site=b uki-cmdline 10
beta site=a grub-good 12
beta site=b grub-cmdline 8'
ALL=50

api() { # PATH [JSON]
	curl -sS --max-time 10 --unix-socket "$ASSAY_STATE/run/console.sock" \
		${2:+-H 'Content-Type: application/json' -d "$2"} "http://verifier$1"
}

# A policy of a class at an interval of a second; further arguments are sed commands.
version=1
make_policy() { # CLASS FILE SED...
	local class=$1 file=$2 args=()
	shift 2
	version=$((version + 1))
	while [ $# -gt 0 ]; do args+=(-e "$1") && shift; done
	sed -e "s/^version: .*/version: $version/; s/^policy: .*/policy: $class/; s/class: .*/class: $class/" \
		-e 's/interval: .*/interval: 1s/; s/patience: .*/patience: 100/; s/virtual_tpm: false/virtual_tpm: true/' \
		"${args[@]}" tests/data/policy/gateway.yaml >"$file"
}
added() { assay policy add "$1" --json | jq -er .digest; } # FILE

# `ID DECISION` of every device.
decisions() { assay device list --json | jq -r '.devices[] | .id + " " + .decision' | sort; }
# `ID REFERENCE/POLICY` of the last verdicts: all judged by this policy of their class.
judged_by() { # CLASS DIGEST [LABEL]
	local n want
	want=$(assay device list --class "$1" --json | jq "[.devices[] | select(.labels | contains(\"${3:-}\"))] | length")
	n=$(assay device list --class "$1" --json | jq -r ".devices[] | select(.labels | contains(\"${3:-}\")) | .id" |
		while read -r id; do assay device show "$id" --json | jq -r .verdict.judged_by.policy.digest; done | grep -c "$2")
	[ "$n" = "$want" ] || { echo "$n of $want are judged by ${2:0:16}"; return 1; }
}
settled() { [ "$(assay device list --json | jq '[.devices[] | select(.verdict_at)] | length')" = $ALL ]; }

setup() {
	local first=0 class label log n i=0
	verifier_init >/dev/null || return
	printf '%s\n' "connections_per_source: 128" "half_open_per_source: 128" \
		"enrolments_per_minute: 1000" >>"$ASSAY_STATE/verifier.yaml"
	verifier_start || return
	for class in alpha beta; do
		make_policy $class "$WORK/$class.yaml" &&
			assay policy activate "$(added "$WORK/$class.yaml")" --comment start >/dev/null || return
	done
	while read -r class label log n; do
		i=$((i + 1))
		"$ASSAY_BIN/assay-fleet" --log "tests/data/eventlog/$log.bin" --devices "$n" --first $first --eks "$WORK/eks$i" &&
			assay ek allow --file "$WORK/eks$i" --class "$class" --labels "$label" >/dev/null || return
		start fleet$i "$ASSAY_BIN/assay-fleet" --log "tests/data/eventlog/$log.bin" --devices "$n" --first $first \
			--port "$(cat "$ASSAY_STATE/run/port")" --pin "$(assay status --json | jq -r .pin)" --stay --reconnect
		first=$((first + n))
	done <<<"$KINDS"
	wait_for 60 settled
}

golden() { # CLASS LABEL NAME
	local id
	id=$(assay device list --class "$1" --json | jq -r ".devices[] | select(.labels == \"$2\") | .id" | head -n 1)
	assay reference capture "$id" --name "$3" >/dev/null &&
		assay reference promote "$3" --digest "$(assay reference show "$3" --json | jq -r .digest)" >/dev/null
}
count() { assay device list --json | jq "[.devices[] | select(.decision == \"$1\")] | length"; }
admitted() { [ "$(count ADMIT)" = "$1" ]; }

check '50 devices of four kinds have attested' setup
check 'each class has a golden device' golden alpha site=a alpha-good
golden beta site=a beta-good >/dev/null
check 'those that boot what the golden ones boot are admitted' wait_for 60 admitted 32

LABEL=
# ---- the prediction is what happens ------------------------------------------
# What a replay says, and what then happens: `ID BEFORE AFTER` of the devices that change.
replay() { # DIGEST -> $WORK/replay.json, $WORK/predicted
	assay policy replay "$1" --devices --json >"$WORK/replay.json" &&
		jq -r '.devices[] | .id + " " + .before + " " + .after' "$WORK/replay.json" | sort >"$WORK/predicted"
}
comes_true() { # CLASS FILE LEAST
	local digest
	digest=$(added "$2") && replay "$digest" || return
	jq -c 'del(.devices, .groups)' "$WORK/replay.json"
	jq -c '.groups[]' "$WORK/replay.json"
	[ "$(jq .unknown "$WORK/replay.json")" = 0 ] && [ "$(wc -l <"$WORK/predicted")" -ge "$3" ] || return
	decisions >"$WORK/before"
	assay policy activate "$digest" --comment 'as replayed' --replay "$(jq .id "$WORK/replay.json")" >/dev/null &&
		wait_for "$WAIT" judged_by "$1" "$digest" ${LABEL:-} || return
	sleep 3
	decisions >"$WORK/after"
	join "$WORK/before" "$WORK/after" | awk '$2 != $3' >"$WORK/seen"
	diff "$WORK/predicted" "$WORK/seen"
}
make_policy alpha "$WORK/1.yaml" 's/learned: .*/learned: restrict\n  baseline: restrict/' '/^rules:/a\  - {id: agent, fact: agent, op: equals, value: "another agent", on_fail: restrict, severity: low}'
check 'candidate 1, a rule that all of a class fail: what was predicted happens' comes_true alpha "$WORK/1.yaml" 20
make_policy alpha "$WORK/2.yaml"
check 'candidate 2, without that rule: those come back' comes_true alpha "$WORK/2.yaml" 20
make_policy alpha "$WORK/3.yaml" 's/on_fail: quarantine/on_fail: restrict/'
check 'candidate 3, another boot is only restricted: the other kind of the class changes' comes_true alpha "$WORK/3.yaml" 0
make_policy beta "$WORK/4.yaml" 's/  pcrs: \[0, 2-4, 7-9, 11-14\]/  pcrs: [0, 2-3, 7]/'
check 'candidate 4, fewer PCRs are compared: the changed command line passes' comes_true beta "$WORK/4.yaml" 8
make_policy beta "$WORK/5.yaml" '/^rules:/a\  - {id: events, fact: boot.cmdline, op: present, on_fail: quarantine, on_missing: quarantine, severity: low}' 's/  pcrs: \[0, 2-4, 7-9, 11-14\]/  pcrs: [0, 2-3, 7]/'
check 'candidate 5, a rule over a fact of the boot log' comes_true beta "$WORK/5.yaml" 0
make_policy beta "$WORK/6.yaml" 's/class: beta/class: beta\n  labels: [site=a]/'
LABEL=site=a
check 'candidate 6, fewer devices are selected: another policy judges the others' comes_true beta "$WORK/6.yaml" 8
LABEL=

all_kept() { api /v1/replays | jq -e '[.replays[] | select(.state == "done")] | length == 6' >/dev/null; }
check 'the replays are kept' all_kept
check 'each is in the audit log, with who asked' eval 'assay audit list --json | jq -e "[.audit[] | select(.action == \"policy.replayed\")] | length == 6" >/dev/null'
check 'an activation says who, when and why' eval 'assay policy show beta --json | jq -e ".activated_by != null and .activated_why == \"as replayed\" and .activated > 0" >/dev/null'
check_status 64 'an activation without a comment is refused' assay policy activate beta

# ---- limits of a change -------------------------------------------------------
make_policy alpha "$WORK/7.yaml" '/^rules:/a\  - {id: agent, fact: agent, op: equals, value: "another agent", on_fail: quarantine, severity: low}'
SEVEN=$(added "$WORK/7.yaml")
too_many() {
	local before after
	before=$(assay policy list --json | jq -c '[.policies[] | select(.active) | .digest]')
	check_flips=0
	assay policy replay "$SEVEN" --max-flips 5 --yes --comment 'all of them' >/dev/null 2>"$WORK/err" || check_flips=$?
	after=$(assay policy list --json | jq -c '[.policies[] | select(.active) | .digest]')
	[ "$check_flips" = 1 ] && equal "$before" "$after" && grep -q 'more than --max-flips 5' "$WORK/err"
}
check 'D9a: more changes than allowed are refused, with a status that is not success' too_many
check_status 2 'the verifier refuses it too' assay policy activate "$SEVEN" --max-flips 5 --comment 'all of them'
stale() { # references changed since: the replay holds no longer
	local id
	id=$(api /v1/replays | jq -r '.replays[0].id')
	assay reference capture "$(assay device list --class beta --json | jq -r '.devices[0].id')" --name later --scope device >/dev/null || return
	assay policy activate "$SEVEN" --replay "$id" --comment x 2>&1 | grep -q 'replay again'
}
check 'a replay that no longer holds is refused' stale
assay reference retire later >/dev/null

# ---- rings ---------------------------------------------------------------------
ring() { # LABEL N: so many devices of class alpha, site=a, get the label
	assay device list --class alpha --json | jq -r '.devices[] | select(.labels == "site=a") | .id' | head -n "$2" |
		while read -r id; do assay device set "$id" --labels "site=a $1" >/dev/null || return; done
}
check 'five devices are the canaries' ring ring=canary 5
outside() { # what is decided of everybody outside of the ring, and by what
	assay device list --json | jq -r '.devices[] | select(.labels | contains("ring=canary") | not) | .id' |
		while read -r id; do assay device show "$id" --json | jq -r '.id + " " + .decision + " " + .verdict.judged_by.policy.digest'; done | sort
}
# What the policy does is not what the replay said: the canaries fail on purpose (another boot).
state() { assay status --json | jq -r ".rollouts[0].$1"; }
is_state() { [ "$(state state)" = "$1" ]; }
make_policy alpha "$WORK/8.yaml"
EIGHT=$(added "$WORK/8.yaml")
check_status 2 'a ring without a replay is refused' assay policy activate "$EIGHT" --ring ring=canary --comment x
sleep 3
replay "$EIGHT"
outside >"$WORK/outside"
canaries_fail() {
	assay policy activate "$EIGHT" --ring ring=canary --halt-above 2 --comment 'canaries first' >/dev/null || return
	wait_for "$WAIT" judged_by alpha "$EIGHT" ring=canary || return
	equal "$(state state) $(state different)" 'running 0' || return
	for id in $(assay device list --class alpha --json | jq -r '.devices[] | select(.labels | contains("ring=canary")) | .id' | head -n 3); do
		digest=$(assay device show "$id" --json | jq -r '[.verdict.facts[] | select(.name == "pcr" and .index == 4)][0].value' | sed 's/.*://')
	done
	# what the canaries run is declared bad: they are judged otherwise than predicted
	assay reference known-bad add "$digest" --comment 'found on a canary' >/dev/null || return
	wait_for "$WAIT" is_state halted
}
check 'D13: canaries that are not judged as predicted halt the rollout' canaries_fail
assay status | grep -A1 rollout
check 'it is in the audit log' eval 'assay audit list --json | jq -e "any(.audit[]; .action == \"policy.halt\" and .actor == \"verifier\")" >/dev/null'
digest=$(assay reference known-bad list --json | jq -r '.known_bad[0].digest')
check 'a digest is taken off the list' assay reference known-bad remove "$digest" --comment 'it was a test'
nobody_else() { outside | diff "$WORK/outside" -; }
check 'D13: nobody outside of the ring was touched, and nothing was rolled back' eval 'wait_for 20 nobody_else && judged_by alpha "$EIGHT" ring=canary && is_state halted'
check_status 2 'a halted rollout is not promoted' assay policy promote alpha --comment 'go on'
check 'but an operator can force it to the next ring' assay policy promote alpha --ring site=b --force --comment 'it was a test'
check 'which is then judged by it' wait_for "$WAIT" judged_by alpha "$EIGHT" site=b
check 'and to all' assay policy promote alpha --comment 'everybody'
check 'all are judged by it' wait_for "$WAIT" judged_by alpha "$EIGHT"
check 'no rollout is left' eval '[ "$(assay status --json | jq ".rollouts | length")" = 0 ]'
check 'versions are compared in words' eval 'assay policy diff "$WORK/7.yaml" "$WORK/8.yaml" | tee /dev/stderr | grep -q "rule agent is gone"'
back() {
	local old
	old=$(assay policy list --json | jq -r '[.policies[] | select(.name == "alpha" and (.active | not))] | min_by(.version) | .digest')
	assay policy activate "$old" --comment 'as it was' >/dev/null && wait_for "$WAIT" judged_by alpha "$old"
}
check 'an older version is activated again' back

# ---- planned changes -------------------------------------------------------------
# The other kind of alpha boots what the plan leads to.
planned() {
	golden alpha site=b alpha-next &&
		assay reference plan alpha-good alpha-next --from "$(($(date +%s) + 3600))" --until "$(($(date +%s) + 7200))" --comment 'new kernel' >/dev/null
}
check 'a change is planned' planned
kind_b() { # DECISION FINDING: of all devices of the other kind
	assay device list --class alpha --json | jq -e --arg d "$1" --arg r "$2" \
		'[.devices[] | select(.labels == "site=b")] | length > 0 and all(.[]; .decision == $d and (.reason == $r or $r == ""))' >/dev/null
}
check 'D12: before its time the new set does not hold' wait_for 20 kind_b QUARANTINE reference.not-yet
check 'the plan is moved to now' assay reference plan alpha-good alpha-next --until "$(($(date +%s) + 7200))" --comment 'now'
check 'D12: within the window both hold, as wholes' wait_for 20 eval 'kind_b ADMIT "" && [ "$(assay device list --class alpha --json | jq "[.devices[] | select(.decision == \"ADMIT\")] | length")" = 30 ]'
check 'plans are listed' eval 'assay reference plan list | grep -q alpha-next'
check 'a set says which devices match it now' eval '[ "$(assay reference show alpha-next --json | jq ".devices | length")" = 10 ] && assay reference show alpha-next | grep -q "Matched by 10 devices"'
rolled_back() { # the other kind boots the old set again
	stop fleet2
	start fleet2 "$ASSAY_BIN/assay-fleet" --log tests/data/eventlog/uki-good.bin --devices 10 --first 20 --resets 1 \
		--port "$(cat "$ASSAY_STATE/run/port")" --pin "$(assay status --json | jq -r .pin)" --stay --reconnect
	wait_for 30 kind_b QUARANTINE reference.rolled-back
}
check 'D12: who has shown the new set and boots the old one was rolled back' rolled_back
check 'a plan is taken back' assay reference plan cancel alpha-good --comment 'not now'
check 'and holds no longer' wait_for 20 kind_b ADMIT ''

# ---- learned sets ------------------------------------------------------------------
learned() {
	assay reference retire alpha-good >/dev/null && assay reference retire alpha-next >/dev/null || return
	assay reference capture "$(assay device list --class alpha --json | jq -r '.devices[0].id')" --name found --pcrs 0,2-4,7-9,11-14 --labels site=a --version 3 >/dev/null
}
check 'a set of some labels is captured' learned
all_a() { assay device list --class alpha --json | jq -e --arg d "$1" '[.devices[] | select(.labels | contains("site=a"))] | all(.[]; .decision == $d)' >/dev/null; }
check 'D7: what was only learned admits nobody' wait_for 20 all_a RESTRICT
check 'a set of other labels says nothing of a device' wait_for 20 kind_b QUARANTINE reference.none
if_promoted() { assay policy replay alpha --reference found --json | jq -e '.changed == 20 and all(.groups[]; .before == "RESTRICT" and .after == "ADMIT")' >/dev/null; }
check 'D7: a replay tells what promoting it would do' if_promoted
lib_end
