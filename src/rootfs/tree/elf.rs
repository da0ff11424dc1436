//! Small ELF files from a line of text: real headers, a dynamic section, symbols and notes, no code.

use std::collections::BTreeMap;

use crate::closure::elf::{Abi, ByteOrder, Class, Elf, Shape, Symbols};

/// What the text of an ELF file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfText {
    pub abi: Abi,
    pub form: Form,
    pub interp: Option<Vec<u8>>,
    pub soname: Option<Vec<u8>>,
    pub needed: Vec<Vec<u8>>,
    pub rpath: Option<Vec<u8>>,
    pub runpath: Option<Vec<u8>>,
    pub audit: Option<Vec<u8>>,
    pub depaudit: Option<Vec<u8>>,
    pub auxiliary: Vec<Vec<u8>>,
    pub filter: Vec<Vec<u8>>,
    pub no_default_lib: bool,
    pub pie: bool,
    /// (library, versions); a weak version ends with `?`.
    pub verneed: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    pub verdef: Vec<Vec<u8>>,
    /// Undefined symbols, `name` or `name@VERSION`.
    pub imports: Vec<Vec<u8>>,
    /// Defined symbols.
    pub exports: Vec<Vec<u8>>,
    /// JSON of `.note.dlopen`.
    pub dlopen: Option<Vec<u8>>,
    /// A Go note.
    pub go: bool,
    /// Read-only data, each ended by NUL.
    pub strings: Vec<Vec<u8>>,
}

/// `e_type`, and whether there is a dynamic section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `ET_DYN` with a dynamic section; the default.
    Shared,
    /// `ET_EXEC` with a dynamic section.
    Fixed,
    /// `ET_EXEC` without.
    Static,
}

impl Default for ElfText {
    fn default() -> Self {
        Self {
            abi: Abi { class: Class::Elf64, order: ByteOrder::Little, machine: 62, flags: 0 },
            form: Form::Shared,
            interp: None,
            soname: None,
            needed: Vec::new(),
            rpath: None,
            runpath: None,
            audit: None,
            depaudit: None,
            auxiliary: Vec::new(),
            filter: Vec::new(),
            no_default_lib: false,
            pie: false,
            verneed: Vec::new(),
            verdef: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            dlopen: None,
            go: false,
            strings: Vec::new(),
        }
    }
}

/// Names of machines in the text, with `e_machine`, class and byte order.
const MACHINES: [(&str, u16, Class, ByteOrder); 8] = [
    ("x86-64", 62, Class::Elf64, ByteOrder::Little),
    ("i386", 3, Class::Elf32, ByteOrder::Little),
    ("aarch64", 183, Class::Elf64, ByteOrder::Little),
    ("arm", 40, Class::Elf32, ByteOrder::Little),
    ("riscv64", 243, Class::Elf64, ByteOrder::Little),
    ("ppc64le", 21, Class::Elf64, ByteOrder::Little),
    ("s390x", 22, Class::Elf64, ByteOrder::Big),
    ("mips", 8, Class::Elf32, ByteOrder::Big),
];

