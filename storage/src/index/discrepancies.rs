//! What does not go together, a row each: found by arriving instances, open until an act answers it.

use std::collections::BTreeSet;

use pacs_core::attributes::PatientAttributes;
use pacs_core::identity::is_year_alone;
use pacs_core::reconciliation::{Choice, Kind};
use pacs_core::text;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PatientId, SeriesId, StudyId, deletions};
use crate::acts::{self, Act};
use crate::corrections::MOVES;
use crate::database::{Param, Transaction, params};
use crate::deletion::DELETE_STUDY;
use crate::{Error, Result};

/// The act that answers a discrepancy where nothing else is changed.
pub(crate) const RECONCILE: &str = "study.reconcile";
/// The act that takes such an answer back.
pub(crate) const REOPEN: &str = "study.reopen";
/// The act that says which content of the instances of a series is served; without one, that it is up to
/// the archive's rule again.
pub(crate) const SERVE: &str = "series.serve";

/// A discrepancy that an arriving instance has shown.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub kind: Kind,
    /// What the study is at odds with, so that the same is found once: of two contents their series, of
    /// two studies the other's UID, of a number or patient its key, of demographics what they say.
    pub other: String,
    /// The other patient, where there is a record.
    pub other_patient: Option<PatientId>,
    /// What an instance said that contradicts its own study.
    pub sent: Option<Said>,
    /// When the instance came.
    pub received_ms: i64,
}

/// Whom an instance names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// Patient ID.
    pub identifier: String,
    /// Code of its issuer.
    pub issuer: String,
    /// PN as sent.
    pub name: String,
    /// `YYYYMMDD` as sent.
    pub birth_date: Option<String>,
    /// `M`, `F`, `O` as sent.
    pub sex: Option<String>,
}

/// What demographics say, as far as two of them can contradict each other.
pub(crate) fn gist(patient: &PatientAttributes) -> String {
    let born = patient.birth_date.as_deref().unwrap_or_default();
    let born = if is_year_alone(born) { born.get(..4).unwrap_or_default() } else { born };
    format!("{}|{born}|{}", text::name_key(&patient.name), patient.sex.as_deref().unwrap_or_default())
}

/// Notes what was found of a study, unless it is known. Other contents of one instance are something to
/// look at each time that they come. Where the index is made anew, an answer that was given before counts.
pub(crate) async fn note(
    tx: &mut Transaction,
    (study_uid, facility): (&str, &str),
    found: &Found,
) -> Result<()> {
    let again = match found.kind {
        Kind::Conflict => "do update set found_ms = excluded.found_ms, answer_act_id = null".to_owned(),
        // A late image that names the second patient came to a study that had none of these left.
        Kind::TwoPatients | Kind::DemographicsDiffer => {
            let kinds = MOVES.iter().chain(&[SERVE]).map(|kind| format!("'{kind}'")).collect::<Vec<_>>();
            format!(
                "do update set found_ms = excluded.found_ms, answer_act_id = null where exists (
                     select 1 from act a where a.id = discrepancy.answer_act_id and a.kind in ({}))",
                kinds.join(", ")
            )
        }
        _ => "do nothing".to_owned(),
    };
    let sql = format!(
        "insert into discrepancy (kind, facility, study_uid, other, other_patient_id, sent, found_ms)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (study_uid, kind, other) {again} returning id"
    );
    let sent = found.sent.as_ref().map(|sent| json!(sent).to_string());
    let values = params![
        found.kind.as_str(),
        facility,
        study_uid,
        &found.other,
        found.other_patient.map(|id| id.0),
        sent,
        found.received_ms
    ];
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), values).await? else { return Ok(()) };
    let answered = match found.kind {
        Kind::Conflict => chosen(tx, &found.other)
            .await?
            .filter(|(_, choice)| found.received_ms <= choice.received_until_ms)
            .map(|(act, _)| act),
        _ => said(tx, study_uid, found.kind, &found.other).await?,
    };
    if let Some(act) = answered {
        let sql = "update discrepancy set answer_act_id = $2 where id = $1";
        tx.execute(sql, params![row.get::<i64>("id")?, act]).await?;
    }
    Ok(())
}

/// The act by which a person has answered this, and did not take it back.
async fn said(tx: &mut Transaction, study_uid: &str, kind: Kind, other: &str) -> Result<Option<i64>> {
    for act in acts::of_kinds(tx, study_uid, &[RECONCILE, REOPEN, DELETE_STUDY]).await? {
        let is_it = |key: &str, value: &str| {
            act.after.as_ref().and_then(|after| after.get(key)?.as_str()) == Some(value)
        };
        if act.kind == DELETE_STUDY {
            return Ok(None);
        }
        if is_it("kind", kind.as_str()) && is_it("other", other) {
            return Ok((act.kind == RECONCILE).then_some(act.id));
        }
    }
    Ok(None)
}

