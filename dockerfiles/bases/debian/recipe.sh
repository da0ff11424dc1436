# Debian in the layout of the official images: the minbase set, merged /usr, Docker's apt
# settings; -slim without documentation and locales.

images=(
    "bookworm docker.io/library/debian:bookworm docker.io/library/debian:12"
    "bookworm-slim docker.io/library/debian:bookworm-slim docker.io/library/debian:12-slim"
    "trixie-slim docker.io/library/debian:trixie-slim docker.io/library/debian:13-slim docker.io/library/debian:stable-slim"
)
platforms[bookworm-slim]=linux/amd64,linux/arm64

HOOKS=/usr/share/mmdebstrap/hooks/merged-usr

prepare() {
    timed "base debian: bookworm" bootstrap bookworm "" "$1"
    timed "base debian: bookworm-slim" bootstrap bookworm -slim "$1"
    timed "base debian: trixie-slim" bootstrap trixie -slim "$1"
    timed "base debian: bookworm-slim for arm64" unpack_arm64 "$1"
}

# bootstrap SUITE -slim|"" DIR
bootstrap() {
    local suite=$1 variant=$2 context=$3 slim=() dir
    if [[ $variant ]]; then
        for dir in doc man info locale lintian linda groff; do
            slim+=(--dpkgopt="path-exclude=/usr/share/$dir/*")
        done
        slim+=(--dpkgopt='path-include=/usr/share/doc/*/copyright')
        slim+=(--dpkgopt='path-include=/usr/share/locale/locale.alias')
    fi
    # Without usr-is-merged bookworm brings usrmerge, and with it all of perl.
    # force-unsafe-io saves two thirds of the time.
    mmdebstrap --variant=minbase --include=usr-is-merged --hook-dir="$HOOKS" \
        --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io "${slim[@]}" \
        --customize-hook="$RECIPE/docker-settings $suite"' "$1"' \
        "$suite" "$context/$suite$variant-amd64.tar"
}

unpack_arm64() {
    mmdebstrap --arch=arm64 --variant=extract --hook-dir="$HOOKS" \
        --include=base-files,base-passwd,bash,ca-certificates,coreutils,dash,libc-bin,libc6,libgcc-s1,libstdc++6,zlib1g \
        --customize-hook='cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"' \
        --customize-hook='cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"' \
        --customize-hook='test -e "$1/bin/sh" || ln -s dash "$1/bin/sh"' \
        bookworm "$1/bookworm-slim-arm64.tar"
}
