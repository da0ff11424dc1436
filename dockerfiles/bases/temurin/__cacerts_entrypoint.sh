#!/usr/bin/env sh
# Adds the authorities of /certificates to Java's when USE_SYSTEM_CA_CERTS asks for it, in the
# shape of Temurin's own script.
set -e

TMPDIR=${TMPDIR:-/tmp}

if [ -n "$USE_SYSTEM_CA_CERTS" ]; then
    JRE_CACERTS_PATH=$(mktemp)
    cp "$JAVA_HOME/lib/security/cacerts" "$JRE_CACERTS_PATH"
    for i in /certificates/*; do
        if [ -f "$i" ]; then
            keytool -import -noprompt -alias "$(basename "$i")" -file "$i" -keystore "$JRE_CACERTS_PATH" -storepass changeit >/dev/null
        fi
    done
    export JAVA_TOOL_OPTIONS="$JAVA_TOOL_OPTIONS -Djavax.net.ssl.trustStore=$JRE_CACERTS_PATH -Djavax.net.ssl.trustStorePassword=changeit"
fi

exec "$@"
