#!/bin/bash
# Devices with a TPM and without one under one policy: a TPM, a DICE chain, a key in a
# PKCS #11 token and a software key, each admitted at its tier; what is not what an operator
# registered, and a copied key.
# time-limit: 600
. tests/integration/lib.sh
lib_begin
WAIT=${KEYS_WAIT:-20}

says() { grep -q -- "$2" "$WORK/agent-$1.log"; } # NAME PATTERN
agent_says() { wait_for "$WAIT" says "$@" || { tail -n 20 "$WORK/agent-$1.log"; return 1; }; }
forget_log() { : >"$WORK/agent-$1.log"; }
finding() { assay device show "$1" --json | jq -r --arg w "$2" "first(.verdict.findings[] | select(.word == \$w)) | .$3"; }
fact() { assay device show "$1" --json | jq -r --arg n "$2" --argjson i "${3:-null}" '.verdict.facts[] | select(.name == $n and .index == $i) | .value'; }
claims_of() { assay device show "$1" --json | jq -r ".verdict.vector[\"$2\"]"; }
found() { assay device show "$1" --json | jq -e --arg w "$2" 'any(.verdict.findings[]; .word == $w)' >/dev/null; }
shows() { wait_for "$WAIT" found "$@" || { assay device show "$1" && return 1; }; }

# What every device measures, and the policy for all of them.
SUM=
policy_only() { # LOWEST-TIER: stored, not activated
	policy_version=$((${policy_version:-1} + 1))
	cat >"$WORK/mixed.yaml" <<-E
		policy: controller
		version: $policy_version
		applies_to: {class: controller}
		ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 1s, patience: 100}
		references: {pcrs: [0, 2-4, 7-9, 11-14]}
		allow: {virtual_tpm: true, lowest_tier: $1}
		rules:
		  - id: firmware
		    fact: software.firmware.digest
		    op: equals
		    value: "sha256:$SUM"
		    remediation: install the approved firmware
		  - id: layers
		    fact: dice.code[1]
		    op: equals
		    value: "sha512:$(printf '11%.0s' {1..64})"
		    optional: true
		    on_missing: report
	E
	policy_digest=$(assay policy add "$WORK/mixed.yaml" --json | jq -r .digest)
}
policy_for() { policy_only "$1" && assay policy activate "$policy_digest" --comment test; }
token() { assay token create --class controller --tier "${1:-software}" 2>/dev/null; }

# The agent of a device without TPM; its options are in a file, as on a device.
options() { # NAME LINE...
	mkdir -p "$WORK/$1/agent"
	printf 'approved firmware\n' >"$WORK/$1/firmware"
	{
		printf '%s\n' "${@:2}"
		printf 'measure:\n  items:\n    - name: firmware\n      kind: file\n      path: %s\n' "$WORK/$1/firmware"
	} >"$WORK/$1/attester.yaml"
}
key_agent() { # NAME ARGUMENT...
	local name=$1
	shift
	start "agent-$name" "$ASSAY_BIN/assay-attester" --config "$WORK/$name/attester.yaml" \
		--verifier "$(verifier_url)" --state "$WORK/$name/agent" --retry-max 1 "$@"
}
key_enrol() { # NAME ARGUMENT...: named when this returns
	local before id
	before=$(assay device list --json | jq -c '[.devices[].id]')
	key_agent "$@" || return
	wait_for "$WAIT" new_device "$before" || { tail -n 20 "$WORK/agent-$1.log"; return 1; }
	id=$(new_device "$before") && assay device set "$id" --name "$1"
}

# ---- set-up ------------------------------------------------------------------
SUM=$(printf 'approved firmware\n' | sha256sum | cut -d' ' -f1)
ca_configure
check 'a TPM is manufactured' tpm_make gateway
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm
check 'with folders for DICE roots and token CAs' test -d "$ASSAY_STATE/dice-roots" -a -d "$ASSAY_STATE/token-roots"
check 'a DICE device is made' "$ASSAY_BIN/tests/tools/dice_make" "$WORK/dice"
cp "$WORK/dice/vendor.pem" "$ASSAY_STATE/dice-roots/"

