//! A stage that is cut down: which files are its application's, by what its instructions changed.

use super::snapshot;

#[test]
fn what_was_copied_stays_and_what_nothing_names_does_not() {
    snapshot!(
        "base
           debian
           /usr/share/base/data text \"x\"
         changed WORKDIR /srv/app
           /srv/app/
         changed COPY . .
           /srv/app/server elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
           /srv/app/templates/page.html text \"x\"
           /srv/app/run.sh text \"#!/bin/sh\" 0755
           /srv/app/uploads/ 0775
         changed COPY rootfs /
           /usr/local/share/theme/style.css text \"x\" 33:33
         changed RUN make data
           /srv/app/made.txt text \"x\"
           /opt/made.txt text \"x\"
         workdir /srv/app
         cmd ./server"
    );
}

#[test]
fn of_a_copied_prefix_only_what_runs_stays() {
    snapshot!(
        "base
           debian
         changed COPY --from=build /usr/local /usr/local
           /usr/local/bin/app elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
           /usr/local/lib/libown.so.1 elf
           /usr/local/lib/libown.a text \"x\"
           /usr/local/lib/pkgconfig/own.pc text \"x\"
           /usr/local/include/own/own.h text \"x\"
           /usr/local/share/man/man1/app.1 text \"x\"
           /usr/local/share/app/data text \"x\"
         changed COPY headers /usr/local/include/kept
           /usr/local/include/kept/kept.h text \"x\"
         entrypoint /usr/local/bin/app"
    );
}

#[test]
fn a_literal_of_rust_stands_between_others() {
    snapshot!(
        "base
           debian
         changed RUN make tools
           /usr/local/bin/qrencode elf static
           /usr/local/bin/figlets elf static
         changed COPY app other /usr/local/bin/
           /usr/local/bin/app elf static string=RUST_BACKTRACE string=words.txtqrencode-tASCII string=libfiglets.so.1
           /usr/local/bin/other elf static string=wordsfiglets-t
         entrypoint /usr/local/bin/app"
    );
}

#[test]
fn an_empty_directory_that_a_packaged_program_names_is_there_for_it() {
    snapshot!(
        "base
           debian
         changed RUN apt-get install served && mkdir /run/served /run/other
           /usr/sbin/served elf static string=/run/served
           /run/served/
           /run/other/
           /var/lib/dpkg/status text \"Package: served\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 1\\n\\n\"
           /var/lib/dpkg/info/served.list text \"/.\\n/usr/sbin/served\\n\"
         entrypoint /usr/sbin/served"
    );
}

#[test]
fn secrets_odd_files_and_privileges_in_what_was_copied() {
    snapshot!(
        "base
           debian
         changed COPY app /app
           /app/.env text \"x\"
           /app/.env.example text \"x\"
           /app/.git/HEAD text \"x\"
           /app/.git/config text \"x\"
           /app/server.key text \"-----BEGIN PRIVATE KEY-----\"
           /app/pipe fifo
           /app/.wh.gone text \"x\"
           /app/tool elf static 4755
           /app/server elf static 0755
         changed COPY .npmrc token.pem /app/
           /app/.npmrc text \"x\"
           /app/token.pem text \"-----BEGIN PRIVATE KEY-----\"
         entrypoint /app/server"
    );
}

#[test]
fn a_file_named_by_itself_without_its_library_is_told_and_a_swept_one_is_not() {
    snapshot!(
        "base
           debian
         changed COPY tool /usr/local/bin/
           /usr/local/bin/tool elf needed=libnone.so interp=/lib64/ld-linux-x86-64.so.2
         changed COPY tools /opt/tools
           /opt/tools/other elf needed=libnever.so interp=/lib64/ld-linux-x86-64.so.2
         changed COPY app /app
           /app elf static
         entrypoint /app"
    );
}

