//! From typed instructions to LLB nodes and the image config.
