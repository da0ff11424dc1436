#!/bin/sh
set -e
if [ "$(id -u)" = '0' ]; then
    find . \! -user app -exec chown app '{}' +
    exec gosu app "$0" "$@"
fi
exec "$@"
