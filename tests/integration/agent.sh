#!/bin/bash
# The agent on a real TPM against a verifier made for the test: enrols once, attests,
# reconnects for ever, keeps its keys, and says what is wrong. Whom it trusts is
# tests/attacks/agent.sh.
# time-limit: 600
. tests/integration/lib.sh
. tests/support/agent.sh
lib_begin

check 'a TPM that booted, and a verifier with its key' agent_set_up

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
check 'nothing that the verifier checks was wrong' none fake '^bad'
away() { stop fake && says agent 'event=disconnected' && says_again agent 'event=disconnected'; }
check 'the verifier goes away: it tries again and again' away
stop agent
fake known
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

# ---- a slow network ----
fake known
slow() { # the verifier does not get to the handshake for a while, and is waited for
	kill -STOP "${started[fake]}" && start_agent device && sleep 8 && kill -CONT "${started[fake]}" &&
		says agent 'event=decision outcome=admit' && none agent 'event=disconnected'
}
check 'a TLS handshake that takes eight seconds is waited for' slow
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
check 'an enrolled device needs its token no more: the file may be gone' run_agent trial --once --token-file "$WORK/none"
check 'one that is not is told that it is' fails_with 64 "--token-file: $WORK/none: there is no such file" run_agent new-here --once --token-file "$WORK/none"
check 'the token is not in the log' eval '! grep -rq s3cret "$WORK"/*.log "$WORK/trial"'

all_of_example() { # every option of the example, uncommented, is one; with files that exist
	sed -E "s|^#([a-z-]+:)|\\1|; s|/etc/assay/token|$WORK/token|; s|^state: .*|state: $WORK/new-one|" \
		attester/agent/attester.yaml >"$WORK/example" && mkdir -p -m 700 "$WORK/new-one" || return
	"$agent" status --config "$WORK/example"
	[ $? = 1 ]
}
check 'every option of the example file is one' all_of_example

# ---- approval by an operator ----
stop fake
fake pending outcome 1 memory "$WORK/pending.memory"
waits() { "$agent" status --state "$WORK/approved" --json | jq -e ".pending == $1" >/dev/null; }
enrol_pending() {
	"$agent" enrol --verifier "$url" --state "$WORK/approved" --tcti "$(tpm_tcti gateway)" --ca "$WORK/right.pem"
}
check_status 1 'enrol: a device that waits for approval is status 1' enrol_pending
stop fake
fake outcome 1 memory "$WORK/pending.memory"
check_status 1 'it is quarantined' run_agent approved --ca "$WORK/right.pem" --once
check 'and waits, as far as it knows' waits true
check_status 1 'status: it waits' status approved
stop fake
fake outcome 2 memory "$WORK/pending.memory"
check_status 1 'when it gets more than that' run_agent approved --ca "$WORK/right.pem" --once
check 'it knows that it was approved' waits false
stop fake

# ---- a boot log larger than a message ----
fake known
head -c 300000 /dev/urandom >"$WORK/large.bin"
check_status 0 'a large boot log' run_agent trial --once --boot-log "$WORK/large.bin"
check 'arrives whole, in pieces' says fake '^boot-log 300000$'
stop fake
fake known drop piece
head -c 1000000 /dev/urandom >"$WORK/large.bin" # more than is on its way at a time
start_agent trial --retry-max 1 --boot-log "$WORK/large.bin"
check 'a connection that ends within a message' says fake '^dropped$'
check '... leaves nothing of it to the next' says fake '^boot-log 1000000$'
check 'the agent goes on' alive agent
stop agent
stop fake
fake known
head -c 1048577 /dev/urandom >"$WORK/large.bin"
check_status 3 'one over the limit' run_agent trial --once --boot-log "$WORK/large.bin"
because 'event=boot-log .*problem=too-large' 'is named'
check_status 0 'none at all is no error' run_agent trial --once --boot-log "$WORK/none"
because 'event=boot-log .*problem=not-found' 'but is said'
check_status 0 'unless the device has none' run_agent trial --once --no-boot-log

# ---- a disk that errors have made read-only ----
read_only() { # STATE ARGUMENT...: the agent, which sees $WORK/disk so; the others do not
	arguments "$@" && unshare --mount sh -c 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"' \
		"$WORK/disk" "${args[@]}"
}
mkdir "$WORK/disk" && cp -r "$WORK/trial" "$WORK/disk/trial"
if unshare --mount mount --bind "$WORK/disk" "$WORK/disk" 2>"$WORK/out"; then
	check_status 0 'on a read-only disk an enrolled device attests' read_only disk/trial --once
	start_agent disk/trial
	second() { says agent event=connected && fails_with 3 'another agent runs' read_only disk/trial --once; }
	check 'one agent at a time there too' second
	stop agent
	check 'a device that is not enrolled says why it cannot be' fails_with 3 'Read-only file system' \
		read_only disk/new --once --token "$token"
else
	skip 'on a read-only disk an enrolled device attests' "$(cat "$WORK/out")"
fi

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
