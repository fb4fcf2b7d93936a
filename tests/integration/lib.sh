# shellcheck shell=bash
# lib.sh: what shell tests and the demo share: cases, a private folder, TPMs made by a
# local CA, a verifier and agents. Sourced; runs in the project's top folder.
#
#   lib_begin                    private folder $WORK; everything started is ended at exit
#   check NAME COMMAND...        one case; ok, not_ok, skip report one by hand
#   tpm_make gateway             a swtpm with EK certificates by the CA in $WORK/ca
#   tpm_boot gateway LOG         power on, startup, and what the firmware measured
#   verifier_init; verifier_start; agent_start gateway ARGUMENT...
#   lib_end                      the script's exit status
#
# Nothing listens on a port but the verifier, which takes a free one and says which.
set -u
: "${ASSAY_BIN:?folder of the programs, e.g. $PWD/build/release}"

WAIT=20 # seconds, default patience of what waits
failures=0
declare -A started=() # name -> pid

# ---- cases ------------------------------------------------------------------
ok() { echo "ok - $1"; }
not_ok() { # NAME [WHY]
	failures=$((failures + 1))
	echo "not ok - $1"
	[ -z "${2:-}" ] || printf '# %s\n' "${2//$'\n'/$'\n'# }"
}
skip() { echo "skip - $1 # $2"; }

# The case holds if the command succeeds, or ends with just that status; its output is
# shown if not. Runs in this shell, so that it may start and stop things.
check() { check_status 0 "$@"; }
check_status() { # STATUS NAME COMMAND...
	local want=$1 name=$2 got=0
	shift 2
	"$@" >"$WORK/out" 2>&1 || got=$?
	if [ "$got" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name" "$* ended with $got, not $want"$'\n'"$(tail -n 40 "$WORK/out")"
	fi
}
# As check_status, and what it says on stderr is one line with TEXT in it: the file's name,
# or what is wrong with it.
check_refusal() { # STATUS NAME TEXT COMMAND...
	local want=$1 name=$2 text=$3 got=0
	shift 3
	"$@" >"$WORK/out" 2>"$WORK/err" || got=$?
	if [ "$got" != "$want" ]; then
		not_ok "$name" "exit $got, expected $want: $(head -c 400 "$WORK/err")"
	elif [ "$(wc -l <"$WORK/err")" != 1 ] || ! grep -qF -- "$text" "$WORK/err"; then
		not_ok "$name" "not one line that says $text: $(cat "$WORK/err")"
	else
		ok "$name"
	fi
}

equal() { # SEEN EXPECTED
	[ "$1" = "$2" ] || { printf 'seen:     %s\nexpected: %s\n' "$1" "$2"; return 1; }
}

hex() { od -An -v -tx1 "$@" | tr -d ' \n'; } # FILE

# jq before 1.7 is content with no input at all, also with -e; no check may be.
jq() {
	local out status=0
	[[ " $* " =~ \ -[a-zA-Z]*e[a-zA-Z]*\  ]] || { command jq "$@"; return; }
	out=$(command jq "$@") || status=$?
	[ -z "$out" ] || printf '%s\n' "$out"
	[ -n "$out" ] && return "$status"
	return 4
}
export -f jq

# ---- the private folder and what runs in it ---------------------------------
# Paths of sockets have 107 characters at most, so the folder's is kept short.
lib_begin() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/a.XXXXXX")
	export XDG_CONFIG_HOME=$WORK/config # nobody's own profile
	trap lib_clean EXIT
	trap 'exit 130' INT TERM HUP
}

lib_clean() {
	local name
	trap - EXIT
	for name in "${!started[@]}"; do
		stop "$name"
	done
	rm -rf "${WORK:?}"
}

lib_end() { [ "$failures" = 0 ]; }

# Retries a command until it succeeds, for not less than so long.
wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { echo "timed out: $*" >&2; return 1; }
		sleep 0.1
	done
}

# Starts a program under a name; its output goes to $WORK/NAME.log.
start() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >>"$WORK/$name.log" 2>&1 </dev/null &
	started[$name]=$!
}

alive() { kill -0 "${started[$1]:-0}" 2>/dev/null && [ -n "${started[$1]:-}" ]; }

