//! `sen bench cold`: a frame of a long object when nothing of it is in memory.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args as ClapArgs;
use rustix::fs::{Advice, fadvise};
use url::Url;
use walkdir::WalkDir;

use super::measure::timed;
use super::web::requests::{self, STORED_FRAMES};
use super::web::service::Service;
use crate::commands;

/// What `sen bench cold` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Says something of a server that was started a moment ago: what it has read before, it may hold. Both
times begin with the archive's files put out of the page cache.")]
pub struct Args {
    /// Where the archive's DICOMweb begins
    #[arg(long)]
    url: Url,

    /// Folder of the archive's files
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,

    /// Number of the frame, from 1
    #[arg(long, default_value_t = 1)]
    frame: usize,
}

/// Times the frame and a positioned read of as many bytes.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let service = Service::new(&args.url, None)?;
    // Queries read rows only: the object itself stays untouched.
    let frames = requests::frames(&service).await?;
    let path = frames.get(args.frame.saturating_sub(1)).context("the object has no such frame")?;
    put_out(args.dir.clone()).await?;
    let (bytes, took) = timed(service.fetch(path, STORED_FRAMES)).await;
    let bytes = bytes?;
    put_out(args.dir.clone()).await?;
    let read = tokio::task::spawn_blocking(move || read_middle(&args.dir, bytes)).await??;
    let ms = |took: Duration| format!("{:.2} ms", took.as_secs_f64() * 1000.0);
    commands::print(&format!(
        "a frame of {}, {bytes} bytes, cold: {}; as much read from the disk: {}",
        frames.len(),
        ms(took),
        ms(read)
    ))
}

/// Puts what is below the folder out of the page cache.
async fn put_out(folder: PathBuf) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || {
        for file in files(&folder) {
            let file = File::open(file)?;
            file.sync_data()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
        Ok(())
    })
    .await?
}

/// Reads so many bytes from the middle of the largest file.
fn read_middle(folder: &Path, bytes: u64) -> anyhow::Result<Duration> {
    let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    let largest = files(folder).max_by_key(size).context("the folder has no files")?;
    let middle = size(&largest) / 2;
    let mut buffer = vec![0; usize::try_from(bytes)?];
    let started = Instant::now();
    let file = File::open(&largest)?;
    file.read_exact_at(&mut buffer, middle)
        .context("the archive's largest file is smaller than two frames")?;
    Ok(started.elapsed())
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = WalkDir::new(folder).into_iter().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path)
}
