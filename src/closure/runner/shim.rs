//! Scripts that pnpm writes into `node_modules/.bin` in place of links.

/// What such a script starts (`@zkochan/cmd-shim`, `generateShShim`).
pub(super) struct Shim<'t> {
    /// From the directory of the script.
    pub(super) script: &'t str,
    /// `NODE_PATH`, where the image has none.
    pub(super) search: Option<&'t str>,
}

impl<'t> Shim<'t> {
    pub(super) fn parse(text: &'t [u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.starts_with("#!/bin/sh\nbasedir="))?;
        let between =
            |before: &str, after: &str| text.split_once(before)?.1.split_once(after).map(|(part, _)| part);
        let script = between("  exec node  \"$basedir/", "\" \"$@\"")?;
        let search = between("  export NODE_PATH=\"", "\"");
        // Anything else would have to be read by a shell.
        let plain = |text: &&str| !text.contains(['$', '`', '\\', '"']);
        Some(Self { script, search })
            .filter(|shim| plain(&shim.script) && shim.search.as_ref().is_none_or(plain))
    }
}
