//! Subscribers that are devices: what they are told is a job each.

use pacs_core::ups::state::State;
use storage::devices::{self, Device};
use storage::jobs::lanes;
use storage::notices::{self, Kind};
use storage::transfers::Show;
use storage::ups::{Delivery, EVENT_REPORT, Filter, Subject};

use super::*;
use crate::backends::on_every_engine;

on_every_engine!(
    a_device_is_told_in_order,
    who_is_no_device_is_told_on_its_channel_alone,
    people_see_what_devices_are_told,
    what_a_device_no_longer_sees_is_not_wanted,
    a_device_that_is_gone_holds_nothing,
);

/// A device that associations can be opened to, as who subscribes.
async fn device(fresh: &Fresh, ae_title: &str, facility: Option<&str>) -> Actor {
    let mut device = Device::named(title(ae_title));
    (device.host, device.port) = (Some("127.0.0.1".into()), Some(104));
    device.facility = facility.map(str::to_owned);
    devices::upsert(&fresh.db, &device).await.unwrap();
    Actor::device(&title(ae_title), facility)
}

async fn subscribe(fresh: &Fresh, actor: &Actor, subject: &Subject, lock: bool) {
    let none = Filter::default();
    ups::subscribe(&fresh.db, &at(actor), subject, &none, &title(&actor.name), lock).await.unwrap();
}

/// What is queued for a device, taken in its order.
async fn queued(fresh: &Fresh, ae_title: &str) -> Vec<Delivery> {
    let (db, lane) = (&fresh.db, (EVENT_REPORT, ae_title));
    let mut queued = Vec::new();
    while let Some(job) = lanes::claim_in_order(db, lane, "test", 1000, NOW_MS).await.unwrap() {
        queued.push(Delivery::of(&job).unwrap());
        lanes::done(db, job.id, "test", NOW_MS).await.unwrap();
    }
    queued
}

fn of_type(deliveries: &[Delivery]) -> Vec<(String, u16)> {
    deliveries.iter().map(|delivery| (delivery.uid.to_string(), delivery.event)).collect()
}

async fn a_device_is_told_in_order(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let (one, two) = (device(&fresh, "ONE", None).await, device(&fresh, "TWO", None).await);
    subscribe(&fresh, &one, &Subject::All, false).await;
    let uid = made(&fresh, &system, step("x")).await;
    subscribe(&fresh, &two, &Subject::Step(uid.clone()), false).await;
    let key = self::uid("1.5.1");
    ups::change_state(db, &at(&system), &uid, State::InProgress, Some(&key)).await.unwrap();
    let mut asked = DataSet::new();
    asked.put_text(tags::REASON_FOR_CANCELLATION, "Bệnh nhân về");
    ups::request_cancel(db, &at(&two), &uid, &asked).await.unwrap();
    ups::restarted(db, NOW_MS).await.unwrap();

    let told = queued(&fresh, "ONE").await;
    let of = |types: &[u16]| types.iter().map(|kind| (uid.to_string(), *kind)).collect::<Vec<_>>();
    let restart = ("1.2.840.10008.5.1.4.34.5".to_owned(), 4);
    assert_eq!(of_type(&told), [of(&[1, 1, 2]), vec![restart.clone()]].concat());
    assert_eq!(told[1].set.text(tags::PROCEDURE_STEP_STATE).as_deref(), Some("IN PROGRESS"));
    assert_eq!(told[2].set.text(tags::REQUESTING_AE).as_deref(), Some("TWO"));
    assert_eq!(told[2].set.text(tags::REASON_FOR_CANCELLATION).as_deref(), Some("Bệnh nhân về"));
    assert!(told.iter().all(|delivery| delivery.set.iter().all(|element| element.tag.group() > 2)));
    // Its present state first.
    assert_eq!(of_type(&queued(&fresh, "TWO").await), [of(&[1, 1, 2]), vec![restart]].concat());

    ups::unsubscribe(db, &at(&one), &Subject::All, &title("ONE")).await.unwrap();
    ups::change_state(db, &at(&system), &uid, State::Canceled, Some(&key)).await.unwrap();
    assert_eq!(queued(&fresh, "ONE").await, []);
    assert_eq!(queued(&fresh, "TWO").await.len(), 1);
}

