#!/bin/bash
# Proves what the house rules promise and a compiler does not check: that evidence/ is
# pure, who includes whom, banned functions, lengths, the README's table, findings that
# are documented, attacks that have their case. One line per rule: `ok - RULE` or
# `not ok - RULE`, and under the latter one line `# file:line: what` per offence.
#
#   usage: [ASSAY_BIN=DIR] tests/lint.sh       ASSAY_BIN: built objects, for purity
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1

status=0

# Reads offences from stdin; the rule holds if there are none.
rule() { # NAME
	local offences
	offences=$(cat)
	if [ -z "$offences" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		printf '# %s\n' "${offences//$'\n'/$'\n'# }"
		status=1
	fi
}

sources() { # FOLDER...: the .c and .h files below them, of those that exist
	local d
	for d; do
		[ ! -d "$d" ] || find "$d" -name '*.[ch]'
	done | sort
}

PRODUCT=$(sources include evidence attester verifier gate)
EVERYTHING=$(sources include evidence attester verifier gate tests)

# Prints `FILE:LINE:CODE` without comments, and without what stands in quotes.
code() { # FILE...
	[ $# = 0 ] || perl -e '
	for my $f (@ARGV) {
		open my $h, "<", $f or die "$f: $!"; local $/; $_ = <$h>;
		s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])*\x27)}
		 {my $m = $1 // ""; $m =~ tr/\n//cd; defined $1 ? $m : defined $2 ? q("") : q(0)}gse;
		my $n = 0; print "$f:", ++$n, ":$_\n" for split /\n/;
	}' "$@"
}

includes() { # FILE...: prints `FILE:LINE:HEADER`
	[ $# = 0 ] || grep -HnE '^[ 	]*#[ 	]*include' "$@" |
		sed -E 's/^([^:]*:[0-9]*):[^<"]*[<"]([^>"]*)[>"].*/\1:\2/'
}

# ---- purity of evidence/ ---------------------------------------------------
# What its objects may need: memory and string functions that depend on their arguments
# alone, wolfCrypt, the protobuf-c runtime, each other, and what compilers insert.
LIBC='mem(cpy|move|set|cmp|chr)|str(len|nlen|cmp|ncmp|casecmp|ncasecmp|chr|rchr|spn|cspn)'
COMPILER='__(mem|str)[a-z]*_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
OTHERS='(wc|sp|mp|fp|wolf[A-Za-z]*)_[A-Za-z0-9_]+|protobuf_c_[a-z_]+|assay__v1__[a-z0-9_]+'

purity() { # OBJECT...
	local own
	own=$(nm --defined-only -g "$@" | awk 'NF == 3 { print $3 }' | sort -u)
	nm -u -A "$@" | sed -E 's/^([^:]*): *[UwV] /\1 /' | while read -r object symbol; do
		grep -qxE "$LIBC|$COMPILER|$OTHERS" <<<"$symbol" && continue
		grep -qxF -- "$symbol" <<<"$own" || echo "${object#"$PWD"/}: needs $symbol"
	done
}

# Data that a function could change between calls. Tables of constant pointers are
# relocated once and then read-only (.data.rel.ro).
writable_data() { # OBJECT...
	nm -A -f sysv "$@" | awk -F'[|]' '$NF ~ /^[ ]*\.(data|bss|tdata|tbss)/ && $NF !~ /rel\.ro/ {
		print $1 " in " $NF }'
}

check_purity() {
	local objects name='evidence/ needs no I/O, clock, allocation or globals of the C library'
	# evidence/tls/ is an adapter to OpenSSL and is no part of what must be pure.
	objects=$(find "${ASSAY_BIN:-build/release}/evidence" -maxdepth 1 -name '*.o' 2>/dev/null)
	if [ -z "$objects" ]; then
		echo "no objects: build first, and set ASSAY_BIN" | rule "$name"
		return
	fi
	# shellcheck disable=SC2086 # lists of files
	if nm -u $objects | grep -qE '__(asan|ubsan|gcov|llvm_profile)'; then
		echo "skip - $name # built with sanitizers or coverage"
		return
	fi
	# shellcheck disable=SC2086
	purity $objects | rule "$name"
	# shellcheck disable=SC2086
	writable_data $objects | rule 'evidence/ keeps no state: it has no writable data'
}

# ---- directions of dependence -----------------------------------------------
# FOLDER PATTERN: no header that matches may be included below FOLDER.
forbid() {
	# shellcheck disable=SC2046 # lists of files
	includes $(sources "$1") | grep -E ":($2)" | rule "$3"
}

