//! What a step has to have before it ends (PS3.4 CC.2.5.1.1), and what the archive adds to one that is
//! cancelled.

use super::rules::{ALWAYS, has_value};
use super::state::State;
use crate::dataset::DataSet;
use crate::{Tag, tags};

/// What an item of Performed Procedure Sequence says of a step that is completed.
const OF_PERFORMED: [Tag; 4] = [
    tags::PERFORMED_STATION_NAME_CODE_SEQUENCE,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE_TIME,
    tags::PERFORMED_WORKITEM_CODE_SEQUENCE,
    tags::PERFORMED_PROCEDURE_STEP_END_DATE_TIME,
];

const PROGRESS: Tag = tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE;
const PERFORMED: Tag = tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE;
const REASONS: Tag = tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE;

/// The first attribute that a step lacks to end in that state; `None` when it may.
pub fn lacking(set: &DataSet, state: State) -> Option<Tag> {
    if let Some(tag) = ALWAYS.into_iter().find(|tag| !has_value(set, *tag)) {
        return Some(tag);
    }
    match state {
        State::Completed => {
            let performed = set.items(PERFORMED);
            if performed.is_empty() {
                return Some(PERFORMED);
            }
            performed.iter().find_map(|item| {
                let valued = OF_PERFORMED.into_iter().find(|tag| !has_value(item, *tag));
                // Where nothing was made it is there without items.
                valued.or_else(|| {
                    let told = item.contains(tags::OUTPUT_INFORMATION_SEQUENCE);
                    (!told).then_some(tags::OUTPUT_INFORMATION_SEQUENCE)
                })
            })
        }
        State::Canceled => {
            let of_progress = [tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME, REASONS];
            match set.items(PROGRESS) {
                [] => Some(PROGRESS),
                [progress, ..] => of_progress.into_iter().find(|tag| !has_value(progress, *tag)),
            }
        }
        State::Scheduled | State::InProgress => None,
    }
}

/// Adds what a step that is being cancelled has to say and does not: when, and why, from what `asked`
/// for it, else for a reason that nobody named. `now` is the time as a DT.
pub fn fill_cancellation(set: &mut DataSet, asked: Option<&DataSet>, now: &str) {
    let mut items = set.items(PROGRESS).to_vec();
    if items.is_empty() {
        items.push(DataSet::like(set));
    }
    if let Some(progress) = items.first_mut() {
        if !has_value(progress, tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME) {
            progress.put_text(tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME, now);
        }
        let told = asked.and_then(|asked| asked.text(tags::REASON_FOR_CANCELLATION));
        if let Some(why) = told.filter(|_| !has_value(progress, tags::REASON_FOR_CANCELLATION)) {
            progress.put_text(tags::REASON_FOR_CANCELLATION, &why);
        }
        if !has_value(progress, REASONS) {
            let codes = asked.map(|asked| asked.items(REASONS)).filter(|codes| !codes.is_empty());
            progress.put_items(REASONS, codes.map_or_else(|| vec![unspecified()], <[DataSet]>::to_vec));
        }
    }
    set.put_items(PROGRESS, items);
}

/// PS3.16 CID 9300.
fn unspecified() -> DataSet {
    let mut code = DataSet::new();
    code.put_text(tags::CODE_VALUE, "110513");
    code.put_text(tags::CODING_SCHEME_DESIGNATOR, "DCM");
    code.put_text(tags::CODE_MEANING, "Discontinued for unspecified reason");
    code
}

#[cfg(test)]
mod tests {
    use super::super::create::{create, tests::*};
    use super::*;

    fn step() -> DataSet {
        create(least(), &uid("1.2.3"), "20260921").unwrap().set
    }

    fn code(value: &str) -> DataSet {
        let mut code = DataSet::new();
        code.put_text(tags::CODE_VALUE, value);
        code.put_text(tags::CODING_SCHEME_DESIGNATOR, "99SEN");
        code.put_text(tags::CODE_MEANING, value);
        code
    }

    fn performed() -> DataSet {
        let mut item = DataSet::new();
        item.put_items(tags::PERFORMED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1")]);
        item.put_items(tags::PERFORMED_WORKITEM_CODE_SEQUENCE, vec![code("CAD")]);
        item.put_text(tags::PERFORMED_PROCEDURE_STEP_START_DATE_TIME, "20260921200000");
        item.put_text(tags::PERFORMED_PROCEDURE_STEP_END_DATE_TIME, "20260921200500");
        item.put_empty(tags::OUTPUT_INFORMATION_SEQUENCE);
        item
    }

    #[test]
    fn a_completed_step_says_what_was_done() {
        let mut set = step();
        assert_eq!(lacking(&set, State::Completed), Some(PERFORMED));
        set.put_items(PERFORMED, vec![performed()]);
        assert_eq!(lacking(&set, State::Completed), None);
        for tag in OF_PERFORMED.into_iter().chain([tags::OUTPUT_INFORMATION_SEQUENCE]) {
            let mut item = performed();
            item.remove(tag);
            set.put_items(PERFORMED, vec![performed(), item]);
            assert_eq!(lacking(&set, State::Completed), Some(tag));
        }
    }

    #[test]
    fn a_cancelled_step_says_when_and_why() {
        let mut set = step();
        assert_eq!(lacking(&set, State::Canceled), Some(PROGRESS));
        fill_cancellation(&mut set, None, "20260921200500");
        assert_eq!(lacking(&set, State::Canceled), None);
        let [progress] = set.items(PROGRESS) else { panic!("one item") };
        assert_eq!(progress.items(REASONS)[0].text(tags::CODE_VALUE).as_deref(), Some("110513"));

        let mut asked = DataSet::new();
        asked.put_text(tags::REASON_FOR_CANCELLATION, "Bệnh nhân về");
        asked.put_items(REASONS, vec![code("GONE")]);
        let mut set = step();
        let mut half = DataSet::new();
        half.put_text(tags::PROCEDURE_STEP_PROGRESS, "50");
        half.put_text(tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME, "20260921190000");
        set.put_items(PROGRESS, vec![half]);
        fill_cancellation(&mut set, Some(&asked), "20260921200500");
        let [progress] = set.items(PROGRESS) else { panic!("one item") };
        assert_eq!(progress.text(tags::PROCEDURE_STEP_PROGRESS).as_deref(), Some("50"));
        let at = progress.text(tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME);
        assert_eq!(at.as_deref(), Some("20260921190000"), "what its performer said stays");
        assert_eq!(progress.text(tags::REASON_FOR_CANCELLATION).as_deref(), Some("Bệnh nhân về"));
        assert_eq!(progress.items(REASONS)[0].text(tags::CODE_VALUE).as_deref(), Some("GONE"));
    }
}
