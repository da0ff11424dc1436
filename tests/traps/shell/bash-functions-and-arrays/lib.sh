# Sourced.
log() { printf '%s\n' "$*" | tr a-z A-Z; }
