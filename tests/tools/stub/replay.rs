//! Makes the calls of a recording again, without looking at the answers.

use std::collections::BTreeMap;
use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use decant::gateway::serve::BuildFailure;
use decant::gateway::{
    BuildError, Client, Failure, Gateway, ImageLookup, ImageStore, Ref, SolveRequest, join_all,
};
use decant::image::platform::Platform;
use decant::llb::Definition;
use decant::options::ImageResolveMode;
use decant::output::{BuildResult, ResultRefs};

use crate::recording::{Call, FILE, Recording};

/// Most bytes of a file that is read.
const LIMIT: u64 = 16 << 20;

pub(crate) async fn build(gateway: &Client) -> Result<BuildResult, BuildFailure> {
    let bytes = std::fs::read(FILE).map_err(|error| broken(&error))?;
    let recording: Recording = serde_json::from_slice(&bytes).map_err(|error| broken(&error))?;
    let mut results: Vec<Ref> = Vec::new();
    for group in &recording.groups {
        let answers = join_all(group.iter().map(|call| make(gateway, call, &results))).await;
        for answer in answers {
            results.extend(answer?);
        }
    }
    let mut metadata = BTreeMap::new();
    for (key, value) in recording.metadata {
        metadata.insert(key, STANDARD.decode(value).map_err(|error| broken(&error))?);
    }
    let result = results.get(recording.result).cloned().unwrap_or_default();
    Ok(BuildResult { refs: ResultRefs::Single(result), metadata, attestations: BTreeMap::new() })
}

/// A result, when the call was a solve.
async fn make(gateway: &Client, call: &Call, results: &[Ref]) -> Result<Option<Ref>, BuildError> {
    match call {
        Call::Inputs => {
            gateway.inputs().await?;
        }
        Call::Solve(text) => {
            let bytes = STANDARD.decode(text).map_err(|error| broken(&error))?;
            let definition = Definition::decode(&bytes).map_err(|error| broken(&error))?;
            return Ok(Some(gateway.solve(SolveRequest::new(&definition)).await?));
        }
        Call::Read(number, path) => {
            let result =
                results.get(*number).ok_or_else(|| broken(&"a result is read before it is there"))?;
            gateway.read_file(result, path, LIMIT).await?;
        }
        Call::Image { reference, platform, log_name } => {
            let platform = Platform::parse(platform).map_err(|error| broken(&error))?;
            gateway
                .resolve_image(ImageLookup {
                    reference,
                    platform: Some(&platform),
                    mode: ImageResolveMode::Default,
                    log_name,
                    store: ImageStore::Registry,
                })
                .await?;
        }
    }
    Ok(None)
}

fn broken(error: &dyn Display) -> BuildError {
    Failure::new(format!("the recording cannot be used: {error}")).into()
}
