//! From the items of a script to what it starts.

use std::collections::{BTreeMap, BTreeSet};

use super::expand::{Assigned, Scope};
use super::parse::{self, AssignedValue, Item, Simple};
use super::word::{Piece, document_pieces, name_length, pieces};
use super::{Call, Context, Script, Word, is_builtin};
use crate::closure::wrapper::{self, Behind};

/// Reads a script.
///
/// # Errors
/// Why its text cannot be parsed.
pub(super) fn read(text: &str, context: &Context<'_>) -> Result<Script, String> {
    let mut reader = Reader {
        context,
        scope: Scope::new(context),
        script: Script::default(),
        starting: BTreeSet::new(),
        calls: BTreeMap::new(),
        texts: 0,
    };
    let items = parse::parse(text)?;
    reader.texts += 1;
    reader.items(items, 0, true);
    reader.script.calls = reader.order();
    reader.script.variables = reader.scope.variables();
    Ok(reader.script)
}

struct Reader<'c> {
    context: &'c Context<'c>,
    scope: Scope<'c>,
    script: Script,
    /// Functions that start their own arguments.
    starting: BTreeSet<String>,
    /// Each call once, with its place in the order.
    calls: BTreeMap<Call, usize>,
    /// Texts that were parsed.
    texts: usize,
}

/// Where a command stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    function: Option<&'p str>,
    certain: bool,
    replaces: bool,
    file: bool,
    /// Texts inside texts, wrappers behind wrappers.
    depth: usize,
}

