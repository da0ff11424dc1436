//! Saved images, written with `tar` as engines write them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// What a layer holds: (name, content); a content of `dir`, `-> text` and `== name` is no file.
type Layer<'a> = &'a [(&'a str, &'a str)];

fn layer(rows: Layer<'_>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in rows {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(7);
        header.set_gid(8);
        header.set_mtime(0);
        let (kind, link) = match content.split_once(' ') {
            Some(("->", target)) => (tar::EntryType::Symlink, Some(target)),
            Some(("==", target)) => (tar::EntryType::Link, Some(target)),
            _ if *content == "dir" => (tar::EntryType::Directory, None),
            _ => (tar::EntryType::Regular, None),
        };
        header.set_entry_type(kind);
        if let Some(target) = link {
            header.set_size(0);
            builder.append_link(&mut header, name, target).unwrap();
            continue;
        }
        let bytes = if kind == tar::EntryType::Regular { content.as_bytes() } else { b"" };
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

const CONFIG: &str = r#"{"architecture":"amd64","os":"linux","config":{"Cmd":["/app"],"Env":["A=b"]}}"#;

fn amd64() -> Platform {
    Platform { os: "linux".to_owned(), architecture: "amd64".to_owned(), ..Platform::default() }
}

/// The files of an OCI layout with an index of two platforms.
fn layout(layers: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![("blobs/sha256/config".to_owned(), CONFIG.as_bytes().to_vec())];
    let mut descriptors = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        files.push((format!("blobs/sha256/layer{index}"), layer.clone()));
        descriptors.push(serde_json::json!({ "digest": format!("sha256:layer{index}") }));
    }
    let manifest = serde_json::json!({ "config": { "digest": "sha256:config" }, "layers": descriptors });
    let index = serde_json::json!({ "manifests": [
        { "digest": "sha256:other", "platform": { "os": "linux", "architecture": "arm64" } },
        { "digest": "sha256:manifest", "platform": { "os": "linux", "architecture": "amd64" } },
    ] });
    files.push(("blobs/sha256/manifest".to_owned(), manifest.to_string().into_bytes()));
    files.push(("index.json".to_owned(), index.to_string().into_bytes()));
    files
}

fn docker(layers: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let names: Vec<String> = (0..layers.len()).map(|index| format!("{index}/layer.tar")).collect();
    let manifest = serde_json::json!([{ "Config": "config.json", "Layers": names }]);
    let mut files = vec![
        ("manifest.json".to_owned(), manifest.to_string().into_bytes()),
        ("config.json".to_owned(), CONFIG.as_bytes().to_vec()),
    ];
    files.extend(names.into_iter().zip(layers.iter().cloned()));
    files
}

/// Every path of the image with what it is.
fn show(path: &Path) -> String {
    let (rootfs, config) = ImageRootfs::open(path, &amd64()).unwrap();
    assert_eq!(config.config.cmd, Some(vec!["/app".to_owned()]));
    let mut lines = Vec::new();
    let mut pending = vec![RootfsPath::root()];
    while let Some(dir) = pending.pop() {
        for Entry { name, stat } in rootfs.list(&dir).unwrap() {
            let path = dir.join(&name);
            lines.push(match &stat.kind {
                FileKind::Directory => format!("{path}/"),
                FileKind::Symlink(text) => format!("{path} -> {}", text.escape_ascii()),
                _ => {
                    let bytes = rootfs.read(&path, 0..100).unwrap();
                    let linked = if stat.hardlink.is_some() { " linked" } else { "" };
                    format!("{path} {}{linked} {}:{}", String::from_utf8_lossy(&bytes), stat.uid, stat.gid)
                }
            });
            if stat.kind == FileKind::Directory {
                pending.push(path);
            }
        }
    }
    lines.sort();
    lines.join("\n")
}

