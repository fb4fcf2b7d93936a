#!/bin/bash
# Case files: what an auditor is given is judged again elsewhere, with the same result.
# time-limit: 300
. tests/integration/lib.sh
lib_begin

ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm
check 'the verifier starts' verifier_start
check 'a policy' policy_use gateway 1
check 'a gateway enrols' device_enrol gateway gateway grub-good
check 'what it booted is captured and promoted' device_approve_boot gateway
check 'it is admitted' decides gateway ADMIT
check 'a case is exported' assay device export-case gateway --output "$WORK/good.case"
check_status 3 'it is never written over a file' assay device export-case gateway --output "$WORK/good.case"
check 'judged from the file it is admitted' assay appraise "$WORK/good.case"
same() { # CASE: two machines with other names, times and places
	assay appraise "$1" --json >"$WORK/a.json"
	mkdir -p "$WORK/elsewhere" && cp "$1" "$WORK/elsewhere/copy"
	(program=$(realpath "$ASSAY_BIN/assay") && cd "$WORK/elsewhere" &&
		TZ=Asia/Tokyo LC_ALL=C.UTF-8 env -u ASSAY_STATE "$program" appraise copy --json >"$WORK/b.json")
	cmp "$WORK/a.json" "$WORK/b.json" && [ -s "$WORK/a.json" ]
}
check 'byte-equal elsewhere' same "$WORK/good.case"
flipped() { # a bit of every 500th byte: refused, or not ADMIT
	local n i got
	n=$(stat -c %s "$WORK/good.case")
	for ((i = 0; i < n; i += 500)); do
		cp "$WORK/good.case" "$WORK/flip.case"
		printf "\\x$(printf %02x $(($(od -An -tu1 -j$i -N1 "$WORK/flip.case") ^ 4)))" | dd of="$WORK/flip.case" bs=1 seek=$i conv=notrunc status=none
		got=0
		assay appraise "$WORK/flip.case" >/dev/null 2>&1 || got=$?
		[ $got -le 4 ] || { echo "byte $i: status $got" && return 1; }
	done
}
check 'a changed file crashes nothing' flipped
check 'a cut file is malformed' bash -c "head -c 1000 '$WORK/good.case' >'$WORK/cut.case'; '$ASSAY_BIN/assay' appraise '$WORK/cut.case'; [ \$? = 2 ]"
check_status 64 'a case and options do not go together' assay appraise "$WORK/good.case" --at 0

check 'it boots another command line' device_boot gateway grub-cmdline
check 'and is quarantined' decides gateway QUARANTINE
check 'a case of that' assay device export-case gateway --output "$WORK/bad.case"
check_status 1 'judged from the file it is quarantined' assay appraise "$WORK/bad.case"
names_it() { assay appraise "$WORK/bad.case" --json | jq -e '.outcome == "QUARANTINE" and ([.findings[].text] | join(" ") | test("command line"))' >/dev/null; }
check '... and the reason is the same' names_it
check 'byte-equal elsewhere, too' same "$WORK/bad.case"
check_status 2 'a device that never attested has none' assay device export-case nobody --output "$WORK/none.case"
lib_end
