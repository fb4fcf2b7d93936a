#!/bin/bash
# Operators by client certificate (I8): right, wrong, unknown, expired, not yet valid, revoked
# and of too low a role; with a token beside it; resumed connections; and profiles, which say
# where the verifier is and who asks.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
assay=$ASSAY_BIN/assay

# ---- certificates ----------------------------------------------------------------
days() { date -u -d "$1 days" +%y%m%d%H%M%SZ; }
# NAME [ALGORITHM [FROM [TO [EXTENSION]]]]: self-signed, $WORK/NAME.pem and NAME.key
certificate() {
	local name=$1 from=${3:--1} to=${4:-100}
	local c=$WORK/ca-$name
	mkdir -p "$c" && : >"$c/index" && echo 01 >"$c/serial" || return 1
	printf '%s\n' '[ca]' 'default_ca=c' '[c]' "database=$c/index" "serial=$c/serial" "new_certs_dir=$c" \
		'default_md=sha256' 'policy=p' 'unique_subject=no' 'x509_extensions=x' '[p]' 'commonName=supplied' \
		'[req]' 'distinguished_name=d' '[d]' '[x]' "${5:-basicConstraints=CA:FALSE}" >"$c/conf"
	# shellcheck disable=SC2086 # words
	openssl genpkey -out "$WORK/$name.key" -algorithm ${2:-EC -pkeyopt ec_paramgen_curve:P-256} 2>/dev/null &&
		openssl req -new -config "$c/conf" -key "$WORK/$name.key" -subj "/CN=$name" -out "$c/req" 2>/dev/null &&
		openssl ca -config "$c/conf" -selfsign -batch -notext -keyfile "$WORK/$name.key" -in "$c/req" \
			-startdate "$(days "$from")" -enddate "$(days "$to")" -out "$WORK/$name.pem" 2>"$c/err" || { cat "$c/err" && return 1; }
}
hash_of() { openssl x509 -in "$WORK/$1.pem" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1; }
for name in vera otto adam eve gone lost; do
	check "a certificate for $name" certificate $name
done
check 'one that has expired' certificate old '' -10 -1
check 'one that is not valid yet' certificate early '' 1 10
check 'one by Ed25519' certificate edith ED25519
check 'one by RSA' certificate rosa 'RSA -pkeyopt rsa_keygen_bits:2048'
check 'one with a weak key' certificate weak 'RSA -pkeyopt rsa_keygen_bits:1024'
check 'one for servers alone' certificate server '' -1 10 extendedKeyUsage=serverAuth

# ---- a verifier with a TLS port for operators --------------------------------
check 'init makes a verifier' verifier_init --name localhost --accept-virtual-tpm
echo 'console_listen: "127.0.0.1:0"' >>"$ASSAY_STATE/verifier.yaml"
check 'it starts' verifier_start
remote_port() { grep -o 'role=console event=listening .* port=[0-9]*' "$WORK/verifier.log" | tail -n 1 | grep -o '[0-9]*$'; }
check 'the console says where it listens' wait_for "$WAIT" remote_port
PORT=$(remote_port)
SERVER=https://localhost:$PORT
CA=$ASSAY_STATE/tls/console-cert.pem

ask() { # NAME PATH ARGUMENT...: with that certificate, '' for none; status to $status
	local with=() name=$1 path=$2
	shift 2
	[ -z "$name" ] || with=(--cert "$WORK/$name.pem" --key "$WORK/$name.key")
	: >"$WORK/body"
	status=$(curl -sS --max-time 20 --cacert "$CA" "${with[@]}" "$@" -D "$WORK/head" -o "$WORK/body" \
		-w '%{http_code}' "$SERVER$path" 2>"$WORK/curl")
}
answers() { # STATUS NAME PATH ARGUMENT...
	local want=$1
	shift
	ask "$@"
	equal "$status" "$want" || { cat "$WORK/body" "$WORK/curl" && return 1; }
	case $want in
	200) ;;
	000) [ -s "$WORK/curl" ] ;;
	*) jq -e --argjson s "$want" '.status == $s and .type == "about:blank"' "$WORK/body" >/dev/null ;;
	esac
}
order=(-H 'Content-Type: application/json' --data-binary '{"class":"gateway"}')

