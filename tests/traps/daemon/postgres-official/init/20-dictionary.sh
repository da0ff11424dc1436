#!/bin/bash
set -e
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" -c "create text search dictionary x (template = snowball, language = english)"
echo "initialised $(date +%Y | wc -c)"
