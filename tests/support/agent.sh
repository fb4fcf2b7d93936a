# shellcheck shell=bash
# agent.sh: the agent against a verifier made for the test (tests/tools/fake_verifier.c).
# Sourced after tests/integration/lib.sh; the device is the TPM `gateway`.

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
because() { # WORD CASE: the last command's output has it
	if grep -qi -- "$1" "$WORK/out"; then ok "$2"; else not_ok "$2" "$(cat "$WORK/out")"; fi
}
unseen() { ! grep -qE '^(enrol|hello|proof)' "$WORK/fake.log"; }

# A TPM that booted $log; verifiers with the keys right, wrong and elsewhere; $token.
agent_set_up() {
	certificate right && certificate wrong && certificate elsewhere DNS:elsewhere &&
		tpm_make gateway sha1,sha256 && tpm_boot gateway "$log" &&
		token=t1.s3cret.$(pin right)
}
none() { ! grep -- "$2" "$WORK/$1.log"; } # WHO PATTERN: it never said so; what it said is shown
