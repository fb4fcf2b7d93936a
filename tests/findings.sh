#!/bin/sh
# Prints docs/findings.md from the lists in the code; lint compares the two.
#   usage: tests/findings.sh > docs/findings.md
set -eu
cd "$(dirname "$0")/.."

cat <<'TEXT'
# Findings

What a verdict may name: the word that programs see, what it means, and what to do.
Each finding also carries the value seen, the value expected, the rule, and where it
stands in the evidence (PCR, event). This file is made by `tests/findings.sh` from the
list in [verdict.h](../verifier/appraise/verdict.h); `make lint` compares them.

| finding | meaning | what to do |
|---|---|---|
TEXT
# X(CODE, "word", "text", "fix"), over one to three lines.
perl -0777 -ne '
	my ($list) = /#define FINDINGS\(X\)(.*?)\n\n/s or die "no list of findings\n";
	$list =~ s/\\\n\s*//g;
	my $s = qr/"((?:[^"\\]|\\.)*)"/;
	while ($list =~ /X\(\w+,\s*$s,\s*$s,\s*$s\)/g) {
		next if $1 eq "none";
		my @cells = ("`$1`", $2, $3);
		s/\|/\\|/g for @cells;
		print "| ", join(" | ", @cells), " |\n";
	}' verifier/appraise/verdict.h
