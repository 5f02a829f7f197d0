//! Instances whose bytes were found again after they were deleted.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use super::NewInstance;
use super::batch::Batch;
use crate::Result;
use crate::corrections::away::Away;
use crate::index::deletions::{self, Kind};
use crate::index::redirects;

impl Batch<'_> {
    /// The positions of the instances that were received before they, or what they belong to, were
    /// deleted. Of what has just arrived that is none, and no row is read.
    pub async fn deleted(&mut self, instances: &[NewInstance]) -> Result<BTreeSet<usize>> {
        let until_ms = self.known().deleted_until_ms();
        let old: Vec<(usize, &NewInstance)> =
            instances.iter().enumerate().filter(|(_, instance)| instance.received_ms <= until_ms).collect();
        // As sent, and as filed.
        let mut homes: HashMap<(&str, &str), (String, String)> = HashMap::new();
        let mut uids = BTreeSet::new();
        for (_, instance) in &old {
            let sent = (instance.lifted.series.uid.as_str(), instance.lifted.study.uid.as_str());
            if let Entry::Vacant(home) = homes.entry(sent) {
                home.insert(redirects::follow(&mut self.tx, sent.0, sent.1).await?);
            }
            uids.extend([sent.0.to_owned(), sent.1.to_owned(), instance.lifted.instance.uid.to_string()]);
        }
        uids.extend(homes.values().flat_map(|(series, study)| [series.clone(), study.clone()]));
        let deletions = deletions::of(&mut self.tx, &uids).await?;
        if deletions.is_empty() {
            return Ok(BTreeSet::new());
        }
        let away = Away::of(&mut self.tx, &uids).await?;
        let is_deleted = |instance: &NewInstance| {
            let sent = (instance.lifted.series.uid.as_str(), instance.lifted.study.uid.as_str());
            let uid = instance.lifted.instance.uid.as_str();
            let filed = homes.get(&sent).map_or(sent, |(series, study)| (series.as_str(), study.as_str()));
            let until = |kind, uid: &str| {
                let until_ms = deletions.get(&(kind, uid.to_owned())).copied();
                until_ms.filter(|until_ms| instance.received_ms <= *until_ms)
            };
            // What had been moved out of a series or study was not deleted with it.
            let of_series =
                |series| until(Kind::Series, series).is_some_and(|until_ms| !away.was_moved(uid, until_ms));
            let of_study = |study| {
                until(Kind::Study, study)
                    .filter(|until_ms| !away.was_moved(uid, *until_ms) && !away.was_moved(sent.0, *until_ms))
            };
            until(Kind::Instance, uid).is_some()
                || of_series(sent.0)
                || of_series(filed.0)
                || (filed.1 != sent.1 && of_study(filed.1).is_some())
                || of_study(sent.1).is_some_and(|until_ms| !away.was_merged(sent.1, until_ms))
        };
        Ok(old.into_iter().filter(|(_, instance)| is_deleted(instance)).map(|(at, _)| at).collect())
    }
}
