# shellcheck shell=bash
# lib.sh: what attack scripts share: a verifier whose devices are judged every second, and
# devices as an attacker has them (tests/tools/hostile_device.c).
#
#   fleet_begin [CONFIG-LINE]...  a verifier with a policy for class fleet, running
#   attacker_start                devices of the attacker; each has booted $GOOD
#   d COMMAND...                  one command; its answer is printed and in $ANSWER
#   says PATTERN COMMAND...       the same, as a case's condition
#   fleet_golden                  reference values of class fleet, from device 1, promoted
#   allow SEED... ; enrolled SEED NAME [CLASS]
#   decision ID; reason ID; findings ID; seq ID; word ID FINDING
. tests/integration/lib.sh

GOOD=tests/data/eventlog/grub-good.bin
EVIL=tests/data/eventlog/grub-cmdline.bin
OTHER=tests/data/eventlog/uki-good.bin

# The operators' API, for what has no command.
api() { # PATH [JSON]
	curl -sS --max-time 10 --unix-socket "$ASSAY_STATE/run/console.sock" \
		${2:+-H 'Content-Type: application/json' -d "$2"} "http://verifier$1"
}

# A policy for a class, judged every second. Further arguments are sed commands.
policy() { # CLASS SED...
	policy_version=$((${policy_version:-1} + 1))
	local class=$1 args=(-e "s/^version: .*/version: $policy_version/" -e "s/^policy: .*/policy: $1/; s/class: .*/class: $1/; s/interval: .*/interval: 1s/"
		-e 's/patience: .*/patience: 100/; s/virtual_tpm: false/virtual_tpm: true/')
	shift
	while [ $# -gt 0 ]; do args+=(-e "$1") && shift; done
	sed "${args[@]}" tests/data/policy/gateway.yaml >"$WORK/$class.yaml"
	assay policy add "$WORK/$class.yaml" >/dev/null &&
		assay policy activate "$(assay policy list --json |
			jq -r --arg n "$class" '[.policies[] | select(.name == $n)] | max_by(.version) | .digest')" --comment test >/dev/null
}

fleet_begin() { # CONFIG-LINE...
	mkdir -p "$WORK/roots"
	verifier_init --roots "$WORK/roots" --accept-virtual-tpm >/dev/null || return
	[ $# = 0 ] || printf '%s\n' "$@" >>"$ASSAY_STATE/verifier.yaml"
	verifier_start && policy fleet
}

# ---- the attacker ------------------------------------------------------------
attacker_start() { # [LOG]
	attacker_stop
	coproc ATTACKER { exec "$ASSAY_BIN/tests/tools/hostile_device" 127.0.0.1 "$(cat "$ASSAY_STATE/run/port")" \
		"${1:-$GOOD}" 2>>"$WORK/attacker.log"; }
	TO=${ATTACKER[1]} FROM=${ATTACKER[0]}
	started[attacker]=$ATTACKER_PID
}

attacker_stop() {
	[ -n "${TO:-}" ] || return 0
	exec {TO}>&- {FROM}<&-
	TO=''
	stop attacker 2>/dev/null
}

d() { # COMMAND...
	ANSWER='(no answer)'
	printf '%s\n' "$*" >&"$TO" && IFS= read -r -t 30 ANSWER <&"$FROM"
	echo "$* -> $ANSWER"
}

# The last of several commands, separated by commas, is answered so; a pattern of the shell.
says() { # PATTERN COMMAND... [, COMMAND...]
	local want=$1 word command=()
	shift
	for word in "$@"; do
		if [ "$word" = , ]; then
			d "${command[@]}" && command=()
		else
			command+=("$word")
		fi
	done
	d "${command[@]}"
	# shellcheck disable=SC2053 # a pattern
	[[ $ANSWER == $want ]] || { echo "expected: $want"; return 1; }
}

# ---- devices ------------------------------------------------------------------
id_of() { d device "$1" >/dev/null && cut -d' ' -f2 <<<"$ANSWER"; } # not in a subshell: use ID
ek_of() { d device "$1" >/dev/null && EK=$(cut -d' ' -f3 <<<"$ANSWER") ID=$(cut -d' ' -f2 <<<"$ANSWER"); }

allow() { # CLASS SEED...
	local class=$1 seed
	shift
	for seed; do
		ek_of "$seed"
		api /v1/eks "{\"ek\": \"$EK\", \"class\": \"$class\"}" | jq -e .allowed >/dev/null || return
	done
}

# Enrols a device whose EK is allowed; leaves session SEED open, challenged.
enrolled() { # SEED [CLASS]
	allow "${2:-fleet}" "$1" && says 'enrolled * pending=0' session "s$1" , device "$1" , connect , enrol &&
		says 'challenge *' recv
}

# Device 1 is what class fleet should be.
fleet_golden() {
	enrolled 1 && says 'decision QUARANTINE reference.none*' proof && ek_of 1 &&
		assay reference capture "$ID" --name golden >/dev/null &&
		assay reference promote golden --digest "$(assay reference show golden --json | jq -r .digest)" >/dev/null &&
		says 'challenge *' recv && says "decision ADMIT *" proof && GOLDEN=$ID
}

show() { assay device show "$1" --json; }
decision() { show "$1" | jq -r .decision; }
reason() { show "$1" | jq -r .reason; }
seq_of() { assay device history "$1" --json | jq -r '.decisions[0].seq // 0'; }
findings() { show "$1" | jq -r '.verdict.findings[].word' | sort -u | tr '\n' ' '; }
found() { # ID FINDING: in the last verdict as recorded
	show "$1" | jq -e --arg w "$2" 'any(.verdict.findings[]; .word == $w)' >/dev/null ||
		{ echo "findings: $(findings "$1")"; return 1; }
}
stands() { # ID DECISION [REASON]
	equal "$(decision "$1")" "$2" && { [ -z "${3:-}" ] || equal "$(reason "$1")" "$3"; }
}
# Everything that a device's record says, but for times and its connection.
record() { show "$1" | jq -S 'del(.now, .last_seen, .verdict_at, .expires, .connection, .verdict.at, .verdict.expires)'; }
logged() { grep -q -- "$1" "$WORK/verifier.log" || { tail -n 20 "$WORK/verifier.log"; return 1; }; }
# A new connection of an enrolled device, challenged.
fresh() { # SEED [SESSION]
	says 'challenge *' session "${2:-s$1}" , device "$1" , connect , hello
}
# One round of a device on a new connection.
round() { # PATTERN SEED PROOF-OPTION...
	local want=$1 seed=$2
	shift 2
	fresh "$seed" && says "$want" proof "$@"
}
# The same, and the record of device 1 is what it was.
changes_nothing() { # PATTERN SEED PROOF-OPTION...
	local before
	before=$(record "$GOLDEN")
	round "$@" && unchanged "$before"
}
unchanged() { # RECORD
	[ -n "$1" ] && equal "$(record "$GOLDEN")" "$1"
}
