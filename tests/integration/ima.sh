#!/bin/bash
# IMA lists with real parts: daemon, agent, TPM, and a list that grows as a kernel's does
# (tests/tools/ima_grow.c). What is new is asked for and nothing else; what was found stays
# until a reboot; what is judged by new rules is judged from the ledger.
# time-limit: 900
. tests/integration/lib.sh
lib_begin

GOOD=grub-good
BANKS=sha1,sha256

# ---- devices with IMA ---------------------------------------------------------
list_of() { echo "$WORK/$1/ima.list"; }
grows() { # NAME ENTRY...: list and PCR 10
	local name=$1
	shift
	"$ASSAY_BIN/tests/tools/ima_grow" --list "$(list_of "$name")" --tcti "$(tpm_tcti "$name")" --banks $BANKS "$@"
}
list_only() { # NAME ENTRY...
	local name=$1
	shift
	"$ASSAY_BIN/tests/tools/ima_grow" --list "$(list_of "$name")" --banks $BANKS "$@"
}
pcr_only() { # NAME ENTRY...
	local name=$1
	shift
	"$ASSAY_BIN/tests/tools/ima_grow" --tcti "$(tpm_tcti "$name")" --banks $BANKS "$@"
}
ima_agent() { # NAME ARGUMENT...
	local name=$1
	shift
	agent_start "$name" --boot-log "$WORK/$name/boot.log" --ima-list "$(list_of "$name")" --retry-max 1 "$@"
}
# Boots, and runs N programs; the agent, if it ran, runs again afterwards.
ima_boot() { # NAME PROGRAMS
	local running=''
	alive "agent-$1" && running=yes && agent_stop "$1"
	tpm_boot "$1" "tests/data/eventlog/$GOOD.bin" && cp "tests/data/eventlog/$GOOD.bin" "$WORK/$1/boot.log" &&
		rm -f "$(list_of "$1")" && grows "$1" boot "files:/usr/bin/t:0:$2" || return
	[ -z "$running" ] || ima_agent "$1"
}
ima_enrol() { # NAME CLASS PROGRAMS
	local before
	before=$(assay device list --json | jq -c '[.devices[].id]')
	tpm_make "$1" && ima_boot "$1" "$3" && ima_agent "$1" --token "$(assay token create --class "$2" 2>/dev/null)" || return
	wait_for "$WAIT" new_device "$before" || return
	assay device set "$(new_device "$before")" --name "$1"
}
ima() { assay device show "$1" --json | jq -r ".ima.$2"; } # NAME FIELD
entries() { [ "$(ima "$1" entries)" = "$2" ] || { echo "entries: $(ima "$1" entries)"; return 1; }; }
has_entries() { wait_for "$WAIT" entries "$1" "$2" || { entries "$1" "$2"; assay device show "$1"; return 1; }; }
finds() { # NAME WORD: the verdict has this finding
	wait_for "$WAIT" found "$1" "$2" || { assay device show "$1"; return 1; }
}
found() { assay device show "$1" --json | jq -e --arg w "$2" 'any(.verdict.findings[]; .word == $w)'; }
seen_at() { assay device show "$1" --json | jq -r .verdict.at; }
rounds() { assay status --json | jq .attestations; }
more_rounds() { [ "$(rounds)" -ge "$1" ]; }
# N rounds of all connected devices together.
rounds_pass() { wait_for $((30 + $1)) more_rounds $(($(rounds) + $1)); }
stays() { # NAME OUTCOME ROUNDS
	local end=$(($(rounds) + $3))
	while ! more_rounds "$end"; do
		is_decided "$1" "$2" || { assay device show "$1"; return 1; }
		sleep 0.5
	done
}
ima_policy() { # CLASS LINES-OF-IMA...: put in force
	local class=$1 file
	shift
	version=$((${version:-1} + 1))
	file=$WORK/$class.$version.yaml
	cat >"$file" <<-E
		policy: $class
		version: $version
		applies_to: {class: $class}
		ask: {banks: [sha256], pcrs: [0-14], interval: 1s, patience: 100}
		references: {pcrs: [0, 2-4, 7-9, 11-14], on_fail: quarantine, learned: restrict}
		allow: {ek_expired: false, virtual_tpm: true, sha1_only: false}
		rules:
		  - {id: channel-bound, fact: channel.bound, op: equals, value: true}
		ima:
	E
	printf '  %s\n' "$@" >>"$file"
	assay policy activate "$(assay policy add "$file" --json | jq -r .digest)" --comment test
}
allow_files() { # DEVICE NAME: its list becomes an allow-list of its class, promoted
	local digest
	digest=$(assay reference import --ima-from-device "$1" --name "$2" --json | jq -er .digest) &&
		assay reference promote "$2" --digest "$digest"
}

