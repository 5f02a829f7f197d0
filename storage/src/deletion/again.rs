//! Deleting once more what an act deleted whose row had been lost.

use std::collections::BTreeSet;

use pacs_core::uid::Uid;

use super::rows::{self, Locked, Spared};
use super::{MOVED, SERIES, UNTIL, note};
use crate::acts::Act;
use crate::archive::Archive;
use crate::corrections::away::Away;
use crate::database::Transaction;
use crate::error::{Error, Result};
use crate::index::deletions::Subject;

impl Archive {
    /// Deletes what rows there are of what an act deleted, and through the note what is found of it later. Rows
    /// that were made anew, or that are older than the act, may lie where people had moved them away from: those
    /// of the act go wherever they are, and what had been moved away stays.
    pub(crate) async fn delete_again(&self, tx: &mut Transaction, act: &Act) -> Result<()> {
        let after = act.after.as_ref();
        let until_ms = after.and_then(|after| after.get(UNTIL)?.as_i64());
        let subject = Subject::of_act(&act.subject_kind, &act.subject_uid);
        let (Some(subject), Some(until_ms)) = (subject, until_ms) else {
            return Err(Error::Corrupt(format!("act {} does not say what it deleted", act.id)));
        };
        let listed = |key| {
            let listed = after.and_then(|after| after.get(key)?.as_array());
            listed.into_iter().flatten().filter_map(|uid| uid.as_str()).map(str::to_owned).collect::<Vec<_>>()
        };
        let (series, moved) = (listed(SERIES), listed(MOVED));
        self.0.arrivals.forget_deleted(until_ms);
        let now_ms = self.0.config.clock.now_ms();
        let instances = moved.iter().filter_map(|uid| Uid::parse(uid).ok()).map(Subject::Instance);
        let of_series = series.iter().filter_map(|uid| Uid::parse(uid).ok()).map(Subject::Series);
        for part in instances.chain(of_series).chain([subject.clone()]) {
            if let Some(locked) = rows::lock(tx, &part).await? {
                let spared = spared(tx, &part, &locked, until_ms).await?;
                locked.remove(tx, until_ms, now_ms, &spared).await?;
            }
        }
        let series: Vec<&str> = series.iter().map(String::as_str).collect();
        note(tx, &subject, &series, &moved, until_ms).await
    }
}

/// What of these rows was not there when their subject was deleted.
async fn spared(tx: &mut Transaction, part: &Subject, locked: &Locked, until_ms: i64) -> Result<Spared> {
    let mut spared = Spared::default();
    if matches!(part, Subject::Instance(_)) {
        return Ok(spared);
    }
    let instances = locked.named_by_acts(tx).await?;
    let mut uids: BTreeSet<String> = instances.iter().map(|(_, uid)| uid.clone()).collect();
    if let Subject::Study(study) = part {
        uids.extend(locked.series_uids().into_iter().map(str::to_owned));
        uids.insert(study.to_string());
    }
    let away = Away::of(tx, &uids).await?;
    let is_away = |uid: &str| away.was_moved(uid, until_ms);
    spared.instances = instances.into_iter().filter(|(_, uid)| is_away(uid)).map(|(id, _)| id).collect();
    if let Subject::Study(study) = part {
        let all = away.was_merged(study.as_str(), until_ms);
        let series = locked.series.iter().filter(|(_, uid)| all || is_away(uid));
        spared.series = series.map(|(id, _)| *id).collect();
    }
    Ok(spared)
}
