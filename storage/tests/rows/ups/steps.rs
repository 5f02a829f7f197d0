//! The life of a step, from its creation to the day on which it is forgotten.

use pacs_core::ups::state::State;
use storage::ups::{Cancelled, Filter, Subject};

use super::*;
use crate::backends::on_every_engine;

on_every_engine!(
    a_step_goes_from_hand_to_hand,
    one_of_many_claims_it,
    a_step_that_nobody_has_claimed_is_cancelled_at_once,
    only_who_belongs_there_sees_a_step,
    ended_steps_are_forgotten_unless_locked,
    steps_and_reports_stay_small,
);

const PERFORMED: Tag = tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE;

fn performed() -> DataSet {
    let mut item = DataSet::new();
    item.put_items(tags::PERFORMED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    item.put_items(tags::PERFORMED_WORKITEM_CODE_SEQUENCE, vec![code("CAD", "99SEN")]);
    item.put_text(tags::PERFORMED_PROCEDURE_STEP_START_DATE_TIME, "20260921200000");
    item.put_text(tags::PERFORMED_PROCEDURE_STEP_END_DATE_TIME, "20260921200500");
    item.put_empty(tags::OUTPUT_INFORMATION_SEQUENCE);
    let mut set = DataSet::new();
    set.put_items(PERFORMED, vec![item]);
    set
}

async fn a_step_goes_from_hand_to_hand(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let uid = uid("1.2.3");
    let new = ups::create(db, &asker, step("Nốt phổi"), Some(&uid)).await.unwrap();
    assert!(new.is_modified, "what has to be there was added");
    assert_eq!(failed(ups::create(db, &asker, step("x"), Some(&uid)).await), Failure::Exists);

    let (key, other) = (self::uid("1.2.3.1"), self::uid("1.2.3.2"));
    let change = |to, key| ups::change_state(db, &asker, &uid, to, key);
    assert_eq!(failed(change(State::Completed, Some(&key)).await), Failure::NotInProgress);
    assert_eq!(failed(change(State::InProgress, None).await), Failure::KeyMissing);
    assert_eq!(change(State::InProgress, Some(&key)).await.unwrap(), None);
    assert_eq!(state(&fresh, &uid).await, "IN PROGRESS");
    assert_eq!(failed(change(State::InProgress, Some(&other)).await), Failure::KeyWrong);
    assert_eq!(failed(change(State::InProgress, Some(&key)).await), Failure::InProgress);
    assert_eq!(failed(change(State::Scheduled, Some(&key)).await), Failure::OnlyByCreation);
    let lacking = change(State::Completed, Some(&key)).await;
    assert!(matches!(lacking, Err(WorkError::Lacks(PERFORMED))), "{lacking:?}");

    assert_eq!(failed(ups::update(db, &asker, &uid, &performed(), None).await), Failure::KeyMissing);
    ups::update(db, &asker, &uid, &performed(), Some(&key)).await.unwrap();
    let mut patient = DataSet::new();
    patient.put_text(tags::PATIENT_ID, "BN002");
    let refused = ups::update(db, &asker, &uid, &patient, Some(&key)).await;
    assert!(matches!(refused, Err(WorkError::Refused(_))), "{refused:?}");
    assert_eq!(change(State::Completed, Some(&key)).await.unwrap(), None);
    assert_eq!(state(&fresh, &uid).await, "COMPLETED");
    assert_eq!(change(State::Completed, Some(&key)).await.unwrap(), Some(State::Completed));
    assert_eq!(failed(change(State::Canceled, Some(&key)).await), Failure::Ended);
    assert_eq!(failed(ups::update(db, &asker, &uid, &performed(), Some(&key)).await), Failure::Ended);
    let cancelled = ups::request_cancel(db, &asker, &uid, &DataSet::new()).await;
    assert_eq!(failed(cancelled), Failure::Completed);
    let step = ups::retrieve(db, &Scope::All, &uid).await.unwrap();
    assert_eq!(step.text(tags::PATIENT_NAME).as_deref(), Some("NGUYỄN^VĂN A"));
    assert_eq!(step.items(PERFORMED).len(), 1);
    let unknown = self::uid("1.9");
    assert_eq!(
        failed(ups::change_state(db, &asker, &unknown, State::InProgress, Some(&key)).await),
        Failure::Unknown
    );
}

async fn one_of_many_claims_it(fresh: Fresh) {
    let system = Actor::system();
    let uid = made(&fresh, &system, step("x")).await;
    let claims = (1..=8).map(|n| {
        let (db, uid) = (fresh.db.clone(), uid.clone());
        tokio::spawn(async move {
            let (system, key) = (Actor::system(), self::uid(&format!("1.5.{n}")));
            ups::change_state(&db, &at(&system), &uid, State::InProgress, Some(&key)).await
        })
    });
    let mut won = 0;
    for claim in claims.collect::<Vec<_>>() {
        match claim.await.unwrap() {
            Ok(None) => won += 1,
            other => assert_eq!(failed(other), Failure::KeyWrong),
        }
    }
    assert_eq!(won, 1);
}

async fn a_step_that_nobody_has_claimed_is_cancelled_at_once(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let uid = made(&fresh, &system, step("x")).await;
    let mut asked = DataSet::new();
    asked.put_text(tags::REASON_FOR_CANCELLATION, "Bệnh nhân về");
    assert_eq!(ups::request_cancel(db, &asker, &uid, &asked).await.unwrap(), Cancelled::Done);
    assert_eq!(state(&fresh, &uid).await, "CANCELED");
    let step_now = ups::retrieve(db, &Scope::All, &uid).await.unwrap();
    let [progress] = step_now.items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE) else {
        panic!("one")
    };
    assert_eq!(progress.text(tags::REASON_FOR_CANCELLATION).as_deref(), Some("Bệnh nhân về"));
    let when = progress.text(tags::PROCEDURE_STEP_CANCELLATION_DATE_TIME);
    assert_eq!(when.as_deref(), Some("20260921211320+0700"));
    assert_eq!(ups::request_cancel(db, &asker, &uid, &asked).await.unwrap(), Cancelled::Already);

    // Of one in progress the performer is told, if it listens.
    let (uid, key) = (made(&fresh, &system, step("y")).await, self::uid("1.5.1"));
    ups::change_state(db, &asker, &uid, State::InProgress, Some(&key)).await.unwrap();
    assert_eq!(failed(ups::request_cancel(db, &asker, &uid, &asked).await), Failure::NobodyListens);
    let listens = Subject::Step(uid.clone());
    ups::subscribe(db, &asker, &listens, &Filter::default(), &title("AI1"), false).await.unwrap();
    assert_eq!(ups::request_cancel(db, &asker, &uid, &asked).await.unwrap(), Cancelled::Asked);
    assert_eq!(state(&fresh, &uid).await, "IN PROGRESS");
    assert_eq!(ups::change_state(db, &asker, &uid, State::Canceled, Some(&key)).await.unwrap(), None);
    assert_eq!(state(&fresh, &uid).await, "CANCELED");
}

