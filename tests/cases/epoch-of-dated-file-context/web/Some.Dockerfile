FROM scratch
COPY context /
COPY other /
