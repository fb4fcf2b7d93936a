#!/bin/bash
# What the agent itself refuses: I7 a verifier that is not verified, I15 a man in the
# middle at first contact and later, I17 a channel that is negotiated down. Each is
# refused for the right reason, and nothing was sent.
. tests/integration/lib.sh
. tests/support/agent.sh
lib_begin

check 'a TPM that booted, and a verifier with its key' agent_set_up
enrol_first() { fake known && run_agent device --once --token "$token"; }
check 'a device enrols' enrol_first
stop fake

cert=wrong fake
check_status 3 'I15: another key than the token names is refused' run_agent new --once --token "$token"
because 'not the one that the token names' 'I15: that was the reason'
check 'I15: and nothing was sent to it' unseen
check_status 3 'I15: also by a device that is enrolled' run_agent device --once
check 'I15: nor was anything sent then' unseen
stop fake
fake tls12 no-ems
check_status 3 'I17: TLS 1.2 without extended master secret is refused' run_agent device --once
because 'extended master secret' 'I17: that was the reason'
check 'I17: and nothing was sent' unseen
stop fake
fake known tls12
check_status 0 'TLS 1.2 with extended master secret is accepted' run_agent device --once
stop fake
fake unbound memory "$WORK/other.memory"
check_status 3 'I17: a challenge that does not bind the channel is denied' run_agent other --once --token "$token"
because 'error=denied' 'I17: that was the reason'
check 'I17: and no evidence was given' test "$(count fake '^proof')" = 0
check_status 0 'unless the agent is configured so' run_agent other --once --token "$token" --allow-unbound
stop fake
fake
check_status 3 'I7: a certificate of no known CA is refused' run_agent ca --once --ca "$WORK/wrong.pem"
because 'self.signed' 'I7: that was the reason'
check 'I7: and nothing was sent' unseen
check_status 0 'a certificate of the CA is accepted' run_agent ca --once --ca "$WORK/right.pem"
stop fake
cert=elsewhere fake
check_status 3 'I7: a host that the certificate does not name is refused' run_agent ca --once --ca "$WORK/elsewhere.pem"
because mismatch 'I7: that was the reason'
check 'I7: and nothing was sent' unseen
stop fake
fake
check 'without token or CA it does not start' fails_with 64 '--token or --ca' run_agent untrusted --once
check 'a token of another verifier does not change over' fails_with 2 'remove ' \
	run_agent device --once --token "t1.x.$(pin wrong)"
stop fake
lib_end
