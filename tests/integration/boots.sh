#!/bin/bash
# What a device booted before: the difference to its last good boot, in words; facts of the
# boot in rounds that read no log; a baseline of the device's own (L17); revocations (L14).
# time-limit: 600
. tests/integration/lib.sh
lib_begin

INTERVAL=1
first() { assay device show "$1" --json | jq -r ".verdict.findings[0].$2"; } # NAME FIELD
first_is() { # NAME WORD PATTERN
	# shellcheck disable=SC2053 # a pattern
	{ [ "$(first "$1" word)" = "$2" ] && [[ $(first "$1" text) == $3 ]]; } ||
		{ echo "$(first "$1" word): $(first "$1" text)"; return 1; }
}
found() { # NAME WORD PATTERN
	local texts
	texts=$(assay device show "$1" --json | jq -r --arg w "$2" '.verdict.findings[] | select(.word == $w) | .text')
	# shellcheck disable=SC2053 # a pattern
	[[ $texts == $3 ]] || { echo "$texts"; return 1; }
}
no_findings() { equal "$(assay device show "$1" --json | jq -c '[.verdict.findings[].word]')" '[]'; }
digest_of() { sha256sum "$1" | cut -d' ' -f1; } # FILE
good_log() { equal "$(device_field "$1" good_log)" "$(digest_of "$2")"; } # NAME FILE
fact() { # NAME FACT FIELD
	assay device show "$1" --json | jq -r --arg f "$2" "first(.verdict.facts[] | select(.name == \$f)) | .$3"
}
rounds_pass() { # NAME: more than one verdict was given since
	local at
	at=$(device_field "$1" verdict.at)
	newer() { [ "$(device_field "$1" verdict.at)" -gt $((at + 1)) ]; }
	wait_for "$WAIT" newer "$1"
}

# A log in which a UEFI variable has another content, and its digests are of it.
with_variable() { # LOG NAME HEX-DATA >LOG
	perl -MDigest::SHA=sha1,sha256 -e '
	my ($file, $name, $hex) = @ARGV;
	open my $h, "<:raw", $file or die; local $/; my $in = <$h>;
	my $wide = join "", map { "$_\0" } split //, $name;
	my $at = 32 + unpack "V", substr($in, 28, 4);
	my $out = substr $in, 0, $at;
	while ($at < length $in) {
		my ($pcr, $type, $n, @algs) = (unpack("VVV", substr $in, $at, 12));
		my $p = $at + 12;
		for (1 .. $n) {
			my $alg = unpack "v", substr $in, $p, 2;
			push @algs, $alg; $p += 2 + ($alg == 4 ? 20 : 32);
		}
		my $size = unpack "V", substr $in, $p, 4;
		my $data = substr $in, $p + 4, $size;
		my $next = $p + 4 + $size;
		if (($type & 0xFFFFFFF0) == 0x80000000 && substr($data, 32, length $wide) eq $wide &&
		    unpack("V", substr $data, 16, 4) == length $name) {
			my $content = pack "H*", $hex;
			$data = substr($data, 0, 24) . pack("VV", length $content, 0) . $wide . $content;
			$out .= pack "VVV", $pcr, $type, $n;
			$out .= pack("v", $_) . ($_ == 4 ? sha1($data) : sha256($data)) for @algs;
			$out .= pack("V", length $data) . $data;
		} else {
			$out .= substr $in, $at, $next - $at;
		}
		$at = $next;
	}
	print $out;' "$@"
}
# An EFI signature list of N hashes.
hashes() { # N
	local i
	printf '2616c4c14c509240aca941f936934328%08x0000000030000000' 0 |
		sed "s/00000000\(0000000030000000\)$/$(printf '%08x' $((28 + $1 * 48)) | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/')\1/"
	for ((i = 0; i < $1; i++)); do printf '%032x%064x' 7 $((i + 1)); done
}
boot_file() { # NAME LOG-FILE; ends when the verifier has seen that boot
	local running='' before
	before=$(device_field "$1" counters.reset_count)
	alive "agent-$1" && running=yes && agent_stop "$1"
	tpm_boot "$1" "$2" && cp "$2" "$WORK/$1/boot.log" || return
	[ -n "$running" ] || return 0
	agent_start "$1" --boot-log "$WORK/$1/boot.log" --retry-max 1 &&
		wait_for "$WAIT" eval '[ "$(device_field '"$1"' counters.reset_count)" != '"$before"' ]'
}

