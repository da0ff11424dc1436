//! Compiles our own `.proto` files with protox, so that no `protoc` is needed, and the TOML rules to one JSON text, so
//! that the program needs no TOML parser.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

#[path = "src/rules/schema.rs"]
#[expect(unreachable_pub, reason = "the program's schema, here only to read the rules once")]
mod schema;

fn main() -> Result<(), Box<dyn Error>> {
    compile_protocol()?;
    compile_rules()
}

fn compile_protocol() -> Result<(), Box<dyn Error>> {
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

fn compile_rules() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/rules");
    let folder = Path::new("src/rules");
    let mut rules = read_toml(&folder.join("wrapper.toml"))?;
    rules.extend(read_toml(&folder.join("dlopen.toml"))?);
    rules.insert("application".to_owned(), Value::Object(read_toml(&folder.join("application.toml"))?));
    for kind in ["resource", "runtime", "server"] {
        rules.insert(kind.to_owned(), Value::Array(read_folder(&folder.join(kind))?));
    }
    let rules: schema::Rules = serde_json::from_value(Value::Object(rules))?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("rules.json"), serde_json::to_vec(&rules)?)?;
    Ok(())
}

/// The rules of a folder, sorted by file name, each with its name as `id`.
fn read_folder(folder: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort_by_key(|file| file.file_stem().map(ToOwned::to_owned));
    let mut rules = Vec::new();
    for file in files {
        let mut rule = read_toml(&file)?;
        let id = file.file_stem().and_then(|name| name.to_str()).ok_or("a rule file has an ASCII name")?;
        rule.insert("id".to_owned(), Value::from(id));
        rules.push(Value::Object(rule));
    }
    Ok(rules)
}

fn read_toml(file: &Path) -> Result<Map<String, Value>, Box<dyn Error>> {
    let text = std::fs::read_to_string(file)?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()).into())
}
