#!/bin/bash
set -e
DATADIR=/var/lib/mysql
if [ ! -d "$DATADIR/mysql" ]; then
  echo "initialising"
  mariadb-install-db --user=mysql --datadir="$DATADIR" --auth-root-authentication-method=normal --skip-test-db > /tmp/install.log 2>&1 || { cat /tmp/install.log; exit 1; }
  mariadbd --user=mysql --datadir="$DATADIR" --skip-networking --socket=/tmp/init.sock --log-error=/tmp/err.log &
  pid=$!
  for i in {30..0}; do
    if mariadb-admin --socket=/tmp/init.sock ping >/dev/null 2>&1; then break; fi
    sleep 0.5
  done
  mariadb --socket=/tmp/init.sock -e "CREATE DATABASE IF NOT EXISTS \`$DB_NAME\`; CREATE TABLE $DB_NAME.t(a int); INSERT INTO $DB_NAME.t VALUES (42);"
  mariadb --socket=/tmp/init.sock -N -e "select a from $DB_NAME.t"
  kill "$pid"; wait "$pid"
fi
echo ready
[ "$1" = once ] && exit 0
exec "$@"