ca_configure
set_up() {
	tpm_make spare && ca_roots "$WORK/roots" && verifier_init --roots "$WORK/roots" --accept-virtual-tpm &&
		verifier_start && ima_policy edge 'need: path'
}
check 'a verifier whose policy judges IMA lists' set_up
check 'a device with IMA enrols' ima_enrol edge edge 300
check 'its boot is approved' device_approve_boot edge
check 'its list is proved: 301 entries' has_entries edge 301
check 'files that no list has are quarantined' decides edge QUARANTINE ima.unknown
check 'its list becomes an allow-list' allow_files edge files-1
check 'all of it is judged again from the ledger, and it is admitted' decides edge ADMIT

# ---- increments ---------------------------------------------------------------
check 'known programs run' grows edge files:/usr/bin/t:0:20
check 'their entries are proved' has_entries edge 321
check 'it stays admitted' stays edge ADMIT 3
check 'the list grows while the quote is taken: what no PCR proves waits' list_only edge files:/usr/bin/t:20:5
check 'm4_what_follows_the_quoted_prefix_is_dropped_and_asked_again' stays edge ADMIT 3
check 'and is not counted' entries edge 321
check 'the kernel has extended by it now' pcr_only edge files:/usr/bin/t:20:5
check 'it is taken in the next round' has_entries edge 326
restart() { verifier_stop && verifier_restart_here && rounds_pass 2; }
check 'the verifier restarts and goes on where it was' restart
check 'entries are still those' entries edge 326
check 'admitted as before' decides edge ADMIT
check 'more run' grows edge files:/usr/bin/t:30:10
check 'and are proved' has_entries edge 336

# ---- M9: once, and then quiet rounds --------------------------------------------
check 'something that nobody knows runs once' grows edge file:/tmp/.x/miner:evil
check 'the device is quarantined' decides edge QUARANTINE ima.unknown
names_it() { assay device show edge --json | jq -e 'any(.verdict.findings[]; .word == "ima.unknown" and (.seen + .subject + .text | contains("/tmp/.x/miner")))'; }
check 'the finding names the file' names_it
check 'm9_malware_once_then_60_quiet_rounds_stays_quarantined' stays edge QUARANTINE 60
check 'known programs make it no better' grows edge files:/usr/bin/t:0:3
check 'it stays' stays edge QUARANTINE 3
check 'another agent makes it no better' eval 'agent_stop edge; ima_agent edge; rounds_pass 3; is_decided edge QUARANTINE'
check 'a reboot does' ima_boot edge 300
check 'and it is admitted' decides edge ADMIT
check 'its list began anew' has_entries edge 301

