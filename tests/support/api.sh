# shellcheck shell=bash
# api.sh: what tests of the operators' HTTP share: a request with or without a token, its
# answer, and whether that is a problem document as docs/openapi.json has it. Sourced after
# lib.sh; the test sets SERVER (https://...) and CA (the console's certificate).
DOC=docs/openapi.json
PROBLEM=$(jq -c '.components.schemas.Problem.properties | keys' $DOC)

# Status to $status, answer to $WORK/body, its head to $WORK/head. SECRET '': none.
ask() { # SECRET METHOD PATH ARGUMENT...
	local auth=() secret=$1 method=$2 path=$3
	shift 3
	[ -z "$secret" ] || auth=(-H "Authorization: Bearer $secret")
	: >"$WORK/body"
	status=$(curl -sS --max-time 20 --cacert "$CA" -X "${method^^}" "${auth[@]}" "$@" -D "$WORK/head" \
		-o "$WORK/body" -w '%{http_code}' "$SERVER$path" 2>"$WORK/curl")
}
header() { tr -d '\r' <"$WORK/head" | sed -n "s/^$1: *//Ip" | tail -n 1; }

# The answer is a problem of just this status.
is_problem() { # STATUS
	[ "$status" = "$1" ] || { echo "status $status, not $1: $(cat "$WORK/body" "$WORK/curl")" && return 1; }
	[ "$(header content-type)" = application/problem+json ] || { echo "no problem: $(header content-type)" && return 1; }
	[ "$1" != 401 ] || [ "$(header www-authenticate)" = Bearer ] || { echo 'no www-authenticate' && return 1; }
	jq -e --argjson s "$1" '.type == "about:blank" and .status == $s and (keys == $members)
		and all(.title, .detail, .error; type == "string" and length > 0)' \
		--argjson members "$PROBLEM" "$WORK/body" >/dev/null || { cat "$WORK/body" && return 1; }
}
