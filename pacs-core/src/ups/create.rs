//! Creating a step (PS3.4 CC.2.5).

use super::rules::{ALWAYS, Refusal, check_values, has_value, require};
use super::state::State;
use crate::dataset::DataSet;
use crate::uid::Uid;
use crate::{Tag, tags, uids};

/// The worklist of a step whose creator names none.
pub const DEFAULT_WORKLIST: &str = "Worklist";

/// Attributes that are there from the beginning, with or without a value (type 2).
const PRESENT: [Tag; 24] = [
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::STUDY_INSTANCE_UID,
    tags::ADMISSION_ID,
    tags::ISSUER_OF_ADMISSION_ID_SEQUENCE,
    tags::COMMENTS_ON_THE_SCHEDULED_PROCEDURE_STEP,
    tags::SCHEDULED_WORKITEM_CODE_SEQUENCE,
    tags::INPUT_INFORMATION_SEQUENCE,
    tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE,
    tags::SCHEDULED_STATION_CLASS_CODE_SEQUENCE,
    tags::SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE,
    tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE,
    tags::REFERENCED_REQUEST_SEQUENCE,
    tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE,
    tags::SCHEDULED_PROCESSING_PARAMETERS_SEQUENCE,
    tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE,
    tags::WORKLIST_LABEL,
];

/// Attributes that say what has been done: empty when nothing has.
const EMPTY: [Tag; 3] = [
    tags::TRANSACTION_UID,
    tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE,
    tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE,
];

/// What subscriptions to many steps name in place of one (PS3.4 CC.2.3).
const OF_SUBSCRIPTIONS: [&str; 2] =
    [uids::UPS_GLOBAL_SUBSCRIPTION_INSTANCE, uids::UPS_FILTERED_GLOBAL_SUBSCRIPTION_INSTANCE];

/// A step as it is kept, and whether something was added to what was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// Its attributes, UIDs included.
    pub set: DataSet,
    /// Whether it is not what was sent: an attribute was missing that has to be there, or the worklist
    /// had no name (0xB300).
    pub is_modified: bool,
}

/// Makes a step of what was sent. `now` is the time as a DT.
pub fn create(mut set: DataSet, uid: &Uid, now: &str) -> Result<Created, Refusal> {
    set.retain(|element| element.tag.group() > 0x0002);
    require(&set, tags::PROCEDURE_STEP_STATE)?;
    if set.text(tags::PROCEDURE_STEP_STATE).as_deref() != Some(State::Scheduled.as_str()) {
        return Err(Refusal::NotScheduled);
    }
    ALWAYS.into_iter().try_for_each(|tag| require(&set, tag))?;
    if let Some(tag) = EMPTY.into_iter().find(|tag| has_value(&set, *tag)) {
        return Err(Refusal::NotEmpty(tag));
    }
    let is_of_class =
        set.text(tags::SOP_CLASS_UID).is_none_or(|class| class == uids::UNIFIED_PROCEDURE_STEP_PUSH);
    if !is_of_class {
        return Err(Refusal::BadValue(tags::SOP_CLASS_UID));
    }
    if OF_SUBSCRIPTIONS.contains(&uid.as_str()) {
        return Err(Refusal::BadValue(tags::SOP_INSTANCE_UID));
    }
    check_values(&set)?;
    let mut is_modified = false;
    for tag in PRESENT {
        if !set.contains(tag) {
            set.put_empty(tag);
            is_modified = true;
        }
    }
    if !has_value(&set, tags::WORKLIST_LABEL) {
        set.put_text(tags::WORKLIST_LABEL, DEFAULT_WORKLIST);
        is_modified = true;
    }
    set.remove(tags::TRANSACTION_UID);
    set.put_text(tags::SOP_CLASS_UID, uids::UNIFIED_PROCEDURE_STEP_PUSH);
    set.put_uid(tags::SOP_INSTANCE_UID, uid);
    set.put_text(tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME, now);
    Ok(Created { set, is_modified })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const NOW: &str = "20260921201320+0700";

    pub fn uid(text: &str) -> Uid {
        Uid::parse(text).unwrap()
    }

    /// The least that has to be sent.
    pub fn least() -> DataSet {
        let mut set = DataSet::new();
        for (tag, value) in [
            (tags::PROCEDURE_STEP_STATE, "SCHEDULED"),
            (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "MEDIUM"),
            (tags::PROCEDURE_STEP_LABEL, "Tìm nốt phổi"),
            (tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921200000"),
            (tags::INPUT_READINESS_STATE, "READY"),
        ] {
            set.put_text(tag, value);
        }
        set
    }

    #[test]
    fn what_has_to_be_there_is_there() {
        let created = create(least(), &uid("1.2.3"), NOW).unwrap();
        assert!(created.is_modified);
        for tag in PRESENT {
            assert!(created.set.contains(tag), "{tag}");
        }
        assert_eq!(created.set.text(tags::SOP_INSTANCE_UID).as_deref(), Some("1.2.3"));
        assert_eq!(created.set.text(tags::WORKLIST_LABEL).as_deref(), Some(DEFAULT_WORKLIST));
        assert!(!created.set.contains(tags::TRANSACTION_UID), "it is nobody's to read");

        let mut whole = least();
        PRESENT.into_iter().chain([tags::TRANSACTION_UID]).for_each(|tag| whole.put_empty(tag));
        whole.put_text(tags::WORKLIST_LABEL, "CAD");
        assert!(!create(whole, &uid("1.2.3"), NOW).unwrap().is_modified);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for tag in ALWAYS.into_iter().chain([tags::PROCEDURE_STEP_STATE]) {
            for empty in [true, false] {
                let mut set = least();
                let want = if empty {
                    set.put_empty(tag);
                    Refusal::NoValue(tag)
                } else {
                    set.remove(tag);
                    Refusal::Missing(tag)
                };
                assert_eq!(create(set, &uid("1.2.3"), NOW), Err(want));
            }
        }
        for (tag, value, want) in [
            (tags::PROCEDURE_STEP_STATE, "IN PROGRESS", Refusal::NotScheduled),
            (
                tags::SCHEDULED_PROCEDURE_STEP_PRIORITY,
                "URGENT",
                Refusal::BadValue(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY),
            ),
            (tags::INPUT_READINESS_STATE, "MAYBE", Refusal::BadValue(tags::INPUT_READINESS_STATE)),
            (
                tags::EXPECTED_COMPLETION_DATE_TIME,
                "soon",
                Refusal::BadValue(tags::EXPECTED_COMPLETION_DATE_TIME),
            ),
            (tags::SOP_CLASS_UID, uids::CT_IMAGE_STORAGE, Refusal::BadValue(tags::SOP_CLASS_UID)),
            (tags::TRANSACTION_UID, "1.2", Refusal::NotEmpty(tags::TRANSACTION_UID)),
        ] {
            let mut set = least();
            set.put_text(tag, value);
            assert_eq!(create(set, &uid("1.2.3"), NOW), Err(want));
        }
        for many in OF_SUBSCRIPTIONS {
            assert_eq!(create(least(), &uid(many), NOW), Err(Refusal::BadValue(tags::SOP_INSTANCE_UID)));
        }
        let mut begun = least();
        begun.put_items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, vec![DataSet::new()]);
        let refused = create(begun, &uid("1.2.3"), NOW);
        assert_eq!(refused, Err(Refusal::NotEmpty(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE)));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "ProcedureStepProgressInformationSequence has to be empty when a step is created"
        );
    }
}