check_directions() {
	forbid include 'evidence/|attester/|verifier/|gate/|tests/' \
		'include/ includes nothing of the project but itself'
	forbid include 'tss2/|wolfssl/|.*\.pb-c\.h|libwebsockets|sqlite3' \
		'include/ shows nothing of tpm2-tss, wolfSSL, protobuf or libwebsockets'
	forbid evidence 'attester/|verifier/|gate/|tests/' 'evidence/ includes neither end'
	forbid attester 'verifier/|gate/|tests/' 'attester/ never includes verifier/'
	forbid verifier 'attester/|gate/|tests/' 'verifier/ never includes attester/'
	forbid verifier/appraise 'verifier/(ledger|result|operator|cli|compiler)/|verifier/[a-z_]*\.h' \
		'verifier/appraise/ includes nothing of the daemon'
	forbid gate 'attester/|verifier/|tests/' 'gate/ includes neither end'
}

# `HEADER PATTERN <- FILE PATTERN`: only these files (and tests/) may include those headers.
SINGLE_INCLUDERS='
libwebsockets\.h        <- verifier/(net|console|outbound)[a-z_]*\.[ch]|verifier/operator/.*\.[ch]|attester/agent/link[a-z_]*\.c|gate/feed\.c
uv\.h                   <- attester/connection/connection\.c|verifier/(net|console|outbound)[a-z_]*\.[ch]|verifier/operator/.*\.[ch]
sqlite3\.h              <- verifier/ledger/.*
libpq-fe\.h             <- verifier/ledger/.*
tss2/.*                 <- attester/tpm[a-z_]*\.[ch]
.*assay\.pb-c\.h        <- evidence/envelope[a-z_]*\.c
protobuf-c/.*           <- evidence/envelope[a-z_]*\.[ch]
wolfssl/.*              <- evidence/(digest|key[a-z_]*)\.c|attester/key_private\.c|verifier/(seal|keys)\.c|verifier/appraise/credential[a-z_]*\.c|verifier/result/.*\.c
(cyaml/.*|yaml\.h)      <- attester/collect/normal_yaml\.c|verifier/compiler/.*\.[ch]|verifier/config[a-z_]*\.c|attester/agent/config[a-z_]*\.c|gate/config\.c
cbor\.h                 <- verifier/compiler/.*\.c
openssl/.*              <- evidence/tls/tls_adapter\.c
p11-kit/.*              <- attester/token\.c
seccomp\.h              <- verifier/sandbox[a-z_]*\.c
jansson\.h              <- verifier/(console|keeper_operation|operator/.*|cli/.*|result/.*)[a-z_]*\.[ch]|gate/nft\.c
nftables/.*             <- gate/nft\.c
libnetfilter_conntrack/.* <- gate/flows\.c
archive(_entry)?\.h     <- verifier/cli/rootfs_archive\.c
curl/.*                 <- verifier/cli/[a-z_]*\.c
'

check_includers() {
	local header files
	while read -r header _ files; do
		[ -n "$header" ] || continue
		# shellcheck disable=SC2086 # lists of files
		includes $PRODUCT | grep -E "^[^:]*:[0-9]+:$header\$" | grep -vE "^($files):" |
			rule "only its own files include ${header//\\/}"
	done <<<"$SINGLE_INCLUDERS"
}

# ---- banned functions -------------------------------------------------------
check_bans() {
	local list
	# shellcheck disable=SC2086 # lists of files
	list=$(code $PRODUCT)
	grep -E '[^A-Za-z0-9_](str(cpy|cat|ncpy|ncat|tok)|stpcpy|v?sprintf|gets|ato(i|l|ll|f)|scanf|alloca|tmpnam|mktemp|tempnam) *\(' \
		<<<"$list" | rule 'no strcpy, strcat, sprintf, atoi, alloca and their like'
	grep -E '[^A-Za-z0-9_](system|popen|rand|srand|random) *\(' <<<"$list" |
		rule 'no system, popen or rand'
	# What is compared may be secret or an authenticator: digest_equal() and span_equal()
	# take constant time. Public bytes may be compared where the line says so.
	# shellcheck disable=SC2086
	grep -nHE '(^|[^A-Za-z0-9_])memcmp *\(' $PRODUCT /dev/null | grep -v '/\* public' |
		rule 'memcmp only on lines that say /* public */'
	grep -E '[^A-Za-z0-9_](malloc|calloc|realloc|free) *\(' <<<"$list" |
		grep -E '^(evidence|verifier/appraise)/' | rule 'evidence/ and appraise/ do not allocate'
	grep -E '\[[^]]*\] *= *\{\}|typedef +struct' <<<"$list" |
		rule 'no typedef of structs, no empty initialisers'
}

