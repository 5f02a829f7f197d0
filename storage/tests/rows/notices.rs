//! What devices are told beside images, as people see it.

use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::AeTitle;
use storage::commitment::{self, Reference, Request};
use storage::devices::{self, Dealings, Device};
use storage::jobs::{JobId, JobState, lanes};
use storage::notices::{self, Kind, Line};
use storage::performed::{self, Reporter};
use storage::transfers::Show;
use storage::{Error, forwarding, schedule};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    what_waits_failed_and_ended_is_listed,
    an_exam_without_images_is_known_by_its_order,
    whoever_sees_one_hospital_sees_its_own
);

/// A console reports that it has begun an exam, whose images may be here, and a device wants to hear it.
async fn forwarded(fresh: &Fresh, has_images: bool) -> String {
    let dealings = Dealings { takes_performed_steps: true, ..Dealings::default() };
    let told = Device { dealings, ..Device::named(AeTitle::parse("RIS").unwrap()) };
    devices::upsert(&fresh.db, &told).await.unwrap();
    let exam = schedule::create_order(&fresh.db, &order(), &clerk(), NOW_MS).await.unwrap();
    let image = Image {
        accession: Some(exam.accession_number.clone()),
        study: exam.planned_study_uid.clone(),
        ..Image::default()
    };
    if has_images {
        store(&fresh.db, &[image]).await;
    }
    let mut request = DataSet::new();
    request.put_text(tags::STUDY_INSTANCE_UID, &exam.planned_study_uid);
    let mut set = DataSet::new();
    set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    for (tag, value) in [
        (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
        (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
        (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "0815"),
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, "IN PROGRESS"),
        (tags::MODALITY, "CT"),
    ] {
        set.put_text(tag, value);
    }
    let title = AeTitle::parse("CT1").unwrap();
    let actor = Actor::device(&title, Some("BVTW"));
    let reporter =
        Reporter { actor: &actor, scope: &Scope::All, calling_ae: &title, facility: "BVTW", now_ms: NOW_MS };
    performed::create(&fresh.db, reporter, &set, None).await.unwrap();
    exam.planned_study_uid
}

async fn shown(fresh: &Fresh, show: Show) -> Vec<Line> {
    notices::list(&fresh.db, &Scope::All, show, 10).await.unwrap()
}

async fn what_waits_failed_and_ended_is_listed(fresh: Fresh) {
    let db = &fresh.db;
    let study = forwarded(&fresh, true).await;
    let waiting = shown(&fresh, Show::Open).await;
    let [line] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!(
        (line.kind, line.device.as_str(), line.state),
        (Kind::PerformedStep, "RIS", JobState::Waiting)
    );
    assert_eq!(line.study_uid.as_ref(), Some(&study));
    assert_eq!(line.study.as_ref().unwrap().patient.id, "BN001");

    let lane = (forwarding::PERFORMED_STEP, "RIS");
    let job = lanes::claim(db, lane, "w", 1000, NOW_MS).await.unwrap().unwrap();
    lanes::give_up(db, &job, "w", "peer: it answered 0x0110", NOW_MS).await.unwrap();
    assert!(shown(&fresh, Show::Open).await.is_empty());
    let failed = shown(&fresh, Show::Failed).await;
    assert_eq!(failed[0].error.as_deref(), Some("peer: it answered 0x0110"));
    notices::again(db, failed[0].job, NOW_MS).await.unwrap();
    assert_eq!(shown(&fresh, Show::Open).await.len(), 1);
    notices::cancel(db, failed[0].job, NOW_MS).await.unwrap();
    assert!(matches!(notices::cancel(db, failed[0].job, NOW_MS).await, Err(Error::Conflict(_))));
    assert_eq!(shown(&fresh, Show::Ended).await[0].state, JobState::Cancelled);
    assert!(matches!(notices::again(db, JobId(999), NOW_MS).await, Err(Error::NotFound)));
}

async fn an_exam_without_images_is_known_by_its_order(fresh: Fresh) {
    forwarded(&fresh, false).await;
    let waiting = shown(&fresh, Show::Open).await;
    assert_eq!(waiting[0].study_uid, None);
    let words = waiting[0].study.as_ref().unwrap();
    assert_eq!(
        (words.patient.id.as_str(), words.modalities.as_slice()),
        ("BN001", ["CT".to_owned()].as_slice())
    );
}

async fn whoever_sees_one_hospital_sees_its_own(fresh: Fresh) {
    let db = &fresh.db;
    let request = Request {
        transaction: uid("9.9"),
        device: AeTitle::parse("CT1").unwrap(),
        called: AeTitle::parse("SEN").unwrap(),
        references: vec![Reference { class: uid("1.2"), instance: uid("9.8") }],
    };
    commitment::begin(db, request, "w", 1000, NOW_MS).await.unwrap().unwrap();
    forwarded(&fresh, true).await;
    // One is shown, and the first one of all is another's.
    let seen = async |codes: &[&str]| -> Vec<Kind> {
        let scope = Scope::Facilities(codes.iter().map(|code| (*code).to_owned()).collect());
        let lines = notices::list(db, &scope, Show::Open, 1).await.unwrap();
        lines.into_iter().map(|line| line.kind).collect()
    };
    assert_eq!(seen(&["BVTW"]).await, [Kind::PerformedStep], "whose image that is nobody knows");
    assert!(seen(&["BVTL"]).await.is_empty());
    let all = shown(&fresh, Show::Open).await;
    assert_eq!(all.iter().map(|line| line.kind).collect::<Vec<_>>(), [Kind::Commitment, Kind::PerformedStep]);
    assert_eq!((all[0].device.as_str(), all[0].state), ("CT1", JobState::Running));
}
