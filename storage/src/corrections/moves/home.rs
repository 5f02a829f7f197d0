//! Where series and instances belong, by the moves that stand.

use super::{ACTS, Said};
use crate::Result;
use crate::acts;
use crate::database::Transaction;
use crate::index::deletions::Kind;

/// The newest move about a series or an instance that stands.
pub(super) struct Standing {
    pub said: Said,
    pub at_ms: i64,
    /// The facility of the study that it came from, for one that has to be made.
    pub from_study: String,
}

/// The newest move that stands about a UID; `None` when it is where it was sent to. What was moved before
/// it was deleted does not mean what came under its UID since, nor does the act `without`, which is about to
/// be taken back.
pub(super) async fn of(
    tx: &mut Transaction,
    uid: &str,
    kind: Kind,
    without: Option<i64>,
) -> Result<Option<Standing>> {
    let Some(act) = acts::standing_about(tx, uid, kind, &ACTS, without).await? else { return Ok(None) };
    Ok(Some(Standing { said: Said::of(&act)?, at_ms: act.at_ms, from_study: act.subject_uid }))
}
