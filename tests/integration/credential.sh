#!/bin/bash
# A credential made in software is released by a TPM that holds both keys, for every
# kind of EK that is supported, and by no other (I2).
. tests/integration/lib.sh
lib_begin
make=$ASSAY_BIN/tests/tools/credential_make
t() { tpm_on gateway "$@"; }

# An endorsement primary of the given algorithm and nameAlg, usable with its (empty) auth.
storage_key() { # ALGORITHM NAME-ALG
	t tpm2_flushcontext -t && t tpm2_createprimary -Q -C e -G "$1" -g "$2" -c "$WORK/ek.ctx" \
		-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt' &&
		t tpm2_flushcontext -t && t tpm2_readpublic -Q -c "$WORK/ek.ctx" -o "$WORK/ek.pub"
}

signing_key() { # NAME ALGORITHM
	t tpm2_createprimary -Q -C e -G "$2" -g sha256 -c "$WORK/$1.ctx" \
		-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' &&
		t tpm2_readpublic -Q -c "$WORK/$1.ctx" -n "$WORK/$1.name" && t tpm2_flushcontext -t
}

credential() { # AK OUT
	"$make" "$WORK/ek.pub" "$WORK/$1.name" "$WORK/secret" "$WORK/entropy" "$WORK/$2"
}

activate() { # AK CREDENTIAL
	t tpm2_flushcontext -t && rm -f "$WORK/released" &&
		t tpm2_activatecredential -Q -c "$WORK/$1.ctx" -C "$WORK/ek.ctx" \
			-i "$WORK/$2" -o "$WORK/released" && cmp "$WORK/secret" "$WORK/released"
}

releases() { # ALGORITHM NAME-ALG
	storage_key "$1" "$2" && credential ak cred && activate ak cred
}

# The default template, whose policy wants TPM2_PolicySecret(endorsement).
releases_l1() {
	t tpm2_createek -Q -c "$WORK/ek.ctx" -G rsa -u "$WORK/ek.pub" && t tpm2_flushcontext -t &&
		credential ak cred && t tpm2_startauthsession --policy-session -S "$WORK/s.ctx" &&
		t tpm2_policysecret -Q -S "$WORK/s.ctx" -c e &&
		t tpm2_activatecredential -Q -c "$WORK/ak.ctx" -C "$WORK/ek.ctx" -i "$WORK/cred" \
			-o "$WORK/released" -P "session:$WORK/s.ctx" &&
		t tpm2_flushcontext "$WORK/s.ctx" && cmp "$WORK/secret" "$WORK/released"
}

is_the_same_twice() { credential ak one && credential ak two && cmp "$WORK/one" "$WORK/two"; }
is_another_with_other_entropy() {
	head -c 64 /dev/urandom >"$WORK/entropy"
	credential ak two && ! cmp -s "$WORK/one" "$WORK/two" && activate ak two
}
# The TPM must say that, not that something else went wrong.
is_refused() { # AK CREDENTIAL ERROR
	! activate "$1" "$2" 2>"$WORK/err" && grep -qi "$3" "$WORK/err" || { cat "$WORK/err"; return 1; }
}
changed() { # BYTE ERROR
	cp "$WORK/one" "$WORK/bad" && printf '\x5a' |
		dd of="$WORK/bad" bs=1 seek="$1" conv=notrunc status=none && is_refused ak bad "$2"
}

head -c 32 /dev/urandom >"$WORK/secret"
head -c 64 /dev/urandom >"$WORK/entropy"
check 'a TPM is made' tpm_make gateway
check 'and on' tpm_start gateway
check 'and started' t tpm2_startup -c
check 'an attestation key is made' signing_key ak ecc256:ecdsa-sha256:null
check 'and another' signing_key other rsa2048:rsassa-sha256:null

check 'the default RSA-2048 EK (L-1) releases the secret' releases_l1
check 'an RSA-2048 EK, SHA-256, AES-128 releases it' releases rsa2048:null:aes128cfb sha256
check 'an RSA-3072 EK, SHA-384, AES-256 releases it' releases rsa3072:null:aes256cfb sha384
check 'an RSA-2048 EK, SHA-512, AES-256 releases it' releases rsa2048:null:aes256cfb sha512
check 'a P-384 EK, SHA-384, AES-256 releases it' releases ecc384:null:aes256cfb sha384
check 'a P-256 EK, SHA-256, AES-128 releases it' releases ecc256:null:aes128cfb sha256

check 'the same entropy gives the same bytes' is_the_same_twice
check 'a credential for another AK is not released (i2)' is_refused other one integrity
check 'nor one whose blob was changed' changed 60 integrity
check 'nor one whose encrypted secret was changed' changed 100 'point\|integrity'
check 'other entropy gives another credential, released too' is_another_with_other_entropy
lib_end
