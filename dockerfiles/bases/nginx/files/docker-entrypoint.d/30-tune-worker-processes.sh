#!/bin/sh
# Sets worker_processes to the CPUs of the control group when asked to.
set -eu

LC_ALL=C
ME=$(basename "$0")

[ "${NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE:-}" ] || exit 0

touch /etc/nginx/nginx.conf 2>/dev/null || { echo >&2 "$ME: error: can not modify /etc/nginx/nginx.conf (read-only file system?)"; exit 0; }

ceildiv() {
    num=$1
    div=$2
    echo $(((num + div - 1) / div))
}

get_cpus() {
    if [ -r /sys/fs/cgroup/cpu.max ]; then
        read -r quota period </sys/fs/cgroup/cpu.max
        if [ "$quota" != "max" ]; then
            ceildiv "$quota" "$period"
            return
        fi
    fi
    getconf _NPROCESSORS_ONLN
}

ncpu=$(get_cpus)
sed -i.bak -r 's/^(worker_processes)(.*)$/# Commented out by '"$ME"' on '"$(date)"'\n#\1\2\n\1 '"$ncpu"';/' /etc/nginx/nginx.conf
