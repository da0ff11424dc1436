//! A stand-in for buildkitd at the other end of decant's stdin and stdout.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use decant::proto::google::rpc;
use decant::proto::moby::buildkit::v1::apicaps::ApiCap;
use decant::proto::moby::buildkit::v1::frontend as api;
use http::{HeaderMap, HeaderValue};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::unix::pipe;

/// How long a test waits for decant to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// How the daemon answers.
#[derive(Clone, Default)]
pub(crate) struct Daemon {
    pub(crate) gateway_caps: Vec<&'static str>,
    pub(crate) llb_caps: Vec<&'static str>,
    /// Options of the build, `key=value`.
    pub(crate) options: Vec<&'static str>,
    /// What each solve fails with.
    pub(crate) solve_error: Option<rpc::Status>,
    /// Files of every result.
    pub(crate) files: BTreeMap<&'static str, Vec<u8>>,
    /// Close the connection at this call.
    pub(crate) vanish_at: Option<&'static str>,
}

/// What decant did.
pub(crate) struct Served {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    /// Names of the calls in order.
    pub(crate) calls: Vec<String>,
    /// (path, offset, length) of each read.
    pub(crate) reads: Vec<(String, i64, i64)>,
    pub(crate) returned: Option<api::ReturnRequest>,
}

impl Served {
    /// Message of the error that decant returned.
    pub(crate) fn error(&self) -> &str {
        let returned = self.returned.as_ref().expect("decant returned");
        &returned.error.as_ref().expect("an error").message
    }
}

#[derive(Default)]
struct Seen {
    calls: Vec<String>,
    reads: Vec<(String, i64, i64)>,
    returned: Option<api::ReturnRequest>,
}

impl Daemon {
    /// A current daemon.
    pub(crate) fn current() -> Self {
        Self {
            gateway_caps: vec!["gateway.warnings", "proto.refarray", "statfile", "frontend.inputs"],
            llb_caps: vec!["file.base", "exec.meta.setsdefaultpath"],
            ..Self::default()
        }
    }

