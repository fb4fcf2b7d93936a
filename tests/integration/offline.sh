#!/bin/bash
# Offline sites: a signed challenge in a file, `assay-attester collect` without any network,
# and the evidence brought back by an operator, of a device with a TPM and of one without;
# and every file that must not be taken.
# time-limit: 600
. tests/integration/lib.sh
lib_begin

answer() { jq -r "$1" "$WORK/answer"; } # FILTER
submit() { assay evidence submit "$1" --json >"$WORK/answer"; } # FILE; the exit status
refuses() { # REASON FILE
	local got=0
	submit "$2" || got=$?
	[ "$got" = 1 ] && [ "$(answer .accepted)" = false ] && equal "$(answer .reason)" "$1" ||
		{ echo "status $got"; cat "$WORK/answer"; return 1; }
}
state_of() { assay device show "$1" --json | jq -c '[.decision, .reason, .verdict_at, .sequence]'; }
unchanged() { equal "$(state_of "$1")" "$2"; } # NAME STATE
challenge() { # DEVICE FILE [ARGUMENT...]
	rm -f "$2"
	assay evidence challenge "$1" --out "$2" "${@:3}"
}
# No network for the device: a namespace of its own, without any interface up.
alone() { if unshare -rn true 2>/dev/null; then unshare -rn "$@"; else "$@"; fi; }
collect() { # NAME CHALLENGE EVIDENCE [ARGUMENT...]
	rm -f "$3"
	alone "$ASSAY_BIN/assay-attester" collect --challenge "$2" --out "$3" --state "$WORK/$1/agent" \
		"${@:4}"
}
collect_tpm() { collect "$1" "$2" "$3" --tcti "$(tpm_tcti "$1")" --boot-log "$WORK/$1/boot.log" --no-ima-list "${@:4}"; }
later() { # a second, so that times differ
	sleep 1.1
}

# ---- set-up ------------------------------------------------------------------
ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm
check 'it starts' verifier_start
check 'a policy that says nothing of offline evidence' policy_use gateway 1
check 'a gateway enrols' device_enrol pump gateway grub-good
check 'it is judged' decides pump QUARANTINE
check 'its boot is approved' device_approve_boot pump
check 'it is admitted' decides pump ADMIT
check 'and goes offline' agent_stop pump

# ---- what policy says ----------------------------------------------------------
says_why() { challenge pump "$WORK/c0" 2>&1 | grep -q 'takes no evidence collected offline'; }
check_status 2 'no challenge where the policy takes no such evidence' challenge pump "$WORK/c0"
check 'it says why' says_why
offline_policy() { # MAX-AGE [SED]: without its rule over channel.bound, or as it is
	policy_use gateway 1 "${2-/id: channel-bound/,/value: true/{s/channel.bound/quote.sha1_only/;s/value: true/value: false/\}};\$a offline: {max_age: $1}"
}
check 'a policy that takes it' offline_policy 1h ''
check_status 2 'none that outlives its use' challenge pump "$WORK/c0" --valid 2h
check_status 3 'none over a file that is there' assay evidence challenge pump --out "$WORK/roots"
check 'the decision on the connection expires' decides pump QUARANTINE decision.expired

# ---- a round --------------------------------------------------------------------
check 'a challenge is signed' challenge pump "$WORK/c1"
check 'it is listed' test "$(assay evidence list --device pump --json | jq -r '.challenges[].state' | sort | uniq -c | tr -s ' ')" = ' 2 outstanding'
check 'a file that was cut off is no challenge' eval 'head -c -20 "$WORK/c1" >"$WORK/cut" && ! collect_tpm pump "$WORK/cut" "$WORK/e0"'
check 'nor is one that was altered' eval 'sed "\$s/.\$/A/;\$s/\\.\\(.\\)/.X\\1/" "$WORK/c1" >"$WORK/cut" && ! collect_tpm pump "$WORK/cut" "$WORK/e0"'
check 'nothing was written' test ! -e "$WORK/e0"
check 'the device answers it' collect_tpm pump "$WORK/c1" "$WORK/e1"
check_status 3 'but not over a file that is there' "$ASSAY_BIN/assay-attester" collect --challenge "$WORK/c1" --out "$WORK/e1" \
	--state "$WORK/pump/agent" --tcti "$(tpm_tcti pump)" --boot-log "$WORK/pump/boot.log" --no-ima-list
