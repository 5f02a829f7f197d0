//! Deleting a study, a series or an instance.
//!
//! Rows go first, in one transaction with the act and a note of what is deleted; objects follow an
//! hour later ([`crate::sweep`]). The note keeps bytes that lie beside others, or that could not be
//! removed, from being taken for instances again; the act brings the note back when the index is
//! made anew.

mod again;
pub(crate) mod rows;

use std::time::Duration;

use pacs_core::access::{Actor, Scope};
use serde_json::json;
use tokio::time::timeout;

use crate::acts::{self, NewAct};
use crate::archive::Archive;
use crate::database::{Durability, Transaction};
use crate::error::{Error, Result};
use crate::index::deletions::{self, Kind, Subject};
use rows::{Collisions, Locked, Removed, Spared};

/// The act that deletes a study.
pub(crate) const DELETE_STUDY: &str = "study.delete";
/// The kinds of act that delete.
pub(crate) const ACTS: [&str; 3] = [DELETE_STUDY, "series.delete", "instance.delete"];
/// How long whoever acts waits for the journal at most.
const JOURNAL_WITHIN: Duration = Duration::from_secs(2);
/// What in an act says up to when it deletes what was received.
pub(crate) const UNTIL: &str = "receivedUntilMs";
/// What in an act names the series of a study.
const SERIES: &str = "series";
/// What in an act names the instances that were taken out of the series they name.
const MOVED: &str = "moved";

impl Archive {
    /// Deletes; answers how many instances and kept versions went. What is sent again afterwards is
    /// taken in like anything new. [`Error::NotFound`] outside the scope and when nothing is
    /// in it, [`Error::Conflict`] without a reason.
    pub async fn delete(&self, scope: &Scope, actor: &Actor, subject: &Subject, reason: &str) -> Result<u64> {
        match reason.trim() {
            "" => Err(Error::Conflict("a deletion needs a reason".into())),
            reason => self.delete_because(scope, actor, subject, Some(reason)).await,
        }
    }

    /// Deletes what is rejected already, for the reason that it was rejected for. [`Error::Conflict`]
    /// when any of it is not.
    pub async fn delete_rejected(&self, scope: &Scope, actor: &Actor, subject: &Subject) -> Result<u64> {
        self.delete_because(scope, actor, subject, None).await
    }

    async fn delete_because(
        &self,
        scope: &Scope,
        actor: &Actor,
        subject: &Subject,
        reason: Option<&str>,
    ) -> Result<u64> {
        let mut collisions = Collisions::default();
        let removed = loop {
            match self.try_delete(scope, actor, subject, reason).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        };
        let Some(removed) = removed else {
            return Err(Error::Conflict("it needs a reason, or has to be rejected first".into()));
        };
        self.free_segments(removed.segments).await;
        self.keep_in_journal().await;
        Ok(removed.instances)
    }

    /// Copies an act to the journal before the database can be lost with it. While the object store is away nobody
    /// waits for it long: what is left is copied in the background.
    pub(crate) async fn keep_in_journal(&self) {
        match timeout(JOURNAL_WITHIN, self.copy_journal()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "an act is not in the journal yet"),
            Err(_) => tracing::warn!("an act is not in the journal yet: the object store takes long"),
        }
    }

    /// `None` when there is no reason to delete.
    async fn try_delete(
        &self,
        scope: &Scope,
        actor: &Actor,
        subject: &Subject,
        reason: Option<&str>,
    ) -> Result<Option<Removed>> {
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let locked = rows::lock(&mut tx, subject).await?.ok_or(Error::NotFound)?;
        if !locked.is_within(scope) {
            return Err(Error::NotFound);
        }
        // Nothing is in it: a note of its deletion would mean what people have moved away.
        let newest_ms = locked.newest_received_ms(&mut tx).await?.ok_or(Error::NotFound)?;
        let reason = match reason {
            Some(reason) => reason.to_owned(),
            None => match locked.rejected_by(&mut tx).await? {
                Some(act) => acts::by_id(&mut tx, act).await?.and_then(|act| act.reason).unwrap_or_default(),
                None => return Ok(None),
            },
        };
        let until_ms = now_ms.max(newest_ms);
        // Whoever stores from here on waits for this transaction, and must not remember its rows.
        self.0.arrivals.forget_deleted(until_ms);
        let moved = locked.moved(&mut tx).await?;
        let removed = locked.remove(&mut tx, until_ms, now_ms, &Spared::default()).await?;
        note(&mut tx, subject, &locked.series_uids(), &moved, until_ms).await?;
        let kind = subject.kind().as_str();
        let act = NewAct {
            kind: &format!("{kind}.delete"),
            actor: &actor.id,
            subject_kind: kind,
            subject_uid: subject.uid().as_str(),
            reason: Some(&reason),
            before: Some(json!({ "instances": removed.instances })),
            after: Some(json!({ UNTIL: until_ms, SERIES: series_of(subject, &locked), MOVED: moved })),
            undoes: None,
        };
        acts::record(&mut tx, &act, now_ms).await?;
        if removed.study_is_gone {
            locked.leave_exam(&mut tx, "delete", (&actor.id, &reason), now_ms).await?;
            locked.leave_steps(&mut tx).await?;
        }
        locked.tell(&mut tx, removed.study_is_gone, now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget_deleted(until_ms);
        Ok(Some(removed))
    }
}

/// Notes the subject, and of a study its series too: an instance may name another study and lie in
/// one of them. Instances that were taken out of the series they name are noted by themselves.
async fn note(
    tx: &mut Transaction,
    subject: &Subject,
    series: &[&str],
    moved: &[String],
    until_ms: i64,
) -> Result<()> {
    for uid in moved {
        deletions::note(tx, Kind::Instance, uid, until_ms).await?;
    }
    deletions::note(tx, subject.kind(), subject.uid().as_str(), until_ms).await?;
    if subject.kind() == Kind::Study {
        for uid in series {
            deletions::note(tx, Kind::Series, uid, until_ms).await?;
        }
    }
    Ok(())
}

fn series_of<'a>(subject: &Subject, locked: &'a Locked) -> Vec<&'a str> {
    if subject.kind() == Kind::Study { locked.series_uids() } else { Vec::new() }
}
