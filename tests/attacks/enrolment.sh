#!/bin/bash
# Who comes in, and as whom: I1 to I4, I13, I14, tokens and the queue, against the real
# daemon, with devices whose EK certificates are by CAs of this test.
. tests/attacks/lib.sh
lib_begin

# ---- a manufacturer ------------------------------------------------------------
mkdir -p "$WORK/ca"
cat >"$WORK/ca/ext" <<-END
	[root]
	basicConstraints = critical, CA:TRUE
	keyUsage = critical, keyCertSign, cRLSign
	subjectKeyIdentifier = hash
	[ek]
	basicConstraints = critical, CA:FALSE
	keyUsage = critical, keyAgreement
	extendedKeyUsage = 2.23.133.8.1
	authorityKeyIdentifier = keyid
	subjectAltName = critical, dirName:tpm
	[not-ek]
	basicConstraints = critical, CA:FALSE
	keyUsage = critical, keyAgreement
	extendedKeyUsage = serverAuth
	authorityKeyIdentifier = keyid
	subjectAltName = critical, dirName:tpm
	[tpm]
	0.2.23.133.2.1 = id:494E5443
	0.2.23.133.2.2 = model
	0.2.23.133.2.3 = id:00010002
END
ca() { # NAME: a CA of its own, in $WORK/ca/NAME.{key,pem}
	openssl ecparam -genkey -name prime256v1 -noout -out "$WORK/ca/$1.key" &&
		openssl req -x509 -new -key "$WORK/ca/$1.key" -subj "/CN=EK CA $1" -days 3650 \
			-extensions root -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n' && cat "$WORK/ca/ext") \
			-out "$WORK/ca/$1.pem"
}
serial=100
# Newer openssl takes no -days below 1, older no times.
validity() { # DAYS
	if openssl x509 -help 2>&1 | grep -q -- -not_after; then
		local from=now
		[ "$1" -gt 0 ] || from='2 days ago'
		echo "-not_before $(date -u -d "$from" +%Y%m%d%H%M%SZ) -not_after $(date -u -d "$1 days" +%Y%m%d%H%M%SZ)"
	else
		echo "-days $1"
	fi
}
issue() { # CA SECTION DAYS SUBJECT-KEY OUT: signs that key
	local valid
	read -ra valid <<<"$(validity "$3")"
	serial=$((serial + 1))
	openssl req -new -key "$WORK/ca/root.key" -subj "/CN=$5" -out "$WORK/ca/csr" -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') &&
		openssl x509 -req -in "$WORK/ca/csr" -CA "$WORK/ca/$1.pem" -CAkey "$WORK/ca/$1.key" -set_serial $serial \
			"${valid[@]}" -extfile "$WORK/ca/ext" -extensions "$2" -force_pubkey "$4" -out "$WORK/ca/$5.pem"
}
# An EK certificate for a device, SEED.der.
cert() { # SEED [CA] [SECTION] [DAYS]
	local name=${2:-root}-${3:-ek}-${4:-100}-$1
	d device "$1"
	read -r _ _ _ x y <<<"$ANSWER"
	# SubjectPublicKeyInfo of a P-256 key, RFC 5480
	# shellcheck disable=SC2059 # bytes
	printf "$(sed 's/../\\x&/g' <<<"3059301306072a8648ce3d020106082a8648ce3d03010703420004$x$y")" |
		openssl pkey -pubin -inform DER -out "$WORK/ca/pub" &&
		issue "${2:-root}" "${3:-ek}" "${4:-100}" "$WORK/ca/pub" "$name" 2>/dev/null &&
		openssl x509 -in "$WORK/ca/$name.pem" -outform DER -out "$WORK/$1.der"
}
manufacturer() {
	ca root && ca stranger && ca issuer && ca late || return
	# an issuing CA that had expired before it issued anything
	openssl pkey -in "$WORK/ca/late.key" -pubout -out "$WORK/ca/late.pub" &&
		issue root root -1 "$WORK/ca/late.pub" late 2>/dev/null || return
	mkdir -p "$WORK/roots" "$WORK/crls"
	cp "$WORK/ca/root.pem" "$WORK/ca/late.pem" "$WORK/roots/"
	# serial number of the first EK certificate, revoked
	cat >"$WORK/ca/ca.conf" <<-END
		[ca]
		default_ca = a
		[a]
		database = $WORK/ca/index
		crlnumber = $WORK/ca/number
		serial = $WORK/ca/number
		new_certs_dir = $WORK/ca
		default_md = sha256
		default_crl_days = 30
		policy = p
		[p]
		commonName = supplied
	END
	echo 01 >"$WORK/ca/number"
	printf 'R\t%s\t%s\t%X\tunknown\t/CN=x\n' 350101000000Z 250101000000Z $((serial + 1)) >"$WORK/ca/index"
	openssl ca -gencrl -config "$WORK/ca/ca.conf" -cert "$WORK/ca/root.pem" -keyfile "$WORK/ca/root.key" \
		-out "$WORK/crls/root.pem"
}
# An issuing CA that is good for some seconds more, and what it issued meanwhile.
issuer_expires() { # SECONDS SEED
	openssl req -new -key "$WORK/ca/issuer.key" -subj /CN=issuer -out "$WORK/ca/csr" -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') &&
		openssl ca -batch -notext -config "$WORK/ca/ca.conf" -cert "$WORK/ca/root.pem" -keyfile "$WORK/ca/root.key" \
			-extfile "$WORK/ca/ext" -extensions root -in "$WORK/ca/csr" -out "$WORK/ca/issuer.pem" \
			-startdate 20200101000000Z -enddate "$(date -u -d "+$1 seconds" +%Y%m%d%H%M%SZ)" &&
		cert "$2" issuer && cp "$WORK/ca/issuer.pem" "$WORK/roots/" && kill -HUP "$(cat "$ASSAY_STATE/run/pid")" && sleep $(($1 + 1))
}
expired_issuer() { issuer_expires 2 22 && enrols 'refused ek.expired *' 22 "cert=$WORK/22.der" "token=$(token)"; }
check 'a manufacturer with a root and a revocation list' manufacturer
fleet_begin "ek_crls: \"$WORK/crls\"" 'pending_max: 2' 'enrolments_per_minute: 90' 'spare_appraisers: 6'
attacker_start
token() { assay token create --class fleet --expires 1h "$@" 2>/dev/null; }
enrols() { # PATTERN SEED OPTION...
	local want=$1 seed=$2
	shift 2
	says "$want" session "e$seed" , device "$seed" , connect , enrol "$@"
}
with_cert() { # PATTERN SEED CERT-ARGUMENT...
	local want=$1 seed=$2
	shift 2
	cert "$seed" "$@" && enrols "$want" "$seed" "cert=$WORK/$seed.der" "token=$(token)"
}
nobody() { ek_of "$1" && ! show "$ID"; }

