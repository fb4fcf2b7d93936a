#!/bin/sh
# Makes the manual pages: the text beside this script, and for what the programs know of
# themselves their own --help, so that the pages say what the programs do.
#   usage: docs/man/make.sh FOLDER-OF-PROGRAMS VERSION DESTINATION
set -eu
bin=$1 version=$2 to=$3
here=$(dirname "$0")
mkdir -p "$to"

# Text as a literal block of troff.
literal() {
	echo .nf
	sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"
	echo .fi
}

# Every command with its own help, in the order of `assay --help`.
commands() {
	"$bin/assay" --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' | while read -r words; do
		echo ".SS assay $words"
		# shellcheck disable=SC2086 # one or two words
		"$bin/assay" $words --help </dev/null | literal
	done
}

options() { # PROGRAM
	"$bin/$1" --help </dev/null | literal
}

page() { # SOURCE TARGET
	while IFS= read -r line; do
		case $line in
		'@COMMANDS@') commands ;;
		'@OPTIONS '*) line=${line#@OPTIONS } && options "${line%@}" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$1" | sed "s/@VERSION@/$version/" >"$2"
}

for source in "$here"/*.[18].in; do
	page "$source" "$to/$(basename "$source" .in)"
done
