//! Debian's package database: dpkg `status` with `info/*.list`, or distroless `status.d`.
//!
//! The records written are those of Google's distroless images (its `PACKAGE_METADATA.md`): a control paragraph
//! without `Status:` in `status.d/<package>`, and `<package>.md5sums` cut to the files that are shipped.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::closure::packages::index::Index;
use crate::closure::packages::merge::Merge;
use crate::closure::packages::paragraph::{Paragraph, paragraphs};
use crate::closure::packages::{Package, PackageDb, PackageId, PackagesError, Record, owners, read_optional};
use crate::rootfs::links::{self, Resolved};
use crate::rootfs::{FileKind, Rootfs, RootfsError, RootfsPath};

/// `status`: about 1 KB for each package; the largest desktops have some thousand.
const MAX_STATUS_BYTES: u64 = 64 << 20;
/// One `.list` or `.md5sums`: the largest packages (firmware, icons) have some MB.
const MAX_LIST_BYTES: u64 = 64 << 20;
/// Packages and paths in all.
const MAX_PACKAGES: usize = 50_000;
const MAX_PATHS: usize = 10_000_000;

const STATUS: &str = "/var/lib/dpkg/status";
const STATUS_D: &str = "/var/lib/dpkg/status.d";
const INFO: &str = "/var/lib/dpkg/info";
/// Which packages APT installed as dependencies.
const MARKS: &str = "/var/lib/apt/extended_states";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";

/// A dpkg database.
pub struct Dpkg<'fs> {
    rootfs: &'fs dyn Rootfs,
    packages: Vec<Package>,
    installed: Vec<Installed>,
    merge: Merge,
    index: OnceCell<Index>,
}

/// What the database says of one package besides [`Package`].
struct Installed {
    /// The paragraph without `Status:`.
    control: Vec<u8>,
    /// The name of its files in `info`, such as `libc6:amd64`; `None` for one from `status.d`.
    info: Option<String>,
    /// The name of its record.
    record: String,
}

impl<'fs> Dpkg<'fs> {
    /// Reads the packages; lists of files are read when first asked for. `None` when the root has no such database.
    ///
    /// # Errors
    /// When the database is there but cannot be read, or is beyond the limits.
    pub fn open(rootfs: &'fs dyn Rootfs) -> Result<Option<Self>, PackagesError> {
        let mut dpkg = Self {
            rootfs,
            packages: Vec::new(),
            installed: Vec::new(),
            merge: Merge::of(rootfs)?,
            index: OnceCell::new(),
        };
        let status = read_optional(rootfs, &RootfsPath::from(STATUS), MAX_STATUS_BYTES)?;
        let records = directory_names(rootfs, &RootfsPath::from(STATUS_D))?;
        if status.is_none() && records.is_empty() {
            return Ok(None);
        }
        dpkg.read_status(&status.unwrap_or_default())?;
        dpkg.read_status_d(&records)?;
        Ok(Some(dpkg))
    }

    fn read_status(&mut self, text: &[u8]) -> Result<(), PackagesError> {
        let found = paragraphs(text);
        let native = native_architecture(&found);
        let info: BTreeSet<Vec<u8>> =
            directory_names(self.rootfs, &RootfsPath::from(INFO))?.into_iter().collect();
        for paragraph in found {
            let status = paragraph.field("Status").unwrap_or_default();
            if !status.is_empty() && status.split_ascii_whitespace().next_back() != Some("installed") {
                continue;
            }
            let Some(package) = package_of(&paragraph) else { continue };
            // Multi-Arch: same packages have the architecture in the names of their files.
            let qualified = format!("{}:{}", package.name, package.architecture);
            let has = |name: &str| info.contains(format!("{name}.list").as_bytes());
            let info_name = if has(&qualified) { qualified.clone() } else { package.name.clone() };
            let foreign = package.architecture != "all" && native.as_ref() != Some(&package.architecture);
            let record = if foreign { qualified } else { package.name.clone() };
            self.push(package, control_of(&paragraph), Some(info_name), record)?;
        }
        Ok(())
    }

