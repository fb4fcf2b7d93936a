#!/bin/bash
# The attester's TPM back end on a real TPM implementation: every EK and AK type, three
# slots, a reset under it, TPMs that are busy or locked out, keys that are not theirs.
# time-limit: 600
. tests/integration/lib.sh
export TSS2_LOG=all+NONE # tpm2-tss reports by itself otherwise, also what is expected
lib_begin

nonce=$(printf '%064d' 7)
pcrs=sha256:0003ff,sha1:ffffff
drive() { # KEY ARGUMENT...
	local key=$1
	shift
	"$ASSAY_BIN/tests/tools/tpm_drive" "${TCTI:-$(tpm_tcti gateway)}" "$WORK/$key" "$@"
}
drive_fails() { # WORD KEY ARGUMENT...: with this error
	local word=$1 text status=0
	shift
	text=$(drive "$@" 2>&1) || status=$?
	[ "$status" = 1 ] && [[ $text =~ ^"$word: " ]] || { echo "$status: $text"; return 1; }
}
hash_of() { [ "$1" = ecc-p384 ] && echo sha384 || echo sha256; }
verifies() { # KEY: signature, nonce, name chain to the EK
	"$ASSAY_BIN/tests/tools/tpm_drive" - "$WORK/$1" verify "$nonce" "$WORK/q"
}
quotes() { # KEY AK [BANKS]
	rm -f "$WORK"/q.*
	drive "$1" quote "$nonce" "${3:-$pcrs}" "$WORK/q" && verifies "$1" || return
	[ "$2" = rsa-rsapss ] && return # tpm2_checkquote does not know PSS
	tpm_on gateway tpm2_checkquote -u "$WORK/$1.ak.pub" -m "$WORK/q.0.msg" \
		-s "$WORK/q.0.sig" -q "$nonce" -g "$(hash_of "$2")"
}
activates() { # KEY
	printf '%032d' 42 >"$WORK/secret"
	tpm_on gateway tpm2_makecredential -u "$WORK/$1.ek.pub" -s "$WORK/secret" \
		-n "$(hex "$WORK/$1.ak.name")" -o "$WORK/credential" &&
		tpm_on gateway tpm2_flushcontext -t &&
		drive "$1" activate "$WORK/credential" "$WORK/released" &&
		cmp "$WORK/secret" "$WORK/released"
}
says() { # KEY LINE...: that start prints these lines
	local key=$1 line
	shift
	drive "$key" start auto ecc-p256 >"$WORK/said" || return
	for line; do
		grep -qx "$line" "$WORK/said" || { cat "$WORK/said"; return 1; }
	done
}
nothing_left() {
	equal "$(tpm_on gateway tpm2_getcap handles-transient)$(
		tpm_on gateway tpm2_getcap handles-loaded-session)$(
		tpm_on gateway tpm2_getcap handles-saved-session)" ''
}
certificate_is_of_ek() { # KEY
	openssl x509 -inform DER -in "$WORK/$1.ek.cert" -noout -pubkey >"$WORK/cert.pem" &&
		tpm2_print -t TPM2B_PUBLIC -f pem "$WORK/$1.ek.pub" >"$WORK/ek.pem" &&
		openssl pkey -pubin -in "$WORK/cert.pem" -outform DER -out "$WORK/cert.spki" &&
		openssl pkey -pubin -in "$WORK/ek.pem" -outform DER -out "$WORK/ek.spki" &&
		cmp "$WORK/cert.spki" "$WORK/ek.spki"
}

set_up() {
	tpm_make gateway sha1,sha256,sha384 && tpm_start gateway &&
		tpm_on gateway tpm2_startup -c && tpm_add_l2 gateway
}
check 'a TPM with RSA-2048, P-256 and P-384 EK certificates' set_up

# ---- every EK and AK ----
for ek in ecc-p256 ecc-p256-high ecc-p384 rsa-2048 rsa-2048-high rsa-3072; do
	check "EK $ek: an AK is made under it" drive "$ek" start "$ek" ecc-p256
	check "EK $ek: its quote holds" quotes "$ek" ecc-p256
	check "EK $ek: it activates a credential" activates "$ek"
