#!/bin/bash
# What the agent measures, from a device's files to the verifier's record: a firmware
# file, configuration keys, versions, symbolic links, files that change, files on demand.
# time-limit: 240
. tests/integration/lib.sh
lib_begin

D=$WORK/root # stands for the device's file system
device_files() {
	mkdir -p "$D/opt/plc" "$D/etc/plc" "$D/proc" "$D/etc/units"
	head -c 100000 /dev/urandom >"$D/opt/plc/firmware.bin"
	echo 4.2.1 >"$D/opt/plc/version"
	printf '[net]\nhostname=plc7\nmode=static\npsk=hunter2\n[scan]\nrate=10\n' >"$D/etc/plc/plc.ini"
	echo unit >"$D/etc/units/a"
	echo secret >"$D/etc/plc/secret.pem"
	chmod 644 "$D/etc/plc/secret.pem"
	cat >"$WORK/agent.yaml" <<-Y
		retry-max: 1
		measure:
		  root: $D
		  wait: 5
		  rate: 2M
		  items:
		    - name: firmware
		      kind: file
		      path: /opt/plc/firmware.bin
		      version-file: /opt/plc/version
		    - name: settings
		      kind: config
		      format: ini
		      path: /etc/plc/plc.ini
		      drop: [net.hostname]
		      report: [net.mode, net.psk]
		    - name: tree
		      kind: tree
		      path: /etc/units
		    - {name: pem, kind: file, path: /etc/plc/secret.pem, secret: true}
		health:
		  claims: [uptime, clock_time, kernel, tpm_lockout]
		  # a comment within a section
		once: false
	Y
}

agent=$ASSAY_BIN/assay-attester
shown() { "$agent" measure --config "$WORK/agent.yaml" --json; }
digest_of() { shown | jq -r --arg n "$1" '.software[] | select(.name == $n).digest'; }
note_of() { shown | jq -r --arg n "$1" '.software[] | select(.name == $n).note'; }

check 'a device has files' device_files
check_status 1 'measure tells that something is not measured' shown
check 'a file has the digest that sha256sum says' equal "$(digest_of firmware)" "sha256:$(sha256sum "$D/opt/plc/firmware.bin" | cut -d' ' -f1)"
check 'its version is the first line of another' equal "$(shown | jq -r '.software[] | select(.name == "firmware").version')" 4.2.1
check 'a secret that everybody may read is refused' equal "$(note_of pem)" world-readable
check 'a named value is told' equal "$(shown | jq -r '.settings[] | select(.key == "net.mode").value')" static
check 'a secret never is' equal "$(shown | jq -c '.settings[] | select(.key == "net.psk") | [.value, .note]')" '["","secret"]'
not_there() { ! shown | grep -q "$1"; }
check 'nor is it anywhere else' not_there hunter2

before=$(digest_of settings)
sed -i 's/hostname=.*/hostname=other/' "$D/etc/plc/plc.ini"
check 'a key that is dropped does not count' equal "$(digest_of settings)" "$before"
sed -i 's/rate=10/rate=11/' "$D/etc/plc/plc.ini"
changed() { [ "$1" != "$2" ] && [ -n "$2" ]; }
check 'a key that is not counts' changed "$before" "$(digest_of settings)"
ln -s /etc/passwd "$D/opt/plc/link" && mv -T "$D/opt/plc/link" "$D/opt/plc/firmware.bin"
check 'a symbolic link put in place of a file is told' equal "$(note_of firmware)" symlink
rm "$D/opt/plc/firmware.bin"
check 'a missing file is told' equal "$(note_of firmware)" missing
head -c 100000 /dev/zero >"$D/opt/plc/firmware.bin"

