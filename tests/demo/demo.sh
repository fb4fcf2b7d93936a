#!/bin/bash
# `make demo`: a verifier, a gateway and a controller with TPMs, from enrolment to
# quarantine and back. Lines that begin with `$ ` are the commands that run; they can be
# repeated. Everything lives in one folder under /tmp and is gone at the end.
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
lib_begin

INTERVAL=3 # seconds between attestations
GOOD=tests/data/eventlog/uki-good.bin
TAMPERED=tests/data/eventlog/uki-cmdline.bin
CONTROLLER=tests/data/eventlog/grub-good.bin

# ---- how it looks -----------------------------------------------------------
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
	BOLD='' DIM='' GREEN='' RED='' PLAIN=''
fi

step=0
title() {
	step=$((step + 1))
	printf '\n%s%d. %s%s\n' "$BOLD" "$step" "$1" "$PLAIN"
}
say() { printf '%s\n' "$*"; }
shown() { printf '%s$ %s%s\n' "$DIM" "$*" "$PLAIN"; }
# Shows a command and runs it.
run() {
	shown "$*"
	"$@"
}
give_up() {
	printf '%sThe demo stops here: %s%s\n' "$RED" "$1" "$PLAIN" >&2
	tail -n 20 "$WORK"/*.log >&2
	exit 1
}
must() { run "$@" || give_up "\`$*' ended with $?"; }

# The programs by their names, as an installed system has them.
PATH=$ASSAY_BIN:$ASSAY_BIN/tests/tools:$PATH
unset -f assay

# Waits until the verifier decides so about a device; asks what everybody can ask.
decided() { # OUTCOME DEVICE...
	local outcome=$1 device
	shift
	for device; do
		[ "$(assay device show "$device" --json | jq -r ".decision | ascii_downcase")" = "$outcome" ] || return
	done
}
until_decided() { # OUTCOME DEVICE...
	local begin=$EPOCHREALTIME
	wait_for $((INTERVAL * 4)) decided "$@" || give_up "no decision $1 about ${*:2}"
	awk -v s="$(awk "BEGIN { print $EPOCHREALTIME - $begin }")" 'BEGIN { printf "(after %.1f s)\n", s }'
}
id_of_class() { assay device list --json | jq -r --arg c "$1" '.devices[] | select(.class == $c) | .id'; }

# ---- the story --------------------------------------------------------------
title 'A verifier: one directory, one daemon'
V=$WORK/verifier
export ASSAY_STATE=$V
ca_configure
say "Two TPMs are manufactured by a local test CA, as a TPM vendor would, with EK certificates."
tpm_make gateway || exit
tpm_make controller || exit
ca_roots "$WORK/ek-roots"
must assay-verifier init --state "$V" --listen 127.0.0.1:0 --roots "$WORK/ek-roots"
for class in gateway controller; do
	sed "s/interval: .*/interval: ${INTERVAL}s/" "policies/$class.yaml" >"$WORK/$class.yaml"
done
shown "assay-verifier run --state $V &"
verifier_start || give_up 'the verifier does not start'
say "It listens on 127.0.0.1:$(cat "$V/run/port")."
for class in gateway controller; do
	must assay policy add "$WORK/$class.yaml"
	must assay policy activate "$class"
done

title 'Two devices boot: a gateway and an industrial controller'
say 'Real logs of UEFI boots are played into the TPMs, event by event, as firmware does.'
shown "tpm_boot --tcti $(tpm_tcti gateway) --startup --log $GOOD"
tpm_boot gateway "$GOOD" || give_up 'the gateway does not boot'
shown "tpm_boot --tcti $(tpm_tcti controller) --startup --log $CONTROLLER"
tpm_boot controller "$CONTROLLER" || give_up 'the controller does not boot'

title 'They enrol with one-time tokens'
enrol() { # CLASS LOG
	local token
	shown "assay token create --class $1 --expires 1h"
	token=$(assay token create --class "$1" --expires 1h) || give_up 'no token was made'
	cp "$2" "$WORK/$1/boot.log"
	shown "assay-attester --verifier $(verifier_url) --tcti $(tpm_tcti "$1") --boot-log $WORK/$1/boot.log --state $WORK/$1/agent --token TOKEN &"
	agent_start "$1" --token "$token" --boot-log "$WORK/$1/boot.log"
}
enrol gateway "$GOOD"
enrol controller "$CONTROLLER"
enrolled() { [ -n "$(id_of_class gateway)" ] && [ -n "$(id_of_class controller)" ]; }
wait_for "$WAIT" enrolled || give_up 'the devices do not enrol'
must assay device set "$(id_of_class gateway)" --name gateway-1
must assay device set "$(id_of_class controller)" --name controller-1
until_decided quarantine gateway-1 controller-1
run assay device list
say 'Nobody has said yet what they should measure, so nobody is admitted.'

title 'An operator captures reference values, looks at them, and accepts exactly those'
for device in gateway-1 controller-1; do
	must assay reference capture "$device" --name "$device"
done
run assay reference list
for device in gateway-1 controller-1; do
	must assay reference promote "$device" --yes
done
until_decided admit gateway-1 controller-1
run assay device list

title 'Tampering: the gateway reboots with another kernel command line'
reboot_gateway() { # LOG
	shown "tpm2_shutdown -c; swtpm_ioctl -i --unix $WORK/gateway/s.ctrl   # reboot"
	shown "tpm_boot --tcti $(tpm_tcti gateway) --startup --log $1"
	cp "$1" "$WORK/gateway/boot.log"
	tpm_boot gateway "$1" || give_up 'the gateway does not boot'
}
reboot_gateway "$TAMPERED"
title 'Tampering: something extends a PCR of the running controller'
must tpm_boot --tcti "$(tpm_tcti controller)" --extend "4:sha256:$(printf 'malware' | sha256sum | cut -d' ' -f1)"
until_decided quarantine gateway-1 controller-1
run assay device list
run assay device show gateway-1
run assay device show controller-1

title 'Repair: the gateway boots what was approved'
reboot_gateway "$GOOD"
until_decided admit gateway-1
run assay device list
run assay device history gateway-1

agent_stop gateway
agent_stop controller
verifier_stop
printf '\n%sDone%s: admitted, quarantined for what was changed, admitted again. Took %d s.\n' "$GREEN" "$PLAIN" "$SECONDS"
