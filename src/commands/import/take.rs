//! Several files at a time, at a rate and at hours, from where an import was.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use pacs_core::why::Why;
use storage::Archive;
use storage::index::facilities;
use storage::intake::{self, Intake, IntakeId, NotTaken, State, Waiting};
use storage::pace::{Hours, Pace};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::ingest::{self, Fate, Origin};
use super::log::{Log, Looked};
use super::report::Report;
use super::room::Room;
use super::source::{self, Entry, Place};

/// Files taken at the same time: enough to share each sync among several, few enough that memory
/// stays small.
const WORKERS: usize = 4;
/// A wall clock may be set meanwhile.
const LOOK_AT_THE_CLOCK_EVERY: Duration = Duration::from_secs(5);
/// An import may be stopped, or be given another rate or other hours.
const LOOK_AT_THE_ROW_EVERY: Duration = Duration::from_secs(2);

/// Takes everything under `paths` into an open archive, which does its own work meanwhile: what is imported has to
/// leave the spool, or a large import would fill it.
pub async fn import(
    archive: &Archive,
    begun: &Intake,
    paths: Vec<PathBuf>,
    bar: &ProgressBar,
    interrupted: &CancellationToken,
) -> anyhow::Result<Report> {
    let stop = CancellationToken::new();
    let (report, ()) = tokio::join!(
        async {
            let report = take_all(archive, begun, paths, bar, interrupted).await;
            stop.cancel();
            report
        },
        archive.run_workers(stop.clone())
    );
    report
}

/// Takes several files at a time, from where the import was, until its end, until it is interrupted, or until its
/// settings have changed. Fails where something is away or full, and has used up no file by that.
pub async fn take_all(
    archive: &Archive,
    begun: &Intake,
    paths: Vec<PathBuf>,
    bar: &ProgressBar,
    interrupted: &CancellationToken,
) -> anyhow::Result<Report> {
    let settings: Settings = serde_json::from_value(begun.settings.clone())?;
    let after = Place::of(begun.position.as_deref());
    let zone = facilities::time_zone(archive.database(), &archive.config().default_facility).await?;
    let looking = spawn_blocking(move || (source::missing(&paths, after.as_ref()), paths, after));
    let (missing, paths, after) = looking.await?;
    if let Some(why) = missing {
        return Err(Missing(why).into());
    }
    let (entries, queue) = mpsc::channel::<Entry>(WORKERS * 4);
    let walker = spawn_blocking(move || source::walk(&paths, after.as_ref(), entries));
    let shared = Arc::new(Shared {
        archive: archive.clone(),
        queue: Mutex::new(queue),
        room: Room::of(archive),
        origin: Origin { facility: settings.facility.clone() },
        pace: Mutex::new(Pace::per_second(settings.bytes_per_second)),
        hours: settings.hours,
        zone,
        id: begun.id,
        log: Mutex::new(Log::new(archive, begun.id)),
        interrupted: interrupted.child_token(),
    });
    let ended = CancellationToken::new();
    let (worked, watched) = tokio::join!(
        async {
            let worked = shared.work(bar).await;
            ended.cancel();
            worked
        },
        ended.run_until_cancelled(shared.watch(begun))
    );
    // Ends the walk, if it goes on: it waits for nobody any more.
    let mut queue = shared.queue.lock().await;
    queue.close();
    while queue.recv().await.is_some() {}
    drop(queue);
    walker.await?;
    let mut log = shared.log.lock().await;
    let noted = log.note().await;
    watched.transpose()?;
    worked?;
    noted?;
    if !shared.interrupted.is_cancelled() {
        intake::done(archive.database(), begun.id, archive.config().clock.now_ms()).await?;
    }
    Ok(std::mem::take(&mut log.report))
}

/// A folder, file or medium is not there.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct Missing(pub Why);

/// What those who take share.
struct Shared {
    archive: Archive,
    queue: Mutex<mpsc::Receiver<Entry>>,
    room: Room,
    origin: Origin,
    pace: Mutex<Pace>,
    hours: Option<Hours>,
    zone: String,
    id: IntakeId,
    log: Mutex<Log>,
    interrupted: CancellationToken,
}

