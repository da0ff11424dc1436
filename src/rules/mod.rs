//! Declarative rules for runtimes and resources.
