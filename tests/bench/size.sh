#!/bin/bash
# Code of the embeddable library without its TPM back end: what a program links that has
# its key in memory and carries the bytes itself, as attester/examples/memory.c does.
#
#   usage: ASSAY_BIN=DIR tests/bench/size.sh
set -u
: "${ASSAY_BIN:?folder of the programs}"

text=$(size "$ASSAY_BIN/attester/examples/memory" | awk 'NR == 2 { print $1 }')
own=$(size "$ASSAY_BIN/attester/examples/memory.o" | awk 'NR == 2 { print $1 }')
echo "library without TPM back end, $(uname -m): $(((text - own) / 1024)) KiB of text (under 100 asked)"
[ $((text - own)) -lt 102400 ]
