//! Servers by their configuration, and scripts that start them.

use super::snapshot;

#[test]
fn a_server_brings_what_its_configuration_names() {
    snapshot!(
        "source build
           debian
           /usr/sbin/nginx elf static \"string=configure arguments: --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --http-client-body-temp-path=/var/lib/nginx/body --user=www-data\"
           /etc/nginx/nginx.conf text \"user www-data;\\ninclude modules-enabled/*.conf;\\nhttp { include mime.types; include /etc/nginx/sites-enabled/*; access_log /var/log/nginx/access.log; }\\n\"
           /etc/nginx/mime.types text \"types { }\"
           /etc/nginx/modules-enabled/ 0755
           /etc/nginx/sites-enabled/default -> ../sites-available/default
           /etc/nginx/sites-available/default text \"server { listen 80; root /srv/www; ssl_certificate cert.pem; }\"
           /etc/nginx/sites-available/other text \"server { root /srv/other; }\"
           /etc/nginx/cert.pem text \"certificate\"
           /srv/www/index.html text \"hello\"
           /srv/www/a/b.css text \"b\"
           /srv/other/index.html text \"other\"
           /var/log/nginx/access.log -> /dev/stdout
           /var/lib/nginx/ 0755
         entrypoint /usr/sbin/nginx -g daemon"
    );
}

#[test]
fn a_configuration_that_the_command_names() {
    snapshot!(
        "source build
           debian
           /usr/bin/redis-server -> redis-check-rdb
           /usr/bin/redis-check-rdb elf static
           /etc/redis/redis.conf text \"dir /var/lib/redis\\ninclude /etc/redis/more.conf\\nlogfile /var/log/redis/redis.log\\nloadmodule /usr/lib/redis/m.so\\n\"
           /etc/redis/more.conf text \"maxmemory 1mb\"
           /etc/redis/unused.conf text \"x\"
           /usr/lib/redis/m.so elf needed=libm.so.6
           /var/lib/redis/ 0750
           /var/log/redis/ 0755
         entrypoint redis-server /etc/redis/redis.conf --port 1"
    );
}

#[test]
fn an_entrypoint_script_gives_up_root_and_starts_the_server() {
    snapshot!(
        "source build
           debian
           /usr/bin/redis-server elf static
           /usr/bin/gosu elf static
           /usr/bin/find elf static
           /usr/bin/chown elf static
           /etc/redis.conf text \"dir /data\"
           /data/ 0755
           /entry.sh text \"#!/bin/sh\\nset -e\\nif [ \\\"$1\\\" = redis-server -a \\\"$(id -u)\\\" = 0 ]; then\\n find . \\\\! -user www-data -exec chown www-data '{}' +\\n exec gosu www-data \\\"$0\\\" \\\"$@\\\"\\nfi\\nexec \\\"$@\\\"\\n\" 0755
         mode distil
         entrypoint /entry.sh
         cmd redis-server /etc/redis.conf"
    );
}

#[test]
fn jobs_that_the_dockerfile_gives_to_cron() {
    let set = super::case::check(
        "base
           debian
         changed RUN apt-get install cron
           /usr/sbin/cron elf static
           /var/spool/cron/crontabs/root text \"0 3 * * * /opt/report --all\\n\" 0600
           /opt/report elf needed=libz.so.1 interp=/lib64/ld-linux-x86-64.so.2
           /usr/bin/backup elf static
           /usr/bin/unused elf static
         changed COPY jobs /etc/cron.d/jobs
           /etc/cron.d/jobs text \"PATH=/usr/bin\\n*/5 * * * * www-data cd / && backup >> /var/log/x\\n\"
         cmd /usr/sbin/cron -f",
    );
    for path in ["/usr/bin/backup", "/opt/report", "/usr/bin/sh", "/var/spool/cron/crontabs/root"] {
        assert!(set.contains(path), "{path}:\n{set}");
    }
    assert!(!set.contains("/usr/bin/unused:"), "{set}");
}
