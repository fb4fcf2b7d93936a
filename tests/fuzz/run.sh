#!/bin/bash
# Runs every fuzz target for some seconds, two at a time, seeded from tests/data and
# from what earlier runs kept in build/fuzz-corpus. Ends with `N passed, N failed`.
# What made a target fail is left in build/fuzz-found, to become a fixture.
#
# FUZZ_SEED=N searches in the same order each time (a check that must be the same for the
# same code); without it every run searches elsewhere.
#
#   usage: ASSAY_BIN=DIR [FUZZ_SEED=N] tests/fuzz/run.sh SECONDS [PATTERN...]
set -u
cd "$(dirname "$0")/../.." || exit 1

: "${ASSAY_BIN:?folder of the fuzz build, e.g. $PWD/build/fuzz-clang}"
seconds=${1:?seconds for each target}
shift
JOBS=${JOBS:-2}
INPUT_MAX=$((1 << 20)) # bytes
SLOW=10                # seconds for one input
MEMORY=2048            # MiB

passed=0 failed=0
declare -A running=()

wanted() { # NAME PATTERN...
	local name=$1 pattern
	shift
	[ $# = 0 ] && return
	for pattern; do
		[[ $name == *$pattern* ]] && return
	done
	return 1
}

# Seeds of fuzz_NAME are tests/data/NAME, tests/fuzz/corpus/NAME and, where they are
# at hand, the NAMEs of other projects.
start() { # NAME
	local word=${1#fuzz_} dirs=() d
	for d in "tests/fuzz/corpus/$word" "tests/data/$word" \
		"${ASSAY_TESTDATA:-../shared/testdata}/${word}s"; do
		[ ! -d "$d" ] || dirs+=("$d")
	done
	mkdir -p "build/fuzz-corpus/$word" build/fuzz-found
	"$ASSAY_BIN/tests/fuzz/$1" -max_total_time="$seconds" -timeout=$SLOW -rss_limit_mb=$MEMORY \
		-max_len=$INPUT_MAX -seed="${FUZZ_SEED:-0}" -print_final_stats=1 \
		-artifact_prefix="build/fuzz-found/$word-" \
		"build/fuzz-corpus/$word" "${dirs[@]}" >"build/fuzz-found/$word.log" 2>&1 </dev/null &
	running[$!]=$1
}

# Edges that a target covers must not become fewer than tests/fuzz/floor says: a parser
# that refuses everything early would pass any fuzzing.
reaches_floor() { # NAME LOG
	local floor covered
	floor=$(sed -n "s/^${1#fuzz_} //p" tests/fuzz/floor)
	[ -n "$floor" ] || return 0
	covered=$(sed -n 's/^#[0-9]*\t.* cov: \([0-9]*\) .*/\1/p' "$2" | tail -n 1)
	[ "${covered:-0}" -ge "$floor" ] && return
	echo "covers ${covered:-0} edges, less than its floor of $floor (tests/fuzz/floor)" >>"$2"
	return 1
}

reap_one() {
	local pid=0 status=0 name log
	wait -n -p pid "${!running[@]}" || status=$?
	name=${running[$pid]}
	unset "running[$pid]"
	log=build/fuzz-found/${name#fuzz_}.log
	if [ $status = 0 ] && grep -q '^Done ' "$log" && reaches_floor "$name" "$log"; then
		passed=$((passed + 1))
		printf 'ok     %-28s %s\n' "$name" "$(grep '^Done ' "$log" | tail -n 1)"
	else
		failed=$((failed + 1))
		printf 'FAILED %-28s exit status %s, see %s\n' "$name" "$status" "$log"
		tail -n 40 "$log" | sed 's/^/    | /'
	fi
}

# shellcheck disable=SC2317,SC2329 # called by trap
stop_all() {
	[ ${#running[@]} = 0 ] || kill -TERM "${!running[@]}" 2>/dev/null
}
trap stop_all EXIT
trap 'exit 130' INT TERM HUP

for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	wanted "$name" "$@" || continue
	[ ${#running[@]} -lt "$JOBS" ] || reap_one
	start "$name"
done
while [ ${#running[@]} -gt 0 ]; do
	reap_one
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