done
for ak in ecc-p384 rsa-rsassa rsa-rsapss; do
	check "AK $ak: is made" drive "$ak" start ecc-p256 "$ak"
	check "AK $ak: its quote holds" quotes "$ak" "$ak"
	check "AK $ak: it activates a credential" activates "$ak"
done
for ek in ecc-p256 ecc-p384 rsa-2048; do
	check "EK $ek: the certificate in NV is of this key" certificate_is_of_ek "$ek"
done
check 'without a choice, the EK is the first that has a certificate' says auto ek=ecc-p256
check 'active banks are told' says auto banks=sha1,sha256,sha384
check 'nothing of ours stays in the TPM' nothing_left

# ---- the AK is kept, and never made anew silently ----
name=$(hex "$WORK/ecc-p256.ak.name")
check 'a stored AK is loaded again, not made again' says ecc-p256 "ak-name=$name"
tpm_stop gateway
check 'the TPM is switched off and on' tpm_start gateway
tpm_on gateway tpm2_startup -c
check 'a stored AK is still there afterwards' says ecc-p256 "ak-name=$name"
check 'a stored AK of another EK keeps that EK' says rsa-2048 ek=rsa-2048

flip() { # FROM TO OFFSET: one bit
	cp "$WORK/$1" "$WORK/$2"
	printf "\\x$(printf %02x $((0x$(od -An -tx1 -j "$3" -N 1 "$WORK/$1" | tr -d " ") ^ 1)))" |
		dd of="$WORK/$2" bs=1 seek="$3" conv=notrunc status=none
}
for at in 0 8 9 20 100 -1; do
	[ $at = -1 ] && at=$(($(stat -c %s "$WORK/ecc-p256") - 1))
	flip ecc-p256 flipped "$at"
	check "a stored AK with a bit flipped in byte $at is refused" drive_fails tampered flipped start auto ecc-p256
done
head -c 100 "$WORK/ecc-p256" >"$WORK/short"
check 'a stored AK that was cut short is refused' drive_fails tampered short start auto ecc-p256
check 'a start without an AK makes none unless told so' drive_fails missing none quote "$nonce" sha256:1 "$WORK/q"

other() { tpm_make other sha256 && tpm_start other && tpm_on other tpm2_startup -c; }
check 'another TPM' other
cp "$WORK/ecc-p256" "$WORK/moved"
on_other() { TCTI=$(tpm_tcti other) "$@"; }
check 'an AK of another TPM is refused' on_other drive_fails mismatch moved start auto ecc-p256
check 'and its file is as it was' cmp "$WORK/ecc-p256" "$WORK/moved"

