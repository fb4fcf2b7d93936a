#!/bin/bash
# Proofs that are stale, borrowed, bent or of another boot, against the real daemon: Q3 to
# Q6, Q10, Q11, Q14, Q16, Q17. What no enrolled key signed changes no device; what it
# did sign and is bad is a decision with its reason in the ledger.
. tests/attacks/lib.sh
lib_begin
fleet_begin 'challenge_deadline_ms: 2000' 'spare_appraisers: 4'
attacker_start
check 'a healthy device is admitted' fleet_golden
[ "$failures" = 0 ] || exit 1
UNPROVEN='refused evidence.unproven retry=0'

# ---- nonces ----
check q6_wrong_nonce_is_refused changes_nothing "$UNPROVEN" 1 nonce=zero
twice() { round 'decision ADMIT *' 1 && says closed replay s1; }
check q6_used_nonce_is_refused_when_none_is_outstanding twice
again() { round 'decision ADMIT *' 1 && says 'challenge *' recv && says "$UNPROVEN" replay s1; }
check q6_reused_nonce_is_refused again
check q17_old_proof_on_a_new_session_is_refused says "$UNPROVEN" session b , connect , hello , replay s1
check q6_proof_without_challenge_is_refused says closed session b , connect , replay s1
of_other() { fresh 1 victim && fresh 1 && says "$UNPROVEN" proof nonce=victim; }
check q6_nonce_of_another_session_is_refused of_other
of_device() { enrolled 2 && fresh 1 && says "$UNPROVEN" session s2 , proof nonce=s1; }
check q6_nonce_of_another_device_is_refused of_device
late() { fresh 1 && says 'refused challenge.late retry=1' proof late=3500; }
check q6_late_proof_is_refused late
check q17_proof_made_for_another_session_is_refused says "$UNPROVEN" device 1 , session c , connect , hello , \
	proof keep , session b , connect , hello , replay c

# ---- keys, selection, what was signed ----
check q10_proof_by_another_key_is_refused changes_nothing "$UNPROVEN" 1 signature
as_other() { says "$UNPROVEN" device 3 , session s3 , connect , hello as=1 , proof; }
check q10_proof_of_an_unknown_key_in_the_name_of_a_known_one_is_refused as_other
check q10_key_of_another_hierarchy_is_refused changes_nothing "$UNPROVEN" 1 signer
check q3_quote_of_fewer_pcrs_is_refused changes_nothing "$UNPROVEN" 1 fewer
check q3_quote_of_another_bank_is_refused changes_nothing "$UNPROVEN" 1 bank=sha1
check q4_pcr_values_that_were_not_signed_are_refused changes_nothing "$UNPROVEN" 1 values
check q5_bent_quote_is_refused changes_nothing "$UNPROVEN" 1 attest
check q5_claims_changed_after_signing_are_refused changes_nothing "$UNPROVEN" 1 claims
check q5_evidence_made_for_another_use_is_refused changes_nothing "$UNPROVEN" 1 kind=3
check i5_evidence_bound_to_another_channel_is_refused changes_nothing "$UNPROVEN" 1 channel=flip
relay() { fresh 1 victim && fresh 1 && says "$UNPROVEN" proof channel=victim; }
check i5_relayed_evidence_is_refused relay
check i17_evidence_without_channel_binding_is_refused changes_nothing "$UNPROVEN" 1 channel=none

