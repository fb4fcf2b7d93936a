#!/bin/bash
# `policy explain`: what every rule says, judged once more from stored evidence, also when
# the boot was judged long ago and rounds are steady; and of a device that has none.
# time-limit: 180
. tests/integration/lib.sh
lib_begin

start_all() {
	ca_configure && tpm_make spare && ca_roots "$WORK/ek-roots" && verifier_init --roots "$WORK/ek-roots" --accept-virtual-tpm && verifier_start
}
check 'a verifier and a TPM' start_all
[ "$failures" = 0 ] || exit 1

rules='rules:\
  - {id: complete, fact: boot.complete, op: equals, value: true}\
  - {id: secure, fact: boot.secure_boot, op: equals, value: true, on_fail: restrict, remediation: "{device} has {seen}"}\
  - {id: hot, fact: health.temperature, op: at_most, value: 80 C, optional: true}\
  - {id: roots, fact: health.empty_passwords, op: at_most, value: 0, on_missing: restrict, on_fail: restrict}'
check 'a policy with rules that hold, fail, are missing and waived' policy_use gateway 1 "s|^rules:|$rules|"
check 'a device' device_enrol gw gateway grub-good
says() { assay policy explain gw --json >"$WORK/x" && jq -e "$1" "$WORK/x" >/dev/null || { jq . "$WORK/x"; return 1; }; }
rule() { printf '.rules[] | select(.id == "%s") | ' "$1"; }
steady() { sleep 3; says '.policy.name == "gateway" and .outcome == "QUARANTINE"'; }
check 'it is told by its policy, after steady rounds' steady
check 'a rule over the boot log that holds is told with the fact' says "$(rule complete) .state == \"holds\" and .seen == \"true\" and .provenance == \"replayed\" and .allows == \"ADMIT\""
check 'one that fails, with what it must be' says "$(rule secure) (.state == \"fails\" or .state == \"missing\") and .expected == \"equals true\""
check 'one whose fact is missing' says "$(rule roots) .state == \"missing\" and .allows == \"RESTRICT\""
check 'one that is optional' says "$(rule hot) .state == \"waived\" and .allows == \"ADMIT\""
check 'and what no rule says' says '.findings[] | select(.word == "reference.none")'
words() { assay policy explain gw >"$WORK/w" && grep -q 'complete *holds' "$WORK/w" && grep -q 'reference.none' "$WORK/w"; }
check 'in words' words
check 'a device that is not there' eval '! assay policy explain nobody'

# ---- monitor mode --------------------------------------------------------------
# What watches has a say in nothing: the version that was enforced last goes on judging.
check 'a policy without rules that fail' policy_use gateway 1
approve() { assay reference capture gw --name boot && assay reference promote boot --yes && decides gw ADMIT; }
check 'and an approved boot' approve
would() { # OUTCOME WOULD
	wait_for "$WAIT" would_now "$@" || { assay device show gw --json | jq '{decision, would}'; return 1; }
}
would_now() { assay device show gw --json | jq -e --arg o "$1" --arg w "$2" '.decision == $o and .would == $w' >/dev/null; }
watch() {
	policy_use gateway 1 "s|^rules:|mode: monitor\\
rules:\\
  - {id: never, fact: agent, op: equals, value: nothing}|"
}
check 'a stricter one in monitor mode' watch
check 'changes no decision, and tells what it would' would ADMIT QUARANTINE
tamper() { tpm_extend gw "4:sha256:$(printf %064d 7)"; }
check 'a device that is tampered with meanwhile' eval 'tamper || true'
check 'is quarantined by the policy that is enforced' decides gw QUARANTINE boot.replay
lib_end