async fn who_is_no_device_is_told_on_its_channel_alone(fresh: Fresh) {
    let (token, ai) = (of("BVTW"), title("AI1"));
    ups::subscribe(&fresh.db, &at(&token), &Subject::All, &Filter::default(), &ai, false).await.unwrap();
    // A device with the title changes nothing: it belongs to who subscribed it.
    let device = device(&fresh, "AI1", Some("BVTW")).await;
    let refused =
        ups::subscribe(&fresh.db, &at(&device), &Subject::All, &Filter::default(), &ai, false).await;
    assert!(matches!(refused, Err(WorkError::NotTheirs)), "{refused:?}");
    let uid = made(&fresh, &token, step("x")).await;
    assert_eq!(queued(&fresh, "AI1").await, []);
    assert_eq!(told(&mut follower(&fresh, &token, "AI1").await).await, [(uid.to_string(), 1)]);
}

async fn people_see_what_devices_are_told(fresh: Fresh) {
    let actor = device(&fresh, "ONE", None).await;
    subscribe(&fresh, &actor, &Subject::All, false).await;
    let image = Image { study: "1.2.1".into(), ..Image::default() };
    store(&fresh.db, &[image]).await;
    let mut set = step("x");
    set.put_text(tags::STUDY_INSTANCE_UID, "1.2.1");
    made(&fresh, &of("BVTW"), set).await;
    let lines = notices::list(&fresh.db, &Scope::All, Show::Open, 9).await.unwrap();
    let [line] = &lines[..] else { panic!("one line") };
    assert_eq!((line.kind, line.device.as_str()), (Kind::StepReport, "ONE"));
    assert_eq!(line.study_uid.as_deref(), Some("1.2.1"));
    notices::cancel(&fresh.db, line.job, NOW_MS).await.unwrap();
    assert_eq!(queued(&fresh, "ONE").await, []);
}

async fn what_a_device_no_longer_sees_is_not_wanted(fresh: Fresh) {
    let actor = device(&fresh, "ONE", Some("BVTW")).await;
    subscribe(&fresh, &actor, &Subject::All, false).await;
    made(&fresh, &of("BVH"), step("another's")).await;
    made(&fresh, &of("BVTW"), step("its own")).await;
    let [report] = &queued(&fresh, "ONE").await[..] else { panic!("one report") };
    let mut known = devices::by_ae(&fresh.db, &title("ONE")).await.unwrap().unwrap();
    assert!(report.is_wanted(&known, NOW_MS));
    assert!(!report.is_wanted(&known, NOW_MS + 8 * 24 * 3_600_000), "it is too late");
    known.facility = Some("BVH".into());
    assert!(!report.is_wanted(&known, NOW_MS));
    known.facility = None;
    assert!(report.is_wanted(&known, NOW_MS));
}

async fn a_device_that_is_gone_holds_nothing(fresh: Fresh) {
    let (db, system) = (&fresh.db, Actor::system());
    let actor = device(&fresh, "ONE", None).await;
    subscribe(&fresh, &actor, &Subject::All, true).await;
    let uid = made(&fresh, &system, step("x")).await;
    ups::request_cancel(db, &at(&system), &uid, &DataSet::new()).await.unwrap();
    assert_eq!(queued(&fresh, "ONE").await.len(), 3);
    assert_eq!(ups::prune(db, NOW_MS + 1).await.unwrap(), 0, "it is locked");
    devices::remove(db, &title("ONE")).await.unwrap();
    let other = made(&fresh, &system, step("y")).await;
    assert_eq!(queued(&fresh, "ONE").await, []);
    assert_eq!(ups::prune(db, NOW_MS + 1).await.unwrap(), 1);
    // Its title is free for who uses it next, with the subscriptions that it still has.
    let token = of("BVTW");
    ups::suspend(db, &at(&token), &Subject::All, &title("ONE")).await.unwrap();
    assert_eq!(state(&fresh, &other).await, "SCHEDULED");
}
