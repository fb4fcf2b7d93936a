#!/bin/bash
# `assay inspect ekcert`: certificates of real TPMs against their makers' roots, what
# the command prints, and its exit statuses.
. tests/integration/lib.sh
lib_begin
T=2022-06-01T00:00:00Z
own=tests/data/ekcert
shared=${ASSAY_TESTDATA:-../shared/testdata}
mkdir "$WORK/roots" "$WORK/crls" "$WORK/empty"
cp $own/root.der $own/ca.der $own/rsa-root.der "$WORK/roots"
cp $own/crl.der "$WORK/crls"

inspect() { # FILE ARGUMENT...: JSON to $WORK/json; ends with the command's status
	assay inspect ekcert "$1" --roots "$WORK/roots" --at $T --json "${@:2}" >"$WORK/json"
}
says() { # STATUS REASON FILE ARGUMENT...
	local got=0
	inspect "${@:3}" || got=$?
	equal "$got $(sed -n 's/^  "reason": "\(.*\)",$/\1/p' "$WORK/json")" "$1 $2"
}
member() { sed -n "s/^  \"$1\": \(.*[^,]\),*\$/\1/p" "$WORK/json"; }

# ---- our own: forms, reasons, statuses --------------------------------------
for f in ek.der ek.pem ek.nv ek-ff.nv chain.pem ek-rsa.der ek-lax.der; do
	check "$f is trusted" says 0 trusted $own/$f
done
while read -r f reason; do
	check "$f is not trusted: $reason" says 1 "$reason" "$own/$f"
done <<-E
	ek-expired.der expired
	ek-future.der not-yet-valid
	ek-aik.der not-ek
	ek-no-san.der no-tpm-attributes
	ek-critical.der critical-extension
	ek-roca.der weak-key
	ek-rsa-8192.der key-too-large
	ek-md5.der unsupported
	fake-ek.der issuer-missing
	fake-ek-same-id.der bad-signature
	ca.der ca-certificate
E
check 'a revoked one is not trusted' says 1 revoked $own/ek-revoked.der --crls "$WORK/crls"
from_stdin() { says 0 trusted - <$own/ek.nv; }
check 'standard input is read' from_stdin

mkdir "$WORK/root" && cp $own/root.der "$WORK/root"
check_status 1 'without its issuer a certificate is not trusted' \
	assay inspect ekcert $own/ek.pem --roots "$WORK/root" --at $T
check 'unless its issuer follows it in the file' \
	assay inspect ekcert $own/chain.pem --roots "$WORK/root" --at $T

cp $own/expired-ca.der "$WORK/roots"
check 'an expired issuer is a note, not a refusal' says 0 trusted $own/expired-ca-ek.der
check 'and the note is among the facts' grep -q '"issuer-expired"' "$WORK/json"
rm "$WORK/roots/expired-ca.der"

inspect $own/ek.der
check 'members come in the order of the contract' equal \
	"$(sed -n 's/^  "\([a-z_0-9]*\)":.*/\1/p' "$WORK/json" | head -n 10 | tr '\n' ' ')" \
	'trusted reason key manufacturer model version issuer serial not_after chain '
check 'the key is told' equal "$(member key)" '"ECC-P256"'
check 'the manufacturer is told' equal "$(member manufacturer)" '"id:49465800"'
check 'the end of validity is told' equal "$(member not_after)" '"2040-01-01T00:00:00Z"'

people() { assay inspect ekcert "$@" --roots "$WORK/roots" --at $T; }
people_see() { # FILE TEXT
	people "$1" >"$WORK/text"
	grep -qF -- "$2" "$WORK/text" || { cat "$WORK/text" && return 1; }
}
check 'people see the verdict' people_see $own/ek.der "$own/ek.der: trusted"
check 'people see the reason' people_see $own/ek-expired.der 'not trusted: it has expired (expired)'
check 'people see the vendor' people_see $own/ek.der 'Infineon id:49465800, SLB 9672, firmware id:0010'
no_escapes() { people $own/ek.der | { ! grep -q $'\033'; }; }
check 'no colour where nobody looks' no_escapes

quietly() { assay inspect ekcert "$@" >"$WORK/stdout" 2>"$WORK/stderr"; }
one_line() { # TEXT
	[ "$(wc -l <"$WORK/stderr")" = 1 ] && grep -qF -- "$1" "$WORK/stderr" ||
		{ cat "$WORK/stderr" && return 1; }
}
check_status 2 'what is no certificate is malformed' quietly $own/make.py --roots "$WORK/roots"
check 'and one line names the file' one_line make.py
check_status 2 'a certificate that cannot be read is malformed' \
	quietly $own/ek-two-ekus.der --roots "$WORK/roots"
