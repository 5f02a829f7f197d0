//! Taking back what an act of rejecting or restoring has done, and nothing else.

use std::collections::{BTreeSet, HashMap};

use pacs_core::access::{Actor, Scope};
use pacs_core::uid::Uid;
use serde_json::json;

use super::history::{self, Filed, History};
use super::{ACTS, ALONE, REJECT, level, settle_rows};
use crate::acts::{self, Act, NewAct};
use crate::archive::Archive;
use crate::database::{Durability, Transaction};
use crate::deletion::UNTIL;
use crate::deletion::rows::{self, Collisions};
use crate::error::{Error, Result};
use crate::index::InstanceId;
use crate::index::deletions::Subject;

impl Archive {
    /// Takes an act back: what it has hidden is shown, and what it has shown is hidden as it was before, each
    /// unless something else has been done to it since. [`Error::NotFound`] out of scope and when nothing is
    /// left of what it did, [`Error::Conflict`] when it was taken back already.
    pub(crate) async fn undo_rejection(
        &self,
        scope: &Scope,
        actor: &Actor,
        act: &Act,
        reason: Option<&str>,
    ) -> Result<()> {
        let mut collisions = Collisions::default();
        loop {
            match self.try_undo_rejection(scope, actor, act, reason).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        }
        self.keep_in_journal().await;
        Ok(())
    }

    async fn try_undo_rejection(
        &self,
        scope: &Scope,
        actor: &Actor,
        act: &Act,
        reason: Option<&str>,
    ) -> Result<()> {
        let now_ms = self.0.config.clock.now_ms();
        let word = if REJECT.contains(&act.kind.as_str()) { "restore" } else { "reject" };
        let kind = format!("{}.{word}", level(act));
        let about = act.after.as_ref().and_then(|after| after.get(acts::ABOUT).cloned());
        let note = NewAct {
            kind: &kind,
            actor: &actor.id,
            subject_kind: &act.subject_kind,
            subject_uid: &act.subject_uid,
            reason,
            before: None,
            after: Some(json!({ UNTIL: now_ms, ALONE: true, acts::ABOUT: about.unwrap_or_default() })),
            undoes: Some(act.id),
        };
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        // The studies that change are locked in one order, so they are found first.
        let touched: BTreeSet<String> =
            changes(&mut tx, act, &note).await?.into_iter().map(|change| change.study_uid).collect();
        let mut studies = Vec::new();
        for uid in &touched {
            let subject = Uid::parse(uid).map(Subject::Study).map_err(|_| Error::NotFound)?;
            let locked = rows::lock(&mut tx, &subject).await?.ok_or(Error::NotFound)?;
            if !locked.is_within(scope) {
                return Err(Error::NotFound);
            }
            studies.push(locked);
        }
        if acts::is_undone(&mut tx, act.id).await? {
            return Err(Error::Conflict("it was taken back already".into()));
        }
        let changes = changes(&mut tx, act, &note).await?;
        if changes.is_empty() {
            return Err(Error::NotFound);
        }
        acts::record(&mut tx, &note, now_ms).await?;
        // Whoever stores from here on waits for this transaction, and must not remember its rows.
        self.0.arrivals.forget();
        let held = changes.iter().filter(|change| studies.iter().any(|locked| locked.study == change.study));
        history::hide(&mut tx, held.map(|change| (change.instance, change.hidden_by))).await?;
        let by = (actor.id.as_str(), reason.unwrap_or_default());
        let mut whole = Vec::new();
        for locked in &mut studies {
            whole.push(settle_rows(&mut tx, locked, word, by, now_ms).await?);
        }
        for (locked, all) in studies.iter().zip(whole) {
            locked.tell(&mut tx, all, now_ms).await?;
        }
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}

/// What taking an act back would change: where the instances are, and what hides them after it.
async fn changes(tx: &mut Transaction, act: &Act, note: &NewAct<'_>) -> Result<Vec<Filed>> {
    let mut history = History::default();
    let studies = history::studies(tx, act).await?;
    for past in acts::in_histories(tx, &studies, &ACTS).await? {
        history.follow(tx, &past).await?;
    }
    let undoing = Act {
        id: i64::MAX,
        kind: note.kind.to_owned(),
        actor: String::new(),
        at_ms: i64::MAX,
        reason: None,
        before: None,
        after: note.after.clone(),
        undoes: note.undoes,
        ..act.clone()
    };
    history.follow(tx, &undoing).await?;
    let standing = history.instances.iter();
    let changed = standing.filter(|(_, standing)| standing.changed_by == Some(undoing.id));
    let hidden_by: HashMap<_, _> = changed.map(|(id, standing)| (*id, standing.hidden_by)).collect();
    let ids: Vec<InstanceId> = hidden_by.keys().copied().collect();
    let mut changes = history::filed(tx, &ids).await?;
    for change in &mut changes {
        change.hidden_by = hidden_by.get(&change.instance).copied().flatten();
    }
    Ok(changes)
}
