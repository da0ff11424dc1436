//! One build as a process: connect, build, return, exit.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use crate::gateway::{BuildError, Client, Failure, Gateway};
use crate::llb::SourceMap;
use crate::output::BuildResult;

/// A build that has no result.
#[derive(Debug)]
pub struct BuildFailure {
    pub error: BuildError,
    /// The file that its spans point into, once it was read.
    pub source: Option<SourceMap>,
}

impl<E: Into<BuildError>> From<E> for BuildFailure {
    fn from(error: E) -> Self {
        Self { error: error.into(), source: None }
    }
}

/// Serves one build on stdin and stdout and says how the process should end.
///
/// A panic of `build` is returned to the daemon as an error of decant's own. The caller must exit with the
/// code at once: the connection stays open until then.
pub fn serve<B>(build: B) -> ExitCode
where
    B: AsyncFnOnce(&Client) -> Result<BuildResult, BuildFailure>,
{
    let panic_text = record_panics();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("starting: {error}")),
    };
    let outcome = runtime.block_on(async {
        let (mut client, driver) = Client::connect_stdio().await.map_err(|error| {
            format!(
                "without a verb decant talks to BuildKit on stdin and stdout, which cannot be used: {error}"
            )
        })?;
        let session = async {
            client.greet().await.map_err(|failure| lost(&failure))?;
            run(&client, build, &panic_text).await.map_err(|failure| lost(&failure))
        };
        tokio::select! {
            biased;
            ended = session => ended,
            _ = driver => Err("BuildKit closed the connection before the build was done".to_owned()),
        }
    });
    // The connection lives in `runtime`'s task; dropping it would close the wire before the exit.
    std::mem::forget(runtime);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

async fn run<B>(client: &Client, build: B, panic_text: &Mutex<String>) -> Result<(), Failure>
where
    B: AsyncFnOnce(&Client) -> Result<BuildResult, BuildFailure>,
{
    let failure = match catch_panic(build(client)).await {
        Some(Ok(result)) => return client.return_result(result).await,
        Some(Err(failure)) => failure,
        None => {
            let text = panic_text.lock().unwrap_or_else(PoisonError::into_inner).clone();
            BuildFailure { error: BuildError::Bug(text), source: None }
        }
    };
    client.return_error(&failure.error, failure.source.as_ref()).await
}

/// The output of `future`, or `None` when it panicked.
async fn catch_panic<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        // The future is never polled again after a panic, so nobody sees its broken state.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => std::task::Poll::Ready(None),
        }
    })
    .await
}

/// Keeps the text of the last panic besides printing it.
fn record_panics() -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&text);
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        *keep.lock().unwrap_or_else(PoisonError::into_inner) = one_line(&info.to_string());
        print(info);
    }));
    text
}

/// `panicked at src/x.rs:1:2:` and the message in one line.
fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

fn lost(failure: &Failure) -> String {
    format!("the call to BuildKit failed: {failure}")
}

fn fail(message: &str) -> ExitCode {
    eprintln!("decant: {message}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_future_not_the_process() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let outcome = runtime.block_on(async {
            let broken = catch_panic(async {
                tokio::task::yield_now().await;
                let empty: &[u8] = &[];
                empty[std::hint::black_box(0)]
            })
            .await;
            (broken, catch_panic(async { 7 }).await)
        });
        assert_eq!(outcome, (None, Some(7)));
    }

    #[test]
    fn panic_texts_are_one_line() {
        let text = one_line("panicked at src/x.rs:1:2:\nno such thing");
        assert_eq!(text, "panicked at src/x.rs:1:2: no such thing");
    }
}