check 'and one line says why' one_line 'ek-two-ekus.der: not a certificate: '
check_status 2 'a file over the limit is malformed' quietly /dev/zero --roots "$WORK/roots"
check_status 3 'a file that is not there is not reachable' quietly $own/none --roots "$WORK/roots"
check 'and one line names it' one_line $own/none
check_status 3 'roots that are not there are not reachable' quietly $own/ek.der --roots "$WORK/none"
check 'and one line names the folder' one_line "$WORK/none"
check_status 1 'without roots nothing is trusted' quietly $own/ek.der --roots "$WORK/empty"
check_status 64 'FILE is needed' quietly --roots "$WORK/roots"
check_status 64 'roots are needed' quietly $own/ek.der
check_status 64 'an unknown option is told' quietly $own/ek.der --roots "$WORK/roots" --crl x
check_status 64 'a time that is none is told' \
	quietly $own/ek.der --roots "$WORK/roots" --at yesterday
check_status 64 'a missing value is told' quietly $own/ek.der --roots

cp $own/make.py "$WORK/roots/readme.txt"
check 'a bad file among the roots is not fatal' quietly $own/ek.der --roots "$WORK/roots" --at $T
check 'and one line names it' one_line 'readme.txt: '
rm "$WORK/roots/readme.txt"

# ---- certificates of real TPMs ----------------------------------------------
# The certificate alone: of an NV index without header and padding.
real_der() { # FILE
	case $1 in
	*.pem) openssl x509 -in "$1" -outform DER ;;
	*.bin)
		if [ "$(head -c 2 "$1" | od -An -tx1)" = ' 10 01' ]; then
			tail -c +8 "$1"
		else
			cat "$1"
		fi | openssl x509 -inform DER -outform DER
		;;
	*) cat "$1" ;;
	esac
}

# `trusted` if the index (file, kind, sha256, bytes, origin, commit, licence, expected,
# notes) says that the chain of this very certificate is complete, and it is valid then.
expected() { # FILE
	local start end at
	real_der "$1" >"$WORK/der"
	start=$(openssl x509 -inform DER -in "$WORK/der" -noout -startdate 2>/dev/null | cut -d= -f2)
	end=$(openssl x509 -inform DER -in "$WORK/der" -noout -enddate 2>/dev/null | cut -d= -f2)
	at=$(date -d $T +%s)
	if grep -qx "$(sha256sum <"$WORK/der" | cut -d' ' -f1)" "$WORK/complete" &&
		[ "$(date -d "$start" +%s)" -le "$at" ] && [ "$(date -d "$end" +%s)" -ge "$at" ]; then
		echo trusted
	else
		echo not trusted
	fi
}
seen() { # FILE
	if assay inspect ekcert "$1" --roots "$shared/ekroots" --at $T >/dev/null 2>&1; then
		echo trusted
	else
		echo not trusted
	fi
}

if [ -d "$shared/ekcerts" ]; then
	awk -F'\t' '$1 ~ /^ekcerts\// && $8 == "chain complete" { print $3 }' \
		"$shared/INDEX.tsv" >"$WORK/complete"
	for f in "$shared"/ekcerts/*; do
		want=$(expected "$f")
		check "${f##*/} is $want" equal "$(seen "$f")" "$want"
	done
	check 'the index names some as complete' test -s "$WORK/complete"
	check 'no real root or intermediate gives a warning' \
		equal "$(assay inspect ekcert $own/ek.der --roots "$shared/ekroots" 2>&1 >/dev/null)" ''
else
	skip 'certificates of real TPMs' "$shared/ekcerts is absent"
fi

# ---- a TPM made here --------------------------------------------------------
if command -v swtpm_setup >/dev/null; then
	check 'a TPM is made' tpm_make gateway
	check 'and on' tpm_start gateway
	check 'and started' tpm_on gateway tpm2_startup -c
	check 'and has a P-256 certificate too' tpm_add_l2 gateway
	ca_roots "$WORK/ca-roots"
	trusted_now() { # NV-INDEX
		tpm_on gateway tpm2_nvread -C o "$1" >"$WORK/nv" &&
			assay inspect ekcert "$WORK/nv" --roots "$WORK/ca-roots" --json >"$WORK/json" &&
			equal "$(member virtual)" true
	}
	for index in 0x01c00002 0x01c0000a 0x01c00016; do
		check "its certificate $index is trusted, and told to be virtual (i9)" trusted_now $index
	done
else
	skip 'certificates of a TPM made here' 'swtpm_setup is absent'
fi
lib_end
