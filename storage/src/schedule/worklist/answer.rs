//! A step as the data set that a modality gets (PS3.4 table K.6-1).

use std::collections::BTreeSet;

use pacs_core::dataset::DataSet;
use pacs_core::query::Returns;
use pacs_core::{Tag, tags};

use super::model;
use super::steps::SPS;
use crate::exams::Exam;
use crate::query::numbers::put_others;

/// What an answer has of the order and the patient.
const KNOWN: [Tag; 18] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::ACCESSION_NUMBER,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::STUDY_INSTANCE_UID,
    tags::REQUESTING_PHYSICIAN,
    tags::REQUESTED_PROCEDURE_DESCRIPTION,
    tags::REQUESTED_PROCEDURE_ID,
    tags::REASON_FOR_THE_REQUESTED_PROCEDURE,
    tags::REQUESTED_PROCEDURE_PRIORITY,
    tags::REQUESTED_PROCEDURE_CODE_SEQUENCE,
    tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
];

/// What the table wants and no order says: there, without a value.
const NOT_KNOWN: [Tag; 13] = [
    tags::PERFORMING_PHYSICIAN_NAME,
    tags::REFERENCED_STUDY_SEQUENCE,
    tags::REFERENCED_PATIENT_SEQUENCE,
    tags::PATIENT_WEIGHT,
    tags::MEDICAL_ALERTS,
    tags::ALLERGIES,
    tags::PREGNANCY_STATUS,
    tags::SPECIAL_NEEDS,
    tags::PATIENT_STATE,
    tags::PATIENT_TRANSPORT_ARRANGEMENTS,
    tags::CONFIDENTIALITY_CONSTRAINT_ON_PATIENT_DATA_DESCRIPTION,
    tags::ADMISSION_ID,
    tags::CURRENT_PATIENT_LOCATION,
];

/// What an answer has of the step.
const KNOWN_OF_STEP: [Tag; 10] = [
    tags::MODALITY,
    tags::SCHEDULED_STATION_AE_TITLE,
    tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
    tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
    tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION,
    tags::SCHEDULED_PROCEDURE_STEP_ID,
    tags::SCHEDULED_PROCEDURE_STEP_LOCATION,
    tags::SCHEDULED_STATION_NAME,
    tags::SCHEDULED_PROCEDURE_STEP_STATUS,
    tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE,
];

/// What the table wants of the step and nobody says.
const NOT_KNOWN_OF_STEP: [Tag; 3] =
    [tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME, tags::PRE_MEDICATION, tags::REQUESTED_CONTRAST_AGENT];

/// The parts of a coded entry (PS3.3 8.8). The house's own scheme has no versions.
const CODE: [Tag; 4] =
    [tags::CODE_VALUE, tags::CODING_SCHEME_DESIGNATOR, tags::CODING_SCHEME_VERSION, tags::CODE_MEANING];

/// The parts of an issuer (PS3.3 10.14), of which its code is known.
const ISSUER: [Tag; 3] =
    [tags::LOCAL_NAMESPACE_ENTITY_ID, tags::UNIVERSAL_ENTITY_ID, tags::UNIVERSAL_ENTITY_ID_TYPE];

/// The parts of another number of the patient.
const OTHER_ID: [Tag; 3] = [tags::PATIENT_ID, tags::ISSUER_OF_PATIENT_ID, tags::TYPE_OF_PATIENT_ID];

/// Whether an answer has that attribute, with a value or truly without: what is asked of the items of a sequence that
/// has none is answered by that (PS3.4 C.2.2.2.6).
pub(super) fn holds(path: &[Tag]) -> bool {
    match path {
        [SPS] => true,
        [SPS, tag] if KNOWN_OF_STEP.contains(tag) => true,
        [SPS, tag, ..] if NOT_KNOWN_OF_STEP.contains(tag) || model::OF_STEP.contains(tag) => true,
        [SPS, tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE, tags::PROTOCOL_CONTEXT_SEQUENCE, ..] => true,
        [tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, tag]
        | [SPS, tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE, tag] => CODE.contains(tag),
        [tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, tag] => ISSUER.contains(tag),
        [tags::OTHER_PATIENT_I_DS_SEQUENCE, tag] => OTHER_ID.contains(tag),
        [tag] if KNOWN.contains(tag) => true,
        [tag, ..] => NOT_KNOWN.contains(tag) || model::OF_ORDER.contains(tag),
        [] => false,
    }
}

/// The paths of all attributes of an answer that may have a value.
pub(super) fn paths() -> Vec<Vec<Tag>> {
    let of_step = KNOWN_OF_STEP.iter().map(|tag| vec![SPS, *tag]);
    KNOWN.iter().map(|tag| vec![*tag]).chain(of_step).collect()
}

/// The paths of those that are answered without one.
pub(super) fn paths_without_value() -> Vec<Vec<Tag>> {
    let of_order = NOT_KNOWN.iter().chain(model::OF_ORDER).map(|tag| vec![*tag]);
    let of_step = NOT_KNOWN_OF_STEP.iter().chain(model::OF_STEP).map(|tag| vec![SPS, *tag]);
    of_order.chain(of_step).collect()
}

