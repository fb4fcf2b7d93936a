#!/bin/bash
# The real daemon, the real agent, a real TPM implementation: from enrolment to every kind
# of decision and back; each is asserted in the verifier's own record.
# time-limit: 600
. tests/attacks/lib.sh
lib_begin
SLOW=30 # seconds within which a round of one second must show, on a busy machine

boots() { # DEVICE LOG: a clean boot; the log is what the kernel would hand out
	tpm_boot "$1" "$2" && mkdir -p "$WORK/$1" && cp "$2" "$WORK/$1/boot.log"
}
attests() { # DEVICE OPTION...
	agent_start "$1" --boot-log "$WORK/$1/boot.log" --retry-max 1 "${@:2}"
}
until_stands() { wait_for "$SLOW" stands "$@" || { show "$1" | jq '{decision, reason, f: [.verdict.findings[]?.word]}'; return 1; }; }
found_at() { # ID JQ-CONDITION on a finding
	show "$1" | jq -e "any(.verdict.findings[]; $2)" >/dev/null ||
		{ show "$1" | jq -c '.verdict.findings[] | {word, pcr, event, subject, seen, expected}'; return 1; }
}
only_id() { assay device list ${1:+--class "$1"} --json | jq -r '.devices[0].id // empty'; }
appears() { wait_for "$WAIT" eval "[ -n \"\$(only_id $1)\" ]"; }
token() { assay token create --class "$1" --expires 1h 2>/dev/null; }
enrolments() { grep -c 'event=enrolled' "$WORK/verifier.log"; }
restart_verifier() { verifier_stop && verifier_start; }

verifier() {
	tpm_make gateway && tpm_make other && ca_roots "$WORK/roots" && fleet_begin 'spare_appraisers: 3' && verifier_stop &&
		sed -i "s/^listen: .*/listen: \"127.0.0.1:$(cat "$ASSAY_STATE/run/port")\"/" "$ASSAY_STATE/verifier.yaml" &&
		verifier_start && policy gateway
}
check 'two TPMs with EK certificates, and a verifier that trusts their maker' verifier
[ "$failures" = 0 ] || exit 1

# ---- enrolment and reference values ----
enrol() { boots gateway "$GOOD" && attests gateway --token "$(token gateway)" && appears gateway && ID=$(only_id gateway); }
check 'a device enrols with its token' enrol
check 'without reference values it is quarantined for that' until_stands "$ID" QUARANTINE reference.none
check 'its EK certificate was verified' eval '[ "$(show "$ID" | jq .ek.trusted)" = true ]'
capture() { assay reference capture "$ID" --name first && until_stands "$ID" RESTRICT reference.learned; }
check 'with values learned from itself it is restricted' capture
promote() {
	assay reference promote first --digest "$(assay reference show first --json | jq -r .digest)" && until_stands "$ID" ADMIT policy.met
}
check 'with promoted values it is admitted' promote

# ---- tampering ----
extend() {
	tpm_extend gateway "4:sha256:$(printf %064d 7)" && until_stands "$ID" QUARANTINE boot.replay &&
		found_at "$ID" '.word == "boot.replay" and .pcr == 4 and .seen != null and .expected != null'
}
check 'a PCR extended at run time quarantines within the interval, and is named' extend
check 'history says when, and from what to what' eval 'assay device history "$ID" --json | jq -e ".decisions[0] | .before == \"ADMIT\" and .outcome == \"QUARANTINE\" and .at > 0"'
agent_again() { agent_stop gateway && attests gateway && sleep 2 && stands "$ID" QUARANTINE boot.replay; }
check 'a restart of the agent changes nothing about it' agent_again
verifier_again() { restart_verifier && stands "$ID" QUARANTINE && sleep 2 && stands "$ID" QUARANTINE boot.replay; }
check 'nor does one of the verifier' verifier_again
reboot() { agent_stop gateway; boots gateway "$1" && attests gateway; }
check 'a clean boot of the good software is admitted again' eval 'reboot "$GOOD" && until_stands "$ID" ADMIT policy.met'
tampered() {
	reboot "$EVIL" && until_stands "$ID" QUARANTINE && found_at "$ID" '(.subject // "" | test("command line")) and .seen != null and .expected != null'
}
check 'another kernel command line is quarantined, and named' tampered
check 'the operator sees it in the words of the device' eval 'assay device show "$ID" | grep -i "command line"'
check 'the good boot again is admitted again' eval 'reboot "$GOOD" && until_stands "$ID" ADMIT policy.met'
lies() { agent_stop gateway && boots gateway "$EVIL" && cp "$GOOD" "$WORK/gateway/boot.log" && attests gateway && until_stands "$ID" QUARANTINE && found_at "$ID" '.word == "boot.replay"'; }
check 'the good log shown for a bad boot is quarantined' lies
check 'and the good boot with its log is admitted' eval 'reboot "$GOOD" && until_stands "$ID" ADMIT policy.met'

