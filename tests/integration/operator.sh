#!/bin/bash
# What operators ask and order of the real daemon: every command with good and bad
# input, one clear line and the contract's status for each mistake; the TLS port and its
# tokens (I8); and an old ledger put back (D14), as operators see it.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
assay=$ASSAY_BIN/assay

# One line that says what is wrong, on standard error, and the status.
complains() { # STATUS TEXT ARGUMENT...
	local want=$1 text=$2 got=0
	shift 2
	"$assay" "$@" >"$WORK/1" 2>"$WORK/2" </dev/null || got=$?
	cat "$WORK/1" "$WORK/2"
	[ "$got" = "$want" ] || { echo "status $got, not $want" && return 1; }
	[ "$(wc -l <"$WORK/2")" = 1 ] || { echo 'not one line' && return 1; }
	[ ! -s "$WORK/1" ] || { echo 'something on standard output' && return 1; }
	grep -qF -- "$text" "$WORK/2"
}
says() { # TEXT ARGUMENT...
	local text=$1
	shift
	"$assay" "$@" >"$WORK/1" 2>&1 </dev/null || { cat "$WORK/1" && return 1; }
	cat "$WORK/1"
	grep -qF -- "$text" "$WORK/1"
}
is_json() { "$assay" "$@" --json 2>"$WORK/2" </dev/null | jq -e . >/dev/null && [ ! -s "$WORK/2" ]; }

# ---- a verifier with a TLS port for operators --------------------------------
check 'init makes a verifier' verifier_init --name localhost --accept-virtual-tpm
echo 'console_listen: "127.0.0.1:0"' >>"$ASSAY_STATE/verifier.yaml"
check 'it starts' verifier_start
remote_port() { grep -o 'role=console event=listening .* port=[0-9]*' "$WORK/verifier.log" | tail -n 1 | grep -o '[0-9]*$'; }
check 'the console says where it listens' wait_for "$WAIT" remote_port
SERVER=https://localhost:$(remote_port)
CA=$ASSAY_STATE/tls/console-cert.pem

# ---- asking --------------------------------------------------------------------
check 'status' says 'devices enrolled' status
check 'device list is a table' says 'DECISION' device list
check 'policy list knows the shipped policies' says 'gateway' policy list
check 'policy show gives the source' says 'applies_to:' policy show gateway
check 'audit list begins with init' says 'state.init' audit list
check 'operator list knows the first' says 'admin' operator list
for words in status 'device list' 'policy list' 'policy show gateway' 'reference list' 'token list' 'audit list' 'operator list'; do
	# shellcheck disable=SC2086 # words
	check "$words --json is one document" is_json $words
done
check '--state may come first' says 'devices enrolled' --state "$ASSAY_STATE" status
check 'and among the options' says 'devices enrolled' status --state "$ASSAY_STATE"
check '--socket says where' says 'devices enrolled' status --socket "$ASSAY_STATE/run/console.sock"

# ---- mistakes ------------------------------------------------------------------
check 'an unknown device' complains 2 "no device \`gw-9'" device show gw-9
check 'a device of no form' complains 2 'is no name' device show 'a/../b'
check 'a word that is a path elsewhere' complains 2 'is no name' device hold '../ledger/accept?'
check 'a word of dots' complains 2 'is no name' reference show ..
check 'a word with a control character' complains 2 'is no name' device show "$(printf 'a\033[31mb')"
check 'history of an unknown device' complains 2 'no device' device history gw-9
for word in approve set hold release maintain retire; do
	check "device $word of an unknown device" complains 2 'no device' device $word gw-9
