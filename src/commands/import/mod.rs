//! `sen import`: folders, ZIP files and DICOMDIR sets into the archive, through the same ingest as
//! every other door.

mod ingest;
mod report;
mod room;
mod source;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use storage::Archive;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use crate::commands::{self, Global};
use crate::lifecycle;

use ingest::{Fate, Origin};
use report::Report;
use room::Room;
use source::Entry;

/// Files taken at the same time: enough to share each sync among several, few enough that memory
/// stays small.
const WORKERS: usize = 4;

/// What `sen import` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
What the archive has already is left alone, so an import that was broken off is simply run again. The
archive must not be served at the same time; a server that runs takes images by DICOM and STOW-RS.
Exit status 1 when a file that should have been taken was not: the list at the end says which and why.")]
pub struct Args {
    /// Files, folders (searched whole), ZIP files or DICOMDIR files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Facility the studies belong to, when it is not the default
    #[arg(long, value_name = "CODE")]
    facility: Option<String>,
}

/// Takes everything under the paths; an error when something that is DICOM was not taken.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    for path in &args.paths {
        if !path.exists() {
            bail!("{} does not exist", path.display());
        }
    }
    let config = global.load()?;
    let archive = lifecycle::open_archive(&config).await?;
    let spinner = commands::spinner();
    spinner.set_message("counting files");
    let total = tokio::task::spawn_blocking({
        let paths = args.paths.clone();
        move || source::count(&paths)
    })
    .await?;
    spinner.finish_and_clear();
    let bar = commands::progress_bar(total, "files");
    let origin = Origin { facility: args.facility };
    let report = import(&archive, args.paths, origin, &bar).await;
    bar.finish_and_clear();
    archive.close().await;
    let report = report?;
    commands::print(&report.to_string())?;
    if report.has_failures() {
        bail!("{} of the files could not be taken; the list above says why", report.failed());
    }
    Ok(())
}

/// Takes everything under `paths` into an open archive, which does its own work meanwhile: what is imported has to
/// leave the spool, or a large import would fill it.
async fn import(
    archive: &Archive,
    paths: Vec<PathBuf>,
    origin: Origin,
    bar: &ProgressBar,
) -> anyhow::Result<Report> {
    let stop = CancellationToken::new();
    let (report, ()) = tokio::join!(
        async {
            let report = take_all(archive, paths, origin, bar).await;
            stop.cancel();
            report
        },
        archive.run_workers(stop.clone())
    );
    report
}

/// Takes several files at a time.
async fn take_all(
    archive: &Archive,
    paths: Vec<PathBuf>,
    origin: Origin,
    bar: &ProgressBar,
) -> anyhow::Result<Report> {
    let room = Arc::new(Room::of(archive));
    let (entries, queue) = mpsc::channel::<Entry>(WORKERS * 4);
    let walker = tokio::task::spawn_blocking(move || source::walk(&paths, &entries));
    let queue = Arc::new(Mutex::new(queue));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let (archive, queue, room) = (archive.clone(), Arc::clone(&queue), Arc::clone(&room));
        let (origin, bar) = (origin.clone(), bar.clone());
        workers.spawn(async move {
            let mut report = Report::default();
            loop {
                let entry = queue.lock().await.recv().await;
                let Some(mut entry) = entry else { return report };
                while let Some(file) = entry.next().await {
                    room.wait(&archive).await;
                    let fate = match file.opened {
                        Ok(chunks) => ingest::take(&archive, chunks, file.length_bytes, &origin).await,
                        Err(reason) => Fate::Failed(reason),
                    };
                    report.add(file.name, fate);
                }
                bar.inc(1);
            }
        });
    }
    let mut report = Report::default();
    while let Some(part) = workers.join_next().await {
        report.merge(part?);
    }
    for (name, reason) in walker.await? {
        report.add(name, Fate::Failed(reason));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        let report = import(&archive, paths, Origin::default(), &ProgressBar::hidden()).await.unwrap();
        archive.close().await;
        assert!(!report.has_failures(), "{report}");
        assert!(report.to_string().contains(&format!("{:>8}\n", SERIES * 4)), "{report}");
    }
}
