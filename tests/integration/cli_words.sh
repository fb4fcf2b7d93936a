#!/bin/bash
# `assay` without a command, with a wrong one, and what every command promises: help
# on stdout with status 0, and status 64 with one suggestion or a usage line otherwise.
#
#   usage: [ASSAY_BIN=DIR] tests/integration/cli_words.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
export ASSAY_BIN=${ASSAY_BIN:-build/release}
# shellcheck source=tests/integration/lib.sh disable=SC1091
. tests/integration/lib.sh
lib_begin
assay=$ASSAY_BIN/assay

says() { # STATUS STREAM TEXT ARGUMENT...
	local want=$1 stream=$2 text=$3 got=0
	shift 3
	"$assay" "$@" >"$WORK/1" 2>"$WORK/2" || got=$?
	cat "$WORK/1" "$WORK/2"
	[ "$got" = "$want" ] && grep -qF -- "$text" "$WORK/$stream"
}

check "no command at all is a usage error" says 64 2 'usage: assay GROUP NAME'
check "--help lists the commands" says 0 1 'verify quote' --help
check "--version tells the version" says 0 1 'assay ' --version
check "a group alone lists its commands" says 64 2 'verify quote' verify
check "a group's --help lists its commands" says 0 1 'verify quote' verify --help
check "a slip in a name gets a suggestion" says 64 2 "did you mean \`verify quote'" verify qoute
check "a slip in a group gets a suggestion" says 64 2 "did you mean \`verify quote'" verfy quote
check "a forgotten group gets a suggestion" says 64 2 "did you mean \`verify quote'" quote
check "what resembles nothing gets a pointer to --help" says 64 2 'assay --help' florp
check "an overlong word is cut, not echoed" says 64 2 'assay --help' "$(printf '%09999d' 0)"

check "where the verifier is may stand first" says 3 2 '/nowhere/run/console.sock' --state /nowhere device list
check "so it may with a socket" says 3 2 '/nowhere/sock: no verifier' --socket /nowhere/sock status --json
check "and with what the command takes" says 64 2 'DEVICE is missing' --state /nowhere device show
check "a slip behind it gets its suggestion" says 64 2 "did you mean \`device list'" --state /nowhere device lst
check "help behind it is help" says 0 1 'usage: assay GROUP NAME' --state /nowhere --help
check "it alone is no command" says 64 2 'usage: assay GROUP NAME' --state /nowhere
check "--help tells how a verifier is found" says 0 1 '--state DIR' --help
"$assay" --help | sed -n 's/^  \([a-z]* [a-z-]*\)  .*/\1/p' >"$WORK/commands"
while read -r group name; do
	check "$group $name --help tells its usage" says 0 1 "usage: assay $group $name" \
		"$group" "$name" --help
	check "$group $name refuses an option it does not have" says 64 2 "assay $group $name" \
		"$group" "$name" --no-such-option
done <"$WORK/commands"
# Every `assay GROUP NAME` of the documents is a command, and has the options that stand behind it.
mkdir "$WORK/help"
"$assay" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' | while read -r group name; do
	"$assay" "$group" ${name:+"$name"} --help >"$WORK/help/$group${name:+ $name}"
done
told() { # FILE...: what they tell and there is not
	perl -e '
	my $help = shift; my (%help, %group);
	for my $f (glob "\Q$help\E/*") {
		local $/; open my $h, "<", $f or die; $f =~ s{.*/}{}; $help{$f} = <$h>; $group{(split / /, $f)[0]} = 1;
	}
	my %common = map { $_ => 1 } qw(--state --socket --server --token-file --certificate --key --ca --profile --json);
	for my $f (@ARGV) {
		local $/; open my $h, "<", $f or die; my $t = <$h>;
		while ($t =~ m{(?<![\w./-])assay ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?((?:[^`\n|]|\\\n)*)}g) {
			my ($group, $name, $rest) = ($1, $2 // "", $3);
			my $line = 1 + (substr($t, 0, $-[0]) =~ tr/\n//);
			next if !$group{$group} || ($name eq "" && !exists $help{$group});
			my $c = exists $help{"$group $name"} ? "$group $name" : $group;
			print "$f:$line: assay $group $name\n" and next if !exists $help{$c};
			$common{$_} || $help{$c} =~ /\Q$_\E\b/ || print "$f:$line: assay $c $_\n" for $rest =~ /--[a-z][a-z0-9-]+/g;
		}
	}' "$WORK/help" "$@"
}
check 'commands and options of the documents are there' equal "$(told README.md docs/*.md)" ''
printf 'assay device lst\n`assay device list --jsn`\nassay device list --json\n' >"$WORK/wrong.md"
check 'and others would be found' equal "$(told "$WORK/wrong.md" | wc -l)" 2
check "there are commands" [ -s "$WORK/commands" ]
lib_end
