//! Panics as answers, in a program that is built to abort on them.
//!
//! Unwinding would cost a seventh of the program's size. Instead, work that may panic runs on a thread of its own; the
//! panic hook, which runs before anything is torn down, sends the text and stops that thread for good.

use std::cell::RefCell;
use std::sync::Once;
use std::sync::mpsc::channel;
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
    let (sender, receiver) = unbounded_channel();
    // Nobody hears it where the caller has gone.
    start_on(STACK_BYTES, true, work, move |outcome| drop(sender.send(outcome)));
    Watched(receiver)
}

/// Does work whose panic is an answer like others and is not printed, on a stack of so many bytes.
///
/// # Errors
/// When the work panicked, or there is no memory for its stack.
pub fn attempt<T, W>(stack_bytes: usize, work: W) -> Result<T, String>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let (sender, receiver) = channel();
    start_on(stack_bytes, false, work, move |outcome| drop(sender.send(outcome)));
    receiver.recv().unwrap_or_else(|_| Err(ENDED.to_owned()))
}

fn start_on<T, W, S>(stack_bytes: usize, printed: bool, work: W, send: S)
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
    S: Fn(Result<T, String>) + Clone + Send + 'static,
{
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let watch = WATCH.try_with(RefCell::take).ok().flatten();
            if watch.as_ref().is_none_or(|watch| watch.printed) {
                print(panic);
            }
            if let Some(watch) = watch {
                (watch.tell)(one_line(&panic.to_string()));
                // The process would end next.
                while cfg!(panic = "abort") {
                    thread::park();
                }
            }
        }));
    });
    let failed = send.clone();
    let started = thread::Builder::new().stack_size(stack_bytes).spawn(move || {
        let panicked = send.clone();
        let tell = Box::new(move |text| panicked(Err(text)));
        WATCH.set(Some(Watch { tell, printed }));
        send(Ok(work()));
    });
    if let Err(error) = started {
        failed(Err(format!("no thread can be started: {error}")));
    }
}

/// What the panic hook does for a thread.
struct Watch {
    tell: Box<dyn Fn(String)>,
    printed: bool,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
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
        assert_eq!(attempt(1 << 16, || 7), Ok(7));
        attempt(1 << 16, || std::hint::black_box(None::<u8>).expect("none")).expect_err("it panics");
    }

    #[test]
    fn panic_texts_are_one_line() {
        let text = one_line("panicked at src/x.rs:1:2:\nno such thing");
        assert_eq!(text, "panicked at src/x.rs:1:2: no such thing");
    }
}