# ---- registering ---------------------------------------------------------------------
add() { # NAME ROLE
	"$assay" operator add "$1" --role "$2" --certificate "$WORK/$1.pem" --json >"$WORK/added" &&
		equal "$(jq -r '[.certificate, .role, has("token")] | @csv' "$WORK/added")" "\"$(hash_of "$1")\",\"$2\",false"
}
check 'i8 unregistered it is nobody' answers 401 vera /v1/status
for pair in vera:viewer otto:operator adam:admin gone:admin edith:viewer rosa:viewer weak:viewer server:viewer; do
	check "i8 $pair is registered" add "${pair%:*}" "${pair#*:}"
done
lasts() { jq -e --argjson left $((100 * 86400)) '.expires - .created | . > $left - 3600 and . <= $left' "$WORK/added" >/dev/null || { cat "$WORK/added" && return 1; }; }
add_der() {
	openssl x509 -in "$WORK/lost.pem" -outform DER -out "$WORK/lost.der" &&
		"$assay" operator add lost --role viewer --certificate "$WORK/lost.der" --json >"$WORK/added"
}
check 'a file in DER is as good' add_der
check 'it counts as long as the certificate' lasts
complains() { # STATUS TEXT ARGUMENT...
	local want=$1 text=$2 got=0
	shift 2
	"$assay" "$@" >"$WORK/1" 2>"$WORK/2" </dev/null || got=$?
	cat "$WORK/1" "$WORK/2"
	[ "$got" = "$want" ] && [ ! -s "$WORK/1" ] && grep -qF -- "$text" "$WORK/2"
}
check 'a certificate has one operator' complains 2 'already' operator add vera-2 --role viewer --certificate "$WORK/vera.pem"
check 'an expired one is refused' complains 2 'has expired' operator add old --role viewer --certificate "$WORK/old.pem"
check 'a file that holds none' complains 2 'holds no certificate' operator add x --role viewer --certificate "$WORK/vera.key"
by_hash() { # NAME: as the API has it, which is told no more than the hash
	curl -sS --unix-socket "$ASSAY_STATE/run/console.sock" -H 'Content-Type: application/json' -f \
		--data-binary "{\"name\":\"$1\",\"role\":\"viewer\",\"cert\":\"$(hash_of "$1")\"}" http://localhost/v1/operators
}
check 'i8 the expired one is registered by its hash' by_hash old
check 'i8 and the early one' by_hash early
listed() { "$assay" operator list | grep -q "^vera .*certificate $(hash_of vera | cut -c1-16)" && "$assay" operator list | grep -q '^admin .*token'; }
check 'operator list tells who has what' listed

# ---- asking ---------------------------------------------------------------------------
check 'i8 the right certificate asks' answers 200 vera /v1/status
check 'i8 by Ed25519 too' answers 200 edith /v1/status
check 'i8 by RSA too' answers 200 rosa /v1/status
check 'i8 by TLS 1.2 too' answers 200 vera /v1/status --tls-max 1.2
check 'i8 nobody needs one' answers 200 '' /v1/status -H "Authorization: Bearer $(cat "$ASSAY_STATE/operator.token")"
check 'i8 without one and without a token' answers 401 '' /v1/status
check 'i8 an unknown one' answers 401 eve /v1/status
check 'i8 an expired one' answers 401 old /v1/status
check 'i8 one before its time' answers 401 early /v1/status
check 'i8 of too low a role' answers 403 vera /v1/tokens "${order[@]}"
check 'i8 of the right role' answers 200 otto /v1/tokens "${order[@]}"
check 'i8 an operator makes no operators' answers 403 otto /v1/operators
check 'i8 an administrator does' answers 200 adam /v1/operators

