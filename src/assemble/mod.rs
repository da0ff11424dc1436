//! The exec step: carries a plan out and writes trees and manifest.