KID=$(assay key list --json | jq -r '[.keys[] | select(.role == "decision")][0].kid')
check 'also when it knows the verifier' collect_tpm pump "$WORK/c1" "$WORK/e1-again" --root "$KID"
check_status 2 'but not for another verifier' collect_tpm pump "$WORK/c1" "$WORK/e0" --root "${KID%?????}AAAAA"
check 'inspect shows what it answers' equal "$(assay inspect evidence "$WORK/e1" --json | jq -r .answers | cut -c1-16)" \
	"$(assay evidence list --json | jq -r '.challenges[] | select(.state == "outstanding").challenge' | grep "$(assay inspect evidence "$WORK/e1" --json | jq -r .answers | cut -c1-16)")"
later
check_status 1 'a rule over channel.bound sees that there is none' submit "$WORK/e1"
check 'the device is restricted' is_decided pump RESTRICT policy.rule
check 'a policy without such a rule' offline_policy 1h
check 'a challenge is signed' challenge pump "$WORK/c1"
check 'the device answers it' collect_tpm pump "$WORK/c1" "$WORK/e1"
check 'and once more' collect_tpm pump "$WORK/c1" "$WORK/e1-again"
later
check 'the evidence is taken, and admits' submit "$WORK/e1"
check 'the device is admitted' is_decided pump ADMIT
check 'its age counts from the challenge' equal "$(answer '.expires - .issued')" 3600
check 'not from the submission' test "$(answer .issued)" -lt "$(device_field pump verdict_at)"
check 'the fact is there' equal "$(assay device show pump --json | jq -r '.verdict.facts[] | select(.name == "evidence.offline" or .name == "channel.bound") | .value' | sort | tr '\n' ' ')" 'false true '
check 'operators find it in the audit log' eval 'assay audit list --json | jq -e "any(.audit[]; .action == \"evidence.submit\")" >/dev/null'
S=$(state_of pump)
check 'the challenge is used' refuses challenge.used "$WORK/e1"
check 'by whatever evidence' refuses challenge.used "$WORK/e1-again"
check 'which changed nothing' unchanged pump "$S"

# ---- files that are not taken ----------------------------------------------------
check 'another challenge' challenge pump "$WORK/c2"
check 'is answered' collect_tpm pump "$WORK/c2" "$WORK/e2"
cut_off() { # every truncation: of the head, of records, of the last byte
	local n size
	size=$(stat -c %s "$WORK/e2")
	for n in 0 5 16 17 100 $((size / 2)) $((size - 38)) $((size - 37)) $((size - 36)) $((size - 1)); do
		head -c "$n" "$WORK/e2" >"$WORK/cut"
		assay evidence submit "$WORK/cut" >/dev/null 2>&1
		[ $? = 2 ] || { echo "$n of $size bytes"; return 1; }
	done
}
check 'Q13: no truncation of the file is' cut_off
flipped() { # PATTERN OFFSET: the byte there, in the file
	cp "$WORK/e2" "$WORK/cut"
	printf '\377' | dd of="$WORK/cut" bs=1 seek="$1" conv=notrunc status=none
	cmp -s "$WORK/e2" "$WORK/cut" && printf '\0' | dd of="$WORK/cut" bs=1 seek="$1" conv=notrunc status=none
	! assay evidence submit "$WORK/cut" --json >"$WORK/answer" 2>&1 && [ "$(answer .accepted 2>/dev/null)" != true ]
}
flips() {
	local i size
	size=$(stat -c %s "$WORK/e2")
	for i in 0 16 20 40 90 200 300 400 $((size / 2)) $((size - 40)) $((size - 1)); do
		flipped "$i" || { echo "byte $i"; cat "$WORK/answer"; return 1; }
	done
}
check 'nor one with an altered byte' flips
check 'Q6: the nonce of another challenge beside the proof' eval '{ head -c -37 "$WORK/e1" && tail -c 37 "$WORK/e2"; } >"$WORK/cut" && refuses quote.binding "$WORK/cut"'
no_nonce() { head -c -37 "$WORK/e2" >"$WORK/cut" && assay evidence submit "$WORK/cut"; }
check_status 2 'evidence that answers no file' no_nonce
check 'a nonce that nobody drew' eval '{ head -c -32 "$WORK/e2" && head -c 32 /dev/zero; } >"$WORK/cut" && refuses challenge.unknown "$WORK/cut"'
check 'all of that changed nothing' unchanged pump "$S"
check 'and left the challenge outstanding' submit "$WORK/e2"