async fn only_who_belongs_there_sees_a_step(fresh: Fresh) {
    let (here, elsewhere) = (of("BVTW"), of("BVH"));
    let uid = made(&fresh, &here, step("x")).await;
    let scope = |actor| pacs_core::access::scope(actor);
    ups::retrieve(&fresh.db, &scope(&here), &uid).await.unwrap();
    assert_eq!(failed(ups::retrieve(&fresh.db, &scope(&elsewhere), &uid).await), Failure::Unknown);
    assert_eq!(labels(&fresh, &elsewhere, &[]).await, Vec::<String>::new());
    let (db, asker, key) = (&fresh.db, at(&elsewhere), self::uid("1.5.1"));
    assert_eq!(
        failed(ups::change_state(db, &asker, &uid, State::InProgress, Some(&key)).await),
        Failure::Unknown
    );
    assert_eq!(failed(ups::update(db, &asker, &uid, &DataSet::new(), None).await), Failure::Unknown);
    assert_eq!(failed(ups::request_cancel(db, &asker, &uid, &DataSet::new()).await), Failure::Unknown);
    let subject = Subject::Step(uid.clone());
    let refused = ups::subscribe(db, &asker, &subject, &Filter::default(), &title("AI1"), false).await;
    assert_eq!(failed(refused), Failure::Unknown);
    // Nor is who follows all of elsewhere told of it.
    ups::subscribe(db, &asker, &Subject::All, &Filter::default(), &title("AI1"), true).await.unwrap();
    made(&fresh, &here, step("y")).await;
    let other = made(&fresh, &elsewhere, step("z")).await;
    assert_eq!(told(&mut follower(&fresh, &elsewhere, "AI1").await).await, [(other.to_string(), 1)]);

    // Whose facilities become fewer hears less, at once, and follows nothing more of what it no longer sees.
    let mut wide = Actor { facilities: Facilities::All, ..of("wide") };
    ups::subscribe(db, &at(&wide), &Subject::All, &Filter::default(), &title("AI2"), false).await.unwrap();
    made(&fresh, &here, step("y")).await;
    wide.facilities = elsewhere.facilities.clone();
    let other = made(&fresh, &elsewhere, step("z")).await;
    let mut narrow = follower(&fresh, &wide, "AI2").await;
    assert_eq!(told(&mut narrow).await, [(other.to_string(), 1)]);
    let before = count(&fresh, "workitem_subscription").await;
    made(&fresh, &here, step("y")).await;
    assert_eq!(count(&fresh, "workitem_subscription").await, before);
}