# ---- validly signed, and bad ----
# Enrols a device, judges it once, does something to its TPM, and judges it again.
after() { # SEED WANTED FINDING COMMAND...
	local seed=$1 want=$2 finding=$3
	shift 3
	ek_of "$seed"
	[ -n "$(show "$ID" 2>/dev/null)" ] || enrolled "$seed" || return
	round 'decision ADMIT *' "$seed" && d "$@" && round "decision $want $finding*" "$seed" &&
		ek_of "$seed" && stands "$ID" "$want" "${finding/#-/policy.met}"
}
check 'a clean reboot is none of the following' after 2 ADMIT - reset
check q11_clock_back_is_found after 2 QUARANTINE continuity.clock clock 10500
sticks() { round 'decision QUARANTINE *' 2 && ek_of 2 && found "$ID" continuity.clock; }
check q11_clock_back_is_not_forgotten_in_the_same_boot sticks
check q11_reset_count_back_is_found after 4 QUARANTINE continuity.reset-count resets 0
check q11_two_resets_at_once_are_found after 5 QUARANTINE continuity.reset-count resets 3
restarts() {
	enrolled 6 && d restarts 3 && round 'decision ADMIT *' 6 && after 6 QUARANTINE continuity.restart-count restarts 2
}
check q11_restart_count_back_is_found restarts
check q11_firmware_back_is_found after 7 QUARANTINE continuity.tpm-firmware firmware 1
far_back() {
	enrolled 8 && d clock 9000000 && round 'decision ADMIT *' 8 && d reset && d unsafe && d clock 1000 &&
		round 'decision QUARANTINE continuity.clock*' 8
}
check q11_clock_far_back_across_a_reset_is_found far_back
power_cut() {
	enrolled 9 && d clock 9000000 && round 'decision ADMIT *' 9 && d reset && d unsafe && d clock 8990000 &&
		round 'decision ADMIT *' 9
}
check 'q11: a clock a little behind after a power cut is none' power_cut
check q14_log_of_another_boot_is_found eval "enrolled 10 && round 'decision QUARANTINE *' 10 log=$EVIL && ek_of 10 && found \$ID boot.replay"
head -c -1 "$GOOD" >"$WORK/bent" && printf X >>"$WORK/bent"
swapped() { # what came is not what was signed, so it is nobody's word
	enrolled 11 && round "$UNPROVEN" 11 "serve=$WORK/bent" && ek_of 11 && equal "$(seq_of "$ID")" 0 && logged 'finding=boot.log-digest'
}
check q14_log_other_than_the_claimed_one_is_refused swapped
check q14_log_larger_than_the_claimed_one_ends_the_connection eval "enrolled 16 && round closed 16 serve=$EVIL"
check 'a boot log that is missing is found' eval "enrolled 12 && round 'decision QUARANTINE boot.log-missing*' 12 no-log"
extended() {
	enrolled 13 && round 'decision ADMIT *' 13 && d extend 4 && round 'decision QUARANTINE *' 13 && ek_of 13 &&
		show "$ID" | jq -e 'any(.verdict.findings[]; .word == "boot.replay" and .pcr == 4 and .seen != null and .expected != null)'
}
check 'a PCR extended at run time is found, and named' extended
check 'it is found until the next reset' round 'decision QUARANTINE *' 13
check 'and forgotten after it' eval 'd reset && round "decision ADMIT *" 13'

# ---- banks ----
legacy() { # class legacy may quote SHA-1 as well; only what its policy says may do so
	policy legacy 's/banks: .*/banks: [sha1, sha256]/'
}
sha1_only() { legacy && d device 14 && d banks sha1 && enrolled 14 legacy && round 'decision QUARANTINE *' 14 && ek_of 14 && found "$ID" quote.sha1-only; }
check q16_sha1_alone_is_found sha1_only
no_bank() { d device 15 && d banks sha1 && enrolled 15 && round 'decision QUARANTINE *' 15 && ek_of 15 && found "$ID" quote.pcr-not-covered; }
check q4_pcrs_that_policy_reads_and_no_quote_covers_are_found no_bank

# ---- a restart ----
restart() {
	local before
	fresh 1 && d proof keep && before=$(record "$GOLDEN") && verifier_stop && verifier_start &&
		unchanged "$before"
}
check 'a restart of the verifier keeps what was decided' restart
old_nonce() { d port "$(cat "$ASSAY_STATE/run/port")" && says "$UNPROVEN" connect , hello , replay s1; }
check q6_nonce_from_before_a_restart_is_refused old_nonce
check 'and the device goes on' round 'decision ADMIT *' 1
lib_end
