#!/bin/bash
# `assay inspect ima` over real lists: our own in tests/data/ima, every boot in own/ and
# the lists of other projects in ima/ of the test data, as INDEX.tsv describes them. What
# was recorded with a list is reproduced by it; what must be refused is, with a reason.
#
#   usage: [ASSAY_BIN=DIR] [ASSAY_TESTDATA=DIR] tests/integration/inspect_ima.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
DATA=${ASSAY_TESTDATA:-../shared/testdata}
OWN=tests/data/ima
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin

inspect() { "$ASSAY_BIN/assay" inspect ima "$@"; }

# JSON by the contract, of which an expression of jq holds.
CONTRACT='(["format", "template", "entries", "violations", "boot_aggregate", "pcr10", "files"]
		- keys == [])
	and (.format == "binary" or .format == "ascii")
	and (.pcr10 | .sha1 | test("^[0-9a-f]{40}$")) and (.pcr10.sha256 | test("^[0-9a-f]{64}$"))
	and (.entries == (.files | length))
	and all(.files[]; (["index", "path", "digest", "signed"] - keys == [])
		and (.signed | type == "boolean") and (.path | test("^[ -~]*$")))'
json_is() { # EXPRESSION FILE OPTION...
	local expression=$1
	shift
	inspect "$@" --json >"$WORK/json" 2>"$WORK/err" || [ $? != 2 ] || return 2
	jq -e "($CONTRACT) and ($expression)" "$WORK/json"
}

# PCR 10 of each bank, from what tpm2_pcrread prints: `sha256:HEX`.
pcr10s() { # PCRS.TXT
	awk '/^ *sha[0-9]*:/ { sub(/:.*/, ""); gsub(/ /, ""); alg = $0 }
		/^ *10 *:/ { sub(/.*0x/, ""); print alg ":" $0 }' "$1"
}

# A list leads to every recorded value; one may have grown by an entry or two since.
leads() { # NAME LIST PCRS.TXT
	local name=$1 list=$2 pcr n=0
	while read -r pcr; do
		n=$((n + 1))
		check "$name leads to its ${pcr%%:*} PCR 10" json_is \
			'.match.proved and .entries - .match.entries < 3 and .contradictions == 0' \
			"$list" --pcr10 "$pcr"
	done < <(pcr10s "$3")
	[ $n -gt 0 ] || not_ok "$name has a recorded PCR 10"
}

# ---- our own boots -----------------------------------------------------------
for list in "$OWN"/*.bin "$OWN"/*.ascii; do
	leads "$(basename "$list")" "$list" "${list%.*}.pcrs.txt"
done
other=$(pcr10s "$OWN/uki-sig.pcrs.txt" | tail -n 1)
check_status 1 "another boot's PCR 10 is not reproduced" \
	inspect "$OWN/uki-names.bin" --pcr10 "$other"
check_status 1 "a PCR 10 at its reset value proves nothing" inspect "$OWN/uki-names.bin" \
	--pcr10 sha1:0000000000000000000000000000000000000000
check "both formats give the same JSON but for the format" sh -c "
	for k in bin ascii; do '$ASSAY_BIN/assay' inspect ima $OWN/uki-names.\$k --json |
		jq 'del(.format)' >'$WORK/json'.\$k; done; cmp '$WORK/json.bin' '$WORK/json.ascii'"
check "names are escaped" json_is 'any(.files[]; .path == "/n/nl\\x0anl")' "$OWN/uki-names.bin"
check "the listing has no byte of a name that is not printable" sh -c \
	"! '$ASSAY_BIN/assay' inspect ima '$OWN/uki-names.bin' | LC_ALL=C grep -q '[^ -~]'"
check "signed files are told" json_is \
	'.signed > 0 and ([.files[] | select(.signed)] | length) == .signed' "$OWN/uki-sig.bin"
check "the template and boot_aggregate of a legacy list are told" json_is \
	'.template == "ima" and (.boot_aggregate | startswith("sha1:"))' "$OWN/uki-imahash1.bin"

# ---- lists that were changed --------------------------------------------------
# One byte in the middle of the last name; then PCR 10 in the SHA-1 bank is of the old.
sha1=$(pcr10s "$OWN/uki-ngv2.pcrs.txt" | grep ^sha1:)
size=$(wc -c <"$OWN/uki-ngv2.bin")
cp "$OWN/uki-ngv2.bin" "$WORK/changed"
printf 'X' | dd of="$WORK/changed" bs=1 seek=$((size - 4)) conv=notrunc status=none
check_status 1 "a changed name contradicts its template hash" inspect "$WORK/changed"
check_status 1 "and proves nothing in the bank of that hash" \
	inspect "$WORK/changed" --pcr10 "$sha1"
check "and the entry is named" json_is \
	'.contradictions == 1 and .files[-1].contradiction and .match.proved == false' \
	"$WORK/changed" --pcr10 "$sha1"
# A list that grew: the quoted prefix is proved, the rest is said not to be.
{ cat "$OWN/uki-ngv2.bin" && head -c "$size" "$OWN/uki-ngv2.bin"; } >"$WORK/grown"
check "a list that grew is proved up to the quoted entry" json_is \
	'.match.proved and .match.entries * 2 == .entries' "$WORK/grown" --pcr10 "$sha1"
check "and the rest is said not to be" sh -c \
	"'$ASSAY_BIN/assay' inspect ima '$WORK/grown' --pcr10 $sha1 | grep -q 'are not proved'"

# ---- malformed and misused -----------------------------------------------------
: >"$WORK/empty"
check_refusal 2 "an empty list" "$WORK/empty" inspect "$WORK/empty"
head -c $((size - 1)) "$OWN/uki-ngv2.bin" >"$WORK/cut"
check_refusal 2 "a list cut inside an entry" "$WORK/cut" inspect "$WORK/cut"
check "the byte is named" grep -q 'at byte [0-9]*: .*ends before' "$WORK/err"
sed '3s/sha1:/sha1;/' "$OWN/uki-imahash1.ascii" | sed '3s/^10/1x/' >"$WORK/line"
check_refusal 2 "an ascii list with a malformed line" "$WORK/line" inspect "$WORK/line"
check "the line is named" grep -q 'line 3' "$WORK/err"
head -c 4096 /dev/urandom >"$WORK/noise"
printf '\377\377\377\377' | dd of="$WORK/noise" conv=notrunc status=none
check_refusal 2 "noise" "$WORK/noise" inspect "$WORK/noise"
check_refusal 3 "a file that is not there" "$WORK/none" inspect "$WORK/none"
check_status 64 "no file is a usage error" inspect
check_status 64 "an unknown option is a usage error" inspect "$WORK/cut" --nonsense
check_status 64 "half a digest is a usage error" inspect "$WORK/cut" --pcr10 sha256:00
check_status 64 "an unknown bank is a usage error" inspect "$WORK/cut" --pcr10 md5:00

# ---- the test data of others ---------------------------------------------------
for dir in "$DATA"/own/*/; do
	name=own/$(basename "$dir")
	for kind in bin ascii; do
		[ ! -s "$dir/ima.$kind" ] || [ ! -e "$dir/pcrs.txt" ] ||
			leads "$name $kind" "$dir/ima.$kind" "$dir/pcrs.txt"
	done
