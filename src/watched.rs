//! Panics as answers, in a program that is built to abort on them.
//!
//! Unwinding would cost a seventh of the program's size. Instead, work that may panic runs on a thread of its own; the
//! panic hook, which runs before anything is torn down, sends the text and stops that thread for good.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What became of watched work.
#[derive(Debug)]
pub struct Watched<T>(UnboundedReceiver<Result<T, String>>);

impl<T> Watched<T> {
    /// The output of the work, or place and text of its panic in one line.
    ///
    /// # Errors
    /// When the work panicked.
    pub async fn outcome(mut self) -> Result<T, String> {
        self.0.recv().await.unwrap_or_else(|| Err(ENDED.to_owned()))
    }

    /// The same for a caller outside of a runtime.
    ///
    /// # Errors
    /// When the work panicked.
    pub fn wait(mut self) -> Result<T, String> {
        self.0.blocking_recv().unwrap_or_else(|| Err(ENDED.to_owned()))
    }
}

/// Starts `work` on a thread of its own. A thread whose work panicked stands still until the process ends.
pub fn start<T, W>(work: W) -> Watched<T>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            print(panic);
            tell(panic);
        }));
    });
    let (sender, receiver) = unbounded_channel();
    let failed = sender.clone();
    let started = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let panicked = sender.clone();
        // Nobody hears it where the caller has gone.
        TELL.set(Some(Box::new(move |text| drop(panicked.send(Err(text))))));
        let _ = sender.send(Ok(work()));
    });
    if let Err(error) = started {
        let _ = failed.send(Err(format!("no thread can be started: {error}")));
    }
    Watched(receiver)
}

type Tell = Box<dyn Fn(String)>;

thread_local! {
    /// Where a watched thread tells its panic.
    static TELL: RefCell<Option<Tell>> = const { RefCell::new(None) };
}

/// Tells the panic of a watched thread. Where the process would end next, the thread stops here.
fn tell(panic: &PanicHookInfo<'_>) {
    if let Ok(Some(tell)) = TELL.try_with(RefCell::take) {
        tell(one_line(&panic.to_string()));
        while cfg!(panic = "abort") {
            thread::park();
        }
    }
}

/// `panicked at src/x.rs:1:2:` and the message in one line.
fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

/// As much as the first thread of a process usually has.
const STACK_BYTES: usize = 8 << 20;
const ENDED: &str = "the work ended without an outcome";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_place() {
        let broken = start(|| {
            let empty: &[u8] = &[];
            empty[std::hint::black_box(0)]
        });
        let text = broken.wait().expect_err("it panics");
        assert!(
            text.starts_with("panicked at src/watched.rs:") && text.contains("index out of bounds"),
            "{text}"
        );
        assert_eq!(start(|| 7).wait(), Ok(7));
    }

    #[test]
    fn panic_texts_are_one_line() {
        let text = one_line("panicked at src/x.rs:1:2:\nno such thing");
        assert_eq!(text, "panicked at src/x.rs:1:2: no such thing");
    }
}
