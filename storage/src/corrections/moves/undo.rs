//! Taking a move back.

use pacs_core::access::{Actor, Scope};

use super::{MERGE, PART, Said, act, obey, settle, touched};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::{Collisions, Locked};
use crate::error::{Error, Result};
use crate::exams::linking;
use crate::index::{SeriesId, discrepancies, grounds, series};

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
        // All studies that may change are locked in one order, so they are found first.
        let series = touched::series(&mut tx, act, &said).await?;
        let mut locked = Vec::new();
        for uid in touched::studies(&mut tx, act, &said, &series, Some(act.id)).await? {
            let is_named = uid == act.subject_uid || uid == said.to;
            match touched::lock(&mut tx, &uid).await? {
                Some(study) if is_named && !study.is_within(scope) => return Err(Error::NotFound),
                Some(study) => locked.push(study),
                None if is_named => {
                    return Err(Error::Conflict("a study that images were moved from or to is gone".into()));
                }
                None => {}
            }
        }
        if acts::is_undone(&mut tx, act.id).await? {
            return Err(Error::Conflict("it was taken back already".into()));
        }
        acts::record(&mut tx, &act::undoing(act, &said, &actor.id, reason), now_ms).await?;
        self.0.arrivals.forget();
        let mut shown: Vec<_> = locked.iter().map(|locked| (locked.study, locked.shown)).collect();
        if act.kind == MERGE {
            obey::redirect(&mut tx, &act.subject_uid).await?;
        }
        // With what came before the locks were held.
        let series = touched::series(&mut tx, act, &said).await?;
        for series in &series {
            obey::file_series(&mut tx, series, now_ms).await?;
        }
        obey::file_instances(&mut tx, &said, now_ms).await?;
        for series in said.made() {
            leave(&mut tx, series).await?;
        }
        grounds::reopen(&mut tx, &act.subject_uid, act.id).await?;
        if act.kind == PART {
            // Two patients are in one study again.
            discrepancies::reopen(&mut tx, &act.subject_uid, PART).await?;
        }
        touched::with_homes(&mut tx, &mut shown, &series, &said.instances).await?;
        let by = settle::By { word: "unmove", actor: &actor.id, reason };
        let (from, to) = (named(&locked, &act.subject_uid)?, named(&locked, &said.to)?);
        let exam = linking::named_exam(&mut tx, said.exam.as_ref()).await?.map(|exam| exam.0);
        // Since then a person may have given the study another exam: that one stays.
        let handed = match exam {
            Some(exam) if to.step_id == Some(exam) => {
                settle::hand_over(&mut tx, to.study, from.study, &by, now_ms).await?
            }
            _ => None,
        };
        settle::after(&mut tx, &shown, &by, now_ms).await?;
        if let Some(exam) = &handed {
            settle::tell_requester(&mut tx, &to.study_uid, &to.facility, exam, now_ms).await?;
        }
        settle::tell_routes(&mut tx, series.iter(), now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}

fn named<'a>(locked: &'a [Locked], uid: &str) -> Result<&'a Locked> {
    locked.iter().find(|locked| locked.study_uid == uid).ok_or(Error::NotFound)
}

/// Takes the row of a series away that was made for instances which have left it.
pub(super) async fn leave(tx: &mut Transaction, uid: &str) -> Result<()> {
    let sql = "select s.id from series s where s.uid = $1
         and not exists (select 1 from instance i where i.series_id = s.id)
         and not exists (select 1 from pack p where p.series_id = s.id)";
    match tx.fetch_optional(sql, params![uid]).await? {
        Some(row) => series::remove(tx, SeriesId(row.get("id")?)).await,
        None => Ok(()),
    }
}
