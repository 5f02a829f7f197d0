//! Rejecting studies, series and instances, and taking that back.
//!
//! What is rejected stays where it is and settles like anything else. Its rows name the act that rejected it, and
//! whatever shows or gives images leaves such rows out; counts are of what is shown. The same image sent again is the
//! rejected one and stays so; a new one of the same series is shown. What an act did can be taken back by itself: how
//! each instance stands follows from the acts in their order ([`history`]), which a rebuilt index obeys too
//! ([`again`]). Some series of a study, or some instances of a series, are rejected by one act: its subject is what
//! they are in, its kind says what they are.

mod again;
pub(crate) mod decided;
mod history;
pub mod listing;
mod undo;

use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;
use serde_json::json;

use crate::acts::{self, Act, NewAct};
use crate::archive::Archive;
use crate::database::{Durability, Transaction};
use crate::deletion::UNTIL;
use crate::deletion::rows::{self, Collisions, Locked};
use crate::error::{Error, Result};
use crate::exams::ExamId;
use crate::exams::matching::{self, Outcome};
use crate::index::arrivals::moves_exams;
use crate::index::deletions::{Kind, Subject};

/// The kinds of act that reject.
const REJECT: [&str; 3] = ["study.reject", "series.reject", "instance.reject"];
/// All kinds of this module.
const ACTS: [&str; 6] = [
    "study.reject",
    "series.reject",
    "instance.reject",
    "study.restore",
    "series.restore",
    "instance.restore",
];

/// Where an act lists the series of a study.
const SERIES: &str = "series";
/// What in an act says that it takes back what the act that it undoes has done, and nothing else.
const ALONE: &str = "alone";

/// Whether acts of that kind are taken back by [`Archive::undo_rejection`].
pub(crate) fn is_one(kind: &str) -> bool {
    ACTS.contains(&kind)
}

/// What an act of this module means, of its subject: the first half of its kind.
fn level(act: &Act) -> &str {
    act.kind.split_once('.').map_or("", |(level, _)| level)
}

/// What an act of rejecting or restoring did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The number of the act, by which it is taken back.
    pub act: i64,
    /// How many instances have changed.
    pub instances: u64,
}

/// What is done to a subject.
#[derive(Clone, Copy)]
enum Change<'a> {
    Reject(Rejection),
    /// For a reason in somebody's own words.
    Restore(&'a str),
}

impl<'a> Change<'a> {
    /// The second half of the act's kind, and its word in the history of an exam.
    fn word(self) -> &'static str {
        match self {
            Self::Reject(_) => "reject",
            Self::Restore(_) => "restore",
        }
    }

    fn reason(self) -> &'a str {
        match self {
            Self::Reject(reason) => reason.meaning(),
            Self::Restore(reason) => reason,
        }
    }
}

impl Archive {
    /// Rejects what of a study, series or instance is shown. [`Error::NotFound`] when there is nothing in scope.
    pub async fn reject(
        &self,
        scope: &Scope,
        actor: &Actor,
        subject: &Subject,
        reason: Rejection,
    ) -> Result<Changed> {
        self.change(scope, actor, (subject, &[]), Change::Reject(reason)).await
    }

    /// Rejects what is shown of some series of a study, or of some instances of a series, in one act.
    /// [`Error::NotFound`] when there is nothing in scope.
    pub async fn reject_some(
        &self,
        scope: &Scope,
        actor: &Actor,
        (subject, some): (&Subject, &[Uid]),
        reason: Rejection,
    ) -> Result<Changed> {
        match some {
            [] => Err(Error::NotFound),
            some => self.change(scope, actor, (subject, some), Change::Reject(reason)).await,
        }
    }

    /// Shows again what of a study, series or instance is rejected, and says why. [`Error::NotFound`] when there is
    /// nothing in scope, [`Error::Conflict`] without a reason.
    pub async fn restore(
        &self,
        scope: &Scope,
        actor: &Actor,
        subject: &Subject,
        reason: &str,
    ) -> Result<Changed> {
        match reason.trim() {
            "" => Err(Error::Conflict("what is shown again needs a reason".into())),
            reason => self.change(scope, actor, (subject, &[]), Change::Restore(reason)).await,
        }
    }

