#!/bin/bash
# How often operators may ask, and how many wrong tokens an address may show (I7): 429 with
# Retry-After on the TLS port, each operator and address for itself; never on the socket.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
assay=$ASSAY_BIN/assay

check 'init makes a verifier' verifier_init --name localhost --accept-virtual-tpm
printf '%s\n' 'console_listen: "127.0.0.1:0"' 'operator_reads_per_minute: 30' 'operator_changes_per_minute: 12' \
	'operator_admissions_per_minute: 60' 'failures_per_minute: 15' >>"$ASSAY_STATE/verifier.yaml"
check 'it starts' verifier_start
remote_port() { grep -o 'role=console event=listening .* port=[0-9]*' "$WORK/verifier.log" | tail -n 1 | grep -o '[0-9]*$'; }
check 'the console says where it listens' wait_for "$WAIT" remote_port
SERVER=https://localhost:$(remote_port)
CA=$ASSAY_STATE/tls/console-cert.pem
declare -A token
for name in anna ben carl dora eric; do
	token[$name]=$("$assay" operator add $name --role operator 2>/dev/null)
done
token[radius]=$("$assay" operator add radius --role relying-party 2>/dev/null)

curl_as() { # NAME ARGUMENT...
	local auth=(-H "Authorization: Bearer ${token[$1]:-$1}")
	shift
	curl -sS --max-time 30 --cacert "$CA" "${auth[@]}" "$@"
}
# So many requests as fast as it goes; how many answers of each status, in one line.
many() { # NAME COUNT PATH ARGUMENT...
	local name=$1 n=$2 path=$3 i
	shift 3
	for ((i = 0; i < n; i++)); do
		printf 'url = "%s%s"\noutput = /dev/null\n' "$SERVER" "$path"
	done >"$WORK/urls"
	curl_as "$name" "$@" -K "$WORK/urls" -w '%{http_code}\n' | sort | uniq -c | awk '{ printf "%s%s*%s", sep, $1, $2; sep = " " }'
}
# The count of 200 may be a few more than the bucket holds: it fills meanwhile.
limited() { # LIMIT SEEN
	local good refused
	[[ $2 =~ ^([0-9]+)\*([24]..)\ ([0-9]+)\*429$ ]] || { echo "$2" && return 1; }
	good=${BASH_REMATCH[1]} refused=${BASH_REMATCH[3]}
	[ "$good" -ge "$1" ] && [ "$good" -le $(($1 + 8)) ] && [ "$refused" -ge 5 ] || { echo "$2" && return 1; }
}
json=(-H 'Content-Type: application/json' --data-binary '{"class":"gateway"}')

# ---- operators -------------------------------------------------------------------
reads() { limited 30 "$(many anna 50 /v1/status)"; }
check 'i7 so many questions and no more' reads
refused() { # NAME PATH ARGUMENT...
	local name=$1 path=$2
	shift 2
	curl_as "$name" -D "$WORK/head" -o "$WORK/body" -w '%{http_code}' "$@" "$SERVER$path" >"$WORK/status"
	equal "$(cat "$WORK/status")" 429 &&
		equal "$(tr -d '\r' <"$WORK/head" | sed -n 's/^content-type: //Ip')" application/problem+json &&
		jq -e '.status == 429 and .error == "rate-limited" and .title == "Too Many Requests" and (.detail | length > 0)' "$WORK/body" >/dev/null &&
		[[ $(tr -d '\r' <"$WORK/head" | sed -n 's/^retry-after: //Ip') =~ ^[1-9][0-9]?$ ]] || { cat "$WORK/head" "$WORK/body" && return 1; }
}
check 'i7 the answer is a problem with Retry-After' refused anna /v1/status
check 'i7 whatever is asked' refused anna /metrics
check 'i7 orders are counted apart' equal "$(many anna 5 /v1/tokens "${json[@]}")" '5*200'
check 'i7 and another operator' equal "$(many ben 5 /v1/status)" '5*200'
again() { sleep "$(tr -d '\r' <"$WORK/head" | sed -n 's/^retry-after: //Ip')" && equal "$(many anna 1 /v1/status)" '1*200'; }
check 'i7 after that time it is answered' again
changes() { limited 12 "$(many ben 25 /v1/tokens "${json[@]}")"; }
check 'i7 so many orders' changes
made() { "$assay" token list --json | jq '[.tokens[]?] | length' >"$WORK/n" && [ "$(cat "$WORK/n")" -le $((5 + 12 + 8)) ]; }
check 'i7 what was refused was not done' made
denied() { limited 12 "$(many carl 25 /v1/operators "${json[@]/class/name}")"; }
check 'i7 what is not permitted counts too' denied
admissions_are() { limited 60 "$(many radius 80 '/v1/admission?mac=02:00:00:00:00:01')"; }
check 'i7 what relying parties ask has its own' admissions_are
waits() { # the command asks again by itself
	many eric 40 /v1/status >/dev/null
	echo "${token[eric]}" >"$WORK/eric"
	SECONDS=0
	env -u ASSAY_STATE "$assay" status --server "$SERVER" --ca "$CA" --token-file "$WORK/eric" >"$WORK/1" 2>"$WORK/2" || { cat "$WORK/2" && return 1; }
	grep -q 'waiting' "$WORK/2" && [ $SECONDS -ge 1 ] && [ $SECONDS -le 10 ]
}
check 'assay waits as long as it is told' waits
socket() { # a good many more than any limit
	for _ in {1..40}; do printf 'url = "http://localhost/v1/status"\noutput = /dev/null\n'; done >"$WORK/urls"
	equal "$(curl -sS --unix-socket "$ASSAY_STATE/run/console.sock" -K "$WORK/urls" -w '%{http_code}\n' | sort | uniq -c | awk '{ print $1 "*" $2 }')" '40*200'
}
check 'i7 the socket is never limited' socket