# ---- browsers, which send a certificate unasked with what a page of others makes them ask -----
page='Origin: https://evil.example'
check 'i8 a page of others gives no order' answers 403 otto /v1/tokens "${order[@]}" -H "$page"
check 'i8 nor one that does not say which it is' answers 403 otto /v1/tokens "${order[@]}" -H 'Origin: null'
form() { # an empty form: of no type that it may not send
	answers 403 adam /v1/operators/vera/revoke -H "$page" -H 'Content-Type: application/x-www-form-urlencoded' --data-binary '' &&
		answers 200 vera /v1/status
}
check 'i8 nor by an empty form' form
check 'i8 a page of this very port does' answers 200 otto /v1/tokens "${order[@]}" -H "Origin: ${SERVER/localhost/LOCALHOST}"
check 'i8 where a token is, no browser sent it unasked' answers 200 '' /v1/tokens "${order[@]}" -H "$page" -H "Authorization: Bearer $(cat "$ASSAY_STATE/operator.token")"
stream() { # STATUS NAME ARGUMENT...
	local want=$1 name=$2
	shift 2
	ask "$name" '/v1/decisions?nonce=0123456789abcdef' --max-time 2 --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
		-H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Protocol: assay.decisions.v1' "$@"
	equal "$status" "$want"
}
check 'i8 the stream is for a program with the certificate' stream 101 vera
check 'i8 and for no page of others' stream 401 vera -H "$page"
weakly() { answers 000 weak /v1/status --ciphers DEFAULT@SECLEVEL=0; }
check 'i8 a weak key ends in the handshake' weakly
check 'i8 one for servers alone ends in the handshake' answers 000 server /v1/status
same_name() { certificate vera-again && cp "$WORK/vera.pem" "$WORK/keep.pem" && openssl req -x509 -new -key "$WORK/vera-again.key" -subj /CN=vera -days 9 -out "$WORK/vera-again.pem" && answers 401 vera-again /v1/status; }
check 'i8 a certificate of the same name is another one' same_name
renewed() { openssl req -x509 -new -key "$WORK/vera.key" -subj /CN=vera -days 9 -out "$WORK/vera-new.pem" && cp "$WORK/vera.key" "$WORK/vera-new.key" && answers 401 vera-new /v1/status; }
check 'i8 so is another certificate of the same key' renewed
large_chain() { # 40 certificates: more than a handshake may bring
	{ for _ in {1..40}; do cat "$WORK/rosa.pem"; done; } >"$WORK/chain.pem" && cp "$WORK/rosa.key" "$WORK/chain.key"
	answers 000 chain /v1/status && answers 200 vera /v1/status
}
check 'i7 a chain without end is cut off' large_chain

# ---- beside a token ---------------------------------------------------------------------
check 'i8 a wrong token is refused in spite of the certificate' answers 401 adam /v1/status -H 'Authorization: Bearer 0123456789abcdef'
check 'i8 so is what is no token' answers 401 adam /v1/status -H 'Authorization: Basic YTpi'
token=$("$assay" operator add tom --role viewer 2>/dev/null)
check 'i8 the token counts, not the certificate' answers 403 adam /v1/operators -H "Authorization: Bearer $token"
check 'i8 both ways' answers 200 vera /v1/operators -H "Authorization: Bearer $(cat "$ASSAY_STATE/operator.token")"
hash_as_token() { answers 401 '' /v1/status -H "Authorization: Bearer $(hash_of adam)"; }
check "i8 the certificate's hash is no token" hash_as_token

# ---- resumption ---------------------------------------------------------------------------
http() { printf 'GET /v1/operators HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'; }
tls() { # VERSION ARGUMENT...: what openssl says of the connection and what the verifier answers
	local version=$1
	shift
	{ http && sleep 1; } | timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -CAfile "$CA" "-$version" -ign_eof "$@" >"$WORK/tls" 2>&1
	grep -a -E '^(New|Reused), |^HTTP/1.1 ' "$WORK/tls" | sed -E 's/^(New|Reused).*/\1/; s/^(HTTP.1.1 [0-9]*).*/\1/'
}
for version in tls1_2 tls1_3; do
	with=(-cert "$WORK/adam.pem" -key "$WORK/adam.key")
	proved() { equal "$(tls $version "${with[@]}" -sess_out "$WORK/session" | tr '\n' ' ')" 'New HTTP/1.1 200 ' || { tail -n 30 "$WORK/tls" && return 1; }; }
	again() { # STATUS ARGUMENT...
		local want=$1
		shift
		[ -s "$WORK/session" ] || { tls $version "$@" | grep -qx "HTTP/1.1 $want"; return; } # nothing to resume by
		tls $version -sess_in "$WORK/session" "$@" >"$WORK/again"
		! grep -qx Reused "$WORK/again" && grep -qx "HTTP/1.1 $want" "$WORK/again" || { cat "$WORK/again" && return 1; }
	}
	rm -f "$WORK/session"
	check "i8 a session of $version" proved
	check 'i8 does not carry its identity over' again 401
	check 'i8 nor into that of another' again 403 -cert "$WORK/vera.pem" -key "$WORK/vera.key"
	check 'i8 nor lose it' again 200 "${with[@]}"
