#!/bin/bash
# /metrics as Prometheus scrapes it: the format, counts that count, and nobody without a token.
. tests/integration/lib.sh
lib_begin

ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm
printf '%064d' 7 >"$WORK/secret" && chmod 600 "$WORK/secret"
printf '%s\n' 'webhooks:' '  - name: siem' "    url: http://127.0.0.1:1/" "    secret_file: $WORK/secret" '    retry_max_s: 1' '    give_up_s: 2' >>"$ASSAY_STATE/verifier.yaml"
check 'it starts' verifier_start
scrape() { curl -s --unix-socket "$ASSAY_STATE/run/console.sock" -D "$WORK/head" http://localhost/metrics >"$WORK/metrics"; }
has() { scrape && grep -qE "$1" "$WORK/metrics" || { cat "$WORK/metrics" && return 1; }; }
check 'it answers' scrape
check '... as text of version 0.0.4' grep -qi '^content-type: text/plain; version=0.0.4' "$WORK/head"
well_formed() { # every sample has HELP and TYPE before it, and a number
	awk '/^# HELP / { help[$3] = 1; next }
	     /^# TYPE / { type[$3] = $4; next }
	     { name = $1; sub(/[{].*/, "", name); base = name; sub(/_(bucket|sum|count)$/, "", base)
	       if (!(name in help) && !(base in help && type[base] == "histogram")) { print "no HELP: " name; bad = 1 }
	       if ($NF !~ /^[0-9.e+-]+$/) { print "no number: " $0; bad = 1 } }
	     END { exit bad }' "$WORK/metrics"
}
check 'every sample is announced and a number' well_formed
promtool_check() { # NAME: Prometheus' own opinion
	if command -v promtool >/dev/null; then
		check "$1" promtool check metrics <"$WORK/metrics"
	else
		skip "$1" 'there is no promtool'
	fi
}
promtool_check 'promtool accepts what a new verifier says'
if command -v promtool >/dev/null; then
	check 'promtool accepts the alert rules' promtool check rules docs/metrics/alerts.yaml
	check 'each alert sounds when it should, and only then' promtool test rules tests/data/metrics/alerts_test.yaml
else
	skip 'promtool accepts the alert rules' 'there is no promtool'
	skip 'each alert sounds when it should, and only then' 'there is no promtool'
fi
every_alert() { # has a test
	local name
	for name in $(sed -n 's/.*- alert: //p' docs/metrics/alerts.yaml); do
		grep -q "alertname: $name\$" tests/data/metrics/alerts_test.yaml || { echo "$name" && return 1; }
	done
}
check 'every alert has its test' every_alert
check 'a policy' policy_use gateway 1
check 'a gateway enrols' device_enrol gateway gateway grub-good
check 'it is quarantined' decides gateway QUARANTINE
check 'that is counted by reason' has 'assay_decisions_total.outcome="quarantine",reason="[a-z.-]*". [1-9]'
check 'one device is quarantined' has '^assay_devices\{decision="quarantine"\} 1$'
check 'it is connected' has '^assay_devices_connected 1$'
check 'its boot is approved' device_approve_boot gateway
check 'it is admitted' decides gateway ADMIT
check 'one device is admitted' has '^assay_devices\{decision="admit"\} 1$'
check 'none is quarantined' has '^assay_devices\{decision="quarantine"\} 0$'
check 'verdicts have a time' has '^assay_appraisal_seconds_count [1-9]'
check 'commits have a time' has '^assay_commit_seconds_count [1-9]'
agent_stop gateway
check 'it is unreachable' wait_for "$WAIT" has '^assay_devices_unreachable 1$'
check 'and at last stale' wait_for 40 has '^assay_devices_stale 1$'
check 'what it says of all that' scrape
promtool_check 'promtool accepts what a verifier says that has judged'
check 'a webhook that fails is counted' has '^assay_outbound_retries_total\{to="siem"\} [1-9]'
check 'as is what was given up' wait_for "$WAIT" has '^assay_outbound_dead_letters\{to="siem"\} [1-9]'
check 'json rules of the dashboard' jq -e '.panels | length > 3' docs/metrics/grafana.json
named() { # every name of dashboard and alerts is one that is exported
	local n
	for n in $(grep -oh 'assay_[a-z_]*' docs/metrics/*.yaml docs/metrics/*.json docs/metrics.md | sort -u); do
		grep -q "^# HELP ${n%_bucket} " "$WORK/metrics" || { echo "$n" && return 1; }
	done
}
check 'dashboard, alerts and document name what there is' named
verifier_stop
check 'it starts again' verifier_start
check 'and knows of the stale one' has '^assay_devices_stale 1$'
check 'it is retired' assay device retire gateway --reason gone
gone() { has '^assay_devices\{decision="quarantine"\} 0$' && has '^assay_devices_unreachable 0$' && has '^assay_devices_stale 0$'; }
check 'and missed no more' gone
verifier_stop
check 'it starts once more' verifier_start
check 'nor after that' gone
verifier_stop
lib_end
