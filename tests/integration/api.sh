#!/bin/bash
# Every operation of docs/openapi.json against the real daemon's TLS port: with a right
# token, a wrong one, none, one of too low a role, and with bodies of every wrong form; and
# each answer against what the document says of it. Documented is tested: the lists here
# come out of the document.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
. tests/support/api.sh

# ---- a verifier that has something to tell -----------------------------------
ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm --name localhost
echo 'console_listen: "127.0.0.1:0"' >>"$ASSAY_STATE/verifier.yaml"
printf '%064d' 7 >"$WORK/secret" && chmod 600 "$WORK/secret"
printf '%s\n' 'webhooks:' '  - name: siem' '    url: http://127.0.0.1:9/' "    secret_file: $WORK/secret" >>"$ASSAY_STATE/verifier.yaml"
check 'it starts' verifier_start
remote_port() { grep -o 'role=console event=listening .* port=[0-9]*' "$WORK/verifier.log" | tail -n 1 | grep -o '[0-9]*$'; }
check 'the console says where it listens' wait_for "$WAIT" remote_port
SERVER=https://localhost:$(remote_port)
CA=$ASSAY_STATE/tls/console-cert.pem
check 'a policy' policy_use gateway 1
check 'a gateway enrols' device_enrol gateway gateway grub-good
check 'it is judged' decides gateway QUARANTINE
check 'a second one' device_enrol gateway-2 gateway grub-good
check 'is judged' decides gateway-2 QUARANTINE
golden() { # NAME [ARGUMENT...]
	local digest
	digest=$(assay reference capture gateway --name "$@" --json | jq -er .digest) &&
		assay reference promote "$1" --digest "$digest"
}
check 'a reference set' golden golden
check 'the gateway is admitted' decides gateway ADMIT
check 'another set' golden golden-2 --pcrs 0,1,2,3,4,5,6,7
declare -A token=([admin]=$(cat "$ASSAY_STATE/operator.token"))
for role in viewer operator relying-party; do
	token[$role]=$(assay operator add "the-$role" --role $role 2>/dev/null)
done
check 'somebody to be revoked' assay operator add example --role viewer

