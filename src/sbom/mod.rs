//! From the manifest and the final tree to SPDX.
