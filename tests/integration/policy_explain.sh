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
told_both() {
	says '.monitor and .outcome == "ADMIT" and .would == "QUARANTINE" and .enforced.outcome == "ADMIT"
		and .enforced.policy.name == "gateway" and .policy.version != .enforced.policy.version
		and any(.rules[]; .id == "never" and .state == "fails") and all(.enforced.rules[]; .id != "never")'
}
check 'explain tells what it would say, and what the enforced one says' told_both
both_in_words() {
	assay policy explain gw >"$WORK/w" && grep -q '^ADMIT by gateway version .*, which is enforced$' "$WORK/w" &&
		grep -q '^QUARANTINE by gateway version .*only watches' "$WORK/w" && grep -q 'never *fails' "$WORK/w"
}
check 'in words' both_in_words

# A replay tells both too, of a candidate that watches and of one that ends the watching.
candidate() { # SED-EXPRESSION
	sed -e "s/^version: .*/version: $((RANDOM + 40000))/" -e 's/interval: .*/interval: 1s/' -e 's/virtual_tpm: false/virtual_tpm: true/' \
		-e "$1" tests/data/policy/gateway.yaml >"$WORK/candidate.yaml"
	DIGEST=$(assay policy add "$WORK/candidate.yaml" --json | jq -r .digest)
}
replays() { # FILTER
	assay policy replay "$DIGEST" --devices --json >"$WORK/replay" && jq -e "$1" "$WORK/replay" >/dev/null || { cat "$WORK/replay"; return 1; }
}
check 'a candidate that watches, and would restrict' candidate "s|^rules:|mode: monitor\\
rules:\\
  - {id: rarely, fact: agent, op: equals, value: nothing, on_fail: restrict}|"
check 'changes nothing, and would' replays '.monitor and .changed == 0 and .unknown == 0 and .would == 1 and .unchanged == 1
	and (.devices[0] | .before == "ADMIT" and .after == "ADMIT" and .would == "RESTRICT" and .rule == "rarely")
	and (.groups[0] | .before == "ADMIT" and .after == "ADMIT" and .would == "RESTRICT" and .count == 1)'
in_words() { assay policy replay "$DIGEST" --devices >"$WORK/w" && grep -q 'it would decide 1 devices otherwise' "$WORK/w" && [ "$(grep -c 'ADMIT -> ADMIT (would RESTRICT)' "$WORK/w")" = 2 ]; }
check 'in words' in_words
check 'no change is too many for no flips' assay policy activate "$DIGEST" --max-flips 0 --comment test
check 'it is so' would ADMIT RESTRICT
kept() { curl -sS --unix-socket "$ASSAY_STATE/run/console.sock" http://verifier/v1/replays | jq -e '.replays[0] | .would == 1 and .changed == 0'; }
check 'the count is kept' kept
check 'one that restricts' candidate "s|^rules:|rules:\\
  - {id: rarely, fact: agent, op: equals, value: nothing, on_fail: restrict}|"
check 'does so, and would say nothing else' replays '(.monitor | not) and .changed == 1 and .would == 0
	and (.devices[0] | .before == "ADMIT" and .after == "RESTRICT" and .would == null and .rule == "rarely")'
# Watched in a ring, what the device gets is what was predicted: nothing is halted.
check 'another that watches' candidate "s|^rules:|mode: monitor\\
rules:\\
  - {id: always, fact: agent, op: equals, value: nothing}|"
ring() {
	assay device set gw --labels ring=canary && replays '.would == 1 and .changed == 0' &&
		assay policy activate "$DIGEST" --ring ring=canary --comment test && would ADMIT QUARANTINE && sleep 2 &&
		assay status --json >"$WORK/status" && jq -e '.rollouts[0] | .state == "running" and .judged == 1 and .different == 0' "$WORK/status" ||
		{ jq .rollouts "$WORK/status"; return 1; }
}
check 'in a ring' ring
tamper() { tpm_extend gw "4:sha256:$(printf %064d 7)"; }
check 'a device that is tampered with meanwhile' eval 'tamper || true'
check 'is quarantined by the policy that is enforced' decides gw QUARANTINE boot.replay
lib_end
