#!/bin/bash
# The agent on a real TPM against a verifier made for the test: enrols once, attests,
# reconnects for ever, keeps its keys, trusts one verifier only, and says what is wrong.
# time-limit: 600
. tests/integration/lib.sh
lib_begin

agent=$ASSAY_BIN/assay-attester
log=tests/data/eventlog/uki-good.bin
said() { grep -q -- "$1" "$WORK/$2.log"; }
says() { wait_for "$WAIT" said "$2" "$1" || { tail -n 20 "$WORK/$1.log"; return 1; }; } # WHO PATTERN
count() { grep -c -- "$2" "$WORK/$1.log"; }
more() { [ "$(count "$1" "$2")" -gt "$3" ]; }
says_again() { # WHO PATTERN: once more than now
	wait_for "$WAIT" more "$1" "$2" "$(count "$1" "$2")" || { tail -n 20 "$WORK/$1.log"; return 1; }
}

certificate() { # NAME [ALTERNATIVE-NAMES]
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj "/CN=$1" -addext "subjectAltName=${2:-DNS:localhost,IP:127.0.0.1}" \
		-keyout "$WORK/$1.key" -out "$WORK/$1.pem" 2>"$WORK/openssl.log"
}
pin() { # NAME: SHA-256 of the SubjectPublicKeyInfo
	openssl x509 -in "$WORK/$1.pem" -pubkey -noout | openssl pkey -pubin -outform DER |
		sha256sum | cut -d ' ' -f 1
}
# Starts the verifier; $url is where. `known` as first word: it remembers the device.
fake() { # [known] OPTION...
	local options=()
	[ "${1:-}" = known ] && shift && options=(memory "$WORK/memory")
	: >"$WORK/fake.log"
	rm -f "$WORK/port"
	start fake "$ASSAY_BIN/tests/tools/fake_verifier" "$WORK/${cert:-right}.pem" \
		"$WORK/${cert:-right}.key" "$WORK/port" "${options[@]}" "$@"
	wait_for "$WAIT" test -s "$WORK/port" && url=wss://127.0.0.1:$(cat "$WORK/port")
}
arguments() { # STATE ARGUMENT...: into $args
	args=("$agent" --verifier "$url" --state "$WORK/$1" --tcti "$(tpm_tcti gateway)" --boot-log "$log" "${@:2}")
}
run_agent() { arguments "$@" && "${args[@]}"; }
start_agent() { # STATE ARGUMENT...
	arguments "$@"
	: >"$WORK/agent.log"
	start agent "${args[@]}"
	agent_pid=${started[agent]}
}
fails_with() { # STATUS TEXT COMMAND...: one line that has TEXT
	local want=$1 text=$2 status=0 out
	shift 2
	out=$("$@" 2>&1 >/dev/null) || status=$?
	[ "$status" = "$want" ] && [[ $out == *"$text"* ]] && [ "$(wc -l <<<"$out")" = 1 ] ||
		{ echo "status $status: $out"; return 1; }
}

set_up() {
	certificate right && certificate wrong && certificate elsewhere DNS:elsewhere && tpm_make gateway sha1,sha256 &&
		tpm_boot gateway "$log"
}
check 'a TPM that booted, and a verifier with its key' set_up
token=t1.s3cret.$(pin right)

# ---- enrolment and attestation ----
check 'the verifier starts' fake known
start_agent device --token "$token" --retry-max 1
check 'the device enrols with its token' says fake '^enrol token=t1$'
check 'it activates the credential' says fake '^activated$'
check 'its proof holds: signature, binding, name, PCRs' says fake '^proof assay-attester '
check 'its boot log is the one claimed' says fake "^boot-log $(stat -c %s "$log")\$"
check 'it logs the decision' says agent 'event=decision outcome=admit'
check 'it attests again at the interval' says_again fake '^proof'
stop agent
start_agent device --retry-max 1
check 'started anew it says hello, without a token' says fake '^hello$'
check 'and proves the same key' says_again fake '^proof'