MODULE=/usr/lib/softhsm/libsofthsm2.so
if [ -e $MODULE ]; then
	check 'a key is made in a token, and certified' make_token
	rm -f "$WORK/token.key"
	cp "$WORK/ca.pem" "$ASSAY_STATE/token-roots/"
else
	skip 'a key in a PKCS #11 token' "softhsm2 is not installed"
fi
check 'the verifier starts' verifier_start
check 'a policy for all tiers is put in force' policy_for software

# ---- one class, four kinds of devices, one policy ----------------------------------
options gateway
enrol_gateway() { device_boot gateway uki-good && key_enrol gateway --tcti "$(tpm_tcti gateway)" --boot-log "$WORK/gateway/boot.log" --no-ima-list --token "$(token virtual-tpm)"; }
check 'a device with a TPM enrols' enrol_gateway
check 'its boot is approved' device_approve_boot gateway
check 'it is admitted' decides gateway ADMIT
check 'at the tier of its TPM' equal "$(device_field gateway tier)" virtual-tpm

options dice 'identity: dice' "dice: $WORK/dice/good"
check 'a DICE device enrols' key_enrol dice --token "$(token dice)"
check 'it is admitted' decides dice ADMIT
check 'at tier dice' equal "$(device_field dice tier)" dice
check 'its layers are facts' equal "$(fact dice dice.layers) $(fact dice dice.mode 1) $(fact dice dice.code 0)" \
	"2 normal sha512:$(printf '10%.0s' {1..64})"
check 'so does the decision, its tier' equal "$(assay decision show dice --json | jq -r .tier)" dice
token_key() { curl -s --unix-socket "$ASSAY_STATE/run/console.sock" "http://localhost/v1/devices/$1/token" | jq -r .token | cut -d. -f2 | tr '_-' '/+' | base64 -di 2>/dev/null | jq -r '.cnf.jwk | "\(.kty) \(.crv)"'; }
check 'its token has its key' equal "$(token_key dice)" 'OKP Ed25519'
inspected() { assay device evidence "$1" file >"$WORK/$1.evidence" && assay inspect evidence "$WORK/$1.evidence" --json | jq -r "$2"; }
check 'its evidence can be looked into' equal "$(inspected dice '[.layers[].mode] | tojson')" '["normal","normal",null]'
check 'its root affirms the hardware' equal "$(claims_of dice hardware)" 2

if [ -e $MODULE ]; then
	options token 'identity: token' "pkcs11-module: $MODULE" 'pkcs11-token: device' 'pkcs11-key: attestation' \
		"pin-file: $WORK/pin" "certificate: $WORK/token.pem"
	check 'a device with a key in a token enrols' key_enrol token --token "$(token token)"
	check 'it is admitted' decides token ADMIT
	check 'at tier token, by the registered CA' equal "$(device_field token tier)" token
	check 'which affirms no hardware' equal "$(claims_of token hardware)" 0
fi

options soft 'identity: software'
check 'a device with a software key enrols' key_enrol soft --token "$(token software)"
check 'it is admitted' decides soft ADMIT
check 'at tier software' equal "$(device_field soft tier)" software
check 'which affirms neither hardware nor executables' equal "$(claims_of soft hardware) $(claims_of soft executables)" '0 0'
check 'its evidence has the round, and no layers' equal "$(inspected soft '"\(.claims.start_count) \(.claims.round > 0) \(.layers)"')" '1 true []'
check 'its key is for its owner alone' equal "$(stat -c %a "$WORK/soft/agent/key.der")" 600
check 'the list shows the tiers' equal "$(assay device list | awk 'NR > 1 { print $3 }' | sort -u | tr '\n' ' ')" \
	"dice software $([ -e $MODULE ] && echo 'token ')virtual-tpm "

# ---- judged again: from a case file, and before a policy is activated --------------------
again() { rm -f "$WORK/$1.case" && assay device export-case "$1" --output "$WORK/$1.case" && assay appraise "$WORK/$1.case"; }
for name in dice soft; do
	check "a case of $name is judged the same elsewhere" again $name
done
check 'a policy that demands hardware is stored' policy_only dice
software_keys=$([ -e $MODULE ] && echo 2 || echo 1)
check 'what it would change is told from stored evidence' equal \
	"$(assay policy replay "${policy_digest:0:16}" --json | jq -r '"\(.changed) \(.unknown)"')" "$software_keys 0"