# ---- asking ----------------------------------------------------------------------
# The answer against a schema: types, constants, patterns, members missing and members unknown.
fits() { # SCHEMA
	jq -r --slurpfile doc "$DOC" --argjson schema "$1" '
	def resolved: if has("$ref") then . as $s | $doc[0] | getpath($s["$ref"] | split("/")[1:]) else . end;
	def kinds: type as $t | if $t == "number" and floor == . then ["number", "integer"] else [$t] end;
	def faults($schema; $at): . as $v | ($schema | resolved) as $s
		| (if $s.type and ([$s.type] | flatten) - ($v | kinds) == ([$s.type] | flatten)
		   then "\($at) is \($v | tojson)" else empty end),
		  (if $s.enum and all($s.enum[]; . != $v) then "\($at) is \($v | tojson)" else empty end),
		  (if ($s | has("const")) and $s.const != $v then "\($at) is \($v | tojson)" else empty end),
		  (if type == "object" then
			(($s.required // []) - keys | .[] | "\($at) has no \(.)"),
			(if $s.additionalProperties == false then keys - ($s.properties // {} | keys) | .[]
				| "\($at).\(.) is not documented" else empty end),
			(($s.properties // {}) | to_entries[] | .key as $k | .value as $one
				| if $v | has($k) then $v[$k] | faults($one; "\($at).\($k)") else empty end)
		   elif type == "array" and $s.items then
			.[] | faults($s.items; "\($at)[]")
		   else empty end);
	faults($schema; "")' "$WORK/body" >"$WORK/faults" 2>&1 && [ ! -s "$WORK/faults" ] ||
		{ head -n 5 "$WORK/faults" && return 1; }
}

# One line per operation: name, method, path with its examples, role, type of the body, its
# limit, an example of it, statuses that it may answer.
operations() {
	jq -r '.paths | to_entries[] | .key as $path | .value | to_entries[] | select(.value["x-role"])
		| .key as $method | .value as $o | [.value.parameters[]? | select(.in and .example != null)] as $with
		| (reduce ($with[] | select(.in == "path")) as $p ($path; sub("[{]\($p.name)[}]"; $p.example | tostring))) as $at
		| ([$with[] | select(.in == "query") | "\(.name)=\(.example)"] | join("&")) as $query
		| ($o.requestBody.content // {} | to_entries[0]) as $body
		| [$o.operationId, $method, $at + (if $query == "" then "" else "?" + $query end), $o["x-role"], $body.key // "-",
		   $o.requestBody["x-max-bytes"] // 0, ($body.value.example // {} | if type == "string" then . else tojson end),
		   ($o.responses | keys | join(" "))] | join("\u001f")' "$DOC"
}
# The schema of the answer 200, if it is JSON; nothing if it is not.
schema_of() { # OPERATION
	jq -c --arg o "$1" '.paths[][] | select(.operationId == $o) | .responses["200"].content["application/json"].schema // empty' "$DOC"
}
may_answer() { [[ " $statuses " == *" $status "* ]] || { echo "status $status is not documented" && return 1; }; }
sends() { # BODY: curl's arguments for it
	arguments=()
	[ "$type" = - ] || arguments=(-H "Content-Type: $type" --data-binary "$1")
}

# ---- who asks ----------------------------------------------------------------------
right() { # done, or a documented problem
	sends "$example"
	ask "${token[admin]}" "$method" "$path" "${arguments[@]}"
	echo "$op $method $status" >>"$WORK/answered"
	may_answer || { cat "$WORK/body" && return 1; }
	case $status in
	200) local schema && schema=$(schema_of "$op")
		[ -z "$schema" ] || { [ "$(header content-type)" = application/json ] && fits "$schema"; } ;;
	101) ;;
	*) is_problem "$status" ;;
	esac
}
missing() { sends "$example" && ask '' "$method" "$path" "${arguments[@]}" && is_problem 401; }
wrong() {
	sends "$example"
	ask 0123456789abcdef0123456789abcdef "$method" "$path" "${arguments[@]}"
	local want=401
	[ "$op" != decision.stream ] || want=404 # its token is looked at in a WebSocket
	is_problem $want
}
declare -A below=([viewer]=relying-party [operator]=viewer [admin]=operator)
too_low() {
	sends "$example"
	ask "${token[${below[$role]}]}" "$method" "$path" "${arguments[@]}" && is_problem 403
}

# ---- bodies ------------------------------------------------------------------------
json=(-H 'Content-Type: application/json')
refused() { # STATUS ARGUMENT...
	local want=$1
	shift
	ask "${token[admin]}" "$method" "$path" "$@"
	is_problem "$want" && may_answer || { echo "with $*" && return 1; }
}
bodies() {
	local field bad
	for bad in '{' '{"a"' '[]' 'null' '"x"' '{"reason":"a"} x' '{"reason":"a","reason":"b"}'; do
		refused 400 "${json[@]}" --data-binary "$bad" || return
	done
	refused 400 "${json[@]}" --data-binary '{"no_such_field":"x"}' || return
	field=$(jq -r --arg o "$op" '.paths[][] | select(.operationId == $o) | .requestBody.content[].schema.properties | keys[0] // "x"' "$DOC")
	for bad in true null 1.5 -1 '[1]' '{"a":1}' '""' '"\u0000"' '"\u00fc"'; do
		[ "$field" != file ] || [[ $bad != '"\u'* ]] || continue # a file is bytes
		refused 400 "${json[@]}" --data-binary "{\"$field\":$bad}" || return
	done
	refused 415 -H 'Content-Type: text/plain' --data-binary '{}'
}
too_large() {
	# told, not sent: the answer does not wait for it
	refused 413 -H "Content-Type: $type" -H "Content-Length: $((max + 1))" --data-binary '{}' || return
	refused 412 -H 'If-Match: "x"' -H "Content-Type: $type" --data-binary '{}' || return
	refused 411 -H 'Transfer-Encoding: chunked' -H "Content-Type: $type" --data-binary '{}'
}
# Each field that is required, left out of the example.
required() {
	local field
	for field in $(jq -r --arg o "$op" '.paths[][] | select(.operationId == $o) | .requestBody.content[].schema.required[]?' "$DOC"); do
		ask "${token[admin]}" "$method" "$path" "${json[@]}" --data-binary "$(jq -c "del(.[\"$field\"])" <<<"$example")"
		[[ $status == 400 || $status == 404 || $status == 409 ]] && is_problem "$status" || { echo "without $field: $status" && return 1; }
	done
}
other_method() { # a path without the other method says so
	local other=post
	[ "$method" = get ] || other=get
	ask "${token[admin]}" $other "${path%%\?*}" && is_problem 405 && [[ "$(header allow), " == *"${method^^}, "* ]] &&
		[[ "$(header allow), " != *"${other^^}, "* ]]
}
queries() {
	refused 400 -G --data-urlencode 'no_such_field=x' || return
	refused 400 -G --data-urlencode 'no_such_field' || return
	refused 414 -G --data-urlencode "no_such_field=$(printf 'a%.0s' {1..2100})"
}

count=0
operations >"$WORK/operations"
# What ends a device, a set or an operator comes last; what starts a replay before those who look at it.
sort -t$'\x1f' -k2,2r -k1,1 "$WORK/operations" | awk -F'\x1f' '
	$1 == "policy.replay" { print; next }
	$1 ~ /retire|revoke/ || $1 == "policy.activate" { last = last $0 "\n"; next } { rest = rest $0 "\n" }
	END { printf "%s%s", rest, last }' >"$WORK/order"
check 'the document has operations' test "$(wc -l <"$WORK/order")" -gt 50
while IFS=$'\x1f' read -r op method path role type max example statuses <&3; do
	count=$((count + 1))
	check "$op without a token" missing
	check "$op with a wrong token" wrong
	[ "$role" = relying-party ] || check "$op with a token of too low a role" too_low
	if [ "$method" = post ]; then
		[ "$type" != application/json ] || check "$op with malformed bodies" bodies
		[ "$type" != application/json ] || check "$op without what it needs" required
		check "$op with a body too large, or of no length" too_large
	fi
	check "$op with a right token" right
done 3<"$WORK/order"
check 'every operation was asked' equal "$(jq '[.paths[][] | select(.["x-role"])] | length' "$DOC")" "$count"

# ---- what the document says besides -----------------------------------------------------
answered() { # every question that has an answer here was answered
	! grep ' get ' "$WORK/answered" | grep -v ' 200$' | grep -v '^decision.stream ' || return 1
	local one
	for one in device.{address,set,hold,release,reread,retire} token.create ek.allow upload.begin \
		known-bad.{add,remove} reference.{plan,unplan,retire} policy.{replay,activate} key.rotate operator.revoke \
		webhook.{retry,drop,test}; do
		grep -qx "$one post 200" "$WORK/answered" || { grep "^$one " "$WORK/answered" && return 1; }
	done
}
check 'questions are answered, and most orders carried out' answered
method=get path=/v1/devices statuses='400 414'
check 'an unknown field of a query' queries
none() { ask "${token[admin]}" get /v1/nothing && is_problem 404; }
check 'a path that is none' none
method=get path=/v1/status
check 'a path that has another method' other_method
addressed() { grep -q 'added ip 192.0.2.200: rack 7' <(assay audit list --json | jq -r '.audit[].detail // empty'); }
check 'an address is registered for a reason' assay device address gateway-2 --add 'ip 192.0.2.200' --reason 'rack 7'
check 'which is in the audit log' addressed
method=post path=/v1/known-bad/remove
check 'the other way round' other_method
no_software() { # what is missing is the device's, not the token
	ask "${token[admin]}" post /v1/references "${json[@]}" --data-binary '{"device":"gateway-2","what":"software"}' &&
		is_problem 409 && grep -q 'no software' "$WORK/body"
}
check 'a set of software of a device that tells of none' no_software
keys() { ask '' get /.well-known/jwks.json && [ "$status" = 200 ] && fits '{"$ref": "#/components/schemas/KeySet"}'; }
check 'the key set needs no token' keys

# ---- ETags ---------------------------------------------------------------------------
tagged() { # PATH PATTERN
	ask "${token[viewer]}" get "$1" && [ "$status" = 200 ] && tag=$(header etag) && [[ $tag =~ $2 ]] || { cat "$WORK/head" && return 1; }
	ask "${token[viewer]}" get "$1" -H "If-None-Match: \"a\", $tag" && [ "$status" = 304 ] && [ ! -s "$WORK/body" ] && equal "$(header etag)" "$tag" || { cat "$WORK/head" && return 1; }
	ask "${token[viewer]}" get "$1" -H 'If-None-Match: "00000000000000000000000000000000"' && equal "$status" 200
}
check 'a policy has a strong ETag' tagged /v1/policies/gateway '^"[0-9a-f]{32}"$'
check 'a list has one that leaves its time out' tagged /v1/policies '^W/"[0-9a-f]{32}"$'
later() { sleep 1.1 && ask "${token[viewer]}" get /v1/policies -H "If-None-Match: $tag" && equal "$status" 304; }
check 'and is unchanged a second later' later
changed() {
	tagged /v1/known-bad '^W/' && assay reference known-bad add "$(printf 'ef%.0s' {1..32})" --comment test &&
		ask "${token[viewer]}" get /v1/known-bad -H "If-None-Match: $tag" && equal "$status" 200
}
check 'what changed is answered' changed
unsaid() { ask '' get /v1/policies -H "If-None-Match: $tag" && is_problem 401 && ask "${token[relying-party]}" get /v1/policies -H 'If-None-Match: *' && is_problem 403; }
check 'without the right token nobody learns what is unchanged' unsaid
kept() { # one connection goes on after a 304
	curl -sS --cacert "$CA" -H "Authorization: Bearer ${token[viewer]}" -H 'If-None-Match: *' "$SERVER/v1/policies" "$SERVER/v1/policies" -w '%{http_code} %{num_connects}\n' >"$WORK/two" &&
		equal "$(tr '\n' ' ' <"$WORK/two")" '304 1 304 0 '
}
check 'a connection goes on after it' kept
verifier_stop
lib_end
