#!/bin/sh
set -eu
if [ "${1:-}" = web ]; then
    sed "s|@GREETING@|${WEB_GREETING}|" /etc/web/config.yaml.tmpl > /tmp/config.yaml
fi
if [ "$(id -u)" = 0 ]; then
    chown -R web:web /var/lib/web
    exec gosu web "$@"
fi
exec "$@"