#[test]
fn what_run_made_in_etc_and_directories_with_an_owner() {
    snapshot!(
        "base
           debian
           /etc/base.conf text \"x\"
           /var/lib/kept/ 0755
           /etc/zlib/ 0755
         changed RUN apt-get install tool && useradd app && mkdir -p /data /opt/plain && chown 1000:1000 /data
           /etc/app/app.conf text \"x\"
           /etc/app.conf -> app/app.conf
           /etc/alternatives/tool -> /lib/x86_64-linux-gnu/libz.so.1
           /etc/enabled -> /lib/x86_64-linux-gnu/libz.so.1.2.13
           /etc/passwd text \"root:x:0:0:root:/root:/bin/bash\\napp:x:1000:1000::/home/app:/bin/sh\\n\"
           /etc/shadow text \"x\"
           /etc/ssl/certs/ca-certificates.crt text \"bundle\"
           /etc/ssl/certs/0123abcd.0 -> ca-certificates.crt
           /etc/ld.so.cache text \"x\"
           /home/app/ 0750 1000:1000
           /home/app/.bashrc text \"x\" 1000:1000
           /data/ 0755 1000:1000
           /opt/plain/ 0755
           /var/lib/kept/ 0755
           /var/log/apt/term.log text \"x\"
           /var/lib/apt/lists/partial/ 0700 100:0
         changed COPY app /app
           /app elf static
         user app
         entrypoint /app"
    );
}

#[test]
fn the_directory_that_base_image_and_workdir_share() {
    snapshot!(
        "base
           debian
           /srv/site/index.html text \"base\"
           /srv/site/conf/base.conf text \"x\"
         changed COPY page.html /srv/site/page.html
           /srv/site/page.html text \"x\"
         changed RUN rm /srv/site/conf/base.conf && echo > /srv/site/conf/own.conf
           /srv/site/conf/own.conf text \"x\"
           /srv/site/.npm/cache text \"x\"
         gone /srv/site/conf/base.conf
         changed COPY app /app
           /app elf static
         workdir /srv/site
         entrypoint /app"
    );
}

#[test]
fn an_application_directory_behind_a_link() {
    snapshot!(
        "base
           debian
         changed RUN mkdir -p /srv/releases/1 && ln -s /srv/releases/1 /app && mkdir /srv/media
           /srv/releases/1/
           /srv/media/logo.png text \"x\"
           /app -> /srv/releases/1
         changed COPY . /app
           /srv/releases/1/server elf static
           /srv/releases/1/media -> /srv/media
           /srv/releases/1/dangling -> /proc/self/none
         workdir /app
         cmd ./server"
    );
}

#[test]
fn a_copy_that_a_later_run_owns_stays_a_copy() {
    snapshot!(
        "base
           debian
         changed COPY . /app
           /app/server elf static
           /app/page.html text \"x\"
         changed RUN chown -R 1000:1000 /app
           /app/ 0755 1000:1000
           /app/server elf static 1000:1000
           /app/page.html text \"x\" 1000:1000
         entrypoint /app/server"
    );
}

#[test]
fn a_program_compiled_in_the_stage_leaves_its_sources_behind() {
    snapshot!(
        "base
           debian
         changed WORKDIR /src
           /src/
         changed COPY . .
           /src/Cargo.toml text \"x\"
           /src/Cargo.lock text \"x\"
           /src/src/main.rs text \"x\"
           /src/templates/page.html text \"x\"
           /src/migrations/1.sql text \"x\"
           /src/conf.d/
           /src/README.md text \"x\"
         changed RUN cargo build --release
           /src/target/CACHEDIR.TAG text \"x\"
           /src/target/release/server elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /src/target/release/server.d text \"x\"
           /src/target/release/deps/server-1 elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /src/target/site/style.css text \"x\"
         workdir /src
         cmd ./target/release/server"
    );
}

#[test]
fn a_program_that_was_copied_keeps_the_sources_beside_it() {
    snapshot!(
        "base
           debian
         changed COPY . /src
           /src/main.c text \"x\"
           /src/server elf static
         changed RUN chmod +x /src/server
           /src/server elf static 0755
         cmd /src/server"
    );
}

#[test]
fn packages_of_languages_are_dependencies_whoever_brought_them() {
    snapshot!(
        "base
           debian
         changed COPY --from=build /app /app
           /app/node_modules/express/index.js text \"x\"
           /app/index.js text \"x\"
         changed COPY zlib /usr/lib/x86_64-linux-gnu/libz.so.1.2.13
           /usr/lib/x86_64-linux-gnu/libz.so.1.2.13 elf soname=libz.so.1
         changed RUN npm install
           /app/node_modules/accepts/index.js text \"x\"
         changed COPY server /server
           /server elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
         cmd /server"
    );
}

