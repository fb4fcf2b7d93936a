#!/bin/bash
# Addresses that devices attest from: a gate opens for who attests, without registration;
# nobody takes another's address; what is not attested any more is let go.
# time-limit: 400
. tests/integration/lib.sh
lib_begin
. tests/support/gate.sh
gate_needs

MAC=02:00:5e:00:53:0
# Another address for a device, from which its agent starts again.
moves() { # NAME ADDRESS
	agent_stop "$1"
	net_ip "$1" addr flush dev e0 && net_ip "$1" addr add "$2/24" dev e0 &&
		net_ip "$1" route add default via "${2%.*}.1" && agent_again "$1"
}
changes_mac() { # NAME MAC
	agent_stop "$1"
	net_ip "$1" link set e0 down && net_ip "$1" link set e0 address "$2" && net_ip "$1" link set e0 up &&
		net_ip "$1" route replace default via "192.0.${1#d}.1" && in_ns gw ip neigh flush dev "dev${1#d}" && agent_again "$1"
}

# ---- nothing is registered ----------------------------------------------------------
check 'a network is made' net_routed
gate_verifier 'addresses: attested'
gate_config closed
check 'the gate starts' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'a policy' policy_use gateway 1
for d in d1 d2; do check "$d enrols" device_enrol $d gateway grub-good; done
check 'its boot is approved' device_approve_boot d1
for d in d1 d2; do
	check "$d is admitted" decides $d ADMIT
	check "... and attests from its address" wait_for "$WAIT" attests_from $d "[\"ip 192.0.${d#d}.7\",\"mac $MAC${d#d}\"]"
	check "$d reaches the server" wait_for "$WAIT" reaches $d $SRV
done

# ---- it moves ------------------------------------------------------------------------------
check 'd1 gets another address' moves d1 192.0.1.8
check 'it attests from that' wait_for "$WAIT" attests_from d1 "[\"ip 192.0.1.8\",\"mac ${MAC}1\"]"
check '... and reaches the server' wait_for "$WAIT" reaches d1 $SRV
is_audited() { assay audit list --json 2>/dev/null | grep -q 'attested: ip 192.0.1.8' || ledger "SELECT detail FROM audit" | grep -q 'attested: ip 192.0.1.8'; }
check 'that is in the audit log' is_audited

# ---- another's address -------------------------------------------------------------------------
check 'an operator registers an address of d1' assay device address d1 --add 'ip 192.0.2.9'
check_status 2 'an attested one is not registered for another' assay device address d1 --add 'ip 192.0.2.7'
check 'd2 takes the address of d1' moves d2 192.0.2.9
check 'd2 is quarantined for it' decides d2 QUARANTINE address.conflict
check 'd2 attests nothing' attests_from d2 '[]'
check 'd2 loses the server' wait_for "$WAIT" cannot_reach d2 $SRV
check 'd1 keeps what it has' equal "$(assay device show d1 --json | jq -c .addresses)" "[\"ip 192.0.1.8\",\"ip 192.0.2.9\",\"mac ${MAC}1\"]"
check 'd1 is admitted' is_decided d1 ADMIT
check 'd1 reaches the server' reaches d1 $SRV
check 'd2 gives it back' moves d2 192.0.2.7
check 'd2 is admitted' decides d2 ADMIT
check 'd2 reaches the server' wait_for "$WAIT" reaches d2 $SRV
check 'd2 takes the MAC address that d1 attests' changes_mac d2 "${MAC}1"
check 'd2 is quarantined for it' decides d2 QUARANTINE address.conflict
check 'd1 is admitted' is_decided d1 ADMIT
check 'd2 gives it back' changes_mac d2 "${MAC}2"
check 'd2 is admitted' decides d2 ADMIT
check 'd2 attests again' wait_for "$WAIT" attests_from d2 "[\"ip 192.0.2.7\",\"mac ${MAC}2\"]"

# ---- NAT ---------------------------------------------------------------------------------------------
nat() {
	in_ns gw nft -f - <<-E
		table ip nat {
			chain out {
				type nat hook postrouting priority srcnat;
				oifname up0 ip saddr 192.0.2.0/24 masquerade
			}
		}
	E
}
check 'd2 is behind NAT' nat
check '... and connects again' moves d2 192.0.2.7
check 'nothing is attested' wait_for "$WAIT" attests_from d2 '[]'
check 'that is no fault' is_decided d2 ADMIT
check 'd2 reaches no server' wait_for "$WAIT" cannot_reach d2 $SRV
check 'NAT ends' in_ns gw nft delete table ip nat
check 'd2 connects again' moves d2 192.0.2.7
check 'd2 attests again' wait_for "$WAIT" attests_from d2 "[\"ip 192.0.2.7\",\"mac ${MAC}2\"]"

# ---- the end of it ---------------------------------------------------------------------------------------
check 'd2 falls silent' agent_stop d2
check 'what it attested ends with its decision' wait_for "$WAIT" attests_from d2 '[]'
check 'd2 is back' agent_again d2
check 'd2 attests again' wait_for "$WAIT" attests_from d2 "[\"ip 192.0.2.7\",\"mac ${MAC}2\"]"
check 'd2 is retired' assay device retire d2 --reason test
check 'what it attested is free' attests_from d2 '[]'
check 'what is registered stays' equal "$(assay device show d1 --json | jq -c '.addresses - .attested_addresses')" '["ip 192.0.2.9"]'
registered_only() {
	verifier_stop && sed -i 's/^addresses: .*/addresses: registered/' "$ASSAY_STATE/verifier.yaml" && verifier_up
}
check 'the verifier is to know registered addresses alone' registered_only
check 'd1 attests nothing any more' wait_for "$WAIT" attests_from d1 '[]'
check 'd1 is admitted' decides d1 ADMIT
check 'd1 reaches no server' wait_for "$WAIT" cannot_reach d1 $SRV
check 'the gate stops' stop gate
check 'the verifier stops' verifier_stop
lib_end
