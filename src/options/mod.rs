//! The key/value options of a build, read once into typed values.
