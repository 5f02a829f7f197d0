//! Modality performed procedure steps (PS3.4 F.7): what a console reports while it works, which
//! attributes it has to give and may change, and what its reports mean for the exam.

mod change;
mod create;
mod rules;
mod state;

pub use change::change;
pub use create::create;
pub use rules::Refusal;
pub use state::{State, exam_act};

use crate::dataset::DataSet;
use crate::tags;

/// One item of Scheduled Step Attributes Sequence (0040,0270): what the console says it works for.
/// All but the study are empty when no worklist entry was picked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Study Instance UID (0020,000D).
    pub study_uid: String,
    /// Accession Number (0008,0050).
    pub accession_number: Option<String>,
    /// Requested Procedure ID (0040,1001).
    pub procedure_id: Option<String>,
    /// Scheduled Procedure Step ID (0040,0009).
    pub step_id: Option<String>,
}

/// What a step works for, in the order in which it says so.
pub fn requests(set: &DataSet) -> Vec<Request> {
    let items = set.items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE).iter();
    let request = |item: &DataSet| Request {
        study_uid: item.text(tags::STUDY_INSTANCE_UID).unwrap_or_default(),
        accession_number: item.text(tags::ACCESSION_NUMBER),
        procedure_id: item.text(tags::REQUESTED_PROCEDURE_ID),
        step_id: item.text(tags::SCHEDULED_PROCEDURE_STEP_ID),
    };
    items.map(request).collect()
}

/// A series that a step has made, and how many instances of it the step names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerformedSeries {
    /// Series Instance UID (0020,000E).
    pub uid: String,
    /// Images and other objects that it names.
    pub instances: usize,
}

/// The series that a step says it has made.
pub fn performed_series(set: &DataSet) -> Vec<PerformedSeries> {
    let items = set.items(tags::PERFORMED_SERIES_SEQUENCE).iter();
    let series = items.filter_map(|item| {
        Some(PerformedSeries {
            uid: item.text(tags::SERIES_INSTANCE_UID)?,
            instances: item.items(tags::REFERENCED_IMAGE_SEQUENCE).len()
                + item.items(tags::REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE).len(),
        })
    });
    series.collect()
}

/// Why a step was discontinued, as people read it; the code where it has no meaning.
pub fn discontinuation_reason(set: &DataSet) -> Option<String> {
    let code = set.items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE).first()?;
    code.text(tags::CODE_MEANING).or_else(|| code.text(tags::CODE_VALUE))
}

/// Whether a step was discontinued because the wrong worklist entry had been picked: (110514, DCM) of
/// PS3.16 CID 9300.
pub fn is_wrong_entry(set: &DataSet) -> bool {
    let codes = set.items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE);
    codes.iter().any(|code| {
        code.text(tags::CODE_VALUE).as_deref() == Some("110514")
            && code.text(tags::CODING_SCHEME_DESIGNATOR).as_deref() == Some("DCM")
    })
}
