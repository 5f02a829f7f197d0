//! One line of the study list as the pages see it.

use pacs_core::clock;
use pacs_core::exam::Label;
use serde::Serialize;
use storage::exams::search::StudyLine;
use storage::index::facilities;
use utoipa::ToSchema;

use crate::dates;
use crate::patients::Patient;

/// A study.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Study {
    /// Study Instance UID.
    pub study_uid: String,
    /// Whose it is, as its images say.
    pub patient: Patient,
    /// Key of the imaging record that it is part of.
    pub record_id: i64,
    /// `YYYY-MM-DD` on the facility's wall.
    pub study_date: Option<String>,
    /// `HH:MM:SS` on the facility's wall.
    pub study_time: Option<String>,
    /// Zone of the facility's wall, as an IANA name, for the times of its images.
    pub time_zone: String,
    /// Number of the order it came for.
    pub accession_number: Option<String>,
    /// What was done.
    pub description: Option<String>,
    /// Kinds of series in it.
    pub modalities: Vec<String>,
    /// Series in it.
    pub series_count: i64,
    /// Instances in it.
    pub instance_count: i64,
    /// Code of the facility that made it.
    pub facility: String,
    /// When its first instance came; RFC 3339, on the facility's wall.
    pub received_at: String,
    /// The label of the exam it fulfils.
    #[schema(value_type = Option<String>)]
    pub label: Option<Label>,
    /// Words beside the label, such as `unmatched` and `conflict`.
    pub flags: Vec<String>,
}

impl From<StudyLine> for Study {
    fn from(line: StudyLine) -> Self {
        let zone = facilities::zone(&line.time_zone);
        let (study_date, study_time) =
            dates::study_wall(line.date.as_deref(), line.time.as_deref(), line.offset.as_deref(), &zone);
        Self {
            label: line.label(),
            flags: line.flags().into_iter().map(str::to_owned).collect(),
            study_uid: line.uid.to_string(),
            record_id: line.patient_id.0,
            patient: line.patient.into(),
            study_date,
            study_time,
            time_zone: line.time_zone,
            accession_number: line.accession_number,
            description: line.description,
            modalities: line.modalities,
            series_count: line.series_count,
            instance_count: line.instance_count,
            facility: line.facility,
            received_at: clock::rfc3339_on(line.received_ms, &zone),
        }
    }
}