/// What a person has said about the contents of a series' instances since the series was last deleted, with its
/// act.
pub(crate) async fn chosen(tx: &mut Transaction, series_uid: &str) -> Result<Option<(i64, Choice)>> {
    let act = acts::newest_of(tx, series_uid, &[SERVE]).await?;
    let uids = BTreeSet::from([series_uid.to_owned()]);
    let deleted = deletions::of(tx, &uids).await?;
    let deleted_ms = deleted.get(&(deletions::Kind::Series, series_uid.to_owned())).copied();
    let act = act.filter(|act| deleted_ms.is_none_or(|deleted_ms| act.at_ms > deleted_ms));
    Ok(act.and_then(|act| Some((act.id, choice_of(&act)?))))
}

/// The choice that an act made; `None` for one that took a choice back.
pub(crate) fn choice_of(act: &Act) -> Option<Choice> {
    serde_json::from_value(act.after.clone()?).ok()
}

/// Brings the flags of a study in line with what is open.
pub(crate) async fn flag(tx: &mut Transaction, study_uid: &str) -> Result<()> {
    let sql =
        "select distinct kind from discrepancy where study_uid = $1 and answer_act_id is null order by kind";
    let rows = tx.fetch(sql, params![study_uid]).await?;
    let open = rows.iter().map(|row| row.get::<String>("kind")).collect::<Result<Vec<_>>>()?;
    let open = (!open.is_empty()).then(|| open.join(","));
    let sql = "update study set doubt = $2, revision = revision + 1
         where uid = $1 and coalesce(doubt, '') <> coalesce($2, '')";
    tx.execute(sql, params![study_uid, open]).await.map(drop)
}

/// Notes that an act has answered what is open of a study, or `other` alone. What its own instances said
/// against each other is only answered by itself.
pub(crate) async fn answer(
    tx: &mut Transaction,
    study_uid: &str,
    kind: Kind,
    other: Option<&str>,
    act: i64,
) -> Result<()> {
    let mut sql = "update discrepancy set answer_act_id = $3
         where study_uid = $1 and kind = $2 and answer_act_id is null"
        .to_owned();
    let mut values = params![study_uid, kind.as_str(), act];
    match other {
        Some(other) => {
            sql.push_str(" and other = $4");
            values.push(Param::from(other));
        }
        None => sql.push_str(" and sent is null"),
    }
    tx.execute(sqlx::AssertSqlSafe(sql), values).await?;
    flag(tx, study_uid).await
}

/// Notes that a correction has answered who the patient of a study is, also where its own instances say
/// several things: all of them say the same now.
pub(crate) async fn corrected(tx: &mut Transaction, study_uid: &str, act: i64) -> Result<()> {
    let sql = "update discrepancy set answer_act_id = $2 where study_uid = $1 and answer_act_id is null
         and kind in ('demographicsDiffer', 'twoPatients')";
    tx.execute(sql, params![study_uid, act]).await?;
    flag(tx, study_uid).await
}

/// Two patients in a study that was parted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parted<'a> {
    pub kind: Kind,
    /// Key of the patient whose the study is.
    pub own: &'a str,
    /// Key of the other.
    pub other: &'a str,
    /// Whom the images name that have left.
    pub named: &'a Said,
}

/// Notes once more that a study was parted. Where images were indexed in another order, it is the patient who stays
/// that was found to be odd.
pub(crate) async fn parted_again(
    tx: &mut Transaction,
    study_uid: &str,
    found: &Parted<'_>,
    target: &str,
    act: i64,
) -> Result<()> {
    tx.execute(
        "update discrepancy set other = $3, sent = $4,
             other_patient_id = (select patient_id from study where uid = $5)
         where study_uid = $1 and kind = $6 and other = $2 and not exists (
             select 1 from discrepancy known where known.study_uid = $1 and known.kind = $6
             and known.other = $3)",
        params![
            study_uid,
            found.own,
            found.other,
            json!(found.named).to_string(),
            target,
            found.kind.as_str()
        ],
    )
    .await?;
    answer(tx, study_uid, found.kind, Some(found.other), act).await
}

/// Opens again what acts of that kind had answered of a study.
pub(crate) async fn reopen(tx: &mut Transaction, study_uid: &str, act_kind: &str) -> Result<()> {
    tx.execute(
        "update discrepancy set answer_act_id = null where study_uid = $1
             and answer_act_id in (select id from act where kind = $2)",
        params![study_uid, act_kind],
    )
    .await?;
    flag(tx, study_uid).await
}

