# shellcheck source=../buildpack/recipe.sh
source "$RECIPES/buildpack/recipe.sh" # machine_bundle, facts
needs=(temurin)
official=docker.io/library/maven
images=(
    "maven $official:3-eclipse-temurin-17 $official:3.9-eclipse-temurin-17 $official:3.9.11-eclipse-temurin-17 $official:3 $official:3.9 $official:latest"
)

prepare() {
    machine_bundle >"$1/ca-certificates.crt"
    cp "$RECIPE"/*entrypoint.sh "$1/"
    timed "base maven: download" download "$1"
}

# download DIR
download() {
    local version
    version=$(sed -n 's/^ARG MAVEN_VERSION=//p' "$RECIPE/Dockerfile")
    "$STAND/packages" maven
    mvn -B -q dependency:copy -Dartifact="org.apache.maven:apache-maven:$version:tar.gz:bin" -DoutputDirectory="$1"
    mkdir "$1/maven"
    tar xzf "$1/apache-maven-$version-bin.tar.gz" -C "$1/maven" --strip-components=1 --no-same-owner
    rm "$1"/*.tar.gz
}
