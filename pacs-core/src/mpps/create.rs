//! N-CREATE of a performed step (PS3.4 F.7.2.1).

use super::State;
use super::rules::{Refusal, check_values, need};
use crate::dataset::DataSet;
use crate::text::CharacterSet;
use crate::{Tag, tags};

/// Attributes that have a value from the beginning (type 1).
const NEEDED: [Tag; 7] = [
    tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::PERFORMED_STATION_AE_TITLE,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::PERFORMED_PROCEDURE_STEP_STATUS,
    tags::MODALITY,
];

/// Attributes that are there from the beginning, with or without a value (type 2).
const PRESENT: [Tag; 17] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::REFERENCED_PATIENT_SEQUENCE,
    tags::PERFORMED_STATION_NAME,
    tags::PERFORMED_LOCATION,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
    tags::PERFORMED_PROCEDURE_TYPE_DESCRIPTION,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::PERFORMED_PROCEDURE_STEP_END_DATE,
    tags::PERFORMED_PROCEDURE_STEP_END_TIME,
    tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE,
    tags::STUDY_ID,
    tags::PERFORMED_PROTOCOL_CODE_SEQUENCE,
    tags::PERFORMED_SERIES_SEQUENCE,
    tags::COMMENTS_ON_THE_PERFORMED_PROCEDURE_STEP,
];

/// The step as it is kept: what was sent, in UTF-8. An attribute of type 2 that was left out is added
/// without a value and refuses nothing: a console that forgets its location still works.
pub fn create(set: &DataSet) -> Result<DataSet, Refusal> {
    need(set, &NEEDED)?;
    check_values(set)?;
    let status = set.text(tags::PERFORMED_PROCEDURE_STEP_STATUS);
    if status.as_deref() != Some(State::InProgress.as_str()) {
        return Err(Refusal::BadValue(tags::PERFORMED_PROCEDURE_STEP_STATUS));
    }
    for item in set.items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE) {
        need(item, &[tags::STUDY_INSTANCE_UID])?;
        if matches!(item.uid(tags::STUDY_INSTANCE_UID), Some(Err(_))) {
            return Err(Refusal::BadValue(tags::STUDY_INSTANCE_UID));
        }
    }
    let mut made = set.encode_text_in(CharacterSet::UTF_8);
    for tag in PRESENT {
        if !made.contains(tag) {
            made.put_empty(tag);
        }
    }
    Ok(made)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A step that has begun, with nothing but what it needs.
    pub fn least() -> DataSet {
        let mut request = DataSet::new();
        request.put_text(tags::STUDY_INSTANCE_UID, "1.2.3");
        let mut set = DataSet::new();
        set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
        for (tag, value) in [
            (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
            (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260921"),
            (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "081500.25"),
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, "IN PROGRESS"),
            (tags::MODALITY, "CT"),
        ] {
            set.put_text(tag, value);
        }
        set
    }

    #[test]
    fn what_is_left_out_is_there_without_a_value() {
        let mut sent = least();
        sent.put_text(tags::PATIENT_NAME, "Nguyễn^Văn A");
        let made = create(&sent).unwrap();
        assert!(PRESENT.iter().all(|tag| made.contains(*tag)));
        assert_eq!(made.text(tags::PATIENT_NAME).as_deref(), Some("Nguyễn^Văn A"));
    }

    #[test]
    fn what_a_step_needs_is_demanded() {
        for tag in NEEDED {
            let mut set = least();
            set.remove(tag);
            assert_eq!(create(&set), Err(Refusal::Missing(tag)), "{tag}");
            set.put_empty(tag);
            assert_eq!(create(&set), Err(Refusal::NoValue(tag)), "{tag}");
        }
        let mut nameless = least();
        nameless.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![DataSet::new()]);
        assert_eq!(create(&nameless), Err(Refusal::Missing(tags::STUDY_INSTANCE_UID)));
    }

    #[test]
    fn a_step_works_for_so_many_entries_and_makes_so_many_series() {
        let series = |at| {
            let mut series = DataSet::new();
            series.put_text(tags::SERIES_INSTANCE_UID, &format!("1.2.{at}"));
            series
        };
        let request = least().items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE)[0].clone();
        for (requests, made, want) in [
            (64, 1000, None),
            (65, 1, Some(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE)),
            (1, 1001, Some(tags::PERFORMED_SERIES_SEQUENCE)),
        ] {
            let mut set = least();
            set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request.clone(); requests]);
            set.put_items(tags::PERFORMED_SERIES_SEQUENCE, (0..made).map(series).collect());
            assert_eq!(create(&set).err(), want.map(Refusal::TooMany));
        }
    }

    #[test]
    fn values_have_to_be_what_they_say() {
        for (tag, value) in [
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, "COMPLETED"),
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, "BEGUN"),
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "yesterday"),
            (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "9999"),
        ] {
            let mut set = least();
            set.put_text(tag, value);
            assert_eq!(create(&set), Err(Refusal::BadValue(tag)), "{tag} {value}");
        }
        let mut series = DataSet::new();
        series.put_text(tags::SERIES_INSTANCE_UID, "no uid");
        let mut set = least();
        set.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![series]);
        assert_eq!(create(&set), Err(Refusal::BadValue(tags::SERIES_INSTANCE_UID)));
    }
}
