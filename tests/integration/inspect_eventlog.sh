#!/bin/bash
# `assay inspect eventlog` over real boots: our own in tests/data/eventlog, every boot in
# own/ and the logs of other projects in eventlogs/ of the test data, as INDEX.tsv
# describes them. What parses leads to the recorded PCR values; what must be refused is,
# with a reason; what was tampered with is named in the first line.
#
#   usage: [ASSAY_BIN=DIR] [ASSAY_TESTDATA=DIR] tests/integration/inspect_eventlog.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
DATA=${ASSAY_TESTDATA:-../shared/testdata}
OWN=tests/data/eventlog
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin

inspect() { "$ASSAY_BIN/assay" inspect eventlog "$@"; }

# JSON by the contract, of which an expression of jq holds.
CONTRACT='(["format", "algorithms", "startup_locality", "tail_bytes", "events", "pcrs"] - keys == [])
	and all(.events[]; (["index", "pcr", "type", "type_name", "digests", "size",
		"digest_matches_data", "description"] - keys == [])
		and (.digest_matches_data | . == null or type == "boolean")
		and (.description | test("^[ -~]{1,1023}$")))'
json_is() { # EXPRESSION FILE OPTION...
	local expression=$1
	shift
	inspect "$@" --json >"$WORK/json" && jq -e "($CONTRACT) and ($expression)" "$WORK/json"
}

# The first line of a comparison names every one of the components.
names() { # NAME NOW BEFORE TEXT...
	local name=$1 now=$2 before=$3 got=0 text
	shift 3
	inspect "$now" --diff "$before" >"$WORK/out" 2>"$WORK/err" || got=$?
	if [ "$got" != 1 ]; then
		not_ok "$name" "exit $got: $(cat "$WORK/err")"
		return
	fi
	for text; do
		if ! head -n 1 "$WORK/out" | grep -qF -- "$text"; then
			not_ok "$name" "'$text' is not in: $(head -n 1 "$WORK/out")"
			return
		fi
	done
	ok "$name"
}

