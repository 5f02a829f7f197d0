//! The queue of transfers: who sees what of it.

use pacs_core::access::{Actor, Scope};
use pacs_core::uid::AeTitle;
use storage::Error;
use storage::database::Database;
use storage::devices::{self, Device};
use storage::exams::linking;
use storage::jobs::JobState;
use storage::jobs::lanes::Priority;
use storage::schedule;
use storage::transfers::{self, Selection, Show, Task};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    who_pulls_a_study_learns_nothing_of_it_from_the_queue,
    who_sends_what_another_has_made_sees_it_in_the_queue,
);

/// To or from a device that can be called.
async fn task(db: &Database, study: &str) -> Task {
    let mut device = Device::named(AeTitle::parse("PACS").unwrap());
    (device.host, device.port) = (Some("10.0.0.9".into()), Some(104));
    devices::upsert(db, &device).await.unwrap();
    Task { device: device.ae_title, study: uid(study), selection: Selection::Study }
}

fn of(facility: &str) -> Scope {
    Scope::Facilities(vec![facility.into()])
}

async fn who_pulls_a_study_learns_nothing_of_it_from_the_queue(fresh: Fresh) {
    let db = &fresh.db;
    store(db, &[Image { facility: "BVTL", ..Image::default() }]).await;
    let (task, here) = (task(db, "1.2.1").await, of("BVTW"));
    let id = transfers::pull(db, &clerk(), &task, "BVTW", NOW_MS).await.unwrap();
    let line = transfers::by_id(db, &here, id).await.unwrap().unwrap();
    assert_eq!((line.study, &line.study_uid), (None, &task.study), "it is another facility's study");
    let listed = transfers::list(db, &here, Show::Open, 9).await.unwrap();
    assert_eq!((listed.len(), &listed[0].study), (1, &None));
    let whole = transfers::by_id(db, &Scope::All, id).await.unwrap().unwrap();
    assert_eq!(whole.study.unwrap().patient.id, "BN001");
    // Who has made it did not ask for it.
    assert!(transfers::list(db, &of("BVTL"), Show::Open, 9).await.unwrap().is_empty());
    assert_eq!(transfers::counts(db, &of("BVTL")).await.unwrap().open, 0);
}

async fn who_sends_what_another_has_made_sees_it_in_the_queue(fresh: Fresh) {
    let db = &fresh.db;
    store(db, &[Image { facility: "BVTL", ..Image::default() }]).await;
    let exam = schedule::create_order(db, &order(), &clerk(), NOW_MS).await.unwrap();
    let study = uid("1.2.1");
    linking::link(db, &Scope::All, &clerk(), &study, exam.id, None, NOW_MS).await.unwrap();
    let task = task(db, "1.2.1").await;
    let actor = Actor { id: "user:a".into(), ..clerk() };
    let id = transfers::send(db, &of("BVTW"), &actor, &task, Priority::Normal, NOW_MS).await.unwrap();
    for facility in ["BVTW", "BVTL"] {
        let listed = transfers::list(db, &of(facility), Show::Open, 9).await.unwrap();
        assert_eq!(listed.len(), 1, "{facility}");
        assert!(listed[0].study.is_some() && listed[0].facility == "BVTL", "{facility}");
        assert_eq!(transfers::counts(db, &of(facility)).await.unwrap().open, 1, "{facility}");
    }
    assert!(transfers::by_id(db, &of("BVX"), id).await.unwrap().is_none());
    assert!(matches!(transfers::cancel(db, &of("BVX"), id, NOW_MS).await, Err(Error::NotFound)));
    transfers::cancel(db, &of("BVTW"), id, NOW_MS).await.unwrap();
    assert_eq!(transfers::by_id(db, &of("BVTL"), id).await.unwrap().unwrap().state, JobState::Cancelled);
}
