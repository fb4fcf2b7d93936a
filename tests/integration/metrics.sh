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
# ---- TLS certificates that end -----------------------------------------------------------
ends() { # PEM: in seconds since the epoch
	date -d "$(openssl x509 -in "$1" -noout -enddate | cut -d= -f2)" +%s
}
certificate_of() { has "^assay_tls_certificate_expiry_timestamp_seconds\{listener=\"$1\"\} $(ends "$ASSAY_STATE/tls/$2")\$"; }
check 'the end of the devices certificate is told' certificate_of devices cert.pem
check 'without a port for operators nothing of its' eval '! has "listener=.console"'
says() { assay status >"$WORK/1" && grep -qE "$1" "$WORK/1" || { cat "$WORK/1" && return 1; }; }
check 'the status tells it too' says '^ +devices certificate +until 20.* UTC \(in '
check '... without a warning' eval '! grep -q "TLS certificate of" "$WORK/1"'
verifier_stop
certificate() { # DAYS NAME: of the key that there is
	local c=$WORK/ca-tls
	mkdir -p "$c" && : >"$c/index" && echo 01 >"$c/serial" || return 1
	printf '%s\n' '[ca]' 'default_ca=c' '[c]' "database=$c/index" "serial=$c/serial" "new_certs_dir=$c" \
		'default_md=sha256' 'policy=p' '[p]' 'commonName=supplied' '[req]' 'distinguished_name=d' '[d]' '[x]' 'subjectAltName=IP:127.0.0.1' >"$c/conf"
	openssl req -new -config "$c/conf" -key "$ASSAY_STATE/tls/${2}key.pem" -subj /CN=verifier -out "$c/req" &&
		openssl ca -config "$c/conf" -extensions x -selfsign -batch -notext -keyfile "$ASSAY_STATE/tls/${2}key.pem" -in "$c/req" -startdate 20200101000000Z \
			-enddate "$(date -u -d "$1 days" +%Y%m%d%H%M%SZ)" -out "$ASSAY_STATE/tls/${2}cert.pem"
}
printf 'console_listen: "127.0.0.1:0"\n' >>"$ASSAY_STATE/verifier.yaml"
check 'a certificate for twelve days' certificate 12 console-
check 'one that has ended' certificate -3 ''
check 'it starts with these' verifier_start
check 'the one is told' certificate_of console console-cert.pem
check 'so is the other' certificate_of devices cert.pem
check 'the status warns of the one' says 'console listener expires soon'
check '... and tells that the other has expired' says 'devices listener has expired'
check 'a device that pins the key alone is served all the same' device_enrol pinned gateway grub-good
check 'it ends' agent_stop pinned
refused() { # by one that wants a valid certificate, too: it is told why
	local code=0
	timeout 20 "$ASSAY_BIN/assay-attester" --verifier "$(verifier_url)" --state "$WORK/pinned/agent" --tcti "$(tpm_tcti pinned)" \
		--boot-log "$WORK/pinned/boot.log" --ca "$ASSAY_STATE/tls/cert.pem" --once 2>"$WORK/refused" || code=$?
	[ $code = 3 ] && grep -qi 'expired' "$WORK/refused" || { cat "$WORK/refused" && return 1; }
}
check 'one that wants a valid certificate besides is not' refused
listeners() { equal "$(assay status --json | jq -c '[.certificates[] | [.listener, .expires]]')" "[[\"devices\",$(ends "$ASSAY_STATE/tls/cert.pem")],[\"console\",$(ends "$ASSAY_STATE/tls/console-cert.pem")]]"; }
check '... as JSON too' listeners
check 'what is served counts, not what was put there since' certificate 400 console-
check '... the metric' eval '! certificate_of console console-cert.pem'
check '... and the warning' says 'console listener expires soon'
verifier_stop
check 'it starts with the new one' verifier_start
check 'of which nobody is warned' eval 'assay status >"$WORK/1" && ! grep -q "console listener" "$WORK/1"'
scrape
promtool_check 'promtool accepts what it says of certificates'
verifier_stop
lib_end
