#!/bin/bash
# gate/freeradius/assay-coa by itself: what it tells a switch of decisions that change while
# it runs, while it is down, and while the switch does not answer. The stream and the switch
# are played: `assay' says what it was asked and then the messages in a file, `radclient'
# notes whom it is to disconnect. (radius.sh has both for real.)
# time-limit: 120
. tests/integration/lib.sh
lib_begin
command -v jq >/dev/null || { skip 'assay-coa' 'needs jq' && exit 0; }

F=$WORK/fake S=$WORK/handled
mkdir -p "$F" "$WORK/state"
cat >"$F/assay" <<-E
	#!/bin/bash
	echo "\$*" >>$F/asked
	exec tail -q -n +1 -f --pid=\$PPID $F/messages
E
cat >"$F/radclient" <<-E
	#!/bin/bash
	mac=\$(sed -n 's/^Calling-Station-Id = "\(.*\)"\$/\1/p')
	[ ! -e $F/dead ] || { echo "\$mac" >>$F/tried && exit 1; }
	echo "\$mac" >>$F/told
	echo "Received Disconnect-ACK Id 1 from 127.0.0.1:3799 to 127.0.0.1:1 length 20"
E
chmod +x "$F/assay" "$F/radclient"

# ---- messages ------------------------------------------------------------------------------
say() { printf '%s\n' "$1" >>"$F/messages"; }
record() { # TYPE NUMBER DEVICE MAC...
	local type=$1 payload
	payload=$(jq -cn --argjson seq "$2" --arg device "$3" '{seq: $seq, device: $device, outcome: "quarantine", addresses: (["ip 192.0.2.7"] + ($ARGS.positional | map("mac " + .)))}' --args "${@:4}" |
		base64 -w0 | tr '+/' '-_' | tr -d =)
	say "{\"type\":\"$type\",\"record\":\"e30.$payload.x\"}"
}
current() { say "{\"type\":\"current\",\"head\":$1}" && beat; }
beat() { say '{"type":"heartbeat","heartbeat":"x"}'; }
# The next connection hears these, and these are told from now on.
fresh() { : >"$F/messages" && : >"$F/told" && : >"$F/asked" && : >"$F/tried"; }
coa_stop() { beat && wait_for "$WAIT" all_told && stop coa; }
coa_start() { start coa env "PATH=$F:$PATH" gate/freeradius/assay-coa -s "$S" 127.0.0.1 "$WORK/secret" ROOT "$@"; }
told_are() { equal "$(sort "$F/told" | tr '\n' ' ')" "$*${*:+ }"; }
handled() { grep -qx "$1" "$S"; }
all_told() { ! grep -q '^owed' "$S"; }
A=02:00:5e:00:53:0a B=02:00:5e:00:53:0b C=02:00:5e:00:53:0c
AU=02-00-5E-00-53-0A BU=02-00-5E-00-53-0B CU=02-00-5E-00-53-0C

# ---- the first time ------------------------------------------------------------------------
fresh
say '{"type":"keys","jwks":{}}'
say '{"type":"snapshot","head":5}'
record decision 3 d-a $A
record decision 5 d-b $B
current 5
check 'it starts' coa_start --class plc
check 'without a file everybody is told once' wait_for "$WAIT" told_are $AU $BU
check '... of a snapshot' equal "$(cat "$F/asked")" 'decision watch --json --root ROOT --class plc'
record decision 6 d-a $A
check 'who is changed is told' wait_for "$WAIT" told_are $AU $AU $BU
check 'what was not confirmed by a heartbeat is not kept' eval 'sleep 1 && ! handled "last 6"'
beat
check 'what was is kept' wait_for "$WAIT" handled 'last 6'
check 'it ends when nobody is owed it' coa_stop

# ---- again -----------------------------------------------------------------------------------
fresh
record decision 7 d-b $B
current 7
check 'it starts again' coa_start --class plc
check 'what changed while it was down is told, and nothing else' wait_for "$WAIT" told_are $BU
check '... as the stream went on' equal "$(cat "$F/asked")" 'decision watch --json --root ROOT --after 6 --class plc'
record decision 8 d-b $C
check 'an address that is taken away is told too' wait_for "$WAIT" told_are $BU $BU $CU
record gone 9 d-a $A
check 'so is a device that is gone' wait_for "$WAIT" told_are $AU $BU $BU $CU
beat
check 'all of it is kept' wait_for "$WAIT" handled 'last 9'
check 'it ends when nobody is owed it' coa_stop

fresh
say '{"type":"snapshot","head":20}'
record decision 20 d-a $A
record decision 8 d-b $C
current 20
check 'after so long that a snapshot comes' coa_start --class plc
check '... who is otherwise is told' wait_for "$WAIT" told_are $AU
check '... and it is kept' wait_for "$WAIT" handled 'last 20'
check 'it ends when nobody is owed it' coa_stop

fresh
say '{"type":"snapshot","head":30}'
record decision 8 d-b $C
current 30
check 'in the next snapshot a device is missing' coa_start --class plc
check '... and is told' wait_for "$WAIT" told_are $AU
check '... and it is kept' wait_for "$WAIT" handled 'last 30'
check 'it ends when nobody is owed it' coa_stop

# ---- a switch that does not answer ---------------------------------------------------------
fresh
: >"$F/dead"
record decision 31 d-b $C
current 31
check 'the switch does not answer' coa_start --class plc
tried() { grep -q $CU "$F/tried"; }
check '... when it is told' wait_for "$WAIT" tried
beat
check 'who is owed it is kept' wait_for "$WAIT" handled "owed ${C^^}"
check 'it is said once' equal "$(grep -c 'does not answer' "$WORK/coa.log")" 1
stop coa
rm "$F/dead"
fresh
current 31
check 'it starts again when the switch is back' coa_start --class plc
check 'who was owed it is told' wait_for "$WAIT" told_are $CU
beat
check '... and no longer owed' wait_for "$WAIT" all_told
stop coa

# ---- a file that is not to be believed -----------------------------------------------------
everybody() { # NAME COMMAND: what it is started with
	local name=$1
	shift
	fresh
	say '{"type":"snapshot","head":31}'
	record decision 31 d-b $C
	current 31
	check "$name" "$@"
	check '... everybody is told' wait_for "$WAIT" told_are $CU
	check '... of a snapshot' eval '! grep -q -- --after "$F/asked"'
	check '... and it is kept' wait_for "$WAIT" handled 'last 31'
	stop coa
}
everybody 'with another filter' coa_start --class gateway
sed -i '/^end$/d' "$S"
everybody 'with a file that was cut off' coa_start --class gateway
printf '\0garbage\nend\n' >"$S"
everybody 'with a file that is something else' coa_start --class gateway
mkdir "$S.d"
check_refusal 2 'a folder where the file is to be ends it at once' "$S.d/no/file.new" env "PATH=$F:$PATH" gate/freeradius/assay-coa -s "$S.d/no/file" 127.0.0.1 "$WORK/secret" ROOT
export STATE_DIRECTORY=$WORK/state
fresh
current 0
check 'without -s' start coa env "PATH=$F:$PATH" gate/freeradius/assay-coa 127.0.0.1 "$WORK/secret" ROOT
check '... it is in the service'"'"'s own folder' wait_for "$WAIT" test -s "$WORK/state/127.0.0.1:3799"
stop coa
lib_end
