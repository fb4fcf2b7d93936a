# shellcheck shell=bash
# gate.sh: what the gates' tests share: network namespaces of their own, the verifier in
# one of them, a gate in another, agents in the devices'. Sourced after lib.sh.

# Ends the test, well, where it cannot be done.
gate_needs() {
	if [ "$(id -u)" != 0 ] || ! net_make probe; then
		skip 'a gate with real packets' 'needs root and network namespaces'
		exit 0
	fi
	stop net-probe
}
in_ns() { nsenter "$(net_of "$1")" "${@:2}"; } # NS COMMAND...
packets() { "$ASSAY_BIN/tests/tools/packets" "$@"; }

# ---- a router, two devices, a server -------------------------------------------
SRV=198.51.100.2 VERIFIER=198.51.100.10
net_routed() {
	local n i
	for n in srv gw d1 d2; do net_make "$n" || return; done
	net_ip gw link add up0 type veth peer name e0 netns "$(net_pid srv)" || return
	net_ip gw addr add 198.51.100.1/24 dev up0 && net_ip gw link set up0 up
	net_ip srv addr add $SRV/24 dev e0 && net_ip srv addr add $VERIFIER/24 dev e0
	net_ip srv link set e0 up && net_ip srv route add default via 198.51.100.1
	for i in 1 2; do
		net_ip gw link add "dev$i" type veth peer name e0 netns "$(net_pid "d$i")" &&
			net_ip gw addr add "192.0.$i.1/24" dev "dev$i" && net_ip gw link set "dev$i" up &&
			net_ip "d$i" link set e0 address "02:00:5e:00:53:0$i" &&
			net_ip "d$i" addr add "192.0.$i.7/24" dev e0 && net_ip "d$i" link set e0 up &&
			net_ip "d$i" route add default via "192.0.$i.1" || return
	done
	in_ns gw sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward"
}

# A bridge with ports up0, dev1 and dev2: server, verifier and devices are on one segment.
net_bridged() {
	local n i=0
	for n in srv gw d1 d2; do net_make "$n" || return; done
	net_ip gw link add br0 type bridge && net_ip gw addr add 198.51.100.1/24 dev br0 && net_ip gw link set br0 up || return
	for n in up0:srv:aa dev1:d1:01 dev2:d2:02; do
		IFS=: read -r port ns mac <<<"$n"
		net_ip gw link add "$port" type veth peer name e0 netns "$(net_pid "$ns")" &&
			net_ip gw link set "$port" master br0 up && net_ip "$ns" link set e0 address "02:00:5e:00:53:$mac" &&
			in_ns "$ns" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/e0/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/e0/router_solicitations' &&
			net_ip "$ns" link set e0 up || return
	done
	for i in 2 10; do net_ip srv addr add 198.51.100.$i/24 dev e0 && net_ip srv addr add 2001:db8::$i/64 dev e0 nodad || return; done
	for i in 1 2; do net_ip d$i addr add 198.51.100.10$i/24 dev e0 && net_ip d$i addr add 2001:db8::10$i/64 dev e0 nodad || return; done
}

# ---- who reaches whom ---------------------------------------------------------
# A closed port answers at once, that it is one; a dropped packet is never answered.
reaches() { # NS ADDRESS [PORT]
	local said
	said=$(in_ns "$1" timeout 0.7 bash -c "exec 3<>/dev/tcp/$2/${3:-9}" 2>&1) || [[ $said == *'Connection refused'* ]]
}
cannot_reach() { ! reaches "$@"; }
never_reaches() { # NS ADDRESS SECONDS
	local end=$((SECONDS + $3))
	while [ $SECONDS -lt $end ]; do
		! reaches "$1" "$2" || return 1
	done
}
# Not one packet is lost: a machine that stands still for a moment loses none.
answers_begin() { # ADDRESS, in namespace srv
	start echo nsenter "$(net_of srv)" "$ASSAY_BIN/tests/tools/packets" echo "$1" 7
	wait_for "$WAIT" in_ns d1 "$ASSAY_BIN/tests/tools/packets" ask "$1" 7
}
holds_for() { # SECONDS NS ADDRESS
	equal "$(in_ns "$2" "$ASSAY_BIN/tests/tools/packets" stream "$3" 7 $(($1 * 40)) 25)" 0
}
reaches_verifier() { in_ns "$1" timeout 2 bash -c "exec 3<>/dev/tcp/$VERIFIER/$PORT"; } # NS

