//! `sen import`: folders, ZIP files and DICOMDIR sets into the archive, through the same ingest as
//! every other door. How far it is is noted in the rows, so that an import that was broken off goes on where it was.

mod ingest;
mod log;
mod report;
mod room;
pub mod served;
mod source;
mod take;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use indicatif::HumanBytes;
use pacs_core::clock::Clock;
use serde::{Deserialize, Serialize};
use storage::Archive;
use storage::database::Database;
use storage::intake::{self, Failure, Intake, Kind, State};
use storage::pace::Hours;
use tokio_util::sync::CancellationToken;

use crate::commands::intake::{Pacing, follow, is_served, write_list};
use crate::commands::{self, Global};
use crate::config::Config;
use crate::lifecycle;

use ingest::Fate;
use report::Report;
use source::Place;

/// What `sen import` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
What the archive has already is left alone. An import that was broken off goes on where it was when the same command is
run again; --stop has it begin anew. While the archive is served the server does the work, and has to be able to read the
files: this command only follows it then. Exit status 1 when a file that should have been taken was not: the list at the
end says which and why, all of it in the file of --list.")]
pub struct Args {
    /// Files, folders (searched whole), ZIP files or DICOMDIR files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Facility the studies belong to, when it is not the default
    #[arg(long, value_name = "CODE")]
    facility: Option<String>,

    #[command(flatten)]
    pacing: Pacing,
}

/// From where: the source of the intake. What is the same is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    paths: Vec<String>,
    facility: Option<String>,
}

/// How: its settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    facility: Option<String>,
    bytes_per_second: u64,
    hours: Option<Hours>,
}

/// Takes everything under the paths; an error when something that is DICOM was not taken.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let mut paths = Vec::with_capacity(args.paths.len());
    for path in &args.paths {
        if !path.exists() {
            bail!("{} does not exist", path.display());
        }
        let full = std::path::absolute(path).with_context(|| format!("{} cannot be used", path.display()))?;
        let text = full.to_str().with_context(|| format!("{} is no text", path.display()))?;
        paths.push(text.to_owned());
    }
    let config = global.load()?;
    let source = Source { paths, facility: args.facility.clone() };
    let settings = Settings {
        facility: args.facility.clone(),
        bytes_per_second: args.pacing.bytes_per_second(),
        hours: args.pacing.hours,
    };
    let database = lifecycle::open_database(&config).await?;
    if args.pacing.stop {
        let stopped = intake::stop(&database, Kind::Import, &source, Clock::system().now_ms()).await?;
        database.close().await;
        if !stopped {
            bail!("no import of this was begun and not finished");
        }
        return commands::print("stopped");
    }
    let is_served = is_served(&config).await?;
    let done = match is_served {
        true => beside_server(&args, &source, &settings, &database).await,
        false => Ok(()),
    };
    database.close().await;
    if is_served { done } else { alone(&args, &source, &settings, &config).await }
}

/// Has the server take them, and follows it.
async fn beside_server(
    args: &Args,
    source: &Source,
    settings: &Settings,
    database: &Database,
) -> anyhow::Result<()> {
    let now_ms = Clock::system().now_ms();
    let (begun, goes_on) = intake::begin(database, Kind::Import, source, settings, true, now_ms).await?;
    tell_begin(goes_on);
    let say = |now: &Intake| {
        let counts = &now.counts;
        format!("{} taken, {} were there, {}", counts.taken, counts.present, HumanBytes(counts.bytes))
    };
    let Some(ended) = follow(database, begun.id, say).await? else {
        commands::tell("it goes on in the server; the same with --stop ends it");
        return Ok(());
    };
    end(args, database, &ended).await
}

/// Takes them into an archive that nobody serves.
async fn alone(args: &Args, source: &Source, settings: &Settings, config: &Config) -> anyhow::Result<()> {
    let archive = lifecycle::open_archive(config).await?;
    let taken = take_alone(args, source, settings, &archive).await;
    archive.close().await;
    taken
}

async fn take_alone(
    args: &Args,
    source: &Source,
    settings: &Settings,
    archive: &Archive,
) -> anyhow::Result<()> {
    let now_ms = archive.config().clock.now_ms();
    let (mut begun, goes_on) =
        intake::begin(archive.database(), Kind::Import, source, settings, false, now_ms).await?;
    tell_begin(goes_on);
    let paths: Vec<PathBuf> = source.paths.iter().map(PathBuf::from).collect();
    let bar = commands::progress_bar(0, "files");
    let counting = tokio::task::spawn_blocking({
        // Beside the taking: to list ten million files takes its time.
        let (paths, bar, after) = (paths.clone(), bar.clone(), Place::of(begun.position.as_deref()));
        move || bar.set_length(source::count(&paths, after.as_ref()))
    });
    let interrupted = CancellationToken::new();
    let taken = loop {
        let taken = {
            let mut taking = std::pin::pin!(take::import(archive, &begun, paths.clone(), &bar, &interrupted));
            tokio::select! {
                taken = &mut taking => taken,
                _ = tokio::signal::ctrl_c() => {
                    // What is under way comes to its end, and how far it was is noted.
                    interrupted.cancel();
                    taking.await
                }
            }
        };
        begun = intake::by_id(archive.database(), begun.id).await?;
        // Another command may have given it another rate or other hours.
        if taken.is_err() || begun.state != State::Running || interrupted.is_cancelled() {
            break taken;
        }
    };
    bar.finish_and_clear();
    counting.abort();
    if begun.state == State::Running {
        const AGAIN: &str = "run the same command again, and it goes on where it was";
        match taken {
            Ok(report) => commands::print(&report.to_string())?,
            Err(error) => bail!("it was broken off: {error:#}; {AGAIN}"),
        }
        bail!("it was broken off; {AGAIN}");
    }
    end(args, archive.database(), &begun).await
}

fn tell_begin(goes_on: bool) {
    if goes_on {
        commands::tell("going on with the import that was broken off");
    }
}

/// Says what came of all runs of an import.
async fn end(args: &Args, database: &Database, ended: &Intake) -> anyhow::Result<()> {
    let mut report = Report::of(&ended.counts);
    let add = |failure: Failure| {
        let fate = if failure.skipped { Fate::Skipped(failure.reason) } else { Fate::Failed(failure.reason) };
        report.add(failure.name, fate);
    };
    let listed = write_list(database, ended.id, &args.pacing.list, add).await?;
    commands::print(&report.to_string())?;
    if listed > 0 {
        commands::print(&format!("{listed} in {}", args.pacing.list.display()))?;
    }
    if ended.state == State::Stopped {
        bail!("it was stopped before its end");
    }
    if ended.counts.failed > 0 {
        bail!("{} of the files could not be taken; the list above says why", ended.counts.failed);
    }
    Ok(())
}
