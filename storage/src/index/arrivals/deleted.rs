//! Instances whose bytes were found again after they were deleted.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use super::NewInstance;
use super::batch::Batch;
use crate::Result;
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
        let is_deleted = |instance: &NewInstance| {
            let sent = (instance.lifted.series.uid.as_str(), instance.lifted.study.uid.as_str());
            let filed = homes.get(&sent);
            let named = [
                (Kind::Instance, Some(instance.lifted.instance.uid.as_str())),
                (Kind::Series, Some(sent.0)),
                (Kind::Study, Some(sent.1)),
                (Kind::Series, filed.map(|(series, _)| series.as_str())),
                (Kind::Study, filed.map(|(_, study)| study.as_str())),
            ];
            named.into_iter().any(|(kind, uid)| {
                let until = uid.and_then(|uid| deletions.get(&(kind, uid.to_owned())));
                until.is_some_and(|until_ms| instance.received_ms <= *until_ms)
            })
        };
        Ok(old.into_iter().filter(|(_, instance)| is_deleted(instance)).map(|(at, _)| at).collect())
    }
}
