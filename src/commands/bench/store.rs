//! `sen bench store`: modalities pushing.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::bail;
use clap::Args as ClapArgs;
use dimse_scp::scu::{Options, push};

use super::measure::{self, Measurement};
use super::{Peer, images};
use crate::commands;

/// What `sen bench store` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    peer: Peer,

    /// Numbers of associations to try, one after the other
    #[arg(long, value_delimiter = ',', default_value = "1")]
    associations: Vec<usize>,

    /// Synthetic CT slices to push with each number of associations
    #[arg(long, default_value_t = 400)]
    images: usize,

    /// Push the DICOM files of a folder instead, with one number of associations
    #[arg(long, value_name = "FOLDER", conflicts_with = "images")]
    folder: Option<PathBuf>,

    /// Seed of the synthetic study; the same seed makes the same UIDs [default: a new one each time]
    #[arg(long)]
    seed: Option<u64>,
}

/// Pushes with every number of associations.
pub async fn run(args: Args) -> anyhow::Result<()> {
    if args.folder.is_some() && args.associations.len() > 1 {
        // The archive would acknowledge the second round without storing anything.
        bail!(
            "with --folder give --associations one number, and each time files that the archive has not got"
        );
    }
    let first_seed = args.seed.unwrap_or_else(rand::random);
    let mut rows = Vec::new();
    let mut failures = 0;
    for (round, &associations) in args.associations.iter().enumerate() {
        // A new study each round: an archive acknowledges what it has already without storing it.
        let seed = first_seed.wrapping_add(round as u64);
        let (folder, count) = (args.folder.clone(), args.images);
        let instances = tokio::task::spawn_blocking(move || match folder {
            Some(folder) => images::of_folder(&folder),
            None => images::synthetic(count, seed),
        })
        .await??;
        let proposals = images::proposals(&instances);
        let measured = Mutex::new(Measurement::default());
        let bar = commands::progress_bar(instances.len() as u64, "images");
        let started = Instant::now();
        let report = |pushed: push::Pushed| {
            bar.inc(1);
            let Ok(mut measured) = measured.lock() else { return };
            match pushed.result {
                Ok(response) if !response.status.is_failure() => {
                    measured.done(pushed.took, size(&pushed.instance))
                }
                Ok(response) => {
                    tracing::warn!(status = format!("{:#06x}", response.status.0), "refused");
                    measured.failed();
                }
                Err(error) => {
                    tracing::warn!(%error, "not sent");
                    measured.failed();
                }
            }
        };
        let target = args.peer.target();
        let source = instances.into_iter().map(Ok);
        push::push(&target, &proposals, &Options::default(), associations, source, report).await?;
        let elapsed = started.elapsed();
        bar.finish_and_clear();
        let measured = measured.into_inner().unwrap_or_default();
        failures += measured.failures();
        rows.push(measured.row(&format!("C-STORE, {associations} association(s)"), "images", elapsed));
    }
    measure::print(&rows, args.peer.pid)?;
    if failures > 0 {
        bail!("{failures} images were not stored");
    }
    Ok(())
}

fn size(instance: &dimse_scp::scu::Instance) -> u64 {
    match &instance.content {
        dimse_scp::scu::Content::Memory(bytes) => bytes.len() as u64,
        dimse_scp::scu::Content::File { path, offset } => {
            std::fs::metadata(path).map_or(0, |metadata| metadata.len().saturating_sub(*offset))
        }
    }
}
