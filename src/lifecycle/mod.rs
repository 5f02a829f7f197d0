//! The life of the serving process: what is opened in which order, and closed in the reverse.

mod first_start;
pub mod memory;
mod node;
mod open_files;
mod reload;
mod signals;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dimse_scp::tls::Tls;
use pacs_core::clock::Clock;
use storage::Archive;
use storage::audit_log::AuditLog;
use storage::database::Database;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::commands::import;
use crate::config::Config;
use crate::http;
use crate::http::sign_in::{self, Gate};
use crate::telemetry;

pub use first_start::FirstAdministrator;
use signals::{Signal, Signals};

/// How long open associations and transfers may finish at a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the last rows may take to be written after that.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A serving archive.
pub struct Running {
    /// Address of the HTTP listener, with its real port.
    pub http: SocketAddr,
    /// Whether it speaks TLS.
    pub http_is_tls: bool,
    /// Address of the DIMSE listener, with its real port.
    pub dimse: SocketAddr,
    /// Address of the DIMSE listener for TLS, where there is one.
    pub dimse_tls: Option<SocketAddr>,
    /// The archive behind both.
    pub archive: Archive,
    /// The account made because there was none.
    pub first_administrator: Option<FirstAdministrator>,
    /// Cancelled when the stop begins.
    pub shutdown: CancellationToken,
    audit_log: AuditLog,
    signals: Signals,
    /// Certificates that are reread.
    tls: Option<Arc<Tls>>,
    tasks: JoinSet<()>,
    config: Config,
    reread: Box<dyn Fn() -> anyhow::Result<Config> + Send>,
}

/// Opens the archive that the configuration names, making its folders.
///
/// Fails when another process holds it: two programs on one archive would lose images.
pub async fn open_archive(config: &Config) -> anyhow::Result<Archive> {
    refuse_half_restored(config)?;
    open_restored(config).await
}

/// Opens the archive to read what it keeps, beside the server where one of this machine has it.
pub async fn open_to_read(config: &Config) -> anyhow::Result<Archive> {
    let spool_dir = config.store.spool_dir.clone();
    if !tokio::task::spawn_blocking(move || storage::is_open(&spool_dir)).await?? {
        return open_archive(config).await;
    }
    refuse_half_restored(config)?;
    Archive::open_beside(config.store.to_storage())
        .await
        .with_context(|| format!("cannot open the archive ({})", config.store.describe()))
}

/// Fails while a restore has begun and not ended: what is there is not all there is.
pub fn refuse_half_restored(config: &Config) -> anyhow::Result<()> {
    match storage::backup::restore::unfinished(&config.store.to_storage())? {
        Some(snapshot) => {
            anyhow::bail!("a restore of {snapshot} was broken off here: run `sen restore {snapshot}` again")
        }
        None => Ok(()),
    }
}

/// The same for the restore itself.
pub async fn open_restored(config: &Config) -> anyhow::Result<Archive> {
    make_folders(config)?;
    let spool_dir = config.store.spool_dir.clone();
    let node = tokio::task::spawn_blocking(move || node::name(&spool_dir)).await??;
    let (backup, verification) = (config.keeping.plan(), config.keeping.verification);
    Archive::open(storage::Config { node, backup, verification, ..config.store.to_storage() })
        .await
        .with_context(|| format!("cannot open the archive ({})", config.store.describe()))
}

/// Opens the rows alone, for commands that may run beside a server: both engines take turns.
pub async fn open_database(config: &Config) -> anyhow::Result<Database> {
    refuse_half_restored(config)?;
    make_folders(config)?;
    Database::open(&config.store.database_url)
        .await
        .with_context(|| format!("cannot open the database ({})", config.store.describe()))
}

fn make_folders(config: &Config) -> anyhow::Result<()> {
    let store = &config.store;
    for (folder, key) in [(&store.data_dir, "data_dir"), (&store.spool_dir, "spool_dir")] {
        storage::make_folder(folder)
            .with_context(|| format!("cannot make the folder {} ({key})", folder.display()))?;
    }
    Ok(())
}