/// The attributes of PS3.4 table K.6-1 that an exam has; the others are there without a value.
/// `stations` are the AE titles the step is offered to, `others` the patient's other numbers where they are asked for.
pub(super) fn of(exam: &Exam, stations: &[String], others: Option<&str>) -> DataSet {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    put(&mut set, tags::ACCESSION_NUMBER, Some(&exam.accession_number), 16);
    set.put_items(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, vec![issuer(exam)]);
    put(&mut set, tags::REFERRING_PHYSICIAN_NAME, exam.referring_physician.as_deref(), 64);
    put(&mut set, tags::PATIENT_NAME, Some(&exam.patient.name), 64);
    put(&mut set, tags::PATIENT_ID, Some(&exam.patient.id), 64);
    put(&mut set, tags::ISSUER_OF_PATIENT_ID, Some(&exam.patient.issuer), 64);
    put(&mut set, tags::PATIENT_BIRTH_DATE, exam.patient.birth_date.as_deref(), 8);
    put(&mut set, tags::PATIENT_SEX, exam.patient.sex.as_deref(), 16);
    set.put_empty(tags::OTHER_PATIENT_I_DS_SEQUENCE);
    if let Some(others) = others {
        put_others(&mut set, others);
    }
    put(&mut set, tags::STUDY_INSTANCE_UID, Some(&exam.planned_study_uid), 64);
    put(&mut set, tags::REQUESTING_PHYSICIAN, exam.referring_physician.as_deref(), 64);
    put(&mut set, tags::REQUESTED_PROCEDURE_DESCRIPTION, Some(&exam.procedure_name), 64);
    put(&mut set, tags::REQUESTED_PROCEDURE_ID, Some(&exam.procedure_id), 16);
    put(&mut set, tags::REASON_FOR_THE_REQUESTED_PROCEDURE, exam.reason.as_deref(), 64);
    put(
        &mut set,
        tags::REQUESTED_PROCEDURE_PRIORITY,
        Some(if exam.emergency { "STAT" } else { "ROUTINE" }),
        16,
    );
    set.put_items(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE, vec![code(exam)]);
    // The facility fills the order under its accession number.
    put(&mut set, tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST, Some(&exam.accession_number), 64);
    NOT_KNOWN.iter().for_each(|tag| set.put_empty(*tag));
    set.put_items(SPS, vec![step(exam, stations)]);
    set
}

fn step(exam: &Exam, stations: &[String]) -> DataSet {
    let mut item = DataSet::new();
    put(&mut item, tags::MODALITY, Some(&exam.modality), 16);
    let titles: Vec<&str> = stations.iter().map(String::as_str).collect();
    item.put_texts(tags::SCHEDULED_STATION_AE_TITLE, &titles);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_START_DATE, Some(&exam.scheduled_date), 8);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_START_TIME, Some(&exam.scheduled_time), 16);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, Some(&exam.procedure_name), 64);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_ID, Some(&exam.step_id), 16);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_LOCATION, exam.room.as_deref(), 16);
    put(&mut item, tags::SCHEDULED_STATION_NAME, exam.room.as_deref(), 16);
    put(&mut item, tags::SCHEDULED_PROCEDURE_STEP_STATUS, exam.state.worklist_status(), 16);
    item.put_items(tags::SCHEDULED_PROTOCOL_CODE_SEQUENCE, vec![code(exam)]);
    NOT_KNOWN_OF_STEP.iter().for_each(|tag| item.put_empty(*tag));
    item
}

/// Who gave the accession number, by the code that images may name it by.
fn issuer(exam: &Exam) -> DataSet {
    let mut item = DataSet::new();
    item.put_text(tags::LOCAL_NAMESPACE_ENTITY_ID, &exam.accession_issuer);
    item
}

/// The procedure as a code of the house's own scheme (PS3.3 8.8).
fn code(exam: &Exam) -> DataSet {
    let mut item = DataSet::new();
    put(&mut item, tags::CODE_VALUE, Some(&exam.procedure_code), 16);
    item.put_text(tags::CODING_SCHEME_DESIGNATOR, "99SEN");
    put(&mut item, tags::CODE_MEANING, Some(&exam.procedure_name), 64);
    item
}

/// Puts a text cut to the length its VR allows, in characters.
fn put(set: &mut DataSet, tag: Tag, text: Option<&str>, most_chars: usize) {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => set.put_text(tag, &text.chars().take(most_chars).collect::<String>()),
        None => set.put_empty(tag),
    }
}

/// Leaves out what was not asked for, of items too, and adds what was asked for and is not known as empty.
pub(super) fn keep_asked(set: &mut DataSet, returns: &Returns) {
    let Returns::Tags(paths) = returns else { return };
    keep(set, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// The same of a data set or of an item, by the paths from there.
fn keep(set: &mut DataSet, paths: &[&[Tag]]) {
    let asked: BTreeSet<Tag> = paths.iter().filter_map(|path| path.first().copied()).collect();
    set.retain(|element| asked.contains(&element.tag) || element.tag == tags::SPECIFIC_CHARACTER_SET);
    for tag in asked {
        if !set.contains(tag) {
            set.put_empty(tag);
            continue;
        }
        let below = paths.iter().filter_map(|path| path.split_first().filter(|(first, _)| **first == tag));
        let within: Vec<&[Tag]> = below.map(|(_, rest)| rest).filter(|rest| !rest.is_empty()).collect();
        let mut items = set.items(tag).to_vec();
        // Who asks for nothing of the items gets them whole.
        if within.is_empty() || items.is_empty() {
            continue;
        }
        items.iter_mut().for_each(|item| keep(item, &within));
        set.put_items(tag, items);
    }
}
