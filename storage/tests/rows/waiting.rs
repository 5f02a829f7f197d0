//! On PostgreSQL one waits for another, and then has to see what the other has done. What others do meanwhile is a
//! transaction that is held open.

use std::time::Duration;

use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::DataSet;
use pacs_core::exam::StepState;
use pacs_core::uid::AeTitle;
use pacs_core::{mpps, tags};
use storage::Error;
use storage::database::{Database, Durability, Param, Transaction};
use storage::exams::{self, Exam, linking, search};
use storage::index::{SeriesId, spooled};
use storage::performed::{self, Reporter};
use storage::schedule::{self, NewOrder};

use crate::backends::Fresh;
use crate::samples::*;

/// Waits until so many wait for a lock.
async fn waiting(db: &Database, count: usize) {
    let waits =
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let all = async {
        while db.fetch(waits, vec![]).await.unwrap().len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("nobody waits");
}

/// Somebody else's transaction, in which this much has happened.
async fn held(db: &Database, statements: &[(&'static str, Vec<Param>)]) -> Transaction {
    let mut tx = db.begin(Durability::Batched).await.unwrap();
    for (sql, params) in statements {
        tx.fetch(*sql, params.clone()).await.unwrap();
    }
    tx
}

async fn ordered(db: &Database) -> Exam {
    schedule::create_order(db, &order(), &clerk(), NOW_MS).await.unwrap()
}

async fn state(db: &Database, exam: &Exam) -> StepState {
    exams::by_id(db, &Scope::All, exam.id).await.unwrap().unwrap().state
}

/// Which exam a study fulfils, or why none.
async fn stands(db: &Database, study: &str) -> (Option<exams::ExamId>, Option<String>) {
    let line = search::study(db, &Scope::All, &uid(study)).await.unwrap().unwrap();
    (line.exam, line.unmatched_reason)
}

fn image_of(exam: &Exam) -> Image {
    Image {
        accession: Some(exam.accession_number.clone()),
        study: exam.planned_study_uid.clone(),
        ..Image::default()
    }
}

/// Stores an image beside the test.
fn storing(db: &Database, image: Image) -> tokio::task::JoinHandle<()> {
    let db = db.clone();
    tokio::spawn(async move { drop(store(&db, &[image]).await) })
}

/// Orders with that number beside the test.
fn ordering(db: &Database, number: &str) -> tokio::task::JoinHandle<Exam> {
    let (db, order) = (db.clone(), NewOrder { accession_number: Some(number.into()), ..order() });
    tokio::spawn(async move { schedule::create_order(&db, &order, &clerk(), NOW_MS).await.unwrap() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_waited_for_a_cancellation_is_refused() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let db = &fresh.db;
    let exam = ordered(db).await;
    store(db, &[Image::default()]).await;
    let cancelled = "update scheduled_step set state = 'cancelled' where id = $1";
    let held = held(db, &[(cancelled, vec![exam.id.0.into()])]).await;
    let linking = tokio::spawn({
        let (db, exam) = (db.clone(), exam.id);
        async move { linking::link(&db, &Scope::All, &clerk(), &uid("1.2.1"), exam, None, NOW_MS).await }
    });
    waiting(db, 1).await;
    held.commit().await.unwrap();
    let refused = linking.await.unwrap();
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(stands(db, "1.2.1").await, (None, Some("noAccession".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_waited_for_a_cancellation_wait_for_a_person() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let db = &fresh.db;
    let exam = ordered(db).await;
    let cancelled = "update scheduled_step set state = 'cancelled' where id = $1";
    let held = held(db, &[(cancelled, vec![exam.id.0.into()])]).await;
    let storing = storing(db, image_of(&exam));
    waiting(db, 1).await;
    held.commit().await.unwrap();
    storing.await.unwrap();
    assert_eq!(stands(db, &exam.planned_study_uid).await, (None, Some("noOrder".into())));
    assert_eq!(state(db, &exam).await, StepState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exam_that_another_study_joins_does_not_go_back() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let db = &fresh.db;
    let exam = ordered(db).await;
    let first = image_of(&exam);
    store(db, std::slice::from_ref(&first)).await;
    store(db, &[Image { study: "1.2.2".into(), series: "1.2.2.1".into(), ..Image::default() }]).await;
    let lock = "select id from scheduled_step where id = $1 for update";
    let join = "update study set step_id = $1, unmatched_reason = null where uid = '1.2.2'";
    let held = held(db, &[(lock, vec![exam.id.0.into()]), (join, vec![exam.id.0.into()])]).await;
    let parting = tokio::spawn({
        let (db, study) = (db.clone(), uid(&first.study));
        async move {
            linking::unlink(&db, &Scope::All, &clerk(), &study, None, NOW_MS).await.unwrap();
        }
    });
    waiting(db, 1).await;
    held.commit().await.unwrap();
    parting.await.unwrap();
    assert_eq!(state(db, &exam).await, StepState::Started);
}

/// Whichever of them comes first, whatever it has still to do.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_and_images_that_meet_are_matched() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let db = &fresh.db;
    // The lock of the outbox: whoever has written everything but its events waits for it.
    let outbox = "select pg_advisory_xact_lock(7362)::text";
    for (number, study, order_first) in [("HIS-1", "1.2.1", true), ("HIS-2", "1.2.2", false)] {
        let image = Image {
            study: study.into(),
            series: format!("{study}.1"),
            accession: Some(number.into()),
            ..Image::default()
        };
        // The patient is there already.
        ordered(db).await;
        let held = held(db, &[(outbox, vec![])]).await;
        let (exam, stored);
        if order_first {
            exam = ordering(db, number);
            waiting(db, 1).await;
            stored = storing(db, image);
        } else {
            stored = storing(db, image);
            waiting(db, 1).await;
            exam = ordering(db, number);
        }
        waiting(db, 2).await;
        held.commit().await.unwrap();
        stored.await.unwrap();
        let exam = exam.await.unwrap();
        assert_eq!(stands(db, study).await, (Some(exam.id), None), "the order first: {order_first}");
        assert_eq!(state(db, &exam).await, StepState::Started);
    }
}

/// What a console reports when it begins an exam.
fn begun(exam: &Exam) -> DataSet {
    let mut request = DataSet::new();
    request.put_text(tags::STUDY_INSTANCE_UID, &exam.planned_study_uid);
    request.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, &exam.step_id);
    let mut set = DataSet::new();
    set.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![request]);
    for (tag, value) in [
        (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
        (tags::PERFORMED_STATION_AE_TITLE, "CT1"),
        (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_START_TIME, "201320"),
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, mpps::State::InProgress.as_str()),
        (tags::MODALITY, "CT"),
    ] {
        set.put_text(tag, value);
    }
    set
}

/// What it reports when it had picked the wrong entry, and made nothing that it knows of.
fn wrong_entry() -> DataSet {
    let mut code = DataSet::new();
    code.put_text(tags::CODE_VALUE, "110514");
    code.put_text(tags::CODING_SCHEME_DESIGNATOR, "DCM");
    let mut set = DataSet::new();
    set.put_items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE, vec![code]);
    for (tag, value) in [
        (tags::PERFORMED_PROCEDURE_STEP_STATUS, mpps::State::Discontinued.as_str()),
        (tags::PERFORMED_PROCEDURE_STEP_END_DATE, "20260921"),
        (tags::PERFORMED_PROCEDURE_STEP_END_TIME, "202000"),
    ] {
        set.put_text(tag, value);
    }
    set
}

/// Begins a step, or goes on with it.
async fn report(db: &Database, set: &DataSet, begins: bool) {
    let title = AeTitle::parse("CT1").unwrap();
    let actor = Actor::device(&title, Some("BVTW"));
    let (scope, facility) = (Scope::All, "BVTW");
    let reporter = Reporter { actor: &actor, scope: &scope, calling_ae: &title, facility, now_ms: NOW_MS };
    let reported = if begins {
        performed::create(db, reporter, set, Some(&uid("9.1"))).await
    } else {
        performed::set(db, reporter, &uid("9.1"), set).await
    };
    reported.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_entry_takes_along_the_images_that_come_just_then() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let db = &fresh.db;
    let exam = ordered(db).await;
    report(db, &begun(&exam), true).await;
    store(db, &[Image { accession: None, ..image_of(&exam) }]).await;
    let lock = "select id from scheduled_step where id = $1 for update";
    let join = "update study set step_id = $1, unmatched_reason = null where uid = $2";
    let step: Param = exam.id.0.into();
    let joined = vec![step.clone(), exam.planned_study_uid.as_str().into()];
    let held = held(db, &[(lock, vec![step]), (join, joined)]).await;
    let ending = tokio::spawn({
        let db = db.clone();
        async move { report(&db, &wrong_entry(), false).await }
    });
    waiting(db, 1).await;
    held.commit().await.unwrap();
    ending.await.unwrap();
    assert_eq!(stands(db, &exam.planned_study_uid).await, (None, Some("wrongEntry".into())));
    assert_eq!(state(db, &exam).await, StepState::Scheduled);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_waited_for_a_wrong_entry_wait_for_a_person() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let db = &fresh.db;
    let exam = ordered(db).await;
    report(db, &begun(&exam), true).await;
    let lock = "select id from scheduled_step where id = $1 for update";
    let wrong = "update performed_step set wrong_entry = 1, state = 'DISCONTINUED'";
    let held = held(db, &[(lock, vec![exam.id.0.into()]), (wrong, vec![])]).await;
    let storing = storing(db, image_of(&exam));
    waiting(db, 1).await;
    held.commit().await.unwrap();
    storing.await.unwrap();
    assert_eq!(stands(db, &exam.planned_study_uid).await, (None, Some("wrongEntry".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_an_image_comes_to_while_it_settles_is_settled_once_more() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let db = &fresh.db;
    store(db, &[Image::default()]).await;
    for moved in [
        "insert into pack (id, object_key, length_bytes, companion_bytes, instance_count, created_ms)
         values (7, 'p', 1, 1, 1, 1)",
        "update instance set pack_id = 7, segment_id = null",
    ] {
        db.execute(moved, vec![]).await.unwrap();
    }
    let late = "insert into instance (uid, series_id, class, transfer_syntax, segment_id, offset_bytes, length_bytes,
             head_bytes, hash, received_ms)
         select '1.2.86', series_id, class, transfer_syntax, (select max(id) from segment), 1, length_bytes,
             head_bytes, hash, received_ms from instance";
    let grown = "update series set unsettled = 1, instance_count = instance_count + 1";
    let held = held(db, &[(late, vec![]), (grown, vec![])]).await;
    let series = SeriesId(db.fetch("select id from series", vec![]).await.unwrap()[0].get("id").unwrap());
    let settling = tokio::spawn({
        let db = db.clone();
        async move {
            let mut tx = db.begin(Durability::Batched).await.unwrap();
            spooled::settled(&mut tx, series).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    waiting(db, 1).await;
    held.commit().await.unwrap();
    settling.await.unwrap();
    let waits = db.fetch("select id from series where unsettled = 1", vec![]).await.unwrap();
    assert_eq!(waits.len(), 1, "the late image lies in the spool");
}
