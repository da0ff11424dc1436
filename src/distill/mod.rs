//! The contract between the frontend and the assemble step: what is asked, what came out.
