#!/bin/bash
# Runs all tests: unit and attack programs, shell tests, lint; two at a time, each in
# a session of its own with a time limit and a private TMPDIR. Counts cases itself,
# shows what failed, names what was skipped and why, and ends with one line:
# `N passed, N failed` (and `, N skipped`). What a test leaves running is a failure.
#
#   usage: ASSAY_BIN=DIR tests/run.sh [PATTERN...]     e.g. unit/ attacks/ quote lint
#
# A program reports as cmocka does. A shell test prints one line per case: `ok - NAME`,
# `not ok - NAME`, `skip - NAME # REASON`; its line `# time-limit: SECONDS` may ask for
# more than the default. Environment of tests: ASSAY_BIN, ASSAY_TESTDATA, TMPDIR.
set -u
cd "$(dirname "$0")/.." || exit 1

: "${ASSAY_BIN:?folder of the programs, e.g. $PWD/build/release}"
export ASSAY_BIN
export ASSAY_TESTDATA=${ASSAY_TESTDATA:-$(realpath -m ../shared/testdata)}
export CMOCKA_MESSAGE_OUTPUT=stdout LC_ALL=C.UTF-8
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

JOBS=${JOBS:-2}
LIMIT=${LIMIT:-600} # seconds for one test file; machines are busy at times
SHOWN=60            # lines shown of the log of one that failed
LOGS=build/test-logs

passed=0 failed=0 skipped=0
skips=() # "NAME: REASON"
declare -A running=() started=()

# One line per test: folder/name.
list_tests() {
	local f
	for f in tests/unit/test_*.c tests/attacks/test_*.c tests/attacks/*.sh \
		tests/integration/*.sh tests/lint.sh; do
		case $f in
		*/lib.sh | *'*'*) ;;
		tests/lint.sh) echo lint ;;
		*) f=${f#tests/} && echo "${f%.c}" ;;
		esac
	done
}

wanted() { # NAME PATTERN...
	local name=$1 pattern
	shift
	[ $# = 0 ] && return
	for pattern; do
		[[ $name == *$pattern* ]] && return
	done
	return 1
}

command_of() { # NAME
	case $1 in
	lint) echo tests/lint.sh ;;
	*.sh) echo "tests/$1" ;;
	*) echo "$ASSAY_BIN/tests/$1" ;;
	esac
}

limit_of() { # FILE
	local own=''
	case $1 in
	*.sh) own=$(sed -n 's/^# time-limit: \([0-9]*\)$/\1/p' "$1" | head -n 1) ;;
	esac
	echo "${own:-$LIMIT}"
}

