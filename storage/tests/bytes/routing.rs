//! Routes: what has settled goes where the rules say, each image once.

use futures::TryStreamExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::Rejection;
use pacs_core::routing::{Conditions, Hours};
use pacs_core::uid::{AeTitle, Uid};
use storage::devices::Source;
use storage::jobs::lanes::{self, Priority};
use storage::routes::{self, Route};
use storage::transfers::{self, Show, Task};
use storage::{Archive, Error, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::samples::*;

on_every_backend!(each_image_goes_once, rules_decide_what_goes_where, rules_of_the_file_win);

fn route(name: &str, device: &str, conditions: Conditions) -> Route {
    Route {
        name: name.into(),
        device: AeTitle::parse(device).unwrap(),
        conditions,
        priority: Priority::Normal,
        is_enabled: true,
        source: Source::Rows,
    }
}

async fn follow(archive: &Archive) {
    let now_ms = archive.config().clock.now_ms();
    while routes::follow(archive.database(), now_ms).await.unwrap() {}
}

async fn settled(archive: &Archive, instances: &[Instance]) {
    send_all(archive, instances).await;
    archive.settle_study(&instances[0].study).await.unwrap();
    follow(archive).await;
}

/// What waits for a device, in its order: each transfer with its instances.
async fn waiting(archive: &Archive, device: &str) -> Vec<Vec<Uid>> {
    let (database, now_ms) = (archive.database(), archive.config().clock.now_ms());
    let mut found = Vec::new();
    while let Some(job) = lanes::claim(database, (transfers::SEND, device), "w", 1000, now_ms).await.unwrap()
    {
        let places: Vec<_> =
            transfers::places(database, &Task::of(&job).unwrap(), 0).try_collect().await.unwrap();
        found.push(places.into_iter().map(|place| place.uid).collect());
    }
    found
}

fn uids(instances: &[Instance]) -> Vec<Uid> {
    instances.iter().map(|instance| instance.uid.clone()).collect()
}

async fn each_image_goes_once(home: Home) {
    let archive = home.open().await;
    let database = archive.database();
    // What came before there was a follower stays where it is.
    let earlier = slices(2, 9);
    send_all(&archive, &earlier).await;
    archive.settle_study(&earlier[0].study).await.unwrap();
    follow(&archive).await;
    routes::upsert(database, &route("CT", "AI", Conditions::default())).await.unwrap();
    let sent = slices(7, 1);
    settled(&archive, &sent[..3]).await;
    assert_eq!(waiting(&archive, "AI").await, [uids(&sent[..3])]);
    follow(&archive).await;
    assert!(waiting(&archive, "AI").await.is_empty(), "nothing is routed twice");
    // Late images, and they alone; one that was rejected in the meantime does not go.
    let line = &transfers::list(database, &Scope::All, Show::Open, 9).await.unwrap()[0];
    assert_eq!((line.origin.as_str(), line.origin_name.as_deref()), ("route", Some("CT")));
    send_all(&archive, &sent[3..6]).await;
    let rejected = Subject::Instance(sent[5].uid.clone());
    archive.reject(&Scope::All, &Actor::system(), &rejected, Rejection::Quality).await.unwrap();
    archive.settle_study(&sent[0].study).await.unwrap();
    follow(&archive).await;
    assert_eq!(waiting(&archive, "AI").await, [uids(&sent[3..5])]);
    // The last image is deleted, and its row's number given again.
    let last = Subject::Instance(sent[5].uid.clone());
    archive.delete(&Scope::All, &Actor::system(), &last, "sent again").await.unwrap();
    settled(&archive, &sent[6..]).await;
    assert_eq!(waiting(&archive, "AI").await, [uids(&sent[6..])]);
    archive.close().await;
}

async fn rules_decide_what_goes_where(home: Home) {
    let archive = home.open().await;
    let database = archive.database();
    follow(&archive).await;
    let list = |value: &str| vec![value.to_owned()];
    for rule in [
        route("1", "ALL", Conditions::default()),
        route("2", "ALL", Conditions { modality: list("CT"), ..Conditions::default() }),
        route("3", "CT", Conditions { modality: list("ct"), facility: list("A"), ..Conditions::default() }),
        route("4", "MR", Conditions { modality: list("MR"), ..Conditions::default() }),
        route("5", "WS", Conditions { calling_ae: list("CT2"), ..Conditions::default() }),
        // Where it came from.
        route("6", "CT1", Conditions::default()),
        Route { is_enabled: false, ..route("7", "OFF", Conditions::default()) },
    ] {
        routes::upsert(database, &rule).await.unwrap();
    }
    let sent = slices(2, 2);
    settled(&archive, &sent).await;
    assert_eq!(waiting(&archive, "ALL").await, [uids(&sent)], "once, though two rules say so");
    assert_eq!(waiting(&archive, "CT").await, [uids(&sent)]);
    for nothing in ["MR", "WS", "CT1", "OFF"] {
        assert!(waiting(&archive, nothing).await.is_empty(), "{nothing}");
    }
    routes::remove(database, "1").await.unwrap();
    assert!(matches!(routes::remove(database, "1").await, Err(Error::NotFound)));
    archive.close().await;
}

async fn rules_of_the_file_win(home: Home) {
    let archive = home.open().await;
    let database = archive.database();
    let night = Conditions { hours: Hours::parse("18:00-06:00"), ..Conditions::default() };
    let own = route("night", "OWN", Conditions::default());
    routes::upsert(database, &own).await.unwrap();
    let of_file = Route { source: Source::File, ..route("night", "FILE", night) };
    routes::from_file(database, std::slice::from_ref(&of_file)).await.unwrap();
    assert_eq!(routes::list(database).await.unwrap(), std::slice::from_ref(&of_file));
    assert!(matches!(routes::upsert(database, &own).await, Err(Error::Conflict(_))));
    assert!(matches!(routes::remove(database, "night").await, Err(Error::Conflict(_))));
    routes::from_file(database, &[]).await.unwrap();
    assert!(routes::list(database).await.unwrap().is_empty());
    archive.close().await;
}