done
one_by_one() { # requests of one connection, each with its own answer
	curl -sS --cacert "$CA" --cert "$WORK/vera.pem" --key "$WORK/vera.key" -o /dev/null -o /dev/null -w '%{http_code} %{num_connects}\n' \
		"$SERVER/v1/status" "$SERVER/v1/policies" | tr '\n' ' ' >"$WORK/two"
	equal "$(cat "$WORK/two")" '200 1 200 0 '
}
check 'a connection goes on with its certificate' one_by_one

# ---- the command ---------------------------------------------------------------------------
remote() { env -u ASSAY_STATE "$assay" "$@"; }
me=(--server "$SERVER" --ca "$CA" --certificate "$WORK/vera.pem" --key "$WORK/vera.key")
check 'assay asks with a certificate' remote status "${me[@]}"
denied() { ! remote token create --class c "${me[@]}" 2>"$WORK/2" && grep -q 'needs the role operator; vera has viewer' "$WORK/2"; }
check 'and is told what it may not' denied
check_status 3 'with an unknown one' remote status --server "$SERVER" --ca "$CA" --certificate "$WORK/eve.pem" --key "$WORK/eve.key"
both() { cat "$WORK/vera.pem" "$WORK/vera.key" >"$WORK/both.pem" && remote status --server "$SERVER" --ca "$CA" --certificate "$WORK/both.pem"; }
check 'certificate and key in one file' both
check_status 64 'a server without either' remote status --server "$SERVER"
by_environment() { ASSAY_SERVER=$SERVER ASSAY_CA=$CA ASSAY_CERTIFICATE=$WORK/vera.pem ASSAY_KEY=$WORK/vera.key remote status; }
check 'from the environment' by_environment
nearer() { ASSAY_TOKEN_FILE=$WORK/nowhere remote status "${me[@]}"; }
check 'what is said nearer is the whole credential' nearer