impl ElfText {
    /// Reads one word of a line: `key=value`, or a flag.
    ///
    /// # Errors
    /// Why the word makes no sense.
    pub fn set(&mut self, word: &[u8]) -> Result<(), String> {
        let (key, value) = match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        let list = |value: &[u8]| value.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect::<Vec<_>>();
        match (key, value) {
            (b"static", None) => self.form = Form::Static,
            (b"fixed", None) => self.form = Form::Fixed,
            (b"pie", None) => self.pie = true,
            (b"nodeflib", None) => self.no_default_lib = true,
            (b"go", None) => self.go = true,
            (b"interp", Some(value)) => self.interp = Some(value.to_vec()),
            (b"soname", Some(value)) => self.soname = Some(value.to_vec()),
            (b"needed", Some(value)) => self.needed.extend(list(value)),
            (b"rpath", Some(value)) => self.rpath = Some(value.to_vec()),
            (b"runpath", Some(value)) => self.runpath = Some(value.to_vec()),
            (b"audit", Some(value)) => self.audit = Some(value.to_vec()),
            (b"depaudit", Some(value)) => self.depaudit = Some(value.to_vec()),
            (b"auxiliary", Some(value)) => self.auxiliary.extend(list(value)),
            (b"filter", Some(value)) => self.filter.extend(list(value)),
            (b"verdef", Some(value)) => self.verdef.extend(list(value)),
            (b"import", Some(value)) => self.imports.extend(list(value)),
            (b"export", Some(value)) => self.exports.extend(list(value)),
            (b"dlopen", Some(value)) => self.dlopen = Some(value.to_vec()),
            (b"string", Some(value)) => self.strings.push(value.to_vec()),
            (b"verneed", Some(value)) => {
                for need in list(value) {
                    let mut parts = need.split(|byte| matches!(byte, b':' | b'+')).map(<[u8]>::to_vec);
                    let library = parts.next().unwrap_or_default();
                    self.verneed.push((library, parts.collect()));
                }
            }
            (b"flags", Some(value)) => {
                let text = String::from_utf8_lossy(value);
                self.abi.flags = u32::from_str_radix(&text, 16).map_err(|error| error.to_string())?;
            }
            (b"machine", Some(value)) => {
                let known = MACHINES.iter().find(|(name, ..)| name.as_bytes() == value);
                let (_, machine, class, order) = known.ok_or("an unknown machine")?;
                self.abi = Abi { class: *class, order: *order, machine: *machine, flags: self.abi.flags };
            }
            _ => return Err(format!("unknown ELF word `{}`", word.escape_ascii())),
        }
        Ok(())
    }

    /// The text of a parsed file; strings of its data are left out.
    pub fn of(elf: &Elf, symbols: &Symbols) -> Self {
        let versions = |need: &crate::closure::elf::VersionNeed| {
            need.versions.iter().map(|v| [&v.name[..], if v.weak { b"?" } else { b"" }].concat()).collect()
        };
        let named = |symbol: &crate::closure::elf::Symbol| match &symbol.version {
            Some(version) => [&symbol.name[..], b"@", version].concat(),
            None => symbol.name.clone(),
        };
        Self {
            abi: elf.abi,
            form: match (elf.shape, elf.fixed) {
                (Shape::Static, _) => Form::Static,
                (_, true) => Form::Fixed,
                _ => Form::Shared,
            },
            interp: elf.interp.clone(),
            soname: elf.soname.clone(),
            needed: elf.needed.clone(),
            rpath: elf.rpath.clone(),
            runpath: elf.runpath.clone(),
            audit: elf.audit.clone(),
            depaudit: elf.depaudit.clone(),
            auxiliary: elf.auxiliary.clone(),
            filter: elf.filter.clone(),
            no_default_lib: elf.no_default_lib,
            pie: elf.pie,
            verneed: elf.version_needs.iter().map(|need| (need.library.clone(), versions(need))).collect(),
            verdef: elf.version_defs.iter().cloned().collect(),
            imports: symbols.undefined.iter().map(named).collect(),
            exports: symbols.defined.iter().map(|symbol| symbol.name.clone()).collect(),
            dlopen: None,
            go: elf.go,
            strings: Vec::new(),
        }
    }

