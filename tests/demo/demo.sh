#!/bin/bash
# `make demo`: a verifier, a gateway and a controller with TPMs, from enrolment to
# quarantine and back. Lines that begin with `$ ` are the commands that run; they can be
# repeated. Everything lives in one folder under /tmp and is gone at the end.
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
lib_begin

INTERVAL=3 # seconds between attestations
GOOD=tests/data/eventlog/grub-good.bin        # the gateway: UEFI, GRUB, Linux
TAMPERED=tests/data/eventlog/grub-cmdline.bin # the same, one word more on the kernel command line
CONTROLLER=tests/data/eventlog/uki-good.bin   # the controller: a unified kernel image

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
	tail -n 10 "$WORK"/{verifier,agent-*}.log >&2
	exit 1
}
must() { run "$@" || give_up "\`$*' ended with $?"; }

# The programs by their names, as an installed system has them.
PATH=$ASSAY_BIN:$ASSAY_BIN/tests/tools:$PATH
unset -f assay

# Waits until the verifier has decided so about devices; asks what everybody can ask.
decided() { # OUTCOME DEVICE...
	local outcome=$1 device
	shift
	for device; do
		[ "$(assay device show "$device" --json | jq -r .decision)" = "$outcome" ] || return
	done
}
until_decided() { # OUTCOME DEVICE...
	local begin=$EPOCHREALTIME
	wait_for $((INTERVAL * 4)) decided "$@" || give_up "no decision $1 about ${*:2}"
	printf '%s... decided %.1f s later%s\n' "$DIM" "$(awk "BEGIN { print $EPOCHREALTIME - $begin }")" "$PLAIN"
}
id_of_class() { assay device list --class "$1" --json | jq -r '.devices[].id'; }

# ---- the story --------------------------------------------------------------
title 'A verifier: one directory, one daemon'
V=$WORK/verifier
export ASSAY_STATE=$V
say 'Two TPMs are manufactured with EK certificates by a local test CA, as a vendor does:'
shown 'swtpm_setup --tpm2 --create-ek-cert ...'
for device in gateway controller; do
	tpm_make $device || give_up 'swtpm_setup failed'
done
ca_roots "$WORK/ek-roots"
must assay-verifier init --state "$V" --listen 127.0.0.1:0 --roots "$WORK/ek-roots" --accept-virtual-tpm
shown "assay-verifier run --state $V &"
verifier_start || give_up 'the verifier does not start'
say "It listens on 127.0.0.1:$(cat "$V/run/port"). Policies for machines without Secure Boot and IMA, at an interval of $INTERVAL s,"
say "and virtual TPMs allowed, since this demo's TPMs are software:"
shown "export ASSAY_STATE=$V"
for class in gateway controller; do
	edit="s/^version: .*/version: 100/; s/interval: .*/interval: ${INTERVAL}s/; s/virtual_tpm: false/virtual_tpm: true/"
	shown "sed '$edit' tests/data/policy/$class.yaml > $WORK/$class.yaml"
	sed "$edit" "tests/data/policy/$class.yaml" >"$WORK/$class.yaml"
	must assay policy add "$WORK/$class.yaml"
	must assay policy activate "$(assay policy list --json | jq -r --arg n $class '.policies[] | select(.name == $n and .version == 100) | .digest[:16]')" --comment 'virtual TPMs for the demo'
done

title 'Two devices boot: a gateway and an industrial controller'
# What a machine's firmware does at power on. Its agent runs only while it does.
boot() { # DEVICE LOG
	if alive "tpm-$1"; then
		agent_stop "$1"
		shown "tpm2_shutdown -c -T $(tpm_tcti "$1") && swtpm_ioctl -i --unix $WORK/$1/s.ctrl"
	fi
	shown "tpm_boot --tcti $(tpm_tcti "$1") --startup --log $2"
	tpm_boot "$1" "$2" || give_up "the $1 does not boot"
	cp "$2" "$WORK/$1/boot.log"
}
attest() { # DEVICE [--token TOKEN]
	shown "assay-attester --verifier $(verifier_url) --tcti $(tpm_tcti "$1") --boot-log $WORK/$1/boot.log --state $WORK/$1/agent${2:+ $2 TOKEN} &"
	agent_start "$1" --boot-log "$WORK/$1/boot.log" --retry-max 2 "${@:2}"
}
say 'Logs of real UEFI boots are played into the TPMs, event by event, as firmware does:'
boot gateway "$GOOD"
boot controller "$CONTROLLER"

title 'They enrol with one-time tokens'
for class in gateway controller; do
	shown "TOKEN=\$(assay token create --class $class --expires 1h)"
	token=$(assay token create --class "$class" --expires 1h) || give_up 'no token was made'
	attest "$class" --token "$token"
done
enrolled() { [ -n "$(id_of_class gateway)" ] && [ -n "$(id_of_class controller)" ]; }
wait_for "$WAIT" enrolled || give_up 'the devices do not enrol'
for class in gateway controller; do
	must assay device set "$(id_of_class $class)" --name $class-1
done
until_decided QUARANTINE gateway-1 controller-1
run assay device list
say 'Nobody has said yet what they should measure, so nobody is admitted.'

title 'An operator captures reference values, looks at them, and accepts exactly those'
for device in gateway-1 controller-1; do
	must assay reference capture "$device" --name "$device"
	shown "assay reference show $device | grep -E 'image|kernel|initrd'"
	assay reference show "$device" | grep -E 'image|kernel|initrd'
	digest=$(assay reference show "$device" --json | jq -r .digest)
	must assay reference promote "$device" --digest "$digest"
done
until_decided ADMIT gateway-1 controller-1
run assay device list

title 'Tampering: the gateway reboots with another kernel command line'
boot gateway "$TAMPERED"
attest gateway
title 'Tampering: something extends a PCR of the running controller'
malware=4:sha256:$(printf malware | sha256sum | cut -d' ' -f1)
shown "tpm_boot --tcti $(tpm_tcti controller) --extend $malware"
tpm_extend controller "$malware" || give_up 'the PCR was not extended'
until_decided QUARANTINE gateway-1 controller-1
run assay device list
run assay device show gateway-1
run assay device show controller-1

title 'Repair: the gateway boots what was approved'
boot gateway "$GOOD"
attest gateway
until_decided ADMIT gateway-1
run assay device list
run assay device history gateway-1

agent_stop gateway
agent_stop controller
verifier_stop TERM
printf '\n%sAdmitted, quarantined for what was changed, admitted again%s: %d s. Nothing is left running.\n' \
	"$GREEN" "$PLAIN" "$SECONDS"
