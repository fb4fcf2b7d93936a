#!/bin/bash
# `assay verify quote` over real quotes: our own in tests/data/quote, those of every
# boot in own/, and other projects' in quotes/ of the test data as INDEX.tsv describes
# them. Each valid one must pass in every form of its key and PCR values, and must not
# under any other nonce, key, PCR value, or with a bit flipped anywhere that counts.
#
#   usage: [ASSAY_BIN=DIR] [ASSAY_TESTDATA=DIR] tests/integration/verify_quote.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
DATA=${ASSAY_TESTDATA:-../shared/testdata}
OWN=tests/data/quote
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin

NONCE=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff

# Runs the command; the case holds if its exit status is among those expected (1 and
# 2 are both "no"; the message must be one line that names a check or a file).
verify() { # EXPECTED NAME AK MESSAGE SIGNATURE NONCE [PCRS] [OPTION...]
	local want=$1 name=$2 ak=$3 msg=$4 sig=$5 nonce=$6 pcrs=${7:-} got lines
	shift $(($# > 7 ? 7 : $#))
	"$ASSAY_BIN/assay" verify quote --ak "$ak" --message "$msg" --signature "$sig" \
		--nonce "$nonce" ${pcrs:+--pcrs "$pcrs"} "$@" >"$WORK/out" 2>&1
	got=$?
	if [[ " $want " != *" $got "* ]]; then
		not_ok "$name" "exit $got, expected $want: $(cat "$WORK/out")"
		return
	fi
	lines=$(wc -l <"$WORK/out")
	if [ $got != 0 ] && { [ "$lines" != 1 ] || [ ! -s "$WORK/out" ]; }; then
		not_ok "$name" "not one line: $(cat "$WORK/out")"
		return
	fi
	ok "$name"
}

# The same, and the line must contain a text.
verify_says() { # TEXT EXPECTED NAME ...
	local text=$1 name=$3
	shift
	verify "$@" >"$WORK/line"
	if grep -q '^ok' "$WORK/line" && ! grep -qF -- "$text" "$WORK/out"; then
		not_ok "$name" "does not say '$text': $(cat "$WORK/out")"
		return
	fi
	cat "$WORK/line"
}

# A copy of FILE with the lowest bit of byte N (from 0) flipped.
flipped() { # FILE N
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	{
		head -c "$2" "$1"
		# shellcheck disable=SC2059 # the format is the byte
		printf "\\x$(printf %02x $((byte ^ 1)))"
		tail -c "+$(($2 + 2))" "$1"
	} >"$WORK/flipped"
	echo "$WORK/flipped"
}

hex_of() { od -An -v -tx1 "$1" | tr -d ' \n'; }
size_of() { stat -c %s "$1"; }

# What a valid quote must not survive.
tampers() { # NAME AK MESSAGE SIGNATURE NONCE PCRS OTHER_AK
	local name=$1 ak=$2 msg=$3 sig=$4 nonce=$5 pcrs=$6 other=$7
	verify '1' "$name: a longer nonce" "$ak" "$msg" "$sig" "${nonce}00" "$pcrs"
	if [ -n "$nonce" ]; then
		verify '1' "$name: a prefix of the nonce" "$ak" "$msg" "$sig" "${nonce%??}" "$pcrs"
		verify '1' "$name: no nonce" "$ak" "$msg" "$sig" "" "$pcrs"
		verify '1' "$name: another nonce" "$ak" "$msg" "$sig" \
			"$(printf %02x $((0x${nonce:0:2} ^ 1)))${nonce:2}" "$pcrs"
	fi
	verify '1 2' "$name: another key" "$other" "$msg" "$sig" "$nonce" "$pcrs"
	verify '1 2' "$name: byte 5 of the message flipped" \
		"$ak" "$(flipped "$msg" 5)" "$sig" "$nonce" "$pcrs"
	verify '1' "$name: the last byte of the message flipped" \
		"$ak" "$(flipped "$msg" $(($(size_of "$msg") - 1)))" "$sig" "$nonce" "$pcrs"
	verify '1' "$name: the last byte of the signature flipped" \
		"$ak" "$msg" "$(flipped "$sig" $(($(size_of "$sig") - 1)))" "$nonce" "$pcrs"
	cat "$msg" - <<<"" >"$WORK/longer"
	verify '2' "$name: a byte after the message" "$ak" "$WORK/longer" "$sig" "$nonce" "$pcrs"
	head -c -1 "$msg" >"$WORK/shorter"
	verify '2' "$name: the message cut short" "$ak" "$WORK/shorter" "$sig" "$nonce" "$pcrs"
	[ -n "$pcrs" ] || return
	verify '1 2' "$name: byte 5 of the PCR file flipped" \
		"$ak" "$msg" "$sig" "$nonce" "$(flipped "$pcrs" 5)"
	head -c -1 "$pcrs" >"$WORK/shorter"
	verify '2' "$name: the PCR file cut short" "$ak" "$msg" "$sig" "$nonce" "$WORK/shorter"
}

# ---- our own quotes ---------------------------------------------------------
own_data() {
	local k other
	for k in ecc256 ecc384 rsassa rsapss rsapss384 rsassa1; do
		other=$OWN/ecc256.pub
		[ $k != ecc256 ] || other=$OWN/uki-good.pub
		verify 0 "$k" $OWN/$k.pub $OWN/$k.msg $OWN/$k.sig $NONCE $OWN/$k.pcrs
		verify 0 "$k without PCR values" $OWN/$k.pub $OWN/$k.msg $OWN/$k.sig $NONCE
		verify 0 "$k, key in PEM" $OWN/$k.pem $OWN/$k.msg $OWN/$k.sig $NONCE $OWN/$k.pcrs
		tail -c +3 $OWN/$k.pub >"$WORK/bare"
		verify 0 "$k, key as TPMT_PUBLIC" "$WORK/bare" $OWN/$k.msg $OWN/$k.sig $NONCE \
			$OWN/$k.pcrs
		verify 0 "$k, plain signature and values" $OWN/$k.pub $OWN/$k-plain.msg \
			$OWN/$k-plain.sig "" $OWN/$k-plain.pcrs
		verify 0 "$k, plain signature and values, key in PEM" $OWN/$k.pem \
			$OWN/$k-plain.msg $OWN/$k-plain.sig "" $OWN/$k-plain.pcrs
		tampers "$k" $OWN/$k.pub $OWN/$k.msg $OWN/$k.sig $NONCE $OWN/$k.pcrs $other
		tampers "$k plain" $OWN/$k.pem $OWN/$k-plain.msg $OWN/$k-plain.sig "" \
			$OWN/$k-plain.pcrs $other
	done
	for k in ecc256 ecc384 rsassa rsapss384; do
		[ ! -e tests/data/key/$k.spki.der ] ||
			verify 0 "$k, key in DER" tests/data/key/$k.spki.der $OWN/$k.msg \
				$OWN/$k.sig $NONCE $OWN/$k.pcrs
	done
	verify 0 "ecc256, marshaled PCR file" $OWN/ecc256.pub $OWN/ecc256.msg $OWN/ecc256.sig \
		$NONCE $OWN/ecc256.marshaled.pcrs
}

# Each refusal names its check, each malformed file its name and field.
messages() {
	local q=("$OWN/ecc256.pub" "$OWN/ecc256.msg" "$OWN/ecc256.sig")
	verify_says 'refused: type:' 1 "a TPM2_Certify is refused by its type (Q2)" \
		$OWN/ecc256.pub $OWN/certify.msg $OWN/certify.sig 00ff55aa
	verify_says 'refused: magic:' 1 "another magic is refused as such (Q1)" \
		$OWN/ecc256.pub "$(flipped $OWN/ecc256.msg 0)" $OWN/ecc256.sig $NONCE
	verify_says 'refused: signature:' 1 "another quote's signature is refused as such" \
		"${q[0]}" "${q[1]}" $OWN/uki-good.sig $NONCE
	verify_says 'refused: nonce:' 1 "another nonce is refused as such (Q5)" "${q[@]}" 00
	verify_says 'refused: selection:' 1 "PCRs of another selection are refused as such (Q3)" \
		"${q[@]}" $NONCE $OWN/uki-good.pcrs
	verify_says 'refused: pcrs:' 1 "another PCR value is refused as such (Q4)" \
		"${q[@]}" $NONCE "$(flipped $OWN/ecc256.pcrs 145)"
	verify_says 'refused: scheme:' 1 "a scheme that is not the key's is refused as such (Q7)" \
		$OWN/rsapss.pub $OWN/rsassa.msg $OWN/rsassa.sig $NONCE
	verify_says 'refused: scheme:' 1 "asking for another hash fails" \
		"${q[@]}" $NONCE '' --hash sha1
	head -c 80 "${q[1]}" >"$WORK/cut"
	verify_says "$WORK/cut: TPMS_ATTEST: clockInfo.clock: ends before" 2 \
		"a cut message names file and field" "${q[0]}" "$WORK/cut" "${q[2]}" $NONCE
	head -c 40 "${q[2]}" >"$WORK/cut"
	verify_says "$WORK/cut: TPMT_SIGNATURE: signatureS: ends before" 2 \
		"a cut signature names file and field" "${q[0]}" "${q[1]}" "$WORK/cut" $NONCE
	head -c 40 "${q[0]}" >"$WORK/cut"
	verify_says "$WORK/cut: none of TPM2B_PUBLIC" 2 \
		"a cut key names file and forms" "$WORK/cut" "${q[1]}" "${q[2]}" $NONCE
	sed 2d $OWN/ecc256.pem >"$WORK/cut"
	verify_says "$WORK/cut: SubjectPublicKeyInfo: ends before" 2 \
		"a cut PEM key names file and form" "$WORK/cut" "${q[1]}" "${q[2]}" $NONCE
	head -c 700 $OWN/ecc256.pcrs >"$WORK/cut"
	verify_says "$WORK/cut: serialized: digests: ends before" 2 \
		"a cut PCR file names file, layout and field" "${q[@]}" $NONCE "$WORK/cut"
	: >"$WORK/empty"
	verify_says "$WORK/empty: TPMS_ATTEST: magic: ends before" 2 "an empty message" \
		"${q[0]}" "$WORK/empty" "${q[2]}" $NONCE
	verify_says "$WORK/absent: No such file" 3 "a message that is absent" \
		"${q[0]}" "$WORK/absent" "${q[2]}" $NONCE
	head -c 70000 /dev/zero >"$WORK/large"
	verify_says "$WORK/large: larger than the limit" 2 "a message that is too large" \
		"${q[0]}" "$WORK/large" "${q[2]}" $NONCE
}

usage() {
	local a="$ASSAY_BIN/assay verify quote" all
	all="--ak $OWN/ecc256.pub --message $OWN/ecc256.msg --signature $OWN/ecc256.sig"
	# shellcheck disable=SC2086 # words
	{
		check_status 64 "no option at all is a usage error" $a
		check_status 64 "no nonce is a usage error" $a $all
		check_status 64 "a nonce that is no hexadecimal text is a usage error" \
			$a $all --nonce 0g
		check_status 64 "a nonce longer than any can be is a usage error" \
			$a $all --nonce "$(printf '%0134d' 0)"
		check_status 64 "an unknown option is a usage error" $a $all --nonce 00 --nose 00
		check_status 64 "an option without its value is a usage error" $a $all --nonce
		check_status 64 "a word too many is a usage error" $a $all --nonce 00 more
		check_status 64 "an unknown scheme is a usage error" \
			$a $all --nonce 00 --scheme sm2
		check_status 64 "an unknown hash is a usage error" \
			$a $all --nonce 00 --hash sm3_256
		check_status 64 "a file given twice is a usage error" $a $all $all --nonce 00
		check_status 0 "--help is no error" $a --help
	}
}

json() {
	check "--json of a valid quote says so" json_says 0 '"valid": true' \
		--nonce $NONCE --pcrs $OWN/ecc256.pcrs
	check "--json of a refused quote names the check" json_says 1 '"failed": "nonce"' \
		--nonce 00
}
json_says() { # STATUS TEXT ARGUMENT...
	local want=$1 text=$2 got=0
	shift 2
	"$ASSAY_BIN/assay" verify quote --ak $OWN/ecc256.pub --message $OWN/ecc256.msg \
		--signature $OWN/ecc256.sig "$@" --json >"$WORK/json" 2>"$WORK/err" || got=$?
	cat "$WORK/json" "$WORK/err"
	[ "$got" = "$want" ] && [ ! -s "$WORK/err" ] && grep -qF -- "$text" "$WORK/json"
}

# ---- own/ of the test data: every boot ------------------------------------
boots() {
	local d name nonce want
	if [ ! -d "$DATA/own" ]; then
		skip "quotes of every boot" "$DATA/own is absent"
		return
	fi
	for d in "$DATA"/own/*/; do
		[ -e "$d/quote.msg" ] || continue
		name=own/$(basename "$d")
		nonce=$(tr -d '\r\n' <"$d/nonce.txt")
		verify 0 "$name" "$d/ak.pub" "$d/quote.msg" "$d/quote.sig" "$nonce" "$d/quote.pcrs"
		verify 0 "$name, key in PEM" \
			"$d/ak.pem" "$d/quote.msg" "$d/quote.sig" "$nonce" "$d/quote.pcrs"
		verify 0 "$name, second quote" \
			"$d/ak.pub" "$d/quote2.msg" "$d/quote2.sig.der" "$nonce"
		verify 0 "$name, second quote, key in PEM" \
			"$d/ak.pem" "$d/quote2.msg" "$d/quote2.sig.der" "$nonce"
		# one boot has no sha1 bank: its second quote names it, and covers no PCR of it
		want=1
		[ "$name" != own/uki-sha256only ] || want=0
		verify $want "$name: PCR values of the first for the second quote" "$d/ak.pub" \
			"$d/quote2.msg" "$d/quote2.sig.der" "$nonce" "$d/quote.pcrs"
		tampers "$name" "$d/ak.pub" "$d/quote.msg" "$d/quote.sig" "$nonce" \
			"$d/quote.pcrs" $OWN/rsassa.pub
	done
}

# ---- quotes/ of the test data, as INDEX.tsv has them ------------------------
# The values in a *.pcrs.json, in the order of a selection "sha256:0,1,7".
values_of() { # JSON SELECTION
	local bank=${2%%:*} pcr
	for pcr in $(tr , ' ' <<<"${2#*:}"); do
		awk -F'"' -v bank="$bank" -v pcr="$pcr" \
			'/{ *$/ { in_bank = $2 == bank } in_bank && $2 == pcr { print $4 }' "$1"
	done | sed 's/../\\x&/g' | tr -d '\n' | xargs -0 printf
}

# The AK of a go-tpm-tools Attestation: its first field.
ak_of_attestation() { # FILE
	local b
	# shellcheck disable=SC2046 # numbers
	set -- "$1" $(od -An -tu1 -N 3 "$1")
	b=$((($3 & 127) + ($4 << 7)))
	[ "$2" = 10 ] && tail -c +4 "$1" | head -c "$b"
}

foreign_key() { # BASE: prints the file
	local f
	for f in "$1.akpub.pem" "$1.ak.pub"; do
		[ ! -e "$f" ] || { echo "$f"; return; }
	done
	if [ -e "${1%-sha*}.pb" ]; then
		ak_of_attestation "${1%-sha*}.pb" >"$WORK/attestation.ak" &&
			echo "$WORK/attestation.ak"
	fi
}

foreign_pcrs() { # BASE SELECTION
	local f
	for f in "$1.pcrs.bin" "$1.pcrblob.bin" "$1.quotepcr.out"; do
		[ ! -e "$f" ] || { echo "$f"; return; }
	done
	[ -e "$1.pcrs.json" ] || return
	values_of "$1.pcrs.json" "$2" >"$WORK/values"
	echo "$WORK/values"
}

foreign_case() { # BASE NOTES
	local base=$1 notes=$2 name=quotes/${1##*/} ak pcrs nonce selection
	[ -e "$base.sig.bin" ] || { skip "$name" "no signature with it"; return; }
	ak=$(foreign_key "$base")
	[ -n "$ak" ] || { skip "$name" "its AK is not given"; return; }
	nonce=$(sed -n 's/.*extraData \([0-9a-f]*\).*/\1/p' <<<"$notes")
	[ ! -e "$base.nonce.bin" ] || nonce=$(hex_of "$base.nonce.bin")
	selection=$(sed -n 's/.* sel \([a-z0-9]*:[0-9,]*\),.*/\1/p' <<<"$notes")
	pcrs=$(foreign_pcrs "$base" "$selection")
	if [[ $notes == *"type 0x8017"* ]]; then
		verify_says 'refused: type:' 1 "$name is no quote" "$ak" "$base.attest.bin" \
			"$base.sig.bin" "$nonce"
		return
	fi
	verify 0 "$name" "$ak" "$base.attest.bin" "$base.sig.bin" "$nonce" "$pcrs"
	[ ! -e "$base.ak.pub" ] || verify 0 "$name, key of tpm2-tools" "$base.ak.pub" \
		"$base.attest.bin" "$base.sig.bin" "$nonce" "$pcrs"
	tampers "$name" "$ak" "$base.attest.bin" "$base.sig.bin" "$nonce" "$pcrs" \
		$OWN/rsassa1.pub
	[[ $(head -c 4 "$base.sig.bin" | od -An -tx1) == *"00 04" ]] ||
		verify 1 "$name: asking for SHA-1" "$ak" "$base.attest.bin" "$base.sig.bin" \
			"$nonce" "" --hash sha1
}

foreign() {
	local file notes base
	if [ ! -e "$DATA/INDEX.tsv" ]; then
		skip "quotes of other projects" "$DATA/INDEX.tsv is absent"
		return
	fi
	while IFS=$'\t' read -r file notes; do
		base=${file%.attest.bin}
		[ "$base" = "$file" ] || foreign_case "$DATA/$base" "$notes"
	done < <(awk -F'\t' '$2 == "tpms_attest" { print $1 "\t" $9 }' "$DATA/INDEX.tsv")
	base=$DATA/quotes/cmc-valid
	[ ! -e "$DATA/quotes/cmc-invalidsig.sig.bin" ] ||
		verify_says 'refused: signature:' 1 "quotes/cmc-invalidsig" "$base.akpub.pem" \
			"$base.attest.bin" "$DATA/quotes/cmc-invalidsig.sig.bin" \
			"$(hex_of "$base.nonce.bin")"
}

own_data
messages
usage
json
boots
foreign
lib_end
