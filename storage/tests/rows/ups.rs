//! Unified procedure steps: created, found, claimed, ended, and followed.

use std::time::Duration;

use futures::TryStreamExt;
use pacs_core::access::{Actor, Facilities, Role, Scope};
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::ups::state::{Failure, State};
use pacs_core::{Tag, tags};
use storage::accounts::tokens;
use storage::ups::{self, Asker, Cancelled, Filter, Follower, Subject, WorkError};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    a_step_goes_from_hand_to_hand,
    one_of_many_claims_it,
    a_step_that_nobody_has_claimed_is_cancelled_at_once,
    steps_are_found_by_what_they_are,
    only_who_belongs_there_sees_a_step,
    followers_hear_of_what_they_follow,
    who_follows_all_is_told_of_those_to_come,
    a_filter_follows_what_it_fits,
    ended_steps_are_forgotten_unless_locked,
    steps_and_reports_stay_small,
    however_many_there_are_all_are_followed,
    a_title_belongs_to_whom_used_it_first,
    a_title_is_free_when_its_account_is_gone,
    what_is_no_longer_wanted_is_not_taken_in_again,
    what_was_told_is_not_told_again,
    what_is_made_meanwhile_is_followed_once,
    what_is_locked_meanwhile_is_kept,
);

const PERFORMED: Tag = tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE;

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).unwrap()
}

fn at(actor: &Actor) -> Asker<'_> {
    Asker { actor, default_facility: "BVTW", now_ms: NOW_MS }
}

fn of(facility: &str) -> Actor {
    let facilities = Facilities::Only(vec![facility.to_owned()]);
    Actor { id: format!("token:{facility}"), role: Role::Device, facilities, ..Actor::system() }
}

fn code(value: &str, scheme: &str) -> DataSet {
    let mut code = DataSet::new();
    code.put_text(tags::CODE_VALUE, value);
    code.put_text(tags::CODING_SCHEME_DESIGNATOR, scheme);
    code.put_text(tags::CODE_MEANING, value);
    code
}