impl Shared {
    /// Has several take until there is nothing left; when one cannot go on none does.
    async fn work(self: &Arc<Self>, bar: &ProgressBar) -> anyhow::Result<()> {
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let (shared, bar) = (Arc::clone(self), bar.clone());
            workers.spawn(async move { shared.take_some(&bar).await });
        }
        let mut worked = Ok(());
        while let Some(ended) = workers.join_next().await {
            if let Err(error) = ended.map_err(anyhow::Error::from).and_then(|ended| Ok(ended?)) {
                self.interrupted.cancel();
                worked = Err(error);
            }
        }
        worked
    }

    async fn take_some(&self, bar: &ProgressBar) -> storage::Result<()> {
        loop {
            let next = self.interrupted.run_until_cancelled(async {
                self.wait_for_hours().await?;
                Ok::<_, storage::Error>(self.queue.lock().await.recv().await)
            });
            let Some(Some(entry)) = next.await.transpose()? else { return Ok(()) };
            let (number, place, name) = (entry.number, entry.place.clone(), entry.name.clone());
            let is_on_disk = !place.as_ref().is_some_and(Place::is_inside);
            let Some((fate, bytes)) = self.take(entry).await? else { return Ok(()) };
            self.log.lock().await.looked(Looked { number, place, name, fate, bytes }).await?;
            bar.inc(u64::from(is_on_disk));
            let pausing = async { self.pace.lock().await.passed(bytes).await };
            self.interrupted.run_until_cancelled(pausing).await;
        }
    }

    /// Takes one; its fate and the bytes read. `None` when it was interrupted before it was begun.
    async fn take(&self, entry: Entry) -> storage::Result<Option<(Fate, u64)>> {
        let (chunks, length_bytes) = match entry.open().await {
            Ok(opened) => opened,
            Err(why) => return Ok(Some((Fate::Failed(why), 0))),
        };
        let waiting = self.room.wait(&self.archive, length_bytes);
        if self.interrupted.run_until_cancelled(waiting).await.transpose()?.is_none() {
            return Ok(None);
        }
        let read = Arc::new(AtomicU64::new(0));
        let chunks = source::counted(chunks, Arc::clone(&read));
        let taken = ingest::take(&self.archive, chunks, length_bytes, &self.origin).await;
        let bytes = read.load(Ordering::Relaxed);
        match taken {
            Ok(fate) => Ok(Some((fate, bytes))),
            // It would be in the way of all that come after it.
            Err(error) if self.room.may_never_fit(bytes.max(length_bytes.unwrap_or(0))) => {
                let why = NotTaken::TooLarge.because(&error).of(error.cause());
                Ok(Some((Fate::Failed(why), bytes)))
            }
            Err(error) => Err(error),
        }
    }

    async fn wait_for_hours(&self) -> storage::Result<()> {
        let Some(hours) = self.hours else { return Ok(()) };
        let (database, clock) = (self.archive.database(), &self.archive.config().clock);
        let zone = facilities::zone(&self.zone);
        while let Some(wait) = hours.wait(clock.now_ms(), &zone) {
            intake::note(database, self.id, Some(&Waiting::of_hours(&hours)), clock.now_ms()).await?;
            tokio::time::sleep(wait.min(LOOK_AT_THE_CLOCK_EVERY)).await;
        }
        Ok(())
    }

    /// Returns, with all work interrupted, when somebody has changed the settings; fails with
    /// [`storage::Error::Conflict`] when somebody has stopped the import.
    async fn watch(&self, begun: &Intake) -> storage::Result<()> {
        loop {
            tokio::time::sleep(LOOK_AT_THE_ROW_EVERY).await;
            let now = match intake::by_id(self.archive.database(), self.id).await {
                Ok(now) => now,
                Err(error) => {
                    tracing::debug!(%error, "whether an import was stopped is not known just now");
                    continue;
                }
            };
            if now.state == State::Running && now.settings == begun.settings {
                continue;
            }
            self.interrupted.cancel();
            return match now.state {
                State::Running => Ok(()),
                State::Stopped | State::Done => Err(storage::Error::Conflict("it was stopped".to_owned())),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use storage::intake::Kind;
    use testdata::ct_slices;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn more_than_the_spool_holds_is_taken_whole() {
        const SERIES: u64 = 6;
        let (data, medium) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut bytes = 0;
        for slice in (0..SERIES).flat_map(|seed| ct_slices(4).seeded(seed)) {
            bytes += slice.bytes.len() as u64;
            std::fs::write(medium.path().join(slice.uid.as_str()), &slice.bytes).unwrap();
        }
        let config = storage::Config {
            settle_after: Duration::ZERO,
            spool_limit_bytes: 8 << 20,
            ..storage::Config::embedded(data.path())
        };
        assert!(bytes > config.spool_limit_bytes);
        let archive = Archive::open(config).await.unwrap();
        let paths = vec![medium.path().to_owned()];
        let (begun, _) =
            intake::begin(archive.database(), Kind::Import, &"medium", &Settings::default(), false, 1)
                .await
                .unwrap();
        let (bar, whole) = (ProgressBar::hidden(), CancellationToken::new());
        let report = import(&archive, &begun, paths, &bar, &whole).await.unwrap();
        archive.close().await;
        assert_eq!(report.failed(), 0, "{report}");
        assert!(report.to_string().contains(&format!("{:>8}\n", SERIES * 4)), "{report}");
    }
}
