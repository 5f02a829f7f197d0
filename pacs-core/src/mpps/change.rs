//! N-SET of a performed step (PS3.4 F.7.2.2).

use super::State;
use super::rules::{Refusal, check_values, need};
use crate::dataset::{DataSet, Element};
use crate::text::CharacterSet;
use crate::{Tag, tags};

/// What a step works for, who does it and when it began: said once.
const FIXED: [Tag; 15] = [
    tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::REFERENCED_PATIENT_SEQUENCE,
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::PERFORMED_STATION_AE_TITLE,
    tags::PERFORMED_STATION_NAME,
    tags::PERFORMED_LOCATION,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::MODALITY,
    tags::STUDY_ID,
];

/// What a step has to have at its end, whichever it is.
const AT_THE_END: [Tag; 2] =
    [tags::PERFORMED_PROCEDURE_STEP_END_DATE, tags::PERFORMED_PROCEDURE_STEP_END_TIME];

/// Lays a change over a step; sequences are replaced whole. A console that sends again what it has said
/// at the beginning changes nothing by it. A completed step names a series at least; a discontinued one
/// may have none.
pub fn change(before: &DataSet, change: &DataSet) -> Result<DataSet, Refusal> {
    let state =
        |set: &DataSet| set.text(tags::PERFORMED_PROCEDURE_STEP_STATUS).and_then(|word| State::parse(&word));
    if state(before).is_some_and(State::is_final) {
        return Err(Refusal::Final);
    }
    check_values(change)?;
    if change.contains(tags::PERFORMED_PROCEDURE_STEP_STATUS) {
        need(change, &[tags::PERFORMED_PROCEDURE_STEP_STATUS])?;
    }
    let mut set = before.clone();
    for element in change.encode_text_in(CharacterSet::UTF_8) {
        if element.tag.group() <= 0x0002 || element.tag == tags::SPECIFIC_CHARACTER_SET {
            continue;
        }
        if !FIXED.contains(&element.tag) {
            set.put(element);
        } else if !is_same(before, &element) {
            return Err(Refusal::NotAllowed(element.tag));
        }
    }
    let state = state(&set);
    if state.is_some_and(State::is_final) {
        need(&set, &AT_THE_END)?;
    }
    if state == Some(State::Completed) {
        need(&set, &[tags::PERFORMED_SERIES_SEQUENCE])?;
    }
    // Text that was the first beyond ASCII.
    Ok(set.encode_text_in(CharacterSet::UTF_8))
}

fn is_same(before: &DataSet, element: &Element) -> bool {
    let mut sent = DataSet::new();
    sent.put(element.clone());
    before.texts(element.tag) == sent.texts(element.tag)
        && before.items(element.tag) == sent.items(element.tag)
}

#[cfg(test)]
mod tests {
    use super::super::create::create;
    use super::super::create::tests::least;
    use super::*;

    fn with(values: &[(Tag, &str)]) -> DataSet {
        let mut set = DataSet::new();
        for (tag, value) in values {
            set.put_text(*tag, value);
        }
        set
    }

    fn ended(state: State) -> DataSet {
        with(&[
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, state.as_str()),
            (tags::PERFORMED_PROCEDURE_STEP_END_DATE, "20260921"),
            (tags::PERFORMED_PROCEDURE_STEP_END_TIME, "0830"),
        ])
    }

    fn with_series(mut set: DataSet) -> DataSet {
        let series = with(&[(tags::SERIES_INSTANCE_UID, "1.2.3.1"), (tags::PROTOCOL_NAME, "Ngực")]);
        set.put_items(tags::PERFORMED_SERIES_SEQUENCE, vec![series]);
        set
    }

    #[test]
    fn a_step_ends_once() {
        let begun = create(&least()).unwrap();
        let described = with(&[(tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION, "CLVT ngực")]);
        let described = change(&begun, &described).unwrap();
        let completed = change(&described, &with_series(ended(State::Completed))).unwrap();
        let text = completed.text(tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION);
        assert_eq!(text.as_deref(), Some("CLVT ngực"));
        let series = &completed.items(tags::PERFORMED_SERIES_SEQUENCE)[0];
        assert_eq!(series.text(tags::PROTOCOL_NAME).as_deref(), Some("Ngực"));
        for late in [DataSet::new(), ended(State::Discontinued), with_series(ended(State::Completed))] {
            assert_eq!(change(&completed, &late), Err(Refusal::Final));
        }
        let broken_off = change(&begun, &ended(State::Discontinued)).unwrap();
        assert_eq!(change(&broken_off, &ended(State::Completed)), Err(Refusal::Final));
    }

    #[test]
    fn an_end_has_its_time_and_a_series() {
        let begun = create(&least()).unwrap();
        let status = tags::PERFORMED_PROCEDURE_STEP_STATUS;
        for (sent, want) in [
            (ended(State::Completed), Refusal::NoValue(tags::PERFORMED_SERIES_SEQUENCE)),
            (
                with_series(with(&[(status, "COMPLETED")])),
                Refusal::NoValue(tags::PERFORMED_PROCEDURE_STEP_END_DATE),
            ),
            (with(&[(status, "DISCONTINUED")]), Refusal::NoValue(tags::PERFORMED_PROCEDURE_STEP_END_DATE)),
            (with(&[(status, "DONE")]), Refusal::BadValue(status)),
            (with(&[(status, "")]), Refusal::NoValue(status)),
        ] {
            assert_eq!(change(&begun, &sent), Err(want));
        }
    }

    #[test]
    fn what_was_said_at_the_beginning_stays() {
        let mut first = least();
        first.put_text(tags::PATIENT_NAME, "Nguyễn^Văn A");
        let begun = create(&first).unwrap();
        assert_eq!(change(&begun, &first).unwrap(), begun, "what is the same changes nothing");
        for (tag, value) in [(tags::PATIENT_NAME, "Trần^B"), (tags::PERFORMED_STATION_AE_TITLE, "CT2")] {
            assert_eq!(change(&begun, &with(&[(tag, value)])), Err(Refusal::NotAllowed(tag)));
        }
        let other = with(&[(tags::STUDY_INSTANCE_UID, "1.2.4")]);
        let mut moved = DataSet::new();
        moved.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![other]);
        let want = Refusal::NotAllowed(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE);
        assert_eq!(change(&begun, &moved), Err(want));
    }
}
