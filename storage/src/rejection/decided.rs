//! Whether a person has decided on an image after something asked for its rejection.

use std::collections::HashMap;

use pacs_core::uid::Uid;

use super::ACTS;
use super::history::{self, History};
use crate::acts;
use crate::archive::Archive;
use crate::database::{Durability, params};
use crate::error::Result;
use crate::index::InstanceId;

/// The kinds of act that mean images without naming them.
const OF_MANY: [&str; 4] = ["study.reject", "series.reject", "study.restore", "series.restore"];

impl Archive {
    /// Whether an act since then is about an instance, or has changed how it stands together with its series or study.
    pub(super) async fn is_decided(&self, instance: &Uid, since_ms: i64) -> Result<bool> {
        let database = &self.0.database;
        let named = acts::of_any(database, &[instance.to_string()], &ACTS, 1).await?;
        if named.first().is_some_and(|(act, _)| act.at_ms >= since_ms) {
            return Ok(true);
        }
        let studies = history::studies_of(&mut database.begin(Durability::Batched).await?, instance).await?;
        let listed: Vec<String> = studies.iter().cloned().collect();
        let of_many = acts::of_any(database, &listed, &OF_MANY, 1).await?;
        if of_many.first().is_none_or(|(act, _)| act.at_ms < since_ms) {
            return Ok(false);
        }
        // Which images it has meant follows from all that was done before it.
        let mut tx = database.begin(Durability::Batched).await?;
        let sql = "select id from instance where uid = $1";
        let Some(row) = tx.fetch_optional(sql, params![instance]).await? else { return Ok(false) };
        let instance = InstanceId(row.get("id")?);
        let (mut history, mut at_ms) = (History::default(), HashMap::new());
        for act in acts::in_histories(&mut tx, &studies, &ACTS).await? {
            history.follow(&mut tx, &act).await?;
            at_ms.insert(act.id, act.at_ms);
        }
        let changed_by = history.instances.get(&instance).and_then(|standing| standing.changed_by);
        Ok(changed_by.and_then(|act| at_ms.get(&act)).is_some_and(|at_ms| *at_ms >= since_ms))
    }
}
