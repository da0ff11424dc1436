//! One build from top to bottom: the only file that knows the order of its steps.