done

# INDEX.tsv: file, kind, sha256, bytes, origin, commit, licence, expected, notes. The
# notes say what another implementation computed.
lists() { awk -F'\t' '$2 ~ /^ima-(ascii|binary|bad)/ { print $1 "\t" ($9 == "" ? "-" : $9) "\t" $8 }' "$DATA/INDEX.tsv"; }
noted() { sed -n "s/.* $2 \([0-9a-f]\{1,\}\) .*/\1/p" <<<"$1 "; } # NOTES WORD
each_line_refused() { # FILE
	local line
	while IFS= read -r line; do
		printf '%s\n' "$line" >"$WORK/one"
		! inspect "$WORK/one" >"$WORK/out" 2>&1 || { echo "accepted: $line"; return 1; }
	done <"$1"
}

if [ ! -r "$DATA/INDEX.tsv" ]; then
	skip "lists of other machines" "no $DATA/INDEX.tsv"
	lib_end
	exit
fi
while IFS=$'\t' read -r file notes expected; do
	list=$DATA/$file
	entries=$(sed -n 's/.*checked: \([0-9]*\) entries.*/\1/p' <<<"$notes")
	if [ ! -r "$list" ]; then
		skip "$file" "not there"
	elif [[ $expected == *"must be rejected" || $expected == *"must fail" ]]; then
		check "$file: each line is refused" each_line_refused "$list"
	elif [[ $expected == *"unknown alg"* ]]; then
		check_refusal 2 "$file: an unknown algorithm is refused by name" '"unknown"' inspect "$list"
	elif [[ $notes == *"one byte short"* ]]; then
		check_refusal 2 "$file is truncated" "$list" inspect "$list"
	else
		[[ $notes != *trailing* && $notes != *truncated* ]] ||
			check_refusal 2 "$file ends inside an entry" "$list" inspect "$list"
		inspect "$list" --json >"$WORK/json" 2>"$WORK/err"
		check "$file: $entries entries lead to the noted PCR 10" jq -e "($CONTRACT)
			and .entries == $entries
			and .violations == $(noted "$notes" violations)
			and .contradictions == $(noted "$notes" bad)
			and .pcr10.sha1 == \"$(noted "$notes" 'PCR10 sha1')\"
			and .pcr10.sha256 == \"$(noted "$notes" sha256)\"" "$WORK/json"
	fi
done < <(lists)

# Recorded with the list: the list may have grown since.
hpe=$DATA/eventlogs/hpe-uefi_log.pcrs.json
if [ -r "$hpe" ]; then
	pcr=$(jq -r '.. | objects | select(has("10")) | .["10"]' "$hpe" | head -n 1)
	check "hpe-ima_log.txt leads to the PCR 10 of its event log" json_is \
		'.match.proved' "$DATA/ima/hpe-ima_log.txt" --pcr10 "sha256:${pcr#0x}"
else
	skip "hpe-ima_log.txt leads to the PCR 10 of its event log" "no $hpe"
fi

lib_end