# ---- judged again without the device --------------------------------------------
check 'a new version of the policy judges the boot again' ima_policy edge 'need: digest' 'outcomes:' '- {finding: violation, outcome: report}'
gone() { mv "$(list_of edge)" "$WORK/aside" && ima_policy edge 'need: path'; }
check 'the device has lost its list, and the policy changes' gone
check 'm9_generation_change_is_judged_from_the_ledger' stays edge ADMIT 4
check 'it has the entries of before' entries edge 301
back() { mv "$WORK/aside" "$(list_of edge)"; }
check 'the list is back' back
check 'a violation' grows edge violation:/var/log/journal
check 'm1_a_violation_is_a_finding' decides edge QUARANTINE ima.violation
check 'counted' equal "$(ima edge violations)" 1
lenient() { ima_policy edge 'need: path' 'outcomes:' '- {finding: violation, outcome: report}'; }
check 'another policy only reports violations' lenient
check 'and judges what is stored again' decides edge ADMIT
check 'a digest that is taken off the list later' assay reference retire files-1
check 'm9_is_found_in_what_was_consumed' decides edge QUARANTINE ima.unknown
check 'it runs something else' grows edge file:/usr/bin/extra:extra
check 'that is proved' has_entries edge 303
check 'a list of what it runs' allow_files edge files-2
check 'brings it back' decides edge ADMIT

bad=sha256:$(printf %s /usr/bin/t7 | sha256sum | cut -d' ' -f1)
check 'a digest that was consumed long ago is declared bad' assay reference known-bad add "$bad" --comment 'found in a report'
check 'm9_a_digest_declared_bad_later_is_found_in_what_was_consumed' decides edge QUARANTINE ima.known-bad
names_bad() { assay device show edge --json | jq -e 'any(.verdict.findings[]; .word == "ima.known-bad" and (.subject + .text | contains("/usr/bin/t7")))'; }
check 'the finding names the file' names_bad
check 'it is declared good again' assay reference known-bad remove "$bad" --comment 'a false alarm'
check 'and the boot, judged again, too' decides edge ADMIT

# ---- lists that lie ---------------------------------------------------------------
withheld() { pcr_only edge file:/tmp/secret:secret; }
check 'PCR 10 moves and the list does not tell' withheld
check 'm11_a_withheld_list_is_missing_never_empty' decides edge QUARANTINE
check 'the finding' finds edge ima.missing
check 'reboot' ima_boot edge 300
check 'admitted' decides edge ADMIT
swap() { # the last entry is another than the TPM was told
	pcr_only edge file:/tmp/malware:evil && list_only edge files:/usr/bin/t:0:1
}
check 'an entry is exchanged' swap
check 'm4_entries_that_do_not_lead_to_the_quote_are_refused' finds edge ima.replay
check 'reboot' ima_boot edge 300
check 'admitted' decides edge ADMIT
no_list() { agent_stop edge && ima_agent edge --no-ima-list && rounds_pass 2; }
check 'an agent without the list, nothing new' no_list
check 'nothing is wanted, and it stays' is_decided edge ADMIT
check 'something runs' grows edge files:/usr/bin/t:0:1
check 'm11_no_list_is_missing' finds edge ima.missing
check 'the list is delivered after all' eval 'agent_stop edge; ima_agent edge'
check 'and it is admitted again: nothing is left to be told' decides edge ADMIT
trim() { # its start is gone, as a kernel that trims would have it
	agent_stop edge && rm -f "$(list_of edge)" && list_only edge files:/usr/bin/t:200:100 &&
		ima_agent edge && grows edge files:/usr/bin/t:5:1
}
check 'the list is trimmed' trim
check 'm6_a_trimmed_list_is_quarantined' decides edge QUARANTINE
check 'with a reason of its own' finds edge ima.trimmed
other_boot() { # the TPM has booted, the list is yesterday's
	agent_stop edge && cp "$WORK/yesterday" "$WORK/y2" && tpm_boot edge tests/data/eventlog/$GOOD.bin &&
		rm -f "$(list_of edge)" && grows edge boot files:/usr/bin/t:100:10 && cp "$WORK/y2" "$(list_of edge)" && ima_agent edge
}
check 'reboot' ima_boot edge 300
check 'admitted' decides edge ADMIT
cp "$(list_of edge)" "$WORK/yesterday"
check 'a list of another boot' other_boot
check 'm4_a_list_of_another_boot_is_quarantined' finds edge ima.other-boot
check 'reboot' ima_boot edge 300
check 'admitted' decides edge ADMIT

