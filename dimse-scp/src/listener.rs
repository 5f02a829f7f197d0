//! The listening sockets, a task for each connection, and the workers that report what is owed, do what is queued and
//! test devices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use storage::Archive;
use storage::audit_log::AuditLog;
use storage::devices::Device;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::arrivals::Arrivals;
use crate::commitment::worker;
use crate::config::{Config, Users};
use crate::echo;
use crate::failures::{self, Failures};
use crate::limits::Limits;
use crate::link::Port;
use crate::migration;
use crate::queue;
use crate::scu::Options;
use crate::seen::{self, Seen};
use crate::services::{Codecs, Transcoder};
use crate::session;
use crate::sop_class::SopClasses;
use crate::tls::Secured;
use crate::waiting::Waiting;

/// Connections that have not become an association yet. Far more than modalities open in the
/// milliseconds that it takes, and far fewer than there are file descriptors.
const MAX_WAITING_CONNECTIONS: usize = 256;

/// How long the last failed associations, and devices that called, may take to be noted at a stop.
const NOTED_WITHIN: Duration = Duration::from_secs(1);

/// What every session shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub config: Arc<Config>,
    pub archive: Archive,
    pub audit_log: AuditLog,
    pub classes: Arc<SopClasses>,
    pub limits: Arc<Limits>,
    /// Where failed associations are noted.
    pub failures: Failures,
    /// Where it is noted who has called.
    pub seen: Seen,
    /// Where it is counted what arrives of series that are being pulled.
    pub arrivals: Arrivals,
    /// Where frames are made that leave in another encoding.
    pub transcoder: Transcoder,
    /// Cancelled when the server stops: associations end between two messages.
    pub stopping: CancellationToken,
    /// Told when a storage commitment report is left to the worker.
    pub overdue: Arc<Notify>,
    workers: Arc<AtomicU64>,
}

impl Shared {
    /// A name, unlike any other of this server, to hold jobs under.
    pub fn new_worker(&self) -> String {
        format!("dimse-{}", self.workers.fetch_add(1, Ordering::Relaxed))
    }
}

impl Shared {
    /// How an association to a device is opened. Fails with why not, when it has to be encrypted and cannot be.
    pub fn options_for(&self, device: &Device) -> Result<Options, &'static str> {
        let tls = match (device.rules.requires_tls, &self.config.tls) {
            (false, _) => None,
            (true, Some(tls)) => Some(Secured::to(Arc::clone(tls), device)),
            (true, None) => return Err("the device requires TLS, and there is no certificate here"),
        };
        Ok(Options { max_pdu_bytes: self.config.max_pdu_bytes, timeouts: self.config.timeouts, tls })
    }
}

/// The DIMSE server, bound to its addresses.
pub struct Server {
    listener: TcpListener,
    tls_listener: Option<TcpListener>,
    codecs: Codecs,
    config: Config,
}

impl Server {
    /// Binds the listening sockets and starts the codecs' threads. Who connects waits until [`Server::run`].
    pub async fn bind(config: Config) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let tls_listener = match config.tls_listen {
            Some(listen) => Some(TcpListener::bind(listen).await?),
            None => None,
        };
        Ok(Self { listener, tls_listener, codecs: Codecs::start()?, config })
    }

    /// Where it listens for TLS, if it does.
    pub fn tls_addr(&self) -> std::io::Result<Option<SocketAddr>> {
        self.tls_listener.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Where it listens, which the system chose if port 0 was asked for.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Asks `users` about those that requestors name.
    pub fn with_users(mut self, users: Users) -> Self {
        self.config.users = Some(users);
        self
    }

    /// Serves the archive until `shutdown`, then lets running operations finish for as long as
    /// [`crate::Timeouts::stop`] allows.
    pub async fn run(self, archive: Archive, audit_log: AuditLog, shutdown: CancellationToken) {
        let Self { listener, tls_listener, codecs, config } = self;
        let (failures, noted) = Failures::new();
        let noting =
            tokio::spawn(failures::write(noted, archive.database().clone(), archive.config().clock.clone()));
        let (seen, called) = Seen::new();
        let noting_seen =
            tokio::spawn(seen::write(called, archive.database().clone(), archive.config().clock.clone()));
        let shared = Shared {
            failures,
            seen,
            arrivals: Arrivals::default(),
            transcoder: Transcoder::new(archive.clone(), codecs),
            classes: Arc::new(SopClasses::new(config.extra_storage_classes.iter().cloned())),
            limits: Limits::new(config.max_associations, config.max_associations_per_ae),
            config: Arc::new(config),
            archive,
            audit_log,
            stopping: shutdown.child_token(),
            overdue: Arc::default(),
            workers: Arc::default(),
        };
        let waiting = Waiting::new(MAX_WAITING_CONNECTIONS);
        let tasks = TaskTracker::new();
        let cut = CancellationToken::new();
        let (reporting, queue) = (worker::run(shared.clone()), queue::run(shared.clone()));
        let testing = echo::run(shared.clone());
        let cut_off = cut.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = cut_off.cancelled() => {}
                _ = futures::future::join3(reporting, queue, testing) => {}
            }
        });
        tasks.spawn(migration::worker::run(shared.clone()));
        loop {
            let (port, accepted) = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => (Port::Plain, accepted),
                accepted = accept(tls_listener.as_ref()) => (Port::Tls, accepted),
            };
            match accepted {
                Ok((stream, peer)) => take(&tasks, (stream, port), peer, &shared, &waiting, &cut),
                Err(error) => {
                    // Out of file descriptors, most likely: they come back as associations end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop((listener, tls_listener));
        tasks.close();
        if timeout(shared.config.timeouts.stop, tasks.wait()).await.is_err() {
            tracing::warn!(associations = tasks.len(), "associations are cut off");
            cut.cancel();
            tasks.wait().await;
        }
        // The last to tell of failures goes with it.
        drop(shared);
        if timeout(NOTED_WITHIN, async { tokio::join!(noting, noting_seen) }).await.is_err() {
            tracing::debug!("associations that failed, and devices that called, were not all noted");
        }
    }
}

/// The next connection of a listener; never one where there is none.
async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Starts the task of a connection.
fn take(
    tasks: &TaskTracker,
    (stream, port): (TcpStream, Port),
    peer: SocketAddr,
    shared: &Shared,
    waiting: &Arc<Waiting>,
    cut: &CancellationToken,
) {
    let place = waiting.place();
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let (shared, cut) = (shared.clone(), cut.clone());
    tasks.spawn(async move {
        tokio::select! {
            () = cut.cancelled() => {}
            () = session::serve((stream, port), peer, shared, place) => {}
        }
    });
}
