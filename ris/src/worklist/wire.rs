//! One line of the worklist as the pages see it.

use pacs_core::access::{self, Act, Actor};
use pacs_core::clock;
use pacs_core::exam::Label;
use pacs_core::text::display_name;
use serde::Serialize;
use storage::exams::Exam;
use storage::index::facilities;
use utoipa::ToSchema;

use crate::dates;
use crate::patients::Patient;

/// An exam: a scheduled step with its order, patient and images.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorklistRow {
    /// Key of the exam in this interface.
    pub exam_id: i64,
    /// Key of the order.
    pub order_id: i64,
    /// The one word people see, as a key of the language files.
    #[schema(value_type = String)]
    pub label: Label,
    /// Words beside the label.
    pub flags: Vec<&'static str>,
    /// Whom it is for.
    pub patient: Patient,
    /// Number of the order.
    pub accession_number: String,
    /// What is to be done.
    pub procedure: Procedure,
    /// Kind of device.
    pub modality: String,
    /// Code of the facility that performs it.
    pub facility: String,
    /// The device that was chosen.
    pub station_ae: Option<String>,
    /// The room that was chosen.
    pub room: Option<String>,
    /// RFC 3339, on the facility's wall.
    pub scheduled_at: Option<String>,
    /// When the first image came; RFC 3339, on the facility's wall.
    pub started_at: Option<String>,
    /// Who asked for it.
    pub referring_physician: Option<String>,
    /// Why it was asked for.
    pub reason: Option<String>,
    /// Reason of the last act that asked for one.
    pub act_reason: Option<String>,
    /// The study of its images.
    pub study_uid: Option<String>,
    /// Images that came.
    pub instance_count: i64,
    /// What the caller may do with it now.
    pub acts: Vec<&'static str>,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Procedure {
    /// Code of the catalogue.
    pub code: String,
    /// Name for people.
    pub name: String,
}

impl WorklistRow {
    /// The row of an exam; the acts it offers depend on who looks.
    pub fn of(exam: Exam, actor: &Actor) -> Self {
        let acts = match access::may(actor, Act::MoveExams) {
            true => exam.acts().into_iter().map(|act| act.as_str()).collect(),
            false => Vec::new(),
        };
        let zone = facilities::zone(&exam.time_zone);
        Self {
            exam_id: exam.id.0,
            order_id: exam.order_id,
            label: exam.label(),
            flags: if exam.emergency { vec!["emergency"] } else { Vec::new() },
            scheduled_at: dates::wall_instant(&exam.scheduled_date, &exam.scheduled_time, &zone),
            patient: exam.patient.into(),
            accession_number: exam.accession_number,
            procedure: Procedure { code: exam.procedure_code, name: exam.procedure_name },
            modality: exam.modality,
            facility: exam.facility,
            station_ae: exam.station_ae,
            room: exam.room,
            started_at: exam.started_ms.map(|ms| clock::rfc3339_on(ms, &zone)),
            referring_physician: exam.referring_physician.map(|name| display_name(&name)),
            reason: exam.reason,
            act_reason: exam.act_reason,
            study_uid: exam.study_uid,
            instance_count: exam.instance_count,
            acts,
        }
    }
}
