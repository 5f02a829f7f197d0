//! Rejections of rows that were lost and made anew.

use std::collections::{BTreeMap, HashMap};

use pacs_core::uid::Uid;

use super::history::{self, History, Standing};
use super::{ACTS, settle_rows};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::database::Durability;
use crate::deletion::rows;
use crate::error::{Error, Result};
use crate::index::InstanceId;
use crate::index::deletions::Subject;

impl Archive {
    /// Makes the rows obey the acts once more: each instance is shown or hidden as they have left it.
    pub(crate) async fn reject_again(&self) -> Result<()> {
        const PAGE: i64 = 500;
        let mut all = Vec::new();
        let mut before = (i64::MAX, i64::MAX);
        loop {
            let page = acts::before(&self.0.database, &ACTS, before, PAGE).await?;
            let Some(last) = page.last() else { break };
            before = (last.at_ms, last.id);
            all.extend(page);
        }
        let mut history = History::default();
        for act in all.iter().rev() {
            let mut tx = self.0.database.begin(Durability::Batched).await?;
            history.follow(&mut tx, act).await?;
        }
        let acts: HashMap<i64, &Act> = all.iter().map(|act| (act.id, act)).collect();
        for (study, changes) in self.differing(history).await? {
            self.hide_again(&study, &changes, &acts).await?;
        }
        Ok(())
    }

    /// The instances whose rows say something else, by study.
    async fn differing(&self, history: History) -> Result<BTreeMap<String, Vec<(InstanceId, Standing)>>> {
        let mut differing: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let ids: Vec<InstanceId> = history.instances.keys().copied().collect();
        let mut tx = self.0.database.begin(Durability::Batched).await?;
        for filed in history::filed(&mut tx, &ids).await? {
            let Some(standing) = history.instances.get(&filed.instance) else { continue };
            if standing.hidden_by != filed.hidden_by {
                differing.entry(filed.study_uid).or_default().push((filed.instance, *standing));
            }
        }
        Ok(differing)
    }

    async fn hide_again(
        &self,
        study: &str,
        changes: &[(InstanceId, Standing)],
        acts: &HashMap<i64, &Act>,
    ) -> Result<()> {
        let subject = Subject::Study(Uid::parse(study).map_err(|_| Error::NotFound)?);
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let Some(mut locked) = rows::lock(&mut tx, &subject).await? else { return Ok(()) };
        let hidden = changes.iter().map(|(instance, standing)| (*instance, standing.hidden_by));
        history::hide(&mut tx, hidden).await?;
        self.0.arrivals.forget();
        let last = changes.iter().filter_map(|(_, standing)| acts.get(&standing.changed_by?));
        if let Some(act) = last.max_by_key(|act| (act.at_ms, act.id)) {
            let word = if act.kind.ends_with(".restore") { "restore" } else { "reject" };
            let by = (act.actor.as_str(), act.reason.as_deref().unwrap_or_default());
            settle_rows(&mut tx, &mut locked, word, by, act.at_ms).await?;
        }
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}
