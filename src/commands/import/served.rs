//! Imports that a server does while it serves, as `sen import` beside it asks for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::ProgressBar;
use pacs_core::why::{Cause, Why};
use storage::Archive;
use storage::intake::{self, Intake, IntakeId, Kind, Waiting};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::Source;
use super::take::{Missing, take_all};

/// How often it is looked for one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long after one that failed it is gone on with.
const WAIT: Duration = Duration::from_secs(30);

/// Goes on with imports until `shutdown`, each in its own time: one that waits is in nobody's way. What is under way
/// then is gone on with by the next start.
pub async fn run(archive: Archive, shutdown: CancellationToken) {
    let mut under_way: HashMap<IntakeId, AbortOnDropHandle<()>> = HashMap::new();
    loop {
        let mut pause = LOOK_EVERY;
        under_way.retain(|_, task| !task.is_finished());
        match intake::for_server(archive.database(), Kind::Import).await {
            Ok(all) => {
                for begun in all {
                    under_way.entry(begun.id).or_insert_with(|| {
                        let turn = go_on(archive.clone(), begun, shutdown.clone());
                        AbortOnDropHandle::new(tokio::spawn(turn))
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "imports cannot be looked for");
                pause = WAIT;
            }
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            break;
        }
    }
    for (_, task) in under_way {
        // What it has taken is noted.
        drop(task.await);
    }
}

/// One turn of an import: to its end, to a change of its settings, or until after a wait that something made necessary.
async fn go_on(archive: Archive, begun: Intake, shutdown: CancellationToken) {
    let Err(error) = import(&archive, &begun, &shutdown).await else { return };
    tracing::warn!("an import waits: {error:#}");
    let now_ms = archive.config().clock.now_ms();
    let why = waiting(&error);
    if let Err(error) = intake::note(archive.database(), begun.id, Some(&why), now_ms).await {
        tracing::warn!(%error, "why an import waits was not noted");
    }
    shutdown.run_until_cancelled(tokio::time::sleep(WAIT)).await;
}

/// Why an import waits.
fn waiting(error: &anyhow::Error) -> Why {
    if let Some(Missing(why)) = error.downcast_ref() {
        return why.clone();
    }
    match error.downcast_ref() {
        Some(error) => Waiting::of_error(error),
        None if error.is::<serde_json::Error>() => Waiting::OtherVersion.because(error),
        None => Waiting::Archive.because(format_args!("{error:#}")).of(Cause::Internal),
    }
}

async fn import(archive: &Archive, begun: &Intake, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let source: Source = serde_json::from_value(begun.source.clone())?;
    let paths: Vec<PathBuf> = source.paths.iter().map(PathBuf::from).collect();
    match take_all(archive, begun, paths, &ProgressBar::hidden(), shutdown).await {
        Ok(_) => Ok(()),
        Err(error) => match error.downcast_ref::<storage::Error>() {
            // Somebody has stopped it.
            Some(storage::Error::Conflict(_)) => Ok(()),
            _ => Err(error),
        },
    }
}
