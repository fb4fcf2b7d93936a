#!/bin/bash
# The command contract: exit statuses and messages of every command of `assay`, also of
# those that are added later, since the commands are asked for their list.
. tests/integration/lib.sh
lib_begin

commands() { "$ASSAY_BIN/assay" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p'; }
# shellcheck disable=SC2086 # one or two words
run_words() { # "GROUP NAME" ARGUMENT...
	local words=$1
	shift
	"$ASSAY_BIN/assay" $words "$@" </dev/null
}
# Messages are few lines, name their program, and are text.
complains_well() { # STATUS "GROUP NAME" ARGUMENT...
	local want=$1 got=0
	shift
	run_words "$@" >"$WORK/stdout" 2>"$WORK/stderr" || got=$?
	cat "$WORK/stderr"
	[ "$got" = "$want" ] || { echo "status $got, not $want" && return 1; }
	[ ! -s "$WORK/stdout" ] || { echo 'a complaint went to standard output' && return 1; }
	grep -q '^assay' "$WORK/stderr" || { echo 'the message does not begin with the program' && return 1; }
	[ "$(wc -l <"$WORK/stderr")" -le 4 ] || { echo 'more than a few lines' && return 1; }
	! LC_ALL=C grep -q '[^[:print:][:space:]]' "$WORK/stderr"
}
helps() { # "GROUP NAME"
	run_words "$1" --help >"$WORK/stdout" && head -n 1 "$WORK/stdout" | grep -q "^usage: assay $1"
}

commands >"$WORK/commands"
check 'assay --help lists commands' test -s "$WORK/commands"
while read -r words; do
	check "$words --help" helps "$words"
	check "$words refuses an unknown option" complains_well 64 "$words" --no-such-option
done <"$WORK/commands"
check 'an unknown command is a usage error' complains_well 64 'no such'
check 'a slip gets a suggestion' grep -q 'did you mean' <("$ASSAY_BIN/assay" inspec ekcert 2>&1)
check_status 64 'no command at all is a usage error' "$ASSAY_BIN/assay"

# ---- commands on files: absent, empty, garbage ----
head -c 3000 /dev/urandom >"$WORK/garbage"
: >"$WORK/empty"
mkdir "$WORK/roots"
on_file() { # FILE: prints `GROUP NAME<TAB>ARGUMENTS` of those that read one file
	printf '%s\t%s\n' 'inspect eventlog' "$1" 'inspect evidence' "$1" \
		'inspect ekcert' "$1 --roots $WORK/roots" \
		'verify quote' "--ak $1 --message $1 --signature $1 --nonce 00"
}
try_files() { # STATUS FILE WHAT
	local words args
	while IFS=$'\t' read -r words args; do
		grep -qx "$words" "$WORK/commands" || continue
		# shellcheck disable=SC2086 # arguments
		check "$words $3" complains_well "$1" "$words" $args
	done < <(on_file "$2")
}
try_files 3 "$WORK/absent" 'cannot read a file that is not there'
try_files 2 "$WORK/empty" 'refuses an empty file'
try_files 2 "$WORK/garbage" 'refuses garbage'
try_files 3 "$WORK/roots" 'cannot read a folder'

# ---- commands to a verifier: none is there ----
export ASSAY_STATE=$WORK/nowhere
for words in 'device list' 'device show' 'token create' 'reference list' 'policy list'; do
	grep -qx "$words" "$WORK/commands" || continue
	case $words in
	'device show') args='x' ;;
	'token create') args='--class gateway --expires 24h' ;;
	*) args='' ;;
	esac
	# shellcheck disable=SC2086 # arguments
	check "$words says that no verifier is there" complains_well 3 "$words" $args
done

