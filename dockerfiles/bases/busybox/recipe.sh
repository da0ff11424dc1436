needs=(debian)
images=("busybox docker.io/library/busybox:stable-musl docker.io/library/busybox:musl docker.io/library/busybox:stable docker.io/library/busybox:latest")
