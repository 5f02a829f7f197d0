//! Of which images a person has decided after something asked for their rejection.

use std::collections::{HashMap, HashSet};

use pacs_core::uid::Uid;

use super::ACTS;
use super::history::{self, History};
use crate::acts;
use crate::archive::Archive;
use crate::database::{Durability, Transaction, params};
use crate::error::Result;
use crate::index::InstanceId;

/// The kinds of act that mean images without naming them.
const OF_MANY: [&str; 4] = ["study.reject", "series.reject", "study.restore", "series.restore"];

/// When the acts in the histories of some studies have changed last how an instance stands.
type Changed = HashMap<InstanceId, i64>;

/// Histories that are remembered.
const FOLLOWED_MOST: usize = 8;

/// Histories that were followed, each as far as its newest act.
#[derive(Debug, Default)]
pub(crate) struct Followed(Vec<(HashSet<String>, i64, Changed)>);

impl Archive {
    /// Those of a few instances that an act since then is about, or whose standing one has changed together with their
    /// series or study.
    pub(crate) async fn decided(
        &self,
        followed: &mut Followed,
        instances: &[Uid],
        since_ms: i64,
    ) -> Result<HashSet<Uid>> {
        let database = &self.0.database;
        let mut decided = HashSet::new();
        for instance in instances {
            let named = acts::of_any(database, &[instance.to_string()], &ACTS, 1).await?;
            if named.first().is_some_and(|(act, _)| act.at_ms >= since_ms) {
                decided.insert(instance.clone());
            }
        }
        let mut filed = Vec::new();
        let mut tx = database.begin(Durability::Batched).await?;
        for instance in instances.iter().filter(|uid| !decided.contains(*uid)) {
            let sql = "select id from instance where uid = $1";
            let Some(row) = tx.fetch_optional(sql, params![instance]).await? else { continue };
            let id = InstanceId(row.get("id")?);
            filed.push((instance, id, history::studies_of(&mut tx, instance).await?));
        }
        drop(tx);
        for (instance, id, studies) in filed {
            let changed = self.changed(followed, studies, since_ms).await?;
            if changed.and_then(|changed| changed.get(&id)).is_some_and(|at_ms| *at_ms >= since_ms) {
                decided.insert(instance.clone());
            }
        }
        Ok(decided)
    }

    /// What an act on many since then has changed, `None` when there is none.
    async fn changed<'a>(
        &self,
        Followed(followed): &'a mut Followed,
        studies: HashSet<String>,
        since_ms: i64,
    ) -> Result<Option<&'a Changed>> {
        let database = &self.0.database;
        let listed: Vec<String> = studies.iter().cloned().collect();
        let of_many = acts::of_any(database, &listed, &OF_MANY, 1).await?;
        let Some(newest) = of_many.first().map(|(act, _)| act).filter(|act| act.at_ms >= since_ms) else {
            return Ok(None);
        };
        let is_known =
            |(of, until, _): &(HashSet<String>, i64, Changed)| *of == studies && *until == newest.id;
        let at = match followed.iter().position(is_known) {
            Some(at) => at,
            None => {
                let mut tx = database.begin(Durability::Batched).await?;
                let changed = changed(&mut tx, &studies).await?;
                drop(tx);
                followed.retain(|(of, ..)| *of != studies);
                // Images of one study lie together in a document: of the others none is kept for long.
                followed.drain(..followed.len().saturating_sub(FOLLOWED_MOST - 1));
                followed.push((studies, newest.id, changed));
                followed.len() - 1
            }
        };
        Ok(followed.get(at).map(|(.., changed)| changed))
    }
}

/// Which images an act on many has meant follows from all that was done before it.
async fn changed(tx: &mut Transaction, studies: &HashSet<String>) -> Result<Changed> {
    let (mut history, mut at_ms) = (History::default(), HashMap::new());
    for act in acts::in_histories(tx, studies, &ACTS).await? {
        history.follow(tx, &act).await?;
        at_ms.insert(act.id, act.at_ms);
    }
    let standing = history.instances.iter();
    Ok(standing.filter_map(|(id, standing)| Some((*id, *at_ms.get(&standing.changed_by?)?))).collect())
}
