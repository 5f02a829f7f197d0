//! Moves of rows that were lost and made anew.

use pacs_core::reconciliation::Kind;
use pacs_core::uid::Uid;

use super::{ACTS, MERGE, Said, left, obey, part, settle, touched, undo};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::corrections::study;
use crate::database::Durability;
use crate::error::{Error, Result};
use crate::index::discrepancies;

impl Archive {
    /// Files everything where the moves that stand have it, or where it was sent to; answers how many of the moves are
    /// damaged.
    pub(crate) async fn move_again(&self) -> Result<u64> {
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
        let mut damaged = 0;
        for act in moves.iter().rev() {
            match self.obey_move(act).await {
                Ok(()) => {}
                Err(Error::Conflict(why)) => tracing::warn!(act = act.id, why, "a move is not done again"),
                Err(Error::NotFound) => tracing::warn!(act = act.id, "what was moved is gone"),
                Err(Error::Corrupt(why)) => {
                    tracing::error!(act = act.id, why, "a move is not done again");
                    damaged += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(damaged)
    }

    /// Files what a move means where what stands has it; of one that was taken back too, since rows from before
    /// that may still obey it.
    async fn obey_move(&self, act: &Act) -> Result<()> {
        let now_ms = self.0.config.clock.now_ms();
        let said = Said::of(act)?;
        let from = Uid::parse(&act.subject_uid).map_err(|_| Error::NotFound)?;
        let naming = self.naming(&from, |_| false).await?;
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let is_undone = acts::is_undone(&mut tx, act.id).await?;
        let series = touched::series(&mut tx, act, &said).await?;
        let mut shown = Vec::new();
        for uid in touched::studies(&mut tx, act, &said, &series, None).await? {
            let locked = touched::lock(&mut tx, &uid).await?;
            shown.extend(locked.map(|locked| (locked.study, locked.shown)));
        }
        self.0.arrivals.forget();
        if act.kind == MERGE {
            obey::redirect(&mut tx, &act.subject_uid).await?;
        }
        for series in &series {
            obey::file_series(&mut tx, series, now_ms).await?;
        }
        obey::file_instances(&mut tx, &said, now_ms).await?;
        if is_undone {
            for series in said.made() {
                undo::leave(&mut tx, series).await?;
            }
        }
        if let (false, Some(answers)) = (is_undone, &said.answers) {
            // Whoever's images were indexed first, the study is of those who stay in it.
            let stay = answers.stay.to_string();
            if let Some(own) = study::restate(&mut tx, &act.subject_uid, &stay, now_ms).await? {
                let own = match answers.kind {
                    Kind::DemographicsDiffer => own.gist,
                    _ => own.key,
                };
                let found = discrepancies::Parted {
                    kind: answers.kind,
                    own: &own,
                    other: &answers.other,
                    named: &answers.named,
                };
                discrepancies::parted_again(&mut tx, &act.subject_uid, &found, &said.to, act.id).await?;
            }
            if let (Kind::DemographicsDiffer, Some(facility), Some(target)) =
                (answers.kind, &said.facility, obey::find_study(&mut tx, &said.to).await?)
            {
                part::ask_whose(&mut tx, (target, &said.to), facility, now_ms).await?;
            }
        }
        if let (false, Some(naming), Some(study)) =
            (is_undone, &naming, obey::find_study(&mut tx, &act.subject_uid).await?)
        {
            left::answer(&mut tx, (study, &act.subject_uid), naming, act.id, now_ms).await?;
        }
        let word = if is_undone { "unmove" } else { "move" };
        let by = settle::By { word, actor: &act.actor, reason: act.reason.as_deref() };
        touched::with_homes(&mut tx, &mut shown, &series, &said.instances).await?;
        settle::after(&mut tx, &shown, &by, now_ms).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}
