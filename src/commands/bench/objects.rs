//! `sen bench objects`: images that archives find hard, as files: a CT study, and a radiograph of another patient.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args as ClapArgs;
use jiff::civil::date;
use pacs_core::uids;
use testdata::{Instance, Province};

use crate::commands;

/// What `sen bench objects` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Folder to write to
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,

    /// CT slices in the series, and frames in the loop, of 512 by 512 pixels with 16 bits
    #[arg(long, default_value_t = 500)]
    images: usize,

    /// Seed of the studies; the same seed makes the same UIDs
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Writes a series of CT slices, the same as the frames of one object, and a radiograph of 2500 by 3000 pixels.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let written = tokio::task::spawn_blocking(move || write(&args)).await??;
    commands::print(&format!("{written} files"))
}

fn write(args: &Args) -> anyhow::Result<usize> {
    std::fs::create_dir_all(&args.dir)
        .with_context(|| format!("cannot make the folder {}", args.dir.display()))?;
    let slices = || testdata::ct_slices(args.images).seeded(args.seed);
    let mut written = 0;
    for (number, slice) in slices().enumerate() {
        keep(&args.dir, &format!("slice-{number:04}"), &slice)?;
        written += 1;
    }
    if let Some(cine) = slices().as_frames() {
        keep(&args.dir, "loop", &cine)?;
        written += 1;
    }
    let radiograph = Province::new(args.seed, date(2026, 11, 23)).studies().into_iter().find_map(|study| {
        let class = uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION;
        let is_film = study.order().procedure.modality == "DX";
        is_film.then(|| study.instances().find(|instance| instance.class.as_str() == class)).flatten()
    });
    if let Some(radiograph) = radiograph {
        keep(&args.dir, "radiograph", &radiograph)?;
        written += 1;
    }
    Ok(written)
}

fn keep(folder: &Path, name: &str, instance: &Instance) -> anyhow::Result<()> {
    let file = folder.join(format!("{name}.dcm"));
    std::fs::write(&file, &instance.bytes).with_context(|| format!("cannot write {}", file.display()))
}
