//! Rejections of rows that were lost and made anew.

use std::collections::{BTreeMap, HashMap};

use pacs_core::uid::Uid;

use super::history::{History, Standing};
use super::{ACTS, settle_rows};
use crate::acts::{self, Act};
use crate::archive::Archive;
use crate::database::{Durability, Param, params, placeholders};
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
        const CHUNK: usize = 500;
        let mut differing: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let ids: Vec<InstanceId> = history.instances.keys().copied().collect();
        for some in ids.chunks(CHUNK) {
            let sql = format!(
                "select i.id, i.rejection_id, t.uid from instance i join series s on s.id = i.series_id
                 join study t on t.id = s.study_id where i.id in ({})",
                placeholders(1, some.len())
            );
            let ids = some.iter().map(|id| Param::from(*id)).collect();
            for row in self.0.database.fetch(sqlx::AssertSqlSafe(sql), ids).await? {
                let id = InstanceId(row.get("id")?);
                let Some(standing) = history.instances.get(&id) else { continue };
                if standing.hidden_by != row.get::<Option<i64>>("rejection_id")? {
                    differing.entry(row.get("uid")?).or_default().push((id, *standing));
                }
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
        for (instance, standing) in changes {
            let sql = "update instance set rejection_id = $2 where id = $1";
            tx.execute(sql, params![*instance, standing.hidden_by]).await?;
        }
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
