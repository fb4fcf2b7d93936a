#!/bin/bash
# The runner itself: it must not call anything passed that was not, nor leave anything
# running. Runs a copy of tests/run.sh on a small tree of tests that fail in every way.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=${TMPDIR:?}/tree
mkdir -p "$top/tests/integration" "$top/tests/unit" "$top/bin/tests/unit"
cp tests/run.sh "$top/tests/"

status=0
check() { # NAME CONDITION...
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		sed 's/^/# /' "$top/out"
		status=1
	fi
}

# A shell test of the small tree.
shell_test() { # NAME, body from stdin
	{ echo '#!/bin/bash' && cat; } >"$top/tests/integration/$1.sh"
	chmod +x "$top/tests/integration/$1.sh"
}

# A program that prints what cmocka would.
unit_test() { # NAME, body from stdin
	: >"$top/tests/unit/test_$1.c"
	{ echo '#!/bin/bash' && cat; } >"$top/bin/tests/unit/test_$1"
	chmod +x "$top/bin/tests/unit/test_$1"
}

# Runs the tests that match; the last line and the exit status are kept.
run() { # PATTERN
	ASSAY_BIN=$top/bin LIMIT=3 "$top/tests/run.sh" "$1" >"$top/out" 2>&1
	code=$?
	last=$(tail -n 1 "$top/out")
}

# shellcheck disable=SC2317 # called by check
ends() { # STATUS LINE
	[ "$code" = "$1" ] && [ "$last" = "$2" ]
}

# Gone, or dead and only waiting to be collected.
# shellcheck disable=SC2317 # called by check
is_over() { # PID
	! grep -qs '^State:[^ZX]*$' "/proc/$1/status"
}

shell_test good <<<'echo "ok - one"; echo "ok - two"; echo "skip - three # no such hardware"'
run good
check 'counts cases and skips of a shell test' ends 0 '2 passed, 0 failed, 1 skipped'
check 'names what was skipped and why' grep -q 'integration/good.sh: three: no such hardware' "$top/out"

shell_test bad <<<'echo "ok - one"; echo "not ok - two"; exit 1'
run bad
check 'a failed case fails the run' ends 1 '1 passed, 1 failed'

shell_test dies <<<'echo "ok - one"; exit 3'
run dies
check 'a bad exit status is a failure although every line says ok' ends 1 '1 passed, 1 failed'

shell_test silent <<<'exit 0'
run silent
check 'a test that reports nothing is a failure' ends 1 '0 passed, 1 failed'

run no-test-has-this-name
check 'a run of nothing is not a success' ends 1 '0 passed, 0 failed'

shell_test only-skips <<<'echo "skip - one # absent"'
run only-skips
check 'a run in which all is skipped is not a success' ends 1 '0 passed, 0 failed, 1 skipped'

shell_test slow <<<'echo "ok - one"; sleep 60'
run slow
check 'a test over its time limit is ended and fails' ends 1 '1 passed, 1 failed'

shell_test litter <<<"echo 'ok - one'; sleep 61 & echo \$! >$top/pid; exit 0"
run litter
check 'a process left behind is a failure' ends 1 '1 passed, 1 failed'
check 'a process left behind is named' grep -q 'left running: sleep' "$top/out"
check 'a process left behind is ended' is_over "$(cat "$top/pid")"

shell_test litter-session <<<'echo "ok - one"; setsid sleep 62 & exit 0'
run litter-session
check 'so is one in a session of its own' ends 1 '1 passed, 1 failed'

unit_test fine <<'EOT'
echo '[==========] tests: Running 2 test(s).'
echo '[ RUN      ] a'; echo '[       OK ] a'
echo '[ RUN      ] b'; echo '# file is absent'; echo '[  SKIPPED ] b'
echo '[==========] tests: 2 test(s) run.'
echo '[  PASSED  ] 1 test(s).'
EOT
run fine
check 'counts cases of a unit test program' ends 0 '1 passed, 0 failed, 1 skipped'
check 'gives the reason printed before a skip' grep -q 'unit/test_fine: b: file is absent' "$top/out"

unit_test fails <<'EOT'
echo '[==========] tests: Running 2 test(s).'
echo '[ RUN      ] a'; echo '[  ERROR   ] --- 1 != 2'; echo '[  FAILED  ] a'
echo '[ RUN      ] b'; echo '[       OK ] b'
echo '[==========] tests: 2 test(s) run.'
echo '[  FAILED  ] tests: 1 test(s), listed below:'; echo '[  FAILED  ] a'
exit 1
EOT
run fails
check 'counts a failed unit test once' ends 1 '1 passed, 1 failed'

unit_test crashes <<'EOT'
echo '[==========] tests: Running 3 test(s).'
echo '[ RUN      ] a'; echo '[       OK ] a'
echo '[ RUN      ] b'
kill -SEGV $$
EOT
run crashes
check 'a crash fails the test it met and those that did not run' ends 1 '1 passed, 2 failed'

: >"$top/tests/unit/test_unbuilt.c"
run unbuilt
check 'a test that was not built is a failure' ends 1 '0 passed, 1 failed'
exit $status
