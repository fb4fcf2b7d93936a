#!/bin/bash
# What must not make a decision milder: silence, expiry, maintenance, crashes, a policy
# that is not there, errors, and hands in the ledger's file (D1, D2, D5, D8, D11, D14).
. tests/attacks/lib.sh
lib_begin
fleet_begin 'spare_appraisers: 4'
attacker_start
check 'a healthy device is admitted' fleet_golden
[ "$failures" = 0 ] || exit 1
restart() { verifier_stop && verifier_start && d port "$(cat "$ASSAY_STATE/run/port")"; }
became() { # ID DECISION REASON: the last recorded decision
	equal "$(assay device history "$1" --json | jq -r '.decisions[0] | .outcome + " " + .reason')" "$2 $3"
}
enrolled_id() { enrolled "$@" && ek_of "$1"; }

# ---- silence (D1) ----
policy brief 's/patience: .*/patience: 2/' 's/interval: .*/interval: 1s/'
brief() { # one good and one bad device whose verdicts hold two seconds
	enrolled_id 2 brief && GOOD_ID=$ID && enrolled_id 3 brief && BAD_ID=$ID && d boot $OTHER && d device 2 && d boot $OTHER &&
		assay device set "$GOOD_ID" --class brief >/dev/null && round 'decision QUARANTINE reference.none*' 2 &&
		assay reference capture "$GOOD_ID" --name brief >/dev/null &&
		assay reference promote brief --digest "$(assay reference show brief --json | jq -r .digest)" >/dev/null &&
		d device 3 && d extend 4 && round 'decision QUARANTINE boot.replay*' 3 && d close && round 'decision ADMIT *' 2 && d close
}
check 'one device of another class is good, one is not' brief
check d1_failed_device_that_is_gone_stays_failed became "$BAD_ID" QUARANTINE boot.replay
expires() { wait_for "$WAIT" became "$GOOD_ID" QUARANTINE decision.expired; }
check d1_admitted_device_that_falls_silent_is_quarantined_when_its_verdict_expires expires
check d1_failed_device_is_quarantined_after_the_expiry_of_its_verdict_too stands "$BAD_ID" QUARANTINE
back() { fresh 3 && became "$BAD_ID" QUARANTINE boot.replay && stands "$BAD_ID" QUARANTINE && d close; }
check d1_failed_device_that_comes_back_without_evidence_stays_failed back
check d1_only_new_evidence_admits_again round 'decision ADMIT *' 2
check d1_and_not_that_of_the_failed_device round 'decision QUARANTINE boot.replay*' 3

# ---- operators' overlays, crashes (D11) ----
overlay() { assay device "$1" "$2" --reason test >/dev/null; }
check d11_maintenance_makes_a_failed_device_no_milder eval 'overlay maintain "$BAD_ID" && stands "$BAD_ID" QUARANTINE && round "decision QUARANTINE *" 3'
check d11_nor_does_its_end eval 'overlay release "$BAD_ID" && stands "$BAD_ID" QUARANTINE && round "decision QUARANTINE *" 3'
maintained() {
	overlay maintain "$GOLDEN" && [ "$(decision "$GOLDEN")" != ADMIT ] && round 'decision RESTRICT operator.maintenance*' 1
}
check d11_maintenance_of_a_healthy_device_restricts_it maintained
check d11_its_end_needs_a_new_verdict eval 'overlay release "$GOLDEN" && [ "$(decision "$GOLDEN")" != ADMIT ] && round "decision ADMIT *" 1'
held() { overlay hold "$GOLDEN" && stands "$GOLDEN" QUARANTINE operator.held && round 'decision QUARANTINE operator.held*' 1; }
check d11_held_is_held_whatever_the_evidence held
check d11_no_maintenance_of_a_held_device eval '! overlay maintain "$GOLDEN" && stands "$GOLDEN" QUARANTINE operator.held'
check d11_release_needs_a_new_verdict eval 'overlay release "$GOLDEN" && stands "$GOLDEN" QUARANTINE && round "decision ADMIT *" 1'
children() { # ROLE: pids
	local pid
	for pid in $(cat "/proc/$(cat "$ASSAY_STATE/run/pid")/task/$(cat "$ASSAY_STATE/run/pid")/children"); do
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- "--role=$1" && echo "$pid"
	done
}
crashes() {
	local i pid
	for ((i = 0; i < 5; i++)); do
		fresh 3 && d proof keep || return
		for pid in $(children appraiser); do kill -KILL "$pid"; done
		d replay s3
		[[ $ANSWER != *ADMIT* && $ANSWER != *RESTRICT* ]] || return
	done
	stands "$BAD_ID" QUARANTINE
}
check d11_crashes_of_appraisers_make_nothing_milder crashes
check 'and all are replaced' eval 'wait_for "$WAIT" round "decision ADMIT *" 1'