    fn read_status_d(&mut self, names: &[Vec<u8>]) -> Result<(), PackagesError> {
        let directory = RootfsPath::from(STATUS_D);
        for name in names.iter().filter(|name| !name.ends_with(b".md5sums")) {
            let path = directory.join(name);
            let Some(text) = read_optional(self.rootfs, &path, MAX_STATUS_BYTES)? else { continue };
            for paragraph in paragraphs(&text) {
                if let Some(package) = package_of(&paragraph) {
                    let record = String::from_utf8_lossy(name).into_owned();
                    self.push(package, control_of(&paragraph), None, record)?;
                }
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        package: Package,
        control: Vec<u8>,
        info: Option<String>,
        record: String,
    ) -> Result<(), PackagesError> {
        if self.packages.len() >= MAX_PACKAGES {
            return Err(PackagesError::TooLarge { path: RootfsPath::from(STATUS), limit: MAX_STATUS_BYTES });
        }
        self.packages.push(package);
        self.installed.push(Installed { control, info, record });
        Ok(())
    }

    fn index(&self) -> Result<&Index, PackagesError> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let diversions = Diversions::read(self.rootfs, &self.merge)?;
        let mut entries = Vec::new();
        for at in 0..self.packages.len() {
            let id = PackageId(u32::try_from(at).unwrap_or(u32::MAX));
            for path in self.listed(id)? {
                entries.push((diversions.place(path, &self.packages[at].name), id));
            }
            if entries.len() > MAX_PATHS {
                return Err(PackagesError::TooLarge { path: RootfsPath::from(INFO), limit: MAX_LIST_BYTES });
            }
        }
        Ok(self.index.get_or_init(|| Index::new(entries)))
    }

    /// The paths that a package's list names, made real; of a `status.d` record, those of its checksums.
    fn listed(&self, id: PackageId) -> Result<Vec<RootfsPath>, PackagesError> {
        let Some(installed) = self.installed.get(id.0 as usize) else { return Ok(Vec::new()) };
        let Some(info) = &installed.info else {
            let sums = self.checksums(installed)?;
            return Ok(sums.into_iter().map(|(path, _)| path).collect());
        };
        let path = RootfsPath::from(INFO).join(format!("{info}.list").as_bytes());
        let text = read_optional(self.rootfs, &path, MAX_LIST_BYTES)?.unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n').filter(|line| line.len() > 1);
        Ok(lines.filter(|line| *line != b"/.").map(|line| self.merge.real(RootfsPath::parse(line))).collect())
    }

    /// (real path, line) of a package's `md5sums`, lines that are not of its form left out: one of them makes a
    /// scanner refuse the whole file.
    fn checksums(&self, installed: &Installed) -> Result<Vec<(RootfsPath, Vec<u8>)>, PackagesError> {
        let path = match &installed.info {
            Some(info) => RootfsPath::from(INFO).join(format!("{info}.md5sums").as_bytes()),
            None => RootfsPath::from(STATUS_D).join(format!("{}.md5sums", installed.record).as_bytes()),
        };
        let text = read_optional(self.rootfs, &path, MAX_LIST_BYTES)?.unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| {
            let (sum, rest) = line.split_at_checked(32)?;
            let name = rest.strip_prefix(b"  ").filter(|name| !name.is_empty())?;
            let hexadecimal = sum.iter().all(u8::is_ascii_hexdigit);
            hexadecimal.then(|| (self.merge.real(RootfsPath::parse(name)), line.to_vec()))
        });
        Ok(lines.collect())
    }

    /// The names of packages in fields of a package's record.
    fn related(&self, package: PackageId, fields: &[&str]) -> Vec<String> {
        let Some(installed) = self.installed.get(package.0 as usize) else { return Vec::new() };
        let found = paragraphs(&installed.control);
        let fields = found.iter().flat_map(|paragraph| fields.iter().map(|name| paragraph.field(name)));
        let texts: Vec<String> = fields.flatten().collect();
        let names = texts.iter().flat_map(|text| text.split([',', '|'])).filter_map(|word| {
            // `name:any (>= 1)`.
            word.trim().split([' ', ':', '(']).next().filter(|name| !name.is_empty())
        });
        names.map(str::to_owned).collect()
    }
}