# ---- wrong tokens -------------------------------------------------------------------
guesses() { limited 15 "$(many 0123456789abcdef 40 /v1/status)"; }
check 'i8 so many wrong tokens and no more' guesses
still_refused() { # ARGUMENT...: also where what was before took so long that one more would be heard
	many 0123456789abcdef 20 /v1/status >/dev/null
	refused "$@"
}
check 'i8 then a right one from there is not looked at' still_refused dora /v1/status
check 'i8 nor one without any' still_refused '' /v1/status
check 'i8 another address is' equal "$(many dora 3 /v1/status --interface 127.0.0.2)" '3*200'
check 'i8 the key set is for everybody' equal "$(many dora 3 /.well-known/jwks.json)" '3*200'
check 'i8 and the socket is not concerned' socket
later() { sleep "$(tr -d '\r' <"$WORK/head" | sed -n 's/^retry-after: //Ip')" && equal "$(many dora 1 /v1/status)" '1*200'; }
check 'i8 refused' still_refused dora /v1/status
check 'i8 and heard again after that time' later
certificates() { # unknown certificates are guesses, too
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 9 -keyout "$WORK/x.key" -out "$WORK/x.pem" 2>/dev/null
	for _ in {1..30}; do printf 'url = "%s/v1/status"\noutput = /dev/null\n' "$SERVER"; done >"$WORK/urls"
	limited 15 "$(curl -sS --interface 127.0.0.3 --cacert "$CA" --cert "$WORK/x.pem" --key "$WORK/x.key" -K "$WORK/urls" -w '%{http_code}\n' | sort | uniq -c | awk '{ printf "%s%s*%s", sep, $1, $2; sep = " " }')"
}
check 'i8 certificates that nobody has count as well' certificates
tls_first() { equal "$(many dora 3 /v1/nothing --interface 127.0.0.4)" '3*404' && equal "$(many dora 30 /v1/nothing --interface 127.0.0.4)" '30*404'; }
check 'i8 other mistakes do not' tls_first

# ---- streams, at both ports --------------------------------------------------------
echo 0123456789abcdef >"$WORK/wrong"
echo "${token[radius]}" >"$WORK/right"
watch() { # PORT CA TOKEN-FILE
	env -u ASSAY_STATE timeout 20 "$assay" decision watch --json --server "https://localhost:$1" --ca "$2" --token-file "$3" >"$WORK/1" 2>"$WORK/2"
	grep -o 'ended the stream: [a-z]*' "$WORK/2"
}
streams() { # PORT CA
	local i word seen=''
	for ((i = 0; i < 18; i++)); do
		word=$(watch "$1" "$2" "$WORK/wrong")
		[ -n "$word" ] || cat "$WORK/2"
		seen+=" ${word##* }"
	done
	[[ $seen =~ ^(\ token){15,17}(\ busy)+$ ]] || { echo "$seen" && cat "$WORK/2" && return 1; }
	equal "$(watch "$1" "$2" "$WORK/right")" 'ended the stream: busy'
}
h2() { ! openssl s_client -connect "127.0.0.1:$(cat "$ASSAY_STATE/run/port")" -alpn h2 </dev/null 2>/dev/null | grep -q 'ALPN protocol: h2'; }
check "i7 the devices' port speaks no HTTP/2" h2
check "i8 tokens tried in streams at the devices' port" streams "$(cat "$ASSAY_STATE/run/port")" "$ASSAY_STATE/tls/cert.pem"

# ---- what is told -------------------------------------------------------------------
count() { curl -sS --unix-socket "$ASSAY_STATE/run/console.sock" http://localhost/metrics | sed -n "s/^assay_requests_limited_total{limit=\"$1\"} //p"; }
counted() { [ "$(count reads)" -ge 15 ] && [ "$(count changes)" -ge 10 ] && [ "$(count admissions)" -ge 5 ] && [ "$(count failures)" -ge 20 ] || { for l in reads changes admissions failures; do count $l; done && return 1; }; }
check 'metrics count them by the limit' wait_for "$WAIT" counted
check 'the log says who' grep -q 'event=rate-limited actor=anna .*limit=reads' "$WORK/verifier.log"
verifier_stop

# ---- limits that are none ---------------------------------------------------------------
sed -i 's/_per_minute: .*/_per_minute: 0/' "$ASSAY_STATE/verifier.yaml"
check 'it starts without limits' verifier_start
second() { [ "$(grep -c 'role=console event=listening' "$WORK/verifier.log")" = 2 ]; }
check 'the console says where' wait_for "$WAIT" second
SERVER=https://localhost:$(remote_port)
check 'i7 then there are none' equal "$(many anna 100 /v1/status)" '100*200'
check 'i8 for failures neither' equal "$(many 0123456789abcdef 40 /v1/status)" '40*401'
verifier_stop
lib_end
