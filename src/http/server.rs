//! The accept loop: TCP or TLS, limits, and a stop that lets answers finish.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::idle::Watched;
use super::places::{Caller, Places};
use super::problem::Problem;
use crate::config::{Http, Tls};

/// Connections at once, and requests that share one; browsers hold six each, viewers more.
const MOST_CONNECTIONS: usize = 4096;
/// When there are so many, one on which nothing has moved for so long makes room for the next. Channels and live pages
/// say something more often.
const SILENCE: Duration = Duration::from_secs(30);
/// Requests at once on one connection (HTTP/2); RFC 9113 6.5.2 wants no fewer.
const MOST_STREAMS: u32 = 100;
/// A caller that drips its request header holds a connection, nothing else, and not for longer.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest request header, and what is held of an answer beside the piece that is being sent: a caller that does
/// not read what it asked for holds that much, or sixteen pieces when they are small, as they are among many.
const CONNECTION_BUFFER_BYTES: usize = 64 << 10;
/// The same of a request that shares its connection with others.
const STREAM_BUFFER_BYTES: usize = 16 << 10;
/// What the system holds of an answer that its network has no room for yet. It would take megabytes of each, and when
/// thousands do not read what they asked for it runs out of memory for all connections of the machine, and cuts some.
const UNSENT_BYTES: u32 = 256 << 10;
/// What encryption holds ready for the socket, of each connection while they are few, and of all of them.
const TLS_BUFFER_BYTES: std::ops::RangeInclusive<usize> = 16 << 10..=64 << 10;
const TLS_BUFFERS_BYTES: usize = 16 << 20;
/// A TLS handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Answers still on their way at a stop get this long.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A bound listener that does not answer yet.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    places: Places,
}

impl Server {
    /// Binds the listener and reads the certificate, if there is one.
    pub async fn bind(config: &Http) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen for HTTP on {} (http_listen)", config.listen))?;
        let tls = config.tls.as_ref().map(acceptor).transpose()?;
        Ok(Self { listener, tls, places: Places::new(MOST_CONNECTIONS, SILENCE) })
    }

    /// The address that was bound, with its real port.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Whether the listener speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Answers until `shutdown`, then lets open answers finish for a while.
    pub async fn run(self, app: Router, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: others must close before it goes on.
                    tracing::warn!(%error, "cannot accept an HTTP connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            // Without one nobody else is accepted: they wait in the queue of the system.
            let place = tokio::select! {
                () = shutdown.cancelled() => break,
                place = self.places.take() => place,
            };
            let (app, tls, stopping) = (app.clone(), self.tls.clone(), shutdown.clone());
            let places = self.places.clone();
            connections.spawn(async move {
                let caller = place.caller.clone();
                tokio::select! {
                    () = serve_peer(stream, peer, tls, app, stopping, &caller, places) => {}
                    () = caller.closed() => {}
                }
                drop(place);
            });
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "HTTP connections cut at the stop");
        }
    }
}

async fn serve_peer(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Router,
    stopping: CancellationToken,
    caller: &Caller,
    places: Places,
) {
    let socket = SockRef::from(&stream);
    if let Err(error) = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES))
    {
        tracing::debug!(%error, "a connection keeps what the system gave it");
    }
    match tls {
        None => serve_stream(stream, peer, app, stopping, caller, places).await,
        Some(tls) => {
            let share = TLS_BUFFERS_BYTES / places.taken().max(1);
            let buffer_bytes = share.clamp(*TLS_BUFFER_BYTES.start(), *TLS_BUFFER_BYTES.end());
            let handshake = tls.accept_with(stream, |tls| tls.set_buffer_limit(Some(buffer_bytes)));
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
                Ok(Ok(stream)) => serve_stream(stream, peer, app, stopping, caller, places).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake took too long"),
            }
        }
    }
}

async fn serve_stream<S>(
    stream: S,
    peer: SocketAddr,
    app: Router,
    stopping: CancellationToken,
    caller: &Caller,
    places: Places,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let (app, places) = (app.clone(), places.clone());
        async move {
            if request.version() != http::Version::HTTP_2 {
                let Ok(response) = app.oneshot(request).await;
                return Ok::<_, Infallible>(response);
            }
            let Some(place) = places.one_more() else { return Ok(Problem::Unavailable.into_response()) };
            let Ok(response) = app.oneshot(request).await;
            // Its place is free again when the last of the answer has gone.
            Ok(response.map(|body| {
                Body::new(body.map_err(move |error| {
                    let _held = &place;
                    error
                }))
            }))
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(CONNECTION_BUFFER_BYTES as u32)
        .max_send_buf_size(STREAM_BUFFER_BYTES);
    let mut connection = std::pin::pin!(
        builder.serve_connection_with_upgrades(TokioIo::new(Watched::new(stream, caller.clone())), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "HTTP connection ended");
    }
}

fn acceptor(tls: &Tls) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate {}", tls.certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .with_context(|| format!("cannot read the key {}", tls.key.display()))?;
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and its key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn bound() -> Server {
        let config = Http {
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            tls: None,
        };
        Server::bind(&config).await.unwrap()
    }

    #[tokio::test]
    async fn long_headers_are_read_in_both_versions() {
        let server = bound().await;
        let address = server.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let app = Router::new().route("/", get(async || "here"));
        let serving = tokio::spawn(server.run(app, shutdown.clone()));
        let url = format!("http://{address}/");
        let request = || http::Request::get(&url).header("x-long", "a".repeat(48 << 10));
        let first = reqwest::Request::try_from(request().body("").unwrap()).unwrap();
        assert_eq!(reqwest::Client::new().execute(first).await.unwrap().status(), 200);
        let stream = TcpStream::connect(address).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let second = send.ready().await.unwrap().send_request(request().body(()).unwrap(), true);
        assert_eq!(second.unwrap().0.await.unwrap().status(), 200);
        connection.abort();
        shutdown.cancel();
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn newcomers_get_the_places_of_those_who_are_silent() {
        let server = Server { places: Places::new(2, Duration::ZERO), ..bound().await };
        let (address, shutdown) = (server.local_addr().unwrap(), CancellationToken::new());
        let app = Router::new().route("/", get(async || "here"));
        let serving = tokio::spawn(server.run(app, shutdown.clone()));
        let mut callers = Vec::new();
        for _ in 0..5 {
            let mut caller = TcpStream::connect(address).await.unwrap();
            caller.write_all(b"GET / HTTP/1.1\r\nHost: sen\r\n\r\n").await.unwrap();
            let mut status = [0; 15];
            caller.read_exact(&mut status).await.unwrap();
            assert_eq!(&status, b"HTTP/1.1 200 OK");
            callers.push(caller);
        }
        // Who came first was closed, without having asked for it.
        callers[0].read_to_end(&mut Vec::new()).await.unwrap();
        drop(callers);
        shutdown.cancel();
        serving.await.unwrap();
    }
}
