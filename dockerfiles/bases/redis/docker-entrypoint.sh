#!/bin/sh
# Starts redis as its own user.
set -e

# First argument is `-f` or `--some-option`, or a configuration file.
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi

# The server gives up root, and what it keeps is its own.
if [ "$1" = 'redis-server' -a "$(id -u)" = '0' ]; then
    find . \! -user redis -exec chown redis '{}' +
    exec gosu redis "$0" "$@"
fi

# Files that others cannot read, unless the user chose otherwise.
um="$(umask)"
if [ "$um" = '0022' ]; then
    umask 0077
fi

exec "$@"
