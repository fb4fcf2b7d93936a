#!/bin/bash
# `make install` gives a complete, relocatable tree: programs that run, a library that
# another program can link with what pkg-config says, units that systemd accepts.
. tests/integration/lib.sh
lib_begin

D=$WORK/root
unset MAKEFLAGS MFLAGS MAKELEVEL
install_all() { make -s install B="${ASSAY_BIN#"$PWD"/}" DESTDIR="$D" PREFIX=/usr; }
check 'make install succeeds' install_all

for f in bin/assay sbin/assay-verifier sbin/assay-attester sbin/assay-gate lib/libassay-attester.a \
	include/assay/attester.h include/assay/error.h share/man/man1/assay.1 \
	share/man/man8/assay-verifier.8 share/man/man8/assay-attester.8 share/man/man8/assay-gate.8 \
	share/bash-completion/completions/assay share/doc/assay/README.md share/doc/assay/openapi.json \
	share/assay/attester.yaml share/assay/gate.yaml share/assay/freeradius/mods-assay share/assay/freeradius/policy-assay \
	share/assay/freeradius/assay-coa; do
	check "$f is installed" test -s "$D/usr/$f"
done
# Links between documents lead somewhere; those to sources, which are not installed, are left.
dead_links() {
	local f n link
	grep -noE '\]\([^)#: ]+' "$D"/usr/share/doc/assay/*.md | while IFS=: read -r f n link; do
		link=${link#](}
		case $link in
		../verifier/* | ../evidence/* | ../proto/* | proto/*) continue ;;
		esac
		[ -e "$(dirname "$f")/$link" ] || echo "$(basename "$f"):$n: $link"
	done
}
check 'links of the installed documents lead to what is installed' equal "$(dead_links)" ''
check 'the example of a gate makes rules' "$D/usr/sbin/assay-gate" rules --config "$D/usr/share/assay/gate.yaml"
example_agent() { ! "$D/usr/sbin/assay-attester" run --config "$D/usr/share/assay/attester.yaml" 2>"$WORK/stderr" && grep -q -- '--token or --ca' "$WORK/stderr"; }
check 'the example of an agent lacks nothing but whom to trust' example_agent
check 'policies are installed' test -n "$(ls "$D"/usr/share/assay/policies/*.yaml)"
check 'the installed assay runs' "$D/usr/bin/assay" --version
nothing_else() { equal "$(ls "$D") $(ls "$D/usr" | tr '\n' ' ')" 'usr bin include lib sbin share '; }
check 'nothing is installed elsewhere' nothing_else

# ---- the library, as an embedding program sees it ----
foreign_symbols() {
	nm -g --defined-only "$D/usr/lib/libassay-attester.a" | awk 'NF == 3 && $3 !~ /^assay_/ { print $3 }'
}
case $ASSAY_BIN in
*/asan* | */cov*) skip 'only assay_ symbols are visible' 'built with sanitizers or coverage' ;;
*) check 'only assay_ symbols are visible' equal "$(foreign_symbols)" '' ;;
esac
cat >"$WORK/user.c" <<-E
	#include <assay/attester.h>
	int main(void)
	{
		struct assay_attester_config c = {0};
		return assay_attester_size(&c) == 0 || assay_err_text(ASSAY_OK) == 0;
	}