# ---- a manufacturer's own template, or a nonce for the default one ----
nv_write() { # INDEX FILE
	tpm_on other tpm2_nvdefine -Q "$1" -C p -s "$(stat -c %s "$2")" \
		-a 'ppwrite|ppread|ownerread|authread|no_da|platformcreate|writedefine' &&
		tpm_on other tpm2_nvwrite -Q "$1" -C p -i "$2"
}
starts() { on_other drive "$1" start "$2" ecc-p256; }
same() { cmp "$WORK/$1.ek.pub" "$WORK/$2.ek.pub"; }
differ() { ! cmp -s "$WORK/$1.ek.pub" "$WORK/$2.ek.pub"; }
# The public area of an EK as a template: with zeros for the key, which is the default
# template, and with the nonce there, which is what the nonce stands for. (tpm2_createek
# -t is no oracle here: 5.4 does not use the nonce's bytes.)
templates_of() { # KEY SIZE-OF-COORDINATE-OR-MODULUS HOW-MANY
	local n size i
	size=$(printf '\\x%02x\\x%02x' $(($2 >> 8)) $(($2 & 255)))
	tail -c +3 "$WORK/$1.ek.pub" >"$WORK/own"
	n=$(($(stat -c %s "$WORK/own") - $3 * (2 + $2)))
	head -c "$n" "$WORK/own" >"$WORK/default"
	{ cat "$WORK/default" && printf "$size" && cat "$WORK/nonce" && head -c $(($2 - 32)) /dev/zero; } >"$WORK/own.new"
	for ((i = 0; i < $3; i++)); do
		printf "$size" && head -c "$2" /dev/zero
	done >>"$WORK/default"
	[ "$3" = 1 ] || { printf "$size" && head -c "$2" /dev/zero; } >>"$WORK/own.new"
	mv "$WORK/own.new" "$WORK/own"
}
head -c 32 /dev/urandom >"$WORK/nonce"
tpm_on other tpm2_evictcontrol -Q -C o -c 0x81010001 # else it is found, as its certificate names it
for type in 'ecc-p256 0x01c0000b 0x01c0000c 32 2' 'rsa-2048 0x01c00003 0x01c00004 256 1'; do
	read -r ek nonce_index template_index size times <<<"$type"
	check "EK $ek: by the default template" starts "plain-$ek" "$ek"
	check "EK $ek: a nonce is put into NV" nv_write "$nonce_index" "$WORK/nonce"
	check "EK $ek: by the default template with the nonce" starts "nonced-$ek" "$ek"
	check "EK $ek: that is another" differ "plain-$ek" "nonced-$ek"
	check "EK $ek: an AK under the one before is refused" on_other drive_fails mismatch "plain-$ek" start auto ecc-p256
	templates_of "plain-$ek" "$size" "$times"
	check "EK $ek: the default template is put into NV" nv_write "$template_index" "$WORK/default"
	check "EK $ek: by template and nonce" starts "both-$ek" "$ek"
	check "EK $ek: that is as by the nonce alone" same "both-$ek" "nonced-$ek"
	tpm_on other tpm2_nvundefine -Q -C p "$nonce_index"
	check "EK $ek: by the default template in NV alone" starts "default-$ek" "$ek"
	check "EK $ek: that is as without it" same "default-$ek" "plain-$ek"
	tpm_on other tpm2_nvundefine -Q -C p "$template_index"
	check "EK $ek: a template of the manufacturer's is put into NV" nv_write "$template_index" "$WORK/own"
	check "EK $ek: by that template alone" starts "own-$ek" "$ek"
	check "EK $ek: that is as by the nonce that it holds" same "own-$ek" "nonced-$ek"
done
tpm_stop other

# ---- at a persistent handle ----
h=0x81000077
check 'an AK is made at a persistent handle' drive kept start ecc-p256 ecc-p256 persistent $h
check 'it quotes' quotes kept ecc-p256
check 'it activates a credential' activates kept
check 'it is found again' says kept "ak-name=$(hex "$WORK/kept.ak.name")"
check 'a handle in use is never replaced' drive_fails exists second start ecc-p256 ecc-p256 persistent $h
check 'nor is its file made' test ! -e "$WORK/second"
tpm_on gateway tpm2_evictcontrol -Q -C o -c $h
check 'a persistent AK that is gone is refused, not made again' drive_fails mismatch kept start auto ecc-p256

# ---- slots: a TPM has three, and others use them too ----
occupy() { tpm_on gateway tpm2_createprimary -Q -C o -c "$WORK/primary.ctx"; }
check 'one of three slots is taken' occupy
check 'an AK is loaded with two slots' drive ecc-p256-high start auto ecc-p256
check 'it quotes' quotes ecc-p256-high ecc-p256
occupy
check 'with one slot, loading AK and EK is busy and says so' drive_fails busy ecc-p256-high start auto ecc-p256
tpm_on gateway tpm2_flushcontext -t
check 'nothing of ours stays in the TPM' nothing_left

# ---- dictionary attack lockout ----
lock_out() {
	tpm_on gateway tpm2_dictionarylockout -Q -s -n 1 -t 1000 -l 1000 &&
		tpm_on gateway tpm2_createprimary -Q -C o -p right -c "$WORK/locked.ctx" \
			-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt' &&
		{ tpm_on gateway tpm2_create -Q -C "$WORK/locked.ctx" -P wrong -u /dev/null -r /dev/null ||
			tpm_on gateway tpm2_flushcontext -t; }
}
check 'the TPM is locked out' lock_out
for ek in ecc-p256 ecc-p256-high ecc-p384 rsa-2048 rsa-2048-high rsa-3072; do
	check "in lockout, an AK under $ek still quotes" quotes "$ek" ecc-p256
	check "in lockout, one is made under $ek" drive "locked-$ek" start "$ek" ecc-p256
	check "in lockout, it activates a credential" activates "locked-$ek"
