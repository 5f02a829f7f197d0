//! The queue through the real router: images put into it, seen, and acted on.

use crate::support::{House, NOON_MS, administrator, somebody};
use http::StatusCode;
use pacs_core::access::{Actor, Facilities, Role};
use pacs_core::uid::AeTitle;
use serde_json::{Value, json};
use storage::devices::{self, Device};

#[tokio::test]
async fn images_are_queued_for_a_device_and_the_queue_obeys() {
    let house = House::open().await;
    house.images(1, "BVAH").await;
    let radiographer = somebody(Role::Radiographer, Facilities::All);
    let study = house.get(&radiographer, "/studies").await["items"][0]["studyUid"].clone();
    let send = format!("/studies/{}/send", study.as_str().unwrap());
    let send = async |who: &Actor, form: Value| house.ask(Some(who), "POST", &send, Some(form)).await;
    let to = |device: &str| json!({ "device": device });
    assert_eq!(send(&radiographer, to("PACS")).await.0, StatusCode::CONFLICT, "nobody knows it");
    let mut device = Device::named(AeTitle::parse("PACS").unwrap());
    devices::upsert(house.archive.database(), &device).await.unwrap();
    assert_eq!(send(&radiographer, to("PACS")).await.0, StatusCode::CONFLICT, "it has no address");
    (device.host, device.port) = (Some("10.0.0.9".into()), Some(104));
    devices::upsert(house.archive.database(), &device).await.unwrap();
    for form in [
        to(""),
        json!({ "device": "PACS", "priority": "soon" }),
        json!({ "device": "PACS", "series": ["x"] }),
        json!({ "device": "PACS", "series": ["1.2"], "instances": ["1.2"] }),
    ] {
        assert_eq!(send(&radiographer, form.clone()).await.0, StatusCode::BAD_REQUEST, "{form}");
    }
    let missing = json!({ "device": "PACS", "series": ["1.2.3"] });
    assert_eq!(send(&radiographer, missing).await.0, StatusCode::NOT_FOUND);
    assert_eq!(send(&somebody(Role::Clinician, Facilities::All), to("PACS")).await.0, StatusCode::FORBIDDEN);
    let elsewhere = somebody(Role::Radiographer, Facilities::Only(vec!["BVTL".into()]));
    assert_eq!(send(&elsewhere, to("PACS")).await.0, StatusCode::NOT_FOUND);
    let (status, queued) = send(&radiographer, to("PACS")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(send(&radiographer, to("PACS")).await.0, StatusCode::CONFLICT, "it waits already");

    let queue = house.get(&radiographer, "/queue").await;
    let row = &queue["items"][0];
    assert_eq!((&queue["open"], &row["id"], &row["state"]), (&json!(1), &queued["id"], &json!("waiting")));
    assert_eq!((&row["device"], &row["study"]["modalities"]), (&json!("PACS"), &json!(["CT"])));
    assert!(house.get(&elsewhere, "/queue").await["items"].as_array().unwrap().is_empty());
    let act = async |who: &Actor, act: &str, body: Value| {
        house.ask(Some(who), "POST", &format!("/queue/{}/{act}", queued["id"]), Some(body)).await.0
    };
    assert_eq!(act(&elsewhere, "cancel", json!({})).await, StatusCode::NOT_FOUND);
    assert_eq!(act(&radiographer, "priority", json!({ "priority": "high" })).await, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&radiographer, "/queue").await["items"][0]["priority"], "high");
    assert_eq!(act(&radiographer, "cancel", json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(act(&radiographer, "cancel", json!({})).await, StatusCode::CONFLICT);
    assert_eq!(house.get(&radiographer, "/queue?show=ended").await["items"][0]["state"], "cancelled");
    assert_eq!(act(&radiographer, "retry", json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&radiographer, "/queue").await["items"][0]["state"], "waiting");
    let failures = house.get(&radiographer, &format!("/queue/{}/failures", queued["id"])).await;
    assert_eq!(failures["items"], json!([]));
}

#[tokio::test]
async fn what_was_sent_is_sent_again_and_no_more_of_its_exam() {
    use storage::jobs::lanes;
    let house = House::open().await;
    house.images(1, "BVAH").await;
    let (who, database) = (somebody(Role::Radiographer, Facilities::All), house.archive.database());
    let mut device = Device::named(AeTitle::parse("PACS").unwrap());
    (device.host, device.port) = (Some("10.0.0.9".into()), Some(104));
    devices::upsert(database, &device).await.unwrap();
    let study = house.get(&who, "/studies").await["items"][0]["studyUid"].as_str().unwrap().to_owned();
    let uid = pacs_core::uid::Uid::parse(&study).unwrap();
    let (device, selection) = (device.ae_title, storage::transfers::Selection::Study);
    let whole = storage::transfers::Task { device, study: uid, selection };
    let places = storage::transfers::places(database, &whole, 0);
    let one = futures::TryStreamExt::try_collect::<Vec<_>>(places).await.unwrap()[0].uid.clone();
    let only = storage::transfers::Selection::Instances(vec![one]);
    let ask = async |path: String, body: Value| house.ask(Some(&who), "POST", &path, Some(body)).await;
    // A while before the correction that follows: the clock of the house stands.
    let task = storage::transfers::Task { selection: only.clone(), ..whole };
    let scope = pacs_core::access::Scope::All;
    let sent = storage::transfers::send(database, &scope, &who, &task, Default::default(), NOON_MS - 9).await;
    let again = format!("/queue/{}/resend", sent.unwrap().0);
    assert_eq!(ask(again.clone(), json!({})).await.0, StatusCode::CONFLICT, "it has not been sent yet");
    let end = async || {
        let lane = (storage::transfers::SEND, "PACS");
        let job = lanes::claim(database, lane, "w", 1000, NOON_MS).await.unwrap().unwrap();
        let task = storage::transfers::Task::of(&job).unwrap();
        lanes::done(database, job.id, "w", NOON_MS - 1).await.unwrap();
        task.selection
    };
    assert_eq!(end().await, only);
    let ended = async || house.get(&who, "/queue?show=ended").await["items"].clone();
    assert_eq!(ended().await[0]["isCorrectedSince"], false);
    let correction = json!({ "attributes": { "StudyDescription": "mới" }, "reason": "nhầm" });
    assert_eq!(ask(format!("/studies/{study}/corrections"), correction).await.0, StatusCode::OK);
    assert_eq!(ended().await[0]["isCorrectedSince"], true);

    let elsewhere = somebody(Role::Radiographer, Facilities::Only(vec!["BVTL".into()]));
    assert_eq!(house.ask(Some(&elsewhere), "POST", &again, None).await.0, StatusCode::NOT_FOUND);
    let clinician = somebody(Role::Clinician, Facilities::All);
    assert_eq!(house.ask(Some(&clinician), "POST", &again, None).await.0, StatusCode::FORBIDDEN);
    let (status, queued) = ask(again.clone(), json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{queued}");
    assert_eq!(ask(again, json!({})).await.0, StatusCode::CONFLICT, "it waits already");
    assert_eq!(ended().await[0]["isCorrectedSince"], false, "the same is on its way");
    assert_eq!(end().await, only, "the image that had been sent, and no other");
}

#[tokio::test]
async fn what_devices_are_told_is_seen_and_tried_again() {
    let house = House::open().await;
    let admin = administrator();
    let radiographer = somebody(Role::Radiographer, Facilities::All);
    let uids = |text: &str| pacs_core::uid::Uid::parse(text).unwrap();
    let request = storage::commitment::Request {
        transaction: uids("9.9"),
        device: AeTitle::parse("CT1").unwrap(),
        called: AeTitle::parse("SEN").unwrap(),
        references: vec![storage::commitment::Reference { class: uids("1.2"), instance: uids("9.8") }],
    };
    let database = house.archive.database();
    let task = storage::commitment::begin(database, request, "w", 1000, NOON_MS).await.unwrap().unwrap();
    storage::commitment::put_off(database, &task, "w", "unreachable: nobody is there", NOON_MS)
        .await
        .unwrap();
    let listed = house.get(&radiographer, "/queue/notices").await;
    let row = &listed["items"][0];
    assert_eq!(
        (&row["kind"], &row["device"], &row["state"]),
        (&json!("commitment"), &json!("CT1"), &json!("waiting"))
    );
    assert_eq!(row["error"], json!({ "code": "unreachable", "values": {}, "detail": "nobody is there" }));
    let act = async |who: &Actor, act: &str| {
        house.ask(Some(who), "POST", &format!("/queue/notices/{}/{act}", row["id"]), None).await.0
    };
    assert_eq!(act(&radiographer, "cancel").await, StatusCode::FORBIDDEN);
    assert_eq!(act(&admin, "retry").await, StatusCode::NO_CONTENT);
    assert_eq!(act(&admin, "cancel").await, StatusCode::NO_CONTENT);
    assert_eq!(act(&admin, "cancel").await, StatusCode::CONFLICT);
    assert_eq!(house.get(&admin, "/queue/notices?show=ended").await["items"][0]["state"], "cancelled");
}
