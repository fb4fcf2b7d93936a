#!/bin/bash
# Kills a process that writes to the ledger, 100 times, at any moment: every commit that
# was acknowledged is there afterwards, whole, and the ledger passes its checks (D14's
# head included: a crash is no fault).
# time-limit: 200
set -u
tool=${ASSAY_BIN:?}/tests/tools/ledger_crash
rounds=${ROUNDS:-100}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "not ok - kill -9 x $rounds loses no acknowledged commit and leaves a sound ledger"
	echo "# round $round: $1"
	exit 1
}

round=0
"$tool" init "$dir" || fail 'init'
last=0 busy=0
for ((round = 1; round <= rounds; round++)); do
	"$tool" write "$dir" >"$dir/acks" 2>"$dir/errors" &
	writer=$!
	sleep "$(printf '0.%03d' $((RANDOM % 150 + 15)))"
	kill -9 $writer || fail "the writer ended by itself: $(<"$dir/errors")"
	wait $writer 2>/dev/null
	acknowledged=$(tail -n 1 "$dir/acks")
	[ -z "$acknowledged" ] || { last=$acknowledged && busy=$((busy + 1)); }
	last=$("$tool" check "$dir" "$last" 2>"$dir/errors") || fail "$(<"$dir/errors")"
done
[ "$busy" -gt $((rounds / 4)) ] || fail "only $busy of $rounds rounds wrote anything"
"$tool" check "$dir" $((last + 1)) 2>/dev/null && fail 'a lost commit would not be noticed'
echo "ok - kill -9 x $rounds loses no acknowledged commit and leaves a sound ledger"
echo "# $last commits, acknowledged in $busy rounds"
