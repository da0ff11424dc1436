//! Data files by evidence.

use super::snapshot;

#[test]
fn a_go_program_that_verifies_certificates_and_loads_zones() {
    snapshot!(
        "source build
           debian
           /out/app elf static go string=crypto/x509.loadSystemRoots string=time.LoadLocation
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn zones_inside_the_program_are_enough() {
    snapshot!(
        "source build
           debian
           /out/app elf static go string=time.LoadLocation string=time/tzdata.loadFromEmbeddedTZData
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn what_no_source_has_is_told() {
    snapshot!(
        "source build
           /out/app elf static go string=crypto/x509.loadSystemRoots string=time.LoadLocation
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn tls_libraries_bring_certificates_and_openssls_configuration() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/libssl.so.3 elf soname=libssl.so.3 needed=libcrypto.so.3
           /usr/lib/x86_64-linux-gnu/libcrypto.so.3 elf soname=libcrypto.so.3 \"string=OPENSSLDIR: \\\"/usr/lib/ssl\\\"\"
           /usr/lib/ssl/openssl.cnf -> /etc/ssl/openssl.cnf
           /usr/lib/ssl/cert.pem -> /etc/ssl/certs/ca-certificates.crt
           /etc/ssl/openssl.cnf text \"x\"
           /out/app elf needed=libssl.so.3,libcrypto.so.3 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn iconv_brings_the_core_set_with_its_index_and_libstdcxx_does_not() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/gconv/ISO8859-1.so elf needed=libc.so.6
           /usr/lib/x86_64-linux-gnu/gconv/EUC-JP.so elf needed=libJIS.so runpath=$ORIGIN
           /usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache text \"x\"
           /usr/lib/x86_64-linux-gnu/gconv/gconv-modules text \"x\"
           /usr/lib/x86_64-linux-gnu/libstdc++.so.6 elf soname=libstdc++.so.6 import=iconv_open
           /out/c elf needed=libc.so.6 import=iconv_open interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/c /c
         entrypoint /c"
    );
}

#[test]
fn libstdcxx_alone_shows_no_use_of_charsets() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/gconv/ISO8859-1.so elf needed=libc.so.6
           /usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache text \"x\"
           /usr/lib/x86_64-linux-gnu/libstdc++.so.6 elf soname=libstdc++.so.6 import=iconv_open
           /out/cpp elf needed=libstdc++.so.6 interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/cpp /cpp
         entrypoint /cpp"
    );
}

#[test]
fn threads_that_exit_need_libgcc() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libc.so.6 import=pthread_exit interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn a_locale_that_the_environment_asks_for() {
    snapshot!(
        "source build
           debian
           /usr/lib/locale/C.utf8/LC_CTYPE text \"x\"
           /usr/lib/locale/de_DE.utf8/LC_CTYPE -> ../C.utf8/LC_CTYPE
           /usr/lib/locale/fr_FR.utf8/LC_CTYPE text \"x\"
           /out/app elf needed=libc.so.6 import=setlocale interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         env PATH=/bin
         env LANG=de_DE.UTF-8
         entrypoint /app"
    );
}

#[test]
fn names_are_looked_up_with_modules_before_glibc_2_34() {
    snapshot!(
        "source build
           /lib64/ld-linux-x86-64.so.2 elf soname=ld-linux-x86-64.so.2 string=/lib/x86_64-linux-gnu/\\x00/usr/lib/x86_64-linux-gnu/\\x00/lib/\\x00/usr/lib/ \"string=GNU C Library (Debian GLIBC 2.31-13) stable release version 2.31.\"
           /lib/x86_64-linux-gnu/libc.so.6 elf soname=libc.so.6 verdef=GLIBC_2.2.5,GLIBC_2.31
           /lib/x86_64-linux-gnu/libnss_files.so.2 elf soname=libnss_files.so.2 needed=libc.so.6
           /lib/x86_64-linux-gnu/libnss_dns.so.2 elf soname=libnss_dns.so.2 needed=libresolv.so.2
           /lib/x86_64-linux-gnu/libresolv.so.2 elf soname=libresolv.so.2
           /etc/services text \"x\"
           /out/app elf needed=libc.so.6 import=getaddrinfo interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn a_chosen_local_zone_comes_and_utc_does_not() {
    snapshot!(
        "source build
           debian
           /etc/localtime -> /usr/share/zoneinfo/Europe/Berlin
           /out/app elf needed=libc.so.6 import=localtime interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn a_bundle_named_in_the_environment_is_a_file_of_the_set() {
    snapshot!(
        "source build
           debian
           /etc/my/ca.pem text \"-----BEGIN CERTIFICATE-----\\n\"
           /out/app elf static
         step COPY --from=build /out/app /app
         env PATH=/bin
         env SSL_CERT_FILE=/etc/my/ca.pem
         env CURL_CA_BUNDLE=/none.pem
         entrypoint /app"
    );
}

#[test]
fn a_program_that_may_call_a_shell_is_a_hint() {
    snapshot!(
        "source build
           debian
           /out/app elf needed=libc.so.6 import=system interp=/lib64/ld-linux-x86-64.so.2
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn where_a_script_brought_a_shell_a_program_that_may_call_one_has_sh() {
    snapshot!(
        "base
           debian
           /usr/bin/bash elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 string=/bin/sh
         changed COPY app run.bash /
           /app elf needed=libc.so.6 import=system interp=/lib64/ld-linux-x86-64.so.2
           /run.bash text \"#!/bin/bash\\n/app\" 0755
         cmd /run.bash"
    );
}

#[test]
fn a_program_that_names_a_charset_gets_its_family_and_what_that_needs() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/gconv/EUC-JP.so elf needed=libJIS.so,libc.so.6 runpath=$ORIGIN
           /usr/lib/x86_64-linux-gnu/gconv/libJIS.so elf needed=libc.so.6
           /usr/lib/x86_64-linux-gnu/gconv/EUC-KR.so elf needed=libc.so.6
           /usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache text \"x\"
           /out/app elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 import=iconv_open string=EUC-JP
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}

#[test]
fn fonts_name_services_and_the_legacy_provider() {
    snapshot!(
        "source build
           debian
           /usr/lib/x86_64-linux-gnu/libfontconfig.so.1 elf needed=libc.so.6
           /etc/fonts/fonts.conf text \"x\"
           /etc/fonts/conf.d/10-hinting.conf -> /usr/share/fontconfig/conf.avail/10-hinting.conf
           /usr/share/fontconfig/conf.avail/10-hinting.conf text \"x\"
           /usr/share/fontconfig/conf.avail/90-unused.conf text \"x\"
           /usr/share/fonts/truetype/a.ttf text \"x\"
           /usr/lib/x86_64-linux-gnu/libnss_extrausers.so.2 elf needed=libc.so.6
           /usr/lib/x86_64-linux-gnu/libnss_hesiod.so.2 elf needed=libc.so.6
           /usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so elf needed=libc.so.6
           /out/app elf needed=libfontconfig.so.1,libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 import=getpwnam import=OSSL_PROVIDER_load string=legacy
         step COPY --from=build /out/app /app
         entrypoint /app"
    );
}
