//! One study of the other PACS.

use pacs_core::uid::AeTitle;
use pacs_core::why::Why;
use storage::database::Database;
use storage::intake::{self, Asked, Counts, NotTaken};

use super::peer::{Found, Peer};
use crate::dimse::Status;
use crate::scu::{Error, Outcome};

/// What came of a study.
pub(super) struct Pulled {
    pub asked: Asked,
    pub counts: Counts,
    /// Why not all of it is here.
    pub reason: Option<Why>,
}

/// Pulls a study, of which so many instances were here in the beginning, unless all of it is here; fails when the peer is
/// away or does not speak any more.
pub(super) async fn pull(
    database: &Database,
    peer: &mut Peer,
    (found, before): (&Found, u64),
    destination: &AeTitle,
) -> Result<Pulled, PullError> {
    let held = intake::held(database, &found.uid).await?;
    if found.instances.is_some_and(|expected| held.0 >= expected) {
        let asked = Asked { expected: found.instances, arrived: held.0 };
        return Ok(Pulled { asked, counts: come(before, held), reason: None });
    }
    let outcome = peer.send_study(&found.uid, destination).await?;
    let held = intake::held(database, &found.uid).await?;
    let (after, _) = held;
    // Who does not count beforehand has counted in the end.
    let operations = [outcome.completed, outcome.warning, outcome.failed].map(u64::from).iter().sum();
    let expected = found.instances.or_else(|| (operations > 0).then_some(operations));
    let missing = expected.map_or(0, |expected| expected.saturating_sub(after));
    let is_whole = missing == 0 && (after > 0 || !outcome.status.is_failure());
    // Of one that is not sent at least something is missing.
    let failed = if is_whole { 0 } else { missing.max(1) };
    let counts = Counts { failed, ..come(before, held) };
    let reason = (!is_whole).then(|| why(&outcome, expected, after));
    Ok(Pulled { asked: Asked { expected, arrived: after }, counts, reason })
}

/// What has come of a study of which so many instances were here in the beginning, by how many there are now and their
/// bytes.
pub(super) fn come(before: u64, (after, bytes): (u64, u64)) -> Counts {
    let taken = after.saturating_sub(before);
    let bytes = bytes.checked_div(after).unwrap_or(0).saturating_mul(taken);
    Counts { taken, present: before, bytes, ..Counts::default() }
}

fn why(outcome: &Outcome, expected: Option<u64>, arrived: u64) -> Why {
    let mut text = match expected {
        Some(expected) => format!("{arrived} of {expected} instances are here"),
        None => format!("{arrived} instances are here, and how many there are is not said"),
    };
    text.push_str(&format!("; C-MOVE was answered {}", outcome.status));
    if let Some(comment) = &outcome.comment {
        text.push_str(&format!(" ({comment})"));
    }
    if outcome.failed > 0 {
        text.push_str(&format!(", {} failed", outcome.failed));
    }
    for uid in outcome.failed_instances.iter().take(20) {
        text.push(' ');
        text.push_str(uid.as_str());
    }
    let why = match expected {
        Some(expected) => NotTaken::Incomplete.because(text).with("expected", expected),
        None => NotTaken::NotSent.because(text),
    };
    let why = why.with("arrived", arrived);
    // It may say that all went well, and mean what it counted itself.
    if outcome.status == Status::SUCCESS { why } else { why.answered(outcome.status.0) }
}

/// Why a study was not asked for to the end.
#[derive(Debug, thiserror::Error)]
pub(super) enum PullError {
    #[error("{0}")]
    Peer(#[from] Error),
    #[error("{0}")]
    Rows(#[from] storage::Error),
}
