//! `sen backup`: everything that is kept, as it is now, into a folder or bucket.

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use indicatif::HumanBytes;
use storage::backup::{self, Source, Target, manifest};
use tokio_util::sync::CancellationToken;

use crate::commands::{self, Global};
use crate::config::Config;
use crate::lifecycle;

/// What `sen backup` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The archive may be served meanwhile. Rows come first, then the spool, then the packs that the rows name; packs are
copied once, so that every backup after the first is small. A backup that was broken off is none, and the next goes
on where it was. A server takes backups by itself when the configuration says when (backup_at). Exit status 1 when
nothing was taken, or when something that was taken is not what was stored: the list says what.")]
pub struct Args {
    /// Where backups go to: a folder or s3://bucket/prefix [default: backup_url of the configuration]
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,

    /// List the backups that are there, newest first
    #[arg(long, conflicts_with = "check")]
    list: bool,

    /// Read a backup back and compare everything in it with its hash: the newest, or the one of that name
    #[arg(long, value_name = "NAME", num_args = 0..=1)]
    check: Option<Option<String>>,
}

/// Takes, lists or checks.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let target = target(args.to.as_deref(), &config).await?;
    match args.check {
        _ if args.list => list(&target).await,
        Some(snapshot) => check(&target, snapshot.as_deref()).await,
        None => take(&config, &target).await,
    }
}

/// The place that a command names, else that of the configuration.
pub async fn target(named: Option<&str>, config: &Config) -> anyhow::Result<Target> {
    let Some(place) = named.or(config.keeping.backup_url.as_deref()) else {
        bail!("where are the backups? Name a place, or set backup_url");
    };
    Target::open(place, config.keeping.backup_credentials.as_ref())
        .await
        .with_context(|| format!("{place} cannot be used"))
}

async fn take(config: &Config, target: &Target) -> anyhow::Result<()> {
    lifecycle::refuse_half_restored(config)?;
    let source = Source::open(&config.store.to_storage())
        .await
        .with_context(|| format!("cannot open the archive ({})", config.store.describe()))?;
    let spinner = commands::spinner();
    let stop = CancellationToken::new();
    let taking = backup::back_up(&source, target, config.keeping.backup_keep, &stop, |so_far| {
        spinner.set_message(format!(
            "{} objects, {} copied, {}",
            so_far.objects,
            so_far.copied,
            HumanBytes(so_far.copied_bytes)
        ));
    });
    let mut taking = std::pin::pin!(taking);
    let taken = tokio::select! {
        taken = &mut taking => taken,
        _ = tokio::signal::ctrl_c() => {
            // Notes that there is none, so that the next need not wait.
            stop.cancel();
            taking.await
        }
    };
    spinner.finish_and_clear();
    source.close().await;
    let report = taken?;
    for (key, why) in &report.named {
        commands::print(&format!("damaged: {key}: {why}"))?;
    }
    commands::print(&format!(
        "{}: {} rows, {} segments of the spool, {} objects of {}; {} of them and {} copied, {} older backups cleared away",
        report.snapshot,
        report.rows,
        report.segments,
        report.objects,
        HumanBytes(report.object_bytes),
        report.copied,
        HumanBytes(report.copied_bytes),
        report.removed
    ))?;
    if report.damaged > 0 {
        bail!("{} things were not what was stored and were copied as far as they could be", report.damaged);
    }
    Ok(())
}

async fn list(target: &Target) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = manifest::list(target)
        .await?
        .into_iter()
        .map(|listed| match listed.manifest {
            Ok(manifest) => vec![
                listed.snapshot,
                manifest.taken_at,
                manifest.row_count.to_string(),
                manifest.object_count.to_string(),
                HumanBytes(manifest.object_bytes).to_string(),
                manifest.lineage.to_string(),
                if manifest.damaged > 0 {
                    format!("good, {} damaged", manifest.damaged)
                } else {
                    "good".into()
                },
            ],
            Err(error) => {
                let why = match error {
                    storage::Error::NotFound => "not finished: no backup".to_owned(),
                    error => error.to_string(),
                };
                let unknown = ["-"; 5].map(str::to_owned);
                [vec![listed.snapshot], unknown.into(), vec![why]].concat()
            }
        })
        .collect();
    commands::print(&commands::table(&["backup", "taken", "rows", "objects", "bytes", "archive", ""], &rows))
}

async fn check(target: &Target, snapshot: Option<&str>) -> anyhow::Result<()> {
    let spinner = commands::spinner();
    let checked = backup::check::check(target, snapshot, |so_far| {
        spinner.set_message(format!("{} things, {}", so_far.read, HumanBytes(so_far.bytes)));
    })
    .await;
    spinner.finish_and_clear();
    let report = checked.map_err(|error| no_backup(error, snapshot))?;
    for (key, why) in &report.named {
        commands::print(&format!("damaged: {key}: {why}"))?;
    }
    commands::print(&format!(
        "{}: {} read, {}; {} damaged",
        report.snapshot,
        report.read,
        HumanBytes(report.bytes),
        report.damaged
    ))?;
    if report.damaged > 0 {
        bail!(
            "{} parts of the backup are not what was copied; the next backup copies again what the archive has",
            report.damaged
        );
    }
    Ok(())
}

/// Says what was not found.
pub fn no_backup(error: storage::Error, snapshot: Option<&str>) -> anyhow::Error {
    match (error, snapshot) {
        (storage::Error::NotFound, Some(name)) => anyhow::anyhow!("there is no good backup called {name}"),
        (storage::Error::NotFound, None) => anyhow::anyhow!("there is no good backup"),
        (error, _) => error.into(),
    }
}