# ---- what happens in between ----
reset() { tpm_boot gateway "$log" && says_again fake '^proof'; }
check 'the TPM is reset under it, and it attests' reset
extend() { tpm_extend gateway "4:sha256:$(printf %064d 9)" && says_again fake '^proof'; }
check 'a PCR changes under it, and it attests' extend
off() { tpm_stop gateway && says agent 'event=fault error=unreachable'; }
check 'the TPM goes away: it says so' off
on() { tpm_boot gateway "$log" && says_again fake '^proof'; }
check 'the TPM comes back: it attests' on
check 'it enrolled once in all this' equal "$(count fake '^enrol')" 1
check 'nothing that the verifier checks was wrong' equal "$(count fake '^bad')" 0
away() { stop fake && says agent 'event=disconnected' && says_again agent 'event=disconnected'; }
check 'the verifier goes away: it tries again and again' away
stop agent
fake known
port=$(cat "$WORK/port")
start_agent device --retry-max 1
check 'the verifier is back: it says hello' says fake '^hello$'
small() {
	# holds of a build without sanitizers
	nm -D "$agent" | grep -q '__asan_init' && return
	awk '/^RssAnon:/ && $2 > 6144 || /^VmRSS:/ && $2 > 16384 { print; bad = 1 }
		END { exit bad }' "/proc/$agent_pid/status"
}
check 'it attests' says fake '^proof'
check 'at rest it takes under 6 MB of its own and 16 MB in all' small
grep -E '^(RssAnon|VmRSS)' "/proc/$agent_pid/status" | tr -s '\n\t ' ' ' | sed 's/^/# /'
echo
terminates() {
	local status=0
	kill -TERM "$agent_pid" && wait "$agent_pid" || status=$?
	unset 'started[agent]'
	equal "$status" 0
}
check 'SIGTERM ends it with status 0' terminates
stop fake
fake # one that knows nothing
start_agent device --retry-max 1
check 'a verifier that does not know the device gets it enrolled again' says fake '^activated$'
check 'and evidence' says fake '^proof'
stop agent
stop fake

# ---- one decision ----
once() { fake known "$@" && run_agent device --once; }
check_status 0 'once: admitted is status 0' once outcome 3
stop fake
check_status 1 'once: restricted is status 1' once outcome 2
stop fake
check_status 1 'once: quarantined is status 1' once outcome 1
cp "$WORK/out" "$WORK/once.log"
check 'findings are logged' said 'event=finding id=boot.pcr4' once
check 'so is what to do' said 'event=remediation text="Say \\"please\\"."' once
stop fake
check_status 3 'once: nobody there is status 3' run_agent device --once

# ---- whom it trusts ----
because() { # WORD CASE: the last command's output has it
	if grep -qi -- "$1" "$WORK/out"; then ok "$2"; else not_ok "$2" "$(cat "$WORK/out")"; fi
}
unseen() { ! grep -qE '^(enrol|hello|proof)' "$WORK/fake.log"; }
cert=wrong fake
check_status 3 'I15: another key than the token names is refused' run_agent new --once --token "$token"
because 'not the one that the token names' 'I15: that was the reason'
check 'I15: and nothing was sent to it' unseen
check_status 3 'I15: also by a device that is enrolled' run_agent device --once
check 'I15: nor was anything sent then' unseen
stop fake
fake tls12 no-ems
check_status 3 'I17: TLS 1.2 without extended master secret is refused' run_agent device --once
because 'extended master secret' 'I17: that was the reason'
check 'I17: and nothing was sent' unseen
stop fake
fake known tls12
check_status 0 'TLS 1.2 with extended master secret is accepted' run_agent device --once
stop fake
fake unbound memory "$WORK/other.memory"
check_status 3 'I17: a challenge that does not bind the channel is denied' run_agent other --once --token "$token"
because 'error=denied' 'I17: that was the reason'
check 'I17: and no evidence was given' test "$(count fake '^proof')" = 0
check_status 0 'unless the agent is configured so' run_agent other --once --token "$token" --allow-unbound
stop fake
fake
check_status 3 'I7: a certificate of no known CA is refused' run_agent ca --once --ca "$WORK/wrong.pem"
because 'self.signed' 'I7: that was the reason'
check 'I7: and nothing was sent' unseen
check_status 0 'a certificate of the CA is accepted' run_agent ca --once --ca "$WORK/right.pem"
stop fake
cert=elsewhere fake
check_status 3 'I7: a host that the certificate does not name is refused' run_agent ca --once --ca "$WORK/elsewhere.pem"
because mismatch 'I7: that was the reason'
check 'I7: and nothing was sent' unseen
stop fake
fake
check 'without token or CA it does not start' fails_with 64 '--token or --ca' run_agent untrusted --once
check 'a token of another verifier does not change over' fails_with 2 'remove ' \
	run_agent device --once --token "t1.x.$(pin wrong)"
stop fake