# Ends a program started under a name: asks, waits, then kills.
stop() { # NAME [SIGNAL]
	local pid=${started[$1]:-} i
	[ -n "$pid" ] || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null && echo "$1 ($pid) had to be killed" >>"$WORK/$1.log"
	wait "$pid" 2>/dev/null
	unset "started[$1]"
	return 0
}

# This machine by name, where that leads to IPv4: a bare system may have no /etc/hosts, or
# name ::1 first, which is where datagrams go.
local_name() { [[ $(getent ahosts localhost) == 127.* ]] && echo localhost || echo 127.0.0.1; }

# ---- devices without a TPM ---------------------------------------------------
# A token with a key, which the operator's CA certifies.
make_token() {
	export SOFTHSM2_CONF=$WORK/softhsm.conf
	mkdir -p "$WORK/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$WORK/tokens" >"$SOFTHSM2_CONF"
	softhsm2-util --init-token --free --label device --pin 1234 --so-pin 5678 &&
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/token.key" &&
		softhsm2-util --import "$WORK/token.key" --token device --label attestation --id a1 --pin 1234 &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=operator-ca \
			-keyout "$WORK/ca.key" -out "$WORK/ca.pem" &&
		openssl req -new -key "$WORK/token.key" -subj /CN=controller-7 -out "$WORK/token.csr" &&
		openssl x509 -req -in "$WORK/token.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -days 20 -set_serial 7 \
			-extfile <(printf 'keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n') \
			-out "$WORK/token.pem" &&
		printf '1234\n' >"$WORK/pin" && chmod 600 "$WORK/pin"
}

# ---- networks ----------------------------------------------------------------
# A network namespace, held by a process and not by a mount: nothing stays behind it, and a
# root that is no mount (a chroot) will do. Fails where that is not permitted. A program in
# it: `start NAME nsenter "$(net_of NET)" COMMAND...`.
net_make() { # NET
	local mine
	mine=$(readlink /proc/self/ns/net)
	start "net-$1" unshare --net sleep infinity
	wait_for 5 net_is_apart "$1" "$mine" && net_ip "$1" link set lo up
}
net_is_apart() { local now; now=$(readlink "/proc/${started[net-$1]}/ns/net") && [ "$now" != "$2" ]; } # NET MINE
net_pid() { echo "${started[net-$1]}"; } # as `ip link ... netns PID` takes it
net_of() { echo "--net=/proc/${started[net-$1]}/ns/net"; }
net_ip() { nsenter "$(net_of "$1")" ip "${@:2}"; } # NET ARGUMENT...

# ---- TPMs -------------------------------------------------------------------
# Each is a folder $WORK/NAME with the TPM's state; its socket is $WORK/NAME/s.
tpm_tcti() { echo "swtpm:path=$WORK/$1/s"; }
tpm_on() { # NAME COMMAND...: tpm2-tools on that TPM
	local name=$1
	shift
	TPM2TOOLS_TCTI=$(tpm_tcti "$name") "$@"
}

# The manufacturer's CA, as swtpm_localca makes it: root and issuing CA in $WORK/ca.
ca_configure() {
	mkdir -p "$WORK/ca"
	cat >"$WORK/ca/localca.conf" <<-E
		statedir = $WORK/ca
		signingkey = $WORK/ca/signkey.pem
		issuercert = $WORK/ca/issuercert.pem
		certserial = $WORK/ca/certserial
	E
	cat >"$WORK/ca/localca.options" <<-E
		--platform-manufacturer Assay
		--platform-version 1
		--platform-model test
	E
	cat >"$WORK/ca/setup.conf" <<-E
		create_certs_tool = $(command -v swtpm_localca)
		create_certs_tool_config = $WORK/ca/localca.conf
		create_certs_tool_options = $WORK/ca/localca.options
	E
}

# The CA's certificates as the folder that a verifier takes roots from.
ca_roots() { # DIR
	mkdir -p "$1"
	cp "$WORK/ca/swtpm-localca-rootca-cert.pem" "$WORK/ca/issuercert.pem" "$1/"
}

# A TPM with RSA-2048 and P-384 EK certificates, off.
tpm_make() { # NAME [BANKS]
	[ -e "$WORK/ca/setup.conf" ] || ca_configure
	mkdir -p "$WORK/$1/state"
	swtpm_setup --tpm2 --tpmstate "dir://$WORK/$1/state" --create-ek-cert --lock-nvram \
		--pcr-banks "${2:-sha1,sha256}" --config "$WORK/ca/setup.conf" \
		--logfile "$WORK/$1.setup.log" >/dev/null 2>&1 ||
		{ echo "swtpm_setup failed:" >&2 && cat "$WORK/$1.setup.log" >&2 && return 1; }
}

