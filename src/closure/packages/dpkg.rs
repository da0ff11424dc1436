//! Debian's package database: dpkg `status`, `info/*.list`, or distroless `status.d`.
