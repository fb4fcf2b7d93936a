#!/bin/bash
# A verifier whose disk is full: what could not be recorded does not hold, in memory either;
# nothing gets milder, what ends ends, and it goes on by itself when there is room again.
[ -n "${ASSAY_OWN_MOUNTS:-}" ] || {
	unshare --mount true 2>/dev/null || { echo "skip - a full disk # no mount namespaces here" && exit 0; }
	ASSAY_OWN_MOUNTS=yes exec unshare --mount "$0"
}
. tests/attacks/lib.sh
lib_begin

small_disk() {
	mkdir -p "$WORK/disk" "$WORK/roots" && mount -t tmpfs -o size=6m none "$WORK/disk" || return
	trap 'umount -l "$WORK/disk"; lib_clean' EXIT
	export ASSAY_STATE=$WORK/disk/verifier
	"$ASSAY_BIN/assay-verifier" init --state "$ASSAY_STATE" --listen 127.0.0.1:0 --roots "$WORK/roots" --accept-virtual-tpm
}
if ! small_disk >"$WORK/out" 2>&1; then
	skip 'a full disk' "no small file system here: $(tail -n 1 "$WORK/out")"
	exit 0
fi
fill() { ! dd if=/dev/zero of="$WORK/disk/fill" bs=4k 2>/dev/null; }
room() { rm "$WORK/disk/fill"; }
fails() { ! "$@"; }
digest() { assay reference show golden --json | jq -r .digest; }
policy_of() { assay policy list --json | jq -r '[.policies[] | select(.name == "fleet" and .active)] | .[0].version'; }
again() { d connect && d hello && says "decision $*" proof; } # the connection was refused

# ---- a device that may not be admitted, as its reference is only learned ----
begin() {
	verifier_start && policy fleet && attacker_start && enrolled 1 && says 'decision QUARANTINE reference.none*' proof && ek_of 1 &&
		assay reference capture "$ID" --name golden && says 'challenge *' recv && says 'decision RESTRICT reference.learned*' proof
}
check 'a device whose reference is learned is restricted' begin
[ "$failures" = 0 ] || { cat "$WORK/verifier.log" && exit 1; }
check 'the disk is full' fill
check 'a reference cannot be promoted' fails assay reference promote golden --digest "$(digest)"
check_status 4 '... which is a fault, and is said' assay reference promote golden --digest "$(digest)"
d recv >/dev/null
check 'no round is answered with a decision' says 'refused verifier.internal retry=1' proof
room
check 'with room again the reference is learned' equal "$(assay reference show golden --json | jq -r .state)" learned
check 'd_a_promotion_that_was_not_recorded_admits_nobody' again RESTRICT 'reference.learned*'

# ---- the same of policies ----
stricter() { # one that admits nobody, then the way back to the one before
	before=$(policy_of) && policy fleet 's/value: true/value: false/; s/on_fail: restrict/on_fail: quarantine/'
}
milder() { assay policy activate "$(assay policy list --json | jq -r --argjson v "$before" '.policies[] | select(.name == "fleet" and .version == $v) | .digest')" --comment back; }
d recv >/dev/null
check 'a stricter policy' stricter
check '... judges' says 'decision QUARANTINE *' proof
d recv >/dev/null
check 'the disk is full again' fill
check 'the milder one cannot be activated' fails milder
check 'no round is answered' says 'refused verifier.internal retry=1' proof
room
check 'd_a_policy_that_was_not_recorded_judges_nobody' again 'QUARANTINE *'
check 'there is no trace of it' eval '[ "$(policy_of)" -gt "$before" ]'
check 'now it can be activated' milder
d recv >/dev/null
check '... and judges' says 'decision RESTRICT *' proof

# ---- time goes on ----
check 'a policy whose verdicts hold for three seconds' policy fleet 's/patience: .*/patience: 3/'
d recv >/dev/null
check 'a verdict by it' says 'decision RESTRICT *' proof
check 'the disk is full once more' fill
check 'd11_what_ends_while_nothing_can_be_written_ends' wait_for 20 stands "$ID" QUARANTINE decision.expired
room
recorded() { assay device history "$ID" --json | jq -e '.decisions[0] | .outcome == "QUARANTINE" and .reason == "decision.expired"' >/dev/null; }
check '... and is recorded when there is room' wait_for 20 recorded
check 'devices are decided again' again 'RESTRICT *'

# ---- a rotation of keys is recorded, or is none ----
# With room for so many pages: for the files of the keys, or for the ledger, or for both.
keys() { assay key list --json | jq '.keys | length'; }
rotations() { assay audit export | grep -c '"action":"key.rotate"'; }
unrecorded() {
	local pages status had left
	for pages in {0..7}; do
		had=$(keys) && fill && truncate -s "-$((pages * 4))k" "$WORK/disk/fill" || return
		status=0 && assay key rotate decision --overlap 1h >/dev/null 2>"$WORK/err" || status=$?
		room
		left="$(keys) keys, $(rotations) rotations"
		echo "$pages pages: status $status, $left"
		if [ "$status" = 0 ]; then equal "$left" "$((had + 1)) keys, $((had - 1)) rotations"; else equal "$left" "$had keys, $((had - 2)) rotations"; fi || return
		equal "$(ls "$ASSAY_STATE/keys" | grep -c 'sign-\|new')" "$(keys)" || return
	done
	[ "$(rotations)" -gt 0 ] && [ "$(rotations)" -lt 8 ]
}
check 'a_rotation_that_was_not_recorded_did_not_happen' unrecorded
# As a crash between the record and the keys' file leaves it, and one before the record.
interrupted() {
	local had k=$ASSAY_STATE/keys
	had=$(keys) && cp "$k/chain" "$WORK/chain" && assay key rotate decision --overlap 1h >/dev/null && verifier_stop &&
		cp "$k/chain" "$k/chain.new" && cp "$WORK/chain" "$k/chain" && verifier_start && equal "$(keys)" $((had + 1)) && [ ! -e "$k/chain.new" ]
}
check 'a_rotation_that_was_recorded_before_a_crash_happens' interrupted
forged() {
	local had k=$ASSAY_STATE/keys
	had=$(keys) && verifier_stop && { cat "$k/chain" && echo x; } >"$k/chain.new" && verifier_start && equal "$(keys)" "$had" && [ ! -e "$k/chain.new" ]
}
check 'what a crash left half written is removed' forged
check 'no process was lost' eval '! grep child-lost "$WORK/verifier.log"'
check 'the ledger is whole' eval 'verifier_stop && verifier_start && ! grep ledger-fault "$WORK/verifier.log"'
lib_end