async fn ended_steps_are_forgotten_unless_locked(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let mut uids = Vec::new();
    for label in ["waits", "ended", "locked"] {
        uids.push(made(&fresh, &system, step(label)).await);
    }
    for (uid, lock) in [(&uids[1], false), (&uids[2], true)] {
        let subject = Subject::Step(uid.clone());
        ups::subscribe(db, &asker, &subject, &Filter::default(), &title("AI1"), lock).await.unwrap();
        ups::request_cancel(db, &asker, uid, &DataSet::new()).await.unwrap();
    }
    assert_eq!(ups::prune(db, NOW_MS).await.unwrap(), 0);
    assert_eq!(ups::prune(db, NOW_MS + 1).await.unwrap(), 1);
    assert_eq!(labels(&fresh, &system, &[]).await, ["locked", "waits"]);
    // It is known that there was one, to who could see it, until another takes its place.
    let (ended, here, elsewhere) = (&uids[1], of("BVTW"), of("BVH"));
    let scope = |actor| pacs_core::access::scope(actor);
    let gone = ups::retrieve(db, &scope(&here), ended).await;
    assert!(matches!(gone, Err(WorkError::Gone)), "{gone:?}");
    let updated = ups::update(db, &at(&here), ended, &DataSet::new(), None).await;
    assert!(matches!(updated, Err(WorkError::Gone)), "{updated:?}");
    assert_eq!(failed(ups::retrieve(db, &scope(&elsewhere), ended).await), Failure::Unknown);
    ups::create(db, &asker, step("again"), Some(ended)).await.unwrap();
    assert_eq!(state(&fresh, ended).await, "SCHEDULED");
    let locked = Subject::Step(uids[2].clone());
    ups::subscribe(db, &asker, &locked, &Filter::default(), &title("AI1"), false).await.unwrap();
    assert_eq!(ups::prune(db, NOW_MS + 1).await.unwrap(), 1);
}

async fn steps_and_reports_stay_small(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let uid = made(&fresh, &system, step("x")).await;
    let subject = Subject::Step(uid.clone());
    ups::subscribe(db, &asker, &subject, &Filter::default(), &title("AI1"), false).await.unwrap();
    let large = |tag| {
        let mut change = DataSet::new();
        change.put_text_as(tag, pacs_core::VR::UT, &"x".repeat(300 << 10));
        change
    };
    for tag in [Tag(0x0099, 0x1001), Tag(0x0099, 0x1002), Tag(0x0099, 0x1003)] {
        ups::update(db, &asker, &uid, &large(tag), None).await.unwrap();
    }
    let refused = ups::update(db, &asker, &uid, &large(Tag(0x0099, 0x1004)), None).await;
    assert!(matches!(refused, Err(WorkError::Storage(storage::Error::TooLarge(_)))), "{refused:?}");

    let mut progress = DataSet::new();
    progress.put_text(tags::PROCEDURE_STEP_PROGRESS_DESCRIPTION, &"x".repeat(80 << 10));
    let mut further = DataSet::new();
    further.put_items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, vec![progress]);
    ups::update(db, &asker, &uid, &further, None).await.unwrap();
    let mut follower = follower(&fresh, &system, "AI1").await;
    assert_eq!(told(&mut follower).await, [(uid.to_string(), 1), (uid.to_string(), 3)]);
    let longest = db.fetch("select max(length(data)) from event", vec![]).await.unwrap();
    let length = longest[0].at::<i64>(0).or_else(|_| longest[0].at::<i32>(0).map(i64::from)).unwrap();
    assert!(length < 1000, "{length}");
}
