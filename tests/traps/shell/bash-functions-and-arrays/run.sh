#!/usr/bin/env bash
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
[ -f /etc/default/app ] && . /etc/default/app

sorter=( sort -n )
retry() { local n=$1; shift; "$@" || { sleep 0; "$@"; }; }

main() {
    case "${1:-}" in
        sum) retry 2 paste -sd+ <(seq 3 | "${sorter[@]}" -r) ;;
        *)   log "usage: $0 sum"; exit 64 ;;
    esac
    while read -r line; do log "$line"; done < <(printf 'b\na\n' | "$SORTER")
    if [[ $(uname -s) == Linux && -n ${HOSTNAME:-} ]]; then log "on $(uname -s)"; fi
}
trap 'rm -f /tmp/left; log bye' EXIT
touch /tmp/left
main "$@"
