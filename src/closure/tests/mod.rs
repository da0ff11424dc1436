//! The whole computation on text trees: a stage in, the set with its reasons out.

mod application;
mod case;
mod commands;
mod compose;
mod left;
mod libraries;
mod node;
mod output;
mod properties;
mod python;
mod report;
mod resources;
mod runners;
mod servers;
mod sources;
mod stages;
mod users;

macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!($crate::closure::tests::case::check($text));
        })
    };
}
use snapshot;
