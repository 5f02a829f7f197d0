//! One batch of arriving instances within its transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pacs_core::reconciliation::Serve;

use super::growth::{Growth, SeriesGrowth};
use super::home::Made;
use super::known::{Known, KnownSeries, Learned};
use super::{Decision, NewInstance};
use crate::database::Transaction;
use crate::index::{SeriesId, StudyId};
use crate::{Result, key_objects};

pub(super) struct Batch<'a> {
    pub tx: Transaction,
    known: &'a Mutex<Known>,
    pub learned: Learned,
    pub growth: BTreeMap<StudyId, Growth>,
    pub series_growth: BTreeMap<SeriesId, SeriesGrowth>,
    /// Series that this batch has made.
    pub made: Vec<Made>,
    /// Which of several contents is served.
    pub serve: Serve,
    /// The time.
    pub now_ms: i64,
}

impl<'a> Batch<'a> {
    pub fn new(tx: Transaction, known: &'a Mutex<Known>, serve: Serve, now_ms: i64) -> Self {
        Self {
            tx,
            known,
            learned: Learned::default(),
            growth: BTreeMap::new(),
            series_growth: BTreeMap::new(),
            made: Vec::new(),
            serve,
            now_ms,
        }
    }

    /// Decides on every instance, in their order; there is no decision on what was deleted. `None`
    /// when what was remembered is no longer so.
    pub async fn store(&mut self, instances: &[NewInstance]) -> Result<Option<Vec<Option<Decision>>>> {
        let deleted = self.deleted(instances).await?;
        let wanted: Vec<Option<&NewInstance>> =
            instances.iter().enumerate().map(|(at, one)| (!deleted.contains(&at)).then_some(one)).collect();
        // In order of the keys, so that two batches lock rows in the same order.
        let mut firsts: BTreeMap<&str, &NewInstance> = BTreeMap::new();
        for instance in wanted.iter().flatten() {
            firsts.entry(instance.lifted.series.uid.as_str()).or_insert(instance);
        }
        let mut homes = HashMap::new();
        for (uid, first) in firsts {
            homes.insert(uid, self.home(first).await?);
        }
        let home = |instance: &NewInstance| homes.get(instance.lifted.series.uid.as_str()).cloned();
        let placed: Vec<Option<(&NewInstance, KnownSeries)>> =
            wanted.into_iter().map(|instance| Some((instance?, home(instance?)?))).collect();

        let mut inserted = self.insert(&placed.iter().flatten().collect::<Vec<_>>()).await?;
        if self.known().awaits_rejected() {
            key_objects::came_late(&mut self.tx, &inserted, self.now_ms).await?;
        }
        let mut decisions = Vec::with_capacity(placed.len());
        for place in &placed {
            let Some((instance, series)) = place else {
                decisions.push(None);
                continue;
            };
            decisions.push(Some(if inserted.remove(instance.lifted.instance.uid.as_str()) {
                key_objects::arrived(&mut self.tx, instance, self.now_ms).await?;
                Decision::Accepted { doubt: self.accepted(instance, series) }
            } else {
                self.met_again(instance).await?
            }));
        }
        self.settle_made().await?;
        Ok(if self.grow().await? { Some(decisions) } else { None })
    }

    pub async fn commit(self) -> Result<Learned> {
        self.tx.commit().await?;
        Ok(self.learned)
    }

    /// What all batches share.
    pub fn known_to_all(&self) -> &'a Mutex<Known> {
        self.known
    }

    pub fn known(&self) -> MutexGuard<'a, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
