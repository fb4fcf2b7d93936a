#!/bin/bash
# The API as HTTP has it: methods, conditions, lengths, pages and filters, each answer a
# problem that is none. tests/integration/api.sh asks every operation.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
. tests/support/api.sh
json=(-H 'Content-Type: application/json')

check 'init makes a verifier' verifier_init --name localhost --accept-virtual-tpm
echo 'console_listen: "127.0.0.1:0"' >>"$ASSAY_STATE/verifier.yaml"
check 'it starts' verifier_start
remote_port() { grep -o 'role=console event=listening .* port=[0-9]*' "$WORK/verifier.log" | tail -n 1 | grep -o '[0-9]*$'; }
check 'the console says where it listens' wait_for "$WAIT" remote_port
SERVER=https://localhost:$(remote_port)
CA=$ASSAY_STATE/tls/console-cert.pem
declare -A token=([admin]=$(cat "$ASSAY_STATE/operator.token"))
token[viewer]=$(assay operator add the-viewer --role viewer 2>/dev/null)
something() {
	local i
	for i in 1 2 3; do
		assay token create --class "c$i" && assay reference known-bad add "$(printf "a$i%.0s" {1..32})" --comment test || return
	done >/dev/null
}
check 'something to list' something

allows() { # METHODS
	equal "$(header allow)" "$1" || { cat "$WORK/head" && return 1; }
}
# ---- pages and filters -------------------------------------------------------------------
pages() { # PATH LIST MEMBER: page by page it is what it is at once
	local next='' all
	ask "${token[admin]}" get "$1?limit=1000" && [ "$status" = 200 ] && jq -e '.next == null' "$WORK/body" >/dev/null || { cat "$WORK/body" && return 1; }
	all=$(jq -c "[.$2[].$3]" "$WORK/body")
	: >"$WORK/pages"
	for _ in {1..200}; do
		ask "${token[admin]}" get "$1?limit=1${next:+&after=$next}" && [ "$status" = 200 ] || { cat "$WORK/body" && return 1; }
		jq -c ".$2[].$3" "$WORK/body" >>"$WORK/pages"
		next=$(jq -r '.next // empty' "$WORK/body")
		[ -n "$next" ] || break
	done
	equal "$(jq -cs . "$WORK/pages")" "$all" && [ "$(jq length <<<"$all")" -gt 1 ]
}
check 'operators in pages' pages /v1/operators operators name
check 'policies in pages' pages /v1/policies policies digest
check 'tokens in pages' pages /v1/tokens tokens id
check 'known-bad digests in pages' pages /v1/known-bad known_bad digest
after() { ask "${token[admin]}" get '/v1/policies?after=xyz' && is_problem 400 && ask "${token[admin]}" get '/v1/operators?limit=0' && is_problem 400; }
check 'pages that are none' after
filters() {
	ask "${token[viewer]}" get '/v1/devices?labels=ring%3Dcanary' && equal "$(jq -c .devices "$WORK/body")" '[]' || return
	ask "${token[viewer]}" get '/v1/devices?labels=canary' && is_problem 400 && ask "${token[viewer]}" get '/v1/devices?status=enroled' && is_problem 400
}
check 'filters of devices, and what is none' filters

