//! Small Dockerfiles and what they become, as text.

mod config;
mod gathered;
mod graph;
mod mistakes;
mod show;

use std::collections::BTreeMap;

use super::{Distiller, Lowered, MainContext, NoDistiller, Request, lower};
use crate::diagnostic::Diagnostic;
use crate::dockerfile;
use crate::image::platform::Platform;
use crate::lint::{Options, Sink};
use crate::llb::op::{Op, SourceOp};
use crate::llb::{Caps, Graph, NodeMeta};
use crate::options::{BuildOptions, Worker};
use crate::stage::epoch;
use crate::stage::{self, Answer, ResolvedImage, StageGraph, Wanted, WantedKind};

/// A build of a Dockerfile in a world with one kind of image.
struct Build {
    options: BuildOptions,
    platform: Option<&'static str>,
    /// The config of every image.
    image: &'static str,
}

const IMAGE: &str = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:d"]},
    "config":{"Env":["PATH=/bin"],"Cmd":["sh"]}}"#;

/// Digest of every image, short enough to read.
const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";

impl Default for Build {
    fn default() -> Self {
        let worker = Worker { platforms: vec![linux_amd64()], ..Worker::default() };
        let options =
            BuildOptions { session: "session".to_owned(), workers: vec![worker], ..BuildOptions::default() };
        Self { options, platform: None, image: IMAGE }
    }
}

/// A finished build.
struct Built {
    nodes: Graph,
    lowered: Lowered,
    lint: Sink,
}

impl Build {
    fn arg(mut self, name: &str, value: &str) -> Self {
        self.options.build_args.insert(name.to_owned(), value.to_owned());
        self
    }

    fn context(mut self, key: &str, value: &str) -> Self {
        self.options.named_contexts.insert(key.to_owned(), value.to_owned());
        self
    }

    fn run(&self, text: &str) -> Result<Built, Diagnostic> {
        self.run_with(text, &mut NoDistiller)
    }

    fn run_with(&self, text: &str, distiller: &mut dyn Distiller) -> Result<Built, Diagnostic> {
        let dockerfile = dockerfile::parse(text.as_bytes()).map_err(|errors| errors[0].clone())?;
        let mut lint = Sink::new(Options::default());
        let mut nodes = Graph::default();
        let platform = self.platform.map(|text| Platform::parse(text).unwrap());
        let request = stage::Request {
            options: &self.options,
            target_platform: platform.as_ref(),
            multi_platform: platform.is_some(),
            all_stages: false,
            epoch: match epoch::read(&dockerfile, &self.options)? {
                epoch::TimeOf::Known(epoch) => epoch,
                other => panic!("nobody looks up {other:?} here"),
            },
        };
        let mut stages = StageGraph::new(&dockerfile, &request, &mut lint)?;
        loop {
            let wanted = stages.wanted()?;
            if wanted.is_empty() {
                break;
            }
            for wanted in &wanted {
                let answer = self.answer(wanted, &stages)?;
                stages.provide(wanted, answer, &mut lint)?;
            }
        }
        let local = SourceOp { identifier: "local://context".to_owned(), attrs: BTreeMap::new() };
        let local = nodes.add(Op::Source(local), None, NodeMeta::default());
        let caps: Caps =
            ["mergeop", "exec.mount.bind.readwrite-nooutput", "exec.mount.tmpfs.size"].into_iter().collect();
        let request = Request {
            stages: &stages,
            options: &self.options,
            caps: &caps,
            context: MainContext { state: Some(local.output()), local: Some(local) },
            ignore: None,
        };
        let lowered = lower(&request, &mut nodes, distiller, &mut lint)?;
        Ok(Built { nodes, lowered, lint })
    }

    fn answer(&self, wanted: &Wanted, stages: &StageGraph) -> Result<Answer, Diagnostic> {
        match &wanted.kind {
            WantedKind::Image(request) if request.reference.contains("missing") => {
                Err(stages.unresolved(wanted, "not found"))
            }
            WantedKind::Image(request) => Ok(Answer::Image(ResolvedImage {
                reference: request.reference.clone(),
                digest: DIGEST.to_owned(),
                config: self.image.as_bytes().to_vec(),
            })),
            WantedKind::Ignore { .. } => Ok(Answer::Ignore(vec!["*.o".to_owned()])),
            WantedKind::Input { .. } => Err(Diagnostic::new("there are no inputs")),
        }
    }
}

fn linux_amd64() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}
