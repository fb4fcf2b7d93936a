#!/bin/bash
# Where a verifier listens is what its configuration says, and nowhere else: of one address
# of this host the other ones do not lead to it, neither devices nor operators.
# time-limit: 120
. tests/integration/lib.sh
lib_begin

check 'a verifier is made' verifier_init
operators() { sed -n 's/.*role=console event=listening .*port=//p' "$WORK/verifier.log" | tail -n 1; }
opens() { timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2"; } # ADDRESS PORT
runs() { # LINE...
	verifier_stop
	: >"$WORK/verifier.log"
	printf '%s\n' "$@" >"$ASSAY_STATE/verifier.yaml"
	verifier_start && wait_for "$WAIT" eval '[ -n "$(operators)" ]'
}
both() { opens "$1" "$(cat "$ASSAY_STATE/run/port")" && opens "$1" "$(operators)"; }
neither() { ! opens "$1" "$(cat "$ASSAY_STATE/run/port")" && ! opens "$1" "$(operators)"; }
at() { runs "listen: \"$1:0\"" "console_listen: \"$1:0\""; }

check 'it listens at 127.0.0.1' at 127.0.0.1
check 'devices and operators find it there' both 127.0.0.1
check 'and not at another address of this host' neither 127.0.0.2
if opens ::1 1 2>&1 | grep -q refused; then
	check 'nor by IPv6' neither ::1
	check 'it listens at [::1]' at '[::1]'
	check 'where it is found' both ::1
	check 'and not by IPv4' neither 127.0.0.1
	check 'it listens at [::]' at '[::]'
	check 'where it is found by IPv6' both ::1
	check 'and by IPv4' both 127.0.0.1
else
	skip 'IPv6' 'this machine has none'
fi
check 'it listens at 0.0.0.0' at 0.0.0.0
check 'where it is found at one address' both 127.0.0.1
check 'and at another' both 127.0.0.2
lib_end
