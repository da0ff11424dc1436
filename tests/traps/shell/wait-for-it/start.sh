#!/bin/sh
: "${GREETING:=hello}"
exec python server.py "$GREETING"
