//! Study rows: everything that a list shows or searches, in one denormalised row.

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use pacs_core::attributes::{PatientAttributes, STUDY_TAGS, StudyAttributes, excerpt};
use pacs_core::dataset::DataSet;
use pacs_core::{clock, date_time, tags, text};

use super::belongings::{self, Studies};
use super::name_words;
use super::{PatientId, StudyId, discrepancies};
use crate::Result;
use crate::database::{Param, Transaction, assignments, params, placeholders};

/// A study as its first instance describes it, or as it was corrected.
pub(crate) struct Coming<'a> {
    pub uid: &'a str,
    pub patient_id: PatientId,
    /// Whose it is by its own identifier, where that patient is merged into another.
    pub own_patient_id: Option<PatientId>,
    pub facility: &'a str,
    /// Code of the issuer of the patient's identifier.
    pub issuer: &'a str,
    pub patient: &'a PatientAttributes,
    pub study: &'a StudyAttributes,
    pub header: &'a DataSet,
    pub calling_ae: Option<&'a str>,
    pub received_ms: i64,
    /// Zone of the facility's wall.
    pub zone: TimeZone,
}

/// The columns that describe a study, in the order of [`described`].
const DESCRIBED: &str =
    "patient_id, patient_identifier, patient_issuer, patient_name, folded_name, name_key, birth_date,
     sex, study_date, study_time, newest_key, accession_number, accession_issuer, study_id, description,
     folded_description, referring_physician, folded_referrer, attributes, own_patient_id";

fn described(coming: &Coming<'_>, newest_key: i64) -> Vec<Param> {
    let folded_optional = |text: &Option<String>| text.as_deref().map(|text| spaced(&text::fold(text)));
    params![
        coming.patient_id,
        &coming.patient.id,
        coming.issuer,
        &coming.patient.name,
        spaced(&text::fold(&coming.patient.name)),
        text::name_key(&coming.patient.name),
        &coming.patient.birth_date,
        &coming.patient.sex,
        &coming.study.date,
        &coming.study.time,
        newest_key,
        &coming.study.accession_number,
        &coming.study.accession_issuer,
        &coming.study.id,
        &coming.study.description,
        folded_optional(&coming.study.description),
        &coming.study.referring_physician,
        folded_optional(&coming.study.referring_physician),
        pacs_core::json::to_string(&excerpt(coming.header, STUDY_TAGS)),
        coming.own_patient_id.map(|id| id.0)
    ]
}

/// Makes the study unless somebody else just did: then `None`. Safe to race.
pub(crate) async fn insert(tx: &mut Transaction, coming: &Coming<'_>) -> Result<Option<StudyId>> {
    let newest_key = newest_key(coming);
    let mut values = params![coming.uid, coming.facility, coming.calling_ae, coming.received_ms];
    let own = values.len();
    values.extend(described(coming, newest_key));
    let sql = format!(
        "insert into study (uid, facility, calling_ae, received_ms, updated_ms, modalities, sop_classes, series_count,
             instance_count, revision, conflict_count, {DESCRIBED})
         values ($1, $2, $3, $4, $4, '', '', 0, 0, 0, 0, {}) on conflict (uid) do nothing returning id",
        placeholders(own + 1, values.len() - own)
    );
    let Some(row) = tx.fetch_optional(sqlx::AssertSqlSafe(sql), values).await? else { return Ok(None) };
    let id = StudyId(row.get("id")?);
    belongings::note_registered(tx, Studies::One(id)).await?;
    name_words::insert(tx, id, newest_key, &text::fold(&coming.patient.name)).await?;
    Ok(Some(id))
}

/// Describes a study anew, whose row somebody has locked.
pub(crate) async fn describe(
    tx: &mut Transaction,
    id: StudyId,
    coming: &Coming<'_>,
    now_ms: i64,
) -> Result<()> {
    let newest_key = newest_key(coming);
    let mut values = params![id, now_ms];
    let own = values.len();
    values.extend(described(coming, newest_key));
    let sql = format!(
        "update study set {}, revision = revision + 1,
             updated_ms = case when updated_ms < $2 then $2 else updated_ms end where id = $1",
        assignments(DESCRIBED, own + 1)
    );
    name_words::remove(tx, id).await?;
    tx.execute(sqlx::AssertSqlSafe(sql), values).await?;
    belongings::note_registered(tx, Studies::One(id)).await?;
    name_words::insert(tx, id, newest_key, &text::fold(&coming.patient.name)).await
}

/// Takes a study's row away; nothing may be in it.
pub(super) async fn remove(tx: &mut Transaction, id: StudyId) -> Result<()> {
    name_words::remove(tx, id).await?;
    if let Some(row) = tx.fetch_optional("select uid from study where id = $1", params![id]).await? {
        discrepancies::forget(tx, &row.get::<String>("uid")?).await?;
    }
    tx.execute("delete from study where id = $1", params![id]).await.map(drop)
}

/// Brings the row of a study up to date of which more or less is shown than before, or takes it away
/// when nothing is left in it. What is shown of it then.
pub(crate) async fn recount(tx: &mut Transaction, id: StudyId) -> Result<Shown> {
    let any = tx.fetch_optional("select 1 from series where study_id = $1 limit 1", params![id]).await?;
    if any.is_none() {
        remove(tx, id).await?;
        return Ok(Shown::default());
    }
    count(tx, id).await
}

