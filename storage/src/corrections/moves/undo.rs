//! Taking a move back.

use pacs_core::access::{Actor, Scope};
use pacs_core::uid::Uid;

use super::{MERGE, Said, act, obey, settle};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::{self, Collisions, Locked};
use crate::error::{Error, Result};
use crate::index::deletions::Subject;
use crate::index::{SeriesId, series};

impl Archive {
    /// Takes a move back, whatever was moved since: images go to where the moves that stand have them, or
    /// where they were sent to. [`Error::NotFound`] when there is no such act within the scope,
    /// [`Error::Conflict`] when it was taken back already or there is nowhere to go back to.
    pub(crate) async fn undo_move(
        &self,
        scope: &Scope,
        actor: &Actor,
        act: &Act,
        reason: Option<&str>,
    ) -> Result<()> {
        let mut collisions = Collisions::default();
        loop {
            match self.try_undo_move(scope, actor, act, reason).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        }
        self.keep_in_journal().await;
        Ok(())
    }

    async fn try_undo_move(
        &self,
        scope: &Scope,
        actor: &Actor,
        act: &Act,
        reason: Option<&str>,
    ) -> Result<()> {
        let now_ms = self.0.config.clock.now_ms();
        let said = Said::of(act)?;
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let mut uids = [act.subject_uid.as_str(), said.to.as_str()];
        uids.sort_unstable();
        let mut locked = Vec::new();
        for uid in uids {
            locked.push(lock(&mut tx, scope, uid).await?);
        }
        if acts::is_undone(&mut tx, act.id).await? {
            return Err(Error::Conflict("it was taken back already".into()));
        }
        acts::record(&mut tx, &act::undoing(act, &said, &actor.id, reason), now_ms).await?;
        self.0.arrivals.forget();
        let mut shown: Vec<_> = locked.iter().map(|locked| (locked.study, locked.shown)).collect();
        let mut series = said.series.clone();
        if act.kind == MERGE {
            obey::redirect(&mut tx, &act.subject_uid).await?;
            series.extend(followed(&mut tx, &act.subject_uid, &said.to).await?);
        }
        for series in &series {
            obey::file_series(&mut tx, series, now_ms).await?;
        }
        obey::file_instances(&mut tx, &said, &act.subject_uid, now_ms).await?;
        if let Some(series) = &said.to_series {
            leave(&mut tx, series).await?;
        }
        settle::with_homes(&mut tx, &mut shown, &series, &said.instances).await?;
        let by = settle::By { word: "unmove", actor: &actor.id, reason };
        if said.exam_follows
            && let (Some(to), Some(from)) = (study_of(&locked, &said.to), study_of(&locked, &act.subject_uid))
        {
            settle::hand_over(&mut tx, to, from, &by, now_ms).await?;
        }
        settle::after(&mut tx, &shown, &by, now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}

/// Locks a study that somebody within the scope may move images of, whether it shows any or not.
async fn lock(tx: &mut Transaction, scope: &Scope, uid: &str) -> Result<Locked> {
    let subject = Uid::parse(uid).map(Subject::Study).map_err(|_| Error::NotFound)?;
    let gone = || Error::Conflict("a study that images were moved from or to is gone".into());
    let locked = rows::lock(tx, &subject).await?.ok_or_else(gone)?;
    if locked.is_within(scope) { Ok(locked) } else { Err(Error::NotFound) }
}

fn study_of(locked: &[Locked], uid: &str) -> Option<crate::index::StudyId> {
    locked.iter().find(|locked| locked.study_uid == uid).map(|locked| locked.study)
}

/// The series that came for a study after it was merged into another.
async fn followed(tx: &mut Transaction, from: &str, to: &str) -> Result<Vec<String>> {
    let rows = tx
        .fetch(
            "select s.uid from series s join study t on t.id = s.study_id where t.uid = $2 and s.sent_study_uid = $1",
            params![from, to],
        )
        .await?;
    rows.iter().map(|row| row.get("uid")).collect()
}

/// Takes the row of a series away that was made for instances which have left it.
async fn leave(tx: &mut Transaction, uid: &str) -> Result<()> {
    let sql = "select s.id from series s where s.uid = $1
         and not exists (select 1 from instance i where i.series_id = s.id)
         and not exists (select 1 from pack p where p.series_id = s.id)";
    match tx.fetch_optional(sql, params![uid]).await? {
        Some(row) => series::remove(tx, SeriesId(row.get("id")?)).await,
        None => Ok(()),
    }
}