# Adds the certificate that swtpm_setup does not make: ECC P-256, template L-2. The TPM
# must be on.
tpm_add_l2() { # NAME
	local dir=$WORK/$1 x y
	tpm_on "$1" tpm2_createek -Q -G ecc -c "$dir/l2.ctx" -u "$dir/l2.pub" -f tss || return
	tpm_on "$1" tpm2_flushcontext -t || return
	x=$(tpm2_print -t TPM2B_PUBLIC "$dir/l2.pub" | awk '$1 == "x:" { print $2 }')
	y=$(tpm2_print -t TPM2B_PUBLIC "$dir/l2.pub" | awk '$1 == "y:" { print $2 }')
	swtpm_cert --type ek --ecc-x "$x" --ecc-y "$y" --ecc-curveid secp256r1 \
		--signkey "$WORK/ca/signkey.pem" --issuercert "$WORK/ca/issuercert.pem" \
		--out-cert "$dir/l2.der" --days 3650 --subject CN=unknown --serial "$((RANDOM + 1000))" \
		--tpm-manufacturer id:00001014 --tpm-model swtpm --tpm-version id:20191023 \
		--tpm2 --tpm-spec-family 2.0 --tpm-spec-level 0 --tpm-spec-revision 164 \
		>/dev/null || return
	tpm_on "$1" tpm2_nvdefine -Q 0x01c0000a -C p -s "$(stat -c %s "$dir/l2.der")" \
		-a 'ppwrite|ppread|ownerread|authread|no_da|platformcreate|writedefine' &&
		tpm_on "$1" tpm2_nvwrite -Q 0x01c0000a -C p -i "$dir/l2.der"
}

# Power on, without startup.
tpm_start() { # NAME
	start "tpm-$1" swtpm socket --tpm2 --tpmstate "dir=$WORK/$1/state" --flags not-need-init \
		--server "type=unixio,path=$WORK/$1/s" --ctrl "type=unixio,path=$WORK/$1/s.ctrl"
	wait_for "$WAIT" test -S "$WORK/$1/s" -a -S "$WORK/$1/s.ctrl"
}

tpm_stop() { stop "tpm-$1"; }

# What a machine does on a clean reboot, up to the reset: TPM2_Shutdown first.
tpm_reset() { # NAME
	tpm_on "$1" tpm2_shutdown -c && tpm_power_cut "$1"
}

# The reset alone, as when the power goes: the clock is no longer safe.
tpm_power_cut() { swtpm_ioctl --unix "$WORK/$1/s.ctrl" -i; }

# Brings a TPM to where firmware leaves it: on (reset if it was), started, extended.
tpm_boot() { # NAME LOG
	if alive "tpm-$1"; then tpm_reset "$1"; else tpm_start "$1"; fi &&
		"$ASSAY_BIN/tests/tools/tpm_boot" --tcti "$(tpm_tcti "$1")" --startup --log "$2"
}

tpm_extend() { # NAME PCR:ALG:HEX
	"$ASSAY_BIN/tests/tools/tpm_boot" --tcti "$(tpm_tcti "$1")" --extend "$2"
}

# `BANK INDEX VALUE` per line, lower case.
pcrs_of() { # NAME
	tpm_on "$1" tpm2_pcrread | pcrs_table -
}

# The same from the text that tpm2_pcrread prints.
pcrs_table() {
	awk '/^ *sha[0-9]+:/ { bank = $1; sub(":", "", bank); next }
		/0x/ { i = $0; sub(/:.*/, "", i); v = $0; sub(/.*0x/, "", v)
			print bank, i + 0, tolower(v) }' "$@"
}

# ---- verifier and agents ----------------------------------------------------
assay() { "$ASSAY_BIN/assay" "$@"; }

verifier_init() { # ARGUMENT...
	export ASSAY_STATE=$WORK/verifier
	"$ASSAY_BIN/assay-verifier" init --state "$ASSAY_STATE" --listen 127.0.0.1:0 "$@"
}

verifier_start() { # ARGUMENT...
	rm -f "$ASSAY_STATE/run/port"
	start verifier "$ASSAY_BIN/assay-verifier" run --state "$ASSAY_STATE" "$@"
	wait_for "$WAIT" test -s "$ASSAY_STATE/run/port" -a -S "$ASSAY_STATE/run/console.sock"
}