E
pkg() { PKG_CONFIG_PATH=$D/usr/lib/pkgconfig pkg-config --define-prefix "$@" assay-attester; }
link_user() {
	# shellcheck disable=SC2046 # options
	"${CC:-gcc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$WORK/user" "$WORK/user.c" $(pkg --cflags --libs) &&
		"$WORK/user"
}
case $ASSAY_BIN in
*/asan* | */cov*) skip 'a program links what pkg-config says' 'built with sanitizers or coverage' ;;
*) check 'a program links what pkg-config says' link_user ;;
esac
if command -v g++ >/dev/null; then
	for h in include/assay/*.h; do
		check "$(basename "$h") compiles as C++" g++ -x c++ -Wall -Wextra -Werror -fsyntax-only "$h" -Iinclude
	done
else
	skip 'headers compile as C++' 'no g++ here'
fi

# ---- units and pages ----
# systemd-analyze ends with 0 on unknown keys, so what it says counts, too. The paths
# of programs are those of an installed system; a missing program is no fault of ours.
unit_complaints() {
	systemd-analyze verify --man=no "$1" 2>&1 | grep -vE 'is not executable|/(run|etc)/systemd/system' |
		grep -F "$(basename "$1")"
}
for u in verifier attester gate gate-close; do
	unit=$D/usr/lib/systemd/system/assay-$u.service
	if command -v systemd-analyze >/dev/null; then
		check "assay-$u.service is accepted by systemd" equal "$(unit_complaints "$unit")" ''
	else
		skip "assay-$u.service is accepted by systemd" 'no systemd-analyze here'
	fi
	check "assay-$u.service names the installed program" grep -q "^ExecStart=/usr/sbin/assay-${u%-close} " "$unit"
done
coa_unit() { # of one switch, as systemctl enable makes it
	cp "$D/usr/lib/systemd/system/assay-coa@.service" "$WORK/assay-coa@hall-3.service" &&
		equal "$(unit_complaints "$WORK/assay-coa@hall-3.service")" ''
}
if command -v systemd-analyze >/dev/null; then
	check 'assay-coa@.service is accepted by systemd' coa_unit
else
	skip 'assay-coa@.service is accepted by systemd' 'no systemd-analyze here'
fi
# What it starts, with what is written for one switch in docs/radius.md.
coa_starts() {
	local program
	program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$D/usr/lib/systemd/system/assay-coa@.service")
	sed -n '/^    NAS=/,/^    ROOT=/s/^    //p' "$D/usr/share/doc/assay/radius.md" >"$WORK/hall-3.conf"
	# shellcheck disable=SC1091 # made above
	. "$WORK/hall-3.conf" && [ -x "$D$program" ] && [ -n "$NAS" ] && [ -n "$SECRET_FILE" ] && [ -n "$ROOT" ]
}
check 'assay-coa@.service starts what is installed, with what its document says' coa_starts
for page in "$D"/usr/share/man/man[18]/*; do
	if command -v groff >/dev/null; then
		check "$(basename "$page") is a clean manual page" equal "$(groff -man -ww -z -Tutf8 "$page" 2>&1)" ''
	else
		skip "$(basename "$page") is a clean manual page" 'no groff here'
	fi
done
told_by_page() {
	local words
	"$ASSAY_BIN/assay" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' >"$WORK/words"
	[ -s "$WORK/words" ] && while read -r words; do
		grep -q "^\.SS assay $words\$" "$D/usr/share/man/man1/assay.1" || { echo "$words" && return 1; }
	done <"$WORK/words"
}
check 'assay(1) has every command' told_by_page

# ---- completion ----
completes() { # WORD-INDEX EXPECTED WORD...
	local index=$1 expected=$2
	shift 2
	bash -c '. "$1"; shift; COMP_CWORD=$1; shift; COMP_WORDS=("$@"); _assay; printf "%s\n" "${COMPREPLY[@]}"' _ \
		docs/completion/assay "$index" "$ASSAY_BIN/assay" "$@" | grep -qx -- "$expected"
}
check 'completion knows groups' completes 1 inspect ins
check 'completion knows names' completes 2 ekcert inspect ek
check 'completion knows options' completes 3 --json inspect ekcert --js
check 'completion knows where the verifier may be' completes 3 --certificate device list --cert
no_verifier() { ! completes 3 --server inspect ekcert --ser; }
check 'which is nothing to inspect' no_verifier
profiles() {
	mkdir -p "$XDG_CONFIG_HOME/assay" && : >"$XDG_CONFIG_HOME/assay/north.profile" && completes 4 north device list --profile no
}
check 'completion knows profiles' profiles
everything() { # each command, and each option that its help names
	local group name option
	while read -r group name; do
		completes 1 "$group" "$group" && { [ -z "$name" ] || completes 2 "$name" "$group" "$name"; } || { echo "$group $name" && return 1; }
		# shellcheck disable=SC2086 # one word or none
		for option in $("$ASSAY_BIN/assay" "$group" $name --help | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u); do
			[ -z "$name" ] || completes 3 "$option" "$group" "$name" "$option" || { echo "$group $name $option" && return 1; }
		done
	done <"$WORK/words"
}
check 'completion knows every command and option' everything
lib_end
