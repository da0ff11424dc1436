needs=(buildpack)
images=(
    "golang docker.io/library/golang:1.26 docker.io/library/golang:1.26.8 docker.io/library/golang:1 docker.io/library/golang:latest docker.io/library/golang:bookworm docker.io/library/golang:1.26-bookworm docker.io/library/golang:1-bookworm"
)

prepare() {
    local version module
    version=$(sed -n 's/^ARG GO_VERSION=//p' "$RECIPE/Dockerfile")
    module=golang.org/toolchain@v0.0.1-go$version.linux-amd64
    timed "base golang: download of Go $version" download "$1/mod" "$module"
    contexts+=("go=$1/mod/$module")
}

# download DIR MODULE
download() {
    command -v go >/dev/null || fail "Go is not installed: install Go 1.26.8 or newer (https://go.dev/dl)"
    GOMODCACHE=$1 GOFLAGS=-modcacherw go mod download "$2"
    # Module archives hold no x bits.
    chmod -R u=rwX,go=rX "$1/$2"
    chmod 755 "$1/$2"/bin/* "$1/$2"/pkg/tool/*/*
}