impl PackageDb for Dpkg<'_> {
    fn kind(&self) -> &'static str {
        "dpkg"
    }

    fn packages(&self) -> &[Package] {
        &self.packages
    }

    fn owner(&self, path: &RootfsPath) -> Result<Option<PackageId>, PackagesError> {
        Ok(self.index()?.owner(path))
    }

    fn files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError> {
        if self.index.get().is_some() {
            return Ok(self.index()?.files(package));
        }
        let Some(found) = self.packages.get(package.0 as usize) else { return Ok(Vec::new()) };
        let diversions = Diversions::read(self.rootfs, &self.merge)?;
        let listed = self.listed(package)?.into_iter().map(|path| diversions.place(path, &found.name));
        Ok(listed.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// APT's marks (`apt-mark(8)`); without them no package counts as automatic.
    fn automatic(&self) -> Result<BTreeSet<PackageId>, PackagesError> {
        let text =
            read_optional(self.rootfs, &RootfsPath::from(MARKS), MAX_STATUS_BYTES)?.unwrap_or_default();
        let marked: BTreeSet<String> = paragraphs(&text)
            .iter()
            .filter(|paragraph| paragraph.field("Auto-Installed").as_deref() == Some("1"))
            .filter_map(|paragraph| paragraph.field("Package"))
            .collect();
        let ids = self.packages.iter().enumerate().filter(|(_, package)| marked.contains(&package.name));
        Ok(ids.filter_map(|(at, _)| u32::try_from(at).ok()).map(PackageId).collect())
    }

    fn depends(&self, package: PackageId) -> Vec<String> {
        self.related(package, &["Depends", "Pre-Depends"])
    }

    fn recommends(&self, package: PackageId) -> Vec<String> {
        self.related(package, &["Recommends"])
    }

    fn licence_files(&self, package: PackageId) -> Result<Vec<RootfsPath>, PackagesError> {
        let Some(found) = self.packages.get(package.0 as usize) else { return Ok(Vec::new()) };
        let path = RootfsPath::from("/usr/share/doc").join(found.name.as_bytes()).join(b"copyright");
        match links::resolve(self.rootfs, &path) {
            Ok(Resolved::Found { path, stat, .. }) if stat.kind == FileKind::Regular => Ok(vec![path]),
            Ok(_) | Err(RootfsError::LinkLoop(_)) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn records(
        &self,
        shipped: &BTreeSet<RootfsPath>,
        also: &BTreeSet<PackageId>,
    ) -> Result<Vec<Record>, PackagesError> {
        let mut wanted = owners(self, self.rootfs, shipped)?;
        wanted.extend(also);
        let directory = RootfsPath::from(STATUS_D);
        let mut records = Vec::new();
        for id in wanted {
            let Some(installed) = self.installed.get(id.0 as usize) else { continue };
            let path = directory.join(installed.record.as_bytes());
            records.push(Record { path, packages: vec![id], content: installed.control.clone() });
            let kept = self.checksums(installed)?.into_iter().filter(|(path, _)| shipped.contains(path));
            let content: Vec<u8> = kept.flat_map(|(_, line)| [&line[..], b"\n"].concat()).collect();
            if !content.is_empty() {
                let path = directory.join(format!("{}.md5sums", installed.record).as_bytes());
                records.push(Record { path, packages: vec![id], content });
            }
        }
        records.sort_unstable();
        Ok(records)
    }
}

/// `dpkg-divert`: another package's file lies elsewhere.
struct Diversions {
    /// From the diverted path to (where it went, the package that diverts).
    moved: BTreeMap<RootfsPath, (RootfsPath, String)>,
}

impl Diversions {
    fn read(rootfs: &dyn Rootfs, merge: &Merge) -> Result<Self, PackagesError> {
        let text = read_optional(rootfs, &RootfsPath::from(DIVERSIONS), MAX_LIST_BYTES)?.unwrap_or_default();
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let mut moved = BTreeMap::new();
        // Three lines each: from, to, package; `:` stands for the administrator.
        for entry in lines.chunks_exact(3) {
            let [from, to] = [entry[0], entry[1]].map(|path| merge.real(RootfsPath::parse(path)));
            moved.insert(from, (to, String::from_utf8_lossy(entry[2]).into_owned()));
        }
        Ok(Self { moved })
    }

    /// Where the file that `package` lists at `path` really is.
    fn place(&self, path: RootfsPath, package: &str) -> RootfsPath {
        match self.moved.get(&path) {
            Some((to, by)) if by != package => to.clone(),
            _ => path,
        }
    }
}

fn package_of(paragraph: &Paragraph<'_>) -> Option<Package> {
    let name = paragraph.field("Package").filter(|name| is_plain_name(name))?;
    let version = paragraph.field("Version")?;
    let architecture = paragraph.field("Architecture").filter(|name| is_plain_name(name)).unwrap_or_default();
    let source = match paragraph.field("Source") {
        None => (name.clone(), version.clone()),
        Some(source) => match source.split_once(" (") {
            Some((source, of)) => (source.trim().to_owned(), of.trim_end_matches(')').to_owned()),
            None => (source, version.clone()),
        },
    };
    Some(Package {
        name,
        version,
        architecture,
        source,
        licence: None,
        maintainer: paragraph.field("Maintainer"),
    })
}

/// Names become parts of paths here.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
}

/// The paragraph as a `.deb` has it: without what dpkg added.
fn control_of(paragraph: &Paragraph<'_>) -> Vec<u8> {
    let added = ["Status", "Conffiles", "Config-Version", "Triggers-Pending", "Triggers-Awaited"];
    let mut control = Vec::new();
    for (name, text) in paragraph.fields() {
        if !added.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes())) {
            control.extend_from_slice(text);
        }
    }
    if control.last() != Some(&b'\n') {
        control.push(b'\n');
    }
    control
}

