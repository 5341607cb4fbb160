# shellcheck shell=bash
#
# musl.sh - the libraries that twcard needs, built with musl-gcc from Debian's
# source packages; source it after common.sh and sources.sh.
#
#   musl_libraries DIR   builds them into DIR, what is there already not again
#
# They are shared libraries, as on systems that have musl for a C library. What
# nobody asks of them is left out: engines, tests, programs, protocols but HTTP.
#
# shellcheck disable=SC2154  # $work and $top_srcdir are the caller's

# name, kind of archive, Debian release that has it, SHA-256 of the archive
pcsc=(pcsc-lite 1.9.9.orig.tar.bz2 bookworm cbcc3b34c61f53291cecc0d831423c94d437b188eb2b97b7febc08de1c914e8a)
curl=(curl 7.88.1.orig.tar.gz bookworm cdb38b72e36bc5d33d5b8810f8018ece1baa29a8f215b4495e495ded82bbf3c7)
# Those that are built for Windows, too, are the same: one place says which.
openssl=() inih=() jsonc=() cmocka=()
eval "$(grep -E '^(openssl|inih|jsonc|cmocka)=\([-a-z0-9. ]+\)$' "$top_srcdir/tools/windows/libraries")"

# musl_step LIBRARY COMMAND...: in its unpacked source; ends with what it said if it fails.
musl_step() {
	local name=$1

	shift
	(cd "$work/$name" && "$@") >>"$work/$name.log" 2>&1 || {
		tail -n 20 "$work/$name.log" >&2
		die "$name does not build with musl"
	}
}

# The kernel's headers are not the C library's: they are the same for each.
musl_headers() {
	local folder multiarch p11kit

	multiarch=$(gcc -print-multiarch)
	p11kit=$(env -u PKG_CONFIG_LIBDIR pkg-config --variable=includedir p11-kit-1)
	[ -d "$p11kit/p11-kit-1" ] && p11kit+=/p11-kit-1
	for folder in /usr/include/linux /usr/include/asm-generic "/usr/include/$multiarch/asm" "$p11kit/p11-kit" \
	    /usr/include/uthash.h /usr/include/utlist.h; do
		[ -e "$folder" ] || die "$folder is missing (Debian: apt install linux-libc-dev libp11-kit-dev uthash-dev)"
		ln -sfn "$folder" "$prefix/include/" || exit 1
	done
	musl_describe p11-kit-1 0.24
}

# musl_describe PACKAGE VERSION [LIBRARY]: for pkg-config.
musl_describe() {
	printf '%s\n' "Name: $1" "Description: $1" "Version: $2" "Cflags: -I$prefix/include" \
	    "Libs: ${3:+-L$prefix/lib -l$3}" >"$prefix/lib/pkgconfig/$1.pc"
}

# musl has no makecontext(), which asynchronous jobs are made with. Only the shared libraries are
# built: that halves the time.
musl_openssl() {
	source_unpack "${openssl[@]}"
	musl_step openssl ./Configure linux-x86_64 no-async no-engine no-module no-tests no-ssl3 no-idea no-camellia \
	    no-aria no-seed no-bf no-cast no-srp no-psk no-gost no-dtls \
	    --prefix="$prefix" --libdir=lib --openssldir=/etc/ssl CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS"
	musl_step openssl make -s build_generated
	musl_step openssl make -s -j"$jobs" libcrypto.so libssl.so
	musl_step openssl cp -RP include/openssl "$prefix/include/"
	musl_step openssl cp -P libcrypto.so libcrypto.so.3 libssl.so libssl.so.3 "$prefix/lib/"
	musl_describe libcrypto "${openssl[1]%.orig*}" crypto
	musl_describe libssl "${openssl[1]%.orig*}" ssl
	musl_describe openssl "${openssl[1]%.orig*}" 'ssl -lcrypto'
}

musl_libinih() {
	source_unpack "${inih[@]}"
	musl_step libinih "$CC" -O2 -fPIC -shared -Wl,-soname,libinih.so -o "$prefix/lib/libinih.so" ini.c
	musl_step libinih cp ini.h "$prefix/include/"
	musl_describe inih 59 inih
}

# musl_cmake NAME OPTIONS...
musl_cmake() {
	local name=$1

	shift
	musl_step "$name" cmake -S . -B build -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=Release \
	    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib "$@"
	musl_step "$name" cmake --build build -j"$jobs"
	musl_step "$name" cmake --install build
}

musl_json_c() {
	source_unpack "${jsonc[@]}"
	musl_cmake json-c -DBUILD_STATIC_LIBS=OFF -DBUILD_TESTING=OFF -DBUILD_APPS=OFF -DDISABLE_WERROR=ON
}

musl_cmocka() {
	source_unpack "${cmocka[@]}"
	musl_cmake cmocka -DWITH_EXAMPLES=OFF
}

# The client's library alone: the daemon is this system's, and would want a program that makes parsers.
musl_pcsc() {
	source_unpack "${pcsc[@]}"
	musl_step pcsc-lite env LEX=true LEXLIB= ac_cv_prog_lex_root=lex.yy ac_cv_prog_lex_yytext_pointer=no \
	    ./configure --host=x86_64-linux-musl --prefix="$prefix" --disable-static --disable-libudev --disable-libusb \
	    --disable-libsystemd --disable-polkit --disable-documentation --with-systemdsystemunitdir=no --enable-ipcdir=/run/pcscd
	musl_step pcsc-lite make -C src -j"$jobs" libpcsclite.la
	musl_step pcsc-lite ./libtool --mode=install cp src/libpcsclite.la "$prefix/lib/"
	musl_step pcsc-lite cp src/libpcsclite.pc "$prefix/lib/pkgconfig/"
	musl_step pcsc-lite cp -R src/PCSC "$prefix/include/"
}

musl_curl() {
	source_unpack "${curl[@]}"
	musl_step curl ./configure --host=x86_64-linux-musl --prefix="$prefix" --disable-static \
	    --with-openssl="$prefix" --disable-ftp --disable-file --disable-ldap --disable-rtsp --disable-dict --disable-telnet \
	    --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt \
	    --disable-manual --without-zlib --without-brotli --without-zstd --without-libpsl --without-libidn2 \
	    --without-nghttp2 --without-librtmp --without-libssh2
	musl_step curl make -C lib -j"$jobs"
	musl_step curl make -C lib install
	musl_step curl make -C include install
	musl_step curl cp libcurl.pc "$prefix/lib/pkgconfig/"
}

musl_libraries() {
	local library

	prefix=$1
	need musl-gcc musl-tools cmake cmake perl perl
	[ "${#openssl[@]}" -eq 4 ] || die "tools/windows/libraries does not tell which OpenSSL any more"
	mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" || exit 1
	export CC=musl-gcc CFLAGS="-O2 -isystem $prefix/include" LDFLAGS="-Wl,-rpath,$prefix/lib"
	export PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig
	for library in headers openssl libinih json_c cmocka pcsc curl; do
		[ ! -e "$prefix/.$library" ] || continue
		say "building $library for musl"
		"musl_$library"
		: >"$prefix/.$library"
	done
	unset CC CFLAGS LDFLAGS
}
