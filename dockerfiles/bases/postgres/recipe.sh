needs=(debian)
images=("postgres docker.io/library/postgres:15 docker.io/library/postgres:latest docker.io/library/postgres:15-bookworm")

prepare() {
    cp "$RECIPE/docker-entrypoint.sh" "$1"
}