# ---- our own boots -----------------------------------------------------------
for log in "$OWN"/*.bin; do
	name=$(basename "$log" .bin)
	check "$name leads to its PCR values" inspect "$log" --pcrs "$OWN/$name.pcrs.txt"
	check "$name is JSON by the contract" json_is \
		'.format == "crypto-agile" and .tail_bytes == 0 and .error == null' "$log"
done
check_status 1 "another boot's PCR values are not equal" \
	inspect "$OWN/uki-good.bin" --pcrs "$OWN/uki-cmdline.pcrs.txt"
check "and the bank and PCR are named" sh -c \
	"'$ASSAY_BIN/assay' inspect eventlog '$OWN/uki-good.bin' \
		--pcrs '$OWN/uki-cmdline.pcrs.txt' | grep -q 'sha256 PCR 4 differs'"
check "a proved and a hinted event say so" json_is \
	'[.events[14:24][].digest_matches_data] == [range(9) | true] + [null]' \
	"$OWN/uki-good.bin"
check "one PCR alone" json_is \
	'([.events[].pcr] | unique) == [7] and (.pcrs.sha256 | keys) == ["7"]' \
	"$OWN/uki-good.bin" --pcr 7
check "the listing is plain text where no terminal is" sh -c \
	"! '$ASSAY_BIN/assay' inspect eventlog '$OWN/uki-good.bin' | grep -q '$(printf '\033')'"
check "the listing can be grouped by PCR" inspect "$OWN/uki-good.bin" --by-pcr
check_status 64 "an unknown option is a usage error" inspect "$OWN/uki-good.bin" --nonsense
check_status 64 "PCR 24 is a usage error" inspect "$OWN/uki-good.bin" --pcr 24
check_status 64 "no file is a usage error" inspect
check_refusal 3 "a file that is not there" "$WORK/none" inspect "$WORK/none"

# ---- the tamper table --------------------------------------------------------
names "tampered command line (unified kernel image)" \
	$OWN/uki-cmdline.bin $OWN/uki-good.bin "kernel command line"
names "tampered initrd (unified kernel image)" $OWN/uki-initrd.bin $OWN/uki-good.bin initrd
names "other kernel (unified kernel image)" $OWN/uki-kernel.bin $OWN/uki-good.bin "kernel image"
names "option ROM" $OWN/uki-optrom.bin $OWN/uki-good.bin "new option ROM" "Pci(0x3,0x0)"
names "tampered command line (GRUB)" $OWN/grub-cmdline.bin $OWN/grub-good.bin \
	"kernel command line gained \`lab.evil=1\`" "GRUB configuration"
names "tampered initrd (GRUB)" $OWN/grub-initrd.bin $OWN/grub-good.bin initrd
names "other kernel (GRUB)" $OWN/grub-kernel.bin $OWN/grub-good.bin "kernel image"
names "tampered command line (signed)" $OWN/sb-cmdline.bin $OWN/sb-good.bin \
	"kernel command line"
names "Secure Boot off" $OWN/sb-off.bin $OWN/sb-good.bin "Secure Boot state" disabled
names "tampered command line (shim)" $OWN/sb-shim-cmdline.bin $OWN/sb-shim-good.bin \
	"kernel command line gained \`lab.evil=1\`"
names "tampered initrd (shim)" $OWN/sb-shim-initrd.bin $OWN/sb-shim-good.bin initrd
names "tampered initrd (systemd-boot)" $OWN/sdboot-initrd.bin $OWN/sdboot-good.bin initrd
names "the good boot, seen from the tampered one" $OWN/grub-good.bin $OWN/grub-cmdline.bin \
	"kernel command line lost \`lab.evil=1\`"
check "a boot does not differ from itself" \
	inspect $OWN/uki-good.bin --diff $OWN/uki-good.bin

# ---- malformed ---------------------------------------------------------------
: >"$WORK/empty"
check_refusal 2 "an empty log" "$WORK/empty" inspect "$WORK/empty"
head -c 4000 $OWN/uki-good.bin >"$WORK/cut"
check_refusal 2 "a log cut inside a record" "$WORK/cut" inspect "$WORK/cut"
check "the byte is named" grep -q 'at byte [0-9]*: ends before' "$WORK/err"
check_refusal 2 "a log cut inside a record, as JSON" "$WORK/cut" inspect "$WORK/cut" --json
head -c 1048577 /dev/zero >"$WORK/large"
check_refusal 2 "a log over the limit" "$WORK/large" inspect "$WORK/large"
head -c 4096 /dev/urandom >"$WORK/noise"
check_refusal 2 "noise" "$WORK/noise" inspect "$WORK/noise"
check_refusal 2 "PCR values that are none" "$WORK/noise" inspect $OWN/uki-good.bin --pcrs "$WORK/noise"

# ---- the test data of others -------------------------------------------------
# Boots of own/ that are not in tests/data, and those that have no log.
for dir in "$DATA"/own/*/; do
	name=own/$(basename "$dir")
	if [ ! -e "$dir/pcrs.txt" ] || [ ! -e "$dir/eventlog.bin" ]; then
		continue
	elif [ -s "$dir/eventlog.bin" ]; then
		check "$name leads to its PCR values" \
			inspect "$dir/eventlog.bin" --pcrs "$dir/pcrs.txt"
	else
		check_refusal 2 "$name has no log" "$dir" inspect "$dir/eventlog.bin"
	fi
done

# INDEX.tsv: file, kind, sha256, bytes, origin, commit, licence, expected, notes.
logs() { [ ! -r "$DATA/INDEX.tsv" ] || awk -F'\t' '$2 == "eventlog" { print $1 "\t" $8 }' "$DATA/INDEX.tsv"; }
recorded() { # FILE: PCR values recorded with it
	local base=${1%.bin}
	for f in "$DATA/$base.pcrs.json" "$DATA/quotes/$(basename "$base").pcrs.json"; do
		[ ! -r "$f" ] || { echo "$f"; return; }
	done
}

if [ ! -r "$DATA/INDEX.tsv" ]; then
	skip "logs of other machines" "no $DATA/INDEX.tsv"
fi
while IFS=$'\t' read -r file expected; do
	if [ ! -r "$DATA/$file" ]; then
		skip "$file" "not there"
		continue
	fi
	pcrs=$(recorded "$file")
	case $expected in
	*"parse must fail"* | *"must be rejected"*)
		check_refusal 2 "$file is refused" "$DATA/$file" inspect "$DATA/$file"
		;;
	*"must fail: duplicate separator"*)
		check "$file is read, and its second separator told" json_is \
			'any(.findings[]; .finding == "separator.second")' "$DATA/$file"
		;;
	*)
		check "$file parses" json_is '.error == null' "$DATA/$file"
		[ -z "$pcrs" ] || check "$file leads to its PCR values" \
			inspect "$DATA/$file" --pcrs "$pcrs"
		;;
	esac
done < <(logs)

lib_end