# ---- HTTP's own ---------------------------------------------------------------------
head_of() { # the head of a GET, and nothing behind it
	ask "${token[viewer]}" get /v1/policies && cp "$WORK/head" "$WORK/get" || return
	curl -sS --cacert "$CA" -H "Authorization: Bearer ${token[viewer]}" -I "$SERVER/v1/policies" >"$WORK/head" 2>"$WORK/curl" || { cat "$WORK/curl" && return 1; }
	cmp "$WORK/get" "$WORK/head" || { cat "$WORK/get" "$WORK/head" && return 1; }
	curl -sS --cacert "$CA" -H "Authorization: Bearer ${token[viewer]}" -I "$SERVER/v1/policies" "$SERVER/v1/status" -w '%{http_code} %{num_connects}\n' | grep -E '^[0-9]+ [0-9]$' | tr '\n' ' ' >"$WORK/two"
	equal "$(cat "$WORK/two")" '200 1 200 0 '
}
check 'HEAD is GET without a body, and the connection goes on' head_of
head_bad() { curl -sS --max-time 5 --cacert "$CA" -I "$SERVER/v1/policies" >"$WORK/head" && grep -q ' 401 ' "$WORK/head" && [ "$(header content-length)" -gt 50 ]; }
check 'of a problem too' head_bad
options() {
	ask "${token[viewer]}" options /v1/operators && [ "$status" = 204 ] && allows 'GET, HEAD, POST, OPTIONS' && [ ! -s "$WORK/body" ] || return
	ask "${token[viewer]}" options /v1/devices/x/hold && [ "$status" = 204 ] && allows 'POST, OPTIONS' || return
	ask "${token[viewer]}" options /v1/nothing && is_problem 404 && ask '' options /v1/operators && is_problem 401
}
check 'OPTIONS tells the methods' options
methods() {
	local m
	for m in put patch delete; do
		ask "${token[admin]}" $m /v1/policies && is_problem 405 && allows 'GET, HEAD, POST, OPTIONS' || return
	done
}
check 'so does a method that is none' methods
long() {
	ask "${token[admin]}" get "/v1/devices/$(printf 'a%.0s' {1..600})" && is_problem 414 &&
		ask "${token[admin]}" get "/v1/devices?class=$(printf 'a%.0s' {1..600})" && is_problem 414
}
check 'a path or query too long' long
very_long() { # not taken for one that is absent: that would answer another question
	local n
	for n in 2041 2042 2043 2100 4000 7000; do
		ask "${token[admin]}" get "/v1/devices?class=$(printf 'a%.0s' $(seq "$n"))&limit=1" && is_problem 414 || return
	done
}
check 'a part of a query that no buffer holds' very_long
# A line end in the path or query, however written, neither ends the question early nor begins
# a header: with that a page of others could give a browser's order the type that it may not.
broken() {
	local at
	for at in '/v1/devices?limit=1%0A&class=x' '/v1/devices?limit=1%0d&class=x' '/v1/status%0a' '/v1/status%0Dx' '/v1/status%0Aif-none-match:*'; do
		ask "${token[admin]}" get "$at" && is_problem 400 || { echo "$at" && return 1; }
	done
	ask "${token[admin]}" post '/v1/known-bad%0acontent-type:application/json;' -H 'Content-Type: text/plain' --data-binary "{\"digest\":\"$(printf 'ce%.0s' {1..32})\",\"reason\":\"x\"}" && is_problem 400 &&
		ask "${token[admin]}" get /v1/known-bad && ! grep -q cecece "$WORK/body"
}
check 'a line end that is written as %0A is no line end' broken
compressed() { ask "${token[admin]}" post /v1/uploads "${json[@]}" -H 'Content-Encoding: gzip' --data-binary '{}' && is_problem 415; }
check 'a compressed body' compressed
plainly() { ask "${token[admin]}" post /v1/uploads "${json[@]}" -H 'Content-Encoding: identity' --data-binary '{}' && equal "$status" 200; }
check 'one that says it is not' plainly
conditional() {
	ask "${token[admin]}" post /v1/known-bad "${json[@]}" -H 'If-Match: "0"' --data-binary "{\"digest\":\"$(printf 'cd%.0s' {1..32})\",\"reason\":\"x\"}" && is_problem 412 || return
	ask "${token[admin]}" post /v1/known-bad "${json[@]}" -H 'If-None-Match: *' --data-binary "{\"digest\":\"$(printf 'cd%.0s' {1..32})\",\"reason\":\"x\"}" && is_problem 412 || return
	ask "${token[admin]}" get /v1/known-bad && ! grep -q cdcdcd "$WORK/body"
}
check 'an order under a condition is not done' conditional
twice() { ask "${token[viewer]}" get '/v1/devices?limit=1&limit=2' && is_problem 400 && grep -q 'given twice' "$WORK/body"; }
check 'a field of a query given twice' twice
lone() { ask "${token[viewer]}" get '/v1/devices?' && equal "$status" 200; }
check 'a query with nothing in it is none' lone
bare() { ask "${token[admin]}" post /v1/operators/the-viewer/revoke --data-binary '' -H 'Content-Type:' && equal "$status" 200; }
check 'an order that needs no body needs none' bare
verifier_stop
lib_end
