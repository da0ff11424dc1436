//! Alpine's package database: apk `installed`.