#[test]
fn installed_programs_that_the_text_names_come() {
    snapshot!(
        "base
           debian
           /usr/bin/python3.11 elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         changed RUN apt-get install -y ffmpeg git wkhtmltopdf graphviz iputils-ping
           /usr/bin/ffmpeg elf needed=libc.so.6,libm.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /usr/bin/git elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /usr/bin/wkhtmltopdf elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /usr/bin/dot elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
           /usr/bin/ping elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 4755
           /usr/bin/unused elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2
         changed COPY . /app
           /app/main.py text \"subprocess.run(['ffmpeg', '-i', x])\\nTOOL = 'wkhtmltopdf'\\nkind = 'git'\\n\"
           /app/net.py text \"os.system('ping -c 1 host')\"
           /app/README.md text \"`unused`\"
           /app/config.yml text \"dot: /usr/bin/dot\\nother: 'unused'\"
         workdir /app
         cmd python3.11 main.py"
    );
}

#[test]
fn files_that_run_made_elsewhere_come_when_something_names_them() {
    snapshot!(
        "base
           debian
         changed RUN curl -o /opt/model/weights.bin && mkdir /opt/corpus /opt/unused && curl -o /usr/local/bin/tool
           /opt/model/weights.bin text \"x\"
           /opt/model/vocabulary.txt text \"x\"
           /opt/corpus/words.txt text \"x\"
           /opt/unused/words.txt text \"x\"
           /opt/geo.db text \"x\"
           /usr/local/bin/tool elf static 0755
           /root/.cache/pip/x text \"x\"
           /go/pkg/mod/x.go text \"x\"
         changed COPY app.ini /etc/app.ini
           /etc/app.ini text \"model = /opt/model/weights.bin\\ncache = /root/.cache/pip\"
         changed COPY app /app
           /app elf static string=/opt/geo.db
         env PATH=/usr/local/bin:/usr/bin:/bin
         env CORPUS=/opt/corpus
         env TOOL=tool
         env GOPATH=/go
         entrypoint /app"
    );
}

/// A database after `apt-get install`, with marks.
const INSTALLED: &str = r#"/var/lib/dpkg/status text "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\nPackage: ghostscript\nStatus: install ok installed\nArchitecture: amd64\nVersion: 10\nDepends: libgs10 (>= 10)\n\nPackage: libgs10\nStatus: install ok installed\nArchitecture: amd64\nVersion: 10\n\nPackage: libused-meta\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDepends: libused1\n\nPackage: libused1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\nPackage: fonts-test\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\nPackage: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 8\n\nPackage: libfoo-dev\nStatus: install ok installed\nArchitecture: amd64\nVersion: 8\n\n"
/var/lib/dpkg/info/ghostscript.list text "/.\n/usr/bin/gs\n/usr/bin/ps2pdf\n"
/var/lib/dpkg/info/libgs10:amd64.list text "/.\n/usr/lib/x86_64-linux-gnu/libgs.so.10\n"
/var/lib/dpkg/info/libused-meta.list text "/.\n/usr/share/doc/libused-meta/copyright\n"
/var/lib/dpkg/info/libused1:amd64.list text "/.\n/usr/lib/x86_64-linux-gnu/libused.so.1\n"
/var/lib/dpkg/info/fonts-test.list text "/.\n/usr/share/fonts/truetype/test/test.ttf\n"
/var/lib/dpkg/info/curl.list text "/.\n/usr/bin/curl\n"
/var/lib/dpkg/info/libfoo-dev:amd64.list text "/.\n/usr/include/foo.h\n"
/usr/bin/gs elf needed=libgs.so.10 interp=/lib64/ld-linux-x86-64.so.2
/usr/bin/ps2pdf text "x" 0755
/usr/bin/curl elf static 0755
/usr/lib/x86_64-linux-gnu/libgs.so.10 elf soname=libgs.so.10
/usr/lib/x86_64-linux-gnu/libused.so.1 elf soname=libused.so.1
/usr/share/fonts/truetype/test/test.ttf text "x"
/usr/include/foo.h text "x"
/usr/share/doc/libused-meta/copyright text "x"
/var/lib/apt/extended_states text "Package: libgs10\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: libused1\nArchitecture: amd64\nAuto-Installed: 1\n\n""#;

