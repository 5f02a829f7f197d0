//! The study list of the pages: what one may see, newest first, found as quickly as it is typed.

use pacs_core::access::Scope;
use pacs_core::exam::{Label, StepState};
use pacs_core::query::{Filter, Level, Matching, Query};
use pacs_core::uid::Uid;
use pacs_core::{tags, text};

use super::{ExamId, Person};
use crate::database::{Database, Row, params};
use crate::index::PatientId;
use crate::index::facilities::DEFAULT_ZONE;
use crate::index::instances::{push_study_scope, uid};
use crate::query::{self, names::Words};
use crate::{Error, Result};

/// What somebody looks for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Any words: of a name, the beginning of a patient's number, an accession number, or what a
    /// scanner read from an identity card (fields parted by `|`).
    pub text: String,
    /// Modality of at least one series.
    pub modality: Option<String>,
    /// First study date, `yyyymmdd`.
    pub from: Option<String>,
    /// Last study date, `yyyymmdd`.
    pub to: Option<String>,
    /// At most so many; 200 are given at once.
    pub limit: u32,
    /// Where the page before ended ([`Page::next`]).
    pub cursor: Option<String>,
}

/// One line of the study list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyLine {
    /// Study Instance UID.
    pub uid: Uid,
    /// Whose it is.
    pub patient: Person,
    /// The patient's row, which other studies of the patient share.
    pub patient_id: PatientId,
    /// `yyyymmdd` as sent.
    pub date: Option<String>,
    /// `hhmmss.ffffff` as sent.
    pub time: Option<String>,
    /// Timezone Offset From UTC (0008,0201) as sent: what date and time are to be read at.
    pub offset: Option<String>,
    /// Zone of the facility's wall, as an IANA name.
    pub time_zone: String,
    /// Accession Number.
    pub accession_number: Option<String>,
    /// Study Description.
    pub description: Option<String>,
    /// Modalities of its series.
    pub modalities: Vec<String>,
    /// How many series it has.
    pub series_count: i64,
    /// How many instances it has.
    pub instance_count: i64,
    /// Code of the facility that made it.
    pub facility: String,
    /// When its first instance arrived.
    pub received_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
    /// Who sent it.
    pub calling_ae: Option<String>,
    /// The exam it fulfils.
    pub exam: Option<ExamId>,
    /// Where that exam stands.
    pub state: Option<StepState>,
    /// Why it waits for a person to match it; a word of `pacs_core::exam::Disagreement`.
    pub unmatched_reason: Option<String>,
    /// What of it is to be reconciled: words of `pacs_core::reconciliation::Kind`, parted by commas.
    pub doubt: Option<String>,
    /// Instances that came with a UID that had other content.
    pub conflict_count: i64,
}

impl StudyLine {
    /// The one word that people see of its exam.
    pub fn label(&self) -> Option<Label> {
        self.state.map(Label::of)
    }

    /// The words of the flags beside the label.
    pub fn flags(&self) -> Vec<&str> {
        let unmatched = self.unmatched_reason.as_ref().map(|_| "unmatched");
        unmatched.into_iter().chain(self.doubt.iter().flat_map(|doubts| doubts.split(','))).collect()
    }
}