    /// The words of the line, in a fixed order.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut flag = |set: bool, name: &str| {
            if set {
                words.push(name.as_bytes().to_vec());
            }
        };
        flag(self.form == Form::Static, "static");
        flag(self.form == Form::Fixed, "fixed");
        flag(self.pie, "pie");
        flag(self.no_default_lib, "nodeflib");
        flag(self.go, "go");
        let machine = MACHINES.iter().find(|(_, machine, ..)| *machine == self.abi.machine);
        if let Some((name, ..)) = machine.filter(|(name, ..)| *name != "x86-64") {
            words.push(format!("machine={name}").into_bytes());
        }
        if self.abi.flags != 0 {
            words.push(format!("flags={:x}", self.abi.flags).into_bytes());
        }
        let mut value = |key: &str, value: &[u8]| words.push([key.as_bytes(), b"=", value].concat());
        let single = [
            ("soname", &self.soname),
            ("interp", &self.interp),
            ("rpath", &self.rpath),
            ("runpath", &self.runpath),
            ("audit", &self.audit),
            ("depaudit", &self.depaudit),
            ("dlopen", &self.dlopen),
        ];
        for (key, text) in single {
            if let Some(text) = text {
                value(key, text);
            }
        }
        let many = [
            ("needed", &self.needed),
            ("auxiliary", &self.auxiliary),
            ("filter", &self.filter),
            ("verdef", &self.verdef),
            ("import", &self.imports),
            ("export", &self.exports),
        ];
        for (key, texts) in many {
            if !texts.is_empty() {
                value(key, &texts.join(&b','));
            }
        }
        for (library, versions) in &self.verneed {
            value("verneed", &[&library[..], &versions.join(&b'+')].join(&b':'));
        }
        for text in &self.strings {
            value("string", text);
        }
        words
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        Writer::new(self).file()
    }
}

/// Where the file is mapped: another number than its offsets, so that a reader who mixes them up is found out.
const BASE: u64 = 0x40_0000;

struct Writer<'t> {
    text: &'t ElfText,
    strings: Vec<u8>,
    string_at: BTreeMap<Vec<u8>, u32>,
}

impl<'t> Writer<'t> {
    fn new(text: &'t ElfText) -> Self {
        Self { text, strings: vec![0], string_at: BTreeMap::new() }
    }

    fn file(mut self) -> Vec<u8> {
        let text = self.text;
        let (word, wide) = if text.abi.class == Class::Elf64 { (8, true) } else { (4, false) };
        let mut segments: Vec<(u32, u64, u64, u64)> = Vec::new();
        let mut body = Body { order: text.abi.order, wide, bytes: Vec::new() };
        // Six program headers at most: room for all is kept before the content.
        let header_bytes = if wide { 64 + 6 * 56 } else { 52 + 6 * 32 };
        body.bytes.resize(header_bytes, 0);
        if let Some(interp) = &text.interp {
            let at = body.block(&[&interp[..], b"\0"].concat());
            segments.push((3, at, interp.len() as u64 + 1, 1));
        }
        let notes = self.notes();
        if !notes.is_empty() {
            let at = body.block(&notes);
            segments.push((4, at, notes.len() as u64, 4));
        }
        // A first NUL keeps the strings apart from what lies before them.
        let data = text.strings.iter().flat_map(|string| [&string[..], b"\0"].concat());
        body.block(&std::iter::once(0).chain(data).collect::<Vec<u8>>());
        if text.form != Form::Static {
            let dynamic = self.dynamic(&mut body);
            let mut records = Body { order: text.abi.order, wide, bytes: Vec::new() };
            for (tag, value) in dynamic {
                records.word(tag);
                records.word(value);
            }
            let at = body.block(&records.bytes);
            segments.push((2, at, records.bytes.len() as u64, word));
        }
        let total = body.bytes.len() as u64;
        segments.insert(0, (1, 0, total, 0x1000));
        let head = self.header(&segments, wide);
        body.bytes[..head.len()].copy_from_slice(&head);
        body.bytes
    }