# ---- policies (D2) ----
printf 'policy: fleet\nversion: 9\napplies_to: {class: fleet}\nask: [' >"$WORK/bad.yaml"
check_status 2 d2_policy_that_cannot_be_read_is_refused assay policy add "$WORK/bad.yaml"
placed() { ! assay policy add "$WORK/bad.yaml" 2>"$WORK/said" && cat "$WORK/said" && grep -q 'bad.yaml:[0-9]*:[0-9]*: ' "$WORK/said"; }
check 'and its place is told' placed
sed 's/^rules:/ruels:/; s/^version: .*/version: 9/' "$WORK/fleet.yaml" >"$WORK/unknown.yaml"
check_status 2 d2_policy_with_an_unknown_key_is_refused assay policy add "$WORK/unknown.yaml"
: >"$WORK/empty.yaml"
check_status 2 d2_policy_that_is_empty_is_refused assay policy add "$WORK/empty.yaml"
check 'the policy in force stays so' round 'decision ADMIT *' 1
# Two policies that would apply equally to one device; that none applies is D8's matter below.
tie() {
	policy site 's/class: site/class: mixed\n  labels: [site=a]/' && ! policy ring 's/class: ring/class: mixed\n  labels: [ring=b]/'
}
check d2_policy_that_would_tie_with_another_is_refused tie

# ---- errors (D5) ----
silent() { # STATUS COMMAND...: nothing on standard output that could be taken for an answer
	local want=$1 got=0
	shift
	"$@" >"$WORK/stdout" 2>"$WORK/stderr" || got=$?
	[ "$got" = "$want" ] && [ ! -s "$WORK/stdout" ] && [ -s "$WORK/stderr" ]
}
check d5_error_text_is_not_success silent 2 assay device show 0123456789abcdef0123456789abcdef --json
check d5_error_of_an_order_is_not_success silent 2 assay policy add "$WORK/bad.yaml"
gone() { ASSAY_STATE=$WORK/nowhere silent 3 assay device list --json; }
check d5_verifier_that_does_not_answer_is_not_success gone