/// Of a patient and all who are merged into it.
const OF_IT: &str = "with recursive of_it (id) as (select cast($1 as bigint) as id union
     select p.id from patient p join of_it on p.merged_into_id = of_it.id)";

/// A merge has answered what was open between two patients who are one now; answers the studies. Of a patient who had
/// no record yet when an image named them the number tells.
pub(crate) async fn merged(
    tx: &mut Transaction,
    (from, into): (PatientId, PatientId),
    act: i64,
) -> Result<Vec<String>> {
    let sql = format!(
        "{OF_IT} update discrepancy set answer_act_id = $2, merged_patient_id = $3
         where answer_act_id is null and kind in ('twoPatients', 'sharedIdentifier', 'sharedAccession')
             and (other_patient_id in (select id from of_it) or (other_patient_id is null and kind = 'twoPatients'
                 and other in (select n.identifier || '^^^' || i.code from patient_identifier n
                     join issuer i on i.id = n.issuer_id where n.patient_id = $1)))
             and study_uid in (select uid from study where patient_id = $1) returning study_uid"
    );
    flagged(tx, sql, params![into, act, from]).await
}

/// A merge was taken back: what it had answered is open again; answers the studies.
pub(crate) async fn parted(tx: &mut Transaction, from: PatientId) -> Result<Vec<String>> {
    let sql = "update discrepancy set answer_act_id = null, merged_patient_id = null
         where merged_patient_id = $1 returning study_uid";
    flagged(tx, sql.to_owned(), params![from]).await
}

async fn flagged(tx: &mut Transaction, sql: String, values: Vec<Param>) -> Result<Vec<String>> {
    let rows = tx.fetch(sqlx::AssertSqlSafe(sql), values).await?;
    let mut studies = rows.iter().map(|row| row.get("study_uid")).collect::<Result<Vec<String>>>()?;
    studies.sort_unstable();
    studies.dedup();
    for study in &studies {
        flag(tx, study).await?;
    }
    Ok(studies)
}

/// A series is filed in another study now: what waits of its contents waits there.
pub(crate) async fn contents_left(
    tx: &mut Transaction,
    series_uid: &str,
    from_study: &str,
    to: StudyId,
) -> Result<()> {
    let row = tx.fetch_one("select uid, facility from study where id = $1", params![to]).await?;
    let (uid, facility): (String, String) = (row.get("uid")?, row.get("facility")?);
    if uid == from_study {
        return Ok(());
    }
    tx.execute(
        "update discrepancy set study_uid = $3, facility = $4
         where study_uid = $2 and kind = 'conflict' and other = $1 and not exists (
             select 1 from discrepancy d where d.study_uid = $3 and d.kind = 'conflict' and d.other = $1)",
        params![series_uid, from_study, &uid, facility],
    )
    .await?;
    flag(tx, from_study).await?;
    flag(tx, &uid).await
}

/// Instances have come to a series from another one: what waits, or was said, of their contents does so of both.
pub(crate) async fn contents_came(tx: &mut Transaction, to: SeriesId, from_series: &str) -> Result<()> {
    tx.execute(
        "insert into discrepancy (kind, facility, study_uid, other, found_ms, answer_act_id)
         select 'conflict', t.facility, t.uid, s.uid, d.found_ms, d.answer_act_id
         from series s join study t on t.id = s.study_id
         join series o on o.uid = $2 join study u on u.id = o.study_id
         join discrepancy d on d.study_uid = u.uid and d.kind = 'conflict' and d.other = o.uid
         where s.id = $1 and s.uid <> $2 and exists (
             select 1 from instance i join instance_version v on v.instance_id = i.id where i.series_id = s.id)
         on conflict (study_uid, kind, other) do nothing",
        params![to, from_series],
    )
    .await
    .map(drop)
}

/// Forgets what was found of a study that goes.
pub(crate) async fn forget(tx: &mut Transaction, study_uid: &str) -> Result<()> {
    tx.execute("delete from discrepancy where study_uid = $1", params![study_uid]).await.map(drop)
}

/// Forgets two contents of which one is gone.
pub(crate) async fn forget_contents(tx: &mut Transaction, study_uid: &str) -> Result<()> {
    tx.execute(
        "delete from discrepancy where study_uid = $1 and kind = 'conflict' and not exists (
             select 1 from series s join instance i on i.series_id = s.id
             join instance_version v on v.instance_id = i.id where s.uid = discrepancy.other)",
        params![study_uid],
    )
    .await?;
    flag(tx, study_uid).await
}

/// What is kept of what an instance said.
pub(crate) fn read_said(text: Option<String>) -> Result<Option<Said>> {
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| Error::Corrupt(format!("a discrepancy: {error}")))
}