# ---- errors of the file -------------------------------------------------------
wrong() { # YAML TEXT: refused with one line that has the text
	local out status=0
	printf '%b' "$1" >"$WORK/wrong.yaml"
	out=$("$agent" measure --config "$WORK/wrong.yaml" 2>&1 >/dev/null) || status=$?
	[ "$status" = 2 ] && [[ $out == *"$2"* ]] && [ "$(wc -l <<<"$out")" = 1 ] ||
		{ echo "status $status: $out"; return 1; }
}
check 'an unknown kind is named with its line' wrong 'measure:\n  items:\n    - name: a\n      kind: x\n' 'wrong.yaml:4: kind: is none of file'
check 'an unknown key too' wrong 'measure:\n  items:\n    - name: a\n      kind: file\n      pth: /x\n' 'wrong.yaml:5: pth: there is no such key'
check 'a path that is not absolute too' wrong 'measure:\n  items:\n    - {name: a, kind: file, path: x}\n' ':3: path: is not an absolute path'
check 'a key that the kind has no use for too' wrong 'measure:\n  items:\n    - {name: a, kind: file, path: /x, drop: [b]}\n' ':3: drop: is not for items of this kind'
check 'a key that the kind needs too' wrong 'measure:\n  items:\n    - {name: a, kind: config, path: /x}\n' ':3: format: is missing'
check 'two items of one name too' wrong 'measure:\n  items:\n    - {name: a, kind: units}\n    - {name: a, kind: modules}\n' 'a: is the name of two items'
check 'two sources of a version too' wrong 'measure:\n  items:\n    - {name: a, kind: units, version: 1, version-file: /x}\n' 'version: has two sources'
check 'a rate without sense too' wrong 'measure:\n  rate: 10 parsecs\n' ':2: rate: is not a number'
check 'a health claim that is none too' wrong 'health:\n  claims: [luck]\n' ':2: luck: there is no such health claim'
check 'what is no YAML too' wrong 'measure:\n  items: [\n' 'wrong.yaml:'
check 'an option within a section is no option' wrong 'measure:\n  verifier: wss://x\n' ':2: verifier: there is no such key'

# ---- with a verifier ------------------------------------------------------------
ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm
check 'the verifier starts' verifier_start
check 'a policy is put in force' policy_use gateway 1
enrols() {
	tpm_make gateway && device_boot gateway grub-good && agent_start gateway --config "$WORK/agent.yaml" \
		--boot-log "$WORK/gateway/boot.log" --token "$(assay token create --class gateway 2>/dev/null)" &&
		wait_for "$WAIT" new_device '[]' && ID=$(new_device '[]') && assay device set "$ID" --name gateway
}
check 'a device that measures enrols' enrols
check 'it is judged' decides gateway QUARANTINE reference.none
claims() { ledger "SELECT hex(proof) FROM state" | perl -ne 'print pack("H*", $_)' | strings -n 4; } # small claims travel in it
claimed() { claims | grep -q -- "$1"; }
check 'what it measured is in the claims that the verifier keeps' wait_for "$WAIT" claimed '^firmware'
check 'with its version' claimed 4.2.1
check 'and the note of what was refused' claimed world-readable
check 'and its health' claimed clock_time
without() { ! claims | grep -q -- "$1"; }
check 'and what its TPM counts' claimed tpm_lockout
check 'a secret never left the device' without hunter2
new_version() { echo 4.1.9 >"$D/opt/plc/version"; }
check 'the version goes back' new_version
check 'which the next round tells' wait_for "$WAIT" claimed '4.1.9'
swap() { ln -s /etc/passwd "$D/opt/plc/link" && mv -T "$D/opt/plc/link" "$D/opt/plc/firmware.bin"; }
check 'a file is swapped for a symbolic link' swap
check 'which the next round tells' wait_for "$WAIT" claimed symlink

# ---- a file that changes while it is read ------------------------------------------------
check 'a policy names the firmware' policy_use gateway 1 's|^rules:|software:\
  items:\
    - {name: firmware}\
rules:|'
rm "$D/opt/plc/firmware.bin"
head -c 1000000 /dev/zero >"$D/opt/plc/firmware.bin"
touch "$WORK/busy"
writes() { while [ -e "$WORK/busy" ]; do echo x >>"$D/opt/plc/firmware.bin" && sleep 0.05; done; }
start writer writes
found() { assay device show gateway --json | jq -e --arg w "$1" 'any(.verdict.findings[]; .word == $w)'; }
check 'a file that something writes to while it is read is told as that' wait_for "$WAIT" found software.changed-while-read
not_found() { ! found "$1"; }
check 'and as nothing else' not_found software.file-changed
rm "$WORK/busy"
stop writer
head -c 1000 /dev/zero >"$D/opt/plc/firmware.bin"
check 'when nobody writes any more it is measured' wait_for "$WAIT" not_found software.changed-while-read

