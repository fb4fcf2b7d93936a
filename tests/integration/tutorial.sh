#!/bin/bash
# "A first change, safely" of docs/policy.md, line by line as it stands there: fewer than ten
# commands lead from the shipped policies to a changed one that is in force.
# time-limit: 120
. tests/integration/lib.sh
lib_begin

TOP=$PWD
commands() { sed -n '/^## A first change/,/^## A policy/p' docs/policy.md | sed -n '/^```sh/,/^```/p' | grep -v '^```'; }
commands >"$WORK/commands"
check 'the manual has the commands' grep -q 'assay policy activate' "$WORK/commands"
check 'they are fewer than ten' test "$(wc -l <"$WORK/commands")" -lt 10

PATH=$ASSAY_BIN:$PATH
mkdir "$WORK/user" && ln -s "$TOP/policies" "$WORK/user/policies"
export ASSAY_STATE=$WORK/user/state
runs() { # one line, as a user would type it
	local line=$1
	case $line in
	export*) [ "$ASSAY_STATE" = "$(cd "$WORK/user" && eval "$line" && echo "$ASSAY_STATE")" ] ;;
	*' run '*'&')
		start verifier "$ASSAY_BIN/assay-verifier" run --state "$ASSAY_STATE"
		wait_for "$WAIT" test -S "$ASSAY_STATE/run/console.sock"
		;;
	*) (cd "$WORK/user" && eval "$line") ;;
	esac
}
while IFS= read -r line <&3; do
	check "$line" runs "$line"
done 3<"$WORK/commands"
active() { assay policy list --json | jq -e '.policies[] | select(.name == "gateway" and .active) | .version == 3' >/dev/null; }
check 'the changed policy is in force' active
said() { assay audit list --json 2>/dev/null | grep -q 'warn of full disks' || ledger "SELECT detail FROM audit" | grep -q 'warn of full disks'; }
check 'and the audit log says why' said
lib_end
