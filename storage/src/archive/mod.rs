//! The one handle on everything that is kept.

mod fence;
mod locate;
mod probe;
mod space;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database::Database;
use crate::error::{Error, Outage, Result};
use crate::folders::make_folder;
use crate::index::arrivals::Arrivals;
use crate::index::deletions;
use crate::ingest::{Envelope, Incoming, Memory, RowQueue};
use crate::non_patient;
use crate::packs::store;
use crate::read::ReadCaches;
use crate::renditions::Renditions;
use crate::settle::Settling;
use crate::space::{Disk, Space};
use crate::spool::Spool;
use fence::{Fence, SpoolLock};

pub use fence::is_open;
pub(crate) use probe::gives_others;
pub use probe::probe_objects;

/// An open archive. Cheap to clone; every clone is the same archive.
#[derive(Clone)]
pub struct Archive(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub config: Config,
    pub database: Database,
    pub spool: Spool,
    pub space: Space,
    pub objects: Arc<dyn ObjectStore>,
    /// The folder of the objects when they lie on this machine: what is read often is read there directly.
    pub objects_folder: Option<PathBuf>,
    pub arrivals: Arc<Arrivals>,
    pub rows: RowQueue,
    /// What arriving instances share.
    incoming: Memory,
    pub renditions: Renditions,
    pub caches: ReadCaches,
    pub settling: Settling,
    /// Whoever frees segments.
    pub freeing: Mutex<()>,
    /// Whoever copies acts to the journal.
    pub copying: Mutex<()>,
    /// Whoever keeps an object that is of no patient.
    pub keeping_apart: Semaphore,
    /// What keeps other processes off; `None` beside the one that has the archive.
    hold: Option<Hold>,
    closing: CancellationToken,
}

/// The node's lease, and the lock on the spool for the life of the process.
struct Hold {
    fence: Fence,
    _spool_lock: SpoolLock,
}

impl Archive {
    /// Opens the archive: database and schema, object store, spool; takes the node's lease and
    /// indexes what a crash left in the spool.
    ///
    /// Unavailable when the database is away or another node or process holds the archive.
    pub async fn open(config: Config) -> Result<Self> {
        let url = config.storage_url.clone();
        let folder = store::local_folder(&url);
        let objects = spawn_blocking(move || store::open(&url)).await.map_err(Error::thread)??;
        Self::open_over(config, objects, folder).await
    }

    /// Opens the archive for reading beside the process of this machine that has it: nothing is indexed, settled or
    /// taken in. Renditions go to a folder of this process, which goes with [`Archive::close`].
    pub async fn open_beside(config: Config) -> Result<Self> {
        let url = config.storage_url.clone();
        let folder = store::local_folder(&url);
        let objects = spawn_blocking(move || store::open(&url)).await.map_err(Error::thread)??;
        let opening = config.clone();
        let (spool, space) = spawn_blocking(move || {
            let space = Space::of(&opening);
            let limit_bytes = opening.spool_limit_bytes;
            let spool = Spool::open(&opening.spool_dir, limit_bytes, space.clone(), opening.clock.clone())?;
            Ok::<_, Error>((spool, space))
        })
        .await
        .map_err(Error::thread)??;
        let database = Database::open(&config.database_url).await?;
        let folders = beside_dir(&config);
        let renditions = Renditions::open(folders, config.rendition_limit_bytes, false).await?;
        Self::over(
            config,
            (objects, folder),
            (spool, space),
            database,
            renditions,
            None,
            CancellationToken::new(),
        )
    }

    /// Opens the archive over an object store that the caller made, such as one that fails on
    /// purpose.
    pub async fn open_with_store(config: Config, objects: Arc<dyn ObjectStore>) -> Result<Self> {
        Self::open_over(config, objects, None).await
    }

