//! Every example and every Dockerfile of the documents parses.

use std::fs;
use std::path::Path;

#[test]
fn examples_parse() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("dockerfiles/examples");
    let mut seen = 0;
    for entry in fs::read_dir(root).unwrap() {
        let directory = entry.expect("an entry can be read").path();
        for name in ["Dockerfile", "ordinary.Dockerfile"] {
            let file = directory.join(name);
            let data = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            if let Err(error) = decant::dockerfile::parse(&data) {
                panic!("{}: {error:?}", file.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 12, "only {seen} Dockerfiles of examples were found");
}

#[test]
fn dockerfiles_in_documents_parse() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for document in documents(root) {
        let text = fs::read_to_string(&document).unwrap();
        for block in dockerfile_blocks(&text) {
            if let Err(error) = decant::dockerfile::parse(block.as_bytes()) {
                panic!("{}: {error:?}\n{block}", document.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 0, "the documents show no Dockerfile");
}

fn documents(root: &Path) -> Vec<std::path::PathBuf> {
    let mut documents = vec![root.join("README.md")];
    let mut directories = vec![root.join("docs")];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(directory) else { continue };
        for entry in entries {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    documents.sort();
    documents
}

/// The contents of fenced blocks marked `Dockerfile`.
fn dockerfile_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            None if line.trim() == "```Dockerfile" => block = Some(String::new()),
            None => {}
            Some(_) if line.trim() == "```" => blocks.extend(block.take()),
            Some(content) => {
                content.push_str(line);
                content.push('\n');
            }
        }
    }
    blocks
}