done
tpm_on gateway tpm2_dictionarylockout -Q -c

# ---- indices where a certificate chain may be ----
tpm_on gateway tpm2_nvdefine -Q 0x01c00150 -C o -s 64 -a 'ownerwrite|ownerread|authread'
check 'one that was never written is no obstacle' drive chain-1 start ecc-p384 ecc-p256
head -c 64 /dev/urandom >"$WORK/chain"
failed_tries() { tpm_on gateway tpm2_getcap properties-variable | awk '/TPM2_PT_LOCKOUT_COUNTER/ { print $2 }'; }
tries=$(failed_tries)
tpm_on gateway tpm2_nvdefine -Q 0x01c00151 -C o -s 64 -p secret -a 'ownerwrite|authwrite|authread'
tpm_on gateway tpm2_nvwrite -Q 0x01c00151 -C o -i "$WORK/chain"
check 'nor is one with a password' drive chain-2 start ecc-p384 ecc-p256
check '... which nobody guesses' equal "$(failed_tries)" "$tries"
tpm_on gateway tpm2_nvdefine -Q 0x01c00152 -C o -s 64 -p secret -a 'ownerwrite|authwrite|authread|no_da'
tpm_on gateway tpm2_nvwrite -Q 0x01c00152 -C o -i "$WORK/chain"
check 'nor one that may be guessed, in vain' drive chain-3 start ecc-p384 ecc-p256
tpm_on gateway tpm2_nvundefine -Q 0x01c00152 -C o
tpm_on gateway tpm2_nvundefine -Q 0x01c00150 -C o
tpm_on gateway tpm2_nvundefine -Q 0x01c00151 -C o

# ---- a hierarchy that an administrator gave a password ----
tells() { # TEXT KEY EK: starting fails, and says so
	! drive "$2" start "$3" ecc-p256 >"$WORK/said" 2>&1 && grep -q "$1" "$WORK/said" || { cat "$WORK/said"; return 1; }
}
tpm_on gateway tpm2_changeauth -Q -c e secret
check 'an endorsement hierarchy with a password is named, and what helps' \
	tells 'endorsement hierarchy.*was given an authorisation value.*tpm2_changeauth' password-e ecc-p384
check 'the same of one whose EK is made' tells 'was given an authorisation value' password-e rsa-3072
tpm_on gateway tpm2_changeauth -Q -c e -p secret
tpm_on gateway tpm2_changeauth -Q -c o secret
check 'an owner hierarchy with one is no obstacle' drive password-o start ecc-p384 ecc-p256
tpm_on gateway tpm2_changeauth -Q -c o -p secret
check 'nor does that leave anything in the TPM' nothing_left

# ---- a TPM that is reset, busy, or goes away under a running program ----
ln -s "$WORK/gateway/s.ctrl" "$WORK/proxy.ctrl"
proxied() { # RULE... -- COMMAND...: on the TPM behind a proxy that makes trouble
	local rules=() status=0
	while [ "$1" != -- ]; do
		rules+=("$1")
		shift
	done
	shift
	rm -f "$WORK/proxy"
	start proxy "$ASSAY_BIN/tests/tools/tpm_proxy" "$WORK/proxy" "$WORK/gateway/s" "${rules[@]}"
	wait_for "$WAIT" test -S "$WORK/proxy"
	TCTI=swtpm:path=$WORK/proxy "$@" || status=$?
	stop proxy
	return $status
}
ONCE=922 LOAD=157 QUOTE=158 READ=17e PRIMARY=131 SESSION=176
retry=()
for cc in $PRIMARY $SESSION $LOAD $READ $QUOTE; do retry+=("$cc:$ONCE" "$cc:$ONCE" "$cc:$ONCE"); done
check 'TPM_RC_RETRY from every command is waited for' proxied "${retry[@]}" -- quotes ecc-p256-high ecc-p256
retry=()
for i in {1..12}; do retry+=("$QUOTE:$ONCE"); done
check 'many TPM_RC_RETRY in a row are waited for' proxied "${retry[@]}" -- quotes ecc-p256 ecc-p256
explains_lockout() { drive ecc-p256-high start auto ecc-p256 2>&1 | grep -q 'lockout: wait'; }
check 'a TPM that is locked out all the same is busy' proxied "$LOAD:921" -- drive_fails busy ecc-p256-high start auto ecc-p256
check 'and the reason and the remedy are told' proxied "$LOAD:921" -- explains_lockout
check 'so are YIELDED, TESTING and NV_RATE' proxied $QUOTE:908 $QUOTE:90a $READ:920 -- quotes ecc-p256 ecc-p256
retry=()
for i in {1..200}; do retry+=("$QUOTE:$ONCE"); done
check 'a TPM that never answers otherwise is busy' proxied "${retry[@]}" -- \
	drive_fails busy ecc-p256 quote "$nonce" sha256:1 "$WORK/q"
