needs=(debian)
images=(
    "alpine docker.io/library/alpine:3.22 docker.io/library/alpine:3 docker.io/library/alpine:latest"
    "toolchain docker.io/decant/musl-toolchain:trixie"
)

prepare() {
    cp "$RECIPE/package-database" "$1"
}
