//! Several files at a time, at a rate and at hours, from where an import was.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use storage::Archive;
use storage::index::facilities;
use storage::intake::{self, Intake, IntakeId, State};
use storage::pace::{Hours, Pace};
use tokio::sync::{Mutex, mpsc};
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
/// A wall clock may be set meanwhile, and an import be stopped.
const LOOK_AT_THE_CLOCK_EVERY: Duration = Duration::from_secs(5);

/// Takes everything under `paths` into an open archive, which does its own work meanwhile: what is imported has to
/// leave the spool, or a large import would fill it.
pub async fn import(
    archive: &Archive,
    begun: &Intake,
    paths: Vec<PathBuf>,
    settings: &Settings,
    bar: &ProgressBar,
    interrupted: &CancellationToken,
) -> anyhow::Result<Report> {
    let stop = CancellationToken::new();
    let (report, ()) = tokio::join!(
        async {
            let report = take_all(archive, begun, paths, settings, bar, interrupted).await;
            stop.cancel();
            report
        },
        archive.run_workers(stop.clone())
    );
    report
}

/// Takes several files at a time, from where the import was, until its end or until it is interrupted.
pub async fn take_all(
    archive: &Archive,
    begun: &Intake,
    paths: Vec<PathBuf>,
    settings: &Settings,
    bar: &ProgressBar,
    interrupted: &CancellationToken,
) -> anyhow::Result<Report> {
    let after = Place::of(begun.position.as_deref());
    let (entries, queue) = mpsc::channel::<Entry>(WORKERS * 4);
    let walker = tokio::task::spawn_blocking(move || source::walk(&paths, after.as_ref(), &entries));
    let zone = facilities::time_zone(archive.database(), &archive.config().default_facility).await?;
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
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(take_some(Arc::clone(&shared), bar.clone()));
    }
    let mut failure = None;
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended? {
            shared.interrupted.cancel();
            failure = Some(error);
        }
    }
    // Ends the walk, if it goes on.
    shared.queue.lock().await.close();
    let unreadable = walker.await?;
    let mut log = shared.log.lock().await;
    if let Some(error) = failure {
        return Err(error.into());
    }
    let is_whole = !shared.interrupted.is_cancelled();
    if is_whole {
        for (name, reason) in unreadable {
            log.unreadable(name, reason);
        }
    }
    log.note().await?;
    if is_whole {
        intake::done(archive.database(), begun.id, archive.config().clock.now_ms()).await?;
    }
    Ok(std::mem::take(&mut log.report))
}

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

async fn take_some(shared: Arc<Shared>, bar: ProgressBar) -> storage::Result<()> {
    loop {
        let next = shared.interrupted.run_until_cancelled(async {
            shared.wait_for_hours().await?;
            Ok::<_, storage::Error>(shared.queue.lock().await.recv().await)
        });
        let Some(Some(mut entry)) = next.await.transpose()? else { return Ok(()) };
        let mut fates = Vec::new();
        let read = Arc::new(AtomicU64::new(0));
        while let Some(file) = entry.next().await {
            shared.room.wait(&shared.archive).await;
            let fate = match file.opened {
                Ok(chunks) => {
                    let chunks = source::counted(chunks, Arc::clone(&read));
                    ingest::take(&shared.archive, chunks, file.length_bytes, &shared.origin).await
                }
                Err(reason) => Fate::Failed(reason),
            };
            fates.push((file.name, fate));
        }
        let bytes = read.load(Ordering::Relaxed);
        let looked = Looked { number: entry.number, place: entry.place(), fates, bytes };
        shared.log.lock().await.looked(looked).await?;
        bar.inc(1);
        let pausing = async { shared.pace.lock().await.passed(bytes).await };
        shared.interrupted.run_until_cancelled(pausing).await;
    }
}

impl Shared {
    /// Waits until its hours have come. [`storage::Error::Conflict`] when somebody has stopped the import meanwhile.
    async fn wait_for_hours(&self) -> storage::Result<()> {
        let Some(hours) = self.hours else { return Ok(()) };
        let (database, clock) = (self.archive.database(), &self.archive.config().clock);
        let zone = facilities::zone(&self.zone);
        while let Some(wait) = hours.wait(clock.now_ms(), &zone) {
            if intake::by_id(database, self.id).await?.state != State::Running {
                return Err(storage::Error::Conflict("it was stopped".to_owned()));
            }
            intake::note(database, self.id, Some("waits for its hours"), clock.now_ms()).await?;
            tokio::time::sleep(wait.min(LOOK_AT_THE_CLOCK_EVERY)).await;
        }
        Ok(())
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
        let report = import(&archive, &begun, paths, &Settings::default(), &bar, &whole).await.unwrap();
        archive.close().await;
        assert_eq!(report.failed(), 0, "{report}");
        assert!(report.to_string().contains(&format!("{:>8}\n", SERIES * 4)), "{report}");
    }
}
