//! Study rows: everything that a list shows or searches, in one denormalised row.

use pacs_core::attributes::{PatientAttributes, STUDY_TAGS, StudyAttributes, excerpt};
use pacs_core::dataset::DataSet;
use pacs_core::text;

use super::patients::MAX_WORDS;
use super::{PatientId, StudyId};
use crate::Result;
use crate::database::{Transaction, params};

/// A study that is about to be made, as its first instance describes it.
pub(super) struct Coming<'a> {
    pub uid: &'a str,
    pub patient_id: PatientId,
    pub facility: &'a str,
    /// Code of the issuer of the patient's identifier.
    pub issuer: &'a str,
    pub patient: &'a PatientAttributes,
    pub study: &'a StudyAttributes,
    pub header: &'a DataSet,
    pub doubt: Option<Doubt>,
    pub calling_ae: Option<&'a str>,
    pub received_ms: i64,
    /// Date and time of arrival on the facility's wall, for a study that does not say its own.
    pub received_wall: (String, String),
}

/// Why somebody should look at a study's demographics. Never a reason to refuse an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Name, birth date or sex differ from what is known under the identifier.
    DemographicsDiffer,
    /// Instances of the study name different patients.
    TwoPatients,
    /// A series came under two study UIDs.
    TwoStudies,
}

impl Doubt {
    /// The doubt's word in rows and flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DemographicsDiffer => "demographicsDiffer",
            Self::TwoPatients => "twoPatients",
            Self::TwoStudies => "twoStudies",
        }
    }
}

/// Makes the study unless somebody else just did: then `None`. Safe to race.
pub(super) async fn insert(tx: &mut Transaction, coming: &Coming<'_>) -> Result<Option<StudyId>> {
    let folded = text::fold(&coming.patient.name);
    let newest_key = newest_key(coming.study, &coming.received_wall);
    let folded_optional = |text: &Option<String>| text.as_deref().map(|text| spaced(&text::fold(text)));
    let row = tx
        .fetch_optional(
            "insert into study (uid, patient_id, facility, patient_identifier, patient_issuer, patient_name,
                 folded_name, name_key, birth_date, sex, study_date, study_time, newest_key, accession_number,
                 accession_issuer, study_id, description, folded_description, referring_physician, folded_referrer,
                 modalities, sop_classes, series_count, instance_count, attributes, revision, doubt,
                 conflict_count, calling_ae, received_ms, updated_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                 '', '', 0, 0, $21, 0, $22, 0, $23, $24, $24)
             on conflict (uid) do nothing returning id",
            params![
                coming.uid,
                coming.patient_id,
                coming.facility,
                &coming.patient.id,
                coming.issuer,
                &coming.patient.name,
                spaced(&folded),
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
                coming.doubt.map(Doubt::as_str),
                coming.calling_ae,
                coming.received_ms
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let id = StudyId(row.get("id")?);
    insert_words(tx, id, newest_key, &folded).await?;
    Ok(Some(id))
}

/// Takes a study's row away; nothing may be in it.
pub(super) async fn remove(tx: &mut Transaction, id: StudyId) -> Result<()> {
    tx.execute("delete from study_word where study_id = $1", params![id]).await?;
    tx.execute("delete from study where id = $1", params![id]).await.map(drop)
}

/// ` words ` with a space at either end, so that `like '% word%'` finds beginnings of words.
pub(crate) fn spaced(folded: &str) -> String {
    format!(" {folded} ")
}

/// `yyyymmddhhmmss` as a number: the study's own date and time when it has a date that is one, else
/// those of its arrival.
fn newest_key(study: &StudyAttributes, received_wall: &(String, String)) -> i64 {
    let whole_date = |date: &str| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
    let (date, time) = match study.date.as_deref().filter(|date| whole_date(date)) {
        Some(date) => (date, study.time.as_deref().unwrap_or_default()),
        None => (received_wall.0.as_str(), received_wall.1.as_str()),
    };
    let digits = time.bytes().take_while(u8::is_ascii_digit).take(6);
    let clock = digits.map(i64::from).chain(std::iter::repeat(i64::from(b'0'))).take(6);
    let clock = clock.fold(0, |number, digit| number * 10 + digit - i64::from(b'0'));
    date.parse::<i64>().unwrap_or_default() * 1_000_000 + clock
}

async fn insert_words(tx: &mut Transaction, id: StudyId, newest_key: i64, folded: &str) -> Result<()> {
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(MAX_WORDS).collect();
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> = (0..words.len()).map(|n| format!("(${}, $1, $2)", n + 3)).collect();
    let sql = format!("insert into study_word (word, newest_key, study_id) values {}", rows.join(", "));
    let mut values = params![newest_key, id];
    values.extend(words.into_iter().map(Into::into));
    tx.execute(sqlx::AssertSqlSafe(sql), values).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pacs_core::uid::Uid;

    #[test]
    fn the_newest_key_is_the_studys_own_time_if_it_has_one() {
        let study = |date: Option<&str>, time: Option<&str>| StudyAttributes {
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
        let wall = ("20260203".to_owned(), "040506".to_owned());
        for (date, time, want) in [
            (Some("20251231"), Some("235959.25"), 20251231235959),
            (Some("20251231"), Some("0830"), 20251231083000),
            (Some("20251231"), None, 20251231000000),
            (Some("2025"), Some("0830"), 20260203040506),
            (None, Some("0830"), 20260203040506),
        ] {
            assert_eq!(newest_key(&study(date, time), &wall), want, "{date:?} {time:?}");
        }
    }
}
