# The common ground of golang, rust and gcc.

needs=(debian)
images=(
    "scm docker.io/decant/buildpack:bookworm-scm"
    "full docker.io/decant/buildpack:bookworm"
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
}
