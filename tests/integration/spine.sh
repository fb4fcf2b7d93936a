#!/bin/bash
# The main job with real parts: daemon, agents, TPMs, logs of real boots. Asserts the
# decision that operators and devices are told, and the row in the ledger.
# time-limit: 600
. tests/integration/lib.sh
lib_begin

INTERVAL=1
in_ledger() { # NAME OUTCOME-NUMBER: the last decision that the ledger has
	equal "$(ledger "SELECT outcome FROM decision d JOIN device v ON v.id = d.device WHERE v.name = '$1' ORDER BY seq DESC LIMIT 1")" "$2"
}
QUARANTINE=0 ADMIT=2 # enum outcome
finding() { # NAME WORD FIELD: of the first finding with that word
	assay device show "$1" --json | jq -r --arg w "$2" "first(.verdict.findings[] | select(.word == \$w)) | .$3"
}
agent_says() { grep -q "$2" "$WORK/agent-$1.log"; } # NAME PATTERN
said_after() { # NAME LINE PATTERN: the agent's log from that line on
	tail -n "+$2" "$WORK/agent-$1.log" | grep -q "$3"
}
lines() { wc -l <"$WORK/agent-$1.log"; }

# ---- set-up ------------------------------------------------------------------
ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm
check 'the verifier starts' verifier_start
check 'a policy for gateways is put in force' policy_use gateway $INTERVAL
check 'a policy for controllers is put in force' policy_use controller $INTERVAL

# ---- enrolment and the first decisions ----------------------------------------
check 'a gateway enrols with a token' device_enrol gateway gateway grub-good
check 'a controller enrols with a token' device_enrol controller controller uki-good
check 'the tier is the virtual TPM that it is' equal "$(device_field gateway tier)" virtual-tpm
check 'without reference values nobody is admitted' decides gateway QUARANTINE reference.none
check 'and the ledger says so' in_ledger gateway $QUARANTINE
check_status 1 'device show --check tells programs' assay device show gateway --check
digest=$(assay reference capture gateway --name gw --json | jq -r .digest)
check 'a learned reference gives RESTRICT at best' decides gateway RESTRICT reference.learned
check_status 2 'another digest than the one shown is not promoted' assay reference promote gw --digest "${digest//[0-7]/8}"
check 'the digest that was shown is promoted' assay reference promote gw --digest "$digest"
check 'the gateway is admitted' decides gateway ADMIT
check 'the ledger has it' in_ledger gateway $ADMIT
check 'the agent was told' wait_for "$WAIT" agent_says gateway 'event=decision outcome=admit'
check 'device show --check is content' assay device show gateway --check
check 'the controller is approved likewise' device_approve_boot controller
check 'the controller is admitted' decides controller ADMIT

