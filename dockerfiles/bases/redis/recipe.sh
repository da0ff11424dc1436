needs=(debian)
images=("redis docker.io/library/redis:7 docker.io/library/redis:latest docker.io/library/redis:7.0 docker.io/library/redis:7-bookworm")

prepare() {
    cp "$RECIPE/docker-entrypoint.sh" "$1"
}