    fn header(&self, segments: &[(u32, u64, u64, u64)], wide: bool) -> Vec<u8> {
        let abi = self.text.abi;
        let mut head = Body { order: abi.order, wide, bytes: b"\x7fELF".to_vec() };
        let data = if abi.order == ByteOrder::Little { 1 } else { 2 };
        head.bytes.extend([if wide { 2 } else { 1 }, data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        head.half(if self.text.form == Form::Shared { 3 } else { 2 });
        head.half(abi.machine);
        head.int(1);
        head.word(BASE);
        head.word(if wide { 64 } else { 52 });
        head.word(0);
        head.int(abi.flags);
        let sizes = if wide { [64, 56] } else { [52, 32] };
        head.half(sizes[0]);
        head.half(sizes[1]);
        head.half(u16::try_from(segments.len()).unwrap_or(0));
        head.half(0);
        head.half(0);
        head.half(0);
        for (kind, offset, bytes, align) in segments {
            head.int(*kind);
            if wide {
                head.int(4);
            }
            head.word(*offset);
            head.word(BASE + offset);
            head.word(BASE + offset);
            head.word(*bytes);
            head.word(*bytes);
            if !wide {
                head.int(4);
            }
            head.word(*align);
        }
        head.bytes
    }

    fn notes(&self) -> Vec<u8> {
        let mut notes = Body { order: self.text.abi.order, wide: false, bytes: Vec::new() };
        let mut note = |owner: &[u8; 4], kind: u32, content: &[u8]| {
            notes.int(4);
            notes.int(u32::try_from(content.len()).unwrap_or(0));
            notes.int(kind);
            notes.bytes.extend(owner);
            notes.bytes.extend(content);
            notes.align(4);
        };
        if let Some(json) = &self.text.dlopen {
            note(b"FDO\0", 0x407c_0c0a, &[&json[..], b"\0"].concat());
        }
        if self.text.go {
            note(b"Go\0\0", 4, b"build-id");
        }
        notes.bytes
    }

    fn string(&mut self, text: &[u8]) -> u32 {
        if let Some(at) = self.string_at.get(text) {
            return *at;
        }
        let at = u32::try_from(self.strings.len()).unwrap_or(0);
        self.strings.extend_from_slice(text);
        self.strings.push(0);
        self.string_at.insert(text.to_vec(), at);
        at
    }

    /// Appends the tables to the body and returns the dynamic entries.
    fn dynamic(&mut self, body: &mut Body) -> Vec<(u64, u64)> {
        let text = self.text;
        let (order, wide) = (body.order, body.wide);
        let empty = || Body { order, wide, bytes: Vec::new() };
        let mut entries: Vec<(u64, u64)> = Vec::new();
        let many = [(1, &text.needed), (0x7fff_fffd, &text.auxiliary), (0x7fff_ffff, &text.filter)];
        for (tag, texts) in many {
            for name in texts {
                entries.push((tag, self.string(name).into()));
            }
        }
        let single = [
            (14, &text.soname),
            (15, &text.rpath),
            (29, &text.runpath),
            (0x6fff_fefc, &text.audit),
            (0x6fff_fefb, &text.depaudit),
        ];
        for (tag, name) in single {
            if let Some(name) = name {
                entries.push((tag, self.string(name).into()));
            }
        }
        let flags = u64::from(text.no_default_lib) * 0x800 + u64::from(text.pie) * 0x0800_0000;
        if flags != 0 {
            entries.push((0x6fff_fffb, flags));
        }
        let mut indices: BTreeMap<Vec<u8>, u16> = BTreeMap::new();
        let mut verdef = empty();
        let base = text.soname.clone().unwrap_or_default();
        let names: Vec<&Vec<u8>> = std::iter::once(&base).chain(&text.verdef).collect();
        for (at, name) in names.iter().enumerate() {
            let index = u16::try_from(at + 1).unwrap_or(0);
            indices.insert((*name).clone(), index);
            verdef.half(1);
            verdef.half(u16::from(at == 0));
            verdef.half(index);
            verdef.half(1);
            verdef.int(0);
            verdef.int(20);
            verdef.int(if at + 1 == names.len() { 0 } else { 28 });
            verdef.int(self.string(name));
            verdef.int(0);
        }
        let mut verneed = empty();
        let mut next_index = u16::try_from(names.len() + 1).unwrap_or(0);
        for (at, (library, versions)) in text.verneed.iter().enumerate() {
            let count = u32::try_from(versions.len()).unwrap_or(0);
            verneed.half(1);
            verneed.half(u16::try_from(count).unwrap_or(0));
            verneed.int(self.string(library));
            verneed.int(16);
            verneed.int(if at + 1 == text.verneed.len() { 0 } else { 16 + 16 * count });
            for (place, version) in versions.iter().enumerate() {
                let (name, weak) = version.strip_suffix(b"?").map_or((&version[..], 0), |name| (name, 2));
                indices.insert(name.to_vec(), next_index);
                verneed.int(0);
                verneed.half(weak);
                verneed.half(next_index);
                verneed.int(self.string(name));
                verneed.int(if place + 1 == versions.len() { 0 } else { 16 });
                next_index += 1;
            }
        }
        let (symbols, versions, count) = self.symbols(&indices, empty(), empty());
        // The words of this table have 8 bytes on 64-bit s390.
        let mut hash = Body { wide: wide && text.abi.machine == 22, ..empty() };
        for word in [1, u64::from(count), 0] {
            hash.word(word);
        }
        hash.bytes.resize(hash.bytes.len() + hash.bytes.len() / 3 * count as usize, 0);
        entries.push((6, BASE + body.block(&symbols)));
        entries.push((11, if wide { 24 } else { 16 }));
        entries.push((4, BASE + body.block(&hash.bytes)));
        if !text.verdef.is_empty() || !text.verneed.is_empty() {
            entries.push((0x6fff_fff0, BASE + body.block(&versions)));
        }
        if !text.verdef.is_empty() {
            entries.push((0x6fff_fffc, BASE + body.block(&verdef.bytes)));
            entries.push((0x6fff_fffd, names.len() as u64));
        }
        if !text.verneed.is_empty() {
            entries.push((0x6fff_fffe, BASE + body.block(&verneed.bytes)));
            entries.push((0x6fff_ffff, text.verneed.len() as u64));
        }
        entries.push((5, BASE + body.block(&self.strings)));
        entries.push((10, self.strings.len() as u64));
        entries.push((0, 0));
        entries
    }

    fn symbols(
        &mut self,
        indices: &BTreeMap<Vec<u8>, u16>,
        mut symbols: Body,
        mut versions: Body,
    ) -> (Vec<u8>, Vec<u8>, u32) {
        let text = self.text;
        let undefined = text.imports.iter().map(|symbol| (symbol, 0_u16));
        let defined = text.exports.iter().map(|symbol| (symbol, 1_u16));
        let all: Vec<(&Vec<u8>, u16)> = undefined.chain(defined).collect();
        symbols.symbol(0, 0, 0);
        versions.half(0);
        for (symbol, section) in &all {
            let mut parts = symbol.splitn(2, |byte| *byte == b'@');
            let name = parts.next().unwrap_or_default();
            let index = parts.next().and_then(|version| indices.get(version)).copied().unwrap_or(1);
            symbols.symbol(self.string(name), 0x12, *section);
            versions.half(index);
        }
        (symbols.bytes, versions.bytes, u32::try_from(all.len() + 1).unwrap_or(0))
    }
}

struct Body {
    order: ByteOrder,
    wide: bool,
    bytes: Vec<u8>,
}

impl Body {
    fn half(&mut self, value: u16) {
        match self.order {
            ByteOrder::Little => self.bytes.extend(value.to_le_bytes()),
            ByteOrder::Big => self.bytes.extend(value.to_be_bytes()),
        }
    }

    fn int(&mut self, value: u32) {
        match self.order {
            ByteOrder::Little => self.bytes.extend(value.to_le_bytes()),
            ByteOrder::Big => self.bytes.extend(value.to_be_bytes()),
        }
    }

    fn word(&mut self, value: u64) {
        match (self.wide, self.order) {
            (false, _) => self.int(u32::try_from(value).unwrap_or(u32::MAX)),
            (true, ByteOrder::Little) => self.bytes.extend(value.to_le_bytes()),
            (true, ByteOrder::Big) => self.bytes.extend(value.to_be_bytes()),
        }
    }

    fn symbol(&mut self, name: u32, info: u8, section: u16) {
        self.int(name);
        if !self.wide {
            self.word(0);
            self.word(0);
        }
        self.bytes.extend([info, 0]);
        self.half(section);
        if self.wide {
            self.word(0);
            self.word(0);
        }
    }

    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    /// Appends a block, aligned to 8, and returns its offset.
    fn block(&mut self, bytes: &[u8]) -> u64 {
        self.align(8);
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        at
    }
}
