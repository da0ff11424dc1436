//! Runs decant's own build and keeps the calls that it makes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use decant::diagnostic::Diagnostic;
use decant::frontend::{self, Process};
use decant::gateway::serve::BuildFailure;
use decant::gateway::{
    BuildError, Client, Daemon, Failure, FileStat, Gateway, ImageLookup, Ref, ResolvedImage, SolveRequest,
    SourceLookup, SourceMeta, Warning,
};
use decant::llb::op::{FileAction, FileOp, Op};
use decant::llb::{Definition, Graph, NodeMeta, SourceMap};
use decant::output::{BuildResult, ResultRefs};

use crate::recording::{Call, FILE, Recording};

/// The result is a file system that holds nothing but the recording.
pub(crate) async fn build(gateway: &Client, mut process: Process) -> Result<BuildResult, BuildFailure> {
    // Without a session the daemon asks the one client of the build: so the definitions hold for every build.
    process.env.retain(|(key, _)| key != "BUILDKIT_SESSION_ID");
    let recorder = Recorder::new(gateway);
    let built = frontend::build(&recorder, process).await?;
    let recording = recorder.finish(built).map_err(BuildError::from)?;
    let data = serde_json::to_vec(&recording)
        .map_err(|error| BuildError::from(Diagnostic::new(format!("writing the recording: {error}"))))?;

    let mut graph = Graph::default();
    let file = FileAction::Mkfile { path: FILE.to_owned(), mode: 0o644, data, owner: None, timestamp: -1 };
    let op = FileOp { base: None, actions: vec![file] };
    let node = graph.add(Op::File(op), None, NodeMeta::default());
    let caps = gateway.ping().await?.llb_caps;
    let definition = graph.marshal(Some(node.output()), &SourceMap::default(), &caps).definition;
    let result = gateway.solve(SolveRequest::new(&definition)).await?;
    Ok(BuildResult {
        refs: ResultRefs::Single(result),
        metadata: BTreeMap::new(),
        attestations: BTreeMap::new(),
    })
}

/// Passes calls on and notes them.
struct Recorder<'a> {
    gateway: &'a Client,
    groups: RefCell<Vec<Vec<Call>>>,
    in_flight: Cell<usize>,
    /// How many results there were when the last group began: what a later member reads must be one of them.
    known: Cell<usize>,
    /// What the solves gave, in the order in which they were asked for.
    results: RefCell<Vec<Ref>>,
}

impl<'a> Recorder<'a> {
    fn new(gateway: &'a Client) -> Self {
        Self { gateway, groups: RefCell::default(), in_flight: Cell::new(0), known: Cell::new(0), results: RefCell::default() }
    }

    /// Makes a call that was noted: a call with others in flight belongs to their group.
    async fn pass<T>(&self, call: Call, answer: impl Future<Output = T>) -> T {
        {
            let mut groups = self.groups.borrow_mut();
            match groups.last_mut() {
                Some(group) if self.in_flight.get() > 0 && self.is_ready(&call) => group.push(call),
                _ => {
                    // A solve has its own result in the list already.
                    let own = usize::from(matches!(call, Call::Solve(_)));
                    self.known.set(self.results.borrow().len() - own);
                    groups.push(vec![call]);
                }
            }
        }
        self.in_flight.set(self.in_flight.get() + 1);
        let answer = answer.await;
        self.in_flight.set(self.in_flight.get() - 1);
        answer
    }

    /// Whether a call can be made together with the last group: it reads no result of that group.
    fn is_ready(&self, call: &Call) -> bool {
        !matches!(call, Call::Read(number, _) if *number >= self.known.get())
    }

    fn number(&self, result: &Ref) -> usize {
        self.results.borrow().iter().position(|known| known == result).unwrap_or_default()
    }

    fn finish(self, built: BuildResult) -> Result<Recording, Diagnostic> {
        let ResultRefs::Single(result) = &built.refs else {
            return Err(Diagnostic::new("only builds of one platform are recorded"));
        };
        Ok(Recording {
            result: self.number(result),
            groups: self.groups.into_inner(),
            metadata: built.metadata.into_iter().map(|(key, value)| (key, STANDARD.encode(value))).collect(),
        })
    }
}

impl Gateway for Recorder<'_> {
    async fn ping(&self) -> Result<Daemon, Failure> {
        self.gateway.ping().await
    }

    async fn inputs(&self) -> Result<BTreeMap<String, Definition>, Failure> {
        self.pass(Call::Inputs, self.gateway.inputs()).await
    }

    async fn solve(&self, request: SolveRequest<'_>) -> Result<Ref, Failure> {
        let call = Call::Solve(STANDARD.encode(request.definition.encode()));
        let number = self.results.borrow().len();
        self.results.borrow_mut().push(Ref::default());
        let result = self.pass(call, self.gateway.solve(request)).await?;
        if let Some(place) = self.results.borrow_mut().get_mut(number) {
            *place = result.clone();
        }
        Ok(result)
    }

    async fn evaluate(&self, result: &Ref) -> Result<(), Failure> {
        self.gateway.evaluate(result).await
    }

    async fn read_file(&self, result: &Ref, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        let call = Call::Read(self.number(result), path.to_owned());
        self.pass(call, self.gateway.read_file(result, path, limit)).await
    }

    async fn read_start(&self, result: &Ref, path: &str, length: u32) -> Result<Vec<u8>, Failure> {
        self.gateway.read_start(result, path, length).await
    }

    async fn stat_file(&self, result: &Ref, path: &str) -> Result<Option<FileStat>, Failure> {
        self.gateway.stat_file(result, path).await
    }

    async fn resolve_image(&self, lookup: ImageLookup<'_>) -> Result<ResolvedImage, Failure> {
        let call = Call::Image {
            reference: lookup.reference.to_owned(),
            platform: lookup.platform.map(decant::image::platform::Platform::format).unwrap_or_default(),
            log_name: lookup.log_name.to_owned(),
        };
        self.pass(call, self.gateway.resolve_image(lookup)).await
    }

    async fn resolve_source(&self, lookup: SourceLookup<'_>) -> Result<SourceMeta, Failure> {
        self.gateway.resolve_source(lookup).await
    }

    async fn warn(&self, warning: Warning<'_>) -> Result<(), Failure> {
        self.gateway.warn(warning).await
    }

    async fn return_result(&self, result: BuildResult) -> Result<(), Failure> {
        self.gateway.return_result(result).await
    }

    async fn return_error(&self, error: &BuildError, source: Option<&SourceMap>) -> Result<(), Failure> {
        self.gateway.return_error(error, source).await
    }
}