/// A step with a label; change what matters.
fn step(label: &str) -> DataSet {
    let mut set = DataSet::new();
    for (tag, value) in [
        (tags::PROCEDURE_STEP_STATE, "SCHEDULED"),
        (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "MEDIUM"),
        (tags::PROCEDURE_STEP_LABEL, label),
        (tags::WORKLIST_LABEL, "CAD"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921200000"),
        (tags::INPUT_READINESS_STATE, "READY"),
        (tags::PATIENT_NAME, "NGUYỄN^VĂN A"),
        (tags::PATIENT_ID, "BN001"),
    ] {
        set.put_text(tag, value);
    }
    set
}

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

async fn made(fresh: &Fresh, actor: &Actor, set: DataSet) -> Uid {
    ups::create(&fresh.db, &at(actor), set, None).await.unwrap().uid
}

async fn state(fresh: &Fresh, uid: &Uid) -> String {
    let step = ups::retrieve(&fresh.db, &Scope::All, uid).await.unwrap();
    assert!(!step.contains(tags::TRANSACTION_UID));
    step.text(tags::PROCEDURE_STEP_STATE).unwrap()
}

fn failed<T: std::fmt::Debug>(result: Result<T, WorkError>) -> Failure {
    match result {
        Err(WorkError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
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

/// An attribute, by its path, and its value.
type Key<'a> = (&'a [Tag], &'a str);

/// The labels of what a search finds.
async fn labels(fresh: &Fresh, actor: &Actor, keys: &[Key<'_>]) -> Vec<String> {
    let mut query = Query::new(Level::Study);
    for (path, value) in keys {
        assert!(ups::is_matched(path), "{path:?}");
        query.add(path, vr_of(*path.last().unwrap()), value).unwrap();
    }
    query.returns = Returns::All;
    let found = ups::search(&fresh.db, &at(actor), query).await.unwrap();
    let steps: Vec<DataSet> = found.steps.try_collect().await.unwrap();
    steps.iter().map(|step| step.text(tags::PROCEDURE_STEP_LABEL).unwrap()).collect()
}

async fn steps_are_found_by_what_they_are(fresh: Fresh) {
    let system = Actor::system();
    const STATIONS: Tag = tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE;
    let mut one = step("one");
    one.put_items(STATIONS, vec![code("AI1", "99SEN"), code("AI2", "99OTHER")]);
    one.put_text(tags::STUDY_INSTANCE_UID, "1.2.1");
    let mut request = DataSet::new();
    request.put_text(tags::ACCESSION_NUMBER, "26092100001");
    one.put_items(tags::REFERENCED_REQUEST_SEQUENCE, vec![request]);
    let mut two = step("two");
    two.put_text(tags::PATIENT_NAME, "Đặng^Thị Hồng");
    two.put_text(tags::PATIENT_ID, "BN002");
    two.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
    two.put_text(tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921170000+0000");
    let mut performer = DataSet::new();
    performer.put_items(tags::HUMAN_PERFORMER_CODE_SEQUENCE, vec![code("BS1", "99SEN")]);
    two.put_items(tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE, vec![performer]);
    let mut uids = Vec::new();
    for set in [one, two, step("three")] {
        uids.push(made(&fresh, &system, set).await);
    }
    let claimed = self::uid("1.5.1");
    ups::change_state(&fresh.db, &at(&system), &uids[2], State::InProgress, Some(&claimed)).await.unwrap();
    const START: Tag = tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME;
    let cases: &[(&[Key<'_>], &[&str])] = &[
        (&[], &["three", "two", "one"]),
        (&[(&[tags::PROCEDURE_STEP_STATE], "SCHEDULED")], &["two", "one"]),
        (&[(&[tags::PROCEDURE_STEP_STATE], "IN PROGRESS")], &["three"]),
        (&[(&[tags::PROCEDURE_STEP_STATE], "IN PROGRESS,SCHEDULED")], &["three", "two", "one"]),
        (&[(&[tags::PATIENT_NAME], "dang hong")], &["two"]),
        (&[(&[tags::PATIENT_NAME], "nguyen*")], &["three", "one"]),
        (&[(&[tags::PATIENT_ID], "BN00*")], &["three", "two", "one"]),
        (&[(&[tags::PATIENT_ID], "BN002"), (&[tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH")], &["two"]),
        (&[(&[tags::PATIENT_ID], "BN001"), (&[tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH")], &[]),
        (&[(&[tags::PROCEDURE_STEP_LABEL], "t*")], &["three", "two"]),
        (&[(&[tags::WORKLIST_LABEL], "CAD")], &["three", "two", "one"]),
        (&[(&[tags::STUDY_INSTANCE_UID], "1.2.1")], &["one"]),
        (&[(&[tags::SOP_INSTANCE_UID], uids[1].as_str())], &["two"]),
        (&[(&[tags::REFERENCED_REQUEST_SEQUENCE, tags::ACCESSION_NUMBER], "26092100001")], &["one"]),
        (&[(&[STATIONS, tags::CODE_VALUE], "AI1")], &["one"]),
        (&[(&[STATIONS, tags::CODE_VALUE], "AI")], &[]),
        (&[(&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99OTHER")], &["one"]),
        (
            &[
                (&[STATIONS, tags::CODE_VALUE], "AI2"),
                (&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99OTHER"),
            ],
            &["one"],
        ),
        (
            &[
                (&[STATIONS, tags::CODE_VALUE], "AI1"),
                (&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99OTHER"),
            ],
            &[],
        ),
        (
            &[(
                &[
                    tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE,
                    tags::HUMAN_PERFORMER_CODE_SEQUENCE,
                    tags::CODE_VALUE,
                ],
                "BS1",
            )],
            &["two"],
        ),
        // On the facility's wall, seven hours east: what began at 17:00 UTC began the next day there.
        (&[(&[START], "20260921")], &["three", "one"]),
        (&[(&[START], "20260922")], &["two"]),
        (&[(&[START], "20260922-99991231")], &["two"]),
        (&[(&[START], "2026092120-2026092200")], &["three", "two", "one"]),
        (&[(&[START], "20260921210000-")], &["two"]),
        (&[(&[START], "-20260921195959")], &[]),
        (&[(&[START], "20260921130000+0000")], &["three", "one"]),
        (&[(&[tags::EXPECTED_COMPLETION_DATE_TIME], "20260921")], &[]),
    ];
    for (keys, want) in cases {
        assert_eq!(labels(&fresh, &system, keys).await, *want, "{keys:?}");
    }
    for path in [&[tags::TRANSACTION_UID][..], &[tags::CODE_VALUE], &[tags::PATIENT_NAME, tags::CODE_VALUE]] {
        assert!(!ups::is_matched(path), "{path:?}");
    }

    // Pages, and what is asked for.
    for n in 0..60 {
        made(&fresh, &system, step(&format!("more {n}"))).await;
    }
    let query = |limit, offset| Query {
        limit: Some(limit),
        offset,
        returns: Returns::Tags(vec![vec![tags::PATIENT_ID], vec![tags::ADMISSION_ID]]),
        ..Query::new(Level::Study)
    };
    for (limit, offset, count, is_cut) in [(55, 0, 55, true), (55, 10, 53, false), (63, 0, 63, false)] {
        let found = ups::search(&fresh.db, &at(&system), query(limit, offset)).await.unwrap();
        assert_eq!(found.is_cut, is_cut);
        let steps: Vec<DataSet> = found.steps.try_collect().await.unwrap();
        assert_eq!(steps.len(), count);
        assert!(steps[0].contains(tags::ADMISSION_ID) && !steps[0].contains(tags::PATIENT_NAME));
    }
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

async fn count(fresh: &Fresh, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    fresh.db.fetch(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap()[0].at(0).unwrap()
}

async fn follower(fresh: &Fresh, actor: &Actor, ae_title: &str) -> Follower {
    Follower::open(&fresh.db, &at(actor), title(ae_title)).await.unwrap()
}

/// What a follower is told, as step and event type, until there is nothing more.
async fn told(follower: &mut Follower) -> Vec<(String, u64)> {
    let mut told = Vec::new();
    while let Ok(report) = tokio::time::timeout(Duration::from_millis(100), follower.next()).await {
        let report: serde_json::Value = serde_json::from_str(&report.unwrap().unwrap()).unwrap();
        let first = |tag: &str| report[tag]["Value"][0].clone();
        told.push((first("00001000").as_str().unwrap().to_owned(), first("00001002").as_u64().unwrap()));
    }
    told
}

async fn followers_hear_of_what_they_follow(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let uid = made(&fresh, &system, step("x")).await;
    let other = made(&fresh, &system, step("not followed")).await;
    let subject = Subject::Step(uid.clone());
    ups::subscribe(db, &asker, &subject, &Filter::default(), &title("AI1"), false).await.unwrap();
    let open = || follower(&fresh, &system, "AI1");
    let mut follower = open().await;
    let of = |types: &[u64]| types.iter().map(|kind| (uid.to_string(), *kind)).collect::<Vec<_>>();
    assert_eq!(told(&mut follower).await, of(&[1]), "its present state");

    let mut change = DataSet::new();
    change.put_text(tags::INPUT_READINESS_STATE, "INCOMPLETE");
    change.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    for uid in [&uid, &other] {
        ups::update(db, &asker, uid, &change, None).await.unwrap();
    }
    let key = self::uid("1.5.1");
    ups::change_state(db, &asker, &uid, State::InProgress, Some(&key)).await.unwrap();
    let mut further = DataSet::new();
    let mut progress = DataSet::new();
    progress.put_text(tags::PROCEDURE_STEP_PROGRESS, "50");
    further.put_items(tags::PROCEDURE_STEP_PROGRESS_INFORMATION_SEQUENCE, vec![progress]);
    ups::update(db, &asker, &uid, &further, Some(&key)).await.unwrap();
    ups::request_cancel(db, &asker, &uid, &DataSet::new()).await.unwrap();
    // Who was away hears what it has missed, once.
    drop(follower);
    let mut follower = open().await;
    assert_eq!(told(&mut follower).await, of(&[1, 5, 1, 3, 2]));
    drop(follower);
    let mut follower = open().await;
    assert_eq!(told(&mut follower).await, []);
    ups::restarted(db, NOW_MS).await.unwrap();
    assert_eq!(told(&mut follower).await, [("1.2.840.10008.5.1.4.34.5".to_owned(), 4)]);

    ups::unsubscribe(db, &asker, &subject, &title("AI1")).await.unwrap();
    ups::change_state(db, &asker, &uid, State::Canceled, Some(&key)).await.unwrap();
    assert_eq!(told(&mut follower).await, []);
    let twice = ups::unsubscribe(db, &asker, &subject, &title("AI1")).await;
    assert_eq!(failed(twice), Failure::Unknown);
}

async fn who_follows_all_is_told_of_those_to_come(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let old = made(&fresh, &system, step("old")).await;
    let none = Filter::default();
    ups::subscribe(db, &asker, &Subject::All, &none, &title("LOCKED"), true).await.unwrap();
    ups::subscribe(db, &asker, &Subject::All, &none, &title("LOOSE"), false).await.unwrap();
    let mut locked = follower(&fresh, &system, "LOCKED").await;
    let mut loose = follower(&fresh, &system, "LOOSE").await;
    assert_eq!(told(&mut locked).await, [(old.to_string(), 1)]);
    assert_eq!(told(&mut loose).await, [], "without a lock only what happens is told");
    let mut assigned = step("new");
    assigned.put_items(tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    let new = made(&fresh, &system, assigned).await;
    let both = [(new.to_string(), 1), (new.to_string(), 5)];
    assert_eq!((told(&mut locked).await, told(&mut loose).await), (both.to_vec(), both.to_vec()));

    // Suspended, it follows what it follows and nothing new.
    ups::suspend(db, &asker, &Subject::All, &title("LOOSE")).await.unwrap();
    let third = made(&fresh, &system, step("third")).await;
    ups::request_cancel(db, &asker, &old, &DataSet::new()).await.unwrap();
    let cancelled = [(old.to_string(), 1), (old.to_string(), 1)];
    assert_eq!(told(&mut loose).await, cancelled);
    assert_eq!(told(&mut locked).await[0], (third.to_string(), 1));
    assert_eq!(failed(ups::suspend(db, &asker, &Subject::All, &title("LOOSE")).await), Failure::Unknown);

    ups::unsubscribe(db, &asker, &Subject::All, &title("LOCKED")).await.unwrap();
    made(&fresh, &system, step("fourth")).await;
    ups::request_cancel(db, &asker, &new, &DataSet::new()).await.unwrap();
    assert_eq!(told(&mut locked).await, []);
}

async fn a_filter_follows_what_it_fits(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let (high, low) = (vec![tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH".to_owned());
    let filter = Filter { keys: vec![(high, low)], fuzzy: false };
    ups::subscribe(db, &asker, &Subject::Filtered, &filter, &title("AI1"), true).await.unwrap();
    let mut follower = follower(&fresh, &system, "AI1").await;
    let routine = made(&fresh, &system, step("routine")).await;
    let mut urgent = step("urgent");
    urgent.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
    let urgent = made(&fresh, &system, urgent).await;
    assert_eq!(told(&mut follower).await, [(urgent.to_string(), 1)]);
    let mut change = DataSet::new();
    change.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
    ups::update(db, &asker, &routine, &change, None).await.unwrap();
    assert_eq!(told(&mut follower).await, [(routine.to_string(), 1)], "it fits now");
    ups::unsubscribe(db, &asker, &Subject::Filtered, &title("AI1")).await.unwrap();
    ups::request_cancel(db, &asker, &urgent, &DataSet::new()).await.unwrap();
    assert_eq!(told(&mut follower).await, []);
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

async fn however_many_there_are_all_are_followed(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let mut uids = Vec::new();
    for n in 0..205 {
        uids.push(made(&fresh, &system, step(&n.to_string())).await.to_string());
    }
    ups::subscribe(db, &asker, &Subject::All, &Filter::default(), &title("AI1"), true).await.unwrap();
    ups::subscribe(db, &asker, &Subject::All, &Filter::default(), &title("AI1"), true).await.unwrap();
    let mut follower = follower(&fresh, &system, "AI1").await;
    let told: Vec<String> = told(&mut follower).await.into_iter().map(|(step, _)| step).collect();
    assert_eq!(told, uids, "each once");
}

fn not_theirs<T: std::fmt::Debug>(result: Result<T, WorkError>) {
    assert!(matches!(result, Err(WorkError::NotTheirs)), "{result:?}");
}

async fn a_title_belongs_to_whom_used_it_first(fresh: Fresh) {
    let (db, first, second) = (&fresh.db, of("BVTW"), of("BVH"));
    let (one, none, ai) = (made(&fresh, &first, step("x")).await, Filter::default(), title("AI1"));
    let subject = Subject::Step(one.clone());
    // A channel alone takes no title.
    let mut early = follower(&fresh, &second, "AI1").await;
    ups::subscribe(db, &at(&first), &subject, &none, &ai, false).await.unwrap();
    ups::subscribe(db, &at(&first), &Subject::All, &none, &ai, false).await.unwrap();
    let other = at(&second);
    not_theirs(ups::subscribe(db, &other, &Subject::All, &none, &ai, true).await);
    not_theirs(ups::unsubscribe(db, &other, &Subject::All, &ai).await);
    not_theirs(ups::suspend(db, &other, &Subject::All, &ai).await);
    not_theirs(Follower::open(db, &other, ai.clone()).await.map(drop));
    // And it ends where the title is another's; both see this one.
    ups::restarted(db, NOW_MS).await.unwrap();
    assert!(early.next().await.unwrap().is_none());

    let mut mine = follower(&fresh, &first, "AI1").await;
    assert_eq!(told(&mut mine).await[0], (one.to_string(), 1));
    // Nothing followed, nobody's title; the channel that is open hears nothing of who has it next.
    ups::suspend(db, &at(&first), &Subject::All, &ai).await.unwrap();
    not_theirs(ups::subscribe(db, &other, &Subject::All, &none, &ai, true).await);
    ups::unsubscribe(db, &at(&first), &subject, &ai).await.unwrap();
    ups::subscribe(db, &other, &Subject::All, &none, &ai, true).await.unwrap();
    not_theirs(ups::subscribe(db, &at(&first), &subject, &none, &ai, false).await);
    ups::restarted(db, NOW_MS).await.unwrap();
    assert!(mine.next().await.unwrap().is_none());
    let step = made(&fresh, &second, step("y")).await;
    let all = told(&mut follower(&fresh, &second, "AI1").await).await;
    assert_eq!(all.last(), Some(&(step.to_string(), 1)));
}

async fn a_title_is_free_when_its_account_is_gone(fresh: Fresh) {
    let db = &fresh.db;
    let (none, ai) = (Filter::default(), title("AI1"));
    for name in ["old", "new"] {
        let rights = (Role::Device, &Facilities::All);
        tokens::create(db, name, rights, &Actor::system(), NOW_MS, Some(NOW_MS + 10)).await.unwrap();
    }
    let list = tokens::list(db).await.unwrap();
    let by_name = |name: &str| list.iter().find(|token| token.name == name).unwrap();
    let (old, new) = (by_name("old").actor(), by_name("new").actor());
    ups::subscribe(db, &at(&old), &Subject::All, &none, &ai, false).await.unwrap();
    let step = made(&fresh, &old, step("x")).await;
    not_theirs(Follower::open(db, &at(&new), ai.clone()).await.map(drop));
    tokens::revoke(db, by_name("old").id, NOW_MS).await.unwrap();
    // The next token of the same program hears what waited for it.
    assert_eq!(told(&mut follower(&fresh, &new, "AI1").await).await, [(step.to_string(), 1)]);
    not_theirs(ups::suspend(db, &at(&old), &Subject::All, &ai).await);
    let late = Actor::system();
    let later = Asker { now_ms: NOW_MS + 10, ..at(&late) };
    ups::suspend(db, &later, &Subject::All, &ai).await.unwrap();
    // One from before titles had owners is whose who uses it.
    db.execute("update workitem_subscriber set owner = null", vec![]).await.unwrap();
    ups::unsubscribe(db, &at(&new), &Subject::All, &ai).await.unwrap();
}

async fn what_is_no_longer_wanted_is_not_taken_in_again(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let asker = at(&system);
    let low = (vec![tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "MEDIUM".to_owned());
    let (none, filter) = (Filter::default(), Filter { keys: vec![low], fuzzy: false });
    let uid = made(&fresh, &system, step("x")).await;
    let one = Subject::Step(uid.clone());
    let ready = |value: &str| {
        let mut change = DataSet::new();
        change.put_text(tags::INPUT_READINESS_STATE, value);
        change
    };
    for (subject, ae_title) in [(Subject::All, "ALL"), (Subject::Filtered, "SOME")] {
        let ae_title = title(ae_title);
        let subscribe = |filter| ups::subscribe(db, &asker, &subject, filter, &ae_title, false);
        let filter = if subject == Subject::All { &none } else { &filter };
        subscribe(filter).await.unwrap();
        ups::unsubscribe(db, &asker, &one, &ae_title).await.unwrap();
        let again = ups::unsubscribe(db, &asker, &one, &ae_title).await;
        assert_eq!(failed(again), Failure::Unknown);
        let mut follower = follower(&fresh, &system, ae_title.as_str()).await;
        ups::update(db, &asker, &uid, &ready("INCOMPLETE"), None).await.unwrap();
        ups::update(db, &asker, &uid, &ready("READY"), None).await.unwrap();
        let new = made(&fresh, &system, step("y")).await;
        assert_eq!(told(&mut follower).await, [(new.to_string(), 1)], "{subject:?}");
        // Who subscribes anew, to it or to all, wants it again.
        subscribe(filter).await.unwrap();
        ups::update(db, &asker, &uid, &ready("INCOMPLETE"), None).await.unwrap();
        assert_eq!(told(&mut follower).await, [(uid.to_string(), 1)], "{subject:?}");
        ups::unsubscribe(db, &asker, &one, &ae_title).await.unwrap();
        ups::subscribe(db, &asker, &one, &none, &ae_title, false).await.unwrap();
        ups::update(db, &asker, &uid, &ready("READY"), None).await.unwrap();
        assert_eq!(told(&mut follower).await, [(uid.to_string(), 1), (uid.to_string(), 1)], "{subject:?}");
        ups::unsubscribe(db, &asker, &subject, &ae_title).await.unwrap();
        for table in ["workitem_subscription", "workitem_subscriber"] {
            assert_eq!(count(&fresh, table).await, 0, "{subject:?}: {table}");
        }
    }
}

async fn what_was_told_is_not_told_again(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let none = Filter::default();
    ups::subscribe(db, &at(&system), &Subject::All, &none, &title("AI1"), false).await.unwrap();
    let mut uids = Vec::new();
    for n in 0..4 {
        uids.push((made(&fresh, &system, step(&n.to_string())).await.to_string(), 1));
    }
    // The second report was given out and the connection broke before it was sent.
    let mut broken = follower(&fresh, &system, "AI1").await;
    for _ in 0..2 {
        assert!(broken.next().await.unwrap().is_some());
    }
    broken.keep().await.unwrap();
    drop(broken);
    assert_eq!(told(&mut follower(&fresh, &system, "AI1").await).await, uids[1..]);
    assert_eq!(told(&mut follower(&fresh, &system, "AI1").await).await, []);
}

async fn what_is_made_meanwhile_is_followed_once(fresh: Fresh) {
    let system = Actor::system();
    let high = (vec![tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH".to_owned());
    let filter = Filter { keys: vec![high], fuzzy: false };
    let urgent = || {
        let mut set = DataSet::new();
        set.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
        set
    };
    let mut uids = Vec::new();
    for n in 0..20 {
        uids.push(made(&fresh, &system, step(&n.to_string())).await);
    }
    // Half of them come to fit the filter while it is subscribed to, and others are made.
    let mut work = Vec::new();
    for uid in &uids {
        let (db, uid, mut new) = (fresh.db.clone(), uid.clone(), step("new"));
        new.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
        let change = urgent();
        work.push(tokio::spawn(async move {
            let system = Actor::system();
            ups::update(&db, &at(&system), &uid, &change, None).await.unwrap();
            ups::create(&db, &at(&system), new, None).await.unwrap();
        }));
    }
    let subscribed = [(Subject::All, "ALL"), (Subject::Filtered, "SOME")].map(|(subject, ae_title)| {
        let (db, filter) = (fresh.db.clone(), filter.clone());
        tokio::spawn(async move {
            let system = Actor::system();
            ups::subscribe(&db, &at(&system), &subject, &filter, &title(ae_title), true).await.unwrap();
        })
    });
    for task in work.into_iter().chain(subscribed) {
        task.await.unwrap();
    }
    assert_eq!(count(&fresh, "workitem_subscription").await, 2 * 40);
    for ae_title in ["ALL", "SOME"] {
        let mut steps: Vec<String> = told(&mut follower(&fresh, &system, ae_title).await)
            .await
            .into_iter()
            .map(|(uid, _)| uid)
            .collect();
        assert_eq!(steps.len(), 40, "{ae_title}: each is told of once");
        steps.sort();
        steps.dedup();
        assert_eq!(steps.len(), 40, "{ae_title}");
    }
}

async fn what_is_locked_meanwhile_is_kept(fresh: Fresh) {
    let system = Actor::system();
    let mut uids = Vec::new();
    for n in 0..20 {
        let uid = made(&fresh, &system, step(&n.to_string())).await;
        ups::request_cancel(&fresh.db, &at(&system), &uid, &DataSet::new()).await.unwrap();
        uids.push(uid);
    }
    let locks: Vec<_> = uids
        .iter()
        .rev()
        .map(|uid| {
            let (db, subject) = (fresh.db.clone(), Subject::Step(uid.clone()));
            tokio::spawn(async move {
                let system = Actor::system();
                ups::subscribe(&db, &at(&system), &subject, &Filter::default(), &title("AI1"), true).await
            })
        })
        .collect();
    let pruned = ups::prune(&fresh.db, NOW_MS + 1).await.unwrap();
    let mut locked = 0;
    for (lock, uid) in locks.into_iter().zip(uids.iter().rev()) {
        match lock.await.unwrap() {
            Ok(()) => {
                locked += 1;
                assert_eq!(state(&fresh, uid).await, "CANCELED");
            }
            refused => assert!(matches!(refused, Err(WorkError::Gone)), "{refused:?}"),
        }
    }
    assert_eq!(locked + pruned, 20);
}