    /// Starts decant and serves it until it ends.
    pub(crate) fn serve(self) -> Served {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.serve_child())
    }

    async fn serve_child(self) -> Served {
        let options =
            self.options.iter().enumerate().map(|(n, option)| (format!("BUILDKIT_FRONTEND_OPT_{n}"), option));
        let mut child = Command::new(env!("CARGO_BIN_EXE_decant"))
            .env_clear()
            .envs(options)
            .env("BUILDKIT_SESSION_ID", "session")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let to_child = OwnedFd::from(child.stdin.take().unwrap());
        let from_child = OwnedFd::from(child.stdout.take().unwrap());
        let wire = tokio::io::join(
            pipe::Receiver::from_owned_fd(from_child).unwrap(),
            pipe::Sender::from_owned_fd(to_child).unwrap(),
        );
        let seen = Arc::new(Mutex::new(Seen::default()));
        let vanish = Arc::new(tokio::sync::Notify::new());
        let service = service_fn(|request: http::Request<Incoming>| {
            let (daemon, seen, vanish) = (self.clone(), Arc::clone(&seen), Arc::clone(&vanish));
            async move { Ok::<_, Infallible>(daemon.answer(request, &seen, &vanish).await) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(16 << 20)
            .serve_connection(TokioIo::new(wire), service);
        // The connection stays open until decant ends, as the daemon's does.
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
        tokio::pin!(ended);
        let vanished = async {
            tokio::select! {
                _ = connection => {},
                () = vanish.notified() => {},
            }
        };
        let output = tokio::time::timeout(PATIENCE, async {
            tokio::select! {
                biased;
                output = &mut ended => output,
                () = vanished => ended.await,
            }
        })
        .await
        .expect("decant hangs")
        .unwrap()
        .unwrap();
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        Served {
            status: output.status,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            calls: seen.calls,
            reads: seen.reads,
            returned: seen.returned,
        }
    }

    async fn answer(
        &self,
        request: http::Request<Incoming>,
        seen: &Mutex<Seen>,
        vanish: &tokio::sync::Notify,
    ) -> http::Response<Answer> {
        let call = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let message = read(request.into_body()).await;
        seen.lock().unwrap().calls.push(call.clone());
        if self.vanish_at == Some(call.as_str()) {
            vanish.notify_one();
            std::future::pending::<()>().await;
        }
        let outcome = match call.as_str() {
            "Ping" => Ok(self.pong().encode_to_vec()),
            "Inputs" => Ok(api::InputsResponse::default().encode_to_vec()),
            "Solve" => self.solve(),
            "ReadFile" => {
                let request = api::ReadFileRequest::decode(message).unwrap();
                let range = request.range.unwrap_or_default();
                let read = (request.file_path.clone(), range.offset, range.length);
                seen.lock().unwrap().reads.push(read);
                self.read_file(&request.file_path, range)
            }
            "StatFile" => {
                let path = api::StatFileRequest::decode(message).unwrap().path;
                Err(status(2, &format!("lstat {path}: no such file or directory")))
            }
            "ResolveImageConfig" => Ok(Self::image().encode_to_vec()),
            "Warn" => Ok(Vec::new()),
            "Return" => {
                seen.lock().unwrap().returned = api::ReturnRequest::decode(message).ok();
                Ok(Vec::new())
            }
            other => Err(status(12, &format!("unknown method {other}"))),
        };
        respond(outcome)
    }

    fn pong(&self) -> api::PongResponse {
        let caps = |ids: &[&str]| {
            let cap = |id: &&str| ApiCap { id: (*id).to_owned(), enabled: true, ..ApiCap::default() };
            ids.iter().map(cap).collect()
        };
        api::PongResponse {
            frontend_api_caps: caps(&self.gateway_caps),
            llb_caps: caps(&self.llb_caps),
            workers: Vec::new(),
        }
    }

    /// Every image is the same.
    fn image() -> api::ResolveImageConfigResponse {
        api::ResolveImageConfigResponse {
            digest: format!("sha256:{}", "0".repeat(64)),
            config: br#"{"architecture": "amd64", "os": "linux", "config": {}}"#.to_vec(),
            ..api::ResolveImageConfigResponse::default()
        }
    }

    fn solve(&self) -> Result<Vec<u8>, rpc::Status> {
        if let Some(error) = &self.solve_error {
            return Err(error.clone());
        }
        let single = api::Ref { id: "ref".to_owned(), def: None };
        let result = api::Result { result: Some(api::result::Result::Ref(single)), ..api::Result::default() };
        Ok(api::SolveResponse { result: Some(result), ..api::SolveResponse::default() }.encode_to_vec())
    }

    fn read_file(&self, path: &str, range: api::FileRange) -> Result<Vec<u8>, rpc::Status> {
        let Some(data) = self.files.get(path) else {
            return Err(status(2, &format!("open {path}: no such file or directory")));
        };
        let offset = usize::try_from(range.offset).unwrap().min(data.len());
        let length = usize::try_from(range.length).unwrap().min(data.len() - offset);
        let data = data[offset..offset + length].to_vec();
        Ok(api::ReadFileResponse { data }.encode_to_vec())
    }
}

/// A status without details.
pub(crate) fn status(code: i32, message: &str) -> rpc::Status {
    rpc::Status { code, message: message.to_owned(), details: Vec::new() }
}

/// The message of a request: five bytes of frame, then protobuf.
async fn read(mut body: Incoming) -> Bytes {
    let mut data = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Some(chunk) = frame.unwrap().data_ref() {
            data.extend_from_slice(chunk);
        }
    }
    Bytes::from(data).slice(5..)
}

fn respond(outcome: Result<Vec<u8>, rpc::Status>) -> http::Response<Answer> {
    let mut frames = VecDeque::new();
    let mut trailers = HeaderMap::new();
    match outcome {
        Ok(message) => {
            let mut data = vec![0];
            data.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
            data.extend_from_slice(&message);
            frames.push_back(Frame::data(Bytes::from(data)));
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
        }
        Err(error) => {
            trailers.insert("grpc-status", HeaderValue::from(error.code));
            trailers.insert("grpc-message", HeaderValue::from_str(&error.message).unwrap());
            let details = STANDARD_NO_PAD.encode(error.encode_to_vec());
            let details = HeaderValue::from_str(&details).unwrap();
            trailers.insert("grpc-status-details-bin", details);
        }
    }
    frames.push_back(Frame::trailers(trailers));
    let answer = http::Response::builder().header("content-type", "application/grpc");
    answer.body(Answer(frames)).unwrap()
}

/// A body of prepared frames.
struct Answer(VecDeque<Frame<Bytes>>);

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
