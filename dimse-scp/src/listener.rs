//! The listening socket, a task for each connection, and the workers that report what is owed and do what is queued.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use storage::Archive;
use storage::audit_log::AuditLog;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::commitment::worker;
use crate::config::Config;
use crate::limits::Limits;
use crate::migration;
use crate::queue;
use crate::session;
use crate::sop_class::SopClasses;
use crate::waiting::Waiting;

/// Connections that have not become an association yet. Far more than modalities open in the
/// milliseconds that it takes, and far fewer than there are file descriptors.
const MAX_WAITING_CONNECTIONS: usize = 256;

/// What every session shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub config: Arc<Config>,
    pub archive: Archive,
    pub audit_log: AuditLog,
    pub classes: Arc<SopClasses>,
    pub limits: Arc<Limits>,
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

/// The DIMSE server, bound to its address.
pub struct Server {
    listener: TcpListener,
    config: Config,
}

impl Server {
    /// Binds the listening socket. Who connects waits until [`Server::run`].
    pub async fn bind(config: Config) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        Ok(Self { listener, config })
    }

    /// Where it listens, which the system chose if port 0 was asked for.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves the archive until `shutdown`, then lets running operations finish for as long as
    /// [`crate::Timeouts::stop`] allows.
    pub async fn run(self, archive: Archive, audit_log: AuditLog, shutdown: CancellationToken) {
        let Self { listener, config } = self;
        let shared = Shared {
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
        let cut_off = cut.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = cut_off.cancelled() => {}
                _ = futures::future::join(reporting, queue) => {}
            }
        });
        tasks.spawn(migration::worker::run(shared.clone()));
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => take(&tasks, stream, peer, &shared, &waiting, &cut),
                Err(error) => {
                    // Out of file descriptors, most likely: they come back as associations end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        tasks.close();
        if timeout(shared.config.timeouts.stop, tasks.wait()).await.is_err() {
            tracing::warn!(associations = tasks.len(), "associations are cut off");
            cut.cancel();
            tasks.wait().await;
        }
    }
}

/// Starts the task of a connection.
fn take(
    tasks: &TaskTracker,
    stream: TcpStream,
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
            () = session::serve(stream, peer, shared, place) => {}
        }
    });
}