# ---- the verifier, at $VERIFIER in namespace srv --------------------------------
gate_verifier() { # [LINE...]: of its configuration
	ca_configure
	check 'a TPM is manufactured' tpm_make spare
	ca_roots "$WORK/roots"
	export ASSAY_STATE=$WORK/verifier
	check 'init makes a verifier' "$ASSAY_BIN/assay-verifier" init --state "$ASSAY_STATE" --listen "$VERIFIER:0" \
		--roots "$WORK/roots" --accept-virtual-tpm
	[ $# = 0 ] || printf '%s\n' "$@" >>"$ASSAY_STATE/verifier.yaml"
	check 'the verifier starts' verifier_up
	PORT=$(cat "$ASSAY_STATE/run/port")
	sed -i "s/^listen:.*/listen: \"$VERIFIER:$PORT\"/" "$ASSAY_STATE/verifier.yaml"
	check 'a token for the gate' bash -c "'$ASSAY_BIN/assay' operator add gate-1 --role relying-party >'$WORK/gate.token'"
	PIN=$(assay token create --class gateway 2>/dev/null | sed 's/.*\.//')
	ROOT=$(assay key list --json | jq -r .root)
}
verifier_up() {
	rm -f "$ASSAY_STATE/run/port"
	start verifier nsenter "$(net_of srv)" "$ASSAY_BIN/assay-verifier" run --state "$ASSAY_STATE"
	wait_for "$WAIT" test -s "$ASSAY_STATE/run/port" -a -S "$ASSAY_STATE/run/console.sock"
}

# ---- the gate, in namespace gw ----------------------------------------------------
gate_config() { # FAIL [LINE...]
	cat >"$WORK/gate.yaml" <<-E
		server: wss://$VERIFIER:$PORT
		token_file: $WORK/gate.token
		tls_pin: $PIN
		root: $ROOT
		state: $WORK/gate.number
		status: $WORK/gate.status
		fail: $1
		interfaces: [dev1, dev2]
		always: ["$VERIFIER tcp $PORT"${ALWAYS:+, $ALWAYS}]
	E
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >>"$WORK/gate.yaml"
}
gate_up() {
	rm -f "$WORK/gate.status" # the one before told it
	start gate nsenter "$(net_of gw)" "$ASSAY_BIN/assay-gate" run --config "$WORK/gate.yaml"
}
gate_close() { in_ns gw "$ASSAY_BIN/assay-gate" close --config "$WORK/gate.yaml"; }
gate_hears() { jq -e '.verifier == "heard" and .kernel == "confirmed"' "$WORK/gate.status" >/dev/null 2>&1; }
gate_told() { grep -q "event=$1" "$WORK/gate.log"; } # EVENT

# What it attests from, as JSON; NAME.
attests() { assay device show "$1" --json | jq -c .attested_addresses; }
attests_from() { equal "$(attests "$1")" "$2"; } # NAME JSON

# ---- devices, each in the namespace of its name -------------------------------------
agent_start() { # NAME ARGUMENT...
	local name=$1
	shift
	mkdir -p "$WORK/$name/agent"
	start "agent-$name" nsenter "$(net_of "$name")" "$ASSAY_BIN/assay-attester" --verifier "wss://$VERIFIER:$PORT" \
		--state "$WORK/$name/agent" --tcti "$(tpm_tcti "$name")" "$@"
}
agent_again() { agent_start "$1" --boot-log "$WORK/$1/boot.log" --retry-max 1; } # NAME
