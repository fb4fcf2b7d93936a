#!/bin/bash
# Replay and explain of every kind of device: IMA lists on a TPM, DICE, a key in a PKCS #11
# token, a software key. What a candidate would do is told exactly, device by device, and
# then happens; what cannot be told is UNKNOWN and never "no change".
# time-limit: 600
. tests/integration/lib.sh
lib_begin
WAIT=${KINDS_WAIT:-90}
BANKS=sha1,sha256
MODULE=/usr/lib/softhsm/libsofthsm2.so
api() { curl -sS --max-time 10 --unix-socket "$ASSAY_STATE/run/console.sock" "http://verifier$1"; }

# ---- one policy for all of them --------------------------------------------------
SUM=$(printf 'approved firmware\n' | sha256sum | cut -d' ' -f1)
# The policy of the class, with changes by sed, stored as $DIGEST. Not in force.
version=0
candidate() { # SED-EXPRESSION...
	local args=()
	version=$((version + 1))
	while [ $# -gt 0 ]; do args+=(-e "$1") && shift; done
	sed "${args[@]}" -e "s/^version: .*/version: $version/" >"$WORK/candidate.yaml" <<-E2
		policy: mixed
		version: 1
		applies_to: {class: mixed}
		ask: {banks: [sha256], pcrs: [0-14], interval: 1s, patience: 100}
		references: {pcrs: [0, 2-4, 7-9, 11-14], on_fail: quarantine, learned: restrict}
		allow: {virtual_tpm: true, lowest_tier: software}
		rules:
		  - {id: firmware, fact: software.firmware.digest, op: equals, value: "sha256:$SUM", optional: true}
		ima:
		  need: path
	E2
	DIGEST=$(assay policy add "$WORK/candidate.yaml" --json | jq -er .digest)
}
policy_for_all() { candidate "$@" && assay policy activate "$DIGEST" --comment test; }

# ---- devices -----------------------------------------------------------------------
list_of() { echo "$WORK/$1/ima.list"; }
grows() { # NAME ENTRY...: list and PCR 10
	"$ASSAY_BIN/tests/tools/ima_grow" --list "$(list_of "$1")" --tcti "$(tpm_tcti "$1")" --banks $BANKS "${@:2}"
}
named() { # NAME IDS-BEFORE
	local id
	wait_for "$WAIT" new_device "$2" || { tail -n 20 "$WORK/agent-$1.log"; return 1; }
	id=$(new_device "$2") && assay device set "$id" --name "$1"
}
ids() { assay device list --json | jq -c '[.devices[].id]'; }
token() { assay token create --class "${1:-mixed}" --tier software 2>/dev/null; }
ima_enrol() { # NAME [ENTRY...]
	local before
	before=$(ids)
	tpm_make "$1" && tpm_boot "$1" tests/data/eventlog/grub-good.bin && cp tests/data/eventlog/grub-good.bin "$WORK/$1/boot.log" &&
		grows "$1" boot files:/usr/bin/t:0:50 "${@:2}" || return
	agent_start "$1" --boot-log "$WORK/$1/boot.log" --ima-list "$(list_of "$1")" --retry-max 1 --token "$(token)"
	named "$1" "$before"
}
key_enrol() { # NAME LINE-OF-CONFIGURATION...
	local before
	before=$(ids)
	mkdir -p "$WORK/$1/agent"
	printf 'approved firmware\n' >"$WORK/$1/firmware"
	{
		printf '%s\n' "${@:2}"
		printf 'measure:\n  items:\n    - name: firmware\n      kind: file\n      path: %s\n' "$WORK/$1/firmware"
	} >"$WORK/$1/attester.yaml"
	start "agent-$1" "$ASSAY_BIN/assay-attester" --config "$WORK/$1/attester.yaml" --verifier "$(verifier_url)" \
		--state "$WORK/$1/agent" --retry-max 1 --token "$(token)"
	named "$1" "$before"
}

ca_configure
set_up() {
	tpm_make spare && ca_roots "$WORK/roots" && verifier_init --roots "$WORK/roots" --accept-virtual-tpm &&
		"$ASSAY_BIN/tests/tools/dice_make" "$WORK/dice" && cp "$WORK/dice/vendor.pem" "$ASSAY_STATE/dice-roots/"
}
check 'a verifier' set_up
TOKEN=
if [ -e $MODULE ]; then
	check 'a key in a token' make_token
	cp "$WORK/ca.pem" "$ASSAY_STATE/token-roots/"
	TOKEN=token
else
	skip 'a key in a PKCS #11 token' "softhsm2 is not installed"
fi
check 'it starts' verifier_start
check 'a policy for all kinds' policy_for_all
check 'a device with an IMA list' ima_enrol clean
check 'one more, on which something unknown ran' ima_enrol odd file:/tmp/.x/miner:evil
check 'a DICE device' key_enrol dice 'identity: dice' "dice: $WORK/dice/good"
check 'a software key' key_enrol soft 'identity: software'
[ -z "$TOKEN" ] || check 'a key in a token' key_enrol token 'identity: token' "pkcs11-module: $MODULE" 'pkcs11-token: device' \
	'pkcs11-key: attestation' "pin-file: $WORK/pin" "certificate: $WORK/token.pem"
known() {
	local digest
	device_approve_boot clean &&
		digest=$(assay reference import --ima-from-device clean --name files --json | jq -er .digest) &&
		assay reference promote files --digest "$digest"
}
check 'the boot and the list of the first are approved' known
check 'it is admitted' decides clean ADMIT
check 'the odd one is not' decides odd QUARANTINE ima.unknown
for name in dice soft $TOKEN; do
	check "$name is admitted" decides $name ADMIT
done

# ---- exactly these, and then it is so ----------------------------------------------
decisions() { assay device list --json | jq -r '.devices[] | .name + " " + .decision' | sort; }
judged_by() { # DIGEST: all were judged by it
	assay device list --json | jq -r '.devices[].id' | while read -r id; do
		[ "$(assay device show "$id" --json | jq -r .verdict.judged_by.policy.digest)" = "$1" ] || echo "$id"
	done >"$WORK/not-yet"
	[ ! -s "$WORK/not-yet" ]
}
# Lines `NAME BEFORE AFTER WHY` on standard input are all that changes, why a rule, a finding
# or the reason why it is not known; in the end it is activated, and just that happens.
replays() { # SED...
	sed '/^$/d' | sort >"$WORK/expected"
	candidate "$@" && assay policy replay "$DIGEST" --devices --json >"$WORK/replay.json" || return
	jq -r '.devices[] | [.name, .before, .after, .rule // .finding // .text] | join(" ")' "$WORK/replay.json" | sort >"$WORK/told"
	diff "$WORK/expected" "$WORK/told" || { jq -c '.devices[]' "$WORK/replay.json" && return 1; }
	equal "$(jq -r '"\(.devices | length) \(.changed) \(.unknown)"' "$WORK/replay.json")" \
		"$(wc -l <"$WORK/expected") $(grep -vc UNKNOWN "$WORK/expected") $(grep -c UNKNOWN "$WORK/expected")" || return
}
comes_true() {
	replays "$@" || return
	decisions >"$WORK/before"
	assay policy activate "$DIGEST" --comment test >/dev/null && wait_for "$WAIT" judged_by "$DIGEST" || { cat "$WORK/not-yet"; return 1; }
	decisions >"$WORK/after"
	join "$WORK/before" "$WORK/after" | awk '$2 != $3' >"$WORK/seen"
	cut -d' ' -f1-3 "$WORK/expected" | diff - "$WORK/seen"
}
ima_only() { grep -v '^dice \|^soft \|^token '; }
has_token() { [ -n "$TOKEN" ] && cat || grep -v '^token '; }

check 'what is unknown is only reported: the odd one comes back' comes_true '$a\  outcomes: [{finding: unknown, outcome: report}]' <<<'odd QUARANTINE ADMIT ima.unknown'
check 'it is not: it goes again' comes_true <<<'odd ADMIT QUARANTINE ima.unknown'
check 'where it ran is not judged' comes_true '$a\  paths: [{match: "/tmp/**", need: nothing, reason: build}]' <<<'odd QUARANTINE ADMIT ima.unknown'
check 'files must be signed: nobody has that' comes_true 's/need: path/need: signature/' \
	"\$a\\  keyrings: [{name: all, certificates: \"$(sed ':a;N;$!ba;s/\n/\\\\n/g' "$WORK/dice/vendor.pem")\"}]" <<-E2
	clean ADMIT QUARANTINE ima.unsigned
	odd ADMIT QUARANTINE ima.unsigned
	E2
NO_IMA=('/^ima:/,$d' 's/0-14/0-9, 11-14/')
check 'no policy of files, and no PCR 10: both come back' comes_true "${NO_IMA[@]}" <<-E2
	clean QUARANTINE ADMIT ima.unsigned
	odd QUARANTINE ADMIT ima.unsigned
	E2

# ---- devices without TPM --------------------------------------------------------------
FIRMWARE='s/sha256:[0-9a-f]*"/sha256:'$(printf '5a%.0s' {1..32})'"/'
check 'other firmware is demanded: of all that tell of theirs' comes_true "${NO_IMA[@]}" "$FIRMWARE" < <(has_token <<-E2
	dice ADMIT QUARANTINE firmware
	soft ADMIT QUARANTINE firmware
	token ADMIT QUARANTINE firmware
	E2
)
check 'it is what it was again' comes_true "${NO_IMA[@]}" < <(has_token <<-E2
	dice QUARANTINE ADMIT firmware
	soft QUARANTINE ADMIT firmware
	token QUARANTINE ADMIT firmware
	E2
)
LAYER='/^rules:/a\  - {id: layer, fact: "dice.code[1]", op: equals, optional: true, on_fail: restrict, value: "sha512:'$(printf '22%.0s' {1..64})'"}'
check 'a layer that only the DICE device has' comes_true "${NO_IMA[@]}" "$LAYER" <<<'dice ADMIT RESTRICT layer'
check 'and a hardware key: DICE may stay as it is' comes_true "${NO_IMA[@]}" "$LAYER" 's/lowest_tier: .*/lowest_tier: dice}/' < <(has_token <<-E2
	soft ADMIT QUARANTINE device.tier
	token ADMIT QUARANTINE device.tier
	E2
)
check 'all kinds are as before' comes_true "${NO_IMA[@]}" < <(has_token <<-E2
	dice RESTRICT ADMIT layer
	soft QUARANTINE ADMIT device.tier
	token QUARANTINE ADMIT device.tier
	E2
)

# ---- UNKNOWN is not "no change" ----------------------------------------------------------
check 'a PCR that was not quoted: unknown of TPMs, and of nobody else' replays "${NO_IMA[0]}" 's/0-14/0-9, 11-15/' <<-E2
	clean ADMIT UNKNOWN its evidence does not cover what the policy asks for
	odd ADMIT UNKNOWN its evidence does not cover what the policy asks for
	E2
refused() { assay policy activate "$DIGEST" --max-flips 1 --comment x; }
check_status 2 'what is unknown counts as a change' refused
check 'PCR 10 is quoted, because another policy asks for it: the list of before leads to the quote: it can be told' replays <<<'odd ADMIT QUARANTINE ima.unknown'
rounds() { assay status --json | jq .attestations; }
more_rounds() { [ "$(rounds)" -ge "$1" ]; }
grown() { grows clean files:/usr/bin/t:0:3 && wait_for "$WAIT" more_rounds $(($(rounds) + 10)); }
check 'more programs run on one' grown
check 'what is stored of its list leads to the quote no longer: unknown' replays <<-E2
	clean ADMIT UNKNOWN the IMA list is not stored
	odd ADMIT QUARANTINE ima.unknown
	E2
check 'lists are judged again' policy_for_all
check 'and the first is well' decides clean ADMIT
check 'the odd one is not' decides odd QUARANTINE ima.unknown

# ---- a set as if it were promoted -----------------------------------------------------------
as_promoted() {
	local active=$DIGEST
	assay reference import --ima-from-device odd --name odd-files >/dev/null &&
		decides odd RESTRICT reference.learned && decides clean RESTRICT || return
	assay policy replay "$active" --reference odd-files --devices --json >"$WORK/replay.json" || return
	equal "$(jq -r '.devices[] | [.name, .before, .after] | join(" ")' "$WORK/replay.json" | sort)" $'clean RESTRICT ADMIT\nodd RESTRICT ADMIT' &&
		equal "$(jq -r '"\(.changed) \(.unknown)"' "$WORK/replay.json")" '2 0' && is_decided odd RESTRICT
}
check 'a learned list as if it were promoted' as_promoted

without() { assay reference retire odd-files && decides odd QUARANTINE ima.unknown && decides clean ADMIT; }
check 'it is not, and goes' without

# ---- explain ----------------------------------------------------------------------------------
explains() { # DEVICE FILTER
	assay policy explain "$1" --json >"$WORK/x" && jq -e "$2" "$WORK/x" >/dev/null || { jq . "$WORK/x"; return 1; }
}
check 'explain: a device with an IMA list' explains clean '.outcome == "ADMIT" and .missing == null and (.findings | length) == 0'
check 'one with something unknown, and what' explains odd '.outcome == "QUARANTINE" and any(.findings[]; .word == "ima.unknown" and (.subject + .seen | contains("/tmp/.x/miner")))'
for name in dice soft $TOKEN; do
	check "explain: $name, whose word its firmware is" explains $name \
		'.outcome == "ADMIT" and .missing == null and any(.rules[]; .id == "firmware" and .state == "holds" and .provenance == "claimed")'
done

# ---- a key in two places, a device that never attested ----------------------------------------
copy() {
	mkdir -p "$WORK/copy" && cp -a "$WORK/soft/agent" "$WORK/soft/firmware" "$WORK/copy/" || return
	sed "s#$WORK/soft/#$WORK/copy/#" "$WORK/soft/attester.yaml" >"$WORK/copy/attester.yaml"
	start agent-copy "$ASSAY_BIN/assay-attester" --config "$WORK/copy/attester.yaml" --verifier "$(verifier_url)" \
		--state "$WORK/copy/agent" --retry-max 1
	decides soft QUARANTINE key.copied
}
check 'a software key is live twice' copy
agent_stop copy
check 'no candidate makes that better, or unknown' replays '$a\  outcomes: [{finding: unknown, outcome: report}]' <<<'odd QUARANTINE ADMIT ima.unknown'
late() { # enrols, and goes without a proof
	local ek
	device() { printf '%s\n' "$@" close | "$ASSAY_BIN/tests/tools/hostile_device" 127.0.0.1 "$(cat "$ASSAY_STATE/run/port")" tests/data/eventlog/grub-good.bin; }
	ek=$(device 'device 7' | head -n 1 | cut -d' ' -f3) && assay ek allow --ek "$ek" --class mixed --name late >/dev/null &&
		device 'device 7' 'session a' connect enrol | grep '^enrolled'
}
check 'a device enrols and goes away' late
check 'nobody knows what becomes of it' replays '$a\  outcomes: [{finding: unknown, outcome: report}]' <<-E2
	late QUARANTINE UNKNOWN it has never attested
	odd QUARANTINE ADMIT ima.unknown
	E2
check_status 2 'nor can it be explained' assay policy explain late
lib_end