start() { # NAME
	local cmd limit log=$LOGS/${1//\//-}
	cmd=$(command_of "$1")
	limit=$(limit_of "$cmd")
	mkdir -p "$scratch/${1//\//-}"
	# The shell in the middle keeps the session's id known: $! is its leader.
	TMPDIR=$scratch/${1//\//-} ASSAY_TEST_ID=$id.${1//\//-} \
		setsid timeout -k 5 "$limit" "$cmd" >"$log.log" 2>&1 </dev/null &
	running[$!]=$1
	started[$!]=$EPOCHREALTIME
}

# Processes of a finished or stopped test that live: those of its session, and those with
# its mark in their environment.
left_of() { # SESSION NAME
	{
		cat /proc/[0-9]*/stat 2>/dev/null |
			sed -E 's/^([0-9]+) \(.*\) ([A-Za-z]) /\1 \2 /' |
			awk -v s="$1" '$2 != "Z" && $5 == s { print $1 }'
		grep -lzxF "ASSAY_TEST_ID=$id.${2//\//-}" /proc/[0-9]*/environ 2>/dev/null |
			cut -d/ -f3
	} | sort -u
}

# Prints `ok NAME`, `failed NAME`, `skipped NAME<TAB>REASON` from a log of cmocka's.
read_cmocka() {
	awk '
	/^\[=+\] .*Running [0-9]+ test/ {
		match($0, /Running [0-9]+/); announced = substr($0, RSTART + 8, RLENGTH - 8)
		inside = 1; seen = 0; next
	}
	/^\[=+\] .*test\(s\) run/ { inside = 0; missing += announced - seen; announced = 0; next }
	!inside { next }
	/^\[ RUN      \] / { name = substr($0, 14); text = ""; next }
	/^\[       OK \] / { seen++; name = ""; print "ok " substr($0, 14); next }
	/^\[  FAILED  \] / { seen++; name = ""; print "failed " substr($0, 14); next }
	/^\[  SKIPPED \] / { seen++; name = ""; print "skipped " substr($0, 14) "\t" text; next }
	/^\[/ { next }
	{ text = $0; sub(/^# */, "", text) }
	END {
		if (inside && name != "") { print "failed " name " (died)"; seen++ }
		for (i = missing + (inside ? announced - seen : 0); i > 0; i--) print "failed (did not run)"
	}' "$1"
}

# The same from the log of a shell test.
read_lines() {
	awk '
	/^ok - / { print "ok " substr($0, 6) }
	/^not ok - / { print "failed " substr($0, 10) }
	/^skip - / { s = substr($0, 8); i = index(s, " # ")
		print "skipped " (i ? substr(s, 1, i - 1) : s) "\t" (i ? substr(s, i + 3) : "") }' "$1"
}

# What the test itself did not say: died, overran, left processes, said nothing.
judge() { # NAME STATUS COUNTS LEFT
	case $2 in
	0) ;;
	124 | 137) echo "failed ran longer than $(limit_of "$(command_of "$1")") s, or was killed" ;;
	*) grep -q '^failed ' <<<"$3" || echo "failed exit status $2" ;;
	esac
	[ "$2" != 0 ] || [ -n "$3" ] || echo "failed reported no case"
	[ -z "$4" ] || echo "failed left running: $4"
}

# Ends what a test left; prints the names of those programs.
sweep() { # SESSION NAME
	local pids pid names=''
	sleep 0.05 # a test's last children may be on their way out
	pids=$(left_of "$1" "$2")
	[ -n "$pids" ] && sleep 1 && pids=$(left_of "$1" "$2")
	for pid in $pids; do
		names+="${names:+ }$(cat "/proc/$pid/comm" 2>/dev/null)($pid)"
		kill -KILL "$pid" 2>/dev/null
	done
	echo "$names"
}

report() { # NAME SECONDS COUNTS
	local ok bad skip line
	ok=$(grep -c '^ok ' <<<"$3")
	bad=$(grep -c '^failed ' <<<"$3")
	skip=$(grep -c '^skipped ' <<<"$3")
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	printf '%-6s %-36s %5s passed %3s failed %3s skipped %7.1f s\n' \
		"$([ "$bad" = 0 ] && echo ok || echo FAILED)" "$1" "$ok" "$bad" "$skip" "$2"
	while IFS= read -r line; do
		skips+=("$1: ${line/$'\t'/: }")
	done < <(sed -n 's/^skipped //p' <<<"$3")
	if [ "$bad" != 0 ]; then
		sed -n 's/^failed /    not ok: /p' <<<"$3"
		grep -vaE '^(ok|skip) - |^\[ (RUN  |     OK)' "$LOGS/${1//\//-}.log" |
			tail -n "$SHOWN" | sed 's/^/    | /'
	fi
}

finish() { # PID STATUS
	local name=${running[$1]} counts left log
	log=$LOGS/${name//\//-}.log
	left=$(sweep "$1" "$name")
	case $name in
	lint | *.sh) counts=$(read_lines "$log") ;;
	*) counts=$(read_cmocka "$log") ;;
	esac
	counts+=$'\n'$(judge "$name" "$2" "$counts" "$left")
	report "$name" "$(awk "BEGIN { print $EPOCHREALTIME - ${started[$1]} }")" "$counts"
	rm -rf "${scratch:?}/${name//\//-}"
	unset "running[$1]" "started[$1]"
}

reap_one() {
	local pid=0 status=0
	wait -n -p pid "${!running[@]}" || status=$?
	finish "$pid" "$status"
}

# shellcheck disable=SC2317,SC2329 # called by trap
stop_all() {
	local pid
	for pid in "${!running[@]}"; do
		kill -TERM "$pid" 2>/dev/null
		sweep "$pid" "${running[$pid]}" >/dev/null
	done
	rm -rf "${scratch:?}"
}

id=$$.$RANDOM
scratch=$(mktemp -d /tmp/assay-test.XXXXXX)
trap stop_all EXIT
trap 'exit 130' INT TERM HUP
rm -rf "$LOGS"
mkdir -p "$LOGS"

while read -r name; do
	wanted "$name" "$@" || continue
	[ ${#running[@]} -lt "$JOBS" ] || reap_one
	start "$name"
done < <(list_tests)
while [ ${#running[@]} -gt 0 ]; do
	reap_one
done

for skip in "${skips[@]}"; do
	echo "skipped: $skip"
done
if [ "$skipped" = 0 ]; then
	echo "$passed passed, $failed failed"
else
	echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