#[test]
fn packages_that_were_asked_for_and_are_not_used_are_told() {
    snapshot!(&format!(
        "base
           debian
         changed RUN apt-get install -y ghostscript libused-meta fonts-test curl libfoo-dev
         {INSTALLED}
         changed COPY app /app
           /app elf needed=libused.so.1 interp=/lib64/ld-linux-x86-64.so.2
         entrypoint /app"
    ));
}

#[test]
fn what_a_program_names_and_what_run_made_may_be_missed() {
    snapshot!(
        "base
           debian
           /usr/share/dict/words text \"x\"
           /usr/share/empty/
           /etc/tool/tool.conf text \"x\"
           /usr/share/zoneinfo/UTC text \"TZif2\"
         changed RUN curl | tar -C /opt && curl -o /usr/local/bin/helper
           /opt/models/a.bin text \"1234567890\"
           /opt/models-b.bin text \"1\"
           /usr/local/bin/helper elf static 0755
           /usr/local/bin/script text \"#!/bin/sh\" 0755
           /var/cache/x text \"x\"
         changed COPY app /app
           /app elf static string=/usr/share/dict/words\\x00/etc/tool\\x00/etc/nothing\\x00/usr/share/empty\\x00/etc/passwd\\x00/usr/share/zoneinfo/UTC
         entrypoint /app"
    );
}

#[test]
fn a_packaged_program_brings_what_its_own_package_has_where_it_looks() {
    snapshot!(
        "base
           debian
         changed RUN apt-get install -y figlet
           /var/lib/dpkg/status text \"Package: libc6\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2.36-9\\n\\nPackage: figlet\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2\\n\\nPackage: other\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2\\n\\n\"
           /var/lib/dpkg/info/figlet.list text \"/.\\n/usr/bin/figlet\\n/usr/bin/chkfont\\n/usr/share/figlet/standard.flf\\n/usr/share/doc/figlet/README\\n/etc/figlet.conf\\n\"
           /var/lib/dpkg/info/other.list text \"/.\\n/usr/share/figlet/other.flf\\n/usr/share/other/x\\n\"
           /usr/bin/figlet elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 string=/usr/share/figlet\\x00/usr/share/other\\x00/usr/share/doc/figlet\\x00/usr/bin/chkfont\\x00/usr/share\\x00/etc/figlet.conf
           /usr/bin/chkfont elf static
           /usr/share/figlet/standard.flf text \"x\"
           /usr/share/figlet/other.flf text \"x\"
           /usr/share/other/x text \"x\"
           /usr/share/doc/figlet/README text \"x\"
           /etc/figlet.conf text \"x\"
         cmd figlet"
    );
}

#[test]
fn a_program_that_names_a_part_of_its_packages_directory_has_all_of_it() {
    snapshot!(
        "base
           debian
         changed RUN apt-get install -y ghostscript
           /var/lib/dpkg/status text \"Package: libc6\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2.36-9\\n\\nPackage: gs\\nSource: ghostscript\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2\\n\\nPackage: gs-common\\nSource: ghostscript\\nStatus: install ok installed\\nArchitecture: all\\nVersion: 2\\n\\n\"
           /var/lib/dpkg/info/gs.list text \"/.\\n/usr/bin/gs\\n\"
           /var/lib/dpkg/info/gs-common.list text \"/.\\n/usr/share/ghostscript\\n/usr/share/ghostscript/10\\n/usr/share/ghostscript/10/Init\\n/usr/share/ghostscript/10/Init/gs_init.ps\\n/usr/share/ghostscript/10/Decoding/Unicode\\n/usr/share/ghostscript/10/icc\\n/usr/share/color/icc/gs\\n/usr/share/color/icc/gs/rgb.icc\\n/usr/share/color/other\\n\"
           /usr/bin/gs elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 string=%rom%x:/usr/share/ghostscript/10/Init:/usr/share/nothing
           /usr/share/ghostscript/10/Init/gs_init.ps text \"x\"
           /usr/share/ghostscript/10/Decoding/Unicode text \"x\"
           /usr/share/ghostscript/10/icc -> ../../color/icc/gs
           /usr/share/color/icc/gs/rgb.icc text \"x\"
           /usr/share/color/other text \"x\"
         cmd gs"
    );
}