impl Reader<'_> {
    /// All that a parsed text does.
    fn items(&mut self, mut items: Vec<Item>, depth: usize, certain: bool) {
        self.inner_texts(&mut items, depth);
        if !certain {
            for item in &mut items {
                if let Item::Simple(simple) = item {
                    simple.certain = false;
                }
            }
        }
        for item in &items {
            if let Item::Function(name) = item {
                self.script.functions.insert(name.clone());
            }
        }
        self.assignments(&items);
        let simples: Vec<&Simple> = items.iter().filter_map(simple_of).collect();
        // A function that starts its arguments may hand them to another that does.
        for _ in 0..MAX_ROUNDS {
            let before = self.starting.len();
            for simple in &simples {
                self.note_starting(simple);
            }
            if self.starting.len() == before {
                break;
            }
        }
        for item in &items {
            match item {
                Item::Simple(simple) => self.simple(simple, depth),
                Item::Loop { words, .. } => self.mention_raw(words.iter().flatten()),
                Item::Words(words) => self.mention_raw(words),
                Item::Function(_) => {}
            }
        }
    }

    /// Adds the commands of substitutions, wherever they stand.
    fn inner_texts(&mut self, items: &mut Vec<Item>, depth: usize) {
        let mut levels: Vec<usize> = vec![depth; items.len()];
        let mut at = 0;
        while at < items.len() {
            let level = levels[at];
            let (certain, function) = match &items[at] {
                Item::Simple(simple) => (simple.certain, simple.function.clone()),
                _ => (false, None),
            };
            for text in substitutions(&items[at]) {
                if level >= MAX_DEPTH || self.texts >= MAX_TEXTS {
                    break;
                }
                self.texts += 1;
                let Ok(inner) = parse::parse(&text) else {
                    self.scan(&text);
                    continue;
                };
                let base = items.len();
                for mut item in inner {
                    if let Item::Simple(simple) = &mut item {
                        simple.certain &= certain;
                        simple.function = simple.function.take().or_else(|| function.clone());
                        for index in &mut simple.fed_by {
                            *index += base;
                        }
                    }
                    items.push(item);
                    levels.push(level + 1);
                }
            }
            at += 1;
        }
    }

    /// A text that no parser reads: what looks like a command.
    fn scan(&mut self, text: &str) {
        for name in crate::closure::command::called(text) {
            self.call(vec![Word::Text(name)], Place::outside(MAX_DEPTH));
        }
    }

    fn assignments(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Simple(simple) => {
                    for assignment in &simple.assignments {
                        let value = match &assignment.value {
                            AssignedValue::Scalar(raw) => Assigned::Scalar(raw.clone()),
                            AssignedValue::Array(raws) => Assigned::Array(raws.clone()),
                        };
                        self.scope.assign(&assignment.name, value);
                    }
                    self.read_variables(simple, items);
                }
                Item::Loop { name, words: Some(words) } => {
                    for word in words.iter().take(MAX_WORDS) {
                        for fields in self.scope.fields(word) {
                            for field in fields {
                                self.scope.assign(name, Assigned::Known(field));
                            }
                        }
                    }
                }
                Item::Loop { name, words: None } => self.scope.assign(name, Assigned::Known(Word::Arguments)),
                Item::Words(_) | Item::Function(_) => {}
            }
        }
    }

    /// `find DIR | while read -r f`: what is read are the files of the directory.
    fn read_variables(&mut self, simple: &Simple, items: &[Item]) {
        let Some(name) = simple.words.first() else { return };
        if !matches!(name.as_str(), "read" | "mapfile" | "readarray" | "getopts") {
            return;
        }
        let mut feeding: Vec<&Simple> =
            simple.fed_by.iter().filter_map(|index| items.get(*index).and_then(simple_of)).collect();
        if feeding.is_empty() && name == "read" {
            // `while read …; do …; done < <(find DIR)`.
            feeding = items.iter().filter_map(simple_of).filter(|other| is_listing(other)).take(2).collect();
        }
        let mut values: Vec<Word> = Vec::new();
        for other in feeding.into_iter().filter(|other| is_listing(other)) {
            for raw in other.words.iter().skip(1) {
                for value in self.scope.values(raw) {
                    if let Word::Text(path) = value
                        && path.starts_with('/')
                    {
                        values.push(Word::Pattern(format!("{}/**", path.trim_end_matches('/'))));
                    }
                }
            }
        }
        if values.is_empty() {
            values.push(Word::unknown());
        }
        for variable in simple.words.iter().skip(1).filter(|word| !word.starts_with('-')) {
            if name_length(variable) == variable.len() {
                for value in &values {
                    self.scope.assign(variable, Assigned::Known(value.clone()));
                }
            }
        }
    }

    fn note_starting(&mut self, simple: &Simple) {
        let Some(function) = &simple.function else { return };
        if self.starting.contains(function) {
            return;
        }
        for words in self.ways(simple) {
            if self.leads_to_arguments(&words, 0) {
                self.starting.insert(function.clone());
                return;
            }
        }
    }

    /// Whether a command starts the arguments of its function.
    fn leads_to_arguments(&self, words: &[Word], depth: usize) -> bool {
        match words.first() {
            Some(Word::Arguments) => true,
            Some(Word::Text(name)) if depth < MAX_DEPTH => {
                let rest = &words[1..];
                match name.as_str() {
                    "exec" | "command" | "builtin" | "eval" | "time" => {
                        let rest = without_options(rest, &["-a"]);
                        self.leads_to_arguments(rest, depth + 1)
                    }
                    "set" => {
                        rest.first().is_some_and(|word| word.text() == Some("--")) && {
                            self.leads_to_arguments(&rest[1..], depth + 1)
                        }
                    }
                    name if self.starting.contains(name) => self.leads_to_arguments(rest, depth + 1),
                    name => wrapper::behind(self.context.wrappers, name, rest).is_some_and(|behind| {
                        behind.iter().any(|behind| match behind {
                            Behind::Command(words) => self.leads_to_arguments(words, depth + 1),
                            Behind::Script { .. } => false,
                        })
                    }),
                }
            }
            _ => false,
        }
    }

    /// The ways in which a command can be expanded.
    fn ways(&self, simple: &Simple) -> Vec<Vec<Word>> {
        let mut ways: Vec<Vec<Word>> = vec![Vec::new()];
        for raw in simple.words.iter().take(MAX_WORDS) {
            let alternatives = self.scope.fields(raw);
            let mut next = Vec::new();
            for fields in &alternatives {
                for way in &ways {
                    if next.len() < MAX_WAYS {
                        next.push(way.iter().chain(fields).cloned().collect());
                    }
                }
            }
            ways = next;
        }
        ways
    }

    fn simple(&mut self, simple: &Simple, depth: usize) {
        self.mention_raw(&simple.inputs);
        for assignment in &simple.assignments {
            match &assignment.value {
                AssignedValue::Scalar(raw) => self.mention_raw([raw]),
                AssignedValue::Array(raws) => self.mention_raw(raws),
            }
        }
        let function = simple.function.as_deref();
        let place = Place { function, certain: simple.certain, replaces: false, file: false, depth };
        let mut known = false;
        let ways = self.ways(simple);
        for words in &ways {
            for word in words {
                self.mention(word);
            }
            known |= self.command(words, place);
            // `sh <<EOF`: the text is a script.
            if words.last().is_some_and(|_| reads_script(words)) {
                for (document, expands) in &simple.documents {
                    let text = if *expands {
                        self.scope.document(document).shown().to_owned()
                    } else {
                        document.clone()
                    };
                    self.text(&text, place);
                }
            }
        }
        if !known && !simple.words.is_empty() {
            // Up to the word that is not known: `exec "$program"`.
            let unknown = simple.words.iter().position(|word| word.contains(['$', '`'])).unwrap_or(0);
            let text: String = simple.words[..=unknown].join(" ").chars().take(MAX_SHOWN).collect();
            if !self.script.dynamic.contains(&text) && self.script.dynamic.len() < MAX_WORDS {
                self.script.dynamic.push(text);
            }
        }
    }

    /// One command; whether it is known what it starts.
    fn command(&mut self, words: &[Word], place: Place<'_>) -> bool {
        let empty = words.iter().take_while(|word| **word == Word::Text(String::new())).count();
        let words = &words[empty..];
        let Some((first, rest)) = words.split_first() else { return empty == 0 };
        let name = match first {
            Word::Arguments => {
                match place.function {
                    Some(_) => {}
                    None => self.script.starts_arguments = true,
                }
                return true;
            }
            Word::Pattern(_) if first.is_unknown() => return false,
            Word::Pattern(pattern) => {
                self.call(words.to_vec(), place);
                // `$JAVA_HOME/bin/java`: at least the name is known.
                let name = pattern.rsplit('/').next().unwrap_or_default();
                if !name.contains('*') && !name.is_empty() {
                    let mut words = words.to_vec();
                    words[0] = Word::Text(name.to_owned());
                    self.program(&words, Place { certain: false, ..place });
                    return true;
                }
                return pattern.starts_with('/') && pattern.matches('/').count() > 1;
            }
            Word::Text(name) => name.as_str(),
        };
        if name.starts_with('-') {
            return false;
        }
        if place.depth >= MAX_DEPTH {
            self.call(words.to_vec(), place);
            return true;
        }
        let inner = Place { depth: place.depth + 1, ..place };
        if !place.file && (self.script.functions.contains(name) || self.context.functions.contains(name)) {
            self.function_call(name, rest, inner);
            return true;
        }
        match name {
            "exec" => {
                let rest = without_options(rest, &["-a"]);
                return rest.is_empty() || self.command(rest, Place { replaces: true, file: true, ..inner });
            }
            "command" | "type" | "hash" | "which"
                if rest
                    .first()
                    .is_some_and(|word| name != "command" || matches!(word.text(), Some("-v" | "-V"))) =>
            {
                let probed = rest.iter().filter(|word| !word.is_option()).filter_map(Word::text);
                self.script.probed.extend(probed.map(str::to_owned));
                if name != "which" {
                    return true;
                }
            }
            "command" | "builtin" => {
                return self.command(
                    without_options(rest, &[]),
                    Place { file: name == "command" && place.file, ..inner },
                );
            }
            "eval" => {
                let text: Vec<&str> = rest.iter().map(Word::shown).collect();
                if let [Word::Arguments] = rest {
                    return self.command(rest, inner);
                }
                self.text(&text.join(" "), inner);
                return !text.is_empty() && text[0] != "*";
            }
            "." | "source" => {
                if let Some(file) = rest.first() {
                    match file {
                        Word::Arguments => {}
                        file if self.script.sourced.contains(file) => {}
                        file => self.script.sourced.push(file.clone()),
                    }
                }
                return true;
            }
            "trap" => {
                if let Some(Word::Text(text)) = rest.iter().find(|word| word.text() != Some("--")) {
                    let text = text.clone();
                    if !text.is_empty() && text != "-" {
                        self.text(&text, Place { certain: false, ..inner });
                    }
                }
                return true;
            }
            "alias" => {
                for (name, text) in rest.iter().filter_map(|word| word.text()?.split_once('=')) {
                    let (name, text) = (name.to_owned(), text.to_owned());
                    self.text(&text, Place { certain: false, ..inner });
                    self.script.functions.insert(name);
                }
                return true;
            }
            "set" => {
                let at = rest.iter().position(|word| word.text() == Some("--"));
                if let Some(at) = at
                    && matches!(rest.get(at + 1), Some(Word::Text(_) | Word::Pattern(_)))
                {
                    let words = rest[at + 1..].to_vec();
                    if !words[0].is_option() {
                        self.command(&words, Place { certain: false, replaces: true, file: true, ..inner });
                    }
                }
                return true;
            }
            "cd" | "pushd" => {
                if let Some(Word::Text(directory)) = rest.iter().find(|word| !word.is_option()) {
                    self.script.directories.insert(directory.clone());
                }
                return true;
            }
            _ => {}
        }
        if is_builtin(name, self.context.dialect) && !place.file {
            return true;
        }
        self.program(words, place);
        true
    }

    /// A function of the script: it may start its arguments.
    fn function_call(&mut self, name: &str, words: &[Word], place: Place<'_>) {
        if !self.starting.contains(name) {
            return;
        }
        let place = Place { certain: false, ..place };
        match words.first() {
            Some(Word::Arguments) if place.function.is_none() => self.script.starts_arguments = true,
            Some(Word::Text(_) | Word::Pattern(_)) => {
                // It may take words of its own first.
                for skipped in 0..words.len().min(MAX_OWN_WORDS) {
                    let rest = &words[skipped..];
                    if matches!(rest.first(), Some(Word::Arguments)) && place.function.is_none() {
                        self.script.starts_arguments = true;
                    }
                    match rest.first() {
                        Some(Word::Text(name)) if is_name_of_program(name) => {
                            self.command(rest, Place { file: false, ..place });
                        }
                        // All files of a directory.
                        Some(Word::Pattern(_)) => {
                            self.command(&rest[..1], Place { file: false, ..place });
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// A program, and what it starts itself.
    fn program(&mut self, words: &[Word], place: Place<'_>) {
        self.call(words.to_vec(), place);
        let Some((Word::Text(name), rest)) = words.split_first() else { return };
        let base = name.rsplit('/').next().unwrap_or(name);
        if place.depth >= MAX_DEPTH {
            return;
        }
        let inner = Place { depth: place.depth + 1, file: true, ..place };
        if crate::closure::roots::is_shell(base) {
            let rest = behind_applet(base, rest);
            if let Some((text, arguments)) = shell_script(rest) {
                let text = text.shown().to_owned();
                let before = std::mem::take(&mut self.script.starts_arguments);
                self.text(&text, Place { file: false, ..inner });
                let starts = std::mem::replace(&mut self.script.starts_arguments, before);
                if starts && arguments.len() > 1 {
                    self.command(&arguments[1..], Place { certain: false, ..inner });
                }
            }
            return;
        }
        if matches!(base, "awk" | "gawk" | "mawk" | "nawk") {
            for text in rest.iter().filter_map(Word::text).flat_map(awk_commands).take(MAX_WORDS) {
                self.text(&text, Place { certain: false, file: false, ..inner });
            }
            return;
        }
        for behind in wrapper::behind(self.context.wrappers, name, rest).unwrap_or_default() {
            match behind {
                Behind::Command(words) => {
                    self.command(&words, inner);
                }
                Behind::Script { text } => self.text(text.shown(), Place { file: false, ..inner }),
            }
        }
    }

    /// A script inside the script.
    fn text(&mut self, text: &str, place: Place<'_>) {
        if place.depth >= MAX_DEPTH || self.texts >= MAX_TEXTS || text.trim().is_empty() {
            return;
        }
        self.texts += 1;
        match parse::parse(text) {
            Ok(mut items) => {
                for item in &mut items {
                    if let Item::Simple(simple) = item
                        && simple.function.is_none()
                    {
                        simple.function = place.function.map(str::to_owned);
                    }
                }
                self.items(items, place.depth + 1, place.certain);
            }
            Err(_) => self.scan(text),
        }
    }

    fn call(&mut self, words: Vec<Word>, place: Place<'_>) {
        let call = Call { words, certain: place.certain, replaces: place.replaces, file: place.file };
        let next = self.calls.len();
        if next < MAX_CALLS {
            self.calls.entry(call).or_insert(next);
        }
    }

    fn order(&mut self) -> Vec<Call> {
        let mut calls: Vec<(usize, Call)> =
            std::mem::take(&mut self.calls).into_iter().map(|(call, at)| (at, call)).collect();
        calls.sort_by_key(|(at, _)| *at);
        calls.into_iter().map(|(_, call)| call).collect()
    }

    fn mention_raw<'r>(&mut self, raws: impl IntoIterator<Item = &'r String>) {
        for raw in raws {
            for value in self.scope.values(raw) {
                self.mention(&value);
            }
        }
    }

    /// Words that are paths, or may be programs.
    fn mention(&mut self, word: &Word) {
        let Word::Text(text) = word else { return };
        if text.len() > MAX_PATH || self.script.words.len() >= MAX_MENTIONS {
            return;
        }
        if text.starts_with('/') {
            self.script.paths.insert(text.clone());
        } else if let Some((_, value)) = text.split_once('=')
            && value.starts_with('/')
        {
            self.script.paths.insert(value.to_owned());
        }
        self.script
            .words
            .extend(text.split_ascii_whitespace().filter(|word| is_name_of_program(word)).map(str::to_owned));
    }
}

impl Place<'_> {
    fn outside(depth: usize) -> Self {
        Self { function: None, certain: false, replaces: false, file: false, depth }
    }
}

fn simple_of(item: &Item) -> Option<&Simple> {
    match item {
        Item::Simple(simple) => Some(simple),
        _ => None,
    }
}

fn is_listing(simple: &Simple) -> bool {
    simple.words.first().is_some_and(|name| {
        matches!(name.trim_matches('"').rsplit('/').next().unwrap_or_default(), "find" | "ls" | "run-parts")
    })
}

/// Whether a word can be the name of a program: no option, no sentence.
fn is_name_of_program(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphanumeric() || "/._[".contains(first))
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-[@:".contains(&byte))
}

/// The texts of all command substitutions of an item.
fn substitutions(item: &Item) -> Vec<String> {
    let mut raws: Vec<&str> = Vec::new();
    let mut documents: Vec<&str> = Vec::new();
    match item {
        Item::Simple(simple) => {
            raws.extend(simple.words.iter().chain(&simple.inputs).map(String::as_str));
            for assignment in &simple.assignments {
                match &assignment.value {
                    AssignedValue::Scalar(raw) => raws.push(raw),
                    AssignedValue::Array(all) => raws.extend(all.iter().map(String::as_str)),
                }
            }
            documents.extend(
                simple.documents.iter().filter(|(_, expands)| *expands).map(|(text, _)| text.as_str()),
            );
        }
        Item::Loop { words, .. } => raws.extend(words.iter().flatten().map(String::as_str)),
        Item::Words(words) => raws.extend(words.iter().map(String::as_str)),
        Item::Function(_) => {}
    }
    let mut texts = Vec::new();
    let mut pending: Vec<(Vec<Piece>, usize)> = raws.into_iter().map(|raw| (pieces(raw), 0)).collect();
    pending.extend(documents.into_iter().map(|text| (document_pieces(text), 0)));
    while let Some((list, depth)) = pending.pop() {
        for piece in list {
            match piece {
                Piece::Substitution { script, .. } => texts.push(script),
                // `${A:-$(command)}`.
                Piece::Variable(variable) if !variable.operation.is_empty() && depth < MAX_DEPTH => {
                    pending.push((
                        pieces(variable.operation.trim_start_matches([':', '-', '=', '+'])),
                        depth + 1,
                    ));
                }
                _ => {}
            }
        }
    }
    texts.reverse();
    texts
}

/// The words behind a command's options; `valued` take the next word.
fn without_options<'w>(words: &'w [Word], valued: &[&str]) -> &'w [Word] {
    let mut rest = words;
    while let Some((word, more)) = rest.split_first() {
        match word.text() {
            Some("--") => return more,
            Some(option) if valued.contains(&option) => rest = more.get(1..).unwrap_or_default(),
            Some(option) if option.len() > 1 && option.starts_with('-') => rest = more,
            _ => return rest,
        }
    }
    rest
}

/// The text of `sh -c TEXT NAME ARGUMENT…` and what follows it.
pub(in crate::closure) fn shell_script(words: &[Word]) -> Option<(&Word, &[Word])> {
    let mut at = 0;
    let mut command = false;
    while let Some(option) =
        words.get(at).and_then(Word::text).filter(|word| word.starts_with(['-', '+']) && word.len() > 1)
    {
        at += 1;
        if option == "--" {
            break;
        }
        let letters = !option.starts_with("--");
        command |= letters && option.starts_with('-') && option.contains('c');
        // `-o pipefail`, `-eo pipefail`, `--rcfile FILE`.
        if letters && option.ends_with(['o', 'O']) || matches!(option, "--rcfile" | "--init-file") {
            at += 1;
        }
    }
    let text = words.get(at).filter(|_| command)?;
    Some((text, &words[at + 1..]))
}

/// The words of a shell: busybox is one when its first word says so.
pub(in crate::closure) fn behind_applet<'w>(program: &str, words: &'w [Word]) -> &'w [Word] {
    if !program.ends_with("busybox") {
        return words;
    }
    match words.split_first() {
        Some((Word::Text(applet), rest)) if matches!(applet.as_str(), "sh" | "ash" | "hush") => rest,
        _ => &[],
    }
}

