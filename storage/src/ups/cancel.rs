//! Asking that a step be cancelled, by somebody who has not claimed it.

use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::ups::state::{Effect, Event, Failure, State, decide};
use pacs_core::ups::{finish, report};

use super::{Asker, Result, date_time, lock, reports};
use crate::database::{Database, Durability};

/// What came of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// Nobody had claimed the step: it is cancelled.
    Done,
    /// Its performer, if it listens, has been told.
    Asked,
    /// It was cancelled before (0xB304).
    Already,
}

/// Cancels a step that waits, and passes the wish on for one in progress. `asked` is what the request
/// says.
pub async fn request_cancel(
    database: &Database,
    asker: &Asker<'_>,
    uid: &Uid,
    asked: &DataSet,
) -> Result<Cancelled> {
    let mut tx = database.begin(Durability::Synced).await?;
    let mut step = lock(&mut tx, &asker.scope(), uid).await?;
    match decide(step.state, Event::RequestCancel)? {
        Effect::CancelThroughProgress => {
            finish::fill_cancellation(&mut step.set, Some(asked), &date_time(asker.now_ms, &step.zone));
            let mut told = Vec::new();
            for state in [State::InProgress, State::Canceled] {
                step.write(&mut tx, state, asker.now_ms).await?;
                told.push(report::state(&step.set, uid));
            }
            reports::tell(&mut tx, &step, told, asker.now_ms).await?;
            tx.commit().await?;
            Ok(Cancelled::Done)
        }
        Effect::Already(_) => Ok(Cancelled::Already),
        Effect::TellOfRequest | Effect::Become(_) => {
            let request = report::cancel_requested(asked, uid, &title(&asker.actor.id));
            if !reports::tell(&mut tx, &step, [request], asker.now_ms).await? {
                return Err(Failure::NobodyListens.into());
            }
            tx.commit().await?;
            Ok(Cancelled::Asked)
        }
    }
}

/// Who asks, in the letters and the length of Requesting AE (0074,1236): of a device its AE title.
fn title(actor: &str) -> String {
    let actor = actor.strip_prefix("device:").unwrap_or(actor);
    actor.chars().filter(|c| matches!(c, ' '..='~') && *c != '\\').take(AeTitle::MAX_CHARS).collect()
}
