#!/bin/bash
# What leaves: decision records and their stream, tokens, keys and the audit log, judged by
# a relying party that shares no code with the verifier (tests/tools/relying_party.py, with
# python3-jwt). D16: a result kept and shown again.
. tests/attacks/lib.sh
lib_begin

if ! /usr/bin/python3 -c 'import jwt, cryptography' 2>/dev/null; then
	skip 'relying parties' 'python3-jwt or python3-cryptography is not installed'
	exit 0
fi

party() { # OPTION...
	tests/tools/relying_party.py --socket "$ASSAY_STATE/run/console.sock" --root "$ROOT" "$@"
}
begin() {
	fleet_begin 'console_listen: "127.0.0.1:0"' && attacker_start && fleet_golden && enrolled 2 &&
		says 'decision ADMIT *' proof && ek_of 2 && SECOND=$ID && ROOT=$(assay key list --json | jq -r .root) &&
		api /v1/operators '{"name": "gate-1", "role": "relying-party"}' | jq -r .token >"$WORK/gate.token"
}
check 'a verifier with two devices' begin
[ "$failures" = 0 ] || exit 1
PORT=$(cat "$ASSAY_STATE/run/port")

# ---- the stream ---------------------------------------------------------------
snapshot() {
	party --until heartbeat >"$WORK/s" && cat "$WORK/s" && grep -q '^snapshot 3$' "$WORK/s" &&
		grep -q "^decision 2 $GOLDEN admit policy.met" "$WORK/s" && grep -q "^decision 3 $SECOND admit" "$WORK/s" &&
		grep -q '^current 3$' "$WORK/s"
}
check 'a relying party gets a snapshot that verifies' snapshot
over_tls() { # with a token on the listener for devices
	tests/tools/relying_party.py --port "$PORT" --token-file "$WORK/gate.token" --root "$ROOT" --after 2 --until heartbeat >"$WORK/s" &&
		[ "$(grep -c '^decision' "$WORK/s")" = 1 ]
}
check 'on the listener for devices with a token of its role' over_tls
check_status 3 'not without a token' tests/tools/relying_party.py --port "$PORT" --root "$ROOT" --until heartbeat --seconds 3
echo 0123456789abcdef >"$WORK/bad.token"
check_status 3 'nor with one that is none' tests/tools/relying_party.py --port "$PORT" --token-file "$WORK/bad.token" --root "$ROOT" --until heartbeat --seconds 3
check_status 1 'another root is refused' party --root 2HCBR3VfW3S2eRThWEyZlBXtQ8loxV8Dx4J8wup0bIA --until heartbeat
upgraded() { # QUERY: the status of the handshake
	curl -s --max-time 2 --unix-socket "$ASSAY_STATE/run/console.sock" -o "$WORK/body" -w '%{http_code}' -H 'Connection: Upgrade' \
		-H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
		-H 'Sec-WebSocket-Protocol: assay.decisions.v1' "http://verifier/v1/decisions?nonce=0123456789abcdef$1" || true
}
long_filter() { equal "$(upgraded '')" 101 && [ "$(upgraded "&class=$(printf 'a%.0s' {1..3000})")" != 101 ] && [ "$(upgraded '%0A&class=x')" != 101 ] && [ "$(upgraded "&x=$(printf 'a%.0s' {1..3000})&class=no")" != 101 ]; }
check 'a filter that is too long or behind a line end is not left out' long_filter
over_port() { # QUERY OPTION...: status and body of a handshake on the listener for devices
	local query=$1
	shift
	curl -sSk --http1.1 --max-time 5 -o "$WORK/body" -D "$WORK/head" -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
		-H 'Sec-WebSocket-Protocol: assay.decisions.v1' "$@" "https://127.0.0.1:$PORT/v1/decisions$query"
}
answers() { # STATUS DETAIL QUERY OPTION...
	local status=$1 detail=$2
	shift 2
	equal "$(over_port "$@")" "$status" && jq -e --argjson s "$status" --arg d "$detail" '.status == $s and (.detail | contains($d))' "$WORK/body" &&
		grep -qi '^content-type: application/problem+json' "$WORK/head"
}
NONCE='?nonce=0123456789abcdef'
check 'a handshake without a token is answered with 401' answers 401 Bearer "$NONCE"
check 'and says how' grep -qi '^www-authenticate: Bearer' "$WORK/head"
check 'so is one whose token is none' answers 401 Bearer "$NONCE" -H 'Authorization: Basic YTpi'
check 'one with an unknown parameter with 400' answers 400 parameter "$NONCE&colour=red" -H "Authorization: Bearer $(cat "$WORK/gate.token")"
elsewhere() { [ "$(curl -sSk --max-time 5 -o "$WORK/body" -w '%{http_code}' "https://127.0.0.1:$PORT$1")" = "$2" ] && jq -e --argjson s "$2" '.status == $s' "$WORK/body"; }
check 'what is not at this port with 404' elsewhere /v1/devices 404
check 'and the stream without WebSocket with 400' elsewhere /v1/decisions 400
check_status 3 'a number from the future is refused' party --after 99 --until heartbeat --seconds 3

changes() {
	start party tests/tools/relying_party.py --socket "$ASSAY_STATE/run/console.sock" --root "$ROOT" --class fleet --until gone --seconds 20
	wait_for "$WAIT" grep -q '^heartbeat' "$WORK/party.log" && assay device hold "$GOLDEN" --reason test >/dev/null &&
		wait_for 4 grep -q "^decision 4 $GOLDEN quarantine operator.held 0$" "$WORK/party.log" &&
		assay device set "$SECOND" --class other >/dev/null && wait_for 4 grep -q "^gone [0-9]* $SECOND" "$WORK/party.log" &&
		assay device set "$SECOND" --class fleet >/dev/null
}
check 'a hold arrives at once, and a device that leaves the filter is gone' changes
check 'assay decision watch takes the same stream' "$ASSAY_BIN/assay" decision watch --root "$ROOT" --after 0 --count 4 --json
watched() { assay decision watch --root "$ROOT" --after 0 --count 4 >"$WORK/watched" && grep -q " \(admit\|quarantine\) *$(show "$GOLDEN" | jq -r .tier)  " "$WORK/watched" || { cat "$WORK/watched" && return 1; }; }
check 'in words, with the tier' watched
signed_tier() { equal "$(assay decision show "$GOLDEN" --json | jq -r .record | cut -d. -f2 | tr '_-' '/+' | base64 -di 2>/dev/null | jq -r .tier)" "$(show "$GOLDEN" | jq -r .tier)"; }
check 'the tier that was enrolled is in what is signed' signed_tier
check_status 1 'and refuses it from another root' "$ASSAY_BIN/assay" decision watch --root 2HCBR3VfW3S2eRThWEyZlBXtQ8loxV8Dx4J8wup0bIA --count 1

# Rounds go on at one a second; half of the validity of 10 s is soon over.
extended() {
	policy fleet 's/patience: .*/patience: 10/' && says 'decision ADMIT *' session s2 , device 2 , connect , hello , proof || return
	start extension tests/tools/relying_party.py --socket "$ASSAY_STATE/run/console.sock" --root "$ROOT" --seconds 30
	for _ in {1..8}; do says 'decision ADMIT *' session s2 , recv , proof || return; done
	wait_for "$WAIT" grep -q "^extension [0-9]* $SECOND" "$WORK/extension.log" && [ "$(grep -c "^decision.*$SECOND" "$WORK/extension.log")" = 1 ]
}
check 'validity is extended without a record per round' extended
expires() { # after the last round: an event of its own
	wait_for 40 eval '[ "$(reason "$SECOND")" = decision.expired ]' && party --until heartbeat | grep "$SECOND quarantine decision.expired" &&
		policy fleet
}
check 'silence ends in a record that says so' expires

# ---- tokens -------------------------------------------------------------------
good_again() { # a device held for a while needs a new verdict
	assay device release "$GOLDEN" >/dev/null && says 'decision ADMIT *' session s1 , device 1 , connect , hello , proof
}
check 'the device is admitted again' good_again
token() { # DEVICE [QUERY]
	api "/v1/devices/$1/token${2:-}" | tee "$WORK/token.json" | jq -er .token >"$WORK/token"
}
jwks() { curl -sSk "https://127.0.0.1:$PORT/.well-known/jwks.json" >"$WORK/jwks"; }
python_says() { # PYTHON: an expression over the verified token t
	/usr/bin/python3 - "$1" "$WORK/token" "$WORK/jwks" <<-'P'
		import json, sys, jwt
		token = open(sys.argv[2]).read().strip()
		keys = {k["kid"]: jwt.algorithms.ECAlgorithm.from_jwk(json.dumps(k)) for k in json.load(open(sys.argv[3]))["keys"]}
		def verify(text):
		    return jwt.decode(text, keys[jwt.get_unverified_header(text)["kid"]], algorithms=["ES256"], audience="rp")
		t = verify(token)
		def refused(text):
		    try:
		        verify(text)
		    except (jwt.PyJWTError, KeyError, ValueError):
		        return True
		    return False
		sub = t["submods"][t["sub"]]
		print(json.dumps(t, indent=1))
		sys.exit(not eval(sys.argv[1]))
	P
}
NONCE=AAECAwQFBgcICQoLDA0ODxAREhMUFRYX
check 'a relying party gets a token with its nonce' eval 'token "$GOLDEN" "?audience=rp&nonce=$NONCE" && jwks'
check 'python3-jwt verifies it with the key set' python_says "t['eat_nonce'] == '$NONCE' and t['eat_profile'] == 'tag:ietf.org,2026:rats/ear#03'"
check 'it names policy, version and digest, the device and its key' python_says \
	"sub['ear_appraisal_policy_ids'][0].startswith('assay:policy:fleet:') and ':sha256:' in sub['ear_appraisal_policy_ids'][0] and t['sub'] == '$GOLDEN' and t['cnf']['jwk']['kty'] == 'EC'"
check 'its status is none that its vector does not allow' python_says \
	"sub['ear_status'] == ('warning' if max(sub['ear_trustworthiness_vector'].values()) >= 32 else 'affirming') and t['ear_status'] == sub['ear_status']"
check 'it ends with the decision' python_says "t['exp'] == $(show "$GOLDEN" | jq .expires) or abs(t['exp'] - $(show "$GOLDEN" | jq .expires)) < 3"
check 'i11_no altered token verifies for python3-jwt' python_says \
	"all(refused(token[:i] + ('A' if token[i] != 'A' else 'B') + token[i+1:]) for i in range(0, len(token) - 2, 7) if token[i] != '.')"
verify_token() { "$ASSAY_BIN/assay" verify token "$WORK/${2:-token}" --jwks "$WORK/jwks" --root "$ROOT" --audience "${1:-rp}" --nonce "$NONCE"; }
check 'assay verify token says the same' verify_token
check_status 1 'not for another audience' verify_token other
altered() { # PYTHON: the token made anew from header h, payload p, signature s
	/usr/bin/python3 - "$1" "$WORK/token" >"$WORK/altered" <<-'P'
		import base64, hashlib, hmac, json, sys
		h, p, s = open(sys.argv[2]).read().strip().split(".")
		def un(x): return json.loads(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
		def b(x): return base64.urlsafe_b64encode(x if isinstance(x, bytes) else json.dumps(x).encode()).decode().rstrip("=")
		print(eval(sys.argv[1]))
	P
}
while read -r status name expression; do
	check "a token for $name" altered "$expression"
	check_status "$status" "i11_${name}_is_refused" verify_token rp altered
done <<-'END'
	1 alg_none b(dict(un(h),alg='none'))+'.'+p+'.'
	1 alg_none_with_its_signature b(dict(un(h),alg='none'))+'.'+p+'.'+s
	1 alg_hs256_with_the_public_key b(dict(un(h),alg='HS256'))+'.'+p+'.'+b(hmac.new(b'key',(h+'.'+p).encode(),hashlib.sha256).digest())
	1 unknown_crit b(dict(un(h),crit=['x'],x=1))+'.'+p+'.'+s
	1 a_key_of_its_own b(dict(un(h),jwk={'kty':'EC'}))+'.'+p+'.'+s
	1 another_kid b(dict(un(h),kid='x'))+'.'+p+'.'+s
	1 a_float_iat h+'.'+b(dict(un(p),iat=float(un(p)['iat'])))+'.'+s
	1 a_longer_life h+'.'+b(dict(un(p),exp=un(p)['exp']+9999))+'.'+s
	2 trailing_data h+'.'+p+'.'+s+'.x'
	2 padding h+'.'+p+'.'+s+'=='
END

check 'd16_what_was_given_ends_with_its_decision' python_says "t['exp'] - t['iat'] <= 100"
# D16: nothing is affirmed of a device that is held or retired, whatever it has shown.
no_token() { # DEVICE WHY
	! token "$1" && cat "$WORK/token.json" && grep -q "no token: .*$2" "$WORK/token.json"
}
check 'd16_a_held_device_gets_no_token' eval 'assay device hold "$GOLDEN" >/dev/null && no_token "$GOLDEN" held'
check 'd16_nor_after_release_before_a_new_verdict' eval 'assay device release "$GOLDEN" >/dev/null && no_token "$GOLDEN" verdict'
check 'd16_nor_one_whose_verdict_expired' no_token "$SECOND" 'verdict\|expired'
check 'd16_a_token_of_another_device_names_the_other_and_its_key' eval 'says "decision ADMIT *" session s1 , device 1 , connect , hello , proof && token "$GOLDEN" "?audience=rp" && python_says "t[\"sub\"] != \"$SECOND\" and t[\"cnf\"]"'

# ---- keys ---------------------------------------------------------------------
rotated() {
	assay key rotate decision --overlap 1h >/dev/null && jwks && python_says True && party --until heartbeat >"$WORK/s" && grep -q '^keys 3' "$WORK/s"
}
check 'a rotated key is followed, and tokens of the old one hold for the overlap' rotated
check 'the new key signs tokens' eval 'token "$GOLDEN" "?audience=rp" && jwks && python_says True'
gone_key() { assay key rotate decision --overlap 0s >/dev/null && sleep 1.1 && curl -sSk "https://127.0.0.1:$PORT/.well-known/jwks.json" | jq -e '.keys | length <= 2'; }
check 'without overlap the old key is out of the set' gone_key

# ---- maintenance ----------------------------------------------------------------
window() {
	assay device maintain "$GOLDEN" --for 5s --reason 'new disk' >/dev/null && assay device show "$GOLDEN" | grep -q 'maintenance until .*: new disk' &&
		wait_for "$WAIT" eval '[ "$(show "$GOLDEN" | jq -r .overlay)" = none ]' && stands "$GOLDEN" QUARANTINE &&
		assay device history "$GOLDEN" | grep -q maintenance-ended &&
		says 'decision ADMIT *' session s1 , device 1 , connect , hello , proof
}
check 'd11_a_maintenance_window_ends_by_itself_and_asks_for_a_new_verdict' window
payload() { cut -d. -f2 | tr '_-' '/+' | base64 -di 2>/dev/null; }
within() { # what a window allows is not told to hold longer, in no form
	local until shown
	assay device maintain "$GOLDEN" --for 1h --reason 'new disk' >/dev/null && stands "$GOLDEN" QUARANTINE decision.awaits-verdict &&
		show "$GOLDEN" | jq -e '.trust == "awaited" and .would == null' >/dev/null || { show "$GOLDEN" && return 1; }
	api /metrics | grep -q '^assay_devices_stale [1-9]' || { api /metrics | grep ^assay_dev && return 1; }
	assay device release "$GOLDEN" >/dev/null && assay device maintain "$GOLDEN" --for 30s >/dev/null || return
	until=$(show "$GOLDEN" | jq -e .overlay_until) && [ "$until" -gt 0 ] &&
		says 'decision RESTRICT operator.maintenance*' session s1 , device 1 , connect , hello , proof || return
	equal "$(show "$GOLDEN" | jq -c '[.decision, .would, .expires]')" "[\"RESTRICT\",null,$until]" &&
		equal "$(assay decision show "$GOLDEN" --json | jq -r .record | payload | jq -c '[.outcome, .exp]')" "[\"restrict\",$until]" &&
		token "$GOLDEN" && equal "$(payload <"$WORK/token" | jq .exp)" "$until" || return
	shown=$(assay device show "$GOLDEN") && [[ $shown != *would* ]] && [[ $(assay device list) != *would* ]] || { echo "$shown" && return 1; }
	[[ $shown == *'decision holds until '* ]] || { echo "$shown" && return 1; }
	assay device hold "$GOLDEN" >/dev/null && shown=$(assay device show "$GOLDEN") && [[ $shown != *would* && $shown != *'holds until'* ]] || { echo "$shown" && return 1; }
	assay device release "$GOLDEN" >/dev/null && says 'decision ADMIT *' session s1 , device 1 , connect , hello , proof
}
check 'what a maintenance window allows ends with it, and is not said to be of monitor mode' within

# What failed is told when the verdict is old, too.
failed_and_old() {
	policy fleet 's/patience: .*/patience: 3/' && d session s2 && d device 2 && d extend 4 &&
		says 'decision QUARANTINE *' session s2 , connect , hello , proof || return
	wait_for 15 eval '[ "$(reason "$SECOND")" = decision.expired ]' && show "$SECOND" | jq -e '.trust == "failed" and (.failed | startswith("boot."))' &&
		assay device show "$SECOND" | grep 'failed .*boot\.' && policy fleet
}
check 'device show tells what failed although the verdict has expired' failed_and_old

# ---- the audit log ----------------------------------------------------------------
audited() {
	party --until heartbeat >"$WORK/s" && read -r _ _ _ seq hash < <(grep ^heartbeat "$WORK/s") &&
		assay audit export --output "$WORK/audit" && assay audit verify "$WORK/audit" --root "$ROOT" --expect-head "$seq:$hash" &&
		grep -q '"action":"decision"' "$WORK/audit" && grep -q '"action":"key.rotate"' "$WORK/audit" && grep -q '"detail":"new disk"' "$WORK/audit"
}
check 'an exported audit log is whole and has the head of a heartbeat' audited
check_status 1 'without its last entry it is not' eval 'grep -v "\"seq\":$(grep -c "\"seq\"" "$WORK/audit")," "$WORK/audit" >"$WORK/cut"; assay audit verify "$WORK/cut"'

# A file larger than what is held of it: of a line that never ends it is read no further.
large() {
	truncate -s 400M "$WORK/large" && (ulimit -v 262144 && assay audit verify "$WORK/large") >"$WORK/1" 2>&1
	[ $? = 1 ] && grep -q 'line 1: the line is longer than any that is written' "$WORK/1" || { cat "$WORK/1" && return 1; }
}
case $ASSAY_BIN in
*/asan*) skip 'a file larger than memory is checked, not refused' 'the sanitizer needs more memory than that' ;;
*) check 'a file larger than memory is checked, not refused' large ;;
esac
check 'it may come in by a pipe' eval 'assay audit verify - --root "$ROOT" <"$WORK/audit"'
check_status 3 'a folder is no log' assay audit verify "$WORK"

# ---- killed and resumed ---------------------------------------------------------------
verifier_restarted() { verifier_stop && verifier_start && d port "$(cat "$ASSAY_STATE/run/port")"; }
storm() {
	local i last=0 ids=()
	for i in {30..45}; do
		allow fleet "$i" && says 'enrolled * pending=0' session "x$i" , device "$i" , connect , enrol && d recv && d proof && ek_of "$i" && ids+=("$ID")
	done
	last=$(party --until heartbeat | awk '$1 == "current" { print $2 }')
	echo "$last" >"$WORK/from"
	: >"$WORK/seen"
	start changes tests/tools/changes.py "$ASSAY_STATE/run/console.sock" 200 "${STORM:-25}" "${ids[@]}"
	for i in {1..50}; do
		{ timeout -s KILL "0.$((RANDOM % 4 + 3))" tests/tools/relying_party.py --socket "$ASSAY_STATE/run/console.sock" --root "$ROOT" \
			--after "$last" --seconds 20 >"$WORK/part" 2>"$WORK/part.err"; } 2>/dev/null
		[ $? != 1 ] || { cat "$WORK/part.err"; return 1; }
		# the last line may be cut: it was not processed
		sed '$d' "$WORK/part" | grep -E '^(decision|gone)' >>"$WORK/seen"
		last=$(awk 'END { print $2 }' "$WORK/seen")
		[ -n "$last" ] || last=$(cat "$WORK/from")
		[ "$i" != 25 ] || verifier_restarted || return 1
	done
	wait "${started[changes]}"
	unset "started[changes]"
	party --after "$last" --until current | grep -E '^(decision|gone)' >>"$WORK/seen"
	# what came to be since then is in none of both
	last=$(awk 'END { print $2 }' "$WORK/seen")
	party --after "$(cat "$WORK/from")" --until current | grep -E '^(decision|gone)' | awk -v last="$last" '$2 + 0 <= last + 0' >"$WORK/whole"
	echo "orders: $(cat "$WORK/changes.log"), records: $(wc -l <"$WORK/whole")"
	[ "$(wc -l <"$WORK/whole")" -ge 1000 ] && cmp "$WORK/seen" "$WORK/whole"
}
check 'killed and resumed 50 times under changes, every decision is there once and in order' storm
tail -n 2 "$WORK/out" | sed 's/^/# /'

slow() { # one that takes nothing; the others hear what they should
	/usr/bin/python3 - "$ASSAY_STATE/run/console.sock" <<-'P' &
		import select, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		s.connect(sys.argv[1])
		s.sendall(b"GET /v1/decisions?nonce=0123456789abcdefghij&after=0 HTTP/1.1\r\nHost: v\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: assay.decisions.v1\r\n\r\n")
		p = select.poll()
		p.register(s, 0)
		sys.exit(not p.poll(60000)) # hung up
	P
	started[slow]=$!
	party --until heartbeat=8 --seconds 42 >"$WORK/s" && wait_for 10 grep -q 'event=stream-end.*reason=slow' "$WORK/verifier.log" &&
		wait "${started[slow]}" && unset "started[slow]"
}
check 'a slow consumer is cut off and nobody else notices' slow
lib_end
