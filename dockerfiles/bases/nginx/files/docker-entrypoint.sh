#!/bin/sh
# Runs what lies in /docker-entrypoint.d before nginx starts.
set -e

log() {
    if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ]; then
        echo "$@"
    fi
}

if [ "$1" = "nginx" ] || [ "$1" = "nginx-debug" ]; then
    if /usr/bin/find "/docker-entrypoint.d/" -mindepth 1 -maxdepth 1 -type f -print -quit 2>/dev/null | read v; then
        log "$0: looking for shell scripts in /docker-entrypoint.d/"
        find "/docker-entrypoint.d/" -follow -type f -print | sort -V | while read -r f; do
            case "$f" in
                *.envsh)
                    if [ -x "$f" ]; then
                        log "$0: sourcing $f"
                        . "$f"
                    else
                        log "$0: ignoring $f, not executable"
                    fi
                    ;;
                *.sh)
                    if [ -x "$f" ]; then
                        log "$0: launching $f"
                        "$f"
                    else
                        log "$0: ignoring $f, not executable"
                    fi
                    ;;
                *) log "$0: ignoring $f" ;;
            esac
        done
        log "$0: ready for start up"
    else
        log "$0: no files in /docker-entrypoint.d/"
    fi
fi

exec "$@"