# ---- hardware is demanded --------------------------------------------------------
check 'a policy that demands hardware is put in force' policy_for dice
check 'the software key is quarantined' decides soft QUARANTINE device.tier
check 'with the reason' equal "$(finding soft device.tier seen), $(finding soft device.tier expected)" 'software, dice or better'
[ ! -e $MODULE ] || check 'the token is quarantined' decides token QUARANTINE device.tier
check 'the DICE device is still admitted' decides dice ADMIT
check 'and so is the TPM' decides gateway ADMIT
check 'the policy for all tiers is put in force again' policy_for software
check 'and the software key is admitted again' decides soft ADMIT

# ---- other firmware --------------------------------------------------------------
change_file() { printf 'evil firmware\n' >"$WORK/$1/firmware"; }
restore_file() { printf 'approved firmware\n' >"$WORK/$1/firmware"; }
for name in soft dice; do
	check "changed firmware on $name" change_file $name
	check 'is found' decides $name QUARANTINE policy.rule
	check 'by that rule' equal "$(finding $name policy.rule rule)" firmware
	restore_file $name
	check 'and mended' decides $name ADMIT
done
agent_stop dice
options dice 'identity: dice' "dice: $WORK/dice/changed"
check 'a DICE device boots other firmware' key_agent dice
check 'the changed layer is a finding' decides dice QUARANTINE policy.rule
check 'that names it' equal "$(finding dice policy.rule subject)" 'dice.code[1]'
agent_stop dice
options dice 'identity: dice' "dice: $WORK/dice/debug"
check 'a DICE device boots in debug mode' key_agent dice
check 'which is a finding' decides dice QUARANTINE dice.mode
agent_stop dice

# ---- I12: an earlier chain comes back ---------------------------------------------
options dice 'identity: dice' "dice: $WORK/dice/good"
check 'the alias key of an earlier chain is used again' key_agent dice
check 'I12: it is flagged' decides dice QUARANTINE dice.chain-back
check 'and the record keeps it' equal "$(device_field dice copied)" true
check 'an operator releases the device' assay device release dice --reason 'we rolled back'
check 'then it is admitted' decides dice ADMIT
check 'and the audit log has both' equal "$(assay audit list --json | jq -r '[.audit[].action | select(. == "device.copied" or . == "device.release")] | sort | unique | join(" ")')" \
	'device.copied device.release'

# ---- I12: one key in two places ----------------------------------------------------
agent_stop soft
mkdir -p "$WORK/copy"
cp -a "$WORK/soft/agent" "$WORK/soft/firmware" "$WORK/copy/"
sed "s#$WORK/soft/#$WORK/copy/#" "$WORK/soft/attester.yaml" >"$WORK/copy/attester.yaml"
check 'a software device goes on' key_agent soft
check 'and is admitted' decides soft ADMIT
check 'its copy starts elsewhere' key_agent copy
check 'I12: the key is flagged' decides soft QUARANTINE key.copied
forget_log soft
forget_log copy
check 'both lose ADMIT: the original' agent_says soft 'outcome=quarantine'
check 'and the copy' agent_says copy 'outcome=quarantine'
agent_stop copy
check 'it stays so when the copy is silent' agent_says soft 'key.copied'
sleep 2
check 'and is not admitted by itself' is_decided soft QUARANTINE key.copied
agent_stop soft
verifier_stop
check 'the verifier restarts' verifier_restart_here
check 'the device starts anew' key_agent soft
check 'and is still quarantined' decides soft QUARANTINE key.copied
check 'an operator releases it' assay device release soft --reason 'the copy was found'
check 'then it is admitted' decides soft ADMIT
agent_stop soft