# ---- at rest and at the end ---------------------------------------------------------
collector() { # the agent's only child; a bare Debian has neither pgrep nor ps
	local stat
	for stat in /proc/[0-9]*/stat; do
		sed -n "s/^\([0-9]*\) (.*) [A-Z] ${started[agent-gateway]} .*/\1/p" "$stat"
	done 2>/dev/null
}
COLLECTOR=$(collector | tr -d ' ')
check 'the collector is a process of its own' test -d "/proc/$COLLECTOR"
kill -KILL "$COLLECTOR"
other() { [ -n "$(collector)" ] && [ "$(collector | tr -d ' ')" != "$COLLECTOR" ]; }
check 'a collector that ends is started again' wait_for "$WAIT" other
COLLECTOR=$(collector | tr -d ' ')
decisions() { grep -c event=decision "$WORK/agent-gateway.log"; }
more_decisions() { [ "$(decisions)" -gt "$1" ]; }
check 'and rounds go on' wait_for "$WAIT" more_decisions "$(decisions)"

# Between rounds nothing runs: neither process is woken but by libwebsockets' own timer
# of 30 s, and what stays in memory is small.
check 'a policy with a long interval' policy_use gateway 300
rests() { tail -n 3 "$WORK/agent-gateway.log" | grep -q 'next-in-ms=[0-9]\{6\}'; }
check 'the agent is told to rest' wait_for "$WAIT" rests
switches() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$1/status"; }
kilobytes() { awk -v f="^$2:" '$0 ~ f { print $2 }' "/proc/$1/status"; }
AGENT=${started[agent-gateway]}
quiet() { # six seconds; on a busy machine what was to be done before may take a while yet
	local a b i
	for ((i = 0; i < 6; i++)); do
		a=$(switches "$AGENT") b=$(switches "$COLLECTOR")
		sleep 6
		[ "$(($(switches "$AGENT") - a))" -le 1 ] && [ "$(switches "$COLLECTOR")" = "$b" ] && return
	done
	return 1
}
check 'at rest neither agent nor collector wakes up' quiet
small() { # PID ANONYMOUS-KB RESIDENT-KB
	echo "anonymous $(kilobytes "$1" RssAnon) kB, resident $(kilobytes "$1" VmRSS) kB"
	[ "$(kilobytes "$1" RssAnon)" -lt "$2" ] && [ "$(kilobytes "$1" VmRSS)" -lt "$3" ]
}
case $ASSAY_BIN in
*release*)
	check 'the agent rests in less than 16 MB, 6 of them its own' small "$AGENT" 6144 16384
	echo "# agent: $(small "$AGENT" 6144 16384)"
	check 'the collector too' small "$COLLECTOR" 6144 16384
	echo "# collector: $(small "$COLLECTOR" 6144 16384)"
	;;
*) skip 'the agent rests in less than 12 MB' 'not a release build' ;;
esac

told=$(decisions)
check 'an operator demands that everything is read anew' assay device reread gateway --reason 'what is on it?'
check 'which is done at once' wait_for "$WAIT" more_decisions "$told"
agent_stop gateway
as_nobody() {
	chmod o+rw "$WORK/gateway/s" "$WORK/gateway/s.ctrl" && chown -R nobody "$WORK/gateway/agent" &&
		agent_start gateway --config "$WORK/agent.yaml" --boot-log "$WORK/gateway/boot.log" --user nobody
}
identity() { awk '/^Uid/ { u = $2 } /^CapEff/ { c = $2 } END { print u, c }' "/proc/$1/status"; }
if [ "$(id -u)" = 0 ]; then
	check 'an agent of root is started, to become nobody' as_nobody
	check 'its rounds go on' wait_for "$WAIT" more_decisions "$(decisions)"
	check 'it is nobody, and may read and nothing else' equal "$(identity "${started[agent-gateway]}")" "$(id -u nobody) 0000000000000004"
	COLLECTOR=$(collector | tr -d ' ')
	check 'the collector has kept its privileges' equal "$(identity "$COLLECTOR" | cut -c1-2)" '0 '
	kill -KILL "$COLLECTOR"
	ended() { ! kill -0 "${started[agent-gateway]}" 2>/dev/null; }
	check 'without its collector it ends, to be started again' wait_for "$WAIT" ended
else
	skip 'an agent of root is started, to become nobody' 'not root'
fi
COLLECTOR=${COLLECTOR:-0}
gone() { [ ! -d "/proc/$COLLECTOR" ]; }
check 'the collector ends with the agent' wait_for "$WAIT" gone

lib_end
