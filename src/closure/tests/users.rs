//! The image's user, its home, what it may read.

use super::case::Case;
use super::snapshot;
use crate::closure::plan::Content;
use crate::rootfs::RootfsPath;

#[test]
fn the_user_is_written_as_numbers_with_its_home() {
    snapshot!(
        "source build
           debian
           /var/www/ 0750 33:33
           /out/app elf static
         step COPY --from=build /out/app /app
         user www-data
         expose 80/tcp
         entrypoint /app"
    );
}

#[test]
fn an_unknown_user_is_an_error() {
    snapshot!(
        "source build
           debian
           /out/app elf static
         step COPY --from=build /out/app /app
         user app
         entrypoint /app"
    );
}

#[test]
fn nonroot_warns_about_files_it_cannot_read() {
    snapshot!(
        "source build
           debian
           /out/app elf static 0700
           /out/data/a text \"\" 0600
           /out/data/b text \"\" 0600
         step COPY --from=build /out/app /app
         step COPY --from=build /out/data /data
         nonroot
         expose 443
         entrypoint /app"
    );
}

#[test]
fn volumes_exist_with_the_owner_of_the_source() {
    snapshot!(
        "source build
           debian
           /var/lib/app/ 0700 33:33
           /out/app elf static
         step COPY --from=build /out/app /app
         volume /var/lib/app
         volume /data
         entrypoint /app"
    );
}

#[test]
fn accounts_are_those_of_the_base_set_and_of_the_owners() {
    let case = Case::parse(
        "source build
           debian
           /out/x text \"\"
         step COPY --from=build --chown=www-data /out/x /x",
    );
    let plan = case.plan().expect("it plans");
    let text = |path: &str| match &plan.entries[&RootfsPath::from(path)].content {
        Content::Bytes(bytes) => String::from_utf8(bytes.clone()).expect("text"),
        other => panic!("{path} is {other:?}"),
    };
    assert_eq!(
        text("/etc/passwd"),
        "root:x:0:0:root:/root:/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n\
         nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n\
         www-data:x:33:33:www-data:/var/www:/sbin/nologin\n"
    );
    assert_eq!(
        text("/etc/group"),
        "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\nwww-data:x:33:\n"
    );
}

#[test]
fn accounts_that_a_program_becomes_are_those_in_its_data() {
    let case = Case::parse(
        "source build
           debian
           /etc/passwd text \"sshd:x:101:65534::/run:/x\\nproxy:x:13:13::/:/x\\nbackup:x:34:34::/:/x\\nlist:x:38:38::/:/x\\n\"
           /usr/sbin/sshd elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 import=getpwnam,setresuid \"string=/run/sshd\\x00default_user proxy\\x00make a backup of it\"
           /usr/bin/install elf needed=libc.so.6 interp=/lib64/ld-linux-x86-64.so.2 import=getpwnam string=list
         entrypoint /usr/sbin/sshd
         program install",
    );
    let plan = case.plan().expect("it plans");
    let Content::Bytes(passwd) = &plan.entries[&RootfsPath::from("/etc/passwd")].content else {
        panic!("passwd is generated")
    };
    let text = String::from_utf8_lossy(passwd);
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["root", "nobody", "nonroot", "proxy", "sshd"]);
}

#[test]
fn the_base_set_is_the_same_for_every_program() {
    let case = Case::parse(
        "source build
           debian",
    );
    let plan = case.plan().expect("it plans");
    let lines: Vec<String> = plan
        .entries
        .iter()
        .map(|(path, entry)| {
            format!("{:?} {path} {:04o} {}:{}", entry.layer, entry.mode, entry.uid, entry.gid)
        })
        .collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(lines.join("\n"));
    });
}

#[test]
fn a_passwd_file_that_the_user_copies_names_the_users() {
    snapshot!(
        "source build
           debian
           /files/passwd text \"svc:x:4711:4712:svc:/srv:/bin/sh\\n\"
           /out/app elf static
         step COPY --from=build /files/passwd /etc/passwd
         step COPY --from=build /out/app /app
         user svc
         entrypoint /app"
    );
}

#[test]
fn a_user_with_further_groups_is_written_without_a_group() {
    snapshot!(
        "base
           debian
           /etc/passwd text \"app:x:1000:1000::/home/app:/bin/sh\\n\"
           /etc/group text \"app:x:1000:\\nshared:x:3000:app\\n\"
         changed RUN install -d -g shared -m 0750 /srv
           /srv/ 0750 0:3000
         changed COPY app /usr/local/bin/app
           /usr/local/bin/app elf static
         user app
         entrypoint /usr/local/bin/app"
    );
}

#[test]
fn volumes_start_with_what_the_stage_holds_there() {
    snapshot!(
        "base
           debian
         changed RUN useradd app && seed /data
           /data/ 0700 33:33
           /data/seed text \"x\"
           /data/sub/more text \"y\"
         changed COPY app /usr/local/bin/app
           /usr/local/bin/app elf static
         volume /data
         entrypoint /usr/local/bin/app"
    );
}
