needs=(debian busybox)

# The names without a release mean the same images here.
for image in static base-nossl base cc; do
    for variant in "" -nonroot -debug -debug-nonroot; do
        tag=${variant#-}
        images+=("$image$variant gcr.io/distroless/$image-debian12:${tag:-latest} gcr.io/distroless/$image:${tag:-latest}")
    done
done
unset image variant tag

prepare() {
    cp "$RECIPE/compose" "$RECIPE/finish-static" "$1"
}
