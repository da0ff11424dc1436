//! Lint rules, one per file.