/// Whether a command is a shell that reads its script from standard input.
fn reads_script(words: &[Word]) -> bool {
    let Some((Word::Text(name), rest)) = words.split_first() else { return false };
    crate::closure::roots::is_shell(name)
        && rest.iter().all(|word| word.is_option() && word.text() != Some("-c"))
}

/// The commands of an awk program: `system("…")`, and texts beside a pipe.
fn awk_commands(program: &str) -> Vec<String> {
    let mut commands = Vec::new();
    if !program.contains("system") && !program.contains('|') {
        return commands;
    }
    let mut rest = program;
    let mut before = "";
    while let Some(at) = rest.find('"') {
        let head = &rest[..at];
        let inside = &rest[at + 1..];
        let mut end = inside.len();
        let mut escaped = false;
        for (index, sign) in inside.char_indices() {
            match sign {
                '"' if !escaped => {
                    end = index;
                    break;
                }
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        let text = inside[..end].replace("\\\"", "\"").replace("\\\\", "\\");
        rest = inside.get(end + 1..).unwrap_or_default();
        let called = format!("{before}{head}");
        let called = called.trim_end();
        let before_pipe = rest.trim_start().strip_prefix('|').is_some_and(|more| !more.starts_with('|'));
        if called.trim_end_matches('(').trim_end().ends_with("system")
            || called.ends_with('|') && !called.ends_with("||")
            || called.ends_with("|&")
            || before_pipe
        {
            commands.push(text);
        }
        before = "";
    }
    commands
}

/// Texts in texts, functions in functions, wrappers behind wrappers.
const MAX_DEPTH: usize = 10;

/// Texts that are parsed for one script.
const MAX_TEXTS: usize = 2000;

const MAX_CALLS: usize = 2000;

const MAX_MENTIONS: usize = 20_000;

/// Words of one command, loop or list that are looked at.
const MAX_WORDS: usize = 300;

/// Ways to expand one command.
const MAX_WAYS: usize = 8;

/// Words that a function may take before the command it starts.
const MAX_OWN_WORDS: usize = 3;

/// Functions that hand their arguments on to functions.
const MAX_ROUNDS: usize = 8;

/// `PATH_MAX`.
const MAX_PATH: usize = 4096;

/// Signs of a command that are shown in a message.
const MAX_SHOWN: usize = 40;
