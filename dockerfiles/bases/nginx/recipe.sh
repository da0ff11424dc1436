needs=(debian)
images=("nginx docker.io/library/nginx:1 docker.io/library/nginx:latest docker.io/library/nginx:stable docker.io/library/nginx:1.22 docker.io/library/nginx:1-bookworm docker.io/library/nginx:stable-bookworm")

# The configuration, the page and the scripts that upstream's own package and image bring.
prepare() {
    cp -r "$RECIPE/files/." "$1"
}
