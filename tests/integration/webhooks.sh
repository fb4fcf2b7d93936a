#!/bin/bash
# Webhooks: every decision arrives at a real HTTPS receiver, in order, signed, whoever is
# killed meanwhile; what cannot be delivered waits, is given up visibly, and stops nobody.
# time-limit: 400
. tests/attacks/lib.sh
lib_begin
WAIT=40

receiver() { # NAME OPTION...: its log is $WORK/NAME.hooks
	local name=$1
	shift
	rm -f "$WORK/$name.port"
	start "$name" tests/tools/webhook_receiver.py --secret "$WORK/secret" --log "$WORK/$name.hooks" \
		--port-file "$WORK/$name.port" --control "$WORK/$name.control" "$@"
	wait_for "$WAIT" test -s "$WORK/$name.port"
}
port_of() { cat "$WORK/$1.port"; }
# As `ID OUTCOME` per request that was accepted, or as it says.
received() { # NAME [JQ]
	jq -r "select(.status < 300 and .type != \"test\") | ${2:-.sequence}" "$WORK/$1.hooks"
}
main_pid() { cat "$ASSAY_STATE/run/pid"; }
role_of() { tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | sed -n 's/^--role=//p'; }
outbound() { # pids
	local pid
	for pid in $(tr ' ' '\n' <"/proc/$(main_pid)/task/$(main_pid)/children"); do
		[ "$(role_of "$pid")" = outbound ] && echo "$pid"
	done
}
head_now() { api /v1/status | jq '.sequence // .head'; }
decisions() { assay device history "$1" --json --limit 1000 | jq ".decisions[].seq" | sort -n; }
all_decisions() { { decisions "$GOLDEN"; decisions "$SECOND"; } | sort -n; }
# Everything that there is has been received, in order if nothing was received twice.
has_all() { # NAME
	equal "$(received "$1" | sort -nu | tr '\n' ' ')" "$(all_decisions | tr '\n' ' ')"
}
in_order() { # NAME: per device, once repeats (a lower number after it was acknowledged) are left out
	received "$1" '"\(.device) \(.sequence)"' | awk '
		!($2 in seen) { if ($2 < last[$1]) { print "out of order: " $0; bad = 1 } last[$1] = $2 } { seen[$2] = 1 } END { exit bad }'
}
flip() { # DEVICE N: 2 N decisions
	local i
	for ((i = 0; i < $2; i++)); do
		api "/v1/devices/$1/hold" '{"reason": "test"}' >/dev/null && api "/v1/devices/$1/release" '{"reason": "test"}' >/dev/null || return
	done
}

printf '%064d' 7 >"$WORK/secret" && chmod 600 "$WORK/secret"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$WORK/key.pem" -out "$WORK/cert.pem" -days 2 \
	-subj /CN=hook -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
