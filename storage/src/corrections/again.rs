//! Corrections of rows that were lost and made anew.

use pacs_core::uid::Uid;

use super::{SERIES, STUDY, UNDO, edit};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::database::Durability;
use crate::deletion::rows;
use crate::error::Result;
use crate::index::deletions::Subject;

/// All kinds of act that mean corrections.
const ACTS: [&str; 3] = [STUDY, SERIES, UNDO];

impl Archive {
    /// Makes the rows obey every correction once more. What obeys already says the same after it.
    pub(crate) async fn correct_again(&self) -> Result<()> {
        const PAGE: i64 = 500;
        let mut before = (i64::MAX, i64::MAX);
        loop {
            let page = acts::before(&self.0.database, &ACTS, before, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            before = (last.at_ms, last.id);
            for act in &page {
                self.obey_correction(act).await?;
            }
        }
    }

    async fn obey_correction(&self, act: &Act) -> Result<()> {
        let Ok(uid) = Uid::parse(&act.subject_uid) else { return Ok(()) };
        let is_series = act.subject_kind == "series";
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let subject = if is_series { Subject::Series(uid.clone()) } else { Subject::Study(uid.clone()) };
        let Some(locked) = rows::lock(&mut tx, &subject).await? else { return Ok(()) };
        self.0.arrivals.forget();
        let only = is_series.then_some(&uid);
        edit::bring_in_line(&mut tx, &locked, only, &act.actor, self.0.config.clock.now_ms()).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}
