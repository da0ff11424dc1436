# How each daemon is configured and started. Sourced after process.sh.

BIN=$STATE/bin
PATH=$BIN:$PATH:/usr/sbin:/sbin
export BUILDKIT_HOST=unix://$BUILDKIT_SOCKET
export DOCKER_CONFIG=$STATE/docker
export BUILDX_CONFIG=$STATE/buildx

registry_address() {
    printf 'localhost:%s' "$(<"$STATE/registry.port")"
}

# Links the programs of a directory into the directory that `make env` puts on PATH.
install_tools() {
    mkdir -p "$BIN"
    ln -sf "$1"/* "$BIN/"
}

# The socket directory is private: whoever may talk to buildkitd is root on the machine.
make_socket_dir() {
    mkdir -p -m 700 "$SOCKETS"
    [[ -O $SOCKETS && ! -L $SOCKETS ]] || fail "$SOCKETS belongs to somebody else: remove it"
}

# ---- registry ----------------------------------------------------------------

registry_answers() {
    curl -fsS --max-time 2 -o /dev/null "http://$(registry_address)/v2/"
}

port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port below the kernel's ephemeral range, so that no outgoing connection takes it. The
# first one tried depends on the checkout alone: image names in notes stay true.
port_to_try() {
    local number=$((16#${STAND_ID:0:7}))
    (($1 == 1)) || number=$((RANDOM * 32768 + RANDOM))
    echo $((20000 + number % 12000))
}

registry_config() {
    cat <<CONFIG
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: $STATE/registry
  delete:
    enabled: true
  maintenance:
    uploadpurging:
      enabled: false
http:
  addr: 127.0.0.1:$1
  secret: decant
CONFIG
}

start_registry() {
    local attempt port
    ! pid_of registry >/dev/null || return 0
    for attempt in 1 2 3 4 5 6 7 8; do
        port=$(cat "$STATE/registry.port" 2>/dev/null || port_to_try "$attempt")
        rm -f "$STATE/registry.port"
        ! port_is_taken "$port" || continue
        echo "$port" >"$STATE/registry.port"
        registry_config "$port" >"$STATE/registry.yml"
        mkdir -p "$STATE/registry"
        launch registry docker-registry serve "$STATE/registry.yml"
        wait_for 10 registry registry_answers && return 0
        stop registry
    done
    fail "the registry does not start; its log is $STATE/log/registry.log"
}

# ---- buildkitd ---------------------------------------------------------------

# buildkit_config ROOT SOCKET-DIR CGROUP
#
# Images of docker.io and gcr.io come from the local registry, so Dockerfiles keep
# their usual FROM lines. Builds use the machine's network, as on a developer's
# machine. A cgroup of its own shows which processes a daemon has left behind.
buildkit_config() {
    local registry
    registry=$(registry_address)
    cat <<CONFIG
root = "$1"
insecure-entitlements = ["network.host", "security.insecure", "device"]

[grpc]
  address = ["unix://$2/buildkitd.sock"]

[otel]
  socketPath = "$2/otel.sock"

[cdi]
  disabled = true

[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  networkMode = "host"
  defaultCgroupParent = "$3"
  gc = true
  reservedSpace = "4GB"
  maxUsedSpace = "15GB"
  minFreeSpace = "5GB"

[worker.containerd]
  enabled = false

[history]
  maxAge = "48h"
  maxEntries = 200

[registry."docker.io"]
  mirrors = ["$registry"]

[registry."gcr.io"]
  mirrors = ["$registry"]

[registry."$registry"]
  http = true
CONFIG
}

# buildkit_answers [ADDRESS]
buildkit_answers() {
    timeout 5 buildctl --addr "${1-$BUILDKIT_HOST}" debug workers
}

start_buildkitd() {
    ! pid_of buildkitd >/dev/null || return 0
    end_cgroup "decant-$STAND_ID/buildkit"
    make_socket_dir
    rm -f "$BUILDKIT_SOCKET"
    buildkit_config "$STATE/buildkit" "$SOCKETS" "/decant-$STAND_ID" >"$STATE/buildkitd.toml"
    launch buildkitd buildkitd --config "$STATE/buildkitd.toml"
    wait_for 30 buildkitd buildkit_answers || fail "buildkitd does not start; its log is $STATE/log/buildkitd.log"
}

# The builder `decant` of buildx, in a configuration directory of this checkout.
make_builder() {
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    ln -sf "$BIN/buildx" "$DOCKER_CONFIG/cli-plugins/docker-buildx"
    buildx inspect decant >/dev/null 2>&1 ||
        buildx create --name decant --driver remote "$BUILDKIT_HOST" >/dev/null
}