relay() { # the whole list again, where what is new was asked for
	cp "$(list_of edge)" "$WORK/again" && "$ASSAY_BIN/tests/tools/ima_grow" --list "$WORK/again" --banks $BANKS file:/opt/x:x &&
		cat "$WORK/again" >>"$(list_of edge)" && pcr_only edge file:/opt/x:x
}
check 'the whole list is sent, where entries from an offset were asked for' relay
check 'm6_entries_from_another_offset_are_quarantined' decides edge QUARANTINE
check 'a lying offset is named' finds edge ima.offset
check 'reboot' ima_boot edge 300
check 'admitted' decides edge ADMIT
printf '10 %040d ima-ng sha256:%064d boot_aggregate\n' 1 2 >"$WORK/ascii"
given_ascii() { agent_stop edge && ima_agent edge --ima-list "$WORK/ascii" && grows edge files:/usr/bin/t:0:1; }
check 'an agent that is given the ascii list' given_ascii
check 'm11_it_sends_none_and_is_quarantined' finds edge ima.missing
check 'it says why' grep -q 'problem=ascii-list' "$WORK/agent-edge.log"
check 'it is given the binary list' eval 'agent_stop edge; ima_agent edge'
check 'and it is admitted again' decides edge ADMIT
check 'reboot' ima_boot edge 300
check 'admitted' decides edge ADMIT

# ---- kexec --------------------------------------------------------------------------
check 'a kernel is loaded for kexec' grows edge kexec:root=/dev/sda1
check 'm10_kexec_is_a_finding' decides edge QUARANTINE ima.kexec
check 'the next kernel carries the list on' grows edge boot files:/usr/bin/t:0:5
check 'm10_a_second_boot_aggregate_is_a_finding' finds edge ima.second-boot-aggregate
check 'm6_a_list_carried_over_is_still_proved' has_entries edge 308
in_a_case() { # NAME WORD
	local code=0
	rm -f "$WORK/$1.case" && assay device export-case "$1" --output "$WORK/$1.case" || return
	assay appraise "$WORK/$1.case" --json >"$WORK/judged" || code=$?
	equal "$code" 1 && jq -e --arg w "$2" '.outcome == "QUARANTINE" and any(.findings[]; .word == $w)' "$WORK/judged"
}
own_list() { # FILES: a kernel that was not told of the old list begins one of its own
	agent_stop edge && rm -f "$(list_of edge)" && grows edge boot "files:/usr/bin/t:0:$1" && ima_agent edge
}
for files in 5 300 500; do # shorter than the old one, as long, longer
	check 'reboot' ima_boot edge 300
	check 'admitted' decides edge ADMIT
	check "a kernel begins its own list without a reset, of $files files" own_list "$files"
	check "m6_a_list_of_${files}_begun_without_a_reset_is_quarantined" decides edge QUARANTINE ima.kexec
	check '... and in a case file for an auditor' in_a_case edge ima.kexec
done
check 'reboot' ima_boot edge 300
check 'admitted' decides edge ADMIT

# ---- first seen -----------------------------------------------------------------------
check 'a second device of the class' ima_enrol second edge 300
check 'is admitted by the same lists' decides second ADMIT
check 'it has nothing that its class had not' equal "$(ima second first_seen)" 0
check 'it runs something new' grows second file:/opt/new:new
check 'that is told once, with class and time' wait_for "$WAIT" eval '[ "$(ima second first_seen)" = 1 ]'
shows_first() { assay device show second | grep -q '/opt/new'; }
check 'device show names the file' shows_first
check 'what both have is stored once' equal "$(ledger "SELECT count(*) FROM ima_entry e WHERE instr(e.bytes, CAST('/usr/bin/t7' || char(0) AS BLOB)) > 0")" 1
agent_stop second

