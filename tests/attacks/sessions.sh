#!/bin/bash
# Connections that do not keep to the protocol, or that race or name others, against the
# real daemon: I7, I10, I16, I17, Q13. A connection ends, and nothing else happens.
. tests/attacks/lib.sh
lib_begin
fleet_begin 'half_open_per_source: 40' 'connections_per_source: 100' 'spare_appraisers: 4'
attacker_start
check 'a healthy device is admitted' fleet_golden
[ "$failures" = 0 ] || exit 1
BEFORE=$(record "$GOLDEN")

# ---- messages out of order, out of form, out of bounds ----
opened() { says open session x , device 1 , connect; }
first() { # NAME HEX OPTION...: as the first message of a connection
	local name=$1
	shift
	opened && says closed send "$@" || return
}
while read -r name what; do
	# shellcheck disable=SC2086 # words
	check "$name" first "$name" $what
done <<-END
	i10_proof_before_hello_is_refused 04
	i10_activation_before_enrol_is_refused 03
	i10_part_that_nobody_asked_for_is_refused 05
	i10_message_of_the_verifier_is_refused 10
	i10_unknown_message_is_refused ff
	i10_empty_message_is_refused 00
	i10_text_frame_is_refused 0108011204 text
	q13_hello_with_an_unknown_field_is_refused 010801ffff
END
check i10_message_in_endless_pieces_is_refused eval 'opened && says closed pieces 64'
after_hello() { fresh 1 x && says closed send "$1"; }
check i10_hello_twice_is_refused after_hello 010801
check i10_enrol_after_hello_is_refused after_hello 020801
large() { fresh 1 x && says closed send "04$(printf '00%.0s' {1..17000})" "$@"; }
check i10_proof_over_its_limit_is_refused large
check i10_frame_that_announces_a_gigabyte_is_refused_at_the_limit large announce=1073741824
check i10_proof_in_endless_pieces_is_refused eval 'fresh 1 x && says closed pieces 64'
not_served() { d session x && d connect "$1" && { [[ $ANSWER == closed* ]] || says closed hello; }; }
check i10_connection_of_another_protocol_is_refused not_served plain
check 'nothing of this changed the healthy device' unchanged "$BEFORE"

# ---- two connections of one device ----
race() {
	fresh 1 one && says 'decision ADMIT *' session one , proof && fresh 1 two &&
		says 'decision ADMIT *' session two , proof && says 'refused session.replaced retry=1' session one , recv
}
check i10_of_two_sessions_the_one_that_proved_its_key_last_stays race
# A proof that was on its way while another connection proved the key is older than what is
# on record: it is asked for again, and no finding. Its TPM's clock is not held against it.
overtaken() {
	fresh 1 one && fresh 1 two && d session one && d proof keep && says 'decision ADMIT *' session two , proof &&
		says 'refused session.raced retry=1' session one , replay one
}
check i10_proof_that_another_connection_overtook_is_asked_for_again overtaken
check i10_and_is_no_finding eval 'stands "$GOLDEN" ADMIT policy.met && says "challenge *" session two , recv && says "decision ADMIT *" proof'
clock_of() { show "$1" | jq .counters.clock_ms; }
advanced() { [ "$(clock_of "$GOLDEN")" -gt "$1" ]; }
# Both proofs are on their way at once: whatever comes first, no finding and no gap.
at_once() {
	local before
	before=$(clock_of "$GOLDEN")
	fresh 1 one && fresh 1 two && d session one && d proof keep && d session two && d proof keep &&
		d session one && d replay one send-only && d session two && d replay two send-only &&
		wait_for "$WAIT" advanced "$before" && stands "$GOLDEN" ADMIT policy.met
}
check i10_racing_sessions_do_not_spoil_the_record at_once

# ---- a session in another's name (I16) ----
check 'the victim is connected' round 'decision ADMIT *' 1 victim
BEFORE=$(record "$GOLDEN")
named() { says 'challenge *' session liar , device 7 , connect , hello as=1; }
unnamed() { says 'challenge *' session liar , device 7 , connect , hello; }
alike() { # COMMAND...: the answer to one who names another is the same as to a stranger
	local answer
	named && { [ $# = 0 ] || d "$@"; } && answer=$ANSWER && unnamed && { [ $# = 0 ] || d "$@"; } &&
		equal "$ANSWER" "$answer"
}
check i16_challenge_is_the_same_for_known_and_unknown_keys alike
check i16_refusal_is_the_same_for_known_and_unknown_keys alike proof
check i16_session_in_the_name_of_another_changes_nothing unchanged "$BEFORE"
check i16_victim_stays_connected eval 'equal "$(show "$GOLDEN" | jq -r .connection)" connected'
goes_on() { says 'challenge *' session s1 , device 1 , recv && says 'decision ADMIT *' proof; }
check i16_victim_goes_on goes_on

# ---- transport ----
check i17_tls_1_1_is_refused says 'closed tls' session x , connect tls11
check i17_tls_1_2_without_extended_master_secret_is_refused not_served no-ems
check 'tls 1.2 with it serves' says 'challenge *' connect tls12 , hello

# ---- HTTP's requests sent ahead, with a body: of one connection, whatever becomes of it ----
keys() { curl -sSk --max-time 5 "https://127.0.0.1:$(cat "$ASSAY_STATE/run/port")/.well-known/jwks.json" | jq -e '.keys | length > 0'; }
ahead() { # METHOD
	{ printf 'GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n%s /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}' "$1" && sleep 1; } |
		timeout 10 openssl s_client -connect "127.0.0.1:$(cat "$ASSAY_STATE/run/port")" -quiet >"$WORK/ahead" 2>/dev/null
	grep -q ' 200 ' "$WORK/ahead" && keys || { cat "$WORK/ahead" && return 1; }
}
check i7_a_get_with_a_body_sent_ahead_stops_nobody ahead GET
check i7_a_post_with_a_body_sent_ahead_stops_nobody ahead POST
check i7_nor_a_device_that_is_connected goes_on

# ---- floods: bounded per source; others go on (I7) ----
bounded() { d flooded && [ "${ANSWER#flood }" -le 60 ]; }
flood() { d flood 400 && wait_for "$WAIT" bounded && [ "${ANSWER#flood }" -gt 10 ]; }
check i7_half_open_connections_of_one_source_are_bounded flood
elsewhere() { # another address of the loopback network
	openssl s_client -connect "127.0.0.1:$(cat "$ASSAY_STATE/run/port")" -bind 127.0.0.77 -brief </dev/null 2>&1 |
		grep 'CONNECTION ESTABLISHED'
}
check i7_half_open_flood_does_not_stop_another_source elsewhere
check i7_half_open_flood_does_not_stop_a_connected_device goes_on
check 'when the flood is over its source is served again' eval 'd unflood && wait_for "$WAIT" round "decision ADMIT *" 1'
check 'no process of the verifier was lost' eval '! grep child-lost "$WORK/verifier.log"'
lib_end
