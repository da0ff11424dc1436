#!/usr/bin/env bash
# Waits until a port answers, then starts a command: wait-for-it.sh HOST:PORT [-t SECONDS] [-- COMMAND…]
limit=15
command=()
say() { echo "wait-for-it: $*" >&2; }
while (($#)); do
    case $1 in
    -t) limit=$2; shift 2 ;;
    --) shift; command=("$@"); break ;;
    --probe) probe=1; shift ;;
    *:*) place=(${1//:/ }); shift ;;
    *) say "unknown argument $1"; exit 64 ;;
    esac
done
if [[ ${probe-} ]]; then
    until (: >"/dev/tcp/${place[0]}/${place[1]}") 2>/dev/null; do sleep 0.2; done
    exit
fi
begun=$(date +%s)
if timeout "$limit" "$0" "${place[0]}:${place[1]}" --probe; then
    say "${place[*]} answers after $(($(date +%s) - begun)) seconds"
else
    say "${place[*]} does not answer"
fi
((${#command[@]})) && exec "${command[@]}"
