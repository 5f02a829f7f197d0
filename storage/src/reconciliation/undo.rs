//! Taking back from a study's history what somebody said of it.

use pacs_core::access::{Actor, Scope};
use pacs_core::reconciliation::{Choice, Kind};
use pacs_core::uid::Uid;

use super::DiscrepancyId;
use super::acts::{By, serve};
use crate::Archive;
use crate::acts::{self, Act};
use crate::corrections::lock;
use crate::database::{Durability, Transaction, params};
use crate::deletion::DELETE_STUDY;
use crate::deletion::rows::Collisions;
use crate::error::{Error, Result};
use crate::identity::assigning::{self, Giving};
use crate::identity::tell;
use crate::index::discrepancies::{self, SERVE};
use crate::index::instances::uid;

impl Archive {
    /// Takes back whose a study is, which content is served, or that something is right as it is. Where that was an
    /// answer of the reconciliation list, it waits there again. [`Error::Conflict`] when something else has been said
    /// since.
    pub(crate) async fn undo_said(
        &self,
        scope: &Scope,
        actor: &Actor,
        act: &Act,
        reason: Option<&str>,
    ) -> Result<()> {
        let by = By { scope, actor, reason, now_ms: self.0.config.clock.now_ms() };
        self.check_newest(act).await?;
        let sql = "select id from discrepancy where answer_act_id = $1 order by id limit 1";
        if let Some(row) = self.0.database.fetch_optional(sql, params![act.id]).await? {
            self.reopen((scope, actor), DiscrepancyId(row.get("id")?), reason).await?;
        } else if act.kind == assigning::ASSIGN {
            self.give_back(by, act).await?;
        } else if act.kind == SERVE {
            self.serve_again(by, act).await?;
        } else {
            return Err(Error::Conflict("what it answers waits already".into()));
        }
        self.keep_in_journal().await;
        Ok(())
    }

    async fn check_newest(&self, act: &Act) -> Result<()> {
        let kinds: &[&str] = match act.kind.as_str() {
            assigning::ASSIGN => &[assigning::ASSIGN, DELETE_STUDY],
            SERVE => &[SERVE],
            _ => return Ok(()),
        };
        let newest = acts::read_newest_of(&self.0.database, &act.subject_uid, kinds).await?;
        match newest {
            Some(newest) if newest.id == act.id => Ok(()),
            _ => Err(Error::Conflict("something else was said since; take that back first".into())),
        }
    }

    async fn give_back(&self, by: By<'_>, act: &Act) -> Result<()> {
        let study = Uid::parse(&act.subject_uid).map_err(|_| Error::NotFound)?;
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let owner = assigning::before(&mut tx, act, by.now_ms).await?;
        let giving = Giving { actor: by.actor, reason: by.reason, undoes: Some(act) };
        let (_, patient) =
            assigning::assign_within(&mut tx, by.scope, giving, &study, owner, by.now_ms).await?;
        tell(&mut tx, patient, by.now_ms).await?;
        tx.commit().await
    }

    async fn serve_again(&self, by: By<'_>, act: &Act) -> Result<()> {
        let mut collisions = Collisions::default();
        loop {
            match self.try_to_serve_again(by, act).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => return done,
            }
        }
    }

    async fn try_to_serve_again(&self, by: By<'_>, act: &Act) -> Result<()> {
        let choice: Option<Choice> =
            act.before.clone().and_then(|before| serde_json::from_value(before).ok());
        let changes = self.changes(&act.subject_uid, choice).await?;
        let series = Uid::parse(&act.subject_uid).map_err(|_| Error::NotFound)?;
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        self.0.arrivals.forget();
        let study = study_of(&mut tx, &series).await?;
        let locked = lock(&mut tx, by.scope, &study).await?;
        let done = serve(&mut tx, by, (&study, &series), (choice, &changes), Some(act)).await?;
        if choice.is_some() {
            let other = Some(series.as_str());
            discrepancies::answer(&mut tx, study.as_str(), Kind::Conflict, other, done).await?;
        }
        locked.tell(&mut tx, true, by.now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}

async fn study_of(tx: &mut Transaction, series: &Uid) -> Result<Uid> {
    let sql = "select t.uid from series s join study t on t.id = s.study_id where s.uid = $1";
    uid(&tx.fetch_optional(sql, params![series]).await?.ok_or(Error::NotFound)?, "uid")
}
