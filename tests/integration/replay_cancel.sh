#!/bin/bash
# A replay that runs can be ended: by an operator, by who began it (Ctrl-C), by the daemon's
# own end; and can be left to go on and be waited for again. Nothing of one that was ended is
# kept, and the next one says what it would have said.
#
#   usage: [ASSAY_BIN=DIR] tests/integration/replay_cancel.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
DEVICES=60

api() { # PATH [JSON]
	curl -sS --max-time 10 --unix-socket "$ASSAY_STATE/run/console.sock" \
		${2:+-H 'Content-Type: application/json' -d "$2"} "http://verifier$1"
}
main_pid() { echo "${started[verifier]}"; }
children() { tr ' ' '\n' <"/proc/$(main_pid)/task/$(main_pid)/children"; }
appraisers() {
	local pid
	for pid in $(children); do
		tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qx -- '--role=appraiser' && echo "$pid"
	done
}
# What appraisers would judge waits until they may go on: so a replay stays under way.
held=()
hold() { mapfile -t held < <(appraisers) && [ ${#held[@]} -gt 0 ] && kill -STOP "${held[@]}"; }
let_go() { kill -CONT "${held[@]}" 2>/dev/null; held=(); }
trap 'let_go; lib_clean' EXIT

setup() {
	verifier_init >/dev/null &&
		"$ASSAY_BIN/tests/tools/ledger_fill" "$ASSAY_STATE" $DEVICES tests/data/eventlog/uki-good.bin fleet \
			tests/data/policy/fleet.yaml >/dev/null && verifier_start || return
	sed -e 's/^version: .*/version: 2/' tests/data/policy/fleet.yaml >"$WORK/candidate.yaml"
	printf '%s\n' 'rules:' '  - {id: agent, fact: agent, op: equals, value: another, on_fail: restrict, severity: low}' \
		>>"$WORK/candidate.yaml"
	DIGEST=$(assay policy add "$WORK/candidate.yaml" --json | jq -er .digest)
}
newest() { api /v1/replays | jq -r ".replays[0].$1"; }
is() { equal "$(newest state)" "$1"; }

# Begins one from the command, which waits.
begin() { # ARGUMENT...
	local before
	before=$(newest id)
	: >"$WORK/waiting.log"
	set -m # else it would be deaf to SIGINT
	start waiting "$ASSAY_BIN/assay" policy replay "$DIGEST" --json "$@"
	set +m
	wait_for "$WAIT" begun "$before" && is running
}
begun() { [ "$(newest id)" != "$1" ]; }
# The command's end: a signal's number, or its status.
ended() { # STATUS
	local got=0
	wait "${started[waiting]}" || got=$?
	unset 'started[waiting]'
	equal "$got" "$1"
}
finishes() { ended 0 && jq -e ".state == \"done\" and .changed == $DEVICES and .unknown == 0" "$WORK/waiting.log"; }
interrupt() { kill "-$1" "${started[waiting]}"; }

check "a ledger with $DEVICES devices" setup
check 'a replay says that all would change' eval "assay policy replay $DIGEST --json | jq -e '.changed == $DEVICES'"

# ---- by an operator -------------------------------------------------------------
check 'one is under way' eval 'hold && begin'
ID=$(newest id)
second() { assay policy replay "$DIGEST" 2>&1 | grep -q "replay $ID is running; wait for it, or cancel it"; }
check 'a second one is refused, with what to do' second
check 'another number is not found' eval 'api /v1/replays/999/cancel "{}" | jq -e ".status == 404"'
check 'it is cancelled' assay policy replay --cancel "$ID" --comment 'the wrong policy'
check 'it says so' is cancelled
check 'who waited for it learns it, with a status that is not success' ended 1
check 'in words' grep -q "replay $ID was cancelled" "$WORK/waiting.log"
check_status 2 'it cannot be cancelled again' assay policy replay --cancel "$ID"
check 'its devices are told of nobody' eval "api /v1/replays/$ID/devices | jq -e '.status == 409'"
check_status 2 'it is no ground for an activation' assay policy activate "$DIGEST" --replay "$ID" --comment x
in_audit() { assay audit list --json | jq -e ".audit[] | select(.action == \"replay.cancel\" and (.detail | test(\"^replay $ID .*: the wrong policy\$\")))" >/dev/null; }
check 'the audit log has who, which, how far and why' in_audit
check 'appraisers answer what they were asked of it' let_go
check 'which is nobody'"'"'s: the next replay is whole' eval 'begin || :; finishes'

# Ended while another one begins: answers to the old one do not count for the new one.
check 'cancelled, and begun again while appraisers hold the old one' \
	eval 'hold && begin && assay policy replay --cancel "$(newest id)" && ended 1 && begin && let_go'
check 'the new one counts each device once' finishes

# ---- by who began it --------------------------------------------------------------
check 'Ctrl-C: the command ends by the signal' eval 'hold && begin && interrupt INT && ended 130'
check 'and the replay with it' is cancelled
check 'the command said so' grep -q 'is cancelled' "$WORK/waiting.log"
let_go
check 'with --keep the command ends' eval 'hold && begin --keep && interrupt TERM && ended 143'
check 'and the replay goes on' is running
ID=$(newest id)
check 'the command said how to come back' grep -q "replay --attach $ID" "$WORK/waiting.log"
start waiting "$ASSAY_BIN/assay" policy replay --attach "$ID"
sleep 0.5
check 'who only came back to wait takes nothing away' eval 'interrupt TERM && ended 143 && is running'
let_go
attach() { assay policy replay --attach "$ID" --json --devices >"$WORK/attached" && jq -e "(.devices | length) == $DEVICES and .changed == $DEVICES" "$WORK/attached"; }
check 'its result is there for who attaches' attach
attached_words() { assay policy replay --attach "$ID" | grep -q "^Replay $ID of .*"; }
check 'and again, once it is done' attached_words
check_status 2 'a number that is none' assay policy replay --attach 999

# ---- words and options ---------------------------------------------------------------
check_status 64 'no policy' assay policy replay
check_status 64 'no number' assay policy replay --cancel gateway
check_status 64 'a number that is too large' assay policy replay --cancel 9999999999999999999
check_status 64 'a policy and a number' assay policy replay "$DIGEST" --cancel 1
check_status 64 'both' assay policy replay --attach 1 --cancel 1
check_status 64 'a class of a replay that is there' assay policy replay --attach 1 --class fleet
check_status 64 'an activation of a cancelled one' assay policy replay --cancel 1 --yes --comment x

# ---- by the daemon's end -------------------------------------------------------------
stops_clean() { # with appraisers that are let go before, or not
	local pids got=0 pid
	hold && begin && pids=$(children) || return
	"$@"
	kill -TERM "$(main_pid)"
	wait "$(main_pid)" || got=$?
	unset 'started[verifier]'
	for pid in $pids; do
		! kill -0 "$pid" 2>/dev/null || { echo "$pid is left behind" && return 1; }
	done
	equal "$got" 0 && ended 3
}
check 'the daemon stops while one runs, and leaves nobody behind' stops_clean let_go
check 'who waited is told that it cannot be reached' grep -q . "$WORK/waiting.log"
check 'it starts again' verifier_start
none_left() { api /v1/replays | jq -e 'all(.replays[]; .state == "done")'; }
check 'what did not finish is not there' none_left
check 'the next one is whole' eval 'begin || :; finishes'
check 'it stops too if appraisers do not answer' stops_clean true
lib_end
