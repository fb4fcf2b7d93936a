#!/bin/bash
# Software that a device measures, judged: approved by capture and promotion, then a changed
# firmware, a changed key, one that is dropped, a version that goes back, a symbolic link,
# a changed tree: each is exactly its finding, in words that an operator can use.
# time-limit: 300
. tests/integration/lib.sh
lib_begin

D=$WORK/root # stands for the device's file system
files() {
	mkdir -p "$D/opt/plc" "$D/etc/plc" "$D/etc/demo" "$D/proc" && echo firmware >"$D/opt/plc/firmware.bin" &&
		echo 4.2.1 >"$D/opt/plc/version" && printf '[net]\nhostname=plc7\nmode=static\n[scan]\nrate=10\n' >"$D/etc/plc/plc.ini" &&
		echo one >"$D/etc/demo/a" && echo two >"$D/etc/demo/b"
	cat >"$WORK/agent.yaml" <<-Y
		retry-max: 1
		measure:
		  root: $D
		  wait: 5
		  items:
		    - {name: firmware, kind: file, path: /opt/plc/firmware.bin, version-file: /opt/plc/version}
		    - {name: settings, kind: config, format: ini, path: /etc/plc/plc.ini, drop: [net.hostname]}
		    - {name: demo, kind: tree, path: /etc/demo}
		health:
		  claims: [uptime]
	Y
}
enrols() {
	tpm_make gw && device_boot gw grub-good && agent_start gw --config "$WORK/agent.yaml" --boot-log "$WORK/gw/boot.log" \
		--token "$(assay token create --class gateway 2>/dev/null)" && wait_for "$WAIT" new_device '[]' &&
		ID=$(new_device '[]') && assay device set "$ID" --name gw
}
start_all() {
	files && ca_configure && tpm_make spare && ca_roots "$WORK/roots" && verifier_init --roots "$WORK/roots" --accept-virtual-tpm &&
		verifier_start && policy_use gateway 1 's|^rules:|software:\
  items:\
    - {name: firmware, order: semver, at_least: 4.0.0}\
    - {name: settings, remediation: "restore {fact} on {device}"}\
    - {name: demo}\
rules:|' && enrols
}
check 'a device that measures three items, and a policy that names them' start_all
[ "$failures" = 0 ] || exit 1

# The findings of a verdict, in one line.
words() { assay device show gw --json | jq -r '[.verdict.findings[] | select(.cap != "ADMIT") | .word] | sort | join(" ")'; }
said() { [ "$(words)" = "$1" ]; }
found() { wait_for "$WAIT" said "$1" || { echo "found: $(words)"; assay device show gw; return 1; }; }
text() { assay device show gw --json | jq -r --arg w "$1" 'first(.verdict.findings[] | select(.word == $w)) | .text'; }

check 'without references it is told what is missing' found 'reference.none reference.none'
capture() {
	assay reference capture gw --name boot && assay reference promote boot --yes && assay reference capture gw --what software --name soft &&
		assay reference show soft --json | jq -e '[.software[] | [.name, .files]] == [["demo",true],["firmware",false],["settings",true]]'
}
check 'its boot and its software are captured, with lists of files' capture
check 'learned software restricts' found 'reference.learned'
check 'promoted, it is admitted' eval 'assay reference promote soft --yes && found ""'
check 'with its decision' decides gw ADMIT

check 'a key that is dropped is no change' eval 'sed -i s/hostname=.*/hostname=other/ "$D/etc/plc/plc.ini"; sleep 3; said ""'
check 'a changed key is told' eval 'sed -i s/rate=10/rate=11/ "$D/etc/plc/plc.ini"; found software.config-changed'
check 'by its name' eval 'wait_for "$WAIT" equal "$(text software.config-changed)" "1 key changed in settings: scan.rate"'
check 'put right again it is admitted' eval 'sed -i s/rate=11/rate=10/ "$D/etc/plc/plc.ini"; found ""'
check 'a changed tree is told' eval 'echo other >"$D/etc/demo/b"; echo new >"$D/etc/demo/c"; found software.tree-changed'
check 'file by file' equal "$(text software.tree-changed)" '2 files changed in demo: b, c (added)'
check 'put right again it is admitted' eval 'echo two >"$D/etc/demo/b"; rm "$D/etc/demo/c"; found ""'
check 'a changed firmware is told' eval 'echo evil >"$D/opt/plc/firmware.bin"; found software.file-changed'
check 'and what explains says so' eval 'assay policy explain gw --json | jq -e ".rules[] | select(.id == \"firmware\") | .state == \"fails\""'
check 'a symbolic link in its place is told' eval 'ln -s /etc/passwd "$D/link" && mv -T "$D/link" "$D/opt/plc/firmware.bin"; found software.symlink'
check 'put right again it is admitted' eval 'rm "$D/opt/plc/firmware.bin"; echo firmware >"$D/opt/plc/firmware.bin"; found ""'
check 'a version that goes back is a rollback, and no more' eval 'echo 4.2.0 >"$D/opt/plc/version"; found software.rollback'
check 'one that is below the minimum too, as the graver matter' eval 'echo 3.9.9 >"$D/opt/plc/version"; found software.rollback'
check 'a firmware that is not there is told' eval 'rm "$D/opt/plc/firmware.bin"; found software.unmeasured'
new_version() {
	echo 'firmware 5' >"$D/opt/plc/firmware.bin" && echo 5.0.0 >"$D/opt/plc/version" && found software.file-changed &&
		assay reference capture gw --what software --name soft5 && assay reference promote soft5 --yes && found ''
}
check 'a new version is captured, promoted and admitted' new_version
back() { echo firmware >"$D/opt/plc/firmware.bin" && echo 4.2.1 >"$D/opt/plc/version" && found software.rollback; }
check 'the old one, though still approved, is then a rollback' back
check 'a restart of the verifier forgets nothing of it' eval 'verifier_stop; verifier_restart_here && sleep 3 && found software.rollback'
lib_end
