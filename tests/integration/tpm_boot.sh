#!/bin/bash
# What every other integration test stands on: a manufactured TPM, "booted" by a log,
# has the values that the real machine's TPM had when it wrote the log.
. tests/integration/lib.sh
lib_begin

# The machine's values of the PCRs that its log covers; IMA's PCR 10 is not in the log.
recorded() { # CASE
	pcrs_table "tests/data/eventlog/$1.pcrs.txt" |
		awk '$1 ~ /^sha(1|256)$/ && ($2 <= 9 || $2 >= 11 && $2 <= 14)'
}
of_tpm() {
	pcrs_of gateway | awk '$2 <= 9 || $2 >= 11 && $2 <= 14'
}
boots_as_recorded() { # CASE
	tpm_boot gateway "tests/data/eventlog/$1.bin" && equal "$(of_tpm)" "$(recorded "$1")"
}
counter() { # FIELD
	tpm_on gateway tpm2_readclock | awk -v f="$1:" '$1 == f { print $2 }'
}
nv_is_certificate() { # INDEX
	tpm_on gateway tpm2_nvread -C o "$1" | openssl x509 -inform DER -noout -checkend 0
}

check 'swtpm is manufactured with EK certificates' tpm_make gateway
for name in uki-good uki-cmdline sb-good grub-good sdboot-good; do
	check "after booting $name the PCRs are those of the machine" boots_as_recorded "$name"
done

check 'an RSA-2048 EK certificate is in NV' nv_is_certificate 0x01c00002
check 'a P-384 EK certificate is in NV' nv_is_certificate 0x01c00016
check 'a P-256 certificate (L-2) can be added' tpm_add_l2 gateway
check 'a P-256 EK certificate is in NV' nv_is_certificate 0x01c0000a

before=$(counter reset_count)
tpm_boot gateway tests/data/eventlog/uki-good.bin 2>/dev/null
check 'a clean reboot counts one reset' equal "$(counter reset_count)" $((before + 1))
check 'a clean reboot leaves the clock safe' equal "$(counter safe)" yes

extend_pcr() { tpm_extend gateway "23:sha256:$(printf %064d 1)"; }
check 'one PCR is extended' extend_pcr
expected=$({ printf '\0%.0s' {1..32} && printf '\0%.0s' {1..31} && printf '\1'; } | sha256sum)
check 'and has the value computed here' equal "$(pcrs_of gateway | awk '$1 == "sha256" && $2 == 23 { print $3 }')" "${expected%% *}"

# The TPM is a second opinion on our own replay, also where PCR 0 starts at 3.
replayed() { # LOG: `BANK INDEX VALUE` of the PCRs that the log extends
	"$ASSAY_BIN/assay" inspect eventlog "$1" --json |
		jq -r '.pcrs | to_entries[] | .key as $b | .value | to_entries[] | "\($b) \(.key) \(.value)"' | sort
}
same_as_replay() { # LOG
	tpm_boot gateway "$1" && replayed "$1" >"$WORK/replayed" && [ -s "$WORK/replayed" ] &&
		pcrs_of gateway | sort | comm -13 - "$WORK/replayed" | diff /dev/null -
}
check 'the replay of all banks is the TPM'"'"'s' same_as_replay tests/data/eventlog/sb-good.bin
for name in ibmtss-dell1 keylime-bbm; do
	log=$ASSAY_TESTDATA/eventlogs/$name.bin
	if [ -e "$log" ]; then
		check "$name, StartupLocality 3: the replay is the TPM's" same_as_replay "$log"
	else
		skip "$name, StartupLocality 3: the replay is the TPM's" "$log is absent"
	fi
done

tpm_boot=$ASSAY_BIN/tests/tools/tpm_boot
tcti=$(tpm_tcti gateway)
head -c 1000 tests/data/eventlog/uki-good.bin >"$WORK/short.bin"
check_status 2 'a truncated log is refused' "$tpm_boot" --tcti "$tcti" --log "$WORK/short.bin"
check_status 64 'a digest of the wrong length is refused' "$tpm_boot" --tcti "$tcti" --extend 4:sha256:00
check_status 64 'a PCR that does not exist is refused' "$tpm_boot" --tcti "$tcti" --extend "24:sha1:$(printf %040d 1)"
check_status 3 'a TPM that is not there is reported' "$tpm_boot" --tcti "swtpm:path=$WORK/none" --log "$WORK/short.bin"
lib_end