/// As [`recount`], of a study that may be left with nothing in it for a while.
pub(crate) async fn count(tx: &mut Transaction, id: StudyId) -> Result<Shown> {
    let series =
        tx.fetch("select modality, instance_count from series where study_id = $1", params![id]).await?;
    let mut shown = Shown::default();
    let mut series_count = 0_i64;
    for row in &series {
        let instances: i64 = row.get("instance_count")?;
        if instances > 0 {
            series_count += 1;
            shown.instances += instances;
            shown.modalities.extend(row.get::<Option<String>>("modality")?);
        }
    }
    let classes = tx
        .fetch(
            "select distinct i.class from series s join instance i on i.series_id = s.id
             where s.study_id = $1 and i.rejection_id is null",
            params![id],
        )
        .await?;
    let classes = classes.iter().map(|row| row.get("class")).collect::<Result<BTreeSet<String>>>()?;
    tx.execute(
        "update study set revision = revision + 1, modalities = $2, sop_classes = $3, series_count = $4,
             instance_count = $5,
             conflict_count = (select count(*) from series s join instance i on i.series_id = s.id
                 join instance_version v on v.instance_id = i.id
                 where s.study_id = $1 and i.rejection_id is null)
         where id = $1",
        params![id, list(&shown.modalities), list(&classes), series_count, shown.instances],
    )
    .await?;
    let uid: String = tx.fetch_one("select uid from study where id = $1", params![id]).await?.get("uid")?;
    discrepancies::forget_contents(tx, &uid).await?;
    Ok(shown)
}

/// What of a study is shown.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// How many instances.
    pub instances: i64,
    /// The modalities of their series.
    pub modalities: BTreeSet<String>,
}

/// `\CT\SR\` as a set.
pub(crate) fn listed(list: &str) -> BTreeSet<String> {
    list.split('\\').filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// A set as `\CT\SR\`, so that `like '%\CT\%'` finds a member; an empty one is an empty text.
pub(crate) fn list(values: &BTreeSet<String>) -> String {
    let mut list = String::new();
    for value in values {
        list.push('\\');
        list.push_str(value);
    }
    if !list.is_empty() {
        list.push('\\');
    }
    list
}

/// ` words ` with a space at either end, so that `like '% word%'` finds beginnings of words.
pub(crate) fn spaced(folded: &str) -> String {
    format!(" {folded} ")
}

/// `yyyymmddhhmmss` on the facility's wall as a number: the study's own date and time when it has a
/// date that is one, else those of its arrival.
fn newest_key(coming: &Coming<'_>) -> i64 {
    let own = coming.study.date.as_deref().and_then(date_time::date);
    let arrived = || clock::local_date_time(coming.received_ms, &coming.zone).unwrap_or_default();
    let at = own.map_or_else(arrived, |date| {
        let Some(time) = coming.study.time.as_deref().and_then(date_time::time) else {
            return date.to_datetime(Time::midnight());
        };
        let offset = coming.header.text(tags::TIMEZONE_OFFSET_FROM_UTC);
        let offset = offset.as_deref().and_then(date_time::offset);
        date_time::on_wall(date.to_datetime(time), offset, &coming.zone)
    });
    [(at.month(), 2), (at.day(), 2), (at.hour(), 2), (at.minute(), 2), (at.second(), 2)]
        .into_iter()
        .fold(i64::from(at.year()), |key, (part, digits)| key * 10_i64.pow(digits) + i64::from(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pacs_core::uid::Uid;

    #[test]
    fn the_newest_key_is_the_studys_own_time_if_it_has_one() {
        // 04:05:06 on the third of February in Vietnam.
        const RECEIVED_MS: i64 = 1_770_066_306_000;
        for (date, time, offset, want) in [
            (Some("20251231"), Some("235959.25"), None, 20251231235959),
            (Some("20251231"), Some("235959.25"), Some("+0700"), 20251231235959),
            (Some("20251231"), Some("235959.25"), Some("+0000"), 20260101065959),
            (Some("20251231"), Some("0830"), None, 20251231083000),
            (Some("20251231"), Some("early"), Some("+0000"), 20251231000000),
            (Some("20251231"), None, Some("+0000"), 20251231000000),
            (Some("2025"), Some("0830"), None, 20260203040506),
            (None, Some("0830"), None, 20260203040506),
        ] {
            let mut header = DataSet::new();
            if let Some(offset) = offset {
                header.put_text(tags::TIMEZONE_OFFSET_FROM_UTC, offset);
            }
            let study = StudyAttributes {
                uid: Uid::parse("1.2").unwrap(),
                date: date.map(Into::into),
                time: time.map(Into::into),
                accession_number: None,
                accession_issuer: None,
                id: None,
                description: None,
                referring_physician: None,
                institution: None,
                patient_age: None,
            };
            let coming = Coming {
                uid: "1.2",
                patient_id: PatientId(1),
                own_patient_id: None,
                facility: "BVTW",
                issuer: "BVTW",
                patient: &PatientAttributes::default(),
                study: &study,
                header: &header,
                calling_ae: None,
                received_ms: RECEIVED_MS,
                zone: TimeZone::fixed(jiff::tz::offset(7)),
            };
            assert_eq!(newest_key(&coming), want, "{date:?} {time:?} {offset:?}");
        }
    }
}
