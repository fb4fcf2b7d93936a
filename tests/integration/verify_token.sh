#!/bin/bash
# `assay verify token` over tokens that are good, odd and hostile (I11): made and signed by
# tests/tools/hostile_tokens.py, most of them by the very key that is trusted, so that nothing
# but the form can refuse them.
. tests/integration/lib.sh
lib_begin

if ! /usr/bin/python3 -c 'import cryptography' 2>/dev/null; then
	skip 'hostile tokens' 'python3-cryptography is not installed'
	exit 0
fi

NOW=1795341600
mkdir "$WORK/t"
check 'tokens of every form' tests/tools/hostile_tokens.py "$WORK/t"
[ "$failures" = 0 ] || exit 1

verify() { # NAME OPTION...
	local name=$1
	shift
	"$ASSAY_BIN/assay" verify token "$WORK/t/$name" --at $NOW "$@"
}
while IFS='|' read -r want name options; do
	# shellcheck disable=SC2086
	verify "$name" --jwks "$WORK/t/keys.json" $options >"$WORK/out" 2>&1
	got=$?
	if [[ " $want " == *" $got "* ]]; then ok "i11_$name"; else not_ok "i11_$name" "exit $got, not $want: $(cat "$WORK/out")"; fi
done <"$WORK/t/cases"

# A key that was given by itself is the one that is meant, whatever name the token gives it.
check 'a public key in PEM verifies a token that names its key' verify as_it_should_be --jwks "$WORK/t/key.pem"
check 'so does one JWK without a name' verify as_it_should_be --jwks "$WORK/t/key.json"
check_status 1 'but no token of another key' verify another_key_under_its_kid --jwks "$WORK/t/key.pem"
check_status 64 'an empty nonce demands nothing and is an error' verify as_it_should_be --jwks "$WORK/t/keys.json" --nonce ''
plain() { verify a_terminals_language --jwks "$WORK/t/keys.json" >"$WORK/shown" && ! grep -q $'[\x01-\x08\x0b-\x1f\x7f]' "$WORK/shown"; }
check 'm8_what_a_token_says_does_not_move_the_cursor' plain
told() { verify for_several --jwks "$WORK/t/keys.json" --json | jq -e '.valid and .token.audience == ["a", "rp"] and .token.status == null'; }
check 'all audiences are told' told
lib_end