    /// Rejects an instance for a document; says whether it did. The act is not in the journal yet.
    pub(crate) async fn reject_for(
        &self,
        scope: &Scope,
        actor: &Actor,
        instance: &Uid,
        reason: Rejection,
    ) -> Result<bool> {
        let subject = Subject::Instance(instance.clone());
        let mut collisions = Collisions::default();
        loop {
            match self.try_change(scope, actor, (&subject, &[]), Change::Reject(reason)).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                // It is not here, or hidden already.
                Err(Error::NotFound) => return Ok(false),
                done => return done.map(|changed| changed.instances > 0),
            }
        }
    }

    async fn change(
        &self,
        scope: &Scope,
        actor: &Actor,
        meant: (&Subject, &[Uid]),
        change: Change<'_>,
    ) -> Result<Changed> {
        let mut collisions = Collisions::default();
        let changed = loop {
            match self.try_change(scope, actor, meant, change).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        };
        self.keep_in_journal().await;
        Ok(changed)
    }

    /// Changes the subject: all of it, or some series or instances of it.
    async fn try_change(
        &self,
        scope: &Scope,
        actor: &Actor,
        (subject, some): (&Subject, &[Uid]),
        change: Change<'_>,
    ) -> Result<Changed> {
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let mut locked = rows::lock(&mut tx, subject).await?.ok_or(Error::NotFound)?;
        if !locked.is_within(scope) {
            return Err(Error::NotFound);
        }
        let newest_ms = locked.newest_received_ms(&mut tx).await?.ok_or(Error::NotFound)?;
        let until_ms = now_ms.max(newest_ms);
        let kind = subject.kind();
        let level = match (kind, some) {
            (kind, []) => kind,
            (Kind::Study, some) => {
                // The others stay as they are, with their revisions.
                locked.series.retain(|(_, uid)| some.iter().any(|some| some.as_str() == uid));
                Kind::Series
            }
            _ => Kind::Instance,
        };
        let rejection = match change {
            Change::Reject(reason) => Some(reason),
            Change::Restore(_) => None,
        };
        let (mut about, series) = match kind {
            Kind::Study => (Vec::new(), locked.series_uids()),
            _ => (vec![locked.study_uid.as_str()], Vec::new()),
        };
        if level == Kind::Instance {
            about.extend(some.iter().map(Uid::as_str));
        }
        // Restoring takes the rejection of the same subject back.
        let undoes = acts::newest_of(&mut tx, subject.uid().as_str(), &ACTS).await?;
        let undoes = undoes.filter(|act| rejection.is_none() && REJECT.contains(&act.kind.as_str()));
        let act = NewAct {
            kind: &format!("{}.{}", level.as_str(), change.word()),
            actor: &actor.id,
            subject_kind: kind.as_str(),
            subject_uid: subject.uid().as_str(),
            reason: Some(change.reason()),
            before: None,
            after: Some(json!({
                UNTIL: until_ms,
                "code": rejection.map(|reason| reason.to_string()),
                SERIES: series,
                acts::ABOUT: about,
            })),
            undoes: undoes.map(|act| act.id),
        };
        let act = acts::record(&mut tx, &act, now_ms).await?;
        // Whoever stores from here on waits for this transaction, and must not remember its rows.
        self.0.arrivals.forget();
        let instances = locked.reject(&mut tx, rejection.map(|_| act), until_ms, some).await?;
        if instances == 0 {
            return Err(Error::NotFound);
        }
        let by = (actor.id.as_str(), change.reason());
        let all = settle_rows(&mut tx, &mut locked, change.word(), by, now_ms).await?;
        locked.tell(&mut tx, all, now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(Changed { act, instances })
    }
}

/// Brings counts and the exam in line with what is shown now; says whether the whole study has come
/// or gone.
async fn settle_rows(
    tx: &mut Transaction,
    locked: &mut Locked,
    act: &str,
    by: (&str, &str),
    now_ms: i64,
) -> Result<bool> {
    let shown = locked.recount(tx, now_ms).await?;
    if shown.instances == 0 && locked.shown > 0 {
        locked.leave_exam(tx, act, by, now_ms).await?;
        return Ok(true);
    }
    if locked.shown > 0 || shown.instances == 0 {
        return Ok(false);
    }
    if let Some(step) = locked.step_id
        && shown.modalities.iter().any(|modality| moves_exams(modality))
    {
        let study = (locked.study, locked.study_uid.as_str());
        let outcome = matching::on_images(tx, study, ExamId(step), now_ms).await?;
        locked.is_unmatched |= outcome == Outcome::Unmatched;
    }
    Ok(true)
}