# ---- set-up: the class knows PCR values, and is not asked for events -----------------
GOOD=tests/data/eventlog/grub-good.bin
ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm
check 'the verifier starts' verifier_start
check 'a policy that explains no events' policy_use gateway $INTERVAL \
	's/^references:/&\n  events: ignore/'
check 'a gateway enrols' device_enrol gateway gateway grub-good
check 'without reference values it is not admitted' decides gateway QUARANTINE reference.none
check 'so there is no good boot yet' equal "$(device_field gateway good_log)" null
check 'its boot is approved' device_approve_boot gateway
check 'it is admitted' decides gateway ADMIT
check 'and this boot is its last good one' good_log gateway $GOOD

# ---- facts of the boot stay ------------------------------------------------------------
check 'rounds go by that read no log' rounds_pass gateway
check 'no finding' no_findings gateway
words='/vmlinuz console=ttyS0 root=/dev/ram0 rdinit=/init ima_policy=tcb ima_hash=sha256 panic=-1 quiet'
check 'the kernel command line is still a fact' equal "$(fact gateway boot.cmdline value)" "$words"
check 'it is of the time when the log was read' test "$(fact gateway boot.cmdline at)" -lt "$(device_field gateway verdict.at)"
of_this_round() { assay device show gateway --json | jq -e '.verdict | .at == first(.facts[] | select(.name == "quote.clock")).at' >/dev/null; }
check 'other facts are of the last round' of_this_round
shows_facts() { assay device show gateway --facts | grep -q "^boot.cmdline.*rdinit=/init.*replayed"; }
check 'device show --facts has it' shows_facts

# ---- the difference in words --------------------------------------------------------
check 'the gateway reboots with another command line' device_boot gateway grub-cmdline
# shellcheck disable=SC2016 # backquotes are words
CHANGE='since the last good boot: kernel command line gained `lab.evil=1`'
check 'it is quarantined' decides gateway QUARANTINE boot.changed
check 'the first finding says what changed' first_is gateway boot.changed "$CHANGE"
first_line() { assay device show gateway | grep -m1 '^  1\. ' | grep -qF "$CHANGE"; }
check 'so does the first line for people' first_line
in_history() { assay device history gateway | grep QUARANTINE | head -n 1 | grep -qF "$CHANGE"; }
check 'and the history' in_history
check 'the last good boot stays what it was' good_log gateway $GOOD
check 'the facts are those of this boot' equal "$(fact gateway boot.cmdline value)" "$words lab.evil=1"
check 'rounds go by' rounds_pass gateway
check 'the first finding is the same' first_is gateway boot.changed "$CHANGE"
check 'the verifier is stopped' verifier_stop
check 'and starts again' verifier_restart_here
check 'the gateway goes back to its good boot' device_boot gateway grub-good
check 'and is admitted' decides gateway ADMIT
check 'nothing is found' no_findings gateway

# ---- a change that was meant ------------------------------------------------------------
device_boot gateway grub-cmdline
check 'the other boot again' decides gateway QUARANTINE boot.changed
check 'it is approved' device_approve_boot gateway
check 'it is admitted' decides gateway ADMIT
check 'it is the last good boot now' good_log gateway tests/data/eventlog/grub-cmdline.bin
check 'the gateway boots the former one, which is approved too' device_boot gateway grub-good
check 'it is admitted' decides gateway ADMIT
was_told() { found gateway boot.changed '*kernel command line lost*lab.evil=1*'; }
check 'and what changed is told' wait_for "$WAIT" was_told
check 'rounds go by' rounds_pass gateway
check 'it is still told' was_told
check 'a policy that restricts boots that changed' policy_use gateway $INTERVAL \
	's/^references:/&\n  events: ignore\n  last_boot: restrict/'
