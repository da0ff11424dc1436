# Where things of this checkout lie. Sourced by every script of this directory.
#
# State (image store, registry content, logs, process ids) is below .stand/ in the
# checkout. Sockets are in /tmp, because a socket path may have 107 bytes only.
# What any checkout can use (built tools, base images) is in the user's cache.

set -euo pipefail
umask 022

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
STAND=$CHECKOUT/tests/stand
STATE=$CHECKOUT/.stand
STAND_ID=$(printf %s "$CHECKOUT" | sha256sum | cut -c1-10)
SOCKETS=/tmp/decant-$STAND_ID
CACHE=${XDG_CACHE_HOME:-${HOME:?}/.cache}/decant

BUILDKIT_SOCKET=$SOCKETS/buildkitd.sock
ENGINE_SOCKET=$SOCKETS/docker.sock

# Standard error as it was at the start: `timed` sends that of its command to a log.
exec {TERMINAL}>&2

# One line of progress. Not on standard output, which is the answer of some scripts.
say() {
    printf '%s\n' "$*" >&"$TERMINAL"
}

# Ends the script with one line that says what to do.
fail() {
    say "decant: $*"
    exit 1
}

# timed LABEL COMMAND… runs COMMAND and says how long it took; its output goes to
# a log of which the end is shown when the command fails.
#
# COMMAND is not called as a condition: bash would ignore `set -e` inside it.
timed() {
    local started=$SECONDS
    TIMED=$1
    TIMED_LOG=$STATE/log/${1//[^A-Za-z0-9.]/-}.log
    shift
    mkdir -p "$STATE/log"
    [[ ! -t $TERMINAL ]] || printf '%s …\r' "$TIMED" >&"$TERMINAL"
    "$@" >"$TIMED_LOG" 2>&1
    say "$TIMED: $((SECONDS - started)) s"
    TIMED=
}

TIMED=

# Scripts that leave something half-made define their own `cleanup`.
cleanup() { :; }

at_exit() {
    local status=$?
    if ((status != 0)) && [[ $TIMED ]]; then
        {
            tail -n 40 "$TIMED_LOG"
            printf 'decant: %s failed; the whole log is %s\n' "$TIMED" "$TIMED_LOG"
        } >&"$TERMINAL"
    fi
    cleanup
}
trap at_exit EXIT

# need_disk GIGABYTES WHAT-FOR
need_disk() {
    local free
    mkdir -p "$STATE"
    free=$(df --output=avail -BG "$STATE" | tail -n 1 | tr -dc 0-9)
    ((free >= $1)) || fail "$2 needs $1 GB of free disk, $STATE has $free GB"
}
