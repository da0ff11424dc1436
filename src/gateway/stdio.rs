//! The wire: HTTP/2 on this process's stdin and stdout, with the daemon as server.
//!
//! Stdin is polled, not read by tokio's helper thread, and the program ends by its exit code while the
//! connection is still open: closing it earlier makes the daemon kill the build.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tonic::body::Body;
use tonic::codegen::Service;

/// Most bytes of headers in an answer. Error details come in a trailer and hold the whole Dockerfile twice
/// encoded; hyper's 16 KiB would lose them, or the connection.
pub(super) const MAX_HEADER_LIST_BYTES: u32 = 16 << 20;

/// Most bytes of a message each way: the daemon's own limit.
pub(super) const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Bytes of a read in flight, so that a full message needs no window update.
const WINDOW_BYTES: u32 = 16 << 20;

/// Bytes of one HTTP/2 frame: what the daemon's server allows.
const FRAME_BYTES: u32 = 1 << 20;

/// The one connection of this process, as the service that gRPC calls go through.
#[derive(Clone)]
pub(super) struct Wire(http2::SendRequest<Body>);

/// Drives the connection; ends when the daemon closes it.
pub(super) type Driver = Pin<Box<dyn Future<Output = Result<(), hyper::Error>>>>;

impl Wire {
    /// Speaks first on `input` and `output`, which must be pipes or sockets.
    ///
    /// # Errors
    /// When they cannot be polled, or the connection breaks during the handshake.
    pub(super) async fn connect(input: OwnedFd, output: OwnedFd) -> io::Result<(Self, Driver)> {
        let duplex = Duplex::new(input, output)?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES)
            .handshake(TokioIo::new(duplex))
            .await
            .map_err(io::Error::other)?;
        Ok((Self(sender), Box::pin(connection)))
    }

    /// [`Wire::connect`] on this process's stdin and stdout.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn connect_stdio() -> io::Result<(Self, Driver)> {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let output = io::stdout().as_fd().try_clone_to_owned()?;
        Self::connect(input, output).await
    }
}

impl Service<http::Request<Body>> for Wire {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// Two one-way files as one two-way stream.
struct Duplex {
    input: pipe::Receiver,
    output: pipe::Sender,
}

impl Duplex {
    /// Takes any files that can be polled, so that sockets serve as well.
    fn new(input: OwnedFd, output: OwnedFd) -> io::Result<Self> {
        for fd in [&input, &output] {
            fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            input: pipe::Receiver::from_owned_fd_unchecked(input)?,
            output: pipe::Sender::from_owned_fd_unchecked(output)?,
        })
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_read(context, buffer)
    }
}

/// Never closed: the daemon takes a closed output for the end of the frontend.
impl AsyncWrite for Duplex {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.output).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
