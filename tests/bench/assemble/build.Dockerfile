# A stage of more than 1 GB: a toolchain, and many small files that nobody asks for.
FROM golang:1.26 AS build
RUN mkdir /ballast && cd /ballast && \
    for directory in $(seq 100); do \
        mkdir $directory && \
        head -c 8388608 /dev/urandom | split -b 65536 - $directory/; \
    done