check 'it judges the boot, which is as the last good one' decides gateway ADMIT
device_boot gateway grub-cmdline
check 'the next change restricts' decides gateway RESTRICT boot.changed
check 'and is no good boot' good_log gateway $GOOD
shown=$(device_field gateway boot_log)
check_status 2 'another boot than the one shown is not accepted' assay device accept-boot gateway --digest "${shown//[0-7]/8}"
check 'an operator accepts it' assay device accept-boot gateway --digest "$shown" --reason 'update 7'
check 'it is admitted' decides gateway ADMIT
check 'and is the last good boot' good_log gateway tests/data/eventlog/grub-cmdline.bin
accepted() { assay device history gateway | grep -q 'device.accept-boot.*update 7'; }
check 'the audit log has it' accepted
agent_stop gateway

# ---- L14: revocations that go back ------------------------------------------------------
with_variable tests/data/eventlog/sb-good.bin dbx "$(hashes 371)" >"$WORK/dbx-new.bin"
with_variable tests/data/eventlog/sb-good.bin dbx "$(hashes 217)" >"$WORK/dbx-old.bin"
check 'a controller enrols' device_enrol secure controller sb-good
check 'a policy for controllers' policy_use controller $INTERVAL
check 'it boots with an old dbx' boot_file secure "$WORK/dbx-old.bin"
check 'nothing is approved' decides secure QUARANTINE reference.none
check 'the old dbx is approved' device_approve_boot secure
check 'it is admitted' decides secure ADMIT
check 'it boots with a new dbx' boot_file secure "$WORK/dbx-new.bin"
check 'which is not approved yet' decides secure QUARANTINE boot.event-differs
check 'the finding says so' first_is secure boot.event-differs '*dbx went up from 217 to 371 entries'
check 'the new dbx is approved' device_approve_boot secure
check 'it is admitted' decides secure ADMIT
check 'it boots with the old dbx, which was never retired' boot_file secure "$WORK/dbx-old.bin"
check 'l14: it is restricted' decides secure RESTRICT boot.dbx-back
check 'the finding says why' first_is secure boot.dbx-back 'Secure Boot variable dbx went back from 371 to 217 entries'
check 'it boots with the new dbx' boot_file secure "$WORK/dbx-new.bin"
check 'it is admitted' decides secure ADMIT
agent_stop secure

# ---- L17: a baseline of the device's own --------------------------------------------------
check 'a policy that compares what is the class'"'"'s' policy_use gateway $INTERVAL
check 'the gateway is back' device_boot gateway grub-good
agent_start gateway --boot-log "$WORK/gateway/boot.log" --retry-max 1
check 'it is admitted' decides gateway ADMIT
order=$(assay inspect eventlog $GOOD | sed -n 's/.*boot order: //p' | head -n 1)
with_variable $GOOD BootOrder 0100000002000300 >"$WORK/order.bin"
check 'it boots with another boot order' boot_file gateway "$WORK/order.bin"
check 'nobody said which order is its own' decides gateway ADMIT
boot_file gateway $GOOD
check 'it boots as before' decides gateway ADMIT
digest=$(assay reference capture gateway --scope device --pcrs 1,5 --name own --json | jq -er .digest)
check 'l17: a baseline is captured for the device' test ${#digest} = 64
check 'the set is of the device' equal "$(assay reference show own --json | jq -r '.device')" "$(device_field gateway id)"
check 'it is promoted' assay reference promote own --digest "$digest"
check 'the gateway is as its baseline' decides gateway ADMIT
check 'it boots with another boot order' boot_file gateway "$WORK/order.bin"
check 'l17: it is restricted' decides gateway RESTRICT reference.baseline
says_order() { found gateway reference.baseline '*boot order changed from*'"$order"'*to*'; }
check 'l17: the finding says from what to what' says_order
check 'another gateway has no such baseline' device_enrol other gateway grub-good
boot_file other "$WORK/order.bin"
check 'l17: and is not judged by it' decides other ADMIT
check 'the new order is meant: the old baseline is retired' assay reference retire own
check 'l17: without a baseline it is admitted' decides gateway ADMIT
lib_end
