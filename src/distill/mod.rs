//! The contract between the frontend and the assemble step: what is asked ([`spec::AssembleSpec`]),
//! what came out ([`manifest::Manifest`]), and the exec op that carries one to the other ([`step`]);
//! [`sbom`] is the op that describes what came out.

pub mod apply;
pub mod budget;
pub mod difference;
pub mod manifest;
pub mod sbom;
pub mod spec;
pub mod step;