# ---- another device -----------------------------------------------------------------
check 'a second gateway enrols' device_enrol valve gateway grub-good
check 'it is admitted' decides valve ADMIT
check 'a proof of its connection' eval 'assay device evidence valve file >"$WORK/online"'
check 'it goes offline' agent_stop valve
check 'a challenge for the first' challenge pump "$WORK/c3"
check_status 2 'I16: is not answered by the second' collect_tpm valve "$WORK/c3" "$WORK/e0"
check 'a challenge for the second' challenge valve "$WORK/v1"
check 'is answered' collect_tpm valve "$WORK/v1" "$WORK/ve1"
check 'the first answers its own' collect_tpm pump "$WORK/c3" "$WORK/e3"
check 'Q6: the proof of one under the nonce of the other' eval '{ head -c -37 "$WORK/ve1" && tail -c 37 "$WORK/e3"; } >"$WORK/cut" && refuses quote.signature "$WORK/cut"'
check 'Q17: a proof of a connection under the nonce of a file' eval '{ cat "$WORK/online" && tail -c 37 "$WORK/ve1"; } >"$WORK/cut" && refuses quote.binding "$WORK/cut"'
check 'an operator takes the challenge back' assay evidence revoke "$(assay evidence list --device pump --json | jq -r '[.challenges[] | select(.state == "outstanding")] | max_by(.issued).challenge')"
check 'it cannot be answered any more' refuses challenge.revoked "$WORK/e3"

# ---- the order of rounds ---------------------------------------------------------------
check 'the second comes back to the network' agent_start valve --boot-log "$WORK/valve/boot.log" --retry-max 1
judged_since() { [ "$(device_field valve verdict_at)" -gt "$1" ]; }
check 'and is judged' wait_for "$WAIT" judged_since "$(date +%s)"
S=$(device_field valve decision)
check 'Q11: evidence from before that is superseded, and says nothing against it' refuses evidence.superseded "$WORK/ve1"
check 'it stays as it was' equal "$(device_field valve decision)" "$S"
check 'it is off again' agent_stop valve

# ---- time ------------------------------------------------------------------------------
check 'a policy for which evidence is soon old' offline_policy 90s
check 'a challenge that ends soon' challenge pump "$WORK/c4" --valid 60s
check 'is answered' collect_tpm pump "$WORK/c4" "$WORK/e4"
check 'a policy for which it is older by then' offline_policy 2s
later
later
check_status 1 'old evidence is taken, and does not admit' submit "$WORK/e4"
check 'with the reason' equal "$(answer '.findings[0].word')" evidence.offline-old
check 'the device is quarantined' is_decided pump QUARANTINE
check 'a policy without offline evidence' policy_use gateway 1
check_status 2 'takes no new challenge' challenge pump "$WORK/c0"

# ---- overlays, files on their own ---------------------------------------------------------
check 'again one that takes it' offline_policy 1h
check 'a challenge' challenge pump "$WORK/c5"
check 'is answered' collect_tpm pump "$WORK/c5" "$WORK/e5"
check 'the device is held' assay device hold pump --reason test
check_status 1 'held is held' submit "$WORK/e5"
check 'and says so' equal "$(answer .reason)" operator.held
check 'it is released' assay device release pump --reason test
# shellcheck disable=SC2016
keys_of() {
	assay device export-case pump --output "$WORK/pump.case" && assay appraise "$WORK/pump.case" --json >"$WORK/answer"
	[ $? -le 1 ] && equal "$(answer '.facts[] | select(.name == "evidence.offline").value')" true
}
check 'a case of it is judged as offline' keys_of
check 'a challenge for the command line' challenge pump "$WORK/c6"
check 'is answered' collect_tpm pump "$WORK/c6" "$WORK/e6"
column() { # NAME COLUMN: of the device's row, as bytes
	printf '%b' "$(ledger "SELECT hex($2) FROM device WHERE name='$1'" | sed 's/../\\x&/g')"
}
its_files() {
	local set n=0
	column pump ak_public >"$WORK/ak" && column pump ek_public >"$WORK/ek" || return
	for set in $(assay reference list --json | jq -r '.references[] | select(.state == "promoted").name'); do
		n=$((n + 1)) && rm -f "$WORK/set.$n" && assay reference export "$set" --output "$WORK/set.$n" &&
			equal "$(sha256sum <"$WORK/set.$n" | cut -d' ' -f1)" "$(assay reference show "$set" --json | jq -r .digest)" || return
	done
	assay policy show gateway --json | jq -r .source >"$WORK/pump.policy.yaml"
}
check 'its keys, policy and reference values are at hand' its_files
pump_on_its_own() { # EVIDENCE CHALLENGE [ARGUMENT...]
	assay appraise "$1" --challenge "$2" --key "$WORK/ak" --ek "$WORK/ek" --tier virtual-tpm --class gateway \
		--policy "$WORK/pump.policy.yaml" --reference "$WORK/set.1" "${@:3}"
}
check 'with them the file is judged without a verifier' pump_on_its_own "$WORK/e6" "$WORK/c6"
check_status 1 'not under another challenge' pump_on_its_own "$WORK/e6" "$WORK/c5"
check_status 1 'nor the answer to another' pump_on_its_own "$WORK/e5" "$WORK/c6"
check_status 1 'nor after its time' pump_on_its_own "$WORK/e6" "$WORK/c6" --at "$(($(date +%s) + 4000))"
check_status 64 'nor without its keys' assay appraise "$WORK/e6" --challenge "$WORK/c6" --policy "$WORK/pump.policy.yaml"
check 'a retired device' assay device retire pump --reason test
check_status 1 'is judged, and stays out' submit "$WORK/e6"
check 'with the reason' equal "$(answer .reason)" device.retired
check_status 2 'and is challenged no more' challenge pump "$WORK/c0"