check 'a connection lost in the middle is opened again' proxied $QUOTE:drop $LOAD:drop -- quotes ecc-p256 ecc-p256
check 'and leaves nothing in the TPM' nothing_left
check 'a reset between loading and quoting is seen through' proxied $READ:reset -- quotes ecc-p256 ecc-p256
check 'a reset while the key is loaded is seen through' proxied $LOAD:reset -- quotes ecc-p256 ecc-p256
check 'a PCR extended between reading and quoting is read again' proxied $QUOTE:extend -- quotes ecc-p256 ecc-p256
retry=()
for i in {1..20}; do retry+=("$QUOTE:extend"); done
check 'PCRs that never stand still are busy' proxied "${retry[@]}" -- \
	drive_fails busy ecc-p256 quote "$nonce" sha256:ffffff "$WORK/q"
several() { quotes ecc-p256 ecc-p256 sha256:0003ff,sha1:ffffff,sha384:1 && test -e "$WORK/q.2.sig"; }
check 'a TPM that quotes one bank at a time gives one quote per bank' proxied $QUOTE:1d5 -- several
check 'a bank that is not active is unsupported' drive_fails unsupported ecc-p256 quote "$nonce" sha512:1 "$WORK/q"

line() { # COMMAND...: to the running program, whose answer must be `done 0`
	local answer
	echo "$*" >&"${run[1]}"
	while read -r -t "$WAIT" -u "${run[0]}" answer; do
		[[ $answer == done* ]] && break
	done
	[ "$answer" = 'done 0' ] || { echo "$answer"; return 1; }
}
line_quotes() { rm -f "$WORK"/q.* && line quote "$nonce" $pcrs "$WORK/q" && verifies ecc-p256; }
restart() { tpm_stop gateway && tpm_start gateway && tpm_on gateway tpm2_startup -c; }
reset() { tpm_reset gateway && tpm_on gateway tpm2_startup -c; }
coproc run { exec "$ASSAY_BIN/tests/tools/tpm_drive" "$(tpm_tcti gateway)" "$WORK/ecc-p256" session -; }
# shellcheck disable=SC2154 # coproc sets it
started[run]=$run_PID
check 'a running program quotes' line_quotes
check 'the TPM is reset' reset
check 'the running program quotes after a reset' line_quotes
check 'the TPM is reset again' reset
check 'a credential for an EK of another kind is refused' drive_fails mismatch ecc-p256 activate "$WORK/credential" "$WORK/released"
check 'one for another AK is accepted by that one' activates locked-ecc-p256
check 'and refused by this one' drive_fails mismatch ecc-p256 activate "$WORK/credential" "$WORK/released"
check 'a credential for this AK is accepted' activates ecc-p256
check 'the TPM is reset once more' reset
check 'the running program activates after a reset' line activate "$WORK/credential" "$WORK/released"
check 'the TPM goes away and comes back' restart
check 'the running program quotes after that' line_quotes
check 'others can use the TPM while it runs' tpm_on gateway tpm2_pcrread -Q sha256:0
check 'nothing of ours stays in the TPM' nothing_left
stop run

gone() { TCTI=swtpm:path=$WORK/nowhere drive_fails unreachable ecc-p256 start auto ecc-p256; }
check 'a TPM that is not there is unreachable' gone
no_driver() { TCTI=no-such-driver drive_fails unreachable ecc-p256 start auto ecc-p256; }
check 'so is one whose TCTI does not exist' no_driver
lib_end
