#!/bin/sh
set -e
ssh-keygen -q -t ed25519 -N '' -f /tmp/hostkey
exec /usr/sbin/sshd -D -e -h /tmp/hostkey -p 2222 "$@"
