//! A discrepancy as the pages see it.

use pacs_core::clock;
use pacs_core::reconciliation::{Answer, Kind, Serve};
use serde::Serialize;
use storage::exams::Person;
use storage::index::facilities;
use storage::reconciliation::{Contents, Discrepancy};
use utoipa::ToSchema;

use crate::patients::Patient;
use crate::studies::Study;

/// A study and what it is at odds with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Discrepancy)]
pub struct Row {
    /// Its key.
    id: i64,
    /// `demographicsDiffer`, `twoPatients`, `twoStudies`, `conflict`, `sharedIdentifier` or `sharedAccession`.
    #[schema(value_type = String)]
    kind: Kind,
    /// When the image came that showed it; RFC 3339, on the facility's wall.
    found_at: String,
    /// The study, with the demographics that it was sent with.
    study: Study,
    /// AE title that sent it.
    calling_ae: Option<String>,
    /// The other side.
    other: OtherSide,
    /// What may be said of it, the likeliest first: `samePerson`, `newPatient`, `otherPatient`, `part`,
    /// `leaveApart`, `serveFirst`, `serveNewest`.
    #[schema(value_type = Vec<String>)]
    answers: &'static [Answer],
    /// What was said of it.
    answered: Option<Said>,
}

/// What a study is at odds with, as far as its kind has such.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtherSide {
    /// Key of the other patient's imaging record.
    record_id: Option<i64>,
    /// The other patient as on record.
    patient: Option<Patient>,
    /// Studies of that patient.
    study_count: i64,
    /// Whom an image of the study names instead.
    said: Option<Patient>,
    /// The other Study Instance UID.
    study_uid: Option<String>,
    /// The instances that came with several contents.
    contents: Option<SeveralContents>,
}

/// Instances of a series with several contents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeveralContents {
    /// Series Instance UID.
    series_uid: String,
    /// How many instances have several contents.
    instances: i64,
    /// How many contents are kept beside those that are served.
    kept: i64,
    /// When the first of all contents came.
    first_at: String,
    /// When the last of all contents came.
    newest_at: String,
    /// Which are served: `first`, `newest`, or null where that differs.
    #[schema(value_type = Option<String>)]
    serves: Option<Serve>,
}

/// What a person has said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// What; null where something else has settled it: the study was joined to its order or corrected, or images were
    /// moved.
    #[schema(value_type = Option<String>)]
    answer: Option<Answer>,
    /// Who.
    by: String,
    /// When; RFC 3339.
    at: String,
    /// Why.
    reason: Option<String>,
}

impl From<Discrepancy> for Row {
    fn from(found: Discrepancy) -> Self {
        let zone = facilities::zone(&found.study.time_zone);
        let on_wall = |ms| clock::rfc3339_on(ms, &zone);
        let contents = |several: Contents| SeveralContents {
            first_at: on_wall(several.first_ms),
            newest_at: on_wall(several.newest_ms),
            series_uid: several.series_uid,
            instances: several.instances,
            kept: several.kept,
            serves: several.serves,
        };
        let said = found.other.said.map(|said| {
            Patient::from(Person {
                id: said.identifier,
                issuer: said.issuer,
                name: said.name,
                birth_date: said.birth_date,
                sex: said.sex,
            })
        });
        let (record_id, patient) = found.other.patient.map(|(id, person)| (id.0, person.into())).unzip();
        Self {
            id: found.id.0,
            kind: found.kind,
            found_at: on_wall(found.found_ms),
            calling_ae: found.study.calling_ae.clone(),
            other: OtherSide {
                record_id,
                patient,
                study_count: found.other.study_count,
                said,
                study_uid: found.other.study_uid,
                contents: found.other.contents.map(contents),
            },
            answers: found.answers,
            answered: found.answered.map(|answered| Said {
                answer: answered.answer,
                by: answered.by,
                at: on_wall(answered.at_ms),
                reason: answered.reason,
            }),
            study: found.study.into(),
        }
    }
}