# ---- a device without a TPM ------------------------------------------------------------------
mkdir -p "$WORK/meter/agent"
printf 'approved firmware\n' >"$WORK/meter/firmware"
SUM=$(sha256sum <"$WORK/meter/firmware" | cut -d' ' -f1)
cat >"$WORK/meter.policy.yaml" <<-END
	policy: meter
	version: 1
	applies_to: {class: meter}
	ask: {interval: 1s, patience: 3}
	allow: {lowest_tier: software}
	offline: {max_age: 2d}
	rules:
	  - {id: firmware, fact: software.firmware.digest, op: equals, value: "sha256:$SUM"}
END
cat >"$WORK/meter/attester.yaml" <<-END
	identity: software
	state: $WORK/meter/agent
	measure:
	  items:
	    - {name: firmware, kind: file, path: $WORK/meter/firmware}
END
meter_policy() { assay policy activate "$(assay policy add "$WORK/meter.policy.yaml" --json | jq -r .digest)" --comment test; }
meter_start() { start agent-meter "$ASSAY_BIN/assay-attester" --config "$WORK/meter/attester.yaml" --verifier "$(verifier_url)" --retry-max 1 "$@"; }
meter_enrol() {
	local before id
	before=$(assay device list --json | jq -c '[.devices[].id]')
	meter_start --token "$(assay token create --class meter --tier software 2>/dev/null)" &&
		wait_for "$WAIT" new_device "$before" && id=$(new_device "$before") && assay device set "$id" --name meter
}
collect_meter() { # CHALLENGE EVIDENCE [ARGUMENT...]
	rm -f "$2"
	alone "$ASSAY_BIN/assay-attester" collect --config "$WORK/meter/attester.yaml" --challenge "$1" --out "$2" "${@:3}"
}
check 'a policy for meters' meter_policy
check 'a meter enrols' meter_enrol
check 'it is admitted' decides meter ADMIT
check 'a challenge' challenge meter "$WORK/m1"
check_status 3 'while the agent runs nobody else is the device' collect_meter "$WORK/m1" "$WORK/me1"
check 'it goes offline' agent_stop meter
check 'its decision expires' decides meter QUARANTINE decision.expired
check 'it answers' collect_meter "$WORK/m1" "$WORK/me1"
check 'it is admitted again' submit "$WORK/me1"
check 'not twice' refuses challenge.used "$WORK/me1"
check 'a challenge' challenge meter "$WORK/m2"
check 'it answers' collect_meter "$WORK/m2" "$WORK/me2"
public_key() { openssl pkey -inform DER -in "$WORK/meter/agent/key.der" -pubout -out "$WORK/meter.pem"; }
check 'its public key' public_key
on_its_own() { # CHALLENGE [ARGUMENT...]
	assay appraise "$WORK/me2" --key "$WORK/meter.pem" --tier software --challenge "$1" \
		--policy "$WORK/meter.policy.yaml" --class meter "${@:2}"
}
check 'the file with key, challenge and policy is judged alike' on_its_own "$WORK/m2"
check_status 1 'but not with another challenge' on_its_own "$WORK/m1"
check_status 1 'nor once that has expired' on_its_own "$WORK/m2" --at "$(($(date +%s) + 3 * 86400))"
check_status 64 'nor without its key' assay appraise "$WORK/me2" --challenge "$WORK/m2" --policy "$WORK/meter.policy.yaml"
echo malware >"$WORK/meter/firmware"
check 'a file changed, and it answers anew' collect_meter "$WORK/m2" "$WORK/me2"
check_status 1 'on the command line it is not admitted' on_its_own "$WORK/m2"
check_status 1 'nor by the verifier' submit "$WORK/me2"
check 'for its rule' equal "$(answer '.findings[0].rule')" firmware
printf 'approved firmware\n' >"$WORK/meter/firmware"
check 'the meter comes back to the network' meter_start
check 'as the one device that it is' decides meter ADMIT