# ---- the daemon's own command line ----
verifier_status() { # STATUS NAME ARGUMENT...
	check_status "$1" "$2" "$ASSAY_BIN/assay-verifier" "${@:3}"
}
verifier_status 64 'assay-verifier without a command is a usage error'
verifier_status 64 'assay-verifier refuses an unknown command' walk
verifier_status 64 'init needs a state directory' init
verifier_status 64 'run needs a state directory' run
verifier_status 3 'run says that there is no verifier' run --state "$WORK/nowhere"
verifier_status 0 'assay-verifier --help' --help
verifier_status 0 'init makes a verifier' init --state "$WORK/v" --listen 127.0.0.1:0
verifier_status 3 'init replaces nothing' init --state "$WORK/v" --listen 127.0.0.1:0
verifier_status 64 'init refuses an address that run would not take' init --state "$WORK/w" --listen everywhere
check 'before it has made anything' test ! -e "$WORK/w"
verifier_status 0 'init --help is help' init --help
verifier_status 0 'run --help, too' run --help
init_misspelt() { ! "$ASSAY_BIN/assay-verifier" init --sate x 2>"$WORK/stderr" && equal "$(head -n 1 "$WORK/stderr")" 'assay-verifier: init: unknown option: --sate'; }
check 'what is misspelt is named' init_misspelt
check 'the state directory is its owner'"'"'s alone' equal "$(stat -c %a "$WORK/v" "$WORK/v/keys" "$WORK/v/tls" | sort -u)" 700
no_secret_is_readable() { test -s "$WORK/v/keys/ledger.key" && equal "$(find "$WORK/v" -type f -perm /077)" ''; }
check 'no file in it is readable by others' no_secret_is_readable
printf 'listen: "127.0.0.1:0"\nlisen: 3\n' >"$WORK/v/verifier.yaml"
refuses_config() {
	! "$ASSAY_BIN/assay-verifier" run --state "$WORK/v" 2>"$WORK/stderr" &&
		cat "$WORK/stderr" && grep -q "verifier.yaml:2:1: lisen: .*\`listen'" "$WORK/stderr"
}
check 'an unknown key is refused with its place and a suggestion' refuses_config
verifier_status 2 'with status 2' run --state "$WORK/v"

# ---- a configuration of what is not there: status 3, and it says what ----
cannot_run() { # STATUS TEXT LINE...
	local want=$1 text=$2 got=0
	shift 2
	printf '%s\n' "$@" >"$WORK/v/verifier.yaml"
	timeout -k 1 "$WAIT" "$ASSAY_BIN/assay-verifier" run --state "$WORK/v" >"$WORK/stderr" 2>&1 || got=$?
	cat "$WORK/stderr"
	equal "$got" "$want" && grep -qF -- "$text" "$WORK/stderr" && ! grep -q 'event=listening' "$WORK/stderr"
}
NOWHERE=203.0.113.77:7443 # TEST-NET-3
check 'an address of another machine is not listened at in silence' cannot_run 3 \
	"key=listen address=$NOWHERE" "listen: \"$NOWHERE\""
check "nor one of the operators' port" cannot_run 3 "key=console_listen address=$NOWHERE" \
	'listen: "127.0.0.1:0"' "console_listen: \"$NOWHERE\""
check 'a user that is not there' eval '[ "$(id -u)" != 0 ] || cannot_run 3 "user=no-such-user" "user: no-such-user"'
check 'a certificate that is not there' cannot_run 3 'path=/nowhere/cert.pem' 'certificate: /nowhere/cert.pem'
check 'a word that is none of those it may be' cannot_run 2 'verifier.yaml:1:14: ear_dialect: ' 'ear_dialect: yes'
export ASSAY_STATE=$WORK/v
echo 'listen: "127.0.0.1:0"' >"$WORK/v/verifier.yaml"
check 'a verifier runs' verifier_start
second() {
	local status=0
	timeout -k 1 "$WAIT" "$ASSAY_BIN/assay-verifier" run --state "$WORK/v" >"$WORK/stderr" 2>&1 || status=$?
	cat "$WORK/stderr"
	equal "$status" 3 && grep -q 'does a verifier run on this state directory' "$WORK/stderr"
}
check 'a second one on its state directory says so' second
check 'and leaves the first one alone' assay status
taken() { # its port, of another state directory
	"$ASSAY_BIN/assay-verifier" init --state "$WORK/u" --listen "127.0.0.1:$(cat "$WORK/v/run/port")" >/dev/null || return
	local got=0
	timeout -k 1 "$WAIT" "$ASSAY_BIN/assay-verifier" run --state "$WORK/u" >"$WORK/stderr" 2>&1 || got=$?
	cat "$WORK/stderr"
	equal "$got" 3 && grep -q 'event=cannot-listen key=listen .*in use' "$WORK/stderr"
}
check 'a port that is taken is named' taken
lib_end