    async fn open_over(
        config: Config,
        objects: Arc<dyn ObjectStore>,
        objects_folder: Option<PathBuf>,
    ) -> Result<Self> {
        let prepared = config.clone();
        let (spool, space, lock) =
            spawn_blocking(move || prepare_folders(&prepared)).await.map_err(Error::thread)??;
        let database = Database::open(&config.database_url).await?;
        let closing = CancellationToken::new();
        let (fence, ended_well) = Fence::raise(&database, &config, closing.clone()).await?;
        let renditions =
            Renditions::open(config.renditions_dir(), config.rendition_limit_bytes, ended_well).await?;
        let hold = Some(Hold { fence, _spool_lock: lock });
        let (objects, spool) = ((objects, objects_folder), (spool, space));
        let archive = Self::over(config, objects, spool, database, renditions, hold, closing)?;
        archive.0.arrivals.forget_deleted(deletions::newest(&archive.0.database).await?);
        archive.look_for_rejected().await?;
        tokio::spawn(space::watch(Arc::downgrade(&archive.0)));
        archive.recover().await?;
        Ok(archive)
    }

    fn over(
        config: Config,
        (objects, objects_folder): (Arc<dyn ObjectStore>, Option<PathBuf>),
        (spool, space): (Spool, Space),
        database: Database,
        renditions: Renditions,
        hold: Option<Hold>,
        closing: CancellationToken,
    ) -> Result<Self> {
        let arrivals = Arc::new(Arrivals::new(database.clone(), config.clock.clone()).serving(config.serve));
        let rows = RowQueue::start(database.clone(), arrivals.clone(), config.node.clone());
        Ok(Self(Arc::new(Inner {
            caches: ReadCaches::new(config.header_cache_bytes),
            config,
            database,
            spool,
            space,
            objects,
            objects_folder,
            arrivals,
            rows,
            incoming: Memory::new()?,
            renditions,
            settling: Settling::default(),
            freeing: Mutex::default(),
            copying: Mutex::default(),
            keeping_apart: Semaphore::new(non_patient::AT_ONCE),
            hold,
            closing,
        })))
    }

    /// Stops taking instances in, finishes the rows of those that are in, and gives the lease back.
    pub async fn close(&self) {
        self.0.closing.cancel();
        self.0.rows.close().await;
        match &self.0.hold {
            Some(hold) => {
                if let Err(error) = hold.fence.lower(&self.0.database).await {
                    tracing::warn!(%error, "the archive's lease was not given back");
                }
            }
            None => {
                let folder = beside_dir(&self.0.config);
                spawn_blocking(move || std::fs::remove_dir_all(folder)).await.ok();
            }
        }
        self.0.database.close().await;
    }

    /// Waits until the archive takes nothing in any more: it was closed, or another node has taken
    /// it. In the second case whoever serves it must stop.
    pub async fn closing(&self) {
        self.0.closing.cancelled().await;
    }

    /// The rows.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// What the archive was opened with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Begins taking in an instance. Unavailable when the spool is at its watermark or the archive
    /// is closing.
    pub async fn begin(&self, envelope: Envelope) -> Result<Incoming> {
        let inner = &self.0;
        if inner.closing.is_cancelled() {
            return Err(Error::Unavailable(Outage::STOPPING));
        }
        Incoming::begin(
            envelope,
            &inner.config.default_facility,
            inner.config.clock.now_ms(),
            inner.spool.clone(),
            inner.incoming.clone(),
            inner.rows.clone(),
        )
    }

    /// The disks of this machine that the archive lies on, as they were a moment ago.
    pub fn disks(&self) -> Vec<Disk> {
        self.0.space.disks()
    }

    /// Unavailable when so many bytes more in the spool's folder are too many.
    pub fn check_room(&self, bytes: u64) -> Result<()> {
        self.0.spool.check_room(bytes)
    }

    /// Bytes in the spool.
    pub fn spool_bytes(&self) -> u64 {
        self.0.spool.used_bytes()
    }
}

impl Drop for Inner {
    /// Ends what runs in the background for an archive that nobody holds any more.
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Where a process beside the one that has the archive keeps what it makes.
fn beside_dir(config: &Config) -> PathBuf {
    config.data_dir.join(format!("beside-{}", std::process::id()))
}

fn prepare_folders(config: &Config) -> Result<(Spool, Space, SpoolLock)> {
    make_folder(&config.data_dir).map_err(|error| Error::io("make the data folder", error))?;
    let space = Space::of(config);
    let spool =
        Spool::open(&config.spool_dir, config.spool_limit_bytes, space.clone(), config.clock.clone())?;
    let lock = SpoolLock::take(&config.spool_dir)?;
    space.look(spool.used_bytes());
    Ok((spool, space, lock))
}
