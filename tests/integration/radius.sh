#!/bin/bash
# FreeRADIUS with the shipped configuration (gate/freeradius), asked with radclient: admitted,
# restricted, quarantined, unknown, expired; a Disconnect when a decision changes. In a
# network namespace of its own, so that RADIUS' ports clash with nobody's.
# time-limit: 300
. tests/integration/lib.sh
lib_begin

if [ "$(id -u)" != 0 ] || ! command -v freeradius >/dev/null || ! net_make radius; then
	skip 'RADIUS' 'needs root, network namespaces and FreeRADIUS'
	exit 0
fi
NET=$(net_of radius)
in_ns() { nsenter "$NET" "$@"; }

ca_configure
check 'a TPM is manufactured' tpm_make spare
ca_roots "$WORK/roots"
check 'init makes a verifier' verifier_init --roots "$WORK/roots" --accept-virtual-tpm --name localhost
printf 'console_listen: "127.0.0.1:0"\n' >>"$ASSAY_STATE/verifier.yaml"
verifier_up() {
	rm -f "$ASSAY_STATE/run/port"
	: >"$WORK/verifier.log"
	start verifier nsenter "$NET" "$ASSAY_BIN/assay-verifier" run --state "$ASSAY_STATE"
	wait_for "$WAIT" test -s "$ASSAY_STATE/run/port" -a -S "$ASSAY_STATE/run/console.sock" && wait_for "$WAIT" console_port
}
console_port() { grep -o 'role=console event=listening .* port=[0-9]*' "$WORK/verifier.log" | tail -n 1 | grep -o '[0-9]*$'; }
check 'it starts' verifier_up
PORT=$(console_port)
sed -i "s/^listen:.*/listen: \"127.0.0.1:$(cat "$ASSAY_STATE/run/port")\"/; s/^console_listen:.*/console_listen: \"127.0.0.1:$PORT\"/" "$ASSAY_STATE/verifier.yaml"
token=$("$ASSAY_BIN/assay" operator add radius-1 --role relying-party)

# ---- FreeRADIUS with what is shipped ---------------------------------------------------
D=$WORK/raddb
mkdir -p "$D"
sed -e "s#https://verifier.example:8444#https://localhost:$PORT#" -e "s#/etc/assay/console-cert.pem#$ASSAY_STATE/tls/console-cert.pem#" gate/freeradius/mods-assay >"$D/mods"
cp gate/freeradius/policy-assay "$D/policy"
# 802.1X with certificates of a CA of its own, where wpa_supplicant's test of it is there.
: >"$D/eap" && : >"$D/authorize" && : >"$D/rest"
command -v eapol_test >/dev/null && EAP=yes || EAP=''
client_cert() { # NAME CN
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$D/$1.key" -out "$D/$1.csr" -subj "/CN=$2" 2>/dev/null &&
		openssl x509 -req -in "$D/$1.csr" -CA "$D/ca.crt" -CAkey "$D/ca.key" -CAcreateserial -days 2 -out "$D/$1.crt" 2>/dev/null
}
eap_server() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$D/ca.key" -out "$D/ca.crt" -days 2 -subj /CN=devices 2>/dev/null &&
		client_cert server radius.example || return
	cat >"$D/eap" <<-E
		eap {
			default_eap_type = tls
			tls-config devices {
				private_key_file = $D/server.key
				certificate_file = $D/server.crt
				ca_file = $D/ca.crt
			}
			tls {
				tls = devices
			}
		}
	E
	printf 'eap\n' >"$D/authorize"
	printf 'authenticate {\n\teap\n}\npost-auth {\n\tassay_admission\n\tPost-Auth-Type REJECT {\n\t\teap\n\t}\n}\n' >"$D/rest"
}
[ -z "$EAP" ] || check 'a CA for devices' eap_server
sed -e "s#@DIR@#$D#" -e "s#@TOKEN@#$token#" tests/data/radius/radiusd.conf.in >"$D/radiusd.conf"
check 'FreeRADIUS starts with the shipped configuration' start radius nsenter "$NET" freeradius -d "$D" -n radiusd -fxx -l stdout
radius_up() { grep -q 'Ready to process' "$WORK/radius.log"; }
check '... and is ready' wait_for "$WAIT" radius_up
asks() { # PATTERN ATTRIBUTES: the answer has it
	local reply
	reply=$(printf 'User-Name=x,%s,User-Password=x,NAS-IP-Address=127.0.0.1,Message-Authenticator=0x00\n' "$2" |
		in_ns radclient -x -r 1 -t 4 127.0.0.1:1812 auth testing123 2>&1)
	grep -qE "$1" <<<"$reply" || { echo "$reply" && return 1; }
}
vlan() { asks "Tunnel-Private-Group-Id:0 = \"$1\"" "Calling-Station-Id=$2"; }

