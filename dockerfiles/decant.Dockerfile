# decant's own image: one static program on scratch.
#
# `make frontend` replaces the stage `build` by the program built on the machine
# (a named context); without it the stage builds the program here.

FROM rust:1 AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target <<'SH'
set -eu
# With --target the flags reach the program only, not the build scripts.
target=$(uname -m)-unknown-linux-gnu
RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static -C force-unwind-tables=no" cargo build --release --locked --target "$target"
install -D "target/$target/release/decant" /out/decant
SH

FROM scratch
LABEL moby.buildkit.frontend.network.none="true" \
      moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts,moby.buildkit.frontend.gitquerystring,moby.buildkit.frontend.contexts.zstd"
COPY --from=build /out/decant /decant
ENTRYPOINT ["/decant"]