# ---- who may not enrol, or not as what he says -----------------------------------------
enrols_not() { # NAME WORD ARGUMENT...
	local name=$1 word=$2
	shift 2
	rm -rf "$WORK/$name/agent" && mkdir -p "$WORK/$name/agent"
	forget_log "$name" && key_agent "$name" "$@" && agent_says "$name" "reason=\"*$word"
	local status=$?
	agent_stop "$name"
	return $status
}
options self 'identity: dice' "dice: $WORK/dice/self"
check 'I9: a DICE chain whose root nobody registered is refused' enrols_not self key.untrusted --token "$(token software)"
listed() { assay ek allow --ek "$(openssl x509 -in "$WORK/dice/self/chain.pem" -out "$WORK/self.pem" && assay inspect key "$WORK/self.pem" --json | jq -r .allow)" --class controller; }
check 'its root is put on the allow-list by its certificate' listed
check 'then it enrols without a token' key_enrol self --ca "$ASSAY_STATE/tls/cert.pem"
check 'and is admitted' decides self ADMIT
check 'as DICE, whose hardware nobody vouches for' equal "$(device_field self tier) $(claims_of self hardware)" 'dice 32'
agent_stop self
options debug 'identity: dice' "dice: $WORK/dice/debug"
check 'a DICE chain in debug mode does not enrol' enrols_not debug dice.mode --token "$(token software)"
options plain 'identity: software'
check 'a software key without token does not wait in the queue' enrols_not plain key.unregistered --ca "$ASSAY_STATE/tls/cert.pem"
check 'I9: a token for hardware admits no software key' enrols_not plain token.tier --token "$(token dice)"
if [ -e $MODULE ]; then
	self_signed() {
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=mine \
			-keyout "$WORK/mine.key" -out "$WORK/mine.pem" && chmod 600 "$WORK/mine.key"
	}
	check 'a key certifies itself' self_signed
	options mine 'identity: software' "key-file: $WORK/mine.key" "certificate: $WORK/mine.pem"
	check 'I9: it is no token' enrols_not mine token.tier --token "$(token token)"
	check 'but a software key' key_enrol mine --token "$(token software)"
	check 'at that tier' equal "$(device_field mine tier)" software
	agent_stop mine
fi

# ---- I6: the verifier's own key --------------------------------------------------------
cp "$ASSAY_STATE/tls/key.pem" "$WORK/verifier.key" && chmod 600 "$WORK/verifier.key"
options reflection 'identity: software' "key-file: $WORK/verifier.key"
check 'I6: the key of the verifier is no device'"'"'s' enrols_not reflection key.verifier --token "$(token software)"

# ---- what the agent complains of ----------------------------------------------------------
fails_with() { # STATUS TEXT NAME
	local status=0 out
	out=$("$ASSAY_BIN/assay-attester" --config "$WORK/$3/attester.yaml" --verifier wss://127.0.0.1:9 --state "$WORK/$3/agent" \
		--ca "$ASSAY_STATE/tls/cert.pem" --once 2>&1 >/dev/null) || status=$?
	[ "$status" = "$1" ] && [[ $out == *"$2"* ]] || { echo "status $status: $out"; return 1; }
}
options bad 'identity: software' "key-file: $WORK/mine.key"
cp "$WORK/verifier.key" "$WORK/open.key" && chmod 644 "$WORK/open.key"
options bad 'identity: software' "key-file: $WORK/open.key"
check 'a key that others can read is refused' fails_with 2 'open to others' bad
options bad 'identity: software' "key-file: $WORK/verifier.key" "certificate: $WORK/dice/uds.pem"
check 'a certificate of another key is refused' fails_with 2 'another key' bad
options bad 'identity: dice' "dice: $WORK/nowhere"
check 'a DICE chain that is not there is named' fails_with 3 'nowhere/chain.pem' bad
options bad 'identity: token' 'pkcs11-module: /nonexistent.so' 'pkcs11-token: t' 'pkcs11-key: k'
check 'a module that is not there is named' fails_with 3 'cannot be loaded' bad
options bad 'identity: dice'
check 'what an identity needs is said' fails_with 64 '--dice' bad
if [ -e $MODULE ]; then
	printf '9999\n' >"$WORK/wrong-pin" && chmod 600 "$WORK/wrong-pin"
	options bad 'identity: token' "pkcs11-module: $MODULE" 'pkcs11-token: device' 'pkcs11-key: attestation' "pin-file: $WORK/wrong-pin"
	check 'a wrong PIN is said' fails_with 3 'PIN' bad
	options bad 'identity: token' "pkcs11-module: $MODULE" 'pkcs11-token: device' 'pkcs11-key: other' "pin-file: $WORK/pin"
	check 'a key that is not in the token is said' fails_with 3 'no key of this label' bad
fi

lib_end
