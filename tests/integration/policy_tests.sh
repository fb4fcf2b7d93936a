#!/bin/bash
# Every shipped policy has tests beside it; they pass, and each rule is seen to fail in one.
# What the command says of tests that fail, or are no tests. No verifier is asked.
# time-limit: 60
. tests/integration/lib.sh
lib_begin
assay=$ASSAY_BIN/assay

for file in policies/*.yaml; do
	case $file in *.test.yaml) continue ;; esac
	check "$file has tests, which pass and see each of its rules fail" "$assay" policy test "$file" --every-rule
done

P=$WORK/p.yaml
cat >"$P" <<'YAML'
policy: p
version: 1
applies_to: {class: c}
ask: {banks: [sha256], pcrs: [0-7], interval: 60s, patience: 3}
references: {pcrs: [0-7]}
rules:
  - {id: one, fact: boot.secure_boot, op: equals, value: true}
YAML
tests() { printf 'tests:\n%s\n' "$1" >"$WORK/p.test.yaml"; }
fails_with() { # STATUS TEXT
	local got=0
	"$assay" policy test "$P" >"$WORK/said" 2>&1 || got=$?
	[ "$got" = "$1" ] && grep -qF -- "$2" "$WORK/said" || { echo "status $got"; cat "$WORK/said"; return 1; }
}
tests '  - {name: good, given: {boot.secure_boot: true}, expect: admit, findings: []}'
check 'a test that passes' "$assay" policy test "$P"
check 'but not where every rule must be seen to fail' eval '! "$assay" policy test "$P" --every-rule'
tests '  - {name: bad, given: {boot.secure_boot: false}, expect: admit}'
check 'a wrong outcome is a failed test, with its line' fails_with 1 'p.test.yaml:2: expected ADMIT, is QUARANTINE'
tests '  - {name: bad, given: {boot.secure_boot: false}, expect: quarantine, findings: [policy.rule two]}'
check 'so is another finding' fails_with 1 'found: policy.rule one'
tests '  - {name: bad, given: {boot.secure_boot: false}, expect: quarantine, findings: []}'
check 'and a finding that was not expected' fails_with 1 'not ok - bad'
tests '  - {name: bad, given: {boot.secure_bot: false}, expect: admit}'
check 'an unknown fact is no test' fails_with 2 'p.test.yaml:2:42: unknown fact'
tests '  - {name: bad, given: {boot.secure_boot: perhaps}, expect: admit}'
check 'nor is a wrong value' fails_with 2 'not a value of this fact, which is true or false'
tests '  - {name: bad, boot: matched, expect: admit}'
check 'nor a wrong word, with a suggestion' fails_with 2 'did you mean "matches"?'
tests '  - {name: bad, device: {class: d}, expect: admit}'
check 'nor a device that the policy does not judge' fails_with 2 'the policy does not judge such a device'
tests '  - {name: bad, case: nowhere.case, expect: admit}'
check 'a case file that is not there' fails_with 1 'nowhere.case'
rm "$WORK/p.test.yaml"
check 'a policy without tests' fails_with 3 'p.test.yaml'
json() { tests '  - {name: good, given: {boot.secure_boot: true}, expect: admit}'; "$assay" policy test "$P" --json | jq -e '.tests == 1 and .failed == 0 and .results[0].ok and .untested == ["one"]' >/dev/null; }
check 'the same as JSON' json
lib_end