# ---- EK certificates (I4, I13) ----
check i4_revoked_ek_certificate_is_refused with_cert 'refused ek.revoked *' 20
check 'a certificate by the manufacturer lets in' with_cert 'enrolled * pending=0' 21
check 'as a TPM, with what the certificate says' eval 'ek_of 21 && [ "$(show "$ID" | jq -r ".tier, .ek.manufacturer, .ek.trusted" | tr "\n" " ")" = "tpm id:494E5443 true " ]'
check i4_certificate_of_a_stranger_is_refused with_cert 'refused ek.untrusted *' 22 stranger
check i4_expired_certificate_is_refused with_cert 'refused ek.expired *' 22 root ek -1
check i4_certificate_of_an_issuer_that_has_expired_since_is_refused expired_issuer
check i4_certificate_issued_after_its_issuer_had_expired_is_refused with_cert 'refused ek.untrusted *' 22 late
check i4_certificate_for_another_use_is_refused with_cert 'refused ek.untrusted *' 22 root not-ek
check i4_ek_without_certificate_or_registration_is_refused enrols 'refused ek.untrusted *' 22 "token=$(token)"
of_other() { cert 23 && enrols 'refused ek.mismatch *' 22 "cert=$WORK/23.der" "token=$(token)"; }
check i13_certificate_of_another_key_is_refused of_other
check i13_ek_that_is_no_template_is_refused enrols 'refused ek.template *' 22 flip=12 "token=$(token)"
check 'none of them is a device' nobody 22

# ---- the healthy device, and registration of EKs ----
check 'a healthy device is admitted' fleet_golden
BEFORE=$(record "$GOLDEN")

# ---- AKs (I2, I3) ----
allow fleet 30 31
lacks() { says 'refused ak.attributes *' session e30 , device 30 , new-ak 30 "$1" , connect , enrol; }
while read -r name attributes; do
	check "i3_ak_$name" lacks "$attributes"
done <<-END
	that_can_leave_its_tpm_is_refused 0x50070
	that_can_change_its_parent_is_refused 0x50062
	that_was_imported_is_refused 0x50052
	that_signs_anything_is_refused 0x40072
	that_cannot_sign_is_refused 0x10072
	that_decrypts_is_refused 0x70072
END
d new-ak 30 >/dev/null
check i2_ak_of_another_tpm_cannot_be_activated enrols locked 30 ak=31
check i2_ak_of_another_tpm_with_a_guess_is_refused enrols 'refused enrolment.activation *' 30 ak=31 wrong
check i2_ek_of_another_tpm_cannot_be_activated enrols locked 30 ek=31
check i2_wrong_secret_is_refused enrols 'refused enrolment.activation *' 30 wrong
check i2_activation_skipped_is_refused enrols closed 30 skip
check 'none of them is a device' eval 'nobody 30 && nobody 31'
late_secret() { # the secret of one connection on another
	says closed session f , device 30 , connect , send 03
}
check i2_activation_on_another_connection_is_refused late_secret

# ---- keys that are taken (I1) ----
taken() { allow fleet 32 && says 'refused enrolment.conflict *' session e32 , device 32 , new-ak 1 , connect , enrol; }
check i1_ak_of_another_device_under_another_ek_is_refused taken
check i1_and_neither_is_enrolled_nor_changed eval 'nobody 32 && unchanged "$BEFORE"'

