#!/bin/bash
# A gate on a bridge with real frames: devices, server and verifier are on one segment. Who is
# not admitted finds and reaches the verifier, and nobody else; nobody passes for another in
# ARP or neighbour discovery; nothing but untagged IP and ARP passes; nobody gets in because
# something died.
# time-limit: 600
. tests/integration/lib.sh
lib_begin
. tests/support/gate.sh
gate_needs

SRV6=2001:db8::2 VERIFIER6=2001:db8::10
ALWAYS="\"$VERIFIER6 udp 7\""
M1=02005e005301 M2=02005e005302 MS=02005e0053aa ALL=ffffffffffff
P=$ASSAY_BIN/tests/tools/packets
asks() { in_ns "$1" "$P" ask "$2" 7; } # NS ADDRESS: UDP, the answer came
asks_in_vain() { ! asks "$@"; }
never_asks() { # NS ADDRESS SECONDS
	local end=$((SECONDS + $3))
	while [ $SECONDS -lt $end ]; do ! asks "$1" "$2" || return 1; done
}

# ---- frames ------------------------------------------------------------------------------
ip4() { local IFS=.; set -- $1; printf '%02x%02x%02x%02x' "$@"; }
ip6() { printf '20010db8000000000000000000%06s' "${1#2001:db8::}" | tr ' ' 0; } # of this segment
arp() { echo "$6${5}0806000108000604000$1$2$(ip4 "$3")000000000000$(ip4 "$4")"; } # OP SHA SPA TPA ETHER-FROM ETHER-TO
advert() { # ETHER-FROM FROM TO TARGET MAC
	echo "$MS${1}86dd6000000000203aff$(ip6 "$2")$(ip6 "$3")8800000060000000$(ip6 "$4")0201$5"
}
router_advert() { # ETHER-FROM
	echo "333300000001${1}86dd6000000000103afffe800000000000000000000000000101ff02000000000000000000000000000186000000400007080000000000c0ffee"
}
# A UDP packet to the server: FROM PAYLOAD (4 bytes), with the header's checksum.
udp() {
	local head sum=0 i
	head=450000200000400040110000$(ip4 "$1")$(ip4 $SRV)
	for ((i = 0; i < 40; i += 4)); do sum=$((sum + 16#${head:i:4})); done
	while [ $((sum >> 16)) != 0 ]; do sum=$(((sum & 0xffff) + (sum >> 16))); done
	echo "${head:0:20}$(printf %04x $((sum ^ 0xffff)))${head:24}c000c001000c0000$2"
}
# Whether what one sends is heard by another: FROM TO FRAME [BYTES-OF-IT]
passes() {
	local pid
	in_ns "$2" "$P" hear e0 "${4:-$3}" 1 &
	pid=$!
	sleep 0.3
	in_ns "$1" "$P" raw e0 "$3" || return 2
	wait $pid
}
is_dropped() {
	local got=0
	passes "$@" || got=$?
	[ $got = 1 ]
}
# 802.1Q with VLAN 10; twice (802.1ad); another ethertype
tagged() { echo "$MS${M1}8100000a0800$(udp 198.51.100.101 "$1")"; }
twice_tagged() { echo "$MS${M1}88a8000a8100000b0800$(udp 198.51.100.101 "$1")"; }
priority_tagged() { echo "$MS${M1}810000000800$(udp 198.51.100.101 "$1")"; }
frame() { echo "$MS${1}0800$(udp "$2" "$3")"; } # ETHER-FROM FROM PAYLOAD
other_type() { echo "$MS${M1}88b5$1$1$1$1$1$1$1$1$1$1$1$1"; }

# ---- closed before anything --------------------------------------------------------------
check 'a network is made' net_bridged
check 'without rules all pass' reaches d1 $SRV
check '... as anybody' passes d1 srv "$(frame $M2 198.51.100.102 c0ffee00)" c0ffee00
check '... tagged frames too' passes d1 srv "$(tagged c0ffee01)" c0ffee01
check '... twice tagged ones' passes d1 srv "$(twice_tagged c0ffee02)" c0ffee02
check '... and other types' passes d1 srv "$(other_type c0ffee03)" c0ffee03
for a in $SRV $SRV6 $VERIFIER6; do start "echo-$a" nsenter "$(net_of srv)" "$P" echo "$a" 7; done
check 'IPv6 passes' wait_for "$WAIT" asks d1 $SRV6
gate_verifier
gate_config closed 'mode: bridge' "restricted: [\"$SRV tcp 7002\", \"$SRV6 udp 7\"]"
check 'before the ports come up all is closed' gate_close
check '... for everybody' cannot_reach d1 $SRV
check '... also IPv6' asks_in_vain d1 $SRV6
check '... and between devices' cannot_reach d1 198.51.100.102
forget_neighbours() { for n in srv d1 d2; do net_ip $n neigh flush all; done; }
check 'nobody knows anybody' forget_neighbours
check 'an unknown device finds the verifier' reaches_verifier d1
check '... by IPv6 too' asks d1 $VERIFIER6
check '... and nobody else' cannot_reach d1 $SRV
check 'the gate starts' gate_up
check 'it hears the verifier' wait_for "$WAIT" gate_hears
check 'a tagged frame is dropped' is_dropped d1 srv "$(tagged c0ffee04)" c0ffee04
check 'so is one with the tag of no VLAN' is_dropped d1 srv "$(priority_tagged c0ffee09)" c0ffee09
check 'so is a twice tagged one' is_dropped d1 srv "$(twice_tagged c0ffee05)" c0ffee05
check 'so is another type' is_dropped d1 srv "$(other_type c0ffee06)" c0ffee06
check 'a tagged frame to a device too' is_dropped srv d1 "${M1}${MS}8100000a0800$(udp $VERIFIER c0ffee07)" c0ffee07
check 'an unknown device cannot be the verifier' is_dropped d1 srv "$(arp 2 $M1 $VERIFIER $SRV $M1 $MS)"
check '... to another device neither' is_dropped d1 d2 "$(arp 2 $M1 $VERIFIER 198.51.100.102 $M1 $M2)"
check '... nor by IPv6' is_dropped d1 srv "$(advert $M1 $VERIFIER6 2001:db8::2 $VERIFIER6 $M1)"
check 'it may ask for the verifier' passes d1 srv "$(arp 1 $M1 198.51.100.101 $VERIFIER $M1 $ALL)"
check '... and not for the server' is_dropped d1 srv "$(arp 1 $M1 198.51.100.101 $SRV $M1 $ALL)"

# ---- admitted --------------------------------------------------------------------------------
check 'a policy' policy_use gateway 1
for d in d1 d2; do
	check "$d enrols through the gate" device_enrol $d gateway grub-good
	for a in "mac 02:00:5e:00:53:0${d#d}" "ip 198.51.100.10${d#d}" "ip 2001:db8::10${d#d}"; do
		check "$d has $a" assay device address $d --add "$a"
	done
done
check 'its boot is approved' device_approve_boot d1
for d in d1 d2; do check "$d is admitted" decides $d ADMIT; done
for d in d1 d2; do
	check "$d reaches the server" wait_for "$WAIT" reaches $d $SRV
	check "... by IPv6 too" wait_for "$WAIT" asks $d $SRV6
done
check 'both admitted, d1 reaches d2' wait_for "$WAIT" reaches d1 198.51.100.102

# ---- restricted ------------------------------------------------------------------------------
check 'd2 is under maintenance' assay device maintain d2 --for 1h --reason test
check 'd2 is restricted' decides d2 RESTRICT
check 'd2 loses the server' wait_for 3 cannot_reach d2 $SRV
check 'nobody knows anybody' forget_neighbours
check '... but finds what is for restricted devices' reaches d2 $SRV 7002
check '... by IPv6 too' asks d2 $SRV6
check '... and not the server itself' cannot_reach d2 $SRV
check '... nor d1' cannot_reach d2 198.51.100.101
check '... and the verifier' reaches_verifier d2
check 'nor may it pass for the server' is_dropped d2 d1 "$(arp 2 $M2 $SRV 198.51.100.101 $M2 $M1)"
check 'maintenance ends' assay device release d2 --reason test
check 'd2 is admitted again' decides d2 ADMIT
check 'd2 reaches the server again' wait_for "$WAIT" reaches d2 $SRV
check '... and d1' wait_for "$WAIT" reaches d2 198.51.100.101

# ---- nobody passes for another -----------------------------------------------------------------
A1=198.51.100.101 A2=198.51.100.102
check 'd1 may say who it is' passes d1 srv "$(arp 2 $M1 $A1 $SRV $M1 $MS)"
check 'd1 is not d2 in ARP' is_dropped d1 srv "$(arp 2 $M1 $A2 $SRV $M1 $MS)"
check '... with its MAC address neither' is_dropped d1 srv "$(arp 2 $M2 $A1 $SRV $M1 $MS)"
check '... nor the server' is_dropped d1 d2 "$(arp 2 $M1 $VERIFIER $A2 $M1 $M2)"
check 'd1 may advertise its address' passes d1 srv "$(advert $M1 2001:db8::101 2001:db8::2 2001:db8::101 $M1)"
check 'd1 does not advertise that of d2' is_dropped d1 srv "$(advert $M1 2001:db8::101 2001:db8::2 2001:db8::102 $M1)"
check '... nor as d2' is_dropped d1 srv "$(advert $M1 2001:db8::102 2001:db8::2 2001:db8::102 $M1)"
check '... nor that of the verifier' is_dropped d1 srv "$(advert $M1 2001:db8::101 2001:db8::2 $VERIFIER6 $M1)"
check 'd1 is no router' is_dropped d1 srv "$(router_advert $M1)"
check 'a router elsewhere is' passes srv d1 "$(router_advert $MS)"
check 'a packet of d1 passes' passes d1 srv "$(frame $M1 $A1 c0ffee10)" c0ffee10
check 'd2 with the address of d1 does not' is_dropped d2 srv "$(frame $M2 $A1 c0ffee11)" c0ffee11
check 'an address of nobody does not' is_dropped d1 srv "$(frame $M1 198.51.100.77 c0ffee12)" c0ffee12

# ---- quarantined ------------------------------------------------------------------------------------
# where a kernel tracks bridged connections, those of who is out end
tracks() { in_ns gw sh -c 'echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables' 2>/dev/null && in_ns gw nft 'add table inet track; add chain inet track c { type filter hook prerouting priority 0; }; add rule inet track c ct state new counter' 2>/dev/null; }
tracked() { in_ns gw grep -q "src=$1 dst=$SRV " /proc/net/nf_conntrack; }
if tracks && asks d2 $SRV && tracked $A2; then tracking=yes; else tracking=''; fi
check 'd2 is held' assay device hold d2 --reason test
# by the gate's doing: the decision before would have let it through for 6 s and more
check 'd2 loses the server' wait_for 3 cannot_reach d2 $SRV
check '... by IPv6 too' asks_in_vain d2 $SRV6
check '... and d1' cannot_reach d2 $A1
check 'd1 does not reach it either' cannot_reach d1 $A2
check 'nobody knows anybody' forget_neighbours
check 'd2 keeps the verifier' reaches_verifier d2
check '... by IPv6 too' asks d2 $VERIFIER6
verifier_finds() { in_ns srv "$P" ask $A2 9 $VERIFIER; net_ip srv neigh show $A2 | grep -q 02:00:5e; }
check 'the verifier finds d2' verifier_finds
check 'd2 is not d1 in ARP' is_dropped d2 srv "$(arp 2 $M2 $A1 $SRV $M2 $MS)"
check '... with its MAC address neither' is_dropped d2 srv "$(arp 1 $M2 $A1 $VERIFIER $M2 $ALL)"
check 'd2 does not ask for the server' is_dropped d2 srv "$(arp 1 $M2 $A2 $SRV $M2 $ALL)"
check 'd2 does not advertise the address of d1' is_dropped d2 srv "$(advert $M2 2001:db8::102 $VERIFIER6 2001:db8::101 $M2)"
if [ -n "$tracking" ]; then
	check 'its connections are not tracked any more' eval "! tracked $A2"
	in_ns gw nft delete table inet track
else
	skip 'connections that are tracked end' 'this kernel tracks no bridged ones'
fi
check 'd1 boots another command line' device_boot d1 grub-cmdline
check 'd1 is quarantined' decides d1 QUARANTINE
check 'd1 loses the server' wait_for 3 cannot_reach d1 $SRV
check '... and what is for restricted devices' wait_for 3 cannot_reach d1 $SRV 7002
check 'd1 is repaired' device_boot d1 grub-good
check 'd1 is admitted again' decides d1 ADMIT
check 'd1 gets the server back' wait_for "$WAIT" reaches d1 $SRV

# ---- drift, restart -------------------------------------------------------------------------------------
nft_gw() { in_ns gw nft "$@"; }
opened_by_hand() { nft_gw "add element bridge assay_gate admitted_from4 { \"dev2\" . 02:00:5e:00:53:02 . $A2 timeout 1h }; add element bridge assay_gate admitted_to4 { \"dev2\" . $A2 timeout 1h }"; }
check 'somebody opens the way for d2 by hand' opened_by_hand
check 'the gate closes it within 5 s' wait_for 5 cannot_reach d2 $SRV
is_known() { nft_gw list set bridge assay_gate known_all4 | grep -q $A1; }
check 'somebody makes d1 forgotten' nft_gw "delete element bridge assay_gate known_all4 { $A1 }"
check 'the gate repairs it within 5 s' wait_for 5 is_known
check 'somebody deletes the table' nft_gw delete table bridge assay_gate
check 'it is back within 5 s' wait_for 5 cannot_reach d2 $SRV
check '... also for who is admitted' wait_for "$WAIT" reaches d1 $SRV
restarts_unnoticed() {
	local lost
	rm -f "$WORK/gate.log"
	in_ns d1 "$P" stream $SRV 7 200 15 >"$WORK/lost" &
	lost=$!
	sleep 0.3
	stop gate KILL
	sleep 0.3
	gate_up && wait_for "$WAIT" gate_hears || return
	wait $lost && gate_told adopted && equal "$(cat "$WORK/lost")" 0
}
check 'the gate is killed and restarted: d1 loses nothing of 200 packets' restarts_unnoticed

# ---- death ----------------------------------------------------------------------------------------------------
out() { never_reaches d2 $SRV 2 && never_asks d2 $SRV6 2; } # d2, held
check 'the gate is killed' stop gate KILL
check 'nothing opens for d2' out
check 'd1 is closed when its decision ends' wait_for 40 cannot_reach d1 $SRV
check '... by IPv6 too' asks_in_vain d1 $SRV6
check 'd1 still finds the verifier' eval 'forget_neighbours; reaches_verifier d1'
check 'the gate starts again' gate_up
check 'd1 is back' wait_for "$WAIT" reaches d1 $SRV
check 'the verifier is killed' stop verifier KILL
check 'd1 is closed when its decision ends' wait_for 40 cannot_reach d1 $SRV
check 'nothing opens for d2' out
check 'the gate is killed too' stop gate KILL
check 'nothing opens for anybody' out
check '... nor for d1' cannot_reach d1 $SRV
check 'the verifier starts again' verifier_up
gate_config open 'mode: bridge'
check 'and the gate, to fail open' gate_up
check 'd1 is back' wait_for 30 reaches d1 $SRV
check 'the verifier is killed' stop verifier KILL
check 'd1 stays in beyond its decision' holds_for 12 d1 $SRV
check 'd2, held, does not' out
check 'the gate is killed' stop gate KILL
check 'nothing opens for d2' out
check 'a dead gate holds nobody' wait_for 40 cannot_reach d1 $SRV
check 'the verifier starts again' verifier_up

# ---- each at its port -----------------------------------------------------------------------------------------
gate_config closed 'mode: bridge' 'places: [dev1 d1, dev2 d2]'
check 'devices have ports of their own' gate_up
check 'd1 is back' wait_for 30 reaches d1 $SRV
check 'd2 with address and MAC address of d1 is nobody' is_dropped d2 srv "$(frame $M1 $A1 c0ffee20)" c0ffee20
check '... in ARP too' is_dropped d2 srv "$(arp 1 $M1 $A1 $VERIFIER $M1 $ALL)"
at_dev1() { in_ns gw bridge fdb show br br0 | grep '02:00:5e:00:53:01' | grep -v permanent | grep -q 'dev dev1'; }
check 'the bridge learned nothing of it' at_dev1
check 'd1 is not disturbed' reaches d1 $SRV
check 'the gate stops' stop gate

# ---- a gate.yaml that is wrong, at boot ----------------------------------------------------------------------------
check 'the bridge boots: no rules are there' in_ns gw nft delete table bridge assay_gate
check 'which is open' reaches d2 $SRV
gate_config closed 'mode: bridge' 'no_such_key: 1'
check_status 2 'gate.yaml is wrong' gate_close
check 'nothing is forwarded' out
gate_config closed 'mode: bridge'
check 'it is corrected' gate_close
check 'the verifier is reached again' reaches_verifier d2
check 'the server is not' out
check 'the verifier stops' verifier_stop
lib_end
