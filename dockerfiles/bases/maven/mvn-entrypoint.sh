#!/bin/sh -eu
# Runs the command, as Maven's own script does after it has filled the local repository.
exec "$@"