# ---- a device ----------------------------------------------------------------------------
agent_start() {
	local name=$1
	shift
	mkdir -p "$WORK/$name/agent"
	start "agent-$name" nsenter "$NET" "$ASSAY_BIN/assay-attester" --verifier "$(verifier_url)" --state "$WORK/$name/agent" --tcti "$(tpm_tcti "$name")" "$@"
}
MAC=02-00-5E-00-53-01
check 'a policy' policy_use gateway 1
check 'an unknown MAC is rejected' asks 'Access-Reject' "Calling-Station-Id=$MAC"
check 'd9 nonsense is rejected' asks 'Access-Reject' 'Calling-Station-Id="02-00-5E-00-53-01&device=1;id"'
check 'd9 a MAC that is a command is rejected' asks 'Access-Reject' 'Calling-Station-Id="$(id)"'
check 'no MAC is rejected' asks 'Access-Reject' 'NAS-Port=1'
check 'a gateway enrols' device_enrol d1 gateway grub-good
check 'it has an address' assay device address d1 --add "mac $MAC"
check 'not admitted: the VLAN of quarantine' vlan 666 $MAC
root=$(assay key list --json | jq -r .root)
printf 'testing123' >"$WORK/secret"
coa_start() { start coa nsenter "$NET" env "PATH=$(realpath "$ASSAY_BIN"):$PATH" "ASSAY_STATE=$ASSAY_STATE" gate/freeradius/assay-coa -s "$WORK/handled" 127.0.0.1:3799 "$WORK/secret" "$root"; }
told() { grep -q 'Received Disconnect-Request' "$WORK/radius.log"; }
check 'the switch is to be told of changes' coa_start
check 'it hears the decisions' wait_for "$WAIT" grep -q 'event=stream ' "$WORK/verifier.log"
check 'the switch is told of what was decided before' wait_for "$WAIT" told
handled() { grep -q '^device ' "$WORK/handled" && ! grep -q '^owed ' "$WORK/handled"; }
check '... once: that is kept' wait_for "$WAIT" handled
check 'its boot is approved' device_approve_boot d1
check 'it is admitted' decides d1 ADMIT
disconnects() { [ "$(grep -c 'Received Disconnect-Request' "$WORK/radius.log")" -ge "$1" ]; }
check 'the switch is told to disconnect it' wait_for "$WAIT" disconnects 2
check 'by MAC alone it is restricted' vlan 20 $MAC
for form in 02005E005301 0200.5e00.5301 02:00:5e:00:53:01; do
	check "... also where the switch writes $form" vlan 20 $form
done
check 'the session ends with the decision' asks 'Session-Timeout = [1-9]' "Calling-Station-Id=$MAC"
id=$(device_field d1 id)
admission() { # STATUS QUERY
	local got
	got=$(in_ns curl -s -o "$WORK/1" -w '%{http_code}' --cacert "$ASSAY_STATE/tls/console-cert.pem" -H "Authorization: Bearer ${3-$token}" "https://localhost:$PORT/v1/admission?$2")
	[ "$got" = "$1" ] || { echo "$got" && cat "$WORK/1" && return 1; }
}
check 'by an identity that the server verified it is admitted' admission 200 "device=$id"
check '... as it says' grep -q '"control:Tmp-String-0":"admit"' "$WORK/1"
check 'i8 not without a token' admission 401 "device=$id" ''
check 'two identities are none' admission 400 "device=$id&mac=$MAC"
cert=$(printf x | sha256sum | cut -d' ' -f1)
check 'a certificate is registered' assay device address d1 --add "cert $cert"
check 'by certificate it is admitted' admission 200 "cert=$cert"
check '... as it says' grep -q '"control:Tmp-String-0":"admit"' "$WORK/1"
# Whoever shows a certificate is who it names, whatever MAC address it says it has.
eap() { # PATTERN CERTIFICATE MAC
	printf 'network={\n\tkey_mgmt=IEEE8021X\n\teap=TLS\n\tidentity="x"\n\tca_cert="%s"\n\tclient_cert="%s"\n\tprivate_key="%s"\n}\n' \
		"$D/ca.crt" "$D/$2.crt" "$D/$2.key" >"$D/eapol"
	in_ns eapol_test -n -c "$D/eapol" -a 127.0.0.1 -s testing123 -M "$3" -t 10 >"$WORK/1" 2>&1
	grep -qE "$1" "$WORK/1" || { tail -n 60 "$WORK/1" && return 1; }
}
eap_vlan() { # VLAN CERTIFICATE MAC: as hostapd shows an attribute: tag 0 and the text
	eap '^SUCCESS$' "$2" "$3" && sed -n '/code=2 (Access-Accept)/,$p' "$WORK/1" | grep -A1 'Attribute 81 ' | grep -qE "Value: (00)?$(printf %s "$1" | od -An -tx1 | tr -d ' ')$"
}
OTHER=02:00:5e:00:53:77
if [ -n "$EAP" ]; then
	check 'certificates for d1 and a stranger' eval 'client_cert d1 "$id" && client_cert stranger 00112233445566778899aabbccddeeff'
	check 'with its certificate d1 is admitted' eap_vlan 10 d1 "${MAC//-/:}"
	check '... also with an address that nobody registered' eap_vlan 10 d1 $OTHER
	check 'a certificate of nobody is rejected, with whatever address' eap 'FAILURE' stranger "${MAC//-/:}"
else
	skip '802.1X with certificates' 'eapol_test is not installed'
fi
# A decision that changes while assay-coa is down.
check 'what it told is kept' wait_for "$WAIT" handled
stop coa
before=$(grep -c 'Received Disconnect-Request' "$WORK/radius.log")
check 'it is held' assay device hold d1 --reason test
check 'assay-coa starts again' coa_start
check '... and the switch is told what changed meanwhile' wait_for "$WAIT" disconnects $((before + 1))
[ -z "$EAP" ] || check 'with its certificate: the VLAN of quarantine' eap_vlan 666 d1 "${MAC//-/:}"
check 'the VLAN of quarantine' vlan 666 $MAC
check 'it is released' assay device release d1
check 'restricted again' wait_for "$WAIT" vlan 20 $MAC
agent_stop d1
check 'when its decision has expired: quarantine' wait_for 40 vlan 666 $MAC
stop verifier
check 'without a verifier all are rejected' asks 'Access-Reject' "Calling-Station-Id=$MAC"
[ -z "$EAP" ] || check '... with a certificate too' eap FAILURE d1 "${MAC//-/:}"
stop coa
stop radius
lib_end