# ---- profiles ---------------------------------------------------------------------------------
export XDG_CONFIG_HOME=$WORK/config
mkdir -p "$XDG_CONFIG_HOME/assay"
profile() { printf '%s\n' "${@:2}" >"$XDG_CONFIG_HOME/assay/$1.profile"; }
cp "$WORK/otto.pem" "$WORK/otto.key" "$CA" "$XDG_CONFIG_HOME/assay"
profile otto '# the plant in the north' "server: $SERVER" 'ca: console-cert.pem' '' 'certificate: otto.pem' 'key:   otto.key  '
is_otto() { remote token create --class by-otto "$@" && "$assay" audit list --json | jq -e '.audit[0] | .actor == "otto"' >/dev/null || { "$assay" audit list | head -n 3 && return 1; }; }
check 'a profile says where and who' is_otto --profile otto
check 'by path too' is_otto --profile "$XDG_CONFIG_HOME/assay/otto.profile"
by_name() { ASSAY_PROFILE=otto is_otto; }
check 'and by the environment' by_name
home() { mkdir -p "$WORK/home/.config" && cp -r "$XDG_CONFIG_HOME/assay" "$WORK/home/.config" && env -u XDG_CONFIG_HOME HOME="$WORK/home" ASSAY_PROFILE=otto "$assay" status --json | jq -e . >/dev/null; }
check 'in the home folder' home
by_default() { profile default "state: $ASSAY_STATE" && remote status; }
check 'default is read unasked' by_default
default_server() { cp "$XDG_CONFIG_HOME/assay/otto.profile" "$XDG_CONFIG_HOME/assay/default.profile" && is_otto; }
check 'and may say a server' default_server
beaten() { remote operator list --socket "$ASSAY_STATE/run/console.sock" >"$WORK/1" && grep -q '^admin' "$WORK/1" && "$assay" operator list | grep -q '^admin'; }
check 'options and environment are nearer' beaten
# It is an option: what $ASSAY_STATE says is not asked then.
named() { ASSAY_STATE=/nowhere "$assay" status --json --profile otto | jq -e . >/dev/null; }
check 'and so is a profile that is named' named
before() { remote --profile otto status --json | jq -e . >/dev/null; }
check 'it may stand before the command' before
hint() { ! XDG_CONFIG_HOME=/nowhere remote status --server "$SERVER" --token-file "$WORK/token" 2>"$WORK/2" && grep -q -- '--ca FILE says who' "$WORK/2"; }
check 'a server that nobody vouches for: what to do' eval 'echo "$token" >"$WORK/token" && hint'
mixed() { remote operator list --certificate "$WORK/adam.pem" --key "$WORK/adam.key" | grep -q '^admin'; }
check 'another certificate at the same place' mixed
by_token() { profile tom "server: $SERVER" "ca: $CA" "token_file: tom.token" && echo "$token" >"$XDG_CONFIG_HOME/assay/tom.token" && remote status --profile tom; }
check 'a profile with a token' by_token
wrong() { # TEXT LINE...
	profile wrong "${@:2}" && complains 2 "wrong.profile$1" status --profile wrong
}
check 'an unknown key' wrong ':2:1: no such key; there are server, socket' "server: $SERVER" 'sever: x'
check 'a key twice' wrong ':2:1: this key is given twice' 'ca: a' 'ca: b'
check 'a line of no form' wrong ':1:1: expected' server
check 'a key without a value' wrong ':1:1: expected' 'server: '
check 'a control character' wrong ':1:5: control' "$(printf 'ca: \033')"
check 'two places' wrong ': give one of server, socket and state' "server: $SERVER" 'state: /x'
plainly() { profile plain 'server: http://x' 'token_file: x' && ! remote status --profile plain 2>"$WORK/2" && grep -q 'https://' "$WORK/2"; }
check 'a server without TLS' plainly
check 'a profile that is not there' complains 3 'none.profile' status --profile none
rm -rf "$XDG_CONFIG_HOME/assay"

# ---- the stream, and the end ---------------------------------------------------------------------
watch() { remote decision watch --server "$SERVER" --ca "$CA" --certificate "$WORK/gone.pem" --key "$WORK/gone.key" --json "$@"; }
watching() { start watch env -u ASSAY_STATE "$assay" decision watch --server "$SERVER" --ca "$CA" --certificate "$WORK/gone.pem" --key "$WORK/gone.key" --json; }
watching
heard() { grep -q '"type":"snapshot"\|"type":"current"' "$WORK/watch.log"; }
check 'i8 a certificate opens the stream' wait_for "$WAIT" heard
check 'i8 its operator is revoked' "$assay" operator revoke gone
check 'i8 at once' answers 401 gone /v1/status
ended() { ! alive watch && grep -q 'ended the stream: token' "$WORK/watch.log"; }
check 'i8 and the stream ends within a heartbeat' wait_for 12 ended
check_status 3 'i8 nor does it open again' watch --count 1
unknown_watch() { ! remote decision watch --count 1 --server "$SERVER" --ca "$CA" --certificate "$WORK/eve.pem" --key "$WORK/eve.key" 2>"$WORK/2" && cat "$WORK/2" && grep -q token "$WORK/2"; }
check 'i8 nor for an unknown one' unknown_watch
audited() {
	"$assay" audit list --json >"$WORK/audit" && jq -e --arg h "$(hash_of otto)" \
		'[.audit[] | select(.action == "operator.add" and .object == "otto") | .detail] == ["operator, certificate \($h)"]
		and any(.audit[]; .action == "token.create" and .actor == "otto")
		and any(.audit[]; .action == "operator.revoke" and .object == "gone")' "$WORK/audit" >/dev/null
}
check 'i8 who did it is in the audit log' audited
why() { grep -q 'certificate-refused .*why=expired' "$WORK/verifier.log" || grep -q 'certificate-refused .*why=' "$WORK/verifier.log"; }
check 'i8 the log says why one was refused' why
verifier_stop
lib_end
