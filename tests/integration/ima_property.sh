#!/bin/bash
# Random IMA lists of every template, byte order and hash, PCR 10 quoted by a real TPM:
# each is admitted, and no list that was altered in bytes, order, offset or count is.
# time-limit: 300
. tests/integration/lib.sh
export TSS2_LOG=all+NONE
lib_begin

property() { # SEED
	tpm_boot gateway tests/data/eventlog/uki-allbanks.bin &&
		"$ASSAY_BIN/tests/tools/ima_property" "$(tpm_tcti gateway)" "$1"
}

check 'a TPM with four banks' tpm_make gateway sha1,sha256,sha384,sha512
for seed in ${IMA_SEEDS:-1 2 3 4 5 6 7 8 9 10 11 12}; do
	check "lists of seed $seed are admitted as they are, and refused when altered" property "$seed"
done
lib_end