# ---- a device whose policy judges what it runs ------------------------------------------------
list_of() { echo "$WORK/$1/ima.list"; }
grows() { # NAME ENTRY...: list and PCR 10
	"$ASSAY_BIN/tests/tools/ima_grow" --list "$(list_of "$1")" --tcti "$(tpm_tcti "$1")" --banks sha1,sha256 "${@:2}"
}
edge_boot() { tpm_boot edge tests/data/eventlog/uki-good.bin && rm -f "$(list_of edge)" && grows edge boot files:/usr/bin/t:0:100; }
edge_agent() { agent_start edge --boot-log tests/data/eventlog/uki-good.bin --ima-list "$(list_of edge)" --retry-max 1 "$@"; }
edge_policy() {
	cat >"$WORK/edge.yaml" <<-END
		policy: edge
		version: 1
		applies_to: {class: edge}
		ask: {banks: [sha256], pcrs: [0-14], interval: 1s, patience: 100}
		references: {pcrs: [0, 2-4, 7-9, 11-14]}
		allow: {virtual_tpm: true}
		offline: {max_age: 1d}
		ima: {need: path}
	END
	assay policy activate "$(assay policy add "$WORK/edge.yaml" --json | jq -r .digest)" --comment test
}
edge_enrol() {
	local before
	before=$(assay device list --json | jq -c '[.devices[].id]')
	tpm_make edge && edge_boot && edge_agent --token "$(assay token create --class edge 2>/dev/null)" &&
		wait_for "$WAIT" new_device "$before" && assay device set "$(new_device "$before")" --name edge
}
allow_files() {
	local digest
	digest=$(assay reference import --ima-from-device edge --name edge-files --json | jq -er .digest) &&
		assay reference promote edge-files --digest "$digest"
}
collect_edge() { # [ARGUMENT...]
	challenge edge "$WORK/i" >/dev/null || return
	collect edge "$WORK/i" "$WORK/ie" --tcti "$(tpm_tcti edge)" --boot-log tests/data/eventlog/uki-good.bin "$@"
}
entries() { equal "$(assay device show edge --json | jq -r .ima.entries)" "$1"; }
check 'a policy that judges IMA lists' edge_policy
check 'a device with IMA enrols' edge_enrol
check 'it is judged' decides edge QUARANTINE
check 'its boot is approved' device_approve_boot edge
check 'its files are allowed' wait_for "$WAIT" allow_files
check 'it is admitted' decides edge ADMIT
check 'it goes offline' agent_stop edge
check 'it is collected from with its list' collect_edge --ima-list "$(list_of edge)"
check 'and admitted' submit "$WORK/ie"
check 'all of the list is known' entries 101
check 'it runs what is allowed, and is collected from' eval 'grows edge files:/usr/bin/t:0:5 && collect_edge --ima-list "$(list_of edge)"'
check 'and admitted' submit "$WORK/ie"
check 'what is new was stored' entries 106
check 'nothing ran since: the list is not needed' eval 'collect_edge --no-ima-list && submit "$WORK/ie"'
check 'something else runs' grows edge files:/tmp/evil:0:1
check 'it is collected from without its list' collect_edge --no-ima-list
check_status 1 'M11: which is not admitted' submit "$WORK/ie"
check 'as it is missing' eval 'answer ".findings[].word" | grep -qx ima.missing'
check 'it is collected from' collect_edge --ima-list "$(list_of edge)"
check_status 1 'and quarantined' submit "$WORK/ie"
check 'for the file' eval 'answer ".findings[].word" | grep -qx ima.unknown'
check 'back on the network nothing is asked for twice' edge_agent
check 'and what was found sticks' entries 107
still() { sleep 2 && is_decided edge QUARANTINE && entries 107; }
check 'M9: however many rounds follow' still

# ---- what is kept over a restart ------------------------------------------------------------
check 'a challenge' challenge meter "$WORK/m3"
check 'the meter goes offline' agent_stop meter
check 'it answers' collect_meter "$WORK/m3" "$WORK/me3"
check 'the verifier stops' verifier_stop
check 'the verifier starts' verifier_start
check 'the challenge is still known' submit "$WORK/me3"
check 'and used once' refuses challenge.used "$WORK/me3"
five() {
	local i
	for i in 1 2 3 4; do challenge meter "$WORK/m.$i" || return 9; done
	challenge meter "$WORK/m.5"
}
check_status 2 'a fifth outstanding challenge is none' five
lib_end
