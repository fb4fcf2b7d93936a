#!/bin/bash
# Verifiers of which one process was taken over (tests/attacks/hostile): what DESIGN says
# that such a process cannot do, it cannot; a good device may have to wait (Q17, Q18).
. tests/attacks/lib.sh
lib_begin

# An honest verifier first, with a good device and a tampered one.
honest() {
	fleet_begin 'spare_appraisers: 3' && attacker_start && fleet_golden && enrolled 2 && d extend 4 &&
		round 'decision QUARANTINE *' 2 && ek_of 2 && BAD=$ID && allow fleet 3 && verifier_stop
}
check 'a good device and a tampered one' honest
[ "$failures" = 0 ] || exit 1
cp -r "$ASSAY_STATE" "$WORK/honest"

hostile() { # NAME: in place of the honest verifier
	verifier_stop
	rm -rf "$ASSAY_STATE"
	cp -r "$WORK/honest" "$ASSAY_STATE"
	rm -f "$ASSAY_STATE"/run/*
	[ "$1" != spin ] || echo 'appraisal_max_s: 2' >>"$ASSAY_STATE/verifier.yaml"
	: >"$WORK/verifier.log"
	start verifier "$ASSAY_BIN/tests/attacks/hostile/hostile_$1" run --state "$ASSAY_STATE"
	wait_for "$WAIT" test -s "$ASSAY_STATE/run/port" -a -S "$ASSAY_STATE/run/console.sock" &&
		d port "$(cat "$ASSAY_STATE/run/port")"
}
# Rounds of both devices, and of a new one that is tampered from the start; none of the bad
# ones is ever told ADMIT.
bad_rounds() { # ROUNDS
	local i
	d session s3 && d device 3 && d extend 4 && d connect && d enrol
	for ((i = 0; i < $1; i++)); do
		d session s1 && d device 1 && d connect && d hello && d proof
		d session s2 && d device 2 && d connect && d hello && d proof
		[[ $ANSWER != *ADMIT* ]] || return
		d session s3 && d device 3 && d connect && d hello && d proof
		[[ $ANSWER != *ADMIT* ]] || return
	done
}
# The ledger has no ADMIT of a bad device either, and no decision of theirs got milder.
none_admitted() {
	local id history
	ek_of 3
	for id in "$BAD" "$ID"; do
		history=$(assay device history "$id" --json) || continue # not enrolled
		jq -e 'all(.decisions[]; .outcome == "QUARANTINE")' <<<"$history" >/dev/null || return
		stands "$id" QUARANTINE || return
	done
}
whole() { # the ledger, once the verifier has stopped
	verifier_stop && echo "$GOLDEN 2 3" >"$WORK/record" && "$ASSAY_BIN/tests/tools/ledger_verify" "$ASSAY_STATE" "$WORK/record"
}

while read -r name rounds trace; do
	check "a verifier with a hostile process: $name" hostile "$name"
	check "q18_q17_${name}_admits_no_tampered_device" bad_rounds "$rounds"
	check "q18_q17_${name}_leaves_no_admission_in_the_ledger" none_admitted
	check "${name}_is_noticed" logged "$trace"
	[ "$name" != spin ] || check 'q17_and_others_are_judged_in_spite_of_it' round 'decision ADMIT *' 1
	check "${name}_leaves_the_ledger_whole" whole
done <<-END
	admit 6 not-reproduced
	swap 6 not.its.request
	forge 12 child-lost
	spin 3 why="took.too.long
	net 6 reason=challenge.none
END
# D15: processes that carry decisions can withhold, which shows, and not invent, change,
# re-address or replay. The nonce's first letter says which lie is told.
if /usr/bin/python3 -c 'import jwt, cryptography' 2>/dev/null; then
	check 'a verifier with a hostile process: feed' eval 'hostile feed && ROOT=$(assay key list --json | jq -r .root)'
	listens() { # LETTER
		tests/tools/relying_party.py --socket "$ASSAY_STATE/run/console.sock" --root "$ROOT" --nonce-prefix "$1" --until heartbeat=2 --seconds 15
	}
	check 'd15_told_the_truth_a_relying_party_believes_it' listens x
	while read -r letter name; do
		check_status 1 "d15_${name}_is_refused" listens "$letter"
	done <<-END
		w a_record_withheld
		r an_old_record_in_the_place_of_a_new_one
		c a_record_changed
		s a_record_with_another_signature
		g a_device_said_to_be_gone
		h an_invented_heartbeat
		k a_key_that_the_root_did_not_sign
	END
	check 'feed_leaves_the_ledger_whole' whole
else
	skip d15 'python3-jwt is not installed'
fi
# Processes that send what leaves by itself can withhold it, and say that it arrived; keeper
# ends those that say what cannot be, and everything else goes on.
outbound_begin() {
	printf '%064d' 7 >"$WORK/secret" && chmod 600 "$WORK/secret" && start hook tests/tools/webhook_receiver.py --secret "$WORK/secret" --log "$WORK/hooks" --port-file "$WORK/hook.port" &&
		wait_for 10 test -s "$WORK/hook.port" && cp "$WORK/honest/verifier.yaml" "$WORK/yaml" &&
		printf '%s\n' 'webhooks:' '  - name: siem' "    url: http://127.0.0.1:$(cat "$WORK/hook.port")/" "    secret_file: $WORK/secret" '    retry_max_s: 1' >>"$WORK/honest/verifier.yaml" &&
		hostile outbound && cp "$WORK/yaml" "$WORK/honest/verifier.yaml"
}
check 'a verifier with a hostile process: outbound' outbound_begin
outbound_rounds() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		assay device hold "$GOLDEN" --reason "$i" >/dev/null && assay device release "$GOLDEN" >/dev/null && sleep 0.7 || return
	done
	assay status >/dev/null && assay webhook list --json | jq -e '.webhooks[0] | .sequence <= .sequence + .pending and (.error // "" | test("^[ -~]*$"))'
}
check 'd15_outbound_that_lies_stops_nothing_else' outbound_rounds
check 'd15_what_it_was_not_given_it_cannot_acknowledge' logged 'role=outbound why="*answered what it was not given'
forged() { # nothing arrived that keeper did not sign
	[ -s "$WORK/hooks" ] && ! grep '"bad"' "$WORK/hooks"
}
check 'd15_nothing_that_it_sends_is_signed_but_by_keeper' forged
judged() { round 'decision ADMIT *' 1 && round 'decision QUARANTINE *' 2; }
check 'd15_outbound_changes_no_decision' judged
check 'outbound_leaves_the_ledger_whole' whole

# After all this an honest verifier goes on with the good device.
again() {
	verifier_start && d port "$(cat "$ASSAY_STATE/run/port")" && round 'decision ADMIT *' 1 && round 'decision QUARANTINE *' 2
}
check 'an honest verifier goes on with the same ledger' again
lib_end