# ---- what verifiers may do wrong ----
while read -r reason what; do
	# shellcheck disable=SC2086 # option and value
	fake $what
	rm -rf "$WORK/trial"
	check_status 3 "a verifier that does \"$what\" ends one try with status 3" run_agent trial --once --token "$token"
	because "$reason" "$what: that was the reason"
	stop fake
done <<-E
	reason=verifier.busy refuse verifier.busy
	sent.text text
	too.long large
	error=wrong-state garbage
	closed drop enrol
	closed drop proof
E
fake drop proof
start_agent trial --token "$token" --retry-max 1
check 'a connection that breaks in the middle is made again' says agent 'event=decision outcome=admit'
stop agent
stop fake

# ---- enrol and status ----
rm -rf "$WORK/trial" "$WORK/memory"
mkdir -m 700 "$WORK/trial"
status() { "$agent" status --state "$WORK/${1:-trial}" "${@:2}"; }
check_status 1 'status: not enrolled is status 1' status
printf '%s\n' "$token" >"$WORK/token"
cat >"$WORK/conf" <<-E
	# a device
	state: $WORK/trial
	tcti: $(tpm_tcti gateway)
	token-file: "$WORK/token"
	ak-type: rsa-rsapss
	boot-log: $log
E
enrol() { fake known && "$agent" enrol --config "$WORK/conf" --verifier "$url"; }
check 'enrol, by a file of options, ends when it is done' enrol
check 'the verifier saw it' says fake '^activated$'
check 'status: enrolled is status 0' status
as_json() { [ "$(status trial --json | jq -r '.enrolled, .pending, .device, .verifier_key' | tr '\n' ' ')" = \
	"true false 0123456789abcdef0123456789abcdef $(pin right) " ]; }
check 'status --json is one document' as_json
again() { "$agent" enrol --config "$WORK/conf" --verifier "$url" && [ "$(count fake '^enrol')" = 1 ]; }
check 'enrol of an enrolled device does nothing' again
check 'it attests with the key type of the file' run_agent trial --once
check 'the token is not in the log' eval '! grep -rq s3cret "$WORK"/*.log "$WORK/trial"'

# ---- bad input, one line each ----
check 'a damaged enrolment is named' eval 'cp -r "$WORK/trial" "$WORK/hurt" && echo x >>"$WORK/hurt/enrolment" &&
	fails_with 2 "$WORK/hurt/enrolment: is damaged" run_agent hurt --once && tail -n 1 "$WORK/hurt/enrolment" | grep -qx x'
check 'so is a damaged key' eval 'rm -rf "$WORK/hurt" && cp -r "$WORK/trial" "$WORK/hurt" && echo x >>"$WORK/hurt/ak.blob" &&
	fails_with 2 "$WORK/hurt/ak.blob: " run_agent hurt --once'
check 'a key that is missing is not made anew' eval 'rm -rf "$WORK/hurt" && cp -r "$WORK/trial" "$WORK/hurt" && rm "$WORK/hurt/ak.blob" &&
	fails_with 2 "$WORK/hurt/ak.blob: is missing" run_agent hurt --once && [ ! -e "$WORK/hurt/ak.blob" ]'
check 'keys of two enrolments mixed are noticed' eval 'rm -rf "$WORK/hurt" && cp -r "$WORK/trial" "$WORK/hurt" && cp "$WORK/ca/ak.blob" "$WORK/hurt/" 2>/dev/null ||
	cp "$WORK/device/ak.blob" "$WORK/hurt/"; fails_with 2 "is of another attestation key" run_agent hurt --once'
check 'a TPM that is not there is named' fails_with 3 "TPM swtpm:path=$WORK/none: " \
	"$agent" --verifier "$url" --state "$WORK/trial" --tcti "swtpm:path=$WORK/none" --once
check 'a CA file without certificate is named' fails_with 2 "$WORK/token: holds no PEM" run_agent trial --once --ca "$WORK/token"
check 'a CA file that is not there is named' fails_with 3 "$WORK/none: No such file" run_agent trial --once --ca "$WORK/none"
other_tpm() {
	tpm_make other sha256 && tpm_boot other "$log" &&
		fails_with 2 "ak.blob: the TPM's endorsement key is another than before" \
			"$agent" --verifier "$url" --state "$WORK/trial" --tcti "$(tpm_tcti other)" --once
}
check 'the state of another device is refused' other_tpm
two() {
	start_agent trial && says agent 'event=connected' &&
		fails_with 3 'another agent runs' run_agent trial --once
}
check 'a second agent on the same directory is refused' two
stop agent
stop fake
lib_end
