//! Which rows a move, or its undoing, may change: found before they are locked, all in one order.

use std::collections::BTreeSet;

use pacs_core::uid::Uid;

use super::{MERGE, Said, home};
use crate::acts::{self, Act};
use crate::database::{Transaction, params};
use crate::deletion::rows::{self, Locked};
use crate::index::deletions::{Kind, Subject};
use crate::index::{StudyId, redirects};
use crate::{Error, Result};

/// The series that a move means: of a merge also those that came for the study since.
pub(super) async fn series(tx: &mut Transaction, act: &Act, said: &Said) -> Result<BTreeSet<String>> {
    let mut series: BTreeSet<String> = said.series.iter().cloned().collect();
    if act.kind == MERGE {
        let sql = "select s.uid from series s join study t on t.id = s.study_id where t.uid = $1
             union select s.uid from series s where s.sent_study_uid = $1";
        for row in tx.fetch(sql, params![&act.subject_uid]).await? {
            series.insert(row.get("uid")?);
        }
    }
    Ok(series)
}

/// The studies that change when these series, and the instances of the move, are filed where they belong:
/// where they are and where they come to. `without` is a move that is about to be taken back.
pub(super) async fn studies(
    tx: &mut Transaction,
    act: &Act,
    said: &Said,
    series: &BTreeSet<String>,
    without: Option<i64>,
) -> Result<BTreeSet<String>> {
    let mut studies = BTreeSet::from([act.subject_uid.clone(), said.to.clone()]);
    if act.kind == MERGE {
        // The one before counts again once this one is taken back.
        for merge in acts::of_kinds(tx, &act.subject_uid, &[MERGE]).await? {
            let to = Said::of(&merge)?.to;
            studies.extend([redirects::follow(tx, "", &to).await?.1, to]);
        }
    }
    for uid in series.iter().chain(said.made()) {
        of_series(tx, uid, without, &mut studies).await?;
    }
    for uid in &said.instances {
        let sql = "select s.uid, i.sent_series_uid from instance i join series s on s.id = i.series_id where i.uid = $1";
        let Some(row) = tx.fetch_optional(sql, params![uid]).await? else { continue };
        let mut in_series = BTreeSet::from([row.get::<String>("uid")?]);
        in_series.extend(row.get::<Option<String>>("sent_series_uid")?);
        if let Some(standing) = home::of(tx, uid, Kind::Instance, without).await? {
            in_series.extend(standing.said.series_of(uid).map(|(series, _)| series.to_owned()));
            studies.insert(standing.said.to);
        }
        for uid in &in_series {
            of_series(tx, uid, without, &mut studies).await?;
        }
    }
    Ok(studies)
}

async fn of_series(
    tx: &mut Transaction,
    uid: &str,
    without: Option<i64>,
    studies: &mut BTreeSet<String>,
) -> Result<()> {
    let sql =
        "select t.uid, s.sent_study_uid from series s join study t on t.id = s.study_id where s.uid = $1";
    let Some(row) = tx.fetch_optional(sql, params![uid]).await? else { return Ok(()) };
    let filed: String = row.get("uid")?;
    let sent = row.get::<Option<String>>("sent_study_uid")?.unwrap_or_else(|| filed.clone());
    match home::of(tx, uid, Kind::Series, without).await? {
        Some(standing) => studies.insert(standing.said.to),
        None => studies.insert(redirects::follow(tx, uid, &sent).await?.1),
    };
    studies.extend([filed, sent]);
    Ok(())
}

/// Locks a study with its series, if it is there.
pub(super) async fn lock(tx: &mut Transaction, uid: &str) -> Result<Option<Locked>> {
    match Uid::parse(uid) {
        Ok(uid) => rows::lock(tx, &Subject::Study(uid)).await,
        Err(_) => Ok(None),
    }
}

/// Adds the studies that images have come to and that are not of the list, locked, with what they showed
/// before: those that had to be made, and where something was moved to in the meantime.
pub(super) async fn with_homes(
    tx: &mut Transaction,
    shown: &mut Vec<(StudyId, i64)>,
    series: &BTreeSet<String>,
    instances: &[String],
) -> Result<()> {
    let of_series = "select t.id, t.uid from series s join study t on t.id = s.study_id where s.uid = $1";
    let of_instance = "select t.id, t.uid from instance i join series s on s.id = i.series_id
         join study t on t.id = s.study_id where i.uid = $1";
    let asked = series.iter().map(|uid| (of_series, uid));
    for (sql, uid) in asked.chain(instances.iter().map(|uid| (of_instance, uid))) {
        let Some(row) = tx.fetch_optional(sql, params![uid]).await? else { continue };
        let study = StudyId(row.get("id")?);
        if shown.iter().all(|(known, _)| *known != study) {
            let locked = lock(tx, &row.get::<String>("uid")?).await?.ok_or(Error::NotFound)?;
            shown.push((locked.study, locked.shown));
        }
    }
    Ok(())
}