# ---- form -------------------------------------------------------------------
FUNCTION_MAX=80 FILE_MAX=600 LINE_MAX=100

function_lengths() { # prints `LINES<TAB>FILE: FUNCTION`
	# shellcheck disable=SC2086 # lists of files
	ctags --fields=+ne --languages=C --kinds-C=f -f - $PRODUCT 2>/dev/null |
		awk -F'\t' '{ l = 0; e = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) l = substr($i, 6)
				if ($i ~ /^end:/) e = substr($i, 5)
			}
			if (e) print e - l + 1 "\t" $2 ": " $1 }' | sort -n
}

check_form() {
	local lengths count f
	# shellcheck disable=SC2086 # lists of files
	wc -l $PRODUCT /dev/null | awk -v max=$FILE_MAX '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }' |
		rule "no file over $FILE_MAX lines"
	# shellcheck disable=SC2086
	for f in $EVERYTHING; do
		expand --tabs=8 "$f" | awk -v f="$f" -v max=$LINE_MAX 'length > max { print f ":" NR ": " length " columns" }'
	done | rule "no line over $LINE_MAX columns"
	if ! ctags --version 2>/dev/null | grep -q Universal; then
		echo "skip - lengths of functions # universal-ctags is not installed"
		return
	fi
	lengths=$(function_lengths)
	count=$(wc -l <<<"$lengths")
	awk -v max=$FUNCTION_MAX '$1 > max' <<<"$lengths" | rule "no function over $FUNCTION_MAX lines"
	awk -v n="$count" 'NR == int((n + 1) / 2) && $1 > 20 { print "median " $1 }
		NR == int(n * 9 / 10) && $1 > 50 { print "nine in ten up to " $1 }' <<<"$lengths" |
		rule 'half of all functions within 20 lines, nine in ten within 50'
}

# ---- documents --------------------------------------------------------------
# Items `file : function` in backquotes, wherever README.md has them.
table_items() {
	# shellcheck disable=SC2016 # backquotes of the text
	grep -oE '`[a-z_/]+\.c : [a-z_0-9]+`' README.md | tr -d '`' | sed 's/ : /:/'
}

# A definition stands at the start of a line (its type is on the line above).
defines() { # FILE FUNCTION
	perl -e 'local $/; my $n = shift; $_ = <>; exit !/^\Q$n\E\([^;{]*\)\s*\{/m' "$2" <"$1"
}

check_readme() {
	local item
	{
		[ -n "$(table_items)" ] || echo 'README.md: has no table'
		table_items | while IFS=: read -r file function; do
			if [ ! -f "$file" ]; then
				echo "README.md: there is no $file"
			elif ! defines "$file" "$function"; then
				echo "README.md: $file does not define $function"
			fi
		done
	} | rule "each function of the README's table is defined in the file named"
	{
		# Relative links of the documents lead somewhere.
		grep -noE '\]\([^)#: ]+' README.md docs/*.md /dev/null | while IFS=: read -r f n link; do
			item=$(dirname "$f")/${link#](}
			[ -e "$item" ] || echo "$f:$n: there is no ${link#](}"
		done
	} | rule 'links of the documents lead to files that exist'
}

check_configuration() {
	sed -n 's/^\tX([A-Z]*, \([a-z_]*\),.*/\1/p' verifier/config_yaml.h | while read -r key; do
		# shellcheck disable=SC2016 # backquotes of the text
		grep -q "^| .*\`$key\`.* |" docs/deployment.md || echo "docs/deployment.md does not tell of $key"
	done | rule 'docs/deployment.md lists every key of the configuration'
}

check_findings() {
	tests/findings.sh | diff - docs/findings.md 2>&1 | head -n 20 |
		rule 'docs/findings.md has every finding as the code has it (tests/findings.sh)'
}

# ---- attacks ----------------------------------------------------------------
ATTACKS='Q1 Q2 Q3 Q4 Q5 Q6 Q7 Q8 Q9 Q10 Q11 Q12 Q13 Q14 Q17 Q18
L1 L2 L3 L8 L9 L10 L11 L12 L13
I1 I2 I3 I4 I7 I10 I11 I13 I14 I15 I16 I17
D1 D2 D5 D8 D10 D11 D14 D15 D16
L19 D7 D9a D12 D13'

check_attacks() {
	local id
	for id in $ATTACKS; do
		grep -rqiE --include='*.c' --include='*.sh' "(^|[^A-Za-z0-9])$id([^0-9A-Za-z]|\$)" tests/attacks ||
			echo "no case: $id"
	done | rule 'every attack has its named case in tests/attacks'
}

check_purity
check_directions
check_includers
check_bans
check_form
check_readme
check_configuration
check_findings
check_attacks
exit $status
