needs=(buildpack)
images=("gcc docker.io/library/gcc:12 docker.io/library/gcc:12.2 docker.io/library/gcc:12-bookworm docker.io/library/gcc:latest")
