//! One way to take back what was done to a study, whatever it was.

use pacs_core::access::{Act as Right, Actor, Scope};
use pacs_core::uid::Uid;

use super::{SERIES, STUDY, moves};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::exams::linking;
use crate::identity::assigning;
use crate::index::discrepancies::{RECONCILE, SERVE};
use crate::rejection;

/// What the undo of an act needs, by its kind; `None` when it cannot be taken back.
pub fn right_to_undo(kind: &str) -> Option<Right> {
    match kind {
        STUDY | SERIES => Some(Right::CorrectImages),
        kind if moves::ACTS.contains(&kind) => Some(Right::CorrectImages),
        linking::LINK | linking::UNLINK => Some(Right::MatchImages),
        assigning::ASSIGN | RECONCILE | SERVE => Some(Right::Reconcile),
        kind if rejection::is_one(kind) => Some(Right::RejectImages),
        _ => None,
    }
}

impl Archive {
    /// An act by its number.
    pub async fn act(&self, id: i64) -> Result<Act> {
        acts::read_by_id(&self.0.database, id).await?.ok_or(Error::NotFound)
    }

    /// Takes an act back. [`Error::NotFound`] outside the scope, [`Error::Conflict`] when it was taken back
    /// already or cannot be.
    pub async fn undo(&self, scope: &Scope, actor: &Actor, act: &Act, reason: Option<&str>) -> Result<()> {
        if acts::read_is_undone(&self.0.database, act.id).await? {
            return Err(Error::Conflict("it was taken back already".into()));
        }
        let subject = Uid::parse(&act.subject_uid).map_err(|_| Error::NotFound)?;
        let now_ms = self.0.config.clock.now_ms();
        let database = &self.0.database;
        match act.kind.as_str() {
            STUDY | SERIES => self.undo_correction(scope, actor, act, reason).await.map(drop),
            kind if moves::ACTS.contains(&kind) => self.undo_move(scope, actor, act, reason).await,
            assigning::ASSIGN | RECONCILE | SERVE => self.undo_said(scope, actor, act, reason).await,
            linking::LINK => {
                linking::unlink(database, scope, actor, &subject, reason, now_ms).await?;
                self.keep_in_journal().await;
                Ok(())
            }
            linking::UNLINK => {
                linking::link_again(database, scope, actor, act, reason, now_ms).await?;
                self.keep_in_journal().await;
                Ok(())
            }
            kind if rejection::is_one(kind) => self.undo_rejection(scope, actor, act, reason).await,
            _ => Err(Error::Conflict("it cannot be taken back".into())),
        }
    }
}
