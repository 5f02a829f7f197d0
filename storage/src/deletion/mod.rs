//! Deleting a study, a series or an instance.
//!
//! Rows go first, in one transaction with the act and a note of what is deleted; objects follow an
//! hour later ([`crate::sweep`]). The note keeps bytes that lie beside others, or that could not be
//! removed, from being taken for instances again; the act brings the note back when the index is
//! made anew.

mod rows;

use pacs_core::access::{Actor, Scope};
use serde_json::json;

use crate::acts::{self, Act, NewAct};
use crate::archive::Archive;
use crate::database::{Durability, Transaction};
use crate::error::{Error, Result};
use crate::events::{self, EventKind, NewEvent};
use crate::exams::{ExamId, linking};
use crate::index::deletions::{self, Kind, Subject};
use rows::{Locked, Removed};

/// The kinds of act that delete.
pub(crate) const ACTS: [&str; 3] = ["study.delete", "series.delete", "instance.delete"];
/// What in an act says up to when it deletes what was received.
const UNTIL: &str = "receivedUntilMs";
/// What in an act names the series of a study.
const SERIES: &str = "series";

impl Archive {
    /// Deletes; answers how many instances and kept versions went. What is sent again afterwards is
    /// taken in like anything new. [`Error::NotFound`] outside the scope, [`Error::Conflict`]
    /// without a reason.
    pub async fn delete(&self, scope: &Scope, actor: &Actor, subject: &Subject, reason: &str) -> Result<u64> {
        const ATTEMPTS: u32 = 4;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Error::Conflict("a deletion needs a reason".into()));
        }
        let mut attempt = 1;
        let removed = loop {
            match self.try_delete(scope, actor, subject, reason).await {
                // Arriving images were in the way.
                Err(Error::Conflict(why)) if attempt < ATTEMPTS => {
                    tracing::debug!(why, attempt, "a deletion is tried again");
                    attempt += 1;
                }
                done => break done?,
            }
        };
        self.free_segments(removed.segments).await;
        // Before the database can be lost with it.
        if let Err(error) = self.copy_journal().await {
            tracing::warn!(%error, "a deletion is not in the journal yet");
        }
        Ok(removed.instances)
    }

    async fn try_delete(
        &self,
        scope: &Scope,
        actor: &Actor,
        subject: &Subject,
        reason: &str,
    ) -> Result<Removed> {
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let locked = rows::lock(&mut tx, subject).await?.ok_or(Error::NotFound)?;
        if !locked.is_within(scope) {
            return Err(Error::NotFound);
        }
        let until_ms = now_ms.max(locked.newest_received_ms(&mut tx).await?);
        // Whoever stores from here on waits for this transaction, and must not remember its rows.
        self.0.arrivals.forget_deleted(until_ms);
        let removed = locked.remove(&mut tx, until_ms, now_ms).await?;
        note(&mut tx, subject, &locked.series_uids(), until_ms).await?;
        let kind = subject.kind().as_str();
        let act = NewAct {
            kind: &format!("{kind}.delete"),
            actor: &actor.id,
            subject_kind: kind,
            subject_uid: subject.uid().as_str(),
            reason: Some(reason),
            before: Some(json!({ "instances": removed.instances })),
            after: Some(json!({ UNTIL: until_ms, SERIES: series_of(subject, &locked) })),
            undoes: None,
        };
        acts::record(&mut tx, &act, now_ms).await?;
        self.tell(&mut tx, &locked, &removed, (&actor.id, reason), now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget_deleted(until_ms);
        Ok(removed)
    }

    /// Puts the exam back whose only images went, and tells the followers.
    async fn tell(
        &self,
        tx: &mut Transaction,
        locked: &Locked,
        removed: &Removed,
        (actor, reason): (&str, &str),
        now_ms: i64,
    ) -> Result<()> {
        let exam = locked.step_id.filter(|_| removed.study_is_gone).map(ExamId);
        if let Some(exam) = exam {
            linking::images_left(tx, exam, "delete", actor, Some(reason), now_ms).await?;
        }
        let of = |kind| NewEvent {
            facility: Some(&locked.facility),
            study_uid: Some(&locked.study_uid),
            exam_id: locked.step_id,
            ..NewEvent::new(kind)
        };
        let mut happened = vec![of(EventKind::StudyChanged)];
        if exam.is_some() {
            happened.push(of(EventKind::ExamChanged));
        }
        if locked.is_unmatched && removed.study_is_gone {
            happened.push(of(EventKind::UnmatchedChanged));
        }
        events::append(tx, now_ms, &happened).await
    }

    /// Deletes once more what an act deleted whose row had been lost: what rows there are of it, and
    /// through the note what is found of it later.
    pub(crate) async fn delete_again(&self, tx: &mut Transaction, act: &Act) -> Result<()> {
        let after = act.after.as_ref();
        let until_ms = after.and_then(|after| after.get(UNTIL)?.as_i64());
        let subject = Subject::of_act(&act.subject_kind, &act.subject_uid);
        let (Some(subject), Some(until_ms)) = (subject, until_ms) else {
            return Err(Error::Corrupt(format!("act {} does not say what it deleted", act.id)));
        };
        let listed = after.and_then(|after| after.get(SERIES)?.as_array());
        let series: Vec<&str> = listed.into_iter().flatten().filter_map(|uid| uid.as_str()).collect();
        self.0.arrivals.forget_deleted(until_ms);
        if let Some(locked) = rows::lock(tx, &subject).await? {
            locked.remove(tx, until_ms, self.0.config.clock.now_ms()).await?;
        }
        note(tx, &subject, &series, until_ms).await
    }
}

/// Notes the subject, and of a study its series too: an instance may name another study and lie in
/// one of them.
async fn note(tx: &mut Transaction, subject: &Subject, series: &[&str], until_ms: i64) -> Result<()> {
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
