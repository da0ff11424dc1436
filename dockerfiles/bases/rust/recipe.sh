needs=(buildpack)
version=$(rustc --version | cut -d' ' -f2)
minor=${version%.*}
images=(
    "rust docker.io/library/rust:1 docker.io/library/rust:latest docker.io/library/rust:bookworm docker.io/library/rust:1-bookworm docker.io/library/rust:$minor docker.io/library/rust:$minor-bookworm docker.io/library/rust:$version"
)
build_args=(RUST_VERSION="$version")

facts() {
    rustc --version --verbose
}

prepare() {
    local sysroot
    sysroot=$(rustc --print sysroot)
    [[ -x $sysroot/bin/cargo && $sysroot != /usr ]] || fail "the Rust toolchain is not rustup's: install it with https://rustup.rs"
    contexts+=("toolchain=$sysroot")
}
