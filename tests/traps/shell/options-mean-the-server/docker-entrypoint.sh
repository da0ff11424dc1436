#!/bin/sh
set -e
# An option alone means the server.
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ]; then
    set -- server "$@"
fi
exec "$@"