/// Opens the archive and both doors; they answer when this returns.
///
/// `reread` gives the configuration anew when SIGHUP asks for it.
pub async fn start(
    config: Config,
    reread: Box<dyn Fn() -> anyhow::Result<Config> + Send>,
) -> anyhow::Result<Running> {
    // From here on a signal is an orderly stop, whoever sends it in the moment of getting ready.
    let mut signals = Signals::listen()?;
    open_files::allow_all();
    let metrics = telemetry::start_metrics()?;
    // The doors are bound before the archive is opened, so that a port already taken is told at
    // once, and answer only when everything behind them is ready.
    let http_server = http::Server::bind(&config.http).await?;
    let http_address = http_server.local_addr()?;
    let dimse_config = config.dimse.to_scp().context("DICOM TLS")?;
    let dimse_tls = dimse_config.tls.clone();
    let dimse_server = dimse_scp::Server::bind(dimse_config).await.with_context(|| {
        let with_tls = config.dimse.tls_listen.map(|listen| format!(" and {listen} (dimse_tls_listen)"));
        let listen = config.dimse.listen;
        format!("cannot listen for DICOM on {listen} (dimse_listen){}", with_tls.unwrap_or_default())
    })?;
    let dimse_address = dimse_server.local_addr()?;
    let dimse_tls_address = dimse_server.tls_addr()?;
    let archive = tokio::select! {
        opened = open_archive(&config) => opened?,
        // A large spool takes its time to be looked through, and a database that is away takes longer. What is
        // broken off here is as after a crash: the next start does it again.
        () = signals.next_stop() => anyhow::bail!("stopped by a signal before the archive was open"),
    };
    let clock = Clock::system();
    let shutdown = CancellationToken::new();

    reload::put(&archive, &config).await?;
    let audit_log = AuditLog::start(archive.database().clone(), clock.clone());

    let http_is_tls = http_server.is_tls();
    let public_url = config.http.public_url.clone();
    let dicomweb = dicomweb::State::new(archive.clone(), public_url, audit_log.clone())?;
    // Before anything settles.
    let ahead = dicomweb::Ahead::open(dicomweb.clone()).await?;
    let gate = Gate::new(&archive, audit_log.clone(), clock.clone(), config.sign_in);
    let dimse_server = dimse_server.with_users(sign_in::named_users(Arc::clone(&gate)));
    let app = http::app(http::Parts {
        gate,
        dicomweb,
        archive: archive.clone(),
        config: config.clone(),
        clock: clock.clone(),
        audit_log: audit_log.clone(),
        metrics: metrics.clone(),
        dimse_port: dimse_address.port(),
        listener_is_tls: http_is_tls,
        shutdown: shutdown.clone(),
    })?;
    storage::ups::restarted(archive.database(), clock.now_ms()).await?;
    // The last that can fail: a password that was made and never shown could not be had again.
    let first_administrator = first_start::make_administrator(archive.database(), &clock).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let (archive, shutdown) = (archive.clone(), shutdown.clone());
        async move { archive.run_workers(shutdown).await }
    });
    tasks.spawn(dimse_server.run(archive.clone(), audit_log.clone(), shutdown.clone()));
    tasks.spawn(import::served::run(archive.clone(), shutdown.clone()));
    tasks.spawn(ahead.run(shutdown.clone()));
    tasks.spawn(telemetry::keep_metrics(metrics, shutdown.clone()));
    tasks.spawn(http_server.run(app, shutdown.clone()));
    let dimse_tls_shown = dimse_tls_address.map(|address| address.to_string());
    tracing::info!(http = %http_address, dimse = %dimse_address, dimse_tls = dimse_tls_shown, "ready");
    Ok(Running {
        http: http_address,
        http_is_tls,
        dimse: dimse_address,
        dimse_tls: dimse_tls_address,
        tls: dimse_tls,
        archive,
        first_administrator,
        audit_log,
        signals,
        shutdown,
        tasks,
        config,
        reread,
    })
}

impl Running {
    /// The address a browser on this machine would use.
    pub fn browser_url(&self) -> String {
        if let Some(url) = &self.config.http.public_url {
            return url.to_string();
        }
        let scheme = if self.http_is_tls { "https" } else { "http" };
        let host =
            if self.http.ip().is_unspecified() { "localhost".to_owned() } else { self.http.ip().to_string() };
        let host =
            if self.http.is_ipv6() && !self.http.ip().is_unspecified() { format!("[{host}]") } else { host };
        format!("{scheme}://{host}:{}/", self.http.port())
    }

    /// Serves until SIGTERM or SIGINT, rereading the configuration at SIGHUP, then stops in order:
    /// no new callers, open work finishes, the archive's batches are written, its lease is given
    /// back. A second signal ends the process at once.
    ///
    /// Fails when the archive was taken by another node meanwhile: then this one must be gone. Also when a door or
    /// the workers have ended by themselves: a supervisor starts a program again that ends, not one that looks
    /// well and takes nothing in.
    pub async fn until_stopped(mut self) -> anyhow::Result<()> {
        let mut failure = None;
        loop {
            tokio::select! {
                // The workers end too when the archive is taken, and that is the reason to be told.
                biased;
                signal = self.signals.next() => match signal {
                    Signal::Reload => {
                        let tls = self.tls.as_deref();
                        reload::apply(&mut self.config, &self.reread, &self.archive, tls).await;
                    }
                    Signal::Stop(name) => {
                        tracing::info!(signal = name, "stopping");
                        break;
                    }
                },
                () = self.archive.closing() => {
                    tracing::error!("another node has taken the archive; stopping");
                    failure = Some("another node has taken this archive");
                    break;
                }
                Some(_) = self.tasks.join_next() => {
                    tracing::error!("a part of the program has ended by itself; stopping");
                    failure = Some("a part of the program ended by itself; the log says why");
                    break;
                }
            }
        }
        self.shutdown.cancel();
        let finish = async {
            // A task that panicked has been reported; the others must still be waited for.
            while self.tasks.join_next().await.is_some() {}
        };
        let stop = async {
            if tokio::time::timeout(STOP_TIMEOUT, finish).await.is_err() {
                tracing::warn!("work was cut off at the stop");
            }
            let close = async {
                self.audit_log.flush().await;
                self.archive.close().await;
            };
            if tokio::time::timeout(CLOSE_TIMEOUT, close).await.is_err() {
                // Work that was cut off may hold a connection for ever; nothing acknowledged hangs on it.
                tracing::warn!("the database was not closed in order");
            }
        };
        tokio::select! {
            () = stop => {}
            () = self.signals.next_stop() => anyhow::bail!("stopped by a second signal before open work had finished"),
        }
        tracing::info!("stopped");
        match failure {
            Some(failure) => anyhow::bail!(failure),
            None => Ok(()),
        }
    }
}
