//! Compiles our own `.proto` files with protox, so that no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(["gateway.proto"], ["proto"])?;
    // Maps must be sorted: a vertex digest hashes the encoded op.
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .btree_map(".")
        .compile_well_known_types(true)
        .include_file("protocol.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
