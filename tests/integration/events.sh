#!/bin/bash
# Decisions as events of syslog (RFC 5424, over a Unix socket, UDP and TCP) and of the
# journal: one for each, also of those made while nobody listened.
# time-limit: 300
. tests/attacks/lib.sh
lib_begin
WAIT=40

listens() { # NAME OPTION...
	local name=$1
	shift
	rm -f "$WORK/$name.sock"
	start "$name" tests/tools/log_receiver.py --log "$WORK/$name.events" "$@"
}
sequences() { # NAME
	jq -r '.sd.sequence // .fields.ASSAY_SEQUENCE' "$WORK/$1.events" | tr '\n' ' '
}
decided() { { assay device history "$GOLDEN" --json --limit 1000; [ -z "${SECOND:-}" ] || assay device history "$SECOND" --json --limit 1000; } | jq '.decisions[].seq' | sort -n | awk -v n="${1:-0}" '$1 > n' | tr '\n' ' '; }
exactly() { equal "$(sequences "$1")" "$(decided "${2:-0}")"; } # NAME [AFTER]: each decision after, once, in order
flip() { api "/v1/devices/$1/hold" '{"reason": "test"}' >/dev/null && api "/v1/devices/$1/release" '{"reason": "test"}' >/dev/null; }
last() { tail -n 1 "$WORK/$1.events" | jq -r "$2"; }

check 'a journal and a log listen' eval 'listens journal --unix "$WORK/journal.sock" && listens log --unix "$WORK/log.sock" && wait_for "$WAIT" test -S "$WORK/log.sock" -a -S "$WORK/journal.sock"'
begin() {
	fleet_begin 'events:' "  syslog: unix:$WORK/log.sock" '  facility: local3' "  journald: $WORK/journal.sock" &&
		attacker_start && fleet_golden
}
check 'a verifier with a device' begin
[ "$failures" = 0 ] || { cat "$WORK/verifier.log" && exit 1; }
check 'each decision is one event of the journal' wait_for "$WAIT" exactly journal
check 'and one of syslog' wait_for "$WAIT" exactly log
check 'none is malformed' eval '! grep -h "\"bad\"" "$WORK"/*.events'
check 'structured data says who and what' eval 'equal "$(last log "[.id, .sd.device, .sd.outcome, .sd.before, .sd.class, .app, .msgid] | join(\" \")")" "assay@32473 $GOLDEN admit quarantine fleet assay-verifier DECISION"'
check 'facility and severity are its priority' equal "$(last log .pri)" $((19 * 8 + 5))
check 'the time is that of the decision' eval '[[ $(last log .at) == 20*-*-*T*:*:*Z ]]'
check 'the sentence is for people' eval '[[ $(last log .msg) == "device $GOLDEN: admit after quarantine: policy.met"* ]]'
check 'the journal has fields' eval 'equal "$(last journal ".fields | [.ASSAY_DEVICE, .ASSAY_OUTCOME, .ASSAY_BEFORE, .ASSAY_REASON, .PRIORITY, .SYSLOG_IDENTIFIER] | join(\" \")")" "$GOLDEN admit quarantine policy.met 5 assay-verifier"'
check 'and a message id' eval 'equal "$(last journal ".fields.MESSAGE_ID | length")" 32'

# ---- nobody listens ----
absent() {
	stop journal KILL && stop log KILL && rm -f "$WORK/journal.sock" "$WORK/log.sock" && flip "$GOLDEN" && flip "$GOLDEN" && flip "$GOLDEN" &&
		api /v1/status | jq -e .head >/dev/null && logged 'outbound-failing to=@syslog' &&
		listens journal --unix "$WORK/journal.sock" && listens log --unix "$WORK/log.sock" && wait_for "$WAIT" exactly journal && wait_for "$WAIT" exactly log
}
check 'what was decided while nobody listened comes later, once and in order' absent
restarted() {
	verifier_stop && verifier_start && flip "$GOLDEN" && wait_for "$WAIT" exactly journal && wait_for "$WAIT" exactly log
}
check 'a restart in order repeats and loses nothing' restarted
killed() { # a kill may repeat what was sent last
	flip "$GOLDEN" && stop verifier KILL && verifier_start && flip "$GOLDEN" &&
		wait_for "$WAIT" eval 'equal "$(sequences log | tr " " "\n" | sort -nu | tr "\n" " ")" " $(decided)" || equal "$(sequences log | tr " " "\n" | grep . | sort -nu | tr "\n" " ")" "$(decided)"'
}
check 'kill -9 of the verifier loses nothing' killed

# ---- over a network ----
network() { # KIND FORMER: what the former receiver did not get any more goes to this one
	verifier_stop
	BEFORE=$(sequences "$2" | tr ' ' '\n' | sort -n | tail -n 1)
	rm -f "$WORK/$1.port"
	listens "$1" "--$1" --port-file "$WORK/$1.port" && wait_for "$WAIT" test -s "$WORK/$1.port" || return
	sed -i "s|^  syslog: .*|  syslog: $1:$(local_name):$(cat "$WORK/$1.port")|" "$ASSAY_STATE/verifier.yaml"
	verifier_start && flip "$GOLDEN" && flip "$GOLDEN" && wait_for "$WAIT" exactly "$1" "$BEFORE"
}
check 'syslog over UDP' network udp log
check 'syslog over TCP, with octet counting' network tcp udp
again() { # the stream ends; what is decided meanwhile comes when somebody listens again
	local port
	port=$(cat "$WORK/tcp.port")
	stop tcp KILL && flip "$GOLDEN" && listens tcp --tcp --port "$port" && flip "$GOLDEN" && wait_for "$WAIT" exactly tcp "$BEFORE"
}
check 'a stream that broke is made anew' again
verifier_stop
lib_end
