#!/bin/bash
# Builds the release's own wolfSSL source package with the assembly that Debian's binary
# package leaves out: usage: wolfssl-fast.sh PREFIX. Only wolfCrypt, which is all that is
# used here; same version, same options, and single-precision ECC and RSA, AVX2 hashing.
# The package is fetched with a configuration of apt's own, below PREFIX; nothing of the
# system's is changed. x86-64 only.
set -eu
prefix=$(realpath -m "${1:?usage: wolfssl-fast.sh PREFIX}")
case $(uname -m) in
x86_64) ;;
*) echo "wolfssl-fast: only for x86-64" >&2 && exit 1 ;;
esac
[ ! -e "$prefix/lib/libwolfssl.so" ] || exit 0
work=$prefix/source
rm -rf "$work"
mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
cd "$work"

# ---- the source package, by its name ----------------------------------------
for f in /etc/apt/sources.list.d/*.sources; do
	[ -e "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" >"apt/parts/${f##*/}"
done
[ ! -e /etc/apt/sources.list ] || sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >apt/parts/main.list
apt() {
	apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt/parts" \
		-o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" \
		-o APT::Sandbox::User=root "$@"
}
apt update
apt source wolfssl >/dev/null # unpacked by dpkg-source, of dpkg-dev

# ---- wolfCrypt with assembly --------------------------------------------------
cd wolfssl-*/
mkdir -p "$prefix/include" "$prefix/lib" "$work/obj"
cp -r wolfssl "$prefix/include/"
sed '/^#endif/,$d' /usr/include/wolfssl/options.h >"$work/options.h"
sed -e '/^#undef  *FP_ECC$/d' -e '/^#define  *FP_ECC$/d' -e '/__cplusplus/,$!b' \
	/usr/include/wolfssl/options.h >"$prefix/include/wolfssl/options.h"
cp "$prefix/include/wolfssl/options.h" wolfssl/options.h