TLS=(--cert "$WORK/cert.pem" --key "$WORK/key.pem")
PIN=$(openssl x509 -in "$WORK/cert.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
check 'receivers listen' eval 'receiver siem "${TLS[@]}" && receiver other && receiver pinned "${TLS[@]}" && receiver bad "${TLS[@]}"'
begin() {
	fleet_begin 'webhooks:' \
		'  - name: siem' "    url: https://$(local_name):$(port_of siem)/in?a=1" "    secret_file: $WORK/secret" "    ca: $WORK/cert.pem" '    retry_max_s: 1' '    timeout_ms: 1000' \
		'  - name: other' "    url: http://127.0.0.1:$(port_of other)/" "    secret_file: $WORK/secret" '    outcomes: [quarantine]' '    retry_max_s: 1' '    give_up_s: 3' '    timeout_ms: 500' \
		'  - name: pinned' "    url: https://127.0.0.1:$(port_of pinned)/" "    secret_file: $WORK/secret" "    pin: $PIN" '    class: other' \
		'  - name: bad' "    url: https://127.0.0.1:$(port_of bad)/" "    secret_file: $WORK/secret" '    retry_max_s: 1' &&
		attacker_start && fleet_golden && enrolled 2 && says 'decision ADMIT *' proof && ek_of 2 && SECOND=$ID
}
check 'a verifier with webhooks and two devices' begin
[ "$failures" = 0 ] || { cat "$WORK/verifier.log" && exit 1; }

# ---- what arrives -------------------------------------------------------------
check 'every decision arrives' wait_for "$WAIT" has_all siem
check 'one that wants quarantines only gets those' eval 'wait_for "$WAIT" test -s "$WORK/other.hooks" && equal "$(received other .outcome | sort -u)" quarantine'
check 'all are signed, and say the same in header and body' eval '! grep -h "\"bad\"\|\"agrees\": false" "$WORK"/*.hooks'
check 'a server whose certificate is not trusted gets nothing' eval '[ ! -s "$WORK/bad.hooks" ] && logged "to=bad error=.certificate"'
check 'nor does one whose filter no device matches' test ! -s "$WORK/pinned.hooks"
moved() { assay device set "$SECOND" --class other >/dev/null && wait_for "$WAIT" test -s "$WORK/pinned.hooks"; }
check 'a device that enters a filter is told of, to a pinned key' moved
left() { assay device set "$SECOND" --class fleet >/dev/null && wait_for "$WAIT" eval '[ "$(received pinned .type | tail -n 1)" = gone ]'; }
check 'and that it has left it' left
if /usr/bin/python3 -c 'import jwt, cryptography' 2>/dev/null; then
	record_holds() { # the record that came along, by the key set
		local url
		url="https://127.0.0.1:$(cat "$ASSAY_STATE/run/port")/.well-known/jwks.json"
		curl -sSk "$url" >"$WORK/jwks" && received siem .record | tail -n 1 >"$WORK/record" && /usr/bin/python3 - "$WORK/jwks" "$WORK/record" <<-'P'
			import json, sys, jwt
			keys = {k["kid"]: jwt.algorithms.ECAlgorithm.from_jwk(json.dumps(k)) for k in json.load(open(sys.argv[1]))["keys"]}
			text = open(sys.argv[2]).read().strip()
			t = jwt.decode(text, keys[jwt.get_unverified_header(text)["kid"]], algorithms=["ES256"])
			sys.exit(not (t["seq"] and t["outcome"]))
		P
	}
	check 'the record in it is signed by the verifier' record_holds
else
	skip 'the record in it is signed by the verifier' 'python3-jwt is not installed'
fi

# ---- whoever is killed --------------------------------------------------------
burst() { # WHAT: a command that kills somebody, run in the middle of decisions
	local i
	for i in 1 2 3 4; do
		flip "$GOLDEN" 3 && flip "$SECOND" 3 && "$1" || return
	done
	flip "$GOLDEN" 2 && wait_for "$WAIT" has_all siem && in_order siem
}
kill_outbound() {
	local pid
	for pid in $(outbound); do kill -9 "$pid" || echo "it ended by itself"; done
}
check 'kill -9 of outbound in a burst loses nothing' burst kill_outbound
check 'it was started again' logged 'child-lost role=outbound'
SIEM=$(port_of siem)
kill_receiver() { stop siem KILL && sleep 0.3 && receiver siem --port "$SIEM" "${TLS[@]}"; }
check 'nor does kill -9 of the receiver' burst kill_receiver
kill_daemon() {
	sed -i "s/^listen: .*/listen: \"127.0.0.1:$(cat "$ASSAY_STATE/run/port")\"/" "$ASSAY_STATE/verifier.yaml"
	stop verifier KILL && verifier_start
}
check 'nor does kill -9 of the verifier' burst kill_daemon
check 'every delivery was signed' eval '! grep "\"bad\"" "$WORK/siem.hooks"'
once_only() { # a restart in order repeats nothing
	wait_for "$WAIT" has_all siem && verifier_stop && received siem | wc -l >"$WORK/count" && verifier_start && sleep 1 &&
		equal "$(received siem | wc -l)" "$(cat "$WORK/count")"
}
check 'a restart in order repeats nothing' once_only

# ---- receivers that misbehave -------------------------------------------------
answers() { echo "$2" >"$WORK/$1.control"; }
misbehaves() { # CONTROL: nothing of it is taken for a delivery, and all arrives at last
	answers siem "$1" && flip "$GOLDEN" 1 && sleep 1.5 && ! has_all siem >/dev/null && answers siem '' && wait_for "$WAIT" has_all siem && in_order siem
}
check 'an error is tried again' misbehaves 'status 503'
check 'a redirect is not followed' misbehaves "status 302 redirect http://127.0.0.1:$(port_of other)/stolen"
check 'a slow one is cut off' misbehaves 'slow 30'
check 'one that hangs up is tried again' misbehaves 'drop 1'
big() { answers siem 'status 200 big 1' && flip "$GOLDEN" 1 && wait_for "$WAIT" has_all siem && answers siem ''; }
check 'an endless answer is not read to its end' big
stays() { # one that does not close its connections is not waited for, which would take a second each
	local status
	for status in 200 204; do
		answers siem "status $status stay 1" && flip "$GOLDEN" 2 && wait_for "$WAIT" has_all siem || return
	done
	answers siem ''
}
check 'a connection that stays open delays nothing' stays
later() { # Retry-After is honoured, by the receiver's clock
	answers siem 'status 503 retry-after 4' && flip "$GOLDEN" 1 && wait_for "$WAIT" eval '[ "$(tail -n 1 "$WORK/siem.hooks" | jq .status)" = 503 ]' && answers siem '' &&
		wait_for "$WAIT" has_all siem && jq -se '(map(.status == 503) | rindex(true)) as $i | .[$i + 1].at - .[$i].at > 3.5' "$WORK/siem.hooks"
}
check 'Retry-After is honoured' later

# ---- dead letters -------------------------------------------------------------
hook() { assay webhook list --json | jq -er --arg n "$1" ".webhooks[] | select(.name == \$n) | $2"; } # NAME JQ
dead() { assay webhook dead "$1" --json | jq -r '.dead[].sequence' | tr '\n' ' '; }
gone() { # 410: at once a dead letter, and the next one arrives
	answers siem 'status 410' && flip "$GOLDEN" 1 && wait_for "$WAIT" eval '[ "$(hook siem .dead)" = 2 ]' && answers siem '' && flip "$GOLDEN" 1 &&
		wait_for "$WAIT" eval '[ "$(received siem | sort -n | tail -n 1)" = "$(seq_of "$GOLDEN")" ]' && DEAD=$(dead siem) && ! has_all siem >/dev/null
}
check '410 makes a dead letter at once' gone
check 'the list says so' eval 'equal "$(hook siem .state)" idle && equal "$(hook siem .error)" "HTTP 410"'
check 'as do the words for people' eval 'assay webhook list | grep siem && assay webhook dead | grep -q "siem .*HTTP 410"'
one() { # of the two
	assay webhook retry siem "${DEAD%% *}" >/dev/null && wait_for "$WAIT" eval 'equal "$(dead siem)" "${DEAD#* }"' && received siem | grep -qx "${DEAD%% *}"
}
check 'one is tried again and arrives' one
in_vain() {
	answers siem 'status 500' && assay webhook retry siem --all >/dev/null && wait_for "$WAIT" eval '[ "$(hook siem .again)" = 0 ]' && equal "$(dead siem)" "${DEAD#* }" &&
		assay webhook dead siem --json | jq -e '.dead[0] | .error == "HTTP 500" and .attempts == 2' && answers siem ''
}
check 'one that fails again stays' in_vain
check_status 2 'there is no letter of another number' assay webhook retry siem 999999
check 'the rest is tried again after all' eval 'assay webhook retry siem --all >/dev/null && wait_for "$WAIT" has_all siem && equal "$(dead siem)" ""'
refusals() { # 4xx is about the message: eight attempts, then the next
	answers siem "only $(($(seq_of "$GOLDEN") + 1)) answer 400" && flip "$GOLDEN" 1 && wait_for "$WAIT" eval '[ "$(hook siem .dead)" = 1 ]' &&
		assay webhook dead siem --json | jq -e '.dead[0].attempts == 8' && wait_for "$WAIT" eval '[ "$(received siem | sort -n | tail -n 1)" = "$(seq_of "$GOLDEN")" ]' && answers siem ''
}
check 'refusals make a dead letter after eight attempts' refusals
check 'it can be dropped' eval 'assay webhook drop siem --all && equal "$(dead siem)" ""'
kept() { # give_up_s is 3: what is older is given up while the receiver is down, and stays so over a restart
	stop other KILL
	flip "$GOLDEN" 2 && wait_for "$WAIT" eval '[ "$(hook other .dead)" -ge 4 ]' && verifier_stop && verifier_start && [ "$(hook other .dead)" -ge 4 ] && [ "$(hook siem .failures)" = 0 ]
}
check 'what is too old is given up, and is there after a restart' kept
pending() {
	flip "$GOLDEN" 1 && wait_for "$WAIT" eval '[ "$(hook other .pending)" -ge 1 ]' && assay webhook drop other --pending && [ "$(hook other .pending)" = 0 ]
}
check 'what waits can be dropped' pending
check 'a test arrives' eval 'assay webhook test siem && tail -n 1 "$WORK/siem.hooks" | jq -e ".type == \"test\" and (has(\"bad\") | not)"'
check_status 1 'a test of one that is down fails' assay webhook test other
check_status 1 'and of one that is not trusted' assay webhook test bad
check_status 64 'one or all' assay webhook retry siem
check_status 64 'not both' assay webhook drop siem 5 --all
audited() { # ACTION DETAIL
	assay audit list --json --limit 200 | jq -e --arg a "$1" --arg d "$2" 'any(.audit[]; .action == $a and .object == "siem" and (.detail // "") == $d and (.actor | startswith("local")))'
}
check 'who did what is in the audit log' eval 'audited webhook.retry "dead letter ${DEAD%% *}" && audited webhook.drop "all 1 dead letters" && audited webhook.test ""'
secret() { # both sign while both are configured; SIGHUP reads the files again
	verifier_stop && printf '%064d' 8 >"$WORK/secret2" && chmod 600 "$WORK/secret2" && sed -i "0,/^    secret_file: .*/s||    secret_file: $WORK/secret2\n    next_secret_file: $WORK/secret|" "$ASSAY_STATE/verifier.yaml" &&
		verifier_start && assay webhook test siem && printf '%064d' 9 >"$WORK/secret" && kill -HUP "$(main_pid)" && sleep 0.5 && ! assay webhook test siem && printf '%064d' 7 >"$WORK/secret2" && kill -HUP "$(main_pid)" && sleep 0.5 && assay webhook test siem
}
check 'secrets change without a gap' secret
chmod 604 "$WORK/secret2"
open_secret() {
	verifier_stop
	! "$ASSAY_BIN/assay-verifier" run --state "$ASSAY_STATE" >"$WORK/refused" 2>&1 && cat "$WORK/refused" &&
		grep -q 'verifier.yaml:[0-9]*:18: secret_file: others may read it' "$WORK/refused"
}
check 'a secret that everybody may read is refused with its place' open_secret
lib_end
