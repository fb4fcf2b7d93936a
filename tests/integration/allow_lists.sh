#!/bin/bash
# Allow-lists of root file systems: folders and archives give the same set; names, hashes and
# what is left out; differences in words; sets larger than a message.
# time-limit: 300
. tests/integration/lib.sh
lib_begin

root=$WORK/root
populate() {
	mkdir -p "$root/usr/bin" "$root/etc" "$root/dev" && printf a >"$root/usr/bin/a" && printf 'b b' >"$root/usr/bin/b b" &&
		printf conf >"$root/etc/conf" && : >"$root/etc/empty" && ln -s /etc/conf "$root/etc/link" && ln "$root/usr/bin/a" "$root/usr/bin/hard" &&
		mkfifo "$root/dev/fifo" && head -c 20000000 /dev/zero >"$root/usr/large"
}
digest_of() { jq -r .digest; }
import() { assay reference import --ima-from-rootfs "$1" --class gateway --json "${@:2}" 2>"$WORK/err"; }
begin() { verifier_init >/dev/null && verifier_start; }
check 'a verifier' begin
check 'a root file system' populate
of_folder() { import "$root" --name folder | digest_of >"$WORK/folder" && [ -s "$WORK/folder" ]; }
check 'a folder becomes a set' of_folder
counts() { grep -q '^6 files, ' "$WORK/err" || { cat "$WORK/err"; return 1; }; }
check 'of files alone: no links, no pipes' counts
check 'it is learned until it is promoted' equal "$(assay reference list --json | jq -r '.references[0].state')" learned
same() { # ARCHIVE: another name, the same content: refused as such
	! import "$1" --name other >/dev/null && grep -q 'same content' "$WORK/err"
}
tar_of() { tar -C "$root" "${@:2}" -cf "$1" .; }
check 'a tar archive of it' tar_of "$WORK/r.tar"
check 'gives the same set, byte for byte' same "$WORK/r.tar"
check 'a compressed one' tar_of "$WORK/r.tar.gz" -z
check 'too' same "$WORK/r.tar.gz"
one_thread() { ! import "$root" --name other --jobs 1 >/dev/null && grep -q 'same content' "$WORK/err"; }
check 'whatever the number of threads' one_thread
change() { rm "$root/usr/bin/a" && printf A >"$root/usr/bin/a" && rm "$root/etc/conf" && printf n >"$root/etc/new" && import "$root" --name changed >/dev/null; }
check 'the file system changes' change
differs() { assay reference diff folder changed >"$WORK/diff"; }
check_status 1 'reference diff: they differ' differs
words() { # each line once
	grep -qx -- '- /etc/conf is gone' "$WORK/diff" && grep -qx -- '+ /etc/new is new' "$WORK/diff" &&
		grep -q "^~ /usr/bin/a was sha256:$(printf a | sha256sum | cut -c1-16) and is sha256:$(printf A | sha256sum | cut -c1-16)$" "$WORK/diff" &&
		equal "$(wc -l <"$WORK/diff")" 3 || { cat "$WORK/diff"; return 1; }
}
check 'in words' words
check 'reference diff: a set and itself are the same' assay reference diff folder folder
check 'several hashes' import "$root" --name hashes --hash sha1,sha256,sha512
check_status 64 'an unknown hash is a usage error' assay reference import --ima-from-rootfs "$root" --class gateway --hash crc32
check_status 64 'which class is asked' assay reference import --ima-from-rootfs "$root"
check_status 3 'what is not there' assay reference import --ima-from-rootfs "$WORK/none" --class gateway
printf 'no archive' >"$WORK/junk"
check_status 2 'what is neither a folder nor an archive' assay reference import --ima-from-rootfs "$WORK/junk" --class gateway
cut_archive() { head -c 100000 "$WORK/r.tar" >"$WORK/cut.tar" && import "$WORK/cut.tar" --name cut; }
check_status 2 'an archive that is cut' cut_archive
mkdir "$WORK/void"
check_status 2 'a folder without files' assay reference import --ima-from-rootfs "$WORK/void" --class gateway
check_status 2 'a device without a list' assay reference import --ima-from-device nobody

# ---- larger than a message ------------------------------------------------------
many() { # FILES
	mkdir -p "$WORK/many" && (cd "$WORK/many" && seq "$1" | split -l 1 -a 6 -d - file-)
}
check '120,000 files' many 120000
check 'become a set of several MB' import "$WORK/many" --name many
big() { [ "$(ledger "SELECT count(*) FROM reference_chunk")" -ge 5 ]; }
check 'which the ledger has in pieces' big
check 'it is promoted' assay reference promote many --digest "$(assay reference list --json | jq -r '.references[] | select(.name == "many") | .digest')"
again() { verifier_stop && verifier_start && equal "$(assay reference list --json | jq -r '.references[] | select(.name == "many") | .state')" promoted && none_unusable; }
none_unusable() { ! grep -q 'reference-unusable' "$WORK/verifier.log"; }
check 'and is there after a restart' again
check 'comes back whole' assay reference diff many many

# ---- what is bad ------------------------------------------------------------------
hex=$(printf abc | sha256sum | cut -c1-64)
check 'a digest is declared bad as a finding shows it, of fs-verity too' assay reference known-bad add "verity:sha256:$hex" --comment test
as_digest() { equal "$(assay reference known-bad list --json | jq -r '.known_bad[].digest')" "sha256:$hex" && ! assay reference known-bad add "$hex" --comment test; }
check 'and is one digest, whatever it is over' as_digest

# ---- uploads ----------------------------------------------------------------------
api() { curl -sS --max-time 20 --unix-socket "$ASSAY_STATE/run/console.sock" "$@"; }
upload_id() { api -H 'Content-Type: application/json' -d '{}' http://v/v1/uploads | jq -r .upload; }
id=$(upload_id)
append() { # OFFSET TEXT
	api -H 'Content-Type: application/octet-stream' --data-binary "$2" "http://v/v1/uploads/$id/$1"
}
check 'bytes are appended' eval '[ "$(append 0 abc | jq .bytes)" = 3 ]'
check 'only at the end' eval '[ "$(append 7 abc | jq -r .title)" != null ]'
check 'what was uploaded is checked by a process of its own' eval 'api -H "Content-Type: application/json" -d "{\"upload\": \"$id\", \"class\": \"gateway\"}" http://v/v1/imports | grep -q "no set of files"'
check 'an upload is used once' eval 'api -H "Content-Type: application/json" -d "{\"upload\": \"$id\", \"class\": \"gateway\"}" http://v/v1/imports | grep -q "no such upload"'
check 'of another kind of body there is none' eval 'id=$(upload_id); api -H "Content-Type: text/plain" --data-binary x "http://v/v1/uploads/$id/0" | grep -q octet-stream'
full() { for _ in 1 2 3 4 5 6; do upload_id; done | grep -c null | grep -qv '^0$'; }
check 'there are few at a time' full
lib_end
