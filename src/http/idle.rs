//! Connections on which nothing moves are given up.
//!
//! The HTTP library bounds how long a request's header may take, but only once it knows which version of HTTP is
//! spoken; before that, between the requests of HTTP/2, and while a body or an answer is on its way, a caller that
//! falls silent would hold its place for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::places::Caller;

/// How long a new connection may stay silent.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long neither side may move a byte after that; no request works so long without an answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// A stream that fails with `TimedOut` when nothing has moved for too long.
pub struct Watched<S> {
    stream: S,
    caller: Caller,
    last_moved: Instant,
    timeout: Duration,
    /// When to look at the clock again. Setting it anew at every byte would cost more than the byte.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    /// Watches a connection that was accepted just now.
    pub fn new(stream: S, caller: Caller) -> Self {
        let now = Instant::now();
        Self {
            stream,
            caller,
            last_moved: now,
            timeout: FIRST_BYTE_TIMEOUT,
            alarm: Box::pin(sleep_until(now + FIRST_BYTE_TIMEOUT)),
        }
    }

    /// Notes what came of a try to move bytes; gives up when it is one of too many in vain.
    fn note<T>(&mut self, tried: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.last_moved = Instant::now();
            self.caller.moved(self.last_moved);
            self.timeout = IDLE_TIMEOUT;
            return tried;
        }
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let deadline = self.last_moved + self.timeout;
            if deadline <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(deadline);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.note(tried, cx)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(tried, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(tried, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_flush(cx);
        // Done, it moved nothing by itself; not done, it waits for the other side.
        if tried.is_ready() { tried } else { self.note(tried, cx) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
