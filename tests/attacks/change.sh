#!/bin/bash
# Attacks on change: canaries that are made to fail on purpose (D13), a rollout whose state
# is to be forgotten by a restart, commands that report success where nothing was done
# (D9a), a set captured from a device that was taken over (D7), the order of known events
# shuffled (L19 is tests/attacks/test_bootpolicy.c).
# time-limit: 200
#
#   usage: [ASSAY_BIN=DIR] tests/attacks/change.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/attacks/lib.sh disable=SC1091
. tests/attacks/lib.sh
lib_begin

check 'a fleet with reference values is there' eval 'fleet_begin && attacker_start && fleet_golden'
device() { # SEED LABELS
	enrolled "$1" && says 'decision ADMIT *' proof && ek_of "$1" && assay device set "$ID" --labels "$2" >/dev/null
}
check 'two devices are canaries, one is not' eval 'device 2 ring=canary && CANARY=$ID && device 3 ring=canary && device 4 ring=rest && OUTSIDE=$ID'

# Another version; what it says is the same.
new_version() {
	sed -i "s/^version: .*/version: 99/" "$WORK/fleet.yaml" && DIGEST=$(assay policy add "$WORK/fleet.yaml" --json | jq -er .digest)
}
check 'a new version is stored' new_version
check_status 2 'D9a: a ring whose effect nobody predicted is refused, and not with success' \
	assay policy activate "$DIGEST" --ring ring=canary --comment 'canaries first'
check_status 64 'D9a: an activation that says no reason is refused, and not with success' assay policy activate "$DIGEST"
check_status 1 'D9a: a replay that would change too much does not end with success' eval \
	'sed "s/  on_fail: quarantine/&\n  baseline: report/; s/^rules:/rules:\n  - {id: no, fact: agent, op: equals, value: nobody, on_fail: restrict, severity: low}/; s/^version: .*/version: 98/" "$WORK/fleet.yaml" >"$WORK/all.yaml" &&
	assay policy replay "$(assay policy add "$WORK/all.yaml" --json | jq -r .digest)" --max-flips 0 --yes --comment x'
check 'the replay of the new version changes nobody' eval 'assay policy replay "$DIGEST" --json | jq -e ".changed == 0 and .unknown == 0 and .devices == 4"'
check 'the canaries get the new version' assay policy activate "$DIGEST" --ring ring=canary --comment 'canaries first'
before=$(show "$OUTSIDE" | jq -c '[.decision, .verdict.judged_by.policy.digest]')
rollout() { assay status --json | jq -r ".rollouts[0].$1"; }

# The attacker has a canary and makes it fail, so that operators take the new version back.
on_purpose() {
	d device 2 && d boot "$EVIL" && round 'decision QUARANTINE *' 2 || return
	equal "$(rollout state)" halted
}
check 'D13: a canary that fails on purpose halts the rollout' on_purpose
check 'D13: and nobody is rolled back: its own ring keeps the new version' eval \
	'equal "$(show "$CANARY" | jq -r .verdict.judged_by.policy.digest)" "$DIGEST"'
check 'D13: nobody outside of the ring is touched' eval \
	'equal "$(show "$OUTSIDE" | jq -c "[.decision, .verdict.judged_by.policy.digest]")" "$before"'
check_status 2 'D13: a halted rollout goes no further' assay policy promote fleet --comment 'go on'
restart() { verifier_stop && verifier_restart_here && equal "$(rollout state)" halted; }
check 'D13: a restart forgets nothing of it' restart
check_status 2 'and still it goes no further' assay policy promote fleet --comment 'go on'
back() {
	assay policy activate "$(assay policy list --json | jq -r '[.policies[] | select(.name == "fleet" and .active)][0].digest')" --comment 'as it was' >/dev/null &&
		equal "$(assay status --json | jq '.rollouts | length')" 0
}
check 'the way back is an operator'"'"'s' back

# ---- a class is no other class -----------------------------------------------------
# Class other has a set of the same content as class fleet: what becomes of the one is
# nothing to the other.
digest_of() { assay reference show "$1" --json | jq -r .digest; }
promoted() { assay reference promote "$1" --digest "$(digest_of "$1")" >/dev/null; }
same_content() {
	policy other && enrolled 20 other && says 'decision QUARANTINE reference.none*' proof && ek_of 20 &&
		assay reference capture "$ID" --name other-golden >/dev/null && promoted other-golden &&
		equal "$(digest_of other-golden)" "$(digest_of golden)" && round 'decision ADMIT *' 20
}
check 'another class has a set of the same content' same_content
check 'it is said by which one a device is admitted' equal "$(show "$ID" | jq -r .verdict.judged_by.reference.name)" other-golden
matched() { equal "$(assay reference show "$1" --json | jq -r .digest | wc -l) $(api "/v1/references/$1/devices" | jq -r '[.devices[].class] | unique | join(" ")')" "1 $2"; }
check 'each set is told with the devices of its class' eval 'matched golden fleet && matched other-golden other'
planned() {
	assay reference capture "$GOLDEN" --name next --pcrs 0,2,4,7 >/dev/null && promoted next &&
		assay reference plan golden next --until $(($(date +%s) + 2)) --comment 'fleet only' >/dev/null &&
		equal "$(api /v1/plans | jq -r '.plans[] | .a.name + " " + .b.name')" 'golden next' && sleep 3
}
check 'a change is planned in the one class, and over' planned
check 'the other one goes on with what it has' round 'decision ADMIT *' 20
check 'in the first it ended' round 'decision QUARANTINE *' 4
lib_end
