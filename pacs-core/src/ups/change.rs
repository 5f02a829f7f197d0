//! Changing the attributes of a step (PS3.4 CC.2.6).

use super::rules::{ALWAYS, Refusal, check_values, has_value};
use crate::dataset::{DataSet, Element};
use crate::{Tag, tags};

/// What a step is and whom it is for: fixed by who created it.
const FIXED: [Tag; 14] = [
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::ADMISSION_ID,
    tags::ISSUER_OF_ADMISSION_ID_SEQUENCE,
    tags::REFERENCED_REQUEST_SEQUENCE,
    tags::PROCEDURE_STEP_STATE,
];

/// Attributes that may be left out of a change, and not emptied by it, beside those that never are.
const NOT_EMPTIED: [Tag; 2] = [tags::WORKLIST_LABEL, tags::SCHEDULED_WORKITEM_CODE_SEQUENCE];

/// A step after a change, and what of it is told to those who follow the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Its attributes.
    pub set: DataSet,
    /// Whether the readiness of its input is another.
    pub readiness: bool,
    /// Whether it is assigned to other stations or persons.
    pub assignment: bool,
    /// Whether it has got on.
    pub progress: bool,
}

/// Lays a change over a step; sequences are replaced whole. `now` is the time as a DT.
pub fn change(before: &DataSet, change: &DataSet, now: &str) -> Result<Changed, Refusal> {
    check_values(change)?;
    let mut never_emptied = ALWAYS.into_iter().chain(NOT_EMPTIED).filter(|tag| has_value(before, *tag));
    if let Some(tag) = never_emptied.find(|tag| change.contains(*tag) && !has_value(change, *tag)) {
        return Err(Refusal::NoValue(tag));
    }
    let mut set = before.clone();
    // Text is brought into the character set of the step, which is UTF-8.
    for element in change.encode_text_in(before.character_set()) {
        if is_left_out(element.tag) {
            continue;
        }
        if FIXED.contains(&element.tag) {
            if is_same(before, &element) {
                continue;
            }
            return Err(Refusal::NotAllowed(element.tag));
        }
        set.put(element);
    }
    let differs = |tags: &[Tag]| tags.iter().any(|tag| value(before, *tag) != value(&set, *tag));
    let (readiness, assignment, progress) = (
        differs(&[tags::INPUT_READINESS_STATE]),
        differs(&[tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE]),
        differs(&[tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE]),
    );
    set.put_text(tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME, now);
    Ok(Changed { set, readiness, assignment, progress })
}

/// What a change carries for the way, or what the archive sets.
fn is_left_out(tag: Tag) -> bool {
    tag.group() <= 0x0002
        || [
            tags::TRANSACTION_UID,
            tags::SPECIFIC_CHARACTER_SET,
            tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME,
        ]
        .contains(&tag)
}

/// Clients that send all they have read change nothing by it.
fn is_same(before: &DataSet, element: &Element) -> bool {
    match before.get(element.tag) {
        Some(known) => known.value == element.value || (known.is_empty() && element.is_empty()),
        None => element.is_empty(),
    }
}

fn value(set: &DataSet, tag: Tag) -> Option<&Element> {
    set.get(tag).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::create::{create, tests::*};
    use super::*;

    fn step() -> DataSet {
        let mut set = least();
        set.put_text(tags::PATIENT_NAME, "Nguyễn^Văn A");
        create(set, &uid("1.2.3"), "20260921").unwrap().set
    }

    fn with(tag: Tag, value: &str) -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tag, value);
        set
    }

    #[test]
    fn a_change_is_laid_over_the_step() {
        let mut change_of = with(tags::PROCEDURE_STEP_LABEL, "Tìm vôi hoá");
        change_of.put_text(tags::TRANSACTION_UID, "1.2");
        let changed = change(&step(), &change_of, "20260922").unwrap();
        assert_eq!(changed.set.text(tags::PROCEDURE_STEP_LABEL).as_deref(), Some("Tìm vôi hoá"));
        assert_eq!(changed.set.text(tags::PATIENT_NAME).as_deref(), Some("Nguyễn^Văn A"));
        let modified = changed.set.text(tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME);
        assert_eq!(modified.as_deref(), Some("20260922"));
        assert!(!changed.set.contains(tags::TRANSACTION_UID));
        assert!(!changed.readiness && !changed.assignment && !changed.progress);
        let all = change(&changed.set, &changed.set, "20260923").unwrap();
        assert!(!all.readiness && !all.assignment && !all.progress, "what is the same changes nothing");
    }

    #[test]
    fn followers_hear_of_what_concerns_them() {
        let ready = change(&step(), &with(tags::INPUT_READINESS_STATE, "INCOMPLETE"), "").unwrap();
        assert!(ready.readiness && !ready.assignment);
        let mut assigned = DataSet::new();
        let code = with(tags::CODE_VALUE, "AI1");
        assigned.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![code]);
        assert!(change(&step(), &assigned, "").unwrap().assignment);
        let mut further = DataSet::new();
        let half = with(tags::PROCEDURE_STEP_PROGRESS, "50");
        further.put_items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, vec![half]);
        assert!(change(&step(), &further, "").unwrap().progress);
    }

    #[test]
    fn what_is_fixed_stays() {
        for (tag, value, want) in [
            (tags::PATIENT_NAME, "Other", Refusal::NotAllowed(tags::PATIENT_NAME)),
            (tags::PROCEDURE_STEP_STATE, "COMPLETED", Refusal::NotAllowed(tags::PROCEDURE_STEP_STATE)),
            (tags::SOP_INSTANCE_UID, "1.2.4", Refusal::NotAllowed(tags::SOP_INSTANCE_UID)),
            (tags::PROCEDURE_STEP_LABEL, "", Refusal::NoValue(tags::PROCEDURE_STEP_LABEL)),
            (tags::WORKLIST_LABEL, "", Refusal::NoValue(tags::WORKLIST_LABEL)),
            (tags::INPUT_READINESS_STATE, "MAYBE", Refusal::BadValue(tags::INPUT_READINESS_STATE)),
        ] {
            assert_eq!(change(&step(), &with(tag, value), ""), Err(want), "{tag}");
        }
    }
}
