//! Imports that a server does while it serves, as `sen import` beside it asks for.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::ProgressBar;
use storage::Archive;
use storage::intake::{self, Intake, Kind};
use tokio_util::sync::CancellationToken;

use super::take::take_all;
use super::{Settings, Source};

/// How often it is looked for one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long after one that failed it is gone on with.
const WAIT: Duration = Duration::from_secs(30);

/// Goes on with imports until `shutdown`; what is under way then is gone on with by the next start.
pub async fn run(archive: Archive, shutdown: CancellationToken) {
    loop {
        let mut pause = LOOK_EVERY;
        match intake::for_server(archive.database(), Kind::Import).await {
            Ok(Some(begun)) => {
                if let Err(error) = import(&archive, &begun, &shutdown).await {
                    tracing::warn!("an import waits: {error:#}");
                    let now_ms = archive.config().clock.now_ms();
                    let why = format!("{error:#}");
                    if let Err(error) = intake::note(archive.database(), begun.id, Some(&why), now_ms).await {
                        tracing::warn!(%error, "why an import waits was not noted");
                    }
                    pause = WAIT;
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "imports cannot be looked for");
                pause = WAIT;
            }
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

async fn import(archive: &Archive, begun: &Intake, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let source: Source = serde_json::from_value(begun.source.clone())?;
    let settings: Settings = serde_json::from_value(begun.settings.clone())?;
    let paths: Vec<PathBuf> = source.paths.iter().map(PathBuf::from).collect();
    match take_all(archive, begun, paths, &settings, &ProgressBar::hidden(), shutdown).await {
        Ok(_) => Ok(()),
        Err(error) => match error.downcast_ref::<storage::Error>() {
            // Somebody has stopped it.
            Some(storage::Error::Conflict(_)) => Ok(()),
            _ => Err(error),
        },
    }
}