# ---- tokens ----
allow fleet 33
allow none 34 35 36
T=$(token)
check 'a token lets one device in' enrols 'enrolled * pending=0' 34 "token=$T"
check 'token_used_twice_is_refused' enrols 'refused token.spent *' 35 "token=$T"
T=$(token)
check token_with_a_wrong_secret_is_refused enrols 'refused token.invalid *' 35 "token=${T%%.*}.0123456789abcdef.x"
check token_that_is_unknown_is_refused enrols 'refused token.invalid *' 35 "token=nobody.${T#*.}"
check token_for_real_tpms_is_refused_to_others enrols 'refused token.tier *' 35 "token=$(token --tier tpm)"
both() { # two connections, one token, one use
	enrols 'enrolled *' 35 "token=$T" && enrols 'refused token.spent *' 36 "token=$T"
}
check 'a refused attempt spends no token; a good one does' both
check 'the token is not in the log, nor in the ledger' eval '! grep -aq "$(cut -d. -f2 <<<"$T")" "$WORK/verifier.log" "$ASSAY_STATE"/ledger.db*'

# ---- the same TPM again (I14) ----
again() { says "enrolled $GOLDEN pending=0" session e1 , device 1 , new-ak 99 , connect , enrol "token=$1"; }
other_class() {
	T=$(assay token create --class other --expires 1h) && again "$T" &&
		equal "$(show "$GOLDEN" | jq -r '.class, .new_ak' | tr '\n' ' ')" 'fleet true '
}
check i14_same_tpm_with_a_new_ak_keeps_its_class other_class
check i14_and_its_record eval 'equal "$(record "$GOLDEN" | jq .counters)" "$(jq .counters <<<"$BEFORE")"'
check i14_and_spends_no_token eval 'equal "$(assay token list --json | jq --arg t "${T%%.*}" ".tokens[] | select(.id == \$t) | .uses_left")" 1'
new_key() { says 'challenge *' session e1 , recv && d proof && [[ $ANSWER != *ADMIT* ]] && found "$GOLDEN" ak.changed; }
check i14_and_the_new_ak_is_a_finding_that_does_not_admit new_key
approved() { assay device approve "$GOLDEN" && round 'decision ADMIT *' 1; }
check 'until an operator approves it' approved
sheds() { # a finding of this boot is there after TPM2_Clear as before
	enrolled 40 && round 'decision ADMIT *' 40 && d extend 4 && round 'decision QUARANTINE *' 40 &&
		says 'enrolled * pending=0' new-ak 41 , connect , enrol && says 'challenge *' recv &&
		says 'decision QUARANTINE *' proof && ek_of 40 && found "$ID" boot.replay && found "$ID" ak.changed &&
		assay device approve "$ID" && round 'decision QUARANTINE *' 40
}
check i14_findings_of_the_boot_are_not_shed sheds
held() {
	enrolled 42 && round 'decision ADMIT *' 42 && ek_of 42 && assay device hold "$ID" --reason test &&
		says "enrolled $ID *" new-ak 43 , connect , enrol "token=$(token)" && says 'challenge *' recv &&
		says 'decision QUARANTINE *' proof && ek_of 42 && equal "$(show "$ID" | jq -r .overlay)" held
}
check i14_a_hold_is_not_shed held
retired() {
	enrolled 44 && round 'decision ADMIT *' 44 && ek_of 44 && assay device retire "$ID" &&
		round 'decision QUARANTINE device.retired*' 44 && enrols 'refused device.retired *' 44 &&
		says 'refused device.retired *' new-ak 45 , connect , enrol "token=$(token)"
}
check i14_retirement_is_not_shed retired

# ---- the queue ----
waits() { cert "$1" && enrols "enrolled * pending=1" "$1" "cert=$WORK/$1.der" && says 'challenge *' recv && says 'decision QUARANTINE *' proof; }
check 'who has neither token nor registration waits, quarantined' waits 50
check 'its decision says why' eval 'ek_of 50 && stands $ID QUARANTINE enrolment.pending'
queue() { waits 51 && cert 52 && enrols 'refused enrolment.queue-full *' 52 "cert=$WORK/52.der" && nobody 52; }
check 'the queue refuses, and evicts nobody' queue
approve() { ek_of 50 && assay device approve "$ID" --class fleet && round 'decision ADMIT *' 50; }
check 'approved, it is judged like others' approve
rate() {
	local i
	for ((i = 0; i < 120; i++)); do
		d session r >/dev/null && d connect >/dev/null && d enrol skip >/dev/null
		[[ $ANSWER == 'refused enrolment.rate retry=1' ]] && return
	done
	return 1
}
check 'enrolments of one source are bounded' rate
check 'which stops no device that is enrolled' round 'decision ADMIT *' 50
check 'no process of the verifier was lost' eval '! grep child-lost "$WORK/verifier.log"'
lib_end