# ---- hands in the ledger (D8) ----
check 'healthy before the ledger is touched' round 'decision ADMIT *' 1
sql() { sqlite3 "$ASSAY_STATE/ledger.db" "$1"; }
save() { rm -rf "$WORK/saved.$1" && mkdir "$WORK/saved.$1" && cp "$ASSAY_STATE"/ledger.* "$WORK/saved.$1/"; }
put_back() { rm -f "$ASSAY_STATE"/ledger.* && cp "$WORK/saved.$1"/* "$ASSAY_STATE/"; }
in_fault() { # every device is quarantined, for the right reason, and no evidence changes that
	[ "$(assay status --json | jq .ledger_fault)" = true ] && stands "$GOLDEN" QUARANTINE verifier.fault &&
		stands "$BAD_ID" QUARANTINE verifier.fault && logged ledger-fault && fresh 1 && d proof && [[ $ANSWER != *ADMIT* ]] &&
		fresh 3 && d proof && [[ $ANSWER != *ADMIT* ]] && stands "$GOLDEN" QUARANTINE verifier.fault
}
# Edits a row of the stopped verifier's ledger, looks, and undoes it.
edited() { # SQL CONDITION...
	local status
	verifier_stop && save edit && sql "$1" && verifier_start && d port "$(cat "$ASSAY_STATE/run/port")" && "${@:2}"
	status=$?
	verifier_stop && put_back edit && verifier_start && d port "$(cat "$ASSAY_STATE/run/port")"
	return $status
}
# The device whose row it is is nobody; the others are who they were.
nobody() {
	equal "$(assay device list --json | jq -r --arg id "$BAD_ID" '.devices[] | select(.id == $id) | .decision, .reason' | tr '\n' ' ')" \
		'QUARANTINE ledger.tampered ' && fresh 3 && says 'refused *' proof && logged 'error=tampered' &&
		stands "$GOLDEN" ADMIT && round 'decision ADMIT *' 1
}
unmatched() { logged 'reference-unusable.*tampered' && round 'decision QUARANTINE reference.none*' 1; }
unjudged() { logged 'policy-unusable.*tampered' && round 'decision QUARANTINE policy.none*' 1; }
check d8_verdict_edited_to_admit_is_not_believed edited "UPDATE state SET decision = 2, verdict_outcome = 2, expires_at = 4000000000 WHERE device = '$BAD_ID'" nobody
check d8_device_put_into_another_class_is_not_believed edited "UPDATE device SET class = 'other' WHERE id = '$BAD_ID'" nobody
check d8_key_exchanged_by_hand_is_not_believed edited "UPDATE device SET ak_public = (SELECT ak_public FROM device WHERE id = '$GOLDEN') WHERE id = '$BAD_ID'" nobody
check d8_reference_edited_by_hand_is_not_believed edited "UPDATE reference SET not_after = 4000000000 WHERE name = 'golden'" unmatched
check d2_d8_policy_turned_off_by_hand_lets_no_milder_one_judge edited "UPDATE policy SET active = 0 WHERE name = 'fleet'" unjudged
check d8_row_taken_away_is_a_fault edited "DELETE FROM decision WHERE device = '$BAD_ID'" in_fault
check 'undone, everything is as before' eval 'stands "$GOLDEN" ADMIT && round "decision ADMIT *" 1'

# ---- yesterday's ledger (D14) ----
was_good() { # device 4, before and after
	enrolled_id 4 && OLD=$ID && round 'decision ADMIT *' 4 && verifier_stop && save yesterday && verifier_start &&
		d port "$(cat "$ASSAY_STATE/run/port")" && d extend 4 && round 'decision QUARANTINE *' 4
}
check 'one device was good yesterday and is not today' was_good
check d14_yesterdays_row_put_back_is_a_fault edited "ATTACH '$WORK/saved.yesterday/ledger.db' AS y; DELETE FROM state WHERE device = '${OLD:-}';
	INSERT INTO state SELECT * FROM y.state WHERE device = '${OLD:-}'" in_fault
yesterday() {
	verifier_stop && cp "$WORK/saved.yesterday/ledger.db" "$ASSAY_STATE/ledger.db" && rm -f "$ASSAY_STATE"/ledger.db-* &&
		verifier_start && d port "$(cat "$ASSAY_STATE/run/port")" && stands "$OLD" QUARANTINE verifier.fault && in_fault
}
check d14_yesterdays_ledger_put_back_is_a_fault yesterday
check d14_a_restart_does_not_end_it eval 'restart && in_fault'
without_head() { verifier_stop && save head && rm "$ASSAY_STATE/ledger.head" && verifier_start && d port "$(cat "$ASSAY_STATE/run/port")" && in_fault; }
check d14_nor_does_removing_the_head without_head
accepted() { assay ledger accept && [ "$(assay status --json | jq .ledger_fault)" = false ] && stands "$GOLDEN" QUARANTINE && stands "$OLD" QUARANTINE; }
check d14_accepted_by_an_administrator_nobody_is_admitted_yet accepted
check d14_until_it_attests_anew round 'decision ADMIT *' 1
check d14_and_the_one_that_was_good_yesterday_is_not round 'decision QUARANTINE *' 4
check 'who accepted it is in the audit log' eval 'assay audit list --json | jq -e "any(.audit[]; .action == \"ledger.accept\")"'

# ---- what is retired while evidence is judged by it ----
held=()
hold() { mapfile -t held < <(children appraiser) && [ ${#held[@]} -gt 0 ] && kill -STOP "${held[@]}"; }
let_go() { [ ${#held[@]} = 0 ] || kill -CONT "${held[@]}" 2>/dev/null; held=(); }
trap 'let_go; lib_clean' EXIT
retired_meanwhile() {
	fresh 1 && hold && printf 'proof\n' >&"$TO" && sleep 1 && assay reference retire golden || return
	let_go
	IFS= read -r -t 30 ANSWER <&"$FROM"
	[[ $ANSWER == 'decision QUARANTINE reference.none'* ]] || { echo "$ANSWER"; return 1; }
}
check 'd12_a_reference_that_is_retired_while_evidence_is_judged_admits_nobody' retired_meanwhile
lib_end