fn write(files: &[(String, Vec<u8>)], directory: &Path) {
    for (name, bytes) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn layouts_and_archives_are_the_same_image() {
    let lower = layer(&[
        ("usr/", "dir"),
        ("usr/bin/app", "one"),
        ("bin", "-> usr/bin"),
        ("etc/gone", "x"),
        ("etc/kept", "k"),
        ("var/lib/a", "a"),
        ("var/lib-b", "b"),
        ("opt/tree/x", "x"),
    ]);
    let upper = layer(&[
        ("usr/bin/app", "two"),
        ("usr/bin/again", "== usr/bin/app"),
        ("etc/.wh.gone", ""),
        ("var/lib/new", "n"),
        ("var/lib/.wh..wh..opq", ""),
        ("opt/tree", "-> ../srv"),
    ]);
    let expected = "\
/bin -> usr/bin
/etc/
/etc/kept k 7:8
/opt/
/opt/tree -> ../srv
/usr/
/usr/bin/
/usr/bin/again two linked 7:8
/usr/bin/app two linked 7:8
/var/
/var/lib-b b 7:8
/var/lib/
/var/lib/new n 7:8";
    let temporary = tempfile::tempdir().unwrap();
    let place = |name: &str| temporary.path().join(name);
    write(&layout(&[lower.clone(), gzip(&upper)]), &place("layout"));
    std::fs::write(place("layout.tar"), archive(&layout(&[gzip(&lower), upper.clone()]))).unwrap();
    std::fs::write(place("docker.tar"), archive(&docker(&[lower, upper]))).unwrap();
    for name in ["layout", "layout.tar", "docker.tar"] {
        assert_eq!(show(&place(name)), expected, "{name}");
    }
}

#[test]
fn files_are_found_through_links() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("image.tar");
    let layer = layer(&[("usr/bin/app", "one"), ("bin", "-> usr/bin"), ("loop", "-> loop")]);
    std::fs::write(&path, archive(&docker(&[layer]))).unwrap();
    let (rootfs, _) = ImageRootfs::open(&path, &amd64()).unwrap();
    let read = |path: &str| rootfs.read(&RootfsPath::from(path), 1..9);
    assert_eq!(read("/bin/app").unwrap(), b"ne");
    assert!(matches!(read("/loop/x"), Err(RootfsError::LinkLoop(_))));
    assert!(matches!(read("/bin"), Err(RootfsError::NotAFile(_))));
    assert_eq!(rootfs.stat(&RootfsPath::from("/bin/app")).unwrap().unwrap().size, 3);
    assert_eq!(rootfs.stat(&RootfsPath::from("/usr/bin/app/x")).unwrap(), None);
}

#[test]
fn what_is_no_image_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0];
    let rows: [(&str, Vec<u8>, &str); 5] = [
        ("text", b"hello".to_vec(), "failed to read entire block"),
        (
            "an empty tar",
            archive(&[]),
            "it has neither `index.json` nor `manifest.json`, so it is no saved image",
        ),
        (
            "a layer is missing",
            archive(&[
                ("manifest.json".to_owned(), br#"[{"Config":"c","Layers":["l"]}]"#.to_vec()),
                ("c".to_owned(), CONFIG.as_bytes().to_vec()),
            ]),
            "it lacks `l`",
        ),
        (
            "zstd",
            archive(&docker(&[zstd.to_vec()])),
            "its layers are compressed with zstd; save it with gzip or uncompressed",
        ),
        (
            "another platform",
            archive(&[("index.json".to_owned(), br#"{"manifests":[]}"#.to_vec())]),
            "it has no image for linux/amd64",
        ),
    ];
    for (summary, bytes, expected) in rows {
        let path = temporary.path().join("image");
        std::fs::write(&path, bytes).unwrap();
        let error = ImageRootfs::open(&path, &amd64()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{summary}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(layer: Vec<u8>, names: Vec<String>) {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("image");
        let rows: Vec<(&str, &str)> =
            names.iter().filter(|name| !name.contains('\0')).map(|name| (name.as_str(), "x")).collect();
        let named = std::panic::catch_unwind(|| self::layer(&rows)).unwrap_or_default();
        std::fs::write(&path, archive(&docker(&[named, layer]))).unwrap();
        let _ = ImageRootfs::open(&path, &amd64());
    }
}
