//! The edge: one build served on stdio over gRPC.