done
check 'evidence of an unknown device' complains 2 'no device' device evidence gw-9 proof
check 'an unknown reference set' complains 2 "no reference set \`golden'" reference show golden
check 'promoting an unknown set' complains 2 'no reference set' reference promote golden --digest "$(printf %064d 1)"
check 'promoting by part of a digest' complains 2 '64 hex digits' reference promote golden --digest abcdef
check 'capture of an unknown device' complains 2 'no device' reference capture gw-9
check 'a class of no form' complains 2 'class: must be' token create --class 'a b'
check 'a token without uses' complains 2 'uses: must be from 1' token create --class c --uses 0
check 'a tier that is none' complains 2 'tier' token create --class c --tier gold
check 'an EK of no form' complains 2 '64 hex digits' ek allow --ek 12 --class c
printf '%064d\nnonsense\n' 1 >"$WORK/eks"
check 'a file of EKs names the line' complains 2 'line 2' ek allow --file "$WORK/eks" --class c
check 'an unknown policy' complains 2 "no policy \`none'" policy activate none --comment test
check 'an unknown role' complains 2 'role: must be' operator add anna --role root
check 'a ledger without fault' complains 2 'not in fault' ledger accept
check 'a file that is not there' complains 3 'No such file' policy add "$WORK/nowhere.yaml"
head -c 2000000 /dev/zero >"$WORK/large"
check 'a file that is too large' complains 2 'larger than' policy add "$WORK/large"
printf 'policy: x\nversion: 1\nrulez: []\n' >"$WORK/bad.yaml"
check 'a policy with an error, told by the verifier' complains 2 'bad.yaml:' policy add "$WORK/bad.yaml"
place() { ! "$assay" policy check "$WORK/bad.yaml" 2>"$WORK/2" && grep -q 'bad.yaml:3:1: ' "$WORK/2"; }
check 'policy check tells line and column, without a verifier' place
for file in $(ls policies/*.yaml | grep -v .test.yaml); do
	check "policy check $file" says 'no error' policy check "$file"
done
usage() { # TEXT ARGUMENT...
	local text=$1 got=0
	shift
	"$assay" "$@" >"$WORK/1" 2>"$WORK/2" </dev/null || got=$?
	cat "$WORK/1" "$WORK/2"
	[ "$got" = 64 ] && grep -qF -- "$text" "$WORK/2" && grep -q '^usage:' "$WORK/2"
}
check 'a missing word' usage 'DEVICE is missing' device show
check 'a word too many' usage 'one word too many' device list x
check 'a missing option' usage '--class is required' token create
check 'an option without its value' usage '--class needs a value' token create --class
check 'an option twice' usage 'given twice' token create --class a --class b
check 'a flag with a value' usage 'takes no value' device show x --check=1
check 'a duration of no form' usage 'is no duration' token create --class c --expires soon
check 'a list of PCRs of no form' usage 'is no list' reference capture x --pcrs 24
check 'promote asks on a terminal only' usage 'not on a terminal' reference promote x
check 'a server without TLS' usage 'https://' status --server http://localhost:1 --token-file "$WORK/t"
check 'a server without a token' usage '--token-file' status --server "$SERVER"
check 'no verifier at the socket' complains 3 'no verifier answers' status --socket "$WORK/nothing"
check 'no verifier at the port' complains 3 'localhost' status --server https://localhost:1 --token-file "$ASSAY_STATE/operator.token" --ca "$CA"

# ---- I8: the TLS port and its tokens ------------------------------------------------
remote() { # TOKEN-FILE ARGUMENT...
	local token=$1
	shift
	"$assay" "$@" --server "$SERVER" --ca "$CA" --token-file "$token"
}
refused_remote() { # TEXT TOKEN-FILE ARGUMENT...
	local text=$1
	shift
	! remote "$@" >"$WORK/1" 2>"$WORK/2" </dev/null || return 1
	cat "$WORK/2"
	[ ! -s "$WORK/1" ] && grep -qF -- "$text" "$WORK/2"
}
admin=$ASSAY_STATE/operator.token
check 'the first operator asks by TLS' remote "$admin" status
check 'and adds a viewer' remote "$admin" operator add victor --role viewer
"$assay" operator add vera --role viewer >"$WORK/vera" 2>/dev/null
"$assay" operator add otto --role operator >"$WORK/otto" 2>/dev/null
echo 0123456789abcdef >"$WORK/wrong"
: >"$WORK/empty"
check 'i8 a viewer asks' remote "$WORK/vera" device list
check 'i8 a viewer orders nothing' refused_remote 'needs the role operator' "$WORK/vera" token create --class c
check 'i8 an operator orders' remote "$WORK/otto" token create --class c
check 'i8 an operator makes no operators' refused_remote 'needs the role admin' "$WORK/otto" operator add x --role viewer
check 'i8 a wrong token is refused' refused_remote 'bearer token is required' "$WORK/wrong" status
check_status 3 'i8 with status 3' remote "$WORK/wrong" status
check_status 2 'i8 an empty token file is bad input' remote "$WORK/empty" status
check_status 2 'what is too long for a request is bad input' remote "$admin" device list --class "$(printf 'a%.0s' {1..600})"
check 'i8 a revoked token is refused' "$assay" operator revoke vera
check 'i8 at once' refused_remote 'bearer token is required' "$WORK/vera" status
check 'i8 who it was is in the audit log' says otto audit list
recorded() { # ACTOR DETAIL: so many refused orders
	"$assay" audit list --json | jq --arg a "$1" --arg d "$2" '[.audit[] | select(.action == "operation.refused" and .actor == $a and ((.detail // "") | startswith($d)))] | length'
}
check 'i8 and what was refused to whom' equal "$(recorded vera 'token.create: token.create needs the role operator') $(recorded otto 'operator.add: operator.add needs the role admin')" '1 1'
flood() {
	local i
	for i in {1..20}; do ! remote "$WORK/otto" operator add x --role viewer 2>/dev/null && ! remote "$WORK/wrong" operator add x --role viewer 2>/dev/null || return; done
	[ "$(recorded otto '')" -ge 5 ] && [ "$(recorded otto '')" -le 13 ] && equal "$(recorded '' '')" 0
}
check 'i8 a few of it, and nothing of strangers' flood
impossible() { ! remote "$admin" operator add otto --role viewer && equal "$(recorded admin 'operator.add: there is an operator')" 1; }
check 'an order that is not possible is there, too' impossible
check_status 3 'i8 another certificate is not trusted' "$assay" status --server "$SERVER" --token-file "$admin" --ca "$ASSAY_STATE/tls/cert.pem"
check 'i8 no secret is in the audit log' bash -c "! '$assay' audit list --json | grep -qF \"\$(cat '$WORK/otto')\""
check 'i8 no secret is in the log' bash -c "! grep -qF -e \"\$(cat '$WORK/otto')\" -e \"\$(cat '$admin')\" '$WORK/verifier.log'"
check 'i8 no secret is in the ledger' bash -c "! grep -qF \"\$(cat '$WORK/otto')\" '$ASSAY_STATE/ledger.db'"

# ---- D14: an old ledger put back --------------------------------------------------
verifier_stop
cp "$ASSAY_STATE/ledger.db" "$WORK/old.db"
check 'the verifier starts again' verifier_start
check 'and goes on' says '.' token create --class c
verifier_stop
rm -f "$ASSAY_STATE"/ledger.db-*
cp "$WORK/old.db" "$ASSAY_STATE/ledger.db"
check 'd14 it starts with a ledger put back' verifier_start
check 'd14 and says so' says 'ledger is in fault' status
check 'd14 changes nothing' complains 2 'the ledger is in fault' token create --class c
check 'd14 an administrator accepts the loss' says 'must attest anew' ledger accept
check 'd14 the fault is over' bash -c "! '$assay' status | grep -q fault"
check 'd14 it works again' says '.' token create --class c
check 'd14 and the audit log knows' says 'ledger.accept' audit list
verifier_stop
lib_end
