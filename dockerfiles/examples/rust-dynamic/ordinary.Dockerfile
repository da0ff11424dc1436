# The same program as an ordinary image.
FROM rust:1 AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
COPY --from=build /src/target/release/count /usr/bin/count
ENTRYPOINT ["count"]
