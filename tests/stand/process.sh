# Daemons of this checkout: started detached, known by process id and start time,
# ended by exactly that id. Sourced after layout.sh.

# The start time of a process in clock ticks; with the id it names one process for ever.
start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The second field is the program name in parentheses and may hold blanks.
    set -- ${stat##*) }
    # A zombie has ended, even if nobody fetches its status.
    [[ $1 != Z ]] || return 1
    printf %s "${20}"
}

# record NAME PID remembers a process as daemon NAME.
record() {
    printf '%s %s\n' "$2" "$(start_time "$2")" >"$STATE/$1.pid"
}

# pid_of NAME prints the id of daemon NAME, or fails when it does not run.
pid_of() {
    local pid started
    [[ -f $STATE/$1.pid ]] || return 1
    read -r pid started <"$STATE/$1.pid" || return 1
    [[ $(start_time "$pid") == "$started" ]] || return 1
    printf %s "$pid"
}

# launch NAME COMMAND… starts a daemon with its log in .stand/log/NAME.log.
launch() {
    local name=$1
    shift
    mkdir -p "$STATE/log"
    # Descriptors beyond the first three are closed: a daemon must not hold a lock of ours.
    (
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            ((fd <= 2)) || eval "exec $fd>&-"
        done
        exec setsid "$@" </dev/null >"$STATE/log/$name.log" 2>&1
    ) &
    record "$name" $!
}

# wait_for SECONDS NAME COMMAND… repeats COMMAND until it succeeds.
# Fails when daemon NAME has ended or the time is over.
wait_for() {
    local limit=$((SECONDS + $1)) name=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! pid_of "$name" >/dev/null; then
            tail -n 5 "$STATE/log/$name.log" >&2
            return 1
        fi
        if ((SECONDS >= limit)); then
            say "$name does not answer"
            return 1
        fi
        sleep 0.1
    done
}

# stop NAME ends a daemon: asks, and after ten seconds insists.
stop() {
    local pid limit=$((SECONDS + 10))
    if pid=$(pid_of "$1"); then
        kill -TERM "$pid" 2>/dev/null || true
        while pid_of "$1" >/dev/null; do
            ((SECONDS < limit)) || kill -KILL "$pid" 2>/dev/null || true
            ((SECONDS < limit + 5)) || fail "$1 (process $pid) does not end"
            sleep 0.1
        done
        say "ended $1 (process $pid)"
    fi
    rm -f "$STATE/$1.pid"
}

# Unmounts everything mounted below a directory, innermost first.
unmount_below() {
    local point below
    # mountinfo names what a path stands for, links resolved.
    below=$(realpath -m "$1")
    # It writes a blank in a path as \040.
    while read -r point; do
        point=$(printf %b "$point")
        [[ $point == "$below"/* ]] && umount -l "$point" 2>/dev/null || true
    done < <(awk '{print $5}' /proc/self/mountinfo | tac)
}

# Ends what a killed daemon's containers left behind: every process in cgroups below NAME,
# in whichever hierarchies the machine has, and then the cgroups.
end_cgroup() {
    local group pid
    while read -r group; do
        while read -r pid; do
            kill -KILL "$pid" 2>/dev/null || true
        done <"$group/cgroup.procs"
    done < <(cgroups_below "$1")
    # A cgroup can be removed once its last process is gone.
    while read -r group; do
        rmdir "$group" 2>/dev/null || sleep 0.2
        [[ ! -d $group ]] || rmdir "$group" 2>/dev/null || true
    done < <(cgroups_below "$1")
}

# Innermost first.
cgroups_below() {
    local root
    for root in /sys/fs/cgroup/"$1" /sys/fs/cgroup/*/"$1"; do
        [[ ! -d $root ]] || find "$root" -depth -type d
    done
}

# Ends the shims that a killed containerd has left: they carry its socket as an argument.
end_shims() {
    local process
    while read -r process; do
        process=${process#/proc/}
        kill -KILL "${process%/cmdline}" 2>/dev/null || true
    done < <(grep -lzxF -- "$SOCKETS/containerd.sock" /proc/[0-9]*/cmdline 2>/dev/null)
}
