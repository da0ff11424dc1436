images=("dockerfile docker.io/docker/dockerfile:1 docker.io/docker/dockerfile:1.28 docker.io/docker/dockerfile:latest")

# The program is one of the pinned tools, whose directory is named by their digest.
facts() {
    basename "$(dirname "$("$STAND/tools" buildkit)")"
}

prepare() {
    cp "$("$STAND/tools" buildkit)/dockerfile-frontend" "$1/"
}
