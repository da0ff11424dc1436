//! Names, targets, FROM arguments and reachability: from parsed stages to a stage graph.
