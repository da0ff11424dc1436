//! One build as a process: connect, build, return, exit.

use std::io;
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

use crate::gateway::{BuildError, Client, Failure, Gateway};
use crate::llb::SourceMap;
use crate::output::BuildResult;
use crate::watched;

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
    B: AsyncFnOnce(&Client) -> Result<BuildResult, BuildFailure> + Send + 'static,
{
    let runtime = match new_runtime() {
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
            run(client, build).await.map_err(|failure| lost(&failure))
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

/// Runs `build` beside the connection and returns what comes of it.
#[expect(clippy::result_large_err, reason = "a process makes one")]
async fn run<B>(client: Client, build: B) -> Result<(), Failure>
where
    B: AsyncFnOnce(&Client) -> Result<BuildResult, BuildFailure> + Send + 'static,
{
    let calls = client.clone();
    let building = watched::start(move || new_runtime().map(|runtime| runtime.block_on(build(&calls))));
    let failure = match building.outcome().await {
        Ok(Ok(Ok(result))) => return client.return_result(result).await,
        Ok(Ok(Err(failure))) => failure,
        Ok(Err(error)) => BuildError::Bug(format!("starting: {error}")).into(),
        Err(panic) => BuildError::Bug(panic).into(),
    };
    client.return_error(&failure.error, failure.source.as_ref()).await
}

fn new_runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn lost(failure: &Failure) -> String {
    format!("the call to BuildKit failed: {failure}")
}

fn fail(message: &str) -> ExitCode {
    eprintln!("decant: {message}");
    ExitCode::FAILURE
}
