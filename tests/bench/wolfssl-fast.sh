#!/bin/bash
# Builds the release's own wolfSSL source package with the assembly that Debian's binary
# package leaves out: usage: wolfssl-fast.sh PREFIX. Same version and options, and
# single-precision ECC and RSA and AVX2 hashing. The package is fetched with a
# configuration of apt's own, below PREFIX; nothing of the system's is changed. Needs
# gcc, libwolfssl-dev and dpkg-dev, as Debian's packages. x86-64 only.
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
for f in /etc/apt/sources.list.d/*.sources; do # deb822: as Debian 12 and 13 have
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

# ---- compiled with assembly ---------------------------------------------------
cd wolfssl-*/
include=$prefix/include/wolfssl
mkdir -p "$prefix/include" "$prefix/lib" "$work/obj"
cp -r wolfssl "$prefix/include/"
# Debian's options but tables for points seen again, which SP has no use for.
{
	sed -e '/[ \t]FP_ECC$/d' -e '/^#endif .*WOLFSSL_OPTIONS_H/d' /usr/include/wolfssl/options.h
	for o in USE_INTEL_SPEEDUP NO_CURVED25519_X64 WOLFSSL_HAVE_SP_ECC WOLFSSL_HAVE_SP_RSA \
		WOLFSSL_SP_1024 WOLFSSL_SP_384 WOLFSSL_SP_4096 WOLFSSL_SP_ASM \
		WOLFSSL_SP_X86_64_ASM WOLFSSL_SP_LARGE_CODE; do
		echo "#undef $o"
		echo "#define $o"
	done
	echo '#endif'
} >"$include/options.h"
cp "$include/options.h" wolfssl/

sources=(wolfcrypt/src/*.c
	wolfcrypt/src/{sha256,sha512,sp_x86_64,aes,aes_gcm,chacha,poly1305,sha3}_asm.S
	src/{ssl,internal,keys,tls,tls13,wolfio,crl,ocsp,dtls,dtls13,quic,sniffer}.c)
compile() { # FILE FOLDER
	local also=
	case $1 in
	*/misc.c | */evp.c | */*_arm*.c | */sp_c[36]*.c | */sp_cortexm.c | */sp_dsp*.c) return ;;
	*.c) also='-include stdint.h' ;;
	esac
	# shellcheck disable=SC2086
	gcc -O2 -fPIC -fomit-frame-pointer -pthread -w -I. -DBUILDING_WOLFSSL $also \
		-include wolfssl/options.h -c -o "$2/${1##*/}.o" "$1"
}
export -f compile
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} bash -c 'compile {} "$0"' "$work/obj"
gcc -shared -Wl,-soname,libwolfssl.so -Wl,-z,defs -o "$prefix/lib/libwolfssl.so" "$work"/obj/*.o -lm -lpthread
rm -rf "$work"
echo "wolfSSL with assembly is in $prefix; build with WOLFSSL_PREFIX=$prefix"