# Starts it again where it was, so that agents find it.
verifier_restart_here() {
	sed -i "s/^listen:.*/listen: \"127.0.0.1:$(cat "$ASSAY_STATE/run/port")\"/" "$ASSAY_STATE/verifier.yaml"
	verifier_start "$@"
}

verifier_stop() { stop verifier "${1:-TERM}"; }
verifier_url() { echo "wss://127.0.0.1:$(cat "$ASSAY_STATE/run/port")"; }

# The agent of the device NAME, on its TPM; its state is $WORK/NAME/agent.
agent_start() { # NAME ARGUMENT...
	local name=$1
	shift
	mkdir -p "$WORK/$name/agent"
	start "agent-$name" "$ASSAY_BIN/assay-attester" --verifier "$(verifier_url)" \
		--state "$WORK/$name/agent" --tcti "$(tpm_tcti "$name")" "$@"
}

agent_stop() { stop "agent-$1" "${2:-TERM}"; }

# The policy of a class in force (tests/data/policy), with another interval and virtual TPMs
# allowed. Verdicts hold 8 seconds at least: a busy machine may stand still for some.
policy_use() { # CLASS SECONDS [SED-EXPRESSION]
	local file=$WORK/$1.$RANDOM.yaml patience=$(($2 < 3 ? 8 / $2 : 3))
	sed -e "s/patience: .*/patience: $patience/" -e "s/^version: .*/version: $((RANDOM + 2))/" -e "s/interval: .*/interval: ${2}s/" \
		-e 's/virtual_tpm: false/virtual_tpm: true/' -e "${3:-}" "tests/data/policy/$1.yaml" >"$file"
	assay policy activate "$(assay policy add "$file" --json | jq -r .digest)" --comment test
}

# A device NAME with a TPM that booted a log (tests/data/eventlog/LOG.bin), its agent with
# a token of this class; enrolled and named when this returns.
device_enrol() { # NAME CLASS LOG
	local id before
	before=$(assay device list --json | jq -c '[.devices[].id]')
	tpm_make "$1" && device_boot "$1" "$3" || return
	agent_start "$1" --boot-log "$WORK/$1/boot.log" --retry-max 1 \
		--token "$(assay token create --class "$2" 2>/dev/null)"
	wait_for "$WAIT" new_device "$before" || return
	id=$(new_device "$before") && assay device set "$id" --name "$1"
}
new_device() { # JSON-ARRAY-OF-IDS
	assay device list --json | jq -er --argjson b "$1" '[.devices[].id] - $b | .[0] // empty'
}

# Reboots a device into a log; its agent, if it ran, runs again afterwards.
device_boot() { # NAME LOG
	local running=''
	alive "agent-$1" && running=yes && agent_stop "$1"
	tpm_boot "$1" "tests/data/eventlog/$2.bin" || return
	cp "tests/data/eventlog/$2.bin" "$WORK/$1/boot.log"
	[ -z "$running" ] || agent_start "$1" --boot-log "$WORK/$1/boot.log" --retry-max 1
}

# Reference values of the device as it is now, promoted.
device_approve_boot() { # NAME
	local digest
	digest=$(assay reference capture "$1" --name "$1.$RANDOM" --json | jq -er .digest) &&
		assay reference promote "${digest:0:16}" --digest "$digest"
}

device_field() { assay device show "$1" --json | jq -r ".$2"; } # NAME FIELD
is_decided() { # NAME OUTCOME [REASON]
	[ "$(device_field "$1" decision)" = "$2" ] && [[ $(device_field "$1" reason) == "${3:-}"* ]]
}
# Waits for it; says how the device stands if it does not come.
decides() { # NAME OUTCOME [REASON]
	wait_for "$WAIT" is_decided "$@" || { assay device show "$1" && return 1; }
}
# A query on a copy of the ledger: the daemon has the file for itself.
ledger() { # SQL
	rm -f "$WORK"/copy.db*
	cp "$ASSAY_STATE/ledger.db" "$WORK/copy.db"
	[ ! -e "$ASSAY_STATE/ledger.db-wal" ] || cp "$ASSAY_STATE/ledger.db-wal" "$WORK/copy.db-wal"
	sqlite3 "$WORK/copy.db" "$1"
}
