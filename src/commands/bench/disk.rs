//! `sen bench disk`: the baseline of a durable store. A file for each image, written, synced and
//! renamed, its folder synced: what any archive that keeps a file an image has to do at least.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use indicatif::ProgressBar;

use super::measure::{self, Measurement};
use crate::commands;

/// What `sen bench disk` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Folder to write in; it is left as it was
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    dir: PathBuf,

    /// Files to write with each number of writers
    #[arg(long, default_value_t = 2000)]
    files: u32,

    /// Size of a file; the default is a CT slice's
    #[arg(long, default_value_t = 526_000, value_name = "BYTES")]
    size: usize,

    /// Numbers of writers to try
    #[arg(long, value_delimiter = ',', default_value = "1,4", value_parser = clap::value_parser!(u32).range(1..))]
    writers: Vec<u32>,
}

/// Writes with every number of writers, with and without the rename.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let rows = tokio::task::spawn_blocking(move || measure_all(&args)).await??;
    measure::print(&rows, None)
}

fn measure_all(args: &Args) -> anyhow::Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    let rounds = 2 * args.writers.len() as u64;
    let bar = commands::progress_bar(rounds * u64::from(args.files), "files");
    for &writers in &args.writers {
        for renaming in [false, true] {
            let folder = tempfile::Builder::new()
                .prefix(".sen-bench-")
                .tempdir_in(&args.dir)
                .with_context(|| format!("cannot write in {}", args.dir.display()))?;
            let started = Instant::now();
            let measured = write_with(folder.path(), writers, args, renaming, &bar)?;
            let what = if renaming { "write+fsync+rename" } else { "write+fsync" };
            rows.push(measured.row(&format!("{what}, {writers} writer(s)"), "files", started.elapsed()));
        }
    }
    bar.finish_and_clear();
    Ok(rows)
}

fn write_with(
    folder: &Path,
    writers: u32,
    args: &Args,
    renaming: bool,
    bar: &ProgressBar,
) -> anyhow::Result<Measurement> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                scope.spawn(move || {
                    write_files(folder, writer, args.files / writers, args.size, renaming, bar)
                })
            })
            .collect();
        let mut whole = Measurement::default();
        for thread in threads {
            whole.merge(thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??);
        }
        Ok(whole)
    })
}

fn write_files(
    folder: &Path,
    writer: u32,
    files: u32,
    size: usize,
    renaming: bool,
    bar: &ProgressBar,
) -> anyhow::Result<Measurement> {
    // Not zeros: some file systems store those as holes.
    let content: Vec<u8> =
        (0..size).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let own = folder.join(writer.to_string());
    std::fs::create_dir(&own)?;
    let directory = File::open(&own)?;
    let mut measured = Measurement::default();
    for number in 0..files {
        let started = Instant::now();
        let (temporary, last) = (own.join(format!("{number}.part")), own.join(number.to_string()));
        let mut file = File::create(if renaming { &temporary } else { &last })?;
        file.write_all(&content)?;
        file.sync_all()?;
        if renaming {
            std::fs::rename(&temporary, &last)?;
            directory.sync_all()?;
        }
        measured.done(started.elapsed(), content.len() as u64);
        bar.inc(1);
    }
    Ok(measured)
}