/// A page of the study list.
#[derive(Debug, Clone)]
pub struct Page {
    /// Newest first.
    pub items: Vec<StudyLine>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

const MOST: u32 = 200;

/// What [`read`] wants of `study t`.
pub(crate) const COLUMNS: &str = "t.id, t.newest_key, t.uid, t.patient_id, t.patient_identifier, t.patient_issuer,
     t.patient_name, t.birth_date, t.sex, t.study_date, t.study_time, t.accession_number, t.description, t.modalities,
     t.series_count, t.instance_count, t.facility, t.received_ms, t.updated_ms, t.calling_ae, t.step_id,
     t.unmatched_reason, t.doubt, t.conflict_count, t.attributes,
     (select f.time_zone from facility f where f.code = t.facility) as time_zone,
     (select s.state from scheduled_step s where s.id = t.step_id) as step_state";

/// A page of the studies that somebody looks for. [`Error::Conflict`] when the cursor is none.
pub async fn search(database: &Database, scope: &Scope, search: &Search) -> Result<Page> {
    let mut query = Query::new(Level::Study);
    let filter = |tag, matching| Filter { path: vec![tag], matching };
    if let Some(modality) = search.modality.as_ref().filter(|modality| !modality.is_empty()) {
        query.filters.push(filter(tags::MODALITIES_IN_STUDY, Matching::Single(modality.clone())));
    }
    if search.from.is_some() || search.to.is_some() {
        let range = Matching::Range { from: search.from.clone(), to: search.to.clone() };
        query.filters.push(filter(tags::STUDY_DATE, range));
    }
    let (words, identifiers) = understand(&search.text);
    let plan = query::plan_list(database, &query, scope, words, &identifiers).await?;
    let limit = i64::from(search.limit.clamp(1, MOST));
    let after = search.cursor.as_deref().map(read_cursor).transpose()?;
    // One more tells whether there is a next page.
    let mut rows = query::window::page(database, &plan, COLUMNS, after, limit + 1).await?;
    let more = i64::try_from(rows.len()).is_ok_and(|count| count > limit);
    if more {
        rows.pop();
    }
    let next = match rows.last() {
        Some(last) if more => Some(format!("{}.{}", last.get::<i64>("newest_key")?, last.get::<i64>("id")?)),
        _ => None,
    };
    Ok(Page { items: rows.iter().map(read).collect::<Result<_>>()?, next })
}

/// One study of the list, if it is within the scope.
pub async fn study(database: &Database, scope: &Scope, study: &Uid) -> Result<Option<StudyLine>> {
    let mut params = params![study];
    let mut sql = format!("select {COLUMNS} from study t where t.uid = $1 and t.instance_count > 0");
    push_study_scope(&mut sql, &mut params, scope);
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

/// The studies of a patient within the scope, newest first.
pub async fn of_patient(database: &Database, scope: &Scope, patient: PatientId) -> Result<Vec<StudyLine>> {
    let mut params = params![patient];
    let mut sql = format!("select {COLUMNS} from study t where t.patient_id = $1 and t.instance_count > 0");
    push_study_scope(&mut sql, &mut params, scope);
    sql.push_str(&format!(" order by t.newest_key desc, t.id desc limit {MOST}"));
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// The other studies of a study's patient within the scope, newest first.
pub async fn priors(database: &Database, scope: &Scope, study: &StudyLine) -> Result<Vec<StudyLine>> {
    let mut params = params![study.patient_id, &study.uid];
    let mut sql = format!(
        "select {COLUMNS} from study t where t.patient_id = $1 and t.uid <> $2 and t.instance_count > 0"
    );
    push_study_scope(&mut sql, &mut params, scope);
    sql.push_str(&format!(" order by t.newest_key desc, t.id desc limit {MOST}"));
    database.fetch(sqlx::AssertSqlSafe(sql), params).await?.iter().map(read).collect()
}

/// Parts what was typed into words of a name, the last of which may be half typed, and numbers.
pub(super) fn understand(typed: &str) -> (Words, Vec<String>) {
    const MOST_WORDS: usize = 8;
    if let Some((first, _)) = typed.split_once('|') {
        return (Words::default(), vec![first.trim().to_owned()]);
    }
    let (mut words, mut identifiers) = (Words::default(), Vec::new());
    for token in typed.split_whitespace().take(MOST_WORDS) {
        if token.chars().any(|c| c.is_ascii_digit()) {
            identifiers.push(token.to_owned());
        } else {
            words
                .whole
                .extend(text::fold(token).split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    let ended = typed.ends_with(char::is_whitespace);
    if !ended && let Some(last) = words.whole.pop() {
        words.beginnings.push(last);
    }
    (words, identifiers)
}

/// Where a page ended that was sorted by a time and the number of a row.
pub(super) fn read_cursor(cursor: &str) -> Result<query::Cursor> {
    let (newest_key, id) = cursor.split_once('.').unwrap_or_default();
    match (newest_key.parse(), id.parse()) {
        (Ok(newest_key), Ok(id)) => Ok((newest_key, id)),
        _ => Err(Error::Conflict("the cursor is not one of this list".into())),
    }
}

/// Reads a row of [`COLUMNS`].
pub(crate) fn read(row: &Row) -> Result<StudyLine> {
    let modalities: String = row.get("modalities")?;
    let state: Option<String> = row.get("step_state")?;
    Ok(StudyLine {
        uid: uid(row, "uid")?,
        patient: Person {
            id: row.get("patient_identifier")?,
            issuer: row.get("patient_issuer")?,
            name: row.get("patient_name")?,
            birth_date: row.get("birth_date")?,
            sex: row.get("sex")?,
        },
        patient_id: PatientId(row.get("patient_id")?),
        date: row.get("study_date")?,
        time: row.get("study_time")?,
        offset: sent_offset(&row.get::<String>("attributes")?),
        time_zone: row.get::<Option<String>>("time_zone")?.unwrap_or_else(|| DEFAULT_ZONE.to_owned()),
        accession_number: row.get("accession_number")?,
        description: row.get("description")?,
        modalities: modalities
            .split('\\')
            .filter(|modality| !modality.is_empty())
            .map(str::to_owned)
            .collect(),
        series_count: row.get("series_count")?,
        instance_count: row.get("instance_count")?,
        facility: row.get("facility")?,
        received_ms: row.get("received_ms")?,
        updated_ms: row.get("updated_ms")?,
        calling_ae: row.get("calling_ae")?,
        exam: row.get::<Option<i64>>("step_id")?.map(ExamId),
        state: state.as_deref().map(super::state).transpose()?,
        unmatched_reason: row.get("unmatched_reason")?,
        doubt: row.get("doubt")?,
        conflict_count: row.get("conflict_count")?,
    })
}

/// The one value of a study's attributes that a list needs. Most studies have none: those cost no
/// more than the look.
fn sent_offset(attributes: &str) -> Option<String> {
    const TAG: &str = "00080201";
    if !attributes.contains(TAG) {
        return None;
    }
    let parsed: serde_json::Value = serde_json::from_str(attributes).ok()?;
    parsed.get(TAG)?.get("Value")?.get(0)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_found_among_a_studys_attributes() {
        let with =
            r#"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00080201":{"vr":"SH","Value":["+0000"]}}"#;
        assert_eq!(sent_offset(with).as_deref(), Some("+0000"));
        assert_eq!(sent_offset(r#"{"00080201":{"vr":"SH"}}"#), None);
        assert_eq!(sent_offset("{}"), None);
    }

    #[test]
    fn typed_text_is_names_and_numbers() {
        let of = |typed: &str| {
            let (words, identifiers) = understand(typed);
            (words.whole.join(","), words.beginnings.join(","), identifiers.join(","))
        };
        let want = |whole: &str, begun: &str, numbers: &str| {
            (whole.to_owned(), begun.to_owned(), numbers.to_owned())
        };
        assert_eq!(of("Nguyễn Văn A"), want("nguyen,van", "a", ""));
        assert_eq!(of("Nguyễn Văn A "), want("nguyen,van,a", "", ""));
        assert_eq!(of("BN0012"), want("", "", "BN0012"));
        assert_eq!(of("tran 0012"), want("", "tran", "0012"));
        assert_eq!(of("001080000001||Nguyễn Văn A|02011980|Nam|"), want("", "", "001080000001"));
        assert_eq!(of("  "), want("", "", ""));
    }
}