# ---- who may not enrol -----------------------------------------------------------
token=$(assay token create --class gateway 2>/dev/null)
used_token=$(assay token create --class gateway --expires 1m 2>/dev/null)
boot_spare() { device_boot spare sb-good; }
check 'another device boots' boot_spare
other_secret=${used_token%%.*}.$(printf %064d 7).${used_token##*.}
agent_start spare --boot-log "$WORK/spare/boot.log" --retry-max 1 --token "$other_secret"
check 'a token with a wrong secret is refused' wait_for "$WAIT" agent_says spare 'event=refused'
agent_stop spare
: >"$WORK/agent-spare.log"
other_pin=${used_token%.*}.$(printf %064d 7)
agent_start spare --boot-log "$WORK/spare/boot.log" --retry-max 1 --token "$other_pin"
sleep 2
check 'an agent whose token pins another verifier tells it nothing' equal "$(assay device list --json | jq '.devices | length')" 2
agent_stop spare
agent_start spare --boot-log "$WORK/spare/boot.log" --retry-max 1 --token "$token"
has_devices() { [ "$(assay device list --json | jq '.devices | length')" = "$1" ]; }
check 'with a good token it enrols' wait_for "$WAIT" has_devices 3
agent_stop spare
id=$(assay device list --json | jq -r '.devices[] | select(.name == null) | .id')
check 'the token is spent' equal "$(assay token list --json | jq -r --arg t "${token%%.*}" '.tokens[] | select(.id == $t) | .state')" used
check 'a retired device stays known' assay device retire "$id" --reason 'sold'
check 'and is quarantined' decides "$id" QUARANTINE device.retired
line=$(($(lines spare) + 1))
agent_start spare --boot-log "$WORK/spare/boot.log" --retry-max 1
check 'a retired device is refused' wait_for "$WAIT" said_after spare "$line" 'event=refused\|outcome=quarantine'
agent_stop spare
check 'nothing of it was admitted' decides "$id" QUARANTINE device.retired
make_and_boot() { tpm_make stranger && device_boot stranger uki-good; }
check 'a device without a token boots' make_and_boot
agent_start stranger --boot-log "$WORK/stranger/boot.log" --retry-max 1 --ca "$ASSAY_STATE/tls/cert.pem"
is_waiting() { [ "$(assay device list --status pending --json | jq '.devices | length')" = 1 ]; }
check 'a device without a token waits for approval' wait_for "$WAIT" is_waiting
id=$(assay device list --status pending --json | jq -r '.devices[0].id')
check 'and is quarantined meanwhile' decides "$id" QUARANTINE enrolment.pending
check 'an operator approves it' assay device approve "$id" --class controller --name stranger
check 'it boots what controllers boot, and is admitted' decides stranger ADMIT
agent_stop stranger

# ---- tampering ------------------------------------------------------------------
check 'the gateway reboots with another command line' device_boot gateway grub-cmdline
check 'it is quarantined' decides gateway QUARANTINE boot.event-differs
check 'the first finding names the kernel command line' equal "$(finding gateway boot.event-differs subject)" 'kernel command line'
shows_words() { [[ $(finding gateway boot.event-differs seen) == *' lab.evil=1' && $(finding gateway boot.event-differs expected) == *' quiet' ]]; }
check 'with the words seen and expected' shows_words
check 'and the event' equal "$(finding gateway boot.event-differs event)" 33
check 'the ledger has it' in_ledger gateway $QUARANTINE
extend() { tpm_extend controller "4:sha256:$(printf %064d 1)"; }
check 'something extends a PCR of the controller' extend
check 'it is quarantined' decides controller QUARANTINE boot.replay
check 'the finding names the PCR' equal "$(finding controller boot.replay pcr)" 4
check 'the value seen is that of the TPM' equal "$(finding controller boot.replay seen)" \
	"sha256:$(pcrs_of controller | awk '$1 == "sha256" && $2 == 4 { print $3 }')"

# ---- restarts, with decisions kept ------------------------------------------------
check 'the gateway boots its good log again' device_boot gateway grub-good
check 'and is admitted again' decides gateway ADMIT
id=$(device_field gateway id)
agent_stop gateway
agent_start gateway --boot-log "$WORK/gateway/boot.log" --retry-max 1
check 'an agent that restarts is the same device' decides gateway ADMIT
check 'it did not enrol again' equal "$(device_field gateway id) $(assay audit list --json | jq --arg d "$id" '[.audit[] | select(.action == "device.enrol" and .object == $d)] | length')" "$id 1"
lines_before=$(($(lines gateway) + 1))
verifier_stop
check 'the verifier restarts on the same port' verifier_restart_here
check 'the agents come back by themselves' wait_for "$WAIT" said_after gateway "$lines_before" 'event=connected'
check 'the gateway is still admitted' decides gateway ADMIT
check 'what was found in the controller'"'"'s boot still holds' decides controller QUARANTINE
reset_under_agent() { tpm_boot gateway tests/data/eventlog/grub-good.bin; }
check 'the gateway'"'"'s TPM is reset under its agent, and boots' reset_under_agent
check 'the gateway is still admitted' decides gateway ADMIT

# ---- operators' overlays ------------------------------------------------------------
check 'an operator holds the gateway' assay device hold gateway --reason 'inspection'
check 'it is quarantined' decides gateway QUARANTINE
check 'the agent is told' wait_for "$WAIT" said_after gateway "$lines_before" 'outcome=quarantine'
check 'the hold is lifted' assay device release gateway --reason 'inspected'
check 'and new evidence admits it' decides gateway ADMIT

# ---- silence ------------------------------------------------------------------------
agent_stop gateway
check 'a device that falls silent is quarantined when its verdict expires' decides gateway QUARANTINE
agent_stop controller
sleep $((INTERVAL * 4))
check 'silence makes nothing milder' decides controller QUARANTINE

# ---- children that die ---------------------------------------------------------------
agent_start gateway --boot-log "$WORK/gateway/boot.log" --retry-max 1
check 'the gateway comes back' decides gateway ADMIT
child() { # ROLE: its process
	local pid
	for pid in $(children); do
		grep -qz -- "--role=$1" "/proc/$pid/cmdline" && echo "$pid" && return
	done
	return 1
}
children() { cat "/proc/${started[verifier]}/task/${started[verifier]}/children"; }
replaced() { [ "$(child "$1")" != "$2" ]; } # ROLE PID
for role in net appraiser console; do
	pid=$(child $role)
	kill -KILL "$pid"
	check "$role is killed and replaced" wait_for "$WAIT" replaced $role "$pid"
	line=$(($(lines gateway) + 1))
	check "after that the gateway is judged again" wait_for "$WAIT" said_after gateway "$line" 'outcome=admit'
	check "and the console answers" wait_for "$WAIT" assay status
done
pids=$(children)
verifier_stop
gone() { local p; for p in $pids; do [ ! -d "/proc/$p" ] || ! grep -q '^State:[^ZX]*$' "/proc/$p/status" || return; done; }
check 'a verifier that is told to stop leaves no process' wait_for "$WAIT" gone
check 'the ledger is whole' equal "$(ledger 'PRAGMA integrity_check')" ok
lib_end