# ---- coming and going ----
check 'in all this the device enrolled once' equal "$(enrolments)" 1
gone() { restart_verifier && stands "$ID" ADMIT policy.met && wait_for "$SLOW" eval '[ "$(show "$ID" | jq -r .connection)" = connected ]' && stands "$ID" ADMIT; }
check 'a restarted verifier keeps the decision, and the device comes back by itself' gone
# shellcheck disable=SC2016
check 'without enrolling again' eval '[ "$(enrolments)" = 1 ]'
held() { assay device hold "$ID" --reason test && until_stands "$ID" QUARANTINE operator.held && assay device release "$ID" && until_stands "$ID" ADMIT policy.met; }
check 'held it is quarantined, released it needs a new verdict, and gets it' held
# A TPM's clock is safe again some seconds after the power came back, so a round may come
# too late to see it: then the power goes once more. A boot that no round sees is a finding
# (Q11), so that each is waited for.
resets() { show "$ID" | jq .counters.reset_count; }
power_cut() {
	local before
	agent_stop gateway
	before=$(resets)
	tpm_power_cut gateway && "$ASSAY_BIN/tests/tools/tpm_boot" --tcti "$(tpm_tcti gateway)" --startup --log "$GOOD" >/dev/null &&
		attests gateway && wait_for 60 eval "[ \"\$(resets)\" = $((before + 1)) ]"
}
unsafe() { # JQ-CONDITION on the device, in the round after a power cut
	local i
	for ((i = 0; i < 12; i++)); do
		power_cut && show "$ID" | jq -e ".counters.clock_safe == false and $1" && return
		show "$ID" | jq -c '{decision, reason, counters, f: [.verdict.findings[]?.word]}'
	done
	return 1
}
check 'after a power cut the clock is not safe, which this policy allows' unsafe '.decision == "ADMIT"'
strict() {
	policy gateway '$a\  - id: clock-safe\n    fact: quote.clock_safe\n    op: equals\n    value: true\n    on_fail: restrict' &&
		unsafe '.decision == "RESTRICT" and .reason == "policy.rule"'
}
check 'and another restricts' strict
check 'until a clean boot' eval 'reboot "$GOOD" && until_stands "$ID" ADMIT policy.met'

# ---- kinds of keys ----
# Each EK is a device of its own in the eyes of the verifier.
agent_stop gateway
kind() { # TPM EK AK
	local name=$1-$2-$3 id
	assay-attester-once "$1" "$name" --ek "$2" --ak-type "$3" --token "$(token gateway)" &&
		id=$(sed -n 's/.*device=\([0-9a-f]\{32\}\).*/\1/p' "$WORK/$name.log" | head -n 1) && stands "$id" ADMIT policy.met
}
assay-attester-once() { # TPM NAME OPTION...
	local tpm=$1 name=$2
	shift 2
	"$ASSAY_BIN/assay-attester" --verifier "$(verifier_url)" --state "$WORK/$name" --tcti "$(tpm_tcti "$tpm")" \
		--boot-log "$WORK/$tpm/boot.log" --once "$@" >"$WORK/$name.log" 2>&1 || { cat "$WORK/$name.log"; return 1; }
}
kinds() { boots other "$GOOD" && tpm_add_l2 other; }
check 'a TPM with three EK certificates' kinds
check 'EK RSA-2048, AK RSASSA: admitted' kind other rsa-2048 rsa-rsassa
check 'EK P-256, AK ECDSA P-256: admitted' kind other ecc-p256 ecc-p256
check 'EK P-384, AK ECDSA P-384: admitted' kind other ecc-p384 ecc-p384
third() { tpm_make third && boots third "$GOOD" && kind third rsa-2048 rsa-rsapss; }
check 'EK RSA-2048, AK RSAPSS: admitted' third

# ---- the queue, and the end ----
waiting() {
	boots third "$GOOD" && attests third --ek ecc-p384 --ca "$ASSAY_STATE/tls/cert.pem" && wait_for "$WAIT" eval 'assay device list --status pending --json | jq -e ".devices | length == 1"' &&
		P=$(assay device list --status pending --json | jq -r '.devices[0].id') && until_stands "$P" QUARANTINE enrolment.pending
}
check 'a device without a token waits, quarantined' waiting
[ -n "${P:-}" ] || { tail -n 5 "$WORK/agent-third.log" && exit 1; }
check 'approved, it is judged like others' eval 'assay device approve "$P" --class gateway && until_stands "$P" ADMIT policy.met'
retired() { assay device retire "$P" --reason test && until_stands "$P" QUARANTINE device.retired && sleep 2 && stands "$P" QUARANTINE device.retired; }
check 'retired, it is quarantined for good' retired
agent_stop third
back() { ! assay-attester-once third anew --ek ecc-p384 --token "$(token gateway)" && grep -q device.retired "$WORK/anew.log" && stands "$P" QUARANTINE device.retired; }
check 'and cannot come back with a token' back

# ---- another verifier (I15) ----
stranger() {
	local token before
	before=$(enrolments)
	token=$(token gateway)
	token=${token%.*}.$(printf %064d 1)
	! assay-attester-once gateway stranger --token "$token" && [ "$(enrolments)" = "$before" ] && grep -q "not the one that the token names" "$WORK/stranger.log"
}
check 'i15_agent_with_a_token_of_another_verifier_says_nothing_to_this_one' stranger
check 'no process of the verifier was lost' eval '! grep child-lost "$WORK/verifier.log"'
lib_end
