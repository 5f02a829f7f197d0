//! Moves of rows that were lost and made anew.

use pacs_core::uid::Uid;

use super::{ACTS, MERGE, Said, obey, settle};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::database::Durability;
use crate::deletion::rows;
use crate::error::{Error, Result};
use crate::index::deletions::Subject;

impl Archive {
    /// Files everything where the moves that stand have it.
    pub(crate) async fn move_again(&self) -> Result<()> {
        const PAGE: i64 = 500;
        let mut moves = Vec::new();
        let mut before = (i64::MAX, i64::MAX);
        loop {
            let page = acts::before(&self.0.database, &ACTS, before, PAGE).await?;
            let Some(last) = page.last() else { break };
            before = (last.at_ms, last.id);
            moves.extend(page);
        }
        // In their order: what one has made, another may have moved on.
        for act in moves.iter().rev() {
            match self.obey_move(act).await {
                Ok(()) => {}
                Err(Error::Conflict(why)) => tracing::warn!(act = act.id, why, "a move is not done again"),
                Err(Error::NotFound) => tracing::warn!(act = act.id, "what was moved is gone"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn obey_move(&self, act: &Act) -> Result<()> {
        let now_ms = self.0.config.clock.now_ms();
        let said = Said::of(act)?;
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        if acts::is_undone(&mut tx, act.id).await? {
            return Ok(());
        }
        let from = Uid::parse(&act.subject_uid).map_err(|_| Error::NotFound)?;
        let from = rows::lock(&mut tx, &Subject::Study(from)).await?.ok_or(Error::NotFound)?;
        self.0.arrivals.forget();
        let before = match obey::find_study(&mut tx, &said.to).await? {
            Some(_) => {
                rows::lock(&mut tx, &Subject::Study(Uid::parse(&said.to).map_err(|_| Error::NotFound)?))
                    .await?
                    .map_or(0, |to| to.shown)
            }
            None => 0,
        };
        let target = obey::target(&mut tx, &said, &act.subject_uid, act.at_ms).await?;
        if act.kind == MERGE {
            obey::redirect(&mut tx, &act.subject_uid).await?;
        }
        for series in &said.series {
            obey::file_series(&mut tx, series, now_ms).await?;
        }
        obey::file_instances(&mut tx, &said, &act.subject_uid, now_ms).await?;
        let by = settle::By { word: "move", actor: &act.actor, reason: act.reason.as_deref() };
        let mut shown = vec![(from.study, from.shown), (target, before)];
        settle::with_homes(&mut tx, &mut shown, &said.series, &said.instances).await?;
        settle::after(&mut tx, &shown, &by, now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}