/// The architecture that most packages which have one are for; dpkg's own is compiled in.
fn native_architecture(found: &[Paragraph<'_>]) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for paragraph in found {
        let architecture = paragraph.field("Architecture").filter(|name| name != "all");
        if paragraph.field("Package").as_deref() == Some("dpkg") && architecture.is_some() {
            return architecture;
        }
        if let Some(name) = architecture {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .max_by(|one, other| one.1.cmp(&other.1).then(other.0.cmp(&one.0)))
        .map(|(name, _)| name)
}

fn directory_names(rootfs: &dyn Rootfs, path: &RootfsPath) -> Result<Vec<Vec<u8>>, PackagesError> {
    match rootfs.list(path) {
        Ok(entries) => Ok(entries.into_iter().map(|entry| entry.name).collect()),
        Err(RootfsError::NotFound(_) | RootfsError::NotADirectory(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tree::TreeRootfs;

    const DEBIAN: &str = r#"
        /bin -> usr/bin
        /lib -> usr/lib
        /usr/bin/dash text x
        /usr/bin/sh -> dash
        /usr/lib/libz.so.1 text z
        /usr/share/doc/zlib1g/copyright text c
        /usr/share/doc/dash -> zlib1g
        /var/lib/dpkg/diversions text "/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/x\n/usr/bin/x.real\n:\n"
        /var/lib/dpkg/info/zlib1g:amd64.list text "/.\n/lib\n/lib/libz.so.1\n/usr/share/doc/zlib1g\n"
        /var/lib/dpkg/info/zlib1g:amd64.md5sums text "00112233445566778899aabbccddeeff  lib/libz.so.1\n00112233445566778899aabbccddeeff  usr/share/doc/zlib1g/copyright\nbroken line\n"
        /var/lib/dpkg/info/dash.list text "/.\n/bin\n/bin/dash\n/bin/sh\n/usr/bin/x\n"
        /var/lib/dpkg/info/old.list text "/bin/sh\n"
        /var/lib/dpkg/status text "Package: dash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.5\nConffiles:\n /etc/x 00112233445566778899aabbccddeeff\nDescription: a shell\n long text\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: old\nStatus: install ok installed\nArchitecture: i386\nVersion: 2\n\nPackage: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nSource: zlib (1.2.0)\nVersion: 1:1.2.13\n"
    "#;

    fn owner(dpkg: &Dpkg<'_>, path: &str) -> String {
        let owner = dpkg.owner(&RootfsPath::from(path)).unwrap();
        owner.map_or("none".into(), |id| dpkg.packages()[id.0 as usize].name.clone())
    }

    #[test]
    fn owners_are_found_through_merged_directories_and_diversions() {
        let tree = TreeRootfs::parse(DEBIAN).unwrap();
        let dpkg = Dpkg::open(&tree).unwrap().unwrap();
        for (summary, path, expected) in [
            ("listed below /lib", "/usr/lib/libz.so.1", "zlib1g"),
            ("listed below /bin", "/usr/bin/dash", "dash"),
            ("a diverted path belongs to who diverts", "/usr/bin/sh", "dash"),
            ("the other one went elsewhere", "/usr/bin/sh.distrib", "old"),
            ("a local diversion moves everybody", "/usr/bin/x.real", "dash"),
            ("and leaves nothing", "/usr/bin/x", "none"),
            ("the merge link itself", "/lib", "zlib1g"),
            ("nobody's", "/etc/passwd", "none"),
        ] {
            assert_eq!(owner(&dpkg, path), expected, "{summary}");
        }
        let names: Vec<&str> = dpkg.packages().iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["dash", "old", "zlib1g"]);
        assert_eq!(dpkg.packages()[2].source, ("zlib".to_owned(), "1.2.0".to_owned()));
        assert_eq!(dpkg.packages()[0].source, ("dash".to_owned(), "0.5".to_owned()));
        assert_eq!(
            dpkg.licence_files(PackageId(0)).unwrap(),
            [RootfsPath::from("/usr/share/doc/zlib1g/copyright")]
        );
    }

    #[test]
    fn records_are_cut_to_what_is_shipped() {
        let tree = TreeRootfs::parse(DEBIAN).unwrap();
        let dpkg = Dpkg::open(&tree).unwrap().unwrap();
        let shipped = ["/usr", "/usr/lib", "/usr/lib/libz.so.1"].map(RootfsPath::from).into_iter().collect();
        let records = dpkg.records(&shipped, &BTreeSet::from([PackageId(1)])).unwrap();
        let text: Vec<String> = records
            .iter()
            .map(|record| format!("== {}\n{}", record.path, String::from_utf8_lossy(&record.content)))
            .collect();
        assert_eq!(
            text.concat(),
            "== /var/lib/dpkg/status.d/old:i386\nPackage: old\nArchitecture: i386\nVersion: 2\n\
             == /var/lib/dpkg/status.d/zlib1g\nPackage: zlib1g\nArchitecture: amd64\nMulti-Arch: same\n\
             Source: zlib (1.2.0)\nVersion: 1:1.2.13\n\
             == /var/lib/dpkg/status.d/zlib1g.md5sums\n00112233445566778899aabbccddeeff  lib/libz.so.1\n"
        );
    }

    #[test]
    fn a_distroless_root_is_a_database_too() {
        let tree = TreeRootfs::parse(
            "/usr/lib/libz.so.1 text z\n/lib -> usr/lib\n\
             /var/lib/dpkg/status.d/zlib1g text \"Package: zlib1g\\nVersion: 1\\n\"\n\
             /var/lib/dpkg/status.d/zlib1g.md5sums text \"00112233445566778899aabbccddeeff  lib/libz.so.1\\n\"",
        )
        .unwrap();
        let dpkg = Dpkg::open(&tree).unwrap().unwrap();
        assert_eq!(owner(&dpkg, "/usr/lib/libz.so.1"), "zlib1g");
        let shipped = BTreeSet::from([RootfsPath::from("/usr/lib/libz.so.1")]);
        assert_eq!(dpkg.records(&shipped, &BTreeSet::new()).unwrap().len(), 2);
    }

    #[test]
    fn names_that_would_leave_the_directory_are_no_packages() {
        let tree = TreeRootfs::parse(
            r#"/var/lib/dpkg/status text "Package: ../../x\nVersion: 1\n\nPackage: .\nVersion: 1\n""#,
        )
        .unwrap();
        assert!(Dpkg::open(&tree).unwrap().unwrap().packages().is_empty());
    }
}
