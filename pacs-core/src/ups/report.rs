//! What followers of steps are told (PS3.4 table CC.2.4-1), as data sets with the fields of the message
//! that would carry it over DIMSE (PS3.18 11.13).

use super::rules::has_value;
use crate::dataset::DataSet;
use crate::uid::Uid;
use crate::{Tag, VR, tags, uids};

/// State and readiness, now.
pub fn state(step: &DataSet, uid: &Uid) -> DataSet {
    let mut report = begin(uid, 1);
    copy(step, &mut report, &[tags::PROCEDURE_STEP_STATE, tags::INPUT_READINESS_STATE]);
    if let [progress, ..] = step.items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE) {
        copy(
            progress,
            &mut report,
            &[tags::REASON_FOR_CANCELLATION, tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE],
        );
    }
    report
}

/// Somebody wants the step to be stopped; `asked` is what the request says.
pub fn cancel_requested(asked: &DataSet, uid: &Uid, by: &str) -> DataSet {
    let mut report = begin(uid, 2);
    report.put_text(tags::REQUESTING_AE, by);
    copy(
        asked,
        &mut report,
        &[
            tags::REASON_FOR_CANCELLATION,
            tags::PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE,
            tags::CONTACT_URI,
            tags::CONTACT_DISPLAY_NAME,
        ],
    );
    report
}

/// How far it is.
pub fn progress(step: &DataSet, uid: &Uid) -> DataSet {
    let mut report = begin(uid, 3);
    copy(step, &mut report, &[tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE]);
    report
}

/// Whom it is assigned to; `None` when it is to nobody.
pub fn assigned(step: &DataSet, uid: &Uid) -> Option<DataSet> {
    let of_performers = [tags::HUMAN_PERFORMER_CODE_SEQUENCE, tags::HUMAN_PERFORMER_ORGANIZATION];
    let to = [tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE];
    if !to.into_iter().any(|tag| has_value(step, tag)) {
        return None;
    }
    let mut report = begin(uid, 5);
    copy(step, &mut report, &to);
    if let [performer, ..] = step.items(tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE) {
        copy(performer, &mut report, &of_performers);
    }
    Some(report)
}

/// The archive has begun anew, with all that it had.
pub fn restarted() -> DataSet {
    let mut report = DataSet::new();
    head(&mut report, uids::UPS_GLOBAL_SUBSCRIPTION_INSTANCE, 4);
    report.put_text(tags::SCP_STATUS, "RESTARTED");
    report.put_text(tags::SUBSCRIPTION_LIST_STATUS, "WARM START");
    report.put_text(tags::UNIFIED_PROCEDURE_STEP_LIST_STATUS, "WARM START");
    report
}

fn begin(uid: &Uid, event_type: u16) -> DataSet {
    let mut report = DataSet::new();
    head(&mut report, uid.as_str(), event_type);
    report
}

/// Affected SOP Class and Instance, and the type of the event (PS3.7 10.3.1).
fn head(report: &mut DataSet, uid: &str, event_type: u16) {
    report.put_text_as(tags::AFFECTED_SOP_CLASS_UID, VR::UI, uids::UNIFIED_PROCEDURE_STEP_PUSH);
    report.put_text_as(tags::AFFECTED_SOP_INSTANCE_UID, VR::UI, uid);
    report.put_text_as(tags::EVENT_TYPE_ID, VR::US, &event_type.to_string());
}

/// Copies what has a value.
fn copy(from: &DataSet, to: &mut DataSet, tags: &[Tag]) {
    for tag in tags {
        if let Some(element) = from.get(*tag).filter(|element| !element.is_empty()) {
            to.put(element.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::create::{create, tests::*};
    use super::*;
    use crate::json;

    #[test]
    fn reports_carry_what_the_table_asks_for() {
        let step = create(least(), &uid("1.2.3"), "20260921").unwrap().set;
        assert_eq!(
            json::to_string(&state(&step, &uid("1.2.3"))),
            r#"{"00000002":{"vr":"UI","Value":["1.2.840.10008.5.1.4.34.6.1"]},"00001000":{"vr":"UI","Value":["1.2.3"]},"00001002":{"vr":"US","Value":[1]},"00404041":{"vr":"CS","Value":["READY"]},"00741000":{"vr":"CS","Value":["SCHEDULED"]}}"#
        );
        let mut asked = DataSet::new();
        asked.put_text(tags::REASON_FOR_CANCELLATION, "Nhầm");
        asked.put_text(tags::CONTACT_DISPLAY_NAME, "KTV Bình");
        let report = cancel_requested(&asked, &uid("1.2.3"), "CT1");
        assert_eq!(report.int(tags::EVENT_TYPE_ID), Some(2));
        assert_eq!(report.text(tags::REQUESTING_AE).as_deref(), Some("CT1"));
        assert_eq!(report.text(tags::REASON_FOR_CANCELLATION).as_deref(), Some("Nhầm"));
        assert_eq!(assigned(&step, &uid("1.2.3")), None);
        assert_eq!(restarted().text(tags::SCP_STATUS).as_deref(), Some("RESTARTED"));
    }
}
