//! `sen import`: folders, ZIP files and DICOMDIR sets into the archive, through the same ingest as
//! every other door.

mod ingest;
mod report;
mod source;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use storage::Archive;
use tokio::sync::{Mutex, mpsc};

use crate::commands::{self, Global};
use crate::lifecycle;

use ingest::{Fate, Origin};
use report::Report;
use source::Entry;

/// Files taken at the same time: enough to share each sync among several, few enough that memory
/// stays small.
const WORKERS: usize = 4;

/// What `sen import` takes.
#[derive(Debug, ClapArgs)]
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
    let total = tokio::task::spawn_blocking({
        let paths = args.paths.clone();
        move || source::count(&paths)
    })
    .await?;
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

/// Takes everything under `paths` into an open archive, several at a time.
async fn import(
    archive: &Archive,
    paths: Vec<PathBuf>,
    origin: Origin,
    bar: &ProgressBar,
) -> anyhow::Result<Report> {
    let (entries, queue) = mpsc::channel::<Entry>(WORKERS * 4);
    let walker = tokio::task::spawn_blocking(move || source::walk(&paths, &entries));
    let queue = Arc::new(Mutex::new(queue));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let (archive, queue, origin, bar) =
            (archive.clone(), Arc::clone(&queue), origin.clone(), bar.clone());
        workers.spawn(async move {
            let mut report = Report::default();
            loop {
                let entry = queue.lock().await.recv().await;
                let Some(mut entry) = entry else { return report };
                while let Some(file) = entry.next().await {
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
