//! Taking a correction back.

use pacs_core::access::{Actor, Scope};
use pacs_core::uid::Uid;
use serde_json::json;

use super::edit::{self, Corrected};
use super::{SERIES, STUDY, UNDO};
use crate::acts::{self, Act, NewAct};
use crate::archive::Archive;
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::Collisions;
use crate::error::{Error, Result};

impl Archive {
    /// Takes a correction back, whatever was corrected since: its values give way to those of the other
    /// acts that stand, or to what was sent. [`Error::NotFound`] when there is no such act within the
    /// scope, [`Error::Conflict`] when it was taken back already.
    pub(crate) async fn undo_correction(
        &self,
        scope: &Scope,
        actor: &Actor,
        act: &Act,
        reason: Option<&str>,
    ) -> Result<Corrected> {
        let mut collisions = Collisions::default();
        let corrected = loop {
            match self.try_undo(scope, actor, act, reason).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        };
        self.keep_in_journal().await;
        Ok(corrected)
    }

    async fn try_undo(
        &self,
        scope: &Scope,
        actor: &Actor,
        act: &Act,
        reason: Option<&str>,
    ) -> Result<Corrected> {
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let subject = Uid::parse(&act.subject_uid).map_err(|_| Error::NotFound)?;
        let (study, series) = match act.kind.as_str() {
            STUDY => (subject, None),
            SERIES => (study_of(&mut tx, &subject).await?, Some(subject)),
            _ => return Err(Error::NotFound),
        };
        let locked = edit::lock(&mut tx, scope, &study).await?;
        if acts::is_undone(&mut tx, act.id).await? {
            return Err(Error::Conflict("it was taken back already".into()));
        }
        let about: &[&Uid] = if series.is_some() { &[&study] } else { &[] };
        acts::record(&mut tx, &undoing(act, about, &actor.id, reason), now_ms).await?;
        self.0.arrivals.forget();
        let corrected = edit::bring_in_line(&mut tx, &locked, series.as_ref(), &actor.id, now_ms).await?;
        edit::tell_routes(&mut tx, &locked, series.as_ref(), now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(corrected)
    }
}

/// The act that takes another back.
fn undoing<'a>(act: &'a Act, about: &[&Uid], actor: &'a str, reason: Option<&'a str>) -> NewAct<'a> {
    NewAct {
        kind: UNDO,
        actor,
        subject_kind: &act.subject_kind,
        subject_uid: &act.subject_uid,
        reason,
        before: act.after.clone(),
        after: Some(json!({ acts::ABOUT: about })),
        undoes: Some(act.id),
    }
}

async fn study_of(tx: &mut Transaction, series: &Uid) -> Result<Uid> {
    let sql = "select t.uid from series s join study t on t.id = s.study_id where s.uid = $1";
    let row = tx.fetch_optional(sql, params![series]).await?.ok_or(Error::NotFound)?;
    Uid::parse(&row.get::<String>("uid")?).map_err(|why| Error::Corrupt(format!("a study's UID: {why}")))
}
