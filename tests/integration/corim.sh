#!/bin/bash
# A vendor's signed reference values (CoRIM), as an operator inspects, imports and promotes
# them; what is not signed, out of its time or changed stays out. tests/data/corim/make.py
# made the files.
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
assay=$ASSAY_BIN/assay
data=tests/data/corim

gives() { # STATUS TEXT ARGUMENT...
	local want=$1 text=$2 got=0
	shift 2
	"$assay" "$@" >"$WORK/1" 2>&1 </dev/null || got=$?
	cat "$WORK/1"
	[ "$got" = "$want" ] || { echo "status $got, not $want" && return 1; }
	grep -qF -- "$text" "$WORK/1"
}

# ---- inspect: offline, at a time that is given -------------------------------------
at=(--at 2027-01-01T00:00:00Z)
roots=(--roots "$data/root.der")
check 'a signed one is accepted' gives 0 'signature    verified' inspect corim "$data/good.corim" "${roots[@]}" "${at[@]}"
check '... also by its key alone' gives 0 'verified' inspect corim "$data/good-key-only.corim" --key "$data/signer-key.der" "${at[@]}"
check '... and with a folder of roots' gives 0 'verified' inspect corim "$data/good.corim" --roots "$data" "${at[@]}"
check 'without a root its signature is not checked' gives 1 'signature.unchecked' inspect corim "$data/good.corim" "${at[@]}"
check 'another root does not lead to the signer' gives 1 'signer.untrusted' inspect corim "$data/good.corim" --roots "$data/stranger.der" "${at[@]}"
check 'past its time' gives 1 'validity.expired' inspect corim "$data/good.corim" "${roots[@]}" --at 2031-01-01T00:00:00Z
check 'a profile that is not known' gives 1 'profile.unknown' inspect corim "$data/bad-profile.corim" "${roots[@]}" "${at[@]}"
check 'what is not CBOR' gives 2 'well-formed' inspect corim "$data/malformed-array.corim"
check 'what cannot be compared is named' gives 0 'raw value cannot be compared' inspect corim "$data/unused-raw.corim" "${roots[@]}" "${at[@]}"
inspect_json() { "$assay" inspect corim "$data/good.corim" "${roots[@]}" "${at[@]}" --json | jq -e '.accepted and .records[0].pcrs.sha256["7"] == ("07" * 32)' >/dev/null; }
check '--json is one document' inspect_json
check 'no such root' gives 3 'No such file' inspect corim "$data/good.corim" --roots "$WORK/nowhere"
check 'a root that is none' gives 2 'not certificates' inspect corim "$data/good.corim" --roots "$data/make.py"

# ---- import: the verifier's own clock ------------------------------------------------
check 'init makes a verifier' verifier_init
check 'it starts' verifier_start
check 'a signed one becomes a set' gives 0 'acme-roadrunner-2026-01' reference import "$data/good.corim" --class gateway "${roots[@]}"
set_is() { "$assay" reference show acme-roadrunner-2026-01 --json | jq -e "$1" >/dev/null; }
check '... that is learned, for devices of the vendor and model' set_is '.state == "learned"'
check '... with the end of its time' set_is '.not_after == 1893456000 or .not_after == "2030-01-01T00:00:00Z"'
check '... of its PCRs' set_is '.pcrs.sha384["4"] == ("04" * 48)'
check 'the same again is told' gives 2 'is there already' reference import "$data/good.corim" --class gateway --name another "${roots[@]}"
digest=$("$assay" reference show acme-roadrunner-2026-01 --json | jq -r .digest)
check 'it is promoted like any other' gives 0 'promoted' reference promote acme-roadrunner-2026-01 --digest "$digest"
check 'a later one of the same signer retires it' gives 0 'retired, as the signer replaces it: acme-roadrunner-2026-01' reference import "$data/good-replaces.corim" --class gateway "${roots[@]}"
check '... which shows' set_is '.state == "retired"'
# Another class has its own set of the same content: promoted, shown and retired apart.
check 'the same for another class is a set of its own' gives 0 'roadrunner-controllers' reference import "$data/good.corim" --class controller --name roadrunner-controllers "${roots[@]}"
check '... of the same content' test "$("$assay" reference show roadrunner-controllers --json | jq -r .digest)" = "$digest"
check '... learned, whatever the other one is' gives 0 'learned' reference show roadrunner-controllers
check '... once' gives 2 'is there already, for class controller' reference import "$data/good.corim" --class controller --name twice "${roots[@]}"
check 'a digest alone does not say which' gives 2 'or the name' reference show "$digest"
check 'it is promoted by its name' gives 0 'promoted' reference promote roadrunner-controllers --digest "$digest"
check '... and the first one stays retired' set_is '.state == "retired"'
check 'records become sets of their own' gives 0 'components.2' reference import "$data/good-components.corim" --name components --class controller "${roots[@]}"
check 'a class id must be given' gives 2 "class's id" reference import "$data/class-id.corim" --class gateway "${roots[@]}"
check '... and is compared' gives 0 'class-id' reference import "$data/class-id.corim" --class gateway --name class-id --class-id uuid:00010203-0405-0607-0809-0a0b0c0d0e0f "${roots[@]}"
for bad in unsigned:good-unsigned untrusted:bad-stranger signature.wrong:bad-other-key expired:bad-expired not-yet:bad-not-yet \
	header:bad-disagree algorithm:bad-alg profile.unknown:bad-profile extension.unknown:bad-extension \
	nothing-usable:unused-twice well-formed:malformed-twice; do
	check "${bad#*:} is refused" gives 2 "${bad%%:*}" reference import "$data/${bad#*:}.corim" --class gateway --name never "${roots[@]}"
done
flipped() { # at every 40th byte
	local n i
	n=$(stat -c %s "$data/good-claims.corim")
	for ((i = 0; i < n; i += 40)); do
		cp "$data/good-claims.corim" "$WORK/flip.corim"
		printf "\\x$(printf %02x $(($(od -An -tu1 -j$i -N1 "$WORK/flip.corim") ^ 1)))" | dd of="$WORK/flip.corim" bs=1 seek=$i conv=notrunc status=none
		"$assay" reference import "$WORK/flip.corim" --class gateway --name flipped "${roots[@]}" >"$WORK/1" 2>&1 && { echo "byte $i" && cat "$WORK/1" && return 1; }
	done
	return 0
}
check 'with any bit changed it is refused' flipped
check 'nothing of all that was stored' test "$("$assay" reference list --json | jq '[.references[] | select(.name == "never" or .name == "flipped")] | length')" = 0
check 'no class' gives 64 '--class is required' reference import "$data/good.corim" "${roots[@]}"
check 'nobody to believe' gives 64 'whose signature' reference import "$data/good.corim" --class gateway
check 'the audit log tells of all' gives 0 'reference.corim' audit list
check 'the verifier stops' verifier_stop
lib_end
