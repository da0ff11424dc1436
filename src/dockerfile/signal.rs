//! STOPSIGNAL after expansion.

/// Whether `text` is a signal: a non-zero integer or a Linux signal name, `SIG` optional, any case.
///
/// Otherwise the error is `invalid signal: <text>`.
pub fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    NAMES.contains(&name) || is_real_time(name)
}

/// `RTMIN`, `RTMIN+1` to `+15`, `RTMAX-14` to `-1`, `RTMAX`.
fn is_real_time(name: &str) -> bool {
    let offset = |prefix: &str, most: u8| {
        name.strip_prefix(prefix).is_some_and(|offset| (1..=most).any(|number| number.to_string() == offset))
    };
    matches!(name, "RTMIN" | "RTMAX") || offset("RTMIN+", 15) || offset("RTMAX-", 14)
}

/// `signal(7)`, with the synonyms that Linux has.
const NAMES: [&str; 34] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE",
    "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU",
    "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

#[cfg(test)]
mod tests {
    use super::is_signal;

    #[test]
    fn knows_signals() {
        for text in ["9", "-1", "SIGTERM", "term", "sigrtmin+15", "RTMAX-14", "RTMAX", "CLD", "+3"] {
            assert!(is_signal(text), "{text}");
        }
        for text in ["0", "", "SIG", "FOO", "RTMIN+0", "RTMIN+16", "RTMAX-15", "RTMIN+01", "SIGSIGTERM", "9x"]
        {
            assert!(!is_signal(text), "{text}");
        }
    }
}