#[test]
fn a_program_in_a_directory_that_is_called_as_its_package_has_all_of_it() {
    snapshot!(
        "base
           debian
         changed RUN apt-get install -y browser
           /var/lib/dpkg/status text \"Package: libc6\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2.36-9\\n\\nPackage: browser\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2\\n\\nPackage: browser-common\\nSource: browser\\nStatus: install ok installed\\nArchitecture: all\\nVersion: 2\\n\\n\"
           /var/lib/dpkg/info/browser.list text \"/.\\n/usr/bin/browser\\n/usr/lib/browser\\n/usr/lib/browser/start\\n/usr/lib/browser/main\\n\"
           /var/lib/dpkg/info/browser-common.list text \"/.\\n/usr/lib/browser\\n/usr/lib/browser/resources.pak\\n/usr/lib/browser/modules/one.so\\n/usr/lib/other/x\\n\"
           /usr/bin/browser -> ../lib/browser/start
           /usr/lib/browser/start text \"#!/bin/sh\\nexec $(dirname $0)/main\" 0755
           /usr/lib/browser/main elf static
           /usr/lib/browser/resources.pak text \"x\"
           /usr/lib/browser/modules/one.so elf needed=libz.so.1
           /usr/lib/other/x text \"x\"
         cmd browser"
    );
}

#[test]
fn a_packaged_program_of_go_names_its_data_among_other_texts() {
    snapshot!(
        "base
           debian
         changed RUN apt-get install -y board
           /var/lib/dpkg/status text \"Package: libc6\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2.36-9\\n\\nPackage: board\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 2\\n\\n\"
           /var/lib/dpkg/info/board.list text \"/.\\n/usr/bin/board\\n/usr/share/board\\n/usr/share/board/web\\n/usr/share/board/web/index.html\\n/usr/share/board/other\\n/usr/share/board/other/x\\n\"
           /usr/bin/board elf static go \"string=reboot/usr/share/board/web//v2/apps/usr/share/zoneinfo\"
           /usr/share/board/web/index.html text \"x\"
           /usr/share/board/other/x text \"x\"
         cmd board"
    );
}

#[test]
fn tools_that_only_installed_packages_name_stay_out() {
    let stage = |app: &str| {
        format!(
            "base
           debian
           /usr/bin/python3 elf interp=/lib64/ld-linux-x86-64.so.2
         changed RUN pip install things
           /usr/bin/git elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
           /usr/lib/python3/dist-packages/version.py text \"import subprocess; subprocess.run(['git', 'log'])\"
           /usr/bin/mangle elf static
           /usr/lib/python3/dist-packages/native.so elf needed=libc.so.6 string=mangle
           /usr/lib/python3/dist-packages/tests/server.key text \"-----BEGIN PRIVATE KEY-----\"
         changed COPY . .
           /app/main.py text \"{app}\"
         workdir /app
         cmd python3 main.py"
        )
    };
    let without = super::case::check(&stage("import version"));
    assert!(!without.contains("/usr/bin/git:"), "{without}");
    assert!(!without.contains("/usr/bin/mangle:"), "{without}");
    assert!(!without.contains("DistrolessSecretSkipped") && !without.contains("server.key"), "{without}");
    for app in ["import git, version", "run(['git'])"] {
        let with = super::case::check(&stage(app));
        assert!(with.contains("/usr/bin/git:"), "{app}:\n{with}");
    }
}

#[test]
fn what_run_made_in_the_home_directory_comes_when_the_text_says_its_name() {
    let set = super::case::check(
        "base
           debian
           /usr/bin/python3 elf interp=/lib64/ld-linux-x86-64.so.2
         changed RUN python3 download
           /root/.cache/models/weights.bin text \"x\"
           /root/corpora/words.txt text \"x\"
           /root/.cache/unnamed/weights.bin text \"x\"
         changed COPY . .
           /app/main.py text \"join(home, '.cache', 'models'); open('~/data/corpora')\"
         workdir /app
         cmd python3 main.py",
    );
    assert!(set.contains("/root/.cache/models/weights.bin"), "{set}");
    assert!(set.contains("/root/corpora/words.txt"), "{set}");
    assert!(!set.contains("\n/root/.cache/unnamed/weights.bin"), "{set}");
}