# ---- 50,000 entries and 60 rounds of 20 -------------------------------------------------
LONG=${LONG:-50000} ROUNDS=${ROUNDS:-60}
report_all() { ima_policy long 'need: path' 'outcomes:' '- {finding: unknown, outcome: report}'; }
check 'a class whose files are only reported' report_all
io_of() { awk '/^[rw]char/ { n += $2 } END { print n }' "/proc/${started[agent-$1]}/io"; }
verifier_ticks() { # CPU of the daemon and its children
	local pid=${started[verifier]} p sum=0
	for p in $pid $(cat "/proc/$pid/task/$pid/children"); do
		sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$p/stat" 2>/dev/null || echo 0)))
	done
	echo $sum
}
# ROUNDS rounds of 20 new entries: bytes of the agent and work of the verifier.
increments() { # NAME PROGRAMS
	local i n=$2 io ticks
	io=$(io_of "$1") ticks=$(verifier_ticks)
	for ((i = 0; i < ROUNDS; i++)); do
		grows "$1" "files:/usr/bin/n:$((i * 20)):20" || return
		sleep 1.05 # nobody asks the verifier meanwhile
	done
	IO=$(($(io_of "$1") - io)) TICKS=$(($(verifier_ticks) - ticks))
	echo "# $1: $((IO / ROUNDS)) bytes read and written by the agent, $((TICKS * 10 / ROUNDS)) ms CPU of the verifier, per round of 20 entries"
	has_entries "$1" $((n + 1 + 20 * ROUNDS))
}
check 'a device with a short list' ima_enrol short long 100
check 'its list is proved' has_entries short 101
check 'it has its rounds' increments short 100
short_io=$IO short_ticks=$TICKS
grep '^# ' "$WORK/out"
agent_stop short
check "a device with $LONG entries" ima_enrol long long "$LONG"
WAIT=60
check 'they are proved, once' has_entries long $((LONG + 1))
check 'it has its rounds' increments long "$LONG"
grep '^# ' "$WORK/out"
check 'a round costs the agent what is new, not what is there' eval '[ "$IO" -lt $((short_io * 3 / 2)) ]'
check 'nor does the verifier work more' eval '[ "$TICKS" -lt $((short_ticks * 2 + 10)) ]'
agent_stop long

# ---- limits ---------------------------------------------------------------------------
# Entries of nearly 1 MiB, of which 64 MiB may be told in a boot and in an upload.
BIG=1048000
known() { ima short entries; }
check 'the short list again' eval 'ima_agent short && rounds_pass 2'
at=$(known)
check 'more is measured, to near the limit' grows short buffers:blob:$BIG:62
check 'an upload near the limit is proved' has_entries short $((at + 62))
check 'nothing is found in it' eval '! found short ima.limit'
check 'more is measured, beyond the limit' grows short buffers:blob:$BIG:3
check 'a boot of more than 64 MiB is quarantined' finds short ima.limit
check 'reboot' ima_boot short 100
check 'the short list is proved' has_entries short 101
at_once() { agent_stop short && ima_boot short 100 && grows short buffers:blob:$BIG:66 && ima_agent short; }
check 'a list that has no room in one upload' at_once
check 'is cut at the limit, which is named' finds short ima.limit
agent_stop short
little_room() { # 1 MiB for lists that are being sent, in each process
	verifier_stop && echo 'ima_memory: 1' >>"$ASSAY_STATE/verifier.yaml" && verifier_restart_here
}
check 'a verifier with little room for lists' little_room
crowded() { agent_stop short; ima_boot short 15000 && ima_agent short; }
check 'a list of 2 MiB' crowded
refused_busy() { grep -q 'refused.*reason=verifier.busy' "$WORK/agent-short.log"; }
check "has no room: the device is told to come again" wait_for "$WAIT" refused_busy
check 'nothing of it was judged' eval '[ "$(known)" != 15001 ]'
check 'a list that has room' ima_boot short 100
check 'is proved by the same verifier' has_entries short 101
lib_end
